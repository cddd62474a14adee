"""Recomputes the tables of papers and lectures from the nets, beside what was printed.

    python recipes/reproduce_tables.py                         every table
    python recipes/reproduce_tables.py vgg16-listing googlenet some of them; --list names all
    python recipes/reproduce_tables.py --out tables.csv        writes the figures, too: .csv or .md
    python recipes/reproduce_tables.py --check                 compares with recipes/tables.md, which
                                                               `--out recipes/tables.md` writes

The printed figures are data, in `recipes/tables.py`; ours are counted by `kerasnets.analysis.profile`, each
net built once, which takes some minutes. A printed figure is exact, rounded or cut to its digits, or known to
differ, which its note explains. The exit status is 1 where a figure is not what its table says, or where
`--check` finds the file out of date.
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
from fractions import Fraction

import shared
import tables
from kerasnets import files

REPORT = pathlib.Path(__file__).with_name("tables.md")
SMOKE = ("mobilenet-body", "small-kernels-savings")
HEADER = ("row", "figure", "printed", "ours", "agreement", "source", "note")
ALIGNED = ("---", "---", "---:", "---:", "---", "---", "---")


@dataclasses.dataclass(frozen=True)
class Figure:
    """A printed figure beside ours.

    Attributes:
        row: Label of its row.
        column: The `tables.Column` that it stands in.
        printed: What is printed.
        ours: What we count: a Fraction, or text.
        kind: What the printed figure is; see `tables.Column`.
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
    def fits(self):
        """In which of the kinds "exact", "rounded" and "cut" ours is the printed figure."""
        if isinstance(self.ours, str):
            return ("exact",) if of_vector(self.ours) == of_vector(self.printed) else ()
        over, _, step = self.distance
        ways = {"exact": over == 0, "rounded": abs(over) <= step / 2, "cut": 0 <= over < step}
        return tuple(kind for kind, fits in ways.items() if fits)

    @property
    def distance(self):
        """By how much ours is more than the printed number, that number, and the step of its last digit."""
        value, step = number(self.printed, self.column.kilo, self.digits)
        return self.ours / self.column.unit - value, value, step

    @property
    def holds(self):
        """Whether the figure is what its table says."""
        return not self.fits if self.kind == "differs" else self.kind in self.fits

    @property
    def agreement(self):
        """How ours and the printed figure agree, or by how much they do not: "equal", "cut", "1.5% more"."""
        if self.fits:
            return "equal" if "exact" in self.fits else self.kind if self.kind in self.fits else self.fits[0]
        if isinstance(self.ours, str):
            return "no"
        over, value, _ = self.distance
        return f"{float(abs(over) / value):.2%} {'more' if over > 0 else 'less'}"

    @property
    def words(self):
        """Ours, as text."""
        if isinstance(self.ours, str):
            return self.ours
        if self.printed.endswith("%"):
            return f"{100 * float(self.ours):.4g}%"
        if "/" in self.printed:
            return str(self.ours)
        return f"{int(self.ours):,}" if self.ours.denominator == 1 else f"{float(self.ours):.4g}"

    @property
    def cells(self):
        """A text for each title of `HEADER`."""
        return self.row, self.column.title, self.printed, self.words, self.agreement, self.source, self.note


def main():
    """Recomputes the tables that the command line names, prints, writes or checks them."""
    p = shared.Parser(description="Recompute the tables of papers and lectures from the nets.")
    p.add_argument("tables", nargs="*", type=known, metavar="TABLE", help="tables to recompute (all)")
    p.add_argument("--list", action="store_true", help="print the tables' names and end")
    p.add_argument("--out", type=report, help="file for the figures: .md or .csv")
    p.add_argument("--check", action="store_true", help=f"exit status 1 where {REPORT.name} is out of date")
    p.add_argument("--smoke", action="store_true", help=f"recompute {' and '.join(SMOKE)} alone")
    args = p.parse_args()
    if args.smoke and args.tables:
        p.error("--smoke has tables of its own: name none")
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
    print(f"{total - len(wrong)} of {total} figures are what their tables say")
    for name, f in wrong:
        print(f"{name}, {f.row}, {f.column.title}: {f.kind} {f.printed}, ours {f.words}: {f.agreement}")
    if args.out:
        files.write_text(args.out, (as_csv if args.out.suffix == ".csv" else as_markdown)(figures))
        print(f"wrote {args.out}")
    stale = out_of_date(before, figures) if args.check else []
    if stale:
        print(f"{REPORT} is out of date: {', '.join(stale)}")
        print("python recipes/reproduce_tables.py --out recipes/tables.md writes it anew")
    elif args.check:
        print(f"{REPORT} is up to date")
    sys.exit(1 if wrong or stale else 0)


def known(name):
    """An argparse type: the name of a table."""
    if name not in tables.TABLES:
        with shared.quiet():
            from kerasnets.checks import nearest

        words = f"a table of --list.{nearest(name, tables.TABLES)} Received: {name}"
        raise argparse.ArgumentTypeError(words)
    return name


