import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerasnets import data, files
from kerasnets.distillation import add_teacher_logits, fingerprint, transfer

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(0)
X = RNG.random((50, 6)).astype("float32")
Y = RNG.integers(0, 3, 50)


@pytest.fixture
def teacher():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((6,)), layers.Dense(3)])


def dataset(x=X, weights=False):
    arrays = (x, Y, np.arange(50, dtype="float32")) if weights else (x, Y)
    return tf.data.Dataset.from_tensor_slices(arrays).batch(16)


def logits(dataset):
    return data.to_arrays(dataset)[1]["teacher_logits"]


def forget(monkeypatch, teacher):
    """Makes the teacher answer zeros to all but the first batch, so that a cached answer shows."""
    real, size = teacher.predict_on_batch, len(X)

    def predict(x):
        first = np.array_equal(x, X[: len(x)])
        return real(x) if first else np.zeros((len(x), 3), "float32")

    monkeypatch.setattr(teacher, "predict_on_batch", predict)
    return size


@pytest.mark.parametrize("weights", [False, True])
def test_each_batch_gets_its_own_logits(teacher, weights):
    x, y, *rest = data.to_arrays(add_teacher_logits(dataset(weights=weights), teacher, dtype="float32"))
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y["labels"], Y)
    np.testing.assert_allclose(y["teacher_logits"], teacher.predict(X, verbose=0), atol=1e-6)
    if weights:
        np.testing.assert_array_equal(rest[0], np.arange(50))


def test_a_cache_is_read_again(teacher, tmp_path, monkeypatch):
    true = logits(add_teacher_logits(dataset(), teacher, cache=tmp_path))
    (file,) = tmp_path.iterdir()
    assert fingerprint(teacher) in file.name
    assert "50" in file.name
    forget(monkeypatch, teacher)
    np.testing.assert_array_equal(logits(add_teacher_logits(dataset(), teacher, cache=tmp_path)), true)


def test_a_changed_teacher_never_meets_old_logits(teacher, tmp_path):
    add_teacher_logits(dataset(), teacher, cache=tmp_path, dtype="float32")
    teacher.set_weights([w + 1e-6 for w in teacher.get_weights()])
    new = logits(add_teacher_logits(dataset(), teacher, cache=tmp_path, dtype="float32"))
    np.testing.assert_allclose(new, teacher.predict(X, verbose=0), atol=1e-7)
    assert len(list(tmp_path.iterdir())) == 2


def test_another_teacher_with_the_same_weights_never_meets_old_logits(teacher, tmp_path):
    """The name of the cache depends on the weights alone, so the first batch is compared."""
    add_teacher_logits(dataset(), teacher, cache=tmp_path)
    bent = keras.Sequential([keras.Input((6,)), layers.Dense(3), layers.LeakyReLU(0.1)])
    bent.set_weights(teacher.get_weights())
    new = logits(add_teacher_logits(dataset(), bent, cache=tmp_path))
    np.testing.assert_allclose(new, keras.ops.convert_to_numpy(bent(X)), atol=1e-2)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("rows", [slice(None), slice(49, None)], ids=["all", "the last"])
def test_other_data_of_the_same_size_never_meets_old_logits(teacher, tmp_path, rows):
    add_teacher_logits(dataset(), teacher, cache=tmp_path, dtype="float32")
    changed = X.copy()
    changed[rows] = changed[rows][::-1] + 1e-7
    other = logits(add_teacher_logits(dataset(changed), teacher, cache=tmp_path, dtype="float32"))
    np.testing.assert_allclose(other, teacher.predict(changed, verbose=0), atol=1e-6)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_name_of_a_cache_depends_on_inputs_alone(teacher, tmp_path):
    teacher.predict_on_batch = lambda x: np.ones((len(keras.tree.flatten(x)[0]), 3))
    for kind, count in (
        (dataset(), 1),
        (dataset().map(lambda x, y: (x, {"y": y + 1})), 1),
        (dataset().rebatch(7), 1),
        (dataset(weights=True), 1),
        (dataset(X.astype("float16")), 2),
        (dataset().map(lambda x, y: ({"x": x}, y)), 3),
        (dataset(X.reshape(50, 3, 2)), 4),
    ):
        add_teacher_logits(kind, teacher, cache=tmp_path)
        assert len(list(tmp_path.iterdir())) == count, kind


def test_a_cache_cut_short_is_mended(teacher, tmp_path):
    """Only what is missing is computed again: the last of the two shards, or all for another header."""
    true = logits(add_teacher_logits(dataset(), teacher, cache=tmp_path, shards=2))
    (folder,) = tmp_path.iterdir()
    known = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name, keep in (("view0000-00001.logits", 0), ("view0000-00001.logits", -8), ("store.json", 10)):
        (folder / name).write_bytes(known[name][:keep])
        mended = logits(add_teacher_logits(dataset(), teacher, cache=tmp_path, shards=2))
        np.testing.assert_array_equal(mended, true)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == known


