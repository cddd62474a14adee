"""`kerasnets distill`: a net, trained on the labels and on what teachers say of the same images."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any, NamedTuple

from kerasnets import files
from kerasnets.cli.options import (
    Parser,
    command,
    folder,
    is_file,
    model_options,
    net_or_file,
    number,
    quiet,
    weights,
    whole,
)
from kerasnets.cli.runs import (
    adapted,
    add_common,
    add_options,
    add_validation,
    config_file,
    data_name,
    options_of,
    read,
    repeat,
)
from kerasnets.cli.schemes import add_schemes, chain, check_schemes, net_words, of_teachers, weights_of
from kerasnets.tables import text_table

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe

SMOKE_EPOCHS = 2
METHOD = (
    "losses by name, such as dkd,attention. At most one on logits: kl, standardized, dkd, dist, nkd or "
    "squared; any on maps: fitnet, attention, similarity, relation, nst, pkt. Each has the temperature and "
    "the weights that its authors published, unless other options change them (kl)"
)


class Nets(NamedTuple):
    """The recipes of the nets of a run.

    Attributes:
        teacher: The recipe of the teachers; None for files, which say all that is needed.
        assistants: The recipes of the assistants, the largest first.
        student: The recipe of the student.
    """

    teacher: Recipe | None
    assistants: list[Recipe]
    student: Recipe


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "distill a net into another; options of the student may follow, such as --alpha 0.25"
    p = command(commands, "distill", run, text)
    recipe = "Python file that defines RECIPE, a kerasnets.training.Recipe (what the teacher's file says)"
    p.add_argument("--config", metavar="FILE.py", help=recipe)
    add_arguments(p)
    p.set_defaults(takes_options=True)


def add_arguments(p: Parser) -> None:
    """Adds the options of a distillation except --config."""
    own = "as in the config, or the teacher's"
    epochs = "as in the config; without one 60, or 30 from trained weights"
    add_common(p, epochs, own, "runs/distill/CONFIG-STUDENT-seedSEED, or DATA-STUDENT-seedSEED")
    teacher = "files of trained nets, such as best.keras of a run; or the name of a net to train first"
    add_teacher(p, teacher, "trains the teachers first")
    stored = "folder of teachers' logits that recipes/label.py wrote, instead of --teacher"
    p.add_argument("--stored", type=folder, metavar="FOLDER", help=stored)
    count = "number of teachers to train (1)"
    p.add_argument("--teachers", type=whole(1), default=1, metavar="N", help=count)
    p.add_argument("--student", required=True, metavar="NAME", help="net of the student")
    start = "what the student starts from: imagenet, the id of a checkpoint, or a file (random weights)"
    p.add_argument("--student-weights", type=weights, metavar="ID", help=start)
    side = "side of the student's images (as in the config, or the teacher's)"
    p.add_argument("--size", type=whole(1), metavar="PIXELS", help=side)
    p.add_argument("--method", default="kl", metavar="NAME[,NAME]", help=METHOD)
    own = "that of the method"
    temperature = f"temperature of the softmax ({own}; for kl 4)"
    p.add_argument("--temperature", type=number(above=0), metavar="T", help=temperature)
    weight = f"weight of the labels ({own}; for kl 0.1)"
    p.add_argument("--hard-weight", type=number(0, 1), metavar="WEIGHT", help=weight)
    weight = f"weight of the loss on logits ({own}; for kl 1 - --hard-weight)"
    p.add_argument("--soft-weight", type=number(0), metavar="WEIGHT", help=weight)
    text = "standardize the logits of each image before the loss (as the method does; for kl no)"
    p.add_argument("--standardize", action="store_true", help=text)
    epochs = "epochs over which the weight of the loss on logits rises (those of the method; for kl 0)"
    p.add_argument("--warm-up", type=whole(0), metavar="N", help=epochs)
    p.add_argument(
        "--hint",
        nargs=2,
        action="append",
        metavar=("TEACHER_LAYER", "STUDENT_LAYER"),
        help="layers of both nets; the student's learns to give the teacher's maps (FitNets); repeatable",
    )
    weight = "weight of each --hint (1)"
    p.add_argument("--hint-weight", type=number(0), default=1.0, metavar="WEIGHT", help=weight)
    epochs = "epochs on hints or losses on maps only, before all others (0)"
    p.add_argument("--hint-epochs", type=whole(0), default=0, metavar="N", help=epochs)
    p.add_argument("--plain", action="store_true", help="also train the student on the labels only")
    add_options(p)
    add_validation(p, "that of the teacher, or none")
    add_schemes(p)


def add_teacher(p: Parser, text: str, default: str, required: bool = False) -> None:
    """Adds the options of teachers.

    Args:
        p: The parser.
        text: What a teacher may be, as shown in the help.
        default: What happens without weights of a teacher that is a net's name, as shown in the help.
        required: Whether there must be a teacher.
    """
    p.add_argument(
        "--teacher", required=required, nargs="+", type=net_or_file, metavar="FILE|NAME", help=text
    )
    p.add_argument(
        "--teacher-options",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="options of the teacher's net, such as alpha=0.5 depth=40 (none)",
    )
    p.add_argument(
        "--teacher-weights",
        nargs="+",
        type=weights,
        metavar="FILE",
        help="for each teacher of this name a weights file, the id of a checkpoint, or a dataset such as "
        f"imagenet ({default})",
    )


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets distill`."""
    known = options.stored or (options.teacher and is_file(options.teacher[0]))
    if options.config is None and not known:
        raise ValueError(
            "--config FILE.py is missing: it says how the teacher is trained. It is not needed where "
            "--teacher is the file of a trained net, such as best.keras of `kerasnets finetune`, or with "
            "--stored"
        )
    return distill(options.config and config_file(options.config), options, rest)


