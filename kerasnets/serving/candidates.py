"""The candidates of `fastest`: each export with the runtimes, precisions and threads that it can have."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.checks import refuse
from kerasnets.serving import runtimes, versions
from kerasnets.serving.load import check_path, ending_of, model_card, models_in

if TYPE_CHECKING:
    import rich.console

SAVED_MODEL = "saved_model"  # its files are those of `export`; the other formats are of `export_file`
INT8 = "_int8"  # at the end of the names of quantized formats
NAMES = {"": SAVED_MODEL, ".onnx": "onnx", ".tflite": "litert", ".xml": "openvino", ".keras": "keras"}
NOISE = 8  # images of noise that outputs are compared on, where no images are given
INSTRUCTIONS = ("avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")  # as Linux calls them
FREE_SIDE = 224  # their pixels along sides that a net leaves free


@dataclasses.dataclass(frozen=True)
class Row:
    """A candidate and what was measured of it.

    Attributes:
        format: "saved_model", a format of `export_file`, or "keras".
        path: Path of the folder of the version or of the file; None if it could not be written.
        runtime: Name of the runtime, as for `load`.
        precision: "float32" or "bfloat16". In formats in int8, that of what is not quantized.
        threads: Number of threads; None is the runtime's own choice.
        milliseconds: For each size of a batch, the median of the milliseconds per image.
        load: Seconds in which the runtime is imported and the file loaded.
        memory: Megabytes of the process at the peak; None where the system does not tell.
        size: Bytes of the files.
        agreement: Share of the images with the same class or the same labels as in float32; None without
            images.
        difference: Largest difference of the probabilities from those in float32.
        error: Why it was not measured, or None.
    """

    format: str
    path: pathlib.Path | None = None
    runtime: str | None = None
    precision: str | None = None
    threads: int | None = None
    milliseconds: dict[int, float] = dataclasses.field(default_factory=dict)
    load: float | None = None
    memory: float | None = None
    size: int | None = None
    agreement: float | None = None
    difference: float | None = None
    error: str | None = None

    def as_data(self) -> dict[str, Any]:
        """All of it as data for JSON."""
        times = {str(batch): time for batch, time in self.milliseconds.items()}
        return dataclasses.asdict(self) | {"path": self.path and str(self.path), "milliseconds": times}

    @property
    def is_float32(self) -> bool:
        """Whether it has weights in float32 and computes in it."""
        return self.precision == "float32" and not self.format.endswith(INT8)

    @property
    def words(self) -> str:
        """The candidate in words, such as "onnx on openvino in bfloat16"."""
        threads = f", threads: {self.threads}" if self.threads else ""
        on = "" if self.format.removesuffix(INT8) == self.runtime else f" on {self.runtime}"
        return f"{self.format}{on} in {self.precision}{threads}"

    @property
    def line(self) -> str:
        """The line of Python that loads it."""
        more = f", threads={self.threads}" if self.threads else ""
        return f"serving.load({str(self.path)!r}, {self.runtime!r}, {self.precision!r}{more})"


def is_path(value):
    """Whether a value is a path."""
    return isinstance(value, (str, os.PathLike))


def found_at(paths):
    """The exports at paths: for the folder of a model, the newest version in each format."""
    paths = [paths] if is_path(paths) else list(paths)
    if not paths or not all(map(is_path, paths)):
        refuse("model_or_paths", "a keras.Model, a path, or a list of paths", paths)
    found = {}
    for path in map(pathlib.Path, paths):
        inside = models_in(path) if path.is_dir() else []
        if not inside:
            check_path(path, "model_or_paths")
        newest = {}
        for place in inside or [path]:
            newest.setdefault((format_of(place), precision_of(place)), place)
        found |= dict.fromkeys(sorted(newest.values(), key=pathlib.Path.is_file))  # a SavedModel first
    return list(found)


def format_of(path):
    """The name of the format of an export: that of its card, or by its ending."""
    known = (model_card(path) or {}).get("format")
    return known or NAMES[ending_of(path)] + (INT8 if path.stem.endswith("-int8") else "")


def precision_of(path):
    """The precision that the folder of a version was exported in; "float32" for files."""
    known = model_card(path) or {}
    return known.get("precision", "float32") if path.is_dir() else "float32"


def files_of(path):
    """The files of an export, given the path of the file that is loaded or of the folder of the version."""
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file()]
    near = (p for p in path.parent.iterdir() if p.name.startswith(f"{path.name}."))
    return [p for p in (path, path.with_suffix(".bin"), *near) if p.is_file()]


def images_of(paths, images):
    """Images to compare files on, as the first card says: float32, (n, height, width, channels)."""
    known = next(filter(None, map(model_card, paths)), {})
    shape = known.get("input", {}).get("shape")
    if images is None:
        if shape is None:
            refuse("images", "an array of images for a file without a model card", images)
        return noise(shape)
    if is_path(images) and shape is None:
        refuse("images", "an array of images for a file without a model card", images)
    return collected(images, shape, known.get("input", {}).get("sizing"))


def collected(images, shape, sizing):
    """The images of an argument in one array, resized and cropped as a card's `sizing` says."""
    from kerasnets.serving import calibration
    from kerasnets.serving.images import make_sizing, sizing_row

    if shape is None:
        shape = np.shape(images)[1:]
    try:
        row = sizing_row(shape, None, None, None, sizing)
        return calibration.collect(images, shape, make_sizing(row))[0]
    except ValueError as error:
        raise ValueError(str(error).replace("calibration", "images")) from error


