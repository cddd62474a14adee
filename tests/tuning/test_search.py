import keras
import numpy as np
import pytest

from kerasnets import files
from kerasnets.tuning import Budget, FamilySearch, pareto_front, records, tuner

COSTS = {4: 64 * 4 + 4 * 3, 8: 64 * 8 + 8 * 3, 16: 64 * 16 + 16 * 3, 32: 64 * 32 + 32 * 3}
HIDDEN = [(n,) for n in COSTS]


def eagerly(net, accuracy="accuracy"):
    """A net that is quick to compile and slow to train."""
    net.compile("adam", "sparse_categorical_crossentropy", metrics=[accuracy], run_eagerly=True)
    return net


TINY = dict(options=dict(input_shape=(8, 8, 1), classes=3), compiled=eagerly)


@pytest.fixture(scope="module")
def arrays():
    """Three kinds of images, and their numbers."""
    rng = np.random.default_rng(0)
    y = np.arange(48) % 3
    return (rng.normal(0, 1, (48, 8, 8, 1)) + y[:, None, None, None]).astype("float32"), y


class Quick(FamilySearch):
    """Does not train: accuracy grows with the units and the epochs."""

    def fit(self, hp, model, x, *, callbacks, epochs, initial_epoch=0, **options):
        self.budget.check(self.cost)
        history = keras.callbacks.History()
        history.on_train_begin()
        for callback in (*callbacks, history):
            callback.set_model(model)
        for epoch in range(initial_epoch, epochs):
            accuracy = 1 - 1 / (self.values(hp)["hidden"][0] + epoch)
            logs = {"val_accuracy": accuracy, "accuracy_per_madd": accuracy / self.cost.mult_adds}
            for callback in (*callbacks, history):
                callback.on_epoch_end(epoch, logs)
        return history


def space(kind=Quick, **more):
    return kind("MLP", hidden=HIDDEN, **{**TINY, **more})


def search(folder, hypermodel, arrays=(None,), kind="random", **options):
    made = tuner(kind, hypermodel, folder, **{"epochs": 2, "trials": 4, **options})
    made.search(arrays[0], *arrays[1:], **({"validation_data": arrays} if len(arrays) > 1 else {}))
    return made


@pytest.fixture(autouse=True)
def no_search_for_garbage(monkeypatch):
    """keras-tuner collects it twice before each trial, for a third of a second."""
    monkeypatch.setattr("gc.collect", lambda *generation: 0)


def checkpoints(folder):
    return {p.parent.name for p in folder.glob("search/trial_*/checkpoint*")}


