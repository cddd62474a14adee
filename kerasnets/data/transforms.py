"""Functions of images: sizings such as crops, changes such as flips, scalings, and fits of their statistics.

Randomness depends only on a seed of two whole numbers. Deterministic functions take a seed too, and ignore
it.
"""

from collections.abc import Sequence
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from kerasnets.graph import draw_seeds
from kerasnets.scaling import Scaling

# Principal components of the colors of ImageNet's pixels, which are scaled to 0..1: eigenvalues, and
# eigenvectors as columns. Source: fb.resnet.torch, datasets/imagenet.lua, "computed from random subset of
# ImageNet".
IMAGENET_COLORS = (
    (0.2175, 0.0188, 0.0045),
    ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203)),
)
KERNELS = {"bilinear": "triangle", "bicubic": "keyscubic"}  # TensorFlow's names of the interpolations


def derived_seed(seed, number):
    """A new seed, derived from a seed and a number."""
    return tf.random.experimental.stateless_fold_in(seed, number)


def random_int(seed, bound, shape=()):
    """Random whole numbers from 0 to `bound` - 1, where `bound` may be a tensor."""
    share = tf.random.stateless_uniform(shape, seed)
    return tf.minimum(tf.cast(share * tf.cast(bound, tf.float32), tf.int32), bound - 1)


# Sizings take an image or clip, (..., height, width, channels), a seed, and the size, (height, width). Those
# that resize also take the interpolation, "bilinear" or "bicubic", and whether shrinking is antialiased.


def center_crop(image, seed, size, shorter=None, interpolation="bilinear", antialias=True):
    """Resizes the shorter side of an image and crops the center. None is the longer side of the crop."""
    sides = sides_of(image, shorter or max(size))
    return resize(image, sides, interpolation, antialias, (sides - size) // 2, size)


def random_crop(image, seed, size, shorter=256, interpolation="bilinear", antialias=True):
    """Resizes the shorter side of an image and crops at a random position.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 4.1; for clips Tran et al. 2015, section 4.1.
    """
    sides = sides_of(image, shorter)
    start = random_int(seed, sides - size + 1, [2])
    return resize(image, sides, interpolation, antialias, start, size)


def scale_jitter(image, seed, size, low=256, high=512, interpolation="bilinear", antialias=True):
    """Resizes the shorter side of an image to a random length from `low` to `high`, and crops at random.

    Source: Simonyan, Zisserman 2015, section 3.1, "multi-scale training".
    """
    shorter = low + random_int(derived_seed(seed, 0), high - low + 1)
    return random_crop(image, derived_seed(seed, 1), size, shorter, interpolation, antialias)


def area_crop(
    image, seed, size, area=(0.08, 1.0), aspect=(3 / 4, 4 / 3), interpolation="bilinear", antialias=True
):
    """Crops a random share of an image's area with a random aspect ratio, width over height, and resizes it.

    Source: Szegedy et al. 2015 (GoogLeNet), section 6.
    """
    sides = tf.shape(image)[-3:-1]
    start, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.concat([sides, [3]], 0),
        tf.zeros([0, 0, 4]),
        seed,
        min_object_covered=0.0,
        area_range=area,
        aspect_ratio_range=aspect,
        max_attempts=100,
        use_image_if_no_bounding_boxes=True,
    )
    (top, left), (height, width) = (tf.unstack(part[:2]) for part in (start, extent))
    image = image[..., top : top + height, left : left + width, :]
    return resize(image, size, interpolation, antialias)


def zoom(image, seed, size, interpolation="bilinear", antialias=True):
    """Resizes the whole image without keeping its aspect ratio."""
    return resize(image, size, interpolation, antialias)


def pad(image, seed, size):
    """Pads the image with zeros on all sides, or crops its center where it is larger."""
    return tf.image.resize_with_crop_or_pad(image, *size)


def whole(image, seed, size, shorter=256, interpolation="bilinear", antialias=True):
    """Resizes the shorter side of an image without cropping, so that images differ in size."""
    return resize_shorter(image, shorter, interpolation, antialias)


def resize_shorter(image, shorter, interpolation="bilinear", antialias=True):
    """Resizes an image to a length of its shorter side, in pixels, and keeps its aspect ratio."""
    return resize(image, sides_of(image, shorter), interpolation, antialias)


def sides_of(image, shorter):
    """Height and width of an image when its shorter side is resized to a length and its aspect ratio kept."""
    sides = tf.shape(image)[-3:-1]
    least = tf.reduce_min(sides)
    return (2 * sides * shorter + least) // (2 * least)  # rounded


