"""Labels of images in a CSV file, and what is said about folders and CSV files with mistakes."""

import csv
import io
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kerasnets import data
from kerasnets.data import folders, labels, sources, streams

NAMES = ["0", "7.b", "été", "a b", "IMG", "d.jpg.e", "x,y", "z;z"]


def files(root, *paths):
    """Writes files without content; a path that ends with a slash is a folder."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).mkdir() if path.endswith("/") else (root / path).touch()
    return root


def images(root, names):
    """Writes an image for each name, whose shade is its number."""
    for i, name in enumerate(names):
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tf.io.encode_png(np.full((4, 4, 3), i, "uint8")).numpy())
    return root


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Images in folders of folders, one of them spelled as file names of macOS are."""
    root = tmp_path_factory.mktemp("photos")
    return files(root, *(f"in/{i % 2}/{unicodedata.normalize('NFD', n)}.JPG" for i, n in enumerate(NAMES)))


FORMS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "newline": st.sampled_from(["\n", "\r\n"]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
        "name": st.sampled_from(
            ["{}", "{}.JPG", "{}.jpg", "{folder}/{}", "in\\{folder}\\{}.JPG", "./in/{folder}/{}"]
        ),
        "index": st.booleans(),
        "separator": st.sampled_from([" ", ",", ";", "|", ", ", None]),
    }
)
SETS = st.lists(st.frozensets(st.sampled_from(["cat", "dog", "fox", "owl"])), min_size=8, max_size=8)


@settings(max_examples=60, deadline=None)
@given(form=FORMS, sets=SETS, order=st.permutations(range(8)))
def test_csv_files_of_every_form_say_the_same(photos, form, sets, order):
    names = sorted(set().union(*sets))
    if len(names) < 2:
        return
    folder_of = lambda i: str(i % 2)  # noqa: E731
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=form["delimiter"], lineterminator=form["newline"])
    flags = form["separator"] is None
    index = [""] if form["index"] else []
    writer.writerow([*index, "file", *(reversed(names) if flags else ["tags"])])
    for line, i in enumerate(order):
        name = form["name"].format(NAMES[i], folder=folder_of(i))
        own = (
            [int(n in sets[i]) for n in reversed(names)]
            if flags
            else [form["separator"].join(sorted(sets[i]))]
        )
        writer.writerow([*([line] if index else []), name, *own])
    path = photos / "form.csv"
    path.write_bytes(text.getvalue().encode(form["encoding"]))
    table = labels.read("form.csv", photos)
    path.unlink()
    assert table.class_names == tuple(names)
    expected = np.array([[n in sets[i] for n in names] for i in order])
    if (expected.sum(1) == 1).all():
        assert table.labels.dtype == "int64"
        expected = expected.argmax(1)
    np.testing.assert_array_equal(table.labels, expected)
    found = [unicodedata.normalize("NFC", example) for example in table.examples]
    assert found == [f"in/{folder_of(i)}/{NAMES[i]}.JPG" for i in order]


def test_a_csv_of_class_folders_is_as_the_folders(tmp_path):
    root = files(
        tmp_path / "a", *(f"{c}/{i}.png" for c, n in zip("xyz", (1, 4, 11), strict=True) for i in range(n))
    )
    names, examples, numbers = folders.find(root, "all")
    lines = [f"{e},{names[n]}\n" for e, n in zip(examples, numbers, strict=True)]
    (tmp_path / "l.csv").write_text("".join(lines))
    for split in ("train", "test", "validation", "all"):
        of_csv, of_folder = labels.find(tmp_path / "l.csv", root, split), folders.find(root, split)
        assert of_csv[:2] == of_folder[:2]
        assert of_csv[2].tolist() == of_folder[2]


