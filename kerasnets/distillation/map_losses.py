"""Losses between feature maps, or vectors of features, of a teacher and a student.

- `fitnet`: Romero, Ballas, Kahou, Chassang, Gatta, Bengio, "FitNets: Hints for Thin Deep Nets", ICLR 2015,
  arXiv:1412.6550.
- `attention`: Zagoruyko, Komodakis, "Paying More Attention to Attention: Improving the Performance of
  Convolutional Neural Networks via Attention Transfer", ICLR 2017, arXiv:1612.03928.
- `similarity`: Tung, Mori, "Similarity-Preserving Knowledge Distillation", ICCV 2019, arXiv:1907.09682.
- `relation`: Park, Kim, Lu, Cho, "Relational Knowledge Distillation", CVPR 2019, arXiv:1904.05068.
- `nst`: Huang, Wang, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer", 2017,
  arXiv:1707.01219.
- `pkt`: Passalis, Tefas, "Learning Deep Representations with Probabilistic Knowledge Transfer", ECCV 2018,
  arXiv:1803.10837.

Each is a function (guide, guided): the maps of the teacher, which guide, and those of the student. Maps are
(batch, ..., channels) with one to three axes between; most methods also take vectors, (batch, features). The
result is the loss of each example, before any weight. The mean over the batch is what the authors' code
gives. The arithmetic is in float32 at least, no gradient flows into the guide, and maps of zeros have a
finite loss and gradient.
"""

import math
from typing import Any

import numpy as np
from keras import ops

from kerasnets.checks import refuse
from kerasnets.layers.lengths import of_unit_length
from kerasnets.layers.precision import in_float32

NEAR = 1e-12  # least squared distance whose root is taken, and least mean distance to divide by
EPSILON = 1e-7  # added to probabilities before the logarithm


def fitnet(guide: Any, guided: Any) -> Any:
    """Half the mean squared difference between the feature maps.

    Maps of a teacher of images are resized to the student's grid if theirs differs.

    Source: Romero et al., equation 3, which has half the sum.

    Args:
        guide: Maps of the teacher, (batch, ..., channels), or vectors.
        guided: Output of the student's regressor, with as many axes and channels.

    Returns:
        Tensor, (batch,).
    """
    guide, guided = both(guide, guided)
    if guided.ndim == 4:
        guide = resized(guide, guided)
    return 0.5 * ops.mean(ops.square(guided - guide), axis=tuple(range(1, guided.ndim)))


def attention(guide: Any, guided: Any) -> Any:
    """Mean over the positions of (a_student - a_teacher)^2.

    a is the mean over the channels of the squares, as a vector of all positions divided by its length. The
    larger grid is average-pooled to the smaller one; numbers of channels may differ. The sign, the order and
    the scale of the channels together do not matter. Made for maps after a ReLU.

    Differs from the paper, which has the length of the difference of the vectors, times beta / 2: the mean
    of the squares is what the authors' code has.

    Source: Zagoruyko and Komodakis, section 3.1.

    Args:
        guide: Maps of the teacher, (batch, ..., channels).
        guided: Maps of the student, (batch, ..., channels), with as many axes.

    Returns:
        Tensor, (batch,).

    Raises:
        ValueError: These are not maps of the same number of axes.
    """
    guide, guided = on_one_grid(*both(guide, guided))
    theirs, ours = (of_unit_length(flat(ops.mean(ops.square(x), axis=-1))) for x in (guide, guided))
    return ops.mean(ops.square(ours - theirs), axis=-1)


def nst(guide: Any, guided: Any) -> Any:
    """Squared maximum mean discrepancy between the channels of the two maps.

    Each channel is a vector of all positions, divided by its length. With the kernel k(a, b) = (a . b)^2,
    this is the mean of k over pairs of the teacher's channels, plus that of the student's, minus twice that
    of one of each. If there are few positions, it is computed as
    |S S^T / (channels of S) - T T^T / (channels of T)|^2, where S and T have one row for each position;
    otherwise from the products of channels. Both give the same number, and the one with fewer values in
    memory is chosen. The larger grid is average-pooled to the smaller one; numbers of channels may differ.
    The scale of each channel and their order do not matter.

    Source: Huang and Wang, section 4, the polynomial kernel with d = 2 and c = 0.

    Args:
        guide: Maps of the teacher, (batch, ..., channels).
        guided: Maps of the student, (batch, ..., channels), with as many axes.

    Returns:
        Tensor, (batch,).

    Raises:
        ValueError: These are not maps of the same number of axes.
    """
    theirs, ours = (
        of_unit_length(ops.reshape(x, (-1, math.prod(ops.shape(x)[1:-1]), x.shape[-1])), axis=1)
        for x in on_one_grid(*both(guide, guided))
    )
    n, m, positions = theirs.shape[-1], ours.shape[-1], ours.shape[1]
    if positions is None or n * n + m * m + n * m < positions * (n + m):
        return kernels(theirs, theirs) + kernels(ours, ours) - 2 * kernels(theirs, ours)
    theirs, ours = (ops.matmul(x, ops.swapaxes(x, 1, 2)) / x.shape[-1] for x in (theirs, ours))
    return ops.sum(ops.square(ours - theirs), axis=(1, 2))


