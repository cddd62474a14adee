"""The Distiller and its hints with the losses that are chosen by name."""

import pathlib

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.distillation import METHODS, Distiller, Hint
from kerasnets.distillation.logit_losses import LOGIT_LOSSES, dkd, standardized
from kerasnets.distillation.map_losses import MAP_LOSSES
from kerasnets.distillation.methods import look_up

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(16, 8, 8, 1)).astype("float32"), RNG.integers(0, 4, 16)


def net(filters=3, strides=1, seed=0, classes=4):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(filters, 3, strides, activation="relu", name="map")(inputs)
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D(name="pooled")(x))
    return keras.Model(inputs, layers.Dense(classes, kernel_initializer="normal", name="logits")(x))


def distiller(*hints, student=None, teacher=None, **options):
    made = Distiller(student or net(seed=1), teacher or net(5, 2, seed=2), hints=hints, **options)
    made.compile(keras.optimizers.SGD(0.1), metrics=["accuracy"], run_eagerly=True)
    return made


def logits(made):
    return [m.predict(X, verbose=0) for m in (made.teacher, made.student)]


def words(method):
    """The name of a parameter that is the same in all processes."""
    return getattr(method, "__name__", str(method))


@keras.saving.register_keras_serializable("test_methods")
def distance(teacher_logits, logits, labels, temperature):
    return ops.sum(ops.abs(ops.cast(teacher_logits, "float32") - logits), axis=-1) / temperature


@pytest.mark.parametrize("method", [*LOGIT_LOSSES, ("dkd", {"beta": 2.0}), distance], ids=words)
@pytest.mark.parametrize("standardize", [False, True])
def test_the_loss_has_its_weights_and_its_logs(method, standardize):
    made = distiller(method=method, standardize=standardize, hard_weight=1.0, soft_weight=2.0)
    v, z = logits(made)
    if standardize:
        v, z = standardized(v), standardized(z)
    loss = LOGIT_LOSSES.get(method, distance) if not isinstance(method, tuple) else None
    own = dkd(v, z, Y, 4.0, beta=2.0) if loss is None else loss(v, z, Y, 4.0)
    logs = made.evaluate(X, Y, verbose=0, return_dict=True)
    assert logs["soft_loss"] == pytest.approx(float(ops.mean(own)), rel=1e-4)
    assert logs["loss"] == pytest.approx(logs["hard_loss"] + 2 * logs["soft_loss"], rel=1e-5)


@pytest.mark.parametrize("loss", MAP_LOSSES)
def test_hints_have_the_loss_that_they_name(loss, tmp_path):
    """Channels and grids differ. Training lowers the loss, and goes on as before from a file."""
    layer = "map" if METHODS[loss].layers != "features" else "features"
    made = distiller(Hint(layer, layer, 3.0, loss=loss), hard_weight=1.0, soft_weight=0.0)
    assert len(made.regressors[0].weights) == (2 if loss == "fitnet" else 0)
    teacher, student = (
        keras.Model(m.inputs[0], m.get_layer("pooled" if layer == "features" else layer).output)(X)
        for m in (made.teacher, made.student)
    )
    want = 3 * MAP_LOSSES[loss](teacher, made.regressors[0](student))
    logs = made.test_on_batch(X, Y, return_dict=True)
    assert "hint_loss" not in logs or logs["hint_loss"] == 0  # evaluation compares logits alone
    before = made.train_on_batch(X, Y, return_dict=True)["hint_loss"]
    assert before == pytest.approx(float(ops.mean(want)), rel=1e-4)
    made.save(tmp_path / "made.keras")
    loaded = keras.saving.load_model(tmp_path / "made.keras")
    assert loaded.hints == made.hints
    both = [m.train_on_batch(X, Y, return_dict=True)["hint_loss"] for m in (made, loaded)]
    np.testing.assert_allclose(*both, rtol=1e-4)


@pytest.mark.parametrize("method", [("dkd", {"beta": 2.0}), distance], ids=words)
def test_saved_in_its_warm_up_training_goes_on(method, tmp_path):
    options = dict(method=method, soft_weight=3.0, warm_up=4, standardize=True)
    student = net(seed=1)
    student.layers[3].rate = 0.0  # without dropout, both see the same
    made = distiller(student=student, **options)
    logs = made.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0).history
    for epoch in range(2):
        share = (epoch + 1) / 4
        want = 0.1 * logs["hard_loss"][epoch] + 3 * share * logs["soft_loss"][epoch]
        assert logs["loss"][epoch] == pytest.approx(want, rel=1e-5)
    made.save(tmp_path / "made.keras")
    loaded = keras.saving.load_model(tmp_path / "made.keras")
    assert float(loaded.ramp) == 0.5
    assert (loaded.soft_weight, loaded.warm_up, loaded.standardize) == (3.0, 4, True)
    assert loaded.get_config()["method"] == made.get_config()["method"]
    history = [
        m.fit(X, Y, initial_epoch=2, epochs=5, verbose=0, batch_size=16).history for m in (made, loaded)
    ]
    np.testing.assert_allclose(history[0]["loss"], history[1]["loss"], rtol=1e-5)
    assert float(made.ramp) == 1.0  # in epochs 4 and 5


