"""Teachers that come as files: what they say of the data, and how they see the images of a student."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

import kerasnets
from kerasnets import weights
from kerasnets.assembly.outputs import as_logits, main_output
from kerasnets.assembly.preprocessing import taken
from kerasnets.assembly.registry import find
from kerasnets.checks import refuse
from kerasnets.distillation.store import opened
from kerasnets.graph import flat
from kerasnets.runs.finetune import finetuning
from kerasnets.scaling import MODES, Scaling, agree
from kerasnets.surgery import with_scaling
from kerasnets.tables import first_of
from kerasnets.training import Recipe
from kerasnets.weights.card import shape_of
from kerasnets.weights.reading import read_card

# Fields of the teacher's recipe that are about its images, and so are the student's too.
SAME = ("data", "labels", "positive", "splits", "validation", "classes", "balance", "augmentation", "batch")
# How a student learns from random weights. It sees the teacher's predictions for many augmented images, and
# so gains from more epochs than labels alone would allow: Beyer et al., "Knowledge distillation: A good
# teacher is patient and consistent", 2022, arXiv:2106.05237. One that starts from trained weights learns as
# `kerasnets.runs.finetuning` says, for longer.
SCRATCH = dict(optimizer=("adam", {}), rate=1e-3, schedule=("cosine", {"warmup": 1}))
EPOCHS = {"random": 60, "trained": 30}


def load_teacher(path: str | os.PathLike) -> keras.Model:
    """Loads a net that teaches, with its main output alone, as logits."""
    net = kerasnets.load_model(path, compile=False)
    return as_logits(main_output(net))


def student_of(
    teacher: str | os.PathLike,
    model: str,
    weights: str | None = None,
    data_dir: str | os.PathLike | None = None,
    **fields: Any,
) -> tuple[Recipe, str | None]:
    """The recipe by which a student learns from a trained teacher, on the teacher's own training images.

    The file of the teacher says which images these are, their labels, splits, size and augmentation. So does
    a folder of logits that `kerasnets.runs.label` has written.

        recipe, folder = runs.student_of("best.keras", "SqueezeNet")
        method = runs.Distillation(files=("best.keras",))
        runs.train(recipe, "runs/student", runs.Options(data_dir=folder), method)

    Args:
        teacher: A file that `runs.train` has written, such as best.keras, or a folder of stored logits.
        model: Name of the student.
        weights: What the student starts from, as the field of `kerasnets.training.Recipe`; None for random
            weights.
        data_dir: Folder of the images, if it is not where it was, or the file does not say it.
        **fields: Fields of the recipe that are to be others.

    Returns:
        The Recipe, and the folder of the data; None for data without a folder.

    Raises:
        ValueError: The file does not say what it was trained on, the folder is not there, or a field is not
            allowed.
    """
    known, shape = labeled(teacher) if os.path.isdir(teacher) else trained(teacher)
    folder = os.fspath(data_dir) if data_dir is not None else known.get("data_dir")
    if "data" not in {**known, **fields} and folder is None:
        refuse(
            "teacher",
            "a file that says which images the net was trained on, as those of runs.train; or `data_dir` is "
            "their folder",
            os.fspath(teacher),
        )
    if folder is not None and not pathlib.Path(folder).expanduser().is_dir():
        moved = f": {os.fspath(teacher)} was trained on images that are no longer there; say where they are"
        refuse("data_dir", f"a folder that exists{moved if data_dir is None else ''}", folder)
    own = {name: known[name] for name in SAME if name in known}
    own |= {"evaluation": known["evaluation"]} if "evaluation" in known and weights is None else {}
    if shape and None not in shape:
        fits = MODES[find(model).spec.mode].fits(shape[-1])
        own |= {"size": size_for(shape[:-1], model), "channels": shape[-1] if fits else None}
    own = {"epochs": EPOCHS["trained" if weights else "random"]} | own | fields
    if weights is not None:
        own.pop("channels", None)
        return finetuning(model, weights, folder, **own), folder
    epochs = own.pop("epochs")
    base = {"data": "images", "batch": 32, **SCRATCH, **own}
    recipe = Recipe(model=model, epochs=EPOCHS["random"], **base)
    return recipe.for_epochs(epochs), folder


def trained(teacher: str | os.PathLike) -> tuple[dict[str, Any], Sequence[int] | None]:
    """What the file of a net says of its training images, and their shape; {} and None if it says nothing."""
    card = read_card(teacher, "teacher")
    return (dict(card.training or {}), card.shape) if card else ({}, None)


def labeled(folder: str | os.PathLike) -> tuple[dict[str, Any], Sequence[int]]:
    """What a folder of stored logits says of the images that it labels, and their shape."""
    about = opened(folder).header["about"]
    if "training" not in about:
        words = "a folder of logits that says of which images they are, as kerasnets.runs.label writes it"
        refuse("stored", words, str(folder))
    return dict(about["training"]), tuple(about["shape"])


def builder_of(teacher: str | os.PathLike) -> str:
    """The name of the net in a file.

    Raises:
        ValueError: The file does not say it.
    """
    card = read_card(teacher, "teacher")
    if card is None or card.builder is None:
        words = "a file that names its net; otherwise name a student, whose images are labeled"
        refuse("teacher", words, os.fspath(teacher))
    return card.builder


def size_for(sides: Sequence[int], model: str) -> tuple[int, ...]:
    """The sides of a teacher's images, or the least that a student takes where they are smaller."""
    least = find(model).spec.min_grid
    if len(least) != len(sides):
        refuse("student", "a net for images like those of the teacher", model)
    return tuple(max(pair) for pair in zip(sides, least, strict=True))


