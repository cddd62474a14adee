"""Top-1 and agreement with Keras of trained nets' files in bfloat16 and in int8."""

import argparse
import pathlib
import tempfile
from typing import Any

import shared
from kerasnets import files

# The rows of a net: its format, the precision, and whether it is calibrated with labels.
ROWS = {
    "SavedModel, bfloat16": ("saved_model", "bfloat16", False),
    "OpenVINO, bfloat16": ("openvino", "bfloat16", False),
    "LiteRT, int8": ("litert_int8", None, False),
    "OpenVINO, int8": ("openvino_int8", None, False),
    "OpenVINO, int8 with labels": ("openvino_int8", None, True),
}


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    words = "file .npz of `images` of 0..255 and `labels`, whole numbers"
    p.add_argument("--models", nargs="+", required=True, metavar="FILE", help="files .keras of trained nets")
    p.add_argument("--images", type=pathlib.Path, required=True, metavar="FILE", help=f"{words}, to count")
    p.add_argument(
        "--calibration", type=pathlib.Path, required=True, metavar="FILE", help=f"{words}, to calibrate int8"
    )


def run(args: argparse.Namespace) -> None:
    """Shows the share of right classes and of classes as in float32, and the layers that stay in float32."""
    with shared.quiet():
        import kerasnets

    images, calibration = read(args.images), read(args.calibration)
    figures, table = {}, [["net", "file", "top-1", "as in float32", "layers in float32"]]
    for path in args.models:
        with shared.quiet():
            found = figures[pathlib.Path(path).stem] = measured(
                kerasnets.load_model(path), images, calibration
            )
        for name, row in found.items():
            stay = row.get("float32_layers")
            count = "" if stay is None else len(stay)
            cells = [row["refused"], "", ""] if "refused" in row else [*share(row), count]
            table.append([pathlib.Path(path).stem, name, *cells])
        if args.out:
            files.write_json(args.out, figures)
    shared.show(table)
    for net, found in figures.items():
        for name, row in found.items():
            if row.get("float32_layers"):
                print(f"{net}, {name}: {', '.join(row['float32_layers'])}")


def read(path: pathlib.Path) -> tuple[Any, Any]:
    """The images and labels of a file .npz."""
    import numpy as np

    with np.load(path, allow_pickle=False) as content:
        missing = {"images", "labels"} - {*content}
        if missing:
            raise ValueError(f"{path} has no {' and no '.join(sorted(missing))}")
        return content["images"], content["labels"]


def measured(model: Any, images: tuple[Any, Any], calibration: tuple[Any, Any]) -> dict[str, dict[str, Any]]:
    """Figures of the files of a net, by the names of `ROWS`, and of the net itself first.

    Args:
        model: The net.
        images: Images and labels that are counted.
        calibration: Images and labels for int8.
    """
    from kerasnets import serving

    with tempfile.TemporaryDirectory() as folder:
        with serving.load(serving.export(model, folder)) as answer:
            expected = classes(answer, images[0])
        found = {"float32": counted(expected, expected, images[1])}
        for name, (form, precision, labelled) in ROWS.items():
            try:
                path, row = exported(
                    model, folder, form, precision, calibration if labelled else calibration[0]
                )
                with serving.load(path, precision=precision) as answer:
                    found[name] = counted(classes(answer, images[0]), expected, images[1]) | row
            except (ValueError, RuntimeError) as error:
                found[name] = {"refused": str(error)}
    return found


def exported(
    model: Any, folder: str, form: str, precision: str | None, calibration: Any
) -> tuple[pathlib.Path, dict[str, Any]]:
    """The path of an export, and the layers of it that stay in float32."""
    from kerasnets import serving
    from kerasnets.serving.formats import FORMATS
    from kerasnets.serving.versions import card_path

    if form == "saved_model":
        return serving.export(model, folder, precision=precision), {}
    given = None if FORMATS[form].exact else calibration
    path = serving.export_file(model, folder, form, calibration=given)
    card = files.read_json(card_path(path))
    return path, {key: card[key] for key in ("float32_layers",) if key in card}


def classes(answer: Any, images: Any) -> Any:
    """The classes that a loaded file predicts for images."""
    return answer(images)["probabilities"].argmax(1)


def counted(given: Any, expected: Any, labels: Any) -> dict[str, Any]:
    """The shares of classes that are right, and that are as expected."""
    return {"top1": float((given == labels).mean()), "agreement": float((given == expected).mean())}


def share(row: dict[str, Any]) -> list[str]:
    """The shares of a row, in percent."""
    return [f"{row[key]:.2%}" for key in ("top1", "agreement")]
