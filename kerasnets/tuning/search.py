"""Tuners of keras-tuner that keep a record of every trial, and can be killed at any moment.

keras-tuner by itself swallows the error of a trial, counts refused trials as failures, of which three in a
row end a search, and runs a finished trial again if it is stopped just then. `Search` is a subclass of its
tuners, which train; `oracle` has what is changed in its oracles, which choose values.
"""

import json
import math
import pathlib
import time
import traceback

import keras_tuner
from keras_tuner.src import config

from kerasnets import files
from kerasnets.checks import is_int, nearest, refuse
from kerasnets.tuning.budget import OverBudget
from kerasnets.tuning.oracle import WholeOracle

TUNERS = {
    "random": (keras_tuner.RandomSearch, keras_tuner.oracles.RandomSearchOracle),
    "bayesian": (keras_tuner.BayesianOptimization, keras_tuner.oracles.BayesianOptimizationOracle),
    "hyperband": (keras_tuner.Hyperband, keras_tuner.oracles.HyperbandOracle),
}
OBJECTIVES = ("val_accuracy", "accuracy_per_madd")
REFUSED = 0.0  # what a refused trial scores, so that a tuner looks elsewhere
PROJECT, RECORD = "search", "record.json"
FINISHED = ("done", "refused", "failed")


def tuner(
    kind,
    hypermodel,
    folder,
    *,
    objective="val_accuracy",
    trials=None,
    epochs=10,
    seed=0,
    keep=1,
    report=None,
    strategy=None,
):
    """A tuner of keras-tuner whose search goes on where it was stopped, if `folder` holds one.

    Its `search` takes the data as `FamilySearch.fit` does. A chief and its workers, which keras-tuner knows
    by the environment's KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT, share the
    folder. A worker that died goes on when it is started anew with its KERASTUNER_TUNER_ID.

    Args:
        kind: "random", "bayesian" or "hyperband".
        hypermodel: A `FamilySearch`.
        folder: Folder of the search.
        objective: "val_accuracy", or "accuracy_per_madd", the accuracy for each multiply-add.
        trials: Values to try at most, those refused too; None stands for 10, and with "hyperband" for as
            many as it wants.
        epochs: Epochs of a trial; with "hyperband" of its longest ones.
        seed: Whole number that decides which values are tried.
        keep: Trials, the best ones, whose weights are kept. Hyperband's are kept while it may go on with
            them.
        report: Function of a record, as `records` gives it, that is called when a trial ends; or None.
        strategy: A tf.distribute.Strategy in whose scope each trial is built and trained, such as
            `kerasnets.training.distribution.mirrored` gives it, or None. The search itself is in no scope.

    Returns:
        A keras_tuner.Tuner.

    Raises:
        ValueError: An argument is not allowed.
    """
    for name, value, table in (("kind", kind, TUNERS), ("objective", objective, OBJECTIVES)):
        if value not in table:
            allowed = f"one of {', '.join(map(repr, table))}"
            raise ValueError(f"`{name}` is {allowed}.{nearest(value, table)} Received: {name}={value!r}")
    for name, value, least in (("epochs", epochs, 1), ("seed", seed, 0), ("keep", keep, 0)):
        if not is_int(value, least):
            refuse(name, f"a whole number, at least {least}", value)
    if trials is not None and not is_int(trials, 1):
        refuse("trials", "None or a whole number, at least 1", trials)
    trainer, chooser = TUNERS[kind]
    oracle = type("Oracle", (WholeOracle, chooser), {})(
        objective=keras_tuner.Objective(objective, "max"),
        seed=seed + 1,  # 0 stands for chance
        max_consecutive_failed_trials=None,
        **({"max_epochs": epochs} if kind == "hyperband" else {"max_trials": trials or 10}),
    )
    oracle.max_trials = trials or oracle.max_trials
    oracle.keep = keep
    return type("Search", (Search, trainer), {})(oracle, hypermodel, folder, epochs, report, strategy)


def records(folder):
    """What became of the trials of a search, in their order.

    Args:
        folder: Folder of the search.

    Returns:
        A list of dicts: `trial`, its number as a word; `values` by option; `epochs`; `status`, one of
        "running", "done", "refused", "failed"; `epoch`, those trained; `val_accuracy` of the best epoch;
        `score`, the objective's value; `params`, `mult_adds`; `seconds`; `error`, and `traceback` of a failed
        one. What is not known is None.
    """
    found = pathlib.Path(folder).glob(f"{PROJECT}/trial_*/{RECORD}")
    return sorted((files.read_json(path) for path in found), key=lambda r: int(r["trial"]))


def pareto_front(rows, cost="mult_adds", gain="val_accuracy"):
    """Those rows that no other equals or beats in one respect and beats in the other.

    Args:
        rows: Dicts of numbers.
        cost: Name of what is the better the less it is.
        gain: Name of what is the better the more it is.

    Returns:
        A list of rows, the cheapest first; one of those that are alike.
    """
    front = []
    for row in sorted(rows, key=lambda r: (r[cost], -r[gain])):
        if not front or row[gain] > front[-1][gain]:
            front.append(row)
    return front


