"""Soft targets as a regularizer: a net learns from few images what another one has learned from all.

    python recipes/soft_targets.py --runs 3
    python recipes/soft_targets.py --dataset mnist --data-dir FOLDER --runs 3
    python recipes/soft_targets.py --share 0.1 --held-out

A net learns from all training images. A net of the same kind then learns from a share of them: from their
labels for all epochs, from their labels with early stopping, and from the soft targets of the first net.
Early stopping holds out one of 5 of the few images, finds the epoch with the lowest loss on those, and then
trains on all of the few images for as many epochs.

The table has the form and the figures of the speech experiment: Hinton, Vinyals, Dean, "Distilling the
Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 6, table 5.
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np

import experiments
import shared

EPOCHS = {"digits": 20, "mnist": 5, "fashion_mnist": 5, "cifar100": 30}  # on all images
FEW_EPOCHS = {"digits": 100, "mnist": 30, "fashion_mnist": 30, "cifar100": 100}  # on the share
FEW_BATCH = 32
STOPPING = 5  # one of 5 of the few images is held out for early stopping
TEMPERATURE, HARD_WEIGHT = 20.0, 0.0
# Table 5: frame accuracies on training and test data, in percent. The hard targets were stopped early.
SPEECH = {"whole": (63.4, 58.9), "stopped": (67.3, 44.5), "soft": (65.4, 57.0)}


def options() -> argparse.Namespace:
    """Parses the command line."""
    about = "Learn from the soft targets of few images."
    p = experiments.parser(about, "soft_targets", EPOCHS, 128, TEMPERATURE)
    share = "share of the training images that the few are (0.03)"
    p.add_argument("--share", type=shared.number(0.001, 1), default=0.03, help=share)
    weight = f"weight of the labels in the loss with soft targets ({HARD_WEIGHT:g})"
    p.add_argument("--hard-weight", type=shared.number(0, 1), default=HARD_WEIGHT, help=weight)
    shown = ", ".join(f"{dataset} {count}" for dataset, count in FEW_EPOCHS.items())
    epochs = f"epochs on the few images ({shown})"
    p.add_argument("--few-epochs", type=shared.whole(1), metavar="N", help=epochs)
    experiments.add_net(p, "name of the net")
    return p.parse_args()


def main() -> None:
    """Trains the nets and compares them, with --runs several times."""
    args = options()
    args.few_epochs = args.few_epochs or (2 if args.smoke else FEW_EPOCHS[args.dataset])
    experiments.main(args, ("share", "hard_weight", "few_epochs", "net"), experiment, table, draw)


def experiment(nets: experiments.Nets) -> dict[str, dict[str, float]]:
    """Trains the nets of a run, and returns the accuracies of each in percent."""
    from kerasnets import runs

    args, build = nets.args, nets.build(nets.args.net)
    order = np.random.default_rng(args.seed).permutation(len(nets.train[1]))
    few = tuple(a[order[: max(2 * STOPPING, round(args.share * len(order)))]] for a in nets.train)
    held_out = np.arange(len(few[1])) % STOPPING == 0
    rest, held = (tuple(a[part] for a in few) for part in (~held_out, held_out))
    how = dict(epochs=args.few_epochs, batch_size=FEW_BATCH)

    whole = nets.trained("whole", build, nets.train, 0)
    nets.trained("probe", build, rest, 1, validation=held, **how)
    losses = runs.history(args.out / "probe.csv")["val_loss"]
    best = 1 + int(np.argmin(losses))
    found = {
        "whole": (whole, nets.train),
        "hard": (nets.trained("hard", build, few, 1, **how), few),
        "stopped": (nets.trained("stopped", build, few, 1, **{**how, "epochs": best}), few),
        "soft": (
            nets.trained(
                "soft",
                build,
                nets.taught(whole, few),
                1,
                distiller=dict(temperature=args.temperature, hard_weight=args.hard_weight),
                **how,
            ),
            few,
        ),
    }
    accuracies = {
        name: {
            kind: 100 * (1 - nets.errors(net, examples) / len(examples[1]))
            for kind, examples in (("training", trained_on), ("test", nets.test))
        }
        for name, (net, trained_on) in found.items()
    }
    accuracies["stopped"]["epochs"] = best
    return accuracies


def table(args: argparse.Namespace, text) -> list[list[str]]:
    """The rows of the table, in the form of the speech experiment's and beside its figures."""
    share, few = f"{100 * args.share:g}%", str(args.few_epochs)
    titles = {
        "whole": ("100% of the images, labels", str(args.epochs)),
        "hard": (f"{share}, labels", few),
        "stopped": (f"{share}, labels, early stopping", text("stopped", "epochs")),
        "soft": (f"{share}, soft targets", few),
    }
    rows = [["accuracy, %", "epochs", "training", "test", "speech: training", "speech: test"]]
    for name, (title, epochs) in titles.items():
        printed = map(str, SPEECH.get(name, ("", "")))
        rows.append([title, epochs, text(name, "training"), text(name, "test"), *printed])
    return rows


def draw(out: pathlib.Path, folders: list[pathlib.Path]) -> str:
    """Draws the accuracies of all runs after each epoch; returns the name of the picture."""
    import figures
    from kerasnets import runs

    titles = {"hard": "labels", "soft": "soft targets"}
    curves = {
        title: [[100 * v for v in runs.history(f / f"{name}.csv")["val_accuracy"]] for f in folders]
        for name, title in titles.items()
    }
    figures.bands(out / "curves.png", {"learning from few images": curves}, "test accuracy, %")
    return "curves.png"


if __name__ == "__main__":
    shared.run(main)
