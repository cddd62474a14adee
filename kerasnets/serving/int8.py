"""Quantization of OpenVINO's models to 8 bits by NNCF, which measures ranges on calibration images.

With labels, the layers that cost accuracy stay in float32. Each layer by itself is computed in 8 bits, and
the layers are ranked by how much that changes the outputs of the float32 net. Then the first layers of the
ranking stay in float32, as few as suffice to lose no more of the labelled images than is allowed. In a trial
with a MobileNet trained on digits and 1,000 labelled images, NNCF's `quantize_with_accuracy_control` left one
layer of 29 in 8 bits; in one with 2,000, the first 6 of a ranking like this one were enough.

Points that need care:

- OpenVINO crashes where it runs a quantized net of small images with a free size on a processor with AMX
  (github.com/openvinotoolkit/openvino/issues/37577). So sizes are fixed while NNCF works, and where the file
  is run; in the file itself, they are free.
- NNCF and OpenVINO's converter report their use to their makers, unless the environment says that this is a
  test on a build server. So it says so, as long as they work here.
- NNCF corrects the bias of each layer for the rounding of its own weights only. So a layer that is computed
  in float32 again gets its own bias back, and the others stay as they are.

Source: Jacob et al. 2018, arXiv:1712.05877; nncf.quantize of https://github.com/openvinotoolkit/nncf.
"""

import contextlib
import io
import logging
import os

import numpy as np

from kerasnets.serving.runtimes import INPUT, OPENVINO_NAMES, OPENVINO_PRECISION, joined

SUBSET = 300  # images on which ranges are measured, as NNCF's makers advise
RANKED = 100  # images by which layers are ranked
BATCH = 50  # images that are computed at once
ROUND = "FakeQuantize"  # operation that rounds activations to 8 bits
WEIGHTED = ("Convolution", "GroupConvolution", "MatMul")  # operations whose weights have 8 bits
MOVED = ("MaxPool", "Pad", "Reshape", "Squeeze", "Transpose", "Unsqueeze")  # those that only move values
UNCHANGED = ("Reshape", "Convert")  # operations between a constant and its reader that keep its values


@contextlib.contextmanager
def unreported():
    """A context in which NNCF and OpenVINO's converter report nothing to their makers, and print nothing."""
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # NNCF's bars, which it shows in files too
            yield
    finally:
        os.environ.pop("CI")
        if before is not None:
            os.environ["CI"] = before


def quantize(model, images):
    """Quantizes a model.

    Args:
        model: An `openvino.Model` of images, whose input is named "images". It is changed: its size is fixed.
        images: Calibration images of 0..255, float32, (n, height, width, channels).

    Returns:
        The quantized model, an `openvino.Model`, for one image at a time.
    """
    with unreported():
        import nncf

        nncf.set_log_level(logging.ERROR)
        model.reshape({INPUT: [1, *images.shape[1:]]})
        data = nncf.Dataset(spread(images, SUBSET), lambda image: {INPUT: image[None]})
        device, count = nncf.TargetDevice.CPU, min(SUBSET, len(images))
        return nncf.quantize(model, data, target_device=device, subset_size=count)


def spread(images, most):
    """Up to `most` images, evenly spaced, since images of one class may lie next to one another."""
    return images[np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int)]


def controlled(model, images, is_right, max_drop):
    """Quantizes a model except for the layers that cost more than is allowed.

    Args:
        model: As for `quantize`.
        images: Labelled images, as for `quantize`.
        is_right: Function from the outputs for them, arrays by name, to whether each is right.
        max_drop: The largest share of the images, right in float32, that may be wrong.

    Returns:
        The quantized model, as of `quantize`, and the names of the operations that stay in float32.
    """
    import rich.console
    import rich.progress

    quantized = quantize(model, images)
    before = is_right(outputs(model, images))

    def is_enough(names):
        after = is_right(outputs(restored(quantized, model, names), images))
        return np.mean(before & ~after) <= max_drop

    if is_enough([]):
        return quantized, []
    few = spread(images, RANKED)
    expected, errors = outputs(model, few)["probabilities"], {}
    console = rich.console.Console(stderr=True)
    names = rounded(quantized)
    quiet = {"transient": True, "console": console, "disable": not console.is_terminal}
    for name in rich.progress.track(names, "ranking layers", **quiet):
        alone = restored(quantized, model, [other for other in names if other != name])
        errors[name] = np.square(outputs(alone, few)["probabilities"] - expected).sum()
    order = sorted(names, key=errors.get, reverse=True)
    low, high = 0, 1  # layers that are too few, and those that may be enough
    while high < len(order) and not is_enough(order[:high]):
        low, high = high, 2 * high
    high = min(high, len(order))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(order[:middle]) else (middle, high)
    return restored(quantized, model, order[:high]), order[:high]


