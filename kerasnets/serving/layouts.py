"""Folders of models as OpenVINO Model Server and Triton read them, with the configuration that each needs.

Both read root/name/version/model.xml or model.onnx. What a file needs of its server is in its model card, so
that the configuration of all models of a root can be written again at any time:

- OpenVINO Model Server reads config.json. It lists the models, and for each the options of OpenVINO, the
  shapes of files that are not served with any number of images, and the layout of those that take image
  files. In 2026.3, its schema knows no "color_format", and a config.json that has it is not loaded
  (src/schema.cpp), so the conversion of the channels is part of the file. The server resizes image files only
  where the number of images has a bound (src/tensor_conversion_common.cpp).
- Triton reads the config.pbtxt and the file of labels in the folder of each model. With ONNX Runtime, it has
  two instances of a model by default, which share the cores; here it is one. Its OpenVINO backend makes the
  shape of any model with a `max_batch_size` that of a full batch, so there the number of images is one of the
  `dims`. It has an option for bfloat16, but none for float32 (README of openvino_backend).

A root belongs to one server, because each would report, or refuse to start with, the models of another.
"""

import dataclasses
import json
import re
from collections.abc import Callable

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.serving import configs, versions
from kerasnets.serving.load import SAVED_MODEL, model_card
from kerasnets.serving.runtimes import CHANNELS, INPUT, OPENVINO_NAMES, OPENVINO_PRECISION, OUTPUTS

CARD = "server"  # entry of the model card
STEM = "model"  # of the file in the folder of a version
BATCH = 32  # images in a batch at most, where the number has a bound
OVMS, TRITON, LABELS = "config.json", "config.pbtxt", "labels.txt"
MODELS = "model_config_list"
TOLD_LABELS = (*CHANNELS[:1], "labels")  # where a file has them; the server tells its clients
PBTXT = """\
# Rewritten by every export of this model.
name: "{name}"
backend: "{backend}"
max_batch_size: {batch}
input [
  {{ name: "images" data_type: TYPE_FP32 dims: [ {dims} ] }}
]
output [
{outputs}
]
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
"""
OUTPUT = '  {{ name: "{name}" data_type: TYPE_FP32 dims: [ {dims} ]{labels} }}'
LABELED = f' label_filename: "{LABELS}"'
BATCHING = "dynamic_batching { }\n"  # only of requests that wait already: none is held back for others
PARAMETER = 'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}\n'


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that reads folders of models.

    Attributes:
        title: Its name.
        formats: Formats of `formats.FORMATS` that it reads. The first is the default.
        update: Function that writes the configuration, given a root and the name of the model that is new.
    """

    title: str
    formats: tuple[str, ...]
    update: Callable


def check(server, format, name, shape, image_bytes, precision):
    """Refuses a server, or what it cannot do.

    Args:
        server: Key of `SERVERS`, or None for a file that is no server's.
        format: Key of `formats.FORMATS`, or None for the server's default.
        name: Name of the model.
        shape: Shape of an image.
        image_bytes: Whether the server decodes image files.
        precision: Key of `OPENVINO_NAMES`.

    Returns:
        The format.

    Raises:
        ValueError: An argument is not allowed.
    """
    if server not in (None, *SERVERS):
        refuse("server", f"None or one of {', '.join(map(repr, SERVERS))}", server)
    if not isinstance(image_bytes, bool):
        refuse("image_bytes", "True or False", image_bytes)
    if precision not in OPENVINO_NAMES:
        refuse("precision", f"one of {', '.join(map(repr, OPENVINO_NAMES))}", precision)
    if server is None:
        if image_bytes:
            refuse("image_bytes", "False for a file, unless `server` is 'ovms'", image_bytes)
        if precision != "float32":
            refuse("precision", "'float32' without a `server`, since `load` chooses it", precision)
        return format
    known = SERVERS[server].formats
    format = known[0] if format is None else format
    if format not in known:
        refuse("format", f"None or one of {', '.join(map(repr, known))} for `server` {server!r}", format)
    if image_bytes:
        if server != "ovms" or not is_openvino(format):
            refuse(
                "image_bytes", "False unless `server` is 'ovms' and `format` one of OpenVINO's", image_bytes
            )
        if len(shape) != 3 or None in shape or shape[-1] != 3:
            refuse("image_bytes", f"False for a net of {shape}: it needs fixed sides and 3 channels", True)
    if server == "ovms" and ".." in name:
        refuse("name", "one without '..' for OpenVINO Model Server", name)
    if server == "triton" and precision != ("bfloat16" if is_openvino(format) else "float32"):
        allowed = "'bfloat16' for OpenVINO in Triton, which has no option for float32, and else 'float32'"
        refuse("precision", allowed, precision)
    return format


def is_openvino(format):
    """Whether a format is one of OpenVINO's own, not ONNX."""
    return format.startswith("openvino")


