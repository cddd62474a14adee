"""Writes README's table of models from the registry.

    python recipes/models.py            builds every model once and writes the table
    python recipes/models.py --check    writes nothing; exit status 1 where README is not up to date

Either takes minutes. Papers come from the docstrings of kerasnets/applications, costs from analysis.profile.
"""

import argparse
import inspect
import pathlib
import sys

import shared

README = pathlib.Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- models: written by `python recipes/models.py` -->\n", "<!-- /models -->\n"
HEADER = ("model", "paper", "year", "input", "parameters", "multiply-adds", "weights")
ALIGNED = ("---", "---", "---", "---", "---:", "---:", "---")


def main():
    """Counts every model, and writes or checks the table."""
    p = argparse.ArgumentParser(description="Write README's table of models from the registry.")
    p.add_argument("--check", action="store_true", help="write nothing; exit status 1 if it is out of date")
    p.add_argument("--readme", type=pathlib.Path, default=README, help="file to write into (README.md)")
    args = p.parse_args()
    text = args.readme.read_text()
    rows(text)  # refuses a file without a place for the table before anything is built
    new = replace(text, count())
    if new == text:
        print(f"{args.readme} is up to date")
    elif args.check:
        stale = sorted(name for name, _ in set(rows(text).items()) ^ set(rows(new).items()))
        print(f"{args.readme} is out of date: {', '.join(dict.fromkeys(stale)) or 'its order'}")
        print("python recipes/models.py writes it anew")
        sys.exit(1)
    else:
        shared.write(args.readme, new)
        print(f"wrote {len(rows(new))} models into {args.readme}")


def count():
    """Cells of every model, oldest papers first; within a paper in natural order."""
    with shared.quiet():
        import rich.progress

        import kerasnets
        from kerasnets.analysis import profile
        from kerasnets.assembly.graph import no_values

    table = []
    for name in rich.progress.track(in_order(kerasnets.list_models()), "counting"):
        with no_values():
            table.append(cells(name, profile(kerasnets.build(name))))
    return table


def in_order(names):
    """Names sorted by year and file; those of a file stay in the order they have."""
    from kerasnets.assembly.citations import citation
    from kerasnets.assembly.registry import find

    return sorted(names, key=lambda name: (citation(name).year, find(name).spec.module))


def cells(name, counts):
    """The cells of a model, as Markdown.

    Args:
        name: Its name.
        counts: Its `kerasnets.analysis.Profile`.

    Returns:
        A tuple of texts, one for each title of `HEADER`.
    """
    costs = (f"{counts.trainable_params:,}", f"{counts.mult_adds:,}")
    first, last = known(name)
    return (*first, *costs, last)


def known(name):
    """The cells of a model that take no building: those before what it costs, and the one behind."""
    from kerasnets.assembly.citations import citation
    from kerasnets.assembly.registry import find

    spec, paper = find(name).spec, citation(name)
    options = {n: d for n, d in spec.options.items() if d is not inspect.Parameter.empty}
    words = "x".join(map(str, (*spec.grid(options), spec.channels)))
    first = (
        f"[{name}](kerasnets/applications/{spec.module}.py)",
        f"[{paper.short}]({paper.url})" if paper.url else paper.short,
        str(paper.year),
        words,
    )
    return first, "yes" if spec.imagenet else "no"


def replace(text, table):
    """`text` with this table, rows of cells, between its two marks."""
    before, _, after = split(text)
    lines = (f"| {' | '.join(row)} |\n" for row in (HEADER, ALIGNED, *table))
    return f"{before}{BEGIN}\n{''.join(lines)}\n{END}{after}"


def rows(text):
    """The cells of each model in the table of a text, by the model's name, in its order."""
    _, block, _ = split(text)
    lines = [line for line in block.splitlines() if line.startswith("| [")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return {row[0][1:].partition("]")[0]: row for row in cells}


def split(text):
    """What stands before the table's marks, between and behind them."""
    before, begin, rest = text.partition(BEGIN)
    block, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the table of models goes between the lines {BEGIN.strip()} and {END.strip()}")
    return before, block, after


if __name__ == "__main__":
    shared.run(main)
