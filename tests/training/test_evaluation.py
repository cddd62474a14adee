import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from PIL import Image

import kerasnets
from kerasnets.training import evaluate, evaluation
from kerasnets.training.evaluation import scorer

CROP, CLASSES = (5, 4), 3
RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(*CROP, 2, CLASSES))
IMAGES = RNG.normal(size=(2, 9, 12, 2))


@pytest.fixture(scope="module")
def linear():
    """A net whose score of a class is the sum of a window times a kernel: each pixel counts otherwise."""
    model = keras.Sequential([keras.Input((*CROP, 2)), layers.Flatten(), layers.Dense(CLASSES)])
    model.layers[-1].set_weights([KERNEL.reshape(-1, CLASSES), np.zeros(CLASSES)])
    return model


def score(images, top, left, step=1):
    """The score of the window that starts at a pixel, or with a step of -1 of its mirror image; float64."""
    window = images[:, top : top + CROP[0], left : left + CROP[1]][:, :, ::step]
    return np.einsum("bhwc,hwck->bk", window, KERNEL)


def mean(images, places):
    """The mean score of windows and of their mirror images."""
    return np.mean([score(images, *place, step) for place in places for step in (1, -1)], axis=0)


CORNERS = [(0, 0), (0, 8), (4, 0), (4, 8), (2, 4)]  # 9x12 pixels leave 4 and 8 beside a crop of 5x4
GRID = list(itertools.product(range(5), (0, 2, 4, 6, 8)))
EVERYWHERE = list(itertools.product(range(5), range(9)))
REFERENCES = {
    "center": lambda x: score(x, 2, 4),
    "ten_crop": lambda x: mean(x, CORNERS),
    "multi_crop": lambda x: mean(x, GRID),
    "dense": lambda x: mean(x, EVERYWHERE),
    "dense_and_crops": lambda x: (mean(x, GRID) + mean(x, EVERYWHERE)) / 2,
}


@pytest.mark.parametrize("protocol", REFERENCES)
def test_each_protocol_is_the_mean_over_its_windows(linear, protocol):
    expected = REFERENCES[protocol](IMAGES)
    others = [f(IMAGES) for name, f in REFERENCES.items() if name != protocol]
    assert all(np.abs(other - expected).max() > 1e-2 for other in others)
    for batch_size in (None, 1):
        scores = scorer(linear, protocol, batch_size=batch_size, from_logits=False)(IMAGES)
        np.testing.assert_allclose(scores, expected, atol=1e-5)


@pytest.mark.parametrize("protocol", REFERENCES)
def test_logits_are_averaged_as_probabilities(linear, protocol):
    """Softmax first, mean then: the same with and without the softmax in the net."""
    y = linear.outputs[0]
    squashed = keras.Model(linear.inputs, layers.Softmax()(y))
    outside, inside = (scorer(m, protocol)(IMAGES) for m in (linear, squashed))
    np.testing.assert_allclose(outside, inside, atol=1e-6)
    np.testing.assert_allclose(outside.sum(-1), 1, atol=1e-6)
    if protocol == "ten_crop":
        views = [score(IMAGES, *place, step) for place in CORNERS for step in (1, -1)]
        shares = [np.exp(v) / np.exp(v).sum(-1, keepdims=True) for v in views]
        np.testing.assert_allclose(outside, np.mean(shares, axis=0), atol=1e-6)


@pytest.mark.parametrize(
    "squash",
    [ops.softmax, keras.Sequential([keras.Input((CLASSES,)), layers.Softmax()]), "cast"],
    ids=["operation", "inner model", "cast"],
)
def test_probabilities_are_known_in_every_form(linear, squash):
    y = linear.outputs[0]
    y = ops.cast(ops.softmax(y), "float32") if squash == "cast" else squash(y)
    squashed = keras.Model(linear.inputs[0], y)
    np.testing.assert_allclose(scorer(squashed)(IMAGES), scorer(linear)(IMAGES), atol=1e-6)


def test_odd_rests_are_left_on_the_right_and_below(linear):
    images = IMAGES[:, :8, :11]  # leave 3 and 7
    np.testing.assert_allclose(scorer(linear, from_logits=False)(images), score(images, 1, 3), atol=1e-5)
    expected = mean(images, itertools.product((0, 0, 1, 2, 3), (0, 1, 3, 5, 7)))
    np.testing.assert_allclose(scorer(linear, "multi_crop", from_logits=False)(images), expected, atol=1e-5)