@given(
    rows=st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=40),
    held=st.floats(0.05, 0.6),
)
@example(rows=[[0, 1, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0], [1, 0, 0, 1]], held=0.1)  # none rarer than another
@settings(max_examples=50, deadline=None)
def test_of_several_labels_each_is_trained_on_and_shared_out(rows, held):
    several = np.array(rows, "float32")
    table = labels.Table("l.csv", tuple("abcd"), [*map(str, range(len(rows)))], several, None)
    train, test = table.rows("train"), table.rows("test")
    assert sorted([*train, *test]) == [*range(len(rows))]
    np.testing.assert_array_equal(several[train].any(0), several.any(0))
    main = folders.main_labels(several)
    count = max(1, round(held * len(rows)))
    if count < len(rows):
        share = sources.Part(validation_split=held, subset="validation").rows(several)
        expected = np.bincount(main, minlength=5) * count / len(rows)
        alone = (np.bincount(main, minlength=5) == 1).sum()  # they are trained on
        assert np.abs(np.bincount(main[share], minlength=5) - expected).max() < 2 + alone


def test_a_class_with_one_image_keeps_it_to_train_on():
    labels = np.array([0] * 40 + [*range(1, 11)])
    assert labels[sources.stratified(labels, 10)].tolist() == [0] * 10
    assert len(set(sources.stratified(labels, 40))) == 40  # more than are left without them


def test_a_column_of_splits(tmp_path):
    root = files(tmp_path, *(f"{i}.png" for i in range(6)))
    words = ("Train", "train", "VAL", "test", "train", "val")
    (root / "l.csv").write_text(
        "image,label,split\n" + "".join(f"{i},{'ab'[i % 2]},{w}\n" for i, w in enumerate(words))
    )
    found = {split: labels.find("l.csv", root, split)[1] for split in ("train", "validation", "test")}
    assert found == {
        "train": ["0.png", "1.png", "4.png"],
        "validation": ["2.png", "5.png"],
        "test": ["3.png"],
    }
    with pytest.raises(
        ValueError, match="column 'split' .* has: train, validation, test. Received: split='all'"
    ):
        labels.find("l.csv", root, "all")
    assert data.check_folder("pets", root, labels="l.csv").counts == {
        "train": (2, 1),
        "validation": (1, 1),
        "test": (0, 1),
    }
    assert not sources.is_same("pets", root, "validation", "test", "l.csv")


def test_blanks_separate_labels_only_where_a_plural_or_numbers_say_so(tmp_path):
    root = files(tmp_path, "1.png", "2.png")
    for column, first, second, expected in (
        ("label", "polar bear", "dog", ("dog", "polar bear")),
        ("tags", "polar bear", "dog", ("bear", "dog", "polar")),
        ("target", "10 9", "2", ("2", "9", "10")),
        ("tag", "polar bear|dog", "dog", ("dog", "polar bear")),
    ):
        (root / "l.csv").write_text(f"id,{column}\n1,{first}\n2,{second}\n")
        assert labels.read("l.csv", root).class_names == expected


def test_streams_of_several_labels_and_of_one_class_against_the_rest(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    root = images(tmp_path / "photos", map(str, range(6)))
    (root / "broken.png").touch()
    sets = ("", "a", "a b", "b", "a", "b c", "a")
    lines = [f"{i},{s}\n" for i, s in zip([*range(6), "broken"], sets, strict=True)]
    (tmp_path / "l.csv").write_text("image,labels\n" + "".join(lines))
    options = {"size": (4, 4, 3), "batch_size": 6, "data_dir": root, "labels": tmp_path / "l.csv"}
    stream = data.stream("photos", "all", seed=1, one_hot=True, **options)
    assert (stream.class_names, stream.several, stream.skipped) == (("a", "b", "c"), True, ("broken.png",))
    assert stream.paths == tuple(str(root / f"{i}.png") for i in range(6))
    expected = np.array([[c in s for c in "abc"] for s in sets[:-1]], "float32")
    assert stream.labels.dtype == "float32"
    np.testing.assert_array_equal(stream.labels, expected)
    [(x, y)] = stream.dataset.as_numpy_iterator()
    np.testing.assert_array_equal(y, expected[np.round(x.mean((1, 2, 3))).astype(int)])
    _, mixed = streams.mixing([("mixup", {})], 3, several=True)(x, y, tf.constant([1, 0], tf.int64))
    assert mixed.shape == (6, 3)
    assert bool(tf.reduce_any((mixed > 0) & (mixed < 1)))
    stream = data.stream("photos", "all", positive="b", **options)
    assert (stream.class_names, stream.several) == (("not b", "b"), False)
    assert (stream.labels.dtype, stream.labels.tolist()) == ("int64", [0, 0, 1, 1, 0, 1])
    assert stream.dataset.element_spec[1] == tf.TensorSpec([None], tf.int64)
    with pytest.raises(ValueError, match="name of a class: 'a', 'b', 'c'.*Received: positive='d'"):
        data.stream("photos", "all", positive="d", **options)


def test_an_image_is_of_the_class_of_each_of_its_labels():
    several = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0]], "float32")
    source = sources.Source(3, ("a", "b", "c"), None, None, labels=several)
    assert [rows.tolist() for rows in source.by_class()] == [[0], [0, 2], [1]]
    assert [rows.tolist() for rows in source.against_rest("b").by_class()] == [[1], [0, 2]]


