"""Compares the methods of distillation: a league table by one command.

    python recipes/methods.py --jobs 2
    python recipes/methods.py --jobs 2 --data digits fashion_mnist --data-dir FOLDER
    python recipes/methods.py --methods kl,dkd,attention --pairs resnet --runs 1 --epochs 5

Each method trains the same student with the same teacher, with the weights that its authors published, on the
same images, for as many epochs, with several seeds. "plain" is the student without a teacher. Then losses on
logits are combined with losses on maps, and the weights of the best methods are multiplied by other factors.
Both are chosen by the errors on images that are held out of the training images. On further datasets, only
the best methods are compared. Errors on the test images are counted once, for the table.

The folder has methods.png, results.json, report.html, and below it what `kerasnets.runs.league` describes. A
student that is trained is not trained again with --resume, so methods, pairs and seeds can be added later.
"""

from __future__ import annotations

import argparse
import math
import pathlib
import sys
from typing import TYPE_CHECKING, Any

import shared
from kerasnets import files

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.runs.league import League, Settings

EPOCHS, BATCH, RUNS = 40, 64, 3
FURTHER_EPOCHS = 15  # of datasets after the first, which have more images
TEACHER_EPOCHS = 30
BEST = 5  # methods with other weights, and on further datasets
PAIRS = ("resnet", "simpnet")
FURTHER = "from-simpnet"  # the pair of further datasets


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.parser(
        "Compare the methods of distillation.",
        epochs=f"{EPOCHS}, for further datasets {FURTHER_EPOCHS}",
        batch_size=str(BATCH),
        out="runs/methods",
        runs=RUNS,
    )
    datasets = ("digits", "mnist", "fashion_mnist")
    text = "datasets; all methods are compared on the first, the best ones on the others (digits)"
    p.add_argument("--data", choices=datasets, nargs="+", default=["digits"], help=text)
    p.add_argument("--data-dir", help="folder of IDX files or of TensorFlow Datasets")
    p.add_argument("--methods", type=words, metavar="A,B", help="methods, such as plain,kl,dkd+nst (all)")
    shown = ",".join(PAIRS)
    p.add_argument("--pairs", type=words, default=PAIRS, metavar="A,B", help=f"pairs of nets ({shown})")
    epochs = f"epochs of a teacher without published weights ({TEACHER_EPOCHS})"
    p.add_argument("--teacher-epochs", type=shared.whole(1), metavar="N", help=epochs)
    views = "views of each image: the image itself, and jittered copies (digits 5, others 1)"
    p.add_argument("--views", type=shared.whole(1), metavar="N", help=views)
    both = "combinations of a loss on logits and one on maps, for each pair of nets (2)"
    p.add_argument("--combined", type=shared.whole(0), default=2, metavar="N", help=both)
    tuned = f"number of the best methods of the first pair whose weights are chosen too ({BEST})"
    p.add_argument("--tuned", type=shared.whole(0), default=BEST, metavar="N", help=tuned)
    p.add_argument("--jobs", type=shared.whole(1), default=1, metavar="N", help="students at a time (1)")
    return p.parse_args()


def words(text: str) -> tuple[str, ...]:
    """An argparse type: names with commas between them."""
    return tuple(dict.fromkeys(text.split(",")))


def main() -> None:
    """Trains the students, draws and prints the tables."""
    args = options()
    with shared.quiet():
        from kerasnets.distillation.methods import METHODS
        from kerasnets.runs import league

        methods = args.methods or (league.PLAIN, *METHODS)
        league.check_methods(methods)
        league.check_pairs(args.pairs)
    out, seeds = args.out or pathlib.Path("runs/methods"), range(args.seed, args.seed + args.runs)
    first, *others = dict.fromkeys(args.data)
    # A dataset that is not there is found before the others are compared, for hours.
    further = {dataset: started(dataset, out, args, args.epochs or FURTHER_EPOCHS) for dataset in others}
    ours = started(first, out, args, args.epochs or EPOCHS)
    rows, best = compare(ours, methods, args.pairs, seeds, args.combined)
    best = [method for method in best if method != league.PLAIN]
    rows += tune(ours, best[: args.tuned], args.pairs[0], seeds)
    teachers = {first: {pair: ours.teacher_errors(pair) for pair in args.pairs}}
    for dataset, theirs in further.items():
        rows += compare(theirs, (league.PLAIN, *best[:BEST]), [FURTHER], seeds, 0)[0]
        teachers[dataset] = {FURTHER: theirs.teacher_errors(FURTHER)}
    write(out, rows, teachers)


def started(dataset: str, out: pathlib.Path, args: argparse.Namespace, epochs: int) -> League:
    """The league of a dataset, in a folder of its own."""
    from kerasnets.runs.league import League

    folder = None if dataset == "digits" else args.data_dir  # the digits come with a package
    place = dict(data_dir=folder, jobs=args.jobs, resume=args.resume)
    return League(settings_of(dataset, args, epochs), out / dataset, **place)


