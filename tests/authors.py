"""What public loss files gave on fixed tensors, and values with gradients on any backend of Keras."""

import json
import pathlib

import keras
import numpy as np
from keras import ops

from kerasnets import distillation

RECORD = json.loads(pathlib.Path(__file__).with_name("distillation").joinpath("authors.json").read_text())
ROWS = RECORD["rows"]


def name_of(row):
    return "-".join(
        [row["loss"], row["inputs"], row["repository"], *(f"{k}={v}" for k, v in row["options"].items())]
    )


def wave(factor, function, frequency, phase, shape):
    x = getattr(np, function)(frequency * np.arange(np.prod(shape), dtype="float64") + phase)
    return factor * x.reshape(shape)


def tensors(name, dtype="float64"):
    """The teacher's tensor, the student's, and the labels."""
    given = RECORD["inputs"][name]
    return wave(*given["teacher"]).astype(dtype), wave(*given["student"]).astype(dtype), given["labels"]


def loss_of(row, dtype="float64"):
    """A function (teacher's, student's, labels) that gives the loss of a row as it is here."""
    options = dict(row["options"])
    loss = getattr(distillation, row["loss"])
    if "temperature" not in options:
        return lambda guide, guided, labels: loss(guide, guided)
    temperature, standardize = options.pop("temperature"), options.pop("standardize", False)
    before = distillation.standardized if standardize else lambda logits: logits
    return lambda v, z, labels: loss(before(v), before(z), labels, temperature, **options)


def array(x):
    return ops.convert_to_numpy(x)


def with_gradient(f, x, of=ops.sum):
    """f(x), and the gradient with respect to x of its sum, or its mean, as numpy arrays.

    A gradient that does not flow is zeros.
    """
    x = ops.convert_to_tensor(x)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
            total = of(y)
        gradient = tape.gradient(total, x, unconnected_gradients="zero")
    elif backend == "jax":
        import jax

        @jax.jit
        def both(x):
            y, back = jax.vjp(f, x)
            _, weights = jax.value_and_grad(of)(y)
            return y, back(weights)[0]

        y, gradient = both(x)
    else:
        x = x.detach().clone().requires_grad_()
        y = f(x)
        if y.requires_grad:
            of(y).backward()
        y, gradient = y.detach(), ops.zeros_like(x) if x.grad is None else x.grad
    return array(y), array(gradient)


def slopes(f, x, directions, step=1e-4):
    """The derivatives of the sum of f at x along directions, by central differences."""
    ahead, behind = ([array(f(x + sign * step * d)).sum() for d in directions] for sign in (1, -1))
    return np.subtract(ahead, behind) / (2 * step)
