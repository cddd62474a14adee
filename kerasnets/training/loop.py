"""Keras's fit for runs that can be killed at any time and resumed."""

import os
import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kerasnets import files
from kerasnets.checks import is_int, refuse
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
    """Trains a compiled model, or resumes an earlier run that wrote the same files.

    A run that is killed and resumed ends with the weights of an uninterrupted run, provided that `batches`
    gives the same batches.

    Args:
        model: A built and compiled keras.Model. Its `steps_per_execution` divides the steps of an epoch.
        batches: Function of the number of a step, counted from the start of the run. It returns a
            tf.data.Dataset of the batches from that step on.
        steps: Steps per epoch.
        epochs: Epochs of the run.
        state: Path of the checkpoint, which ends in ".weights.h5".
        history: Path of a CSV file for the logs of each epoch.
        validation: A finite dataset to validate on after every epoch, or None.
        callbacks: Further callbacks. `Checkpoint` saves the state of those with `state` and `set_state`.
        every: Seconds between checkpoints, as in `Checkpoint`.

    Raises:
        ValueError: The `steps_per_execution` of the model does not divide `steps`, or the steps that are left
            of an epoch in which another run was stopped. Keras would take steps of the next epoch into it. Or
            the earlier run had other callbacks with a state.
        FloatingPointError: The loss is NaN or infinite.
    """
    together = model.steps_per_execution
    if not is_int(together, 1) or steps % together:
        refuse("steps_per_execution", f"a divisor of {steps}, the steps of an epoch", together)
    with tempfile.TemporaryDirectory() as folder, distribution.batch_norm_fused(model):
        if not distribution.is_first():  # only the first host keeps the files
            state, history = (pathlib.Path(folder) / pathlib.Path(path).name for path in (state, history))
        checkpoint = Checkpoint(state, every, callbacks)
        for callback in callbacks:
            if isinstance(callback, Progress):
                callback.total_epochs = epochs  # a resumed epoch has its own call of Keras's fit
        while (first := checkpoint.restore(model, steps)) < steps * epochs:
            epoch, done = divmod(first, steps)
            if (steps - done) % together:
                left = f"a divisor of {steps - done}, the steps that are left of the epoch in {state}"
                refuse("steps_per_execution", left, together)
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
    # The checkpoint has the trained weights and their averages. As Keras's fit, this ends with the averages.
    model.optimizer.finalize_variable_values(model.trainable_variables)


def trim(history, epochs):
    """Cuts a CSV file down to its header and a line for each epoch before the checkpoint."""
    history = pathlib.Path(history)
    if not history.exists():
        return
    lines = history.read_text(encoding="utf-8").splitlines(keepends=True)[: epochs + 1]
    files.write_text(history, "".join(lines if epochs else ()))
