import contextlib

import keras
import pytest

from kerasnets.training import distribution


def test_one_replica_needs_no_strategy():
    assert isinstance(distribution.mirrored(1), contextlib.nullcontext)


@pytest.mark.parametrize("replicas", [0, -1, 1.5, "2", True])
def test_bad_replicas(replicas):
    with pytest.raises(ValueError, match="`replicas` .*Received: replicas="):
        distribution.mirrored(replicas)


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="jax backend"):
        distribution.mirrored(2)
