"""Shows that a deeper plain net has a higher training error, and a deeper residual net does not.

    python recipes/degradation.py

Four nets are trained in the same way on digits of 32x32 pixels: plain nets of 20 and 56 layers, and residual
nets of 20 and 56 layers. The folder gets degradation.png, results.json, and a folder for each net as
recipes/train.py makes it.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385, section 4.2
and figure 6, with fewer epochs and other images.
"""

import argparse
import dataclasses
import pathlib

import shared
import train
from kerasnets import files

NETS = ("PlainNet20", "PlainNet56", "ResNet20", "ResNet56")
PANELS = {"plain nets": NETS[:2], "residual nets": NETS[2:]}
EPOCHS = 20


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Show that a deeper plain net has a higher training error.",
        epochs=str(EPOCHS),
        batch_size="128",
        out="runs/degradation/DATA-seedSEED",
    )
    shared.add_options(p, data="digits")
    return p.parse_args()


def main() -> None:
    """Trains the nets and draws their errors, with --runs several times."""
    args = options()
    args.epochs = args.epochs or (2 if args.smoke else EPOCHS)
    shared.say(shared.repeat(args, f"runs/degradation/{args.data}", run, errors_of))


def run(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Trains the nets and draws their errors; returns the last value of each log."""
    out = args.out
    names = ("data", "epochs", "batch_size", "precision", "seed", "smoke")
    with shared.quiet():
        from kerasnets import runs
    runs.prepare(out, {name: getattr(args, name) for name in names}, args.resume)
    logs = {net: train_net(net, out / net, args) for net in NETS}
    draw(out / "degradation.png", logs)
    results = {net: {name: values[-1] for name, values in log.items()} for net, log in logs.items()}
    files.write_json(out / "results.json", results)
    rows = [["after the last epoch", "training loss", "training error", "test error"]]
    for net, last in results.items():
        errors = [f"{100 * (1 - last[name]):.2f}%" for name in ("accuracy", "val_accuracy")]
        rows.append([net, f"{last['crossentropy']:.4f}", *errors])
    shared.show(rows)
    print(f"In {out}: degradation.png, results.json")
    return results


def errors_of(results: dict[str, dict[str, float]]) -> dict[str, float]:
    """The errors of each net after the last epoch, as shares."""
    kinds = {"training error": "accuracy", "test error": "val_accuracy"}
    return {f"{net}, {kind}": 1 - last[name] for net, last in results.items() for kind, name in kinds.items()}


def train_net(net: str, out: pathlib.Path, args: argparse.Namespace) -> dict[str, list[float]]:
    """Trains a net as ResNet-20 on CIFAR-10, but without flips, and returns its logs."""
    import keras

    from kerasnets import runs

    keras.backend.clear_session()
    recipe = shared.read(train.find("resnet20_cifar10"))
    rows = tuple(row for row in recipe.augmentation if row[0] != "flip")  # a mirrored digit is no digit
    recipe = dataclasses.replace(recipe, model=net, augmentation=rows)
    runs.train(shared.adapted(recipe, args), out, shared.options_of(args, resume=True))
    return runs.history(out / "history.csv")


def draw(path: pathlib.Path, logs: dict[str, dict[str, list[float]]]) -> None:
    """Draws the errors over epochs, plain nets beside residual nets."""
    from kerasnets.runs.figures import Panel, draw_panels

    def errors(nets, name):
        return {net: [100 * (1 - v) for v in logs[net][name]] for net in nets}

    panels = [
        Panel(title, "error, %", errors(nets, "val_accuracy"), errors(nets, "accuracy"))
        for title, nets in PANELS.items()
    ]
    draw_panels(path, panels)


if __name__ == "__main__":
    shared.run(main)