def test_dense_evaluation_steps_as_the_net_strides():
    x = keras.Input((8, 8, 1))
    y = layers.Dense(2)(layers.Flatten()(layers.AveragePooling2D(4)(x)))
    model = keras.Model(x, y)
    images = RNG.normal(size=(2, 16, 12, 1)).astype("float32")
    windows = [
        ops.convert_to_numpy(model(x[:, i : i + 8, j : j + 8]))
        for x in (images, images[:, :, ::-1])
        for i in (0, 4, 8)
        for j in (0, 4)
    ]
    scores = scorer(model, "dense", from_logits=False)(images)
    np.testing.assert_allclose(scores, np.mean(windows, axis=0), atol=1e-5)


def bilinear(length, new):
    """A matrix, (new, length), that resizes an axis: weights of the two pixels nearest to each centre."""
    centres = np.clip((np.arange(new) + 0.5) * length / new - 0.5, 0, length - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(length)))


def zoomed(images, height, width):
    return np.einsum("hH,wW,bHWc->bhwc", bilinear(9, height), bilinear(12, width), images)


def test_scales_zoom_the_shorter_side_and_are_averaged(linear):
    scales = {9: (9, 12), 18: (18, 24), 13: (13, 17)}  # 12 * 13 / 9 is 17.3
    for protocol, places in {"center": None, "ten_crop": None}.items():
        parts = []
        for size, sides in scales.items():
            images = zoomed(IMAGES, *sides)
            rest = sides[0] - CROP[0], sides[1] - CROP[1]
            middle = (rest[0] // 2, rest[1] // 2)
            places = [(0, 0), (0, rest[1]), (rest[0], 0), rest, middle]
            parts.append(score(images, *middle) if protocol == "center" else mean(images, places))
            one = scorer(linear, protocol, sizes=size, from_logits=False)(IMAGES)
            np.testing.assert_allclose(one, parts[-1], atol=1e-4)
        several = scorer(linear, protocol, sizes=tuple(scales), from_logits=False)(IMAGES)
        np.testing.assert_allclose(several, np.mean(parts, axis=0), atol=1e-4)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_images_are_shrunk_as_pillow_does(interpolation):
    x = keras.Input((6, 6, 1))
    pixels = keras.Model(x, layers.Flatten()(x))
    images = np.kron(RNG.uniform(60, 200, (2, 8, 8)), np.ones((4, 4)))[..., None].astype("float32")
    method = Image.Resampling[interpolation.upper()]
    expected = [Image.fromarray(image[..., 0]).resize((6, 6), method) for image in images]
    options = {"sizes": 6, "interpolation": interpolation, "from_logits": False}
    np.testing.assert_allclose(
        scorer(pixels, **options)(images), [np.ravel(image) for image in expected], atol=1e-2
    )
    plain = scorer(pixels, antialias=False, **options)(images)
    nearest = tf.reshape(tf.image.resize(images, (6, 6), interpolation), (2, 36))
    np.testing.assert_allclose(plain, nearest, atol=1e-2)
    assert np.abs(plain - [np.ravel(image) for image in expected]).max() > 1


def shrinking(length, new):
    """A matrix, (new, length), that shrinks an axis without antialiasing: see `bilinear`."""
    centres = (np.arange(new) + 0.5) * length / new - 0.5
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(length)))


def views_of_squares(images):
    """Scores of the 36 views of a scale, written apart: those of each square, then of its mirror image."""
    side, longer = min(images.shape[1:3]), max(images.shape[1:3])
    for start in (0, (longer - side) // 2, longer - side):
        upright = images.shape[1] > side
        square = images[:, start : start + side] if upright else images[:, :, start : start + side]
        down, right = side - CROP[0], side - CROP[1]
        corners = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
        whole = np.einsum("hH,wW,bHWc->bhwc", *(shrinking(side, new) for new in CROP), square)
        for step in (1, -1):
            yield from (score(square, *corner, step) for corner in corners)
            yield score(whole, 0, 0, step)


def test_144_crops(linear, monkeypatch):
    """Szegedy 2015, section 7: scales, squares along the longer side, crops, the square itself, mirrored."""
    options = dict(antialias=False, from_logits=False)
    views = [v for s in ((9, 12), (18, 24)) for v in views_of_squares(zoomed(IMAGES, *s))]
    assert len(views) == 144 / 2
    scores = scorer(linear, "144_crops", sizes=(9, 18), **options)(IMAGES)
    np.testing.assert_allclose(scores, np.mean(views, axis=0), atol=1e-4)
    upright = IMAGES.transpose(0, 2, 1, 3)
    scores = scorer(linear, "144_crops", sizes=9, **options)(upright)
    np.testing.assert_allclose(scores, np.mean([*views_of_squares(upright)], axis=0), atol=1e-5)

    seen = []
    monkeypatch.setattr(evaluation, "outputs_of", lambda net, x, n: seen.append(x.shape) or np.ones((1, 3)))
    x = keras.Input((224, 224, 1))
    scorer(keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(x))), "144_crops")(
        IMAGES[:1, ..., :1]
    )
    assert seen == [(1, 224, 224, 1)] * 144


