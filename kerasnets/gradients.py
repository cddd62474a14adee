"""Gradients of functions of tensors, and compiled functions, on every backend of Keras."""

from collections.abc import Callable, Sequence
from typing import Any

import keras


def with_gradient(function: Callable) -> Callable:
    """Makes a function that also gives a gradient.

    Args:
        function: Function of tensors that returns a tensor, or a tuple of tensors.

    Returns:
        A function of the same tensors that returns what `function` returns, and the gradient of the sum of
        its only or first tensor with respect to the first argument. The gradient is zero where this tensor
        does not depend on the argument.
    """
    ways = {"jax": gradient_on_jax, "tensorflow": gradient_on_tensorflow, "torch": gradient_on_torch}
    return ways[keras.backend.backend()](function)


def compiled(function: Callable, variables: Sequence[keras.Variable], often: bool = True) -> Callable:
    """Compiles a function of tensors for each set of shapes that it meets.

    Args:
        function: The function. It changes no variable.
        variables: The variables that it reads.
        often: Whether it will run more than once. Otherwise TensorFlow, where compiling takes longer than one
            run, does not compile. JAX always does, since its operations one by one take ten times as long.
            PyTorch never does.

    Returns:
        A function of the same tensors.
    """
    if keras.backend.backend() == "tensorflow" and often:
        import tensorflow as tf

        traced = tf.function(function)
        # Called in this way, TensorFlow does not warn of functions that were made anew.
        return lambda *given: traced.get_concrete_function(*given)(*given)
    if keras.backend.backend() != "jax":
        return function
    import jax

    @jax.jit
    def stateless(values, *given):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*given)

    # As arguments, since XLA would take time to compute with constants while it compiles.
    return lambda *given: stateless([v.value for v in variables], *given)


def gradient_on_tensorflow(function: Callable) -> Callable:
    """`with_gradient` on TensorFlow."""
    import tensorflow as tf

    def both(x, *others):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            found = function(x, *others)
        return found, tape.gradient(first(found), x, unconnected_gradients="zero")

    return both


def gradient_on_jax(function: Callable) -> Callable:
    """`with_gradient` on JAX."""
    import jax

    def total(x, *others):
        found = function(x, *others)
        return first(found).sum(), found

    def both(x, *others):
        (_, found), gradient = jax.value_and_grad(total, has_aux=True)(x, *others)
        return found, gradient

    return both


def gradient_on_torch(function: Callable) -> Callable:
    """`with_gradient` on PyTorch."""
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
