"""Transfer learning: a trained net with a new classifier."""

import functools
import itertools
from collections.abc import Sequence

import keras
from keras import layers

from kerasnets.assembly.heads import check_head, classify
from kerasnets.assembly.options import check_options
from kerasnets.blocks.conv import Activation
from kerasnets.blocks.dense import dense_stack
from kerasnets.checks import nearest, refuse
from kerasnets.graph import all_layers, deep_recursion, fresh_inputs, nodes, run
from kerasnets.layers import FrozenBatchNormalization, parts
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.features import features
from kerasnets.weights import inherit

# Layers that are copied as the first or the second of these, as `freeze_batch_norm` says.
NORMS = (layers.BatchNormalization, FrozenBatchNormalization)


@deep_recursion()
def replace_head(
    model: keras.Model,
    classes: int,
    *,
    layer: str | None = None,
    pooling: str | None = None,
    hidden: Sequence[int] = (),
    act: Activation = "relu",
    dropout: float = 0.0,
    classifier_activation: Activation = "softmax",
    freeze: bool | str = True,
    freeze_batch_norm: bool = True,
    name: str | None = None,
) -> keras.Model:
    """Returns a copy of a net with a new classifier, for transfer learning.

    `model` is not changed. The layers of the copy keep their names. Usually the new head is trained first, on
    frozen features, and then the whole net is fine-tuned at a low learning rate:

        net = replace_head(DenseNet121(weights="imagenet"), 10, dropout=0.2)
        net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        net.fit(train, epochs=5)
        for part in net.layers:
            part.trainable = True  # batch normalization still keeps its moving statistics
        net.compile(keras.optimizers.Adam(1e-5), "sparse_categorical_crossentropy", metrics=["accuracy"])
        net.fit(train, epochs=10)

    Args:
        model: A functional or sequential model of one output, with or without a classifier, or of a dict of
            outputs with "predictions". Auxiliary heads are left out.
        classes: Number of classes.
        layer: Name of the layer whose output the new head reads, or None for what the old classifier reads.
        pooling: "avg" or "max" pools the last feature maps, and leaves out any dense layers behind them. None
            uses average pooling, and only if the head would read feature maps.
        hidden: Number of units of each hidden dense layer of the head.
        act: Activation of the hidden layers.
        dropout: Dropout rate of the features and of each hidden layer.
        classifier_activation: Activation of the classifier; None gives logits.
        freeze: True sets `trainable` to False in all layers below the head. The name of a layer does so for
            this layer and all layers that its output is computed from. False keeps each layer's `trainable`.
        freeze_batch_norm: Whether batch normalization keeps its moving statistics and normalizes with them in
            training mode too, even after its layer is made trainable. The units of a memory-efficient net
            are then replaced by ordinary layers.
        name: Name of the model, or None for that of `model`.

    Returns:
        A keras.Model, uncompiled, (batch, *grid, channels) -> (batch, classes), with its own weights.

    Raises:
        ValueError: An argument is not allowed, `model` has no graph of layers or several outputs, or
            `freeze_batch_norm` is True and a layer of another kind contains batch normalization.
    """
    check_head(True, pooling, classes, classifier_activation)
    check_options({"hidden": hidden, "act": act, "dropout": dropout})
    if not isinstance(freeze_batch_norm, bool):
        refuse("freeze_batch_norm", "True or False", freeze_batch_norm)
    net = features(model, layer, pooling)
    frozen = frozen_layers(net, freeze)
    if freeze_batch_norm:
        check_batch_norm(net)

    inputs, copies, owners = fresh_inputs(net.input), Copies(), {}

    def copy_of(layer, owner=None):
        owners[id(layer)] = owner or layer.name
        if freeze_batch_norm and parts(layer) != (layer,):
            copied = [copy_of(part, layer.name) for part in parts(layer)]
            return lambda x, *_, **__: functools.reduce(lambda x, part: part(x), copied, x)
        return copies.of(layer, kind=NORMS[freeze_batch_norm] if type(layer) in NORMS else None)

    x = run(net, inputs, copy_of)
    copies.fill()
    for layer, copy, _ in copies.made.values():
        if copy is not layer and owners[id(layer)] in frozen:
            copy.trainable = False

    taken = {part.name for part in net.layers}
    head = free_name(taken)
    if dropout:
        x = layers.Dropout(dropout, name=f"{head}_dropout")(x)
    x = dense_stack(x, hidden, act, dropout, name=f"{head}_fc")
    x = classify(x, classes, classifier_activation, name=head if taken & {"logits", "predictions"} else None)
    new = keras.Model(inputs, x, name=name or model.name)
    return inherit(new, model, "replace_head", names=False, include_top=True, classes=classes)


def free_name(taken: set[str]) -> str:
    """Prefix for the names of the head's layers: "head", or "head2" and so on if an earlier head is kept."""
    names = itertools.chain(["head"], (f"head{i}" for i in itertools.count(2)))
    return next(n for n in names if not taken & {n, f"{n}_logits", f"{n}_dropout", f"{n}_fc1"})


def frozen_layers(net: keras.Model, freeze: bool | str) -> set[str]:
    """Names of the layers that the argument `freeze` of `replace_head` selects."""
    names = [node.operation.name for node in nodes(net)]
    if isinstance(freeze, bool):
        return set(names) if freeze else set()
    if freeze not in names:
        raise ValueError(
            f"`freeze` is True, False or the name of a layer below the head.{nearest(freeze, names)} "
            f"Received: freeze={freeze!r}"
        )
    found, read = set(), set()
    for node in reversed(nodes(net)):
        if node.operation.name == freeze or any(id(x) in read for x in node.outputs):
            found.add(node.operation.name)
            read |= {id(x) for x in node.input_tensors}
    return found


def check_batch_norm(net: keras.Model) -> None:
    """Refuses nets whose batch normalization cannot be frozen because a layer of another kind contains it."""
    for layer in net.layers:
        for part in (inner for piece in parts(layer) for inner in all_layers(piece)):
            reached = type(part) in NORMS and part in parts(layer)
            if isinstance(part, layers.BatchNormalization) and not reached:
                allowed = f"False for a net with {layer.name}, a layer with batch normalization of its own"
                refuse("freeze_batch_norm", allowed, True)