def similarity(guide: Any, guided: Any) -> Any:
    """Mean over the batch of the squared differences between the two nets' similarities of the examples.

    The similarity of two examples is the scalar product of their maps; the similarities of one example to
    the whole batch, itself included, are divided by the length of their vector. Maps may have any shapes. The
    loss does not change if all maps of a net are rotated or multiplied by one factor. The value depends on
    the batch, with several replicas on each replica's part of it; it decreases as 1 / batch size.

    Source: Tung and Mori, section 3.

    Args:
        guide: Maps of the teacher, (batch, ..., channels), or vectors.
        guided: Maps of the student, (batch, ..., channels), or vectors.

    Returns:
        Tensor, (batch,): the part of each example. Their mean is the authors' value.
    """
    theirs, ours = (of_unit_length(products(flat(x))) for x in both(guide, guided))
    return ops.mean(ops.square(ours - theirs), axis=-1)


def relation(guide: Any, guided: Any) -> Any:
    """`relation_distance` + 2 * `relation_angle`, in the proportion of the paper.

    The value depends on the batch, with several replicas on each replica's part of it. The loss does not
    change if all vectors of a net are shifted, rotated or multiplied by one factor. It is meant for vectors
    of features, (batch, features), because it keeps batch^3 numbers, and batch^2 times the number of
    features, in memory. Maps are flattened.

    Source: Park et al., section 3.2. RepDistiller weights the distances with 25 and the angles with 50, which
    is a weight of 25 here; the authors use 1 and 2 for metric learning.

    Args:
        guide: Vectors or maps of the teacher, (batch, ...).
        guided: Vectors or maps of the student, (batch, ...), of any width.

    Returns:
        Tensor, (batch,): the part of each example.
    """
    return relation_distance(guide, guided) + 2 * relation_angle(guide, guided)


def relation_distance(guide: Any, guided: Any) -> Any:
    """Mean Huber loss between the two nets' distances of an example from each example of the batch.

    Distances are divided by their mean over all pairs. The Huber loss is x^2 / 2 up to 1, and |x| - 1 / 2
    beyond. See `relation` for what it depends on.

    Differs from the authors' code, which computes distances from scalar products: here they are computed from
    the differences of the vectors, which gives the same numbers but for rounding.

    Source: Park et al., section 3.2.1.

    Args:
        guide: Vectors or maps of the teacher, (batch, ...).
        guided: Vectors or maps of the student, (batch, ...), of any width.

    Returns:
        Tensor, (batch,): the part of each example. Their mean is the authors' value.
    """
    found = []
    for x in both(guide, guided):
        squares = ops.sum(ops.square(differences(flat(x))), axis=-1)
        pairs = 1 - ops.diag(ops.ones_like(squares[0]))
        lengths = pairs * ops.sqrt(ops.maximum(squares, NEAR))
        mean = ops.sum(lengths) / ops.maximum(ops.sum(pairs), 1.0)
        found.append(lengths / ops.maximum(mean, NEAR))  # not 0 / 0 in a batch of one
    theirs, ours = found
    return ops.mean(huber(ours - theirs), axis=-1)


def relation_angle(guide: Any, guided: Any) -> Any:
    """Mean Huber loss between the two nets' cosines of the angles at an example, over all pairs of examples.

    The angle of a pair is that between the vectors from the example to the two others. See `relation` for
    the memory.

    Source: Park et al., section 3.2.2.

    Args:
        guide: Vectors or maps of the teacher, (batch, ...).
        guided: Vectors or maps of the student, (batch, ...), of any width.

    Returns:
        Tensor, (batch,): the part of each example. Their mean is the authors' value.
    """
    theirs, ours = (products(of_unit_length(differences(flat(x)))) for x in both(guide, guided))
    return ops.mean(huber(ours - theirs), axis=(1, 2))


def pkt(guide: Any, guided: Any) -> Any:
    """Mean over the batch of p * log(p / q), with p and q the normalized similarities of the examples.

    The similarity of two examples is (1 + cosine) / 2, with the cosine of their vectors; the similarities of
    one example to the whole batch, itself included, are divided by their sum, which gives the teacher's p and
    the student's q. The loss does not change if all vectors of a net are rotated, or any is multiplied by a
    positive factor. The value depends on the batch, with several replicas on each replica's part of it.

    Differs from the paper, which leaves the example itself out: like the mean, and the 1e-7 added to p and
    q, it is included as in the authors' code.

    Source: Passalis and Tefas, section 3.

    Args:
        guide: Vectors or maps of the teacher, (batch, ...).
        guided: Vectors or maps of the student, (batch, ...), of any width.

    Returns:
        Tensor, (batch,): the part of each example. Their mean is the authors' value.
    """
    found = []
    for x in both(guide, guided):
        similarities = (1 + products(of_unit_length(flat(x)))) / 2
        found.append(similarities / ops.sum(similarities, axis=-1, keepdims=True))
    p, q = found
    return ops.mean(p * (ops.log(p + EPSILON) - ops.log(q + EPSILON)), axis=-1)


