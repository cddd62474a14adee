import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax, softmax

from authors import ROWS, array, loss_of, name_of, slopes, tensors, with_gradient
from kerasnets.distillation import LOGIT_LOSSES, dist, dkd, kl, nkd, soft_loss, squared, standardized

RNG = np.random.default_rng(0)
V, Z = 3 * RNG.normal(size=(2, 6, 5))
Y = RNG.integers(0, 5, 6)
# Each loss with its ways, as functions of the logits alone.
WAYS = {
    "kl": lambda v, z, y=Y, t=4.0: kl(v, z, y, t),
    "dkd": lambda v, z, y=Y, t=4.0: dkd(v, z, y, t),
    "dkd of the label": lambda v, z, y=Y, t=4.0: dkd(v, z, y, t, alpha=2.0, beta=0.0),
    "dist": lambda v, z, y=Y, t=4.0: dist(v, z, y, t),
    "dist of rows": lambda v, z, y=Y, t=4.0: dist(v, z, y, t, beta=2.0, gamma=0.0),
    "nkd": lambda v, z, y=Y, t=4.0: nkd(v, z, y, t),
    "squared": lambda v, z, y=Y, t=4.0: squared(v, z, y, t),
    "squared, centered": lambda v, z, y=Y, t=4.0: squared(v, z, y, t, centered=True),
}
ZERO_FOR_EQUALS = [name for name in WAYS if name != "nkd"]
close = np.testing.assert_allclose


# Transcribed from the formulas by hand, on the tensors that `authors.json` calls "logits".
TRANSCRIBED = [
    ("kl", 4.0, {}, [2.2665347029, 2.3194483373, 5.1077627677, 1.5051146340]),
    ("squared", 4.0, {}, [4.9741689182, 5.5522643566, 9.6312802705, 4.1112495631]),
    ("dkd", 4.0, {}, [20.6245261419, 14.7584075718, 28.4559067486, 16.0189371351]),
    ("nkd", 1.0, {}, [2.6492452968, 1.8336842585, 3.1619171644, 3.9271441440]),
    ("dist", 4.0, dict(gamma=0.0), [11.1860509426, 14.4659305355, 23.8191369885, 8.7386326550]),
    ("dist", 4.0, dict(beta=0.0), [14.8945866448] * 4),
]


@pytest.mark.parametrize(("name", "temperature", "options", "expected"), TRANSCRIBED)
def test_transcribed_values(name, temperature, options, expected):
    v, z, labels = tensors("logits")
    close(array(LOGIT_LOSSES[name](v, z, labels, temperature, **options)), expected, rtol=1e-6)


@pytest.mark.parametrize("row", [row for row in ROWS if row["loss"] in LOGIT_LOSSES], ids=name_of)
def test_authors_values_and_gradients(row):
    v, z, labels = tensors(row["inputs"])
    loss = loss_of(row)
    found, gradient = with_gradient(lambda z: loss(v, z, labels), z, ops.mean)
    assert found.dtype == gradient.dtype == "float64"
    close(found.mean(), row["factor"] * row["value"], rtol=row["rtol"])
    expected = row["factor"] * np.reshape(row["gradient"], z.shape)
    close(gradient, expected, rtol=1e-7, atol=row["rtol"] * np.abs(expected).max())
    if "each" in row:
        close(found, np.multiply(row["factor"], row["each"]), rtol=row["rtol"])


def without(x, labels):
    return np.array([np.delete(own, label) for own, label in zip(x, labels, strict=True)])


