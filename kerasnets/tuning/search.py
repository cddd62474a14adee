"""Tuners of keras-tuner that keep a record of every trial and survive being killed at any moment.

By itself, keras-tuner swallows the error of a trial. It counts refused trials as failures, and three failures
in a row end a search. If it is stopped just after a trial, it runs that trial again. `Search` changes this
in its tuners, which train; the module `oracle` changes its oracles, which choose values.
"""

import json
import math
import os
import pathlib
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Literal

import keras_tuner
from keras_tuner.src import config

from kerasnets import files
from kerasnets.checks import changes, is_folder, is_int, nearest, refuse
from kerasnets.tuning.budget import OverBudget
from kerasnets.tuning.oracle import RECORD, AtomicOracle
from kerasnets.tuning.settings import described, described_validation
from kerasnets.tuning.spaces import FamilySearch

TUNERS = {
    "random": (keras_tuner.RandomSearch, keras_tuner.oracles.RandomSearchOracle),
    "bayesian": (keras_tuner.BayesianOptimization, keras_tuner.oracles.BayesianOptimizationOracle),
    "hyperband": (keras_tuner.Hyperband, keras_tuner.oracles.HyperbandOracle),
}
OBJECTIVES = ("val_accuracy", "accuracy_per_madd")
REFUSED = 0.0  # score of a refused trial, so that the tuner searches elsewhere
PROJECT, SETTINGS = "search", "settings.json"
FINISHED = ("done", "refused", "failed")
NOT_KEPT = ("validation_data", "callbacks", "verbose")  # options of `search` that its settings leave out


def tuner(
    kind: Literal["random", "bayesian", "hyperband"],
    hypermodel: FamilySearch,
    folder: str | os.PathLike,
    *,
    objective: Literal["val_accuracy", "accuracy_per_madd"] = "val_accuracy",
    trials: int | None = None,
    epochs: int = 10,
    seed: int = 0,
    keep: int = 1,
    report: Callable[[dict], Any] | None = None,
    strategy: Any = None,
) -> keras_tuner.Tuner:
    """Makes a tuner of keras-tuner that resumes the search in `folder`, if there is one.

    Its method `search` takes data as `FamilySearch.fit` does; the objectives need validation data. The folder
    remembers what determines the search: its space, budget, objective, `kind`, `epochs`, `seed` and data. It
    resumes only if these are the same; the function `compiled` of the space is not compared. A chief and its
    workers share the folder.
    keras-tuner identifies them by the environment variables KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and
    KERASTUNER_ORACLE_PORT. A worker that died resumes when it is restarted with the same KERASTUNER_TUNER_ID.

    Args:
        kind: "random", "bayesian" or "hyperband".
        hypermodel: The search space.
        folder: Folder of the search.
        objective: "val_accuracy", or "accuracy_per_madd", the validation accuracy per multiply-add.
        trials: Maximum number of trials, refused ones included. None means 10, or no limit with "hyperband".
            A search resumes with another number too.
        epochs: Epochs of a trial; with "hyperband", epochs of its longest trials.
        seed: Whole number that determines which values are tried.
        keep: Number of the best trials whose weights are kept. Weights with which Hyperband may continue
            are kept as well.
        report: Function called with the record of each trial when it ends, as `records` returns it. None
            prints one line about failed trials at the end of the search.
        strategy: A tf.distribute.Strategy in whose scope each trial is built and trained, such as
            `kerasnets.training.distribution.mirrored` returns, or None. The search itself runs outside it.

    Returns:
        The tuner.

    Raises:
        ValueError: An argument is not allowed, or the search in the folder has other settings.
        OSError: The folder cannot be made.
    """
    for name, value, table in (("kind", kind, tuple(TUNERS)), ("objective", objective, OBJECTIVES)):
        if value not in table:
            allowed = f"one of {', '.join(map(repr, table))}"
            raise ValueError(f"`{name}` is {allowed}.{nearest(value, table)} Received: {name}={value!r}")
    for name, value, least in (("epochs", epochs, 1), ("seed", seed, 0), ("keep", keep, 0)):
        if not is_int(value, least):
            refuse(name, f"a whole number, at least {least}", value)
    if trials is not None and not is_int(trials, 1):
        refuse("trials", "None or a whole number, at least 1", trials)
    if not isinstance(hypermodel, FamilySearch):
        refuse("hypermodel", "a kerasnets.tuning.FamilySearch", hypermodel)
    if not is_folder(folder):
        refuse("folder", "a folder, which need not exist yet", folder)
    if report is not None and not callable(report):
        refuse("report", "None or a function", report)
    trainer, chooser = TUNERS[kind]
    oracle = type("Oracle", (AtomicOracle, chooser), {})(
        objective=keras_tuner.Objective(objective, "max"),
        seed=seed + 1,  # keras-tuner takes 0 for no seed
        max_consecutive_failed_trials=None,
        **({"max_epochs": epochs} if kind == "hyperband" else {"max_trials": trials or 10}),
    )
    oracle.max_trials = trials or oracle.max_trials
    oracle.keep = keep
    own = {"tuner": kind, "objective": objective, "epochs": epochs, "seed": seed}
    settings = {**own, "space": hypermodel.settings()}
    os.makedirs(folder, exist_ok=True)
    return type("Search", (Search, trainer), {})(
        oracle, hypermodel, folder, epochs, report, strategy, settings
    )


