"""What is fastest on this machine: formats, runtimes, precisions and numbers of threads, measured.

    found = serving.fastest("best.keras", images="photos")
    print(found)                        # a table, and the line that loads the fastest
    net = found.load()
    found.export("saved_models")        # publishes its files as a version

Each candidate has a process of its own, and they take turns; see `turns`.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets import files
from kerasnets.checks import is_int, is_number, refuse
from kerasnets.serving import candidates, configs, layouts, turns, versions
from kerasnets.serving.candidates import Row
from kerasnets.serving.load import Loaded, load, model_card
from kerasnets.tables import bytes_text, text_table

if TYPE_CHECKING:
    import keras
    import rich.console

TRAINED = (".keras", ".h5")  # endings of models that are exported first
BATCHES = (1, 8)
# Where times differ by less, which is noise, the more exact of two candidates is chosen.
TIE = 0.03
# Largest difference of probabilities from float32 at which a file counts as exact, where no images are given.
EXACT = 1e-3
COMPARED = "compared"  # the question of a turn whose outputs are kept


@dataclasses.dataclass(frozen=True, repr=False)
class Bench:
    """What `fastest` has measured. `str` turns it into a table.

    Attributes:
        rows: All candidates.
        batch: Number of images at once for which the best is chosen.
        batches: Numbers of images at once that were measured.
        agree: Share of images that must get the same class.
        images: Number of images on which candidates were compared with float32; 0 if they were noise.
        compared_with: What the outputs in float32 are of.
        processor: Name of the processor, and its number of cores.
        folder: Temporary folder of the exports, which is removed with this object; None for files that were
            there before.
    """

    rows: tuple[Row, ...]
    batch: int
    batches: tuple[int, ...]
    agree: float
    images: int
    compared_with: str | None
    processor: str
    folder: tempfile.TemporaryDirectory | None = None

    @property
    def best(self) -> Row | None:
        """The fastest candidate that agrees with float32, at `batch`; None if there is none."""
        return self.best_at(self.batch)

    def best_at(self, batch: int) -> Row | None:
        """The fastest candidate that agrees with float32, for a size of a batch that was measured.

        Without images, only candidates wholly in float32 can be chosen, whose probabilities for noise differ
        by at most `EXACT`. Among candidates that are slower by less than `TIE`, the most exact one is chosen,
        since such a difference is noise.
        """
        rows = [
            row for row in self.rows if row.error is None and batch in row.milliseconds and self.agrees(row)
        ]
        least = min((row.milliseconds[batch] for row in rows), default=0)
        rows = [row for row in rows if row.milliseconds[batch] <= (1 + TIE) * least]
        return min(rows, key=lambda row: (row.difference, row.milliseconds[batch]), default=None)

    def agrees(self, row: Row) -> bool:
        """Whether a candidate agrees with float32 on enough images, or without images is exact."""
        if row.difference is None:
            return False
        if self.images:
            return row.agreement >= self.agree
        return row.is_float32 and row.difference <= EXACT

    def load(self, **options: Any) -> Loaded:
        """Loads the best candidate.

        Args:
            **options: Further arguments of `kerasnets.serving.load`.

        Raises:
            ValueError: No candidate agrees.
        """
        row = self.found()
        return load(row.path, row.runtime, row.precision, row.threads, **options)

    def export(
        self, root: str | os.PathLike, name: str | None = None, version: int | None = None
    ) -> pathlib.Path:
        """Publishes the files of the best candidate as a version; its model card records what was measured.

        Args:
            root: Folder of all models.
            name: Name of the model; None for that of its card.
            version: Number of the version; None for the next.

        Returns:
            Path of the version.

        Raises:
            ValueError: An argument is not allowed, or no candidate agrees.
            OSError: The root cannot be written to, or the disk is full. Files already written are removed.
        """
        row = self.found()
        known = model_card(row.path) or {}
        name = known.get("name", row.path.stem) if name is None else name
        root = versions.check_root(root)
        versions.check_name(name)
        layouts.check_root(root, None)
        number = re.match(r"\d+(?=[.-])", row.path.name)
        stem = number[0] if number else row.path.stem
        ending = "" if row.path.is_dir() else row.path.name.removeprefix(stem)
        versions.check_version(root / name, version, ending)
        with versions.staged(root / name) as part:
            if row.path.is_dir():
                shutil.copytree(row.path, part, dirs_exist_ok=True)
            for file in candidates.files_of(row.path) if ending else ():
                shutil.copyfile(file, part / f"{versions.STEM}{file.name.removeprefix(stem)}")
            place = versions.card_path(part if row.path.is_dir() else part / f"{versions.STEM}{ending}")
            if place.exists():
                files.write_json(place, known | {"name": name, "fastest": self.card(row)})
            if not ending:
                path = versions.publish(part, version)
            else:
                path = versions.publish_files(part, ending, version)
        if not ending:
            configs.update(root)
        return path

    def card(self, row: Row) -> dict[str, Any]:
        """What the model card of an exported candidate records."""
        keys = ("runtime", "precision", "threads", "milliseconds", "agreement", "difference")
        data = row.as_data()
        compared = {"compared_images": self.images, "processor": self.processor}
        return {key: data[key] for key in keys} | compared

    def found(self) -> Row:
        """The best candidate, or an error that says why there is none."""
        if self.best is None:
            raise ValueError(self.choice(self.batch))
        return self.best

    def choice(self, batch: int) -> str:
        """The best candidate for a size of a batch, in a sentence."""
        row = self.best_at(batch)
        if row is not None:
            return f"fastest at batch {batch}: {row.words}, {row.milliseconds[batch]:.2f} ms an image"
        if not any(row.difference is not None for row in self.rows):
            return f"nothing can be chosen at batch {batch}: nothing in float32 to compare with was measured"
        asked = f"agrees on {self.agree:.4g} of the images" if self.images else "is exact"
        return f"nothing can be chosen at batch {batch}: no candidate {asked}"

    def as_data(self) -> dict[str, Any]:
        """All of it as data for JSON."""
        keys = ("batch", "agree", "images", "compared_with", "processor")
        best = {batch: self.best_at(batch) for batch in self.batches}
        return {
            **{key: getattr(self, key) for key in keys},
            "rows": [row.as_data() for row in self.rows],
            "best": {str(batch): row and self.rows.index(row) for batch, row in best.items()},
        }

    def __str__(self) -> str:
        return "\n".join([self.table(), "", *self.notes()])

    def table(self) -> str:
        """The candidates that were measured, the fastest first."""
        rows = [row for row in self.rows if row.error is None]
        rows.sort(key=lambda row: row.milliseconds[self.batch])
        times = [f"ms at {batch}" for batch in self.batches]
        named = ["file" if self.folder is None else "format", "runtime", "precision"]
        header = [*named, *times, "load s", "MB", "size", "agrees", "differs"]
        return text_table(header, [self.cells(row) for row in rows], left=3)

    def cells(self, row: Row) -> list[str]:
        """The cells of a candidate in the table."""
        return [
            row.format if self.folder is not None else short(row.path),
            f"{row.runtime} x{row.threads}" if row.threads else row.runtime,
            row.precision,
            *(f"{row.milliseconds[batch]:.2f}" for batch in self.batches),
            f"{row.load:.1f}",
            "" if row.memory is None else f"{row.memory:.0f}",
            bytes_text(row.size),
            "" if row.agreement is None else f"{row.agreement:.1%}",
            "" if row.difference is None else f"{row.difference:.0e}",
        ]

    def notes(self) -> list[str]:
        """What was compared, what is fastest and how to load it, and what was not measured."""
        threads = "; x1 is with one thread" if any(row.threads for row in self.rows) else ""
        compared = f"milliseconds per image on {self.processor}{threads}"
        if self.images:
            share = f"{self.agree:.4g}"
            compared += (
                f"; a candidate must agree with {self.compared_with} on {share} of {self.images} images"
            )
        else:
            compared += "; without images, only candidates wholly in float32 can be chosen"
        notes = [compared, *(self.choice(batch) for batch in self.batches)]
        if self.best is not None and self.folder is None:
            notes.append(f"load it: {self.best.line}")
        failed: dict[str, list[str]] = {}
        for row in self.rows:
            if row.error is not None:
                words = row.format if row.path is None else row.words
                failed.setdefault(row.error, []).append(words)
        return notes + [f"{', '.join(dict.fromkeys(who))}: {why}" for why, who in failed.items()]


def fastest(
    model_or_paths: keras.Model | str | os.PathLike | Sequence[str | os.PathLike],
    batch: int = 1,
    agree: float = 0.99,
    images: Any = None,
    *,
    batches: Sequence[int] = BATCHES,
    threads: int | Sequence[int | None] | None = None,
    rounds: int = 5,
    console: rich.console.Console | None = None,
    **options: Any,
) -> Bench:
    """Measures which format, runtime, precision and number of threads is fastest on this machine.

    A model is exported to each format that is installed, into a temporary folder. Files are measured as they
    are. Each candidate is loaded in a process of its own, and they take turns in rounds.

    A candidate that computes in bfloat16 or int8 gives other probabilities than in float32. It can be chosen
    if it gives the same class, or the same labels, for a share `agree` of the images. So images are needed
    for this. For formats in int8, half of the images calibrate, and all candidates are compared on the rest.

    Args:
        model_or_paths: A keras.Model or the path of a file .keras or .h5, to be exported. Or the path of what
            was exported, or a list of such: files .onnx, .tflite and .xml, folders of versions, and folders
            of models, of which the newest version in each format is taken.
        batch: Number of images at once for which the best is chosen.
        agree: Share of the images, above 0 and at most 1.
        images: Up to 2,000 images like those that the net will see, not scaled: an array, (n, height, width,
            channels), values 0..255; or batches of such arrays; or the path of a .npy file with an array; or
            the path of a folder of images. None allows only candidates wholly in float32.
        batches: Numbers of images at once that are measured too.
        threads: Numbers of threads to try, None being the runtime's own choice, which is all cores.
        rounds: Number of turns of each candidate for each number of images.
        console: A rich console for the progress, or None for standard error.
        **options: Options of both `export` and `export_file` for a model, such as `preprocess`.

    Returns:
        A `Bench` with a row for each candidate. What is not installed or fails has a row with the reason.

    Raises:
        ValueError: An argument is not allowed.
    """
    batches = check_numbers(batch, agree, batches, rounds)
    numbers = check_threads(threads)
    if candidates.is_path(model_or_paths) and pathlib.Path(model_or_paths).suffix in TRAINED:
        from kerasnets.assembly.origin import load_model

        model_or_paths = load_model(model_or_paths)
    if candidates.is_path(model_or_paths) or isinstance(model_or_paths, (list, tuple)):
        if options:
            refuse("options", "those of an export, for a model to be exported", sorted(options))
        folder, paths = None, candidates.found_at(model_or_paths)
        given = candidates.images_of(paths, images)
        found = candidates.of_files(paths, numbers)
        rows, compared_with = measured(found, given, batches, rounds, images is not None, console)
    else:
        folder = tempfile.TemporaryDirectory()
        try:
            made, given, expected, known = candidates.exports(
                model_or_paths, images, folder.name, options, console
            )
            found = [row for row in made if row.error is not None]
            found += candidates.of_files([row.path for row in made if row.error is None], numbers)
            rows, _ = measured(found, given, batches, rounds, images is not None, console, expected, known)
        except BaseException:
            folder.cleanup()
            raise
        compared_with = "Keras"
    count = 0 if images is None else len(given)
    return Bench(tuple(rows), batch, batches, agree, count, compared_with, candidates.processor(), folder)


def check_numbers(batch, agree, batches, rounds):
    """The sizes of batches, once the numbers are checked."""
    if not is_int(batch, 1):
        refuse("batch", "a whole number, at least 1", batch)
    if not is_number(agree) or not 0 < agree <= 1:
        refuse("agree", "a number above 0 and at most 1", agree)
    if not isinstance(batches, (list, tuple)) or not all(is_int(size, 1) for size in batches):
        refuse("batches", "a list of whole numbers, at least 1", batches)
    if not is_int(rounds, 1):
        refuse("rounds", "a whole number, at least 1", rounds)
    return tuple(sorted({batch, *batches}))


def check_threads(threads):
    """The numbers of threads to try, once they are checked."""
    numbers = list(threads) if isinstance(threads, (list, tuple)) else [threads]
    if not numbers or not all(number is None or is_int(number, 1) for number in numbers):
        refuse("threads", "None, a whole number, at least 1, or a list of these", threads)
    return list(dict.fromkeys(numbers))


def measured(rows, images, batches, rounds, asked, console=None, expected=None, threshold=None):
    """Measures candidates.

    Args:
        rows: The candidates; those with an error stay as they are.
        images: Images to compare the outputs on, and to measure with.
        batches: Sizes of batches.
        rounds: Number of turns of each.
        asked: Whether the agreement on these images counts.
        console: A rich console, or None.
        expected: Probabilities in float32; None for those of the first candidate in float32.
        threshold: The threshold of the net whose probabilities are expected, or None.

    Returns:
        The rows with their figures, and the words of the candidate whose outputs are expected, or None.
    """
    good = [row for row in rows if row.error is None]
    questions = {str(batch): {"batch": batch} for batch in batches}
    total = turns.steps(len(good), rounds, len(batches))
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        write_array(place / "images.npy", images)
        contenders = [contender(row, place / "images.npy", max(batches)) for row in good]
        with (
            candidates.progress("measuring", total, console) as step,
            turns.loaded(contenders, step=step) as processes,
        ):
            for number, process in enumerate(processes):
                process.turn(COMPARED, {"out": str(place / f"{number}.npy")}, least=0)
            turns.take_turns(processes, rounds, questions, step=step)
        outputs = [
            np.load(place / f"{number}.npy") if process.outcome.error is None else None
            for number, process in enumerate(processes)
        ]
    words = None
    if expected is None:
        exact = (i for i, row in enumerate(good) if row.is_float32 and outputs[i] is not None)
        first = next(exact, None)
        if first is not None:
            expected, words = outputs[first], good[first].words
            threshold = (model_card(good[first].path) or {}).get("threshold")
    done = [
        with_figures(row, process.outcome, given, batches, expected, threshold, asked)
        for row, process, given in zip(good, processes, outputs, strict=True)
    ]
    return [*done, *(row for row in rows if row.error is not None)], words


def write_array(path, x):
    """Writes an array to a .npy file."""
    with files.replacing(path) as part:
        np.save(part, x)


def contender(row, images, largest):
    """What takes turns for a row, given the path of a .npy file of images and the largest batch."""
    arguments = {"path": str(row.path), "images": str(images), "largest": largest}
    arguments |= {name: getattr(row, name) for name in ("runtime", "precision", "threads")}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    return turns.Contender(row.words, "kerasnets.serving.bench:opened", arguments, quiet)


def with_figures(row, outcome, given, batches, expected, threshold, asked):
    """A row with what was measured of it, given its outcome and its probabilities or None."""
    if outcome.error is not None:
        return dataclasses.replace(row, error=outcome.error)
    figures = {
        "milliseconds": {batch: 1000 * outcome.median(str(batch)) / batch for batch in batches},
        "load": outcome.load,
        "memory": outcome.memory,
    }
    if expected is not None and given.shape == expected.shape:
        figures["difference"] = float(np.abs(given - expected).max())
        if asked:
            from kerasnets.serving.files import agreement

            pair = ({"probabilities": x} for x in (expected, given))
            figures["agreement"] = agreement(*pair, threshold)
    return dataclasses.replace(row, **figures)


def opened(path, runtime, precision, threads, images, largest):
    """Loads a candidate in its process: the function of its turns.

    Args:
        path: Path of the export.
        runtime: Name of the runtime.
        precision: The precision.
        threads: Number of threads, or None.
        images: Path of a .npy file of images.
        largest: Size of the largest batch.
    """
    net = load(path, runtime, precision, threads, batch=largest)
    given = np.load(images, mmap_mode="r")
    batches = {}

    def turn(batch=None, out=None):
        if out is not None:
            parts = (np.array(given[i : i + largest]) for i in range(0, len(given), largest))
            write_array(out, np.concatenate([net(part)["probabilities"] for part in parts]))
            return
        if batch not in batches:
            batches[batch] = np.resize(given[:batch], (batch, *given.shape[1:]))
        net(batches[batch])

    return turn


def short(path):
    """A path as the table shows it: its last two parts."""
    return "/".join(path.parts[-2:])
