"""Keras's fit for runs that can be killed at any time and resumed."""

import os
import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kerasnets import files
from kerasnets.training import distribution
from kerasnets.training.callbacks import StopOnNaN
from kerasnets.training.checkpoint import Checkpoint
from kerasnets.training.progress import Progress


def fit(
    model: keras.Model,
    batches: Callable[[int], Any],
    steps: int,
    epochs: int,
    *,
    state: str | os.PathLike,
    history: str | os.PathLike,
    validation: Any = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    every: float = 10.0,
) -> None:
    """Trains a compiled model, resuming an earlier run into the same files.

    A run that was killed and is resumed ends with the weights that it would have had, if `batches` gives it
    the batches that it would have seen.

    Args:
        model: A built and compiled keras.Model.
        batches: Function of the number of a step, counted from the start of the run, that returns a
            tf.data.Dataset of the batches from that step on.
        steps: Steps of an epoch.
        epochs: Epochs of the run.
        state: Path of the checkpoint, which ends in ".weights.h5".
        history: Path of a CSV file for the logs of each epoch.
        validation: A finite dataset to validate on after every epoch, or None.
        callbacks: More callbacks. Those whose state belongs to the run have the methods `state` and
            `set_state`, as in `Checkpoint`.
        every: Seconds between two checkpoints.

    Raises:
        FloatingPointError: The loss is NaN or infinite.
    """
    with tempfile.TemporaryDirectory() as folder:
        if not distribution.is_first():  # it takes the state from the first host, which keeps it
            state, history = (pathlib.Path(folder) / pathlib.Path(path).name for path in (state, history))
        checkpoint = Checkpoint(state, every, callbacks)
        for callback in callbacks:
            if isinstance(callback, Progress):
                callback.whole = epochs  # the rest of an epoch that was stopped is a call of its own
        while (first := checkpoint.restore(model, steps)) < steps * epochs:
            epoch, done = divmod(first, steps)
            trim(history, epoch)
            model.fit(
                batches(first),
                validation_data=validation,
                initial_epoch=epoch,
                epochs=epoch + 1 if done else epochs,
                steps_per_epoch=steps - done,
                shuffle=False,
                verbose=0,
                callbacks=[
                    StopOnNaN(),
                    *callbacks,
                    keras.callbacks.CSVLogger(history, append=epoch > 0),
                    checkpoint,
                ],
            )
    # Keras ends a fit with the averaged weights in the model; the state that was read back has both.
    model.optimizer.finalize_variable_values(model.trainable_variables)


def trim(history, epochs):
    """Cuts a CSV file down to its header and a line for each epoch before the checkpoint."""
    history = pathlib.Path(history)
    if not history.exists():
        return
    lines = history.read_text(encoding="utf-8").splitlines(keepends=True)[: epochs + 1]
    files.write_text(history, "".join(lines if epochs else ()))