def noise(shape, count=NOISE):
    """Images or clips of noise, to test a net with: float32, (count, *shape), whole numbers 0..255."""
    sides = [side or FREE_SIDE for side in shape]
    return np.random.default_rng(0).integers(0, 256, (count, *sides)).astype("float32")


def exports(model, images, folder, options, console):
    """Exports a model to every format.

    Args:
        model: A keras.Model.
        images: Images as for `fastest`, or None.
        folder: The folder to write to.
        options: Options of the exports.
        console: A rich console, or None.

    Returns:
        A row for each export, with its path or why it failed; the images that candidates are compared on;
        the probabilities of Keras in float32 for these; and the threshold of the net, or None.
    """
    import keras

    from kerasnets.serving import formats, nets
    from kerasnets.serving.files import batched, export_file
    from kerasnets.serving.images import sizing_row
    from kerasnets.serving.saved_model import export

    if not isinstance(model, keras.Model):
        refuse("model_or_paths", "a keras.Model, a path, or a list of paths", model)
    net = nets.net_of(model, options.get("preprocess"), options.get("from_logits"))
    versions.check_name(net.source.name)
    calibration = None
    if images is None:
        given = noise(net.shape)
    else:
        asked = (options.get(name) for name in ("shorter", "interpolation", "antialias"))
        images = collected(images, net.shape, sizing_row(net.shape, *asked, net.card.sizing))
        if len(images) < 2:
            refuse("images", "at least two images: one to calibrate and one to compare", len(images))
        calibration, given = images[::2], images[1::2]
    ways = {
        (SAVED_MODEL, "float32"): lambda: export(model, folder, **options),
    }
    if calibration is not None and has_bfloat16():
        ways[SAVED_MODEL, "bfloat16"] = lambda: export(model, folder, precision="bfloat16", **options)
    for name, row in formats.FORMATS.items():
        needs = {} if row.exact else {"calibration": calibration}
        if row.exact or calibration is not None:
            ways[name, "float32"] = lambda name=name, needs=needs: export_file(
                model, folder, name, **needs, **options
            )
    made = []
    with progress("exporting", len(ways), console) as step:
        for (name, precision), write in ways.items():
            made.append(written(name, precision, write))
            step()
    missing = [name for name, row in formats.FORMATS.items() if not row.exact and calibration is None]
    made += [Row(name, error="not measured: it needs images to calibrate") for name in missing]
    expected = batched(nets.in_float32(net).predict, given)["probabilities"]
    return made, given, expected, net.card.threshold


def written(name, precision, write):
    """Writes an export: a row with its path, or with the reason why it failed."""
    try:
        return Row(name, write(), precision=precision)
    except ModuleNotFoundError as error:
        return Row(name, error=not_installed(error))
    except (ValueError, RuntimeError) as error:
        return Row(name, error=" ".join(str(error).split()))


def not_installed(error):
    """The reason of a row, given the error about what is missing, which ends with what installs it."""
    return f"not installed: {str(error).rpartition(': ')[2]}"


def of_files(paths, threads):
    """The candidates for files: a row for each runtime that reads one, each precision and number of threads.

    A runtime that is not installed has one row with the reason.
    """
    rows = []
    for path in paths:
        exported, form = precision_of(path), format_of(path)
        for runtime in runtimes.readers(ending_of(path)):
            if exported != "float32" and runtime != "tensorflow":
                continue  # OpenVINO would report float32 for weights in bfloat16
            row = Row(form, path, runtime, exported, size=sum(p.stat().st_size for p in files_of(path)))
            try:
                runtimes.check_installed(runtime)
            except ModuleNotFoundError as error:
                rows.append(dataclasses.replace(row, error=not_installed(error)))
                continue
            precisions = [exported] if runtime == "tensorflow" else precisions_of(runtime)
            rows += [
                dataclasses.replace(row, precision=precision, threads=number)
                for precision in precisions
                for number in threads
            ]
    return rows


def precisions_of(runtime):
    """The precisions that a runtime has on this processor."""
    row = runtimes.RUNTIMES[runtime]
    return [p for p in row.precisions if p == "float32" or (has_bfloat16() and allowed(row, p))]


def allowed(row, precision):
    """Whether a runtime computes in a precision on this processor."""
    try:
        row.open.check(precision, None)
    except ValueError:
        return False
    return True


def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16, as far as Linux tells."""
    return bool(re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", cpu_info()))


def processor() -> str:
    """The name of the processor, its number of cores, and its instructions for bfloat16 and int8."""
    info = cpu_info()
    name = re.search(r"^model name\s*: (.+)$", info, re.MULTILINE)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    has = [word for word in INSTRUCTIONS if re.search(rf"\b{word}\b", info)]
    words = f"{cores} cores of {name[1].strip() if name else 'this processor'}"
    return f"{words} with {', '.join(has)}" if has else words


def cpu_info():
    """What Linux tells of the processors; elsewhere an empty text."""
    try:
        return pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@contextlib.contextmanager
def progress(
    title: str, total: int, console: rich.console.Console | None = None
) -> Iterator[Callable[[], None]]:
    """A context with a bar of progress on a terminal.

    Args:
        title: Text at the start of the line.
        total: Number of steps.
        console: A rich console, or None for standard error.

    Yields:
        A function to call after each step.
    """
    import rich.console
    import rich.progress

    console = console or rich.console.Console(stderr=True)
    with rich.progress.Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)
