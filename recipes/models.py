"""Writes the catalogue, the table of models and the stubs from the registry.

    python recipes/models.py                  builds every model and writes the files (a minute)
    python recipes/models.py --keep-counts    builds only models that are not in the catalogue (seconds)
    python recipes/models.py --check          writes nothing; exit status 1 if a file is out of date

`kerasnets list` and `kerasnets show` read the catalogue; editors and type checkers read the stubs. The papers
come from the docstrings in kerasnets/applications, and the counts from `kerasnets.analysis.profile`.
"""

import collections
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import shared
import stubs
from kerasnets import files
from kerasnets.weights.checkpoints import RULE, checkpoints, chosen

ROOT = pathlib.Path(__file__).parents[1]
HEADER = ("model", "paper", "year", "input", "parameters", "multiply-adds", "trained weights", "top-1, %")
ALIGNED = ("---", "---", "---", "---", "---:", "---:", "---", "---:")
README = """\
# Models

The convolutional nets of the papers, the oldest first, with the inputs and classes of the papers. Each name
links to the module of its net. The docstring of the module says what differs from the paper and why, and the
module has `preprocess_input` and `decode_predictions`. Parameters are the trainable ones. Multiply-adds are
those of convolution and dense layers, for one image or clip. This file is written by
`python recipes/models.py`.

Trained weights are named by their sources, with the number of checkpoints of each. `weights` takes the name
of a dataset, as `weights="imagenet"`, the id of a checkpoint, or a file. The name of a dataset chooses RULE.
The last column is the published accuracy of this checkpoint. `kerasnets show NAME` lists all checkpoints of
a net, and says which one is chosen, or why there are none.
`kerasnets evaluate NAME --weights ID --data-dir FOLDER` measures one under the protocol of its publisher.

- `GoogLeNet(aux_heads=True)` and `InceptionV3(aux_heads=True)` have auxiliary heads and output a dict.
  `kerasnets.training.aux_loss_weights(model)` returns the weights of the losses, and
  `kerasnets.surgery.drop_aux_heads(model)` removes the auxiliary heads from a trained net.
- `AlexNet(pool_first=True, dropout_first=True)` has its layers in the order in which lectures show them.
  `GoogLeNet(naive=("3b",))` has the naive module whose operations lectures count, and
  `ResNet34(shortcut="project_all")` has the paper's shortcuts of option C.
- `HRNetV2W32(include_top=False, pyramid=True)` outputs a dict of maps at four resolutions, "P2" to "P5".
- `fractalnet.column(model, index)` extracts one column of a FractalNet.
- `help(kerasnets.applications.capsnet)` shows how to train a CapsNet.
- `DenseNet121(memory_efficient=True)` trains in [about half the memory](../../recipes/README.md#training).
- ResNet1202 is built in 17 s and takes 0.4 GiB. On 2 cores its first training step takes 6 minutes, in which
  TensorFlow builds the graph; each further step of 32 images takes 5 s. Training needs 8 GiB.

"""


def main() -> None:
    """Counts the models, and writes or checks the files."""
    p = shared.Parser(description="Write the catalogue, the table of models and the stubs from the registry.")
    p.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    p.add_argument(
        "--keep-counts", action="store_true", help="count only models that are not in the catalogue"
    )
    p.add_argument("--root", type=pathlib.Path, default=ROOT, help="checkout to write into (this one)")
    args = p.parse_args()
    if not (args.root / "kerasnets").is_dir():  # refused before a minute of counting
        raise ValueError(f"--root is a checkout of this project. Received: {args.root}")
    new = texts(records(args.keep_counts))
    stale = [name for name, text in new.items() if text != read(args.root / name)]
    if not stale:
        print("all files are up to date")
    elif args.check:
        print(f"out of date: {', '.join(stale)}\nto update them: python recipes/models.py")
        sys.exit(1)
    for name in stale:
        files.write_text(args.root / name, new[name])
        print(f"wrote {name}")


def sources_of(name: str) -> str:
    """The sources of a model's trained weights, with the number of checkpoints of each."""
    counts = collections.Counter(row.source for row in checkpoints(name))
    return ", ".join(f"{source} {count}" for source, count in sorted(counts.items()))


