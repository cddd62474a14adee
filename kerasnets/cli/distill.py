"""`kerasnets distill`: a net, trained on the labels and on what teachers say of the same images."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any

from kerasnets import files
from kerasnets.cli.options import Parser, command, model_options, number, quiet, weights, whole
from kerasnets.cli.runs import (
    adapted,
    add_common,
    add_options,
    add_validation,
    config_file,
    options_of,
    read,
    repeat,
)
from kerasnets.tables import text_table

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "distill a net into another; options of the student may follow, such as --alpha 0.25"
    p = command(commands, "distill", run, text)
    recipe = "Python file that defines RECIPE, a kerasnets.training.Recipe"
    p.add_argument("--config", metavar="FILE.py", required=True, help=recipe)
    add_arguments(p)
    p.set_defaults(takes_options=True)


def add_arguments(p: Parser) -> None:
    """Adds the options of a distillation, all but its config."""
    own = "as in the config"
    add_common(p, own, own, "runs/distill/CONFIG-STUDENT-seedSEED")
    p.add_argument("--teacher", required=True, metavar="MODEL", help="net of the teacher")
    p.add_argument(
        "--teacher-options", nargs="+", default=[], metavar="NAME=VALUE", help="such as alpha=0.5 depth=40"
    )
    p.add_argument(
        "--teacher-weights",
        nargs="+",
        type=weights,
        metavar="FILE",
        help="for each teacher a weights file, the id of a checkpoint, or a dataset such as imagenet "
        "(trains the teachers first)",
    )
    count = "number of teachers to train (1)"
    p.add_argument("--teachers", type=whole(1), default=1, metavar="N", help=count)
    p.add_argument("--student", required=True, metavar="MODEL", help="net of the student")
    temperature = "softmax temperature (4)"
    p.add_argument("--temperature", type=number(above=0), default=4.0, metavar="T", help=temperature)
    weight = "weight of hard labels (0.1)"
    p.add_argument("--hard-weight", type=number(0, 1), default=0.1, metavar="WEIGHT", help=weight)
    p.add_argument(
        "--hint",
        nargs=2,
        action="append",
        metavar=("TEACHER_LAYER", "STUDENT_LAYER"),
        help="two layers; repeatable",
    )
    weight = "weight of each hint (1)"
    p.add_argument("--hint-weight", type=number(0), default=1.0, metavar="WEIGHT", help=weight)
    epochs = "epochs on hints only, before the others (0)"
    p.add_argument("--hint-epochs", type=whole(0), default=0, metavar="N", help=epochs)
    p.add_argument("--plain", action="store_true", help="also train the student on hard labels only")
    add_options(p)
    add_validation(p)


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets distill`."""
    return distill(config_file(options.config), options, rest)


def distill(path: pathlib.Path, options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """Trains teachers, the plain student and the distilled student, with --runs several times.

    Args:
        path: The path of a config.
        options: The parsed options of `add_arguments`.
        rest: The unknown arguments, which are options of the student.

    Returns:
        The content of results.json, and a text to print at the end.
    """
    if options.hint_epochs and not options.hint:
        raise ValueError("--hint-epochs needs --hint")
    with quiet():
        from kerasnets.runs.several import accuracies

        base = adapted(read(path), options)
        words = option_words(options.teacher_options)
        teacher = for_net(base, options.teacher, model_options(options.teacher, words))
        student = for_net(base, options.student, model_options(options.student, rest))
    return repeat(
        options,
        f"runs/distill/{path.stem}-{options.student}",
        lambda own: compare(teacher, student, own),
        lambda found: {f"{net}, {name}": r[name] for net, r in found.items() for name in accuracies(r)},
    )


def compare(teacher: Recipe, student: Recipe, options: argparse.Namespace) -> dict[str, Any]:
    """Trains the nets of a run, and prints and writes their results.

    Args:
        teacher: The recipe of the teachers.
        student: The recipe of the student.
        options: The parsed options of the run.

    Returns:
        For each net, the content of its results.json.
    """
    from kerasnets import runs

    out = options.out
    found, files_of = {}, list(options.teacher_weights or ())
    # A teacher that is trained here takes images in the student's scaling, so that one batch fits both.
    teacher = dataclasses.replace(teacher, scaling=None if files_of else student.scale.mode)
    if not files_of:
        for i in range(options.teachers):
            name = f"teacher{i + 1}"
            own = options_of(options, seed=options.seed + 1000 * i)
            found[name] = runs.train(teacher, out / name, own)
            files_of.append(out / name / found[name]["weights"])
    if options.plain:
        found["plain student"] = runs.train(student, out / "plain", options_of(options))
    distillation = runs.Distillation(
        teacher=teacher,
        files=tuple(map(str, files_of)),
        temperature=options.temperature,
        hard_weight=options.hard_weight,
        hints=tuple(map(tuple, options.hint or ())),
        hint_weight=options.hint_weight,
        hint_epochs=options.hint_epochs,
    )
    results = runs.train(student, out / "student", options_of(options), distillation)
    found["distilled student"] = results
    if "ensemble" in results:
        found["teachers together"] = results.pop("ensemble")
    rows = [[name, *(f"{100 * r[k]:.2f}%" for k in ("top1", "top5"))] for name, r in found.items()]
    files.write_json(out / "results.json", found)

    print(text_table(["net", "top-1", "top-5"], rows, left=1))
    return found


def option_words(pairs: list[str]) -> list[str]:
    """Turns pairs such as alpha=0.5 into command-line options, --alpha 0.5."""
    words = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise ValueError(f"--teacher-options are pairs such as alpha=0.5. Received: {pair}")
        words += [f"--{name}", value]
    return words


def for_net(base: Recipe, model: str, options: dict[str, Any]) -> Recipe:
    """A config's recipe for another net, on images of the same size."""
    classes = base.spec.classes if base.data == "generated" and base.classes is None else base.classes
    return dataclasses.replace(base, model=model, options=options, size=base.image_size, classes=classes)
