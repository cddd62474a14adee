"""What each process that runs tests has: TensorFlow, other processes, and random numbers that begin anew."""

import gc
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# XLA compiles faster, and what nets compute stays.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)

import keras
import matplotlib.figure
import pytest
import tensorflow as tf
from tensorflow.python import pywrap_tfe

from apart import Apart
from swift import make_swift

# To rewrite graphs for speed takes longer than the few steps that they are used for.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
# OpenVINO would tell its makers of every conversion, by dozens of forks that ask the network.
sys.modules["openvino_telemetry"] = None
PROCESSES = Apart()  # before a test or its module uses TensorFlow


def pytest_collection_modifyitems(items):
    """Begins with the longest test, so that no worker is left with it when the others are done."""
    items.sort(key=lambda item: item.path.name != "test_backends.py")


def pytest_collection_finish(session):
    """Makes garbage collection fast and rare, since it took a tenth of the time of building nets.

    The modules and tests that exist by now are never searched again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True, scope="session")
def kept_kernels():
    """Keeps TensorFlow's kernels when the seed is set; creating them again takes half the time of a test.

    TensorFlow clears them to reset stateful random kernels. There are none, since Keras draws statelessly.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pywrap_tfe, "TFE_ContextClearCaches", lambda context: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def swift_layers():
    """Makes building nets faster, which is half of what tests do."""
    with pytest.MonkeyPatch.context() as patch:
        make_swift(patch)
        yield


@pytest.fixture(autouse=True, scope="session")
def coarse_pictures():
    """Draws pictures coarsely, without laying them out, which took half of the time of small recipes."""
    save = matplotlib.figure.Figure.savefig

    def savefig(figure, path, dpi=None, **options):
        if dpi:
            figure.set_layout_engine("none")
        save(figure, path, dpi=dpi and 20, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matplotlib.figure.Figure, "savefig", savefig)
        yield


@pytest.fixture(autouse=True, scope="module")
def clean_session():
    """Clears the state of Keras after each test file."""
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()
    gc.freeze()  # what is alive now, such as modules that the file imported


@pytest.fixture(autouse=True)
def fixed_seed():
    """Gives each test the same random numbers, whichever tests run before it or on other workers."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def eagerly():
    """Trains and predicts without tracing graphs, which takes longer than a few steps of a small net."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def apart():
    """Function that calls functions in processes of their own, without importing TensorFlow again."""
    yield PROCESSES
    PROCESSES.close()