def outputs(model, images):
    """The outputs of a model: arrays by name."""
    import openvino

    parts, compiled = [], {}
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        if len(batch) not in compiled:
            fixed = model.clone()
            fixed.reshape({INPUT: batch.shape})
            precise = {OPENVINO_PRECISION: OPENVINO_NAMES["float32"]}
            compiled[len(batch)] = openvino.Core().compile_model(fixed, "CPU", precise)
        given = compiled[len(batch)]({INPUT: batch})
        parts.append({name: x for key, x in given.items() for name in key.names})
    return joined(parts)


def rounded(model):
    """Names of the operations of a quantized model that compute with rounded values, in their order."""
    return [
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_type_name() in WEIGHTED
        or not moves(node)
        and node.get_type_name() != ROUND
        and any(rounding(port) for port in node.inputs())
    ]


def moves(node):
    """Whether an operation only moves values, for one other operation."""
    targets = [port for output in node.outputs() for port in output.get_target_inputs()]
    return node.get_type_name() in MOVED and len(targets) == 1


def rounding(port):
    """The input at which values were rounded: this one, or one before operations that move them; or None."""
    node = port.get_source_output().get_node()
    if node.get_type_name() == ROUND:
        return port
    return rounding(node.input(0)) if moves(node) else None


def restored(quantized, model, names):
    """A copy of a quantized model in which some operations are computed in float32, as in `model`."""
    from openvino import opset13

    copy = quantized.clone()
    own, plain = nodes(copy), nodes(model)
    for name in names:
        for port in filter(None, map(rounding, own[name].inputs())):
            port.replace_source_output(port.get_source_output().get_node().input(0).get_source_output())
        pairs = [(own[name], plain[name]), *zip(after(own[name]), after(plain[name]), strict=False)]
        for node, source in pairs:
            for port, other in zip(node.inputs(), source.inputs(), strict=True):
                value = constant(other)
                if value is not None:
                    port.replace_source_output(opset13.constant(value).output(0))
    return copy


def nodes(model):
    """The operations of a model by name."""
    return {node.get_friendly_name(): node for node in model.get_ops()}


def after(node):
    """The additions to what an operation returns, such as that of its bias."""
    targets = (port.get_node() for output in node.outputs() for port in output.get_target_inputs())
    return [node for node in targets if node.get_type_name() == "Add"]


def constant(port):
    """The constant that an input gets, as an array, or None if it gets no constant."""
    node = port.get_source_output().get_node()
    while node.get_type_name() in UNCHANGED:
        node = node.input(0).get_source_output().get_node()
    if node.get_type_name() != "Constant":
        return None
    return np.array(node.data).reshape(port.get_shape())


def layers_of(names, model, layers):
    """The layers of Keras to which operations belong, or the operations after them.

    OpenVINO drops the names of layers, so they are found by their kernels. One whose values have changed, as
    the scaling of images became part of it, is found by its size.

    Args:
        names: Names of operations.
        model: The `openvino.Model` in float32.
        layers: Layers of Keras.

    Returns:
        Names of layers, or texts such as "Add after NAME".
    """
    kernels = {
        layer.name: np.sort(np.ravel(layer.kernel))
        for layer in layers
        if getattr(layer, "kernel", None) is not None
    }
    found = {}
    for node in model.get_ordered_ops():
        value = constant(node.input(1)) if node.get_input_size() == 2 else None
        value = None if value is None or node.get_type_name() == "Add" else np.sort(value.ravel())
        same = {} if value is None else {n: k for n, k in kernels.items() if k.size == value.size}
        if same:
            found[node.get_friendly_name()] = name = min(same, key=lambda n: np.abs(same[n] - value).sum())
            kernels.pop(name)
    return [layer_of(nodes(model)[name], found) for name in names]


def layer_of(node, found):
    """The layer of an operation, or the operation after the nearest layer before it."""
    if node.get_friendly_name() in found:
        return found[node.get_friendly_name()]
    kind, before = node.get_type_name(), node
    while before.get_input_size() and before.get_friendly_name() not in found:
        before = before.input(0).get_source_output().get_node()
    return f"{kind} after {found.get(before.get_friendly_name(), 'the input')}"