class Search:
    """A tuner of keras-tuner that keeps a record of every trial, as `records` describes it.

    Args:
        oracle: A `WholeOracle`.
        hypermodel: A `FamilySearch`.
        folder: Folder of the search.
        epochs: Epochs of a trial.
        report: Function of a record, called when a trial ends, or None.
        strategy: As of `tuner`.
    """

    def __init__(self, oracle, hypermodel, folder, epochs, report, strategy):
        self.epochs, self.report = epochs, report or (lambda record: None)
        # Not the tuner's own, which makes an oracle of its own.
        keras_tuner.Tuner.__init__(
            self,
            oracle=oracle,
            hypermodel=hypermodel,
            directory=str(folder),
            project_name=PROJECT,
            distribution_strategy=strategy,
        )

    def _populate_initial_space(self):
        """Names the options, without a net that is built for nothing; or goes on with an earlier search."""
        if not self._is_worker() and pathlib.Path(self.oracle._get_oracle_fname()).exists():
            self.oracle.reload()
            return
        hp = self.oracle.get_space()
        self.hypermodel.declare_hyperparameters(hp)
        self.oracle.update_space(hp)

    def save(self):
        """Saves the oracle, which is all there is to save."""
        if not self._is_worker():
            self.oracle.save()

    def search(self, *args, **options):
        """Runs the trials: as `keras_tuner.Tuner.search`, which takes what `FamilySearch.fit` takes."""
        before, config.DEBUG = config.DEBUG, False  # which prints the traceback that a record has
        try:
            super().search(*args, epochs=self.epochs, verbose=0, **options)
        finally:
            config.DEBUG = before

    def run_trial(self, trial, *args, **options):
        """Runs a trial, unless an earlier process finished it, and keeps its record."""
        path = pathlib.Path(self.get_trial_dir(trial.trial_id)) / RECORD
        record = self.record(trial)
        before = files.read_json(path) if path.exists() else {}
        asked = ("values", "epochs")
        if before.get("status") in FINISHED and [before[k] for k in asked] == [record[k] for k in asked]:
            return self.outcome(before)
        files.write_json(path, record)
        started, self.hypermodel.cost = time.monotonic(), None
        try:
            history = super().run_trial(trial, *args, **options)[0].history
            record |= self.measured(history)
        except keras_tuner.errors.FatalError:
            raise
        except OverBudget as refusal:
            record |= {"status": "refused", "error": str(refusal)}
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            record |= {"status": "failed", "error": message, "traceback": traceback.format_exc()}
        record |= {**self.cost(), "seconds": round(time.monotonic() - started, 2)}
        files.write_json(path, record)
        self.report(record)
        return self.outcome(record)

    def on_epoch_end(self, trial, model, epoch, logs=None):
        """Keeps in the record how far a trial is."""
        known = {"epoch": epoch + 1, "val_accuracy": (logs or {}).get("val_accuracy"), **self.cost()}
        path = pathlib.Path(self.get_trial_dir(trial.trial_id)) / RECORD
        files.write_json(path, {**self.record(trial), **known})

    def record(self, trial):
        """The record of a trial that begins."""
        hp = trial.hyperparameters
        values = json.loads(json.dumps(self.hypermodel.values(hp)))
        nothing = dict.fromkeys(("epoch", "val_accuracy", "score", "params", "mult_adds", "seconds", "error"))
        epochs = hp.values.get("tuner/epochs", self.epochs)
        return {
            "trial": trial.trial_id,
            "values": values,
            "epochs": epochs,
            "status": "running",
            **nothing,
            "worker": self.tuner_id,
        }

    def measured(self, history):
        """What the logs of all epochs say.

        Raises:
            FloatingPointError: The objective is no finite number in one of them.
        """
        name = self.oracle.objective.name
        scores = history[name]
        for value in scores:
            if not math.isfinite(value):
                raise FloatingPointError(f"the objective {name} is {value}")
        best = max(scores)
        accuracy = history["val_accuracy"][scores.index(best)]
        return {"status": "done", "epoch": len(scores), "val_accuracy": accuracy, "score": best}

    def cost(self):
        """What the net of the trial that runs costs, if it is known."""
        cost = self.hypermodel.cost
        return {} if cost is None else {"params": cost.params, "mult_adds": cost.mult_adds}

    def outcome(self, record):
        """The score that keras-tuner gets of a finished trial.

        Raises:
            keras_tuner.errors.FailedTrialError: It failed.
        """
        if record["status"] == "failed":
            raise keras_tuner.errors.FailedTrialError(record["error"])
        score = REFUSED if record["status"] == "refused" else record["score"]
        return {self.oracle.objective.name: score}
