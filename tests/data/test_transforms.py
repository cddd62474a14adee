import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import ndimage

from kerasnets.data import transforms
from kerasnets.data.augment import SIZINGS

RNG = np.random.default_rng(0)
SEEDS = [(0, i) for i in range(60)]


def numbered(height, width):
    """An image whose pixels hold their row and column."""
    return np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1).astype("float32")


def place(crop):
    """Row and column that a piece of a numbered image starts at; checks that it is one piece."""
    height, width, _ = crop.shape
    start = crop[0, 0]
    np.testing.assert_allclose(crop, numbered(height, width) + start, atol=1e-3)
    return tuple(int(v) for v in start)


def test_random_crops_are_windows_anywhere():
    image = numbered(6, 8)
    places = {place(transforms.random_crop(image, s, (4, 4), shorter=6).numpy()) for s in SEEDS}
    assert places == {(row, column) for row in range(3) for column in range(5)}


def test_the_center_crop_is_the_middle_of_the_zoomed_image():
    assert place(transforms.center_crop(numbered(6, 9), None, (4, 5), shorter=6).numpy()) == (1, 2)
    ramp = transforms.center_crop(numbered(12, 24), None, (6, 6)).numpy()
    np.testing.assert_allclose(ramp.mean((0, 1)), [5.5, 11.5], atol=0.01)
    np.testing.assert_allclose(np.diff(ramp[0, :, 1]), 2.0, atol=0.01)


@pytest.mark.parametrize("shape", [(375, 500), (500, 375), (333, 499), (31, 30), (1000, 37)])
def test_the_shorter_side_is_exact_and_the_aspect_kept(shape):
    zoomed = transforms.resize_shorter(np.zeros((*shape, 3), "float32"), 64).shape
    assert min(zoomed[:2]) == 64
    assert abs(max(zoomed[:2]) - 64 * max(shape) / min(shape)) <= 0.5


PHOTO = ndimage.gaussian_filter(RNG.normal(size=(150, 200, 3)), (2, 2, 0))
PHOTO = (128 + 110 * PHOTO / np.abs(PHOTO).max()).astype("uint8")
CROPPED = {
    "center_crop": ((64, 85), (14, 3, 71, 60)),
    "zoom": ((57, 57), (0, 0, 57, 57)),
    "whole": ((64, 85), (0, 0, 85, 64)),
}


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("name", CROPPED)
def test_images_are_shrunk_as_pillow_does(name, interpolation):
    options = {} if name == "zoom" else {"shorter": 64}
    given = SIZINGS[name](PHOTO, None, (57, 57), interpolation=interpolation, **options).numpy()
    (height, width), box = CROPPED[name]
    method = Image.Resampling[interpolation.upper()]
    expected = np.asarray(Image.fromarray(PHOTO).resize((width, height), method).crop(box), "float32")
    assert np.abs(given - expected).max() < 1.5  # Pillow rounds twice
    assert np.abs(given - expected).mean() < 0.4
    plain = SIZINGS[name](PHOTO, None, (57, 57), interpolation=interpolation, antialias=False, **options)
    assert np.abs(plain - expected).max() > 5


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [True, False])
def test_the_plain_resizing_of_tensorflow(interpolation, antialias):
    for sides in ((64, 85), (201, 300)):
        given = transforms.resize(PHOTO.astype("float32"), sides, interpolation, antialias)
        expected = tf.image.resize(PHOTO, sides, interpolation, antialias=antialias)
        np.testing.assert_allclose(given, expected, atol=0.1)


def test_thin_lines_stay_when_an_image_shrinks():
    lines = np.zeros((256, 256, 3), "uint8")
    lines[:, ::8] = 255
    for interpolation in ("bilinear", "bicubic"):
        shrunk = transforms.center_crop(lines, None, (32, 32), interpolation=interpolation)
        np.testing.assert_allclose(np.mean(shrunk), lines.mean(), atol=1)
        assert 0 <= np.min(shrunk) <= np.max(shrunk) <= 255


def test_random_windows_are_parts_of_the_resized_image():
    small = transforms.resize(PHOTO, (64, 85)).numpy()
    for seed in SEEDS[:5]:
        crop = transforms.random_crop(PHOTO, seed, (40, 50), shorter=64).numpy()
        found = [
            (row, column)
            for row in range(25)
            for column in range(36)
            if np.abs(small[row : row + 40, column : column + 50] - crop).max() < 0.05
        ]
        assert len(found) == 1


