"""Files of weights run no code of theirs."""

import pickle

import keras
import pytest
from keras import layers

import kerasnets
from kerasnets import weights

RAN = []


class Bomb:
    def __reduce__(self):
        return RAN.append, (1,)


def small():
    return keras.Sequential([keras.Input((4,)), layers.Dense(2)])


@pytest.fixture(autouse=True)
def nothing_ran():
    RAN.clear()
    yield
    assert not RAN


@pytest.mark.parametrize("name", ["net.weights.h5", "net.keras"])
def test_a_pickle_is_not_read(name, tmp_path):
    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="`weights` is a file that can be read.*damaged"):
        weights.load(small(), tmp_path / name)


@pytest.mark.parametrize("name", ["net.pkl", "net.pth", "net.npy", "net.h5"])
def test_other_files_are_refused(name, tmp_path):
    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="`weights` is .*Received: weights="):
        weights.load(kerasnets.build("LeNet5"), tmp_path / name)


def test_a_keras_file_with_a_function_is_refused(tmp_path):
    keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: RAN.append(2) or x), layers.Dense(2)]).save(
        tmp_path / "net.keras"
    )
    RAN.clear()
    with pytest.raises(ValueError, match="safe_mode"):
        weights.load(small(), tmp_path / "net.keras")
