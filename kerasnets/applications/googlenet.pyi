# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def auxiliary(x, classes, activation, batch_norm=..., name=...) -> Any: ...
def module(x, ones, reduce3, threes, reduce5, fives, project, convolve, name) -> Any: ...
def naive_module(x, ones, reduce3, threes, reduce5, fives, project, convolve, name) -> Any: ...
def GoogLeNets(
    modules: Sequence[Sequence[Any]],
    naive: Sequence[str] = (),
    aux_heads: bool = False,
    batch_norm: bool = False,
    dropout: float = 0.4,
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
def GoogLeNet(
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
    naive: Sequence[str] = (),
    aux_heads: bool = False,
    batch_norm: bool = False,
    dropout: float = 0.4,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
