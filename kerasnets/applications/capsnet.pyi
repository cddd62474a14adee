# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def capsule_head(x, classes, activation, images, iterations=..., decoder=..., hidden=...) -> Any: ...
def make_decoder(x, images, hidden) -> Any: ...
def labeled(model) -> Any: ...
def CapsNets(
    alpha: float = 1.0,
    decoder: bool = False,
    hidden: Sequence[int] = (512, 1024),
    iterations: int = 3,
    *,
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = None,
    name: str | None = None,
) -> keras.Model: ...
def CapsNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = None,
    name: str | None = None,
    *,
    alpha: float = 1.0,
    decoder: bool = False,
    hidden: Sequence[int] = (512, 1024),
    iterations: int = 3,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
