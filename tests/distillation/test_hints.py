import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.distillation import Distiller, Ensemble, Hint

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 8, 8, 1)).astype("float32"), RNG.integers(0, 3, 8)


def net(filters, strides=1, seed=0):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(filters, 3, strides, padding="same", activation="relu", name="low")(inputs)
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", name="high")(x)
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(inputs, layers.Dense(3, name="logits")(x))


def distiller(student, teacher, *hints, **options):
    made = Distiller(student, teacher, hints=hints, **options)
    made.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"])
    return made


def maps(model, layer):
    return keras.Model(model.inputs, model.get_layer(layer).output).predict(X, verbose=0).astype("float64")


@pytest.mark.parametrize("regressor", [False, True])
def test_loss_is_half_the_mean_square(regressor):
    student, teacher = net(4, seed=1), net(4, seed=2)
    made = distiller(student, teacher, Hint("high", "low", 0.5, regressor), Hint("pooled", "pooled", 2.0))
    ours, pooled = maps(student, "low"), maps(student, "pooled")
    if regressor:
        kernel, bias = made.regressors[0].get_weights()
        ours = ours @ kernel[0, 0] + bias
    kernel, bias = made.regressors[1].get_weights()
    want = 0.5 * 0.5 * np.mean((ours - maps(teacher, "high")) ** 2)
    want += 2.0 * 0.5 * np.mean((pooled @ kernel + bias - maps(teacher, "pooled")) ** 2)
    logs = made.train_on_batch(X, Y, return_dict=True)
    np.testing.assert_allclose(logs["hint_loss"], want, rtol=1e-5)
    soft = 0.1 * logs["hard_loss"] + 0.9 * logs["soft_loss"]
    np.testing.assert_allclose(logs["loss"], soft + logs["hint_loss"], rtol=1e-5)


def test_maps_of_another_grid_and_number_are_followed():
    student, teacher = net(3, strides=2, seed=1), net(6, seed=2)
    made = distiller(student, teacher, Hint("low", "low"), hints_only=True)
    made.optimizer.learning_rate = 3e-2
    before = [w.copy() for w in teacher.get_weights()]
    losses = made.fit(X, Y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    for a, b in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_stage_trains_what_the_hint_reads():
    student, teacher = net(3, seed=1), net(6, seed=2)
    before = {layer.name: [w.copy() for w in layer.get_weights()] for layer in student.layers}
    made = distiller(student, teacher, Hint("low", "low"), hints_only=True)
    logs = made.fit(X, Y, epochs=2, verbose=0).history
    np.testing.assert_allclose(logs["loss"], logs["hint_loss"], rtol=1e-5)
    changed = {
        layer.name
        for layer in student.layers
        if any((a != b).any() for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
    }
    assert changed == {"low"}
    distiller(student, teacher).fit(X, Y, verbose=0)  # the second stage, of which the regressor is no part
    assert student.count_params() == net(3).count_params()


def test_saved_and_loaded_training_goes_on(tmp_path):
    made = distiller(net(3, seed=1), net(6, seed=2), Hint("high", "high"))
    made.fit(X, Y, epochs=2, verbose=0)
    made.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    both = [m.fit(X, Y, epochs=2, verbose=0, shuffle=False).history["loss"] for m in (made, loaded)]
    np.testing.assert_allclose(*both, rtol=1e-6)
    np.testing.assert_allclose(made.predict(X, verbose=0), loaded.predict(X, verbose=0), atol=1e-6)


def test_evaluation_compares_logits_alone():
    made = distiller(net(3, seed=1), net(6, seed=2), Hint("high", "high"))
    logs = made.evaluate(X, Y, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], 0.1 * logs["hard_loss"] + 0.9 * logs["soft_loss"], rtol=1e-5)
    assert made.predict(X, verbose=0).shape == (8, 3)


def nested(head):
    """A net whose feature maps, and classifier with `head`, are in nets of their own."""
    inner = keras.Input((8, 8, 1))
    maps = keras.Model(inner, layers.Conv2D(4, 3, activation="relu", name="inner")(inner), name="backbone")
    x = inputs = keras.Input((8, 8, 1))
    x = maps(x)
    if not head:
        return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    classes = keras.Sequential([keras.Input((6, 6, 4)), layers.Conv2D(3, 1), layers.GlobalAveragePooling2D()])
    return keras.Model(inputs, classes(x))


@pytest.mark.parametrize("head", [False, True])
def test_layers_of_nested_nets(head):
    """A nested net is a layer, also beside features, which several hints may compare."""
    student = nested(head)
    hints = [Hint("high", "backbone"), Hint("features", "features"), Hint("low", "features", loss="pkt")]
    made = Distiller(student, net(6), hints=hints)
    own = student.get_layer("backbone")(X)
    found = made.hint_models.student(X)[1]
    np.testing.assert_allclose(found[0], own, atol=1e-6)
    for x in found[1:]:
        np.testing.assert_allclose(x, np.mean(own, (1, 2)), atol=1e-6)
    assert len(made.hint_models.guided.trainable_variables) == 2
    both = keras.Input((4,))
    two = keras.Model(both, [layers.Dense(3)(both), layers.Dense(2)(both)], name="two")
    taught = keras.Model(both, two(both)[0])
    with pytest.raises(ValueError, match="give one tensor"):
        Distiller(taught, net(6), hints=[Hint("pooled", "two")])
    ensemble = Ensemble([net(3), net(4)])
    with pytest.raises(ValueError, match="no classifier"):
        Distiller(net(3), ensemble, hints=[Hint("features", "pooled")])


def test_a_regressor_maps_channels_where_grids_may_differ():
    def net_of():
        convs = [layers.Conv1D(4, 3, name="wide"), layers.Conv1D(3, 3, name="small")]
        return keras.Sequential([keras.Input((8, 2)), *convs, layers.Flatten(), layers.Dense(3)])

    student, teacher = net_of(), net_of()
    hint = Hint("wide", "small", regressor=True, loss="attention")
    assert Distiller(student, teacher, hints=[hint]).regressors[0].filters == 4
    with pytest.raises(ValueError, match="fit each other"):
        Distiller(student, teacher, hints=[Hint("wide", "small")])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hints": [Hint("high", "low")], "teacher": None}, "`teacher`"),
        ({"hints": ["high"]}, "`hints`"),
        ({"hints": [Hint("hihg", "low")]}, "'high'"),
        ({"hints": [Hint("high", "loww")]}, "'low'"),
        ({"hints": [Hint("pooled", "low")]}, "`hints`"),
        ({"hints": [Hint("high", "low", regressor=False)]}, "`hints`"),
        ({"hints_only": True}, "`hints_only`"),
    ],
)
def test_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Distiller(**{"student": net(3), "teacher": net(6), **options})


@pytest.mark.parametrize(
    "row", [(1, "low"), ("high", None), ("high", "low", -1.0), ("high", "low", 1.0, "yes")]
)
def test_hints_of_something_else_are_refused(row):
    with pytest.raises(ValueError, match="Received"):
        Hint(*row)
