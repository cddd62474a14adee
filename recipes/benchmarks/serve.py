"""Milliseconds per image: Keras, its export, ours on every runtime, and timm."""

import argparse
import dataclasses
import functools
import importlib.util
import pathlib
import statistics
import tempfile
from typing import Any

import shared
from benchmarks import measuring
from kerasnets import files
from kerasnets.serving import bench, candidates, turns

NETS = ("MobileNet", "MobileNetV2", "ResNet50", "DenseNet121", "InceptionV3")
BATCHES = (1, 8)  # images per request
PREDICT, EXPORT = "predict", "keras_export"  # those of Keras; the second one is what others are compared with
KERAS = (PREDICT, EXPORT)
TIMM = "timm"
BFLOAT16 = f"{candidates.SAVED_MODEL} bfloat16"  # what is exported, beside the formats
CALIBRATION = 16  # images of noise that files in int8 are calibrated with
MADE = "made.json"  # in the folder of a net's exports: what is there, or why not
# What may be chosen for the geometric means: precisions, and whether formats in int8 count.
CHOICES = {
    "float32": (("float32",), False),
    "float32 or bfloat16": (("float32", "bfloat16"), False),
    "float32, bfloat16 or int8": (("float32", "bfloat16"), True),
}


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    p.add_argument("--models", nargs="+", default=NETS, help=f"names of nets ({' '.join(NETS)})")
    sizes = " and ".join(map(str, BATCHES))
    words = f"images per request ({sizes})"
    p.add_argument("--batch-size", nargs="+", type=shared.whole(1), default=list(BATCHES), help=words)
    words = "contenders: predict, keras_export, timm, saved_model and formats of `kerasnets export` (all)"
    p.add_argument("--formats", nargs="+", metavar="FORMAT", help=words)
    words = "threads of each contender (all cores)"
    p.add_argument("--threads", type=shared.whole(1), metavar="N", help=words)
    words = "folder to keep exported nets in, and to take those from that are there (a temporary one)"
    p.add_argument("--exports", type=shared.folder, metavar="FOLDER", help=words)
    p.add_argument("--export-only", action="store_true", help="export the nets and measure nothing")


def run(args: argparse.Namespace) -> None:
    """Measures nets filled with trained-like values, each contender in a process of its own.

    Nets whose figures are in --out are not measured again.
    """
    with shared.quiet():
        measuring.check_models(args.models)
        from kerasnets.serving.formats import FORMATS
    known = (PREDICT, EXPORT, candidates.SAVED_MODEL, *FORMATS, TIMM)
    wrong = sorted(set(args.formats or ()) - set(known))
    if wrong:
        raise ValueError(f"--formats are some of {', '.join(known)}. Received: {wrong[0]}")
    settings = {
        "processor": candidates.processor(),
        "threads": args.threads,
        "batches": args.batch_size,
        "rounds": args.rounds,
        "formats": args.formats,
    }
    figures = started(args.out, settings)
    for name in args.models:
        if name in figures["nets"]:
            continue
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(args.exports or place) / name
            with shared.quiet():
                export(name, folder, args.formats or known)
            if not args.export_only:
                figures["nets"][name] = measured(name, folder, args)
        if args.out and not args.export_only:
            files.write_json(args.out, figures)
    if not args.export_only:
        show({name: figures["nets"][name] for name in args.models}, settings)


def started(out: pathlib.Path | None, settings: dict[str, Any]) -> dict[str, Any]:
    """The figures that a file has, if it is there; other settings than its own are refused."""
    if out is None or not out.exists():
        return settings | {"nets": {}}
    figures = files.read_json(out)
    for key, value in settings.items():
        if figures.get(key) != value:
            words = "--out is a new file, or one of the same settings"
            raise ValueError(f"{words}. Received: {key}={value!r}, which was {figures.get(key)!r}")
    return figures