@pytest.mark.parametrize(
    ("sizes", "n", "seed"),
    [((1, 5, 3), 9, 5), ((4, 2, 3, 1), 10, 5), ((2, 9), 1, 5), ((4, 2, 3, 1), 10, None)],
)
def test_balanced_sampling(sizes, n, seed):
    groups = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    group_of = np.repeat(np.arange(len(sizes)), sizes)
    order = sources.balanced(groups, n)
    rows = tf.data.Dataset.range(4).flat_map(lambda epoch: order(epoch, seed, 0))
    epochs = np.reshape([*rows.as_numpy_iterator()], (4, n))
    rest = [*order(tf.constant(3, tf.int64), seed, n // 2).as_numpy_iterator()]
    assert rest == epochs[3][n // 2 :].tolist()
    for last in range(1, 5):
        counts = np.bincount(group_of[epochs[last - 1]], minlength=len(sizes))
        assert counts.max() - counts.min() <= 1
        counts = np.bincount(group_of[epochs[:last].ravel()], minlength=len(sizes))
        assert counts.max() - counts.min() <= 1
    rows = epochs.ravel()
    for group, own in enumerate(groups):
        drawn = rows[group_of[rows] == group]
        for i in range(0, len(drawn), len(own)):
            assert len({*drawn[i : i + len(own)]}) == len(drawn[i : i + len(own)])
            assert {*drawn[i : i + len(own)]} <= {*own}


def test_balanced_streams_keep_their_length_and_resume():
    options = {"size": (2, 2, 3), "batch_size": 12, "seed": 2, "epochs": 2, "balance": "sampling"}
    options |= {"positive": "class 4", "examples": 40}
    stream = data.stream("generated", "train", **options)
    assert (stream.examples, stream.steps_per_epoch, stream.labels.sum()) == (40, 4, 4)
    whole = [*stream.dataset.as_numpy_iterator()]
    assert np.bincount(np.concatenate([y for _, y in whole[:4]])).tolist() == [20, 20]
    rest = data.stream("generated", "train", first_step=3, **options).dataset.as_numpy_iterator()
    for one, other in zip(whole[3:], rest, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "which is empty"),
        ("id,label\n", "names images of .* such as in/0/.*first lines are 'id,label'"),
        ("id,label\n0,a\n99.jpg,b\n", r"1 of its 2 images are not there: '99.jpg' \(line 3\)"),
        ("id,label\n0,a\n7.b.png,b\n", "although in/1/7.b.JPG is; remove these lines"),
        ("id,label\n0,a\n0.jpg,b\n", "lines 2 and 3 give in/0/0.JPG different labels"),
        ("id,label,split\n0,a,train\n0,a,test\n", "lines 2 and 3 give in/0/0.JPG different splits"),
        ("id,label,split\n0,a,train\n7.b,a,dev\n", "column 'split' has .*valid.*, unlike line 3"),
        ("id,label\n0,a\n7.b,\n", "a label for every image, unlike line 3"),
        ("id,label\n0,a,b\n7.b,a\n", "2 columns in every line, unlike line 2; .* quotes"),
        ("0,a,train\n", "whose first line names its 3 columns"),
        ("id,a,b\n0,1,0\n7.b,2,0\n", "remove or rename some of its columns: a, b"),
        ("id,a,a\n0,1,0\n7.b,1,0\n", "different names, unlike a"),
        ("id\n0\n7.b\n", "column of labels beside that of the images"),
        ("id,labels\n0,\n", "'labels', which is empty"),
        ("id,label\n0,caf\xe9\n".encode("latin-1"), "in UTF-8, as Excel saves"),
        ("id,label\n0,a\n7.b,a\n", "at least two classes, not of 'a' alone"),
        ("id,label,split\n0,a,train\n7.b,b,test\n", "images to train on of every class, unlike b"),
        (
            "id,label,split\n0,a,val\n7.b,b,test\n",
            "images of the split 'train', not only of validation, test",
        ),
    ],
)
def test_mistakes_in_a_csv(photos, tmp_path, content, message):
    (tmp_path / "l.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=f"`labels` is a CSV file .*{message}.*Received: labels="):
        data.check_folder("pets", photos, labels=tmp_path / "l.csv")


CATS = ("cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png")


def inside(folder):
    return tuple(f"{folder}/{path}" for path in CATS)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ((), "is empty"),
        (("1.png", "2.jpg"), "holds 2 images, such as 1.png, but no class folders: .* `labels`"),
        (("1.png", "train.csv"), "or give labels='train.csv'"),
        (("pets.zip",), "unpack pets.zip in"),
        (("1.dcm", "2.dcm"), "no images, but files: 2 .dcm"),
        (inside("a/b"), "deeper: give .*/a[.]"),
        (inside("a"), "a/cat/1.png would be a frame of a video: give .*/a[.]"),
        (inside("a/train"), "deeper: give .*/a[.]"),
        (inside("cats") + inside("dogs"), "would be a frame of a video: put images"),
        (("train/1.png", "test/2.png"), "'test' and 'train' of .* hold images: put those of each class"),
        (("test/a/1.png", "test/b/2.png"), "a folder 'train' of class folders, not only test"),
        (("images/1.png", "l.csv"), "not of 'images' alone: give labels='l.csv'"),
        (("cat/1.png", "cat/2.png"), "not of 'cat' alone: add images of others"),
        ((*CATS, "owl/"), "unlike 'owl', which is empty: remove it"),
        ((*CATS, "owl/1.mov"), "unlike 'owl', which holds no images, but files: 1 .mov"),
    ],
)
def test_mistakes_in_a_folder(tmp_path, paths, message):
    with pytest.raises(ValueError, match=f"`data_dir` is .*{message}.*Received: data_dir="):
        data.check_folder("pets", files(tmp_path, *paths), size=(8, 8, 3))


