"""Runs that start from trained weights: a new classifier on kept features, then the whole net."""

import csv
import dataclasses
import json

import h5py
import keras
import numpy as np
import pytest

import kerasnets
from kerasnets import data, runs, surgery, training
from kerasnets.runs import head
from kerasnets.runs.data import Data
from kerasnets.runs.start import set_trainable, start_of
from kerasnets.runs.train import build
from kerasnets.training import Recipe
from nets import array, kept

pytestmark = pytest.mark.usefixtures("eagerly")
EPOCHS, STATE = 3, "state.weights.h5"


@pytest.fixture(scope="module")
def recipe(finished):
    """A recipe that fine-tunes a trained net for three other classes."""
    return runs.finetuning(
        weights=finished / "best.keras",
        data="generated",
        classes=3,
        validation="validation",
        augmentation=(("flip", {}),),
        head_views=1,
        dropout=0.0,
        head_epochs=EPOCHS,
        epochs=2,
        rate=1e-2,
        batch=64,
    )


def read(recipe, **options):
    """The data of a run of a recipe, and its net."""
    start = start_of(recipe)
    source = Data(start.recipe, runs.Options(**options), start)
    keras.utils.set_random_seed(0)
    return source, build(source)


def test_the_weights_say_what_the_recipe_leaves_open(recipe, finished):
    source, net = read(recipe)
    card = kerasnets.weights.read_card(finished / "best.keras")
    assert (recipe.model, source.recipe.shape) == ("WRN16_8", (8, 8, 3))
    assert source.scaling.mode == card.scaling.mode
    assert source.rows_for_tests()[0] == tuple(card.sizing)
    trained = kerasnets.load_model(finished / "best.keras")
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(
        array(surgery.features(net)(x)), array(surgery.features(trained)(x)), rtol=1e-4, atol=1e-5
    )


