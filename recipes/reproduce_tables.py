"""Recomputes the tables of papers and lectures, and compares them with the printed figures.

    python recipes/reproduce_tables.py                             all tables
    python recipes/reproduce_tables.py vgg16-listing googlenet     some tables; --list prints all names
    python recipes/reproduce_tables.py --out tables.csv            also writes the figures, as .csv or .md
    python recipes/reproduce_tables.py --check                     compares them with recipes/tables.md
    python recipes/reproduce_tables.py --out recipes/tables.md     updates this file

The printed figures are in `recipes/tables.py`. Ours are counted by `kerasnets.analysis.profile`. All tables
take some minutes, since each net has to be built. A printed figure is expected to be exact, rounded or
truncated to its digits, or to differ for a reason that its note gives. The exit status is 1 if a figure is
not as expected, or if `--check` finds the file out of date.
"""

import argparse
import csv
import dataclasses
import fnmatch
import functools
import io
import math
import pathlib
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import shared
import tables
from kerasnets import files

REPORT = pathlib.Path(__file__).with_name("tables.md")
SMOKE = ("mobilenet-body", "small-kernels-savings")
HEADER = ("row", "figure", "printed", "ours", "agreement", "source", "note")
ALIGNED = ("---", "---", "---:", "---:", "---", "---", "---")


@dataclasses.dataclass(frozen=True)
class Figure:
    """A printed figure and ours.

    Attributes:
        row: Label of its row.
        column: Its column.
        printed: The printed text.
        ours: Our figure: a Fraction, or text.
        kind: How the printed figure is expected to agree; see `tables.Column`.
        digits: See `tables.Column`.
        source: Where it is printed.
        note: Why it differs, or "".
    """

    row: str
    column: tables.Column
    printed: str
    ours: Fraction | str
    kind: str
    digits: int | None
    source: str
    note: str

    @functools.cached_property
    def fits(self) -> tuple[str, ...]:
        """The kinds among "exact", "rounded" and "truncated" in which ours agrees with the printed figure."""
        if isinstance(self.ours, str):
            return ("exact",) if without_grid(self.ours) == without_grid(self.printed) else ()
        over, _, step = self.distance
        ways = {"exact": over == 0, "rounded": abs(over) <= step / 2, "truncated": 0 <= over < step}
        return tuple(kind for kind, fits in ways.items() if fits)

    @property
    def distance(self) -> tuple[Fraction, Fraction, Fraction]:
        """How much ours exceeds the printed number, that number, and the value of 1 in its last digit."""
        value, step = number(self.printed, self.column.kilo, self.digits)
        return self.ours / self.column.unit - value, value, step

    @property
    def holds(self) -> bool:
        """Whether the figure is as expected."""
        return not self.fits if self.kind == "differs" else self.kind in self.fits

    @property
    def agreement(self) -> str:
        """How ours agrees with the printed figure, or how far it is off, such as "1.5% more"."""
        if self.fits:
            return "equal" if "exact" in self.fits else self.kind if self.kind in self.fits else self.fits[0]
        if isinstance(self.ours, str):
            return "no"
        over, value, _ = self.distance
        return f"{float(abs(over) / value):.2%} {'more' if over > 0 else 'less'}"

    @property
    def ours_text(self) -> str:
        """Our figure as text."""
        if isinstance(self.ours, str):
            return self.ours
        if self.printed.endswith("%"):
            return f"{100 * float(self.ours):.4g}%"
        if "/" in self.printed:
            return str(self.ours)
        return f"{int(self.ours):,}" if self.ours.denominator == 1 else f"{float(self.ours):.4g}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of the columns of `HEADER`."""
        return (
            self.row,
            self.column.title,
            self.printed,
            self.ours_text,
            self.agreement,
            self.source,
            self.note,
        )


