"""Nets whose scores are independent labels, one or several, from training to serving."""

import json

import keras
import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf
from keras import layers

import kerasnets
from kerasnets import distillation, serving, surgery, weights
from kerasnets.serving import signatures
from kerasnets.training import Crossentropy, best_threshold, evaluate, label_metrics, label_scores
from kerasnets.training.evaluation import scorer
from kerasnets.weights import card_of, describe

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 8, 8, 3)).astype("float32")
NAMES = {1: ("not cat", "cat"), 3: ("cat", "dog", "gnu")}


def net(count=3, activation=None):
    keras.utils.set_random_seed(0)
    parts = [layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    inputs = [keras.Input((8, 8, 3)), layers.Rescaling(1 / 255)]
    model = keras.Sequential([*inputs, *parts, layers.Dense(count, activation, name="logits")], name="net")
    describe(model, scaling="none", class_names=NAMES.get(count), threshold=0.5)
    return model


def targets(count):
    y = np.random.default_rng(3).integers(0, 2, (12, count))
    return y if count > 1 else y[:, 0]


def sigmoid(z):
    return 1 / (1 + np.exp(-z.astype("float64")))


@pytest.mark.parametrize("count", [1, 3])
def test_the_threshold_has_the_best_f1_of_all(count):
    y = (RNG.random((60, count)) < 0.3).astype(int)
    p = np.round(sigmoid(RNG.normal(size=y.shape) + y), 2)  # with ties
    chosen = best_threshold(y, p)
    cuts = np.arange(0.001, 1, 0.002)
    hits = [((p >= t) & (y == 1)).sum() for t in cuts]
    scores = [2 * hit / ((p >= t).sum() + y.sum()) for hit, t in zip(hits, cuts, strict=True)]
    assert sklearn.metrics.f1_score(y.ravel(), p.ravel() >= chosen) == pytest.approx(max(scores), rel=1e-12)
    assert not np.isin(chosen, p)
    if count == 1:
        assert best_threshold(y[:, 0], np.hstack([1 - p, p])) == chosen


def test_thresholds_of_few_examples():
    assert best_threshold([0, 0], [0.3, 0.9]) == 0.5
    assert best_threshold([0, 1], [0.2, 0.9]) == pytest.approx(0.55)
    assert 0 < best_threshold([1, 1], [0.0, 0.0]) < 1e-9
    for labels, p, word in (([2], [0.5], "labels"), ([1], [1.5], "probabilities"), ([1, 0], [0.5], "probab")):
        with pytest.raises(ValueError, match=f"`{word}"):
            best_threshold(labels, p)
    for threshold in (0, 1, None, True):
        with pytest.raises(ValueError, match="`threshold` is a number between 0 and 1"):
            label_scores([1], [0.5], threshold)


@pytest.mark.parametrize("count", [1, 3])
def test_from_training_to_serving(count, tmp_path):
    model, y = net(count), targets(count)
    loss = Crossentropy(from_logits=True, binary=True)
    model.compile("adam", loss, metrics=label_metrics(count), run_eagerly=True)
    logs = model.fit(IMAGES, y, batch_size=6, verbose=0).history
    assert set(logs) > {"loss", "accuracy"}
    p = sigmoid(model.predict(IMAGES, verbose=0))
    found = scorer(model)(IMAGES)
    np.testing.assert_allclose(found[:, -1:] if count == 1 else found, p, atol=1e-6)

    threshold = float(np.median(p))
    describe(model, threshold=threshold)
    given, scores = p >= threshold, evaluate(model, (IMAGES, y))
    assert scores == label_scores(y, found, threshold)
    assert scores["accuracy"] == pytest.approx(np.mean(given == y.reshape(given.shape)))
    if count == 1:
        assert scores["f1"] == pytest.approx(sklearn.metrics.f1_score(y, given[:, 0]))
    else:
        for average in ("micro", "macro"):
            expected = sklearn.metrics.f1_score(y, given, average=average)
            assert scores[f"{average}_f1"] == pytest.approx(expected)
        expected = sklearn.metrics.average_precision_score(y, p)
        assert scores["mean_average_precision"] == pytest.approx(expected)

    kerasnets.save(model, tmp_path / "best.keras")
    loaded = kerasnets.load_model(tmp_path / "best.keras")
    assert card_of(loaded).threshold == weights.read_card(tmp_path / "best.keras").threshold == threshold
    if count == 1:  # one export is enough
        table = signatures.names_table(tmp_path / "names.txt", NAMES[1])
        rows = signatures.predicted_labels(tf.constant(p, tf.float32), threshold, table).numpy()
        assert rows.tolist() == [[NAMES[1][int(g)].encode()] for g in given[:, 0]]
        return
    path = serving.export(loaded, tmp_path, image_bytes=True, optimize=False)
    np.testing.assert_allclose(serving.load(path)(IMAGES)["probabilities"], p, atol=1e-5)
    files = [tf.io.encode_png(image.astype("uint8")).numpy() for image in IMAGES]
    served = tf.saved_model.load(str(path)).signatures["serving_bytes"](image_bytes=tf.constant(files))
    rows = [[name.decode() for name in row if name] for row in served["labels"].numpy()]
    best = [sorted(np.flatnonzero(row), key=lambda i, q=q: -q[i]) for row, q in zip(given, p, strict=True)]
    assert rows == [[NAMES[3][i] for i in row] for row in best]
    assert served["labels"].shape[1] == max(map(len, rows))
    card = json.loads((path / "assets.extra/model_card.json").read_text())
    assert card["threshold"] == threshold


def test_scores_that_are_sigmoids_already():
    """They need not add up to 1."""
    model = net(3, "sigmoid")
    p = model.predict(IMAGES, verbose=0)
    assert np.ptp(p.sum(1)) > 1e-4
    np.testing.assert_allclose(scorer(model)(IMAGES), p, atol=1e-6)
    logits = distillation.as_logits(model)
    assert card_of(logits).threshold == 0.5
    np.testing.assert_allclose(
        scorer(logits, "ten_crop", crop=8)(IMAGES), scorer(model, "ten_crop")(IMAGES), atol=1e-6
    )
    assert set(evaluate(model, (IMAGES, targets(3)))) >= {"micro_f1", "exact_match"}


def test_copies_keep_a_threshold_while_they_have_the_labels(tmp_path):
    model = net()
    assert card_of(surgery.with_precision(model, "float32")).threshold == 0.5
    assert card_of(surgery.replace_head(model, 3)).threshold is None
    for bad in (0, 1, "0.5", True):
        with pytest.raises(ValueError, match="`threshold` is None or a number between 0 and 1"):
            describe(model, threshold=bad)


@pytest.mark.parametrize(
    ("labels", "allowed"),
    [(np.zeros(12, int), r"0 or 1 for 3 labels, \(batch, 3\)"), (np.full((12, 3), 2), "0 or 1 for 3 labels")],
)
def test_labels_that_do_not_fit(labels, allowed):
    with pytest.raises(ValueError, match=allowed):
        evaluate(net(), (IMAGES, labels))


def test_distilled_labels():
    teacher, student, y = net(), net(), targets(3)
    teacher.set_weights([3 * w for w in teacher.get_weights()])
    describe(student, threshold=None)
    model = distillation.Distiller(student, teacher, temperature=2.0, hard_weight=0.3)
    assert card_of(student).threshold == 0.5
    model = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    model.student.set_weights(student.get_weights())
    model.teacher.set_weights(teacher.get_weights())
    model.compile(keras.optimizers.SGD(0.0), metrics=["accuracy"], run_eagerly=True)
    logs = model.fit(IMAGES, y, batch_size=12, verbose=0).history
    z, v = (m.predict(IMAGES, verbose=0) for m in (student, teacher))
    p, q, t = sigmoid(v / 2), sigmoid(z / 2), sigmoid(z)
    hard = -np.mean(y * np.log(t) + (1 - y) * np.log(1 - t))
    soft = 4 * np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
    assert logs["hard_loss"][0] == pytest.approx(hard, rel=1e-4)
    assert logs["soft_loss"][0] == pytest.approx(soft, rel=1e-4, abs=1e-7)
    assert logs["loss"][0] == pytest.approx(0.3 * hard + 0.7 * soft, rel=1e-4)
    assert logs["accuracy"][0] == pytest.approx(np.mean((z > 0) == y))


def test_what_distillation_refuses():
    teacher = net()
    with pytest.raises(ValueError, match="`binary` is None, True or False"):
        distillation.Distiller(net(), binary="yes")
    model = distillation.Distiller(net(), teacher)
    model.compile("sgd", run_eagerly=True)
    with pytest.raises(ValueError, match="`labels` is 0, 1 or a probability for each of 3 labels"):
        model.train_on_batch(IMAGES, np.zeros(12, int))
    with pytest.raises(ValueError, match="`mean` is 'geometric' for net, whose scores are independent"):
        distillation.Ensemble([teacher, net()], mean="arithmetic")
    assert card_of(distillation.Ensemble([teacher, net()])).threshold == 0.5
    with pytest.raises(ValueError, match="`generalist` is a net of classes that exclude one another"):
        distillation.specialist(teacher, [0, 1])
