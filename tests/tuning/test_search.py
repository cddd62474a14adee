import keras
import numpy as np
import pytest
import tensorflow as tf

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

    def fit(self, hp, model, x, *targets, callbacks, epochs, initial_epoch=0, **options):
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
    return kind("MLP", **{"hidden": HIDDEN, **TINY, **more})


def search(folder, hypermodel, arrays=(None,), kind="random", validation=None, fit=(), **options):
    made = tuner(kind, hypermodel, folder, **{"epochs": 2, "trials": 4, **options})
    made.search(*arrays, validation_data=validation or arrays, **dict(fit))
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


@pytest.fixture
def trained(monkeypatch):
    """The values of each trial that is trained from now on."""
    values, fit = [], Quick.fit

    def counted(self, hp, *args, **more):
        values.append(dict(hp.values))
        return fit(self, hp, *args, **more)

    monkeypatch.setattr(Quick, "fit", counted)
    return values


@pytest.mark.parametrize("kind", ["random", "bayesian", "hyperband"])
def test_a_search_that_was_stopped_goes_on(kind, trained, tmp_path, monkeypatch):
    """At any moment at which a file is written; it ends as if it had not been stopped."""
    options = dict(kind=kind, trials=4, epochs=3)
    search(tmp_path / "whole", space(), **options)
    whole = records(tmp_path / "whole")
    trained.clear()
    real, left = files.write_json, 0

    def write(path, data):
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped
        real(path, data)

    monkeypatch.setattr(files, "write_json", write)
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


def test_a_finished_trial_is_not_trained_again_where_the_search_was_stopped_behind_it(
    trained, tmp_path, monkeypatch
):
    """Its record is written before the state of the search."""
    real = files.write_json

    def write(path, data):
        if "trials" in data and any(row["status"] == "done" for row in records(tmp_path)):
            raise Stopped
        real(path, data)

    with monkeypatch.context() as stopped:
        stopped.setattr(files, "write_json", write)
        with pytest.raises(Stopped):
            search(tmp_path, space(), trials=1)
    known = records(tmp_path)
    search(tmp_path, space(), trials=1)
    assert len(trained) == 1
    assert records(tmp_path) == known


def test_nets_are_built_in_the_scope_of_a_strategy(tmp_path):
    strategy, seen = tf.distribute.OneDeviceStrategy("/cpu:0"), []

    class Watched(Quick):
        def fit(self, hp, model, *args, **options):
            seen.append(model.distribute_strategy)
            return super().fit(hp, model, *args, **options)

    search(tmp_path, space(Watched), trials=1, strategy=strategy)
    assert seen == [strategy]


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
    refused = dict(mult_adds=1, val_accuracy=None)
    assert pareto_front([refused, *rows]) == front
    with pytest.raises(ValueError, match="`gain` is a key of all rows"):
        pareto_front(rows, gain="val_acuracy")


class Slow(Quick):
    """Another hypermodel with the same options."""


@pytest.fixture(scope="module")
def begun(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("begun")
    search(folder, space(), arrays, trials=1, fit=dict(batch_size=16))
    return folder


def twisted(arrays):
    x, y = arrays
    return x, y[::-1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(hypermodel=space(hidden=[(4,), (6,)])), r"hidden was \[\[4\], .* is now \[\[4\], \[6\]\]"),
        (dict(hypermodel=Quick("MobileNet", alpha=[0.5])), "model was 'MLP' and is now 'MobileNet'"),
        (dict(hypermodel=space(Slow)), "hypermodel was 'Quick' and is now 'Slow'"),
        (dict(hypermodel=space(seed=1)), "space: seed was 0 and is now 1"),
        (dict(hypermodel=space(budget=Budget(params=300))), "params was None and is now 300"),
        (
            dict(hypermodel=space(options=dict(input_shape=(8, 8, 1), classes=4))),
            "classes was 3 and is now 4",
        ),
        (dict(objective="accuracy_per_madd"), "objective was 'val_accuracy' and is now 'accuracy_per_madd'"),
        (dict(kind="bayesian"), "tuner was 'random' and is now 'bayesian'"),
        (dict(epochs=3), "epochs was 2 and is now 3"),
        (dict(seed=1), "seed was 0 and is now 1"),
        (dict(arrays=twisted), r"training was \['float32 .*hash .* and is now \['float32"),
        (dict(validation=twisted), r"validation was \['float32 .*hash .* and is now \['float32"),
        (dict(fit=dict(batch_size=8)), "batch_size was 16 and is now 8"),
    ],
)
def test_a_folder_is_of_one_search(change, words, begun, arrays):
    given = {"hypermodel": space(), "arrays": arrays, "fit": dict(batch_size=16), **change}
    given |= {name: value(arrays) for name, value in given.items() if value is twisted}
    given.setdefault("validation", arrays)
    with pytest.raises(ValueError, match=f"the search in .*begun.* is another one.*{words}"):
        search(begun, trials=2, **given)
    assert len(records(begun)) == 1


