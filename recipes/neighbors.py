"""Finds images that a net considers similar: for test images, the training images with the nearest features.

    python recipes/neighbors.py
    python recipes/neighbors.py --model ResNet20 --dataset fashion_mnist --data-dir FOLDER --bits 64

A net is trained to classify. For each test image, the training images are found whose features, the inputs
of the classifier, are nearest to its own. The table gives the share of these neighbors that are in the class
of the test image, and the same for neighbors by pixels and by features before the training. The picture is
that of Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
2012, figure 4, right.

To compare long vectors takes time, so the paper proposes to compress them to short codes of bits by an
autoencoder, as Krizhevsky and Hinton did with images in "Using Very Deep Autoencoders for Content-Based Image
Retrieval", 2011. The row "codes" is that of an autoencoder of the features: codes are near if few of their
bits differ. The table has what each kind takes: the bits of an image, and the time of the search.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import time
from typing import TYPE_CHECKING, Any

import shared
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    import keras
    import numpy as np

CARD = "neighbors.json"  # the settings of a run
SIDE = 32  # pixels to which images are padded with zeros
RATE = 2e-3  # Adam's; it falls to 0 along half a cosine
SHIFT = 2  # largest shift of training images in pixels
QUERIES = 5  # images in a picture, as in the paper
BITS = 32  # of a code
FLOAT = 32  # bits of a number of a vector
ROUNDS = 3  # searches, of which the fastest is reported
CODE_EPOCHS = 60  # of the autoencoder


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the result. A run is resumed with the same settings only."""

    dataset: str
    model: str
    count: int
    bits: int
    epochs: int
    batch_size: int
    seed: int
    smoke: bool


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Find images that a net considers similar.",
        epochs="20",
        batch_size="64",
        out="runs/neighbors/MODEL-DATASET-seedSEED",
    )
    p.add_argument("--model", default="LeNet5", help=f"a net for images of {SIDE} pixels (LeNet5)")
    p.add_argument(
        "--dataset", choices=("digits", "mnist", "fashion_mnist"), default="digits", help="dataset (digits)"
    )
    p.add_argument("--data-dir", help="folder of IDX files or of TensorFlow Datasets")
    p.add_argument("--count", type=shared.whole(1), default=6, help="neighbors of each image (6)")
    p.add_argument("--bits", type=shared.whole(1), default=BITS, help=f"length of the codes ({BITS})")
    return p.parse_args()


def main() -> None:
    """Trains the net, finds the neighbors and draws them, with --runs several times."""
    args = options()
    shared.say(shared.repeat(args, f"runs/neighbors/{args.model}-{args.dataset}", run, shares_of))


