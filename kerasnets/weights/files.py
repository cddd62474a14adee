"""Files of weights: saving nets with their cards, and loading them."""

import collections
import dataclasses
import io
import json
import os
import re
import zipfile
from typing import Any

import keras
import numpy as np

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.graph import has_graph, set_weights
from kerasnets.layers import parts
from kerasnets.weights.card import Card, attach, card_of, describe
from kerasnets.weights.reading import (
    CARD,
    DAMAGED,
    GROUP,
    LONG,
    SUFFIXES,
    UNREADABLE,
    WITH_ARRAYS,
    read_card,
    refuse_damaged,
)


def save(model: keras.Model, path: str | os.PathLike, **facts: Any) -> None:
    """Saves a model with its card, atomically.

        kerasnets.save(net, "flowers.keras", scaling="unit", class_names=names)

    Plain Keras loads the file too if all layers are Keras's own, and loses the card.

    Args:
        model: A built keras.Model.
        path: Path of the file. "NAME.keras" gets the whole model, and "NAME.weights.h5" its weights.
        **facts: Fields of its `kerasnets.weights.Card` to record first, as `describe` takes them.

    Raises:
        ValueError: `path` ends in another way, or a fact is not allowed. Nothing is written.
        OSError: The file cannot be written.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path).endswith(SUFFIXES):
        refuse("path", "the path of a .weights.h5 or .keras file", path)
    if not isinstance(model, keras.Model) or not model.built:
        refuse("model", "a built keras.Model", model)
    card = describe(model, **facts)
    whole = str(path).endswith(".keras")
    if card.builder and not has_graph(model) and not whole:  # such as a Distiller
        card = dataclasses.replace(card, changes=(*card.changes, type(model).__name__))
    with files.replacing(path) as part:
        if whole:
            model.save(part)
        else:
            model.save_weights(part)
        write_card(part, card)


def write_card(part: str | os.PathLike, card: Card) -> None:
    """Adds a card to an unfinished file of weights, which Keras has written."""
    arrays = {}
    data = {n: packed(v, arrays, n) if n in WITH_ARRAYS else v for n, v in card.as_data().items()}
    text = json.dumps(data)
    if str(part).endswith(".keras"):
        with zipfile.ZipFile(part, "a") as archive:
            archive.writestr(f"{GROUP}/{CARD}.json", text)
            for name, array in arrays.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                archive.writestr(f"{GROUP}/{name}.npy", content.getvalue())
        return
    import h5py

    if (length := len(text.encode())) > LONG:
        refuse("training", f"data of at most {LONG} bytes as JSON, together with results", f"{length} bytes")
    with h5py.File(part, "a") as file:
        group = file.require_group(GROUP)
        group.attrs[CARD] = text
        for name, array in arrays.items():
            group[name] = array.astype(h5py.string_dtype()) if array.dtype.kind == "U" else array


def packed(data: Any, arrays: dict[str, np.ndarray], place: str) -> Any:
    """Data with its arrays, and the list of class names, moved into a dict and replaced by references."""
    if isinstance(data, dict):
        return {name: packed(value, arrays, f"{place}.{name}") for name, value in data.items()}
    if isinstance(data, np.ndarray) or place == "class_names":
        arrays[place] = np.asarray(data)
        return {"array": place}
    if isinstance(data, (tuple, list)):
        return [packed(value, arrays, place) for value in data]
    return data.item() if isinstance(data, np.generic) else data


def load_whole(path: str | os.PathLike, compile: bool = False, argument: str = "weights") -> keras.Model:
    """Loads the model of a .keras file, without its card.

    Args:
        path: Path of the file, whose card has been read.
        compile: Whether to compile the model as it was.
        argument: Name of the argument that the path is, for the message.

    Raises:
        ValueError: The file is damaged, or has a function that is not safe to load.
        TypeError: It has a class that is not known here.
    """
    try:
        return keras.saving.load_model(path, compile=compile)
    except DAMAGED as error:
        refuse_damaged(argument, path, error)


def load(
    model: keras.Model, path: str | os.PathLike, net: keras.Model | None = None, scaled: bool = False
) -> keras.Model:
    """Loads the weights and the card of a file into a model.

    Args:
        model: A built keras.Model.
        path: Path of a ".weights.h5" or ".keras" file of the same net.
        net: The part of `model` that a file of the net alone fills, if other layers are before it. A file of
            all of `model` fills the other layers too.
        scaled: Whether these other layers scale images, or may do so.

    Returns:
        `model`. Its card says what that of the file says, but for how `model` was made.

    Raises:
        ValueError: The file is missing or damaged, or contains another net.
    """
    card, net = read_card(path), model if net is None else net
    path = str(path)
    try:
        if path.endswith(".weights.h5"):
            part = model if stored_params(path) == model.count_params() else net
            check_layers(part, h5_layers(path))
            load_h5(part, path)
        else:
            stored = keras.saving.load_model(path, compile=False)
            part = model if stored.count_params() == model.count_params() else net
            check_layers(part, layers_of(stored))
            set_weights(part, stored.get_weights())
    except UNREADABLE as error:
        # Without what Keras adds: the values of weights, and a list of all layers.
        reason = re.split(" Target variable:| List of objects", str(error))[0]
        if card is not None and card.changes:
            reason += f" The file has the weights of a {card.builder} changed by {', '.join(card.changes)}."
        raise ValueError(
            f"`weights` is a file with the weights of {model.name} as built here. Loading failed: {reason} "
            f"Received: weights={path!r}"
        ) from error
    if card is not None:
        if part is not model or scaled and "input_tensor" not in card.changes:
            card = dataclasses.replace(card, scaling=None)
        made = ("builder", "family", "options", "changes")
        own = card_of(model)
        attach(model, dataclasses.replace(card, **{field: getattr(own, field) for field in made}))
    return model


# Kinds of layers that join branches or pool. Nets that differ in them may have weights of the same shapes.
JOINING = re.compile("add|multiply|subtract|average|maximum|minimum|concatenate|maxpooling|upsampling")


def check_layers(model: keras.Model, stored: collections.Counter) -> None:
    """Refuses the weights of a net that joins or pools in other ways than a model.

    Keras matches only layers with weights, so that it would load those of a plain net into a residual one.

    Args:
        model: The model.
        stored: The layers of the net, as `layers_of` counts them.

    Raises:
        ValueError: The numbers of such layers differ.
    """
    own = layers_of(model)
    if any("recomputed" in kind for kind in (*own, *stored)):
        return  # units of memory-efficient nets join within a layer
    for kind in sorted({*own, *stored}):
        if JOINING.match(kind) and own[kind] != stored[kind]:
            raise ValueError(f"The file has {stored[kind]} layers of the kind {kind}, the net {own[kind]}.")


def layers_of(model: keras.Model) -> collections.Counter:
    """How many layers of each kind a model has. A kind is the name of a class in lower case."""
    return collections.Counter(type(layer).__name__.lower() for layer in model.layers)


def h5_layers(path: str) -> collections.Counter:
    """How many layers of each kind the net of a .weights.h5 file has, as `layers_of` counts them."""
    import h5py

    with h5py.File(path) as file:  # the names are such as "max_pooling2d_3"
        names = [re.sub(r"_\d+$", "", name).replace("_", "") for name in file.get("layers", ())]
    return collections.Counter(names)


def load_h5(model: keras.Model, path: str) -> None:
    """Loads the weights of an HDF5 file into a model.

    Keras matches layers by class and order. A memory-efficient net has layers of other classes, so if Keras
    fails, layers are matched by name.
    """
    try:
        model.load_weights(path)
    except ValueError:
        stored = read_h5(path)
        own = {part.name: part for layer in model.layers for part in parts(layer) if part.weights}
        if set(stored) != set(own):
            raise
        for name, layer in own.items():
            layer.load_own_variables(stored[name])


def stored_params(path: str) -> int:
    """The number of parameters in an HDF5 file of weights, without the states of random generators."""
    import h5py

    sizes = []

    def add(place, node):
        if isinstance(node, h5py.Dataset) and place.startswith("layers/") and "seed_generator" not in place:
            sizes.append(node.size)

    with h5py.File(path) as file:
        file.visititems(add)
    return sum(sizes)


def h5_arrays(path: str) -> dict[str, list[np.ndarray]]:
    """For each layer name in an HDF5 file of weights, the arrays in the order of the layer's weights."""
    return {name: [values[n] for n in sorted(values, key=int)] for name, values in read_h5(path).items()}


def read_h5(path: str) -> dict[str, dict[str, np.ndarray]]:
    """Reads an HDF5 file of weights.

    Returns:
        For each layer name, the arrays as `load_own_variables` takes them.
    """
    import h5py

    stored = {}

    def read(place, node):
        if place.startswith(("optimizer", "_optimizer")) or "seed_generator" in place:
            return
        if isinstance(node, h5py.Dataset) and "name" in node.parent.attrs:
            if node.external or node.is_virtual:
                raise ValueError("The file links to other files.")
            stored.setdefault(node.parent.attrs["name"], {})[place.rpartition("/")[2]] = node[()]

    with h5py.File(path) as file:
        file.visititems(read)
    return stored
