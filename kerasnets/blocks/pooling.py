"""Pooling that is more than one layer."""

from keras import KerasTensor, layers

from kerasnets.blocks.conv import max_pool


def saf_pool(x: KerasTensor, dropout: float, kernel: int = 2, name: str | None = None) -> KerasTensor:
    """SAF-pooling (simple adaptive feature composition): max pooling followed by dropout.

    If dropout came first, the second largest value would replace a dropped one. After the pooling, the next
    layers have to do without the dropped features.

    Source: Hasanpour et al. 2018, arXiv:1802.06205, "Simple Adaptive Feature Composition Pooling".

    Args:
        x: Feature maps, (batch, height, width, channels).
        dropout: Dropout rate.
        kernel: Size of the windows in pixels; they do not overlap.
        name: Name of the pooling layer, and prefix of the dropout layer's name.

    Returns:
        Feature maps, (batch, height // kernel, width // kernel, channels).
    """
    x = max_pool(x, kernel, kernel, padding="valid", name=name)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x
