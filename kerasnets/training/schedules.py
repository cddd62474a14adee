"""The learning rate schedules of the papers, given in epochs and built from those of Keras.

Each function takes the initial rate, the steps per epoch, the epochs of the run, and options of its own.
Options that are times are given in epochs, and fractions are allowed. It returns a
`keras.optimizers.schedules.LearningRateSchedule`, or a constant rate.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras.optimizers import schedules

from kerasnets.checks import is_number, refuse

Schedule = schedules.LearningRateSchedule


def constant(rate: float, steps: int, epochs: int) -> float:
    """A constant rate."""
    return float(rate)


def step(
    rate: float,
    steps: int,
    epochs: int,
    at: Sequence[float],
    factor: float = 0.1,
    warmup: float = 0,
    warmup_rate: float | None = None,
) -> Schedule:
    """A rate that is multiplied by `factor` at each epoch of `at`, after a warm-up at a constant rate.

    Source of the warm-up: He et al. 2016, section 4.2, the net of 110 layers.
    """
    ends = ([warmup] if warmup else []) + list(at)
    rates = ([warmup_rate] if warmup else []) + [rate * factor**i for i in range(len(at) + 1)]
    return piecewise(ends, rates, steps)


def stages(rate: float, steps: int, epochs: int, at: Sequence[float], rates: Sequence[float]) -> Schedule:
    """A rate that is replaced by the next one at each epoch of `at`."""
    return piecewise(at, (rate, *rates), steps)


def exponential(rate: float, steps: int, epochs: int, every: float, factor: float) -> Schedule:
    """A rate that is multiplied by `factor` after every `every` epochs; Szegedy et al. 2016, section 8."""
    return schedules.ExponentialDecay(float(rate), steps_in(every, steps), factor, staircase=True)


def polynomial(rate: float, steps: int, epochs: int, power: float = 1.0) -> Schedule:
    """A rate that decays to zero as a power of the remaining time, like Caffe's policy "poly"."""
    return schedules.PolynomialDecay(float(rate), steps * epochs, 0.0, power)


def cosine(rate: float, steps: int, epochs: int, warmup: float = 0) -> Schedule:
    """A linear warm-up followed by a cosine decay to zero."""
    rise = round(warmup * steps)
    if not rise:
        return schedules.CosineDecay(float(rate), steps * epochs)
    return schedules.CosineDecay(0.0, steps * epochs - rise, warmup_target=float(rate), warmup_steps=rise)


def plateau(
    rate: float,
    steps: int,
    epochs: int,
    patience: float,
    factor: float = 0.1,
    monitor: str | None = None,
    min_delta: float = 1e-4,
) -> float:
    """A rate that `Plateau` multiplies by `factor` at the end of a plateau.

    That is where `monitor`, a logged accuracy or loss, has not improved by `min_delta` for `patience` epochs.
    None stands for the accuracy on a recipe's validation data, or without these on its training data. Losses
    are without weight decay and auxiliary heads.
    """
    return float(rate)


SCHEDULES = {f.__name__: f for f in (constant, step, stages, exponential, polynomial, cosine, plateau)}
EPOCHS = ("at", "every", "warmup", "patience")  # the options that are given in epochs


def piecewise(ends, rates, steps):
    """A piecewise constant rate: the next of `rates` begins at each epoch of `ends`."""
    # A boundary of Keras is the last step of a piece, not the first step of the next.
    return schedules.PiecewiseConstantDecay([steps_in(e, steps) - 1 for e in ends], [float(r) for r in rates])


def steps_in(epochs, steps):
    """Number of steps in some epochs, at least one."""
    return max(1, round(epochs * steps))


def check(rate: float, kind: str, options: Mapping[str, Any], epochs: int) -> None:
    """Refuses options of a schedule that are not allowed or do not fit the run.

    Args:
        rate: Initial rate.
        kind: Key of `SCHEDULES`.
        options: Options of its function by name.
        epochs: Epochs of the run.

    Raises:
        ValueError: An option is not allowed.
    """
    rates = [("rate", rate), *((n, options[n]) for n in ("factor", "warmup_rate", "power") if n in options)]
    for name, value in [*rates, *(("rates", r) for r in options.get("rates", ()))]:
        if not (is_number(value) and value > 0):
            refuse(name, "a number above 0", value)
    for name in EPOCHS:
        if name not in options:
            continue
        value = options[name]
        values = value if name == "at" else (value,)
        if not isinstance(values, (tuple, list)) or not all(is_number(v) and v >= 0 for v in values):
            refuse(name, "given in epochs, at least 0", value)
        if list(values) != sorted(set(values)) or (name != "warmup" and 0 in values):
            refuse(name, "given in epochs above 0, each later than the one before", value)
        if any(v >= epochs for v in values):
            refuse(name, f"given in epochs below the run's {epochs}", value)
    if kind == "plateau" and options.get("factor", 0.1) >= 1:
        refuse("factor", "a number between 0 and 1 for a plateau", options["factor"])
    if not (is_number(options.get("min_delta", 0)) and options.get("min_delta", 0) >= 0):
        refuse("min_delta", "a number, at least 0", options["min_delta"])
    if kind == "stages" and len(options["at"]) != len(options["rates"]):
        refuse("rates", "as many rates as `at` has epochs", options["rates"])
    if kind == "step" and options.get("warmup") and "warmup_rate" not in options:
        refuse("warmup_rate", "a rate where `warmup` is given", None)
    if kind == "step" and options["at"] and options.get("warmup", 0) >= options["at"][0]:
        refuse("warmup", "given in epochs below the first of `at`", options["warmup"])


def stretched(options: Mapping[str, Any], ratio: float) -> dict[str, Any]:
    """Options of a schedule for a run that is `ratio` times as long."""

    def stretch(value):
        return tuple(v * ratio for v in value) if isinstance(value, (tuple, list)) else value * ratio

    return {n: stretch(v) if n in EPOCHS else v for n, v in options.items()}


class Plateau(keras.callbacks.ReduceLROnPlateau):
    """Keras's ReduceLROnPlateau, with a state that `Checkpoint` saves; NaN is never its best value."""

    KEPT = ("best", "wait", "cooldown_counter")

    def on_train_begin(self, logs=None):
        """Keeps the state, which Keras's method resets."""

    def on_epoch_end(self, epoch, logs=None):
        """Lowers the rate at the end of a plateau."""
        super().on_epoch_end(epoch, logs)
        if self.best is not None and math.isnan(self.best):  # the first value; no number is better than it
            self.best = None

    def state(self) -> dict[str, float]:
        """Returns the state that a resumed run needs, as JSON data."""
        return {name: getattr(self, name) for name in self.KEPT}

    def set_state(self, state: Mapping[str, float]) -> None:
        """Restores the state of an earlier run."""
        for name in self.KEPT:
            setattr(self, name, state[name])
