# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def classifier(x, classes, activation, dropout=..., embedding=...) -> Any: ...
def module(x, rows, scale, convolve, name) -> Any: ...
def InceptionResNet(
    version: Literal[1, 2],
    depths: Sequence[int],
    stem_form: Literal["v3", "v4"] = "v3",
    alpha: float = 1.0,
    dropout: float = 0.2,
    embedding: int | None = None,
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
def InceptionResNetV1(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    version: Literal[1, 2] = 1,
    depths: Sequence[int] = (5, 10, 6),
    stem_form: Literal["v3", "v4"] = "v3",
    alpha: float = 1.0,
    dropout: float = 0.2,
    embedding: int | None = None,
) -> keras.Model: ...
def InceptionResNetV2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    version: Literal[1, 2] = 2,
    depths: Sequence[int] = (10, 20, 10),
    stem_form: Literal["v3", "v4"] = "v3",
    alpha: float = 1.0,
    dropout: float = 0.2,
    embedding: int | None = None,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