def resize(image, sides, interpolation="bilinear", antialias=True, start=(0, 0), size=None):
    """Resizes an image, as Pillow and PyTorch do by default. All of this package resizes images by it.

    Args:
        image: Image or clip, (..., height, width, channels). Its values are 0..255 if they are uint8, and
            those of the result then stay within this range.
        sides: Height and width to resize to.
        interpolation: "bilinear" or "bicubic".
        antialias: Whether each pixel of a smaller image is a weighted mean of all pixels that it covers. If
            not, as in TensorFlow by default, it is computed from the 4 or 16 nearest ones.
        start: Row and column of the part of the resized image to return.
        size: Height and width of this part, None for all of it. Only this part is computed.

    Returns:
        A float32 tensor.
    """
    image = tf.convert_to_tensor(image)
    shape, size = tf.shape(image), sides if size is None else size
    resized = tf.raw_ops.ScaleAndTranslate(
        images=tf.reshape(image, tf.concat([[-1], shape[-3:]], 0)),
        size=size,
        scale=tf.cast(sides, tf.float32) / tf.cast(shape[-3:-1], tf.float32),
        translation=-tf.cast(start, tf.float32),
        kernel_type=KERNELS[interpolation],
        antialias=antialias,
    )
    if image.dtype == tf.uint8 and interpolation == "bicubic":
        resized = tf.clip_by_value(resized, 0.0, 255.0)
    return tf.reshape(resized, tf.concat([shape[:-3], size, shape[-1:]], 0))


# Changes take a batch, (batch, ..., height, width, channels), float32, values 0..255, and a seed.


def jitter(
    images: tf.Tensor,
    seed: tf.Tensor | Sequence[int],
    pixels: int = 2,
    mode: Literal["constant", "reflect"] = "constant",
) -> tf.Tensor:
    """Shifts each image randomly along both axes, and fills the border with zeros.

    Source: Hinton, Vinyals, Dean 2015, section 3: "jittered by up to two pixels in any direction". With 4
    pixels it is the padding and random crop of He et al. 2016, section 4.2, for CIFAR.

    Args:
        images: Tensor, (batch, ..., height, width, channels).
        seed: Two whole numbers; the same seed gives the same shifts.
        pixels: Largest shift in pixels.
        mode: "constant", or "reflect" to fill the border with the mirror image (Zagoruyko, Komodakis 2016,
            section 3).

    Returns:
        A tensor of the same shape.
    """
    shape = tf.shape(images)
    around = [[0, 0]] * (len(images.shape) - 3) + [[pixels, pixels]] * 2 + [[0, 0]]
    images = tf.pad(images, around, mode)
    shift = tf.random.stateless_uniform([shape[0], 2], seed, 0, 2 * pixels + 1, tf.int32)
    images = tf.gather(images, shift[:, :1] + tf.range(shape[-3]), axis=-3, batch_dims=1)
    return tf.gather(images, shift[:, 1:] + tf.range(shape[-2]), axis=-2, batch_dims=1)


def elastic(
    images: tf.Tensor,
    seed: tf.Tensor | Sequence[int],
    alpha: float = 34.0,
    sigma: float = 4.0,
    share: float = 1.0,
) -> tf.Tensor:
    """Displaces the pixels of each image by a smooth random field, like the variation of handwriting.

    Each pixel's displacement is random, uniform in [-1, 1] along both axes. The field of displacements is
    smoothed by a Gaussian filter and multiplied by `alpha`.

    Source: Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis", ICDAR 2003, section 2.

    Args:
        images: Tensor, (batch, ..., height, width, channels).
        seed: Two whole numbers; the same seed gives the same fields.
        alpha: Factor of the smoothed displacements, in pixels.
        sigma: Standard deviation of the Gaussian filter, in pixels.
        share: Probability that an image is displaced. The others stay sharp, while interpolation blurs those
            that are displaced; a net that is trained on blurred images alone has not seen sharp ones.

    Returns:
        A tensor of the same shape, float32.
    """
    shape = tf.shape(images)
    fields = tf.random.stateless_uniform([shape[0], 2, shape[-3], shape[-2]], seed, -1.0, 1.0)
    rows, columns = (gaussian_matrix(side, sigma) for side in (shape[-3], shape[-2]))
    factor = tf.reshape(alpha * chosen(seed, shape[0], share), [-1, 1, 1, 1])
    return displaced(images, factor * tf.matmul(rows, tf.matmul(fields, columns)))


