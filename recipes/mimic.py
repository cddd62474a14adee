"""Do deep nets really need to be deep? A shallow net learns to give the logits of a deep one.

    python recipes/mimic.py --runs 3
    python recipes/mimic.py --dataset mnist --data-dir FOLDER --hidden 8000 --bottleneck 250

A convolutional net learns from jittered images. A net with a single wide hidden layer then learns from the
same jittered images: from their labels; from the deep net's logits, by the mean of the squared differences,
which is how Caruana and his students compressed models; and from its soft targets. A net that the deep net
teaches does not see the labels. A linear bottleneck below the hidden layer makes the net smaller and faster
to train.

Ba, Caruana, "Do Deep Nets Really Need to be Deep?", NeurIPS 2014, arXiv:1312.6184; Bucila, Caruana,
Niculescu-Mizil, "Model Compression", KDD 2006.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import experiments
import shared

EPOCHS = {"digits": 8, "mnist": 10, "fashion_mnist": 10}  # on all jittered copies
PASSES = {"digits": 6, "mnist": 2, "fashion_mnist": 2}  # jittered copies of the images
HIDDEN, TEMPERATURE = 800, 4.0
DEEP_SHARE = 0.5  # of the epochs, for the deep net, which learns faster
TITLES = {
    "deep": "deep, convolutional; labels",
    "labels": "shallow; labels",
    "squared": "shallow; squared logits",
    "soft": "shallow; soft targets, T = {temperature:g}",
}
# Table 1 of Ba and Caruana: phone error rates on TIMIT, in percent. The shallow net of labels has dropout and
# 8,000 units; the mimic has as many above a bottleneck of 250, and learns from an ensemble of nine deep nets.
TIMIT = {"deep": 19.5, "labels": 23.1, "squared": 21.6}


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = experiments.parser("Teach a shallow net the logits of a deep one.", "mimic", EPOCHS, 128, TEMPERATURE)
    hidden = f"units of the hidden layer ({HIDDEN})"
    p.add_argument("--hidden", type=shared.whole(1), default=HIDDEN, metavar="N", help=hidden)
    bottleneck = "linear units below the hidden layer; 0 for none (0)"
    p.add_argument("--bottleneck", type=shared.whole(0), default=0, metavar="N", help=bottleneck)
    passes = ", ".join(f"{dataset} {count}" for dataset, count in PASSES.items())
    copies = f"jittered copies of each image ({passes})"
    p.add_argument("--passes", type=shared.whole(1), metavar="N", help=copies)
    return p.parse_args()


def main() -> None:
    """Trains the nets and compares them, with --runs several times."""
    args = options()
    args.passes = args.passes or (1 if args.smoke else PASSES[args.dataset])
    experiments.main(args, ("hidden", "bottleneck", "passes"), experiment, table)


def experiment(nets: experiments.Nets) -> dict[str, dict[str, float]]:
    """Trains the nets of a run, and returns the errors and the parameters of each."""
    args = nets.args
    copies = jittered(nets.train, args)
    epochs = max(1, round(DEEP_SHARE * args.epochs))
    deep = nets.trained("deep", lambda: deep_net(nets.shape, nets.classes), copies, 0, epochs=epochs)
    taught = nets.taught(deep, copies)

    def shallow():
        return shallow_net(nets.shape, nets.classes, args.hidden, args.bottleneck)

    teach = {
        "squared": dict(method="squared", hard_weight=0.0),
        "soft": dict(temperature=args.temperature, hard_weight=0.0),
    }
    found = {
        "deep": deep,
        "labels": nets.trained("labels", shallow, copies, 1),
        **{name: nets.trained(name, shallow, taught, 1, distiller=how) for name, how in teach.items()},
    }
    return {
        name: {"errors": nets.errors(net), "parameters": net.count_params()} for name, net in found.items()
    }


def jittered(examples: tuple, args: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Several jittered copies of images, with their labels."""
    from kerasnets import data

    order = dict(seed=args.seed, epochs=args.passes, augment=data.jitter)
    return data.to_arrays(data.batches(examples, 1000, **order))


def deep_net(shape: tuple[int, ...], classes: int) -> Any:
    """A net of three convolutions, each with pooling, and two dense layers: 32c-p-32c-p-32c-p-128-10.

    The teachers of Ba and Caruana are nets of this kind, with more filters.
    """
    import keras

    x = inputs = keras.Input(shape)
    for i in range(1, 4):
        x = keras.layers.Conv2D(32, 3, padding="same", activation="relu", name=f"conv{i}")(x)
        x = keras.layers.MaxPooling2D(name=f"pool{i}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(128, activation="relu", name="fc")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x), name="deep")


def shallow_net(shape: tuple[int, ...], classes: int, hidden: int, bottleneck: int) -> Any:
    """A net with a single hidden layer, above a linear bottleneck unless that has 0 units.

    Source: Ba and Caruana, section 2.3: the weights of the hidden layer are the product of two matrices.
    """
    import keras

    x = inputs = keras.Input(shape)
    x = keras.layers.Flatten(name="flatten")(x)
    if bottleneck:
        x = keras.layers.Dense(bottleneck, use_bias=False, name="bottleneck")(x)
    x = keras.layers.Dense(hidden, activation="relu", name="hidden")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x), name="shallow")


def table(args: argparse.Namespace, text) -> list[list[str]]:
    """The rows of the table, beside the figures of the paper."""
    rows = [["net", "parameters", "errors", "paper, TIMIT: error, %"]]
    for name, title in TITLES.items():
        printed = str(TIMIT.get(name, ""))
        parameters = text(name, "parameters").split(" ")[0].removesuffix(".00")
        rows.append([title.format(**vars(args)), parameters, text(name, "errors"), printed])
    return rows


if __name__ == "__main__":
    shared.run(main)
