"""Turns the body of a net into a public function with the arguments that every net shares."""

import contextlib
import dataclasses
import gc
import inspect
import sys
from collections.abc import Callable, Mapping

import keras

from kerasnets import weights as trained
from kerasnets.assembly import heads, preprocessing, registry
from kerasnets.assembly.heads import Head
from kerasnets.assembly.inputs import model_input
from kerasnets.assembly.options import OPTIONS, Check, check_options, pick
from kerasnets.checks import nearest, refuse
from kerasnets.weights.keras_applications import KerasApplications

REQUIRED = inspect.Parameter.empty

SHARED_ARGS = """\
    include_top: Whether the classifier stands on the body.
    weights: None for fresh weights; "imagenet" where trained ones exist; or the path of a
        ".weights.h5" or ".keras" file of this very net.
    input_tensor: None, or a Keras tensor to start from, (batch, *grid, channels).
    input_shape: None for the paper's {shape}, or (*grid, channels), channels last; None stands
        for a free side.
    pooling: Without a top, what is done to the last maps: None leaves them, "avg" and "max" give
        one value each.
    classes: Classes of the classifier.
    classifier_activation: Its activation; None gives logits.
    name: Name of the model.
"""
OUTCOME = """
Returns:
    A keras.Model, uncompiled: images in, (batch, classes) out with a top, else (batch, *grid, maps)
    or (batch, maps).

Raises:
    ValueError: An argument is not allowed; the message names it, what it may be and what came.
"""


@dataclasses.dataclass(frozen=True)
class Spec:
    """What is known of a family of nets, or of one variant of it.

    Attributes:
        body: Function of a tensor and options that gives the last maps; where its option `pyramid` is True,
            a dict of maps of several resolutions.
        head: The classifier on the last maps.
        aux: The auxiliary head, or None. Where its option `aux_heads` is True, a body gives its last maps and
            a dict of the maps that auxiliary heads read, by the names of their outputs.
        size: Side, or sides, of the paper's input grid in pixels (frames first), or a function of
            options that gives it.
        min_size: Smallest side, or sides, that the net takes.
        channels: Channels of the paper's input.
        classes: Classes of the paper's data.
        fixed_size: Whether the sides must be known even without a top.
        mode: Key of `preprocessing.MODES`.
        tiny: Options of a small net with the whole structure, for tests.
        options: Options and their defaults; `REQUIRED` where there is none.
        checks: What each option may be.
        classifier_activation: Default of the shared argument; None where the paper's scores are no softmax.
        imagenet: Where trained weights come from, or None.
    """

    body: Callable
    head: Head
    aux: Head | None
    size: int | tuple | Callable
    min_size: int | tuple
    channels: int
    classes: int
    fixed_size: bool
    mode: str
    tiny: Mapping
    options: Mapping
    checks: Mapping[str, Check]
    classifier_activation: str | None = "softmax"
    imagenet: KerasApplications | None = None

    @property
    def module(self):
        """Name of the family's file."""
        return self.body.__module__.rpartition(".")[2]

    def grid(self, options):
        """Sides of the input that these options stand for."""
        size = self.size(**pick(self.size, options)) if callable(self.size) else self.size
        return size if isinstance(size, tuple) else (size,) * 2

    @property
    def min_grid(self):
        """Smallest sides, one for each axis."""
        return self.min_size if isinstance(self.min_size, tuple) else (self.min_size,) * 2


