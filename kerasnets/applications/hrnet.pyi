# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def transition(maps, filters, name) -> Any: ...
def module(maps, rows, units, name) -> Any: ...
def exchange(maps, name) -> Any: ...
def HRNet(
    width: int,
    depths: Sequence[int] = (1, 1, 4, 3),
    units: int = 4,
    pyramid: bool = False,
    alpha: float = 1.0,
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
def HRNetV2W18(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    width: int = 18,
    depths: Sequence[int] = (1, 1, 4, 3),
    units: int = 4,
    pyramid: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def HRNetV2W30(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    width: int = 30,
    depths: Sequence[int] = (1, 1, 4, 3),
    units: int = 4,
    pyramid: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def HRNetV2W32(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    width: int = 32,
    depths: Sequence[int] = (1, 1, 4, 3),
    units: int = 4,
    pyramid: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def HRNetV2W40(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    width: int = 40,
    depths: Sequence[int] = (1, 1, 4, 3),
    units: int = 4,
    pyramid: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def HRNetV2W44(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    width: int = 44,
    depths: Sequence[int] = (1, 1, 4, 3),
    units: int = 4,
    pyramid: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def HRNetV2W48(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    width: int = 48,
    depths: Sequence[int] = (1, 1, 4, 3),
    units: int = 4,
    pyramid: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def HRNetV2W64(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    width: int = 64,
    depths: Sequence[int] = (1, 1, 4, 3),
    units: int = 4,
    pyramid: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