def test_each_example_may_have_its_own_weight_of_labels():
    made = distiller(method="nkd", soft_weight=2.0)
    own = RNG.random(16).astype("float32")
    v, z = logits(made)
    hard = -np.log(np.exp(z)[range(16), Y] / np.exp(z).sum(1))
    want = own * hard + 2 * np.asarray(LOGIT_LOSSES["nkd"](v, z, Y, 4.0))
    found = made.evaluate(X, {"labels": Y, "hard_weight": own}, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(want.mean(), rel=1e-5)


@pytest.mark.parametrize("method", LOGIT_LOSSES)
def test_one_logit_and_constant_logits_can_be_taught(method):
    one = distiller(student=net(classes=1), teacher=net(4, classes=1, seed=3), method=method)
    assert np.isfinite(one.train_on_batch(X, Y % 2, return_dict=True)["loss"])
    constant = net()
    constant.layers[-1].set_weights([np.zeros((3, 4)), np.zeros(4)])  # as a head that starts from zeros
    made = distiller(student=constant, method=method, standardize=True, soft_weight=1.0)
    made.train_on_batch(X, Y)
    assert all(np.isfinite(w).all() for w in constant.get_weights())


def test_functions_give_a_number_for_each_example_in_any_precision():
    """Of a column, (batch, 1), each number would be added to the losses of all examples."""
    half = [x.astype("float16") for x in (X[:, 0, :4, 0], X[:, 1, :4, 0])]
    made = distiller(method=lambda v, z, y, t: ops.mean(ops.square(ops.subtract(v, z)), axis=-1))
    found = made.loss_on_logits(*half, Y)
    assert (found.dtype, found.shape) == ("float32", (16,))
    column = distiller(method=lambda v, z, y, t: ops.sum(ops.abs(v - z), axis=-1, keepdims=True))
    with pytest.raises(ValueError, match=r"`method`.*\(batch,\)"):
        column.train_on_batch(X, Y)
    hint = Hint("map", "map", loss=lambda guide, guided: ops.sum(guided))
    with pytest.raises(ValueError, match=r"`loss`.*\(batch,\)"):
        distiller(hint).train_on_batch(X, Y)


def test_warms_up_with_callbacks_in_a_list_of_keras():
    made = distiller(warm_up=4)
    callbacks = keras.callbacks.CallbackList(add_history=True, model=made)
    for _ in range(2):
        made.fit(X, Y, epochs=3, verbose=0, callbacks=callbacks)
        assert float(made.ramp) == 0.75
    assert len(callbacks.callbacks) == 2


def test_independent_labels_have_two_methods():
    labels = RNG.integers(0, 2, (16, 4))
    for method in ("kl", "squared"):
        made = distiller(method=method, binary=True)
        v, z = logits(made)
        found = made.evaluate(X, labels, verbose=0, return_dict=True)["soft_loss"]
        if method == "squared":
            assert found == pytest.approx(np.square(v - z).mean(), rel=1e-5)
    for options in (dict(method="dkd"), dict(standardize=True)):
        with pytest.raises(ValueError, match="independent labels"):
            distiller(binary=True, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(method="dk"), "`method` is one of 'kl', 'dkd'"),
        (dict(method=("dkd", {"gamma": 1.0})), "'alpha', 'beta'"),
        (dict(method=("dkd", {"beta": "2"})), "numbers"),
        (dict(method=("dkd", {"beta": True})), "numbers"),
        (dict(method=("dkd", {"beta": -1.0})), "at least 0"),
        (dict(method=("squared", {"centered": 1.0})), "True or False"),
        (dict(method=("squared", {"centered": True}), binary=True), "not centered"),
        (dict(soft_weight=-1), "`soft_weight`"),
        (dict(soft_weight=10**400), "`soft_weight`"),
        (dict(warm_up=1.5), "`warm_up`"),
        (dict(standardize=1), "`standardize`"),
        (dict(standardize=True, student=net(classes=2), teacher=net(classes=2)), "fewer than three"),
        (dict(hints=[Hint("pooled", "pooled", loss="attention")]), "give maps for 'attention'"),
    ],
)
def test_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Distiller(**{"student": net(), "teacher": net(), **options})
    one = net()
    with pytest.raises(ValueError, match="another model than the student"):
        Distiller(one, one)
    with pytest.raises(ValueError, match="`loss` is one of 'fitnet'"):
        Hint("map", "map", loss="att")


def test_methods_are_combined_with_the_weights_of_the_loss_on_logits():
    row, maps = look_up(["attention", "dkd"])
    assert (row.loss, row.soft_weight, [m.loss for m in maps]) == ("dkd", 1.0, ["attention"])
    row, maps = look_up(["pkt"])
    assert (row.hard_weight, row.soft_weight, maps[0].weight) == (1.0, 0.0, 30000.0)  # RepDistiller
    for names in (["kl", "dkd"], [], ["nst", "nst"], ["crd"]):
        with pytest.raises(ValueError, match="`method`"):
            look_up(names)


def test_the_page_shows_the_published_weights():
    page = (pathlib.Path(kerasnets.__file__).parent / "distillation" / "README.md").read_text()
    table = page.split("## Methods\n")[1].split("\n## ")[0]
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    for name, row in METHODS.items():
        *_, batch, published, _ = rows[name].split("|")
        temperature, labels, weight = published.split(",")[:3]
        own = row.weight if row.on_maps else row.soft_weight
        assert (float(labels), float(weight)) == (row.hard_weight, own), name
        assert temperature.strip() == "-" or float(temperature) == row.temperature
        assert batch.strip() == ("yes" if row.coupled else "no")
