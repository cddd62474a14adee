import numpy as np
import pytest
import tensorflow as tf

from kerasnets import data

N = 23
ROWS = np.arange(N)


def epochs_of(dataset, steps):
    """Rows of each epoch."""
    parts = [b.numpy() for b in dataset]
    return [np.concatenate(parts[i : i + steps]) for i in range(0, len(parts), steps)]


def test_order_is_kept_without_a_seed():
    sizes = [len(b) for b in data.batches(ROWS, 5)]
    assert sizes == [5, 5, 5, 5, 3]
    np.testing.assert_array_equal(data.to_arrays(data.batches(ROWS, 5)), ROWS)


def test_each_epoch_is_another_permutation():
    orders = epochs_of(data.batches(ROWS, 5, seed=1, epochs=4), 5)
    assert len(orders) == 4
    for order in orders:
        assert sorted(order) == ROWS.tolist()
    assert len({tuple(order) for order in orders}) == 4


def test_the_seed_decides():
    a, b, c = (epochs_of(data.batches(ROWS, 5, seed=s), 5)[0].tolist() for s in (1, 1, 2))
    assert a == b != c


def test_a_resumed_run_sees_what_it_would_have_seen():
    def noisy(images, seed):
        return images + tf.random.stateless_uniform(tf.shape(images), seed)

    arrays = (np.zeros((N, 2, 2, 1), "float32"), ROWS)
    whole = list(data.batches(arrays, 5, seed=3, epochs=4, augment=noisy))
    rest = list(data.batches(arrays, 5, seed=3, epochs=4, first_step=8, augment=noisy))
    assert len(rest) == 12
    for (x, y), (x2, y2) in zip(whole[8:], rest, strict=True):
        np.testing.assert_array_equal(x, x2)
        np.testing.assert_array_equal(y, y2)
    assert not np.array_equal(whole[0][0], whole[1][0])


def test_structures_stay_together():
    arrays = (ROWS * 2, {"labels": ROWS, "teacher_logits": ROWS[:, None] * [1.0, 10.0]})
    for x, y in data.batches(arrays, 4, seed=0, epochs=2):
        np.testing.assert_array_equal(x, 2 * y["labels"])
        np.testing.assert_array_equal(y["teacher_logits"][:, 1], 10.0 * y["labels"].numpy())


def test_join_follows_uneven_batches():
    dataset = data.batches((ROWS, -ROWS), 5)
    joined = data.join(dataset, 3 * ROWS, lambda x, y, v: (x, y, v))
    for _ in range(2):
        x, y, v = data.to_arrays(joined)
        np.testing.assert_array_equal(x, ROWS)
        np.testing.assert_array_equal(y, -ROWS)
        np.testing.assert_array_equal(v, 3 * ROWS)


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("arrays", {"arrays": (ROWS, ROWS[:3])}),
        ("arrays", {"arrays": ROWS[:0]}),
        ("batch_size", {"batch_size": 0}),
        ("batch_size", {"batch_size": 2.5}),
        ("epochs", {"epochs": 0}),
        ("first_step", {"first_step": -1}),
        ("first_step", {"first_step": 99}),
        ("seed", {"seed": -1}),
        ("seed", {"augment": data.jitter}),
        ("augment", {"augment": ("pad",), "seed": 0}),
        ("classes", {"augment": ("mixup",), "seed": 0}),
    ],
)
def test_bad_arguments(argument, options):
    with pytest.raises(ValueError, match=f"`{argument}` .*Received: {argument}="):
        data.batches(**{"arrays": ROWS, "batch_size": 5, **options})


def test_jitter_shifts_each_image_by_up_to_two_pixels():
    images = np.zeros((400, 9, 9, 2), "float32")
    images[:, 4, 4] = (1, 2)
    moved = data.jitter(images, (0, 1)).numpy()
    assert moved.shape == images.shape
    where = [np.argwhere(m[..., 0]) for m in moved]
    assert all(len(w) == 1 for w in where)
    shifts = {tuple(w[0] - 4) for w in where}
    assert shifts == {(a, b) for a in range(-2, 3) for b in range(-2, 3)}
    np.testing.assert_array_equal(2 * moved[..., 0], moved[..., 1])


def test_jitter_brings_in_zeros_and_keeps_the_rest():
    image = np.arange(1, 26, dtype="float32").reshape(1, 5, 5, 1)
    for seed in range(20):
        moved = data.jitter(image, (seed, 0), pixels=1).numpy()[0, ..., 0]
        shift = np.argwhere(moved == 13)[0] - 2
        padded = np.pad(image[0, ..., 0], 1)
        np.testing.assert_array_equal(moved, padded[1 - shift[0] : 6 - shift[0], 1 - shift[1] : 6 - shift[1]])
    same, again, other = (data.jitter(image, s).numpy() for s in ((1, 2), (1, 2), (1, 3)))
    assert np.array_equal(same, again)
    assert any(
        not np.array_equal(data.jitter(image, (0, s)), data.jitter(image, (1, s))) for s in range(5)
    ) or not np.array_equal(same, other)


def test_rows_change_and_mix_images_with_their_labels():
    images = np.tile(np.arange(12, dtype="float32")[:, None, None, None], (1, 6, 6, 1))
    labels = np.arange(12) % 3
    plan = (("jitter", {"pixels": 1}), "mixup")
    options = dict(seed=3, epochs=2, augment=plan, classes=12)
    x, y = data.to_arrays(data.batches((images, np.arange(12)), 4, **options))
    assert (x.shape, y.shape) == ((24, 6, 6, 1), (24, 12))
    np.testing.assert_allclose(y @ np.arange(12), x[:, 2, 2, 0], atol=1e-4)  # shifts leave the center
    assert len(np.unique(x[:, 2, 2, 0])) > 12
    resumed = data.to_arrays(data.batches((images, np.arange(12)), 4, first_step=2, **options))
    np.testing.assert_array_equal(x[8:], resumed[0])
    x, y, z = data.to_arrays(data.batches((images, labels, labels), 4, seed=3, augment=("jitter",)))
    np.testing.assert_array_equal(y, z)  # without a mix labels stay
    np.testing.assert_array_equal(x.max((1, 2, 3)) % 3, y)
    alone = data.to_arrays(data.batches((images, labels), 4, seed=3, augment=data.jitter))
    np.testing.assert_array_equal(x, alone[0])
