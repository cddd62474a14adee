import json
import re
import shutil

import keras
import numpy as np
import pytest

import distill_mnist
import kerasnets
from distill_report import WORDS, curve
from kerasnets import graph
from kerasnets.runs import arrays, mnist
from nets import check_digits_served

pytestmark = pytest.mark.usefixtures("eagerly")
NETS = {"teacher": mnist.TEACHERS["mlp"], "student": mnist.small_net}  # before they are made small
SMOKE = ("--smoke", "--teacher", "mlp", "--augment", "none", "--temperature", 20, "--hard-weight", 0.1)


@pytest.fixture(scope="module", autouse=True)
def small(eagerly):
    """Makes the nets of the paper small, with the layers that they have."""
    model, options, percent = NETS["teacher"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(mnist.TEACHERS, "mlp", (model, {**options, "hidden": (24, 24)}, percent))
        patch.setattr(
            mnist, "small_net", lambda: kerasnets.build("MLP800", hidden=(16,), classifier_activation=None)
        )
        yield


@pytest.fixture(scope="module")
def finished(recipe, small, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "smoke"
    recipe(*SMOKE, "--out", out)
    return out


def test_results(finished):
    results = json.loads((finished / "results.json").read_text())
    assert results["dataset"] == "digits"
    assert results["test_size"] == 500
    for net in ("teacher", "vanilla", "distilled"):
        assert 0 <= results[f"{net}_errors"] <= 500
    assert (results["temperature"], results["hard_weight"], results["seed"]) == (20.0, 0.1, 0)
    assert results["seconds"] > 0


def test_the_nets_are_those_of_the_paper():
    model, options, _ = NETS["teacher"]
    with graph.no_values():
        nets = kerasnets.build(model, **options), NETS["student"]()
    for net, params in zip(nets, (2395210, 1276810), strict=True):  # 784-1200-1200-10, 784-800-800-10
        assert net.count_params() == params
        assert (net.input_shape, net.output_shape) == ((None, 28, 28, 1), (None, 10))


def test_the_page_needs_nothing_else(finished):
    page = (finished / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) >= 2
    assert all(s.startswith("data:image/png;base64,") for s in sources)
    assert "146" in page
    assert np.isfinite(curve(finished, "student", 500)).all()
    for name in ("curves.png", "soft_targets.png"):
        assert (finished / name).read_bytes().startswith(b"\x89PNG")


def test_a_stopped_run_goes_on_and_the_same_seed_gives_the_same_result(
    recipe, finished, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    options = (*SMOKE, "--out", out)
    real = arrays.save

    def stop(model, path):
        if path.name == "student.keras":
            raise KeyboardInterrupt
        real(model, path)

    with monkeypatch.context() as patch:
        patch.setattr(arrays, "save", stop)
        with pytest.raises(SystemExit) as ended:
            recipe(*options)
    assert ended.value.code == 130
    assert not (out / "results.json").exists()
    teacher = (out / "teacher.csv").stat().st_mtime_ns
    recipe(*options, "--resume")
    assert (out / "teacher.csv").stat().st_mtime_ns == teacher  # not trained again
    whole, resumed = (json.loads((d / "results.json").read_text()) for d in (finished, out))
    for errors in ("teacher_errors", "vanilla_errors", "distilled_errors"):
        assert whole[errors] == resumed[errors]
    for name in ("teacher.keras", "student.keras"):
        first, again = (keras.saving.load_model(d / name) for d in (finished, out))
        for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_an_ensemble_teaches_a_jittered_set_without_a_digit(recipe, tmp_path, capsys):
    out = tmp_path / "run"
    how = ("--teacher", "mlp", "LeNet1", "--augment", "jitter", "--passes", 2, "--omit-digit", 3)
    recipe(*SMOKE, *how, "--out", out)
    assert [keras.saving.load_model(out / f"teacher{i}.keras").count_params() > 5000 for i in (1, 2)] == [
        True,
        False,
    ]
    assert "MLP1200 and LeNet1, jitter" in (out / "report.html").read_text()
    shown = re.search(r"the student is shown (\d+) images, jitter in 2 ways each", capsys.readouterr().out)
    images, labels = arrays.read_images("digits", "train", least=500)
    assert int(shown[1]) == (labels != 3).sum()
    moved = json.loads((out / "results.json").read_text())["moved"]
    assert moved["classes"] == [3]
    # The bias is such that the training images are called a three as often as they are one.
    student = keras.saving.load_model(out / "student.keras", compile=False)
    logits = mnist.shifted(student.predict(images, verbose=0), [3], moved["biases"])
    assert abs((logits.argmax(1) == 3).sum() - (labels == 3).sum()) <= 1


def test_a_live_teacher_of_mixed_images_without_the_test_images(recipe, finished, tmp_path, monkeypatch):
    out, read = tmp_path / "run", []
    real = arrays.read_images
    monkeypatch.setattr(arrays, "read_images", lambda *given: read.append(given[1]) or real(*given))
    how = ("--augment", "elastic", "mixup", "--hard-weight", 0, "--epochs", 1, "--validation", 60)
    recipe("--smoke", "--teacher", finished / "teacher.keras", *how, "--out", out)
    assert read == ["train"]  # and not the test images
    results = json.loads((out / "results.json").read_text())
    assert (results["augment"], results["passes"], results["validation"]) == (["elastic", "mixup"], 0, 60)
    assert (results["train_size"], results["test_size"]) == (440, 60)
    _, (images, labels) = mnist.held_out_of(real("digits", "train", None, 500), 60)
    student = keras.saving.load_model(out / "student.keras", compile=False)
    wrong = arrays.count_errors(student.predict(images, verbose=0), labels)
    assert results["distilled_errors"] == wrong
    assert not (out / "cache").exists()
    assert "elastic, mixup" in (out / "report.html").read_text()


def test_stored_passes_last_for_all_epochs(tmp_path):
    """Two passes of ten images are three batches of eight, and two epochs are four."""
    images = np.random.default_rng(0).uniform(0, 1, (10, *mnist.SHAPE)).astype("float32")
    settings = mnist.Settings(dataset="digits", passes=2, epochs=12, batch_size=8)
    nets = mnist.Nets(settings, tmp_path, (images, np.arange(10)), None, None)
    found = nets.transfer_set(mnist.small_net())
    assert found.steps == 2
    assert len(list(found.start(0))) >= 12 * 2
    assert len(list(found.start(20))) >= 4


def test_the_teachers_fit_the_images():
    for model, options, percent in mnist.TEACHERS.values():
        with graph.no_values():
            net = kerasnets.build(model, **{"input_shape": mnist.SHAPE, "classes": 10, **options})
        assert net.input_shape[1:] == mnist.SHAPE
        assert net.output_shape == (None, 10)
        assert 0 < percent <= 100


@pytest.fixture
def trained(finished, monkeypatch):
    """Nets are read from a run that is done; gives how their students would have been distilled."""
    distilled = []
    real = mnist.Nets.trained

    def copied(nets, name, build, batches, epochs, seed, distiller=None):
        shutil.copy(finished / f"{'student' if distiller else name}.keras", nets.out / f"{name}.keras")
        shutil.copy(finished / f"{'student' if distiller else name}.csv", nets.out / f"{name}.csv")
        if distiller:
            images = sum(len(images) for images, _ in batches.start(0).as_numpy_iterator())
            distilled.append((name, distiller, epochs, images))
        return real(nets, name, build, batches, epochs, seed, distiller)

    monkeypatch.setattr(mnist.Nets, "trained", copied)
    return distilled


def test_only_some_digits(recipe, trained, tmp_path):
    out = tmp_path / "run"
    recipe(*SMOKE, "--only-digits", 7, 8, "--epochs", 1, "--out", out)
    _, labels = arrays.read_images("digits", "train", least=500)
    assert [images for *_, images in trained] == [np.isin(labels, (7, 8)).sum()]
    results = json.loads((out / "results.json").read_text())
    assert results["moved"]["classes"] == results["only_digits"] == [7, 8]
    images = results["moved"]["images_of_classes"]
    assert 0 < images < results["test_size"]
    wrong = results["moved"]["errors_of_classes"], results["moved"]["errors"]
    right = distill_mnist.right_of(results)
    assert right["right of the classes"] == 1 - wrong[0] / images
    assert right["right"] == 1 - wrong[1] / results["test_size"]


def test_a_sweep(recipe, trained, tmp_path, monkeypatch):
    out = tmp_path / "run"
    monkeypatch.setattr(mnist, "SWEEP", dict(temperature=(1, 20), hard_weight=(0.1, 0.5)))
    recipe(*SMOKE, "--sweep", "--epochs", 1, "--out", out)
    results = json.loads((out / "results.json").read_text())
    rows = results["sweep"]
    assert results["train_size"] == trained[0][-1] == 500 - results["held_size"]
    tested = [row for row in rows if "test_errors" in row]
    assert tested == [min(rows, key=lambda row: row["errors"])]
    images, labels = (a[:: mnist.HELD_OUT] for a in arrays.read_images("digits", "train", least=500))
    student = keras.saving.load_model(out / "student.keras", compile=False)
    assert tested[0]["errors"] == arrays.count_errors(student.predict(images, verbose=0), labels)
    assert len(labels) == results["held_size"]
    pairs = [(1, 0.1), (1, 0.5), (20, 0.1), (20, 0.5)]
    assert [(row["temperature"], row["hard_weight"]) for row in rows] == pairs
    expected = [("student", 20, 0.1), *((f"sweep/T{t}-w{w}", t, w) for t, w in pairs)]
    assert [(n, d["temperature"], d["hard_weight"]) for n, d, *_ in trained] == expected
    assert (out / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_a_resumed_run_must_be_the_same_run(recipe, finished, capsys):
    before = sorted(p.name for p in finished.iterdir())
    with pytest.raises(SystemExit) as ended:
        recipe(*SMOKE, "--temperature", 7, "--out", finished, "--resume")
    assert ended.value.code == 2
    assert "temperature was 20.0" in capsys.readouterr().err
    assert sorted(p.name for p in finished.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--temperature", "0"), "above 0"),
        (("--temperature", "warm"), "above 0"),
        (("--hard-weight", "1.5"), "from 0 to 1"),
        (("--epochs", "0"), "at least 1"),
        (("--batch-size", "-3"), "at least 1"),
        (("--seed", "x"), "at least 0"),
        (("--replicas", "0"), "at least 1"),
        (("--dataset", "cifar"), "digits"),
        (("--omit-digit", "10"), "10"),
        (("--only-digits", "7", "--sweep"), "not allowed with"),
        (("--only-digits", *"0123456789"), "at least one digit out"),
        (("--teacher", "cat"), "convnet"),
        (("--augment", "flip"), "jitter, elastic"),
        (("--smoke", "--validation", "500"), "below 500"),
        (("--smoke", "--data-dir", "/no/such/folder", "--dataset", "mnist"), "`data_dir`"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)


def test_what_is_served_is_what_the_run_trained(finished, tmp_path):
    served = check_digits_served(finished / "student.keras", tmp_path)
    assert served == [*"0123456789"]


def test_a_run_that_is_done_is_kept(finished, check_kept):
    results = json.loads((finished / "results.json").read_text())
    measures = {f"{name}, errors": results[f"{word}_errors"] for name, word in WORDS.items()}
    check_kept(finished, SMOKE, measures)


def test_images_that_are_held_out_are_of_all_classes():
    """The digits are sorted by class."""
    labels = np.repeat(np.arange(10), 40)
    (kept, _), (held, index) = mnist.held_out_of((labels, np.arange(400)), 100)
    np.testing.assert_array_equal(np.bincount(held), 10)
    assert len(kept) == 300
    assert len(set(index)) == 100
