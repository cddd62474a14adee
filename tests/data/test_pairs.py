import numpy as np
import pytest

from kerasnets import data
from kerasnets.data import datasets
from kerasnets.data.pairs import GROUPS, digit_pairs

KINDS = np.arange(600) % 10
# An image holds its own number in both of its columns.
NUMBERED = np.broadcast_to(np.arange(600).reshape(-1, 1, 1, 1), (600, 1, 2, 1)).astype("uint16")


def test_a_class_is_the_number_that_two_digits_are():
    pairs, classes = digit_pairs(NUMBERED, KINDS, 1300)
    left, right = pairs[:, 0, 0, 0], pairs[:, 0, 2, 0]
    np.testing.assert_array_equal(classes, 10 * KINDS[left] + KINDS[right])
    assert (pairs.shape, classes.dtype) == ((1300, 1, 4, 1), "int64")
    assert set(np.bincount(classes)) == {12, 16, 18}
    assert (digit_pairs(NUMBERED, KINDS, 1300)[0] == pairs).all()
    assert (digit_pairs(NUMBERED, KINDS, 1300, seed=1)[0] != pairs).any()


def test_every_sixth_pair_shares_no_digit_with_the_others():
    pairs, _ = digit_pairs(NUMBERED, KINDS, 1300)
    groups = [set(pairs[group::GROUPS].reshape(-1).tolist()) for group in range(GROUPS)]
    assert sum(map(len, groups)) == len(set().union(*groups)) > 550


def test_pairs_of_a_split_consist_of_its_own_digits():
    images, labels = data.to_arrays(data.load("digit_pairs", "test").batch(1000))
    digits, kinds = datasets.digits("test")
    known = {image.tobytes(): kind for image, kind in zip(digits, kinds, strict=True)}
    assert images.shape == (6000, 28, 56, 1)
    for image, label in zip(images[:300], labels[:300], strict=True):
        halves = (image[:, :28], image[:, 28:])
        assert label == 10 * known[halves[0].tobytes()] + known[halves[1].tobytes()]
    stream = data.stream("digit_pairs", "test", size=(28, 56, 1), batch_size=8)
    assert (stream.class_names[37], stream.examples) == ("37", 6000)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: digit_pairs(NUMBERED, KINDS, 0), "count"),
        (lambda: digit_pairs(NUMBERED, KINDS, 5, seed=-1), "seed"),
        (lambda: digit_pairs(NUMBERED[:59], KINDS[:59], 5), "labels"),
        (lambda: digit_pairs(NUMBERED[:59], KINDS, 5), "labels"),
        (lambda: data.load("digit_pairs", "train", data_dir="/tmp"), "data_dir"),
        (lambda: data.stream("digit_pairs", "all", size=(28, 56, 1), batch_size=8), "split"),
    ],
)
def test_refused(call, argument):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        call()
