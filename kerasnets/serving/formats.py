"""Formats of other runtimes: what writes a net in them, by Keras's own exporters, and what answers by them.

Where it needs care:

- ONNX: Keras compiles a grouped convolution by XLA, into a call that tf2onnx cannot open; so inner functions
  are traced as part of the net.
- LiteRT: from 3.15 on Keras keeps the names of inputs. It lets the converter fall back on TensorFlow's own
  operations, which ai-edge-litert does not have; so only LiteRT's own are allowed.
- LiteRT in int8: the squares in local response normalisation do not fit into 8 bits; so TensorFlow's own
  operation stands for it, which LiteRT computes in float32.
- OpenVINO computes in bfloat16 where the processor has it, unless it is told to be exact.
"""

import contextlib
import dataclasses
import importlib.util
import warnings
from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

from kerasnets.checks import nearest, refuse
from kerasnets.graph import all_layers, fresh_inputs, model_of
from kerasnets.layers import LRN
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.recording import record


class Served(keras.Model):
    """A net as Keras's exporters take it: a model of images of 0..255 that gives all that is served.

    Args:
        net: A `Net`.
    """

    def __init__(self, net):
        super().__init__(name=net.model.name)
        self.net, self.body = net, net.model  # the body by itself, so that Keras finds its weights
        self(keras.Input(net.shape))

    def call(self, images):
        """What is served, of images of 0..255: a dict of tensors."""
        return self.net.outputs(self.body(self.net.scaled(images), training=False))

    def write(self, path, kind, **options):
        """Writes a file by one of Keras's exporters; the number of images stays free."""
        spec = tf.TensorSpec((None, *self.net.shape), tf.float32, name="images")
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of tf2onnx, about numpy
            self.export(str(path), format=kind, input_signature=[spec], verbose=False, **options)


class FloatLRN(LRN):
    """The same by TensorFlow's own operation, which takes maps of images alone: not those of clips."""

    def call(self, x):
        """Maps, normalised."""
        if x.ndim != 4:
            return super().call(x)
        return tf.nn.local_response_normalization(x, self.n // 2, self.k, self.alpha, self.beta)


def with_float_lrn(model):
    """The same net with `FloatLRN` for `LRN`."""
    recording, copies = record(model), Copies()

    def make(call, *args, **kwargs):
        layer = call.operation
        new = FloatLRN.from_config(layer.get_config()) if isinstance(layer, LRN) else copies.of(layer)
        return new(*args, **kwargs)

    inputs = fresh_inputs(recording.inputs)
    outputs = recording.replay(inputs, make)
    copies.fill()
    return model_of(model, inputs, outputs)


@contextlib.contextmanager
def inlined():
    """Functions that are called while another is traced become part of it."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def write_onnx(net, path, images):
    """Writes an ONNX file."""
    with inlined():
        Served(net).write(path, "onnx")


def write_openvino(net, path, images):
    """Writes OpenVINO's pair of files, .xml and .bin."""
    Served(net).write(path, "openvino")


def write_litert(net, path, images):
    """Writes a LiteRT file, in float32."""
    Served(net).write(path, "litert", target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]})


def write_litert_int8(net, path, images):
    """Writes a LiteRT file in int8, but for operations that LiteRT has in float32 alone."""
    sets = tf.lite.OpsSet
    Served(dataclasses.replace(net, model=with_float_lrn(net.model))).write(
        path,
        "litert",
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([image[None]] for image in images),
        target_spec={"supported_ops": [sets.TFLITE_BUILTINS_INT8, sets.TFLITE_BUILTINS]},
    )


def onnx_reader(path):
    """A function of images that gives a dict of arrays, by onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [x.name for x in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, {"images": images}), strict=True))


def litert_reader(path):
    """The same by ai-edge-litert."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path)).get_signature_runner("serving_default")
    return lambda images: runner(images=images)


def openvino_reader(path):
    """The same by OpenVINO."""
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def read(images):
        given = compiled({"images": images})
        return {name: x for key, x in given.items() for name in key.names}

    return read


@dataclasses.dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        ending: What follows the number of a version in the name of its file.
        packages: Modules that write and read it.
        extra: The extra of this package that installs them.
        write: Function of a `Net`, a path and the calibration images.
        reader: Function of a path that gives a function of images.
        exact: Whether it computes as Keras does; if not, it needs calibration images.
        lacks: Layers that it has no operation for.
    """

    ending: str
    packages: tuple
    extra: str
    write: Callable
    reader: Callable
    exact: bool = True
    lacks: tuple = ()


LITERT = ("ai_edge_litert",)
NO_LITERT = (layers.MaxPooling3D, layers.AveragePooling3D)
FORMATS = {
    "onnx": Format(".onnx", ("onnx", "tf2onnx", "onnxruntime"), "onnx", write_onnx, onnx_reader),
    "litert": Format(".tflite", LITERT, "litert", write_litert, litert_reader, lacks=NO_LITERT),
    "litert_int8": Format(
        "-int8.tflite", LITERT, "litert", write_litert_int8, litert_reader, exact=False, lacks=NO_LITERT
    ),
    "openvino": Format(".xml", ("openvino",), "openvino", write_openvino, openvino_reader),
}


def find(name):
    """The row of a format.

    Raises:
        ValueError: There is no such format.
        ModuleNotFoundError: A package that it needs is not installed.
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


def check_layers(name, model):
    """Refuses a net with layers that a format lacks, and says which formats take them."""
    for layer in all_layers(model):
        if isinstance(layer, FORMATS[name].lacks):
            takers = [other for other, row in FORMATS.items() if not isinstance(layer, row.lacks)]
            takers = ", ".join(map(repr, takers))
            refuse("format", f"one of {takers} for nets with {type(layer).__name__} layers", name)