def batches(arrays, seed):
    return tf.data.Dataset.from_tensor_slices(arrays).shuffle(48, seed).batch(16)


def test_datasets_are_told_apart_by_their_examples_in_any_order(arrays, tmp_path):
    hypermodel, data = space(), (batches(arrays, 1),)
    search(tmp_path, hypermodel, data, validation=batches(arrays, 2), trials=1)
    search(tmp_path, hypermodel, data, validation=batches(arrays, 3), trials=2)
    assert len(records(tmp_path)) == 2
    for other, words in (
        (twisted(arrays), "hash"),
        ((arrays[0][:9], arrays[1][:9]), "batches: 3.*batches: 1"),
    ):
        with pytest.raises(ValueError, match=f"validation was .*{words}"):
            search(tmp_path, hypermodel, data, validation=batches(other, 2), trials=3)
    with pytest.raises(ValueError, match="training was .*batches: 3.* is now .*batches: 1"):
        search(tmp_path, hypermodel, (batches(other, 1),), validation=batches(arrays, 2), trials=3)


def test_a_finished_search_says_so(arrays, tmp_path, capsys):
    told = "was finished before: 2 done, 0 refused, 0 failed"
    best = search(tmp_path, space(), arrays, trials=2).get_best_hyperparameters()[0].values
    assert "finished" not in capsys.readouterr().out
    again = search(tmp_path, space(), arrays, trials=2)
    assert told in capsys.readouterr().out
    assert again.get_best_hyperparameters()[0].values == best
    search(tmp_path, space(), arrays, trials=3)
    assert "finished" not in capsys.readouterr().out
    assert len(records(tmp_path)) == 3


def test_settings_that_never_ran_are_not_kept(arrays, tmp_path):
    tuner("random", space(), tmp_path, epochs=7)
    search(tmp_path, space(), arrays, trials=1)
    assert len(records(tmp_path)) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "`validation_data` is data to validate on, which the objective 'val_accuracy' needs"),
        (dict(validation_data=None), "`validation_data` is data to validate on"),
        (dict(validation_split=0.0), "`validation_data` is data to validate on"),
        (dict(validation_split=0.5, validation_freq=2), "`validation_freq` is 1"),
        (dict(validation_split=0.5, x=lambda step: None), "`steps_per_epoch` is a whole number"),
        (dict(validation_split=0.5, x=None), "`x` is missing"),
        (dict(validation_split=0.5, epochs=3), "`epochs` is an argument of `kerasnets.tuning.tuner`"),
    ],
)
def test_options_that_leave_all_trials_without_a_result(options, words, arrays, tmp_path):
    made = tuner("random", space(FamilySearch), tmp_path)
    given = (options.pop("x"),) if "x" in options else arrays
    with pytest.raises(ValueError, match=words):
        made.search(*[x for x in given if x is not None], **options)
    assert records(tmp_path) == []


