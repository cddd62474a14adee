import itertools
import json
import pickle
import re
import shutil
import types

import keras
import numpy as np
import pytest

import specialists_report as report
from kerasnets import distillation
from kerasnets.runs import processes, specialists
from nets import check_digits_served

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(0)
SETS = ((1, 3, 5, 7, 8), (4, 9))
TRIED = ("reduced", "all-classes")  # heads of the whole run


@pytest.fixture(scope="module", autouse=True)
def small():
    """Makes the generalist small and without dropout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specialists, "NET", dict(hidden=(16,)))
        yield


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "smoke"
    recipe("--smoke", "--out", out, "--head", *TRIED)
    return out


@pytest.fixture
def started(finished, tmp_path):
    """A copy of the run as it is before the first specialist."""
    heads = (f"{head}-*" for head in TRIED)
    return shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns(*heads, "results*"))


def settings(out, **changes):
    """The settings of a run, some of them changed."""
    card = json.loads((out / "specialists.json").read_text()) | changes
    return specialists.Settings(**card | {name: tuple(card[name]) for name in ("clusters", "heads")})


def tasks(out, head="logsumexp", **changes):
    """Tasks of a run."""
    own = settings(out, **changes)
    return [specialists.Task(out, own, None, head, number, classes) for number, classes in enumerate(SETS, 1)]


def net(path):
    return keras.saving.load_model(path, compile=False)


def softmax(model, images):
    return keras.ops.convert_to_numpy(keras.ops.softmax(model(images, training=False)))


def read(out):
    return json.loads((out / "results.json").read_text())


def test_results(finished):
    results = read(finished)
    errors = {title: row["errors"] for title, row in results["nets"].items()}
    assert [*errors] == ["generalist", *TRIED, "trained longer", "ensemble"]
    assert results["train_size"] + results["held_size"] == results["test_size"] == 500
    assert results["specialists"]
    for head in TRIED:
        rows = results["coverage"][head]
        assert sum(row["cases"] for row in rows) == 500
        assert sum(row["right"] for row in rows) == 500 - errors["generalist"]
        gain = sum(row["mended"] - row["made"] for row in rows)
        assert gain == errors["generalist"] - errors[head]
        *_, last = results["drawn"][head]
        assert (last["members"], last["errors"], last["coverage"]) == ("all", errors[head], rows)
        for number, classes in enumerate(results["specialists"], 1):
            width = 10 if head == "all-classes" else len(classes) + 1
            own = net(finished / f"{head}-{number:03d}.keras")
            assert own.output_shape == (None, width)
    steps = {title: row["steps"] for title, row in results["nets"].items()}
    most = max(steps[head] for head in TRIED)
    assert steps["trained longer"] >= steps["generalist"] + most


def test_the_page_needs_nothing_else(finished):
    sources = re.findall(r'(?:src|href)="([^"]*)"', (finished / "report.html").read_text())
    assert len(sources) == 3
    assert all(s.startswith("data:image/png;base64,") for s in sources)


def test_cases_are_counted_by_the_specialists_of_their_class():
    labels = np.array([0, 0, 4, 9, 9, 3])
    before, after = np.array([1, 0, 9, 4, 9, 3]), np.array([1, 2, 4, 9, 9, 3])
    assert report.changes(after, before, labels) == {"errors": 2, "mended": 2, "made": 1}
    rows = report.coverage(after, before, labels, [(1, 3, 5, 7, 8), (4, 9), (4, 9)])
    assert report.coverage_table(rows)[1:] == [
        ["0", "2", "0", "1", "-1", "-100.00%", "350,037 cases, +0: +0.0%"],
        ["1", "1", "0", "0", "+0", "+0.00%", "141,993 cases, +1,421: +3.4%"],
        ["2", "3", "2", "0", "+2", "+200.00%", "67,161 cases, +1,572: +7.4%"],
        ["all", "6", "2", "1", "+1", "+33.33%", ""],
    ]
    twice = report.pooled(rows + rows)
    assert [row["cases"] for row in twice] == [4, 2, 6]


@pytest.mark.parametrize("dustbin", [True, False])
def test_a_committee_predicts_what_all_images_together_give(dustbin):
    def some(width):
        return softmax(lambda x, training: x, 3 * RNG.normal(size=(60, width)))

    sets = [(0, 1, 2), (2, 3), (1, 2, 4), (5, 0)]
    probs, own = some(6), [some(len(s) + 1 if dustbin else 6) for s in sets]
    committee = specialists.Committee(probs, own, sets, dustbin)
    for members in ([0, 1, 2, 3], [1, 3], []):
        chosen = [own[m] for m in members], [sets[m] for m in members]
        want = keras.ops.convert_to_numpy(distillation.combine(probs, *chosen, dustbin=dustbin)).argmax(1)
        np.testing.assert_array_equal(committee.predict(members), want)
    assert (committee.predict() != committee.predict([])).any()


def test_one_that_fails_is_named_and_loses_no_other(recipe, finished, started, monkeypatch, capsys):
    options = ("--smoke", "--out", started, "--resume", "--head", *TRIED)
    train = specialists.train_specialist

    def fail(task):
        if (task.head, task.number) == ("reduced", 1):
            raise RuntimeError("out of luck")
        return train(task)

    with monkeypatch.context() as patch:
        patch.setattr(specialists, "train_specialist", fail)
        with pytest.raises(SystemExit) as ended:
            recipe(*options)
    assert ended.value.code == 1
    errors = capsys.readouterr().err
    assert "out of luck" in errors
    assert "1 specialist failed: reduced 1, of" in errors
    assert not (started / "results.json").exists()
    saved = {path: path.stat().st_mtime_ns for path in started.glob("*.keras")}
    assert len(saved) == len([*finished.glob("*.keras")]) - 1

    recipe(*options)
    assert all(path.stat().st_mtime_ns == time for path, time in saved.items())  # not trained again
    whole, resumed = read(finished), read(started)
    assert resumed["resumed"]
    for word in ("specialists", "nets", "coverage", "drawn"):
        assert whole[word] == resumed[word]


def test_a_process_that_dies_loses_one_specialist(monkeypatch, tmp_path, finished):
    shutil.copy(finished / "specialists.json", tmp_path)
    first = tasks(tmp_path)[0]
    many = [specialists.dataclasses.replace(first, number=number) for number in range(1, 8)]

    class Process:
        """Does at once what a process would do, and dies of the second and the fifth specialist."""

        exitcode = None

        def __init__(self, target, args, daemon):
            _, self.tasks = pickle.loads(pickle.dumps(args))

        def start(self):
            alive = itertools.takewhile(lambda task: task.number not in (2, 5), self.tasks)
            for task in alive:
                assert not task.path.exists()
                task.path.touch()
            self.exitcode = -9 * any(task.number in (2, 5) for task in self.tasks)

        def join(self):
            pass

    context = types.SimpleNamespace(Process=Process)
    monkeypatch.setattr(processes.multiprocessing, "get_context", lambda kind: context)
    failed = specialists.train_specialists(many, jobs=2)
    assert [task.number for task in failed] == [2, 5]


@pytest.mark.parametrize("head", ["logsumexp", "reduced"])
def test_training_in_the_wide_net_is_that_of_the_net_with_a_dustbin(head, started):
    (task, _), classes = tasks(started, head), SETS[0]
    trainer = specialists.trainer_of(started, task.settings, None, head)
    generalist, labels = net(started / "generalist.keras"), trainer.labels
    special = np.isin(labels, classes)
    oversampling = (~special).sum() / special.sum()
    own = distillation.specialist(generalist, classes, head)
    model = distillation.correct_dustbin(own, 1 / oversampling)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(task.settings.specialist_rate), loss)
    half = task.settings.batch_size // 2
    steps = -(-min(special.sum(), (~special).sum()) // half)
    for rows in specialists.halves(special, half, steps, np.random.default_rng(task.settings.seed)):
        places = np.where(special[rows], np.searchsorted(classes, labels[rows]), len(classes))
        model.train_on_batch(trainer.images[rows], places)
    before, losses, count = trainer.fit(classes)
    assert count == steps
    assert losses[0] < before
    for a, b in zip(trainer.specialist(classes).get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("head", specialists.HEADS)
def test_each_starts_from_the_generalist_and_keeps_no_epoch_that_is_worse(head, started):
    first, second = tasks(started, head, specialist_rate=30.0)
    for task in (first, second):
        assert "not lower" in specialists.train_specialist(task)
    generalist = net(started / "generalist.keras")
    start = generalist if head == "all-classes" else distillation.specialist(generalist, SETS[1], head)
    images = RNG.random((20, 28, 28, 1), "float32")
    np.testing.assert_allclose(softmax(net(second.path), images), softmax(start, images), atol=1e-6)


def test_half_of_a_batch_is_special_and_none_comes_twice_before_all_came():
    special = np.arange(50) < 8
    rows = specialists.halves(special, 5, 3, RNG)
    assert (special[rows].sum(1) == 5).all()
    assert set(np.unique(rows[special[rows]])) == set(range(8))
    assert len(np.unique(rows[~special[rows]])) == 15


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--clusters", "1"), "--clusters"),
        (("--clusters", "3", "10"), "`clusters`"),
        (("--top", "11"), "--top"),
        (("--temperature", "0"), "above 0"),
        (("--jobs", "0"), "at least 1"),
        (("--head", "small"), "reduced"),
        (("--head", "reduced", "reduced"), "`heads`"),
        (("--dataset", "cifar"), "digits"),
        (("--smoke", "--data-dir", "/no/such/folder", "--dataset", "mnist"), "`data_dir`"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)


def test_a_loss_that_is_nan_is_never_the_least():
    assert specialists.least([0.7, float("nan"), 0.5, float("nan")]) == 0.5


def test_what_is_served_is_what_the_run_trained(finished, tmp_path):
    first, *_ = read(finished)["specialists"]
    served = check_digits_served(finished / "reduced-001.keras", tmp_path)
    assert served == [*map(str, first), "other"]


def test_a_run_that_is_done_is_kept(finished, check_kept):
    measures = {f"{title}, errors": row["errors"] for title, row in read(finished)["nets"].items()}
    check_kept(finished, ("--smoke", "--head", *TRIED), measures)


def test_the_counts_and_gains_on_jft_fit_a_generalist_that_is_right_on_a_quarter():
    right = 0.25  # the printed share of all cases
    (alone, *_), *covered = report.JFT
    shares = [won / (cases * gain / 100) for cases, won, gain in covered]
    assert all(0.24 < share < 0.33 for share in shares)
    known = sum(cases * share for (cases, *_), share in zip(covered, shares, strict=True))
    total = alone + sum(cases for cases, *_ in covered)
    assert (right * total - known) / alone == pytest.approx(0.20, abs=0.005)
    # Relative to a quarter of the cases of each row, few gains would be the printed ones.
    fits = [abs(100 * won / (right * cases) - gain) < 0.25 for cases, won, gain in covered]
    assert [n for n, fit in enumerate(fits, start=1) if fit] == [7, 10]
