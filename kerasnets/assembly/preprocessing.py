"""How a model takes its images scaled, as far as the model says."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any, Literal

import keras
from keras import layers

from kerasnets.assembly.registry import builder_of
from kerasnets.checks import nearest, refuse
from kerasnets.graph import functional, has_graph, nodes
from kerasnets.scaling import MODES, Scaling, agree, scaled_noise
from kerasnets.weights.card import card_of, input_card, set_preprocess, shape_of

FUNCTION = f"a function or one of {', '.join(map(repr, MODES))}"
SCALERS = (layers.Normalization, layers.Rescaling)
ARITHMETIC = ("Add", "Divide", "Multiply", "Matmul", "Subtract", "TrueDivide")  # classes of operations
REORDERING = {"Flip", "GetItem", "Stack"}  # may leave the channels in another order
# Layers and operations without weights that leave the values of pixels as they are.
PASSED = REORDERING | {
    "Cast", "CenterCrop", "Dropout", "Flatten", "Identity", "Reshape", "Resizing", "ZeroPadding2D",
    "ZeroPadding3D",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Taken:
    """How a model takes its images scaled.

    Attributes:
        scaling: The scaling of images of values 0..255, or None if nothing says it.
        source: Where this is known from: "recorded" in the model's card; "layers" of the model, which scale
            the images, so that it takes them as they are; "builder", the scaling of `preprocess_input`; or
            "unknown".
    """

    scaling: Scaling | None
    source: Literal["recorded", "layers", "builder", "unknown"]


UNKNOWN = Taken(None, "unknown")


def taken(model: keras.Model) -> Taken:
    """How a model takes its images scaled, as far as the model says."""
    card = card_of(model)
    if card.scaling is not None:
        return Taken(card.scaling, "recorded")
    made = card if card.builder else input_card(model)
    if made.builder and "input_tensor" not in made.changes:
        return of_builder(made.builder, made.family, model)
    found = first_of(model)
    if found == "layers":
        return Taken(MODES["none"], "layers")
    if found == "unknown":
        return UNKNOWN
    if found is not None:
        return taken(found)
    return of_builder(made.builder or model.name, made.family, model)


def offer(model: keras.Model) -> None:
    """Makes the scaling that a model says it needs `model.preprocess_input`."""
    scaling = taken(model).scaling
    if scaling is not None:
        set_preprocess(model, scaling)


def of_builder(name: str, family: str | None, model: keras.Model) -> Taken:
    """The scaling of the `preprocess_input` of a builder, if there is one and it fits a model's channels."""
    builder = builder_of(name, family)
    scaling = getattr(builder, "preprocess_input", None)
    return Taken(scaling, "builder") if scaling and scaling.fits(shape_of(model)[-1]) else UNKNOWN


def first_of(model: keras.Model) -> Any:
    """What images meet first in a model: "layers" that scale them, a nested net, or something "unknown".

    Returns:
        One of these; None if images reach layers with weights as they are.
    """
    if not has_graph(model):
        return None
    model, changed, reached = functional(model), False, False
    images = {id(x): False for x in model.inputs}  # whether their channels may be in another order
    for node in nodes(model):
        operation, found = node.operation, None
        read = [images[id(x)] for x in node.input_tensors if id(x) in images]
        if not read:
            continue
        weighs = bool(getattr(operation, "weights", ()))
        if has_graph(operation):
            found = operation if weighs else first_of(operation)
        elif isinstance(operation, SCALERS) or type(operation).__name__ in ARITHMETIC:
            return "layers"
        elif not weighs and not passes(operation):
            changed = True
            continue
        if weighs and any(read):
            return "unknown"
        if found is not None:
            return found
        if weighs:
            reached = True
        else:
            reordered = any(read) or type(operation).__name__ in REORDERING
            images |= {id(x): reordered for x in node.outputs}
    return "unknown" if changed and not reached else None


def passes(operation: Any) -> bool:
    """Whether images are still images behind a layer or an operation without weights."""
    name = type(operation).__name__
    return name in PASSED or name.startswith("Random")


def preprocessing(model: keras.Model, preprocess: Callable | str | None) -> tuple[str, Callable]:
    """The name and the function of the scaling of a model's images.

    Args:
        model: The model.
        preprocess: A function of images, a `Scaling`, or a key of `MODES`; None for what the model says.

    Raises:
        ValueError: `preprocess` is unknown, does not fit the channels, or differs from what is recorded of
            the model; or it is None and nothing says how the model takes its images.
    """
    if preprocess is None:
        return said(model)
    function = named(preprocess)
    if isinstance(function, Scaling) and not function.fits(shape_of(model)[-1]):
        refuse("preprocess", f"a scaling of {shape_of(model)[-1]} channels for {model.name}", function.name)
    name = function.name if isinstance(function, Scaling) else getattr(function, "__name__", "own")
    check_function(function, name, shape_of(model))
    known = taken(model)
    if known.source == "recorded" and not agree(function, known.scaling, shape_of(model)):
        raise ValueError(
            f"`preprocess` is None or {known.scaling.name!r}, as the images of {model.name} were scaled for "
            f"its training. Received: preprocess={name!r}. If the record is wrong, "
            "kerasnets.weights.describe(model, scaling=...) corrects it"
        )
    return name, function


def named(preprocess: Callable | str) -> Callable:
    """The scaling of a name of `MODES`, or a function itself; refuses what is neither."""
    if not callable(preprocess) and preprocess not in tuple(MODES):
        raise ValueError(
            f"`preprocess` is None, {FUNCTION}.{nearest(preprocess, MODES)} "
            f"Received: preprocess={preprocess!r}"
        )
    return preprocess if callable(preprocess) else MODES[preprocess]


def check_function(function: Callable, name: str, shape: tuple[int | None, ...]) -> None:
    """Refuses a function that fails for images of a shape, or gives none of the same shape."""
    allowed = f"a function of images, (n, {', '.join(map(str, shape))}), that returns such images"
    try:
        found = scaled_noise(function, shape)
    except Exception as error:  # whatever a user's function raises
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"`preprocess` is {allowed}. Received: preprocess={name!r}: {first}") from error
    sides = tuple(side or 8 for side in shape)
    if found.shape != (2, *sides) or found.dtype.kind not in "fiuV":  # numpy has no kind for bfloat16
        refuse("preprocess", allowed, f"{name}, which returns {found.dtype}, {found.shape}")


def said(model: keras.Model) -> tuple[str, Scaling]:
    """The name and the function of the scaling that a model says; refuses a model that says none."""
    known = taken(model)
    if known.scaling is None:
        raise ValueError(
            f"`preprocess` is {FUNCTION} for {model.name}: it takes {shape_of(model)[-1]} channels, and "
            "nothing says how they were scaled for its training. 'none' leaves 0..255. "
            "Received: preprocess=None"
        )
    if known.source == "builder":
        warnings.warn(
            f"how the images of {model.name} were scaled for its training is not recorded. Used is the "
            f"scaling of its preprocess_input, {known.scaling.name!r}; if it was another, pass `preprocess`",
            stacklevel=2,
        )
    return known.scaling.name, known.scaling
