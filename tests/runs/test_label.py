import dataclasses
import os
import sys

import keras
import numpy as np
import pytest

import kerasnets
from kerasnets import runs, serving
from kerasnets.distillation import store as stores
from kerasnets.training import Recipe
from nets import check_served

STUDENT = Recipe(
    model="MLP800",
    options=dict(hidden=(16,)),
    size=8,
    channels=1,
    data="generated",
    augmentation=(("flip", {}), ("jitter", {})),
    rate=0.1,
    batch=32,
    epochs=4,
)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A file of a trained net, which says what it was trained on."""
    data = runs.data.Data(STUDENT, runs.Options())
    images, labels = next(iter(data.stream("train", (), batch_size=256).dataset))
    keras.utils.set_random_seed(0)
    net = kerasnets.build(
        "MLP800", hidden=(32,), input_shape=(8, 8, 1), classes=10, classifier_activation=None
    )
    net.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    net.fit(data.scale(np.asarray(images)), np.asarray(labels), epochs=8, verbose=0)
    data.describe(net)
    path = tmp_path_factory.mktemp("teacher") / "net.keras"
    kerasnets.save(net, path)
    return str(path)


@pytest.fixture(scope="module")
def method(teacher):
    return runs.Distillation(files=(teacher,))


@pytest.fixture(scope="module")
def whole(method, tmp_path_factory):
    """Labels of three views in two shards each, which nothing interrupted."""
    return runs.label(STUDENT, tmp_path_factory.mktemp("labels") / "whole", None, method, views=3, shards=2)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.logits")}


def test_a_student_learns_from_stored_logits_as_from_the_teacher(whole, teacher, tmp_path, monkeypatch):
    """The whole way: no teacher runs, seed and batches are others, and what was trained is exported."""
    assert (whole.shards, len(whole), whole.form.classes) == (6, 768, 10)
    recipe, folder = runs.student_of(whole.folder, "MLP800", options=dict(hidden=(32,)), epochs=4, batch=16)
    assert (recipe.augmentation, recipe.shape, folder) == ([["flip", {}], ["jitter", {}]], (8, 8, 1), None)
    recipe = dataclasses.replace(recipe, rate=0.01)
    monkeypatch.setattr(runs.Distillation, "teachers", None)
    stored = runs.Distillation(stored=str(whole.folder), hard_weight=0.0)
    results = runs.train(recipe, tmp_path / "run", runs.Options(seed=5), stored)
    assert results["top1"] > 0.2  # 0.1 by chance; no label was seen
    net = kerasnets.load_model(tmp_path / "run" / "last.keras")
    path = serving.export(net, tmp_path / "served")
    pixels = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 1)).astype("float32")
    scaling = kerasnets.weights.card_of(net).scaling
    check_served(path, pixels, keras.saving.load_model(tmp_path / "run" / "last.keras"), scaling(pixels))


def test_rows_are_the_logits_of_the_same_pixels(whole, teacher):
    """The batches of a student in epoch 4, view 1: the teacher says of its images what is stored."""
    data = runs.data.Data(dataclasses.replace(STUDENT, epochs=5), runs.Options(seed=9))
    net = kerasnets.build("MLP800", hidden=(16,), input_shape=(8, 8, 1), classes=10)
    teachers = runs.Distillation(files=(teacher,)).teachers(data)
    images, targets = next(iter(data.batches(net, 4 * 8 + 3, store=whole)))
    expected = teachers.predict(np.asarray(images), verbose=0)
    np.testing.assert_allclose(targets["teacher_logits"], expected, rtol=2**-11, atol=1e-5)


def test_labels_go_on_where_they_were_interrupted(whole, method, tmp_path, monkeypatch):
    """After the end in a shard, only the shards that are missing are computed, and all are the same."""
    real, written = stores.Store.write, []

    def write(store, shard, records):
        if shard == 3 and len(written) == 3:
            raise KeyboardInterrupt
        written.append(shard)
        real(store, shard, records)

    monkeypatch.setattr(stores.Store, "write", write)
    arguments = (STUDENT, tmp_path / "out", None, method)
    with pytest.raises(KeyboardInterrupt):
        runs.label(*arguments, views=3, shards=2)
    with pytest.raises(ValueError, match="`stored` is a folder of all 6 shards: 3 are missing"):
        runs.Distillation(stored=str(tmp_path / "out")).store  # noqa: B018
    path = tmp_path / "out" / "view0000-00001.logits"
    path.write_bytes(path.read_bytes()[:-1])
    runs.label(*arguments, views=3, shards=2)
    assert written == [0, 1, 2, 1, 3, 4, 5]
    assert contents(tmp_path / "out") == contents(whole.folder)


def test_other_teachers_images_and_views_are_refused(whole, teacher, method, tmp_path):
    net = kerasnets.load_model(teacher)
    net.set_weights([w + 0.01 for w in net.get_weights()])
    kerasnets.save(net, tmp_path / "other.keras")
    other = runs.Distillation(files=(str(tmp_path / "other.keras"),))
    flipped = dataclasses.replace(STUDENT, augmentation=(("flip", {}),))
    arguments = whole.folder, None
    with pytest.raises(ValueError, match="`out` is an empty folder, or one with the same.*teacher was"):
        runs.label(STUDENT, *arguments, other, views=3)
    with pytest.raises(ValueError, match="`teacher` is the teacher of"):
        runs.check_labels(STUDENT, *arguments, other)
    with pytest.raises(ValueError, match="same logits: seed was 0 and is now 1"):
        runs.label(STUDENT, whole.folder, runs.Options(seed=1), method, views=3)
    with pytest.raises(ValueError, match="`out` is an empty folder.*views was 3 and is now 2"):
        runs.label(STUDENT, *arguments, method, views=2)
    stored = runs.Distillation(stored=str(whole.folder))
    for recipe, message in (
        (flipped, "augmentation was"),
        (dataclasses.replace(STUDENT, size=9), r"shape was \[8, 8, 1\] and is now \[9, 9, 1\]"),
        (dataclasses.replace(STUDENT, validation=0.5), "validation was None and is now 0.5"),
        (dataclasses.replace(STUDENT, classes=9), "classes"),
    ):
        with pytest.raises(ValueError, match=f"`stored` is .*{message}"):
            runs.train(recipe, tmp_path / "run", method=stored)
    assert not (tmp_path / "run").exists()
    for wrong in (dict(), dict(stored="a", files=("b",)), dict(stored="a", maps=("attention",))):
        with pytest.raises(ValueError, match="`(files|stored)` is"):
            runs.Distillation(**wrong)
    mixed = dataclasses.replace(STUDENT, augmentation=(("mixup", {}),))
    with pytest.raises(ValueError, match="`augment` is a plan without 'mixup'"):
        runs.label(mixed, tmp_path / "run", None, method)
    with pytest.raises(ValueError, match="`method` is"):
        runs.label(STUDENT, tmp_path / "run")


def test_several_machines_share_the_shards_and_one_is_lost(whole, method, tmp_path, monkeypatch):
    """Ray on two nodes as processes, of which one is killed while it works: each shard is there once."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # it is 15, and tests run side by side
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    soon = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000}  # until it counts as lost
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": soon}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    lost = cluster.add_node(num_cpus=1)
    real, seen = ray.wait, []

    def wait(left, **options):
        found = real(left, **options)
        if not seen:
            cluster.remove_node(lost, allow_graceful=False)
        seen.append(found)
        return found

    monkeypatch.setattr(ray, "wait", wait)
    try:
        out = tmp_path / "out"
        store = runs.label(STUDENT, out, None, method, views=3, shards=2, ray=cluster.address)
    finally:
        cluster.shutdown()
    assert len(seen) >= 6
    assert store.missing() == []
    assert contents(out) == contents(whole.folder)
    assert len(list(out.iterdir())) == 7
