"""One distribution from those of a generalist and of specialists with a dustbin class.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 5.3.

For one case, with p the generalist's distribution and p_m those of its active specialists, q minimizes

    KL(p, q) + sum over m of KL(p_m, q)

where q's share of a specialist's dustbin is the sum over the classes outside its subset. The problem is
convex, and has a dual with one number l_m for each active specialist: with w_j all that the distributions
say of class j by name, and d_m the dustbin of m, q_j = w_j / s_j and s_j = 1 + (number of active specialists)
- (sum of l_m over those whose subset lacks j), where the l_m minimise

    - sum over j of w_j log s_j - sum over m of d_m log l_m

Newton's steps, shortened to 1 / (1 + r) where a whole one would take r times what is left of some s_j or l_m,
never miss: each lowers the sum, and the last double the right digits. At l_m = 1, the start, specialists that
agree with the generalist leave it as it is. Classes that the same subsets hold share one s_j, so the work
does not grow with their number.
"""

import keras
import numpy as np
from keras import ops

from kerasnets.checks import is_int, refuse
from kerasnets.layers.dustbin import check_subset

STEPS = 100  # bound on Newton's steps; about 6 are taken, 30 where distributions contradict one another


def combine(generalist_probs, specialist_probs, subsets, top=1, dustbin=True):
    """The distribution over all classes that agrees best with a generalist and its active specialists.

    Case by case a specialist is active where its subset holds one of the generalist's `top` classes.

    Source: sections 5.3 and 5.4, equation 5.

    Args:
        generalist_probs: (batch, classes), each row a distribution.
        specialist_probs: For each specialist (batch, its classes + 1), the dustbin last; or (batch, classes).
        subsets: For each specialist its classes, in the order of its probabilities.
        top: How many of the generalist's classes call specialists.
        dustbin: Whether specialists have a dustbin; else each speaks of all classes, and the answer is the
            mean of the generalist and the active ones.

    Returns:
        (batch, classes), in float64 where `generalist_probs` is, else in float32.

    Raises:
        ValueError: Shapes or subsets do not fit one another, or `top` is no number of classes.
    """
    p = ops.convert_to_tensor(generalist_probs)
    given = "float64" if "64" in str(p.dtype) else "float32"
    p = ops.cast(p, given if keras.backend.backend() == "jax" else "float64")
    if p.ndim != 2:
        refuse("generalist_probs", "(batch, classes)", tuple(p.shape))
    n = p.shape[1]
    if not is_int(top, 1) or top > n:
        refuse("top", f"a whole number from 1 to {n}", top)
    if len(specialist_probs) != len(subsets):
        refuse("subsets", f"one for each of {len(specialist_probs)} specialists", f"{len(subsets)} subsets")
    subsets = [check_subset("subsets", subset, n) for subset in subsets]
    if not subsets:
        return ops.cast(p, given)
    own = [ops.cast(s, p.dtype) for s in specialist_probs]
    for subset, s in zip(subsets, own, strict=True):
        width = len(subset) + 1 if dustbin else n
        if len(s.shape) != 2 or s.shape[1] != width:
            refuse("specialist_probs", f"of shape (batch, {width})", tuple(s.shape))

    member = np.stack([np.isin(np.arange(n), subset) for subset in subsets])  # (specialists, classes)
    called = ops.sum(ops.one_hot(ops.top_k(p, top)[1], n, dtype=p.dtype), axis=1)
    active = ops.cast(called @ constant(member.T, p) > 0, p.dtype)  # (batch, specialists)
    voices = 1 + ops.sum(active, axis=1, keepdims=True)
    if not dustbin:
        mean = (p + sum(active[:, m, None] * s for m, s in enumerate(own))) / voices
        return ops.cast(mean, given)

    named = ops.concatenate([active[:, m, None] * s[:, :-1] for m, s in enumerate(own)], axis=1)
    w = p + named @ constant(np.eye(n)[np.concatenate(subsets)], p)
    d = active * ops.stack([s[:, -1] for s in own], axis=1)
    alike, group = np.unique(~member.T, axis=0, return_inverse=True)  # (groups, specialists), (classes,)
    group = group.reshape(-1)
    mass = w @ constant(np.eye(len(alike))[group], p)
    q = w / ops.take(slack(mass, d, active, voices, constant(alike, p)), group, axis=1)
    # One step of expectation and maximisation, which has no difference in it, mends what rounding left.
    outside = constant(~member.T, p)  # (classes, specialists)
    q = (w + q * ((d / at_least(q @ outside, floor(p))) @ ops.transpose(outside))) / voices
    return ops.cast(q / ops.sum(q, axis=1, keepdims=True), given)


def slack(mass, d, active, voices, outside):
    """What to divide the mass of each group of classes by, found by Newton's method on the dual.

    Args:
        mass: (batch, groups), what is said by name of the classes of each group.
        d: (batch, specialists), dustbins; 0 where not active.
        active: (batch, specialists), ones and zeros.
        voices: (batch, 1), 1 + the number of active specialists.
        outside: (groups, specialists), 1 where the group is in the dustbin.

    Returns:
        (batch, groups), positive.
    """
    groups, specialists = outside.shape
    pairs = ops.reshape(outside[:, :, None] * outside[:, None, :], (groups, specialists**2))
    eye = ops.eye(specialists, dtype=mass.dtype)
    mass, d = at_least(mass, floor(mass)), at_least(d, floor(mass)) * active

    def left(duals):
        return at_least(voices - duals @ ops.transpose(outside), floor(mass) / 100)

    def step(duals, _):
        # In units of the duals themselves, whose sizes can be far apart.
        s = left(duals)
        share = mass / s
        gradient = duals * (share @ outside) - d
        curves = ops.reshape((share / s) @ pairs, (-1, specialists, specialists))
        curves = curves * duals[:, :, None] * duals[:, None, :] + eye * (d + 1 - active)[:, :, None]
        move = -ops.squeeze(ops.solve(curves, gradient[:, :, None]), -1)
        shrinks = ops.concatenate([-move, (duals * move) @ ops.transpose(outside) / s], axis=1)
        r = at_least(ops.max(shrinks, axis=1, keepdims=True), 0)
        return duals * (1 + move / (1 + r)), ops.max(ops.abs(gradient))

    duals, _ = ops.while_loop(
        lambda _, wrong: wrong > floor(mass),
        step,
        (active, ops.ones((), mass.dtype)),
        maximum_iterations=STEPS,
    )
    return left(duals)


def floor(x):
    """What is as good as no probability in the precision of a tensor."""
    return float(np.finfo(keras.backend.standardize_dtype(x.dtype)).eps) ** 0.75


def at_least(x, bound):
    """A tensor of which nothing is below a number; Keras's maximum on PyTorch is float32 always."""
    return ops.clip(x, bound, np.inf)


def constant(array, like):
    """An array as a tensor of another's precision."""
    return ops.convert_to_tensor(np.asarray(array), dtype=like.dtype)
