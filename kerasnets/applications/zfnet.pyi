# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def ZFNets(
    filters: Sequence[int],
    normalize_first: bool = False,
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
def ZFNet(
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
    normalize_first: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def ZFNet512(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    filters: Sequence[int] = (96, 256, 512, 1024, 512),
    normalize_first: bool = False,
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
