"""Registration of this package's classes with Keras, which can then load their configurations.

Keras is not imported for this: the classes are registered when it is, and a class's module is imported when a
file needs it. So `keras.saving.load_model` loads any model of this package after ``import kerasnets``.
"""

from __future__ import annotations

import importlib
import sys

# Modules of this package with classes that Keras loads, and these classes.
CLASSES = {
    "distillation.distiller": ("Distiller",),
    "distillation.ensemble": ("Ensemble",),
    "distillation.mutual": ("Mutual",),
    "layers.capsule": ("CapsuleLength", "CapsuleMask", "RoutedCapsules", "Squash"),
    "layers.drop_path": ("DropPathJoin", "DropPathSampler"),
    "layers.dustbin": ("Dustbin",),
    "layers.frozen_batch_norm": ("FrozenBatchNormalization",),
    "layers.log_mean": ("LogMeanProbability",),
    "layers.lrn": ("LRN",),
    "layers.maxout": ("Maxout",),
    "layers.mirror_padding": ("MirrorPadding2D",),
    "layers.partial_conv": ("PartialConv2D",),
    "layers.recomputed": ("BatchMoments", "RecomputedConv2D"),
    "layers.rounded": ("Rounded",),
    "layers.soft_mask": ("SoftMask",),
    "layers.stochastic_depth": ("StochasticDepth",),
    "layers.upsample_like": ("UpSampleLike",),
    "layers.window_padding": ("WindowPadding2D",),
    "training.losses": ("Crossentropy", "MarginLoss", "ReconstructionLoss"),
    "training.metrics": ("AveragePrecision", "ExactMatch", "LabelAccuracy"),
    "training.rates": ("ScaledAdadelta", "ScaledAdam", "ScaledAdamW", "ScaledRMSprop", "ScaledSGD"),
}


class Registered:
    """Stands for a class of this package until Keras creates an object of it.

    Args:
        module: Module of the class, without the name of the package.
        name: Name of the class.
    """

    def __init__(self, module: str, name: str):
        self.module, self.name = module, name

    def from_config(self, config: dict, *args: object, **kwargs: object) -> object:
        """Creates an object of the class."""
        module = importlib.import_module(f"kerasnets.{self.module}")
        return getattr(module, self.name).from_config(config, *args, **kwargs)


class AfterKeras:
    """A finder of modules that registers the classes as soon as Keras has been imported."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Finds Keras as the other finders do, but adds the registration to its import."""
        if name != "keras":
            return None
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                register()

            spec.loader.exec_module = exec_module
        return spec


def register() -> None:
    """Registers all classes with Keras, which is imported, unless they are registered already."""
    known = sys.modules["keras"].saving.get_custom_objects()
    for module, names in CLASSES.items():
        for name in names:
            known.setdefault(f"kerasnets>{name}", Registered(module, name))


def register_with_keras() -> None:
    """Registers all classes now if Keras is imported, or else as soon as it is."""
    if hasattr(sys.modules.get("keras"), "saving"):
        register()
    else:
        sys.meta_path.insert(0, AfterKeras())
