"""Weights of other packages go into nets, into nets that are there already, and in as far as they fit.

The checkpoints are made of a small net of this package.
"""

import argparse
import dataclasses
import json
import pathlib

import keras
import numpy as np
import pytest
from keras import ops
from keras.src.utils import file_utils
from safetensors.numpy import save_file

import kerasnets
from kerasnets import runs, serving, surgery, weights
from kerasnets.cli import export, options
from kerasnets.runs.data import Data
from kerasnets.training import Recipe
from kerasnets.weights.architectures import ARCHITECTURES
from kerasnets.weights.architectures.row import Architecture
from kerasnets.weights.checkpoints import Checkpoint, table
from kerasnets.weights.classes import class_names
from kerasnets.weights.pairing import checksum, slots_of
from kerasnets.weights.units import units_of
from nets import array, check_served, filled, images

pytestmark = pytest.mark.filterwarnings("ignore:Skipping nested container")
ID, FILE = "made/small.one", "made.safetensors"
ROW = Architecture(net="ResNet20", options={"depth": 8}, order="layer fc")
MEAN, STD = (10.0, 20.0, 30.0), (50.0, 60.0, 70.0)
PUBLISHED = Checkpoint(
    id=ID, net="ResNet20", data="cifar10", file=FILE, url=f"https://huggingface.co/{ID}", licence="mit",
    hash=None, megabytes=None, input=(32, 32), crop=0.8, interpolation="bicubic", mean=MEAN, std=STD,
    order="BGR", range=255, top1=91.5, top5=99.0,
)  # fmt: skip
NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def net(**arguments):
    """The net of the checkpoint."""
    return kerasnets.build("ResNet20", **{"depth": 8, **arguments})


def tensors_of(model):
    """The weights of a net as PyTorch would have them, in the order of the net's layers."""
    found = {}
    for i, slot in enumerate(slots_of(model)):
        name = "fc" if slot.name == "logits" else f"layer{i}"
        for w in slot.weights:
            value = array(w)
            if w.name == "kernel":
                value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T
            weight = NORM.get(w.name, w.name.replace("kernel", "weight"))
            found[f"{name}.{weight}"] = np.ascontiguousarray(value)
    return found


@pytest.fixture(scope="module")
def peer():
    """The net whose weights the checkpoint has."""
    return filled(net())


@pytest.fixture(scope="module")
def tensors(peer):
    return tensors_of(peer)