def main() -> None:
    """Recomputes the tables that the command line names, and prints, writes or checks them."""
    p = shared.Parser(description="Recompute the tables of papers and lectures.")
    p.add_argument("tables", nargs="*", type=known, metavar="TABLE", help="names of tables (all)")
    p.add_argument("--list", action="store_true", help="only print the names of all tables")
    p.add_argument("--out", type=report, metavar="FILE", help="write the figures to a .md or .csv file")
    p.add_argument("--check", action="store_true", help=f"exit with status 1 if {REPORT.name} is out of date")
    p.add_argument("--smoke", action="store_true", help=f"only {' and '.join(SMOKE)}, as a test")
    args = p.parse_args()
    if args.smoke and args.tables:
        p.error("--smoke chooses its own tables; do not name any")
    if args.list:
        for name, table in tables.TABLES.items():
            print(f"{name:24}{table.title}")
        return
    names = SMOKE if args.smoke else list(dict.fromkeys(args.tables)) or list(tables.TABLES)
    before = REPORT.read_text(encoding="utf-8") if args.check else ""
    figures = recompute(names)
    for name in names:
        show(name, figures[name])
    wrong = [(name, f) for name in names for f in figures[name] if not f.holds]
    total = sum(map(len, figures.values()))
    print(f"{total - len(wrong)} of {total} figures are as expected")
    for name, f in wrong:
        print(f"{name}, {f.row}, {f.column.title}: {f.kind} {f.printed}, ours {f.ours_text}: {f.agreement}")
    if args.out:
        files.write_text(args.out, (as_csv if args.out.suffix == ".csv" else as_markdown)(figures))
        print(f"wrote {args.out}")
    stale = out_of_date(before, figures) if args.check else []
    if stale:
        print(f"{REPORT} is out of date: {', '.join(stale)}")
        print("to update it: python recipes/reproduce_tables.py --out recipes/tables.md")
    elif args.check:
        print(f"{REPORT} is up to date")
    sys.exit(1 if wrong or stale else 0)


def known(name: str) -> str:
    """An argparse type: the name of a table."""
    if name not in tables.TABLES:
        with shared.quiet():
            from kerasnets.checks import nearest

        message = f"one of the names that --list prints.{nearest(name, tables.TABLES)} Received: {name}"
        raise argparse.ArgumentTypeError(message)
    return name


def report(text: str) -> pathlib.Path:
    """An argparse type: a Markdown or CSV file in a folder that exists."""
    path = pathlib.Path(text)
    if path.suffix not in (".md", ".csv") or path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"a .md or .csv file in a folder that exists. Received: {text}")
    return path


def out_of_date(text: str, figures: dict[str, list[Figure]]) -> list[str]:
    """Names of the tables that differ from those in a Markdown text; "its head" if only that differs."""
    stale = [name for name, group in figures.items() if section(name, group) not in text]
    whole = list(figures) == list(tables.TABLES)
    return stale or (["its head"] if whole and text != as_markdown(figures) else [])


def recompute(names: Sequence[str]) -> dict[str, list[Figure]]:
    """Recomputes tables.

    Args:
        names: Names of the tables.

    Returns:
        For each name, the figures of the table.
    """
    things = [thing for name in names for *_, things in rows(name) for thing in things]
    nets = layers_of(dict.fromkeys(net for net, *_ in things))
    return {name: list(figures_of(name, nets)) for name in names}


def rows(name: str) -> Iterator[tuple]:
    """Yields the source, label, cells and counted things of each row of a table."""
    for source, group in tables.TABLES[name].rows.items():
        for label, of, *cells in group:
            yield source, label, cells, of if isinstance(of[0], tuple) else (of,)


def printed(name: str) -> Iterator[tuple]:
    """Yields source, label, counted things, column, cell, kind, note and digits of each cell of a table."""
    table = tables.TABLES[name]
    for source, label, cells, things in rows(name):
        for column, cell in zip(table.columns, cells, strict=False):
            if cell is not None:
                own = table.notes.get((label, column.title), (column.kind, ""))
                yield source, label, things, column, cell, *(*own, column.digits)[:3]


def figures_of(name: str, nets: dict[str, list[Any]]) -> Iterator[Figure]:
    """Recomputes a table.

    Args:
        name: Name of the table.
        nets: Layers of the nets by name, from `layers_of`.

    Yields:
        A `Figure` for each printed cell, in order.
    """
    for source, label, things, column, cell, kind, note, digits in printed(name):
        counts = [MEASURES[column.measure](select(nets[net], patterns)) for net, *patterns in things]
        ours = RATIOS[column.ratio](*map(Fraction, counts)) if column.ratio else counts[0]
        ours = ours if isinstance(ours, str) else Fraction(ours)
        yield Figure(label, column, cell, ours, kind, digits, source, note)


