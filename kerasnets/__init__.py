"""The classic convolutional nets, from LeNet to HRNet, as Keras 3 models with one signature.

    import kerasnets

    kerasnets.list_models("*dense*")
    model = kerasnets.build("DenseNet121", classes=10)
    model = kerasnets.applications.DenseNet121(weights="imagenet")

Sub-packages are imported when they are first used, so ``import kerasnets`` takes no time.
"""

from kerasnets.registration import register_with_keras

__version__ = "0.1.0"

_PACKAGES = (
    "analysis",
    "applications",
    "assembly",
    "blocks",
    "data",
    "distillation",
    "layers",
    "runs",
    "serving",
    "surgery",
    "training",
    "tuning",
    "weights",
)
_FUNCTIONS = {  # and their modules
    "build": "assembly.registry",
    "classify": "runs.classify",
    "list_models": "assembly.registry",
    "load_model": "assembly.origin",
    "save": "weights.files",
}

__all__ = ["__version__", *_FUNCTIONS, *_PACKAGES]


def __getattr__(name):
    import importlib  # here, so that an import of the package imports nothing

    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__


register_with_keras()
