"""Files of other frameworks give the layers that are in them. Those that claim or do more are refused."""

import ast
import contextlib
import itertools
import json
import pathlib
import pickle
import struct
import tracemalloc
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from onnx.helper import make_graph, make_node, make_tensor_value_info

import written
from kerasnets.weights import readers
from kerasnets.weights.readers import SUFFIXES, check_file, finite, read_units
from kerasnets.weights.units import Unit, units_of
from written import Call, Persistent, tensor, tensors

STATE = written.state()
MOST = 4 * 2**20  # bytes that reading a small file may allocate


def put(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def same(units, state=STATE, names=False, kinds=("conv", "norm", "dense")):
    """Checks that units are those of a state dict, in any order if they have its names."""
    expected = [unit for unit in units_of(state.items()) if unit.kind in kinds]
    if names:
        order = [unit.name for unit in expected]
        units = sorted(units, key=lambda unit: order.index(unit.name))
    assert [unit.kind for unit in units] == [unit.kind for unit in expected]
    for found, unit in zip(map(finite, units), expected, strict=True):
        assert set(found.values) == set(unit.values)
        for weight, array in unit.values.items():
            assert found.values[weight].dtype == "float32"
            np.testing.assert_array_equal(found.values[weight], np.float32(array))


@contextlib.contextmanager
def refused(path, why):
    """Within it, a file is refused by its name, and little memory is allocated."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=rf"(?s)^`weights` is (?=.*{path.name}).*{why}"):
            yield
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()


def refuses(folder, name, content, why=""):
    path = put(folder, name, content)
    with refused(path, why):
        read_units(path)


# Each format


@pytest.mark.parametrize("name", written.FORMATS)
def test_each_format(name, tmp_path):
    suffix, write = written.FORMATS[name]
    same(read_units(put(tmp_path, f"net{suffix}", write(STATE))), names=name == "safetensors")


@pytest.mark.parametrize("name", written.FORMATS)
def test_a_file_that_ends_early(name, tmp_path):
    suffix, write = written.FORMATS[name]
    whole = write(STATE)
    for length in (0, 1, 9, len(whole) // 2, len(whole) - 1):
        refuses(tmp_path, f"net{suffix}", whole[:length])


@pytest.mark.parametrize(
    ("kind", "storage"),
    [("float16", "HalfStorage"), ("float64", "DoubleStorage"), ("bfloat16", "BFloat16Storage")],
)
def test_other_precisions_and_counters(kind, storage, tmp_path):
    import ml_dtypes

    arrays = {n: a.astype(getattr(ml_dtypes, kind, kind)) for n, a in STATE.items()}
    value = {n: tensor(a, str(key), kind=storage) for key, (n, a) in enumerate(arrays.items())}
    count = tensor(np.int64([7]), "9", shape=(), strides=(), kind="LongStorage")
    value["bn1.num_batches_tracked"] = count
    same(read_units(put(tmp_path, "net.pth", written.pth(arrays, value))), arrays)
    content = written.safetensors(arrays | {"bn1.num_batches_tracked": np.array(7)})
    same(read_units(put(tmp_path, "net.safetensors", content)), arrays, names=True)


def test_arrays_are_views_of_the_file(tmp_path):
    state = {"fc.weight": np.ones((1000, 4000), "float32")}
    for name, write in (
        ("net.safetensors", written.safetensors),
        ("net.pth", written.pth),
        ("net.th", written.stream),
    ):
        path = put(tmp_path, name, write(state))
        tracemalloc.start()
        (unit,) = read_units(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert unit.values["kernel"].shape == (4000, 1000)
        assert peak < MOST < unit.values["kernel"].nbytes


# PyTorch


def test_a_checkpoint_around_the_state_dict(tmp_path):
    state = {f"module.{name}": value for name, value in tensors(STATE).items()}
    momentum = {"momentum_buffer": tensor(STATE["conv1.bias"], "1")}
    around = {
        "epoch": 90,
        "best": 76.5,
        "optimizer": {"state": {0: momentum}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "args": b"cargparse\nNamespace\n)\x81}X\x02\x00\x00\x00lrK\x01sb",
        "schedule": Call("collections.Counter", {30: 1}),
        "state_dict": Call("collections.OrderedDict", list(map(list, state.items()))),
    }
    for name, write in (("net.pth.tar", written.pth), ("net.th", written.stream)):
        same(read_units(put(tmp_path, name, write(STATE, around))))
    nested = {"model": {"state_dict": tensors(STATE)}}
    same(read_units(put(tmp_path, "net.bin", written.pth(STATE, nested, zipfile.ZIP_DEFLATED))))


def test_a_compressed_checkpoint(tmp_path):
    for write in (written.pth, written.stream):
        same(read_units(put(tmp_path, "net.pth.zip", written.inside(write(STATE)))))
    refuses(tmp_path, "net.zip", written.inside(b"text", "readme.txt"), "readme.txt")


def test_tensors_that_share_a_storage(tmp_path):
    both = np.arange(24, dtype="float32")
    value = {
        "a.weight": tensor(both, "0", offset=4, shape=(2, 5), strides=(10, 2)),
        "b.weight": tensor(both, "0", offset=0, shape=(3, 2), strides=(1, 3)),
    }
    for path in (
        put(tmp_path, "net.pth", written.pth({"both": both}, value)),
        put(tmp_path, "net.th", written.stream({"both": both}, value)),
    ):
        a, b = (unit.values["kernel"] for unit in read_units(path))
        np.testing.assert_array_equal(a, both[4:].reshape(2, 10)[:, ::2].T)
        np.testing.assert_array_equal(b, both[:6].reshape(2, 3))


RAN = []


class Bomb:
    def __reduce__(self):
        return RAN.append, (1,)


@pytest.mark.parametrize(
    "program",
    [
        *(pickle.dumps(Bomb(), protocol) for protocol in range(6)),
        b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
        b"\x80\x02(X\x04\x00\x00\x00trueios\nsystem\n.",
        b"\x80\x02(cos\nsystem\nX\x04\x00\x00\x00trueo.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",
        b"\x80\x02X\x01\x00\x00\x00aQ.",
        b"\x80\x02ccollections\nOrderedDict\n)R}b.",
        b"\x80\x02" + b"](" * 20_000 + b"e" * 20_000 + b".",
        b"\x80\x02}" + b")" + b"\x85" * 20_000 + b"K\x01s.",
        b"\x80\x02\x8b\xff\xff\xff\x7f.",
        b"\x80\x02\x8d" + struct.pack("<Q", 2**33) + b".",
        b"\x80\x02r\xff\xff\xff\xff.",
        b"\x80\x02.",
        b"",
    ],
    ids=itertools.count(),
)
def test_a_pickle_that_is_no_state_dict(program, tmp_path):
    """Programs that call functions, name what is unknown, nest deeply, or claim gigabytes."""
    RAN.clear()
    body = program.removeprefix(b"\x80\x02").removesuffix(b".")
    refuses(tmp_path, "net.pth", program)
    refuses(tmp_path, "net.pth", written.pth(STATE, body))
    whole = {"state_dict": tensors(STATE), "epoch": body}
    with contextlib.suppress(ValueError):  # data that nobody reads may be odd
        read_units(put(tmp_path, "net.th", written.stream(STATE, whole)))
    assert not RAN


def changed(**options):
    array = STATE["fc.weight"]
    return tensors(STATE) | {"fc.weight": tensor(array, "6", **options)}


@pytest.mark.parametrize(
    "value",
    [
        changed(offset=1),
        changed(offset=-1),
        changed(offset=2**80),
        changed(shape=(5, 5)),
        changed(shape=(-5, 4)),
        changed(shape=(2**31, 1), strides=(0, 1)),
        changed(shape=(2**40, 0), strides=(2**62, 2**62), offset=99),
        changed(shape=(5, 4), strides=(4, 2)),
        changed(shape=(5, 4), strides=(-4, 1)),
        changed(shape=(5, 4), strides=(4,)),
        changed(shape=(1,) * 64, strides=(1,) * 64),
        changed(shape=(5.0, 4)),
        changed(count=2**31),
        changed(count=-1),
        changed(kind="LongStorage"),
        changed(kind="DoubleStorage"),
        changed(kind="Storage"),
        tensors(STATE) | {"fc.weight": 1},
        tensors(STATE) | {"fc.weight": []},
        tensors(STATE) | {1: tensor(STATE["bn1.bias"], "1")},
        tensors(STATE) | {"fc.scale": tensor(STATE["fc.bias"], "7")},
        {"state_dict": [tensors(STATE)]},
        Persistent(("module", "a", "b", "c", "d")),
        {},
    ],
    ids=itertools.count(),
)
def test_tensors_that_are_not_in_their_storages(value, tmp_path):
    refuses(tmp_path, "net.pth", written.pth(STATE, value))
    refuses(tmp_path, "net.th", written.stream(STATE, value))


def test_archives_that_claim_more_than_they_hold(tmp_path):
    zeros = {"fc.weight": np.zeros((4096, 4096), "float32")}
    refuses(tmp_path, "net.pth", written.pth(zeros, compression=zipfile.ZIP_DEFLATED), "claims to hold")
    refuses(tmp_path, "net.pth.zip", written.inside(bytes(2**26)), "claims to hold")
    lie = written.inside(bytes(2**26)).replace(struct.pack("<I", 2**26), struct.pack("<I", 1000))
    refuses(tmp_path, "net.pth.zip", lie)
    damaged = bytearray(written.pth(STATE))
    damaged[damaged.index(STATE["fc.weight"].tobytes()) + 5] ^= 1
    refuses(tmp_path, "net.pth", bytes(damaged), "damaged")


# Safetensors


@pytest.mark.parametrize(
    "header",
    [
        {"a.weight": {"dtype": "F32", "shape": [2**31, 1], "data_offsets": [0, 2**33]}},
        {"a.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [4, 20]}},
        {"a.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 8]}},
        {"a.weight": {"dtype": "I32", "shape": [2, 2], "data_offsets": [0, 16]}},
        {"a.weight": {"dtype": "F32", "shape": [1] * 9 + [4], "data_offsets": [0, 16]}},
        {"a.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "a": [[[[]]]]},
    ],
    ids=itertools.count(),
)
def test_safetensors_with_a_false_header(header, tmp_path):
    text = json.dumps(header).encode()
    refuses(tmp_path, "net.safetensors", struct.pack("<Q", len(text)) + text + bytes(16))
    refuses(tmp_path, "net.safetensors", struct.pack("<Q", 2**33) + text + bytes(16))
    refuses(tmp_path, "net.safetensors", struct.pack("<Q", 200_000) + b"[" * 200_000 + bytes(16))


# Keras


def test_files_of_keras(tmp_path):
    written.keras_3(tmp_path / "net.weights.h5", STATE)
    same(read_units(tmp_path / "net.weights.h5"))
    written.keras_2(tmp_path / "net.h5", STATE)
    same(read_units(tmp_path / "net.h5"))
    with h5py.File(tmp_path / "net.h5") as file, h5py.File(tmp_path / "whole.hdf5", "w") as whole:
        file.copy("/", whole, "model_weights")
        whole.create_group("optimizer_weights").attrs["weight_names"] = [b"momentum"]
    same(read_units(tmp_path / "whole.hdf5"))
    with h5py.File(tmp_path / "net.h5", "a") as file:  # as Keras splits long lists
        names = file.attrs["layer_names"]
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:2], names[2:].astype("S")
    same(read_units(tmp_path / "net.h5"))


def test_names_of_keras_1(tmp_path):
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.attrs["layer_names"] = [b"convolution2d_1"]
        group = file.create_group("convolution2d_1")
        group.attrs["weight_names"] = [b"convolution2d_1_W:0", b"convolution2d_1_b:0"]
        group["convolution2d_1_W:0"] = STATE["conv1.weight"].transpose(2, 3, 1, 0)
        group["convolution2d_1_b:0"] = STATE["conv1.bias"]
    same(read_units(tmp_path / "net.h5"), kinds=["conv"])


def test_files_of_keras_3_keep_the_order_of_the_layers(tmp_path):
    x = inputs = keras.Input((8, 8, 3))
    for _ in range(12):  # named conv2d, conv2d_1, conv2d_10, ...
        x = layers.Conv2D(3, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(scale=False)(x)
    x = layers.SeparableConv2D(5, 3, depth_multiplier=2)(layers.Dropout(0.5)(x))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    net = keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))
    for w in net.weights:
        w.assign(np.random.default_rng(0).uniform(size=w.shape))
    for name in ("net.weights.h5", "net.h5"):
        (net.save if name == "net.h5" else net.save_weights)(tmp_path / name)
        units = [finite(unit) for unit in read_units(tmp_path / name)]
        weights = [w.numpy() for layer in net.layers for w in layer.weights]
        arrays = [array for unit in units for array in unit.values.values()]
        assert [unit.kind for unit in units] == ["conv", "norm"] * 12 + ["conv"] * 3 + ["dense"]
        for found, array in zip(arrays, weights, strict=True):
            np.testing.assert_array_equal(found.ravel(), array.ravel())
        assert units[24].values["kernel"].shape == (3, 3, 1, 6)
        assert units[25].values["kernel"].shape == (1, 1, 6, 5)


def replaced(path, change):
    """A file of Keras 2 with another kernel in its dense layer."""
    written.keras_2(path, STATE)
    with h5py.File(path, "a") as file:
        del file["fc/fc/kernel:0"]
        change(file["fc/fc"])


def external(group):
    group["kernel:0"] = h5py.ExternalLink("other.h5", "/kernel")


def soft(group):
    group["kernel:0"] = h5py.SoftLink("/conv1/conv1/bias:0")


def virtual(group):
    layout = h5py.VirtualLayout((4, 5), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "kernel", (4, 5))
    group.create_virtual_dataset("kernel:0", layout)


def in_another_file(group):
    group.create_dataset("kernel:0", (4, 5), "float32", external=[("/etc/passwd", 0, 80)])


def claims_much(group):
    group.create_dataset("kernel:0", (2**31, 1), "float32")


def compressed(group):
    group.create_dataset("kernel:0", data=np.zeros((2**11, 2**8), "float32"), compression="gzip")


def integers(group):
    group["kernel:0"] = np.zeros((4, 5), "int32")


def strings(group):
    group["kernel:0"] = np.array([["a"] * 5] * 4, h5py.string_dtype())


@pytest.mark.parametrize(
    "change", [external, soft, virtual, in_another_file, claims_much, compressed, integers, strings]
)
def test_hdf5_that_is_not_arrays_of_its_own(change, tmp_path):
    path = tmp_path / "net.h5"
    replaced(path, change)
    with refused(path, ""):
        read_units(path)


def test_hdf5_of_groups_in_one_another(tmp_path):
    path = tmp_path / "net.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_group("/".join("a" * 500))
    with refused(path, "in one another"):
        read_units(path)
    with h5py.File(path, "w") as file:
        file.create_group("a")["b"] = file["/"]
    with refused(path, "in itself"):
        read_units(path)


# ONNX


def units_of_nodes(folder, nodes, arrays, **options):
    return read_units(put(folder, "net.onnx", written.graph(nodes, arrays, **options)))


def test_onnx_biases_and_constants_of_their_own(tmp_path):
    import onnx.numpy_helper

    kernel, bias = STATE["fc.weight"], STATE["fc.bias"]
    constant = make_node("Constant", [], ["k"], value=onnx.numpy_helper.from_array(kernel.T))
    product, total = make_node("MatMul", ["x", "k"], ["y"], name="fc"), make_node("Add", ["b", "y"], ["z"])
    same(units_of_nodes(tmp_path, [constant, product, total], {"b": bias[None]}), kinds=["dense"])
    turned = make_node("Transpose", ["w"], ["k"], perm=[1, 0])
    same(units_of_nodes(tmp_path, [turned, product, total], {"b": bias, "w": kernel}), kinds=["dense"])
    conv, total = make_node("Conv", ["x", "w"], ["y"]), make_node("Add", ["y", "b"], ["z"])
    arrays = {"w": STATE["conv1.weight"], "b": STATE["conv1.bias"][:, None, None]}
    same(units_of_nodes(tmp_path, [conv, total], arrays), kinds=["conv"])


def inner(name):
    return make_graph(
        [make_node("Identity", ["a"], [name])], "g", [], [make_tensor_value_info(name, 1, None)]
    )


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (make_node("ConvTranspose", ["x", "w"], ["y"], name="up"), "ConvTranspose 'up' has weights, 'w'"),
        (make_node("PRelu", ["x", "w"], ["y"]), "PRelu"),
        (make_node("Mul", ["x", "w"], ["y"]), "Mul"),
        (make_node("Gemm", ["x", "w"], ["y"], alpha=0.5), "Gemm"),
        (make_node("Gemm", ["x", "w"], ["y"], transA=1), "Gemm"),
        (make_node("MatMul", ["w", "x"], ["y"]), "'x' is no constant"),
        (make_node("Conv", ["x", "w"], ["y"]), "no convolution has"),
        (make_node("Gemm", ["x", "w", "x"], ["y"]), "'x' is no constant"),
        (make_node("Conv", ["w"], ["y"]), ""),
        (make_node("BatchNormalization", ["x", "w", "w"], ["y"]), ""),
        (make_node("Reshape", ["w", "w"], ["y"]), ""),
        (make_node("If", ["c"], ["y"], then_branch=inner("d"), else_branch=inner("e")), "If"),
    ],
    ids=lambda value: getattr(value, "op_type", ""),
)
def test_onnx_operators_that_are_no_layers_of_ours(node, why, tmp_path):
    path = put(tmp_path, "net.onnx", written.graph([node], {"w": STATE["fc.weight"]}))
    with refused(path, why.replace("(", r"\(")):
        read_units(path)


def test_onnx_tensors_that_are_not_in_the_file(tmp_path):
    import onnx

    def change(**fields):
        model = onnx.load_from_string(written.onnx(STATE))
        (found,) = [t for t in model.graph.initializer if t.name == "fc.weight"]
        if dims := fields.pop("dims", ()):
            del found.dims[:]
            found.dims.extend(dims)
        for name, value in fields.items():
            setattr(found, name, value)
        refuses(tmp_path, "net.onnx", model.SerializeToString())

    change(data_location=onnx.TensorProto.EXTERNAL)
    change(dims=(2**31, 4))
    change(dims=(-5, -4))
    change(dims=(1,) * 70)
    change(data_type=onnx.TensorProto.INT32)
    change(data_type=99)
    change(raw_data=b"", dims=(2**31, 2))


# Caffe


def test_an_old_caffemodel(tmp_path):
    same(read_units(put(tmp_path, "net.caffemodel", written.old_caffe(STATE))), kinds=("conv", "dense"))


def test_a_normalization_of_caffe_without_scale_or_count(tmp_path):
    net = caffe_net()
    del net.layer[2]
    net.layer[1].blobs[2].data[0] = np.float32(0).tobytes()
    units = read_units(put(tmp_path, "net.caffemodel", net.SerializeToString()))
    assert [set(unit.values) for unit in units[1:2]] == [{"moving_mean", "moving_variance"}]
    assert not any(array.any() for array in units[1].values.values())


def caffe_net():
    from kerasnets.weights.readers.caffe import messages

    return messages()["Net"].FromString(written.caffe(STATE))


def test_caffemodels_that_are_refused(tmp_path):
    def change(why, edit):
        net = caffe_net()
        edit(net.layer)
        refuses(tmp_path, "net.caffemodel", net.SerializeToString(), why)

    change(
        "'conv1' of type 'Deconvolution' has weights",
        lambda parts: setattr(parts[0], "type", b"Deconvolution"),
    )
    change("'scale1' of type 'Scale' has weights", lambda parts: parts[2].bottom.append(b"y"))
    change("'scale1' of type 'Scale' has weights", lambda parts: parts.insert(2, parts[3]))
    change("more numbers", lambda parts: parts[4].blobs[0].shape.dim.append(2**31))
    change("axes", lambda parts: parts[4].blobs[0].shape.dim.extend([1] * 100_000))
    change("no weights have", lambda parts: parts[4].blobs[0].shape.dim.extend([-1, -1]))
    change("arrays of weights", lambda parts: parts[4].blobs.add())
    change("batch normalization", lambda parts: parts[1].blobs.pop())
    net = caffe_net()
    net.layers.add(oldest=b"")
    refuses(tmp_path, "net.caffemodel", net.SerializeToString(), "first version")


# All


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite(number):
    kernel = np.zeros((2, 3))
    kernel[1, 2] = number
    with pytest.raises(ValueError, match="The kernel of 'fc' has numbers that are not finite"):
        finite(Unit("fc", "dense", {"kernel": kernel}))


def test_variances_are_not_negative():
    with pytest.raises(ValueError, match="The moving_variance of 'bn' has negative numbers"):
        finite(Unit("bn", "norm", {"beta": np.float32([-1]), "moving_variance": np.float32([-1e-6])}))


def test_files_that_are_not_what_their_names_say(tmp_path):
    refuses(tmp_path, "net.safetensors", written.pth(STATE), "not a zip archive")
    refuses(tmp_path, "net.pth", b"\x89HDF\r\n\x1a\n", "not an HDF5 file")
    refuses(tmp_path, "net.bin", b"version https://git-lfs.github.com/spec/v1\n", "git-lfs")
    refuses(tmp_path, "net.onnx", b"<!DOCTYPE html><html></html>", "HTML")
    for path in (tmp_path / "none.pth", tmp_path / "net.txt", tmp_path, 3, None):
        with pytest.raises(ValueError, match="`file` is the path of "):
            check_file(path, "file")
    for suffix in SUFFIXES:
        check_file(put(tmp_path, f"net{suffix}", b"\0"), "file")


def test_packages_of_an_extra_are_imported_where_they_are_used():
    for file in pathlib.Path(readers.__file__).parent.glob("*.py"):
        imports = [n for n in ast.parse(file.read_text(encoding="utf-8")).body if hasattr(n, "names")]
        found = {(getattr(n, "module", None) or n.names[0].name).split(".")[0] for n in imports}
        assert not {"google", "h5py", "ml_dtypes", "onnx", "safetensors"} & found
