import keras
import numpy as np
import pytest
from keras import layers
from test_losses import reference

import kerasnets
from kerasnets.distillation import Distiller

RNG = np.random.default_rng(1)
X = RNG.random((48, 6, 6, 1)).astype("float32")
LABELS = RNG.integers(0, 4, 48)


def net(seed=0, noisy=False, penalty=None):
    """A net of four classes, with batch normalization and dropout if `noisy`."""
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(3, 3, kernel_regularizer=penalty)(x)
    if noisy:
        x = layers.Dropout(0.5)(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Dense(4)(layers.Flatten()(layers.ReLU()(x))))


def distiller(student, teacher=None, graph=False, **options):
    """A compiled Distiller; to trace a graph takes longer than a few steps."""
    model = Distiller(student, teacher, **options)
    model.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"], run_eagerly=not graph)
    return model


def state(model):
    return [keras.ops.convert_to_numpy(v).copy() for v in model.variables]


def assert_same(before, after):
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("weighted", "one_hot", "cached"),  # every two of them together
    [(False, False, False), (True, True, False), (True, False, True), (False, True, True)],
)
def test_loss_and_metrics_match_float64(weighted, one_hot, cached):
    student, teacher = net(0), net(1)
    z, v = (m.predict(X, verbose=0) for m in (student, teacher))
    hard, soft, total = reference(LABELS, z, v, 3.0, 0.3)
    weights = RNG.random(48).astype("float32") if weighted else None
    labels = np.eye(4)[LABELS] if one_hot else LABELS
    y = {"labels": labels, "teacher_logits": v} if cached else labels
    model = distiller(student, None if cached else teacher, temperature=3.0, hard_weight=0.3)
    logs = model.evaluate(X, y, sample_weight=weights, batch_size=48, verbose=0, return_dict=True)
    w = np.ones(48) if weights is None else weights
    assert logs["loss"] == pytest.approx((w * total).mean(), rel=1e-5)
    assert logs["hard_loss"] == pytest.approx(np.average(hard, weights=w), rel=1e-5)
    assert logs["soft_loss"] == pytest.approx(np.average(soft, weights=w), rel=1e-5)
    if not weighted:
        assert logs["accuracy"] == pytest.approx((z.argmax(1) == LABELS).mean())


def test_examples_of_weight_zero_teach_nothing():
    weights = np.r_[np.ones(24), np.zeros(24)].astype("float32")
    results = []
    for x in (X, np.r_[X[:24], RNG.random((24, 6, 6, 1)).astype("float32")]):
        student = net(0)
        model = distiller(student, net(1))
        model.fit(x, LABELS, sample_weight=weights, batch_size=48, verbose=0, shuffle=False)
        results.append(student.get_weights())
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(results[0], net(0).get_weights(), strict=True))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_only_the_student_learns():
    student, teacher = net(0, noisy=True), net(1, noisy=True)
    model = distiller(student, teacher)
    before, taught = state(teacher), [w.copy() for w in student.get_weights()]
    model.fit(X, LABELS, epochs=2, verbose=0)
    assert_same(before, state(teacher))
    assert teacher.trainable
    assert all(w.trainable for layer in teacher.layers for w in layer.trainable_weights)
    of_teacher = {id(v) for v in teacher.variables}
    assert not of_teacher & {id(v) for v in model.trainable_variables + model.trainable_weights}
    assert of_teacher <= {id(v) for v in model.non_trainable_variables}
    assert all(np.abs(a - b).max() > 0 for a, b in zip(taught, student.get_weights(), strict=True))


def test_evaluate_and_predict_change_nothing():
    model = distiller(net(0, noisy=True), net(1, noisy=True))
    model.fit(X, LABELS, verbose=0)
    before = [w.copy() for w in model.get_weights()]
    first = model.evaluate(X, LABELS, verbose=0)
    np.testing.assert_allclose(model.predict(X, verbose=0), model.student.predict(X, verbose=0), atol=1e-6)
    assert_same(before, model.get_weights())
    assert model.evaluate(X, LABELS, verbose=0) == first


