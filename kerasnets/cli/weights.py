"""`kerasnets weights`: lists the public trained weights, fetches them, and empties their cache."""

import argparse
import sys
from typing import Any

from kerasnets.cli.options import Parser, command, quiet


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "list trained weights, fetch them, and empty their cache"
    p = commands.add_parser("weights", help=text, description=f"{text[0].upper()}{text[1:]}.")
    actions = p.add_subparsers(metavar="ACTION", required=True, parser_class=Parser)
    get = command(actions, "get", run_get, "fetch the weights of a checkpoint, to use them with no network")
    get.add_argument("id", metavar="ID", help="id of a checkpoint, such as timm/resnet34.a1_in1k")
    listing = command(actions, "list", run_list, "list the checkpoints of models")
    listing.add_argument("name", metavar="NAME", nargs="?", help="name of a model (all models)")
    listing.add_argument("--cached", action="store_true", help="list the files in the cache instead")
    clean = command(actions, "clean", run_clean, "remove files of checkpoints from the cache")
    clean.add_argument("id", metavar="ID", nargs="?", help="id of a checkpoint (all)")
    clean.add_argument("--yes", action="store_true", help="do not ask")


def run_get(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets weights get`."""
    from kerasnets.tables import bytes_text

    with quiet():
        from kerasnets.assembly.pretrained import checkpoint_of
        from kerasnets.weights.fetching import fetch_checkpoint
    row = checkpoint_of(options.id)
    print(f"{row.id}: {bytes_text(row.bytes)}, licence {row.licence or 'not stated'}", file=sys.stderr)
    path = fetch_checkpoint(row)
    data = {"id": row.id, "file": row.file, "bytes": path.stat().st_size, "path": str(path)}
    return data, f"{row.id} is in {path}. It is used from there with no network."


def run_list(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets weights list`."""
    from kerasnets.tables import bytes_text, text_table
    from kerasnets.weights import checkpoints

    if options.cached:
        if options.name is not None:
            raise ValueError("--cached lists the files of all models: leave out NAME")
        return of_cache(None)
    keys = ("id", "net", "source", "licence", "input", "protocol", "top1", "top5", "bytes")
    rows = [{key: getattr(row, key) for key in keys} for row in checkpoints(options.name)]
    header = ["checkpoint", "model", "licence", "top-1", "top-5", "size"]
    cells = [
        (
            *(r["id"], r["net"], r["licence"] or "not stated"),
            *(shown(r["top1"]), shown(r["top5"]), bytes_text(r["bytes"])),
        )
        for r in rows
    ]
    return rows, text_table(header, cells)


def shown(value):
    """A number of a table, or an empty cell for None."""
    return "" if value is None else str(value)


def run_clean(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets weights clean`."""
    from kerasnets.tables import bytes_text

    with quiet():
        from kerasnets.checks import nearest
        from kerasnets.weights import cache
    rows = cache.cached(options.id)
    if not rows:
        cache.clean(options.id)  # first hashes of files that others have removed
        near = nearest(options.id, {row.id for row in cache.cached()}) if options.id else ""
        return [], f"nothing of {options.id} is in the cache.{near}" if options.id else "the cache is empty"
    data, text = of_cache(options.id)
    size = bytes_text(sum(row.bytes for row in rows))
    if not options.yes:
        print(f"{text}\nRemove these files, and free {size}? [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if answer.strip().lower() not in ("y", "yes"):
            raise ValueError("nothing was removed; --yes removes without asking")
    cache.clean(options.id)
    return data, f"{text}\nremoved, which freed {size}"


def of_cache(id):
    """The JSON data and the text for what is in the cache."""
    from kerasnets.tables import bytes_text, text_table

    with quiet():
        from kerasnets.weights.cache import cached
    rows = cached(id)
    if not rows:
        return [], "the cache is empty"
    data = [{"id": r.id, "file": r.file, "bytes": r.bytes, "path": str(r.path)} for r in rows]
    cells = [[r.id, r.file, bytes_text(r.bytes)] for r in rows]
    total = f"{bytes_text(sum(r.bytes for r in rows))} in all"
    return data, f"{text_table(['checkpoint', 'file', 'size'], cells)}\n{total}"
