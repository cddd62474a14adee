"""The command `kerasnets`: what models there are, what they cost, how they look, and how they leave.

    kerasnets list 'ResNet*'
    kerasnets show MobileNet
    kerasnets profile MobileNet --input 192x192x3 --alpha 0.5
    kerasnets compare ResNet50 DenseNet121 MobileNet --sort mult_adds --plot compare.svg
    kerasnets plot GoogLeNet --out googlenet.svg
    kerasnets export LeNet5 --weights lenet5.weights.h5 --to saved_models --format onnx

Nets are built without values of their weights, which takes a fifth of the time and next to no memory; but
those that are exported.
Keras is imported when a command runs and not before, so that `--help` is quick.
"""

import argparse
import ast
import contextlib
import csv
import dataclasses
import fractions
import inspect
import io
import json
import os
import re
import sys

import kerasnets

WORDS = {"none": None, "true": True, "false": False}
# Arguments that every builder takes, as far as they change what a net costs.
SHARED = ("include_top", "pooling", "classes", "classifier_activation")
# Of `kerasnets export`, the default first; and options for that alone, with their defaults.
FORMATS = ("saved_model", "onnx", "litert", "litert_int8", "openvino")
SAVED_MODEL_ONLY = {"image_bytes": False, "features": False, "warmup": 0, "precision": "float32"}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        """Raises what `main` prints."""
        raise ValueError(f"{message} ({self.prog} --help says more)")