def in_numpy(name, v, z, y, t):
    """The losses of examples straight from their formulas, with nothing in common with the package."""
    v, z = v.astype("float64"), z.astype("float64")
    rows = np.arange(len(y))
    p, q, log_p, log_q = softmax(v / t, 1), softmax(z / t, 1), log_softmax(v / t, 1), log_softmax(z / t, 1)
    others_p, others_q = log_softmax(without(v, y) / t, 1), log_softmax(without(z, y) / t, 1)
    if name == "kl":
        return t**2 * (p * (log_p - log_q)).sum(1)
    if name == "dkd":
        rest_p, rest_q = without(p, y).sum(1), without(q, y).sum(1)
        of_label = p[rows, y] * (log_p - log_q)[rows, y] + rest_p * np.log(rest_p / rest_q)
        of_others = (np.exp(others_p) * (others_p - others_q)).sum(1)
        return t**2 * (of_label + 8 * of_others)
    if name == "nkd":
        of_label = -softmax(v, 1)[rows, y] * log_softmax(z, 1)[rows, y]
        return of_label - 1.5 * t**2 * (np.exp(others_p) * others_q).sum(1)
    if name == "dist":
        of_rows = [1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p, q, strict=True)]
        of_columns = [1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, q.T, strict=True)]
        return t**2 * (np.array(of_rows) + np.mean(of_columns))
    return ((z - v) ** 2).mean(1)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("scale", [0.1, 3.0, 8.0])
def test_losses_match_float64(scale, temperature):
    v, z = (scale * RNG.normal(size=(2, 32, 10))).astype("float32")
    labels = RNG.integers(0, 10, 32)
    for name, loss in LOGIT_LOSSES.items():
        found = array(loss(v, z, labels, temperature))
        assert found.dtype == "float32"
        expected = in_numpy(name, v, z, labels, temperature)
        rounding = 1e-4 if name in ("dist", "dkd") else 1e-5  # of nearly alike ones
        close(found, expected, rtol=1e-4, atol=rounding * max(1, temperature * scale) ** 2, err_msg=name)
    found = array(standardized(v))
    wide = v.astype("float64")
    close(found, (wide - wide.mean(1, keepdims=True)) / wide.std(1, ddof=1, keepdims=True), atol=2e-5)


