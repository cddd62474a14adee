import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerasnets.distillation import (
    Distiller,
    combine,
    confusable_classes,
    correct_dustbin,
    hard_loss,
    oversampling,
    soft_loss,
    specialist,
    specialist_dataset,
)

CLASSES, SUBSET = 6, [4, 1]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 5)).astype("float32")
Y = RNG.integers(0, CLASSES, 600)


def generalist(seed=0, activation=None):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((5,))
    x = layers.BatchNormalization(name="bn")(layers.Dense(8, "relu", name="fc")(inputs))
    return keras.Model(inputs, layers.Dense(CLASSES, activation, name="logits", bias_initializer="normal")(x))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def batches(y=Y, size=50):
    return tf.data.Dataset.from_tensor_slices((X[: len(y)], y)).batch(size)


def test_clusters_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'kerasnets\[recipes\]'"):
        confusable_classes(np.eye(4), 2)


def test_classes_predicted_together_are_found():
    # Pairs (0, 3), (1, 5), (2, 4) share their probability.
    pairs = [(0, 3), (1, 5), (2, 4)]
    logits = np.full((900, 6), -6.0)
    for i in range(900):
        logits[i, list(pairs[i % 3])] = RNG.normal(size=2) * 0.3
    for temperature in (1.0, 2.0):
        found = confusable_classes(logits, 3, temperature=temperature)
        assert [tuple(s) for s in found] == pairs
    again = confusable_classes(logits, 3, seed=1), confusable_classes(logits, 3, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(*again, strict=True))


def test_starts_in_agreement_with_the_generalist():
    net = generalist()
    p = softmax(net.predict(X, verbose=0).astype("float64"))
    own = softmax(specialist(net, SUBSET).predict(X, verbose=0).astype("float64"))
    np.testing.assert_allclose(own, np.c_[p[:, SUBSET], 1 - p[:, SUBSET].sum(1)], atol=1e-6)
    np.testing.assert_allclose(combine(p, [own], [SUBSET], top=CLASSES), p, atol=1e-6)


def test_the_reduced_head_starts_from_means():
    net = generalist()
    kernel, bias = net.get_layer("logits").get_weights()
    others = [0, 2, 3, 5]
    small = specialist(net, SUBSET, head="reduced")
    w, b = small.layers[-1].get_weights()
    np.testing.assert_allclose(w, np.c_[kernel[:, SUBSET], kernel[:, others].mean(1)], rtol=1e-6)
    np.testing.assert_allclose(b, [*bias[SUBSET], bias[others].mean() + np.log(4)], rtol=1e-6)
    assert small.count_params() < net.count_params()


@pytest.mark.parametrize("head", ["logsumexp", "reduced"])
def test_learns_alone_and_serializes(head, tmp_path):
    net = generalist()
    before = [w.copy() for w in net.get_weights()]
    own = specialist(net, SUBSET, head)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    own.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    losses = own.fit(specialist_dataset(batches(), SUBSET), epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(np.array_equal(a, b) for a, b in zip(before, net.get_weights(), strict=True))
    assert not np.array_equal(own.get_layer("fc").get_weights()[0], before[0])
    corrected = correct_dustbin(own, 9.0)
    corrected.save(tmp_path / "s.keras")
    loaded = keras.saving.load_model(tmp_path / "s.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), corrected.predict(X, verbose=0))


@pytest.mark.parametrize("special_fraction", [0.1, 0.5, 0.8])
def test_the_data_has_the_share_that_is_asked_for(special_fraction):
    dataset = specialist_dataset(batches(), SUBSET, special_fraction)
    passes = [np.concatenate([y for _, y in dataset.as_numpy_iterator()]) for _ in range(10)]
    assert set(np.concatenate(passes)) == {0, 1, 2}
    share = np.mean(np.concatenate(passes) < 2)
    assert abs(share - special_fraction) < 0.02
    # Labels belong to the images that they came with.
    images = {x.tobytes(): label for x, label in zip(X, Y, strict=True)}
    for x, place in dataset.unbatch().as_numpy_iterator():
        label = images[x.tobytes()]
        assert place == (SUBSET.index(label) if label in SUBSET else 2)


def test_draws_differ_from_pass_to_pass_and_not_from_run_to_run():
    def passes(seed):
        dataset = specialist_dataset(batches(), SUBSET, seed=seed)
        return [np.concatenate([x for x, _ in dataset.as_numpy_iterator()]) for _ in range(2)]

    first, second = passes(0)
    assert not np.array_equal(first, second)
    for a, b in zip((first, second), passes(0), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first, passes(1)[0])


def test_oversampling_and_its_correction_undo_each_other():
    # One in ten is special; at one half they are seen 9 times more often than others.
    y = np.arange(600) % 10
    assert oversampling(batches(y), [3]) == pytest.approx(9)
    net = specialist(generalist(), [3])
    odds, corrected = (np.diff(m.predict(X[:5], verbose=0))[:, 0] for m in (net, correct_dustbin(net, 9.0)))
    np.testing.assert_allclose(corrected - odds, np.log(9), rtol=1e-5)


def test_specialists_of_all_classes():
    net = generalist()
    z = net.predict(X, verbose=0)
    targets = {"labels": Y, "teacher_logits": z}
    dataset = tf.data.Dataset.from_tensor_slices((X, targets)).batch(50)
    (x, y) = next(specialist_dataset(dataset, SUBSET, dustbin=False).as_numpy_iterator())
    np.testing.assert_array_equal(y["hard_weight"], np.isin(y["labels"], SUBSET))

    student = generalist(seed=1)
    logits = student(x)
    hard = np.asarray(hard_loss(y["labels"], logits))
    soft = np.asarray(soft_loss(y["teacher_logits"], logits, 4))
    special = y["hard_weight"] == 1
    want = np.where(special, hard, soft).mean()
    distiller = Distiller(student, temperature=4.0)
    distiller.compile("sgd")
    assert distiller.test_on_batch(x, y, return_dict=True)["loss"] == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: confusable_classes(np.zeros((9, 4)), 5), "clusters"),
        (lambda: confusable_classes(np.zeros(4), 2), "logits"),
        (lambda: confusable_classes(np.full((9, 4), np.nan), 2), "logits"),
        (lambda: confusable_classes(np.zeros((9, 4)), 2, temperature=0), "temperature"),
        (lambda: specialist(generalist(activation="softmax"), SUBSET), "generalist"),
        (lambda: specialist(generalist(), [6]), "classes"),
        (lambda: specialist(generalist(), []), "classes"),
        (lambda: specialist(generalist(), range(6)), "classes"),
        (lambda: specialist(generalist(), SUBSET, head="large"), "head"),
        (lambda: specialist_dataset(batches(), SUBSET, 1.0), "special_fraction"),
        (lambda: specialist_dataset(batches(), [9]), "classes"),
        (lambda: specialist_dataset(batches(), SUBSET, seed=-1), "seed"),
        (lambda: correct_dustbin(specialist(generalist(), SUBSET), 0), "oversampling"),
    ],
)
def test_refused(call, argument):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        call()
