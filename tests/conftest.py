import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


@pytest.fixture(autouse=True, scope="module")
def clean_session():
    """Leaves Keras without the graphs of a test file that is done."""
    yield
    keras.backend.clear_session()
