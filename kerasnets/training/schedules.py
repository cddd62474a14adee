"""The learning rate schedules of the papers, given in epochs and built from those of Keras.

Each function takes the initial rate, the steps of an epoch, the epochs of the run, and the options of its
kind, in epochs, which may be fractions. It returns a `keras.optimizers.schedules.LearningRateSchedule`, or a
constant rate.
"""

import keras

from kerasnets.checks import is_number, refuse

schedules = keras.optimizers.schedules


def constant(rate, steps, epochs):
    """A constant rate."""
    return float(rate)


def step(rate, steps, epochs, at, factor=0.1, warmup=0, warmup_rate=None):
    """A rate that is multiplied by `factor` at each epoch of `at`, after a warm-up at a constant rate.

    Source of the warm-up: He et al. 2016, section 4.2, the net of 110 layers.
    """
    ends = ([warmup] if warmup else []) + list(at)
    rates = ([warmup_rate] if warmup else []) + [rate * factor**i for i in range(len(at) + 1)]
    return pieces(ends, rates, steps)


def stages(rate, steps, epochs, at, rates):
    """A rate that is replaced by the next one at each epoch of `at`."""
    return pieces(at, (rate, *rates), steps)


def exponential(rate, steps, epochs, every, factor):
    """A rate that is multiplied by `factor` every `every` epochs; Szegedy et al. 2016, section 8."""
    return schedules.ExponentialDecay(float(rate), whole(every, steps), factor, staircase=True)


def polynomial(rate, steps, epochs, power=1.0):
    """A rate that decays to zero as a power of the time left, like the policy "poly" of Caffe."""
    return schedules.PolynomialDecay(float(rate), steps * epochs, 0.0, power)


def cosine(rate, steps, epochs, warmup=0):
    """A linear warm-up, then a cosine decay to zero."""
    rise = round(warmup * steps)
    if not rise:
        return schedules.CosineDecay(float(rate), steps * epochs)
    return schedules.CosineDecay(0.0, steps * epochs - rise, warmup_target=float(rate), warmup_steps=rise)


def plateau(rate, steps, epochs, patience, factor=0.1, monitor="val_loss"):
    """A rate that `Plateau` multiplies by `factor` when `monitor` has not improved for `patience` epochs."""
    return float(rate)


SCHEDULES = {f.__name__: f for f in (constant, step, stages, exponential, polynomial, cosine, plateau)}
EPOCHS = ("at", "every", "warmup", "patience")  # the options that are epochs


def pieces(ends, rates, steps):
    """Rates of one piece of a run after another, the first epochs of all but the first given."""
    # Keras's boundary is the last step of a piece, not the first of the next.
    return schedules.PiecewiseConstantDecay([whole(e, steps) - 1 for e in ends], [float(r) for r in rates])


def whole(epochs, steps):
    """The steps of some epochs, at least one."""
    return max(1, round(epochs * steps))


def check(rate, kind, options, epochs):
    """Refuses options of a schedule that are not allowed or that do not fit into the run.

    Args:
        rate: First rate.
        kind: Key of `SCHEDULES`.
        options: Its options by name, known ones alone.
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
    if kind == "stages" and len(options["at"]) != len(options["rates"]):
        refuse("rates", "as many rates as `at` has epochs", options["rates"])
    if kind == "step" and options.get("warmup") and "warmup_rate" not in options:
        refuse("warmup_rate", "a rate where `warmup` is given", None)
    if kind == "step" and options["at"] and options.get("warmup", 0) >= options["at"][0]:
        refuse("warmup", "given in epochs below the first of `at`", options["warmup"])


def stretched(options, share):
    """Options of a schedule, stretched for a run that is `share` times as long."""

    def stretch(value):
        return tuple(v * share for v in value) if isinstance(value, (tuple, list)) else value * share

    return {n: stretch(v) if n in EPOCHS else v for n, v in options.items()}


class Plateau(keras.callbacks.ReduceLROnPlateau):
    """Keras's ReduceLROnPlateau with a state that `Checkpoint` saves."""

    KEPT = ("best", "wait", "cooldown_counter")

    def on_train_begin(self, logs=None):
        """Keeps the state, which Keras would reset."""

    def state(self):
        """The state that a resumed run needs, as JSON."""
        return {word: getattr(self, word) for word in self.KEPT}

    def set_state(self, state):
        """Takes up the state of an earlier run."""
        for word in self.KEPT:
            setattr(self, word, state[word])
