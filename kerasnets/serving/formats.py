"""Formats of files for other runtimes: how each is written, what reads it, and what it does not support.

Points that need care:

- ONNX: see `onnx_file`. The other formats are written by Keras's exporters.
- LiteRT: Keras keeps the names of inputs from 3.15 on. It lets the converter fall back on TensorFlow's
  operations, which ai-edge-litert does not have. So only LiteRT's own operations are allowed.
- LiteRT in int8: the squares in local response normalization do not fit into 8 bits. So TensorFlow's own
  operation replaces the layer, which LiteRT computes in float32.
- OpenVINO in int8: see `int8`.
"""

import dataclasses
import importlib.util
import math
import pathlib
import tempfile
from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

from kerasnets.checks import nearest, refuse
from kerasnets.graph import all_layers, fresh_inputs, model_of
from kerasnets.layers import LRN
from kerasnets.recording import record
from kerasnets.serving import int8, onnx_file
from kerasnets.serving.runtimes import OPENVINO_NAMES, OPENVINO_PRECISION
from kerasnets.surgery.copies import Copies


class Served(keras.Model):
    """A net in the form that Keras's exporters need: a model from images of 0..255 to all outputs.

    Args:
        net: A `Net`.
    """

    def __init__(self, net):
        super().__init__(name=net.model.name)
        self.net, self.body = net, net.model  # an attribute of its own, so that Keras finds its weights
        self(keras.Input(net.shape))

    def call(self, images):
        """The outputs for images of 0..255: tensors by name."""
        return self.net.outputs(self.body(self.net.scaled(images), training=False))

    def write(self, path, kind, **options):
        """Writes a file with one of Keras's exporters; the batch size stays free."""
        spec = tf.TensorSpec((None, *self.net.shape), tf.float32, name="images")
        self.export(str(path), format=kind, input_signature=[spec], verbose=False, **options)


class FloatLRN(LRN):
    """Local response normalization by TensorFlow's own operation, where it exists: for images, not clips."""

    def call(self, x):
        """Normalizes feature maps, (batch, ..., height, width, channels)."""
        if x.ndim != 4:
            return super().call(x)
        return tf.nn.local_response_normalization(x, self.n // 2, self.k, self.alpha, self.beta)


def with_float_lrn(model):
    """A copy of a model with `FloatLRN` in place of `LRN`."""
    recording, copies = record(model), Copies()

    def make(call, *args, **kwargs):
        layer = call.operation
        new = FloatLRN.from_config(layer.get_config()) if isinstance(layer, LRN) else copies.of(layer)
        return new(*args, **kwargs)

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, make)
    copies.fill()
    return model_of(model, inputs, outputs)


def write_onnx(net, path, calibration):
    """Writes an ONNX file."""
    onnx_file.write(net, path)


def write_openvino(net, path, calibration):
    """Writes the two files of OpenVINO, .xml and .bin."""
    with int8.unreported():
        Served(net).write(path, "openvino")


def write_openvino_int8(net, path, calibration):
    """Writes the two files of OpenVINO in int8, except for what OpenVINO has only in float32.

    Returns:
        For labelled images, the layers that stay in float32, for the model card; else nothing.
    """
    import openvino

    images, kept = calibration.images, []
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        plain = pathlib.Path(folder) / "float.xml"
        write_openvino(net, plain, calibration)
        model = openvino.Core().read_model(plain)
        free = model.input("images").get_partial_shape()
        if calibration.labels is None:
            quantized = int8.quantize(model, images)
        else:
            quantized, kept = int8.controlled(model, images, calibration.is_right, calibration.max_drop)
            kept = int8.layers_of(kept, model, all_layers(net.model))
        quantized.reshape({"images": free})
        openvino.serialize(quantized, path)
    return {} if calibration.labels is None else {"float32_layers": kept, "max_drop": calibration.max_drop}


