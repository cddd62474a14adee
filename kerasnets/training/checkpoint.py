"""Checkpoints: the state of a training run in one file, so that it can be killed at any time and resumed."""

import json
import math
import os
import pathlib
import time
from collections.abc import Sequence

import h5py
import keras

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.training import distribution
from kerasnets.weights.card import card_of
from kerasnets.weights.files import write_card
from kerasnets.weights.state import random_states

RANDOM, METRICS = "kerasnets_random_states", "kerasnets_metrics"
STEP, CALLBACKS, KINDS = "kerasnets_step", "kerasnets_callbacks", "kerasnets_callback_kinds"
SHARE = 0.05  # the largest part of the time that saving checkpoints within an epoch may take


class Checkpoint(keras.callbacks.Callback):
    """Saves the weights, optimizer, random state, metrics, step and callbacks of a run in one file.

    The file is replaced atomically and flushed to the disk, so the last state survives whatever kills the
    run. (Keras's BackupAndRestore writes two files, weights and epoch, neither of them atomically.) Put it
    last among the callbacks, so that it saves their state at the end of an epoch.

    Args:
        path: Path of the file, which ends in ".weights.h5".
        every: Seconds between checkpoints; 0 saves after every step. Within an epoch, the pause is at least
            twenty times as long as saving takes.
        callbacks: Callbacks whose state is saved too. They have the methods `state`, which returns JSON data,
            and `set_state`, which restores it; callbacks without them are ignored.
    """

    def __init__(
        self, path: str | os.PathLike, every: float = 10.0, callbacks: Sequence[keras.callbacks.Callback] = ()
    ):
        super().__init__()
        self.path = pathlib.Path(path)
        self.every = every
        self.kept = [c for c in callbacks if hasattr(c, "set_state")]
        self.saved, self.took = time.monotonic(), 0.0
        self.steps, self.step, self.metrics = math.inf, 0, []
        self.first = 0  # the step with which this epoch began, or a resumed run in it

    def restore(self, model: keras.Model, steps: int) -> int:
        """Restores the state of a compiled model from the file, if there is one.

        Args:
            model: The model, built and compiled as in the earlier run.
            steps: Steps per epoch.

        Returns:
            The number of the next step, counted from the start of the run; 0 if there is no file.

        Raises:
            ValueError: The earlier run had other callbacks with a state. Nothing is restored.
        """
        self.steps = steps
        distribution.copy_from_first(self.path)
        if not self.path.exists():
            return 0
        with h5py.File(self.path) as file:
            states = json.loads(file.attrs[CALLBACKS])
            kinds = json.loads(file.attrs.get(KINDS, "null"))
        if len(states) != len(self.kept) or kinds not in (None, kinds_of(self.kept)):
            earlier = f"those of the run that wrote {self.path}, of which {len(states)} have a state"
            refuse("callbacks", f"{earlier}: {kinds}" if kinds else earlier, kinds_of(self.kept))
        if not model.optimizer.built:  # LossScaleOptimizer would get variables for a second time
            model.optimizer.build(model.trainable_variables)
        model.load_weights(self.path)
        with h5py.File(self.path) as file:
            for i, state in enumerate(random_states(model)):
                state.assign(file[RANDOM][str(i)][()])
            self.step = int(file.attrs[STEP])
            self.metrics = [file[METRICS][str(i)][()] for i in range(len(file.get(METRICS, ())))]
            for callback, state in zip(self.kept, states, strict=True):
                callback.set_state(state)
        return self.step

    def on_epoch_begin(self, epoch, logs=None):
        self.first = self.step

    def on_train_batch_end(self, batch, logs=None):
        self.step = self.first + batch + 1  # a call may end several steps
        if self.metrics:  # sums over the steps of this epoch that ran before the run was stopped
            for variable, before in zip(self.model.metrics_variables, self.metrics, strict=True):
                variable.assign(variable + before)
            self.metrics = []
        pause = self.every and max(self.every, self.took / SHARE)
        if self.step % self.steps and time.monotonic() - self.saved >= pause:
            self.save(metrics=self.model.metrics_variables)

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.params["epochs"] or time.monotonic() - self.saved >= self.every:
            self.save()

    def save(self, metrics: Sequence[keras.Variable] = ()) -> None:
        """Writes the file, on the first host only.

        Args:
            metrics: Variables of the metrics, if an epoch is under way.
        """
        if not distribution.is_first():
            return
        start = time.monotonic()
        with files.replacing(self.path) as part:
            with distribution.alone():
                self.model.save_weights(part)
            write_card(part, card_of(self.model))
            with h5py.File(part, "a") as file:
                for name, variables in ((RANDOM, random_states(self.model)), (METRICS, metrics)):
                    for i, variable in enumerate(variables):
                        file[f"{name}/{i}"] = keras.ops.convert_to_numpy(variable)
                file.attrs[STEP] = self.step
                file.attrs[KINDS] = json.dumps(kinds_of(self.kept))
                file.attrs[CALLBACKS] = json.dumps([callback.state() for callback in self.kept])
        self.saved = time.monotonic()
        self.took = self.saved - start


def kinds_of(callbacks: Sequence[keras.callbacks.Callback]) -> list[str]:
    """The names of the classes of callbacks."""
    return [type(callback).__name__ for callback in callbacks]
