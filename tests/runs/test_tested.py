import csv

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from kerasnets.runs import tested
from kerasnets.runs.tested import Pick, interval

RNG = np.random.default_rng(0)
NAMES = ("ape", "bee", "cat", "dog")


def predictions(n, classes):
    """Labels, and probabilities that are right for about half of them."""
    labels, logits = RNG.integers(0, classes, n), RNG.normal(size=(n, classes))
    logits[np.arange(n), labels] += 1.5
    p = np.exp(logits)
    return labels, p / p.sum(axis=1, keepdims=True)


def test_figures_are_those_of_scikit_learn():
    labels, p = predictions(300, 4)
    labels[labels == 3] = 2  # no test image of the last class
    p[:, 1] = 0  # the second class is never predicted
    p /= p.sum(axis=1, keepdims=True)
    net = tested.Tested(labels=labels, probabilities=p.astype("float32"), class_names=NAMES)
    guesses = p.argmax(axis=1)
    results = net.results()
    assert results["errors"] == (guesses != labels).sum()
    assert results["accuracy"] == pytest.approx(metrics.accuracy_score(labels, guesses), abs=1e-6)
    own = metrics.precision_recall_fscore_support(labels, guesses, labels=range(4), zero_division=np.nan)
    rows = [[row[key] for key in ("precision", "recall", "f1", "support")] for row in results["per_class"]]
    np.testing.assert_allclose(np.array(rows, float), np.transpose(own), atol=1e-6)
    assert rows[1][0] is None  # precision
    assert rows[3][1] is None  # recall
    macro = metrics.f1_score(labels, guesses, average="macro")
    assert results["averages"]["macro"]["f1"] == pytest.approx(macro, abs=1e-6)
    table = metrics.confusion_matrix(labels, guesses)
    pair = results["confused"][0]
    assert pair["images"] == (table - np.diag(table.diagonal())).max()
    assert pair["images"] == table[NAMES.index(pair["class"]), NAMES.index(pair["taken_for"])]


def test_figures_of_several_labels():
    labels = RNG.random((200, 3)) < 0.3
    p = np.clip(labels * 0.4 + RNG.random((200, 3)) * 0.6, 0, 1)
    names = ("x", "y", "z")
    net = tested.Tested(labels=labels.astype("f4"), probabilities=p, class_names=names, threshold=0.45)
    given, results = p >= 0.45, net.results()
    for kind in ("micro", "macro"):
        f1 = metrics.f1_score(labels, given, average=kind)
        assert results["averages"][kind]["f1"] == pytest.approx(f1, abs=1e-6)
    ((_, more), (less, _)) = metrics.multilabel_confusion_matrix(labels, given)[1]
    row = results["per_class"][1]
    assert (row["false_positives"], row["false_negatives"]) == (more, less)
    assert results["errors"] == (given != labels).any(axis=1).sum()
    worst, missed = net.worst(3)[0], net.missed(3)[0]
    assert p[worst] == p[given & ~labels].max()
    assert p[missed] == p[labels & ~given].min()


def test_interval_is_wilson_s():
    z, n, share = stats.norm.ppf(0.975), 200, 30 / 200
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert interval(30, 200) == pytest.approx((middle - half, middle + half))
    assert interval(0, 10)[0] == 0


def test_images_to_look_at():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4], [0.05, 0.95], [0.8, 0.2]])
    net = tested.Tested(labels=np.array([0, 0, 0, 1, 1, 0]), probabilities=p, class_names=("a", "b"))
    assert net.worst(2) == [Pick(1, 1), Pick(2, 1)]
    assert net.worst(9, guess=0) == [Pick(3, 0)]
    assert net.surest(2) == [Pick(4, 1), Pick(0, 0)]
    assert net.surest(3) == [Pick(4, 1), Pick(0, 0), Pick(5, 0)]


def test_one_score_has_two_classes_by_its_threshold(tmp_path):
    p = np.array([[0.1], [0.3], [0.35], [0.9]])
    names = ("not dog", "dog")
    net = tested.Tested(
        labels=np.array([[0], [0], [1], [1]]), probabilities=p, class_names=names, threshold=0.3
    )
    assert net.guesses.tolist() == [0, 1, 1, 1]
    assert net.confusion.tolist() == [[1, 1], [0, 2]]
    assert net.worst(5, guess=1) == [Pick(1, 1)]
    net.write_csv(tmp_path / "predictions.csv")
    with open(tmp_path / "predictions.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["image", "label", "predicted", "right", "probability"]
    assert rows[2] == ["1", "not dog", "dog", "0", "0.3"]


GOOD = dict(labels=np.array([0, 1]), probabilities=np.array([[0.9, 0.1], [0.4, 0.6]]), class_names=("a", "b"))
LOGITS = np.array([[3.0, -1.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(labels=np.array([0, 2])), "`labels` is an array of whole numbers from 0 to 1"),
        (dict(labels=np.array([0.5, 1])), "`labels` is an array of whole"),
        (dict(labels=np.array(["a", "b"])), "`labels` is an array of whole"),
        (dict(labels=np.eye(2)), "`labels` is an array \\(2,\\)"),
        (dict(threshold=0.5), "`labels` is an array \\(2, 2\\)"),
        (dict(threshold=5), "`threshold` is None, a number from 0 to 1"),
        (dict(threshold=[0.5] * 3), "`threshold` is None"),
        (dict(probabilities=LOGITS), "`probabilities` is .* not logits"),
        (dict(probabilities=np.full((2, 2), np.nan)), "`probabilities` is"),
        (dict(probabilities=np.full((2, 2), 0.9)), "`probabilities` is an array with rows that sum to 1"),
        (dict(probabilities=np.array([0.1, 0.9])), "`probabilities` is .* unless there is a threshold"),
        (dict(probabilities=np.zeros((0, 2))), "`probabilities` is"),
        (dict(class_names=("a",)), "`class_names` is a name for each of 2 classes"),
        (dict(class_names="ab"), "`class_names` is"),
        (dict(image=3), "`image` is None or a function"),
        (dict(names=("x.png",)), "`names` is None or a name for each of the 2 images"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        tested.Tested(**GOOD | change)
