# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def classifier(x, classes, activation, dropout=..., released=...) -> Any: ...
def fire(x, squeeze, ones, threes, bypass, name) -> Any: ...
def SqueezeNets(
    modules: Sequence[Sequence[Any]],
    bypass: Literal["simple", "complex"] | None = None,
    pool_dropout: float = 0.0,
    dropout: float = 0.5,
    released: bool = False,
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
def SqueezeNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    modules: Sequence[Sequence[Any]] = ...,
    bypass: Literal["simple", "complex"] | None = None,
    pool_dropout: float = 0.0,
    dropout: float = 0.5,
    released: bool = False,
) -> keras.Model: ...
def SqueezeNet11(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    modules: Sequence[Sequence[Any]] = ...,
    bypass: Literal["simple", "complex"] | None = None,
    pool_dropout: float = 0.0,
    dropout: float = 0.5,
    released: bool = False,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
