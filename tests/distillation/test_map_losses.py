import numpy as np
import pytest
from keras import ops
from scipy.stats import ortho_group

from authors import ROWS, array, loss_of, name_of, slopes, tensors, with_gradient
from kerasnets import distillation
from kerasnets.distillation import MAP_LOSSES, attention, nst, pkt, relation, similarity
from kerasnets.distillation.map_losses import pooled, resized

RNG = np.random.default_rng(0)
NAMES = [*MAP_LOSSES, "relation_distance", "relation_angle"]
OF_VECTORS = ["relation", "relation_distance", "relation_angle", "pkt"]
OF_THE_BATCH = [*OF_VECTORS, "similarity"]
close = np.testing.assert_allclose


def pair(name, batch=5):
    """Teacher's and student's tensors that the loss takes, of the most different shapes that it takes."""
    theirs, ours = ((7,), (3,)) if name in OF_VECTORS else ((4, 6, 3), (5, 3, 4))
    theirs = ours if name == "fitnet" else theirs
    return RNG.normal(size=(batch, *theirs)), RNG.normal(size=(batch, *ours))


def unit(x, axis=-1):
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


def huber(x):
    return np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)


def over_pairs(f, x):
    return np.array([[f(a, b) for b in x] for a in x])


def in_numpy(name, t, s):
    """The losses of examples straight from their formulas, with nothing in common with the package."""
    if name == "fitnet":
        return ((s - t) ** 2).reshape(len(s), -1).mean(1) / 2
    if name == "attention":
        theirs, ours = (unit((x**2).mean(-1).reshape(len(x), -1)) for x in (t, s))
        return ((ours - theirs) ** 2).mean(1)
    if name == "nst":
        found = []
        for one in zip(t, s, strict=True):
            a, b = (unit(x.reshape(-1, x.shape[-1]).T) for x in one)
            kernel = [np.mean([[(x @ y) ** 2 for x in p] for y in q]) for p, q in ((a, a), (b, b), (a, b))]
            found.append(kernel[0] + kernel[1] - 2 * kernel[2])
        return np.array(found)
    t, s = (x.reshape(len(x), -1) for x in (t, s))
    if name == "similarity":
        theirs, ours = (unit(over_pairs(np.dot, x)) for x in (t, s))
        return ((ours - theirs) ** 2).sum(1) / len(s)
    if name == "pkt":
        p, q = (over_pairs(lambda a, b: (1 + unit(a) @ unit(b)) / 2, x) for x in (t, s))
        p, q = (x / x.sum(1, keepdims=True) for x in (p, q))
        return (p * np.log((p + 1e-7) / (q + 1e-7))).mean(1)
    if name == "relation_distance":
        theirs, ours = (over_pairs(lambda a, b: np.linalg.norm(a - b), x) for x in (t, s))
        theirs, ours = (x / (x.sum() / (len(x) ** 2 - len(x))) for x in (theirs, ours))
        return huber(ours - theirs).mean(1)
    if name == "relation_angle":
        n = len(s)
        cosines = np.zeros((2, n, n, n))
        for x, cosine in zip((t, s), cosines, strict=True):
            for i, j, k in np.ndindex(n, n, n):
                if i not in (j, k):
                    cosine[i, j, k] = unit(x[j] - x[i]) @ unit(x[k] - x[i])
        return huber(cosines[1] - cosines[0]).mean((1, 2))
    return in_numpy("relation_distance", t, s) + 2 * in_numpy("relation_angle", t, s)


# Transcribed from the formulas by hand, on the tensors that `authors.json` calls by these names.
TRANSCRIBED = [
    ("attention", "maps", [0.0054498811, 0.0036879186, 0.0053073624]),
    ("nst", "maps", [0.9909300788, 0.9804821776, 0.9429292520]),
    ("similarity", "maps", [0.6321166716, 0.6883332569, 0.6339138093]),
    ("relation_distance", "vectors", [0.0172930596, 0.0134600068, 0.0135654500, 0.0146317504]),
    ("relation_angle", "vectors", [0.0087104489, 0.0259388941, 0.0139796136, 0.0291223481]),
    ("pkt", "vectors", [0.0209111532, 0.0151746706, 0.0117736313, 0.0158221827]),
]