@pytest.mark.parametrize("standard", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_gradients_are_central_differences_and_the_teacher_has_none(way, standard):
    def loss(v, z):
        return WAYS[way](standardized(v), standardized(z)) if standard else WAYS[way](v, z)

    gradient = with_gradient(lambda z: loss(V, z), Z)[1]
    directions = RNG.normal(size=(4, *Z.shape))
    close(
        (directions * gradient).sum((1, 2)), slopes(lambda z: loss(V, z), Z, directions), rtol=1e-6, atol=1e-7
    )
    assert np.abs(gradient).max() > 1e-2
    assert not with_gradient(lambda v: loss(v, Z), V)[1].any()


@pytest.mark.parametrize("way", ZERO_FOR_EQUALS)
def test_equals_have_no_loss_and_no_gradient(way):
    found, gradient = with_gradient(lambda z: WAYS[way](V, z), V)
    close(found, 0, atol=1e-13)
    close(gradient, 0, atol=1e-13)
    scaled = with_gradient(lambda z: WAYS[way](standardized(V), standardized(z)), 0.3 * V - 7)
    for zeros in scaled:
        close(zeros, 0, atol=1e-12)


def test_nkd_has_the_entropies_as_its_least_value():
    p, others = softmax(V, 1)[np.arange(6), Y], log_softmax(without(V, Y) / 4, 1)
    found, gradient = with_gradient(lambda z: nkd(V, z, Y, 4.0), V)
    close(found, -p * np.log(p) - 1.5 * 16 * (np.exp(others) * others).sum(1))
    # The part of the label has the gradient p[y] * (q - e_y), and only that one is left.
    close(gradient, p[:, None] * (softmax(V, 1) - np.eye(5)[Y]), atol=1e-13)
    changed = np.where(np.eye(5)[Y] > 0, Z + 3, Z)
    both = [array(nkd(V, z, Y, 4.0, gamma=1.0) - nkd(V, z, Y, 4.0, gamma=0.0)) for z in (Z, changed)]
    close(*both, rtol=1e-12)


def test_decoupled_parts_make_up_the_divergence():
    of_label, of_others = (array(dkd(V, Z, Y, 4.0, alpha=a, beta=1 - a)) for a in (1.0, 0.0))
    p = softmax(V / 4, 1)[np.arange(6), Y]
    close(of_label + (1 - p) * of_others, array(kl(V, Z, Y, 4.0)), rtol=1e-12)
    order = np.array([3, 1, 0, 4, 2])
    moved = np.argsort(order)[Y]
    close(array(dkd(V[:, order], Z[:, order], moved, 4.0)), array(dkd(V, Z, Y, 4.0)), rtol=1e-12)


def test_a_certain_student_has_a_finite_loss():
    # 1 - q[y] is too small for float32 to tell q[y] from 1, but its logarithm is not lost.
    z = np.array([[80, 0, 0, 0]], "float32")
    for loss, expected in ((dkd, 80 - np.log(3)), (nkd, 1.5 * np.log(3))):
        found, gradient = with_gradient(lambda z, loss=loss: loss(-z, z, [0], 1.0), z)
        close(found, expected, rtol=1e-5)
        assert np.isfinite(gradient).all()


def test_the_divergence_has_the_squares_as_its_limit():
    limit = array(kl(V, Z, Y, 1e4))
    close(limit, (Z - V).var(1) / 2, rtol=1e-3)
    close(array(squared(V, Z, Y, 1.0, centered=True)), 2 * limit, rtol=1e-3)
    close(array(squared(V + 3, Z, Y, 1.0)) - array(squared(V, Z, Y, 1.0)), 9 - 6 * (Z - V).mean(1), rtol=1e-9)
    close(array(squared(V + 3, Z - 5, Y, 1.0, centered=True)), array(squared(V, Z, Y, 1.0, centered=True)))
    close(with_gradient(lambda z: squared(V, z, Y, 1.0), Z)[1], 2 * (Z - V) / 5, rtol=1e-12)
    close(
        with_gradient(lambda z: kl(V, z, Y, 4.0), Z)[1],
        4 * (softmax(Z / 4, 1) - softmax(V / 4, 1)),
        rtol=1e-9,
    )


@pytest.mark.parametrize("way", WAYS)
def test_standardized_logits_have_no_scale_and_no_offset(way):
    def loss(v, z):
        return WAYS[way](standardized(v), standardized(z), t=2.0)

    found, gradient = with_gradient(lambda z: loss(V, z), Z)
    close(array(loss(3 * V + 7, 0.2 * Z - 1)), found, rtol=1e-9)
    close(gradient.sum(1), 0, atol=1e-12)
    close((gradient * (Z - Z.mean(1, keepdims=True))).sum(1), 0, atol=1e-12)


def test_correlations():
    p, z = softmax(V / 4, 1), 4 * np.log(0.3 * softmax(V / 4, 1) + 0.7 / 5)
    close(array(dist(V, z, Y, 4.0, gamma=0.0)), 0, atol=1e-12)  # the student's are 0.3 * p + 0.7 / 5
    columns = array(dist(V, Z, Y, 4.0, beta=0.0))
    q = softmax(Z / 4, 1)
    # Divided by their sum over the batch, which no correlation notices, they are softmaxes the other way.
    turned = (4 * np.log(x / x.sum(0)).T for x in (p, q))
    close(columns, array(dist(*turned, np.arange(5), 4.0, gamma=0.0)).mean(), rtol=1e-12)
    # Each part of a batch has its own correlations, as on several replicas.
    assert np.abs(array(dist(V[:3], Z[:3], Y[:3], 4.0, beta=0.0)) - columns[:3]).min() > 1e-3
    alone, gradient = with_gradient(lambda z: dist(V[:1], z, Y[:1], 4.0, beta=0.0), Z[:1])
    close(alone, 16)
    assert not gradient.any()


@pytest.mark.parametrize("way", WAYS)
def test_the_order_of_the_batch_does_not_matter(way):
    order = np.array([4, 2, 0, 5, 3, 1])
    close(array(WAYS[way](V[order], Z[order], Y[order])), array(WAYS[way](V, Z))[order], rtol=1e-12)


@pytest.mark.parametrize("standard", [False, True])
@pytest.mark.parametrize("classes", [1, 2, 10])
def test_extreme_logits_have_finite_losses_and_gradients(classes, standard):
    far = 60 * RNG.choice([-1, 1], (8, classes))
    students = far, -far, np.zeros_like(far), np.full_like(far, 7.3, "float64"), np.eye(8, classes)
    z, labels = np.concatenate(students).astype("float16"), np.tile(np.arange(8) % max(2, classes), 5)
    before = standardized if standard else ops.convert_to_tensor
    for v in (np.tile(far, (5, 1)).astype("float16"), np.zeros_like(z)):
        for way in ("kl", "dkd", "dist", "nkd", "squared"):
            found, gradient = with_gradient(
                lambda z, v=v, way=way: WAYS[way](before(v), before(z), labels, 1.0), z
            )
            assert found.dtype == "float32"
            assert np.isfinite(found).all(), way
            assert np.abs(gradient).max() < 1e4, way


def test_alike_logits_get_gradients_of_the_common_size():
    # A head that starts at zero: quotients of lengths have no gradient there, or one of 1e8.
    for loss in (WAYS["dist"], lambda v, z: kl(standardized(v), standardized(z), Y, 2.0)):
        gradient = with_gradient(lambda z, loss=loss: loss(V, z), np.zeros((6, 5), "float32"))[1]
        assert 1e-3 < np.abs(gradient).max() < 20
        assert (gradient * (V - V.mean(1, keepdims=True)) < 0).mean() > 0.8  # toward the teacher


def test_two_classes_and_one_logit():
    v, z, labels = V[:, :2], Z[:, :2], Y % 2
    divergence = array(kl(v, z, labels, 4.0))
    close(array(dkd(v, z, labels, 4.0, alpha=1.0)), divergence, rtol=1e-9)  # there are no other classes
    close(array(nkd(v, z, labels, 4.0, gamma=5.0)), array(nkd(v, z, labels, 1.0, gamma=0.0)), rtol=1e-12)
    one_v, one_z = (x[:, 1:] - x[:, :1] for x in (v, z))
    pairs = [np.pad(x, [(0, 0), (1, 0)]) for x in (one_v, one_z)]
    for way, loss in WAYS.items():
        close(
            array(loss(one_v, one_z, labels)), array(loss(*pairs, labels)), rtol=1e-9, atol=1e-12, err_msg=way
        )
    chances = np.where(labels == 1, 0.7, 0.2)
    for given in (chances, chances[:, None]):
        close(array(nkd(one_v, one_z, given, 4.0)), array(nkd(*pairs, labels, 4.0)), rtol=1e-9)
    assert not array(standardized(one_z)).any()


def test_labels_of_all_forms():
    mixed = 0.6 * np.eye(5)[Y] + 0.4 * np.eye(5)[Y[::-1]]
    for loss in (dkd, nkd):
        expected = array(loss(V, Z, Y, 4.0))
        for labels in (Y[:, None], Y.astype("float32"), np.eye(5)[Y], mixed.astype("float16")):
            np.testing.assert_array_equal(array(loss(V, Z, labels, 4.0)), expected)


def test_kl_is_the_soft_loss_and_names_are_those_of_functions():
    np.testing.assert_array_equal(array(kl(V, Z, None, 3.0)), array(soft_loss(V, Z, 3.0)))
    assert [loss.__name__ for loss in LOGIT_LOSSES.values()] == list(LOGIT_LOSSES)
    assert all(ops.is_tensor(loss(V, Z, Y, 1.0)) for loss in LOGIT_LOSSES.values())
    assert keras.backend.standardize_dtype(standardized(V).dtype) == "float64"
