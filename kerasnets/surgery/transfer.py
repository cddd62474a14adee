"""Trained nets for other classes than those they learnt."""

import functools
import itertools

import keras
from keras import layers

from kerasnets.assembly.heads import check_head, classify
from kerasnets.assembly.options import check_options
from kerasnets.blocks.dense import dense_stack
from kerasnets.checks import nearest, refuse
from kerasnets.graph import all_layers, deep_recursion, fresh_inputs, nodes, run
from kerasnets.layers import FrozenBatchNormalization, parts
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.features import features

PLAIN = (layers.BatchNormalization, FrozenBatchNormalization)  # of these, copies are the one or the other


@deep_recursion()
def replace_head(
    model,
    classes,
    *,
    layer=None,
    pooling=None,
    hidden=(),
    act="relu",
    dropout=0.0,
    classifier_activation="softmax",
    freeze=True,
    freeze_batch_norm=True,
    name=None,
):
    """A copy of a net with a fresh classifier, for transfer learning.

    Layers keep their names; `model` stays as it is. The usual two steps train the new head on frozen features
    and then all of the net at a low rate:

        net = replace_head(DenseNet121(weights="imagenet"), 10, dropout=0.2)
        net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        net.fit(train, epochs=5)
        for part in net.layers:
            part.trainable = True  # batch normalization keeps its statistics
        net.compile(keras.optimizers.Adam(1e-5), "sparse_categorical_crossentropy", metrics=["accuracy"])
        net.fit(train, epochs=10)

    Args:
        model: Any functional or sequential model of one output, with a classifier or without. Of a dict of
            outputs, "predictions" count: auxiliary heads are left out.
        classes: Number of classes.
        layer: Name of the layer on which the head stands, or None for what the old classifier reads.
        pooling: As in `features`: "avg" and "max" take the last maps, and leave out dense layers on them.
        hidden: Units of each hidden dense layer of the head.
        act: Activation of the hidden layers.
        dropout: Share of the features, and of each hidden layer's units, dropped in training.
        classifier_activation: Activation of the classifier; None gives logits.
        freeze: True for a body that is not trained until its layers' `trainable` is set; the name of a layer,
            for it and all that it is computed from; False leaves each layer as it is in `model`.
        freeze_batch_norm: Whether batch normalization keeps its moving statistics, and normalizes by them in
            training, where its layer is trainable too. Units that save memory become plain ones then.
        name: Name of the model, or None for that of `model`.

    Returns:
        A keras.Model, uncompiled, that gives (batch, classes).

    Raises:
        ValueError: An argument is not allowed; the message names it, what it may be and what came.
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
        return copies.of(layer, kind=PLAIN[freeze_batch_norm] if type(layer) in PLAIN else None)

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
    return keras.Model(inputs, x, name=name or model.name)


def free_name(taken):
    """Start of the names of a head's layers: "head", or "head2" and so on where an earlier one is kept."""
    names = itertools.chain(["head"], (f"head{i}" for i in itertools.count(2)))
    return next(n for n in names if not taken & {n, f"{n}_logits", f"{n}_dropout", f"{n}_fc1"})


def frozen_layers(net, freeze):
    """Names of the layers that `freeze`, the argument of `replace_head`, stands for."""
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


def check_batch_norm(net):
    """Refuses nets with batch normalization that is out of reach, inside layers of other kinds."""
    for layer in net.layers:
        for part in (inner for piece in parts(layer) for inner in all_layers(piece)):
            reached = type(part) in PLAIN and part in parts(layer)
            if isinstance(part, layers.BatchNormalization) and not reached:
                allowed = f"False for a net with {layer.name}, a layer with batch normalization of its own"
                refuse("freeze_batch_norm", allowed, True)
