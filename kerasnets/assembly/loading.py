"""Loads weights of any source into a net that is there already, as far as they fit.

The layers of a checkpoint are paired with those of a net that the builder makes anew, in the order of making.
The layers of the given net, which may have been read from a file or changed, then get their weights by name.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kerasnets.assembly.origin import arguments_of
from kerasnets.assembly.preprocessing import first_of, offer
from kerasnets.assembly.pretrained import Pretrained, choose
from kerasnets.assembly.registry import builder_of, find
from kerasnets.checks import refuse
from kerasnets.graph import all_layers, deep_recursion, finalize, functional, has_graph, no_values, nodes
from kerasnets.scaling import Scaling
from kerasnets.tables import text_table
from kerasnets.weights import files
from kerasnets.weights.architectures.row import Architecture
from kerasnets.weights.card import Card, attach, card_of, shape_of
from kerasnets.weights.pairing import fit_all, fit_some, in_order, outputs_of, slots_of
from kerasnets.weights.reading import SUFFIXES, read_card

Arrays = dict[str, list[np.ndarray]]  # the weights of layers, in the layers' order, by the layers' names
MEND = "strict=False loads what fits, and reports the rest"
FOLDED = "fold_batch_norm"  # the change after which convolutions have other weights


@dataclasses.dataclass(frozen=True)
class Left:
    """What was not loaded.

    Attributes:
        layer: Name of a layer of the net, or "" for what the net does not have.
        source: Name of a layer of the weights, or "" for what they do not have.
        reason: Why it was not loaded.
    """

    layer: str
    source: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Report:
    """What was loaded into a net, and what was not and why. Its text is a table.

    Attributes:
        net: Name of the net.
        weights: Path or id of the weights.
        loaded: Names of the layers that have the weights.
        left: A `Left` for each layer of the net that keeps its own weights, and for each of the weights that
            is not used.
    """

    net: str
    weights: str
    loaded: tuple[str, ...]
    left: tuple[Left, ...] = ()

    def __str__(self):
        kept = sum(bool(row.layer) for row in self.left)
        count = f"{len(self.loaded)} of {len(self.loaded) + kept}"
        text = f"{count} layers of {self.net} have weights of {self.weights}"
        rows = [(row.layer or "-", row.source or "-", row.reason) for row in self.left]
        header = ("layer", "of the weights", "not loaded because")
        return f"{text}\n{text_table(header, rows, len(header))}" if rows else text


@dataclasses.dataclass(frozen=True)
class Source:
    """Weights under the names of our layers.

    Attributes:
        name: Path or id.
        arrays: The weights of layers.
        theirs: Names of the layers in their file, by ours.
        left: What is known not to fit.
        first: Names of the layers that read the images.
        origin: What is published of them, or the card of their file.
    """

    name: str
    arrays: Arrays
    theirs: Mapping[str, str]
    left: Sequence[Left]
    first: Sequence[str]
    origin: Pretrained | Card | None


@deep_recursion()
def load(
    model: keras.Model,
    weights: str | os.PathLike[str],
    *,
    strict: bool = True,
    layout: str | None = None,
    gray: bool = False,
) -> Report:
    """Loads weights into a net, and what they say of it into its card.

        print(kerasnets.weights.load(net, "timm/resnet34.a1_in1k", strict=False))

    Args:
        model: A built keras.Model. Weights of other packages are for nets whose cards name their builders,
            such as those that builders of `kerasnets.applications` have made, that `kerasnets.load_model` has
            read, or that have got another head.
        weights: What `weights` of a builder may be: a file of this package or of Keras; the name of a
            dataset; the id of a checkpoint; or a file of another framework.
        strict: Whether everything has to fit. If not, the layers that have the same weights in both get them,
            and the others keep theirs. Layers are the same if the net that the weights are for has them under
            the same name and in the same shape. Where some layers of a file are missing, those that could be
            one or the other are not loaded.
        layout: The architecture that a file of another framework is of, such as "timm/resnet34", where the
            names of its layers do not tell it.
        gray: Whether weights for colored images are loaded into a net that takes gray ones: the first kernels
            are summed over the colors. The scaling that is recorded is that of the weights, with the means
            over the channels of what it subtracts and divides by.

    Returns:
        A `Report`.

    Raises:
        ValueError: An argument is not allowed, or with `strict` the weights are of another net. The net is
            left as it was.
        OSError: The weights cannot be fetched.
    """
    for argument, value in {"strict": strict, "gray": gray}.items():
        if not isinstance(value, bool):
            refuse(argument, "True or False", value)
    if not isinstance(model, keras.Model) or not model.built:
        refuse("model", "a built keras.Model", model)
    own = isinstance(weights, (str, os.PathLike)) and str(weights).endswith(SUFFIXES)
    if gray and shape_of(model)[-1] != 1:
        refuse("gray", f"False for {model.name}, whose images have {shape_of(model)[-1]} channels", gray)
    if own and layout is not None:
        refuse("layout", "None for a file of this package or of Keras", layout)
    if own and strict and not gray:
        files.load(model, weights)
        offer(model)
        return Report(model.name, os.fspath(weights), tuple(own_weights(model)))

    source = (
        of_own(model, os.fspath(weights), strict) if own else published(model, weights, strict, layout, gray)
    )
    arrays = in_gray(source) if gray else source.arrays
    layers = own_weights(model)
    if strict and not own and "input_tensor" in card_of(model).changes:  # other layers are before the net
        layers = {name: ours for name, ours in layers.items() if name in arrays}
    fitting, left = matched(layers, arrays, source)
    if left and strict:
        raise ValueError(
            f"`weights` are those of {model.name}. Received: weights={source.name!r}: "
            f"{left[0].layer or left[0].source}: {left[0].reason}. {MEND}"
        )
    for name in fitting:
        for w, value in zip(layers[name], arrays[name], strict=True):
            w.assign(value)
    finalize(model)
    if fitting:
        record(model, source, whole=not left, first=set(source.first) <= set(fitting), gray=gray)
    offer(model)
    return Report(model.name, source.name, tuple(fitting), tuple(left))


def own_weights(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """The weights of each layer of a model that has some, without those of layers in it."""
    found: dict[str, list[keras.Variable]] = {}
    for layer in all_layers(model):
        inner = {id(w) for part in all_layers(layer) if part is not layer for w in part.weights}
        own = [w for w in layer.weights if id(w) not in inner]
        if own:
            found.setdefault(layer.name, own)
    return found


def arrays_of(model: keras.Model) -> Arrays:
    """The values of the weights of each layer of a model, as `own_weights` has them."""
    return {name: [keras.ops.convert_to_numpy(w) for w in own] for name, own in own_weights(model).items()}


def matched(
    layers: Mapping[str, Sequence[keras.Variable]], arrays: Arrays, source: Source
) -> tuple[list[str], list[Left]]:
    """The names of layers that have weights of their shapes in a source, and what of both is left."""
    fitting, left = [], list(source.left)
    known = {row.layer for row in left}
    for name, own in layers.items():
        theirs = source.theirs.get(name, name)
        shapes = [tuple(w.shape) for w in own]
        if name not in arrays:
            left += [] if name in known else [Left(name, "", "the weights have no such layer")]
        elif shapes != [value.shape for value in arrays[name]]:
            given = words([value.shape for value in arrays[name]])
            left.append(
                Left(name, theirs, f"the shapes are {words(shapes)}, and those of the weights {given}")
            )
        else:
            fitting.append(name)
    left += [
        Left("", source.theirs.get(name, name), "the net has no such layer")
        for name in arrays
        if name not in layers
    ]
    return fitting, [row for row in left if not row.layer or row.layer in layers]


def words(shapes: Sequence[tuple[int, ...]]) -> str:
    """Shapes as text."""
    return ", ".join(map(str, shapes))


def of_own(model: keras.Model, path: str, strict: bool) -> Source:
    """The weights of a file of this package or of Keras."""
    card = read_card(path)
    folded = FOLDED in card_of(model).changes
    if folded != (card is not None and FOLDED in card.changes):
        with_it, without = (model.name, path) if folded else (path, model.name)
        raise ValueError(
            f"`weights` is a file of a net whose batch normalization is folded as that of {model.name} is. "
            f"Received: weights={path!r}: it is folded in {with_it}, and not in {without}"
        )
    try:
        if path.endswith(".keras"):
            stored = files.load_whole(path)
            kinds = files.layers_of(stored)
            arrays = arrays_of(stored)
        else:
            kinds = files.h5_layers(path)
            arrays = files.h5_arrays(path)
        if strict:
            files.check_layers(model, kinds)
    except files.UNREADABLE as error:
        raise ValueError(
            f"`weights` is a file of {model.name}. Received: weights={path!r}: {error}"
        ) from error
    return Source(path, arrays, {}, (), firsts(model) if has_graph(model) else (), card)


def published(model: keras.Model, weights: Any, strict: bool, layout: str | None, gray: bool) -> Source:
    """The weights of a checkpoint, or of a file of another framework."""
    card = card_of(model)
    builder = builder_of(card.builder, card.family) if card.builder else None
    if builder is None or not has_graph(model):
        allowed = "a net whose card names its builder, for weights of another package: one that a builder of "
        allowed += "kerasnets.applications makes or kerasnets.load_model reads"
        refuse("model", allowed, model.name)
    changes = [change for change in card.changes if change != "input_tensor"]
    meant = {"with_scaling", FOLDED} & set(changes)  # their layers have other weights of the same shapes
    if meant or (changes and strict):
        mend = "load them first, and change the net then" if meant else MEND
        refuse(
            "model", f"a net as its builder makes it; {mend}", f"{model.name} changed by {', '.join(changes)}"
        )
    spec = builder.spec
    given = {"include_top": True, "classes": spec.classes, "input_shape": shape_of(model)}
    given |= arguments_of(card)
    found = choose(weights, card.builder, spec, given, strict, layout)
    if found is None:
        refuse("weights", "a file, an id or the name of a dataset", weights)
    channels = given["input_shape"][-1]
    if gray and channels == found.channels:
        refuse("gray", f"False for {card.builder}, whose weights are for images of {channels} channels", gray)
    if not gray:
        found.check(channels)
    if strict and given["include_top"] and given["classes"] != found.classes:
        raise ValueError(
            f"`weights` are those of a net of {given['classes']} classes; {MEND}. Received: "
            f"weights={found.name!r}, of {found.classes}"
        )

    if strict:
        colored = (*given["input_shape"][:-1], found.channels)
        return filled(found, builder, {**given, "input_shape": colored}, strict)
    # The net that the weights are for.
    kept = {name: given[name] for name in (*getattr(found.row, "choices", ()), "aux_heads") if name in given}
    top = not found.row.body if isinstance(found.row, Architecture) else given["include_top"]
    builder = find(found.row.net)
    return filled(found, builder, kept | found.defaults(builder.spec, kept) | {"include_top": top}, strict)


def filled(found: Pretrained, builder: Any, arguments: dict[str, Any], strict: bool) -> Source:
    """The weights of a checkpoint under the names of the layers of a net that a builder makes."""
    top = arguments["include_top"]
    left = [
        Left("", "", f"the weights are for {option}={needed}, and the net has {have!r}")
        for option, allowed, have in found.wrong
        for needed in [" or ".join(map(repr, allowed))]
    ]
    if not isinstance(found.row, Architecture):
        net = builder(**arguments)
        with found.refusing(builder.__name__):
            found.copy(net, top, True, {**builder.spec.options, **arguments})
        return Source(found.name, arrays_of(net), {}, left, firsts(net), found)

    units = found.units()
    with no_values():
        net = builder(**arguments)
        slots = {slot.name: slot for slot in slots_of(net)}
        ordered = in_order(units, found.row, top, outputs_of(net))
        try:
            values, _ = fit_all(net, units, found.row, top, None)
            paired = len(slots) == len(ordered)  # else some are of two layers of the file
            theirs = dict(zip(slots, (unit.name for unit in ordered), strict=True)) if paired else {}
        except ValueError as error:
            if strict:
                with found.refusing(builder.__name__):
                    raise ValueError(f"{error}. {MEND}") from error
            with found.refusing(builder.__name__):
                values, theirs, missing = fit_some(net, units, found.row)
            left += [Left(name, "", reason) for name, reason in missing.items()]
            used = set(theirs.values())
            unused = [unit.name for unit in ordered if unit.name not in used]
            left += [Left("", name, "no layer of the net is certainly the same") for name in unused]
        arrays = {name: [of[w.name] for w in slots[name].weights] for name, of in values.items()}
        return Source(found.name, arrays, theirs, left, firsts(net), found)


def firsts(net: keras.Model) -> list[str]:
    """The names of the layers with weights that read the images, perhaps padded or through other layers."""
    net = functional(net)
    images, found = {id(x) for x in net.inputs}, []
    for node in nodes(net):
        if any(id(x) in images for x in node.input_tensors):
            if getattr(node.operation, "weights", ()):
                found.append(node.operation.name)
            else:
                images |= {id(x) for x in node.outputs}
    return found


def in_gray(source: Source) -> Arrays:
    """The weights of a source with the kernels of the first layers summed over the three colors."""
    arrays = dict(source.arrays)
    for name in source.first:
        kernel, *others = arrays.get(name, [np.empty(())])
        if kernel.ndim < 4 or kernel.shape[-2] != 3:
            refuse(
                "gray", f"False for weights whose first layer has no kernel for three colors, as {name}", True
            )
        arrays[name] = [kernel.sum(-2, keepdims=True), *others]
    return arrays


def record(model: keras.Model, source: Source, whole: bool, first: bool, gray: bool) -> None:
    """Records in a model's card what its weights say.

    Args:
        model: The model.
        source: The weights.
        whole: Whether all of them were loaded.
        first: Whether those of the layers that read the images were loaded.
        gray: Whether these are for gray images now.
    """
    own = card_of(model)
    scaled = first and first_of(model) is None
    if isinstance(source.origin, Pretrained):
        source.origin.record(
            model, whole=scaled, classes=whole and own.options.get("include_top", True), gray=gray
        )
        return
    card = source.origin
    if card is None:
        return
    scaling: Scaling | None = card.scaling if scaled else own.scaling
    if scaling is not None and gray:
        scaling = scaling.in_gray()
    made = {name: getattr(own, name) for name in ("builder", "family", "options", "changes")}
    if not whole:
        made |= {name: getattr(own, name) for name in ("class_names", "threshold", "results")}
    attach(model, dataclasses.replace(card, **made, scaling=scaling, shape=own.shape if gray else card.shape))