def main(argv=None):
    """Runs a command.

    Args:
        argv: Its words; None for those that the program was called with.

    Returns:
        Exit status: 0, or 2 after one line on stderr that says what is wrong, or 130 if it was stopped.
    """
    try:
        options, rest = parser().parse_known_args(argv)
        if rest and not options.takes_options:
            raise ValueError(f"unknown option or argument {rest[0]!r}")
        with quiet():
            from kerasnets import applications  # noqa: F401
            from kerasnets.assembly.graph import no_values
        with contextlib.nullcontext() if options.run is export else no_values():
            data, text = options.run(options, rest)
        print(json.dumps(data, indent=2, default=str) if options.json else text)
        sys.stdout.flush()
    except BrokenPipeError:  # `kerasnets list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError, ModuleNotFoundError) as error:
        if os.environ.get("KERASNETS_DEBUG"):
            raise
        print(f"kerasnets: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def parser():
    """The parser of the command and of its subcommands."""
    about = "Convolutional nets of the classic papers, and what they cost."
    top = Parser(prog="kerasnets", description=about)
    top.add_argument("--version", action="version", version=f"kerasnets {kerasnets.__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)

    p = command(commands, "list", list_models, "models by name, with their papers")
    p.add_argument("pattern", nargs="?", default="*", help="shell pattern, or how the names begin")
    p.add_argument("--family", metavar="F", help="only models of this family, such as densenet")
    p.add_argument("--weights", action="store_true", help="only models with trained weights")
    p.add_argument("--counts", action="store_true", help="count what each model costs; builds it")
    sorts = ("name", "year", "family", "params", "mult_adds")
    p.add_argument("--sort", choices=sorts, default="name", help="the last two imply --counts")
    p.add_argument("--reverse", action="store_true", help="largest first")

    p = command(commands, "show", show, "a model's paper, options, input, weights, cost and published errors")
    p.add_argument("name")

    p = command(commands, "profile", profile, "what a model costs", builds=True)
    p.add_argument("--layers", action="store_true", help="a row for each layer")
    p.add_argument("--csv", action="store_true", help="the layers as comma-separated values")

    p = command(commands, "compare", compare, "models side by side")
    p.add_argument("names", nargs="+", metavar="NAME")
    p.add_argument("--sort", metavar="COLUMN", help="params, mult_adds, top1, ...; an unknown one lists them")
    p.add_argument("--reverse", action="store_true", help="largest first")
    p.add_argument("--plot", metavar="FILE", help="draw accuracy against multiply-adds; .png, .svg or .pdf")

    p = command(commands, "plot", plot, "a drawing of a model, block by block", builds=True)
    p.add_argument("--out", required=True, metavar="FILE", help=".svg, .png, .pdf or .dot")
    p.add_argument("--depth", type=int, help="parts of layer names that make a block; 0 draws every layer")

    text = "write a trained model for TF Serving or another runtime"
    p = command(commands, "export", export, text, builds=True)
    p.add_argument("--weights", required=True, metavar="FILE", help=".weights.h5 or .keras file, or imagenet")
    p.add_argument("--to", required=True, metavar="FOLDER", help="of all models, such as saved_models")
    forms = f"{', '.join(FORMATS)} (saved_model)"
    p.add_argument("--format", choices=FORMATS, metavar="FORMAT", default=FORMATS[0], help=forms)
    p.add_argument("--calibration", metavar="FILE", help="images for litert_int8: .npy file, or a folder")
    p.add_argument("--as", dest="served_as", metavar="NAME", help="name of the exported model")
    p.add_argument("--as-version", type=int, metavar="N", help="its version; the next by default")
    p.add_argument("--preprocess", metavar="MODE", help="another scaling than the net's own, such as unit")
    p.add_argument("--class-names", metavar="FILE", help="names of the classes, one a line")
    p.add_argument("--image-bytes", action="store_true", help="take JPEG and PNG files too")
    p.add_argument("--shorter", type=int, metavar="PIXELS", help="shorter side of files before they are cut")
    p.add_argument("--features", action="store_true", help="give what the classifier reads too")
    p.add_argument("--warmup", type=int, default=0, metavar="N", help="warmup requests for each signature")
    p.add_argument("--precision", default="float32", help="or bfloat16, for processors that have it")
    p.add_argument("--plain", action="store_true", help="fold nothing, and keep weights as variables")
    return top


def command(commands, name, run, text, builds=False):
    """Adds a subcommand and gives its parser; one that builds a model takes the model's options too."""
    more = ", and every option that `kerasnets show NAME` lists: --alpha 0.5 --depths 6,12,24,16"
    about = f"{text[0].upper()}{text[1:]}{more if builds else ''}."
    p = commands.add_parser(name, help=text, description=about, allow_abbrev=False)
    p.set_defaults(run=run, takes_options=builds)
    p.add_argument("--json", action="store_true", help="print JSON")
    if builds:
        p.add_argument("name", help="the model; its options follow")
        p.add_argument("--input", metavar="224x224x3", help="another input than the paper's")
    return p


@contextlib.contextmanager
def quiet():
    """Keeps what TensorFlow's libraries say while they start off the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)


def list_models(options, rest):
    """Data and text of `kerasnets list`."""
    from kerasnets.analysis.tables import text_table
    from kerasnets.assembly import registry
    from kerasnets.checks import nearest

    word = options.pattern
    patterns = [word] if any(c in word for c in "*?[") else [f"{word}*", f"*{word}*"]
    found = (registry.list_models(pattern, options.family) for pattern in patterns)
    names = [name for name in next(filter(None, found), ()) if trained(name) or not options.weights]
    if not names:
        every = registry.list_models()
        raise ValueError(f"no such model. Received: {word!r}.{nearest(word, every)}")
    counts = options.counts or options.sort in ("params", "mult_adds")
    rows = [about(name) | (cost(name) if counts else {}) for name in progress(names, counts)]
    if options.sort != "name":
        rows.sort(key=lambda row: row[options.sort])
    rows = rows[::-1] if options.reverse else rows
    keys = ("paper", "year", "input") if counts else ("paper", "year", "family", "input")
    header = ["model", *keys, "weights"]
    cells = [[r["name"], *(r[k] for k in keys), "yes" if r["weights"] else ""] for r in rows]
    if counts:
        header += ["params", "mult-adds"]
        cells = [[*c, f"{r['params']:,}", f"{r['mult_adds']:,}"] for c, r in zip(cells, rows, strict=True)]
    return rows, text_table(header, cells)


def trained(name):
    """Whether a model has trained weights."""
    from kerasnets.assembly import registry

    return registry.find(name).spec.imagenet is not None


def about(name):
    """What is known of a model without building it."""
    from kerasnets.assembly.citations import citation
    from kerasnets.assembly.registry import find

    spec, paper = find(name).spec, citation(name)
    known = {n: d for n, d in spec.options.items() if d is not inspect.Parameter.empty}
    return {
        "name": name,
        "family": spec.module,
        "paper": paper.short,
        "year": paper.year,
        "input": "x".join(map(str, (*spec.grid(known), spec.channels))),
        "weights": trained(name),
    }


def cost(name):
    """Trainable parameters and multiply-adds of a model with its paper's options."""
    from kerasnets import analysis

    counts = analysis.profile(kerasnets.build(name))
    return {"params": counts.trainable_params, "mult_adds": counts.mult_adds}


def progress(names, shown):
    """The names, with a bar on stderr that goes when they are done, where that is a terminal."""
    import rich.console
    import rich.progress

    console = rich.console.Console(stderr=True)
    hidden = not (shown and console.is_terminal)
    return rich.progress.track(names, "counting", console=console, transient=True, disable=hidden)


def show(options, rest):
    """Data and text of `kerasnets show`."""
    from kerasnets.analysis.tables import text_table
    from kerasnets.assembly import citations, registry, results
    from kerasnets.assembly.options import OPTIONS

    builder = registry.find(options.name)
    spec, paper = builder.spec, citations.citation(options.name)
    summary, said = described(spec.body.__doc__)
    choices = [
        {"name": n, "default": d, "allowed": OPTIONS[n][1], "meaning": said.get(n, "")}
        for n, d in spec.options.items()
    ]
    published = [dataclasses.asdict(r) for r in results.results(options.name)]
    data = about(options.name) | {
        "summary": summary,
        "citation": dataclasses.asdict(paper) | {"url": paper.url},
        "classes": spec.classes,
        "preprocess_input": spec.mode,
        "options": choices,
        "errors": published,
    }
    counts = cost(options.name)
    where = ", ".join(str(p) for p in (paper.venue, paper.year, paper.url) if p)
    lines = [
        f"{options.name}, of kerasnets.applications.{spec.module}: {summary}",
        f'{paper.authors}, "{paper.title}", {where}',
        "",
        f"input     {data['input']}, scaled as preprocess_input {spec.mode!r} says",
        f"classes   {spec.classes}",
        f"weights   {'imagenet' if spec.imagenet else 'none trained'}",
        f"counts    {counts['params']:,} trainable parameters, {counts['mult_adds']:,} multiply-adds",
    ]
    if choices:
        cells = [[c["name"], repr(c["default"]), c["meaning"]] for c in choices]
        lines += ["", text_table(["option", "default", "meaning"], cells, left=3)]
    if published:
        keys = ("top1", "top5", "dataset", "protocol", "source")
        cells = [["" if r[k] is None else r[k] for k in keys] for r in published]
        lines += ["", text_table(["top-1 error", "top-5", *keys[2:]], cells, left=5)]
    return data | counts, "\n".join(lines)


def described(docstring):
    """The first sentence of a docstring, and what it says of each argument."""
    text, _, args = inspect.cleandoc(docstring).partition("Args:\n")
    said, name = {}, None
    for line in args.splitlines():
        start = re.match(r"    (\w+): (.*)", line)
        if start:
            name = start[1]
        if name and line.startswith("    "):
            said[name] = f"{said.get(name, '')} {start[2] if start else line.strip()}".strip()
    return " ".join(text.split("\n\n")[0].split()), said


def profile(options, rest):
    """Data and text of `kerasnets profile`."""
    from kerasnets import analysis
    from kerasnets.analysis.profile import notes
    from kerasnets.analysis.tables import axes_text, shape_text

    counts = analysis.profile(built(options, rest))
    data = dataclasses.asdict(counts) | {"unknown": counts.unknown}
    rows = data.pop("layers")
    if options.layers:
        data["layers"] = rows
    if options.csv:
        return data, comma_separated(rows)
    if options.layers:
        return data, str(counts)
    lines = [
        f"{counts.name}  {shape_text(counts.input_shape)}",
        f"{counts.params:,} parameters, {counts.mult_adds:,} multiply-adds, {len(rows)} layers.",
        *notes(counts),
        f"A unit of the last maps sees {axes_text(counts.receptive_field)} pixels.",
    ]
    return data, "\n".join(lines)


def comma_separated(rows):
    """Rows of a profile as comma-separated values; shapes are written as 224x224x3."""
    from kerasnets.analysis.tables import shape_text

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: shape_text(v) if isinstance(v, (tuple, list)) else v for k, v in row.items()})
    return text.getvalue().rstrip()