# The methods by name.
MAP_LOSSES = {
    "fitnet": fitnet,
    "attention": attention,
    "similarity": similarity,
    "relation": relation,
    "nst": nst,
    "pkt": pkt,
}


def both(guide: Any, guided: Any) -> tuple[Any, Any]:
    """Guide and guided in one dtype, at least float32; no gradient flows into the guide."""
    guide = in_float32(ops.stop_gradient(ops.convert_to_tensor(guide)))
    guided = in_float32(ops.convert_to_tensor(guided))
    return ops.cast(guide, guided.dtype), guided


def flat(x: Any) -> Any:
    """One vector an example, (batch, features)."""
    return ops.reshape(x, (-1, math.prod(ops.shape(x)[1:])))


def products(x: Any) -> Any:
    """Scalar products of all pairs of vectors, (..., n, features) -> (..., n, n)."""
    return ops.matmul(x, ops.swapaxes(x, -1, -2))


def kernels(x: Any, y: Any) -> Any:
    """Mean of the squared products of pairs of channels, (batch, positions, channels) -> (batch,)."""
    return ops.mean(ops.square(ops.matmul(ops.swapaxes(x, 1, 2), y)), axis=(1, 2))


def differences(x: Any) -> Any:
    """Differences of all pairs of vectors, (batch, features) -> (batch, batch, features)."""
    return ops.expand_dims(x, 0) - ops.expand_dims(x, 1)


def huber(x: Any) -> Any:
    """Half the square up to 1, and |x| - 1/2 beyond."""
    size = ops.abs(x)
    near = ops.minimum(size, 1.0)
    return near * (size - 0.5 * near)


def on_one_grid(guide: Any, guided: Any) -> tuple[Any, Any]:
    """Guide and guided, both average-pooled to the smaller number of cells along each axis.

    Raises:
        ValueError: These are not maps of the same number of axes, or grids that differ are not known.
    """
    if guide.ndim != guided.ndim or guided.ndim < 3:
        refuse("guided", f"maps, (batch, ..., channels), with the guide's {guide.ndim} axes", guided.shape)
    for axis in range(1, guided.ndim - 1):
        theirs, ours = guide.shape[axis], guided.shape[axis]
        if theirs != ours:
            if None in (theirs, ours):
                refuse("guided", f"maps of a known grid, or of the guide's {guide.shape}", guided.shape)
            guide, guided = (pooled(x, axis, min(theirs, ours)) for x in (guide, guided))
    return guide, guided


def resized(images: Any, like: Any) -> Any:
    """Resizes maps, (batch, height, width, channels), to the grid of others, bilinearly with antialiasing.

    If the sizes are known, this is done by matrices, which XLA can compile.
    """
    if None in (*images.shape[1:3], *like.shape[1:3]):
        return ops.image.resize(images, ops.shape(like)[1:3], antialias=True, data_format="channels_last")
    for axis in (1, 2):
        size, cells = images.shape[axis], like.shape[axis]
        if size != cells:
            places = (np.arange(cells) + 0.5) * size / cells - 0.5
            reach = max(size / cells, 1.0)
            shares = np.maximum(1 - np.abs(places - np.arange(size)[:, None]) / reach, 0.0)
            images = along(images, axis, shares / shares.sum(0))
    return images


def along(x: Any, axis: int, matrix: np.ndarray) -> Any:
    """Multiplies a tensor along an axis by a matrix, (cells before, cells after)."""
    return ops.moveaxis(ops.tensordot(x, ops.cast(matrix, x.dtype), axes=[[axis], [0]]), -1, axis)


def pooled(x: Any, axis: int, cells: int) -> Any:
    """Averages an axis over bins, which overlap if their number does not divide the size of the axis.

    Bin i of n of an axis of m cells goes from floor(i * m / n) to ceil((i + 1) * m / n), as in PyTorch's
    adaptive average pooling.

    Args:
        x: Tensor of floats.
        axis: The axis, of known size.
        cells: Number of bins.

    Returns:
        A tensor of the shape of `x`, but for `cells` along the axis.
    """
    size = x.shape[axis]
    if size == cells:
        return x
    means = np.zeros((size, cells))
    for i in range(cells):
        start, end = i * size // cells, -(-(i + 1) * size // cells)
        means[start:end, i] = 1 / (end - start)
    return along(x, axis, means)