def accuracy_of(name: str) -> str:
    """The published accuracy of the checkpoint that the name of its dataset loads, for each dataset."""
    known = {data: row.top1 for data, row in chosen(name).items() if row.top1 is not None}
    return ", ".join(f"{data} {top1:.2f}" for data, top1 in sorted(known.items()))


def read(path: pathlib.Path) -> str | None:
    """The text of a file; None if there is no file."""
    return path.read_text(encoding="utf-8") if path.exists() else None


def records(keep_counts: bool = False) -> list[dict[str, Any]]:
    """The records of all registered models, in natural order of their names.

    Args:
        keep_counts: Whether to keep the counts of models that are in the catalogue.
    """
    with shared.quiet():
        import rich.progress

        from kerasnets import applications  # noqa: F401
        from kerasnets.assembly import registry
        from kerasnets.assembly.catalogue import FILE, catalogue

    kept = catalogue() if keep_counts and FILE.exists() else {}
    made = []
    for builder in rich.progress.track(registry.registered(), "counting"):
        old = kept.get(builder.__name__)
        made.append(record(builder, *((old["params"], old["mult_adds"]) if old else counts(builder))))
    return made


def counts(builder: Callable) -> tuple[int, int]:
    """The trainable parameters and multiply-adds of a model with the options of its paper."""
    from kerasnets.analysis import profile
    from kerasnets.graph import no_values

    with no_values():
        counted = profile(builder())
    return counted.trainable_params, counted.mult_adds


def record(builder: Callable, params: int, mult_adds: int) -> dict[str, Any]:
    """The record of a model in the catalogue; see `kerasnets.assembly.catalogue.catalogue`."""
    import docstring_parser

    from kerasnets.assembly.citations import citation

    spec, paper = builder.spec, citation(builder.__name__)
    doc = docstring_parser.parse(spec.body.__doc__, docstring_parser.DocstringStyle.GOOGLE)
    meanings = {p.arg_name: " ".join(p.description.split()) for p in doc.params}
    return {
        "name": builder.__name__,
        "family": spec.module,
        "summary": doc.short_description,
        "citation": vars(paper),
        "input": [*spec.grid(spec.options), spec.channels],
        "classes": spec.classes,
        "preprocess_input": spec.mode,
        "params": params,
        "mult_adds": mult_adds,
        "options": [
            {
                "name": name,
                "default": default,
                "allowed": spec.checks[name].allowed,
                "meaning": meanings[name],
            }
            for name, default in spec.options.items()
        ],
    }


def texts(records: list[dict[str, Any]]) -> dict[str, str]:
    """The texts of all files, by their paths in a checkout."""
    return {
        "kerasnets/assembly/catalogue.json": catalogue_text(records),
        "kerasnets/applications/README.md": README.replace("RULE", RULE) + table(records),
        **stubs.texts(),
    }


def catalogue_text(records: list[dict[str, Any]]) -> str:
    """The catalogue as JSON, one record per line."""
    return "[\n" + ",\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n]\n"


def table(records: list[dict[str, Any]]) -> str:
    """A Markdown table of the models, ordered by year, then by family, then by name."""
    rows = sorted(records, key=lambda record: (record["citation"]["year"], record["family"]))
    return "".join(f"| {' | '.join(row)} |\n" for row in (HEADER, ALIGNED, *map(cells, rows)))


def cells(record: dict[str, Any]) -> tuple[str, ...]:
    """The cells of a model in the table, one for each column of `HEADER`."""
    from kerasnets.assembly.citations import Citation

    paper = Citation(**record["citation"])
    return (
        f"[{record['name']}]({record['family']}.py)",
        f"[{paper.short}]({paper.url})" if paper.url else paper.short,
        str(paper.year),
        "x".join(map(str, record["input"])),
        f"{record['params']:,}",
        f"{record['mult_adds']:,}",
        sources_of(record["name"]),
        accuracy_of(record["name"]),
    )


if __name__ == "__main__":
    shared.run(main, "")
