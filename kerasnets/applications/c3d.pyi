# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def C3Ds(
    depths: Sequence[int],
    filters: Sequence[int],
    pool_padding: Literal["end", "both"] = "end",
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
    *,
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 101,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
) -> keras.Model: ...
def C3D(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 101,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (1, 1, 2, 2, 2),
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    pool_padding: Literal["end", "both"] = "end",
    hidden: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
