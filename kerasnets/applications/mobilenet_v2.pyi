# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def inverted_residual(x, filters, expansion, strides, padding, name) -> Any: ...
def convolve(x, filters, kernel, strides=..., padding=..., name=...) -> Any: ...
def make_divisible(filters) -> Any: ...
def MobileNetV2s(
    depths: Sequence[int],
    filters: Sequence[int],
    alpha: float = 1.0,
    expansion: int = 6,
    padding: Literal["same", "symmetric"] = "same",
    rho: float = 1.0,
    dropout: float = 0.2,
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
def MobileNetV2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (1, 2, 3, 4, 3, 3, 1),
    filters: Sequence[int] = (32, 16, 24, 32, 64, 96, 160, 320, 1280),
    alpha: float = 1.0,
    expansion: int = 6,
    padding: Literal["same", "symmetric"] = "same",
    rho: float = 1.0,
    dropout: float = 0.2,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
