import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.assembly.outputs import as_logits, classifier, drop_aux_heads, end_of, main_output
from kerasnets.distillation import Distiller
from kerasnets.graph import flat

pytestmark = pytest.mark.usefixtures("eagerly")

X = np.random.default_rng(0).random((6, 8)).astype("float32")


def sequential(*last):
    return keras.Sequential([keras.Input((8,)), layers.Dense(5, "relu"), *last])


def functional(function):
    x = keras.Input((8,))
    return keras.Model(x, function(layers.Dense(3)(x)))


def nested(*last):
    inner = keras.Sequential([keras.Input((5,)), *last], name="inner")
    x = keras.Input((8,))
    return keras.Model(x, inner(layers.Dense(5)(x)))


def deep():
    """A softmax behind the second of two inner models, the first within another one."""
    x, y = keras.Input((8,)), keras.Input((4,))
    inner = keras.Model(x, nested(layers.Dense(4))(x))
    outer = keras.Model(y, layers.Softmax()(layers.Dense(3)(y)))
    return keras.Sequential([keras.Input((8,)), inner, outer])


def reads_twice():
    """A model that calls one softmax layer twice, and ends with its second call."""
    x, squash = keras.Input((8,)), layers.Activation("softmax")
    gate = squash(layers.Dense(4)(x))
    return keras.Model(x, squash(layers.Dense(3)(gate)))


def in_half():
    squashed = layers.Dense(3, "softmax", dtype="mixed_bfloat16")
    return sequential(squashed, layers.Activation("linear", dtype="float32"))


MODELS = {
    "dense": lambda: sequential(layers.Dense(3, "softmax")),
    "softmax": lambda: sequential(layers.Dense(3), layers.Softmax()),
    "activation": lambda: sequential(layers.Dense(3), layers.Activation("softmax")),
    "ours": lambda: kerasnets.applications.MLP((5,), input_shape=(2, 4, 1), classes=3),
    "of axis 1": lambda: sequential(layers.Dense(3), layers.Softmax(axis=1)),
    "operation": lambda: functional(ops.softmax),
    "activation function": lambda: functional(keras.activations.softmax),
    "layer as activation": lambda: sequential(layers.Dense(3), layers.Activation(layers.Softmax())),
    "linear behind": lambda: sequential(layers.Dense(3, "softmax"), layers.Activation("linear")),
    "identity behind": lambda: sequential(layers.Dense(3), layers.Softmax(), layers.Identity()),
    "cast behind": lambda: functional(lambda x: ops.cast(ops.softmax(ops.cast(x, "float64")), "float32")),
    "reshape behind": lambda: sequential(layers.Dense(3), layers.Softmax(), layers.Reshape((1, 3))),
    "reshape before": lambda: sequential(layers.Dense(6), layers.Reshape((2, 3)), layers.Softmax()),
    "flatten behind": lambda: sequential(
        layers.Reshape((1, 5)), layers.Dense(3), layers.Activation("softmax"), layers.Flatten()
    ),
    "in half precision": in_half,
    "nested": lambda: nested(layers.Dense(3, "softmax")),
    "nested alone": lambda: nested(layers.Softmax()),
    "nested behind": lambda: sequential(
        layers.Dense(3, "softmax"), keras.Sequential([keras.Input((3,)), layers.Activation("linear")])
    ),
    "nested twice": deep,
    "read twice": reads_twice,
}


def inputs(model):
    return X.reshape(-1, *model.input_shape[1:])


@pytest.mark.parametrize("kind", MODELS)
def test_as_logits_is_the_model_before_its_softmax(kind):
    model = MODELS[kind]()
    logits = as_logits(model)
    x = inputs(model)
    given = logits.predict(x, verbose=0)
    tolerance = 1e-2 if kind == "in half precision" else 1e-6
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(keras.ops.softmax(given)), model.predict(x, verbose=0), atol=tolerance
    )
    assert given.dtype == "float32"
    assert np.abs(given.sum(-1) - 1).min() > 1e-3
    assert end_of(model).activation == "softmax"
    assert end_of(logits).activation is None
    assert {id(w) for w in logits.weights} == {id(w) for w in model.weights}