def settings_of(dataset: str, args: argparse.Namespace, epochs: int) -> Settings:
    """The settings of a command line for a dataset."""
    from kerasnets.runs.league import VIEWS, Settings

    return Settings(
        dataset=dataset,
        epochs=1 if args.smoke else epochs,
        teacher_epochs=1 if args.smoke else args.teacher_epochs or TEACHER_EPOCHS,
        batch_size=args.batch_size or BATCH,
        views=args.views or VIEWS.get(dataset, 1),
        smoke=args.smoke,
    )


def compare(
    league: League, methods: tuple[str, ...], pairs: list[str], seeds: range, combined: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """Trains the students of all methods and of the best combinations.

    Args:
        league: The league.
        methods: The methods.
        pairs: The pairs of nets.
        seeds: The seeds.
        combined: Number of combinations, for each pair of nets.

    Returns:
        The rows of the table, and all methods of the first pair, the best on the held-out images first.
    """
    from kerasnets.runs.league import combinations, least

    train(league, [task for pair in pairs for task in league.tasks(methods, pair, seeds)])
    rows, ranked = [], []
    for pair in pairs:
        found = league.validation(methods, pair, seeds)
        more = [name for name in combinations(found, combined) if name not in found]
        train(league, league.tasks(more, pair, seeds))
        found |= league.validation(more, pair, seeds)
        ranked = ranked or least(found, len(found))
        rows += [league.row(method, pair, seeds) for method in found]
    return rows, ranked


def tune(league: League, methods: list[str], pair: str, seeds: range) -> list[dict[str, Any]]:
    """Trains students of some methods with other weights; returns the rows of those that are better."""
    from kerasnets.runs.league import FACTORS

    if not methods:
        return []
    train(league, league.tasks(methods, pair, seeds, FACTORS))
    chosen = league.factors(methods, pair, seeds)
    return [league.row(m, pair, seeds, factor) for m, factor in chosen.items() if factor != 1]


def train(league: League, tasks: list) -> None:
    """Trains students; ends the recipe with status 1 if some failed."""
    failed = league.train(tasks)
    if failed:
        names = "; ".join(map(str, failed))
        print(
            f"{len(failed)} of {len(tasks)} students failed: {names}. The others are in {league.out}; the "
            "same command with --resume continues from here",
            file=sys.stderr,
        )
        sys.exit(1)


def write(out: pathlib.Path, rows: list[dict[str, Any]], teachers: dict[str, dict[str, Any]]) -> None:
    """Writes results.json, methods.png and report.html, and prints the tables."""
    import figures
    from kerasnets.runs import pages

    panels, parts = {}, []
    for dataset, found in teachers.items():
        for pair, errors in found.items():
            own = [row for row in rows if (row["dataset"], row["pair"]) == (dataset, pair)]
            title = f"{dataset}, {pair}"
            table = lines(own)
            panels[title] = ([(name_of(row), row["test"]) for row in own], errors["test"])
            about = f"The teacher has {errors['test']} errors on the test images."
            print(f"{title}. {about}")
            shared.show(table)
            parts += [pages.Heading(title), about, table]
    files.write_json(out / "results.json", {"teachers": teachers, "rows": rows})
    figures.league(out / "methods.png", panels, "errors on the test images")
    caption = (
        "Mean and deviation of the errors on the test images; dotted the plain student, dashed the teacher."
    )
    picture = pages.Figure("Errors", out / "methods.png", caption)
    files.write_text(out / "report.html", pages.page("Methods of distillation", [*parts, picture]))
    print(f"In {out}: methods.png, results.json, report.html and a folder for each dataset")


def lines(rows: list[dict[str, Any]]) -> list[list[str]]:
    """The table of a pair of nets, with the fewest errors first."""
    plain = next((row for row in rows if row["method"] == "plain"), None)
    table = [["method", "test errors", "each seed", "held out", "s an epoch", "ratio to plain"]]
    for row in sorted(rows, key=lambda row: row["test"]["mean"]):
        seconds, base = (
            one["seconds"]["mean"] if one and one["seconds"] else math.nan for one in (row, plain)
        )
        each = " ".join(map(str, row["test"]["values"]))
        held_out = f"{row['held_out']['mean']:.1f}"
        table.append(
            [name_of(row), shown(row["test"]), each, held_out, digits(seconds), digits(seconds / base)]
        )
    return table


def digits(value: float) -> str:
    """A number with two digits; "-" for NaN."""
    return "-" if math.isnan(value) else f"{value:.2f}"


def name_of(row: dict[str, Any]) -> str:
    """A method, and the factor of its weights if these are not the published ones."""
    return row["method"] + (f" x {row['factor']:g}" if row["factor"] != 1 else "")


def shown(numbers: dict[str, Any]) -> str:
    """Mean and deviation as text."""
    more = "" if numbers["deviation"] is None else f" ± {numbers['deviation']:.1f}"
    return f"{numbers['mean']:.1f}{more}"


if __name__ == "__main__":
    shared.run(main)