def shares_of(results: dict[str, Any]) -> dict[str, float]:
    """The accuracy, and the share of neighbors that are in the class of the image."""
    found = results["neighbors_of_the_class"]
    return {"accuracy": results["accuracy"]} | {f"of the class, by {name}": found[name] for name in found}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Trains the net, finds the neighbors and draws them; returns the content of results.json."""
    own = dict(epochs=args.epochs or (2 if args.smoke else 20), batch_size=args.batch_size or 64)
    settings = Settings(**shared.fields(Settings, args) | own)
    out, started = args.out, time.monotonic()
    with shared.quiet():
        import keras

        from kerasnets import runs, surgery
        from kerasnets.assembly import registry

        builder = registry.find(args.model)
    if done := shared.done(args, dataclasses.asdict(settings), CARD, "net.keras"):
        return done
    with shared.quiet():
        keras.utils.set_random_seed(args.seed)
        net = builder(input_shape=(SIDE, SIDE, builder.spec.channels), classes=10, classifier_activation=None)
    (pictures, labels), (test_pictures, test_labels) = (
        read(settings, split, args.data_dir) for split in ("train", "test")
    )
    images, test_images = (fit(builder, x) for x in (pictures, test_pictures))
    print(f"{args.dataset}: {len(images):,} images to choose from, for {len(test_images):,} test images")
    if args.count > len(images):
        raise ValueError(
            f"--count is at most {len(images)}, the images to choose from. Received: {args.count}"
        )
    runs.prepare(out, dataclasses.asdict(settings), args.resume, CARD)

    def vectors(net):
        of = surgery.features(net)
        return [of.predict(x, batch_size=250, verbose=0) for x in (test_images, images)]

    kinds = {
        "pixels": [x.reshape(len(x), -1) for x in (test_images, images)],
        "features before training": vectors(net),
    }
    net = train(out, settings, net, images, labels)
    kinds["features"] = vectors(net)
    encoder = encode(out, settings, kinds["features"][1])
    kinds["codes"] = [encoder.predict(x, batch_size=250, verbose=0) for x in kinds["features"]]
    found, taken = {}, {}
    for name, (queries, candidates) in kinds.items():
        metric = "hamming" if name == "codes" else "euclidean"
        times = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            found[name] = surgery.nearest(queries, candidates, args.count, metric)[0]
            times.append(time.perf_counter() - begun)
        taken[name] = round(min(times), 4)

    scores = net.predict(test_images, batch_size=250, verbose=0)
    same = {name: labels[chosen] == test_labels[:, None] for name, chosen in found.items()}
    results = {
        **dataclasses.asdict(settings),
        "train_size": len(images),
        "test_size": len(test_images),
        "accuracy": float((scores.argmax(1) == test_labels).mean()),
        "nearest_of_the_class": {name: float(hit[:, 0].mean()) for name, hit in same.items()},
        "neighbors_of_the_class": {name: float(hit.mean()) for name, hit in same.items()},
        "bits_of_an_image": {
            name: queries.shape[1] * (1 if name == "codes" else FLOAT) for name, (queries, _) in kinds.items()
        },
        "seconds_of_the_search": taken,
        "seconds": round(time.monotonic() - started, 1),
        "keras": keras.__version__,
    }
    table = [["neighbors by", "bits of an image", "nearest of the class", f"of all {args.count}", "search"]]
    for name in found:
        shares = (results[kind][name] for kind in ("nearest_of_the_class", "neighbors_of_the_class"))
        size, cost = results["bits_of_an_image"][name], taken[name]
        table.append([name, f"{size:,}", *(f"{share:.2%}" for share in shares), f"{1000 * cost:,.0f} ms"])
    report(out, results, table, (pictures, labels), (test_pictures, test_labels), found)
    files.write_json(out / "results.json", results)
    shared.show(table)
    print(f"The classifier of {args.model} has a test accuracy of {results['accuracy']:.2%}.")
    print(f"{results['seconds']:.0f} s. In {out}: report.html, *.png, results.json, net.keras, codes.keras")
    return results


def read(settings: Settings, split: str, data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8, (n, 28, 28, 1), and labels of a split."""
    from kerasnets import data

    dataset = data.load(settings.dataset, split, data_dir=data_dir)
    if settings.smoke:
        dataset = dataset.shard(max(1, int(dataset.cardinality()) // 200), 0)
    return data.to_arrays(dataset.batch(1000))


def fit(builder: Any, images: np.ndarray) -> np.ndarray:
    """Prepares images for a net: pads them with zeros, repeats their channel and scales them."""
    import numpy as np

    edge = (SIDE - images.shape[1]) // 2
    images = np.pad(images, [(0, 0), (edge, edge), (edge, edge), (0, 0)])
    return builder.preprocess_input(np.repeat(images, builder.spec.channels, axis=-1))


def train(
    out: pathlib.Path, settings: Settings, net: keras.Model, images: np.ndarray, labels: np.ndarray
) -> keras.Model:
    """The net, trained, or loaded if an earlier run has saved it."""
    import keras

    import kerasnets
    from kerasnets import data
    from kerasnets.assembly import registry
    from kerasnets.data.datasets import CLASSES
    from kerasnets.runs import arrays

    path = out / "net.keras"
    if path.exists():
        print(f"{settings.model}: already trained")
        return kerasnets.load_model(path)
    black = images.min(axis=(0, 1, 2))  # subtracted for `jitter`, which pads with 0
    batches = arrays.shuffled(
        (images - black, labels),
        settings.batch_size,
        settings.epochs,
        settings.seed,
        lambda x, seed: data.jitter(x, seed, SHIFT) + black,
    )
    rate = keras.optimizers.schedules.CosineDecay(RATE, batches.steps * settings.epochs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)  # XLA is slow to compile on CPUs
    facts = {
        "scaling": registry.find(settings.model).preprocess_input,
        "class_names": CLASSES.get(settings.dataset),
        "sizing": ("pad", {}),
        "training": dataclasses.asdict(settings),
    }
    arrays.fit_and_save(net, net, path, batches, settings.epochs, settings.model, facts)
    return net


def encode(out: pathlib.Path, settings: Settings, vectors: np.ndarray) -> keras.Model:
    """The net that turns features into codes, trained, or loaded if an earlier run has saved it."""
    import keras

    from kerasnets import surgery

    path = out / "codes.keras"
    if path.exists():
        return keras.saving.load_model(path)
    epochs = 2 if settings.smoke else CODE_EPOCHS
    encoder = surgery.binary_encoder(vectors, settings.bits, epochs=epochs, seed=settings.seed)
    with files.replacing(path) as part:
        encoder.save(part)
    return encoder


def report(
    out: pathlib.Path,
    results: dict[str, Any],
    table: list[list[str]],
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    found: dict[str, np.ndarray],
) -> None:
    """Draws the pictures and writes the page that shows them."""
    import numpy as np

    import figures
    from kerasnets.data.datasets import CLASSES
    from kerasnets.runs import pages

    names = CLASSES[results["dataset"]]
    (images, labels), (asked, classes) = train, test
    rng, chosen = np.random.default_rng(results["seed"]), found["features"]
    hit = labels[chosen] == classes[:, None]
    mixed = np.flatnonzero(~hit.all(axis=1))
    parts = [
        f"{results['model']} was trained on {results['train_size']:,} images of {results['dataset']} for "
        f"{results['epochs']} epochs with batch size {results['batch_size']} and seed {results['seed']}. Its "
        f"accuracy on {results['test_size']:,} test images is {results['accuracy']:.2%}. The table shows the "
        "share of the training images nearest to a test image that are in its class: by Euclidean distance, "
        f"or by the number of bits in which codes differ, which have {results['bits']} bits.",
        table,
    ]
    few = np.sort(rng.choice(len(asked), min(QUERIES, len(asked)), replace=False))
    some = np.sort(rng.choice(mixed, min(QUERIES, len(mixed)), replace=False))
    words = f"drawn from the {len(mixed):,} with a neighbor of another class"
    drawn = [
        ("neighbors", "Nearest images", few, "features", "drawn at random"),
        ("codes", "Nearest images by codes", few, "codes", "the same ones"),
        ("mixed", "Images with neighbors of other classes", some, "features", words),
    ]
    for file, heading, rows, kind, words in drawn:
        if len(rows) == 0:
            continue
        figures.matches(
            out / f"{file}.png",
            asked[rows, ..., 0],
            images[found[kind][rows], ..., 0],
            [names[c] for c in classes[rows]],
            [[names[labels[i]] for i in row] for row in found[kind][rows]],
        )
        caption = (
            f"Left: {len(rows)} test images, {words}. Beside each image: the training images with the "
            f"nearest {kind}, the nearest first. Their classes are red where they differ from the image's."
        )
        parts.append(pages.Figure(heading, out / f"{file}.png", caption))
    files.write_text(out / "report.html", pages.page("Images that a net considers similar", parts))


if __name__ == "__main__":
    shared.run(main)
