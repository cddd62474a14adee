"""Changes to keras-tuner's oracles, which choose the values of trials: a search survives being killed.

keras-tuner's own oracles keep the weights of all trials. In Bayesian optimization they may propose values
that were tried before. They write their state to several files, none of which is replaced atomically.
"""

import pathlib
from typing import Any

import keras_tuner

from kerasnets import files

RECORD = "record.json"  # in the folder of a trial


class AtomicOracle:
    """Mixin for an oracle: it saves its state atomically in one file and deletes weights it no longer needs.

    Attributes:
        keep: Number of the best trials whose weights are kept.
    """

    keep = 1

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses values that no trial has had yet."""
        found = super().populate_space(trial_id)
        if found["status"] == "RUNNING" and self._duplicate(found["values"]):
            values = self._random_values()
            found = {"status": "RUNNING" if values else "STOPPED", "values": values}
        return found

    def get_best_trials(self, num_trials: int = 1) -> list[keras_tuner.engine.trial.Trial]:
        """The best trials that have a result, the best first; a refused or failed one has none."""
        done = [t for t in self.trials.values() if t.status == "COMPLETED" and self.is_done(t)]
        return sorted(done, key=lambda t: t.score, reverse=True)[:num_trials]

    def is_done(self, trial: keras_tuner.engine.trial.Trial) -> bool:
        """Whether the net of a completed trial was trained, and not refused."""
        path = pathlib.Path(self._project_dir) / f"trial_{trial.trial_id}" / RECORD
        return files.read_json(path)["status"] == "done"

    def end_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Ends a trial, and deletes weights that are no longer needed."""
        super().end_trial(trial)
        self.prune()

    def prune(self) -> None:
        """Deletes all weights except those of the best trials and of trials that may continue."""
        needed = {t.trial_id for t in self.get_best_trials(self.keep)}
        for trial in self.ongoing_trials.values():
            needed |= {trial.trial_id, trial.hyperparameters.values.get("tuner/trial_id")}
        for bracket in getattr(self, "_brackets", ()):
            needed |= {row["id"] for rows in bracket["rounds"] for row in rows}
        for path in pathlib.Path(self._project_dir).glob("trial_*/checkpoint*"):
            if path.parent.name.removeprefix("trial_") not in needed:
                path.unlink(missing_ok=True)

    def save(self) -> None:
        """Writes the oracle and its trials to one file."""
        trials = {trial_id: trial.get_state() for trial_id, trial in self.trials.items()}
        files.write_json(self._get_oracle_fname(), {**self.get_state(), "trials": trials})

    def _save_trial(self, trial):
        """Writes nothing, because `save` writes the trials too."""

    def reload(self) -> None:
        """Reads what `save` wrote. Trials that had not ended are queued to run again."""
        state = files.read_json(self._get_oracle_fname())
        load = keras_tuner.engine.trial.Trial.from_state
        self.trials = {trial_id: load(trial) for trial_id, trial in state["trials"].items()}
        self.set_state(state)
        self.ongoing_trials = {}
        ended = ("COMPLETED", "FAILED")
        self._retry_queue = [i for i, trial in self.trials.items() if trial.status not in ended]