def layers_of(names: Iterable[str]) -> dict[str, list[Any]]:
    """Builds nets, one after another, and describes their layers.

    Args:
        names: Keys of `tables.NETS`, `STACKS` and `SEPARABLE`, or names of models.

    Returns:
        For each name, the layers of the net in topological order.
    """
    with shared.quiet():
        import rich.progress

        from kerasnets.graph import no_values

    nets = {}
    for name in rich.progress.track(names, "building"):
        with no_values():
            model = build(name)
            nets[name] = facts(model)
    return nets


def build(name: str) -> Any:
    """Builds a net by one of the names that `layers_of` takes."""
    import keras

    import kerasnets
    from kerasnets.blocks.branches import sequence
    from kerasnets.blocks.conv import conv, separable_bn_act

    for stacks, convolve in ((tables.STACKS, conv), (tables.SEPARABLE, separable_bn_act)):
        if name in stacks:
            shape, steps = stacks[name]
            images = keras.Input(shape, name="images")
            return keras.Model(images, sequence(images, steps, convolve, "layer"))
    model, options = tables.NETS.get(name, (name, {}))
    return kerasnets.build(model, **options)


def facts(model: Any) -> list[types.SimpleNamespace]:
    """For each layer or other operation of a net, the fields of its row in a profile, and further facts."""
    import kerasnets.analysis
    from kerasnets.graph import nodes

    calls, ends, found = nodes(model, inputs=True), {}, {}
    for call in calls:
        before = max((ends[id(x)] for x in call.input_tensors), default=0)
        after = before + len(kernels_of(call.operation))
        ends |= dict.fromkeys(map(id, call.output_tensors), after)
        found[call.operation.name] = call.operation, before, after
    year = year_of(model)
    return [described(row, *found[row.name], year) for row in kerasnets.analysis.profile(model).layers]


def kernels_of(operation: Any) -> list[tuple[int, ...]]:
    """The shapes of the kernels of a layer; none of another operation."""
    return [w.shape for w in getattr(operation, "weights", ()) if w.name.endswith("kernel")]


def year_of(model: Any) -> int | None:
    """The year of the paper of a net; None if it is not one of the package."""
    from kerasnets.assembly.catalogue import catalogue
    from kerasnets.weights import card_of

    builder = card_of(model).builder
    return catalogue()[builder]["citation"]["year"] if builder else None


def described(row: Any, layer: Any, before: int, after: int, year: int | None) -> types.SimpleNamespace:
    """The fields of a row of a profile, and further facts about its layer.

    Args:
        row: The row.
        layer: The layer or other operation.
        before: Number of kernels on the longest path from the input up to the layer. A separable convolution
            has two.
        after: The same with its own.
        year: Year of the paper of the net, or None.
    """
    x = layer.input
    kernels = kernels_of(layer)
    return types.SimpleNamespace(
        **dataclasses.asdict(row),
        input_shape=None if isinstance(x, list) else tuple(x.shape[1:]),
        filter=kernels[0] if kernels else None,
        weights=sum(map(math.prod, kernels)),
        padding=getattr(layer, "padding", None),
        before=before,
        after=after,
        year=year,
    )


def select(layers: list[Any], patterns: Sequence[str]) -> list[Any]:
    """The layers whose names match patterns, one pattern after another; without patterns, all layers."""
    chosen = [layer for p in patterns or ["*"] for layer in layers if fnmatch.fnmatchcase(layer.name, p)]
    if not chosen:
        raise ValueError(f"no layer is named {' or '.join(patterns)}")
    return chosen


def params(layers):
    """Number of trainable parameters."""
    return sum(layer.trainable_params for layer in layers)


def weights(layers):
    """Number of parameters in kernels."""
    return sum(layer.weights for layer in layers)


def per_square(layers):
    """Number of parameters in kernels, divided by the square of the number of output channels."""
    return Fraction(weights(layers), channels(layers) ** 2)


def terms(layers):
    """Numbers of parameters in each kernel, and their sum, as text."""
    counts = [layer.weights for layer in layers if layer.weights]
    return " + ".join(map(str, counts)) + (f" = {sum(counts)}" if len(counts) > 1 else "")


def mult_adds(layers):
    """Number of multiply-adds."""
    return sum(layer.mult_adds for layer in layers)


def operations(layers):
    """Number of multiplications and additions, counted separately."""
    return 2 * mult_adds(layers)


def additions(layers):
    """Number of additions that sum up products: for each output value, one less than its products."""
    return mult_adds(layers) - values([layer for layer in layers if layer.weights])


def values(layers):
    """Number of output values."""
    return sum(layer.activations for layer in layers)


