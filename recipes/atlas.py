"""Writes the atlas: a folder of pages in which every net is shown, compared and explained.

    python recipes/atlas.py --out atlas                     all nets, a few minutes
    python recipes/atlas.py --out atlas --models "*resnet*" some of them

Open atlas/index.html in a browser, from disk or from any server of files: the pages need no network. The same
command goes on after a kill, and makes anew only what has changed.
"""

import argparse
import multiprocessing
import pathlib
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

import shared

PROCESSES = 2  # each needs about 1.5 GiB


def main() -> None:
    """Writes the atlas."""
    args = options()
    with shared.quiet():
        import kerasnets
        from atlas_pages import records  # noqa: F401
        from atlas_pages.site import Site

    nets = kerasnets.list_models(args.models)
    if not nets:
        raise ValueError(f"--models is a shell pattern of names of models. Received: {args.models!r}")
    check_folder(args.out)
    site = Site(args.out, nets)
    build(site)
    write(site)
    print(f"wrote {args.out / 'index.html'}: {len(nets)} nets, {size_of(args.out) / 1e6:.1f} MB")


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(description="Write the atlas: every net as a page to look at.")
    p.add_argument("--out", type=shared.folder, required=True, metavar="FOLDER", help="folder of the pages")
    p.add_argument("--models", default="*", metavar="PATTERN", help="shell pattern of the nets (all)")
    return p.parse_args()


def check_folder(folder: pathlib.Path) -> None:
    """Refuses a folder that has something else in it than an atlas."""
    from atlas_pages.records import FOLDER

    if folder.exists() and any(folder.iterdir()) and not (folder / FOLDER).is_dir():
        raise ValueError(f"--out is an atlas, an empty folder or a new one. Received: {folder}")


def build(site: Any) -> None:
    """Makes the parts of a site that take long and are not there: the records of nets and the API pages."""
    import rich.progress

    from atlas_pages import records

    jobs = [(records.make, site.root, name) for name in site.nets if not records.found(site.root, name)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context, initializer=quieted) as pool:
        running = [pool.submit(work, *job) for job in jobs]
        try:
            for done in rich.progress.track(as_completed(running), "building", total=len(running)):
                done.result()
        except BaseException:  # the others need not be waited for
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def quieted() -> None:
    """Hides what TensorFlow's libraries print when a process loads them."""
    with shared.quiet():
        from atlas_pages import records  # noqa: F401


def work(make: Callable, *arguments: Any) -> None:
    """Does one job of `build` in a process of its own."""
    make(*arguments)


def write(site: Any) -> None:
    """Writes the pages, from the records of the nets."""
    from atlas_pages.site import ASSETS

    shutil.copytree(ASSETS, site.root / "assets", dirs_exist_ok=True)


def size_of(folder: pathlib.Path) -> int:
    """The size of all files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    shared.run(main)