def compare(options, rest):
    """Data and text of `kerasnets compare`."""
    from kerasnets import analysis
    from kerasnets.analysis import pictures
    from kerasnets.analysis.compare import DATES

    if options.plot:  # before anything is built
        pictures.check_path(options.plot, DATES)
    comparison = analysis.compare(options.names, options.sort, options.reverse)
    text, out = str(comparison), {}
    if options.plot:
        left_out = comparison.plot(options.plot)
        out = {"plot": options.plot}
        text += f"\n\nwrote {options.plot}" + (f", without {', '.join(left_out)}" if left_out else "")
    return {"models": [dataclasses.asdict(row) for row in comparison.rows]} | out, text


def plot(options, rest):
    """Data and text of `kerasnets plot`."""
    from kerasnets import analysis

    blocks = analysis.diagram(built(options, rest), options.out, options.depth)
    return {"file": options.out, "blocks": blocks}, f"wrote {options.out}: {blocks} blocks"


def export(options, rest):
    """Data and text of `kerasnets export`."""
    shared = {
        "preprocess": options.preprocess,
        "class_names": None,
        "shorter": options.shorter,
        "optimize": False if options.plain else None,
    }
    if options.class_names:
        with open(options.class_names, encoding="utf-8") as file:
            shared["class_names"] = file.read().splitlines()
    write = export_saved_model if options.format == FORMATS[0] else export_file
    with quiet():
        return write(options, rest, shared)


