"""Callbacks of a training run: stop on NaN, log the learning rate, keep the best weights."""

import math
import os
import pathlib
from typing import Literal

import keras

from kerasnets import weights
from kerasnets.checks import refuse
from kerasnets.training import distribution


class StopOnNaN(keras.callbacks.Callback):
    """Stops a run whose loss is NaN or infinite, and reports the step and the learning rate.

    Put it before `Checkpoint`, so that no such state is saved.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Checks the loss.

        Raises:
            FloatingPointError: The loss is NaN or infinite.
        """
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            optimizer = self.model.optimizer
            step, rate = value(optimizer.iterations), value(optimizer.learning_rate)
            raise FloatingPointError(
                f"the loss is {loss} at step {step:,}, in epoch {self.epoch + 1}, at a learning rate of "
                f"{rate:.4g}: a lower rate or a clipped gradient may help"
            )


class LogRate(keras.callbacks.Callback):
    """Logs the learning rate of the first step of each epoch. Put it before the callbacks that write logs."""

    def __init__(self):
        super().__init__()
        self.rate = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.rate is None:
            self.rate = value(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"], self.rate = self.rate, None

    def state(self) -> float | None:
        """Returns the state that a resumed run needs, as JSON data."""
        return self.rate

    def set_state(self, state: float | None) -> None:
        """Restores the state of an earlier run."""
        self.rate = state


class Best(keras.callbacks.Callback):
    """Saves a net's weights, without the optimizer, after each epoch with the best score so far.

    Scores that are NaN or infinite are never the best. Of equal scores, the last is the best: few validation
    examples give many epochs the same score, of which the later ones were trained longer.

    Args:
        net: The trained model, or a part of it.
        path: Path of the file, which ends in ".weights.h5". It is replaced atomically.
        monitor: Name of the logged value that is the score.
        swap: A keras.callbacks.SwapEMAWeights, to save the averaged weights; None saves the trained ones.
        mode: "max" if the highest score is the best, "min" if the lowest is.

    Raises:
        ValueError: `mode` is not allowed.
    """

    def __init__(
        self,
        net: keras.Model,
        path: str | os.PathLike,
        monitor: str = "val_accuracy",
        swap: keras.callbacks.SwapEMAWeights | None = None,
        mode: Literal["max", "min"] = "max",
    ):
        super().__init__()
        if mode not in ("max", "min"):
            refuse("mode", "'max' or 'min'", mode)
        self.net, self.path, self.monitor, self.swap = net, pathlib.Path(path), monitor, swap
        self.sign = 1 if mode == "max" else -1
        self.score = None

    def on_epoch_end(self, epoch, logs=None):
        score = float(logs[self.monitor])
        if not math.isfinite(score):
            return
        if self.score is not None and self.sign * score < self.sign * self.score:
            return
        self.score = score
        if not distribution.is_first():
            return
        _ = self.model  # on JAX, this updates the weights of the model
        if self.swap:
            self.swap.on_test_begin()
        write_weights(self.net, self.path)
        if self.swap:
            self.swap.on_test_end()

    def state(self) -> float | None:
        """Returns the state that a resumed run needs, as JSON data."""
        return self.score

    def set_state(self, state: float | None) -> None:
        """Restores the state of an earlier run."""
        self.score = state if state is not None and math.isfinite(state) else None


def write_weights(net: keras.Model, path: str | os.PathLike) -> None:
    """Writes the weights of a net with its card, on the first host only.

    Args:
        net: The net.
        path: Path of the file, which ends in ".weights.h5".
    """
    if distribution.is_first():
        with distribution.alone():
            weights.save(net, path)


def value(number):
    """The number in a scalar variable or tensor, which may be on several devices."""
    return keras.ops.convert_to_numpy(number).item()
