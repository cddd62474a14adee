"""Parsing of command lines: types of options, options of models, and errors in one line.

The command `kerasnets` and the recipes use this module. Only the functions that need Keras import it, so that
`--help` is fast.
"""

import argparse
import ast
import contextlib
import fractions
import io
import logging
import math
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

WORDS = {"none": None, "true": True, "false": False}
# Arguments of every builder that change the cost of a model.
SHARED = ("include_top", "pooling", "classes", "classifier_activation")
DEFAULTS = "Defaults are given in parentheses."
# Errors that the user can correct.
EXPECTED = (ValueError, OSError, ModuleNotFoundError, FloatingPointError)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line.

    Attributes:
        commands: What `add_subparsers` has returned, whose `choices` are the parsers of the subcommands; or
            None.
    """

    commands: Any = None

    def add_subparsers(self, **options: Any) -> Any:
        """Adds subcommands, and keeps them as `commands`."""
        self.commands = super().add_subparsers(**options)
        return self.commands

    def error(self, message: str):
        """Raises a ValueError, which `run` prints."""
        raise ValueError(f"{message} ({self.prog} --help lists the options)")


def run(main: Callable[[], int | None], program: str, stopped: str = "") -> int:
    """Runs a program. Errors that the user can correct are printed in one line, without a traceback.

    Args:
        main: Function without arguments, which may return an exit status.
        program: Name of the program, which begins that line.
        stopped: Text to print if the program is interrupted.

    Returns:
        Exit status: that of `main`, or 0; 2 after an error, which is printed to stderr; 130 after an
        interrupt.
    """
    status = None
    if isinstance(sys.stdout, io.TextIOWrapper):  # for encodings that lack the lines of tables
        sys.stdout.reconfigure(errors="replace")
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # kerasnets list | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except EXPECTED as error:
        if os.environ.get("KERASNETS_DEBUG"):
            raise
        print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if stopped:
            print(stopped, file=sys.stderr)
        return 130
    return status or 0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """A context that hides what TensorFlow's libraries print when they are loaded.

    Afterwards, messages about missing GPU drivers and warnings about the number of traced functions stay
    hidden, which would come when the first model is built and when several nets are trained.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)


@contextlib.contextmanager
def without_values() -> Iterator[None]:
    """A context in which models are built without weight values, in a fifth of the time."""
    with quiet():
        from kerasnets.graph import no_values
    with no_values():
        yield


