import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.assembly.outputs import (
    as_logits,
    classifier,
    drop_aux_heads,
    end_of,
    gives_probabilities,
    main_output,
)
from kerasnets.distillation import Distiller
from kerasnets.graph import flat
from nets import array

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


def nested_again(depth):
    """A softmax in models within models, all of the same names."""
    last = nested_again(depth - 1) if depth else layers.Dense(3, "softmax", name="dense")
    return keras.Sequential([keras.Input((5,)), layers.Dense(5, name="fc"), last], name="inner")


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


def calls_twice(layer):
    """A model that calls a layer, or a model, twice in a row."""

    def model():
        x, last = keras.Input((8,)), layer()
        return keras.Model(x, last(last(layers.Dense(3)(x))))

    return model


def inner():
    """A model of several layers, of which two have the names of layers around it."""
    names = ("dense", "predictions")
    body = [layers.Dense(3, "relu", name=names[0]), layers.Dense(3, "softmax", name=names[1])]
    return keras.Sequential([keras.Input((3,)), *body, layers.Flatten(name="flatten")], name="inner")


def names_around():
    """A nested softmax, and layers with the names of those in the inner model around it."""
    x = keras.Input((8,))
    y = layers.Dense(3, name="predictions")(layers.Dense(4, name="dense")(x))
    return keras.Model(x, layers.Flatten(name="flatten")(inner()(y)))


def distributed(layer):
    x = keras.Input((8,))
    y = layers.Reshape((2, 3))(layers.Dense(6)(x))
    return keras.Model(x, layers.TimeDistributed(layer, name="last")(y))


def one_of_two():
    """A model whose output is the first of a nested model's two, which also reads two tensors."""
    x, y = keras.Input((3,)), keras.Input((4,))
    both = keras.Model([x, y], [layers.Dense(3, "softmax")(x), layers.Dense(2)(y)])
    x = keras.Input((8,))
    scores, _ = both([layers.Dense(3)(x), layers.Dense(4)(x)])
    return keras.Model(x, scores)


def with_lora():
    dense = layers.Dense(3, "softmax")
    model = sequential(dense)
    dense.enable_lora(2)
    dense.lora_kernel_b.assign(np.ones((2, 3)))
    return model


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
    "nested in each of many": lambda: nested(nested_again(3)),
    "names around": names_around,
    "one of two": one_of_two,
    "dense called twice": calls_twice(lambda: layers.Dense(3, "softmax")),
    "model called twice": calls_twice(inner),
    "lambda of a softmax": lambda: sequential(layers.Dense(3), layers.Lambda(keras.activations.softmax)),
    "squeeze behind": lambda: functional(lambda x: ops.squeeze(ops.softmax(ops.expand_dims(x, 1)), 1)),
    "time distributed softmax": lambda: distributed(layers.Softmax()),
    "time distributed dense": lambda: distributed(layers.Dense(3, "softmax")),
    "time distributed model": lambda: distributed(inner()),
    "no bias": lambda: sequential(layers.Dense(3, "softmax", use_bias=False)),
    "einsum": lambda: sequential(layers.EinsumDense("ab,bc->ac", 3, activation="softmax")),
    "lora": with_lora,
    "read twice": reads_twice,
}


def inputs(model):
    return X.reshape(-1, *model.input_shape[1:])


@pytest.mark.parametrize("kind", MODELS)
def test_as_logits_is_the_model_before_its_softmax(kind):
    model = MODELS[kind]()
    logits = as_logits(model)
    x = inputs(model)
    given = array(logits(x))
    tolerance = 1e-2 if kind == "in half precision" else 1e-6
    np.testing.assert_allclose(array(ops.softmax(given)), array(model(x)), atol=tolerance)
    assert given.dtype == "float32"
    assert np.abs(given.sum(-1) - 1).min() > 1e-3
    assert end_of(model).activation == "softmax"
    assert end_of(logits).activation is None
    assert {id(w) for w in logits.weights} == {id(w) for w in model.weights}


@pytest.mark.parametrize("kind", MODELS)
def test_as_logits_trains_and_saves(kind, tmp_path):
    model = MODELS[kind]()
    logits, x = as_logits(model), inputs(model)
    before = array(model(x))
    logits.compile("sgd", "mse", run_eagerly=True)
    logits.train_on_batch(x, np.ones(before.shape))
    after = array(model(x))
    assert np.abs(after - before).max() > 1e-4  # the weights are shared
    logits.save(tmp_path / "logits.keras")
    loaded = keras.saving.load_model(tmp_path / "logits.keras")
    np.testing.assert_allclose(array(loaded(x)), array(logits(x)), atol=1e-6)