def family(
    *,
    size,
    min_size,
    preprocess,
    tiny,
    channels=3,
    classes=1000,
    fixed_size=False,
    head=heads.POOLED,
    aux=None,
    classifier_activation="softmax",
    checks=None,
    **defaults,
):
    """Makes a body public: adds head, pooling, weights and the shared arguments.

    The public function takes the body's options first, then the shared arguments by keyword. Its
    docstring is the body's, whose `Args` must come last.

    Args:
        size: Side, or sides, of the paper's input in pixels, or a function of options that gives it.
        min_size: Smallest side, or sides, that the net takes.
        preprocess: Key of `preprocessing.MODES`.
        tiny: Options of a small net with the whole structure, for tests.
        channels: Channels of the paper's input.
        classes: Classes of the paper's data.
        fixed_size: Whether the sides must be known even without a top.
        head: The classifier on the last maps.
        aux: The auxiliary head, or None.
        classifier_activation: Default of the shared argument of this name.
        checks: What the options may be that no other family has, by name; the others are in `OPTIONS`.
        **defaults: Options that `head` or `size` take beside the body's, with their defaults.

    Returns:
        A decorator of bodies.
    """

    def decorate(body):
        _, *own = inspect.signature(body).parameters.values()
        options = {p.name: p.default for p in own} | defaults
        known = OPTIONS | (checks or {})
        spec = Spec(
            body=body,
            head=head,
            aux=aux,
            size=size,
            min_size=min_size,
            channels=channels,
            classes=classes,
            fixed_size=fixed_size,
            mode=preprocess,
            tiny=tiny,
            options=options,
            checks={option: known[option] for option in options},
            classifier_activation=classifier_activation,
        )
        return public(body.__name__, spec, options_first=True)

    return decorate


def variant(family, name, table, imagenet=None, **changes):
    """Binds a row of a table to a family and registers it as a model.

    The public function takes the shared arguments first, in the order of keras.applications, then the
    family's options by keyword, with the row's values as defaults.

    Args:
        family: A public function made by `family`.
        name: Name of the model, and of its row.
        table: Rows by name; a row holds options by name.
        imagenet: Where trained weights come from, or None.
        **changes: Fields of `Spec` that differ from the family's, such as `size` or `classes`.

    Returns:
        The public function of the model.
    """
    spec = dataclasses.replace(
        family.spec, options={**family.spec.options, **table[name]}, imagenet=imagenet, **changes
    )
    return registry.register(public(name, spec, options_first=False))


def public(name, spec, options_first):
    """The function that users call, with its own signature and docstring."""
    kinds = inspect.Parameter
    shared = {
        "include_top": True,
        "weights": None,
        "input_tensor": None,
        "input_shape": None,
        "pooling": None,
        "classes": spec.classes,
        "classifier_activation": spec.classifier_activation,
        "name": None,
    }
    first, then = (spec.options, shared) if options_first else (shared, spec.options)
    signature = inspect.Signature(
        [kinds(n, kinds.POSITIONAL_OR_KEYWORD, default=d) for n, d in first.items()]
        + [kinds(n, kinds.KEYWORD_ONLY, default=d) for n, d in then.items()]
    )

    def builder(*args, **kwargs):
        unknown = [word for word in kwargs if word not in signature.parameters]
        if unknown:
            hint = nearest(unknown[0], signature.parameters)
            raise TypeError(f"{name}() got an unexpected keyword argument {unknown[0]!r}.{hint}")
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        options = {n: given.pop(n) for n in spec.options}
        given["name"] = given["name"] or name
        return assemble(name, spec, options, **given)

    builder.__name__ = builder.__qualname__ = name
    builder.__module__ = spec.body.__module__
    builder.__signature__ = signature
    builder.__doc__ = document(name, spec, options_first)
    builder.spec = spec
    builder.preprocess_input = preprocessing.scaler(spec.mode)
    builder.decode_predictions = preprocessing.decode_predictions
    return builder


def document(name, spec, options_first):
    """The docstring of a public function: the body's, which ends in its arguments, then the shared ones."""
    options = {} if callable(spec.size) else {"size": spec.size}
    grid = spec.grid({n: d for n, d in spec.options.items() if d is not REQUIRED} | options)
    shared = SHARED_ARGS.format(shape=(*grid, spec.channels))
    title = "" if options_first else f"{name}. "
    return f"{title}{inspect.cleandoc(spec.body.__doc__)}\n{shared}{OUTCOME}"


