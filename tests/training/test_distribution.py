import keras
import pytest

from kerasnets.training import distribution


def test_one_replica_is_the_default():
    assert distribution.mirrored(1).num_replicas_in_sync == 1


@pytest.mark.parametrize("replicas", [0, -1, 1.5, "2", True])
def test_bad_replicas(replicas):
    with pytest.raises(ValueError, match="`replicas` .*Received: replicas="):
        distribution.mirrored(replicas)


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="jax backend"):
        distribution.mirrored(2)
