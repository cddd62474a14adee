"""Random changes of images that leave their class alone."""

import tensorflow as tf


def jitter(images, seed, pixels=2):
    """Shifts each image by up to some pixels in both directions; what comes in is zero.

    Source: Hinton, Vinyals, Dean 2015, section 3: "jittered by up to two pixels in any direction".

    Args:
        images: Tensor, (batch, height, width, channels).
        seed: Two whole numbers; the same seed gives the same shifts.
        pixels: Largest shift.

    Returns:
        A tensor of the same shape.
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    images = tf.pad(images, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])
    shift = tf.random.stateless_uniform([batch, 2], seed, 0, 2 * pixels + 1, tf.int32)
    rows = shift[:, :1] + tf.range(height)
    columns = shift[:, 1:] + tf.range(width)
    images = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(images, columns, axis=2, batch_dims=1)