def test_a_metric_of_another_name_ends_the_search(arrays, tmp_path):
    """It would be missing in all trials. With the right one, the search goes on."""
    metric = "sparse_categorical_accuracy"
    hypermodel = space(FamilySearch, compiled=lambda net: eagerly(net, metric))
    with pytest.raises(ValueError, match=f"lack the objective 'val_accuracy': they have .*, val_{metric}"):
        search(tmp_path, hypermodel, arrays)
    assert [row["status"] for row in records(tmp_path)] == ["running"]
    search(tmp_path, space(FamilySearch), arrays, trials=1)
    assert [row["status"] for row in records(tmp_path)] == ["done"]


def test_failed_trials_are_told_in_a_line_unless_they_are_reported(arrays, tmp_path, capsys):
    class Broken(Quick):
        def build(self, hp):
            raise RuntimeError(f"no memory for {self.values(hp)['hidden'][0]} units")

    told = []
    for folder, report in (("silent", told.append), ("loud", None)):
        made = search(tmp_path / folder, space(Broken), trials=2, report=report)
        with pytest.raises(ValueError, match="0 done, 0 refused, 2 failed; trial 0: RuntimeError: no memory"):
            made.get_best_hyperparameters()
    [line] = capsys.readouterr().out.splitlines()
    assert line == f"2 of 2 trials failed; trial 0: {told[0]['error']}"


def test_what_has_no_result_is_no_best_trial(tmp_path, capsys):
    """Neither a failed nor a refused trial, nor one whose weights are not kept."""
    none = search(tmp_path / "none", space(budget=Budget(mult_adds=2)))
    words = "has a result: 0 done, 4 refused, 0 failed; trial 0: over budget: mult_adds .* of at most 2"
    for found in (none.get_best_models, none.get_best_hyperparameters):
        with pytest.raises(ValueError, match=words):
            found()
    none.results_summary()
    assert "no trial of the search in" in capsys.readouterr().out
    some = search(tmp_path / "some", space(budget=Budget(mult_adds=600)))
    found = [some.hypermodel.values(hp)["hidden"] for hp in some.get_best_hyperparameters(9)]
    assert found == [(8,), (4,)]
    with pytest.raises(ValueError, match="`num_models` is at most 1, .*`keep`"):
        some.get_best_models(2)
    with pytest.raises(ValueError, match="`num_models` is a whole number"):
        some.get_best_models(0)
    with pytest.raises(ValueError, match="has a result: 0 done"):
        tuner("random", space(), tmp_path / "new").get_best_models()


@pytest.mark.parametrize("made", [None, "the net itself"])
def test_a_net_that_is_not_compiled_ends_the_search(made, arrays, tmp_path):
    hypermodel = space(FamilySearch, compiled=lambda net: made and net)
    with pytest.raises(ValueError, match="`compiled` returns a keras.Model that it has compiled. Received: "):
        search(tmp_path, hypermodel, arrays)


def test_damaged_files_are_named(arrays, tmp_path):
    search(tmp_path, space(), arrays, trials=1)
    for path in (*tmp_path.glob("search/*.json"), *tmp_path.glob("search/trial_0/record.json")):
        whole = path.read_text()
        path.write_text(whole[:9])
        with pytest.raises(ValueError, match=f"{path.name} is damaged"):
            search(tmp_path, space(), arrays, trials=1)
        path.write_text(whole)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(kind="randem"), "`kind` is one of .*'random'"),
        (dict(objective="val_acuracy"), "`objective` is one of .*'val_accuracy'"),
        (dict(trials=0), "`trials` is None or a whole number"),
        (dict(epochs=0), "`epochs` is a whole number"),
        (dict(seed=-1), "`seed` is a whole number"),
        (dict(keep=-1), "`keep` is a whole number"),
        (dict(kind=["random"]), "`kind` is one of"),
        (dict(hypermodel=lambda hp: None), "`hypermodel` is a kerasnets.tuning.FamilySearch"),
        (dict(folder=None), "`folder` is a folder"),
        (dict(folder=__file__), "`folder` is a folder"),
        (dict(report="print"), "`report` is None or a function"),
    ],
)
def test_what_is_refused(change, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        tuner(**{"kind": "random", "hypermodel": space(), "folder": tmp_path, **change})
    assert not list(tmp_path.iterdir())