def test_dense_over_scales(linear):
    parts = []
    for size, sides in {9: (9, 12), 18: (18, 24)}.items():
        places = list(itertools.product(range(sides[0] - 4), range(sides[1] - 3)))
        parts.append(mean(zoomed(IMAGES, *sides), places))
        one = scorer(linear, "dense", sizes=[size], from_logits=False)(IMAGES)
        np.testing.assert_allclose(one, parts[-1], atol=1e-4)
    both = scorer(linear, "dense", sizes=[9, 18], from_logits=False)(IMAGES)
    np.testing.assert_allclose(both, np.mean(parts, axis=0), atol=1e-4)


def test_a_net_with_free_sides(linear):
    x = keras.Input((None, None, 2))
    kernel = layers.Conv2D(CLASSES, 1)
    model = keras.Model(x, layers.GlobalAveragePooling2D()(kernel(x)))
    whole = ops.convert_to_numpy(kernel(IMAGES))
    np.testing.assert_allclose(scorer(model, from_logits=False)(IMAGES), whole.mean((1, 2)), atol=1e-6)
    crop = scorer(model, crop=CROP, from_logits=False)(IMAGES)
    np.testing.assert_allclose(crop, whole[:, 2:7, 4:8].mean((1, 2)), atol=1e-6)
    windows = [whole[:, i : i + 4, j : j + 4].mean((1, 2)) for i in range(6) for j in range(9)]
    dense = scorer(model, "dense", crop=4, from_logits=False)(IMAGES)
    np.testing.assert_allclose(dense, np.mean(windows, axis=0), atol=1e-6)


def test_clips_and_auxiliary_heads():
    clips = RNG.normal(size=(2, 3, 6, 8, 1)).astype("float32")
    x = keras.Input((3, 4, 4, 1))
    y = layers.Dense(2)(layers.Flatten()(layers.Conv3D(2, 1)(x)))
    model = keras.Model(x, {"predictions": y, "aux1": layers.Dense(2)(y)})
    expected = model(clips[:, :, 1:5, 2:6])["predictions"]
    given = scorer(model, from_logits=False)(clips)
    np.testing.assert_allclose(given, ops.convert_to_numpy(expected), atol=1e-6)
    zoom = scorer(model, "ten_crop", sizes=8, from_logits=False)(clips)
    np.testing.assert_allclose(
        zoom, scorer(model, "ten_crop", from_logits=False)(frames_zoomed(clips)), atol=1e-5
    )


def frames_zoomed(clips):
    return np.stack([ops.convert_to_numpy(ops.image.resize(clip, (8, 11))) for clip in clips])


@pytest.fixture(scope="module")
def spoken():
    """A net whose scores are the pixels of an image, (1, 1, classes)."""
    return keras.Sequential([keras.Input((1, 1, 6)), layers.Flatten()])


def said(*rows):
    return np.array(rows, "float32")[:, None, None]


def test_top_k(spoken):
    images = said([5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5], [3, 9, 1, 4, 5, 2], [0, 0, 0, 0, 0, 1])
    labels = np.array([0, 5, 0, 0])  # first, first, fourth; and second, behind the one class above
    assert evaluate(spoken, (images, labels)) == {"top1": 0.5, "top5": 1.0}
    assert evaluate(spoken, (images, labels), top=(1, 2, 3, 4)) == {
        "top1": 0.5,
        "top2": 0.75,
        "top3": 0.75,
        "top4": 1.0,
    }
    assert evaluate(spoken, (images, labels), top=3) == {"top3": 0.75}


def test_a_net_that_says_nothing_knows_nothing(spoken):
    """Equal scores rank by class, as argmax ranks them; those that are no numbers rank last."""
    images, labels = said(*[[7] * 6] * 6), np.arange(6)
    found = evaluate(spoken, (images, labels))
    assert found == pytest.approx({"top1": 1 / 6, "top5": 5 / 6})
    images[:] = np.nan
    assert evaluate(spoken, (images, labels)) == {"top1": 0.0, "top5": 0.0}
    one = said([1, np.nan, np.nan, 0, np.nan, 2])
    assert evaluate(spoken, (one, np.array([3])), top=(2, 3), from_logits=False) == {"top2": 0.0, "top3": 1.0}


