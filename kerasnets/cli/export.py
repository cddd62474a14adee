"""`kerasnets export`: a trained model as files for TF Serving or another runtime."""

import argparse
import dataclasses
import os
import warnings
from typing import Any

from kerasnets import files
from kerasnets.checks import INTERPOLATIONS
from kerasnets.cli.options import built, command, folder, lines, quiet, weights

# The default format comes first. The options below are for it alone; they are given with their defaults.
FORMATS = ("saved_model", "onnx", "litert", "litert_int8", "openvino", "openvino_int8")
SAVED_MODEL_ONLY = {"image_bytes": False, "features": False, "warmup": 0, "precision": "float32"}
SERVED = ("image_bytes", "precision")  # those of them that `--server ovms` and `triton` allow too
FASTEST = "fastest"  # instead of a format: the one that is found to be fastest on this machine
# Makes TensorFlow give back the memory that it has freed, which its pool for oneDNN keeps otherwise. The
# export of VGG16 to ONNX then takes 2.6 GiB instead of 4.1.
FREES = "TF_ONEDNN_USE_SYSTEM_ALLOCATOR"
SERVERS = {"tfserving": FORMATS[0], "ovms": "openvino", "triton": "onnx"}  # with their default formats


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "export a trained model for TF Serving or another runtime"
    p = command(commands, "export", run, text, builds=True, optional=True)
    p.add_argument(
        "--weights",
        type=weights,
        required=True,
        metavar="FILE",
        help="a file of weights, the id of a checkpoint, or a dataset such as imagenet",
    )
    folders = "folder of models, such as saved_models"
    p.add_argument("--out", type=folder, required=True, metavar="FOLDER", help=folders)
    p.add_argument(
        "--server",
        choices=list(SERVERS),
        default="tfserving",
        metavar="SERVER",
        help="tfserving, ovms for OpenVINO Model Server, or triton (tfserving)",
    )
    forms = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]} ({', '.join(SERVERS.values())} by server)"
    forms += f"; or {FASTEST}, which measures them and takes the fastest that agrees with float32"
    p.add_argument("--format", choices=(*FORMATS, FASTEST), metavar="FORMAT", help=forms)
    images = "images for formats in int8, and for the agreement with float32: a folder or a .npy file"
    p.add_argument("--calibration", metavar="FILE", help=images)
    p.add_argument(
        "--max-drop",
        type=float,
        metavar="SHARE",
        help="share of labelled images, right in float32, that openvino_int8 may get wrong (0.003)",
    )
    p.add_argument("--as", dest="served_as", metavar="NAME", help="name of the served model (NAME)")
    p.add_argument("--as-version", type=int, metavar="N", help="version number (the next free one)")
    p.add_argument("--preprocess", metavar="MODE", help="input scaling, such as unit (as in training)")
    p.add_argument(
        "--class-names", type=lines, metavar="FILE", help="text file of one name a line (as trained)"
    )
    p.add_argument("--image-bytes", action="store_true", help="also accept JPEG and PNG files")
    p.add_argument(
        "--shorter",
        type=int,
        metavar="PIXELS",
        help="shorter side of image files before cropping (as trained)",
    )
    p.add_argument(
        "--interpolation",
        choices=INTERPOLATIONS,
        help=f"of image files (as trained, or {INTERPOLATIONS[0]})",
    )
    p.add_argument("--no-antialias", action="store_true", help="shrink image files without antialiasing")
    p.add_argument("--features", action="store_true", help="also output the input of the classifier")
    p.add_argument("--warmup", type=int, default=0, metavar="N", help="warm-up requests per signature (0)")
    p.add_argument(
        "--precision",
        default="float32",
        metavar="DTYPE",
        help="float32, or bfloat16 for processors that have it (float32)",
    )
    p.add_argument("--plain", action="store_true", help="do not fold batch normalization or freeze variables")


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets export`."""
    shared = {
        "preprocess": options.preprocess,
        "class_names": options.class_names,
        "shorter": options.shorter,
        "interpolation": options.interpolation,
        "antialias": False if options.no_antialias else None,
        "optimize": False if options.plain else None,
    }
    options.format = options.format or SERVERS[options.server]
    if options.format != FASTEST:  # which measures, in other processes, what users get without it
        os.environ.setdefault(FREES, "1")
    write = {FORMATS[0]: export_saved_model, FASTEST: export_fastest}.get(options.format, export_file)
    with quiet(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        data, text = write(options, rest, shared)
    notes = [str(w.message) for w in caught if "preprocess_input" in str(w.message)]
    notes = list(dict.fromkeys(notes))  # each once, though several formats say it
    return data | {"notes": notes}, "\n".join([text, *notes])


def trained(options: argparse.Namespace, rest: list[str]) -> Any:
    """The net of the command line with its weights.

    What the command line does not say of a net, the file of its weights says, if it was made by this package.
    """
    import kerasnets
    from kerasnets.assembly.origin import arguments_of
    from kerasnets.weights.architectures import ARCHITECTURES, architecture_of
    from kerasnets.weights.reading import SUFFIXES, read_card

    own, key = options.weights.endswith(SUFFIXES), architecture_of(options.weights)

    if options.name is None:  # it may come after the options
        options.name = next((word for word in rest if word in kerasnets.list_models()), None)
        rest = [word for word in rest if word != options.name]
    if options.name is None and key:
        options.name = ARCHITECTURES[key].net
    more = rest or (["--input"] if options.input else [])
    if more and options.name not in kerasnets.list_models():
        raise ValueError(f"NAME, one of `kerasnets list`, is missing before {more[0]}")
    if options.name is None and not own:
        raise ValueError(
            f"NAME, one of `kerasnets list`, is missing: {options.weights} does not say for which net it is"
        )
    if options.name is None:
        return kerasnets.load_model(options.weights)
    card = read_card(options.weights) if own else None
    known = arguments_of(card) if card is not None and card.builder == options.name else {}
    return built(options, rest, known, weights=options.weights)


def export_saved_model(options, rest, shared):
    """The JSON data and the text of `kerasnets export --format saved_model`."""
    calibrated = "fastest, litert_int8 and openvino_int8"
    for name, forms in (("calibration", calibrated), ("max_drop", "openvino_int8")):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} is for --format {forms}")
    if options.server != "tfserving":
        raise ValueError(f"--format saved_model is for --server tfserving, not {options.server}")
    from kerasnets import serving

    only = {name: getattr(options, name) for name in SAVED_MODEL_ONLY}
    model = trained(options, rest)
    path = serving.export(model, options.out, options.served_as, options.as_version, **shared, **only)
    return {"path": str(path)}, f"wrote {path}"


def export_file(options, rest, shared):
    """The JSON data and the text of `kerasnets export` in another format."""
    server = None if options.server == "tfserving" else options.server
    given = {name: getattr(options, name) for name in SERVED} if server else {}
    for name, default in SAVED_MODEL_ONLY.items():
        if name not in given and getattr(options, name) != default:
            raise ValueError(f"--{name.replace('_', '-')} is for --format saved_model")
    from kerasnets import serving
    from kerasnets.serving import formats, layouts
    from kerasnets.serving.versions import card_path

    formats.find(options.format)
    model = trained(options, rest)
    place = options.out, options.format, options.served_as, options.as_version
    try:
        path = serving.export_file(
            model,
            *place,
            server=server,
            calibration=options.calibration,
            max_drop=options.max_drop,
            **given,
            **shared,
        )
    except RuntimeError as error:  # raised by the other runtime
        raise ValueError(str(error)) from error
    card = files.read_json(card_path(layouts.file_of(path) if server else path))
    keys = ("compared_images", "largest_difference", "top1_agreement", "top1", "float32_layers")
    data = {"path": str(path)} | {key: card[key] for key in keys if key in card}
    difference = card["largest_difference"]
    text = f"wrote {path}; its probabilities differ from those of Keras by at most {difference:.1g}"
    if card["runtime_options"]:
        given = ", ".join(f"{key}={value}" for key, value in card["runtime_options"].items())
        text += f" with {given}, without which {options.format} may compute in bfloat16"
    if "top1_agreement" in card:
        text += f", and {card['top1_agreement']:.1%} of {card['compared_images']} images get the same class"
    if "top1" in card:
        before, after = (card["top1"][key] for key in ("float32", "int8"))
        text += f"; {after:.2%} are right, and {before:.2%} in float32"
    if "float32_layers" in card:
        text += f"\nlayers that stay in float32: {', '.join(card['float32_layers']) or 'none'}"
    return data, text


def export_fastest(options, rest, shared):
    """The JSON data and the text of `kerasnets export --format fastest`."""
    for name, default in SAVED_MODEL_ONLY.items():
        if getattr(options, name) != default:
            raise ValueError(f"--{name.replace('_', '-')} is for --format saved_model")
    if options.server != "tfserving":
        raise ValueError(f"--format fastest is for --server tfserving, not {options.server}")
    if options.max_drop is not None:
        raise ValueError("--max-drop is for --format openvino_int8")
    from kerasnets import serving
    from kerasnets.serving import layouts, versions

    layouts.check_root(options.out, None)
    model = trained(options, rest)
    name = options.served_as or model.name
    versions.check_name(name)
    versions.check_version(options.out / name, options.as_version)
    found = serving.fastest(model, images=options.calibration, **shared)
    path = found.export(options.out, name, options.as_version)
    best = dataclasses.replace(found.best, path=path)
    data = {"path": str(path), "fastest": best.as_data(), "line": best.line, "measured": found.as_data()}
    return data, f"{found}\n\nwrote {path}; load it: {best.line}"
