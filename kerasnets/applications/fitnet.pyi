# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def maxout_head(x, classes, activation, hidden, hidden_pieces) -> Any: ...
def maxout_conv(x, filters, pieces, name) -> Any: ...
def FitNet(
    depths: Sequence[int],
    filters: Sequence[int],
    pieces: int = 2,
    hidden: Sequence[int] = (500,),
    hidden_pieces: int = 2,
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
def FitNet1(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (3, 3, 3),
    filters: Sequence[int] = (16, 16, 16, 32, 32, 32, 48, 48, 64),
    pieces: int = 2,
    hidden: Sequence[int] = (500,),
    hidden_pieces: int = 2,
) -> keras.Model: ...
def FitNet2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (3, 3, 3),
    filters: Sequence[int] = (16, 32, 32, 48, 64, 80, 96, 96, 128),
    pieces: int = 2,
    hidden: Sequence[int] = (500,),
    hidden_pieces: int = 2,
) -> keras.Model: ...
def FitNet3(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (4, 4, 3),
    filters: Sequence[int] = (32, 48, 64, 64, 80, 80, 80, 80, 128, 128, 128),
    pieces: int = 2,
    hidden: Sequence[int] = (500,),
    hidden_pieces: int = 2,
) -> keras.Model: ...
def FitNet4(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (5, 6, 6),
    filters: Sequence[int] = ...,
    pieces: int = 2,
    hidden: Sequence[int] = (500,),
    hidden_pieces: int = 2,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
