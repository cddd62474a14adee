# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def compete(new, old, form, width, reduction, name) -> Any: ...
def double_fc(new, old, reduction, name) -> Any: ...
def imaged(new, old, groups, kernel, reduction, name) -> Any: ...
def CMPESEWRN(
    depth: int,
    width: int,
    form: Literal["double_fc", "pair_view", "inner_imaging"] = "inner_imaging",
    reduction: int = 16,
    dropout: float = 0.0,
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
def CMPESEWRN28_10(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depth: int = 28,
    width: int = 10,
    form: Literal["double_fc", "pair_view", "inner_imaging"] = "inner_imaging",
    reduction: int = 16,
    dropout: float = 0.0,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
