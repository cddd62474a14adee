import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerasnets.serving import export

NOISE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), "uint8")
JPEG, PNG = tf.io.encode_jpeg(NOISE).numpy(), tf.io.encode_png(NOISE).numpy()
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


@pytest.fixture(scope="module")
def signatures(tmp_path_factory):
    net = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(3)]
    )
    path = export(net, tmp_path_factory.mktemp("models"), "net", preprocess="none", image_bytes=True)
    loaded = tf.saved_model.load(str(path))
    return loaded.signatures


def png(width, height):
    """A PNG file of few bytes that says how large it is, its pixels zeros."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(width + 1)) for _ in range(height)) + rows.flush()
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg(width, height):
    """A JPEG file that says how large it is, and has no pixels."""
    at = JPEG.index(b"\xff\xc0")
    return JPEG[: at + 5] + struct.pack(">HH", height, width) + JPEG[at + 9 :]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"", r"image_bytes`\[1\].*neither a JPEG nor a PNG file; it has\] \[0\]"),
        (b"no image", r"image_bytes`\[1\].*neither a JPEG nor a PNG file; it has\] \[8\]"),
        (GIF, r"image_bytes`\[1\].*neither"),
        (JPEG[:100], "Invalid JPEG data"),
        (JPEG[: len(JPEG) // 2], "Invalid|truncated|premature"),
        (PNG[:20], "Invalid|decode"),
        (PNG[: len(PNG) // 2], "Invalid|decode"),
        (b"\x00" + JPEG, "neither"),
    ],
    ids=lambda value: value[:8].hex() if isinstance(value, bytes) else None,
)
def test_a_file_that_is_no_image_fails_its_batch(signatures, bad, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signatures["serving_bytes"](image_bytes=tf.constant([JPEG, bad, PNG]))
    assert signatures["serving_bytes"](image_bytes=tf.constant([JPEG, PNG]))["scores"].shape == (2, 3)


@pytest.mark.parametrize("file", [png(10_000, 5_000), jpeg(10_000, 5_000)], ids=["png", "jpeg"])
def test_50_megapixels_are_refused_before_they_are_decoded(signatures, file):
    assert len(file) < 100_000
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[50000000\] \[pixels; at most 25000000"):
        signatures["serving_bytes"](image_bytes=tf.constant([file]))


def test_no_image_at_all(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="`images` is empty"):
        signatures["serving_bytes"](image_bytes=tf.constant([], tf.string))
    with pytest.raises(tf.errors.InvalidArgumentError, match="`images` is empty"):
        signatures["serving_default"](images=tf.zeros((0, 8, 8, 3)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(signatures, value):
    images = np.zeros((2, 8, 8, 3), "float32")
    images[1, 2, 3, 0] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match="`images` contains NaN or infinity"):
        signatures["serving_default"](images=tf.constant(images))


@pytest.mark.parametrize("shape", [(2, 8, 7, 3), (2, 9, 8, 3), (2, 8, 8, 1), (8, 8, 3), (2, 192)])
def test_another_shape_is_refused(signatures, shape):
    refusals = (tf.errors.InvalidArgumentError, TypeError, ValueError)
    with pytest.raises(refusals, match="(?i)shape|rank|compatible"):
        signatures["serving_default"](images=tf.zeros(shape))
