"""How far files of other runtimes are from Keras, in each family."""

import tempfile

import shared
from kerasnets import files


def add_options(p):
    """Adds the options of this benchmark."""
    p.add_argument("--models", nargs="+", help="names of nets, whole (a small net of each family)")


def run(args):
    """Nets as files of other runtimes: the largest difference of probabilities; in int8, equal classes.

    What is compared are answers to noise, which untrained nets hardly tell apart: the hardest for int8.
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
            model, images = settled(name, options)
            figures[name] = {form: written_as(form, model, images, folder) for form in FORMATS}
        if args.out:
            files.write_json(args.out, figures)
    shared.show([["net", *FORMATS], *([name, *map(cell, row.values())] for name, row in figures.items())])
    for name, row in figures.items():
        for form, found in row.items():
            if "refused" in found:
                print(f"{name}, {form}: {found['refused']}")


def small_options(spec):
    """Options of a small net of a family, for images of 32 pixels if it takes these."""
    sides = (max(least, 32) for least in spec.min_grid)
    return {"classes": 10, "input_shape": (*sides, spec.channels), **spec.tiny}


def settled(name, options):
    """A net whose batch normalisation knows the statistics of some images of noise, and these images."""
    import keras
    import numpy as np

    import kerasnets

    keras.backend.clear_session()
    # By 0, a layer of the small GoogLeNet gives zeros alone; see `export_file`.
    keras.utils.set_random_seed(1)
    model = kerasnets.build(name, **options)
    images = np.random.default_rng(0).integers(0, 256, (16, *model.input_shape[1:])).astype("float32")
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(getattr(kerasnets.applications, name).preprocess_input(images), training=True)
    return model, images


def written_as(form, model, images, folder):
    """What the model card of a file says, or why there is none."""
    from kerasnets import serving
    from kerasnets.serving.files import card_of
    from kerasnets.serving.formats import FORMATS

    try:
        path = serving.export_file(model, folder, form, calibration=None if FORMATS[form].exact else images)
    except (ValueError, RuntimeError) as error:
        return {"refused": str(error)}
    card = files.read_json(card_of(path))
    keys = ("largest_difference", "top1_agreement", "compared_images")
    return {key: card[key] for key in keys if key in card} | {"bytes": path.stat().st_size}


def cell(found):
    """What a table says of a file."""
    if "refused" in found:
        return "no"
    if "top1_agreement" in found:
        return f"{found['top1_agreement']:.0%}"
    return f"{found['largest_difference']:.0e}"
