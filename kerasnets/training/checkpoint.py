"""The state of a run in one file, so that it can be killed at any moment and go on."""

import os
import pathlib
import time

import h5py
import keras

from kerasnets.weights.state import random_states

RANDOM = "kerasnets_random_states"


class Checkpoint(keras.callbacks.Callback):
    """Keeps weights, optimizer, random state and position of a run in one file.

    The file is replaced whole, so whatever kills the run, the last whole state is there. (Keras's
    BackupAndRestore writes weights and epoch as two files, neither of them at once.)

    Args:
        path: Path of the file, which ends in ".weights.h5".
        every: Seconds between two savings, at the ends of epochs.
    """

    def __init__(self, path, every=10.0):
        super().__init__()
        self.path = pathlib.Path(path)
        self.every = every
        self.saved = time.monotonic()

    def restore(self, model, steps):
        """Brings a compiled model to the state of the file, if there is one.

        Args:
            model: The model, built and compiled as it was.
            steps: Steps of an epoch.

        Returns:
            The number of the epoch to go on with, 0 where there is no file.
        """
        if not self.path.exists():
            return 0
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self.path)
        with h5py.File(self.path) as file:
            for i, state in enumerate(random_states(model)):
                state.assign(file[RANDOM][str(i)][()])
        return int(model.optimizer.iterations) // steps

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() - self.saved >= self.every:
            self.save()

    def save(self):
        """Writes the file."""
        part = self.path.with_name(f"part-{self.path.name}")
        self.model.save_weights(part, overwrite=True)
        with h5py.File(part, "a") as file:
            for i, state in enumerate(random_states(self.model)):
                file[f"{RANDOM}/{i}"] = keras.ops.convert_to_numpy(state)
        os.replace(part, self.path)
        self.saved = time.monotonic()
