"""Serving: trained nets as SavedModels for TF Serving and as files for other runtimes, and how to run them.

What exports is imported when it is first used, since it needs TensorFlow and Keras. `load` needs neither.
"""

from typing import TYPE_CHECKING

from kerasnets.serving.load import load

if TYPE_CHECKING:
    from kerasnets.serving.bench import fastest
    from kerasnets.serving.files import export_file
    from kerasnets.serving.saved_model import export

_FUNCTIONS = {"export": "saved_model", "export_file": "files", "fastest": "bench"}  # and their modules

__all__ = ["export", "export_file", "fastest", "load"]


def __getattr__(name):
    import importlib

    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
