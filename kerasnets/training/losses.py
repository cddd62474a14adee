"""Losses of nets with more than one head."""

from kerasnets.assembly.heads import outputs_of

AUX_WEIGHT = 0.3  # Szegedy et al. 2014, section 5


def aux_loss_weights(model, aux=AUX_WEIGHT):
    """Loss weights of a net with auxiliary heads, for `compile(loss_weights=...)`.

    Source: Szegedy et al., "Going Deeper with Convolutions", 2014, section 5: the auxiliary losses are
    "weighted by 0.3".

    Args:
        model: A functional model whose output is a dict with "predictions".
        aux: Weight of each auxiliary head.

    Returns:
        A dict: 1.0 for "predictions", `aux` for every other output.

    Raises:
        ValueError: `model` has no such output.
    """
    return {name: 1.0 if name == "predictions" else aux for name in outputs_of(model)}