def affine(
    images: tf.Tensor,
    seed: tf.Tensor | Sequence[int],
    degrees: float = 10.0,
    stretch: float = 0.1,
    shear: float = 0.1,
    share: float = 1.0,
) -> tf.Tensor:
    """Rotates, scales and shears each image randomly about its center.

    Source: Ciresan, Meier, Gambardella, Schmidhuber, "Deep, Big, Simple Neural Nets for Handwritten Digit
    Recognition", Neural Computation 2010, section 3.

    Args:
        images: Tensor, (batch, ..., height, width, channels).
        seed: Two whole numbers; the same seed gives the same changes.
        degrees: Largest angle, in degrees.
        stretch: Largest relative change of height and of width, which are drawn independently.
        shear: Largest shift of a row against the next one, in pixels, before the rotation.
        share: Probability that an image is changed, as in `elastic`.

    Returns:
        A tensor of the same shape, float32.
    """
    shape = tf.shape(images)
    angle, high, wide, slant = tf.unstack(
        tf.random.stateless_uniform([4, shape[0]], seed, -1.0, 1.0) * chosen(seed, shape[0], share)
    )
    angle, slant = angle * (degrees * np.pi / 180), shear * slant
    high, wide = 1.0 + stretch * high, 1.0 + stretch * wide
    sin, cos = tf.sin(angle), tf.cos(angle)
    # The column and row, from the center, that a pixel of the result is taken from: its own are scaled, then
    # sheared, then rotated.
    across, across_down = cos * wide, (cos * slant - sin) * high
    down_across, down = sin * wide, (sin * slant + cos) * high
    y, x = (tf.cast(shape[axis] - 1, tf.float32) / 2 for axis in (-3, -2))
    none = tf.zeros_like(angle)
    matrix = [across, across_down, x - across * x - across_down * y]
    matrix += [down_across, down, y - down_across * x - down * y, none, none]
    flat = tf.reshape(tf.cast(images, tf.float32), tf.concat([[-1], shape[-3:]], 0))
    changed = tf.raw_ops.ImageProjectiveTransformV3(
        images=flat,
        transforms=tf.repeat(tf.stack(matrix, 1), tf.shape(flat)[0] // shape[0], 0),
        output_shape=shape[-3:-1],
        fill_value=0.0,
        interpolation="BILINEAR",
    )
    return tf.reshape(changed, shape)


def chosen(seed, count, share):
    """1 for a random share of images, and 0 for the others."""
    draws = tf.random.stateless_uniform([count], derived_seed(seed, -1))
    return tf.cast(draws < share, tf.float32)


def gaussian_matrix(side, sigma):
    """The matrix, (side, side), of a Gaussian filter along an axis, which is cut off at 4 sigma."""
    reach = int(4 * sigma + 0.5)
    whole = tf.reduce_sum(tf.exp(-0.5 * (tf.range(-reach, reach + 1.0) / sigma) ** 2))
    apart = tf.cast(tf.range(side)[:, None] - tf.range(side), tf.float32)
    return tf.where(tf.abs(apart) <= reach, tf.exp(-0.5 * (apart / sigma) ** 2) / whole, 0.0)


def displaced(images, field):
    """The images seen through displaced pixels.

    Args:
        images: Tensor, (batch, ..., height, width, channels).
        field: Tensor, (batch, 2, height, width): for each pixel of the result, how many rows and columns off
            it is taken from the images, between whose pixels values are interpolated bilinearly. Outside
            they are zero.

    Returns:
        A tensor of the same shape, float32.
    """
    shape = tf.shape(images)
    height, width = shape[-3], shape[-2]
    around = [[0, 0]] * (len(images.shape) - 3) + [[1, 1], [1, 1], [0, 0]]
    flat = tf.reshape(
        tf.pad(tf.cast(images, tf.float32), around),
        tf.concat([shape[:1], [-1, (height + 2) * (width + 2)], shape[-1:]], 0),
    )
    corners, shares = [], []
    for axis, side in ((0, height), (1, width)):
        steps = tf.range(1.0, tf.cast(side, tf.float32) + 1)
        place = field[:, axis] + (steps[:, None] if axis == 0 else steps)
        place = tf.clip_by_value(place, 0.0, tf.cast(side + 1, tf.float32))
        corner = tf.minimum(tf.floor(place), tf.cast(side, tf.float32))
        corners.append(tf.cast(corner, tf.int32))
        shares.append(tf.reshape(place - corner, [shape[0], 1, height * width, 1]))
    first = tf.reshape(corners[0] * (width + 2) + corners[1], [shape[0], height * width])
    values = [tf.gather(flat, first + off, axis=-2, batch_dims=1) for off in (0, 1, width + 2, width + 3)]
    down, right = shares
    upper = values[0] + right * (values[1] - values[0])
    lower = values[2] + right * (values[3] - values[2])
    return tf.reshape(upper + down * (lower - upper), shape)


def flip(images, seed):
    """Flips each image horizontally with probability 0.5."""
    heads = tf.random.stateless_uniform([tf.shape(images)[0], 1], seed) < 0.5
    columns = tf.range(tf.shape(images)[-2])[None]
    return tf.gather(images, tf.where(heads, columns[:, ::-1], columns), axis=-2, batch_dims=1)


def lighting(images, seed, std=0.1, colors=IMAGENET_COLORS):
    """Adds a random multiple of the principal components of colors to all pixels of an image.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 4.1: each multiple is the eigenvalue times a Gaussian
    number of mean 0 and standard deviation 0.1. As in fb.resnet.torch, this applies to pixels of 0..1.

    Args:
        images: RGB images, values 0..255.
        seed: Two whole numbers.
        std: Standard deviation of the Gaussian numbers.
        colors: Eigenvalues, and eigenvectors as columns, of pixels scaled to 0..1.

    Returns:
        A tensor of the same shape, not clipped.
    """
    values, vectors = (tf.constant(c, tf.float32) for c in colors)
    multiples = values * tf.random.stateless_normal([tf.shape(images)[0], 3], seed, stddev=std)
    added = 255.0 * tf.matmul(multiples, vectors, transpose_b=True)
    return images + tf.reshape(added, [-1] + [1] * (len(images.shape) - 2) + [3])


def fitted_lighting(images, seed, fitted):
    """`lighting` with the principal components of the training set's own colors."""
    return lighting(images, seed, colors=fitted)


# Scalings, which are deterministic.


def contrast(scale=55.0):
    """Subtracts the mean of each image and scales it to a norm: global contrast normalization.

    Source: Goodfellow et al. 2013 (Maxout), section 5.2. The norm of 55 is that of pylearn2, its code.
    """
    return Scaling("contrast", contrast=scale)


def per_pixel_mean(fitted):
    """Subtracts the mean image of the training set.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 2; He et al. 2016, section 4.2.
    """
    return Scaling("per_pixel_mean", mean=fitted)


def zca(fitted):
    """Whitens images with the mean and matrix of `fit_zca`."""
    mean, matrix = fitted
    return Scaling("zca", mean=mean, matrix=matrix)


# Fits take a function that returns an iterator over the training images, arrays (batch, ...).


def fit_mean(batches):
    """The mean of the training images."""
    total, count = 0.0, 0
    for images in batches():
        total = total + images.sum(0, dtype="float64")
        count += len(images)
    return (total / count).astype("float32")


def fit_zca(batches, bias=0.1):
    """The mean and the matrix that whiten images by zero-phase component analysis.

    Source: Goodfellow et al. 2013 (Maxout), section 5.2. The bias is that of pylearn2, its code.

    Args:
        batches: Function that returns an iterator over the training images.
        bias: Number added to the variances.

    Returns:
        Mean of the flattened images, (n,), and a symmetric matrix, (n, n).
    """
    mean, variances, vectors = components(batches, lambda images: images.reshape(len(images), -1))
    matrix = vectors / np.sqrt(variances + bias) @ vectors.T
    return mean.astype("float32"), matrix.astype("float32")


def fit_colors(batches):
    """Eigenvalues, largest first, and eigenvectors, as columns, of the colors of pixels scaled to 0..1."""
    _, variances, vectors = components(batches, lambda images: images.reshape(-1, 3) / 255.0)
    return variances[::-1].copy(), vectors[:, ::-1].copy()


def components(batches, rows):
    """Mean, and variances and directions of the principal components, of all rows.

    Args:
        batches: Function that returns an iterator over the training images.
        rows: Function from a batch of images to rows, (m, n).
    """
    total = product = count = 0.0
    for images in batches():
        x = rows(images).astype("float64")
        total, product, count = total + x.sum(0), product + x.T @ x, count + len(x)
    mean = total / count
    return mean, *np.linalg.eigh(product / count - np.outer(mean, mean))


# Layers of Keras.


class Draws(keras.random.SeedGenerator):
    """A generator of seeds derived from a tensor, without a state that advances from batch to batch."""

    def __init__(self, seed):
        self.seed = seed
        self.drawn = 0

    def next(self, ordered=True):
        """The next seed."""
        self.drawn += 1
        return derived_seed(self.seed, self.drawn)


def keras_layer(layer, inputs, seed):
    """Calls a random layer of Keras with a given seed."""
    draws = Draws(seed)
    draw_seeds(layer, draws)  # RandAugment accepts no seed otherwise
    return layer(inputs)
