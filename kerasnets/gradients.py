"""Gradients with respect to the inputs of a function of tensors, on every backend of Keras."""

from collections.abc import Callable
from typing import Any

import keras


def with_gradient(function: Callable, compiled: bool = False) -> Callable:
    """Makes a function that also gives a gradient.

    Args:
        function: Function of tensors that returns a tensor, or a tuple of tensors.
        compiled: Whether it is compiled, for each set of shapes anew; PyTorch never compiles. This pays if it
            runs many times.

    Returns:
        A function of the same tensors that returns what `function` returns, and the gradient of the sum of
        its only or first tensor with respect to the first argument. The gradient is zero where this tensor
        does not depend on the argument.
    """
    return {"jax": on_jax, "tensorflow": on_tensorflow, "torch": on_torch}[keras.backend.backend()](
        function, compiled
    )


def on_tensorflow(function: Callable, compiled: bool) -> Callable:
    """`with_gradient` on TensorFlow."""
    import tensorflow as tf

    def both(x, *others):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            found = function(x, *others)
        return found, tape.gradient(first(found), x, unconnected_gradients="zero")

    return tf.function(both) if compiled else both


def on_jax(function: Callable, compiled: bool) -> Callable:
    """`with_gradient` on JAX."""
    import jax

    def total(x, *others):
        found = function(x, *others)
        return first(found).sum(), found

    def both(x, *others):
        (_, found), gradient = jax.value_and_grad(total, has_aux=True)(x, *others)
        return found, gradient

    return jax.jit(both) if compiled else both


def on_torch(function: Callable, compiled: bool) -> Callable:
    """`with_gradient` on PyTorch, which runs functions as they are."""
    import torch

    def both(x, *others):
        x = x.detach().clone().requires_grad_()
        with torch.enable_grad():
            found = function(x, *others)
            total = first(found).sum()
        gradient = torch.autograd.grad(total, x, allow_unused=True)[0] if total.requires_grad else None
        gradient = torch.zeros_like(x) if gradient is None else gradient
        return keras.tree.map_structure(lambda y: y.detach(), found), gradient

    return both


def first(found: Any) -> Any:
    """The only tensor or the first of a tuple."""
    return found[0] if isinstance(found, tuple) else found