@pytest.mark.parametrize(("name", "inputs", "expected"), TRANSCRIBED)
def test_transcribed_values(name, inputs, expected):
    guide, guided, _ = tensors(inputs)
    close(array(getattr(distillation, name)(guide, guided)), expected, rtol=3e-6)


@pytest.mark.parametrize("row", [row for row in ROWS if row["loss"] in NAMES], ids=name_of)
def test_authors_values_and_gradients(row):
    guide, guided, _ = tensors(row["inputs"])
    found, gradient = with_gradient(lambda x: loss_of(row)(guide, x, None), guided, ops.mean)
    assert found.dtype == gradient.dtype == "float64"
    close(found.mean(), row["factor"] * row["value"], rtol=row["rtol"])
    expected = row["factor"] * np.reshape(row["gradient"], guided.shape)
    close(gradient, expected, rtol=1e-7, atol=row["rtol"] * np.abs(expected).max())
    if "each" in row:
        close(found, np.multiply(row["factor"], row["each"]), rtol=row["rtol"])


@pytest.mark.parametrize("name", NAMES)
def test_formulas_gradients_and_order(name):
    loss = getattr(distillation, name)
    guide, guided = pair(name)
    small = [x if x.ndim == 2 else x[:, :4, :3] for x in (guide, guided)]  # one grid, as the formulas have it
    for dtype, rtol in (("float64", 1e-9), ("float32", 1e-4)):
        found = array(loss(*(x.astype(dtype) for x in small)))
        assert found.dtype == dtype
        close(found, in_numpy(name, *small), rtol=rtol)

    found, gradient = with_gradient(lambda x: loss(guide, x), guided)
    directions = RNG.normal(size=(4, *guided.shape))
    expected = slopes(lambda x: loss(guide, x), guided, directions)
    close((directions * gradient).reshape(4, -1).sum(1), expected, rtol=1e-6, atol=1e-8)
    assert np.abs(gradient).max() > 1e-4
    assert not with_gradient(lambda x: loss(x, guided), guide)[1].any()

    order = np.array([3, 1, 4, 0, 2])
    close(array(loss(guide[order], guided[order])), found[order], rtol=1e-9)
    part = array(loss(guide[:3], guided[:3]))  # what one of several replicas would see
    assert np.isclose(part, found[:3]).any() != (name in OF_THE_BATCH)

    found, gradient = with_gradient(lambda x: loss(guide, x), guide)
    close(found, 0, atol=1e-12)
    close(gradient, 0, atol=1e-7 if name == "pkt" else 1e-12)  # of the 1e-7 in its logarithm


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_matter(name):
    loss = getattr(distillation, name)
    guide, guided = pair(name)
    flat = guided.reshape(5, -1)
    turned = (flat @ ortho_group.rvs(flat.shape[1], random_state=0)).reshape(guided.shape)
    scales = RNG.uniform(0.5, 2, (5, *[1] * (guided.ndim - 1)))
    changes = {
        "fitnet": [],
        "attention": [-2 * guided, scales * guided, guided[..., ::-1], np.tile(guided, 3)],
        "nst": [guided * np.linspace(-2, 3, guided.shape[-1]), guided[..., ::-1], np.tile(guided, 3)],
        "similarity": [-0.7 * turned],
        "pkt": [scales * turned],
    }.get(name, [0.3 * turned - 4])
    for changed in changes:
        for theirs in (guide, -guide):  # each of these losses has a sign that it does not see
            close(array(loss(theirs, changed)), array(loss(guide, guided)), rtol=1e-7)
    if name != "fitnet":
        assert np.abs(array(loss(guide, guided**2 + guided)) - array(loss(guide, guided))).max() > 1e-5


