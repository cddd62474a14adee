"""What every recipe shares: its options, its files and its report."""

import base64
import csv
import html
import itertools
import json
import os
import pathlib
import sys

from kerasnets import files
from kerasnets.cli import options
from kerasnets.cli.options import Parser as Parser
from kerasnets.cli.options import number as number
from kerasnets.cli.options import quiet as quiet
from kerasnets.cli.options import whole as whole


def parser(description, epochs, batch_size, out):
    """A command-line parser with the options that every recipe has.

    Args:
        description: What the recipe does.
        epochs: Words for the default number of epochs.
        batch_size: Words for the default examples in a batch.
        out: Words for the default output folder.

    Returns:
        A `Parser`, whose errors `run` prints in one line.
    """
    p = Parser(description=description)
    p.add_argument("--epochs", type=whole(1), help=f"passes over the training data ({epochs})")
    p.add_argument("--batch-size", type=whole(1), help=f"examples in a batch ({batch_size})")
    p.add_argument("--seed", type=whole(0), default=0, help="same seed, same result on a CPU (0)")
    p.add_argument("--out", type=pathlib.Path, help=f"folder of everything written ({out})")
    p.add_argument("--resume", action="store_true", help="go on where a run into --out was stopped")
    p.add_argument("--smoke", action="store_true", help="a tiny run, to see that all works")
    return p


def run(main):
    """Runs a recipe: problems that a user can mend end it with one line and exit status 2."""
    stopped = "stopped; the same command with --resume goes on from here"
    status = options.run(main, pathlib.Path(sys.argv[0]).name, stopped)
    if status:
        sys.exit(status)


def prepare(out, recipe, settings, resume):
    """Makes the folder of a run. One that holds a run already keeps it if `resume`, else it is moved aside.

    Args:
        out: The folder.
        recipe: Name of the recipe.
        settings: What the run is made of, as JSON.
        resume: Whether to go on with the run that is there.

    Raises:
        ValueError: The run that is there had other settings.
    """
    card = out / f"{recipe}.json"
    settings = json.loads(json.dumps(settings))  # tuples become lists, as in the file
    if card.exists() and resume:
        before = files.read_json(card)
        other = [f"{k} was {before.get(k)!r}" for k, v in settings.items() if before.get(k) != v]
        if other:
            raise ValueError(f"the run in {out} cannot be resumed with other settings: {', '.join(other)}")
    elif card.exists():
        number = next(n for n in itertools.count(1) if not out.with_name(f"{out.name}.{n}").exists())
        os.rename(out, out.with_name(f"{out.name}.{number}"))
        print(f"the run that was in {out} is now in {out}.{number}")
    out.mkdir(parents=True, exist_ok=True)
    write(card, settings)


def save(model, path):
    """Saves a model, without what it was compiled with, whole or not at all."""
    import keras

    with files.replacing(path) as part:
        keras.Model(model.input, model.output, name=model.name).save(part)


def show(rows):
    """Prints a table, its header first; all columns but the first hold numbers."""
    import rich.console

    rich.console.Console().print(table(rows))


def table(rows):
    """The same as a rich.table.Table."""
    import rich.table

    made = rich.table.Table()
    for i, title in enumerate(rows[0]):
        made.add_column(title, justify="right" if i else "left")
    for row in rows[1:]:
        made.add_row(*row)
    return made


def write(path, content):
    """Writes text, bytes, or data as JSON, whole or not at all."""
    writer = {str: files.write_text, bytes: files.write_bytes}.get(type(content), files.write_json)
    writer(path, content)


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222 }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-size: 1.6rem; line-height: 1.2 }} h2 {{ font-size: 1.15rem; margin-top: 2.2rem }}
table {{ border-collapse: collapse; margin: 1rem 0 }}
th, td {{ padding: .3rem .9rem; border-bottom: 1px solid #ddd; text-align: right }}
th:first-child, td:first-child {{ text-align: left }} th {{ border-bottom: 2px solid #888 }}
img {{ max-width: 100%; height: auto }} p.small {{ color: #555; font-size: .9rem }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def page(title, parts):
    """A self-contained HTML page.

    Args:
        title: Its title.
        parts: In order: a string is a paragraph, a list of rows a table with its header first, and a tuple
            (heading, path of a PNG, caption) a figure.

    Returns:
        HTML.
    """
    body = []
    for part in parts:
        if isinstance(part, str):
            body.append(f"<p>{html.escape(part)}</p>")
        elif isinstance(part, list):
            cells = [[html.escape(str(cell)) for cell in row] for row in part]
            head = "".join(f"<th>{cell}</th>" for cell in cells[0])
            rows = ("".join(f"<td>{cell}</td>" for cell in row) for row in cells[1:])
            body.append(f"<table><tr>{head}</tr>{''.join(f'<tr>{r}</tr>' for r in rows)}</table>")
        else:
            heading, path, caption = part
            data = base64.b64encode(path.read_bytes()).decode()
            body.append(
                f"<h2>{html.escape(heading)}</h2>\n"
                f'<img src="data:image/png;base64,{data}" alt="{html.escape(heading)}">\n'
                f'<p class="small">{html.escape(caption)}</p>'
            )
    return PAGE.format(title=html.escape(title), body="\n".join(body))


def history(path):
    """The logs of each epoch of a history.csv, by name."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}
