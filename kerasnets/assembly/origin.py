"""Where a net comes from: its builder and the builder's arguments, as the net's card records them."""

import json
import os
from collections.abc import Mapping
from typing import Any, NoReturn

import keras
import numpy as np

from kerasnets import weights
from kerasnets.assembly.options import pick
from kerasnets.assembly.preprocessing import offer
from kerasnets.assembly.registry import builder_of
from kerasnets.graph import deep_recursion
from kerasnets.weights.files import load_whole

# Options of families that change how a net is trained, but not what it computes when trained.
TRAINING_ONLY = (
    "drop_path",
    "dropout",
    "dropout_at",
    "dropout_first",
    "global_drop_path",
    "input_dropout",
    "max_norm",
    "memory_efficient",
    "pool_dropout",
)


def as_data(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a builder as JSON data."""
    return json.loads(json.dumps(dict(arguments), default=plain))


def plain(value: Any) -> Any:
    """A number of numpy as Python's, and an activation as Keras can rebuild it, or else by its name alone."""
    if isinstance(value, np.generic):
        return value.item()
    try:
        data = keras.activations.serialize(value)
        keras.activations.get(data)
    except (TypeError, ValueError):
        return getattr(value, "__name__", type(value).__name__)
    return data


def check_origin(path: str | os.PathLike, name: str, spec: Any, arguments: Mapping[str, Any]) -> None:
    """Refuses a file of weights that belong to another net.

    Args:
        path: Path of the file. A file without a card is not refused.
        name: Name of the builder of the net.
        spec: The builder's `Spec`.
        arguments: The arguments of the builder, but for its weights and the name of the model.

    Raises:
        ValueError: The file is damaged, or its card names another net. The message names both.
    """
    card = weights.read_card(path)
    if card is None or card.builder is None:
        return
    other, path = builder_of(card.builder, card.family), os.fspath(path)
    made = " changed by ".join([card.builder, *([", ".join(card.changes)] if card.changes else [])])
    if card.builder != name and (other is None or other.spec.body is not spec.body):
        refuse_file(path, name, made)
    free = {*TRAINING_ONLY, "classifier_activation", "pooling", "input_shape"}
    free |= set(pick(spec.size, arguments)) if callable(spec.size) else set()
    ours, theirs = as_data(arguments), card.options
    if not (ours["include_top"] and theirs.get("include_top", True)):
        free |= {"classes"}
    for option in sorted(set(ours) & set(theirs) - free):
        if ours[option] != theirs[option]:
            wanted = f"{name} with {option}={ours[option]!r}"
            refuse_file(path, wanted, f"{made} with {option}={theirs[option]!r}")


def refuse_file(path: str, wanted: str, found: str) -> NoReturn:
    """Raises the ValueError for a file of weights that belong to another net."""
    raise ValueError(
        f"`weights` is a file of the weights of {wanted}. Received: weights={path!r}, which has those of "
        f"{found}"
    )


@deep_recursion()
def load_model(path: str | os.PathLike, compile: bool = True) -> keras.Model:
    """Loads a model and its card from a file.

        net = kerasnets.load_model("last.keras")
        kerasnets.weights.card_of(net).class_names

    Args:
        path: Path of a ".keras" file, of Keras's own or this package's; or of a ".weights.h5" file of this
            package, whose card says how to build the net.
        compile: Whether to compile the model of a ".keras" file that was saved with its optimizer.

    Returns:
        A keras.Model.

    Raises:
        ValueError: There is no such file, it is damaged, or the card of a ".weights.h5" file does not say how
            to build the net.
    """
    card = weights.read_card(path, "path")
    if not str(path).endswith(".keras"):
        return build_from(card, path)
    model = load_whole(path, compile, "path")
    if card is not None:
        weights.attach(model, card)
    offer(model)
    return model


def build_from(card: weights.Card | None, path: str | os.PathLike) -> keras.Model:
    """Builds the net of a ".weights.h5" file by its card, and loads the weights."""
    builder = builder_of(card.builder, card.family) if card and card.builder else None
    if builder is None:
        what = f"is for {card.builder}" if card and card.builder else "does not say which net it is for"
        raise ValueError(
            "`path` is a .weights.h5 file of a net of kerasnets, or a .keras file. "
            f"Received: path={os.fspath(path)!r}, which {what}. kerasnets.build(NAME, weights=path) loads "
            "it, if NAME is known"
        )
    if card.changes:
        raise ValueError(
            "`path` is a .weights.h5 file of a net as its builder makes it, or a .keras file. "
            f"Received: path={os.fspath(path)!r}, of a {card.builder} changed by {', '.join(card.changes)}. "
            "Save such a net as .keras, or make it again and fill it by kerasnets.weights.load(net, path)"
        )
    return builder(weights=path, **arguments_of(card))


def arguments_of(card: weights.Card) -> dict[str, Any]:
    """The arguments of a card's builder, with tuples for lists."""

    def tuples(value):
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    sizes = builder_of(card.builder, card.family).spec.size
    implied = pick(sizes, card.options) if callable(sizes) else ()  # by the shape of the input
    return {name: tuples(value) for name, value in card.options.items() if name not in implied}
