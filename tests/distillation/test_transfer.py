import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerasnets import data
from kerasnets.distillation import add_teacher_logits, fingerprint

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
    x, y, *rest = data.to_arrays(add_teacher_logits(dataset(weights=weights), teacher))
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
    add_teacher_logits(dataset(), teacher, cache=tmp_path)
    teacher.set_weights([w + 1e-6 for w in teacher.get_weights()])
    new = logits(add_teacher_logits(dataset(), teacher, cache=tmp_path))
    np.testing.assert_allclose(new, teacher.predict(X, verbose=0), atol=1e-7)
    assert len(list(tmp_path.iterdir())) == 2


def test_other_data_of_the_same_size_never_meets_old_logits(teacher, tmp_path):
    add_teacher_logits(dataset(), teacher, cache=tmp_path)
    other = logits(add_teacher_logits(dataset(X[::-1].copy()), teacher, cache=tmp_path))
    np.testing.assert_allclose(other, teacher.predict(X[::-1], verbose=0), atol=1e-6)


@pytest.mark.parametrize("keep", [0, 10, 200, -8])
def test_a_cache_cut_short_is_rebuilt(teacher, tmp_path, keep):
    true = logits(add_teacher_logits(dataset(), teacher, cache=tmp_path))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:keep])
    np.testing.assert_array_equal(logits(add_teacher_logits(dataset(), teacher, cache=tmp_path)), true)
    assert np.load(file).shape == (50, 3)


def test_a_failed_write_leaves_nothing(teacher, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        add_teacher_logits(dataset(), teacher, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def augmented():
    x = (X + RNG.normal(size=X.shape)).astype("float32")
    yield from zip(x, Y, strict=True)


@pytest.mark.parametrize("kind", ["shuffled", "augmented"])
def test_random_data_is_refused(teacher, kind):
    if kind == "shuffled":
        random = dataset().unbatch().shuffle(50).batch(16)
    else:
        signature = (tf.TensorSpec((6,)), tf.TensorSpec((), tf.int64))
        random = tf.data.Dataset.from_generator(augmented, output_signature=signature).batch(16)
    with pytest.raises(ValueError, match="`dataset`.*same at every pass"):
        add_teacher_logits(random, teacher)


def test_other_refusals(teacher):
    with pytest.raises(ValueError, match="`dataset`.*empty"):
        add_teacher_logits(dataset().take(0), teacher)
    with pytest.raises(ValueError, match="`dataset`"):
        add_teacher_logits(dataset().map(lambda x, y: x), teacher)
    softmax = keras.Sequential([keras.Input((6,)), layers.Dense(3, "softmax")])
    with pytest.raises(ValueError, match="as_logits"):
        add_teacher_logits(dataset(), softmax)