def export_saved_model(options, rest, shared):
    """Data and text of `kerasnets export --format saved_model`."""
    from kerasnets import serving

    if options.calibration:
        raise ValueError("--calibration is for --format litert_int8")
    more = {word: getattr(options, word) for word in SAVED_MODEL_ONLY}
    model = built(options, rest, weights=options.weights)
    path = serving.export(model, options.to, options.served_as, options.as_version, **shared, **more)
    return {"path": str(path)}, f"wrote {path}"


def export_file(options, rest, shared):
    """Data and text of `kerasnets export` in another format."""
    from kerasnets import serving
    from kerasnets.serving.files import card_of

    for word in SAVED_MODEL_ONLY:
        if getattr(options, word) != SAVED_MODEL_ONLY[word]:
            raise ValueError(f"--{word.replace('_', '-')} is for --format saved_model")
    serving.formats.find(options.format)
    model = built(options, rest, weights=options.weights)
    place = options.to, options.format, options.served_as, options.as_version
    try:
        path = serving.export_file(model, *place, calibration=options.calibration, **shared)
    except RuntimeError as error:  # the runtime's
        raise ValueError(str(error)) from error
    card = json.loads(card_of(path).read_text())
    keys = ("compared_images", "largest_difference", "top1_agreement")
    data = {"path": str(path)} | {key: card[key] for key in keys if key in card}
    text = f"wrote {path}; its probabilities differ from Keras's by {card['largest_difference']:.1g} at most"
    if "top1_agreement" in card:
        text += f", and {card['top1_agreement']:.1%} of {card['compared_images']} images get the same class"
    return data, text


def built(options, rest, **more):
    """The model that a command names, with the options that it was given.

    Args:
        options: What the command's parser took: `name` and `input`.
        rest: Words that it did not take.
        **more: Further arguments of the model's builder.

    Returns:
        A keras.Model.

    Raises:
        ValueError: There is no such model or option, or a value is refused.
    """
    from kerasnets.assembly import registry

    builder = registry.find(options.name)
    values = options_of(options.name, rest, SHARED)
    if options.input:
        values["input_shape"] = shape(options.input, builder.spec)
    return builder(**values, **more)


def options_of(name, words, more=()):
    """The options of a model that words such as --alpha 0.5 give.

    Args:
        name: The model.
        words: List of words.
        more: Names of arguments that are taken beside the family's options.

    Returns:
        Values by name.

    Raises:
        ValueError: There is no such model or option.
    """
    from kerasnets.assembly import registry
    from kerasnets.checks import nearest

    kerasnets.list_models()  # which brings them all
    builder = registry.find(name)
    parameters = builder.__signature__.parameters
    takes = {f"--{n.replace('_', '-')}": n for n in (*builder.spec.options, *more)}
    p = Parser(prog=f"kerasnets {name}", allow_abbrev=False, add_help=False)
    for flag, n in takes.items():
        p.add_argument(*{flag, f"--{n}"}, dest=n, nargs="?", const="True", default=argparse.SUPPRESS)
    given, unknown = p.parse_known_args(words)
    if unknown:
        raise ValueError(f"{name} has no option {unknown[0]!r}.{nearest(unknown[0], takes)}")
    return {n: parsed(text, parameters[n].default) for n, text in vars(given).items()}


def parsed(text, default):
    """The value that a text stands for: a Python literal, a fraction such as 160/224, or a word.

    Args:
        text: As it was typed.
        default: The option's default; where it is a tuple, a value by itself becomes a tuple of one.
    """
    if text.lower() in WORDS:
        value = WORDS[text.lower()]
    else:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = float(fractions.Fraction(text)) if re.fullmatch(r"\d+/[1-9]\d*", text) else text
    return (value,) if isinstance(default, tuple) and isinstance(value, int) else value


def shape(text, spec):
    """The input shape that a text such as 224x224x3 stands for; without channels, with those of the paper."""
    if not re.fullmatch(r"\d+(x\d+)*", text):
        raise ValueError(f"`--input` is a shape such as 224x224x3. Received: {text}")
    sides = tuple(map(int, text.split("x")))
    return (*sides, spec.channels) if len(sides) == len(spec.min_grid) else sides
