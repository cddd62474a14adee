import keras
import numpy as np
import pytest
from keras import layers
from scipy.special import log_softmax

from kerasnets import data, training
from kerasnets.distillation import Mutual, hard_loss
from kerasnets.weights import describe

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(1)
X = RNG.random((48, 6)).astype("float32")
LABELS = RNG.integers(0, 4, 48)
WEIGHTS = RNG.random(48).astype("float32")


def net(seed=0, classes=4, noisy=False, penalty=None):
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((6,))
    x = layers.Dense(5, "relu", kernel_regularizer=penalty)(x)
    if noisy:
        x = layers.Dropout(0.5)(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Dense(classes)(x))


def named(names):
    made = net()
    describe(made, class_names=list(names))
    return made


def mutual(*nets):
    model = Mutual(nets)
    model.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"], run_eagerly=True)
    return model


def test_loss_and_metrics_match_float64():
    nets = [net(0), net(1), net(2, penalty="l2")]
    z = [one.predict(X, verbose=0).astype("float64") for one in nets]
    logs = [log_softmax(one, axis=1) for one in z]
    hard = [-log[np.arange(48), LABELS] for log in logs]
    peer = [
        sum((np.exp(other) * (other - own)).sum(1) for other in logs if other is not own) / 2 for own in logs
    ]
    w = WEIGHTS.astype("float64")
    found = mutual(*nets).evaluate(
        X, LABELS, sample_weight=WEIGHTS, batch_size=48, verbose=0, return_dict=True
    )
    penalty = 0.01 * (nets[2].layers[1].get_weights()[0].astype("float64") ** 2).sum()
    assert found["loss"] == pytest.approx((w * (sum(hard) + sum(peer))).mean() + penalty, rel=1e-5)
    assert found["hard_loss"] == pytest.approx(np.average(np.mean(hard, 0), weights=w), rel=1e-5)
    assert found["peer_loss"] == pytest.approx(np.average(np.mean(peer, 0), weights=w), rel=1e-5)
    for i, one in enumerate(z, start=1):
        assert found[f"net{i}_accuracy"] == pytest.approx((one.argmax(1) == LABELS).mean())


def array(x):
    return keras.ops.convert_to_numpy(x)


def loss_of(nets, labels, training=False):
    model = Mutual(nets)
    return float(model.compute_loss(X, labels, model(X, training=training), training=training))


def test_a_single_logit_is_that_of_the_second_of_two_classes():
    nets = [net(0, classes=1), net(1, classes=1)]
    two = [keras.Model(n.input, keras.ops.pad(n.output, [(0, 0), (1, 0)])) for n in nets]
    assert loss_of(nets, LABELS % 2) == pytest.approx(loss_of(two, LABELS % 2), rel=1e-5)


def test_nets_may_differ_in_their_precision():
    one = net(1)
    precise = keras.Model(one.input, layers.Identity(dtype="float64")(one.output))
    assert loss_of([net(0), precise], LABELS) == pytest.approx(loss_of([net(0), one], LABELS), rel=1e-6)


def test_auxiliary_heads_learn_from_the_labels():
    one, other = net(0), net(1)
    head = layers.Dense(4)
    aux = keras.Model(one.input, [one.output, head(one.layers[1].output)])
    added = loss_of([aux, other], LABELS, training=True) - loss_of([aux, other], LABELS)
    own = hard_loss(LABELS, aux(X)[1])
    assert added == pytest.approx(0.3 * array(own).mean(), rel=1e-4)


def stepped(model):
    """The nets of a model after a step of plain gradient descent."""
    model.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    model.train_on_batch(X, LABELS)
    return [one.get_weights() for one in model.nets]


def test_equal_nets_teach_one_another_nothing():
    """Both then take the step of a net that learns from the labels alone."""
    nets = [net(0), net(0)]
    alone = net(0)
    alone.compile(
        keras.optimizers.SGD(1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,
    )
    alone.train_on_batch(X, LABELS)
    for weights in stepped(Mutual(nets)):
        for a, b in zip(weights, alone.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_no_gradient_flows_into_what_a_net_says_to_others():
    """The step of the last bias is softmax - one-hot, and softmax - softmax of the other, in the mean."""
    nets = [net(0), net(1)]
    before = [one.get_weights()[-1] for one in nets]
    p = [np.exp(log_softmax(one.predict(X, verbose=0).astype("float64"), axis=1)) for one in nets]
    for own, weights in enumerate(stepped(Mutual(nets))):
        gradient = (2 * p[own] - np.eye(4)[LABELS] - p[1 - own]).mean(0)
        np.testing.assert_allclose(before[own] - weights[-1], gradient, atol=1e-6)


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def test_a_run_that_is_stopped_goes_on_as_if_it_never_was(tmp_path):
    batches = data.batches((X, LABELS, WEIGHTS), 24)

    def trained(name, callbacks=()):
        model = mutual(net(0, noisy=True), net(1, noisy=True))
        paths = dict(state=tmp_path / f"{name}.weights.h5", history=tmp_path / f"{name}.csv")
        training.fit(model, lambda step: batches.skip(step % 2), 2, 2, **paths, callbacks=callbacks, every=0)
        return model

    with pytest.raises(KeyboardInterrupt):
        trained("stopped", [Stop()])
    straight, resumed = trained("straight"), trained("stopped")
    for a, b in zip(straight.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    logs = [(tmp_path / f"{name}.csv").read_text() for name in ("straight", "stopped")]
    assert logs[0] == logs[1]
    assert {"hard_loss", "peer_loss", "net1_accuracy", "net2_accuracy"} <= set(
        logs[0].splitlines()[0].split(",")
    )


def test_saved_and_loaded(tmp_path):
    model = mutual(net(0, noisy=True), net(1))
    model.train_on_batch(X, LABELS)
    model.save(tmp_path / "mutual.keras")
    loaded = keras.saving.load_model(tmp_path / "mutual.keras")
    for a, b in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    assert int(loaded.optimizer.iterations) == 1
    found = loaded.predict(X, verbose=0)
    np.testing.assert_allclose(found["net2"], model.nets[1].predict(X, verbose=0), atol=1e-6)


@pytest.mark.parametrize(
    "nets",
    [
        lambda: [net()],
        lambda: [net()] * 2,
        lambda: [net(), net(classes=5)],
        lambda: [net(), keras.Sequential([net(), layers.Softmax()])],
        lambda: [net(), "net"],
        lambda: [named("abcd"), named("dcba")],
    ],
)
def test_refused(nets):
    with pytest.raises(ValueError, match="`nets`"):
        Mutual(nets())


def test_what_compile_refuses():
    model = Mutual([net(0), net(1)])
    with pytest.raises(ValueError, match="`loss`"):
        model.compile("adam", "mse")
    metric = keras.metrics.SparseCategoricalAccuracy()
    for metrics in ([metric], metric, "accuracy"):
        with pytest.raises(ValueError, match="`metrics`.*net1, net2"):
            model.compile("adam", metrics=metrics)
