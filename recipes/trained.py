"""Stores trained weights as those that come with the package, in half the bytes.

    python recipes/train.py lenet5_mnist_jitter --data-dir FOLDER
    python recipes/trained.py lenet5_mnist_jitter FILE --data-dir FOLDER

FILE is runs/train/lenet5_mnist_jitter-seed0/last.keras, the weights after the last epoch of the run.

The weights are rounded to float16 if this changes the class of no test image, and are kept in float32
otherwise. The file gets a card: what the net takes, its classes, how it was trained, and its accuracy on all
test images, with the stored weights.
"""

from __future__ import annotations

import argparse
import pathlib
from typing import TYPE_CHECKING, Any

import shared
import train

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    import keras
    import numpy as np

    from kerasnets.runs.data import Data
    from kerasnets.training import Recipe

FOLDER = pathlib.Path(__file__).parents[1] / "kerasnets" / "weights" / "trained"


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(
        description="Store trained weights as those that come with the package.", epilog=shared.DEFAULTS
    )
    p.add_argument("config", metavar="CONFIG", help="name in recipes/configs, or a path")
    p.add_argument("weights", metavar="FILE", help="a .weights.h5 file of a run of this config")
    p.add_argument("--data", metavar="NAME", help="dataset to test on (that of the config)")
    p.add_argument("--data-dir", metavar="FOLDER", help="folder of the dataset")
    p.add_argument("--seed", type=shared.whole(0), default=0, help="random seed of the run (0)")
    p.add_argument("--backend", help="backend of Keras in the run (that of this command)")
    p.add_argument("--note", help="what else has to be known of the run, for the card")
    p.add_argument("--out", type=shared.folder, default=FOLDER, help="output folder (that of the package)")
    return p.parse_args()


def main() -> None:
    """Tests the weights in both precisions and stores them."""
    args = options()
    with shared.quiet():
        import dataclasses

        import keras

        from kerasnets import runs, weights
        from kerasnets.runs.data import Data

        path = train.find(args.config)
        recipe = shared.read(path)
        recipe = dataclasses.replace(recipe, data=args.data) if args.data else recipe
        source = Data(recipe, runs.Options(seed=args.seed, data_dir=args.data_dir))
        net = for_use(recipe, source, args.weights)
        half, results = tested(net, source)
        facts = {
            "seed": args.seed,
            "command": f"python recipes/train.py {path.stem} --seed {args.seed} --data-dir FOLDER",
            "backend": args.backend or keras.backend.backend(),
            **({"note": args.note} if args.note else {}),
        }
        source.describe(net, **facts)
        out = args.out / f"{recipe.model.lower()}-{source.name}.weights.h5"
        args.out.mkdir(parents=True, exist_ok=True)
        weights.save(net, out, results={"protocol": recipe.evaluation[0], **results})
        if half:
            halve(out)
    top1, count = results["top1"], results["test_examples"]
    precision = "float16" if half else "float32"
    header = ("stored", "errors", "of", "top-1 %", "precision", "bytes")
    row = (f"{count:,}", f"{100 * top1:.2f}", precision, f"{out.stat().st_size:,}")
    shared.show([header, (out.name, round((1 - top1) * count), *row)])


def for_use(recipe: Recipe, source: Data, path: str) -> keras.Model:
    """The net of a run with its trained weights, without the options that only training has."""
    import kerasnets
    from kerasnets.assembly.origin import TRAINING_ONLY

    given = dict(input_shape=recipe.shape, classes=source.classes)
    run = kerasnets.build(recipe.model, weights=path, **given, **recipe.options)
    kept = {name: value for name, value in recipe.options.items() if name not in TRAINING_ONLY}
    net = kerasnets.build(recipe.model, **given, **kept)
    net.set_weights(run.get_weights())
    return net


def tested(net: keras.Model, source: Data) -> tuple[bool, dict[str, float]]:
    """Rounds the weights of a net to float16 if this changes the class of no test image.

    Returns:
        Whether they are rounded, and the accuracies of the net on the test images.
    """
    import numpy as np

    full = net.get_weights()
    exact, labels = predictions(net, source)
    net.set_weights([w.astype("float16") if w.dtype == "float32" else w for w in full])
    rounded, _ = predictions(net, source)
    half = bool((rounded.argmax(1) == exact.argmax(1)).all())
    if not half:
        net.set_weights(full)
    order = np.argsort(-(rounded if half else exact), axis=1)
    return half, {
        "top1": round(float((order[:, 0] == labels).mean()), 6),
        "top5": round(float((order[:, :5] == labels[:, None]).any(1).mean()), 6),
        "test_examples": len(labels),
    }


def predictions(net: keras.Model, source: Data) -> tuple[np.ndarray, np.ndarray]:
    """The outputs of a net for all test images, (n, classes), and their labels, (n,)."""
    import numpy as np

    outputs, labels = zip(*((net.predict_on_batch(x), y) for x, y in source.images()), strict=True)
    return np.concatenate(outputs), np.concatenate(labels)


def halve(path: pathlib.Path) -> None:
    """Stores the float32 arrays of an HDF5 file as float16. Keras converts them when it loads them."""
    import h5py

    from kerasnets import files

    with files.replacing(path) as part, h5py.File(path) as old, h5py.File(part, "w", libver="latest") as new:
        copy(old, new)


def copy(old: Any, new: Any) -> None:
    """Copies the content of an HDF5 group into another one, with float16 in place of float32."""
    import h5py

    for name, value in old.attrs.items():
        new.attrs[name] = value
    for name, node in old.items():
        if isinstance(node, h5py.Group):
            copy(node, new.create_group(name))
            continue
        values = node[()]
        new[name] = values.astype("float16") if node.dtype == "float32" else values
        for attribute, value in node.attrs.items():
            new[name].attrs[attribute] = value


if __name__ == "__main__":
    shared.run(main, "")