def check_classes(teacher: keras.Model, scores: int, names: Sequence[str], published: bool = False) -> None:
    """Refuses a teacher of other classes than those of the data, or of the same in another order.

    The classes of published weights get the names of the data.

    Args:
        teacher: The teacher.
        scores: Number of scores of the student.
        names: The names of the data's classes.
        published: Whether others have published the teacher's weights. Their classes may have other names
            than folders have; so only the order of the same names is compared.

    Raises:
        ValueError: They differ.
    """
    found = teacher.outputs[0].shape[-1]
    if found != scores:
        refuse("teacher", f"a net of {scores} classes, those of the data", f"{teacher.name}, of {found}")
    known = weights.card_of(teacher).class_names
    if known is not None and known != tuple(names):
        check_names(known, names, published)
        if published and len(known) == len(names):
            weights.describe(teacher, class_names=names)


def check_kind(teacher: keras.Model, binary: bool) -> None:
    """Refuses a teacher of one class an image for images of several labels, and the reverse.

    Args:
        teacher: The teacher, with as many scores as the student. One score is of either kind.
        binary: Whether each score of the student is an independent label.

    Raises:
        ValueError: The teacher is of the other kind, as its card says.
    """
    own = weights.card_of(teacher).threshold is not None
    if own != binary and teacher.outputs[0].shape[-1] > 1:
        kinds = {True: "any number of labels", False: "one class"}
        received = f"{teacher.name}, which gives {kinds[own]}"
        refuse("teacher", f"a net that gives {kinds[binary]} to an image, as the data has", received)


def check_names(known: Sequence[str], names: Sequence[str], published: bool = False) -> None:
    """Refuses names of a teacher's classes that are not those of the data in their order."""
    known, names = tuple(known), tuple(names)
    if not names:  # they are not known
        return
    if known != names and set(known) == set(names):
        refuse("teacher", f"a net of the classes {first_of(names)}, in this order", first_of(known))
    if known != names and not published:
        refuse("teacher", f"a net of the classes of the data, {first_of(names)}", first_of(known))


def fitted(net: keras.Model, shape: Sequence[int], scaling: Scaling) -> keras.Model:
    """A net for the images of another net, of another size, with other channels, or scaled otherwise.

    Args:
        net: A functional or sequential model. Where nothing says how its images are scaled, they are as those
            of the other net.
        shape: Shape of an image of the other net.
        scaling: The scaling of these images.

    Returns:
        A model that shares the weights of `net`; `net` itself if it takes such images. It undoes the scaling,
        and resizes images with antialiasing. Gray images get three equal channels, and colored ones are made
        gray, where `net` needs it.

    Raises:
        ValueError: The scaling cannot be undone, or `net` takes something else than images.
    """
    own, shape = shape_of(net), tuple(shape)
    theirs = taken(net).scaling
    if theirs is None:
        weights.describe(net, scaling=scaling)
        theirs = scaling
    if len(own) == len(shape) and all(a in (None, b) for a, b in zip(own, shape, strict=True)):
        return net if agree(theirs, scaling, shape) else with_scaling(net, scaling)
    if len(own) != 3 or len(shape) != 3 or own[-1] not in (1, 3) or shape[-1] not in (1, 3):
        refuse("teacher", f"a net for images such as {shape}", f"{net.name}, for {own}")
    images = keras.Input(shape, name="images")
    x = scaling.undo(images)
    if own[-1] < shape[-1]:
        x = ops.image.rgb_to_grayscale(x)
    elif own[-1] > shape[-1]:
        x = ops.repeat(x, own[-1], axis=-1)
    sides = tuple(ours or given for ours, given in zip(own[:2], shape[:2], strict=True))
    if sides != shape[:2]:
        x = ops.image.resize(x, sides, antialias=True)
    new = flat(keras.Model(images, net(theirs(x)), name=net.name))
    weights.inherit(new, net, "fitted")
    weights.describe(new, scaling=scaling, shape=shape)
    return new
