"""The state of a run in one file, so that it can be killed at any moment and go on."""

import json
import math
import pathlib
import time

import h5py
import keras

from kerasnets import files
from kerasnets.training import distribution
from kerasnets.weights.state import random_states

RANDOM, METRICS = "kerasnets_random_states", "kerasnets_metrics"
STEP, CALLBACKS = "kerasnets_step", "kerasnets_callbacks"
SHARE = 0.05  # of a run's time, at most, that savings within epochs take


class Checkpoint(keras.callbacks.Callback):
    """Keeps weights, optimizer, random state, metrics, position and callbacks of a run in one file.

    The file is replaced whole and flushed to the disk, so whatever kills the run, the last whole state is
    there. (Keras's BackupAndRestore writes weights and epoch as two files, neither of them at once.) It
    stands last among the callbacks, so that it keeps what the others know at the end of an epoch.

    Args:
        path: Path of the file, which ends in ".weights.h5".
        every: Seconds between two savings, at the ends of epochs and within them; within them at least twenty
            times what a saving takes. 0 saves after every step.
        callbacks: Callbacks whose knowledge belongs to the run: those with methods `state`, which gives it as
            JSON, and `set_state`, which takes it; others are left alone.
    """

    def __init__(self, path, every=10.0, callbacks=()):
        super().__init__()
        self.path = pathlib.Path(path)
        self.every = every
        self.kept = [c for c in callbacks if hasattr(c, "set_state")]
        self.saved, self.took = time.monotonic(), 0.0
        self.steps, self.step, self.metrics = math.inf, 0, []

    def restore(self, model, steps):
        """Brings a compiled model to the state of the file, if there is one.

        Args:
            model: The model, built and compiled as it was.
            steps: Steps of an epoch.

        Returns:
            The number of the step to go on with, counted from the start of the run, 0 where there is no file.
        """
        self.steps = steps
        distribution.copy_from_first(self.path)
        if not self.path.exists():
            return 0
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self.path)
        with h5py.File(self.path) as file:
            for i, state in enumerate(random_states(model)):
                state.assign(file[RANDOM][str(i)][()])
            self.step = int(file.attrs[STEP])
            self.metrics = [file[METRICS][str(i)][()] for i in range(len(file.get(METRICS, ())))]
            for callback, state in zip(self.kept, json.loads(file.attrs[CALLBACKS]), strict=True):
                callback.set_state(state)
        return self.step

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.metrics:  # what the part of this epoch before the run was stopped adds to the means
            for variable, before in zip(self.model.metrics_variables, self.metrics, strict=True):
                variable.assign(variable + before)
            self.metrics = []
        pause = self.every and max(self.every, self.took / SHARE)
        if self.step % self.steps and time.monotonic() - self.saved >= pause:
            self.save(metrics=self.model.metrics_variables)

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.params["epochs"] or time.monotonic() - self.saved >= self.every:
            self.save()

    def save(self, metrics=()):
        """Writes the file, within an epoch with the sums behind its metrics, on the first host."""
        if not distribution.is_first():
            return
        start = time.monotonic()
        with files.replacing(self.path) as part:
            with distribution.alone():
                self.model.save_weights(part)
            with h5py.File(part, "a") as file:
                for name, variables in ((RANDOM, random_states(self.model)), (METRICS, metrics)):
                    for i, variable in enumerate(variables):
                        file[f"{name}/{i}"] = keras.ops.convert_to_numpy(variable)
                file.attrs[STEP] = self.step
                file.attrs[CALLBACKS] = json.dumps([callback.state() for callback in self.kept])
        self.saved = time.monotonic()
        self.took = self.saved - start
