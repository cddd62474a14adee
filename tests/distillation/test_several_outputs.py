"""Nets with auxiliary heads and other outputs, as students and as teachers."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from test_losses import reference

from kerasnets.distillation import (
    Distiller,
    Ensemble,
    Hint,
    add_biases,
    add_teacher_logits,
    as_logits,
    specialist,
)
from nets import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 6)).astype("float32"), RNG.integers(0, 3, 12)


def heads(kind, seed=0, activation=None):
    """A net whose main head and two others are in a dict or list, or alone."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((6,))
    low = layers.Dense(5, "relu", name="low")(x)
    aux = layers.Dense(3, activation, name="aux")(low)
    high = layers.Dense(4, "relu", name="high")(low)
    main = layers.Dense(3, activation, name="main")(high)
    outputs = {
        "dict": {"predictions": main, "aux1": aux, "a_map": high},
        "list": [main, aux, high],
        "nested": [main, {"aux": aux}],
        "one": main,
    }
    return keras.Model(x, outputs[kind])


def main_head(model):
    return keras.Model(model.input, model.get_layer("main").output)


def log_softmax_loss(z):
    return reference(Y, z, z, 1.0, 1.0)[0].mean()


@pytest.mark.parametrize(
    ("kind", "taught_by", "hints"),
    [
        ("dict", "one", ()),
        ("list", "dict", ()),
        ("nested", "list", ()),
        ("one", "dict", ()),
        ("dict", "list", (Hint("high", "low"),)),
    ],
)
def test_the_main_output_is_taught_and_others_learn_the_labels(kind, taught_by, hints, tmp_path):
    student, teacher = heads(kind, 0), heads(taught_by, 1)
    z, v = (main_head(m).predict(X, verbose=0) for m in (student, teacher))
    aux = None if kind == "one" else student.get_layer("aux")(student.get_layer("low")(X))
    model = Distiller(student, teacher, temperature=3.0, hard_weight=0.3, hints=hints, aux_weight=0.5)
    model.compile(keras.optimizers.SGD(0.1), metrics=["accuracy"])
    _, soft, total = (part.mean() for part in reference(Y, z, v, 3.0, 0.3))
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(total, rel=1e-5)
    assert logs["accuracy"] == pytest.approx((z.argmax(1) == Y).mean())
    keras.tree.assert_same_structure(model.predict(X, verbose=0), student.predict(X, verbose=0))

    before = state(student)
    logs = model.fit(X, Y, verbose=0).history
    assert logs["soft_loss"][0] == pytest.approx(soft, rel=1e-5)
    total += logs["hint_loss"][0] if hints else 0.0
    if kind != "one":
        assert logs["aux_loss"][0] == pytest.approx(log_softmax_loss(ops.convert_to_numpy(aux)), rel=1e-5)
        total += 0.5 * logs["aux_loss"][0]
    assert logs["loss"][0] == pytest.approx(total, rel=1e-5)
    assert all((a != b).any() for a, b in zip(before, state(student), strict=True))
    model.save(tmp_path / "distiller.keras")
    loaded = keras.saving.load_model(tmp_path / "distiller.keras")
    assert loaded.aux_weight == 0.5
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def state(model):
    return [w.copy() for w in model.get_weights()]


@pytest.mark.parametrize("kind", ["dict", "list"])
@pytest.mark.parametrize("weighted", [False, True])
def test_targets_may_have_the_structure_of_the_outputs(kind, weighted):
    logs, weights = [], RNG.random(12).astype("float32")
    of_heads = {"dict": {"predictions": Y, "aux1": 0 * Y}, "list": [Y, 0 * Y]}[kind]
    for y in (Y, of_heads):
        model = Distiller(heads(kind), heads("one", 1))
        model.compile("sgd", metrics=["accuracy"])
        w = weights if weighted else None
        logs.append(model.train_on_batch(X, y, sample_weight=w, return_dict=True))
    assert logs[0] == logs[1]


def test_a_structure_without_a_main_output_is_refused():
    x = keras.Input((6,))
    net = keras.Model(x, {"a": layers.Dense(3)(x), "b": layers.Dense(3)(x)})
    for role in ("student", "teacher"):
        with pytest.raises(ValueError, match=f"`{role}` is a model of one output.*'predictions'.*'a', 'b'"):
            Distiller(**{"student": heads("one"), "teacher": heads("one"), role: net})
    model = Distiller(heads("dict"), heads("one"))
    model.compile("sgd")
    with pytest.raises(ValueError, match="`y` is .*'predictions'"):
        model.train_on_batch(X, {"aux1": Y})


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_heads_with_a_softmax_are_refused_and_become_logits(kind):
    net = heads(kind, activation="softmax")
    with pytest.raises(ValueError, match="as_logits"):
        Distiller(net)
    keras.tree.assert_same_structure(as_logits(net).output, net.output)
    Distiller(as_logits(net), as_logits(net))


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_what_else_takes_the_main_output(kind):
    tf = pytest.importorskip("tensorflow")
    nets = [heads(kind, seed) for seed in (0, 1)]
    logits = [main_head(net).predict(X, verbose=0) for net in nets]
    np.testing.assert_allclose(Ensemble(nets)(X), np.mean(logits, 0), atol=1e-6)
    np.testing.assert_allclose(add_biases(nets[0], [0], [1.0])(X), logits[0] + [1, 0, 0], atol=1e-6)
    reduced = specialist(nets[0], [1], "reduced")(X)
    np.testing.assert_allclose(specialist(nets[0], [1])(X)[:, 0], logits[0][:, 1], atol=1e-6)
    np.testing.assert_allclose(reduced[:, 0], logits[0][:, 1], atol=1e-6)
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(6)
    parts = [y["teacher_logits"] for _, y in add_teacher_logits(dataset, nets[0], dtype="float32")]
    np.testing.assert_allclose(np.concatenate(parts), logits[0], atol=1e-6)


def test_nets_of_the_package_with_auxiliary_heads():
    student = tiny("GoogLeNet", aux_heads=True, input_shape=(75, 75, 3), classifier_activation=None)
    teacher = tiny("GoogLeNet", aux_heads=True, input_shape=(75, 75, 3), classifier_activation=None)
    model = Distiller(student, teacher)
    model.compile("sgd", metrics=["accuracy"])
    x = RNG.normal(size=(2, 75, 75, 3)).astype("float32")
    logs = model.train_on_batch(x, np.arange(2), return_dict=True)
    assert logs["aux_loss"] > 0
    assert np.isfinite(logs["loss"])
    assert set(model.predict_on_batch(x)) == set(student.output)