def file_name(format):
    """The name of a file of this format in the folder of a version."""
    return f"{STEM}{'.xml' if is_openvino(format) else '.onnx'}"


def check_root(root, server):
    """Refuses a root that holds the models of another server.

    Args:
        root: The folder, which need not exist.
        server: Key of `SERVERS`; None for that of TF Serving, which may hold single files too.
    """
    found = server_of(root)
    if found not in (None, server or "tfserving"):
        title = SERVERS[found].title if found in SERVERS else "TF Serving"
        refuse("root", f"a folder without models of another server; those here are for {title}", str(root))
    if server == "ovms":
        entries(root)


def server_of(root):
    """The server that the models of a root are for: "tfserving" or a key of `SERVERS`; or None."""
    if (root / OVMS).exists():
        return "ovms"
    if next(root.glob(f"*/{TRITON}"), None):
        return "triton"
    if (root / configs.MODELS).exists() or next(root.glob(f"*/[0-9]*/{SAVED_MODEL}"), None):
        return "tfserving"
    singles = (p.name for p in root.glob("*/[0-9]*.*") if p.is_file())
    return "tfserving" if any(re.fullmatch(r"\d+(-\w+)?\.[a-z]+", name) for name in singles) else None


def facts(server, format, shape, outputs, image_bytes, precision):
    """What a server needs to know of a file: the entry `CARD` of its model card.

    Args:
        server: Key of `SERVERS`.
        format: Format of the file.
        shape: Shape of an image.
        outputs: The file's outputs: arrays by name.
        image_bytes: Whether the server decodes image files, which the file then takes in BGR.
        precision: Key of `OPENVINO_NAMES`.
    """
    fact = {
        "name": server,
        "precision": precision,
        "image_bytes": image_bytes,
        # A free number of images crashes OpenVINO in int8 on processors with AMX (openvino#37577).
        "batch": 1 if format == "openvino_int8" else BATCH if image_bytes else None,
        "shape": list(shape),
        "outputs": {name: list(x.shape[1:]) for name, x in outputs.items()},
    }
    return {CARD: fact}


def describe(path, class_names, image_bytes):
    """Changes a file of OpenVINO for a server: each output gets one name, and the classes get theirs.

    OpenVINO's files have further names for outputs, and servers report the one that is first in the alphabet.

    Args:
        path: The file; ONNX files stay as they are.
        class_names: Names of the classes, or None.
        image_bytes: Whether the file takes images as the server decodes image files, in BGR.
    """
    if path.suffix != ".xml":
        return
    import openvino
    from openvino.preprocess import ColorFormat, PrePostProcessor

    model = openvino.Core().read_model(path)
    if image_bytes:
        steps = PrePostProcessor(model)
        given = steps.input()
        given.tensor().set_color_format(ColorFormat.BGR).set_layout(openvino.Layout("NHWC"))
        given.model().set_layout(openvino.Layout("NHWC"))
        given.preprocess().convert_color(ColorFormat.RGB)
        model = steps.build()
    for output in model.outputs:
        output.tensor.set_names(output.names & set(OUTPUTS))
    model.set_rt_info("BGR" if image_bytes else "RGB", [*CHANNELS])
    if class_names:
        model.set_rt_info(" ".join(name.replace(" ", "_") for name in class_names), [*TOLD_LABELS])
    new = path.with_name(f"new-{path.name}")  # the weights of the old files are read while these are written
    openvino.serialize(model, new)
    for suffix in (".xml", ".bin"):
        new.with_suffix(suffix).replace(path.with_suffix(suffix))


def update(root, name):
    """Writes the configuration of a root's server anew, after a version was published.

    Args:
        root: The root.
        name: Name of the model with the new version.
    """
    server = model_card(newest(root / name))[CARD]["name"]
    with versions.lock(root):
        SERVERS[server].update(root, name)


def newest(folder):
    """Path of the file of a model's newest version, or None if there is none."""
    found = (file_of(folder / str(number)) for number in reversed(versions.versions(folder)))
    return next(filter(None, found), None)


def file_of(folder):
    """Path of the file in the folder of a version, or None if there is none."""
    paths = (folder / f"{STEM}{suffix}" for suffix in (".xml", ".onnx"))
    return next((path for path in paths if path.exists()), None)


