"""Shows what a net takes for alike: for test images, the training images of the nearest features.

    python recipes/neighbors.py
    python recipes/neighbors.py --model ResNet20 --dataset fashion_mnist --data-dir FOLDER

A net learns to classify; then each test image is asked for the training images whose features, what the
classifier reads, lie nearest to its own. The picture is that of Krizhevsky, Sutskever and Hinton, "ImageNet
Classification with Deep Convolutional Neural Networks", 2012, figure 4, right; the table says how many of the
neighbors are of the image's class, beside neighbors by bare pixels and by the net before it has learnt.
"""

import dataclasses
import math
import pathlib
import time

import pages
import shared
from kerasnets import files

SIDE = 32  # pixels to which zeros fill the images up
RATE = 2e-3  # Adam's, brought to 0 by half a cosine
SHIFT = 2  # pixels by which training shifts images at most
QUERIES = 5  # in the picture, as the paper has it


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the result; a run is resumed with the same alone."""

    dataset: str
    model: str
    count: int
    epochs: int
    batch_size: int
    seed: int
    smoke: bool


def options():
    """The command line."""
    p = shared.parser(
        "Show what a net takes for alike.",
        epochs="20",
        batch_size="64",
        out="runs/neighbors/MODEL-DATASET-seedSEED",
    )
    p.add_argument("--model", default="LeNet5", help=f"a registered net that takes {SIDE} pixels (LeNet5)")
    p.add_argument(
        "--dataset", choices=("digits", "mnist", "fashion_mnist"), default="digits", help="(digits)"
    )
    p.add_argument("--data-dir", help="folder of IDX files or of TensorFlow Datasets")
    p.add_argument("--count", type=shared.whole(1), default=6, help="neighbors of each image (6)")
    return p.parse_args()


def main():
    """Trains the net, finds the neighbors and draws them."""
    args = options()
    settings = Settings(
        dataset=args.dataset,
        model=args.model,
        count=args.count,
        epochs=args.epochs or (2 if args.smoke else 20),
        batch_size=args.batch_size or 64,
        seed=args.seed,
        smoke=args.smoke,
    )
    out = args.out or pathlib.Path("runs/neighbors") / f"{args.model}-{args.dataset}-seed{args.seed}"
    started = time.monotonic()
    with shared.quiet():
        import keras

        from kerasnets import runs, surgery
        from kerasnets.assembly import registry

        builder = registry.find(args.model)
        keras.utils.set_random_seed(args.seed)
        net = builder(input_shape=(SIDE, SIDE, builder.spec.channels), classes=10, classifier_activation=None)
    (pictures, labels), (test_pictures, test_labels) = (
        read(settings, split, args.data_dir) for split in ("train", "test")
    )
    images, test_images = (fit(builder, x) for x in (pictures, test_pictures))
    print(f"{args.dataset}: {len(images):,} images to choose from, {len(test_images):,} to ask for")
    if args.count > len(images):
        raise ValueError(
            f"--count is at most {len(images)}, the images to choose from. Received: {args.count}"
        )
    runs.prepare(out, dataclasses.asdict(settings), args.resume, "neighbors.json")

    def ask(model):
        return surgery.neighbors(model, test_images, images, args.count, batch_size=250)[0]

    pixels = keras.Sequential([keras.Input(net.input_shape[1:]), keras.layers.Flatten()])
    found = {"pixels": ask(pixels), "features before training": ask(surgery.features(net))}
    net = train(out, settings, net, images, labels)
    found["features"] = ask(surgery.features(net))

    scores = net.predict(test_images, batch_size=250, verbose=0)
    same = {name: labels[chosen] == test_labels[:, None] for name, chosen in found.items()}
    results = {
        **dataclasses.asdict(settings),
        "train_size": len(images),
        "test_size": len(test_images),
        "accuracy": float((scores.argmax(1) == test_labels).mean()),
        "nearest_of_the_class": {name: float(hit[:, 0].mean()) for name, hit in same.items()},
        "neighbors_of_the_class": {name: float(hit.mean()) for name, hit in same.items()},
        "seconds": round(time.monotonic() - started, 1),
        "keras": keras.__version__,
    }
    table = [["neighbors by", "nearest of the class", f"of all {args.count}"]]
    for name in found:
        shares = (results[kind][name] for kind in ("nearest_of_the_class", "neighbors_of_the_class"))
        table.append([name, *(f"{share:.2%}" for share in shares)])
    report(out, results, table, (pictures, labels), (test_pictures, test_labels), found["features"])
    files.write_json(out / "results.json", results)
    shared.show(table)
    print(f"The classifier of {args.model} is right on {results['accuracy']:.2%} of the test images.")
    print(f"{results['seconds']:.0f} s. In {out}: report.html, neighbors.png, results.json, net.keras")


def read(settings, split, data_dir):
    """Images, uint8, (n, 28, 28, 1), and labels of a split."""
    from kerasnets import data

    dataset = data.load(settings.dataset, split, data_dir=data_dir)
    if settings.smoke:
        dataset = dataset.shard(max(1, int(dataset.cardinality()) // 200), 0)
    return data.to_arrays(dataset.batch(1000))


def fit(builder, images):
    """Images as a net takes them: filled up with zeros, with its channels and scaled."""
    import numpy as np

    edge = (SIDE - images.shape[1]) // 2
    images = np.pad(images, [(0, 0), (edge, edge), (edge, edge), (0, 0)])
    return builder.preprocess_input(np.repeat(images, builder.spec.channels, axis=-1))


def train(out, settings, net, images, labels):
    """The net, trained, or read from its file if an earlier run was that far."""
    import keras

    from kerasnets import data, runs, training

    path = out / "net.keras"
    if path.exists():
        print(f"{settings.model}: trained already")
        return keras.saving.load_model(path, compile=False)
    steps = math.ceil(len(images) / settings.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps * settings.epochs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)  # XLA is slow to compile on CPUs
    paper = images.min(axis=(0, 1, 2))  # what the shifts bring in, for them zero
    order = dict(batch_size=settings.batch_size, seed=settings.seed, epochs=settings.epochs)
    state = out / "net.weights.h5"
    training.fit(
        net,
        lambda step: data.batches(
            (images - paper, labels),
            first_step=step,
            augment=lambda x, seed: data.jitter(x, seed, SHIFT) + paper,
            **order,
        ),
        steps,
        settings.epochs,
        state=state,
        history=out / "net.csv",
        callbacks=[training.Progress(settings.model)],
    )
    runs.save(net, path)
    state.unlink(missing_ok=True)
    return net


def report(out, results, table, train, test, chosen):
    """The picture and the page that shows it."""
    import numpy as np

    import figures
    from kerasnets.data.datasets import CLASSES

    names = CLASSES[results["dataset"]]
    (images, labels), (asked, classes) = train, test
    rng = np.random.default_rng(results["seed"])
    hit = labels[chosen] == classes[:, None]
    mixed = np.flatnonzero(~hit.all(axis=1))
    parts = [
        f"{results['model']} learnt {results['train_size']:,} images of {results['dataset']} in "
        f"{results['epochs']} epochs of batch {results['batch_size']}, seed {results['seed']}. Its "
        f"classifier is right on {results['accuracy']:.2%} of {results['test_size']:,} test images. The "
        "table says how many of the training images nearest to a test image, by Euclidean distance, are of "
        "its class.",
        table,
    ]
    drawn = [
        ("neighbors", "Images and their nearest", np.arange(len(asked)), "drawn by chance"),
        (
            "mixed",
            "Where neighbors differ",
            mixed,
            f"of the {len(mixed):,} with a neighbor of another class",
        ),
    ]
    for file, heading, among, words in drawn:
        if len(among) == 0:
            continue
        rows = np.sort(rng.choice(among, min(QUERIES, len(among)), replace=False))
        figures.matches(
            out / f"{file}.png",
            asked[rows, ..., 0],
            images[chosen[rows], ..., 0],
            [names[c] for c in classes[rows]],
            [[names[labels[i]] for i in row] for row in chosen[rows]],
        )
        caption = (
            f"On the left {len(rows)} test images, {words}; beside each the training images whose features "
            "lie nearest, nearest first. Classes that are not the image's are red."
        )
        parts.append(pages.Figure(heading, out / f"{file}.png", caption))
    files.write_text(out / "report.html", pages.page("What a net takes for alike", parts))


if __name__ == "__main__":
    shared.run(main)
