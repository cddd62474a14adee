# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def is_module(row) -> Any: ...
def branches_of(module) -> Any: ...
def BNInceptions(
    modules: Sequence[Sequence[Any]],
    separable_stem: bool = False,
    include_pad: bool = False,
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
def BNInception(
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
    separable_stem: bool = False,
    include_pad: bool = False,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