def report(text):
    """An argparse type: a file of Markdown or CSV in a folder that exists."""
    path = pathlib.Path(text)
    if path.suffix not in (".md", ".csv") or path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"a .md or .csv file in a folder that exists. Received: {text}")
    return path


def out_of_date(text, figures):
    """Names of the tables that Markdown does not have like this, or a word for what else is other in it."""
    stale = [name for name, group in figures.items() if section(name, group) not in text]
    whole = list(figures) == list(tables.TABLES)
    return stale or (["its head"] if whole and text != as_markdown(figures) else [])


def recompute(names):
    """The figures of tables.

    Args:
        names: Names of tables.

    Returns:
        Lists of `Figure` by the tables' names.
    """
    things = [thing for name in names for *_, things in rows(name) for thing in things]
    nets = layers_of(dict.fromkeys(net for net, *_ in things))
    return {name: list(figures_of(name, nets)) for name in names}


def rows(name):
    """Source, label, cells and the things counted of each row of a table."""
    for source, group in tables.TABLES[name].rows.items():
        for label, of, *cells in group:
            yield source, label, cells, of if isinstance(of[0], tuple) else (of,)


def printed(name):
    """Source, label, things counted, column, kind, note and digits of each printed cell of a table."""
    table = tables.TABLES[name]
    for source, label, cells, things in rows(name):
        for column, cell in zip(table.columns, cells, strict=False):
            if cell is not None:
                own = table.notes.get((label, column.title), (column.kind, ""))
                yield source, label, things, column, cell, *(*own, column.digits)[:3]


def figures_of(name, nets):
    """Recomputes a table.

    Args:
        name: Its name.
        nets: The layers of each net by its name; see `layers_of`.

    Yields:
        A `Figure` for each printed cell, in order.
    """
    for source, label, things, column, cell, kind, note, digits in printed(name):
        counts = [MEASURES[column.measure](select(nets[net], patterns)) for net, *patterns in things]
        ours = RATIOS[column.ratio](*map(Fraction, counts)) if column.ratio else counts[0]
        ours = ours if isinstance(ours, str) else Fraction(ours)
        yield Figure(label, column, cell, ours, kind, digits, source, note)


def layers_of(names):
    """Builds nets, one after another.

    Args:
        names: Keys of `tables.NETS`, `STACKS` and `SEPARABLE`, or names of models.

    Returns:
        For each name, a list of its layers in the order in which data meets them.
    """
    with shared.quiet():
        import keras
        import rich.progress

        import kerasnets.analysis
        from kerasnets.graph import no_values

        keras.ops.zeros(1)  # starts the devices, which say so

    nets = {}
    for name in rich.progress.track(names, "building"):
        with no_values():
            model = build(name)
            nets[name] = [facts(row, model) for row in kerasnets.analysis.profile(model).layers]
    return nets


def build(name):
    """The net of a name; see `layers_of`."""
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


def facts(row, model):
    """What a row of a profile says of its layer, and what only the layer knows."""
    layer = model.get_layer(row.name)
    given = layer.input
    kernels = [w.shape for w in layer.weights if w.name.endswith("kernel")]
    return types.SimpleNamespace(
        **dataclasses.asdict(row),
        given=None if isinstance(given, list) else tuple(given.shape[1:]),
        filter=kernels[0] if kernels else None,
        weights=sum(map(math.prod, kernels)),
        padding=getattr(layer, "padding", None),
    )


def select(layers, patterns):
    """The layers that patterns name, one pattern after another; all of them without a pattern."""
    chosen = [layer for p in patterns or ["*"] for layer in layers if fnmatch.fnmatchcase(layer.name, p)]
    if not chosen:
        raise ValueError(f"no layer is named {' or '.join(patterns)}")
    return chosen


def params(layers):
    """Parameters that training changes."""
    return sum(layer.trainable_params for layer in layers)


def weights(layers):
    """Parameters of the kernels."""
    return sum(layer.weights for layer in layers)


def per_square(layers):
    """Parameters of the kernels, divided by the square of the maps that come out."""
    return Fraction(weights(layers), channels(layers) ** 2)


def terms(layers):
    """Parameters of each kernel and their sum, as text."""
    counts = [layer.weights for layer in layers if layer.weights]
    return " + ".join(map(str, counts)) + (f" = {sum(counts)}" if len(counts) > 1 else "")


def mult_adds(layers):
    """Multiply-adds."""
    return sum(layer.mult_adds for layer in layers)


def operations(layers):
    """Multiplications and additions, each counted."""
    return 2 * mult_adds(layers)


def additions(layers):
    """Additions that sum up the products, one less than these for each value."""
    return mult_adds(layers) - values([layer for layer in layers if layer.weights])


def values(layers):
    """Values of the maps that come out."""
    return sum(layer.activations for layer in layers)


def memory(layers):
    """Bytes of these."""
    return sum(layer.activation_bytes for layer in layers)


def weight_layers(layers):
    """Layers that have kernels."""
    return sum(layer.weights > 0 for layer in layers)


def output(layers):
    """Shape of what comes out, as text."""
    return by(layers[-1].output_shape)


