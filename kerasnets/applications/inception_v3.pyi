# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def auxiliary(x, classes, activation, name, alpha) -> Any: ...
def InceptionV3s(
    depths: Sequence[int],
    alpha: float = 1.0,
    aux_heads: bool = False,
    squeeze_excite: int | None = None,
    include_pad: bool = False,
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
def InceptionV3(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (3, 4, 2),
    alpha: float = 1.0,
    aux_heads: bool = False,
    squeeze_excite: int | None = None,
    include_pad: bool = False,
    dropout: float = 0.2,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
