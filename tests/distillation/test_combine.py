import numpy as np
import pytest
from scipy.optimize import minimize

from kerasnets.distillation import combine


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def by_scipy(p, specialists, subsets):
    """The distribution for one case, over logits and by a method that knows nothing of ours."""
    n = len(p)

    def loss(z):
        q = softmax(z)
        total, slope = (p * np.log(p / q)).sum(), -p / q
        for s, subset in zip(specialists, subsets, strict=True):
            others = np.setdiff1d(np.arange(n), subset)
            rest = q[others].sum()
            total += (s[:-1] * np.log(s[:-1] / q[subset])).sum() + s[-1] * np.log(s[-1] / rest)
            slope[subset] -= s[:-1] / q[subset]
            slope[others] -= s[-1] / rest
        return total, q * (slope - (slope * q).sum())

    found = minimize(loss, np.log(p), jac=True, method="BFGS", options={"gtol": 1e-11, "maxiter": 5000})
    return softmax(found.x)


@pytest.mark.parametrize("scale", [0.5, 1, 3])
@pytest.mark.parametrize("specialists", [1, 2, 3])
def test_is_what_scipy_finds(scale, specialists):
    rng = np.random.default_rng(specialists)
    for classes in (3, 5, 8):
        sizes = rng.integers(1, classes, specialists)
        subsets = [rng.choice(classes, size, replace=False) for size in sizes]
        p = softmax(scale * rng.normal(size=(4, classes)))
        own = [softmax(scale * rng.normal(size=(4, len(s) + 1))) for s in subsets]
        q = np.asarray(combine(p, own, subsets, top=classes))
        for i in range(4):
            np.testing.assert_allclose(q[i], by_scipy(p[i], [s[i] for s in own], subsets), atol=1e-6)


def test_only_called_specialists_speak():
    p = np.array([[0.6, 0.3, 0.05, 0.05], [0.05, 0.05, 0.6, 0.3]])
    subsets, own = [[0, 1], [2, 3]], [np.array([[0.1, 0.8, 0.1]] * 2), np.array([[0.8, 0.1, 0.1]] * 2)]
    one = np.asarray(combine(p, own, subsets))
    for i, m in enumerate((0, 1)):
        np.testing.assert_allclose(one[i], by_scipy(p[i], [own[m][i]], [subsets[m]]), atol=1e-6)
    third = np.asarray(combine(p, own, subsets, top=3))  # the third of each case is in the other subset
    np.testing.assert_allclose(third[0], by_scipy(p[0], [s[0] for s in own], subsets), atol=1e-6)


def test_agreement_changes_nothing():
    rng = np.random.default_rng(0)
    p = softmax(4 * rng.normal(size=(50, 100)))
    subsets = [rng.choice(100, 15, replace=False) for _ in range(10)]
    own = [np.c_[p[:, s], 1 - p[:, s].sum(1)] for s in subsets]
    np.testing.assert_allclose(combine(p, own, subsets, top=5), p, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(combine(p, [], []), p, atol=1e-7)


def test_one_specialist_by_hand():
    # Two voices: named classes get the mean, and the rest the mean of what both leave, shared as before.
    q = np.asarray(combine([[0.5, 0.2, 0.2, 0.1]], [[[0.1, 0.7, 0.2]]], [[0, 1]]))
    np.testing.assert_allclose(q, [[0.3, 0.45, 0.25 * 2 / 3, 0.25 / 3]], atol=1e-6)


def test_contradictions_and_zeros_stay_distributions():
    sure = np.eye(5, dtype="float32")
    own = [np.array([[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1]], "float32")] * 2
    q = np.asarray(combine(sure, own, [[0, 1], [1, 2]], top=5))
    assert np.isfinite(q).all()
    assert (q >= 0).all()
    np.testing.assert_allclose(q.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(q[4], sure[4], atol=1e-5)  # all agree


def test_without_a_dustbin_it_is_the_mean():
    p, s = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]), np.array([[0.1, 0.8, 0.1]] * 2)
    q = np.asarray(combine(p, [s], [[0, 1]], dustbin=False))
    np.testing.assert_allclose(q, [[0.4, 0.5, 0.1], [0.1, 0.2, 0.7]], atol=1e-6)


def test_precision_is_that_of_the_generalist():
    p = np.full((1, 3), 1 / 3)
    for dtype in ("float32", "float64"):
        assert np.asarray(combine(p.astype(dtype), [[[0.5, 0.5]]], [[0]])).dtype == dtype


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"generalist_probs": [0.5, 0.5]}, "generalist_probs"),
        ({"top": 0}, "top"),
        ({"top": 4}, "top"),
        ({"subsets": []}, "subsets"),
        ({"subsets": [[0, 0]]}, "subsets"),
        ({"subsets": [[0, 3]]}, "subsets"),
        ({"subsets": [[0.0, 1.0]]}, "subsets"),
        ({"subsets": [[0]]}, "specialist_probs"),
        ({"dustbin": False, "subsets": [[0]], "specialist_probs": [[[0.5, 0.5]]]}, "specialist_probs"),
    ],
)
def test_refused(change, argument):
    good = {
        "generalist_probs": np.full((2, 3), 1 / 3),
        "specialist_probs": [np.full((2, 3), 1 / 3)],
        "subsets": [[0, 1]],
    }
    with pytest.raises(ValueError, match=f"`{argument}`"):
        combine(**{**good, **change})
