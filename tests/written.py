"""Small files of weights in the formats of other frameworks, and pickles as PyTorch writes them."""

import io
import struct
import zipfile

import numpy as np

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001


def state(seed=0):
    """A state dict of a convolution, a batch normalization and a dense layer."""
    rng = np.random.default_rng(seed)
    shapes = {
        "conv1.weight": (4, 3, 3, 2),
        "conv1.bias": (4,),
        "bn1.weight": (4,),
        "bn1.bias": (4,),
        "bn1.running_mean": (4,),
        "bn1.running_var": (4,),
        "fc.weight": (5, 4),
        "fc.bias": (5,),
    }
    arrays = {name: rng.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    return arrays | {"bn1.running_var": np.abs(arrays["bn1.running_var"])}


class Call:
    """In a pickle, a call of a function by its name, or the function itself if there are no arguments."""

    def __init__(self, name, *arguments):
        self.name, self.arguments = name, arguments


class Persistent(tuple):
    """In a pickle, a reference to what is not in it."""


def opcodes(value):
    """The operations of a pickle that make a value; bytes stand for themselves."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, Persistent):
        return opcodes(tuple(value)) + b"Q"
    if isinstance(value, Call):
        module, _, name = value.name.rpartition(".")
        function = f"c{module}\n{name}\n".encode()
        return function + (opcodes(value.arguments) + b"R" if value.arguments else b"")
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        length = value.bit_length() // 8 + 1
        return b"\x8a" + bytes([length]) + value.to_bytes(length, "little", signed=True)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return b"}(" + b"".join(opcodes(part) for item in value.items() for part in item) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(opcodes, value)) + b"e"
    return b"(" + b"".join(map(opcodes, value)) + b"t"


def pickled(value):
    return b"\x80\x02" + opcodes(value) + b"."


def tensor(array, key, offset=0, shape=None, strides=None, count=None, kind="FloatStorage"):
    """A tensor as PyTorch pickles it, and its numbers elsewhere."""
    count = array.size if count is None else count
    storage = Persistent(("storage", Call(f"torch.{kind}"), key, "cpu", count))
    strides = tuple(s // array.itemsize for s in array.strides) if strides is None else strides
    return Call(
        "torch._utils._rebuild_tensor_v2",
        storage,
        offset,
        tuple(array.shape) if shape is None else shape,
        strides,
        False,
        Call("collections.OrderedDict", ()),
    )


def tensors(arrays):
    return {name: tensor(array, str(key)) for key, (name, array) in enumerate(arrays.items())}


def pth(arrays, value=None, compression=zipfile.ZIP_STORED):
    """A checkpoint of PyTorch as a zip archive; `value` is what its pickle has, otherwise the state dict."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        archive.writestr("net/data.pkl", pickled(tensors(arrays) if value is None else value))
        for key, array in enumerate(arrays.values()):
            archive.writestr(f"net/data/{key}", array.tobytes())
    return content.getvalue()


def stream(arrays, value=None):
    """A checkpoint of PyTorch in its older form."""
    parts = [pickled(MAGIC), pickled(VERSION), pickled({"protocol_version": VERSION, "little_endian": True})]
    parts += [pickled(tensors(arrays) if value is None else value)]
    parts += [pickled([str(key) for key in range(len(arrays))])]
    parts += [struct.pack("<q", array.size) + array.tobytes() for array in arrays.values()]
    return b"".join(parts)


def inside(content, name="net.pth"):
    """A zip archive of one compressed file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return archive.getvalue()


def safetensors(arrays):
    from safetensors.numpy import save

    return save(arrays)


def graph(nodes, arrays, **options):
    """An ONNX file of nodes and constants."""
    from onnx import helper, numpy_helper

    constants = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    made = helper.make_graph(nodes, "net", [], [], constants, **options)
    return helper.make_model(made).SerializeToString()


def onnx(arrays):
    """An ONNX file, with the normalization split into one without scale, a product and a sum."""
    from onnx.helper import make_node

    shape, statistics = np.array([1, 4, 1, 1], "int64"), ("bn1.running_mean", "bn1.running_var")
    arrays = arrays | {"one": np.ones(4, "float32"), "zero": np.zeros(4, "float32"), "shape": shape}
    return graph(
        [
            make_node("Conv", ["x", "conv1.weight", "conv1.bias"], ["a"], name="conv1"),
            make_node("BatchNormalization", ["a", "one", "zero", *statistics], ["b"], name="bn1"),
            make_node("Reshape", ["bn1.weight", "shape"], ["gamma"]),
            make_node("Mul", ["b", "gamma"], ["c"]),
            make_node("Reshape", ["bn1.bias", "shape"], ["beta"]),
            make_node("Add", ["c", "beta"], ["d"]),
            make_node("Relu", ["d"], ["e"]),
            make_node("Flatten", ["e"], ["f"]),
            make_node("Gemm", ["f", "fc.weight", "fc.bias"], ["g"], name="fc", transB=1),
        ],
        arrays,
    )


def blob(message, array, old=False):
    message.data.append(array.astype("<f4").tobytes())
    if old:
        sides = (1,) * (4 - array.ndim) + array.shape
        message.num, message.channels, message.height, message.width = sides
    else:
        message.shape.dim.extend(array.shape)


def caffe(arrays):
    from kerasnets.weights.readers.caffe import messages

    net, factor = messages()["Net"](), np.float32([2])
    statistics = [arrays["bn1.running_mean"] * 2, arrays["bn1.running_var"] * 2, factor]
    rows = [
        ("conv1", b"Convolution", [arrays["conv1.weight"], arrays["conv1.bias"]]),
        ("bn1", b"BatchNorm", statistics),
        ("scale1", b"Scale", [arrays["bn1.weight"], arrays["bn1.bias"]]),
        ("relu", b"ReLU", []),
        ("fc", b"InnerProduct", [arrays["fc.weight"], arrays["fc.bias"]]),
    ]
    for name, kind, values in rows:
        part = net.layer.add(name=name.encode(), type=kind, bottom=[b"x"], top=[b"x"])
        for value in values:
            blob(part.blobs.add(), value)
    return net.SerializeToString()


def old_caffe(arrays):
    """A file of Caffe's older kind, which has no batch normalization."""
    from kerasnets.weights.readers.caffe import messages

    net = messages()["Net"]()
    for name, kind in (("conv1", 4), ("relu", 18), ("fc", 14)):
        part = net.layers.add(name=name.encode(), type=kind)
        for value in (arrays[f"{name}.weight"], arrays[f"{name}.bias"]) if kind != 18 else ():
            blob(part.blobs.add(), value, old=True)
    return net.SerializeToString()


def keras_2(path, arrays):
    """Writes a file of Keras 2."""
    import h5py

    rows = {
        "conv1": {"kernel:0": arrays["conv1.weight"].transpose(2, 3, 1, 0), "bias:0": arrays["conv1.bias"]},
        "relu": {},
        "bn1": {
            "gamma:0": arrays["bn1.weight"],
            "beta:0": arrays["bn1.bias"],
            "moving_mean:0": arrays["bn1.running_mean"],
            "moving_variance:0": arrays["bn1.running_var"],
        },
        "fc": {"kernel:0": arrays["fc.weight"].T, "bias:0": arrays["fc.bias"]},
    }
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in rows]
        for layer, weights in rows.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{name}".encode() for name in weights]
            for name, array in weights.items():
                group.create_dataset(f"{layer}/{name}", data=array)


def keras_3(path, arrays):
    """Writes a file of Keras 3."""
    import h5py

    rows = {
        "conv2d": [arrays["conv1.weight"].transpose(2, 3, 1, 0), arrays["conv1.bias"]],
        "dropout": [],
        "batch_normalization": [
            arrays[f"bn1.{n}"] for n in ("weight", "bias", "running_mean", "running_var")
        ],
        "dense": [arrays["fc.weight"].T, arrays["fc.bias"]],
    }
    with h5py.File(path, "w") as file:
        for layer, values in rows.items():
            group = file.create_group(f"layers/{layer}/vars")
            group.attrs["name"] = layer
            for number, array in enumerate(values):
                group[str(number)] = array


# Suffixes and functions from a state dict to the bytes of a file.
FORMATS = {
    "safetensors": (".safetensors", safetensors),
    "zip": (".pth", pth),
    "stream": (".th", stream),
    "onnx": (".onnx", onnx),
    "caffe": (".caffemodel", caffe),
}
