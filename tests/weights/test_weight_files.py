import pathlib
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets import weights

# Keras warns before it refuses.
pytestmark = pytest.mark.filterwarnings("ignore:Skipping nested container")
SUFFIXES = [".weights.h5", ".keras"]


def build(**options):
    return kerasnets.build(
        "DenseNet121", **{"depths": (1, 2), "growth": 4, "input_shape": (32, 32, 3)} | options
    )


@pytest.fixture(scope="module")
def saved():
    return build()


@pytest.fixture(scope="module")
def contents(saved, tmp_path_factory):
    """What files of `saved` contain, by suffix."""
    folder = tmp_path_factory.mktemp("files")
    saved.save_weights(folder / "net.weights.h5")
    saved.save(folder / "net.keras")
    return {suffix: (folder / f"net{suffix}").read_bytes() for suffix in SUFFIXES}


@pytest.fixture
def path(contents, tmp_path, request):
    """A file of `saved` with the suffix that the test asks for."""
    path = tmp_path / f"net{request.param}"
    path.write_bytes(contents[request.param])
    return path


each_suffix = pytest.mark.parametrize("path", SUFFIXES, indirect=True)


def refused(path):
    return pytest.raises(ValueError, match=rf"`weights` [\s\S]*Received: weights=.*{path.name}")


@each_suffix
@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_a_file_fills_the_net(saved, path, kind):
    net = build(weights=kind(path))
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(net(x)), ops.convert_to_numpy(saved(x)))
    assert not np.array_equal(ops.convert_to_numpy(build()(x)), ops.convert_to_numpy(saved(x)))


@each_suffix
@pytest.mark.parametrize("options", [{"growth": 5}, {"depths": (1, 3)}, {"depths": (1, 1)}, {"classes": 4}])
def test_another_nets_file_is_refused(path, options):
    with refused(path):
        build(weights=path, **options)


def fronts(seed=0):
    """What may stand before `input_tensor`, with weights of the same classes as the net's own, and others."""
    normalization = keras.layers.Normalization()
    normalization.adapt(np.random.default_rng(seed).normal(seed, 3, (4, 32, 32, 3)))
    inner = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1), normalization])
    return {
        "convolution": keras.layers.Conv2D(3, 3, padding="same", use_bias=False),
        "batch normalization": keras.layers.BatchNormalization(epsilon=0.5),
        "normalization": normalization,
        "scaling": keras.layers.Rescaling(1 / 255),
        "model": inner,
    }


# Each front, and each kind of file for layers with weights of one and of several layers.
FRONTS = [
    ("convolution", ".weights.h5"),
    ("batch normalization", ".keras"),
    ("normalization", ".weights.h5"),
    ("scaling", ".keras"),
    ("model", ".weights.h5"),
    ("model", ".keras"),
]


@pytest.mark.parametrize(("front", "path"), FRONTS, indirect=["path"])
def test_layers_before_the_input_tensor_keep_their_weights(saved, path, front):
    layer, inputs = fronts()[front], keras.Input((32, 32, 3))
    images = layer(inputs)
    before = layer.get_weights()
    net, other = (build(input_tensor=images, weights=path, name=name) for name in ("net", "other"))
    assert len(before) == len(layer.get_weights())
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    expected = ops.convert_to_numpy(saved(layer(x)))
    np.testing.assert_allclose(ops.convert_to_numpy(net(x)), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(other(x)), expected, rtol=1e-5, atol=1e-6)
    assert net.inputs[0] is inputs
    np.testing.assert_allclose(
        ops.convert_to_numpy(keras.Model(inputs, net.get_layer("final_bn").output)(x)),
        ops.convert_to_numpy(keras.Model(saved.inputs[0], saved.get_layer("final_bn").output)(layer(x))),
        rtol=1e-5,
        atol=1e-5,
    )
    with refused(path):
        build(input_tensor=images, weights=path, growth=5)


@pytest.mark.parametrize(("front", "suffix"), FRONTS)
def test_a_file_of_a_whole_model_fills_the_layers_before_the_input_tensor(tmp_path, suffix, front):
    def whole(layer, **options):
        return build(input_tensor=layer(keras.Input((32, 32, 3))), **options)

    first, path = whole(fronts()[front]), tmp_path / f"whole{suffix}"
    (first.save if suffix == ".keras" else first.save_weights)(path)
    layer = fronts(seed=1)[front]
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    second = whole(layer, weights=path)
    np.testing.assert_array_equal(ops.convert_to_numpy(second(x)), ops.convert_to_numpy(first(x)))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_file(tmp_path, suffix):
    with refused(tmp_path / f"none{suffix}"):
        build(weights=tmp_path / f"none{suffix}")


