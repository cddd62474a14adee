import os


def pytest_configure(config):
    """Imports TensorFlow, which takes seconds, but not where other processes run the tests (-n)."""
    if not config.getoption("numprocesses", None) or "PYTEST_XDIST_WORKER" in os.environ:
        config.pluginmanager.import_plugin("running")
