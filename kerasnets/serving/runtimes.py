"""Runtimes: what opens the files and folders that this package exports, and runs them on the processor.

A session is one opened model. Its `run` takes images and returns arrays by name, which are the caller's own.
Several threads may call it at once.

Points that need care:

- OpenVINO computes in bfloat16 on processors that support it, unless float32 is requested, and a file cannot
  request it. So a precision is always set.
- OpenVINO runs one request at a time in each of its streams, and an interpreter of LiteRT one call at a time.
  Threads take turns.
- OpenVINO computes most nets faster where the number of images is fixed. So a net of images of one size is
  compiled for 8 images and for one, and other batches are split: 13 images into 8 and 5 times 1. Quantized
  models are never compiled for a free number of images, with which they crash on processors with AMX
  (github.com/openvinotoolkit/openvino/issues/37577).
- Packages are imported when a model is opened, so that each runtime works where the others are not installed.
"""

import dataclasses
import functools
import importlib.util
import queue
import threading

import numpy as np

from kerasnets.checks import refuse

SIGNATURE = "serving_default"  # of SavedModels and LiteRT files
INPUT = "images"  # name of the input
OUTPUTS = ("logits", "probabilities")  # OpenVINO may have further names for them
OPENVINO_PRECISION = "INFERENCE_PRECISION_HINT"  # an option of OpenVINO
CHANNELS = ("model_info", "channels")  # in a file .xml: the order of the colors in images, RGB or BGR
SIZES = (8, 1)  # of batches for which OpenVINO compiles a model: each takes memory of its own
MAX_SHAPES = 8  # for which OpenVINO keeps a model compiled
OPENVINO_NAMES = {"float32": "f32", "bfloat16": "bf16"}  # its values