def test_mistakes_in_the_path_of_a_folder(tmp_path):
    files(tmp_path, "pets/", "pets.zip", "1.png", "l.csv")
    for name, message in (
        ("pet", "exists. Did you mean 'pets'"),
        ("pets.zip", "unpack pets.zip first"),
        ("1.png", "not an image"),
        ("l.csv", "given as `labels`"),
    ):
        with pytest.raises(ValueError, match=message):
            data.check_folder("pets", tmp_path / name)
    with pytest.raises(ValueError, match="the path of a CSV file, .* has l.csv. Received: labels='k.csv'"):
        data.check_folder("pets", tmp_path, labels="k.csv")


def test_what_a_user_may_not_expect_is_noted(tmp_path):
    root = files(tmp_path, *inside("train"), "train/Cat/1.png", "train/cat/x.txt", "test/1.png", "old/1.png")
    contents = data.check_folder("pets", root)
    assert (contents.class_names, contents.counts) == (("Cat", "cat", "dog"), {"train": (1, 2, 2)})
    notes = " ".join(contents.notes)
    words = ("to train on: Cat.", "Cat, cat", "no images to test on", "class folders, and are not used: test")
    for some in (*words, ": 1 .txt."):
        assert some in notes
    files(root, "train/note.png")
    with pytest.raises(ValueError, match="such as train/note.png, away from train/dog/3.png"):
        data.check_folder("pets", root)
    [*_, note] = data.check_folder("pets", files(tmp_path / "pets", *CATS, "note.png")).notes
    assert "pets holds 1 image, such as note.png, beside its class folders, not used" in note
    assert data.check_folder("digits") is None


def test_links_are_followed_once(tmp_path):
    files(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "b/again").symlink_to(tmp_path)
    (tmp_path / "c").symlink_to(tmp_path / "a")
    assert folders.images_below(tmp_path) == ["a/1.png", "b/2.png"]
