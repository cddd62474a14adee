# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def padded(x, first) -> Any: ...
def AlexNets(
    filters: Sequence[int],
    groups: int = 2,
    lrn: bool = True,
    pool_first: bool = False,
    window: int = 3,
    removed: int | None = None,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
    dropout_first: bool = False,
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
def AlexNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    filters: Sequence[int] = (96, 256, 384, 384, 256),
    groups: int = 2,
    lrn: bool = True,
    pool_first: bool = False,
    window: int = 3,
    removed: int | None = None,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
    dropout_first: bool = False,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