def test_it_agrees_with_the_metrics_of_keras():
    keras.utils.set_random_seed(0)
    model = kerasnets.build("LeNet5")
    x, y = RNG.normal(size=(70, 32, 32, 1)).astype("float32"), RNG.integers(0, 10, 70)
    top5 = keras.metrics.SparseTopKCategoricalAccuracy(5, "top5")
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy", top5])
    known = model.evaluate(x, y, verbose=0, return_dict=True)
    found = evaluate(model, (x, y), batch_size=32)
    assert found == pytest.approx({"top1": known["accuracy"], "top5": known["top5"]})
    dense = evaluate(model, (x, y), "dense")
    flipped = (model.predict(x, verbose=0) + model.predict(x[:, :, ::-1], verbose=0)) / 2
    assert dense["top1"] == pytest.approx(np.mean(flipped.argmax(-1) == y))


def as_tf(x, y):
    return pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices((x, y)).batch(2)


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return self.x[2 * i : 2 * i + 2], self.y[2 * i : 2 * i + 2]


@pytest.mark.parametrize(
    "batched",
    [
        lambda x, y: (x, y),
        lambda x, y: [(x[:3], y[:3]), (x[3:], y[3:])],
        lambda x, y: ((x[i : i + 1], y[i : i + 1, None]) for i in range(4)),
        lambda x, y: [(ops.convert_to_tensor(x), ops.convert_to_tensor(y)), (x[:0], y[:0])],
        as_tf,
        Batches,
    ],
)
def test_data_of_every_kind(spoken, batched):
    images = said([5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5], [3, 9, 1, 4, 5, 2], [0, 0, 0, 0, 0, 1])
    data = batched(images, np.array([0, 5, 0, 0]))
    assert evaluate(spoken, data, top=(1, 2)) == {"top1": 0.5, "top2": 0.75}


def test_batches_of_different_sides_and_whole_numbers(linear):
    small, large = np.zeros((1, 5, 4, 2), "uint8"), np.full((2, 7, 9, 2), 200, "uint8")
    data = [(small, np.array([0])), (large, np.array([1, 2]))]
    expected = KERNEL.sum((0, 1, 2)).argmax()
    found = evaluate(linear, data, "ten_crop", top=1)
    assert found["top1"] == pytest.approx((1 + (expected in (1, 2))) / 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "tencrop"}, "Did you mean 'ten_crop'"),
        ({"protocol": None}, "`protocol` is one of 'center'"),
        ({"sizes": 0}, "`sizes`"),
        ({"sizes": ()}, "`sizes`"),
        ({"sizes": (8, "9")}, "`sizes`"),
        ({"interpolation": "cubic"}, "`interpolation` is 'bilinear' or 'bicubic'"),
        ({"antialias": None}, "`antialias` is True or False"),
        ({"crop": 4}, r"`crop` is .*fit the model's input, \(5, 4\)"),
        ({"crop": (5, 4, 2)}, "`crop`"),
        ({"top": 0}, "`top`"),
        ({"top": ()}, "`top`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"model": None}, "`model` is a functional"),
        ({"data": 3}, "`data` is batches"),
        ({"data": []}, "`data` is batches .*at least one"),
        ({"data": (IMAGES, np.zeros(3, int))}, "`data` is as many images as labels"),
        ({"data": [(IMAGES,)]}, "`data` is batches"),
        ({"data": [(IMAGES, np.zeros(2))]}, "whole numbers"),
        ({"data": [(IMAGES, np.eye(3, dtype=int)[:2])]}, "whole numbers"),
        ({"data": [(IMAGES, np.array([0, 3]))]}, "`data` is labels from 0 to 2"),
        ({"data": [(IMAGES, np.array([-1, 0]))]}, "`data` is labels from 0 to 2"),
        ({"data": [(IMAGES[:, :4], np.zeros(2, int))]}, r"at least \(5, 4\) pixels"),
        ({"sizes": 4}, r"at least \(5, 4\) pixels"),
    ],
)
def test_bad_arguments_are_refused(linear, options, message):
    given = {"model": linear, "data": [(IMAGES, np.zeros(2, int))], **options}
    with pytest.raises(ValueError, match=message):
        evaluate(**given)


