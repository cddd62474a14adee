# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def MobileNets(
    depths: Sequence[int],
    alpha: float = 1.0,
    separable: bool = True,
    squeeze_excite: int | None = None,
    padding: Literal["same", "symmetric"] = "same",
    act: str | Callable[..., Any] = "relu6",
    rho: float = 1.0,
    dropout: float = 0.001,
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
def MobileNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (1, 2, 2, 6, 2),
    alpha: float = 1.0,
    separable: bool = True,
    squeeze_excite: int | None = None,
    padding: Literal["same", "symmetric"] = "same",
    act: str | Callable[..., Any] = "relu6",
    rho: float = 1.0,
    dropout: float = 0.001,
) -> keras.Model: ...
def ConvMobileNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (1, 2, 2, 6, 2),
    alpha: float = 1.0,
    separable: bool = False,
    squeeze_excite: int | None = None,
    padding: Literal["same", "symmetric"] = "same",
    act: str | Callable[..., Any] = "relu6",
    rho: float = 1.0,
    dropout: float = 0.001,
) -> keras.Model: ...
def ShallowMobileNet(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    depths: Sequence[int] = (1, 2, 2, 1, 2),
    alpha: float = 1.0,
    separable: bool = True,
    squeeze_excite: int | None = None,
    padding: Literal["same", "symmetric"] = "same",
    act: str | Callable[..., Any] = "relu6",
    rho: float = 1.0,
    dropout: float = 0.001,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
