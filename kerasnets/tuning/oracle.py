"""Oracles of keras-tuner, which choose the values of trials, that can be killed at any moment.

keras-tuner's own keep the weights of all trials, may propose values again that were tried (Bayesian
optimization), and write their state as several files, none of them whole or not at all.
"""

import pathlib

import keras_tuner

from kerasnets import files


class WholeOracle:
    """An oracle of keras-tuner whose state is one file, replaced whole, and that bounds what is on disk."""

    keep = 1

    def populate_space(self, trial_id):
        """Values that no trial has had."""
        found = super().populate_space(trial_id)
        if found["status"] == "RUNNING" and self._duplicate(found["values"]):
            values = self._random_values()
            found = {"status": "RUNNING" if values else "STOPPED", "values": values}
        return found

    def end_trial(self, trial):
        """Ends a trial, and deletes the weights that nobody needs any more."""
        super().end_trial(trial)
        self.prune()

    def prune(self):
        """Leaves the weights of the best trials, and of those that may go on."""
        done = [t for t in self.trials.values() if t.status == "COMPLETED"]
        best = sorted(done, key=lambda t: t.score, reverse=True)[: self.keep]
        needed = {t.trial_id for t in best}
        for trial in self.ongoing_trials.values():
            needed |= {trial.trial_id, trial.hyperparameters.values.get("tuner/trial_id")}
        for bracket in getattr(self, "_brackets", ()):
            needed |= {row["id"] for rows in bracket["rounds"] for row in rows}
        for path in pathlib.Path(self._project_dir).glob("trial_*/checkpoint*"):
            if path.parent.name.removeprefix("trial_") not in needed:
                path.unlink(missing_ok=True)

    def save(self):
        """Writes the oracle and its trials."""
        trials = {trial_id: trial.get_state() for trial_id, trial in self.trials.items()}
        files.write_json(self._get_oracle_fname(), {**self.get_state(), "trials": trials})

    def _save_trial(self, trial):
        """Writes nothing: `save` writes the trials too."""

    def reload(self):
        """Reads what `save` wrote; trials that had not ended run again."""
        state = files.read_json(self._get_oracle_fname())
        load = keras_tuner.engine.trial.Trial.from_state
        self.trials = {trial_id: load(trial) for trial_id, trial in state["trials"].items()}
        self.set_state(state)
        self.ongoing_trials = {}
        ended = ("COMPLETED", "FAILED")
        self._retry_queue = [i for i, trial in self.trials.items() if trial.status not in ended]
