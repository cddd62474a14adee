import json
import re
import shutil

import keras
import numpy as np
import pytest

import specialists as report
from kerasnets.runs import specialists
from nets import check_digits_served

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "smoke"
    recipe("--smoke", "--out", out)
    return out


@pytest.fixture
def started(finished, tmp_path):
    """A copy of the run as it is before the first specialist."""
    return shutil.copytree(
        finished, tmp_path / "run", ignore=shutil.ignore_patterns("specialist-*", "results*")
    )


def tasks(out, **changes):
    """The tasks of a run, some settings changed."""
    card = json.loads((out / "specialists.json").read_text()) | changes
    settings = specialists.Settings(**card | {"clusters": tuple(card["clusters"])})
    sets = ((1, 3, 5, 7, 8), (4, 9))
    return [specialists.Task(out, settings, None, classes) for classes in sets]


def net(path):
    return keras.saving.load_model(path, compile=False)


def softmax(path, images):
    return keras.ops.convert_to_numpy(keras.ops.softmax(net(path).predict(images, verbose=0)))


def test_results(finished):
    results = json.loads((finished / "results.json").read_text())
    rows = results["coverage"]
    assert (results["dataset"], results["head"], results["clusters"]) == ("digits", "logsumexp", [3])
    assert results["train_size"] + results["held_size"] == results["test_size"] == 500
    assert sum(row["cases"] for row in rows) == 500
    assert sum(row["right"] for row in rows) == 500 - results["generalist_errors"]
    gain = results["generalist_errors"] - results["combined_errors"]
    assert sum(row["gain"] for row in rows) == results["mended"] - results["made"] == gain
    assert results["specialists"]
    for classes in results["specialists"]:
        own = net(finished / f"specialist-{'-'.join(map(str, classes))}.keras")
        assert own.output_shape == (None, len(classes) + 1)


def test_the_page_needs_nothing_else(finished):
    sources = re.findall(r'(?:src|href)="([^"]*)"', (finished / "report.html").read_text())
    assert len(sources) == 2
    assert all(s.startswith("data:image/png;base64,") for s in sources)


def test_cases_are_counted_by_the_specialists_of_their_class():
    labels = np.array([0, 0, 4, 9, 9, 3])
    guesses = {"before": np.array([1, 0, 9, 4, 9, 3]), "after": np.array([1, 2, 4, 9, 9, 3])}
    found = report.compare(guesses, labels, [(1, 3, 5, 7, 8), (4, 9), (4, 9)])
    assert (found["generalist_errors"], found["combined_errors"]) == (3, 2)
    assert (found["mended"], found["made"]) == (2, 1)
    assert report.coverage_table(found)[1:] == [
        ["0", "2", "-1", "-100.00%", "+0.0%"],
        ["1", "1", "+0", "+0.00%", "+3.4%"],
        ["2", "3", "+2", "+200.00%", "+7.4%"],
        ["all", "6", "+1", "+33.33%", ""],
    ]


def test_one_that_fails_is_named_and_loses_no_other(recipe, finished, started, monkeypatch, capsys):
    options = ("--smoke", "--out", started, "--resume")
    first, *others = json.loads((finished / "results.json").read_text())["specialists"]
    train = specialists.train_specialist

    def fail(task):
        if list(task.classes) == first:
            raise RuntimeError("out of luck")
        return train(task)

    with monkeypatch.context() as patch:
        patch.setattr(specialists, "train_specialist", fail)
        with pytest.raises(SystemExit) as ended:
            recipe(*options)
    assert ended.value.code == 1
    errors = capsys.readouterr().err
    assert "out of luck" in errors
    assert f"1 of {1 + len(others)} specialists failed: {', '.join(map(str, first))}." in errors
    assert not (started / "results.json").exists()
    saved = {path: path.stat().st_mtime_ns for path in started.glob("*.keras")}
    assert len(saved) == 1 + len(others)

    recipe(*options)
    assert all(path.stat().st_mtime_ns == time for path, time in saved.items())  # not trained again
    whole, resumed = (json.loads((d / "results.json").read_text()) for d in (finished, started))
    assert resumed["resumed"]
    for word in ("specialists", "combined_errors", "coverage"):
        assert whole[word] == resumed[word]


