"""Pooling that is more than one layer."""

from keras import layers

from kerasnets.blocks.conv import max_pool


def saf_pool(x, dropout, kernel=2, name=None):
    """Adaptive feature composition pooling, SAF-pooling: the largest values, some of which are then dropped.

    Where dropout comes first, the next largest value takes a dropped one's place; behind the pooling, the
    layers that follow have to do without.

    Source: Hasanpour et al. 2018, arXiv:1802.06205, "Simple Adaptive Feature Composition Pooling".

    Args:
        x: Maps, (batch, height, width, channels).
        dropout: Share of the largest values dropped in training.
        kernel: Side of the windows, which do not overlap, in pixels.
        name: Name of the pooling, and start of the dropout's.

    Returns:
        (batch, height // kernel, width // kernel, channels).
    """
    x = max_pool(x, kernel, kernel, padding="valid", name=name)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x