def test_a_free_net_needs_a_crop_for_several_of_them():
    x = keras.Input((None, None, 2))
    model = keras.Model(x, layers.GlobalAveragePooling2D()(x))
    for protocol in ("ten_crop", "dense"):
        with pytest.raises(ValueError, match="`crop` is whole numbers"):
            scorer(model, protocol)
    with pytest.raises(ValueError, match="`model` is a functional"):
        scorer(keras.Sequential([keras.Input((4,)), layers.Dense(3)]))
    with pytest.raises(ValueError, match=r"`model` is .*\(Reshape\)"):
        scorer(kerasnets.build("CapsNet", **kerasnets.applications.CapsNet.spec.tiny), "dense")


def test_images_are_given_to_a_net_of_a_dict_as_they_are(recwarn):
    x = keras.Input((4, 4, 3))
    y = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(x))
    images = np.random.default_rng(0).random((2, 4, 4, 3)).astype("float32")
    expected = scorer(keras.Model(x, y))(images)
    np.testing.assert_array_equal(scorer(keras.Model({"image": x}, y))(images), expected)
    assert not [w for w in recwarn if "structure of `inputs`" in str(w.message)]


def test_probabilities_of_an_unknown_layer_are_not_squashed_again(linear):
    squashed = keras.Sequential([linear, layers.Lambda(lambda z: ops.softmax(z))])
    expected = squashed.predict(IMAGES[:, 2:7, 4:8], verbose=0)
    np.testing.assert_allclose(scorer(squashed)(IMAGES), expected, atol=1e-6)


@pytest.mark.parametrize("protocol", ["center", "ten_crop", "dense"])
@pytest.mark.parametrize("how", [True, "unit", lambda x: x / 255])
def test_pixels_are_scaled_as_the_net_takes_them(linear, protocol, how):
    net = keras.models.clone_model(linear)
    net.set_weights(linear.get_weights())
    kerasnets.weights.describe(net, scaling="unit")
    pixels = np.random.default_rng(2).integers(0, 256, (2, *IMAGES.shape[1:])).astype("float32")
    expected = scorer(net, protocol)(pixels / 255)
    np.testing.assert_allclose(scorer(net, protocol, preprocess=how)(pixels), expected, atol=1e-6)
    with pytest.raises(ValueError, match="`preprocess` is None or 'unit'"):
        scorer(net, protocol, preprocess="tf")


@pytest.mark.parametrize("form", ["logit", "sigmoid", "probabilities said"])
@pytest.mark.parametrize("protocol", ["center", "dense"])
def test_a_net_of_one_score_tells_two_classes(form, protocol):
    keras.utils.set_random_seed(0)
    x = keras.Input((*CROP, 2))
    y = layers.Dense(1, "sigmoid" if form == "sigmoid" else None)(layers.Flatten()(x))
    model = keras.Model(x, ops.clip(ops.abs(y), 0, 1) if form == "probabilities said" else y)
    if form == "probabilities said" and protocol == "dense":
        pytest.skip("convolutionize takes no such operations")
    images = RNG.normal(size=(40, *CROP, 2)).astype("float32")
    labels = RNG.integers(0, 2, 40)
    from_logits = False if form == "probabilities said" else None
    views = [images] if protocol == "center" else [images, images[:, :, ::-1]]
    p = np.mean([model.predict(view, verbose=0)[:, 0].astype("float64") for view in views], axis=0)
    if form == "logit":
        p = np.mean(
            [1 / (1 + np.exp(-model.predict(v, verbose=0)[:, 0].astype("float64"))) for v in views], 0
        )
    right = np.mean((p > 0.5) == labels)
    assert 0.2 < right < 0.8
    found = evaluate(model, (images, labels), protocol, from_logits=from_logits)
    assert found == pytest.approx({"top1": right, "top5": 1.0})
    given = scorer(model, protocol, from_logits=from_logits)(images)
    np.testing.assert_allclose(given, np.stack([1 - p, p], -1), atol=1e-6)
    with pytest.raises(ValueError, match="`data` is labels from 0 to 1"):
        evaluate(model, (images, labels + 1))


def test_a_score_of_one_half_is_of_class_0():
    model = keras.Sequential([keras.Input((1, 1, 1)), layers.Flatten()])  # its score is the pixel
    images, labels = np.array([0.0, 0.0, 1e-6, -1e-6]).reshape(4, 1, 1, 1), np.array([0, 1, 1, 0])
    assert evaluate(model, (images, labels), top=1, from_logits=True) == {"top1": 0.75}
    half = evaluate(model, (images + 0.5, labels), top=1, from_logits=False)
    assert half == {"top1": 0.75}
    images[:] = np.nan
    assert evaluate(model, (images, labels), top=1, from_logits=True) == {"top1": 0.0}