def test_a_failed_write_leaves_no_part_of_a_shard(teacher, tmp_path, monkeypatch):
    """The next call goes on with the shards that are whole, and with the teacher on the others alone."""
    real = files.sync

    def full(path):
        if path.name.endswith("00001.logits"):
            raise OSError("No space left on device")
        real(path)

    monkeypatch.setattr(files, "sync", full)
    with pytest.raises(OSError, match="No space"):
        add_teacher_logits(dataset(), teacher, cache=tmp_path, shards=3)
    (folder,) = tmp_path.iterdir()
    assert {path.name for path in folder.iterdir()} == {"store.json", "view0000-00000.logits"}
    monkeypatch.undo()
    seen, predict = [], teacher.predict_on_batch
    monkeypatch.setattr(teacher, "predict_on_batch", lambda x: seen.append(len(x)) or predict(x))
    found = logits(add_teacher_logits(dataset(), teacher, cache=tmp_path, shards=3))
    assert sum(seen) == 16 + 34  # the first batch, to recognize the teacher; rows 0 to 16 are there
    np.testing.assert_array_equal(found, logits(add_teacher_logits(dataset(), teacher)))


def test_shuffled_batches_are_always_refused(teacher, tmp_path):
    for cache in (None, tmp_path):
        random = dataset().rebatch(25).shuffle(2)  # in the same order half of the time
        with pytest.raises(ValueError, match="`dataset`.*same at every pass"):
            add_teacher_logits(random, teacher, cache=cache)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", ["last", "longer"])
def test_every_pass_is_checked_to_its_end(teacher, change):
    changed = tf.Variable(0)

    def batches():
        x = X.copy()
        if changed.numpy() and change == "last":
            x[-1] += 1
        for i in range(5):
            yield x[10 * i : 10 * i + 10], Y[10 * i : 10 * i + 10]
        if changed.numpy() and change == "longer":
            yield x[40:], Y[40:]

    signature = (tf.TensorSpec((None, 6)), tf.TensorSpec((None,), tf.int64))
    joined = add_teacher_logits(tf.data.Dataset.from_generator(batches, output_signature=signature), teacher)
    assert logits(joined).shape == (50, 3)
    changed.assign(1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`dataset` is the same at every pass"):
        logits(joined)


def augmented():
    x = (X + RNG.normal(size=X.shape)).astype("float32")
    yield from zip(x, Y, strict=True)


def test_a_cache_is_a_folder_and_a_tilde_is_that_of_the_user(teacher, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for cache in (5, tmp_path / "file"):
        with pytest.raises(ValueError, match="`cache` is None or a folder.*Received: cache="):
            add_teacher_logits(dataset(), teacher, cache=cache)
    monkeypatch.setenv("HOME", str(tmp_path))
    add_teacher_logits(dataset(), teacher, cache="~/logits")
    assert len(list((tmp_path / "logits").iterdir())) == 1


@pytest.mark.parametrize("kind", ["shuffled", "augmented"])
def test_random_data_is_refused(teacher, kind):
    if kind == "shuffled":
        random = dataset().unbatch().shuffle(50).batch(16)
    else:
        signature = (tf.TensorSpec((6,)), tf.TensorSpec((), tf.int64))
        random = tf.data.Dataset.from_generator(augmented, output_signature=signature).batch(16)
    with pytest.raises(ValueError, match="`dataset`.*same at every pass"):
        add_teacher_logits(random, teacher)


def endless():
    while True:
        yield X[:10], Y[:10]


def test_endless_data_is_refused(teacher, monkeypatch):
    with pytest.raises(ValueError, match="`dataset` is finite"):
        add_teacher_logits(dataset().repeat(), teacher)
    signature = (tf.TensorSpec((None, 6)), tf.TensorSpec((None,), tf.int64))
    unknown = tf.data.Dataset.from_generator(endless, output_signature=signature)
    monkeypatch.setattr(transfer, "LIMIT", 100)
    with pytest.raises(ValueError, match="`dataset` is of a known length.*assert_cardinality"):
        add_teacher_logits(unknown, teacher)
    known = unknown.take(20).apply(tf.data.experimental.assert_cardinality(20))
    assert logits(add_teacher_logits(known, teacher)).shape == (200, 3)


def test_data_that_is_not_batched_is_refused(teacher):
    one_hot = dataset().map(lambda x, y: (x, tf.one_hot(y, 6)))
    for batched in (dataset(), one_hot, dataset(weights=True)):
        with pytest.raises(ValueError, match=r"`dataset` is batched.*dataset\.batch"):
            add_teacher_logits(batched.unbatch(), teacher)


def test_other_refusals(teacher):
    with pytest.raises(ValueError, match="`dataset` is a tf.data.Dataset"):
        add_teacher_logits((X, Y), teacher)
    with pytest.raises(ValueError, match="`dataset`.*empty"):
        add_teacher_logits(dataset().take(0), teacher)
    with pytest.raises(ValueError, match="`dataset`"):
        add_teacher_logits(dataset().map(lambda x, y: x), teacher)
    softmax = keras.Sequential([keras.Input((6,)), layers.Dense(3, "softmax")])
    with pytest.raises(ValueError, match="as_logits"):
        add_teacher_logits(dataset(), softmax)