def whole(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number of at least `least`."""

    def parse(text):
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number, at least {least}. Received: {text}")
        return int(text)

    return parse


def folder(text: str) -> pathlib.Path:
    """An argparse type: a folder, which need not exist yet."""
    path = pathlib.Path(text)
    if not text or path.is_file():
        raise argparse.ArgumentTypeError(f"a folder. Received: {f'the file {text}' if text else repr(text)}")
    return path


def weights(text: str) -> str:
    """An argparse type: the path of a file of weights that exists, a dataset's name, or a checkpoint's id."""
    from kerasnets.checks import nearest
    from kerasnets.weights.architectures import architecture_of
    from kerasnets.weights.checkpoints import checkpoints

    known = {c.data for c in checkpoints()} | {c.id for c in checkpoints() if architecture_of(c.id)}
    if text in known or architecture_of(text) or pathlib.Path(text).is_file():
        return text
    raise argparse.ArgumentTypeError(
        "a file of weights that exists, the name of a dataset such as imagenet, or the id of a checkpoint "
        f"that `kerasnets weights list NAME` prints.{nearest(text, known)} Received: {text}"
    )


def net_or_file(text: str) -> str:
    """An argparse type: the name of a net, or the path of a file that has a trained one."""
    with quiet():  # the first import of Keras, before that of the command
        from kerasnets.assembly import registry
        from kerasnets.checks import nearest
        from kerasnets.weights.reading import SUFFIXES

    if text in registry.known() or (text.endswith(SUFFIXES) and pathlib.Path(text).is_file()):
        return text
    raise argparse.ArgumentTypeError(
        f"the name of a net, or the path of a {' or '.join(SUFFIXES)} file that exists."
        f"{nearest(text, registry.known())} Received: {text}"
    )


def is_file(net: str) -> bool:
    """Whether what `net_or_file` has given is a file."""
    return pathlib.Path(net).is_file()


def lines(text: str) -> list[str]:
    """An argparse type: a text file in UTF-8, of which it gives the lines."""
    try:
        return pathlib.Path(text).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"a text file in UTF-8. Received: {text} ({error})") from error


def number(
    low: float | None = None, high: float = math.inf, above: float | None = None
) -> Callable[[str], float]:
    """An argparse type: a finite number from `low` to `high`, or one above `above`."""
    to = f"from {low} to {high}" if high < math.inf else f"of at least {low}"
    span = to if above is None else f"above {above}"

    def parse(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        fits = value > above if above is not None else low <= value <= high
        if not (fits and math.isfinite(value)):
            raise argparse.ArgumentTypeError(f"a number {span}. Received: {text}")
        return value

    return parse


def command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace, list[str]], tuple[Any, str]],
    text: str,
    builds: bool = False,
    optional: bool = False,
) -> Parser:
    """Adds a subcommand.

    Args:
        commands: Result of the parser's `add_subparsers`.
        name: Name of the subcommand.
        run: Function of the parsed options and the unknown arguments. It returns the data that --json prints,
            and the text to print otherwise.
        text: Description of the subcommand, beginning with a verb.
        builds: Whether it builds one model. It then also takes the options of that model.
        optional: Whether the name of the model may be left out.

    Returns:
        Its parser.
    """
    more = " The options of the model are those that `kerasnets show NAME` lists, such as --alpha 0.5."
    about = f"{text[0].upper()}{text[1:]}.{more if builds else ''}"
    p = commands.add_parser(name, help=text, description=about, epilog=DEFAULTS, allow_abbrev=False)
    p.set_defaults(run=run, takes_options=builds, status=lambda data: 0, stopped="")
    p.add_argument("--json", action="store_true", help="print JSON")
    if builds:
        number = {"nargs": "?"} if optional else {}
        named = "name of the model; its options may follow"
        named += " (as the file of its weights says)" if optional else ""
        p.add_argument("name", metavar="NAME", help=named, **number)
        p.add_argument("--input", metavar="224x224x3", help="shape of the input (as in the paper)")
    return p


def add_net(p: Parser, models: str) -> None:
    """Adds the options that name a trained net and what it takes.

    Args:
        p: A parser.
        models: What --model may be, with the default in brackets.
    """
    p.add_argument("--model", metavar="NAME", help=models)
    words = "name of a dataset, the id of a checkpoint, or a file (the best public weights of the model)"
    p.add_argument("--weights", type=weights, metavar="ID", help=words)
    words = "input scaling of a net that does not say it, such as unit (as in training)"
    p.add_argument("--preprocess", metavar="MODE", help=words)


def built(
    options: argparse.Namespace, rest: list[str], known: dict[str, Any] | None = None, **more: Any
) -> Any:
    """Builds the model of a subcommand.

    Args:
        options: Parsed options; `name` and `input` are used.
        rest: The unknown arguments, which are options of the model.
        known: Arguments of the builder where the options say nothing.
        **more: Further arguments of the builder.

    Returns:
        A keras.Model.

    Raises:
        ValueError: There is no such model or option, or a value is refused.
    """
    from kerasnets.assembly import registry

    with quiet():
        builder = registry.find(options.name)
    values = model_options(options.name, rest, SHARED)
    if options.input:
        values["input_shape"] = shape(options.input, builder.spec)
    return builder(**{**(known or {}), **values}, **more)


def model_options(name: str, words: list[str], more: tuple[str, ...] = ()) -> dict[str, Any]:
    """Parses the options of a model, such as --alpha 0.5.

    Args:
        name: Name of the model.
        words: Command-line arguments.
        more: Names of further allowed arguments, besides the options of the family.

    Returns:
        Values by name.

    Raises:
        ValueError: There is no such model or option.
    """
    from kerasnets.assembly import registry
    from kerasnets.checks import nearest

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


def parsed(text: str, default: Any) -> Any:
    """Parses the value of an option: a Python literal, a fraction such as 160/224, or any other text.

    Args:
        text: A command-line argument.
        default: Default of the option. If it is a tuple, a single number becomes a tuple too.

    Returns:
        The value; any text that is neither a word of `WORDS`, nor a fraction, nor a literal is kept.
    """
    value = literal(text)
    return (value,) if isinstance(default, tuple) and isinstance(value, int) else value


def literal(text):
    """The value of a word, a fraction or a literal; any other text is returned unchanged."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        if re.fullmatch(r"\d+/[1-9]\d*", text):
            return float(fractions.Fraction(text))
        return ast.literal_eval(text)
    # {[]: 1}, whose key cannot be hashed, raises a TypeError; a fraction that is too large an OverflowError;
    # brackets that are nested too deeply one of the last two.
    except (ValueError, SyntaxError, TypeError, OverflowError, RecursionError, MemoryError):
        return text


def shape(text, spec):
    """Parses an input shape such as 224x224x3. If the channels are missing, those of the paper are added."""
    if not re.fullmatch(r"\d+(x\d+)*", text):
        raise ValueError(f"`--input` is a shape such as 224x224x3. Received: {text}")
    sides = tuple(map(int, text.split("x")))
    return (*sides, spec.channels) if len(sides) == len(spec.min_grid) else sides