@pytest.mark.parametrize("name", ["net.h5", "net.txt", "net", "keras"])
def test_wrong_suffix(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with refused(tmp_path / name):
        build(weights=str(tmp_path / name))


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.keras").mkdir()
    with refused(tmp_path / "folder.keras"):
        build(weights=tmp_path / "folder.keras")


@each_suffix
def test_damaged_file(path):
    whole = path.read_bytes()
    half = len(whole) // 2
    flipped = bytes(255 - b for b in whole[half : half + 4000])
    for damaged in (b"", b"junk", whole[:half], whole[:half] + flipped + whole[half + 4000 :]):
        path.write_bytes(damaged)
        with refused(path):
            build(weights=path)


READERS = {
    "load_model": kerasnets.load_model,
    "read_card": weights.read_card,
    "build": lambda p: build(weights=p),
}
each_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


@each_suffix
@each_reader
@pytest.mark.parametrize(
    "cut", [lambda b: b"", lambda b: b"text", lambda b: b[:-20], lambda b: b[: len(b) // 2]]
)
def test_a_cut_file_is_named_as_damaged(path, read, cut):
    path.write_bytes(cut(path.read_bytes()))
    with pytest.raises(ValueError, match=f"is a file that can be read.*{path.name}', which is damaged"):
        read(path)


@each_reader
@pytest.mark.parametrize(
    ("member", "content"),
    [("config.json", None), ("config.json", "[]"), ("config.json", "{"), ("model.weights.h5", None)],
)
def test_a_zip_of_something_else_is_named_as_damaged(saved, read, member, content, tmp_path):
    path = tmp_path / "net.keras"
    saved.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()} | {member: content}
    with zipfile.ZipFile(path, "w") as archive:
        for name in [name for name in members if members[name] is not None]:
            archive.writestr(name, members[name])
    with pytest.raises(ValueError, match="is a file that can be read.*net.keras', which is damaged"):
        read(path)


def test_damaged_arrays_of_a_whole_model_are_told(saved, tmp_path):
    path = tmp_path / "net.keras"
    saved.save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match="`path` is a file that can be read.*net.keras', which is damaged"):
        kerasnets.load_model(path)


@each_reader
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_is_told(read, suffix, tmp_path):
    (tmp_path / f"net{suffix}").mkdir()
    with pytest.raises(ValueError, match=f"is the path of a file, not of a folder.*net{suffix}"):
        read(tmp_path / f"net{suffix}")


def test_zip_without_a_model(tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme", "nothing here")
    with refused(path):
        build(weights=path)


def test_load_takes_any_keras_model(tmp_path):
    first, second = (keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]) for _ in range(2))
    first.save_weights(tmp_path / "dense.weights.h5")
    assert not weights.load(second, tmp_path / "dense.weights.h5").left
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@each_suffix
@pytest.mark.parametrize("there", [False, True])
def test_plain_and_memory_efficient_nets_take_each_others_files(saved, path, there, tmp_path):
    efficient = build(weights=path, memory_efficient=True)
    if there:
        path = tmp_path / f"efficient{path.name}"
        (efficient.save if path.suffix == ".keras" else efficient.save_weights)(path)
        efficient = build(weights=path)
    for a, b in zip(saved.get_weights(), efficient.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("path", SUFFIXES[:1], indirect=True)
@pytest.mark.parametrize("options", [{"growth": 5}, {"depths": (1, 3)}, {"depths": (1, 1)}, {"classes": 4}])
def test_another_plain_nets_file_is_refused_by_a_memory_efficient_one(path, options):
    with refused(path):
        build(weights=path, memory_efficient=True, **options)


@pytest.mark.parametrize("link", ["external", "virtual"])
def test_a_file_that_points_to_others_is_refused(saved, tmp_path, link):
    path = tmp_path / "net.weights.h5"
    saved.save_weights(path)
    with h5py.File(path, "a") as file:
        place = "layers/dense/vars/1"
        shape, dtype = file[place].shape, file[place].dtype
        del file[place]
        if link == "external":
            (tmp_path / "raw").write_bytes(bytes(4 * shape[0]))
            file.create_dataset(place, shape, dtype, external=[(str(tmp_path / "raw"), 0, 4 * shape[0])])
        else:
            layout = h5py.VirtualLayout(shape, dtype)
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape=shape)
            file.create_virtual_dataset(place, layout)
    with refused(path):
        build(weights=path, memory_efficient=True)
