"""Accuracy of small nets that are trained on the embedded digits."""

import argparse
import math
import time
from typing import Any

import shared
from kerasnets import files

# How each net is trained: with Adam and a cosine decay of the learning rate, on images that are shifted by up
# to `shift` pixels in both directions (2 in Sabour et al. 2017, section 5). Images are enlarged `zoom` times
# and padded with zeros to `side` pixels. `options` are those of the net.
NETS = {
    "CapsNet": dict(epochs=8, batch_size=32, rate=1e-3, shift=2, side=28, options=dict(decoder=True)),
    "SqueezeNet": dict(epochs=30, batch_size=32, rate=5e-4, shift=2, side=56, zoom=2),
    "SimpNetSlim300K": dict(epochs=12, batch_size=32, rate=2e-3, shift=2, side=32),
    "MobileNet": dict(
        epochs=20, batch_size=32, rate=3e-3, shift=2, side=56, zoom=2, options=dict(alpha=0.25)
    ),
    "LeNet5": dict(epochs=20, batch_size=64, rate=2e-3, shift=2, side=32),
}
SMOKE = dict(epochs=1, images=64)


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    p.add_argument("--models", nargs="+", default=list(NETS), help=f"names of nets ({' '.join(NETS)})")
    p.add_argument("--epochs", type=shared.whole(1), help="number of epochs (each net's own)")
    p.add_argument("--batch-size", type=shared.whole(1), help="examples per batch (each net's own)")
    p.add_argument("--seed", type=shared.whole(0), default=0, help="random seed (0)")
    p.add_argument("--smoke", action="store_true", help="a tiny run of seconds, as a test")


def run(args: argparse.Namespace) -> None:
    """Trains the nets one after another."""
    unknown = [name for name in args.models if name not in NETS]
    if unknown:
        raise ValueError(f"--models are any of {', '.join(NETS)}. Received: {unknown[0]}")
    table, figures = [["model", "epochs", "accuracy", "seconds"]], {}
    for name in args.models:
        row = dict(NETS[name])
        row["epochs"] = args.epochs or (SMOKE["epochs"] if args.smoke else row["epochs"])
        row["batch_size"] = args.batch_size or row["batch_size"]
        figures[name] = {**row, "seed": args.seed, **train_net(name, args.seed, args.smoke, **row)}
        figure = figures[name]
        table.append(
            [name, str(row["epochs"]), f"{figure['accuracy']:.2%}", f"{figure['seconds']:.1f}"],
        )
        if args.out:
            files.write_json(args.out, figures)
    shared.show(table)


def train_net(
    name: str,
    seed: int,
    smoke: bool,
    epochs: int,
    batch_size: int,
    rate: float,
    shift: int,
    side: int,
    zoom: int = 1,
    options: dict[str, Any] | None = None,
) -> dict[str, float]:
    """Trains a net on the embedded digits.

    Args:
        name: Key of `NETS`.
        seed: Seed of weights, order and shifts.
        smoke: Whether to use only a few of the images.
        epochs: Number of epochs.
        batch_size: Examples per batch.
        rate: Initial learning rate.
        shift: Largest shift in pixels of the digits.
        side: Side of the images after padding, in pixels.
        zoom: Factor by which the digits are enlarged.
        options: Options of the net.

    Returns:
        A dict: the test accuracy, the seconds of training, and the seconds of CPU time over all cores.
    """
    with shared.quiet():
        import keras
        import numpy as np

        import kerasnets
        from kerasnets import applications, data, training

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    build = getattr(applications, name)

    def read(split):
        images, labels = data.to_arrays(data.load("digits", split).batch(1000))
        if smoke:
            every = len(labels) // SMOKE["images"]
            images, labels = images[::every], labels[::every]
        images = np.kron(images, np.ones((1, zoom, zoom, 1), "uint8"))
        edge = side - images.shape[1]
        around = (edge // 2, edge - edge // 2)
        images = np.pad(images, [(0, 0), around, around, (0, 0)])
        images = np.repeat(images, build.spec.channels, axis=-1)
        return build.preprocess_input(images), labels

    (x, y), test = read("train"), read("test")
    steps = math.ceil(len(x) / batch_size)
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps * epochs))
    background = x.min(axis=(0, 1, 2))  # fills the border of shifted images; zero while they are shifted
    batches = data.batches(
        (x - background, y),
        batch_size,
        seed=seed,
        epochs=epochs,
        augment=lambda images, seed: data.jitter(images, seed, shift * zoom) + background,
    )
    net = kerasnets.build(name, input_shape=x.shape[1:], classes=10, **(options or {}))
    model = net
    if isinstance(net.output, dict):  # with a decoder, which reconstructs the images
        model = applications.capsnet.labeled(net)
        batches = batches.map(
            lambda x, y: ({"images": x, "labels": y}, {"predictions": y, "reconstruction": x})
        )
        loss = {"predictions": training.MarginLoss(), "reconstruction": training.ReconstructionLoss()}
    else:
        loss = "sparse_categorical_crossentropy"
    model.compile(adam, loss, jit_compile=False)  # XLA's convolutions are slow on CPUs
    progress = training.Progress(f"{name:16}", ("loss",))
    started, worked = time.perf_counter(), time.process_time()
    model.fit(
        batches,
        epochs=epochs,
        steps_per_epoch=steps,
        shuffle=False,
        verbose=0,
        callbacks=[progress],
    )
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    net.compile(jit_compile=False)
    scores = net.predict(test[0], batch_size=250, verbose=0)
    scores = scores["predictions"] if isinstance(scores, dict) else scores
    accuracy = float((scores.argmax(1) == test[1]).mean())
    return {"accuracy": accuracy, "seconds": round(seconds, 1), "core_seconds": round(work, 1)}