def grid(layers):
    """Sides of the maps that come out, as text."""
    return by(layers[-1].output_shape[:-1])


def side(layers):
    """Width of the maps that come out."""
    return layers[-1].output_shape[-2]


def channels(layers):
    """How many maps come out."""
    return layers[-1].output_shape[-1]


def given(layers):
    """Shape of what goes in, as text."""
    return by(layers[-1].given)


def maps(layers):
    """How many maps each convolution makes, as text."""
    return ", ".join(str(layer.output_shape[-1]) for layer in layers if layer.weights)


def filter_shape(layers):
    """Shape of the kernel, as text; of a depthwise one without its single map in each group."""
    layer = layers[-1]
    depthwise = layer.type == "DepthwiseConv2D"
    return f"{by(layer.filter[:-1])} dw" if depthwise else by(layer.filter)


def stride(layers):
    """Stride, as text."""
    return f"s{layers[-1].strides[0]}"


def formula(layers):
    """Side of what comes out by (W - F + 2P) / S + 1, where W has the padding of a layer before already."""
    layer = layers[-1]
    padding = layer.kernel[0] - 1 if layer.padding == "same" else 0
    return Fraction(layer.given[0] - layer.kernel[0] + padding, layer.strides[0]) + 1


def receptive_field(layers):
    """Pixels of the input that a value which comes out depends on, along a side."""
    return layers[-1].receptive_field[-1]


def listing(layers):
    """Layers in the words of VGG's table 1."""
    spoken = {"MaxPooling2D": "maxpool", "LRN": "LRN"}
    return " ".join(
        spoken.get(layer.type)
        or (
            f"FC-{channels([layer])}"
            if layer.type == "Dense"
            else f"conv{layer.kernel[0]}-{channels([layer])}"
        )
        for layer in layers
    )


MEASURES = {
    measure.__name__: measure
    for measure in (
        *(params, weights, per_square, terms, mult_adds, operations, additions, values, memory),
        *(weight_layers, output, grid, side, channels, given, maps, filter_shape, stride, formula),
        *(receptive_field, listing),
    )
}
RATIOS = {
    "share": lambda first, second: first / second,
    "more": lambda first, second: first / second - 1,
    "less": lambda first, second: 1 - first / second,
    "fewer": lambda first, second: second / first,
}


def number(text, kilo=1000, digits=None):
    """Reads a printed number.

    Args:
        text: "1,728", "15.2M", "107.82MB", "7.12%" or "1/64 + 1/9".
        kilo: What K stands for; M is its square.
        digits: How many digits count where zeros fill up the rest; else all.

    Returns:
        The number, and the step of its last digit; 0 for fractions.
    """
    if "/" in text:
        return sum(map(Fraction, text.split(" + "))), Fraction(0)
    whole, decimals, suffix = re.fullmatch(r"([\d,]+)(?:\.(\d+))?([KM]?B?|%)", text).groups()
    whole, decimals = whole.replace(",", ""), decimals or ""
    scale = Fraction(1, 100) if suffix == "%" else Fraction(kilo ** " KM".index(suffix.rstrip("B") or " "))
    zeros = len(whole) - len(whole.rstrip("0"))
    filled = min(zeros, max(len(whole) - digits, 0)) if digits and not decimals else -len(decimals)
    return scale * Fraction(f"{whole}.{decimals}"), scale * Fraction(10) ** filled


def by(shape):
    """A shape as papers write it."""
    return "x".join(map(str, shape))


def of_vector(text):
    """Text without the grid of one pixel that some papers write before a vector."""
    return text.removeprefix("1x1x")


def show(name, figures):
    """Prints a table, and below it why figures differ."""
    print(f"\n{name}: {tables.TABLES[name].title}")
    shared.show([HEADER[:5], *(f.cells[:5] for f in figures)])
    for f in figures:
        if f.note:
            print(f"{f.row}, {f.column.title}: {f.note}")


def as_csv(figures):
    """All figures as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", *HEADER))
    writer.writerows((name, *f.cells) for name, group in figures.items() for f in group)
    return text.getvalue()


def as_markdown(figures):
    """All figures as Markdown."""
    lectures = "".join(f"- {name}: {title}\n" for name, title in tables.LECTURES.items())
    return HEAD + lectures + "".join(f"\n{section(name, group)}" for name, group in figures.items())


def section(name, figures):
    """The figures of a table as Markdown."""
    lines = (f"| {' | '.join(cells)} |\n" for cells in (HEADER, ALIGNED, *(f.cells for f in figures)))
    return f"## {name}\n\n{tables.TABLES[name].title}.\n\n{''.join(lines)}"


HEAD = """# Published tables, recomputed

Written by `python recipes/reproduce_tables.py --out recipes/tables.md`. Ours are counted by
`kerasnets.analysis.profile`. A figure agrees if it is equal, or rounded or cut to the printed digits; else
ours is so much more or less than printed, and the note says why. Lectures are named by their authors:

"""


if __name__ == "__main__":
    shared.run(main)
