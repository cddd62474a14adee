# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def subsample(x, copies, trainable, name) -> Any: ...
def LeNet(
    filters: Sequence[int],
    connections: Sequence[Sequence[int]] | None = None,
    full_connection: bool = False,
    trainable_pooling: bool = False,
    copies: int = 1,
    act: str | Callable[..., Any] = "tanh",
    hidden: Sequence[int] = (84,),
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
def LeNet1(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    filters: Sequence[int] = (4, 12),
    connections: Sequence[Sequence[int]] | None = ...,
    full_connection: bool = False,
    trainable_pooling: bool = False,
    copies: int = 1,
    act: str | Callable[..., Any] = "tanh",
    hidden: Sequence[int] = (),
) -> keras.Model: ...
def LeNet4(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    filters: Sequence[int] = (4, 16, 120),
    connections: Sequence[Sequence[int]] | None = None,
    full_connection: bool = False,
    trainable_pooling: bool = False,
    copies: int = 2,
    act: str | Callable[..., Any] = "tanh",
    hidden: Sequence[int] = (),
) -> keras.Model: ...
def LeNet5(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    filters: Sequence[int] = (6, 16, 120),
    connections: Sequence[Sequence[int]] | None = ...,
    full_connection: bool = False,
    trainable_pooling: bool = False,
    copies: int = 1,
    act: str | Callable[..., Any] = "tanh",
    hidden: Sequence[int] = (84,),
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
