"""Models, weights, profile, Distiller and surgery on the backend of Keras that KERAS_BACKEND names.

tests/test_backends.py runs this. The order counts: the first of these tests must not import TensorFlow. Keras
itself imports it, if it is there, where copies of layers are made from configurations.
"""

import os
import sys

import keras
import numpy as np
import pytest
from keras import ops

import authors
import by_hand
import kerasnets
from kerasnets import surgery, training
from kerasnets.analysis import visualize
from kerasnets.blocks.conv import conv
from kerasnets.distillation import (
    Distiller,
    Ensemble,
    Hint,
    Mutual,
    add_teacher_logits,
    as_logits,
    combine,
    specialist,
)
from kerasnets.layers import MirrorPadding2D, WindowPadding2D

IMAGES = np.random.default_rng(0).random((8, 8, 8, 3))
DIGITS = np.random.default_rng(1).random((64, 32, 32, 1)).astype("float32")
LABELS = np.random.default_rng(2).integers(0, 10, 64)


@pytest.fixture(scope="module")
def teacher():
    return as_logits(kerasnets.build("LeNet5"))


@pytest.fixture(scope="module")
def student():
    return kerasnets.build("MLP800", hidden=(8,), input_shape=(32, 32, 1), classifier_activation=None)


def array(x):
    return ops.convert_to_numpy(x)


def softmax(model):
    return ops.softmax(ops.convert_to_tensor(model.predict(DIGITS, verbose=0)))


def finite_loss(model, x, y, **options):
    losses = model.fit(x, y, batch_size=8, verbose=0, **options).history["loss"]
    return np.isfinite(losses).all()


def test_the_backend_is_the_one_that_was_named():
    assert keras.backend.backend() == os.environ["KERAS_BACKEND"] != "tensorflow"


def test_models_and_profile():
    tiny = kerasnets.applications.MobileNet.spec.tiny
    model = kerasnets.build("MobileNet", input_shape=(32, 32, 3), **tiny)
    scores = model.predict(np.random.default_rng(0).random((2, 32, 32, 3)), verbose=0)
    assert scores.shape == (2, 1000)
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)
    profile = kerasnets.analysis.profile(model)
    assert profile.params == model.count_params()
    assert profile.mult_adds > 1e4


def test_paddings():
    x = np.random.default_rng(0).random((1, 13, 14, 2)).astype("float32")
    inputs = keras.Input((None, None, 2))
    free = keras.Model(inputs, WindowPadding2D(11, 4)(inputs))
    np.testing.assert_array_equal(free.predict(x, verbose=0), np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]))
    mirrored = keras.Model(inputs, MirrorPadding2D(((1, 0), (2, 1)))(inputs)).predict(x, verbose=0)
    np.testing.assert_array_equal(mirrored, np.pad(x, [(0, 0), (1, 0), (2, 1), (0, 0)], mode="symmetric"))
    for strides in (1, 3):
        even = keras.Model(inputs, conv(inputs, 1, 4, strides, init="ones", name="conv"))
        padded = np.pad(x, [(0, 0), (1, 2), (1, 2), (0, 0)])
        corners = [[(i, j) for j in range(0, 14, strides)] for i in range(0, 13, strides)]
        sums = [[padded[0, i : i + 4, j : j + 4].sum() for i, j in row] for row in corners]
        np.testing.assert_allclose(even.predict(x, verbose=0)[0, ..., 0], sums, rtol=1e-5)


def test_drop_path():
    net = kerasnets.build("FractalNet20", filters=(4,), columns=2, input_shape=(8, 8, 3))
    net.compile("sgd", "sparse_categorical_crossentropy")
    assert finite_loss(net, IMAGES, np.arange(8))


def test_capsules():
    net = kerasnets.build(
        "CapsNet", alpha=0.0625, decoder=True, hidden=(4,), iterations=2, input_shape=(17, 17, 1)
    )
    train = kerasnets.applications.capsnet.labeled(net)
    losses = {"predictions": training.MarginLoss(), "reconstruction": training.ReconstructionLoss()}
    train.compile("adam", losses)
    x, labels = np.zeros((8, 17, 17, 1), "float32"), np.arange(8)
    targets = {"predictions": labels, "reconstruction": x}
    assert finite_loss(train, {"images": x, "labels": labels}, targets)
    assert all(np.isfinite(w).all() for w in net.get_weights())


