"""Design choices of the lectures, one at a time: small nets that differ in one thing are trained alike.

    python recipes/principles.py
    python recipes/principles.py depth kernels --runs 3
    python recipes/principles.py all --data fashion_mnist --data-dir FOLDER

Without names it lists the experiments. Each is a table of nets, most with a budget of parameters: the width
of a net is then the largest that the budget allows. The nets learn from some of the training images and are
watched on others; the test images are counted once, at the end. The folder of an experiment gets its picture,
results.json, conclusion.txt and the nets. What a conclusion says follows from the means and deviations of
the runs, beside the figures of papers and lectures in printed.py.

Hasanpour et al. 2018, arXiv:1802.06205 (SimpNet); Krizhevsky et al. 2012 (AlexNet); Szegedy et al. 2016,
arXiv:1512.00567; Ioffe and Szegedy 2015, arXiv:1502.03167; He et al. 2016, arXiv:1512.03385; Huang et al.
2016, arXiv:1603.09382.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import experiments
import shared
from kerasnets import files
from kerasnets.checks import nearest
from printed import PRINTED

EPOCHS = {"digits": 10, "mnist": 5, "fashion_mnist": 5, "cifar10": 60, "cifar100": 60}
IMAGES = {"digits": 1000, "mnist": 10_000, "fashion_mnist": 10_000, "cifar10": 45_000, "cifar100": 45_000}
WATCHED = 1000  # at most as many other training images are watched
BATCH = 32
TINY = 100  # images of a tiny run
COLOR_SIZE, COLOR_SHARE = 32, 10  # least side of color images in pixels; factor of the budgets for them


class Net(NamedTuple):
    """A net of an experiment.

    Attributes:
        name: Its name in the tables.
        build: Name of a net of the package, or a function of this file that builds one.
        options: Options of the builder.
        group: Name of the nets that it is compared with.
        share: Fraction of the experiment's budget that it may have.
        rate: Factor of the experiment's learning rate.
        images: Factor of the experiment's number of images to train on.
    """

    name: str
    build: str | Callable
    options: Mapping[str, Any]
    group: str = ""
    share: float = 1.0
    rate: float = 1.0
    images: float = 1.0


class Principle(NamedTuple):
    """An experiment.

    Attributes:
        title: What is compared.
        nets: The nets, in the order of the tables.
        measures: The measures that are compared; a higher one is better but for those in `LOWER`.
        params: The budget of parameters for gray images, or None for nets as they are.
        size: Side of the images in pixels.
        images: Factor of the number of images to train on.
        epochs: Factor of the number of epochs.
        rate: Learning rate.
        momentum: Momentum of SGD; None for Adam.
        after: Function of the measures by net, the curves by net and the steps of an epoch, all of one run,
            which adds measures; or None.
        curve: Title of the picture of the curves over epochs, instead of that of the measure; or None.
    """

    title: str
    nets: tuple[Net, ...]
    measures: tuple[str, ...] = ("test",)
    params: int | None = 30_000
    size: int = 14
    images: float = 1.0
    epochs: float = 1.0
    rate: float = 3e-3
    momentum: float | None = None
    after: Callable | None = None
    curve: str | None = None


MEASURES = {
    "test": "test accuracy, %",
    "gap": "training less test accuracy, %",
    "epochs": "epochs to a training error of 25 %",
    "steps": "steps to the accuracy without normalization",
}
LOWER = ("gap", "epochs", "steps")
UNLIKE, BUT = "unlike in print", "but in print"  # ways to say that another net is best in print


def simpnet(depths=(5, 5, 3), kernels=(3, 3, 3), filters=(40, 50, 70), dropout=0.0, **options):
    """Options of a SimpNet: for each group its number of convolutions, their kernel size and filters.

    Where dropout is not what is compared, there is none: with the papers' rate of 0.2 after every layer, nets
    as narrow as these learn nothing in 10 epochs.
    """
    rows = list(zip(depths, kernels, filters, strict=True))
    return {
        "kernels": tuple((kernel,) * depth for depth, kernel, _ in rows),
        "filters": tuple(n for depth, _, n in rows for _ in range(depth)),
        "dropout": dropout,
        **options,
    }


def factorized(form: Sequence[Any], act: str | None, filters: Sequence[int], shape, classes: int) -> Any:
    """A net whose 5x5 convolutions are replaced by smaller ones, with an activation between them.

    Source: Szegedy et al. 2016, section 3.1 and figures 1 and 3.

    Args:
        form: Kernel sizes of what is in the place of a 5x5 convolution.
        act: Activation after all of these but the last one, after which it is ReLU; None for none.
        filters: Numbers of filters: of the first convolution, and of those in each place.
        shape: Shape of the images.
        classes: Number of classes.
    """
    import keras

    from kerasnets.blocks.conv import conv_bn_act, max_pool

    x = inputs = keras.Input(shape, name="images")
    x = conv_bn_act(x, filters[0], 3, name="stem")
    for place, n in enumerate(filters[1:], start=1):
        for i, kernel in enumerate(form, start=1):
            x = conv_bn_act(x, n, kernel, act="relu" if i == len(form) else act, name=f"place{place}_{i}")
        if place + 1 < len(filters):
            x = max_pool(x, 2, 2, padding="valid", name=f"place{place}_pool")
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x), name="factorized")


def epochs_to_error(
    rows: dict[str, dict[str, float]], curves: Mapping[str, Sequence[float]], steps: int
) -> None:
    """Adds the epochs until the training error is 25 %, between two epochs by a straight line."""
    for name, values in curves.items():
        rows[name]["epochs"], rows[name]["reached"] = crossing([0.0, *values], 75.0)
    first = rows[next(iter(rows))]["epochs"]
    for row in rows.values():
        row["times"] = row["epochs"] / first


def steps_to_accuracy(
    rows: dict[str, dict[str, float]], curves: Mapping[str, Sequence[float]], steps: int
) -> None:
    """Adds the steps until the watched accuracy is the best one of the first net."""
    level = max(curves[next(iter(rows))])
    for name, values in curves.items():
        epochs = [i for i, value in enumerate(values, start=1) if value >= level]
        rows[name]["steps"] = steps * (epochs[0] if epochs else len(values))
        rows[name]["reached"] = float(bool(epochs))


def crossing(values: Sequence[float], level: float) -> tuple[float, float]:
    """Where values first reach a level, by straight lines between them, and 1; or the last place, and 0."""
    for i, (before, value) in enumerate(zip(values, values[1:], strict=False)):
        if value >= level:
            return i + (level - before) / (value - before), 1.0
    return float(len(values) - 1), 0.0


def gap(rows: dict[str, dict[str, float]], curves: Mapping[str, Sequence[float]], steps: int) -> None:
    """Adds by how much the accuracy on the training images exceeds that on the test images."""
    for row in rows.values():
        row["gap"] = row["training"] - row["test"]


ALEXNET = dict(filters=(16, 32, 48, 48, 32), hidden=(64, 64), dropout=0.0)
LENET = dict(filters=(16, 32, 64), connections=None, hidden=())
VGG11 = dict(filters=(16, 24, 32, 48, 48), hidden=(), dropout=0.0)
RESNET = dict(depth=20, alpha=0.5)
LINES, PLACES = ((1, 5), (5, 1)), (20, 40, 60)  # kernels and filters of the factorized nets
SQUEEZENET = dict(  # version 1.1's, of which `widened` changes the numbers of filters
    modules=(
        ("conv1", 64, 3),
        ("pool1",),
        ("fire2", 16, 64, 64),
        ("fire3", 16, 64, 64),
        ("pool3",),
        ("fire4", 32, 128, 128),
        ("fire5", 32, 128, 128),
        ("pool5",),
        ("fire6", 48, 192, 192),
        ("fire7", 48, 192, 192),
        ("fire8", 64, 256, 256),
        ("fire9", 64, 256, 256),
    )
)
# SqueezeNet has no batch normalization: with as few parameters and images as the others, it hardly learns.
SLOW = dict(share=4, rate=0.3, images=3)

EXPERIMENTS = {
    "depth": Principle(
        "8, 9, 10 and 13 layers with as many parameters",
        (
            Net("8 layers", "SimpNet", simpnet((3, 3, 2))),
            Net("9 layers", "SimpNet", simpnet((4, 3, 2))),
            Net("10 layers", "SimpNet", simpnet((4, 4, 2))),
            Net("13 layers", "SimpNet", simpnet((5, 5, 3))),
        ),
    ),
    "shallow": Principle(
        "a shallow net against deeper ones with fewer parameters",
        (
            Net("6 layers", "SimpNet", simpnet((2, 2, 2)), share=2.2),
            Net("10 layers", "SimpNet", simpnet((4, 4, 2)), share=1.14),
            Net("13 layers", "SimpNet", simpnet((5, 5, 3))),
        ),
    ),
    "width": Principle(
        "balanced width against a wide end",
        (
            Net("10 layers, balanced", "SimpNet", simpnet((4, 4, 2)), "10 layers"),
            Net("10 layers, wide end", "SimpNet", simpnet((4, 4, 2), filters=(20, 25, 140)), "10 layers"),
            Net("13 layers, balanced", "SimpNet", simpnet(), "13 layers"),
            Net("13 layers, wide end", "SimpNet", simpnet(filters=(20, 25, 140)), "13 layers"),
        ),
    ),
    "kernels": Principle(
        "kernels of one size everywhere",
        (
            Net("1x1", "SimpNet", simpnet(kernels=(1, 1, 1))),
            Net("2x2", "SimpNet", simpnet(kernels=(2, 2, 2))),
            Net("3x3", "SimpNet", simpnet()),
            Net("5x5", "SimpNet", simpnet(kernels=(5, 5, 5))),
            Net("7x7", "SimpNet", simpnet(kernels=(7, 7, 7))),
        ),
    ),
    "places": Principle(
        "small kernels in the first, the middle and the last group",
        (
            Net("early 1x1", "SimpNet", simpnet(kernels=(1, 3, 3)), "early"),
            Net("early 2x2", "SimpNet", simpnet(kernels=(2, 3, 3)), "early"),
            Net("middle 1x1", "SimpNet", simpnet(kernels=(3, 1, 3)), "middle"),
            Net("middle 2x2", "SimpNet", simpnet(kernels=(3, 2, 3)), "middle"),
            Net("end 1x1", "SimpNet", simpnet(kernels=(3, 3, 1)), "end"),
            Net("end 3x3", "SimpNet", simpnet(), "end"),
            Net("all 2x2", "SimpNet", simpnet((4, 4, 3), (2, 2, 2)), "all, 11 layers"),
            Net("all 3x3", "SimpNet", simpnet((4, 4, 3)), "all, 11 layers"),
        ),
    ),
    "pooling": Principle(
        "early, default and delayed pooling",
        (
            Net("after layer 3", "SimpNet", simpnet((3, 7, 3), filters=(50, 50, 50))),
            Net("after layer 5", "SimpNet", simpnet((5, 5, 3), filters=(50, 50, 50))),
            Net("after layer 7", "SimpNet", simpnet((7, 3, 3), filters=(50, 50, 50))),
        ),
    ),
    "strides": Principle(
        "max pooling against strided convolutions",
        (
            Net("SimpNet, max pooling", "SimpNet", simpnet(downsampling="pool"), "SimpNet"),
            Net("SimpNet, strides", "SimpNet", simpnet(downsampling="stride"), "SimpNet"),
            Net("ResNet, max pooling", "ResNet20", dict(RESNET, downsampling="pool"), "ResNet"),
            Net("ResNet, strides", "ResNet20", dict(RESNET, downsampling="stride"), "ResNet"),
        ),
    ),
    "saf": Principle(
        "dropout after pooling (SAF) against pooling without it",
        (
            Net("SimpNet, SAF-pooling", "SimpNet", simpnet(dropout=0.05, downsampling="saf"), "SimpNet"),
            Net("SimpNet, max pooling", "SimpNet", simpnet(dropout=0.05, downsampling="pool"), "SimpNet"),
            Net(
                "SqueezeNet, SAF-pooling",
                "SqueezeNet11",
                dict(SQUEEZENET, pool_dropout=0.05),
                "SqueezeNet",
                **SLOW,
            ),
            Net("SqueezeNet, max pooling", "SqueezeNet11", SQUEEZENET, "SqueezeNet", **SLOW),
        ),
        size=28,
    ),
    "relu": Principle(
        "ReLU against tanh, both with the rate that is fastest",
        (
            Net("ReLU", "LeNet5", dict(LENET, act="relu")),
            Net("tanh", "LeNet5", dict(LENET, act="tanh")),
        ),
        measures=("epochs",),
        params=None,
        size=32,
        images=0.25,
        epochs=2,
        rate=0.1,
        momentum=0.9,
        after=epochs_to_error,
        curve="training error, %",
    ),
    "removed": Principle(
        "AlexNet without one of its convolutions",
        (
            Net("whole", "AlexNet", ALEXNET),
            Net("without conv2", "AlexNet", dict(ALEXNET, removed=2)),
            Net("without conv3", "AlexNet", dict(ALEXNET, removed=3)),
            Net("without conv4", "AlexNet", dict(ALEXNET, removed=4)),
            Net("without conv5", "AlexNet", dict(ALEXNET, removed=5)),
        ),
        params=None,
        size=67,
        rate=1e-3,
    ),
    "overlap": Principle(
        "overlapping pooling against windows of 2x2",
        (
            Net("overlapping", "AlexNet", ALEXNET),
            Net("2x2", "AlexNet", dict(ALEXNET, window=2)),
        ),
        params=None,
        size=67,
        rate=1e-3,
        measures=("test", "gap"),
        after=gap,
    ),
    "dropout": Principle(
        "dropout after every layer, at the end and nowhere",
        (
            Net("everywhere", "SimpNet", simpnet(dropout=0.05)),
            Net("at the end", "SimpNet", simpnet(dropout=0.5, dropout_at="end")),
            Net("nowhere", "SimpNet", simpnet()),
        ),
        measures=("test", "gap"),
        after=gap,
    ),
    "factorized": Principle(
        "ReLU against nothing between the parts of a factorized 5x5 convolution",
        (
            Net("5x5", factorized, dict(form=(5,), act="relu", filters=PLACES), "3x3"),
            Net("two 3x3, ReLU", factorized, dict(form=(3, 3), act="relu", filters=PLACES), "3x3"),
            Net("two 3x3, linear", factorized, dict(form=(3, 3), act=None, filters=PLACES), "3x3"),
            Net("1x5 and 5x1, ReLU", factorized, dict(form=LINES, act="relu", filters=PLACES), "1x5 and 5x1"),
            Net("1x5 and 5x1, linear", factorized, dict(form=LINES, act=None, filters=PLACES), "1x5 and 5x1"),
        ),
    ),
    "batch_norm": Principle(
        "batch normalization and higher learning rates against none",
        (
            Net("none", "VGG11", VGG11),
            Net("normalized", "VGG11", dict(VGG11, batch_norm=True)),
            Net("rate x5", "VGG11", dict(VGG11, batch_norm=True), rate=5),
            Net("rate x30", "VGG11", dict(VGG11, batch_norm=True), rate=30),
        ),
        measures=("steps", "test"),
        params=None,
        size=32,
        rate=0.01,
        momentum=0.9,
        after=steps_to_accuracy,
        curve="accuracy on other training images, %",
    ),
    "shortcuts": Principle(
        "shortcuts of options A, B and C against none",
        (
            Net("none", "ResNet20", dict(RESNET, shortcut=None)),
            Net("A", "ResNet20", dict(RESNET, shortcut="pad")),
            Net("B", "ResNet20", dict(RESNET, shortcut="project")),
            Net("C", "ResNet20", dict(RESNET, shortcut="project_all")),
        ),
    ),
    "stochastic": Principle(
        "residual units that are dropped at random (stochastic depth)",
        (
            Net("all units", "ResNet20", RESNET),
            Net("dropped units", "ResNet20", dict(RESNET, survival=0.5)),
        ),
        measures=("test", "gap"),
        after=gap,
    ),
    "squeezenet": Principle(
        "SqueezeNet against a slim SimpNet with 300 / 768 of its parameters",
        (
            Net("SqueezeNet, default", "SqueezeNet11", SQUEEZENET, **SLOW),
            Net("SimpNet, slim", "SimpNet", simpnet(), share=1.56, images=3),
        ),
        size=28,
    ),
}


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = experiments.parser("Compare design choices, one at a time.", "principles/NAME", EPOCHS, BATCH)
    p.add_argument("names", nargs="*", metavar="NAME", help="experiments, or all; none lists them")
    shown = ", ".join(f"{dataset} {count:,}" for dataset, count in IMAGES.items())
    p.add_argument("--images", type=shared.whole(20), metavar="N", help=f"images to train on ({shown})")
    args = p.parse_args()
    known = ("all", *EXPERIMENTS)
    for name in args.names:
        if name not in known:
            p.error(f"NAME is one of {', '.join(known)}.{nearest(name, known)} Received: {name}")
    return args


def main() -> None:
    """Lists the experiments, or runs some of them one after another."""
    args = options()
    if not args.names:
        print("\n".join(f"{name:12}{this.title}" for name, this in EXPERIMENTS.items()))
        return
    args.images = args.images or (TINY if args.smoke else IMAGES[args.dataset])
    args.epochs = args.epochs or (1 if args.smoke else None)
    names = list(EXPERIMENTS) if "all" in args.names else list(dict.fromkeys(args.names))
    for name in names:
        own = argparse.Namespace(**vars(args))
        own.experiment, own.name = name, f"principles/{name}"
        own.out = args.out and (args.out / name if len(names) > 1 else args.out)
        run(own)


def run(args: argparse.Namespace) -> None:
    """Runs an experiment, shows its table, and says what follows from it."""
    name = args.experiment
    print(f"{name}: {EXPERIMENTS[name].title}")
    wanted = {}

    def draw_all(out: pathlib.Path, folders: list[pathlib.Path]) -> str:
        wanted["out"] = out
        return draw(name, out, folders)

    found = experiments.main(
        args,
        ("experiment", "images"),
        functools.partial(experiment, name),
        functools.partial(table, name),
        draw_all,
    )
    text = conclusion(name, found)
    files.write_text(wanted["out"] / "conclusion.txt", text + "\n")
    print(text)


def experiment(name: str, nets: experiments.Nets) -> dict[str, dict[str, float]]:
    """Trains the nets of a run, and returns the measures of each."""
    import keras

    from kerasnets import runs

    this, args = EXPERIMENTS[name], nets.args
    epochs = max(1, round(this.epochs * args.epochs))
    rows, curves = {}, {}
    for net in this.nets:
        keras.backend.clear_session()
        train, watched, test = pictures(nets, this.size, this.images * net.images)
        build = builder(name, net, train[0].shape[1:], nets.classes)
        model = nets.trained(
            slug(net.name),
            build,
            train,
            0,
            epochs=epochs,
            validation=train if "epochs" in this.measures else watched,
            rate=this.rate * net.rate,
            momentum=this.momentum,
            eagerly=args.smoke,
        )
        history = runs.history(args.out / f"{slug(net.name)}.csv")
        curves[net.name] = [100 * v for v in history["val_accuracy"]]
        rows[net.name] = {
            "parameters": model.count_params(),
            **{
                kind: 100 * (1 - nets.errors(model, some) / len(some[1]))
                for kind, some in (("training", train), ("test", test))
            },
        }
    if this.after:
        this.after(rows, curves, -(-len(train[1]) // args.batch_size))
    return rows


def pictures(nets: experiments.Nets, size: int, share: float) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Images, resized, with labels: some training images, some others to watch, and those to test on.

    Args:
        nets: The data and the options of the run.
        size: Side of the images in pixels, at least `COLOR_SIZE` for color images.
        share: Factor of the number of images to train on.
    """
    from keras import ops

    size = max(size, COLOR_SIZE) if nets.shape[-1] > 1 else size
    order = np.random.default_rng(nets.args.seed).permutation(len(nets.train[1]))
    few = min(round(share * nets.args.images), len(order) * 5 // 6)
    parts = [tuple(a[some] for a in nets.train) for some in (order[:few], order[few:][:WATCHED])]

    def resized(images, labels):
        if images.shape[1:3] != (size, size):
            images = ops.convert_to_numpy(ops.image.resize(images, (size, size), antialias=True))
        return images, labels

    return tuple(resized(*part) for part in (*parts, nets.test))


def builder(name: str, net: Net, shape: Sequence[int], classes: int) -> Callable:
    """A function that builds a net of an experiment, as wide as its budget allows."""
    options = net.options
    if limit := budget(name, net, shape):
        options = widened(options, width(name, net.name, tuple(shape), classes, limit))
    return functools.partial(made, net, options, shape, classes)


def budget(name: str, net: Net, shape: Sequence[int]) -> int | None:
    """The number of parameters that a net may have, or None."""
    params = EXPERIMENTS[name].params
    return params and round(params * net.share * (COLOR_SHARE if shape[-1] > 1 else 1))


def made(net: Net, options: Mapping[str, Any], shape: Sequence[int], classes: int) -> Any:
    """Builds a net, with logits."""
    from kerasnets.runs import arrays

    if callable(net.build):
        return arrays.quick(net.build(**options, shape=shape, classes=classes))
    return arrays.build(net.build, input_shape=tuple(shape), classes=classes, **options)


@functools.cache
def width(name: str, net_name: str, shape: tuple[int, ...], classes: int, limit: int) -> int:
    """The largest width of a net, in percent of its table's, whose parameters are within a limit.

    Raises:
        ValueError: The narrowest net has more parameters.
    """
    from kerasnets.analysis import profile
    from kerasnets.graph import no_values
    from kerasnets.tuning import Budget, OverBudget

    net = next(net for net in EXPERIMENTS[name].nets if net.name == net_name)

    @functools.cache
    def cost(percent):
        with no_values():
            return profile(made(net, widened(net.options, percent), shape, classes))

    def fits(percent):
        try:
            Budget(params=limit).check(cost(percent))
        except OverBudget:
            return False
        return True

    # The parameters grow with about the square of the width.
    low = max(1, round(100 * (limit / cost(100).params) ** 0.5))
    step = max(1, low // 16)
    while low > 0 and not fits(low):
        low = max(0, low - step)
    while fits(low + step):
        low += step
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    if low == 0:
        raise ValueError(f"{name}: {net_name} has more than {limit:,} parameters, however narrow it is")
    return low


def widened(options: Mapping[str, Any], percent: int) -> dict[str, Any]:
    """The options of a net with the numbers of filters and hidden units in percent of what they are."""

    def some(count):
        return max(1, round(count * percent / 100))

    def module(row):  # the last column of a convolution is its kernel size
        name, *counts = row
        kept = counts[1:] if len(counts) == 2 else []
        return (name, *map(some, counts[: len(counts) - len(kept)]), *kept)

    change = {
        "filters": lambda counts: tuple(map(some, counts)),
        "hidden": lambda counts: tuple(map(some, counts)),
        "alpha": lambda alpha: alpha * percent / 100,
        "modules": lambda rows: tuple(map(module, rows)),
    }
    return {name: change[name](value) if name in change else value for name, value in options.items()}


def slug(name: str) -> str:
    """The name of a net as that of its file."""
    return name.replace(",", "").replace(" ", "_")


def table(name: str, args: argparse.Namespace, text: Callable[[str, str], str]) -> list[list[str]]:
    """The rows of the table of an experiment, beside the printed figures."""
    this = EXPERIMENTS[name]
    extra = [measure for measure in this.measures if measure != "test"]
    printed = [PRINTED[key] for key in keys(name) if key in PRINTED]
    rows = [
        [
            "net",
            "parameters",
            "training accuracy, %",
            "test accuracy, %",
            *(MEASURES[measure] for measure in extra),
            *(f"printed: {p.measure}" for p in printed),
        ]
    ]
    for net in this.nets:
        shown = [f"{p.rows[net.name]:g}" if net.name in p.rows else "" for p in printed]
        parameters = text(net.name, "parameters").split(" ")[0].removesuffix(".00")
        reached = float((text(net.name, "reached") or "1").split(" ")[0]) == 1
        found = [text(net.name, kind) for kind in ("training", "test")]
        found += [
            text(net.name, kind) if reached or kind == "gap" else f"not in {text(net.name, kind)}"
            for kind in extra
        ]
        rows.append([net.name, parameters, *found, *shown])
    return rows


def keys(name: str) -> list[str]:
    """The keys in `PRINTED` of the measures of an experiment: its name is that of the first."""
    first, *others = EXPERIMENTS[name].measures
    return [name, *(f"{name}, {measure}" for measure in others)]


def conclusion(name: str, found: Mapping[str, Mapping[str, Any]]) -> str:
    """What follows from the measures of an experiment, a line for each measure and group of nets.

    Args:
        name: Name of the experiment.
        found: For each "net: measure" its mean and deviation, as results.json has them.
    """
    lines = []
    for measure, key in zip(EXPERIMENTS[name].measures, keys(name), strict=True):
        for group in dict.fromkeys(net.group for net in EXPERIMENTS[name].nets):
            nets = [net.name for net in EXPERIMENTS[name].nets if net.group == group]
            values = {net: found[f"{net}: {measure}"] for net in nets}
            about = f"{MEASURES[measure]}{f' ({group})' if group else ''}"
            lines.append(f"{about}: {verdict(values, measure not in LOWER, PRINTED.get(key))}")
    return "\n".join(lines)


def verdict(values: Mapping[str, Mapping[str, Any]], higher: bool, printed: Any = None) -> str:
    """What follows from a measure of several nets: one is better than others, or no difference is known.

    Two nets differ if their means differ by more than the sum of their deviations.

    Args:
        values: For each net its "mean" and "deviation".
        higher: Whether a higher value is better.
        printed: The `Printed` figures, or None.
    """
    sign = 1 if higher else -1
    best, *others = sorted(values, key=lambda net: -sign * values[net]["mean"])
    single = any(value.get("deviation") is None for value in values.values())

    def behind(net):
        return sign * (values[best]["mean"] - values[net]["mean"])

    def differs(net):
        return behind(net) > values[best]["deviation"] + values[net]["deviation"]

    worse = others if single else [net for net in others if differs(net)]
    level = [net for net in others if net not in worse]
    shown = ", ".join(f'"{net}" by {behind(net):.2f}' for net in worse)
    if single:
        text = f'the best is "{best}", ahead of {shown}, in a single run; the deviation of seeds is not known'
    elif not worse:
        text = "no difference beyond the deviations of the seeds"
    else:
        text = f'the best is "{best}", ahead of {shown}, by more than the deviations of the seeds'
        names = ", ".join(f'"{net}"' for net in level)
        text += f"; no such difference from {names}" if level else ""
    rows = {net: value for net, value in printed.rows.items() if net in values} if printed else {}
    if len(rows) < 2:
        return text
    sign = 1 if printed.higher else -1
    first = max(rows, key=lambda net: sign * rows[net])
    if worse and first == best:
        return f"{text}; as printed"
    if worse and first in worse:
        return f'{text}; {UNLIKE}, where the best is "{first}"'
    return f'{text}; {BUT} the best is "{first}"'


def differs_from_print(text: str) -> bool:
    """Whether a conclusion has another net as best than what is printed, or none."""
    return UNLIKE in text or BUT in text


def draw(name: str, out: pathlib.Path, folders: Iterable[pathlib.Path]) -> str:
    """Draws the measures of all runs, or the curves; returns the name of the picture."""
    import figures
    from kerasnets import runs

    this, folders, path = EXPERIMENTS[name], list(folders), out / f"{name}.png"
    if this.curve:
        sign, zero = (-1, 100) if "error" in this.curve else (1, 0)
        logs = {
            net.name: [runs.history(folder / f"{slug(net.name)}.csv")["val_accuracy"] for folder in folders]
            for net in this.nets
        }
        panel = {net: [[zero + sign * 100 * v for v in run] for run in log] for net, log in logs.items()}
        levels = [("25 %", 25.0)] if "epochs" in this.measures else []
        figures.bands(path, {this.title: panel}, this.curve, levels)
        return path.name
    rows = [files.read_json(folder / "results.json")["nets"] for folder in folders]
    panels = {
        MEASURES[measure]: {net.name: [row[net.name][measure] for row in rows] for net in this.nets}
        for measure in this.measures
    }
    for key in keys(name):
        if key in PRINTED:
            panels[f"printed: {PRINTED[key].measure}"] = {
                net.name: [PRINTED[key].rows[net.name]] if net.name in PRINTED[key].rows else []
                for net in this.nets
            }
    groups = [net.group for net in this.nets]
    figures.dots(path, this.title, panels, [sorted(set(groups), key=groups.index).index(g) for g in groups])
    return path.name


if __name__ == "__main__":
    shared.run(main)