def distill(path: pathlib.Path | None, options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """Trains teachers, the plain student and the distilled student, with --runs several times.

    Args:
        path: The path of a config; None for the images and labels of the teacher's file or stored logits.
        options: The parsed options of `add_arguments`.
        rest: The unknown arguments, which are options of the student.

    Returns:
        The content of results.json, and a text to print at the end.
    """
    with quiet():
        from kerasnets.runs.several import accuracies

        check(options)
        options = argparse.Namespace(**vars(options), report=path is None)
        base = adapted(read(path), options) if path else None

        def recipe_of(net: str, own: dict[str, Any], start: str | None = None) -> Recipe:
            """The recipe of a net that is distilled."""
            if base is None:
                return by_teacher(options, net, own, start)
            recipe = changed(for_net(base, net, own), size=options.size)
            return dataclasses.replace(recipe, weights=start, init=None) if start else recipe

        named = [net_words(text) for text in options.assistants]
        assistants = [(net, model_options(net, option_words(pairs))) for net, pairs in named]
        student = recipe_of(options.student, model_options(options.student, rest), options.student_weights)
        nets = Nets(
            teacher=base and teacher_of(base, options),
            assistants=[recipe_of(*assistant) for assistant in assistants],
            student=student,
        )
        place = path.stem if path else data_name(options.data_dir, student.data)
    return repeat(
        options,
        f"runs/distill/{place}-{options.student}",
        lambda given: compare(nets, given),
        lambda found: {f"{net}, {name}": r[name] for net, r in found.items() for name in accuracies(r)},
    )


def check(options: argparse.Namespace) -> None:
    """Refuses options that contradict one another, and unknown methods."""
    options.teacher = options.teacher or []
    if bool(options.teacher) == bool(options.stored):
        raise ValueError("--teacher FILE|NAME or --stored FOLDER is needed, and not both")
    on_maps = loss_fields(options, epochs=1)["maps"]
    if options.stored and (on_maps or options.hint):
        raise ValueError("--hint, and --method with a loss on maps, need a --teacher, not --stored")
    if options.hint_epochs and not (options.hint or on_maps):
        raise ValueError("--hint-epochs needs --hint, or --method with a loss on maps")
    if on_maps and max(len(options.teacher), options.teachers, len(options.teacher_weights or ())) > 1:
        raise ValueError("--method with a loss on maps needs a single teacher, for its layers")
    check_teacher(options)
    check_schemes(options)


def check_teacher(options: argparse.Namespace) -> None:
    """Refuses options of teachers that contradict one another."""
    files_given = [is_file(net) for net in options.teacher]
    if not all(files_given) and len(files_given) > 1:
        raise ValueError("--teacher is the name of one net, or one or several files")
    if all(files_given) and (options.teacher_weights or options.teacher_options or options.teachers > 1):
        raise ValueError(
            "--teacher-weights, --teacher-options and --teachers are for a --teacher that is a net's name"
        )


def by_teacher(
    options: argparse.Namespace, net: str, own: dict[str, Any], start: str | None = None
) -> Recipe:
    """The recipe of a net that learns what its teacher's file or logits say; sets where the data is.

    Args:
        options: The parsed options.
        net: The name of the net.
        own: Its options.
        start: What it starts from; None for random weights.
    """
    from kerasnets import runs

    given = dict(data=options.data, size=options.size, options=own, validation=options.validation)
    recipe, options.data_dir = runs.student_of(
        options.stored or options.teacher[0],
        net,
        start,
        options.data_dir,
        **{name: value for name, value in given.items() if value},
    )
    if not options.smoke:
        return adapted(recipe, options)
    few = options.epochs or SMOKE_EPOCHS  # a tiny run has the data at hand
    recipe = dataclasses.replace(recipe, head_epochs=min(few, recipe.head_epochs))
    return adapted(recipe, argparse.Namespace(**{**vars(options), "smoke": False, "epochs": few}))


def teacher_of(base: Recipe, options: argparse.Namespace) -> Recipe | None:
    """The recipe of a teacher that is a net's name; None for files, which say all that is needed."""
    if options.stored or is_file(options.teacher[0]):
        return None
    name = options.teacher[0]
    return for_net(base, name, model_options(name, option_words(options.teacher_options)))


def changed(recipe: Recipe, **fields: Any) -> Recipe:
    """A recipe with other values of the fields that are given."""
    return dataclasses.replace(recipe, **{name: value for name, value in fields.items() if value is not None})


def compare(nets: Nets, options: argparse.Namespace) -> dict[str, Any]:
    """Trains the nets of a run, and prints and writes their results.

    Args:
        nets: The recipes of the nets.
        options: The parsed options of the run.

    Returns:
        For each net, the content of its results.json.
    """
    from kerasnets.runs.report import FIGURES
    from kerasnets.runs.several import accuracies

    found = trained_together(nets, options) if options.mutual else trained_in_turn(nets, options)
    figures = list(accuracies(list(found.values())[-1]))
    rows = [[name, *(f"{100 * r[figure]:.2f}%" for figure in figures)] for name, r in found.items()]
    files.write_json(options.out / "results.json", found)
    print(text_table(["net", *(FIGURES[figure] for figure in figures)], rows, left=1))
    return found


def trained_in_turn(nets: Nets, options: argparse.Namespace) -> dict[str, Any]:
    """Trains teachers, if they are no files, and the nets of the chain, each taught by the one before."""
    from kerasnets import runs
    from kerasnets.runs.distill import check_maps

    out, found, teacher, links = options.out, {}, nets.teacher, chain(nets.student, nets.assistants, options)
    maps = loss_fields(options, epochs=1)["maps"]
    check_maps(maps, teacher=teacher)
    for link in links:
        check_maps(maps, student=link.recipe)
    sources = options.teacher if teacher is None else list(options.teacher_weights or ())
    if not sources and not options.stored:
        # A teacher that is trained here takes images in the student's scaling, so that one batch fits both.
        teacher = dataclasses.replace(teacher, scaling=nets.student.scale.mode)
        for i in range(options.teachers):
            name = f"teacher{i + 1}"
            own = options_of(options, seed=options.seed + 1000 * i)
            found[name] = runs.train(teacher, out / name, own)
            sources.append(out / name / found[name]["weights"])
    elif teacher is not None:
        teacher = dataclasses.replace(teacher, scaling=None)
    if options.plain:
        found["plain student"] = runs.train(nets.student, out / "plain", options_of(options))
    earlier, stored = [], options.stored and str(options.stored)
    for link in links:
        distillation = runs.Distillation(
            teacher=teacher,
            files=tuple(map(str, sources)),
            stored=stored,
            earlier=tuple(map(str, earlier)),
            hint_epochs=options.hint_epochs,
            **of_teachers(options, len(sources)),
            **loss_fields(options, link.recipe.epochs),
        )
        own = options_of(options, seed=options.seed + link.seed)
        results = found[link.title] = runs.train(link.recipe, out / link.folder, own, distillation)
        if "ensemble" in results:
            found["teachers together"] = results.pop("ensemble")
        if "together" in results:
            found[f"generations 1 to {link.number} together"] = results.pop("together")
        teacher, stored, sources = None, None, [out / link.folder / results["weights"]]
        earlier += sources if link.number else []
    return found


def trained_together(nets: Nets, options: argparse.Namespace) -> dict[str, Any]:
    """Trains the student and its peers, which learn from one another."""
    from kerasnets import runs

    found, peer = {}, nets.teacher
    if options.plain:
        found["plain student"] = runs.train(nets.student, options.out / "plain", options_of(options))
    method = runs.MutualLearning(peers=((peer.model, peer.options),) * options.teachers)
    results = runs.train(nets.student, options.out / "mutual", options_of(options), method)
    found["student"] = results
    for i, of_peer in enumerate(results.pop("peers"), start=1):
        found[f"peer {i}, {peer.model}"] = of_peer
    found["all together"] = results.pop("ensemble")
    return found


def loss_fields(options: argparse.Namespace, epochs: int) -> dict[str, Any]:
    """The losses and weights of a command line, as fields of `kerasnets.runs.Distillation`.

    Args:
        options: The parsed options of `add_arguments`.
        epochs: Epochs of the student, of which the warm-up of a method is a share.
    """
    from kerasnets import runs
    from kerasnets.distillation import Hint

    found = {**runs.published(options.method.split(","), epochs), **weights_of(options)}
    if options.hard_weight is not None and options.method == "kl":
        found["soft_weight"] = None  # 1 - hard_weight
    names = ("temperature", "hard_weight", "soft_weight", "warm_up")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    standardize = found["standardize"] or options.standardize
    hints = tuple(Hint(*layers, weight=options.hint_weight) for layers in options.hint or ())
    return {**found, **given, "standardize": standardize, "hints": hints}


def option_words(pairs: list[str]) -> list[str]:
    """Turns pairs such as alpha=0.5 into command-line options, --alpha 0.5."""
    found = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise ValueError(
                f"--teacher-options and those of --assistants are pairs such as alpha=0.5. Received: {pair}"
            )
        found += [f"--{name}", value]
    return found


def for_net(base: Recipe, model: str, options: dict[str, Any]) -> Recipe:
    """A config's recipe for another net, on images of the same size."""
    classes = base.spec.classes if base.data == "generated" and base.classes is None else base.classes
    same = dict(size=base.image_size, classes=classes, init=base.init_for(model))
    return dataclasses.replace(base, model=model, options=options, **same)
