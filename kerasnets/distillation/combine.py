"""Combining the distributions of a generalist and of specialists with a dustbin class.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 5.3.

For one example, let p be the generalist's distribution and p_m that of active specialist m. The combined
distribution q minimizes

    KL(p, q) + sum over m of KL(p_m, q)

where q's probability of the dustbin of m is the sum over the classes outside the subset of m. This is a
convex problem, and it is solved in its dual form, which has one variable l_m for each active specialist. Let
w_j be the sum of the probabilities that all distributions assign to class j itself, let d_m be the dustbin
probability of m, and let

    s_j = 1 + (number of active specialists) - (sum of l_m over the specialists whose subset lacks j)

Then q_j = w_j / s_j for the l_m that minimize

    - sum over j of w_j log s_j - sum over m of d_m log l_m

The minimum is found by damped Newton steps: if a full step would reduce some s_j or l_m by r times its
value, the step is multiplied by 1 / (1 + r). Every step lowers the objective, and each of the last steps
doubles the number of correct digits. The iteration starts at l_m = 1, where specialists that agree with the
generalist leave its distribution unchanged. Classes that are in the same subsets have the same s_j, so the
cost of a step does not grow with the number of classes.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasnets.checks import is_int, refuse
from kerasnets.layers.dustbin import check_subset

STEPS = 100  # maximum number of Newton steps; about 6 suffice, 30 if distributions contradict one another


def combine(
    generalist_probs: Any,
    specialist_probs: Sequence,
    subsets: Sequence[Sequence[int] | np.ndarray],
    top: int = 1,
    dustbin: bool = True,
) -> Any:
    """Computes the distribution over all classes that best fits a generalist and its active specialists.

    A specialist is active for an example if its subset contains one of the generalist's `top` most probable
    classes.

    Source: sections 5.3 and 5.4, equation 5.

    Args:
        generalist_probs: Class probabilities, (batch, classes).
        specialist_probs: Probabilities of each specialist: (batch, its classes + 1) with the dustbin last; or
            (batch, classes) if `dustbin` is False.
        subsets: Class indices of each specialist, in the order of its probabilities.
        top: Number of the generalist's most probable classes that activate specialists.
        dustbin: Whether the specialists have a dustbin class. Specialists without one predict all classes,
            and the result is the mean of the generalist and the active specialists.

    Returns:
        Tensor of probabilities, (batch, classes), float64 if `generalist_probs` is, else float32.

    Raises:
        ValueError: Shapes or subsets do not fit one another, or `top` is not from 1 to the number of classes.
    """
    p = ops.convert_to_tensor(generalist_probs)
    dtype = "float64" if "64" in str(p.dtype) else "float32"
    p = ops.cast(p, dtype if keras.backend.backend() == "jax" else "float64")
    if p.ndim != 2:
        refuse("generalist_probs", "(batch, classes)", tuple(p.shape))
    n = p.shape[1]
    if n == 1:
        refuse("generalist_probs", "of two classes or more", tuple(p.shape))
    if not is_int(top, 1) or top > n:
        refuse("top", f"a whole number from 1 to {n}", top)
    if len(specialist_probs) != len(subsets):
        refuse(
            "subsets", f"one for each of the {len(specialist_probs)} specialists", f"{len(subsets)} subsets"
        )
    subsets = [check_subset("subsets", subset, n) for subset in subsets]
    if not subsets:
        return ops.cast(p, dtype)
    probs = [ops.cast(s, p.dtype) for s in specialist_probs]
    for subset, s in zip(subsets, probs, strict=True):
        width = len(subset) + 1 if dustbin else n
        if len(s.shape) != 2 or s.shape[1] != width:
            refuse("specialist_probs", f"of shape (batch, {width})", tuple(s.shape))

    is_member = np.stack([np.isin(np.arange(n), subset) for subset in subsets])  # (specialists, classes)
    top_classes = ops.sum(ops.one_hot(ops.top_k(p, top)[1], n, dtype=p.dtype), axis=1)
    active = ops.cast(top_classes @ constant(is_member.T, p) > 0, p.dtype)  # (batch, specialists)
    experts = 1 + ops.sum(active, axis=1, keepdims=True)
    if not dustbin:
        mean = (p + sum(active[:, m, None] * s for m, s in enumerate(probs))) / experts
        return ops.cast(mean, dtype)

    named = ops.concatenate([active[:, m, None] * s[:, :-1] for m, s in enumerate(probs)], axis=1)
    w = p + named @ constant(np.eye(n)[np.concatenate(subsets)], p)
    d = active * ops.stack([s[:, -1] for s in probs], axis=1)
    patterns, group = np.unique(
        ~is_member.T, axis=0, return_inverse=True
    )  # (groups, specialists), (classes,)
    group = group.reshape(-1)
    mass = w @ constant(np.eye(len(patterns))[group], p)
    q = w / ops.take(divisors(mass, d, active, experts, constant(patterns, p)), group, axis=1)
    # One expectation-maximization step, which subtracts nothing, corrects the rounding errors.
    outside = constant(~is_member.T, p)  # (classes, specialists)
    q = (w + q * ((d / at_least(q @ outside, negligible(p))) @ ops.transpose(outside))) / experts
    return ops.cast(q / ops.sum(q, axis=1, keepdims=True), dtype)


def divisors(mass: Any, d: Any, active: Any, experts: Any, outside: Any) -> Any:
    """Finds the divisors s of the sums w of each group of classes by Newton's method on the dual.

    Args:
        mass: Sum of w over the classes of each group, (batch, groups).
        d: Dustbin probabilities, 0 for inactive specialists, (batch, specialists).
        active: 1 for active specialists, else 0, (batch, specialists).
        experts: 1 + the number of active specialists, (batch, 1).
        outside: 1 where the classes of a group belong to a specialist's dustbin, else 0,
            (groups, specialists).

    Returns:
        Positive numbers, (batch, groups).
    """
    groups, specialists = outside.shape
    pairs = ops.reshape(outside[:, :, None] * outside[:, None, :], (groups, specialists**2))
    eye = ops.eye(specialists, dtype=mass.dtype)
    mass, d = at_least(mass, negligible(mass)), at_least(d, negligible(mass)) * active

    def divisors_for(duals):
        return at_least(experts - duals @ ops.transpose(outside), negligible(mass) / 100)

    def step(duals, _):
        # Steps are relative to the duals, which can differ by orders of magnitude. Gradient and Hessian are
        # therefore multiplied by the duals.
        s = divisors_for(duals)
        share = mass / s
        gradient = duals * (share @ outside) - d
        hessian = ops.reshape((share / s) @ pairs, (-1, specialists, specialists))
        hessian = hessian * duals[:, :, None] * duals[:, None, :] + eye * (d + 1 - active)[:, :, None]
        change = -ops.squeeze(ops.solve(hessian, gradient[:, :, None]), -1)
        reductions = ops.concatenate([-change, (duals * change) @ ops.transpose(outside) / s], axis=1)
        r = at_least(ops.max(reductions, axis=1, keepdims=True), 0)
        return duals * (1 + change / (1 + r)), ops.max(ops.abs(gradient))

    duals, _ = ops.while_loop(
        lambda _, error: error > negligible(mass),
        step,
        (active, ops.ones((), mass.dtype)),
        maximum_iterations=STEPS,
    )
    return divisors_for(duals)


def negligible(x: Any) -> float:
    """A probability that is negligible in the precision of a tensor."""
    return float(np.finfo(keras.backend.standardize_dtype(x.dtype)).eps) ** 0.75


def at_least(x: Any, bound: float) -> Any:
    """Elementwise maximum of a tensor and a number. Keras's probs always gives float32 on PyTorch."""
    return ops.clip(x, bound, np.inf)


def constant(array: Any, like: Any) -> Any:
    """Converts an array to a tensor of the precision of another tensor."""
    return ops.convert_to_tensor(np.asarray(array), dtype=like.dtype)
