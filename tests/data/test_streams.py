import gzip
import json
import os
import shutil
import struct

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasnets import data
from kerasnets.data import folders, sources, streams


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """A home for what is remembered of folders, and nothing remembered of what was fitted."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
    monkeypatch.setattr(streams, "FITS", {})


def png(shade, height=12, width=16, channels=3):
    return tf.io.encode_png(np.full((height, width, channels), shade, "uint8")).numpy()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def images(tmp_path):
    """Class folders "ant", "bee" and "cat" of 4, 3 and 2 training images, and of one test image each."""
    shades = {}
    for label, (name, count) in enumerate({"bee": 3, "cat": 2, "ant": 4}.items()):
        for i in range(count):
            shades[f"train/{name}/{i}.png"] = 50 * label + i
        shades[f"val/{name}/0.png"] = 50 * label + 9
    for path, shade in shades.items():
        write(tmp_path / path, png(shade))
    (tmp_path / "train/ant/notes.txt").write_text("no image")
    return tmp_path


def shades(stream):
    """Mean of each image, in order, as lists of batches."""
    return [np.round(x.mean((1, 2, 3))).astype(int).tolist() for x, _ in stream.dataset.as_numpy_iterator()]


def of(root, split="train", **options):
    options = {"size": (8, 8, 3), "batch_size": 4, "data_dir": root, **options}
    return data.stream("folder", split, **options)


def assert_same(batches, others):
    for one, other in zip(batches, others, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


PLAN = (("random_crop", {"shorter": 10}), "contrast", "flip", "jitter", "cutmix")  # some of each kind


def generated(**options):
    options = {"size": (9, 9, 3), "batch_size": 4, "seed": 5, "augment": PLAN, "examples": 11, **options}
    return data.stream("generated", "train", **options)


def test_a_run_that_is_taken_up_sees_what_it_would_have_seen():
    stream = generated(epochs=2)
    assert (stream.steps_per_epoch, stream.examples, stream.classes) == (3, 11, 10)
    whole = list(stream.dataset.as_numpy_iterator())
    assert [len(x) for x, _ in whole] == [4, 4, 3] * 2
    for step in (1, 3):
        rest = generated(epochs=2, first_step=step).dataset.as_numpy_iterator()
        assert_same(whole[step:], rest)
    assert not np.array_equal(whole[0][0], whole[3][0])


def test_augmentation_depends_on_the_seed_and_neither_on_the_batch_nor_on_the_workers(monkeypatch):
    def images(**options):
        return np.concatenate([x for x, _ in generated(augment=PLAN[:-1], **options).dataset])

    large = images(batch_size=11)
    monkeypatch.setattr(streams, "WORKERS", 1)
    np.testing.assert_array_equal(images(batch_size=2), large)
    assert not np.array_equal(images(batch_size=11, seed=6), large)


def views_of(stream):
    """The bytes and the label of each image by the number of its row."""
    return {
        int(row): (image.tobytes(), int(label))
        for batch in stream.dataset.as_numpy_iterator()
        for image, label, row in zip(*batch, strict=True)
    }


def test_views_depend_on_their_seed_and_the_example_alone(monkeypatch):
    """Pixels are the same to the last bit, whatever the order, batches, first step and workers."""
    plan = PLAN[:-1]
    ordered = generated(views=data.Views(2, 7), seed=None, epochs=2, augment=plan)
    views = views_of(ordered)
    assert [*views] == list(range(22))
    assert len({image for image, _ in views.values()}) == 22
    assert [label for _, label in views.values()] == [row % 10 for row in range(11)] * 2
    monkeypatch.setattr(streams, "WORKERS", 1)
    order = dict(views=data.Views(2, 7), augment=plan, batch_size=3, balance="sampling")
    shuffled = generated(**order, epochs=4, first_step=8, hosts=3, host_index=1)
    seen = views_of(shuffled)
    assert seen
    assert seen.items() <= views.items()
    assert shuffled.content() == ordered.content()
    for change in (dict(augment=plan[:-1]), dict(examples=10), dict(size=(9, 8, 3))):
        assert generated(**{**dict(augment=plan), **change}).content() != ordered.content()
    reseeded = generated(views=data.Views(2, 8), seed=None, epochs=2, augment=plan)
    assert not {pixels for pixels, _ in views_of(reseeded).values()} & {
        pixels for pixels, _ in views.values()
    }


def test_hosts_share_each_batch():
    options = {"augment": PLAN[:-1], "examples": 10, "epochs": 2, "first_step": 1}
    whole = list(generated(**options).dataset.as_numpy_iterator())
    assert len(whole) == 5
    hosts = [generated(**options, hosts=2, host_index=i).dataset.as_numpy_iterator() for i in range(2)]
    joined = [[np.concatenate(p) for p in zip(*b, strict=True)] for b in zip(*hosts, strict=True)]
    for (x, y), (x2, y2) in zip(whole, joined, strict=True):
        np.testing.assert_allclose(x, x2, atol=1e-4)
        np.testing.assert_array_equal(y, y2)


def test_what_devices_cannot_share_is_left_out():
    stream = generated(devices=2, epochs=2, augment=())
    assert (stream.examples, stream.steps_per_epoch) == (10, 3)
    assert [len(y) for _, y in stream.dataset] == [4, 4, 2, 4, 4, 2]
    for (x, y), (x2, y2) in zip(generated(augment=()).dataset, stream.dataset.take(3), strict=True):
        np.testing.assert_array_equal(x[: len(y2)], x2)
        np.testing.assert_array_equal(y[: len(y2)], y2)


def test_each_epoch_is_another_permutation(images):
    stream = of(images, seed=1, epochs=3)
    batches = shades(stream)
    epochs = [sum(batches[i : i + 3], []) for i in range(0, 9, 3)]
    assert all(sorted(e) == [0, 1, 2, 50, 51, 100, 101, 102, 103] for e in epochs)
    assert len({tuple(e) for e in epochs}) == 3


def test_what_is_before_the_first_step_is_not_decoded(images):
    (whole, late) = (of(images, batch_size=3, first_step=step) for step in (0, 1))
    (images / "train/ant/0.png").write_bytes(b"damaged since")
    assert shades(late) == [[103, 0, 1], [2, 50, 51]]
    with pytest.raises(tf.errors.InvalidArgumentError):
        shades(whole)


def test_classes_are_sorted_folders(images):
    stream, test = of(images), of(images, "test")
    assert stream.class_names == ("ant", "bee", "cat")
    assert stream.dataset.element_spec[0].shape == (None, 8, 8, 3)
    batches = list(stream.dataset.as_numpy_iterator())
    assert {(x.dtype.name, y.dtype.name) for x, y in batches} == {("float32", "int64")}
    assert [y.tolist() for _, y in batches] == [[0, 0, 0, 0], [1, 1, 1, 2], [2]]
    assert test.paths == of(images, "validation").paths
    assert shades(test) == [[109, 9, 59]]


def test_corrupt_images_are_left_out_and_named(images, monkeypatch):
    jpeg = tf.io.encode_jpeg(np.zeros((64, 64, 3), "uint8")).numpy()
    write(images / "train/bee/cut.jpg", jpeg[: len(jpeg) // 2])
    write(images / "train/bee/empty.gif", b"")
    write(images / "train/cat/9.png", b"<html>")
    (images / "train/cat/link.png").symlink_to("nowhere.png")
    stream = of(images)
    names = ("bee/cut.jpg", "bee/empty.gif", "cat/9.png", "cat/link.png")
    assert stream.skipped == tuple(f"train/{name}" for name in names)
    assert (stream.examples, stream.steps_per_epoch) == (9, 3)
    assert sorted(sum(shades(stream), [])) == [0, 1, 2, 50, 51, 100, 101, 102, 103]
    with pytest.raises(ValueError, match="4 images .* cannot be decoded.*bee/cut.jpg .*cat/link.png"):
        of(images, strict=True)

    monkeypatch.setattr(folders, "problem", lambda path: "asked again")
    assert of(images).paths == stream.paths  # is remembered
    write(images / "train/bee/empty.gif", png(7))
    with pytest.raises(ValueError, match="can be decoded, unlike .*asked again"):
        of(images)  # one file is new, so all are asked again


def test_nothing_is_remembered_in_a_home_that_cannot_be_written(images, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(images / "val/ant/0.png"))
    assert of(images).examples == 9


def bmp(bits, palette=b""):
    row = b"\x10\x20\x30\x00" if bits == 32 else b"\x10\x20\x30"
    pixels = b"".join((row * 4).ljust(4, b"\0") for _ in range(4)) if bits > 8 else bytes(16)
    start = 54 + len(palette)
    head = struct.pack("<2sIIIIiiHHIIiiII", b"BM", start + len(pixels), 0, start, 40, 4, 4, 1, bits, *[0] * 6)
    return head + palette + pixels


GIF = b"GIF89a\1\0\1\0\x80\0\0\x40\x40\x40\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
GREY_16 = tf.io.encode_png(np.full((4, 4, 1), 0x4040, "uint16")).numpy()


FORMATS = [
    ("a.png", png(64), (64, 64, 64)),
    ("grey.PNG", png(64, channels=1), (64, 64, 64)),
    ("alpha.png", tf.io.encode_png(np.full((4, 4, 4), 64, "uint8")).numpy(), (64, 64, 64)),
    ("deep.png", GREY_16, (64, 64, 64)),
    ("a.jpg", tf.io.encode_jpeg(np.full((8, 8, 3), 64, "uint8")).numpy(), (64, 64, 64)),
    ("grey.jpeg", tf.io.encode_jpeg(np.full((8, 8, 1), 64, "uint8")).numpy(), (64, 64, 64)),
    ("png.jpg", png(64), (64, 64, 64)),
    ("a.gif", GIF, (64, 64, 64)),
    ("24.bmp", bmp(24), (48, 32, 16)),
    ("32.bmp", bmp(32), (48, 32, 16)),
    ("8.bmp", bmp(8, palette=b"\x10\x20\x30\0" * 256), (48, 32, 16)),
]


def test_formats(tmp_path):
    for name, content, _ in FORMATS:
        write(tmp_path / "train" / "a" / name, content)
    stream = of(tmp_path, batch_size=len(FORMATS))
    assert stream.skipped == ()
    [(found, _)] = stream.dataset.as_numpy_iterator()
    for image, (name, _, colour) in zip(found, sorted(FORMATS), strict=True):
        np.testing.assert_allclose(image[4, 4], colour, atol=1, err_msg=name)


def test_sizes_and_channels(images):
    for size in ((5, 7, 3), (20, 20, 1)):
        x, _ = next(of(images, size=size).dataset.as_numpy_iterator())
        assert x.shape == (4, *size)
        np.testing.assert_allclose(x.mean((1, 2, 3)), [100, 101, 102, 103], atol=0.1)


def test_whole_images_keep_their_own_size(images):
    write(images / "val/ant/1.png", png(5, 30, 10))
    stream = of(images, "test", batch_size=1, augment=(("whole", {"shorter": 6}),))
    assert [x.shape for x, _ in stream.dataset] == [(1, 6, 8, 3), (1, 18, 6, 3), (1, 6, 8, 3), (1, 6, 8, 3)]


@pytest.fixture
def videos(tmp_path):
    """Two classes of videos; frame t of video v has the shade 10 v + t."""
    for v, (name, length) in enumerate([("run/a", 9), ("run/b", 3), ("swim/c", 8)]):
        for t in range(length):
            write(tmp_path / "train" / name / f"{t:03}.png", png(10 * v + t))
    write(tmp_path / "train/swim/empty/notes.txt", b"")
    return tmp_path


def frames(stream):
    return [
        np.round(clip.mean((1, 2, 3))).astype(int).tolist() for x, _ in stream.dataset for clip in x.numpy()
    ]


def test_clips_come_from_the_middle_of_a_video_or_from_anywhere(videos):
    size = (4, 8, 8, 3)
    assert frames(of(videos, size=size)) == [[2, 3, 4, 5], [10, 11, 12, 10], [22, 23, 24, 25]]
    plan = (("random_crop", {"shorter": 10}), "flip")
    clips = {tuple(c) for c in frames(of(videos, size=size, seed=3, augment=plan, epochs=3))}
    anywhere = {(s, s + 1, s + 2, s + 3) for s in (*range(6), *range(20, 25))} | {(10, 11, 12, 10)}
    assert len(clips) > 4
    assert clips < anywhere
    starts = {tuple(streams.clip(tf.range(9), 4, [3, n]).numpy()) for n in range(30)}
    assert starts == {(s, s + 1, s + 2, s + 3) for s in range(6)}


def test_a_video_with_a_corrupt_frame_is_left_out(videos):
    write(videos / "train/run/a/004.png", b"damaged")
    stream = of(videos, size=(4, 8, 8, 3))
    assert stream.skipped == ("train/run/a/004.png",)
    assert (stream.examples, stream.classes) == (2, 2)


def test_per_pixel_mean_is_fitted_to_the_training_split():
    """Without what is held out of it."""

    def read(split, rows=(), **options):
        options = {"size": (28, 28, 1), "batch_size": 1000, "augment": rows, **options}
        return data.to_arrays(data.stream("digits", split, **options).dataset)[0].astype(float)

    train, test = (
        data.to_arrays(data.load("digits", s).batch(1000))[0].astype(float) for s in ("train", "test")
    )
    rows = ("per_pixel_mean",)
    np.testing.assert_allclose(read("test", rows), test - train.mean(0), atol=1e-3)
    left = {"validation_split": 0.25, "subset": "training"}
    held_out = left | {"subset": "validation"}
    expected = read("train", **held_out) - read("train", **left).mean(0)
    np.testing.assert_allclose(read("train", rows, **held_out), expected, atol=1e-3)


def test_a_fit_sees_what_the_rows_before_it_give():
    plan = ("contrast", ("zca", {"bias": 0.01}), "flip")
    images = np.concatenate(
        [x for x, _ in generated(size=(4, 4, 3), augment=plan[:2], examples=None).dataset]
    )
    white = np.cov(images.reshape(len(images), -1).T, bias=True)
    # A direction is lost with each image's mean; the others have the same variance.
    variances = np.sort(np.linalg.eigvalsh(white))
    assert variances[0] < 1e-3
    np.testing.assert_allclose(variances[1:], 1.0, atol=0.01)
    assert len(streams.FITS) == 1
    generated(size=(4, 4, 3), augment=plan)
    assert len(streams.FITS) == 1


def test_labels_are_one_hot_where_images_are_mixed():
    stream = generated(augment=("mixup",), classes=5)
    assert [s.shape.as_list() for s in stream.dataset.element_spec] == [[None, 9, 9, 3], [None, 5]]
    for _, y in stream.dataset.as_numpy_iterator():
        np.testing.assert_allclose(y.sum(1), 1.0, atol=1e-5)


def test_generated_images_and_clips():
    for size in ((12, 12, 3), (3, 8, 8, 3)):
        stream = data.stream("generated", "train", size=size, batch_size=21, classes=7, examples=42)
        x, y = data.to_arrays(stream.dataset)
        assert x.shape == (42, *size)
        assert np.bincount(y).tolist() == [6] * 7
        assert len({a.tobytes() for a in x}) == 42
        middle = np.array([x[y == c].mean(0) for c in range(7)])
        other, _ = data.to_arrays(
            data.stream("generated", "test", size=size, batch_size=7, classes=7, examples=7).dataset
        )
        distances = ((other[:, None] - middle) ** 2).reshape(7, 7, -1).sum(-1)
        assert distances.argmin(1).tolist() == list(range(7))  # both splits have the same patterns


def test_examples_are_spread_over_the_split(images):
    stream = of(images, examples=3)
    assert shades(stream) == [[100, 103, 2]]
    assert of(images, examples=100).examples == 9


def test_held_out_examples_are_a_fixed_part_of_each_class():
    options = {"size": (28, 28, 1), "batch_size": 1000, "validation_split": 0.1}
    left, held_out, again = (
        data.to_arrays(data.stream("digits", "train", subset=subset, seed=seed, **options).dataset)[0]
        for subset, seed in (("training", 1), ("validation", None), ("validation", 2))
    )
    whole = data.to_arrays(data.load("digits", "train").batch(1000))[0].astype("float32")
    bytes_of = lambda images: sorted(image.tobytes() for image in images)  # noqa: E731
    assert bytes_of([*left, *held_out]) == bytes_of(whole)
    assert bytes_of(again) == bytes_of(held_out)
    for share, count in ((0.1, 400), (7, 7), (0.0001, 1)):
        options["validation_split"] = share
        part = data.stream("digits", "train", subset="validation", **options)
        assert len(part.labels) == part.examples == count
        of_each_class = np.bincount(part.labels, minlength=10)
        assert of_each_class.max() - of_each_class.min() <= 1


def test_held_out_images_of_folders_and_generated_ones(images):
    left, held_out = (
        shades(of(images, batch_size=9, validation_split=3, subset=subset))[0]
        for subset in ("training", "validation")
    )
    assert sorted(shade // 50 for shade in held_out) == [0, 1, 2]
    assert sorted(left + held_out) == [0, 1, 2, 50, 51, 100, 101, 102, 103]
    options = {"examples": 20, "validation_split": 0.5, "augment": ()}
    left, held_out = (generated(subset=s, **options) for s in ("training", "validation"))
    assert left.examples == held_out.examples == 10
    labels = np.sort(np.concatenate([stream.labels for stream in (left, held_out)]))
    assert labels.tolist() == sorted([*range(10), *range(10)])


def test_splits_of_a_folder_that_are_the_same(images, tmp_path):
    assert sources.is_same("pets", images, "validation", "test")
    assert not sources.is_same("pets", images, "train", "test")
    assert sources.is_same("digits", None, "test", "test")
    assert not sources.is_same("digits", None, "train", "test")


def test_idx_files(tmp_path):
    for prefix in ("train", "t10k"):
        pixels = np.arange(5, dtype="uint8").repeat(4).tobytes()
        for name, magic, shape, content in (
            ("images-idx3", b"\0\0\x08\3", (5, 2, 2), pixels),
            ("labels-idx1", b"\0\0\x08\1", (5,), bytes(range(5))),
        ):
            content = magic + struct.pack(f">{len(shape)}I", *shape) + content
            (tmp_path / f"{prefix}-{name}-ubyte.gz").write_bytes(gzip.compress(content))
    stream = data.stream("fashion_mnist", "train", size=(2, 2, 1), batch_size=5, data_dir=tmp_path)
    assert shades(stream) == [[0, 1, 2, 3, 4]]
    assert stream.class_names[9] == "Ankle boot"


@pytest.fixture
def prepared(tmp_path):
    """Datasets of TensorFlow Datasets: images of one size, of several sizes, and videos."""
    import tensorflow_datasets as tfds

    f = tfds.features
    kinds = {
        "small": ("image", f.Image(shape=(6, 6, 3)), lambda i: np.full((6, 6, 3), i, "uint8")),
        "large": ("image", f.Image(shape=(None, None, 3)), lambda i: np.full((6 + i, 9, 3), i, "uint8")),
        "films": ("video", f.Video(shape=(None, 6, 6, 3)), lambda i: np.full((3, 6, 6, 3), i, "uint8")),
    }
    for name, (key, feature, example) in kinds.items():
        rows = [(i, {key: example(i), "label": i % 2}) for i in range(30)]
        builder = tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=f.FeaturesDict({key: feature, "label": f.ClassLabel(names=["even", "odd"])}),
            split_datasets={"train": rows, "validation": rows[:3]},
            data_dir=tmp_path,
        )
        info = builder.data_path / "dataset_info.json"
        keys = json.loads(info.read_text())
        keys["supervisedKeys"] = {"tuple": {"items": [{"featureKey": key}, {"featureKey": "label"}]}}
        info.write_text(json.dumps(keys))
    return tmp_path


def shades_of(batches):
    """Mean of each image or clip, in order, as an array for each batch."""
    return [np.round(x.reshape(len(x), -1).mean(1)).astype(int) for x, _ in batches]


@pytest.mark.parametrize(("name", "size"), [("small", (8, 8, 3)), ("films", (2, 8, 8, 3))])
def test_kinds_of_datasets_of_tfds(name, size, prepared, monkeypatch):
    """In memory, and clips from files."""
    monkeypatch.setattr(sources, "BLOCK", 10_000)  # several blocks
    stream = data.stream(name, "train", seed=1, size=size, batch_size=7, data_dir=prepared)
    batches = list(stream.dataset.as_numpy_iterator())
    seen = shades_of(batches)
    assert all((shade % 2 == y).all() for shade, (_, y) in zip(seen, batches, strict=True))
    assert sorted(np.concatenate(seen)) == list(range(30)) != np.concatenate(seen).tolist()


def test_datasets_of_tfds(prepared, monkeypatch):
    """Images of several sizes, from files: the order of clips is made by the same code."""
    monkeypatch.setattr(sources, "BLOCK", 2000)

    def read(**options):
        options = {"size": (8, 8, 3), "batch_size": 7, "data_dir": prepared, **options}
        return data.stream("large", options.pop("split", "train"), **options)

    stream = read(seed=1, epochs=2)
    assert (stream.examples, stream.steps_per_epoch) == (30, 5)
    assert stream.class_names == ("even", "odd")
    whole = list(stream.dataset.as_numpy_iterator())
    seen = shades_of(whole)
    assert all((shade % 2 == y).all() for shade, (_, y) in zip(seen, whole, strict=True))
    epochs = [np.concatenate(seen[i : i + 5]).tolist() for i in (0, 5)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(30))
    assert epochs[0] != epochs[1]
    assert_same(whole[6:], read(seed=1, epochs=2, first_step=6).dataset.as_numpy_iterator())
    assert read(split="validation", examples=2).examples == 2
    ordered = np.concatenate(shades_of(read().dataset.as_numpy_iterator()))
    left, held_out = (
        np.concatenate(shades_of(read(validation_split=7, subset=subset).dataset.as_numpy_iterator()))
        for subset in ("training", "validation")
    )
    assert len(held_out) == 7
    assert sorted([*left, *held_out]) == list(range(30))
    known, seen = (views_of(read(views=data.Views(1, 0), examples=12, seed=seed)) for seed in (None, 3))
    assert known == seen
    assert [*known] == list(range(12)) != [*seen]
    shades = [np.frombuffer(image, "float32").mean().round() for image, _ in known.values()]
    assert shades == ordered[np.arange(12) * 30 // 12].tolist()
    with pytest.raises(ValueError, match="`split` is one of train, validation for"):
        read(split="test")


def test_records_are_read_from_any_of_them_on(tmp_path):
    """Of several files, without those that are not chosen."""
    lengths, chosen = (4, 3, 3), np.array([1, 2, 5, 7, 8])
    paths, numbers = [tmp_path / str(i) for i in range(3)], iter(range(10))
    for path, length in zip(paths, lengths, strict=True):
        with tf.io.TFRecordWriter(str(path)) as file:
            for _ in range(length):
                file.write(str(next(numbers)))
    order = sources.in_files(paths, lengths, chosen, sources.BLOCK * 4)  # blocks of 2

    def read(seed, first):
        rows = order(tf.constant(0, tf.int64), seed, first).as_numpy_iterator()
        return [(int(number), int(record)) for number, record in rows]

    expected = [(number, number) for number in chosen]
    assert read(None, 0) == expected
    assert read(None, 4) == expected[4:]  # within the last file
    assert sorted(read(1, 0)) == expected


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("name", {"name": "fashion_mnits"}),
        ("name", {"name": "/a/folder"}),
        ("split", {"split": "dev"}),
        ("split", {"split": "validation"}),
        ("size", {"size": (28, 28)}),
        ("size", {"size": 28}),
        ("size", {"size": (28, 28, 2)}),
        ("size", {"size": (0, 28, 1)}),
        ("size", {"size": (4, 28, 28, 1)}),
        ("size", {"augment": ("lighting",), "seed": 1}),
        ("size", {"name": "generated", "size": (2, 8, 8, 3), "augment": ("mixup",), "seed": 1}),
        ("shorter", {"augment": (("random_crop", {"shorter": 20}),), "seed": 1}),
        ("low", {"size": (300, 200, 1), "augment": ("scale_jitter",), "seed": 1}),
        ("batch_size", {"batch_size": 0}),
        ("batch_size", {"batch_size": 1001, "split": "test", "drop_remainder": True}),
        ("batch_size", {"augment": ("whole",)}),
        ("batch_size", {"hosts": 3}),
        ("host_index", {"hosts": 2, "host_index": 2}),
        ("devices", {"hosts": 2, "devices": 3}),
        ("devices", {"devices": 300, "batch_size": 300, "examples": 200}),
        ("batch_size", {"hosts": 2, "devices": 4, "batch_size": 6}),
        ("seed", {"seed": -1}),
        ("seed", {"augment": ("flip",)}),
        ("epochs", {"epochs": 0}),
        ("first_step", {"first_step": -1}),
        ("first_step", {"first_step": 401}),
        ("examples", {"examples": 0}),
        ("validation_split", {"validation_split": 0.0}),
        ("validation_split", {"validation_split": 1.0}),
        ("validation_split", {"validation_split": True}),
        ("validation_split", {"validation_split": 4000, "subset": "validation"}),
        ("validation_split", {"subset": "validation"}),
        ("subset", {"validation_split": 0.1, "subset": "both"}),
        ("classes", {"classes": 10}),
        ("classes", {"name": "generated", "classes": 0}),
        ("data_dir", {"data_dir": "/tmp"}),
        ("labels", {"labels": 5}),
        ("labels", {"labels": "labels.csv"}),
        ("labels", {"name": "generated", "labels": "labels.csv"}),
        ("positive", {"positive": 3}),
        ("positive", {"positive": "10"}),
        ("balance", {"balance": "weights"}),
        ("views", {"views": (1, -1)}),
        ("augment", {"views": data.Views(1, 0), "augment": ("mixup",)}),
        ("data_dir", {"name": "mnist", "data_dir": "/no/such/folder"}),
    ],
)
def test_bad_arguments(argument, options, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    options = {"name": "digits", "split": "train", "size": (28, 28, 1), "batch_size": 10, **options}
    with pytest.raises(ValueError, match=f"`{argument}` .*Received: {argument}="):
        data.stream(options.pop("name"), options.pop("split"), **options)


def names(root, split="train"):
    """Examples of a split by class, as they are named in the folder."""
    classes, examples, labels = folders.find(root, split)
    return {c: [e for e, y in zip(examples, labels, strict=True) if y == i] for i, c in enumerate(classes)}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "val"),
        ("Training", "Testing"),
        ("Train", "Test"),
        ("TRAIN", "Validation"),
        ("training", "valid"),
    ],
)
def test_splits_by_any_name(tmp_path, train, test):
    for path in (f"{train}/a/0.png", f"{train}/b/1.png", f"{test}/b/2.png", "labels/mask.png", "code/x.py"):
        write(tmp_path / path, png(1))
    assert names(tmp_path) == {"a": [f"{train}/a/0.png"], "b": [f"{train}/b/1.png"]}
    assert names(tmp_path, "test") == {"a": [], "b": [f"{test}/b/2.png"]}


@pytest.mark.parametrize("classes", [("invalid", "valid"), ("bus", "train"), ("test", "train")])
@pytest.mark.parametrize("inside", ["", "film/"])
def test_classes_with_names_of_splits(tmp_path, classes, inside):
    if (classes, inside) == (("test", "train"), "film/"):
        pytest.skip("is divided")
    for name in classes:
        for i in range(2):
            write(tmp_path / f"{name}/{inside}{i}.png", png(1))
            write(tmp_path / f"{name}/other{inside}{i}.png", png(1))
    assert tuple(names(tmp_path)) == classes


def test_what_systems_leave_is_no_data(images):
    before = names(images)
    for path in (
        "__MACOSX/train/ant/._0.png", ".git/a.png", "train/__MACOSX/ant/0.png", "train/ant/@eaDir/0.png",
        "train/.ipynb_checkpoints/0.png", "train/ant/.ipynb_checkpoints/0.png", "train/ant/._0.png",
        "train/ant/Thumbs.db", "train/ant/.DS_Store",
    ):  # fmt: skip
        write(images / path, png(1))
    assert names(images) == before
    assert of(images).skipped == ()


@pytest.mark.parametrize(("count", "tests"), [(1, []), (2, [1]), (4, [3]), (5, [4]), (11, [4, 9])])
def test_small_classes_are_tested_too(tmp_path, count, tests):
    for name, length in (("few", count), ("many", 5)):
        for i in range(length):
            write(tmp_path / f"{name}/{i:02}.png", png(i))
    every = [f"few/{i:02}.png" for i in range(count)]
    assert names(tmp_path, "test")["few"] == [every[i] for i in tests]
    assert names(tmp_path)["few"] == [name for i, name in enumerate(every) if i not in tests]


def test_images_of_every_ending_are_taken_or_named(tmp_path):
    photo = Image.fromarray(np.full((8, 8, 3), 64, "uint8"))
    endings = ("JPG", "jpeg", "jfif", "PNG", "gif", "WebP", "bmp", "tif", "TIFF", "ppm")
    for name in endings:
        (tmp_path / "a").mkdir(exist_ok=True)
        photo.save(tmp_path / "a" / f"x.{name}", Image.registered_extensions()[f".{name.lower()}"])
    for name in ("heic", "svg", "psd"):
        write(tmp_path / f"a/y.{name}", b"of another kind")
    write(tmp_path / "b/0.png", png(64))
    streams = [of(tmp_path, split) for split in ("train", "test")]
    assert sum(stream.examples for stream in streams) == len(endings) + 1
    assert sorted(sum((stream.skipped for stream in streams), ())) == ["a/y.heic", "a/y.psd", "a/y.svg"]
    for stream in streams:
        assert all(abs(shade - 64) <= 1 for batch in shades(stream) for shade in batch)


def test_a_folder_is_checked_once_however_its_path_is_written(images, monkeypatch):
    write(images / "train/cat/9.png", b"<html>")
    (images.parent / "link").symlink_to(images)
    monkeypatch.chdir(images.parent)
    monkeypatch.setenv("HOME", str(images.parent))
    first = of(images)
    monkeypatch.setattr(folders, "problem", lambda path: "asked again")
    for path in (f"./{images.name}/", "link", f"~/{images.name}", f"{images}/../link", images.name):
        stream = of(path)
        assert stream.skipped == first.skipped == ("train/cat/9.png",)
        monkeypatch.chdir("/")  # as a program may do later
        for a, b in zip(stream.paths, first.paths, strict=True):
            assert os.path.samefile(a, b)
        monkeypatch.chdir(images.parent)
    monkeypatch.chdir("/")
    assert sorted(sum(shades(stream), [])) == [0, 1, 2, 50, 51, 100, 101, 102, 103]


def test_names_that_are_no_utf_8(images):
    strange = os.fsencode(images / "train") + b"/caf\xe9"
    os.mkdir(strange)
    for name, content in ((b"a\xff.png", png(7)), (b"b\xfe.png", b"damaged")):
        with open(strange + b"/" + name, "wb") as file:
            file.write(content)
    stream = of(images)
    assert stream.class_names == ("ant", "bee", "caf\\xe9", "cat")
    assert stream.skipped == ("train/caf\\xe9/b\\xfe.png",)
    assert 7 in sum(shades(stream), [])
    json.dumps([stream.class_names, stream.skipped], ensure_ascii=False).encode()
    with pytest.raises(ValueError, match="xfe.png"):
        of(images, strict=True)


def test_a_fit_is_to_the_content_of_a_folder(images):
    def means():
        of(images, "test", augment=("per_pixel_mean",))
        return [mean.mean() for mean in streams.FITS.values()]

    assert len(means()) == 1
    copy = shutil.copytree(images, images.parent / "copy", symlinks=True)
    of(copy, "test", augment=("per_pixel_mean",))
    assert len(streams.FITS) == 1
    image = images / "train/ant/0.png"
    before = image.stat()
    changed = image.read_bytes()
    for shade in range(150, 250):  # of the same size
        changed = png(shade)
        if len(changed) == before.st_size:
            break
    image.write_bytes(changed)
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    first, second = means()
    assert second - first == pytest.approx((shade - 100) / 9, abs=0.1)


def test_large_files_count_by_their_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "SAMPLE", 10)
    content = bytes(range(100))
    digests = set()
    for at in (None, 0, 9, 50, 95, 99):
        changed = content if at is None else content[:at] + b"x" + content[at + 1 :]
        write(tmp_path / "file", changed)
        digests.add(folders.content_digest(["file"], tmp_path))
    write(tmp_path / "file", content + b"x")
    digests.add(folders.content_digest(["file"], tmp_path))
    assert len(digests) == 7


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 2, "first_step": 1},
        {"hosts": 2, "drop_remainder": True},
        {"devices": 2},
        {"validation_split": 3, "subset": "validation"},
        {"augment": ("mixup",)},
    ],
)
def test_the_number_of_batches_is_known(options):
    stream = generated(**{"augment": (), "size": (4, 4, 3), **options})
    assert int(stream.dataset.cardinality()) == len(list(stream.dataset))


def test_keras_does_not_run_out_of_batches(images, recwarn):
    train, test = of(images, epochs=2), of(images, "test")
    net = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    net.compile(loss="mse", run_eagerly=True)
    options = {"steps_per_epoch": train.steps_per_epoch, "epochs": 2, "shuffle": False, "verbose": 0}
    net.fit(train.dataset, validation_data=test.dataset, **options)
    net.evaluate(train.dataset, verbose=0)
    assert not [w for w in recwarn if "ran out of data" in str(w.message)]


def test_folders_that_hold_no_classes(images):
    (images / "train/dog").mkdir()
    with pytest.raises(ValueError, match="class folders all hold images, unlike 'dog'"):
        of(images)
    with pytest.raises(ValueError, match="`data_dir` holds a folder of images for each class"):
        of(images / "val/ant")
    for name in ("a", "b"):
        write(images / f"single/{name}/0.png", png(1))
        write(images / f"nested/animals/{name}/0.png", png(1))
    with pytest.raises(ValueError, match="`split` is 'train' for .*one image each"):
        of(images / "single", "test")
    with pytest.raises(ValueError, match="animals/a/0.png would be a frame of a video"):
        of(images / "nested")


def test_bad_folders(images):
    with pytest.raises(ValueError, match="`size` is .height, width, channels. for"):
        of(images, size=(4, 8, 8, 3))
    write(images / "val/dog/0.png", png(1))
    with pytest.raises(ValueError, match="val has classes that are not in .*train: dog"):
        of(images, "test")
    write(images / "train/ant/video/0.png", png(1))
    with pytest.raises(ValueError, match="`data_dir` is a folder of class folders"):
        of(images)
    shutil.rmtree(images / "val")
    with pytest.raises(ValueError, match="`split` is one that .* has: train"):
        of(images, "test")
    with pytest.raises(ValueError, match="`data_dir` holds a folder of images for each class"):
        of(images / "train/cat")


def test_a_stream_says_how_its_images_are_scaled():
    fixed = ("contrast", ("zca", {"bias": 0.01}))
    options = dict(size=(8, 8, 1), batch_size=4, seed=1, examples=8)
    pixels, images = (
        next(iter(data.stream("digits", "train", augment=rows, scaling=scaling, **options).dataset))[0]
        for rows, scaling in (((), "none"), (fixed, "unit"))
    )
    for rows, scaling, name in (
        ((), "none", "none"),
        ((*fixed, "flip"), "none", "contrast, zca"),
        ((*fixed, "flip"), "unit", "contrast, zca, unit"),
    ):
        stream = data.stream("digits", "train", augment=rows, scaling=scaling, **options)
        assert stream.scaling.name == name
    np.testing.assert_allclose(stream.scaling(pixels), images, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="`scaling` is a scaling of 1 channels. Received: scaling='torch'"):
        data.stream("digits", "train", scaling="torch", **options)
    with pytest.raises(ValueError, match="Did you mean 'torch'"):
        data.stream("digits", "train", scaling="torhc", **options)