class Session:
    """A model that a runtime has opened.

    Attributes:
        shape: Shape of an image, None for a free side; or None if it is not known.
        precision: "float32" or "bfloat16", in which it computes; None if only a model card knows.
        card: What is known of the model, in the form of a model card; None if only a file beside it knows.
    """

    shape: tuple[int | None, ...] | None = None
    precision: str | None = "float32"
    card: dict | None = None

    @classmethod
    def check(cls, precision: str | None, threads: int | None) -> None:
        """Refuses a precision or number of threads that cannot be had, before a file is opened."""

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Computes the outputs for images, contiguous float32, (n, *shape): arrays by name."""
        raise NotImplementedError


class TensorFlow(Session):
    """The folder of a version in TensorFlow."""

    precision = None

    @classmethod
    def check(cls, precision, threads):
        """Sets the number of threads, which is refused where it is too late."""
        set_threads(threads)

    def __init__(self, path, precision, threads):
        import tensorflow as tf

        self.constant = tf.constant
        self.loaded = tf.saved_model.load(str(path))
        check_names(self.loaded.signatures, [SIGNATURE], "signatures")
        self.function = self.loaded.signatures[SIGNATURE]
        inputs = self.function.structured_input_signature[1]
        check_names(inputs, [INPUT], "inputs")
        check_names(self.function.structured_outputs, OUTPUTS[-1:], "outputs")
        shape = inputs[INPUT].shape
        self.shape = None if shape.rank is None else tuple(shape[1:])

    def run(self, images):
        """Computes the outputs."""
        return {name: x.numpy() for name, x in self.function(images=self.constant(images)).items()}


class Keras(Session):
    """A file .keras, compiled into a graph as for an export, but without folding batch normalization."""

    @classmethod
    def check(cls, precision, threads):
        """Refuses other backends of Keras, and a number of threads where it is too late."""
        import keras

        if keras.backend.backend() != "tensorflow":
            refuse("KERAS_BACKEND", "tensorflow for the runtime 'keras'", keras.backend.backend())
        set_threads(threads)

    def __init__(self, path, precision, threads):
        import tensorflow as tf

        from kerasnets.assembly.origin import load_model
        from kerasnets.graph import all_layers
        from kerasnets.serving import nets

        net = nets.net_of(load_model(path))
        if precision is not None:
            net = {"float32": nets.in_float32, "bfloat16": nets.in_bfloat16}[precision](net)
        used = {layer.compute_dtype for layer in all_layers(net.model)}
        self.precision = min(used - {"float32"}, default="float32")
        self.constant, self.function, self.shape = tf.constant, net.function(freeze=True), net.shape
        known = net.card
        self.card = {
            "name": net.source.name,
            "net": net.model.name,
            "input": {"shape": list(net.shape), "scaling": net.scaling, "sizing": known.sizing},
            "classes": net.classes,
            "class_names": known.class_names and list(known.class_names),
            "threshold": known.threshold,
        }

    def run(self, images):
        """Computes the outputs."""
        return {name: x.numpy() for name, x in self.function(self.constant(images)).items()}


class OnnxRuntime(Session):
    """An ONNX file in onnxruntime."""

    def __init__(self, path, precision, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.names = [x.name for x in self.session.get_outputs()]
        check_names([x.name for x in self.session.get_inputs()], [INPUT], "inputs")
        check_names(self.names, OUTPUTS[-1:], "outputs")
        (given,) = self.session.get_inputs()
        if given.type != "tensor(float)" or len(given.shape) < 2 or isinstance(given.shape[0], int):
            raise ValueError(f"{INPUT!r} is {given.type} of shape {given.shape}, not float32, (n, ...)")
        self.shape = tuple(side if isinstance(side, int) else None for side in given.shape[1:])

    def run(self, images):
        """Computes the outputs."""
        return dict(zip(self.names, self.session.run(self.names, {INPUT: images}), strict=True))


class OpenVINO(Session):
    """A file .xml or .onnx or the folder of a version in OpenVINO."""

    @classmethod
    def check(cls, precision, threads):
        """Refuses bfloat16 on processors without it, where OpenVINO would compute in float32 in silence."""
        import openvino

        has = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "bfloat16" and "BF16" not in has:
            words = "'float32' on a processor without bfloat16 instructions (avx512_bf16 or amx_bf16)"
            refuse("precision", words, precision)

    def __init__(self, path, precision, threads):
        import openvino

        self.precision = precision or "float32"
        options = {OPENVINO_PRECISION: OPENVINO_NAMES[self.precision]}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        core, self.tensor = openvino.Core(), openvino.Tensor
        model = core.read_model(str(path))
        named = (INPUT if INPUT in x.names else " ".join(x.names) for x in model.inputs)
        check_names(list(named), [INPUT], "inputs")
        check_names([name for x in model.outputs for name in x.names], OUTPUTS[-1:], "outputs")
        kind, shape = model.input(INPUT).element_type, model.input(INPUT).partial_shape
        if kind != openvino.Type.f32 or (not shape.rank.is_dynamic and len(shape) < 2):
            raise ValueError(f"{INPUT!r} is {kind.get_type_name()} of shape {shape}, not float32, (n, ...)")
        if not shape.rank.is_dynamic:
            self.shape = tuple(None if side.is_dynamic else side.get_length() for side in list(shape)[1:])
        named = ((i, set(OUTPUTS) & x.names) for i, x in enumerate(model.outputs))
        self.places = {name: i for i, names in named for name in names}
        self.is_bgr = model.has_rt_info([*CHANNELS]) and model.get_rt_info([*CHANNELS]).astype(str) == "BGR"
        is_fixed = self.shape is not None and None not in self.shape
        is_quantized = any(op.get_type_name() == "FakeQuantize" for op in model.get_ops())
        self.is_static = is_fixed or is_quantized

        @functools.lru_cache(MAX_SHAPES)
        def compiled(shape):
            if shape is not None:
                model.reshape({INPUT: shape})
            return requests(core.compile_model(model, "CPU", options))

        self.compiled, self.lock = compiled, threading.Lock()
        if is_fixed or not is_quantized:
            self.requests((1, *self.shape) if is_fixed else None)

    def requests(self, shape):
        """A queue of the requests of the model that is compiled for a shape of images, None for any."""
        with self.lock:
            return self.compiled(shape)

    def run(self, images):
        """Computes the outputs."""
        if self.is_bgr:
            images = np.ascontiguousarray(images[..., ::-1])
        if not self.is_static:
            return self.infer(images, self.requests(None))
        counts = split(len(images))
        parts = np.split(images, np.cumsum(counts[:-1]))
        return joined([self.infer(part, self.requests(part.shape)) for part in parts])

    def infer(self, images, requests):
        """Computes the outputs for images by one of some requests, once one is free."""
        if not images.flags.writeable:  # which OpenVINO asks for, though it only reads
            images = images.copy()
        request = requests.get()
        try:
            request.set_input_tensor(self.tensor(images, shared_memory=True))
            request.infer()
            return {name: request.get_output_tensor(i).data.copy() for name, i in self.places.items()}
        finally:
            requests.put(request)


def requests(compiled):
    """A queue of as many requests of a compiled model of OpenVINO as can run at once."""
    found = queue.SimpleQueue()
    for _ in range(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")):
        found.put(compiled.create_infer_request())
    return found


def split(number):
    """The sizes of the batches of `SIZES` into which a number of images is split, the largest first."""
    counts = []
    for size in SIZES:
        counts += [size] * (number // size)
        number %= size
    return counts


def joined(parts):
    """The outputs of batches, concatenated: arrays by name."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class LiteRT(Session):
    """A LiteRT file in ai-edge-litert."""

    def __init__(self, path, precision, threads):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path), num_threads=threads)
        check_names(interpreter.get_signature_list(), [SIGNATURE], "signatures")
        self.runner = interpreter.get_signature_runner(SIGNATURE)
        check_names(self.runner.get_input_details(), [INPUT], "inputs")
        check_names(self.runner.get_output_details(), OUTPUTS[-1:], "outputs")
        shape = self.runner.get_input_details()[INPUT]["shape_signature"]
        self.shape = tuple(None if side < 0 else int(side) for side in shape[1:])
        self.lock = threading.Lock()

    def run(self, images):
        """Computes the outputs."""
        with self.lock:
            return self.runner(**{INPUT: images})