def memory(layers):
    """Bytes of the output values."""
    return sum(layer.activation_bytes for layer in layers)


def weight_layers(layers):
    """Number of layers with kernels."""
    return sum(layer.weights > 0 for layer in layers)


def depth(layers):
    """Number of layers with weights on the longest path through the layers."""
    return max(layer.after for layer in layers) - min(layer.before for layer in layers)


def counted(layers):
    """Number of layers."""
    return len(layers)


def year(layers):
    """Year of the paper, as text."""
    return str(layers[0].year)


def image_size(layers):
    """Shape of the input of the net, as text."""
    return by(layers[0].output_shape)


def output(layers):
    """Shape of the output, as text."""
    return by(layers[-1].output_shape)


def grid(layers):
    """Sides of the output maps, as text."""
    return by(layers[-1].output_shape[:-1])


def side(layers):
    """Width of the output maps."""
    return layers[-1].output_shape[-2]


def channels(layers):
    """Number of output channels."""
    return layers[-1].output_shape[-1]


def input_size(layers):
    """Shape of the input, as text."""
    return by(layers[-1].input_shape)


def maps(layers):
    """Number of output channels of each convolution, as text."""
    return ", ".join(str(layer.output_shape[-1]) for layer in layers if layer.weights)


def filter_shape(layers):
    """Shape of the kernel, as text; that of a depthwise one without the last axis, which has length 1."""
    layer = layers[-1]
    depthwise = layer.type == "DepthwiseConv2D"
    return f"{by(layer.filter[:-1])} dw" if depthwise else by(layer.filter)


def stride(layers):
    """The stride, as text."""
    return f"s{layers[-1].strides[0]}"


def filters(layers):
    """What a layer is made of, in the words of the lectures."""
    layer = layers[-1]
    if layer.type == "Dense":
        return f"{channels([layer])} neurons"
    words = f"{by(layer.kernel)} filters at stride {layer.strides[0]}"
    if layer.type != "Conv2D":
        return words
    return f"{channels([layer])} {words}, pad {layer.kernel[0] // 2 if layer.padding == 'same' else 0}"


def kernels(layers):
    """Shape of the kernels with filters and channels first, of each group of channels, as text."""
    *sides, depth, filters = layers[-1].filter
    return by_groups(layers[-1], (filters, depth, *sides))


def channels_first(layers):
    """Shape of the output with channels first, of each group of channels, as text."""
    *sides, maps = layers[-1].output_shape
    return by_groups(layers[-1], (maps, *sides))


def by_groups(layer, shape):
    """A shape whose first number is that of filters: if they are in groups, that of one, such as 2[8x3x3]."""
    groups = layer.input_shape[-1] // layer.filter[-2] if layer.filter else 1
    first, *others = shape
    return f"{groups}[{by((first // groups, *others))}]" if groups > 1 else by(shape)


def window(layers):
    """The kernel and the stride, as text."""
    return f"{by(layers[-1].kernel)} stride {layers[-1].strides[0]}"


def weight_product(layers):
    """The sides of the kernel and its input channels, times its filters, as text."""
    *sides, filters = layers[-1].filter
    return f"({'*'.join(map(str, sides))})*{filters}"


def product(layers):
    """The same with a bias for each filter."""
    return weight_product(layers).replace(")", " + 1)")


def order(layers):
    """The kinds of the layers in their order, as text."""
    kinds = {"AveragePooling2D": "POOL", "Conv2D": "CONV", "Dense": "FC", "PartialConv2D": "CONV"}
    return "-".join(kinds[layer.type] for layer in layers)


def progression(layers):
    """Number of input channels of each layer l, if it grows evenly, as text."""
    first, *rest = (layer.input_shape[-1] for layer in layers)
    steps = {n - (first + (i - 1) * (rest[0] - first)) for i, n in enumerate(rest, start=2)}
    return f"{first} + {rest[0] - first}(l - 1)" if steps == {0} else "uneven"


def per_input(layers):
    """Multiply-adds divided by the number of pixels of the input and by the square of its channels."""
    rows, columns, depth = layers[0].output_shape
    return Fraction(mult_adds(layers), rows * columns * depth**2)


def formula(layers):
    """Side of the output as (W - F + 2P) / S + 1; if a separate layer pads, W includes its padding."""
    layer = layers[-1]
    padding = layer.kernel[0] - 1 if layer.padding == "same" else 0
    return Fraction(layer.input_shape[0] - layer.kernel[0] + padding, layer.strides[0]) + 1