def test_the_classifier_learns_as_in_front_of_a_frozen_body(recipe, tmp_path):
    """As in Keras's guide: the body is not trainable and called with training=False, on the same batches."""
    source, net = read(recipe)
    body, last = surgery.features(net), net.get_layer("logits")
    for layer in body.layers:
        layer.trainable = False
    classifier = keras.layers.Dense(3)
    by_hand = keras.Sequential([keras.Input((8, 8, 3)), Frozen(body), classifier])
    classifier.set_weights(last.get_weights())
    images, labels = data.to_arrays(source.views(1)[0].dataset)
    steps = -(-len(images) // recipe.batch)
    rate = keras.optimizers.schedules.CosineDecay(recipe.head_rate, steps * EPOCHS)
    by_hand.compile(keras.optimizers.Adam(rate), recipe.make_loss())
    batches = data.batches((source.scale(images), labels), recipe.batch, seed=0, epochs=EPOCHS)
    found = []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: found.append(classifier.get_weights()))
    by_hand.fit(batches, epochs=EPOCHS, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[keep])

    best = head.fit_head(net, source, tmp_path)
    scores = column(tmp_path / "head.csv", "val_accuracy")
    assert best == pytest.approx(max(scores))
    for ours, theirs in zip(
        last.get_weights(), found[len(scores) - 1 - int(np.argmax(scores[::-1]))], strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


class Frozen(keras.layers.Layer):
    """A net that is always called as in inference."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def call(self, x):
        return self.net(x, training=False)


def column(path, name):
    with open(path, newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def test_kept_features_are_read_again_unless_something_changed(recipe, tmp_path, monkeypatch):
    source, net = read(recipe)
    body = surgery.features(net)
    first = head.features(source.views(1)[0], body, source, tmp_path)
    monkeypatch.setattr(head, "watched", None)  # which computing them needs
    for ours, theirs in zip(first, head.features(source.views(1)[0], body, source, tmp_path), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    (path,) = (tmp_path / "features").iterdir()
    other = source.views(2)[1], source.held_out()
    names = {head.name_of(stream, body, source) for stream in (*other, source.views(1)[0])}
    assert len(names) == 3
    for weight in body.weights[:1]:
        weight.assign(weight + 1)
    assert head.name_of(source.views(1)[0], body, source) not in names
    path.write_bytes(path.read_bytes()[:100])  # a damaged file is computed anew
    assert head.read(path) is None


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_a_run_that_is_stopped_in_each_phase_and_resumed_ends_alike(recipe, whole, tmp_path, monkeypatch):
    for i, place in enumerate(
        [(head.BestInMemory, "on_epoch_end"), (training, "fit"), (training.Checkpoint, "on_epoch_end")]
    ):
        assert not (tmp_path / "run" / STATE).exists()  # the second phase is stopped last
        with monkeypatch.context() as patch:
            patch.setattr(*place, interrupt)
            with pytest.raises(KeyboardInterrupt):
                runs.train(recipe, tmp_path / "run", runs.Options(save_every=0, resume=i > 0))
    with h5py.File(tmp_path / "run" / STATE) as file:
        assert file.attrs["kerasnets_step"] > 0
    runs.train(recipe, tmp_path / "run", runs.Options(resume=True))
    names = []
    with h5py.File(whole / STATE) as one, h5py.File(tmp_path / "run" / STATE) as other:
        one.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        for name in names:
            np.testing.assert_array_equal(one[name][()], other[name][()], err_msg=name)
    keys = ("top1", "best_phase", "best_epoch", "best_epoch_error")
    found = [json.loads((folder / "results.json").read_text()) for folder in (whole, tmp_path / "run")]
    assert [found[0][key] for key in keys] == [found[1][key] for key in keys]


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    """The folder of a run that nothing stopped."""
    out = tmp_path_factory.mktemp("finetune") / "whole"
    runs.train(recipe, out)
    return out


def test_what_a_run_leaves(whole):
    names = {p.name for p in whole.iterdir()}
    assert {"best.keras", "last.keras", "head.csv", "features"} <= names
    results = json.loads((whole / "results.json").read_text())
    scores = {
        phase: column(whole / file, "val_accuracy")
        for phase, file in {"classifier": "head.csv", "whole net": "history.csv"}.items()
    }
    assert {phase: len(values) for phase, values in scores.items()} == {"classifier": EPOCHS, "whole net": 2}
    best = max(max(values) for values in scores.values())
    phase = [name for name, values in scores.items() if best in values][-1]  # the last of equal epochs
    epoch = len(scores[phase]) - scores[phase][::-1].index(best)
    assert (results["best_phase"], results["best_epoch"]) == (phase, epoch)
    assert results["class_sizes"] == np.bincount(np.arange(256) % 3).tolist()
    assert results["top1"] > 0.5


def test_few_images_are_trained_on_for_many_epochs(finished, tmp_path):
    def numbers(**fields):
        made = runs.finetuning(weights=finished / "best.keras", data="generated", **fields)
        return made.epochs, made.head_epochs, made.schedule[1]["warmup"]

    assert numbers() == (50, 72, 5)  # 205 of 256 images, so 7 steps
    assert numbers(batch=1) == (5, 10, 0.5)
    assert numbers(epochs=1, head_epochs=3) == (1, 3, 0.1)
    own = dict(schedule=("cosine", {"warmup": 2}))
    assert numbers(epochs=4, **own)[::2] == (4, 2)


def test_a_net_of_the_same_classes_keeps_its_classifier(recipe, finished):
    same = dataclasses.replace(recipe, classes=10)
    source, net = read(same)
    trained = kerasnets.load_model(finished / "best.keras")
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(array(net(x)), array(trained(x)), rtol=1e-4, atol=1e-5)
    assert not source.trains_head
    norms = [x for x in net.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert [x.trainable for x in norms] == [False] * len(norms) != []


def test_what_is_frozen():
    net = kept("ResNet20", classifier_activation=None)
    stages = [[layer.name for layer in stage] for stage in surgery.stages_of(net)]
    recipe = Recipe(model="ResNet20", data="digits", weights="x", rate=0.1, batch=2, epochs=1)
    below = [name for stage in stages[:-1] for name in stage]
    middle = stages[1][0]
    for freeze, names in {
        False: [],
        True: below,
        2: stages[0] + stages[1],
        middle: [*stages[0], middle],
    }.items():
        set_trainable(net, dataclasses.replace(recipe, freeze=freeze))
        assert {x.name for x in net.layers if x.weights and not x.trainable} == set(names), freeze
    with pytest.raises(ValueError, match="`freeze` is True, False, a layer's name, or at most 3 for"):
        set_trainable(net, dataclasses.replace(recipe, freeze=4))
    set_trainable(net, recipe)


def test_surgery_before_the_run(finished):
    recipe = runs.finetuning(weights=finished / "best.keras", data="generated", epochs=1)
    layer = next(x.name for x in surgery.stages_of(kerasnets.load_model(finished / "best.keras"))[0])
    changes = ("widen", {"layer": layer, "width": 24})
    source, net = read(dataclasses.replace(recipe, surgery=(changes,)))
    assert net.get_layer(layer).filters == 24
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    trained = kerasnets.load_model(finished / "best.keras")
    np.testing.assert_allclose(array(net(x)), array(trained(x)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("size", 9, r"None or \(8, 8\)"),
        ("scaling", "unit", "None or that of"),
        ("model", "ResNet20", "those of a ResNet20"),
        ("options", {"width": 2}, "1 with weights="),
        ("freeze", 9, "True, False"),
        ("classes", 1, "1 for data of 2 classes"),
    ],
)
def test_a_recipe_that_contradicts_the_weights_or_the_data_is_refused(
    recipe, tmp_path, field, value, allowed
):
    with pytest.raises(ValueError, match=f"is {allowed}"):
        runs.train(dataclasses.replace(recipe, **{field: value}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_run_whose_weights_are_taken_is_not_moved_aside(recipe, finished):
    with pytest.raises(ValueError, match="`out` is another folder than that of the weights"):
        runs.train(recipe, finished)


def test_what_is_wrong_with_a_folder_is_said_first(recipe, tmp_path):
    for name in "ab":
        (tmp_path / "train" / name).mkdir(parents=True)
        (tmp_path / "train" / name / "0.png").touch()
    folder = dataclasses.replace(recipe, data="images", classes=None)
    with pytest.raises(ValueError, match="`data_dir` is a folder with images to test on too"):
        runs.train(folder, tmp_path / "run", runs.Options(data_dir=str(tmp_path)))
    with pytest.raises(ValueError, match="`data_dir` is a folder with a folder of images for each class"):
        runs.finetuning(weights=recipe.weights, data_dir=tmp_path / "train" / "a")
    assert not (tmp_path / "run").exists()


def test_validation_data_leave_images_of_each_class(recipe, tmp_path):
    for name, count in (("a", 12), ("b", 2)):
        (tmp_path / name).mkdir()
        for i in range(count):
            keras.utils.save_img(tmp_path / name / f"{i}.png", np.full((9, 9, 3), 20 * i), scale=False)
    recipe = dataclasses.replace(recipe, data="images", classes=None, validation=10, batch=4)
    with pytest.raises(ValueError, match="`validation` is a smaller share, .*: none of '[ab]' are left"):
        Data(recipe, runs.Options(data_dir=str(tmp_path)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("surgery", (("widen", {"layer": "a", "width": 3}),)),
        ("freeze", True),
        ("freeze_batch_norm", True),
        ("head_epochs", 1),
    ],
)
def test_what_needs_weights_is_refused_without_them(field, value):
    with pytest.raises(ValueError, match=f"`{field}` is .* without `weights`"):
        Recipe(model="LeNet5", data="digits", rate=0.1, batch=2, epochs=1, **{field: value})