def check_names(found, wanted, what):
    """Raises a ValueError that says what a file has, if names are missing, as in files of other programs."""
    missing = [name for name in wanted if name not in found]
    if missing or (what == "inputs" and len(found) > len(wanted)):
        raise ValueError(f"its {what} are {sorted(found)}, not {wanted[0]!r}")


def set_threads(threads):
    """Sets the number of threads of TensorFlow, which holds for the whole process.

    Raises:
        ValueError: TensorFlow has been used already, with another number.
    """
    if threads is None:
        return
    import tensorflow as tf

    if tf.config.threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        words = "None once TensorFlow runs in this process; set it before, or start another process"
        refuse("threads", words, threads)


@dataclasses.dataclass(frozen=True)
class Runtime:
    """A runtime.

    Attributes:
        package: Module that it needs.
        extra: The extra of this package that installs it, or None if this package itself does.
        endings: Ends of the names of the files that it reads, "" being the folder of a version.
        precisions: What it can compute in. A folder computes in what it was exported in.
        open: Its kind of `Session`, made of a path, a precision or None, and a number of threads or None.
    """

    package: str
    extra: str | None
    endings: tuple[str, ...]
    precisions: tuple[str, ...]
    open: type[Session]


FLOAT32, BOTH = ("float32",), ("float32", "bfloat16")
# The first one that reads an ending and is installed is the default for it.
RUNTIMES = {
    "tensorflow": Runtime("tensorflow", None, ("",), BOTH, TensorFlow),
    "keras": Runtime("tensorflow", None, (".keras",), BOTH, Keras),
    "onnxruntime": Runtime("onnxruntime", "onnx", (".onnx",), FLOAT32, OnnxRuntime),
    "litert": Runtime("ai_edge_litert", "litert", (".tflite",), FLOAT32, LiteRT),
    "openvino": Runtime("openvino", "openvino", (".xml", ".onnx", ""), BOTH, OpenVINO),
}
EXPORTED = (".onnx", ".tflite", ".xml")  # ends of the names of files that this package exports
ENDINGS = (*EXPORTED, ".keras")  # of all files


def installed(name: str) -> bool:
    """Whether the package of a runtime is installed. It is not imported."""
    return importlib.util.find_spec(RUNTIMES[name].package) is not None


def readers(ending: str) -> list[str]:
    """Names of the runtimes that read files with an ending."""
    return [name for name, row in RUNTIMES.items() if ending in row.endings]


def choose(ending: str, runtime: str | None = None) -> str:
    """The name of the runtime that reads files with an ending.

    Args:
        ending: The ending, or "" for the folder of a version.
        runtime: The name of the runtime that is asked for; None is the first one that is installed.

    Raises:
        ValueError: This runtime does not read such files.
        ModuleNotFoundError: It is not installed.
    """
    known = readers(ending)
    if runtime is not None and runtime not in known:
        refuse("runtime", f"None or one of {', '.join(map(repr, known))} for this file", runtime)
    name = runtime or next(filter(installed, known), known[0])
    check_installed(name)
    return name


def check_installed(name: str) -> None:
    """Raises a ModuleNotFoundError that names the extra, if a runtime is not installed."""
    row = RUNTIMES[name]
    if not installed(name):
        wanted = f"'kerasnets[{row.extra}]'" if row.extra else row.package
        words = f"the runtime {name!r} needs {row.package}: pip install {wanted}"
        raise ModuleNotFoundError(words, name=row.package)