def test_penalties_of_the_student_count_and_of_the_teacher_do_not():
    plain = distiller(net(0), net(1)).evaluate(X, LABELS, verbose=0, return_dict=True)["loss"]
    model = distiller(net(0, penalty="l2"), net(1, penalty="l2"))
    loss = model.evaluate(X, LABELS, verbose=0, return_dict=True)["loss"]
    kernel = model.student.layers[1].get_weights()[0]
    assert loss - plain == pytest.approx(0.01 * (kernel.astype("float64") ** 2).sum(), rel=1e-3)


def test_the_student_comes_to_agree_with_the_teacher():
    student, teacher = net(0), net(1)
    before = np.abs(student.predict(X, verbose=0) - teacher.predict(X, verbose=0)).mean()
    model = distiller(student, teacher, graph=True, hard_weight=0.0)
    logs = model.fit(X, LABELS, epochs=60, verbose=0).history
    assert logs["soft_loss"][-1] < 0.1 * logs["soft_loss"][0]
    assert np.abs(student.predict(X, verbose=0) - teacher.predict(X, verbose=0)).mean() < before


@pytest.mark.parametrize("live", [True, False])
def test_training_goes_on_after_saving_as_if_never_stopped(live, tmp_path):
    v = net(1).predict(X, verbose=0)
    y = LABELS if live else {"labels": LABELS, "teacher_logits": v}
    fit = {"batch_size": 16, "verbose": 0, "shuffle": False}

    def fresh():
        return distiller(net(0, noisy=True), net(1) if live else None, temperature=2.0)

    straight = fresh()
    straight.fit(X, y, epochs=2, **fit)
    stopped = fresh()
    stopped.fit(X, y, epochs=1, **fit)
    stopped.save(tmp_path / "distiller.keras")
    loaded = keras.saving.load_model(tmp_path / "distiller.keras")
    assert loaded.temperature == 2.0
    assert type(loaded.optimizer) is keras.optimizers.Adam
    assert int(loaded.optimizer.iterations) == 3
    logs = loaded.fit(X, y, epochs=2, initial_epoch=1, **fit).history
    assert set(logs) == {"loss", "hard_loss", "soft_loss", "accuracy"}
    for a, b in zip(straight.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_half_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        student, teacher = net(0), net(1)
        model = distiller(student, teacher)
        logs = model.fit(X, LABELS, epochs=2, verbose=0).history
    finally:
        keras.config.set_dtype_policy(before)
    assert np.isfinite(logs["loss"]).all()
    assert all(np.isfinite(w.astype("float32")).all() for w in student.get_weights())


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("temperature", {"temperature": 0}),
        ("temperature", {"temperature": float("nan")}),
        ("temperature", {"temperature": "hot"}),
        ("hard_weight", {"hard_weight": 1.5}),
        ("hard_weight", {"hard_weight": -0.1}),
        (
            "teacher",
            {"teacher": keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(5)])},
        ),
        ("teacher", {"teacher": "ResNet50"}),
    ],
)
def test_bad_arguments_are_refused(argument, options):
    with pytest.raises(ValueError, match=f"`{argument}` .*Received: {argument}="):
        Distiller(net(0), **options)


def test_what_compile_and_fit_refuse():
    model = Distiller(net(0))
    with pytest.raises(ValueError, match="`loss`"):
        model.compile("adam", loss="mse")
    model = distiller(net(0))
    with pytest.raises(ValueError, match="`teacher`.*add_teacher_logits"):
        model.fit(X, LABELS, verbose=0)
    with pytest.raises(ValueError, match="`teacher_logits`.*4 classes"):
        model.fit(X, {"labels": LABELS, "teacher_logits": np.zeros((48, 5), "float32")}, verbose=0)


def test_evaluation_without_a_teacher_gives_the_hard_loss():
    logs = distiller(net(0)).evaluate(X, LABELS, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["hard_loss"], rel=1e-6)


def test_a_teacher_of_another_family_teaches():
    teacher = kerasnets.applications.MLP((5,), input_shape=(6, 6, 1), classes=4, classifier_activation=None)
    logs = distiller(net(0), teacher).fit(X, LABELS, epochs=2, verbose=0).history
    assert logs["loss"][-1] < logs["loss"][0]
