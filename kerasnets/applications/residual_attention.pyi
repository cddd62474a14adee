# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]
CIFAR_TABLE: dict[str, dict[str, Any]]

def stages(x, filters, depths, module, closed=...) -> Any: ...
def attention_module(x, poolings, p, t, r, kind, name) -> Any: ...
def down_and_up(x, poolings, r, name) -> Any: ...
def chain(x, depth, name, first=...) -> Any: ...
def unit(x, filters=..., strides=..., name=...) -> Any: ...
def ResidualAttention(
    depths: Sequence[int],
    pre_units: int = 1,
    trunk_units: int = 2,
    mask_units: int = 1,
    attention: Literal["mixed", "channel", "spatial"] = "mixed",
    alpha: float = 1.0,
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
def CIFARResidualAttention(
    depths: Sequence[int],
    pre_units: int = 1,
    trunk_units: int = 2,
    mask_units: int = 1,
    attention: Literal["mixed", "channel", "spatial"] = "mixed",
    alpha: float = 1.0,
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
def Attention56(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (1, 1, 1),
    pre_units: int = 1,
    trunk_units: int = 2,
    mask_units: int = 1,
    attention: Literal["mixed", "channel", "spatial"] = "mixed",
    alpha: float = 1.0,
) -> keras.Model: ...
def Attention92(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (1, 2, 3),
    pre_units: int = 1,
    trunk_units: int = 2,
    mask_units: int = 1,
    attention: Literal["mixed", "channel", "spatial"] = "mixed",
    alpha: float = 1.0,
) -> keras.Model: ...
def Attention92C(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (2, 2, 2),
    pre_units: int = 1,
    trunk_units: int = 2,
    mask_units: int = 1,
    attention: Literal["mixed", "channel", "spatial"] = "mixed",
    alpha: float = 1.0,
) -> keras.Model: ...
def Attention236C(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (6, 6, 6),
    pre_units: int = 1,
    trunk_units: int = 2,
    mask_units: int = 1,
    attention: Literal["mixed", "channel", "spatial"] = "mixed",
    alpha: float = 1.0,
) -> keras.Model: ...
def Attention452C(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (6, 6, 6),
    pre_units: int = 2,
    trunk_units: int = 4,
    mask_units: int = 3,
    attention: Literal["mixed", "channel", "spatial"] = "mixed",
    alpha: float = 1.0,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