def test_scale_jitter_draws_the_shorter_side():
    image = numbered(100, 120)
    slopes = [np.diff(transforms.scale_jitter(image, s, (9, 9), low=10, high=13)[:, 4, 0]) for s in SEEDS]
    sides = {round(float(100 / np.median(slope))) for slope in slopes}
    assert sides == {10, 11, 12, 13}


def test_area_crops_keep_to_area_and_aspect():
    extents = []
    for s in SEEDS:
        crop = transforms.area_crop(
            numbered(200, 300), s, (16, 16), area=(0.2, 0.5), aspect=(0.5, 1.0)
        ).numpy()
        extents.append((16 * np.median(np.diff(crop[:, 8, 0])), 16 * np.median(np.diff(crop[8, :, 1]))))
    height, width = np.transpose(extents)
    area, aspect = height * width / (200 * 300), width / height
    assert 0.19 < area.min() < 0.27
    assert 0.42 < area.max() < 0.51
    assert 0.48 < aspect.min() < 0.6
    assert 0.9 < aspect.max() < 1.03


def test_sizings_treat_the_frames_of_a_clip_alike():
    clip = np.repeat(numbered(12, 16)[None], 3, 0)
    for name, sizing in SIZINGS.items():
        options = {"low": 9, "high": 12} if name == "scale_jitter" else {}
        options = {"shorter": 9} if name in ("random_crop", "center_crop", "whole") else options
        changed = sizing(clip, (1, 2), (8, 8), **options).numpy()
        assert changed.shape == (3, *((9, 12) if name == "whole" else (8, 8)), 2)
        np.testing.assert_array_equal(changed[0], changed[2])
        single = sizing(clip[0], (1, 2), (8, 8), **options)
        np.testing.assert_allclose(changed[0], single, atol=1e-5, err_msg=name)


def test_pad_puts_the_image_in_the_middle_of_zeros():
    padded = transforms.pad(np.ones((28, 28, 1), "float32"), None, (32, 32)).numpy()
    np.testing.assert_array_equal(padded, np.pad(np.ones((28, 28, 1)), ((2, 2), (2, 2), (0, 0))))


def test_flip_mirrors_about_half_of_the_images():
    images = RNG.normal(size=(200, 3, 4, 5, 2)).astype("float32")  # clips
    flipped = transforms.flip(images, (0, 1)).numpy()
    mirrored = np.array([np.array_equal(f, i[..., ::-1, :]) for f, i in zip(flipped, images, strict=True)])
    same = np.array([np.array_equal(f, i) for f, i in zip(flipped, images, strict=True)])
    assert (mirrored ^ same).all()
    assert 70 < mirrored.sum() < 130


def test_jitter_can_let_the_mirror_image_in():
    image = np.arange(1, 26, dtype="float32").reshape(1, 5, 5, 1)
    padded = np.pad(image[0, ..., 0], 2, "reflect")
    windows = [padded[r : r + 5, c : c + 5].tolist() for r in range(5) for c in range(5)]
    for seed in SEEDS[:10]:
        assert transforms.jitter(image, seed, mode="reflect").numpy()[0, ..., 0].tolist() in windows


def test_an_elastic_image_is_that_of_scipy():
    clips = RNG.uniform(0, 255, (3, 2, 11, 14, 2)).astype("float32")
    changed = tf.function(transforms.elastic)(clips, (3, 5), alpha=30.0, sigma=2.0)
    fields = tf.random.stateless_uniform([3, 2, 11, 14], (3, 5), -1.0, 1.0).numpy().astype("float64")
    places = np.indices((11, 14))
    for clip, field, found in zip(clips, fields, changed.numpy(), strict=True):
        offsets = 30 * np.stack([ndimage.gaussian_filter(f, 2.0, mode="constant") for f in field])
        assert np.abs(offsets).max() > 3
        check_displaced(clip, places + offsets, found)
    np.testing.assert_allclose(transforms.elastic(clips, (3, 5), alpha=0.0), clips, rtol=1e-6)