@contextlib.contextmanager
def deep_recursion():
    """Room for nets of thousands of layers: Keras walks a graph by one call inside another for each layer."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 50_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@deep_recursion()
def assemble(
    model_name,
    spec,
    options,
    include_top,
    weights,
    input_tensor,
    input_shape,
    pooling,
    classes,
    classifier_activation,
    name,
):
    """Checks every argument, then builds the net: input, body, head, weights.

    Args:
        model_name: Name of the public function.
        spec: Its family.
        options: Values of the family's options by name.
        include_top: This and what follows are the shared arguments, which `SHARED_ARGS` describes.
        weights: Where trained weights come from.
        input_tensor: Tensor to start from.
        input_shape: Shape of the input.
        pooling: What is done to the last maps without a top.
        classes: Classes of the classifier.
        classifier_activation: Activation of the classifier.
        name: Name of the model.

    Returns:
        A keras.Model.

    Raises:
        ValueError: An argument is not allowed.
    """
    options = {n: tuple(v) if isinstance(v, list) else v for n, v in options.items()}
    check_options(options, spec.checks)
    heads.check_head(include_top, pooling, classes, classifier_activation)
    for option in ("aux_heads", "decoder"):
        if options.get(option) and not include_top:
            refuse(option, "False without a top", True)
    if options.get("pyramid") and include_top:
        refuse("pyramid", "False with a top", True)
    if callable(spec.size) and not (input_shape is None and input_tensor is None):
        for option in pick(spec.size, options):
            if options[option] != spec.options[option]:
                refuse(option, "given without `input_shape` or `input_tensor`", options[option])
    tops = [spec.head] * include_top + [spec.aux] * options.get("aux_heads", False)
    least = max((top.min_size for top in tops), default=0)
    images = model_input(
        input_tensor,
        input_shape,
        spec.grid(options),
        tuple(max(side, least) for side in spec.min_grid),
        spec.channels,
        spec.fixed_size or any(top.fixed_size for top in tops),
    )
    check_weights(model_name, spec, options, weights, include_top, classes, images.shape[-1])

    with paused_collector():
        inputs = keras.utils.get_source_inputs(images)
        x = spec.body(images, **pick(spec.body, options))
        x, taps = x if isinstance(x, tuple) else (x, {})
        if include_top:
            x = spec.head(x, classes, classifier_activation, options | {"images": images})
        else:
            x = heads.pool(x, pooling)
        if taps:
            x = {"predictions": x}
            for output, maps in taps.items():
                x[output] = spec.aux(maps, classes, classifier_activation, options | {"name": output})
        model = keras.Model(inputs[0] if len(inputs) == 1 else inputs, x, name=name)

    if weights == "imagenet":
        return spec.imagenet.load(model, model_name, include_top, options)
    return model if weights is None else trained.load(model, weights)


@contextlib.contextmanager
def paused_collector():
    """No search for garbage while a net is built: its many objects live on, and the search takes a tenth."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def check_weights(model_name, spec, options, weights, include_top, classes, channels):
    """Refuses weights that do not exist for the net that the other arguments describe."""
    if weights is None:
        return
    if weights != "imagenet":
        trained.check_path(weights)
        return
    if spec.imagenet is None:
        refuse("weights", f"None or a path for {model_name}, which nobody trained", weights)
    # The other options decide what weights there are.
    free = {*spec.imagenet.options, "dropout", "memory_efficient"}
    free |= set(pick(spec.size, options)) if callable(spec.size) else set()
    trained_as = {n: (d,) for n, d in (spec.options | spec.imagenet.forms).items() if n not in free}
    allowed = trained_as | spec.imagenet.options
    for option, values in allowed.items():
        if options[option] not in values:
            refuse(option, f"one of {values} with weights='imagenet'", options[option])
    if include_top and classes != 1000:
        refuse("classes", "1000 with weights='imagenet' and a top", classes)
    if channels != 3:
        refuse("input_shape", "of 3 channels with weights='imagenet'", (..., channels))