def write_litert(net, path, calibration):
    """Writes a LiteRT file in float32."""
    Served(net).write(path, "litert", target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]})


def write_litert_int8(net, path, calibration):
    """Writes a LiteRT file in int8, except for operations that LiteRT has only in float32."""
    sets = tf.lite.OpsSet
    Served(dataclasses.replace(net, model=with_float_lrn(net.model))).write(
        path,
        "litert",
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([image[None]] for image in calibration.images),
        target_spec={"supported_ops": [sets.TFLITE_BUILTINS_INT8, sets.TFLITE_BUILTINS]},
    )


@dataclasses.dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        ending: End of the file name, after the number of the version.
        packages: Modules that write and read the format.
        extra: The extra of this package that installs them.
        write: Function that writes a file, given a `Net`, a path and a `Calibration`. It may return entries
            for the model card.
        runtime: Name of the runtime in `kerasnets.serving.runtimes` that it is written for.
        exact: Whether outputs equal those of Keras; if not, the format needs calibration images.
        lacks: Classes of layers that the format does not support.
        most: Largest size of a net's weights in bytes.
        options: Options of the runtime with which a file's outputs equal those of Keras, if it needs any.
    """

    ending: str
    packages: tuple[str, ...]
    extra: str
    write: Callable
    runtime: str
    exact: bool = True
    lacks: tuple[type, ...] = ()
    most: float = math.inf
    options: dict = dataclasses.field(default_factory=dict)


LITERT = ("ai_edge_litert",)
NO_LITERT = (layers.MaxPooling3D, layers.AveragePooling3D)
FORMATS = {
    "onnx": Format(
        ".onnx", ("onnx", "tf2onnx", "onnxruntime"), "onnx", write_onnx, "onnxruntime", most=onnx_file.MOST
    ),
    "litert": Format(".tflite", LITERT, "litert", write_litert, "litert", lacks=NO_LITERT),
    "litert_int8": Format(
        "-int8.tflite", LITERT, "litert", write_litert_int8, "litert", exact=False, lacks=NO_LITERT
    ),
    "openvino": Format(
        ".xml",
        ("openvino",),
        "openvino",
        write_openvino,
        "openvino",
        options={OPENVINO_PRECISION: OPENVINO_NAMES["float32"]},
    ),
    "openvino_int8": Format(
        "-int8.xml",
        ("openvino", "nncf"),
        "openvino",
        write_openvino_int8,
        "openvino",
        exact=False,
        options={OPENVINO_PRECISION: OPENVINO_NAMES["float32"]},
    ),
}


def find(name):
    """The format of this name.

    Raises:
        ValueError: There is no such format.
        ModuleNotFoundError: A package that the format needs is not installed.
    """
    if not isinstance(name, str) or name not in FORMATS:
        known = ", ".join(map(repr, FORMATS))
        raise ValueError(f"`format` is one of {known}.{nearest(name, FORMATS)} Received: format={name!r}")
    row = FORMATS[name]
    for package in row.packages:
        if not importlib.util.find_spec(package):
            raise ModuleNotFoundError(
                f"`format` {name!r} needs {package}: pip install 'kerasnets[{row.extra}]'", name=package
            )
    return row


def check_model(name, model):
    """Refuses a net that is too large for a format, or that has layers which the format lacks."""
    most, size = FORMATS[name].most, sum(4 * math.prod(w.shape) for w in model.weights)  # in float32
    if size > most:
        allowed = f"a net of at most {most / 2**30:.2f} GB for files of the format {name!r}"
        refuse("model", allowed, f"{model.name}, {size / 2**30:.2f} GB")
    for layer in all_layers(model):
        if isinstance(layer, FORMATS[name].lacks):
            others = [other for other, row in FORMATS.items() if not isinstance(layer, row.lacks)]
            others = ", ".join(map(repr, others))
            refuse("format", f"one of {others} for nets with {type(layer).__name__} layers", name)
