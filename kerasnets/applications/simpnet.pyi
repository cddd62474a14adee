# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def SimpNets(
    kernels: Sequence[Sequence[int]],
    filters: Sequence[int],
    dropout: float = 0.2,
    strides: Sequence[int] = (),
    downsampling: Literal["saf", "pool", "stride"] = "saf",
    dropout_at: Literal["all", "end"] = "all",
    act: str | Callable[..., Any] = "relu",
    *,
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
) -> keras.Model: ...
def SimpleNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3, 3, 3, 3), (3, 3, 3), (3, 3), (3, 1, 1), (3,)),
    filters: Sequence[int] = ...,
    dropout: float = 0.2,
    strides: Sequence[int] = (),
    downsampling: Literal["saf", "pool", "stride"] = "saf",
    dropout_at: Literal["all", "end"] = "all",
    act: str | Callable[..., Any] = "relu",
) -> keras.Model: ...
def SimpNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3, 3, 3, 3, 3), (3, 3, 3, 3, 3), (3, 3, 3)),
    filters: Sequence[int] = ...,
    dropout: float = 0.2,
    strides: Sequence[int] = (),
    downsampling: Literal["saf", "pool", "stride"] = "saf",
    dropout_at: Literal["all", "end"] = "all",
    act: str | Callable[..., Any] = "relu",
) -> keras.Model: ...
def SimpNetSlim300K(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3, 3, 3, 3, 3), (3, 3, 3, 3, 3), (3, 3, 3)),
    filters: Sequence[int] = (30, 40, 40, 40, 50, 50, 50, 50, 50, 58, 58, 70, 90),
    dropout: float = 0.1,
    strides: Sequence[int] = (),
    downsampling: Literal["saf", "pool", "stride"] = "saf",
    dropout_at: Literal["all", "end"] = "all",
    act: str | Callable[..., Any] = "relu",
) -> keras.Model: ...
def SimpNetSlim600K(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3, 3, 3, 3, 3), (3, 3, 3, 3, 3), (3, 3, 3)),
    filters: Sequence[int] = (40, 60, 60, 60, 72, 73, 73, 73, 75, 81, 82, 90, 120),
    dropout: float = 0.1,
    strides: Sequence[int] = (),
    downsampling: Literal["saf", "pool", "stride"] = "saf",
    dropout_at: Literal["all", "end"] = "all",
    act: str | Callable[..., Any] = "relu",
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