@pytest.fixture
def mirror(tensors, tmp_path, monkeypatch):
    """A mirror with the checkpoint, whose architecture is known."""
    row = dataclasses.replace(ROW, names=checksum(units_of(tensors.items()), ROW))
    monkeypatch.setitem(ARCHITECTURES, "made/small", row)
    monkeypatch.setitem(table(), ID, PUBLISHED)
    monkeypatch.setenv("KERASNETS_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path / "keras"))
    path = tmp_path / "mirror" / ID / FILE
    path.parent.mkdir(parents=True)
    save_file(tensors, path)
    return path


def scores(model, x):
    return array(model(x, training=False))


def same(ours, theirs):
    x = images(theirs)
    np.testing.assert_allclose(scores(ours, x), scores(theirs, x), rtol=1e-5, atol=1e-6)


def test_the_whole_way(mirror, peer, tmp_path, capsys):
    ours = kerasnets.build("ResNet20", weights=ID)
    same(ours, peer)
    assert not capsys.readouterr().err
    kerasnets.save(ours, tmp_path / "net.weights.h5")
    ours = kerasnets.load_model(tmp_path / "net.weights.h5")
    card = weights.card_of(ours)
    assert (card.scaling.mean, card.scaling.std, card.scaling.order) == (MEAN, STD, "BGR")
    assert card.sizing == ("center_crop", {"shorter": 40, "interpolation": "bicubic"})
    assert card.shape == (32, 32, 3)
    assert card.class_names == class_names("cifar10")
    assert card.training == {"data": "cifar10", "weights": ID, "url": PUBLISHED.url, "licence": "mit"}
    assert card.results == {"published": {"top-1 accuracy (%)": 91.5, "top-5 accuracy (%)": 99.0}}

    path = serving.export(ours, tmp_path)
    assert (path / "assets" / "class_names.txt").read_text().split() == list(card.class_names)
    pixels = np.random.default_rng(2).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    scaled = (pixels[..., ::-1] - MEAN[::-1]) / STD[::-1]
    np.testing.assert_allclose(array(ours.preprocess_input(pixels)), scaled, rtol=1e-5, atol=1e-5)
    check_served(path, pixels, peer, scaled, logits=False)


def test_bodies_other_heads_inputs_and_sizes(mirror, peer, capsys):
    x = images(peer)
    maps = keras.Model(peer.input, peer.get_layer("logits").input)
    body = kerasnets.build("ResNet20", weights=ID, include_top=False, pooling="avg")
    np.testing.assert_allclose(scores(body, x), scores(maps, x), rtol=1e-5, atol=1e-6)
    assert weights.card_of(body).class_names is None
    assert not capsys.readouterr().err

    other = kerasnets.build("ResNet20", weights=ID, classes=3, input_shape=(48, 40, 3))
    assert capsys.readouterr().err.splitlines() == [
        f"{ID} has 10 classes: logits of ResNet20 is new and has to be trained"
    ]
    assert other.output_shape == (None, 3)
    card = weights.card_of(other)
    assert (card.class_names, card.results, card.shape) == (None, None, (32, 32, 3))
    assert card.sizing[1]["shorter"] == 50  # the same share of the image
    np.testing.assert_array_equal(other.get_layer("stem_conv").kernel, peer.get_layer("stem_conv").kernel)

    pixels = keras.Input((32, 32, 3))
    scaled = keras.layers.Rescaling(1 / 255)(pixels)
    inside = kerasnets.build("ResNet20", weights=ID, input_tensor=scaled)
    np.testing.assert_allclose(scores(inside, x), scores(peer, x / np.float32(255)), rtol=1e-4, atol=1e-6)
    assert weights.card_of(inside).scaling is None  # the net scales its images
    assert inside.preprocess_input.mode == "none"
    front = keras.layers.Conv2D(3, 1, name="front")
    inside = net(input_tensor=front(pixels))
    assert "front" not in weights.load(inside, ID).loaded
    np.testing.assert_allclose(scores(inside, x), scores(peer, front(x)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_a_net_that_was_read_from_a_file_gets_its_weights(mirror, peer, tmp_path, suffix):
    kerasnets.save(net(), tmp_path / f"net{suffix}")
    ours = kerasnets.load_model(tmp_path / f"net{suffix}")
    for given in (ID, mirror):
        report = weights.load(ours, given)
        same(ours, peer)
        assert not report.left
        assert set(report.loaded) == {slot.name for slot in slots_of(peer)}
        assert str(report).startswith(
            f"{len(report.loaded)} of {len(report.loaded)} layers of ResNet20 have "
        )
        assert ours.preprocess_input.mean == MEAN


def test_a_net_with_another_head_gets_the_body(mirror, peer):
    ours = surgery.replace_head(net(), 4)
    weights.describe(ours, class_names=["a", "b", "c", "d"])
    with pytest.raises(ValueError, match=r"`model` is .*strict=False.*changed by replace_head"):
        weights.load(ours, ID)
    report = weights.load(ours, ID, strict=False)
    np.testing.assert_allclose(
        scores(keras.Model(ours.input, ours.get_layer("logits").input), images(peer)),
        scores(keras.Model(peer.input, peer.get_layer("logits").input), images(peer)),
        rtol=1e-5,
        atol=1e-6,
    )
    assert [(row.layer, row.source) for row in report.left] == [("logits", "fc")]
    assert "(64, 4), (4,)" in str(report)
    card = weights.card_of(ours)
    assert (card.class_names, card.scaling.mean) == (("a", "b", "c", "d"), MEAN)


def test_what_fits_is_loaded_by_name_and_the_rest_is_told(mirror, peer):
    ours = filled(net(depth=14))
    before = array(ours.get_layer("stage2_unit2_1_conv").kernel)
    with pytest.raises(ValueError, match=r"`depth` is 8 with weights=.*Received: depth=14"):
        weights.load(ours, ID)
    report = weights.load(ours, ID, strict=False)
    assert set(report.loaded) == {slot.name for slot in slots_of(peer)}
    assert {row.reason for row in report.left} == {
        "the weights have no such layer",
        "the weights are for depth=8, and the net has 14",
    }
    theirs = peer.get_layer("stage2_unit1_1_conv").kernel
    np.testing.assert_array_equal(ours.get_layer("stage2_unit1_1_conv").kernel, theirs)
    np.testing.assert_array_equal(ours.get_layer("stage2_unit2_1_conv").kernel, before)
    assert weights.card_of(ours).results is None


def test_layers_that_are_surely_the_same_are_loaded_from_a_file_that_lacks_some(
    mirror, peer, tensors, tmp_path
):
    names = [slot.name for slot in slots_of(peer)]
    # A convolution with its normalization, as the next ones are too, and a convolution alone.
    lacking = [names.index(f"stage{name}") for name in ("1_unit1_1_conv", "1_unit1_1_bn", "3_unit1_1_conv")]
    gone = tuple(f"layer{i}." for i in lacking)
    kept = {name: value for name, value in tensors.items() if not name.startswith((*gone, "fc."))}
    save_file(kept, tmp_path / "some.safetensors")
    ours = net()
    before = ours.get_weights()
    with pytest.raises(ValueError, match=r"layers have other names.*`layout`"):
        weights.load(ours, tmp_path / "some.safetensors", strict=False)
    with pytest.raises(ValueError, match=r"`layout` is .*Did you mean 'made/small'"):
        weights.load(ours, tmp_path / "some.safetensors", strict=False, layout="made/smal")
    with pytest.raises(ValueError, match="`weights` are those of ResNet20.*strict=False"):
        weights.load(ours, tmp_path / "some.safetensors", layout="made/small")
    np.testing.assert_equal(ours.get_weights(), before)
    report = weights.load(ours, tmp_path / "some.safetensors", strict=False, layout="made/small")
    for name in report.loaded:
        for a, b in zip(ours.get_layer(name).weights, peer.get_layer(name).weights, strict=True):
            np.testing.assert_array_equal(a, b)
    left = {row.layer for row in report.left if row.layer}
    either = {name for name in names if name.startswith("stage1")} | {"stem_bn"}
    assert left == {"logits", "stage3_unit1_1_conv", *either}
    assert set(report.loaded) == set(names) - left


@pytest.mark.parametrize("source", ["id", "file", "weights.h5", "keras"])
def test_gray_images(mirror, peer, tmp_path, source):
    given = {"id": ID, "file": mirror}.get(source, tmp_path / f"net.{source}")
    if source in ("weights.h5", "keras"):
        kerasnets.save(peer, given, scaling=PUBLISHED.scaling)
    ours = net(input_shape=(32, 32, 1))
    with pytest.raises(ValueError, match="Received"):
        weights.load(ours, given)
    weights.load(ours, given, gray=True)
    x = images(ours)
    np.testing.assert_allclose(scores(ours, x), scores(peer, np.repeat(x, 3, -1)), rtol=1e-4, atol=1e-5)
    assert (ours.preprocess_input.mean, ours.preprocess_input.std) == (20.0, 60.0)
    with pytest.raises(ValueError, match="`gray` is False"):
        weights.load(net(), given, gray=True)
    if source == "id":
        with pytest.raises(ValueError, match=r"`input_shape` is of 3 channels.*gray=True"):
            net(input_shape=(32, 32, 1), weights=ID)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_own_files_as_far_as_they_fit(peer, tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    kerasnets.save(peer, path, scaling="unit", class_names=class_names("cifar10"))
    ours = net(classes=7)
    with pytest.raises(ValueError, match=r"`weights` is"):
        weights.load(ours, path)
    report = weights.load(ours, path, strict=False)
    assert [row.layer for row in report.left] == ["logits"]
    np.testing.assert_array_equal(
        ours.get_layer("stage3_unit1_2_conv").kernel, peer.get_layer("stage3_unit1_2_conv").kernel
    )
    card = weights.card_of(ours)
    assert (card.scaling.name, card.class_names, card.options["classes"]) == ("unit", None, 7)
    weights.load(net(), path)
    with pytest.raises(ValueError, match="`layout` is None"):
        weights.load(net(), path, layout="made/small")


def test_refused(mirror):
    plain = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match="`model` is a net whose card names its builder"):
        weights.load(plain, ID)
    for argument, value in {"strict": "no", "gray": 1, "layout": "made/small"}.items():
        with pytest.raises(ValueError, match=rf"`{argument}` is .*Received: {argument}="):
            weights.load(net(), ID, **{argument: value})
    with pytest.raises(ValueError, match="`model` is a net as its builder makes it; load them first"):
        weights.load(surgery.with_scaling(net(), "tf"), ID, strict=False)
    with pytest.raises(ValueError, match="`weights` is a checkpoint of LeNet5"):
        weights.load(kerasnets.build("LeNet5"), ID)


def test_files_that_lack_layers_and_have_bad_numbers_are_refused_by_name(tensors, mirror, tmp_path):
    path = tmp_path / "some.safetensors"
    kept = {name: value for name, value in tensors.items() if not name.startswith("fc.")}
    save_file(kept | {"layer0.weight": np.full((16, 3, 3, 3), np.nan, "float32")}, path)
    with pytest.raises(ValueError, match=r"`weights` are .*some\.safetensors.*not finite"):
        weights.load(net(), path, strict=False, layout="made/small")


def test_options_that_no_checkpoint_has():
    with pytest.raises(ValueError, match=r"^`depths` is \((\d+, ){3}\d+\) with weights='keras/ResNet152'"):
        kerasnets.applications.ResNet(depths=(2, 2, 2, 2), weights="imagenet")
    with pytest.raises(ValueError, match=r"^`alpha` is 0.25 or .* with weights='keras/MobileNet'"):
        kerasnets.build("MobileNet", weights="imagenet", alpha=0.3)


def test_config_beside_a_file_says_what_it_takes(mirror, peer, tensors, tmp_path):
    path = tmp_path / "mine" / "model.safetensors"
    path.parent.mkdir()
    save_file({n: v[:7] if n.startswith("fc.") else v for n, v in tensors.items()}, path)
    kerasnets.build("ResNet20", weights=path)  # alone
    facts = {"input_size": [3, 32, 32], "crop_pct": 1.0, "interpolation": "bilinear", "num_classes": 7}
    facts |= {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    content = {"architecture": "small", "label_names": list("abcdefg"), "pretrained_cfg": facts}
    path.with_name("config.json").write_text(json.dumps(content))
    ours = kerasnets.build("ResNet20", weights=path)
    assert ours.output_shape == (None, 7)  # as the file has
    card = weights.card_of(ours)
    assert (card.scaling.mean, card.scaling.std) == ((127.5,) * 3, (63.75,) * 3)
    assert card.class_names == tuple("abcdefg")
    assert (card.training["weights"], card.results) == ("model.safetensors", None)


def test_a_file_is_known_by_its_hash_or_its_repository(mirror, tensors, tmp_path, monkeypatch):
    from kerasnets.weights.hashes import hash_of

    cache = tmp_path / "hub" / f"models--{ID.replace('/', '--')}" / "snapshots" / "1" / FILE
    for path in (tmp_path / FILE, cache):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mirror.read_bytes())

    def known(path):
        return weights.card_of(kerasnets.build("ResNet20", weights=path)).training["weights"]

    assert [known(mirror), known(cache), known(tmp_path / FILE)] == [ID, ID, FILE]
    monkeypatch.setitem(
        table(), ID, dataclasses.replace(PUBLISHED, hash=str(hash_of(mirror)).replace(".", ""))
    )
    assert known(tmp_path / FILE) == ID
    monkeypatch.setitem(table(), ID, dataclasses.replace(PUBLISHED, hash=f"sha256 {'0' * 64}"))
    assert known(mirror) == FILE


def test_names_that_several_layouts_share_are_refused(mirror, monkeypatch, peer):
    row = ARCHITECTURES["made/small"]
    monkeypatch.setitem(ARCHITECTURES, "made/other", dataclasses.replace(row, epsilon=1e-3))
    with pytest.raises(ValueError, match=r"may be that of made/small or made/other\. `layout`"):
        kerasnets.build(
            "ResNet20", weights=pathlib.Path(mirror).rename(mirror.with_name("unknown.safetensors"))
        )
    ours = net()
    weights.load(ours, mirror.with_name("unknown.safetensors"), layout="made/small")
    same(ours, peer)
    monkeypatch.setitem(ARCHITECTURES, "made/other", dataclasses.replace(row, order=""))  # means the same
    same(kerasnets.build("ResNet20", weights=mirror.with_name("unknown.safetensors")), peer)


def test_commands_take_ids(mirror, peer):
    given = argparse.Namespace(name=None, input=None, weights=options.weights(ID))
    same(export.trained(given, []), peer)
    given.name, given.weights = None, "cifar10"
    with pytest.raises(ValueError, match="NAME, .*: cifar10 does not say for which net it is"):
        export.trained(given, [])
    with pytest.raises(argparse.ArgumentTypeError, match="Did you mean 'made/small.one'"):
        options.weights("made/smal.one")


def test_teachers_may_be_published(mirror, peer):
    recipe = Recipe(model="ResNet20", size=32, data="generated", rate=0.1, batch=32, epochs=2)
    teacher = runs.Distillation(teacher=recipe, files=(ID,)).teachers(Data(recipe, runs.Options(steps=1)))
    pixels = np.random.default_rng(2).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    logits = scores(teacher, recipe.scale(pixels))
    expected = scores(peer, PUBLISHED.scaling(pixels))
    np.testing.assert_allclose(array(ops.softmax(logits)), expected, rtol=1e-3, atol=1e-5)
    fewer = dataclasses.replace(recipe, classes=4)
    with pytest.raises(ValueError, match="`teacher` is a net of 4 classes.*Received: .*, of 10"):
        runs.Distillation(teacher=fewer, files=(ID,)).teachers(Data(fewer, runs.Options(steps=1)))


def test_scalings_follow_copies_and_corrections(mirror):
    ours = kerasnets.build("ResNet20", weights=ID)
    assert surgery.fold_batch_norm(ours).preprocess_input.mean == MEAN
    weights.describe(ours, scaling="tf")
    assert ours.preprocess_input.name == "tf"
    fresh = net()
    assert fresh.preprocess_input is kerasnets.applications.ResNet20.preprocess_input
    weights.describe(fresh, class_names=class_names("cifar10"))
    assert surgery.replace_head(fresh, 3).preprocess_input is fresh.preprocess_input
    assert not hasattr(net(input_shape=(32, 32, 1)), "preprocess_input")  # nothing says it
    assert float(ops.max(ours.preprocess_input(np.full((1, 32, 32, 3), 255.0)))) == 1


def test_folded_nets_take_only_weights_of_folded_nets(mirror, peer, tmp_path):
    folded = surgery.fold_batch_norm(peer)
    before = folded.get_weights()
    kerasnets.save(peer, tmp_path / "net.keras")
    kerasnets.save(folded, tmp_path / "folded.keras")
    for model, file in ((folded, ID), (folded, tmp_path / "net.keras"), (net(), tmp_path / "folded.keras")):
        with pytest.raises(ValueError, match="fold"):
            weights.load(model, file, strict=False)
    for a, b in zip(before, folded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not weights.load(folded, tmp_path / "folded.keras", strict=False).left
