# Written by `python recipes/models.py`.
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

TABLE: dict[str, dict[str, Any]]

def fractal(x, widths, mixed, dropout, meet, name) -> Any: ...
def unit(x, filters, mixed, dropout, name) -> Any: ...
def join(ends, draw, drop_path, name) -> Any: ...
def column(model, index) -> Any: ...
def FractalNet(
    filters: Sequence[int],
    columns: int,
    taper: float = 1.0,
    widen: Literal["conv", "project"] = "conv",
    mixed: bool = False,
    dropout: float = 0.4,
    drop_path: float = 0.15,
    global_drop_path: float = 0.5,
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
def FractalNet20(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    columns: int = 3,
    taper: float = 1.0,
    widen: Literal["conv", "project"] = "project",
    mixed: bool = False,
    dropout: float = 0.4,
    drop_path: float = 0.15,
    global_drop_path: float = 0.5,
) -> keras.Model: ...
def FractalNet40(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    filters: Sequence[int] = (128, 256, 512, 1024, 1024),
    columns: int = 4,
    taper: float = 0.5,
    widen: Literal["conv", "project"] = "conv",
    mixed: bool = True,
    dropout: float = 0.4,
    drop_path: float = 0.15,
    global_drop_path: float = 0.5,
) -> keras.Model: ...
def FractalNet80(
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 100,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str | None = None,
    *,
    filters: Sequence[int] = (16, 32, 64, 128, 128),
    columns: int = 5,
    taper: float = 1.0,
    widen: Literal["conv", "project"] = "conv",
    mixed: bool = False,
    dropout: float = 0.4,
    drop_path: float = 0.15,
    global_drop_path: float = 0.5,
) -> keras.Model: ...
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
