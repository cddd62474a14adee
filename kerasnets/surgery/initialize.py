"""New random values for the weights of a model, by the schemes of the literature.

The right size of random weights keeps the size of the feature maps from layer to layer. A unit that sums n
products of values with weights of variance v multiplies their mean square by n v, and ReLU halves it: weights
of variance 2 / n keep it, and with the same small number in each layer it shrinks or grows by a power of the
depth. The schemes differ in what they keep: values on the way forward or gradients on the way back.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import keras
import numpy as np

from kerasnets.assembly.registry import builder_of
from kerasnets.assembly.starts import Start
from kerasnets.checks import is_int, is_number, nearest, refuse
from kerasnets.graph import check_graph, deep_recursion, fresh_inputs, functional, run
from kerasnets.surgery.copies import Copies
from kerasnets.surgery.kernels import fans, kernels, owners_of
from kerasnets.weights import attach, card_of, inherit

# From the shape of a kernel, its fans and a seed, one of Keras's initializers.
Drawing = Callable[[tuple[int, ...], tuple[float, float], int], keras.Initializer]

DISTRIBUTIONS = {"normal": "untruncated_normal", "truncated": "truncated_normal", "uniform": "uniform"}
FANS = {"in": lambda fans: fans[0], "out": lambda fans: fans[1], "average": lambda fans: sum(fans) / 2}


def scaled(scale: float = 1.0, fan: str = "in", distribution: str = "normal") -> Drawing:
    """Weights of a variance of `scale` divided by a fan."""

    def drawing(shape, fans, seed):
        counted = math.prod(shape[:-1])  # what Keras takes for the fan-in
        share = scale * counted / FANS[fan](fans)
        return keras.initializers.VarianceScaling(share, "fan_in", DISTRIBUTIONS[distribution], seed)

    return drawing


def he(fan: str = "in", distribution: str = "normal") -> Drawing:
    """A variance of 2 / fan-in, which keeps the size of values through layers with ReLU.

    Source: He et al. 2015, arXiv:1502.01852, equations 10 and 14.
    """
    return scaled(2.0, fan, distribution)


def glorot(distribution: str = "uniform") -> Drawing:
    """A variance of 1 divided by the mean of fan-in and fan-out; Xavier's scheme.

    Source: Glorot and Bengio 2010, equations 12 and 16.
    """
    return scaled(1.0, "average", distribution)


def lecun(distribution: str = "normal") -> Drawing:
    """A variance of 1 / fan-in; as "uniform", what Caffe calls "xavier".

    Source: LeCun et al., "Efficient BackProp", 1998, section 4.6.
    """
    return scaled(1.0, "in", distribution)


def gaussian(std: float = 0.01, truncated: bool = False) -> Drawing:
    """The same standard deviation in all layers; `truncated` draws again what is beyond two of them."""
    kind = keras.initializers.TruncatedNormal if truncated else keras.initializers.RandomNormal
    return lambda shape, fans, seed: kind(0.0, std, seed)


def uniform(limit: float = 0.05, shared: bool = False) -> Drawing:
    """Uniform between plus and minus a limit; `shared` divides the limit by the fan-in."""

    def drawing(shape, fans, seed):
        own = limit / fans[0] if shared else limit
        return keras.initializers.RandomUniform(-own, own, seed)

    return drawing


SCHEMES = {
    "gaussian": gaussian,
    "uniform": uniform,
    "lecun": lecun,
    "glorot": glorot,
    "he": he,
    "scaled": scaled,
}
ABOVE_ZERO = (lambda v: is_number(v) and v > 0, "a number above 0")
FLAG = (lambda v: isinstance(v, bool), "True or False")
# For each option of a scheme: a test, and a description of what it allows.
OPTIONS = {
    "std": ABOVE_ZERO,
    "limit": ABOVE_ZERO,
    "scale": ABOVE_ZERO,
    "truncated": FLAG,
    "shared": FLAG,
    "fan": (lambda v: v in FANS, f"one of {', '.join(map(repr, FANS))}"),
    "distribution": (lambda v: v in DISTRIBUTIONS, f"one of {', '.join(map(repr, DISTRIBUTIONS))}"),
}


@deep_recursion()
def initialize(model: keras.Model, scheme: str, seed: int = 0, **options: Any) -> keras.Model:
    """Returns a copy of a model with new random weights, as before any training.

        net = initialize(kerasnets.build("AlexNet"), "paper")
        net = initialize(net, "gaussian", std=0.05)

    `model` is not changed. All kernels are drawn anew, those of frozen layers too: of dense layers and of
    convolutions of all kinds, also inside other layers and nested models. All other weights get the values
    of new layers: normalization scales by 1 and has the statistics 0 and 1, and biases are what the builder
    says, mostly 0, but -2 for the gates of a highway network, unless the paper of the net has others.

    Each kernel has random numbers of its own, which depend on the seed and on how many kernels come before
    it, not on names. On one backend and CPU they are the same every time.

    Args:
        model: A functional or sequential model. Models nested in it are flattened.
        scheme: A key of `SCHEMES`: "gaussian", "uniform", "lecun", "glorot" (Xavier), "he" or "scaled"; their
            fans are right for grouped, depthwise and transposed convolutions. Or a start of the net itself,
            as `kerasnets.surgery.starts_of` lists them: "paper" is what the paper of the net prints or, where
            it prints nothing, what its authors' release has.
        seed: Seed of the random numbers.
        **options: Options of the scheme. `std` of "gaussian" is 0.01 and `limit` of "uniform" 0.05;
            `distribution` of the others is "normal", "truncated" or "uniform", by default "uniform" for
            "glorot" and "normal" for the rest; `fan` of "he" and "scaled" is "in", "out" or "average".

    Returns:
        A keras.Model, uncompiled, with its own weights.

    Raises:
        ValueError: `model` has no graph of layers, nothing is known of how its paper initialized it, or
            another argument is not allowed.
    """
    check_graph(model)
    check_seed(seed)
    start = start_of(scheme, options, starts_of(model))
    inputs, copies = fresh_inputs(functional(model).input), Copies()
    new = keras.Model(inputs, run(model, inputs, copies.of), name=model.name)
    copied = {}
    for layer, copy, _ in copies.made.values():
        if copy is not layer and isinstance(copy, keras.Layer):
            copied |= {id(v): own for v, own in zip(layer.weights, copy.weights, strict=True)}
    for v, values in drawn(model, start, seed):
        copied.get(id(v), v).assign(values)
    inherit(new, model)
    how = {"initialized": {"scheme": scheme, "seed": seed, **options}}
    attach(new, dataclasses.replace(card_of(new), training=how, results=None, threshold=None))
    return new


def fill(model: keras.Model, scheme: str, seed: int = 0, **options: Any) -> None:
    """Gives a model in place the kernels and the biases of `initialize`, without a copy; the rest stays."""
    for v, values in drawn(model, start_of(scheme, options, starts_of(model)), seed):
        v.assign(values)


def drawn(model: keras.Model, start: Start, seed: int) -> Iterator[tuple[keras.Variable, Any]]:
    """The kernels and the biases that a start gives a model, each with its new values."""
    for i, (kernel, layer) in enumerate(kernels(model, frozen=True)):
        scheme, options = first_fit(layer.name, start.kernels)
        shape, own = tuple(kernel.shape), int(np.random.SeedSequence([seed, i]).generate_state(1)[0])
        initializer = SCHEMES[scheme](**options)(shape, fans(kernel, layer), own)
        yield kernel, initializer(shape, "float32")
    owners = owners_of(model)
    for v in model.weights:
        bias = first_fit(owners[id(v)].name, start.biases) if v.name == "bias" else None
        if bias is not None:
            yield v, np.full(v.shape, bias, "float32")


def first_fit(name: str, table: Mapping[str, Any]) -> Any:
    """The value of the first shell pattern in a table that fits a name; None if there is none."""
    return next((value for pattern, value in table.items() if fnmatchcase(name, pattern)), None)


def starts_of(model: keras.Model) -> Mapping[str, Start]:
    """How the paper of a net, and others, initialized it.

    Args:
        model: A net of this package, or one that its functions have made of such a net.

    Returns:
        The starts by name, such as "paper"; none for a model of unknown origin.
    """
    card = card_of(model)
    builder = builder_of(card.builder, card.family) if card.builder else None
    return builder.spec.starts if builder else {}


def start_of(
    scheme: str, options: Mapping[str, Any], starts: Mapping[str, Start], argument: str = "scheme"
) -> Start:
    """The start that a scheme and its options stand for.

    Args:
        scheme: A key of `SCHEMES` or of `starts`.
        options: Options of the scheme.
        starts: The starts of the net, as `starts_of` gives them.
        argument: Name of the argument that holds the scheme, for the message.

    Raises:
        ValueError: The net has no such start, or an option is not allowed.
    """
    known = [*starts, *SCHEMES]
    if scheme not in known:
        without = " for this net, of whose paper no start is recorded" if scheme == "paper" else ""
        allowed = f"one of {', '.join(map(repr, known))}{without}"
        raise ValueError(
            f"`{argument}` is {allowed}.{nearest(scheme, known)} Received: {argument}={scheme!r}"
        )
    parameters = () if scheme in starts else inspect.signature(SCHEMES[scheme]).parameters
    for name, value in options.items():
        if name not in parameters:
            takes = f"has {', '.join(parameters)}" if parameters else "has no options"
            raise ValueError(
                f"`{name}` is not an option of {scheme!r}, which {takes}. Received: {name}={value!r}"
            )
        test, allowed = OPTIONS[name]
        if not test(value):
            refuse(name, allowed, value)
    return starts[scheme] if scheme in starts else Start("", {"*": (scheme, options)})


def check_seed(seed: Any) -> None:
    """Refuses a seed that is not a whole number."""
    if not is_int(seed, 0):
        refuse("seed", "a whole number, at least 0", seed)
