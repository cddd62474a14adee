# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def is_mlpconv(row) -> Any: ...
def average_pool(x, name) -> Any: ...
def padded_max_pool(x, name) -> Any: ...
def padded_average_pool(x, name) -> Any: ...
def NINs(
    mlpconvs: Sequence[Sequence[Any]],
    dropout: float = 0.5,
    pool_padding: Literal["end", "both"] = "end",
    *,
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
) -> keras.Model: ...
def NIN(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    mlpconvs: Sequence[Sequence[Any]] = ...,
    dropout: float = 0.5,
    pool_padding: Literal["end", "both"] = "end",
) -> keras.Model: ...
def NINImageNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    mlpconvs: Sequence[Sequence[Any]] = ...,
    dropout: float = 0.5,
    pool_padding: Literal["end", "both"] = "end",
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
