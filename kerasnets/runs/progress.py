"""Progress of a pass over images on the terminal."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import rich.console
import rich.progress

from kerasnets.training.progress import PAUSE

Batch = TypeVar("Batch")


def watched(
    batches: Iterable[Batch],
    total: int,
    title: str,
    console: rich.console.Console | None = None,
    count: Callable[[Batch], int] = len,
) -> Iterator[Batch]:
    """Yields batches while a bar shows how many images are done and how long the others will take.

    If the output is not a terminal, a plain line is printed every half minute.

    Args:
        batches: The batches.
        total: Number of images in all of them.
        title: Text at the start of the line.
        console: A rich console, or None for standard error.
        count: Function that gives the number of images in a batch.

    Yields:
        The batches.
    """
    console = console or rich.console.Console(stderr=True)
    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
        rich.progress.TimeRemainingColumn(),
    )
    shown_at, done = time.monotonic(), 0
    bar = rich.progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(title, total=total)
        for batch in batches:
            yield batch
            done += count(batch)
            bar.update(task, completed=done)
            if not console.is_terminal and time.monotonic() - shown_at >= PAUSE:
                words = f"{title}  {done:,}/{total:,} images"
                console.print(words, soft_wrap=True, highlight=False, markup=False)
                shown_at = time.monotonic()
