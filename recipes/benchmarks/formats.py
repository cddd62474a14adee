"""Differences between files of other runtimes and Keras, by family."""

import argparse
import pathlib
import tempfile
from typing import Any

import shared
from kerasnets import files


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    p.add_argument("--models", nargs="+", help="nets of full size (a small net of each family)")


def run(args: argparse.Namespace) -> None:
    """Shows the largest difference of probabilities or, for int8, the share of equal classes.

    Images of noise are compared. Untrained nets give them nearly the same scores, which is the hardest case
    for int8.
    """
    with shared.quiet():
        import kerasnets
        from kerasnets.assembly import registry
        from kerasnets.serving.formats import FORMATS

    families = {}
    for name in args.models or kerasnets.list_models():
        families.setdefault(name if args.models else registry.find(name).spec.module, name)
    figures = {}
    for name in families.values():
        options = {} if args.models else small_options(registry.find(name).spec)
        with tempfile.TemporaryDirectory() as folder, shared.quiet():
            model, images = net_with_statistics(name, options)
            figures[name] = {form: exported(form, model, images, folder) for form in FORMATS}
        if args.out:
            files.write_json(args.out, figures)
    shared.show([["net", *FORMATS], *([name, *map(cell, row.values())] for name, row in figures.items())])
    for name, row in figures.items():
        for form, found in row.items():
            if "refused" in found:
                print(f"{name}, {form}: {found['refused']}")


def small_options(spec: Any) -> dict[str, Any]:
    """Options of a small net of a family, for images of 32 pixels or the smallest that it takes."""
    sides = (max(least, 32) for least in spec.min_grid)
    return {"classes": 10, "input_shape": (*sides, spec.channels), **spec.tiny}


def net_with_statistics(name: str, options: dict[str, Any]) -> tuple[Any, Any]:
    """A net whose batch normalization has the statistics of some images of noise, and these images."""
    import keras
    import numpy as np

    import kerasnets

    keras.backend.clear_session()
    # With seed 0, a layer of the small GoogLeNet outputs only zeros; see `export_file`.
    keras.utils.set_random_seed(1)
    model = kerasnets.build(name, **options)
    images = np.random.default_rng(0).integers(0, 256, (16, *model.input_shape[1:])).astype("float32")
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(getattr(kerasnets.applications, name).preprocess_input(images), training=True)
    return model, images


def exported(form: str, model: Any, images: Any, folder: str | pathlib.Path) -> dict[str, Any]:
    """Exports a model to a format: figures of its model card, or the reason why it is refused."""
    from kerasnets import serving
    from kerasnets.serving.formats import FORMATS
    from kerasnets.serving.versions import card_path

    try:
        path = serving.export_file(model, folder, form, calibration=None if FORMATS[form].exact else images)
    except (ValueError, RuntimeError) as error:
        return {"refused": str(error)}
    card = files.read_json(card_path(path))
    keys = ("largest_difference", "top1_agreement", "compared_images")
    return {key: card[key] for key in keys if key in card} | {"bytes": path.stat().st_size}


def cell(found: dict[str, Any]) -> str:
    """The cell of a file in the table."""
    if "refused" in found:
        return "no"
    if "top1_agreement" in found:
        return f"{found['top1_agreement']:.0%}"
    return f"{found['largest_difference']:.0e}"
