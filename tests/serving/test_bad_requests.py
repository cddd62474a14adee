import io
import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from kerasnets import image_files
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


def jpeg_of_pillow(**options):
    file = io.BytesIO()
    Image.fromarray(NOISE).save(file, "JPEG", **options)
    return file.getvalue()


BROKEN = JPEG.index(b"\xff\xda") + 20  # within the pixels
NEITHER, DAMAGED = "is neither a JPEG nor a PNG file", "is a damaged file, which cannot be decoded"
FILES = {
    "empty": (b"", NEITHER),
    "text": (b"no image", NEITHER),
    "gif": (GIF, NEITHER),
    "shifted": (b"\x00" + JPEG, NEITHER),
    "three bytes of a jpeg": (JPEG[:3], DAMAGED),
    "header of a jpeg": (JPEG[:100], DAMAGED),
    "half a jpeg": (JPEG[: len(JPEG) // 2], DAMAGED),
    "half a progressive jpeg": (jpeg_of_pillow(progressive=True)[:900], DAMAGED),
    "jpeg without pixels": (JPEG[:BROKEN], DAMAGED),
    "start of a png": (PNG[:8], DAMAGED),
    "header of a png": (PNG[:20], DAMAGED),
    "half a png": (PNG[: len(PNG) // 2], DAMAGED),
    "png without pixels": (PNG[:60] + PNG[-12:], DAMAGED),
    "large png": (png(10_000, 5_000), "is larger than 25000000 pixels"),
    "large jpeg": (jpeg(10_000, 5_000), "is larger than 25000000 pixels"),
    "huge png": (PNG[:16] + b"\x7f\xff\xff\xff" * 2 + PNG[24:], "is larger than 25000000 pixels"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_image_is_told_by_its_number(signatures, kind):
    bad, message = FILES[kind]
    for files, numbers in (([JPEG, bad, PNG], "1"), ([bad], "0"), ([bad, JPEG, bad], "0 2")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"`image_bytes`\[{numbers}\] {message}"):
            signatures["serving_bytes"](image_bytes=tf.constant(files))
    with pytest.raises(ValueError, match=message.removeprefix("is ")):
        image_files.decode(bad)  # by Pillow
    assert signatures["serving_bytes"](image_bytes=tf.constant([JPEG, PNG]))["scores"].shape == (2, 3)


def test_files_of_16_bits_keep_their_upper_8(signatures):
    rows = NOISE.astype("uint16") * 256 + 99
    files = [tf.io.encode_png(rows).numpy(), tf.io.encode_png(NOISE).numpy()]
    a, b = signatures["serving_bytes"](image_bytes=tf.constant(files))["probabilities"].numpy()
    np.testing.assert_array_equal(a, b)


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
