"""Writes the atlas: a folder of pages in which every net is shown, compared and explained.

    python recipes/atlas.py --out atlas                      all nets, a minute on 2 cores
    python recipes/atlas.py --out atlas --models "*resnet*"  some of them
    python recipes/atlas.py --out atlas --trained runs       with what your own nets see

Open atlas/index.html in a browser, from disk or from any web server: the pages need no network. An
interrupted command continues when it is run again, and what has not changed is not made again.
"""

import argparse
import multiprocessing
import os
import pathlib
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import shared

PROCESSES = min(4, os.cpu_count() or 1)
LIBRARIES = ("jinja2", "markdown_it", "pdoc", "pygments", "pygraphviz", "vl_convert")


def main() -> None:
    """Writes the atlas."""
    args = options()
    with shared.quiet():
        import kerasnets
        from kerasnets.analysis.pictures import library

    for name in LIBRARIES:
        library(name, "Pages of the atlas", "atlas")
    with shared.quiet():
        from atlas_pages import seen
        from atlas_pages.site import Site

    nets = kerasnets.list_models(args.models)
    if not nets:
        raise ValueError(f"--models is a shell pattern that fits names of nets. Received: {args.models!r}")
    check_folder(args.out)
    site = Site(args.out, nets)
    trained = seen.at_hand(nets, args.trained)
    failed = build(site, trained, args.images)
    if any(not name.endswith(seen.SUFFIX) for name in failed):
        lines = (f"{name}: {error}" for name, error in failed.items())
        sys.exit("These failed, and the others are kept:\n" + "\n".join(lines))
    write(site, trained, args.images)
    for name, error in failed.items():
        print(f"{name.removesuffix(seen.SUFFIX)}: its page lacks what it sees: {error}", file=sys.stderr)
    count = f"{len(nets)} net{'s' * (len(nets) != 1)}"
    print(f"wrote {args.out / 'index.html'}: {count}, {size_of(args.out) / 1e6:.1f} MB")


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(description="Write the atlas: every net as a page to look at.")
    p.add_argument("--out", type=shared.folder, required=True, metavar="FOLDER", help="folder of the pages")
    p.add_argument("--models", default="*", metavar="PATTERN", help="shell pattern of names of nets (all)")
    text = ".keras files or folders of runs: your own trained nets, whose pages show what they see"
    p.add_argument("--trained", type=present, nargs="+", default=[], metavar="PATH", help=text)
    text = "images for class maps (digits, or the sample photographs of other libraries)"
    p.add_argument("--images", type=present, metavar="FOLDER", help=text)
    return p.parse_args()


def present(text: str) -> pathlib.Path:
    """An argparse type: a file or folder that exists."""
    path = pathlib.Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"a file or folder that exists. Received: {text}")
    return path


def check_folder(folder: pathlib.Path) -> None:
    """Refuses a folder that contains something other than an atlas."""
    from atlas_pages.records import FOLDER

    if folder.exists() and any(folder.iterdir()) and not (folder / FOLDER).is_dir():
        raise ValueError(f"--out is an atlas, an empty folder or a new one. Received: {folder}")


def build(site: Any, trained: Sequence[Any], images: pathlib.Path | None) -> dict[str, Exception]:
    """Makes the records and the API pages that a site lacks, several at a time.

    Args:
        site: The `Site`.
        trained: The `seen.Weights` at hand.
        images: Images for class maps, or None.

    Returns:
        The errors of the records that failed, by name; the others are made all the same.

    Raises:
        OSError: The folder cannot be written, or a process was killed. Both would end the others as well.
    """
    import rich.progress

    from atlas_pages import api, records, seen

    jobs = {}
    if not records.found(site.root, api.PACKAGE, api.made_from(site.nets)):
        jobs[api.PACKAGE] = (api.make, site.root, api.PACKAGE, site.nets)
    for name in site.nets:
        if not records.found(site.root, name):
            jobs[name] = (records.make, site.root, name)
    for weights in trained:
        name = weights.net + seen.SUFFIX
        if not records.found(site.root, name, seen.made_from(weights, images)):
            jobs[name] = (seen.make, site.root, weights, images)
    # An atlas has this folder from the start: a run that is killed before its first record can be repeated.
    (site.root / records.FOLDER).mkdir(parents=True, exist_ok=True)
    context, failed = multiprocessing.get_context("spawn"), {}
    with ProcessPoolExecutor(PROCESSES, context, initializer=quieted) as pool:
        running = {pool.submit(*job): name for name, job in jobs.items()}
        try:
            for done in rich.progress.track(as_completed(running), "building", total=len(running)):
                error = done.exception()
                if isinstance(error, BrokenProcessPool):
                    raise ChildProcessError("A process was killed, perhaps for lack of memory.") from error
                if isinstance(error, OSError):
                    raise error
                if error:
                    failed[running[done]] = error
        except BaseException:  # Ctrl-C, too: those that have not begun need not be waited for
            pool.shutdown(cancel_futures=True)
            raise
    return failed


def quieted() -> None:
    """Prepares a process: it ends with the command, and hides what TensorFlow's libraries print."""
    follow()
    with shared.quiet():
        from atlas_pages import seen  # noqa: F401


def follow() -> None:
    """Lets this process end at once on Ctrl-C, and with the one that started it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def end():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, daemon=True).start()


def write(site: Any, trained: Sequence[Any], images: pathlib.Path | None) -> None:
    """Writes the pages from the records, and removes those of nets that are no longer chosen."""
    from atlas_pages import beside, documents, front, net, records, seen
    from atlas_pages.site import ASSETS

    shutil.copytree(ASSETS, site.root / "assets", dirs_exist_ok=True)
    found = {name: records.found(site.root, name) for name in site.nets}
    views = {w.net: records.found(site.root, w.net + seen.SUFFIX, seen.made_from(w, images)) for w in trained}
    for name, record in found.items():
        record["seen"] = views.get(name)
    front.write(site, found)
    beside.write(site, found)
    net.write(site, found)
    for page in (site.root / "nets").glob("*.html"):
        if page.stem not in site.nets:
            page.unlink()
    documents.write(site)


def size_of(folder: pathlib.Path) -> int:
    """The size of all files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    shared.run(main, shared.AGAIN)