def test_a_process_gives_the_same_and_one_that_dies_loses_no_other(started, monkeypatch):
    first, second = tasks(started)
    real = specialists.attempt_in_a_process
    monkeypatch.setattr(specialists, "attempt_in_a_process", lambda task: task == second and real(task))
    specialists.train_specialist(second)
    alone = net(second.path).get_weights()
    second.path.unlink()
    assert specialists.train_specialists([first, second], jobs=2) == [first]
    for a, b in zip(alone, net(second.path).get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("head", specialists.HEADS)
def test_heads(head, started):
    _, task = tasks(started, head=head)
    specialists.train_specialist(task)
    generalist, trained = net(started / "generalist.keras"), net(task.path)
    assert trained.output_shape[-1] == (10 if head == "all-classes" else 3)
    assert (trained.count_params() < generalist.count_params()) == (head == "reduced")
    assert (generalist.get_weights()[0] != trained.get_weights()[0]).any()
    images = np.random.default_rng(0).random((20, 28, 28, 1), "float32")
    assert all(x.shape == (20,) for x in specialists.predict([task], images).values())


@pytest.mark.parametrize("head", ["logsumexp", "all-classes"])
def test_one_that_learns_nothing_says_what_the_generalist_says(head, started, monkeypatch):
    monkeypatch.setattr(specialists, "RATE", 0.0)
    _, task = tasks(started, head=head)
    assert "not lower" in specialists.train_specialist(task)
    images = np.random.default_rng(0).random((20, 28, 28, 1), "float32")
    p, q = (softmax(path, images) for path in (started / "generalist.keras", task.path))
    if head == "logsumexp":
        named = p[:, task.classes]
        p = np.c_[named, 1 - named.sum(1)]
    np.testing.assert_allclose(q, p, atol=1e-6)


def test_weights_of_an_epoch_that_is_worse_are_not_kept(started, monkeypatch):
    monkeypatch.setattr(specialists, "RATE", 30.0)
    _, task = tasks(started)
    specialists.train_specialist(task)
    for a, b in zip(
        *(net(path).get_weights() for path in (started / "generalist.keras", task.path)), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--clusters", "1"), "--clusters"),
        (("--clusters", "3", "10"), "--clusters"),
        (("--top", "11"), "--top"),
        (("--temperature", "0"), "above 0"),
        (("--jobs", "0"), "at least 1"),
        (("--head", "small"), "reduced"),
        (("--dataset", "cifar"), "digits"),
        (("--smoke", "--data-dir", "/no/such/folder", "--dataset", "mnist"), "`data_dir`"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)


def test_clusters_of_single_classes_have_no_specialist(started):
    task, _ = tasks(started, clusters=[10])
    with pytest.raises(ValueError, match="smaller clusters"):
        specialists.confusable_sets(task.settings, np.random.default_rng(0).normal(size=(50, 10)))


def test_an_epoch_whose_loss_is_nan_is_never_the_best():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    stop = specialists.EarlyStopping("val_loss", patience=3, mode="min", restore_best_weights=True)
    stop.set_model(model)
    stop.on_train_begin()
    for epoch, loss in enumerate((float("nan"), 0.5, float("nan"), 0.6)):
        model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        stop.on_epoch_end(epoch, {"val_loss": loss})
    stop.on_train_end()
    assert (stop.best, stop.best_epoch, model.get_weights()[0].item()) == (0.5, 1, 1.0)


def test_what_is_served_is_what_the_run_trained(finished, tmp_path):
    file = min(finished.glob("specialist-*.keras"))
    served = check_digits_served(file, tmp_path)
    assert served == [*file.stem.split("-")[1:], "other"]


def test_a_run_that_is_done_is_kept(finished, check_kept):
    results = json.loads((finished / "results.json").read_text())
    measures = {f"{name}, errors": results[f"{name}_errors"] for name in ("generalist", "combined")}
    check_kept(finished, ("--smoke",), measures)
