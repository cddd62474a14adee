# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]
CIFAR_TABLE: dict[str, dict[str, Any]]

def dense_blocks(x, depths, growth, keep, bottleneck, memory_efficient) -> Any: ...
def dense_layer(x, growth, bottleneck, form, name) -> Any: ...
def transition(x, keep, form, name) -> Any: ...
def concatenate(x, new, name) -> Any: ...
def append(x, new, name) -> Any: ...
def recomputed(x, filters, kernel, name) -> Any: ...
def DenseNet(
    depths: Sequence[int],
    growth: int = 32,
    keep: float = 0.5,
    memory_efficient: bool = False,
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
def CIFARDenseNet(
    depth: int,
    growth: int = 12,
    keep: float = 1.0,
    bottleneck: bool = False,
    memory_efficient: bool = False,
    stem: int | None = None,
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
def DenseNet121(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (6, 12, 24, 16),
    growth: int = 32,
    keep: float = 0.5,
    memory_efficient: bool = False,
) -> keras.Model: ...
def DenseNet161(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (6, 12, 36, 24),
    growth: int = 48,
    keep: float = 0.5,
    memory_efficient: bool = False,
) -> keras.Model: ...
def DenseNet169(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (6, 12, 32, 32),
    growth: int = 32,
    keep: float = 0.5,
    memory_efficient: bool = False,
) -> keras.Model: ...
def DenseNet201(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (6, 12, 48, 32),
    growth: int = 32,
    keep: float = 0.5,
    memory_efficient: bool = False,
) -> keras.Model: ...
def DenseNet264(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (6, 12, 64, 48),
    growth: int = 32,
    keep: float = 0.5,
    memory_efficient: bool = False,
) -> keras.Model: ...
def DenseNet40(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depth: int = 40,
    growth: int = 12,
    keep: float = 1.0,
    bottleneck: bool = False,
    memory_efficient: bool = False,
    stem: int | None = None,
) -> keras.Model: ...
def DenseNet100(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depth: int = 100,
    growth: int = 12,
    keep: float = 1.0,
    bottleneck: bool = False,
    memory_efficient: bool = False,
    stem: int | None = None,
) -> keras.Model: ...
def DenseNetBC100(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depth: int = 100,
    growth: int = 12,
    keep: float = 0.5,
    bottleneck: bool = True,
    memory_efficient: bool = False,
    stem: int | None = None,
) -> keras.Model: ...
def DenseNetBC190(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depth: int = 190,
    growth: int = 40,
    keep: float = 0.5,
    bottleneck: bool = True,
    memory_efficient: bool = False,
    stem: int | None = None,
) -> keras.Model: ...
def DenseNetBC250(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depth: int = 250,
    growth: int = 24,
    keep: float = 0.5,
    bottleneck: bool = True,
    memory_efficient: bool = False,
    stem: int | None = None,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
