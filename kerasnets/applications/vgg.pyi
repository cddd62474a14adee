# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def VGG(
    kernels: Sequence[Sequence[int]],
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    lrn: bool = False,
    batch_norm: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
    *,
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
) -> keras.Model: ...
def VGG11(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    lrn: bool = False,
    batch_norm: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def VGG11LRN(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    lrn: bool = True,
    batch_norm: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def VGG13(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    lrn: bool = False,
    batch_norm: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def VGG16C(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    lrn: bool = False,
    batch_norm: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def VGG16(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    lrn: bool = False,
    batch_norm: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def VGG19(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    kernels: Sequence[Sequence[int]] = ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    lrn: bool = False,
    batch_norm: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
