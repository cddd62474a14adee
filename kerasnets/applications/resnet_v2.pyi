# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]
CIFAR_TABLE: dict[str, dict[str, Any]]

def ResNetV2(
    depths: Sequence[int],
    bottleneck: bool = True,
    stem_form: Literal["activated", "bare", "repeated"] = "activated",
    image_norm: bool = False,
    released: bool = False,
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
def CIFARResNetV2(
    depth: int,
    bottleneck: bool = True,
    stride_in: Literal["1x1", "3x3"] = "1x1",
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
def ResNet18V2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (2, 2, 2, 2),
    bottleneck: bool = False,
    stem_form: Literal["activated", "bare", "repeated"] = "activated",
    image_norm: bool = False,
    released: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def ResNet34V2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (3, 4, 6, 3),
    bottleneck: bool = False,
    stem_form: Literal["activated", "bare", "repeated"] = "activated",
    image_norm: bool = False,
    released: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def ResNet50V2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (3, 4, 6, 3),
    bottleneck: bool = True,
    stem_form: Literal["activated", "bare", "repeated"] = "activated",
    image_norm: bool = False,
    released: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def ResNet101V2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (3, 4, 23, 3),
    bottleneck: bool = True,
    stem_form: Literal["activated", "bare", "repeated"] = "activated",
    image_norm: bool = False,
    released: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def ResNet152V2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (3, 8, 36, 3),
    bottleneck: bool = True,
    stem_form: Literal["activated", "bare", "repeated"] = "activated",
    image_norm: bool = False,
    released: bool = False,
    alpha: float = 1.0,
) -> keras.Model: ...
def ResNet164V2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depth: int = 164,
    bottleneck: bool = True,
    stride_in: Literal["1x1", "3x3"] = "1x1",
    alpha: float = 1.0,
) -> keras.Model: ...
def ResNet1001V2(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depth: int = 1001,
    bottleneck: bool = True,
    stride_in: Literal["1x1", "3x3"] = "1x1",
    alpha: float = 1.0,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
