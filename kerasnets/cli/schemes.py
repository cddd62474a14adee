"""The schemes of `kerasnets distill`: who learns from whom, and in which order.

Function matching: Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR
2022, arXiv:2106.05237. The student learns without labels for many epochs, and both nets see the same mixed
images. In the paper one number mixes a whole batch with the batch shifted by one image; here each image has a
random partner and a number of its own, uniform in [0, 1]. The paper adds the losses of several teachers. At
temperature 1 this is, but for a factor and a constant, the loss of one teacher that gives the arithmetic mean
of their probabilities.

Generations: Furlanello et al., "Born-Again Neural Networks", ICML 2018, arXiv:1805.04770. Each is a new net
of the same architecture, which learns from the one before, without labels unless --hard-weight is given.

Assistants: Mirzadeh et al., "Improved Knowledge Distillation via Teacher Assistant", AAAI 2020,
arXiv:1902.03393. Nets of decreasing size between the teacher and the student.

Mutual learning: Zhang et al., "Deep Mutual Learning", CVPR 2018, arXiv:1706.00384; see
`kerasnets.distillation.Mutual`.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from kerasnets.cli.options import Parser, is_file, number, whole

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe

# The temperature and weights of function matching and of born-again nets, which replace those of "kl".
PUBLISHED = dict(temperature=1.0, hard_weight=0.0, soft_weight=1.0)
MIXED = ("mixup", {"alpha": 1.0})
# Options that mutual learning does not take: those of a loss on a teacher's outputs, of trained teachers, and
# of chains of nets.
OF_LOSSES = ("temperature", "hard_weight", "soft_weight", "standardize", "warm_up", "hint")
OF_TEACHERS = ("stored", "teacher_weights", "teacher_shares", "teacher_mean", "student_weights")
CHAINS = ("assistants", "generations", "function_matching")


class Link(NamedTuple):
    """A net of a chain, each of which is distilled from the one before.

    Attributes:
        folder: The name of its folder.
        title: What it is called in tables.
        recipe: How it is trained.
        number: Which generation it is, from 1; 0 for a net that is none.
        seed: What is added to the seed of the run.
    """

    folder: str
    title: str
    recipe: Recipe
    number: int = 0
    seed: int = 0


def add_schemes(p: Parser) -> None:
    """Adds the options of the schemes."""
    g = p.add_argument_group("several teachers")
    text = "how much each teacher counts, such as 0.5 0.3 0.2 (all equally)"
    g.add_argument("--teacher-shares", nargs="+", type=number(above=0), metavar="SHARE", help=text)
    text = "the mean of the teachers' probabilities (geometric; arithmetic with --function-matching)"
    g.add_argument("--teacher-mean", choices=("geometric", "arithmetic"), help=text)
    g = p.add_argument_group("who learns from whom")
    text = (
        "learn from the teacher alone, without labels, at temperature 1, on mixed images (mixup) that both "
        "nets see; takes many --epochs"
    )
    g.add_argument("--function-matching", action="store_true", help=text)
    text = (
        "train K students, each taught by the one before, at temperature 1, without labels unless "
        "--hard-weight is given: born-again nets, if the teacher is of the same kind"
    )
    g.add_argument("--generations", type=whole(1), metavar="K", help=text)
    text = (
        "nets between teacher and student, the largest first, with options such as ResNet20:alpha=0.5; each "
        "is taught by the one before (none)"
    )
    g.add_argument("--assistants", nargs="+", default=[], metavar="NAME[:OPTION=VALUE]", help=text)
    text = (
        "train the --teacher, or several --teachers, together with the student, from random weights and each "
        "from the labels and the others: deep mutual learning"
    )
    g.add_argument("--mutual", action="store_true", help=text)


def check_schemes(options: argparse.Namespace) -> None:
    """Refuses schemes that do not fit the other options."""
    count = max(len(options.teacher), options.teachers, len(options.teacher_weights or ()))
    shares = options.teacher_shares
    if shares and (count < 2 or len(shares) != count):
        raise ValueError(
            f"--teacher-shares is a number for each of several teachers, here {count}. Received: {shares}"
        )
    if options.teacher_mean and count < 2 and not options.mutual:
        raise ValueError("--teacher-mean is for several teachers")
    if options.hint and (options.assistants or options.generations):
        raise ValueError("--hint names layers of one teacher and one student, so not with several students")
    if options.stored and options.function_matching:
        raise ValueError("--function-matching mixes images, so it needs a --teacher, not --stored")
    if not options.mutual:
        return
    given = {name for name, value in vars(options).items() if value not in ([], None) and value is not False}
    others = [name for name in (*OF_LOSSES, *OF_TEACHERS, *CHAINS) if name in given]
    others += ["method"] * (options.method != "kl")
    if others:
        raise ValueError(f"--mutual does not take --{others[0].replace('_', '-')}")
    if any(map(is_file, options.teacher)):
        raise ValueError("--mutual trains all nets from random weights: --teacher is then the name of a net")


def weights_of(options: argparse.Namespace) -> dict[str, float]:
    """The published temperature and weights of the scheme; none if those of the method hold."""
    own = options.function_matching or options.generations
    return dict(PUBLISHED) if own and options.method == "kl" else {}


def net_words(text: str) -> tuple[str, list[str]]:
    """The name and the pairs of options in a text such as ResNet20:alpha=0.5."""
    name, *pairs = text.split(":")
    return name, pairs


def chain(student: Recipe, assistants: list[Recipe], options: argparse.Namespace) -> list[Link]:
    """The nets that are distilled one after the other.

    Args:
        student: The recipe of the student.
        assistants: Those of the assistants.
        options: The parsed options.
    """
    links = [
        Link(f"assistant{i}", f"assistant {i}, {recipe.model}", recipe)
        for i, recipe in enumerate(assistants, start=1)
    ]
    if options.generations is None:
        links.append(Link("student", "distilled student", student))
    for k in range(1, (options.generations or 0) + 1):  # each from other random weights
        links.append(Link(f"generation{k}", f"generation {k}", student, number=k, seed=1000 * k))
    if options.function_matching:
        links = [link._replace(recipe=mixed(link.recipe)) for link in links]
    return links


def mixed(recipe: Recipe) -> Recipe:
    """A recipe whose images are mixed, as they are in function matching if it says nothing else."""
    from kerasnets.data.augment import MIXES

    if any(name in MIXES for name, _ in recipe.augmentation):
        return recipe
    return dataclasses.replace(recipe, augmentation=(*recipe.augmentation, MIXED))


def of_teachers(options: argparse.Namespace, count: int) -> dict[str, Any]:
    """How several teachers are averaged, as fields of `kerasnets.runs.Distillation`."""
    if count < 2:
        return {}
    own = "arithmetic" if options.function_matching else "geometric"
    shares = options.teacher_shares and tuple(options.teacher_shares)
    return {"shares": shares, "mean": options.teacher_mean or own}