def receptive_field(layers):
    """Side of the receptive field of an output value, in pixels of the image."""
    return layers[-1].receptive_field[-1]


def listing(layers):
    """Layers in the notation of VGG's table 1."""
    notation = {"MaxPooling2D": "maxpool", "LRN": "LRN"}
    return " ".join(
        notation.get(layer.type)
        or (
            f"FC-{channels([layer])}"
            if layer.type == "Dense"
            else f"conv{layer.kernel[0]}-{channels([layer])}"
        )
        for layer in layers
    )


MEASURES: dict[str, Callable[[list[Any]], Any]] = {
    measure.__name__: measure
    for measure in (
        *(params, weights, per_square, terms, mult_adds, operations, additions, values, memory),
        *(weight_layers, output, grid, side, channels, input_size, maps, filter_shape, stride, formula),
        *(receptive_field, listing, depth, counted, year, image_size, filters, weight_product, product),
        *(window, kernels, channels_first, order, progression, per_input),
    )
}
RATIOS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "share": lambda first, second: first / second,
    "more": lambda first, second: first / second - 1,
    "less": lambda first, second: 1 - first / second,
    "fewer": lambda first, second: second / first,
    "added": lambda first, second: first - second,
}


def number(text: str, kilo: int = 1000, digits: int | None = None) -> tuple[Fraction, Fraction]:
    """Parses a printed number.

    Args:
        text: "1,728", "15.2M", "107.82MB", "7.12%" or "1/64 + 1/9".
        kilo: Value of the letter K; that of M is its square.
        digits: Number of significant digits, if zeros fill up the others; None if all are significant.

    Returns:
        The number, and the value of 1 in its last significant digit, which is 0 for fractions.
    """
    if "/" in text:
        return sum(map(Fraction, text.split(" + "))), Fraction(0)
    whole, decimals, suffix = re.fullmatch(r"([\d,]+)(?:\.(\d+))?([KM]?B?|%)", text).groups()
    whole, decimals = whole.replace(",", ""), decimals or ""
    scale = Fraction(1, 100) if suffix == "%" else Fraction(kilo ** " KM".index(suffix.rstrip("B") or " "))
    zeros = len(whole) - len(whole.rstrip("0"))
    filled = min(zeros, max(len(whole) - digits, 0)) if digits and not decimals else -len(decimals)
    return scale * Fraction(f"{whole}.{decimals}"), scale * Fraction(10) ** filled


def by(shape: Iterable[int]) -> str:
    """A shape as papers write it, such as 3x3x64."""
    return "x".join(map(str, shape))


def without_grid(text: str) -> str:
    """Removes the grid of one pixel that some papers write in the shape of a vector."""
    return text.removeprefix("1x1x")


def show(name: str, figures: list[Figure]) -> None:
    """Prints a table, followed by the notes on its figures."""
    print(f"\n{name}: {tables.TABLES[name].title}")
    shared.show([HEADER[:5], *(f.cells[:5] for f in figures)])
    for f in figures:
        if f.note:
            print(f"{f.row}, {f.column.title}: {f.note}")


def as_csv(figures: dict[str, list[Figure]]) -> str:
    """All figures as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", *HEADER))
    writer.writerows((name, *f.cells) for name, group in figures.items() for f in group)
    return text.getvalue()


def as_markdown(figures: dict[str, list[Figure]]) -> str:
    """All figures as Markdown."""
    lectures = "".join(f"- {name}: {title}\n" for name, title in tables.LECTURES.items())
    return HEAD + lectures + "".join(f"\n{section(name, group)}" for name, group in figures.items())


def section(name: str, figures: list[Figure]) -> str:
    """The figures of a table as Markdown."""
    lines = (f"| {' | '.join(cells)} |\n" for cells in (HEADER, ALIGNED, *(f.cells for f in figures)))
    return f"## {name}\n\n{tables.TABLES[name].title}.\n\n{''.join(lines)}"


HEAD = """# Published tables, recomputed

This file is written by `python recipes/reproduce_tables.py --out recipes/tables.md`. Our figures are counted
by `kerasnets.analysis.profile`. They agree with the printed ones if they are equal, or become equal when they
are rounded or truncated to the printed digits. If not, the table says by how much ours are more or less, and
the note says why. Lectures are named after their authors:

"""


if __name__ == "__main__":
    shared.run(main, "")