def export(name: str, folder: pathlib.Path, wanted: tuple[str, ...]) -> None:
    """Writes a net of Keras and ours, filled with trained-like values, to a folder.

    Args:
        name: Name of the net.
        folder: The folder. What it has already is not written again.
        wanted: Names of formats and contenders.
    """
    from kerasnets.serving.formats import FORMATS

    made = files.read_json(folder / MADE) if (folder / MADE).exists() else {}
    folder.mkdir(parents=True, exist_ok=True)
    if EXPORT not in made:
        import keras

        theirs = measuring.trained_like(getattr(keras.applications, name)(weights=None))
        with files.replacing(folder / "keras.keras") as part:
            theirs.save(part)
        theirs.export(str(folder / "keras"), verbose=False)
        made["shape"] = list(theirs.input_shape[1:])
        made |= {PREDICT: {"path": str(folder / "keras.keras")}, EXPORT: {"path": str(folder / "keras")}}
        files.write_json(folder / MADE, made)
        keras.backend.clear_session()
    missing = [form for form in (candidates.SAVED_MODEL, BFLOAT16, *FORMATS) if form not in made]
    missing = [form for form in missing if form.split()[0] in wanted]
    if missing:
        import numpy as np

        import kerasnets
        from kerasnets import serving

        net = measuring.trained_like(kerasnets.build(name))
        shape = (CALIBRATION, *net.input_shape[1:])
        images = np.random.default_rng(0).integers(0, 256, shape).astype("float32")
        ways = {
            candidates.SAVED_MODEL: functools.partial(serving.export, net, folder),
            BFLOAT16: functools.partial(serving.export, net, folder, precision="bfloat16"),
        }
        for form, row in FORMATS.items():
            more = {} if row.exact else {"calibration": images}
            ways[form] = functools.partial(serving.export_file, net, folder, form, **more)
    for form in missing:
        row = candidates.written(form, "float32", ways[form])
        made[form] = {"error": row.error} if row.error else {"path": str(row.path)}
        files.write_json(folder / MADE, made)


