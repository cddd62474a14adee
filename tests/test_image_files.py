"""Decoding and resizing without TensorFlow: equal to that in its graph."""

import io
import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasnets import image_files
from kerasnets.data import decoding
from kerasnets.serving import images

RNG = np.random.default_rng(0)
NOISE = Image.fromarray(RNG.integers(0, 256, (24, 33, 3), "uint8"))
SMOOTH = NOISE.resize((90, 70), Image.Resampling.BICUBIC)
RESIZING = [
    dict(interpolation=interpolation, antialias=antialias)
    for interpolation, antialias in itertools.product(("bilinear", "bicubic"), (True, False))
]
ROWS = [
    ("pad", {}),
    *[("zoom", options) for options in RESIZING],
    *[("center_crop", {"shorter": shorter, **options}) for shorter in (None, 48) for options in RESIZING],
]


def saved(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[image_files.ORIENTATION] = orientation
    return exif


def contents():
    """Files of every kind that both decoders read."""
    for name, image in (("noise", NOISE), ("smooth", SMOOTH)):
        for quality, subsampling in ((10, 2), (75, 1), (95, 0)):
            yield f"{name} jpeg {quality}", saved(image, "JPEG", quality=quality, subsampling=subsampling)
        yield f"{name} progressive", saved(image, "JPEG", progressive=True)
        yield f"{name} gray jpeg", saved(image.convert("L"), "JPEG")
        yield f"{name} cmyk", saved(image.convert("CMYK"), "JPEG")
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
            yield f"{name} {mode}", saved(image.convert("L" if mode == "LA" else "RGB").convert(mode), "PNG")
        yield f"{name} P with transparency", saved(image.convert("P"), "PNG", transparency=3)
        yield f"{name} of 2 bits", saved(image.quantize(4), "PNG", bits=2)
    for orientation in range(1, 9):
        yield f"jpeg turned {orientation}", saved(SMOOTH, "JPEG", exif=turned(orientation))
        yield f"png turned {orientation}", saved(SMOOTH, "PNG", exif=turned(orientation))
    for channels in range(1, 5):
        pixels = RNG.integers(0, 65536, (9, 11, channels)).astype("uint16")
        yield f"16 bits, {channels} channels", tf.io.encode_png(pixels).numpy()


CONTENTS = dict(contents())


@pytest.fixture(scope="module")
def by_tensorflow():
    """Its decoding of files to 1 or 3 channels."""
    spec = [tf.TensorSpec([], tf.string)]
    return {n: tf.function(lambda x, n=n: decoding.decode(x, n), spec, autograph=False) for n in (1, 3)}


@pytest.mark.parametrize("kind", CONTENTS)
def test_files_are_decoded_as_by_tensorflow(kind, by_tensorflow):
    """Gray may be rounded otherwise, in one of many pixels; the rest is the same."""
    for channels in (1, 3):
        expected = by_tensorflow[channels](CONTENTS[kind]).numpy()
        given = image_files.decode(CONTENTS[kind], channels)
        assert (given.shape, given.dtype) == (expected.shape, expected.dtype)
        apart = np.abs(given.astype(int) - expected)
        if channels == 3:
            assert not apart.any()
        assert apart.max() <= 1
        assert np.mean(apart > 0) < 0.01


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_images_are_resized_as_by_tensorflow(row):
    """Smaller, larger, and both at once; values differ by less than one level of 256."""
    for image in (NOISE, SMOOTH):
        pixels = np.asarray(image)
        for size in ((32, 32), (40, 20), (17, 48)):
            expected = images.make_sizing(row)(tf.constant(pixels), None, size)
            given = image_files.make_sizing(row)(pixels, size)
            assert (given.shape, given.dtype) == ((*size, 3), "float32")
            np.testing.assert_allclose(given, tf.cast(expected, tf.float32), atol=0.01)


def test_a_shorter_side_is_resized_as_by_tensorflow():
    for shorter in (10, 50):
        row = ("whole", {"shorter": shorter})
        pixels = np.asarray(SMOOTH)
        expected = images.make_sizing(row)(tf.constant(pixels), None, None)
        np.testing.assert_allclose(image_files.make_sizing(row)(pixels, None), expected, atol=0.01)
