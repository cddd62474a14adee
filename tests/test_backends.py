"""The other backends of Keras, each in a process of its own."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).with_name("on_other_backends.py")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    # XLA compiles in half the time; what nets compute stays.
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    # Without conftest.py, which imports TensorFlow.
    command = [sys.executable, "-m", "pytest", "--noconftest", "-p", "no:cacheprovider", TESTS]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=TESTS.parents[1]
    )
    assert done.returncode == 0, done.stdout[-5000:]
