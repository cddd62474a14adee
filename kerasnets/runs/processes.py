"""Tasks that are done one after another, here or in a process of their own; one that fails stops no other."""

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from typing import Any


def attempt(work: Callable[[Any], str], tasks: Sequence[Any]) -> None:
    """Does tasks one after another, and prints for each its result, or its error.

    Args:
        work: Function of a task that does it, and returns a line about the result.
        tasks: The tasks, whose text names them.
    """
    for task in tasks:
        try:
            print(f"{task}: {work(task)}", flush=True)
        except KeyboardInterrupt:
            if multiprocessing.parent_process() is None:
                raise
            return
        except Exception as error:
            print(f"{task} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)


def attempt_apart(work: Callable[[Any], str], tasks: Sequence[Any]) -> int | None:
    """Does what `attempt` does in a process of its own, and waits for it.

    Args:
        work: Function of a task, defined at the top level of a module.
        tasks: The tasks, which can be pickled.

    Returns:
        The exit code of the process, which is not 0 if it died.
    """
    process = multiprocessing.get_context("spawn").Process(target=attempt, args=(work, tasks), daemon=True)
    process.start()
    process.join()
    return process.exitcode