def test_as_logits_leaves_logits_alone():
    model = sequential(layers.Dense(3))
    assert as_logits(model) is model


def test_as_logits_refuses_what_has_no_graph():
    with pytest.raises(ValueError, match="`model` is a functional.*Received"):
        as_logits(keras.Sequential([layers.Dense(3, "softmax")]))


@pytest.mark.parametrize("kind", ["dict", "list", "shared"])
def test_as_logits_of_several_outputs(kind):
    x, shared = keras.Input((8,)), layers.Dense(3, "softmax")
    y = layers.Dense(4)(x)
    outputs = {
        "dict": lambda: {
            "predictions": layers.Dense(3, "softmax")(y),
            "aux1": layers.Softmax()(y),
            "maps": y,
        },
        "list": lambda: [ops.softmax(y), layers.Dense(1, "sigmoid")(y)],
        "shared": lambda: [shared(y), layers.Flatten()(shared(layers.Dense(4)(y)))],
    }
    model = keras.Model(x, outputs[kind]())
    logits = as_logits(model)
    keras.tree.assert_same_structure(logits.output, model.output)
    assert {id(w) for w in logits.weights} == {id(w) for w in model.weights}
    pairs = zip(keras.tree.flatten(logits(X)), keras.tree.flatten(model(X)), strict=True)
    for i, (found, expected) in enumerate(pairs):
        squash = ops.sigmoid if (kind, i) == ("list", 1) else ops.softmax
        squash = np.array if (kind, i) == ("dict", 1) else squash
        np.testing.assert_allclose(squash(found), expected, atol=1e-6)


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


class Wrapped(keras.Model):
    """A net of a class of its own, which has no graph."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def call(self, x):
        return self.net(x)

    def compute_output_shape(self, shape):
        return self.net.compute_output_shape(shape)


def mean_of_softmaxes(x):
    return layers.Average()([ops.softmax(x), ops.softmax(2 * x)])


UNKNOWN = {
    "lambda": lambda x: layers.Lambda(lambda z: ops.softmax(z))(x),
    "own activation": lambda x: layers.Activation(lambda z: ops.softmax(z))(x),
    "by hand": lambda x: ops.exp(x) / ops.sum(ops.exp(x), -1, keepdims=True),
    "exp of log": lambda x: ops.exp(ops.log_softmax(x)),
    "times one": lambda x: 1.0 * ops.softmax(x),
    "mean": mean_of_softmaxes,
    "wrapped and nested": lambda x: Wrapped(keras.Sequential([keras.Input((3,)), layers.Softmax()]))(x),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_probabilities_of_unknown_layers_are_found_by_a_trial(kind):
    model = functional(UNKNOWN[kind])
    assert gives_probabilities(model)
    with pytest.raises(ValueError, match="`model` is one whose last softmax.*add up to 1"):
        as_logits(model)
    with pytest.raises(ValueError, match="`teacher` is a model that gives logits.*add up to 1"):
        Distiller(functional(layers.ReLU()), model)


@pytest.mark.parametrize("last", ["softmax", None])
def test_a_wrapped_net_is_tried(last):
    model = Wrapped(sequential(layers.Dense(3, last)))
    model(X)
    assert gives_probabilities(model) == (last == "softmax")
    if last:
        with pytest.raises(ValueError, match="`student` is a model that gives logits"):
            Distiller(model)
    else:
        Distiller(model)


@pytest.mark.parametrize(
    "last",
    [
        lambda x: layers.LSTM(3, "sigmoid")(ops.expand_dims(x, 1)),
        lambda x: layers.Dense(3, kernel_initializer="zeros")(x),
        lambda x: layers.Lambda(lambda z: 0 * z)(x),
        lambda x: layers.Add()([x, layers.Dense(3)(x)]),
        ops.relu,
        layers.LayerNormalization(),
    ],
)
def test_logits_are_not_taken_for_probabilities(last):
    assert not gives_probabilities(functional(last))
    assert as_logits(model := functional(last)) is model


def test_a_trial_takes_the_inputs_of_the_model():
    x = {"image": keras.Input((None, None, 3)), "number": keras.Input((), dtype="int32")}
    pooled = layers.GlobalAveragePooling2D()(x["image"])
    model = keras.Model(x, layers.Lambda(lambda z: ops.softmax(z))(layers.Dense(3)(pooled)))
    assert gives_probabilities(model)


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
