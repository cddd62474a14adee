"""Strides of feature maps: how many pixels of the input lie between neighboring positions of a map."""

import keras

from kerasnets.graph import nodes

# Pixels by which the inputs are enlarged; a power of two, so strides that are powers of two divide it.
ENLARGEMENT = 4096


def strides_of(model: keras.Model) -> dict[int, int | float]:
    """Strides of the feature maps in a graph.

    They follow from shapes alone: when the inputs are enlarged by `ENLARGEMENT` pixels, a map of stride s
    grows by `ENLARGEMENT` / s positions, whatever its padding.

    Args:
        model: A functional model.

    Returns:
        Strides in pixels, by the ids of Keras tensors; integers where they are whole. Tensors that no layer
        with weights precedes, or that do not grow with the inputs, are not feature maps and are left out.
    """
    rank = max(x.ndim for x in model.inputs)
    small, large = (shapes_of(model, extra) for extra in (0, ENLARGEMENT))
    learned, strides = set(), {}
    for node in nodes(model):
        if getattr(node.operation, "weights", ()) or any(id(x) in learned for x in node.input_tensors):
            learned |= {id(x) for x in node.outputs}
        for x in map(id, node.outputs):
            if not (x in learned and x in small and x in large and small[x].ndim == rank > 2):
                continue
            sides = zip(small[x].shape[1:-1], large[x].shape[1:-1], strict=True)
            growth = min(b - a for a, b in sides)
            if growth > 0:
                whole = ENLARGEMENT % growth == 0
                strides[x] = ENLARGEMENT // growth if whole else ENLARGEMENT / growth
    return strides


def shapes_of(model: keras.Model, extra: int) -> dict[int, keras.KerasTensor]:
    """What the tensors of a graph become when the sides of the inputs are enlarged.

    Args:
        model: A functional model.
        extra: Pixels added to every side. A side of unknown size counts as `ENLARGEMENT` pixels.

    Returns:
        Keras tensors of the new shapes, by the ids of those in the graph. The outputs of a layer that does
        not accept the new size, and all that is computed from them, are left out.
    """
    known = {}
    for x in model.inputs:
        grid = [(side or ENLARGEMENT) + extra for side in x.shape[1:-1]]
        known[id(x)] = keras.KerasTensor((x.shape[0], *grid, x.shape[-1]), dtype=x.dtype)
    for node in nodes(model):
        if any(id(x) not in known for x in node.input_tensors):
            continue
        args, kwargs = node.arguments.fill_in(known)
        try:
            outputs = node.operation.compute_output_spec(*args, **kwargs)
        except Exception:  # layers raise different errors for sizes that they do not accept
            continue
        known |= {id(x): y for x, y in zip(node.outputs, keras.tree.flatten(outputs), strict=True)}
    return known