def models(root):
    """Path of the file of each model's newest version in a root, and its model card, by name of the model."""
    found = {}
    for folder in sorted(p for p in root.iterdir() if re.fullmatch(versions.NAME, p.name)):
        path = newest(folder)
        card = path and model_card(path)
        if card and CARD in card:
            found[folder.name] = path, card
    return found


def write(path, text):
    """Writes a file if its text is another, since servers load a model again when its file is written."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        files.write_text(path, text)


def entries(root):
    """The content of config.json, and its models by name.

    Raises:
        ValueError: The file is not one of OpenVINO Model Server.
    """
    path = root / OVMS
    try:
        data = files.read_json(path) if path.exists() else {}
        return data, {entry["config"]["name"]: entry["config"] for entry in data.get(MODELS, [])}
    except (ValueError, TypeError, KeyError, AttributeError):
        refuse("root", f"a folder whose {OVMS} is one of OpenVINO Model Server", str(root))


def update_ovms(root, name=None, options=None):
    """Writes config.json: an entry for each model of a root. What else it says is kept.

    Args:
        root: The root.
        name: Name of the model that is new, whose precision becomes that of its card. The options of the
            others stay as they are.
        options: Options of OpenVINO that every model gets, by name.
    """
    data, known = entries(root)
    found = {}
    for model, (_, card) in models(root).items():
        fact = card[CARD]
        entry = known.get(model, {}) | {"name": model, "base_path": model}
        plugin = entry.get("plugin_config", {})
        if model == name or OPENVINO_PRECISION not in plugin:
            plugin = plugin | {OPENVINO_PRECISION: OPENVINO_NAMES[fact["precision"]]}
        entry["plugin_config"] = plugin | (options or {})
        for key in ("batch_size", "shape", "layout"):
            entry.pop(key, None)
        if fact["batch"]:
            count = fact["batch"] if fact["batch"] == 1 else f"1:{fact['batch']}"
            sides = (-1 if side is None else side for side in fact["shape"])
            entry["shape"] = {INPUT: f"({','.join(map(str, (count, *sides)))})"}
        if fact["image_bytes"]:
            entry["layout"] = {INPUT: "NHWC"}
        found[model] = entry
    others = {key: entry for key, entry in known.items() if entry.get("base_path") != key}
    content = data | {MODELS: [{"config": entry} for entry in (others | found).values()]}
    write(root / OVMS, json.dumps(content, indent=2) + "\n")


def openvino_options(threads=None, precision=None):
    """Options of OpenVINO by name, for a number of threads and a precision that are not None."""
    given = {"INFERENCE_NUM_THREADS": threads, OPENVINO_PRECISION: OPENVINO_NAMES.get(precision)}
    return {key: value for key, value in given.items() if value is not None}


def update_triton(root, name=None):
    """Writes config.pbtxt and labels.txt for each model of a root."""
    for model, (path, card) in models(root).items():
        labels = root / model / LABELS
        if card["class_names"]:
            write(labels, "".join(f"{label}\n" for label in card["class_names"]))
        write(root / model / TRITON, config_pbtxt(model, path.suffix, card))
        if not card["class_names"]:
            labels.unlink(missing_ok=True)


def config_pbtxt(name, suffix, card):
    """The text of a model's config.pbtxt.

    Args:
        name: Name of the model.
        suffix: Suffix of its file.
        card: Its model card.
    """
    fact, native, names = card[CARD], suffix == ".xml", card["class_names"]
    first = [fact["batch"] or -1] if native else []
    outputs = [
        OUTPUT.format(
            name=output,
            dims=listed(first + shape),
            labels=LABELED if output == "probabilities" and names and shape == [len(names)] else "",
        )
        for output, shape in fact["outputs"].items()
    ]
    text = PBTXT.format(
        name=name,
        backend="openvino" if native else "onnxruntime",
        batch=0 if native else BATCH,
        dims=listed(first + fact["shape"]),
        outputs=",\n".join(outputs),
    )
    if not native:
        return text + BATCHING
    options = {"HINT_BF16": "YES", "PERFORMANCE_HINT": "LATENCY"}
    if fact["batch"]:
        options["RESHAPE_IO_LAYERS"] = "YES"
    return text + "".join(PARAMETER.format(key=key, value=value) for key, value in options.items())


def listed(dims):
    """Sides as config.pbtxt lists them, free ones as -1."""
    return ", ".join(str(-1 if side is None else side) for side in dims)


OPENVINO = ("openvino", "openvino_int8")
SERVERS = {
    "ovms": Server("OpenVINO Model Server", (*OPENVINO, "onnx"), update_ovms),
    "triton": Server("Triton", ("onnx", *OPENVINO), update_triton),
}