@pytest.fixture(scope="module")
def finished(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    search(folder, space(FamilySearch), arrays)
    return folder


def test_what_is_known_of_every_trial(finished):
    rows = records(finished)
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert sorted(row["values"]["hidden"] for row in rows) == [list(h) for h in HIDDEN]  # none twice
    for row in rows:
        assert (row["status"], row["epochs"], row["epoch"], row["error"]) == ("done", 2, 2, None)
        assert row["mult_adds"] == COSTS[row["values"]["hidden"][0]]
        assert 0 <= row["val_accuracy"] == row["score"] <= 1
        assert row["seconds"] > 0


def test_the_weights_of_the_best_trials_alone_stay(finished, tmp_path):
    best = max(records(finished), key=lambda row: row["score"])
    assert checkpoints(finished) == {f"trial_{best['trial']}"}
    for keep in (0, 2):
        search(tmp_path / str(keep), space(), keep=keep)
        rows = sorted(records(tmp_path / str(keep)), key=lambda row: row["score"], reverse=True)
        assert checkpoints(tmp_path / str(keep)) == {f"trial_{row['trial']}" for row in rows[:keep]}


def test_the_best_model_has_the_score_that_is_told(finished, arrays):
    found = tuner("random", space(FamilySearch), finished, epochs=2, trials=4)
    best = max(records(finished), key=lambda row: row["score"])
    [model] = found.get_best_models()
    accuracy = model.evaluate(*arrays, verbose=0, return_dict=True)["accuracy"]
    assert accuracy == pytest.approx(best["val_accuracy"])


def test_the_same_seed_gives_the_same_search(finished, arrays, tmp_path):
    def told(folder):
        return [{k: v for k, v in row.items() if k != "seconds"} for row in records(folder)[:2]]

    search(tmp_path / "again", space(FamilySearch), arrays, trials=2)
    assert told(tmp_path / "again") == told(finished)
    search(tmp_path / "other", space(), trials=2, seed=3)
    values = [[row["values"] for row in told(folder)] for folder in (finished, tmp_path / "other")]
    assert values[0] != values[1]


def test_what_is_over_budget_is_refused_and_no_failure(tmp_path):
    """Nor does it end the search, though three in a row are refused, or win."""
    told = []
    made = search(tmp_path, space(budget=Budget(mult_adds=300)), report=told.append)
    rows = records(tmp_path)
    assert [r["status"] for r in rows].count("refused") == 3
    for row in rows:
        within = row["mult_adds"] <= 300
        assert row["status"] == ("done" if within else "refused")
        assert (row["val_accuracy"] is None) == (row["epoch"] is None) == (not within)
        assert within or f"mult_adds {row['mult_adds']:,} of at most 300" in row["error"]
    assert told == rows
    assert made.hypermodel.values(made.get_best_hyperparameters()[0]) == {"hidden": (4,)}


class Failing(FamilySearch):
    """Nets of 8 and more units raise, and those of 32 have a loss that is no number."""

    def build(self, hp):
        model = super().build(hp)
        units = self.values(hp)["hidden"][0]
        if 8 <= units < 32:
            raise RuntimeError(f"no memory for {units} units")
        if units == 32:
            model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
        return model


def test_failures_are_told(arrays, tmp_path):
    search(tmp_path, space(Failing), arrays)
    rows = {row["values"]["hidden"][0]: row for row in records(tmp_path)}
    assert {n: row["status"] for n, row in rows.items()} == {
        4: "done", 8: "failed", 16: "failed", 32: "failed",
    }  # fmt: skip
    assert rows[8]["error"] == "RuntimeError: no memory for 8 units"
    assert "in build" in rows[8]["traceback"]
    assert rows[32]["error"].startswith("FloatingPointError: the loss is nan")
    assert rows[32]["val_accuracy"] is None
    assert checkpoints(tmp_path) == {f"trial_{rows[4]['trial']}"}


def test_an_objective_that_is_no_number_is_a_failure(arrays, tmp_path):
    class Lost(keras.metrics.SparseCategoricalAccuracy):
        def result(self):
            return super().result() * float("nan")

    hypermodel = space(FamilySearch, compiled=lambda net: eagerly(net, Lost("accuracy")))
    search(tmp_path, hypermodel, arrays, trials=1)
    [row] = records(tmp_path)
    assert (row["status"], row["score"]) == ("failed", None)
    assert row["error"] == "FloatingPointError: the objective val_accuracy is nan"


class Stopped(BaseException):
    """What kills a search without a word."""


@pytest.mark.parametrize("kind", ["random", "bayesian", "hyperband"])
def test_a_search_that_was_stopped_goes_on(kind, tmp_path, monkeypatch):
    """At any moment at which a file is written; it ends as if it had not been stopped."""
    options = dict(kind=kind, trials=4, epochs=3)
    search(tmp_path / "whole", space(), **options)
    whole = records(tmp_path / "whole")
    real, trained, left = files.write_json, [], 0
    fit = Quick.fit

    def write(path, data):
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped
        real(path, data)

    def counted(self, hp, *args, **more):
        trained.append(dict(hp.values))
        return fit(self, hp, *args, **more)

    monkeypatch.setattr(files, "write_json", write)
    monkeypatch.setattr(Quick, "fit", counted)
    stops = 0
    for moment in (1, 4, 3, 7, 6, 5, 9, 10**6):
        left = moment
        try:
            search(tmp_path / "stopped", space(), **options)
        except Stopped:
            stops += 1
    assert stops >= 4
    ended = records(tmp_path / "stopped")
    keys = ("trial", "values", "epochs", "status", "score")
    assert [[r[k] for k in keys] for r in ended] == [[r[k] for k in keys] for r in whole]
    assert len(trained) <= len(whole) + stops  # what was running runs again, what was finished does not
    before = len(trained)
    search(tmp_path / "stopped", space(), **options)
    assert len(trained) == before


def test_bayesian_optimisation_tries_nothing_twice(tmp_path):
    search(tmp_path, space(), kind="bayesian", trials=9, epochs=1)
    assert sorted(row["values"]["hidden"] for row in records(tmp_path)) == [list(h) for h in HIDDEN]


def test_hyperband_goes_on_with_the_weights_of_the_best(arrays, tmp_path):
    steps = {}

    class Counted(FamilySearch):
        def fit(self, hp, model, *args, **options):
            steps[hp.values.get("tuner/trial_id")] = int(model.optimizer.iterations)
            return super().fit(hp, model, *args, batch_size=16, **options)

    hypermodel = Counted("MLP", hidden=[(n,) for n in range(4, 30)], **TINY)
    made = tuner("hyperband", hypermodel, tmp_path, epochs=3)
    made.search(*arrays, validation_data=arrays)
    rows = records(tmp_path)
    assert {row["status"] for row in rows} == {"done"}
    assert {row["epochs"] for row in rows} == {1, 3}
    assert steps.pop(None) == 0
    assert set(steps.values()) == {3}  # those of the first epoch, of 48 examples
    assert len(checkpoints(tmp_path)) < len(rows)


def test_accuracy_for_each_multiply_add(tmp_path):
    search(tmp_path, space(), objective="accuracy_per_madd", epochs=1)
    for row in records(tmp_path):
        assert row["score"] == pytest.approx(row["val_accuracy"] / row["mult_adds"])


def test_the_pareto_front_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    rows = [dict(mult_adds=int(c), val_accuracy=float(a)) for c, a in rng.integers(0, 12, (60, 2))]

    def beaten(row):
        return any(
            other != row
            and other["mult_adds"] <= row["mult_adds"]
            and other["val_accuracy"] >= row["val_accuracy"]
            for other in rows
        )

    front = pareto_front(rows)
    assert {tuple(r.values()) for r in front} == {tuple(r.values()) for r in rows if not beaten(r)}
    assert [r["mult_adds"] for r in front] == sorted({r["mult_adds"] for r in front})
    assert pareto_front([]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(kind="randem"), "`kind` is one of .*'random'"),
        (dict(objective="val_acuracy"), "`objective` is one of .*'val_accuracy'"),
        (dict(trials=0), "`trials` is None or a whole number"),
        (dict(epochs=0), "`epochs` is a whole number"),
        (dict(seed=-1), "`seed` is a whole number"),
        (dict(keep=-1), "`keep` is a whole number"),
    ],
)
def test_what_is_refused(change, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        tuner(**{"kind": "random", "hypermodel": space(), "folder": tmp_path, **change})
    assert not list(tmp_path.iterdir())
