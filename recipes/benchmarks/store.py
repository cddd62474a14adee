"""Seconds and memory of stored logits of 1.28 million images, and what the largest logits leave out."""

import argparse
import os
import pathlib
import shutil
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import shared
from benchmarks import training_steps
from kerasnets import files

DENSE, LARGEST = "all, float16", "the largest {}"


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    p.add_argument("--examples", type=shared.whole(1), default=1_281_167, help="images (1,281,167)")
    p.add_argument("--classes", type=shared.whole(2), default=1000, help="classes (1000)")
    p.add_argument("--top", type=shared.whole(1), nargs="+", default=[10], help="logits that are stored (10)")
    p.add_argument("--batch-size", type=shared.whole(1), default=256, help="images per batch (256)")
    teacher = "file of a trained net: also measures what --top leaves out of its logits for test images"
    p.add_argument("--teacher", metavar="FILE", help=teacher)
    p.add_argument("--data", metavar="NAME", default="digit_pairs", help="their dataset (digit_pairs)")
    p.add_argument("--data-dir", metavar="FOLDER", help="folder of these images")
    p.add_argument("--folder", type=shared.folder, help="where the logits are written (a temporary folder)")


def run(args: argparse.Namespace) -> None:
    """Writes and reads logits that are drawn at random, all of them and the largest, in this process."""
    with shared.quiet():
        import numpy as np

    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
    figures, place = {}, pathlib.Path(tempfile.mkdtemp(prefix="store-", dir=args.folder))
    try:
        for name, form in forms(args.classes, args.top).items():
            figures[name] = measured(place / "logits", form, args)
            shutil.rmtree(place / "logits")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    found = {f"{args.examples:,} images of {args.classes:,} classes, batches of {args.batch_size}": figures}
    show(*next(iter(found.items())), ",.1f")
    kinds = {"what is left out of such logits": drawn(np.random.default_rng(1), 2000, args.classes)}
    if args.teacher:
        kinds[f"of those of {args.teacher} for test images of {args.data}"] = logits_of_images(args)
    for title, logits in kinds.items():
        found[title] = errors(logits, args)
        show(title, found[title], ".2g")
    if args.out:
        files.write_json(args.out, found)


def measured(folder: pathlib.Path, form: Any, args: argparse.Namespace) -> dict[str, float]:
    """Figures of a store: megabytes, seconds, and the peak of the memory of this process in megabytes.

    Args:
        folder: Where it is written.
        form: The form of its records.
        args: Parsed options.

    Returns:
        Values by what they are. Seconds to write are those of encoding and writing, without the teacher.
    """
    import numpy as np
    import rich.progress

    from kerasnets.distillation import store as stores

    store = stores.made(folder, form, args.examples, teacher="none", data="none")
    seconds, rng = 0.0, np.random.default_rng(0)
    pool = drawn(rng, args.batch_size, args.classes)  # each batch has them for other classes
    before = training_steps.memory()["VmRSS"]
    reset_peak()
    for shard in rich.progress.track(range(store.shards), "writing", transient=True):
        records = np.empty(store.place(shard)[1], form.record)
        for start in range(0, len(records), args.batch_size):
            part = records[start : start + args.batch_size]
            logits = np.roll(pool[: len(part)], rng.integers(args.classes), axis=1)
            started = time.perf_counter()
            part[:] = form.encode(logits)
            seconds += time.perf_counter() - started
        started = time.perf_counter()
        store.write(shard, records)
        seconds += time.perf_counter() - started
    found = {"MB": store.bytes / 1e6, "write s": seconds, "peak MB": training_steps.memory()["VmHWM"]}
    order = rng.permutation(args.examples)
    for name, rows, cold in (
        ("in order, from disk s", np.arange(args.examples), True),
        ("in order s", np.arange(args.examples), False),
        ("shuffled s", order, False),
    ):
        if cold:
            forget(store)
        reset_peak()
        found[name] = epoch(stores.opened(folder), rows, args)
        found["peak MB"] = max(training_steps.memory()["VmHWM"], found["peak MB"])
    return {"MB before": before, **found}


def epoch(store: Any, rows: Any, args: argparse.Namespace) -> float:
    """Seconds to read the logits of rows in batches, as the training batches of a student have them."""
    import tensorflow as tf

    from kerasnets import data

    look_up = data.rows_of(store.rows, (store.form.classes,))
    batches = tf.data.Dataset.from_tensor_slices(rows).batch(args.batch_size).map(look_up).prefetch(4)
    started = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - started


def drawn(rng: Any, count: int, classes: int) -> Any:
    """Logits of deviation 2, 8 more for one class and 4 more for some others: float32, (count, classes)."""
    logits = rng.standard_normal((count, classes), "float32") * 2
    logits[range(count), rng.integers(0, classes, count)] += 8
    for _ in range(9):
        logits[range(count), rng.integers(0, classes, count)] += 4
    return logits


def logits_of_images(args: argparse.Namespace) -> Any:
    """Logits of a trained net for the test images of a dataset, float32, (n, classes)."""
    import numpy as np

    from kerasnets import data
    from kerasnets.assembly.preprocessing import taken
    from kerasnets.distillation.transfer import logits_of
    from kerasnets.runs.teachers import load_teacher

    net = load_teacher(args.teacher)
    images = data.load(args.data, "test", data_dir=args.data_dir).batch(500)
    scaling = taken(net).scaling
    return np.concatenate([logits_of(net, scaling(np.asarray(x, "float32"))) for x, _ in images])


def errors(logits: Any, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Measures what is lost if only the largest logits are stored.

    Args:
        logits: The logits, float32, (n, classes).
        args: Parsed options.

    Returns:
        By what is stored, the means over the examples of the Kullback-Leibler divergence from the original
        probabilities, in nats, and of the total variation distance, at temperatures 1 and 4.
    """
    import numpy as np

    found = {}
    for name, form in forms(logits.shape[1], args.top).items():
        kept, found[name] = form.decode(form.encode(logits)), {}
        for temperature in (1, 4):
            p, q = (log_softmax(z / temperature) for z in (logits, kept))
            distances = np.abs(np.exp(p) - np.exp(q)).sum(1) / 2
            found[name][f"KL, T = {temperature}"] = float((np.exp(p) * (p - q)).sum(1).mean())
            found[name][f"distance, T = {temperature}"] = float(distances.mean())
    return found


def forms(classes: int, tops: Sequence[int]) -> dict[str, Any]:
    """The forms of records by name: all logits, and the largest."""
    from kerasnets.distillation.records import Form

    largest = {LARGEST.format(k): Form(classes, top=k) for k in tops if k < classes}
    return {DENSE: Form(classes), **largest}


def show(title: str, found: dict[str, dict[str, float]], shape: str) -> None:
    """Prints a table of figures by what is stored."""
    print(title)
    head = ["stored", *next(iter(found.values()))]
    shared.show([head, *([name, *(format(v, shape) for v in row.values())] for name, row in found.items())])


def log_softmax(logits: Any) -> Any:
    """Logarithms of probabilities, float64."""
    import numpy as np

    logits = logits.astype("float64")
    logits -= logits.max(1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def forget(store: Any) -> None:
    """Asks the system to drop the files of a store from its cache, so that they are read from disk."""
    for shard in range(store.shards):
        with open(store.path(shard), "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def reset_peak() -> None:
    """Resets the peak memory of this process."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")
