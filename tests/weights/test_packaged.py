"""The trained weights that come with the package."""

import pathlib

import keras
import numpy as np
import pytest

import kerasnets
from kerasnets import data, weights
from kerasnets.weights.architectures.packaged import PACKAGED
from kerasnets.weights.checkpoints import PACKAGED as FOLDER
from kerasnets.weights.checkpoints import table

OWN = [row for row in table().values() if row.source == "kerasnets"]
BYTES = 2_000_000


def test_files_are_those_of_the_table_and_small():
    assert {row.path for row in OWN} == set(FOLDER.glob("*.h5"))
    assert {f"kerasnets/{row.net.lower()}" for row in OWN} == set(PACKAGED)
    assert sum(row.path.stat().st_size for row in OWN) <= BYTES
    for row in OWN:
        card = weights.read_card(row.path)
        assert (card.builder, card.training["data"]) == (row.net, row.data)
        assert (card.shape[:-1], len(card.class_names)) == (row.input, 10)
        found = [round(100 * card.results[name], 2) for name in ("top1", "top5")]
        assert (found, card.results["test_examples"]) == ([row.top1, row.top5], 10_000)
        assert card.training["command"] == f"{row.url} --data-dir FOLDER"


@pytest.mark.parametrize("row", [row for row in OWN if row.data == "mnist"], ids=lambda row: row.net)
def test_nets_read_digits(row):
    net = kerasnets.build(row.net, weights=row.data)
    card = weights.card_of(net)
    assert card.training["weights"] == row.id
    assert (card.scaling.mode, card.class_names) == ("lecun", tuple("0123456789"))
    digits = data.stream("digits", "test", size=net.input_shape[1:], batch_size=200, augment=(card.sizing,))
    images, labels = next(iter(digits.dataset))
    scores = keras.ops.convert_to_numpy(net(card.scaling(images), training=False))
    assert (scores.argmax(1) != labels.numpy()).sum() <= 6  # 3%
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-5)


def test_simpnet_tells_clothes():
    """The images are the first of each class in the test set of Fashion-MNIST, which has MIT's license."""
    net = kerasnets.build("SimpNetSlim300K", weights="fashion_mnist")
    card = weights.card_of(net)
    assert net.input_shape == (None, 28, 28, 1)
    assert (card.scaling.mode, card.class_names[-1]) == ("unit", "Ankle boot")
    with np.load(pathlib.Path(__file__).with_name("fashion_mnist.npz")) as stored:
        images, labels = stored["images"], stored["labels"]
    scores = keras.ops.convert_to_numpy(
        net(card.scaling(images[..., None].astype("float32")), training=False)
    )
    assert (scores.argmax(1) != labels).sum() <= 1


def test_bodies_and_other_classes(capsys):
    whole = kerasnets.build("LeNet5", weights="kerasnets/lenet5")
    body = kerasnets.build("LeNet5", weights="mnist", include_top=False)
    other = kerasnets.build("LeNet5", weights="mnist", classes=3)
    assert "10 classes: logits of LeNet5 is new" in capsys.readouterr().err
    for net, count in ((body, 6), (other, 8)):
        for value, wanted in zip(net.get_weights()[:count], whole.get_weights(), strict=False):
            np.testing.assert_array_equal(value, wanted)
    same = kerasnets.build("LeNet5", classes=3)
    assert len(weights.load(same, "mnist", strict=False).loaded) == 4
    np.testing.assert_array_equal(same.get_weights()[0], whole.get_weights()[0])
    assert weights.card_of(other).class_names is None
    assert weights.card_of(other).results is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(weights="imagenet"), "None, 'mnist', the id of a checkpoint, or a path for LeNet5"),
        (dict(weights="mnist", input_shape=(32, 32, 3)), "`input_shape` is of 1 channel with"),
        (dict(weights="mnist", act="relu"), "`act` is 'tanh' with weights='kerasnets/lenet5.mnist'"),
    ],
)
def test_mistakes(options, words):
    with pytest.raises(ValueError, match=words):
        kerasnets.build("LeNet5", **options)


def test_nets_without_public_weights_name_a_relative():
    with pytest.raises(
        ValueError, match="MLP800, which has no public.*nobody published any. LeNet5, a related"
    ):
        kerasnets.build("MLP800", weights="imagenet")
