"""Measures published checkpoints under their own protocols, and writes published beside measured accuracy.

    python recipes/evaluate.py timm/resnet34.a1_in1k torchvision/vgg16.IMAGENET1K_V1 --data-dir IMAGENET
    python recipes/evaluate.py ResNet34 DenseNet121 --data-dir IMAGENET --limit 5000

A net stands for its checkpoint that weights="imagenet" loads, or the name of its dataset. The results are in
results.json of --out; `--resume` measures only what is not there. The exit status is 1 if a measured accuracy
differs from the published one by more than --tolerance.
"""

import pathlib
import sys
from typing import Any

import shared
from kerasnets import files
from kerasnets.cli import evaluate
from kerasnets.weights.checkpoints import chosen, find, table

HEADER = ("checkpoint", "images", "published", "measured", "allowed", "agrees", "images/s")
WORDS = {True: "yes", False: "no", None: "not compared"}


def main() -> None:
    """Measures the checkpoints that the command line names."""
    p = shared.Parser(
        description="Measure published checkpoints under their own protocols.", epilog=shared.DEFAULTS
    )
    p.add_argument("names", nargs="+", metavar="ID", help="ids of checkpoints, or names of models")
    evaluate.add_options(p)
    out = pathlib.Path("runs/evaluate")
    p.add_argument("--out", type=shared.folder, default=out, help=f"output folder ({out})")
    p.add_argument("--resume", action="store_true", help="measure only what --out does not have")
    args = p.parse_args()
    rows = {row.id: row for name in args.names for row in checkpoints_of(name)}
    with shared.quiet():
        from kerasnets import runs
    path, given = args.out / "results.json", {name: getattr(args, name) for name in evaluate.SHARED}
    done = files.read_json(path) if args.resume and path.exists() else {}
    for row in rows.values():
        if row.id not in done:
            found = runs.evaluate(row.net, row.id, args.data, **given)
            print(found, end="\n\n")
            done[row.id] = found.as_data()
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(path, done)
    shared.show([HEADER, *(cells(id, done[id]) for id in rows)])
    print(f"In {path}")
    if any(done[id]["agrees"] is False for id in rows):
        sys.exit(1)


def checkpoints_of(name: str) -> list[Any]:
    """The checkpoint of an id, or those of a model that the names of their datasets load."""
    if name in table() or "/" in name:
        return [find(name)]
    rows = list(chosen(name).values())
    if not rows:
        raise ValueError(f"{name} has no published checkpoints: kerasnets show {name} says why")
    return rows


def cells(id: str, data: dict[str, Any]) -> tuple[str, ...]:
    """The cells of a checkpoint, about its top-1 accuracy in percent."""
    top = data["top1"]
    figures = [top["published"], top["measured"], top["allowed_difference"]]
    shown = ["" if value is None else f"{value:.2f}" for value in figures]
    return (id, f"{data['images']:,}", *shown, WORDS[data["agrees"]], f"{data['images_per_second']:.1f}")


if __name__ == "__main__":
    shared.run(main)