def test_recomputed_layers_train_as_plain_ones():
    losses, statistics, start = [], [], None
    options = dict(depths=(1,), growth=4, input_shape=(32, 32, 3), classes=8)
    images = np.random.default_rng(0).random((8, 32, 32, 3))
    for efficient in (False, True):
        net = kerasnets.build("DenseNet121", memory_efficient=efficient, **options)
        start = start or net.get_weights()
        net.set_weights(start)
        net.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        losses.append(net.fit(images, np.arange(8), batch_size=8, epochs=2, verbose=0).history["loss"])
        statistics.append([array(w) for w in net.weights if "moving" in w.name])
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for a, b in zip(*statistics, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_distiller(teacher, student):
    before = [w.copy() for w in teacher.get_weights()]
    live = Distiller(student, teacher)
    live.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"])
    losses = live.fit(DIGITS, LABELS, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for a, b in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    cached = Distiller(student)
    cached.compile("adam")
    y = {"labels": LABELS, "teacher_logits": teacher.predict(DIGITS, verbose=0)}
    logs = cached.fit(DIGITS, y, epochs=2, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    assert set(logs) == {"loss", "hard_loss", "soft_loss"}


def test_mutual_learning(teacher, student):
    both = Mutual([student, teacher])
    both.compile("sgd", metrics=["accuracy"])
    p = [array(softmax(net)).astype("float64") for net in both.nets]
    peer = sum((a * np.log(a / b)).sum(1).mean() for a, b in (p, p[::-1])) / 2
    logs = both.evaluate(DIGITS, LABELS, verbose=0, return_dict=True)
    assert logs["peer_loss"] == pytest.approx(peer, rel=1e-3)
    before = [net.get_weights()[-1].copy() for net in both.nets]
    assert finite_loss(both, DIGITS, LABELS)
    assert all(np.abs(a - net.get_weights()[-1]).max() > 0 for a, net in zip(before, both.nets, strict=True))


def test_nothing_imported_tensorflow():
    assert "tensorflow" not in sys.modules


def test_seeing_inside_a_net():
    by_hand.check_ways_back(visualize)
    by_hand.check_class_maps(visualize)
    net = by_hand.net()
    found = visualize.maximize(net, 1, steps=10, jitter=0)
    assert net.predict(found, verbose=0)[0, 1] > net.predict(by_hand.IMAGES, verbose=0)[:, 1].max()
    assert visualize.strongest(net, by_hand.IMAGES, "conv2", 0, 2).values.shape == (2,)


def small(*end):
    """A net of two convolutions with batch normalization, and what stands between them and the classifier."""
    x = y = keras.Input((8, 8, 3))
    for name, strides in (("conv1", 1), ("conv2", 2)):
        y = keras.layers.Conv2D(4, 3, strides, "same", name=name)(y)
        y = keras.layers.ReLU()(keras.layers.BatchNormalization()(y))
    for layer in (*end, keras.layers.Dense(5)):
        y = layer(y)
    return keras.Model(x, y)


def test_a_new_head_and_a_pyramid():
    net = small(keras.layers.GlobalAveragePooling2D())
    assert list(surgery.feature_pyramid(net, None).output) == ["P0", "P1"]
    net = surgery.replace_head(net, 4, freeze=False)
    statistics = [w for w in net.weights if "moving" in w.name]
    before = [array(w).copy() for w in statistics]
    rates = training.rate_factors(net, 1e-9)
    first, last = (net.trainable_variables[i] for i in (0, -1))
    at_first, at_last = array(first).copy(), array(last).copy()
    net.compile(
        training.scaled(keras.optimizers.Adam)(1e-2, factors=rates), "sparse_categorical_crossentropy"
    )
    assert finite_loss(net, IMAGES, np.arange(8) % 4)
    np.testing.assert_allclose(array(first), at_first, atol=1e-6)
    assert np.abs(array(last) - at_last).min() > 1e-3
    assert statistics
    for a, b in zip(before, statistics, strict=True):
        np.testing.assert_array_equal(a, array(b))


def test_surgery_and_evaluation():
    net = small(keras.layers.Flatten(), keras.layers.Dense(6, "relu"))
    y = np.random.default_rng(3).normal(size=(2, 8, 8, 3)).astype("float32")
    scores = array(net(y, training=False))  # op by op, as most are compiled once for all of these nets
    folded = surgery.fold_batch_norm(net)
    assert not [layer for layer in folded.layers if "Norm" in type(layer).__name__]
    grown = surgery.deepen(net, "conv1", data=y), surgery.widen(net, "conv2", 7)
    for changed in (surgery.convolutionize(net), folded, *grown):
        found = array(changed(y, training=False)).reshape(scores.shape)
        np.testing.assert_allclose(found, scores, atol=1e-5, err_msg=changed.name)
    y = np.random.default_rng(3).normal(size=(2, 10, 12, 3)).astype("float32")
    found = training.evaluate(net, (y, np.arange(2)), "dense_and_crops", sizes=12)
    assert set(found) == {"top1", "top5"}


def test_ensembles_hints_and_specialists(teacher, student):
    p = [softmax(model) for model in (teacher, student)]
    both = softmax(Ensemble([teacher, student], mean="arithmetic"))
    np.testing.assert_allclose(array(both), array((p[0] + p[1]) / 2), atol=1e-5)
    own = softmax(specialist(teacher, [3, 5, 8]))  # one that agrees
    together = array(combine(p[0], [own], [[3, 5, 8]]))
    np.testing.assert_allclose(together, array(p[0]), atol=1e-5)
    hints = [Hint(teacher.layers[-2].name, student.layers[-2].name), Hint("features", "features", loss="pkt")]
    hinted = Distiller(student, teacher, hints=hints, method="dist", standardize=True, warm_up=2)
    hinted.compile("adam")
    logs = hinted.fit(DIGITS, LABELS, epochs=2, verbose=0).history
    assert np.isfinite(logs["hint_loss"]).all()
    parts = [0.1 * np.array(logs["hard_loss"]), [0.45, 0.9] * np.array(logs["soft_loss"]), logs["hint_loss"]]
    np.testing.assert_allclose(logs["loss"], np.sum(parts, axis=0), rtol=1e-4)


def test_losses_of_all_methods():
    names = [*kerasnets.distillation.LOGIT_LOSSES, *kerasnets.distillation.MAP_LOSSES]
    rows = {row["loss"]: row for row in authors.ROWS}  # one each
    for name in names:
        row = rows[name]
        guide, guided, labels = authors.tensors(row["inputs"], "float32")
        size, loss = len(guided), authors.loss_of(row)

        def with_zeros(x, loss=loss, guide=guide, labels=labels):
            return ops.concatenate([loss(guide, x, labels), loss(guide, 0 * x, labels)])

        def mean(losses, size=size):
            return ops.mean(losses[:size]) + 0 * ops.sum(losses[size:])

        found, gradient = authors.with_gradient(with_zeros, guided, mean)
        expected = row["factor"] * np.reshape(row["gradient"], guided.shape)
        np.testing.assert_allclose(found[:size].mean(), row["factor"] * row["value"], rtol=2e-4, err_msg=name)
        np.testing.assert_allclose(gradient, expected, atol=2e-4 * np.abs(expected).max(), err_msg=name)
        assert np.isfinite(found).all(), name


def test_teacher_logits_of_tf_data(teacher, student, tmp_path):
    from kerasnets import data

    batches = data.batches((DIGITS, LABELS), 24)
    for _ in range(2):  # computed, then read
        transfer = add_teacher_logits(batches, teacher, tmp_path, dtype="float32")
    found = data.to_arrays(transfer)[1]["teacher_logits"]
    np.testing.assert_allclose(found, teacher.predict(DIGITS, verbose=0), atol=1e-5)
    cached = Distiller(student)
    cached.compile("adam")
    assert np.isfinite(cached.fit(transfer, verbose=0).history["soft_loss"]).all()


def test_arrays_are_classified(teacher):
    pixels = (255 * DIGITS[:3]).astype("uint8")
    found = kerasnets.classify(teacher, ops.convert_to_tensor(pixels), top=10, preprocess="unit")
    expected = ops.softmax(teacher(pixels / np.float32(255), training=False))
    scores = [[dict(one.labels)[str(digit)] for digit in range(10)] for one in found]
    np.testing.assert_allclose(scores, array(expected), atol=1e-5)


def test_no_gradients_of_the_teacher_are_recorded(teacher, student):
    seen = []

    class Seen(keras.layers.Layer):
        """Gives what it reads, and keeps it."""

        def call(self, x):
            seen.append(x)
            return x

    wide = keras.Model(teacher.input, Seen(name="seen")(teacher.output))
    for hints in ((), [Hint("seen", student.layers[-1].name)]):
        model = Distiller(student, wide, hints=hints)
        model.compile("sgd")
        seen.clear()
        model.train_on_batch(DIGITS[:8], LABELS[:8])
        assert seen
        assert not any(getattr(x, "requires_grad", False) for x in seen)
    assert all(layer.trainable for layer in teacher.layers)
