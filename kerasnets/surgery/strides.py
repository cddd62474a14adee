"""How far apart the pixels of maps lie."""

import keras

from kerasnets.graph import nodes

STEP = 4096  # pixels by which inputs are made larger; a power of two, which every stride of a pyramid divides


def strides_of(model):
    """The strides of the maps in a graph.

    They follow from shapes alone: of inputs that are larger by `STEP`, a map of stride s is larger by
    `STEP` / s, whatever its padding.

    Args:
        model: A functional model.

    Returns:
        Strides by ids of Keras tensors; whole ones as int. What no weights stand before, and what does not
        grow with the inputs, is no map of features and left out.
    """
    rank = max(x.ndim for x in model.inputs)
    small, large = (specs(model, more) for more in (0, STEP))
    learned, steps = set(), {}
    for node in nodes(model):
        if getattr(node.operation, "weights", ()) or any(id(x) in learned for x in node.input_tensors):
            learned |= {id(x) for x in node.outputs}
        for x in map(id, node.outputs):
            if not (x in learned and x in small and x in large and small[x].ndim == rank > 2):
                continue
            sides = zip(small[x].shape[1:-1], large[x].shape[1:-1], strict=True)
            grown = min(b - a for a, b in sides)
            if grown > 0:
                steps[x] = STEP // grown if STEP % grown == 0 else STEP / grown
    return steps


def specs(model, more):
    """What a graph makes of inputs with `more` pixels on every side, by ids of Keras tensors.

    A side that is free has `STEP` pixels, and `more`. A layer that takes no other size than its own gives
    nothing.
    """
    known = {}
    for x in model.inputs:
        grid = [(side or STEP) + more for side in x.shape[1:-1]]
        known[id(x)] = keras.KerasTensor((x.shape[0], *grid, x.shape[-1]), dtype=x.dtype)
    for node in nodes(model):
        if any(id(x) not in known for x in node.input_tensors):
            continue
        args, kwargs = node.arguments.fill_in(known)
        try:
            made = node.operation.compute_output_spec(*args, **kwargs)
        except Exception:  # each layer has its own way to refuse a size
            continue
        known |= {id(x): y for x, y in zip(node.outputs, keras.tree.flatten(made), strict=True)}
    return known
