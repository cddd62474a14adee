"""Trains a net as its paper did.

    python recipes/train.py resnet20_cifar10
    python recipes/train.py vgg16_imagenet --data-dir FOLDER --replicas 4 --precision mixed_bfloat16

CONFIG is the name of a file in recipes/configs, or the path of a Python file, that holds a
`kerasnets.training.Recipe` as RECIPE. The folder of the run gets config.json; history.csv and curves.png, the
logs of each epoch; tensorboard, the same for TensorBoard; best.weights.h5, the net of the epoch with the
highest test accuracy; last.weights.h5, the state of the run; and results.json. A run that was stopped, in
whatever way, goes on with --resume, and ends with the weights that it would have had.
"""

import dataclasses
import pathlib
import runpy

import shared

CONFIGS = pathlib.Path(__file__).parent / "configs"
SMOKE_STEPS = 2  # of an epoch of a tiny run


def options():
    """The command line."""
    of_paper = "the paper's"
    p = shared.parser(
        "Train a net as its paper did.",
        epochs=f"{of_paper}; the schedule is stretched with them",
        batch_size=of_paper,
        out="runs/train/CONFIG-seedSEED",
    )
    p.add_argument("config", nargs="?", metavar="CONFIG", help="in recipes/configs, or a path; none: a list")
    add_options(p)
    hosts = "machines that share each batch, with KERAS_BACKEND=jax (1)"
    p.add_argument("--hosts", type=shared.whole(1), default=1, help=hosts)
    index = "number of this one of them, from 0, which alone writes files (0)"
    p.add_argument("--host-index", type=shared.whole(0), default=0, metavar="INDEX", help=index)
    p.add_argument("--coordinator", metavar="HOST:PORT", help="where they meet: host 0 and a free port")
    return p.parse_args()


def add_options(p):
    """Adds the options of every recipe that trains by a config."""
    p.add_argument("--data", metavar="NAME", help="another dataset than the paper's, such as digits")
    p.add_argument("--data-dir", help="folder of TensorFlow Datasets, or of a folder for each class")
    p.add_argument("--strict", action="store_true", help="refuse a corrupt image instead of skipping it")
    seconds = "seconds between two savings of the state; 0 saves after every step (60)"
    p.add_argument("--save-every", type=shared.number(0), default=60.0, metavar="SECONDS", help=seconds)
    p.add_argument("--replicas", type=shared.whole(1), help="GPUs of a machine, or parts of its CPU (1)")
    precision = "float32, mixed_bfloat16, or mixed_float16, which scales the loss (float32)"
    p.add_argument("--precision", help=precision)


def main():
    """Trains the net of a config."""
    args = options()
    if args.config is None:
        print("\n".join(names()))
        return
    with shared.quiet():
        from kerasnets import runs

        path = find(args.config)
        recipe = adapted(read(path), args)
    out = args.out or pathlib.Path("runs/train") / f"{path.stem}-seed{args.seed}"
    runs.train(recipe, out, options_of(args))


def names():
    """Names of the configs."""
    return sorted(p.stem for p in CONFIGS.glob("*.py"))


def find(config):
    """The file of a config, by its name or path."""
    from kerasnets.checks import nearest

    path = pathlib.Path(config) if config.endswith(".py") else CONFIGS / f"{config}.py"
    if not path.is_file():
        raise ValueError(
            f"`config` is a path that exists, or one of {', '.join(names())}."
            f"{nearest(config, names())} Received: config={config!r}"
        )
    return path


def read(path):
    """The recipe of a config."""
    from kerasnets.training import Recipe

    recipe = runpy.run_path(str(path)).get("RECIPE")
    if not isinstance(recipe, Recipe):
        raise ValueError(f"a config holds a kerasnets.training.Recipe as RECIPE. Received: {path}")
    return recipe


def adapted(recipe, args):
    """The recipe with what the command line changes."""
    from kerasnets import runs

    if args.smoke:
        recipe = runs.tiny(recipe, (args.replicas or recipe.replicas) * getattr(args, "hosts", 1))
    recipe = recipe.for_epochs(args.epochs) if args.epochs else recipe
    changes = dict(data=args.data, batch=args.batch_size, precision=args.precision, replicas=args.replicas)
    return dataclasses.replace(recipe, **{k: v for k, v in changes.items() if v is not None})


def options_of(args, **changes):
    """The kerasnets.runs.Options of a command line."""
    from kerasnets import runs

    steps = SMOKE_STEPS if args.smoke else None
    return runs.Options(**{**shared.fields(runs.Options, args), "steps": steps, **changes})


if __name__ == "__main__":
    shared.run(main)