def test_an_affine_image_is_that_of_scipy():
    clips = RNG.uniform(0, 255, (3, 2, 11, 14, 2)).astype("float32")
    changed = tf.function(transforms.affine)(clips, (3, 5), degrees=40.0, stretch=0.3, shear=0.4)
    drawn = tf.random.stateless_uniform([4, 3], (3, 5), -1.0, 1.0).numpy().astype("float64").T
    center = np.array([5.0, 6.5])[:, None, None]
    for clip, (angle, high, wide, slant), found in zip(clips, drawn, changed.numpy(), strict=True):
        angle = np.radians(40 * angle)
        rotation = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]  # of rows and columns
        matrix = rotation @ np.array([[1, 0], [0.4 * slant, 1]]) @ np.diag([1 + 0.3 * high, 1 + 0.3 * wide])
        places = np.einsum("ij,jhw->ihw", matrix, np.indices((11, 14)) - center) + center
        check_displaced(clip, places, found)
    np.testing.assert_allclose(transforms.affine(clips, (3, 5), 0.0, 0.0, 0.0), clips, atol=1e-2)


def check_displaced(clip, places, found):
    """Compares a changed clip with what scipy finds in its frames at these places."""
    for frame, other in zip(clip, found, strict=True):
        for channel in range(clip.shape[-1]):
            expected = ndimage.map_coordinates(
                frame[..., channel].astype("float64"), places, order=1, mode="grid-constant"
            )
            np.testing.assert_allclose(other[..., channel], expected, atol=0.02)


@pytest.mark.parametrize("change", [transforms.elastic, transforms.affine])
def test_a_share_of_the_images_is_changed(change):
    images = RNG.uniform(0, 255, (400, 6, 6, 1)).astype("float32")
    every, some = change(images, (3, 5)).numpy(), change(images, (3, 5), share=0.25).numpy()
    changed = np.abs(some - images).max((1, 2, 3)) > 0.1
    assert 60 < changed.sum() < 140
    np.testing.assert_array_equal(some[changed], every[changed])


def test_lighting_spreads_along_the_principal_components():
    images = np.zeros((40000, 2, 1, 3), "float32")
    added = transforms.lighting(images, (3, 4)).numpy()
    np.testing.assert_array_equal(added[:, 0], added[:, 1])  # the same for all pixels of an image
    values, vectors = (np.array(c) for c in transforms.IMAGENET_COLORS)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-3)
    expected = vectors @ np.diag((255 * 0.1 * values) ** 2) @ vectors.T
    np.testing.assert_allclose(np.cov(added[:, 0, 0].T), expected, rtol=0.05, atol=0.05)


def test_colors_are_fitted_to_the_pixels():
    pixels = RNG.normal(size=(3, 50, 4, 4, 3)) @ np.diag([50, 20, 5]) @ RNG.normal(size=(3, 3)) + 100
    values, vectors = transforms.fit_colors(lambda: iter(pixels))
    assert values[0] > values[1] > values[2] > 0
    np.testing.assert_allclose(
        vectors @ np.diag(values) @ vectors.T, np.cov(pixels.reshape(-1, 3).T / 255, bias=True), atol=1e-9
    )


def test_contrast_takes_the_mean_and_the_norm():
    images = RNG.uniform(0, 255, (5, 4, 4, 3)).astype("float32")
    images[4] = 7.0  # has none
    normal = transforms.contrast()(images)
    np.testing.assert_allclose(normal.mean((1, 2, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(np.sqrt((normal**2).sum((1, 2, 3))), [55, 55, 55, 55, 0], rtol=1e-5)


def test_zca_whitens():
    images = (RNG.normal(size=(4, 500, 12)) @ RNG.normal(size=(12, 12))).reshape(4, 500, 2, 2, 3)
    images = images.astype("float32")
    whole = images.reshape(2000, 12)
    for bias in (1e-6, 0.5):
        fitted = transforms.fit_zca(lambda: iter(images), bias=bias)
        white = np.concatenate([transforms.zca(fitted)(batch) for batch in images]).reshape(2000, 12)
        covariance = np.cov(whole.T, bias=True)
        expected = covariance @ np.linalg.inv(covariance + bias * np.eye(12))
        np.testing.assert_allclose(np.cov(white.T, bias=True), expected, atol=1e-3)
    np.testing.assert_allclose(fitted[1], fitted[1].T, atol=1e-5)  # zero-phase: no rotation


def test_the_mean_image_is_fitted():
    images = RNG.uniform(size=(10, 3, 3, 1)).astype("float32")
    mean = transforms.fit_mean(lambda: iter((images[:6], images[6:])))
    np.testing.assert_allclose(transforms.per_pixel_mean(mean)(images), images - images.mean(0), atol=1e-6)
