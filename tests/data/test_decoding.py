"""Decoded files, compared with Pillow."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from kerasnets.data import decoding

ROWS, COLUMNS = np.mgrid[:21, :30]
PHOTO = np.stack([8 * ROWS, 8 * COLUMNS, 4 * (ROWS + COLUMNS)], -1).astype("uint8")  # smooth, no symmetry
IMAGE = Image.fromarray(PHOTO)
decode_any = tf.function(decoding.decode_any, input_signature=[tf.TensorSpec([], tf.string)])


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def exif(orientation, endian="<"):
    tags = Image.Exif()
    tags[0x010E], tags[0x0112], tags[0x0132] = "a description", orientation, "2020:01:01 00:00:00"
    tags.endian = endian
    return tags


def with_segments(jpeg, *contents):
    """A JPEG file with more segments of applications at its start, their marker and content given."""
    parts = [marker + (len(c) + 2).to_bytes(2, "big") + c for marker, c in contents]
    return jpeg[:2] + b"".join(parts) + jpeg[2:]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(10))
def test_images_are_turned_upright(format, orientation):
    options = {"lossless": True} if format == "WEBP" else {}
    for endian in "<>":
        file = encoded(IMAGE, format, exif=exif(orientation, endian), **options)
        expected = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
        np.testing.assert_array_equal(decode_any(file), np.asarray(expected.convert("RGB")))


def test_orientations_are_those_of_the_standard():
    """What the stored image's first row and first column are in the upright one: CIPA DC-008, 4.6.4."""
    expected = {
        1: PHOTO,
        2: PHOTO[:, ::-1],
        3: PHOTO[::-1, ::-1],
        4: PHOTO[::-1],
        5: PHOTO.transpose(1, 0, 2),
        6: np.rot90(PHOTO, -1),
        7: np.rot90(PHOTO, 2).transpose(1, 0, 2),
        8: np.rot90(PHOTO),
    }
    for orientation, image in expected.items():
        turned = decoding.upright(tf.constant(PHOTO), tf.constant(orientation, tf.int64))
        np.testing.assert_array_equal(turned, image)


def test_exif_is_found_wherever_it_stands():
    jpeg = encoded(IMAGE, "JPEG", exif=exif(6))
    segments = [(b"\xff\xe1", b"http://ns.adobe.com/xap/1.0/\0<x/>"), (b"\xff\xe2", bytes(60_000))] * 2
    assert decoding.orientation(with_segments(jpeg, *segments, (b"\xff\xfe", b"a comment"))) == 6
    png = encoded(IMAGE, "PNG", exif=exif(3))
    place = png.index(b"eXIf") - 4
    chunk = png[place : place + 12 + int.from_bytes(png[place : place + 4], "big")]
    last = png.replace(chunk, b"")
    assert decoding.orientation(last) == 1
    assert decoding.orientation(last[:-12] + chunk + last[-12:]) == 3
    assert decoding.orientation(encoded(IMAGE, "JPEG", comment="Exif\0\0II*\0")) == 1


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_damaged_exif_is_none(format):
    file = encoded(IMAGE, format, exif=exif(6))
    place = file.index(b"II*\0")
    for at in range(place - 12, place + 40):
        for byte in b"\0\xff":
            damaged = file[:at] + bytes([byte]) + file[at + 1 :]
            assert 1 <= int(decoding.orientation(damaged)) <= 8
    for end in range(0, len(file), 7):
        assert 1 <= int(decoding.orientation(file[:end])) <= 8


DEEP = (PHOTO[..., 0].astype("uint16") << 8) + 77
OTHER = ImageOps.flip(IMAGE)
FILES = {
    "progressive JPEG": encoded(IMAGE, "JPEG", progressive=True),
    "JPEG, 4:4:4": encoded(IMAGE, "JPEG", quality=95, subsampling=0),
    "gray JPEG": encoded(IMAGE.convert("L"), "JPEG"),
    "palette PNG": encoded(IMAGE.convert("P"), "PNG"),
    "gray and alpha PNG": encoded(IMAGE.convert("LA"), "PNG"),
    "alpha PNG": encoded(Image.merge("RGBA", [*IMAGE.split(), OTHER.split()[0]]), "PNG"),
    "1 bit PNG": encoded(IMAGE.convert("1"), "PNG"),
    "animated PNG": encoded(IMAGE, "PNG", save_all=True, append_images=[OTHER]),
    "GIF": encoded(IMAGE, "GIF"),
    "animated GIF": encoded(IMAGE, "GIF", save_all=True, append_images=[OTHER]),
    "WebP": encoded(IMAGE, "WEBP"),
    "animated WebP": encoded(IMAGE, "WEBP", save_all=True, append_images=[OTHER], lossless=True),
    "BMP": encoded(IMAGE, "BMP"),
    "palette BMP": encoded(IMAGE.convert("P"), "BMP"),
    "1 bit BMP": encoded(IMAGE.convert("1"), "BMP"),
    "TIFF": encoded(IMAGE, "TIFF"),
    "LZW TIFF": encoded(IMAGE, "TIFF", compression="tiff_lzw"),
    "CMYK TIFF": encoded(IMAGE.convert("CMYK"), "TIFF"),
    "pages of TIFF": encoded(IMAGE, "TIFF", save_all=True, append_images=[OTHER]),
    "PPM": encoded(IMAGE, "PPM"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_are_decoded_as_pillow_does(kind):
    expected = np.asarray(Image.open(io.BytesIO(FILES[kind])).convert("RGB"))
    np.testing.assert_array_equal(decode_any(FILES[kind]), expected)


def test_inks_become_red_green_and_blue():
    file = encoded(IMAGE.convert("CMYK"), "JPEG", quality=95, subsampling=0)
    given = decode_any(file).numpy().astype(int)
    assert np.abs(given - np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))).max() < 8


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_of_16_bits_the_higher_8_are_kept(format):
    given = decode_any(encoded(Image.fromarray(DEEP), format))
    np.testing.assert_array_equal(given, np.repeat((DEEP >> 8)[..., None], 3, -1))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (encoded(Image.fromarray(PHOTO[..., 0].astype("float32")), "TIFF"), "32 bits"),
        (b"no image", "no format that can be decoded: JPEG, PNG, GIF, WEBP"),
        (FILES["WebP"][:100], "[a-z]"),
        (FILES["TIFF"][:300], "[a-z]"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no format"),
    ],
)
def test_what_cannot_be_decoded_is_refused(file, message):
    with pytest.raises(ValueError, match=message):
        decoding.pillow_decode(file)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode_any(file)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP"])
def test_gray(format):
    file = encoded(IMAGE, format)
    given = tf.function(decoding.decode_any)(tf.constant(file), 1).numpy()
    expected = np.asarray(Image.open(io.BytesIO(file)).convert("L")).astype(int)
    assert given.shape == (21, 30, 1)
    assert np.abs(given[..., 0] - expected).max() <= 1