def records(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Reads the records of a search's trials.

    Args:
        folder: Folder of the search.

    Returns:
        A dict for each trial, in the order of the trials. Its keys are `trial`, the trial's number as a
        string; `values` by option; `epochs` to train; `status`, one of "running", "done", "refused",
        "failed"; `epoch`, the number of epochs trained; `val_accuracy` of the best epoch; `score`, the
        objective's value; `params`; `mult_adds`; `seconds`; `error`; and `traceback` if the trial failed.
        Unknown values are None.
    """
    if not is_folder(folder):
        refuse("folder", "a folder of a search", folder)
    found = pathlib.Path(folder).glob(f"{PROJECT}/trial_*/{RECORD}")
    return sorted((files.read_json(path) for path in found), key=lambda r: int(r["trial"]))


def summary(rows: Iterable[dict[str, Any]]) -> str:
    """Counts the trials that have ended, such as "3 done, 1 refused, 0 failed".

    Args:
        rows: Records of the trials, as `records` returns them.
    """
    ends = [row["status"] for row in rows]
    return ", ".join(f"{ends.count(status)} {status}" for status in FINISHED)


def pareto_front(
    rows: Iterable[dict[str, Any]], cost: str = "mult_adds", gain: str = "val_accuracy"
) -> list[dict[str, Any]]:
    """Finds the rows on the Pareto front: no other row costs no more and gains no less, unless it is equal.

    Args:
        rows: Dicts of numbers, such as `records` returns; those without one of the two numbers are left out.
        cost: Key of the number to minimize.
        gain: Key of the number to maximize.

    Returns:
        The rows on the front, the cheapest first; of rows with equal numbers, one.
    """
    front, rows = [], list(rows)
    for name, value in (("cost", cost), ("gain", gain)):
        if any(value not in row for row in rows):
            refuse(name, "a key of all rows", value)
    known = [row for row in rows if row[cost] is not None and row[gain] is not None]
    for row in sorted(known, key=lambda r: (r[cost], -r[gain])):
        if not front or row[gain] > front[-1][gain]:
            front.append(row)
    return front


class Search:
    """A tuner of keras-tuner that keeps a record of every trial, as `records` describes it.

    Args:
        oracle: An `AtomicOracle`.
        hypermodel: A `FamilySearch`.
        folder: Folder of the search.
        epochs: Epochs of a trial.
        report: Function called with the record of each trial when it ends, or None.
        strategy: A tf.distribute.Strategy in whose scope each trial is built and trained, or None.
        settings: What determines the search, besides its data, as JSON data by name.
    """

    def __init__(self, oracle, hypermodel, folder, epochs, report, strategy, settings):
        self.epochs, self.report, self.settings = epochs, report, settings
        # Not the constructor of the subclass, which would make its own oracle.
        keras_tuner.Tuner.__init__(
            self,
            oracle=oracle,
            hypermodel=hypermodel,
            directory=str(folder),
            project_name=PROJECT,
            distribution_strategy=strategy,
        )

    def _populate_initial_space(self):
        """Declares the searched options without building a net, or resumes an earlier search."""
        if not self._is_worker() and self.has_begun():
            self.compare(self.settings)
            self.oracle.reload()
            return
        hp = self.oracle.get_space()
        self.hypermodel.declare_hyperparameters(hp)
        self.oracle.update_space(hp)

    def has_begun(self):
        """Whether the folder has trials."""
        return pathlib.Path(self.oracle._get_oracle_fname()).exists()

    def compare(self, settings):
        """Refuses settings that differ from those with which the search in the folder began.

        Folders of searches that kept no settings are taken as they are.
        """
        path = pathlib.Path(self.project_dir) / SETTINGS
        before = files.read_json(path) if path.exists() else settings
        other = changes({name: value for name, value in before.items() if name in settings}, settings)
        if other:
            raise ValueError(
                f"the search in {self.directory} is another one; take another folder: {', '.join(other)}"
            )

    def remember(self, args, options):
        """Keeps what determines the search in its folder, or compares it with what an earlier one kept."""
        examples = [value(0) if callable(value) else value for value in args]
        more = {name: value for name, value in options.items() if name not in NOT_KEPT}
        data = {
            "training": described(examples),
            "validation": described_validation(options.get("validation_data")),
            "options": described(more),
        }
        settings = {**self.settings, "data": data}
        if self._is_worker():
            self.oracle.get_space()  # waits for the chief, which keeps the settings
        if self._is_worker() or self.has_begun():
            self.compare(settings)
        else:
            files.write_json(pathlib.Path(self.project_dir) / SETTINGS, settings)

    def save(self):
        """Saves the oracle, which holds all state of the search."""
        if not self._is_worker():
            self.oracle.save()

    def search(self, *args, **options):
        """Runs the trials, as `keras_tuner.Tuner.search` does, with the arguments of `FamilySearch.fit`.

        Says in one line if an earlier search in the folder has run all of them.

        Raises:
            ValueError: There is no validation data, the logs lack the objective, or the search in the folder
                had other settings or data.
        """
        check_fit(self.oracle.objective.name, args, options)
        self.remember(args, options)
        before = records(self.directory)
        debug, config.DEBUG = config.DEBUG, False  # else keras-tuner prints tracebacks, which records hold
        try:
            super().search(*args, **{"epochs": self.epochs, "verbose": 0, **options})
        finally:
            config.DEBUG = debug
        if self._is_worker():
            return
        rows = records(self.directory)
        if rows and rows == before:
            print(f"the search in {self.directory} was finished before: {summary(rows)}")
        failed = [row for row in rows if row["status"] == "failed"]
        if failed and not self.report:
            first = failed[0]
            print(f"{len(failed)} of {len(rows)} trials failed; trial {first['trial']}: {first['error']}")

    def get_best_models(self, num_models=1):
        """The nets of the best trials with the weights of their best epochs, the best first.

        Args:
            num_models: Number of nets, at most the number of trials whose weights are kept.

        Raises:
            ValueError: No trial has a result, or the weights of too few are kept.
        """
        trials = self.best_trials("num_models", num_models)
        kept = sum(os.path.exists(self._get_checkpoint_fname(trial.trial_id)) for trial in trials)
        if kept < len(trials):
            allowed = f"at most {kept}, the number of best trials whose weights `tuner` kept by `keep`"
            refuse("num_models", allowed, num_models)
        return super().get_best_models(num_models)

    def get_best_hyperparameters(self, num_trials=1):
        """The hyperparameters of the best trials, the best first.

        Args:
            num_trials: Number of trials; there are fewer if fewer have a result.

        Raises:
            ValueError: No trial has a result.
        """
        return [trial.hyperparameters for trial in self.best_trials("num_trials", num_trials)]

    def results_summary(self, num_trials=10):
        """Prints the best trials, as `keras_tuner.Tuner.results_summary` does, or that there are none."""
        if self.oracle.get_best_trials(1):
            super().results_summary(num_trials)
        else:
            print(self.without_results())

    def best_trials(self, argument, number):
        """The best trials that have a result, of which there is at least one."""
        if not is_int(number, 1):
            refuse(argument, "a whole number, at least 1", number)
        trials = self.oracle.get_best_trials(number)
        if not trials:
            raise ValueError(self.without_results())
        return trials

    def without_results(self):
        """Says that no trial has a result, and the first reason."""
        rows = records(self.directory)
        reason = next((f"; trial {row['trial']}: {row['error']}" for row in rows if row["error"]), "")
        return f"no trial of the search in {self.directory} has a result: {summary(rows)}{reason}"

    def run_trial(self, trial, *args, **options):
        """Runs a trial and writes its record, unless an earlier process finished the trial."""
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
        if self.report:
            self.report(record)
        return self.outcome(record)

    def on_epoch_end(self, trial, model, epoch, logs=None):
        """Writes the progress of a trial to its record.

        Raises:
            keras_tuner.errors.FatalValueError: The logs lack the objective, as those of all trials would.
        """
        objective = self.oracle.objective.name
        if objective not in (logs or {}):
            raise keras_tuner.errors.FatalValueError(
                f"the logs of an epoch lack the objective {objective!r}: they have {', '.join(logs or {})}. "
                "`compiled` compiles nets with the metric 'accuracy'"
            )
        known = {"epoch": epoch + 1, "val_accuracy": (logs or {}).get("val_accuracy"), **self.cost()}
        path = pathlib.Path(self.get_trial_dir(trial.trial_id)) / RECORD
        files.write_json(path, {**self.record(trial), **known})

    def record(self, trial):
        """The record of a trial that has just started."""
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
        """The results of a trial, as entries of its record.

        Args:
            history: Logs of all epochs, lists of numbers by name.

        Raises:
            FloatingPointError: The objective is NaN or infinite in an epoch.
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
        """The costs of the running trial's net, as entries of its record; empty if they are unknown."""
        cost = self.hypermodel.cost
        return {} if cost is None else {"params": cost.params, "mult_adds": cost.mult_adds}

    def outcome(self, record):
        """The score of a finished trial, in the form that keras-tuner expects.

        Raises:
            keras_tuner.errors.FailedTrialError: The trial failed.
        """
        if record["status"] == "failed":
            raise keras_tuner.errors.FailedTrialError(record["error"])
        score = REFUSED if record["status"] == "refused" else record["score"]
        return {self.oracle.objective.name: score}


def check_fit(objective, args, options):
    """Refuses arguments of `search` with which no trial can have a result."""
    if not args and "x" not in options:
        raise ValueError("`x` is missing: the data to train on")
    if callable(args[0] if args else options["x"]) and not is_int(options.get("steps_per_epoch"), 1):
        words = "a whole number, at least 1, since `x` is a function"
        refuse("steps_per_epoch", words, options.get("steps_per_epoch"))
    if options.get("validation_data") is None and not options.get("validation_split"):
        refuse("validation_data", f"data to validate on, which the objective {objective!r} needs", None)
    if options.get("validation_freq", 1) != 1:
        refuse("validation_freq", "1: every epoch is validated", options["validation_freq"])
    if "epochs" in options:
        raise ValueError("`epochs` is an argument of `kerasnets.tuning.tuner`, not of `search`")
