"""Files of weights, and the cards in them.

A ".weights.h5" file has the card as the attribute `CARD` of the group `GROUP`, which holds the arrays. A
".keras" file, a zip archive, has it as a member in JSON, and the arrays as members in the format of numpy.
Keras reads both kinds of files and ignores the card.
"""

import collections
import dataclasses
import io
import json
import os
import pathlib
import re
import zipfile
import zlib
from typing import Any, NoReturn

import keras
import numpy as np

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.graph import has_graph, set_weights
from kerasnets.layers import parts
from kerasnets.weights.card import Card, attach, card_of, describe

SUFFIXES = (".weights.h5", ".keras")
GROUP, CARD = "kerasnets", "card"
WITH_ARRAYS = ("scaling", "class_names")  # fields of a card
LONG = 50_000  # longest text of an attribute, in bytes; HDF5 allows 64 KiB
# The errors that Keras, h5py and zipfile raise for a damaged file or one of another net.
DAMAGED = (OSError, EOFError, LookupError, json.JSONDecodeError, zipfile.BadZipFile, zlib.error)
UNREADABLE = (ValueError, TypeError, RuntimeError, *DAMAGED)


def check_path(path: str | os.PathLike, argument: str = "weights") -> None:
    """Refuses a path that is not that of an existing file of weights.

    Args:
        path: Path of a ".weights.h5" or ".keras" file.
        argument: Name of the argument that it is, for the message.

    Raises:
        ValueError: `path` has another suffix, or there is no such file.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path).endswith(SUFFIXES):
        others = "None, 'imagenet' or " if argument == "weights" else ""
        refuse(argument, f"{others}the path of a .weights.h5 or .keras file", path)
    if pathlib.Path(path).is_dir():
        refuse(argument, "the path of a file, not of a folder", str(path))
    if not pathlib.Path(path).is_file():
        refuse(argument, "the path of an existing file", str(path))


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


def card_data(text: str | bytes, read: Any) -> Any:
    """The data of a card from its JSON text. `read` is a function of the name of an array."""
    data = json.loads(text)
    if not isinstance(data, dict):
        return data
    return {n: unpacked(v, read) if n in WITH_ARRAYS else v for n, v in data.items()}


def unpacked(data: Any, read: Any) -> Any:
    """Data as `packed` was given it."""
    if isinstance(data, dict):
        if set(data) == {"array"}:
            return read(str(data["array"]))
        return {name: unpacked(value, read) for name, value in data.items()}
    return data


def read_card(path: str | os.PathLike, argument: str = "weights") -> Card | None:
    """Reads the card of a file of weights.

    Args:
        path: Path of a ".weights.h5" or ".keras" file.
        argument: Name of the argument that it is, for the message.

    Returns:
        The `Card`, or None if the file has none, as files that Keras has saved.

    Raises:
        ValueError: There is no such file, or it is damaged.
    """
    check_path(path, argument)
    try:
        data = read_keras_card(path) if str(path).endswith(".keras") else read_h5_card(path)
        return None if data is None else Card.from_data(data)
    except UNREADABLE as error:
        refuse_damaged(argument, path, error)


def refuse_damaged(argument: str, path: str | os.PathLike, error: Exception) -> NoReturn:
    """Raises the ValueError for a file of weights that cannot be read, given the error of reading it."""
    kind = next(suffix for suffix in SUFFIXES if str(path).endswith(suffix))
    raise ValueError(
        f"`{argument}` is a file that can be read. Received: {argument}={str(path)!r}, which is damaged or "
        f"no {kind} file: {error}"
    ) from error


def read_keras_card(path):
    """The data of the card of a .keras file, or None."""
    with zipfile.ZipFile(path) as archive:
        members = archive.namelist()
        if "class_name" not in json.loads(archive.read("config.json")):
            raise ValueError("Its config.json is not that of a model.")
        if not any(name.startswith("model.weights") for name in members):
            raise ValueError("It has no weights.")
        if f"{GROUP}/{CARD}.json" not in members:
            return None

        def read(name):
            return np.load(io.BytesIO(archive.read(f"{GROUP}/{name}.npy")), allow_pickle=False)

        return card_data(archive.read(f"{GROUP}/{CARD}.json"), read)


def read_h5_card(path):
    """The data of the card of a .weights.h5 file, or None."""
    import h5py

    with h5py.File(path) as file:
        group = file.get(GROUP)
        if group is None or CARD not in group.attrs:
            return None

        def read(name):
            dataset = own_dataset(group, name)
            return dataset.asstr()[()].astype(str) if dataset.dtype.kind == "O" else dataset[()]

        return card_data(group.attrs[CARD], read)


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


def own_dataset(group, name):
    """A dataset of an HDF5 file, which does not link to other files."""
    import h5py

    dataset = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError("The file links to other files.")
    return dataset


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
TELLING = re.compile("add|multiply|subtract|average|maximum|minimum|concatenate|maxpooling|upsampling")


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
        if TELLING.match(kind) and own[kind] != stored[kind]:
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


def read_h5(path: str) -> dict[str, dict[str, np.ndarray]]:
    """Reads an HDF5 file of weights.

    Returns:
        For each layer name, the arrays as `load_own_variables` takes them.
    """
    import h5py

    stored = {}

    def read(place, node):
        if isinstance(node, h5py.Dataset) and "name" in node.parent.attrs:
            if node.external or node.is_virtual:
                raise ValueError("The file links to other files.")
            stored.setdefault(node.parent.attrs["name"], {})[place.rpartition("/")[2]] = node[()]

    with h5py.File(path) as file:
        file.visititems(read)
    return stored