def measured(name: str, folder: pathlib.Path, args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The figures of each contender for a net."""
    made = files.read_json(folder / MADE)
    with tempfile.TemporaryDirectory() as place:
        found = entered(name, made, args, pathlib.Path(place))
        if args.formats:
            found = [(row, who) for row, who in found if row.format in args.formats]
        questions = {str(batch): {"batch": batch} for batch in args.batch_size}
        total = turns.steps(len(found), args.rounds, len(questions))
        with candidates.progress(name, total) as step:
            outcomes = turns.measure([who for _, who in found], args.rounds, questions, step=step)
    figures = {
        who.name: dataclasses.asdict(outcome) | {"precision": row.precision, "format": row.format}
        for (row, who), outcome in zip(found, outcomes, strict=True)
    }
    for form, row in made.items():
        if "error" in row and (not args.formats or form.split()[0] in args.formats):
            figures[form] = {"error": row["error"], "seconds": {}, "format": form, "precision": None}
    return figures


def entered(
    name: str, made: dict[str, Any], args: argparse.Namespace, place: pathlib.Path
) -> list[tuple[candidates.Row, turns.Contender]]:
    """All contenders for a net, with the rows that describe them.

    Args:
        name: Name of the net.
        made: What was exported, by format.
        args: Parsed options.
        place: A temporary folder.
    """
    import numpy as np

    shape = made["shape"]
    images = np.random.default_rng(0).integers(0, 256, (max(args.batch_size), *shape)).astype("float32")
    bench.write_array(place / "images.npy", images)
    common, quiet = {"shape": shape, "threads": args.threads}, {"TF_CPP_MIN_LOG_LEVEL": "3"}
    found = []
    for who in (PREDICT, EXPORT):
        target, arguments = f"benchmarks.contenders:{who}", made[who] | common
        found.append(
            (candidates.Row(who, precision="float32"), turns.Contender(who, target, arguments, quiet))
        )
    paths = [row["path"] for form, row in made.items() if form not in (*KERAS, "shape") and "path" in row]
    for row in candidates.of_files(list(map(pathlib.Path, paths)), [args.threads]):
        own = row.format.startswith("openvino") or row.runtime != "openvino"  # not a file of another format
        if own and row.error is None:
            who = bench.contender(row, place / "images.npy", max(args.batch_size))
            found.append((row, dataclasses.replace(who, name=f"{row.format}, {row.precision}")))
    if importlib.util.find_spec("timm"):
        for precision in ("float32", "bfloat16") if candidates.has_bfloat16() else ("float32",):
            arguments = {"name": name, **common, "bfloat16": precision == "bfloat16"}
            who = turns.Contender(f"{TIMM}, {precision}", f"benchmarks.contenders:{TIMM}", arguments)
            found.append((candidates.Row(TIMM, precision=precision), who))
    return found


def show(nets: dict[str, dict[str, Any]], settings: dict[str, Any]) -> None:
    """Prints the tables, what was not measured, and how much faster than Keras's export the best are."""
    threads = f"{settings['threads']} threads" if settings["threads"] else "the threads that each chooses"
    print(f"milliseconds per image at batch {' / '.join(map(str, settings['batches']))}, medians of", end=" ")
    print(f"{settings['rounds']} rounds, on {settings['processor']}, {threads}")
    shared.show(rows(nets, settings["batches"]))
    for name, contenders in nets.items():
        for who, figures in contenders.items():
            if figures["error"]:
                print(f"{name}, {who}: {figures['error']}")
    kinds = [f["figures"] for contenders in nets.values() for f in contenders.values() if "figures" in f]
    hows = {answer["how"] for kind in kinds for answer in kind.values() if "how" in answer}
    if hows:
        print(f"{TIMM} by torch.jit: {' or '.join(sorted(hows))}")
    print("geometric means over the nets of Keras's export / the best")
    shared.show(means(nets, settings["batches"]))


def rows(nets: dict[str, dict[str, Any]], batches: list[int]) -> list[list[str]]:
    """Rows of a table: each contender's milliseconds per image, and how many times as fast it is.

    That is the geometric mean over the nets of the median ratio of Keras's export to it.
    """
    names = list(dict.fromkeys(who for contenders in nets.values() for who in contenders))
    table = [["contender", *nets, f"times as fast as {EXPORT}"]]
    for who in names:
        cells, ratios = [], {batch: [] for batch in batches}
        for contenders in nets.values():
            figures = contenders.get(who, {"error": "", "seconds": {}})
            times = []
            for batch in batches:
                seconds = figures["seconds"].get(str(batch)) if figures["error"] is None else None
                times.append(f"{1000 * statistics.median(seconds) / batch:.1f}" if seconds else "-")
                if seconds:
                    ratios[batch].append(ratio(contenders, who, batch))
            cells.append(" / ".join(times))
        means = [
            f"{statistics.geometric_mean(r):.2f}" if len(r) == len(nets) else "-" for r in ratios.values()
        ]
        table.append([who, *cells, " / ".join(means)])
    return table


def ratio(contenders: dict[str, Any], who: str, batch: int) -> float:
    """How many times as fast as Keras's export a contender is: the median of the ratios of all rounds."""
    pairs = zip(
        contenders[EXPORT]["seconds"][str(batch)], contenders[who]["seconds"][str(batch)], strict=True
    )
    return statistics.median(theirs / ours for theirs, ours in pairs)


def means(nets: dict[str, dict[str, Any]], batches: list[int]) -> list[list[str]]:
    """Rows of a table: for what may be chosen, the geometric mean over the nets of our best exports."""
    table = [["chosen among", *(f"batch {batch}" for batch in batches), "the best"]]
    for words, (precisions, int8) in CHOICES.items():
        cells, best = [], []
        for batch in batches:
            ratios = []
            for contenders in nets.values():
                found = {
                    who: ratio(contenders, who, batch)
                    for who, figures in contenders.items()
                    if figures["error"] is None
                    and figures["format"] not in (*KERAS, TIMM)
                    and figures["precision"] in precisions
                    and (int8 or not figures["format"].endswith(candidates.INT8))
                }
                if found:
                    who = max(found, key=found.get)
                    ratios.append(found[who])
                    best.append(who)
            cells.append(f"{statistics.geometric_mean(ratios):.2f}" if ratios else "-")
        table.append([words, *cells, "; ".join(dict.fromkeys(best))])
    return table