def test_simple_figures():
    close(array(distillation.fitnet(np.zeros((2, 3)), np.ones((2, 3)))), 0.5)
    one, other = np.zeros((2, 1, 2, 2, 3))
    one[0, 0, 0], other[0, 1, 1] = 7, 2  # single pixels: vectors at a right angle
    close(array(attention(one, other)), 2 / 4)
    close(array(nst(one, other)), 2)
    close(array(similarity(one, other)), 0)
    # Three points at equal distances, seen at angles of 60 degrees, and three on a line.
    triangle, line = np.array([[0, 0], [1, 0], [0.5, 0.75**0.5]]), np.array([[0.0], [1], [2]])
    distances = np.array([[0, 0.75, 1.5], [0.75, 0, 0.75], [1.5, 0.75, 0]]) - (1 - np.eye(3))
    close(array(distillation.relation_distance(triangle, line)), huber(distances).mean(1))
    angles = 2 * huber(np.array([0.5, -1.5, 0.5])) / 9
    close(array(distillation.relation_angle(triangle, line)), angles)
    close(array(relation(line, 3 - 2 * line)), 0, atol=1e-12)
    # Of two opposite vectors, each is like itself alone.
    opposite, right = np.array([[1.0, 0], [-2, 0]]), np.array([[1.0, 0], [0, 3]])
    close(array(pkt(opposite, right)), np.log(3 / 2) / 2, rtol=1e-6)


@pytest.mark.parametrize("shape", [(6, 5), (6, 4, 5), (1, 2, 2, 5)])
def test_extreme_maps_have_finite_losses_and_gradients(shape):
    far = (60 * RNG.choice([-1, 1], shape)).astype("float16")
    for name, loss in MAP_LOSSES.items():
        if len(shape) == 2 and name in ("attention", "nst"):
            with pytest.raises(ValueError, match="`guided` is maps"):
                loss(far, far)
            continue
        for guide in (far, np.zeros_like(far)):
            for guided in (-far, np.zeros_like(far), np.full_like(far, 3)):
                found, gradient = with_gradient(lambda x, loss=loss, guide=guide: loss(guide, x), guided)
                assert found.dtype == "float32"
                assert found.shape == shape[:1]
                assert np.isfinite(found).all(), name
                assert np.abs(gradient).max() < 100, name


def test_grids_are_averaged_to_the_smaller_along_each_axis():
    x = np.arange(2 * 7 * 4 * 3.0).reshape(2, 7, 4, 3)
    rows = [x[:, a:b].mean(1) for a, b in ((0, 3), (2, 5), (4, 7))]
    close(array(pooled(ops.convert_to_tensor(x), 1, 3)), np.stack(rows, 1))
    guide, guided = RNG.normal(size=(2, 6, 4, 3)), RNG.normal(size=(2, 3, 8, 5))
    small = guide.reshape(2, 3, 2, 4, 3).mean(2), guided.reshape(2, 3, 4, 2, 5).mean(3)
    for loss in (attention, nst):
        close(array(loss(guide, guided)), array(loss(*small)), rtol=1e-12)
        deep = array(loss(guide[:, :, None], guided[:, :, None]))
        close(deep, array(loss(*small)), rtol=1e-12)
        with pytest.raises(ValueError, match="axes"):
            loss(guide, guided[:, 0])


def test_grids_are_resized_as_images():
    for sides in ((7, 4), (3, 8), (1, 5)):
        images, like = RNG.normal(size=(2, *sides, 3)), np.zeros((2, 4, 5, 3))
        want = ops.image.resize(images.astype("float32"), (4, 5), antialias=True, data_format="channels_last")
        close(array(resized(ops.convert_to_tensor(images), like)), array(want), atol=1e-5)


def test_half_precision_maps_are_compared_in_full():
    for name, loss in MAP_LOSSES.items():
        guide, guided = (400 * x.astype("float16") for x in pair(name))  # squares overflow in float16
        full = array(loss(guide.astype("float32"), guided.astype("float32")))
        np.testing.assert_array_equal(array(loss(guide, guided)), full)
        close(array(loss(guide.astype("float32"), guided)), full)


def test_names_are_those_of_functions():
    assert [loss.__name__ for loss in MAP_LOSSES.values()] == list(MAP_LOSSES)
