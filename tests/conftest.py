import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


@pytest.fixture(autouse=True, scope="module")
def clean_session():
    """Leaves Keras without the graphs of a test file that is done."""
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()


@pytest.fixture(autouse=True)
def fixed_seed():
    """Gives a test the same random numbers alone, in any order and on any worker."""
    keras.utils.set_random_seed(0)
