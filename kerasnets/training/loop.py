"""Keras's fit, so that a run can be killed at any moment and go on."""

import pathlib
import tempfile

import keras

from kerasnets import files
from kerasnets.training import distribution
from kerasnets.training.callbacks import StopOnNaN
from kerasnets.training.checkpoint import Checkpoint
from kerasnets.training.progress import Progress


def fit(model, batches, steps, epochs, *, state, history, validation=None, callbacks=(), every=10.0):
    """Trains a compiled model, going on where an earlier run into the same files was stopped.

    A run that was killed ends with the weights that it would have had, if `batches` gives it the batches that
    it would have seen.

    Args:
        model: A built and compiled keras.Model.
        batches: Function of the number of a step, counted from the start of the run, that gives a
            tf.data.Dataset of all batches from this one on.
        steps: Steps of an epoch.
        epochs: Epochs of the run.
        state: Path of the file that keeps the run's state, which ends in ".weights.h5".
        history: Path of the CSV file of the logs of each epoch.
        validation: A finite dataset that is tested on after every epoch, or None.
        callbacks: More callbacks. One that knows something that belongs to the run has methods `state` and
            `set_state`, as `Checkpoint` wants them.
        every: Seconds between two savings of the state.

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
    """Leaves of a CSV file its header and a line for each epoch that the kept state holds."""
    history = pathlib.Path(history)
    if not history.exists():
        return
    lines = history.read_text(encoding="utf-8").splitlines(keepends=True)[: epochs + 1]
    files.write_text(history, "".join(lines if epochs else ()))
