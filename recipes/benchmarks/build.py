"""Seconds to build a net: ours and keras.applications."""

import argparse

import shared
from benchmarks import measuring


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    models = ["DenseNet121", "MobileNet"]
    p.add_argument("--models", nargs="+", default=models, help=f"names of nets ({' '.join(models)})")


def run(args: argparse.Namespace) -> None:
    """Builds nets with random weights."""
    with shared.quiet():
        import keras

        import kerasnets

        measuring.check_models(args.models)

    def builder(function):
        def build():
            keras.backend.clear_session()
            function(weights=None)

        return build

    groups = {
        f"building {name}": {
            "keras.applications": builder(getattr(keras.applications, name)),
            "kerasnets": builder(getattr(kerasnets.applications, name)),
        }
        for name in args.models
    }
    measuring.compare(groups, args)