@pytest.mark.parametrize("kind", MODELS)
def test_as_logits_trains_and_saves(kind, tmp_path):
    model = MODELS[kind]()
    logits, x = as_logits(model), inputs(model)
    before = model.predict(x, verbose=0)
    logits.compile("sgd", "mse")
    logits.fit(x, np.ones(before.shape), verbose=0)
    after = model.predict(x, verbose=0)
    assert np.abs(after - before).max() > 1e-4  # the weights are shared
    logits.save(tmp_path / "logits.keras")
    loaded = keras.saving.load_model(tmp_path / "logits.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), logits.predict(x, verbose=0), atol=1e-6)


def test_as_logits_leaves_logits_alone():
    model = sequential(layers.Dense(3))
    assert as_logits(model) is model


def test_as_logits_refuses_what_has_no_single_output():
    x = keras.Input((8,))
    two = keras.Model(x, [layers.Dense(3, "softmax")(x), layers.Dense(3, "softmax")(x)])
    with pytest.raises(ValueError, match="`model`.*Received"):
        as_logits(two)


@pytest.mark.parametrize(
    "last",
    [
        (layers.Dense(3, "tanh"),),
        (layers.Dense(3), layers.Activation(ops.log_softmax)),
        (layers.Dense(6, "softmax"), layers.Dense(3)),
        (layers.Dense(3, "softmax"), layers.Rescaling(2.0)),
    ],
)
def test_other_endings_are_left_alone(last):
    model = sequential(*last)
    assert end_of(model).activation is None
    assert as_logits(model) is model


@pytest.mark.parametrize(
    "last", [(layers.Dense(1, "sigmoid"),), (layers.Dense(1), layers.Activation("sigmoid"))]
)
def test_a_sigmoid(last):
    model = sequential(*last)
    assert end_of(model).activation == "sigmoid"
    expected = model.predict(X, verbose=0)
    np.testing.assert_allclose(1 / (1 + np.exp(-as_logits(model).predict(X, verbose=0))), expected, atol=1e-6)


def test_a_model_that_gives_what_it_reads():
    x = keras.Input((3,))
    end = end_of(keras.Model(x, layers.Identity()(x)))
    assert end.layer is None
    assert end.activation is None


@pytest.mark.parametrize("kind", MODELS)
def test_direct_calls_do_not_warn(kind, recwarn):
    model = MODELS[kind]()
    as_logits(model)(inputs(model))
    assert not [w for w in recwarn if "structure of `inputs`" in str(w.message)]


def test_dicts_of_inputs_keep_their_structure():
    x = {name: keras.Input((2,), name=name) for name in ("left", "right")}
    model = keras.Model(x, layers.Dense(3, "softmax")(layers.Add()([x["left"], x["right"]])))
    given = {"left": X[:, :2], "right": X[:, 2:4]}
    logits = as_logits(model)
    assert set(logits.input) == {"left", "right"}
    expected = model.predict(given, verbose=0)
    np.testing.assert_allclose(ops.convert_to_numpy(ops.softmax(logits(given))), expected, atol=1e-6)


@pytest.mark.parametrize("structure", [lambda x: [x], lambda x: {"image": x}])
def test_one_input_keeps_its_structure(structure, recwarn):
    x = keras.Input((8,))
    model = keras.Model(structure(x), layers.Dense(3, "softmax")(x))
    given = structure(X)
    logits = as_logits(model)(given)
    assert not [w for w in recwarn if "structure of `inputs`" in str(w.message)]
    expected = model.predict(given, verbose=0)
    np.testing.assert_allclose(ops.convert_to_numpy(ops.softmax(logits)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "classifies"),
    [("dense", "Dense"), ("cast behind", "Dense"), ("nested", "Dense"), ("flatten behind", "Dense")],
)
def test_the_classifier_is_the_layer_of_the_scores(kind, classifies):
    model = flat(MODELS[kind]())
    call = classifier(model.outputs[0])
    assert type(call.operation).__name__ == classifies
    assert call.operation.units == 3


def test_a_model_without_other_heads_is_its_main_output():
    model = sequential(layers.Dense(3))
    assert main_output(model) is model
    x = keras.Input((8,))
    several = keras.Model(x, {"predictions": layers.Dense(3)(x), "aux1": layers.Dense(3)(x)})
    assert main_output(several).output_shape == drop_aux_heads(several).output_shape == (None, 3)


@pytest.mark.parametrize("kind", MODELS)
def test_distiller_refuses_a_softmax_and_names_the_way_out(kind):
    model = MODELS[kind]()
    for student, teacher in ((model, None), (as_logits(model), model)):
        with pytest.raises(ValueError, match=r"as_logits"):
            Distiller(student, teacher)
