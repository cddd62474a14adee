import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf
from tensorflow.python import pywrap_tfe


def pytest_collection_finish(session):
    """Makes the search for garbage quick and rare: it took a tenth of the time that nets take.

    Modules and tests are left out.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True, scope="session")
def kept_kernels():
    """Lets TensorFlow keep its kernels when it is seeded: to build them anew takes half the time of a test.

    They are cleared for the state of random ones, of which there are none here: Keras draws without state.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pywrap_tfe, "TFE_ContextClearCaches", lambda context: None)
        yield


@pytest.fixture(autouse=True, scope="module")
def clean_session():
    """Leaves Keras without the graphs of a test file that is done."""
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()
    gc.freeze()  # what is alive now, such as modules that the file imported


@pytest.fixture(autouse=True)
def fixed_seed():
    """Gives a test the same random numbers alone, in any order and on any worker."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def eagerly():
    """Trains and predicts without graphs, which a few steps of a small net are not worth."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
