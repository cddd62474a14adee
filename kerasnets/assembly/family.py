"""Makes the body of a network a public function, with the arguments that all networks share."""

import contextlib
import dataclasses
import gc
import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras

from kerasnets import weights as trained
from kerasnets.assembly import heads, registry
from kerasnets.assembly.heads import Head
from kerasnets.assembly.inputs import model_input
from kerasnets.assembly.options import OPTIONS, Check, check_options, pick
from kerasnets.assembly.origin import as_data, check_origin
from kerasnets.assembly.predictions import decode_predictions
from kerasnets.assembly.preprocessing import first_of, offer
from kerasnets.assembly.pretrained import Pretrained, choose
from kerasnets.assembly.starts import Start
from kerasnets.blocks.conv import Activation
from kerasnets.checks import nearest, refuse
from kerasnets.graph import deep_recursion
from kerasnets.scaling import MODES
from kerasnets.weights.files import load as load_file

REQUIRED = inspect.Parameter.empty

SHARED_ARGS = """\
    include_top: Whether the network ends in a classifier.
    weights: None for random initial weights; the name of a dataset such as "imagenet", for the best of
        the published checkpoints that were trained on it; the id of one, such as "timm/resnet34.a1_in1k",
        as `kerasnets.weights.checkpoints` lists them; or the path of a file of the same network, of this
        package or of another framework. A checkpoint decides the options, `classes` and the size of the
        input that are not given.
    input_tensor: None, or the Keras tensor to use as the input, (batch, *grid, channels). `weights` do
        not fill the layers that compute it, unless the file is one of the whole model.
    input_shape: None for the paper's {shape}, or (*grid, channels), channels last. A side of the
        grid may be None, for any size.
    pooling: Pooling of the last feature maps of a network without a top: None for none, "avg" for
        the mean of each channel, or "max" for its maximum.
    classes: Number of classes.
    classifier_activation: Activation of the classifier; None gives logits.
    name: Name of the model.
"""
OUTCOME = """
Returns:
    A keras.Model, uncompiled. Its output is (batch, classes) with a top, (batch, *grid, channels)
    without, and (batch, channels) with `pooling`.

Raises:
    ValueError: An argument is not allowed. The message names it, what is allowed and the value.
    OSError: `weights` cannot be fetched. The message says which file to put where.
"""


@dataclasses.dataclass(frozen=True)
class Spec:
    """The properties of a family of networks, or of one variant of it.

    Attributes:
        body: Function of a tensor and options that gives the last feature maps. With its option `pyramid` it
            gives a dict of feature maps of several resolutions.
        head: The classifier on the last feature maps.
        aux: The auxiliary head, or None. With its option `aux_heads`, a body gives the last feature maps and
            a dict of those that auxiliary heads read, by the names of their outputs.
        size: Size of the paper's input in pixels: one number for a square, a tuple of one for each axis
            (frames first), or a function of options that gives one of these.
        min_size: Smallest size of the input: one number for all sides, or a tuple of one for each axis.
        channels: Number of channels of the paper's input.
        classes: Number of classes of the paper's dataset.
        fixed_size: Whether the size of the input must be known even without a top.
        mode: Key of `scaling.MODES`.
        tiny: Options of a small network with the same structure, for tests.
        options: Names of the options and their defaults; `REQUIRED` where there is none.
        checks: What each option may be.
        classifier_activation: Default of the argument of this name; None where the paper does not use
            softmax.
        starts: How the network was initialized, by name: "paper" for its paper, or where that prints nothing
            for its authors' release, and other names for others. Empty where nothing is printed.
    """

    body: Callable
    head: Head
    aux: Head | None
    size: int | tuple[int, ...] | Callable
    min_size: int | tuple[int, ...]
    channels: int
    classes: int
    fixed_size: bool
    mode: str
    tiny: Mapping[str, Any]
    options: Mapping[str, Any]
    checks: Mapping[str, Check]
    classifier_activation: str | None = "softmax"
    starts: Mapping[str, Start] = dataclasses.field(default_factory=dict)

    @property
    def module(self) -> str:
        """Name of the family's module in `kerasnets.applications`."""
        return self.body.__module__.rpartition(".")[2]

    def grid(self, options: Mapping[str, Any]) -> tuple[int, ...]:
        """Size of the input that these options imply, one number for each axis."""
        size = self.size(**pick(self.size, options)) if callable(self.size) else self.size
        return size if isinstance(size, tuple) else (size,) * 2

    @property
    def min_grid(self) -> tuple[int, ...]:
        """Smallest size of the input, one number for each axis."""
        return self.min_size if isinstance(self.min_size, tuple) else (self.min_size,) * 2


def family(
    *,
    size: int | tuple[int, ...] | Callable,
    min_size: int | tuple[int, ...],
    preprocess: str,
    tiny: Mapping[str, Any],
    channels: int = 3,
    classes: int = 1000,
    fixed_size: bool = False,
    head: Head = heads.POOLED,
    aux: Head | None = None,
    classifier_activation: str | None = "softmax",
    checks: Mapping[str, Check] | None = None,
    starts: Mapping[str, Start] | None = None,
    **defaults: Any,
) -> Callable[[Callable], Callable[..., keras.Model]]:
    """Makes a body a public function: adds the head, pooling, weights and the shared arguments.

    The public function takes the options of the body first, and then the shared arguments by keyword. Its
    docstring is that of the body, which must end with `Args`.

    Args:
        size: As in `Spec`.
        min_size: As in `Spec`.
        preprocess: Key of `scaling.MODES`.
        tiny: As in `Spec`.
        channels: As in `Spec`.
        classes: As in `Spec`.
        fixed_size: As in `Spec`.
        head: As in `Spec`.
        aux: As in `Spec`.
        classifier_activation: As in `Spec`.
        checks: What the options may be that only this family has. Those that several families share are in
            `options.OPTIONS`.
        starts: As in `Spec`; None for none.
        **defaults: Options that the head or `size` takes and the body does not, with their defaults.

    Returns:
        A decorator for the body.
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
            starts=starts or {},
        )
        return public(body.__name__, spec, options_first=True)

    return decorate


def variant(
    family: Callable,
    name: str,
    table: Mapping[str, Mapping[str, Any]],
    **changes: Any,
) -> Callable[..., keras.Model]:
    """Makes a row of a table a public function, and registers it as a model.

    The public function takes the shared arguments first, in the order of keras.applications, and then the
    options of the family by keyword. Their defaults are the values of the row.

    Args:
        family: A public function made by `family`.
        name: Name of the model and of its row.
        table: The rows by name. A row holds options by name.
        **changes: Fields of `Spec` that differ from those of the family, such as `size` or `classes`.

    Returns:
        The public function of the model.

    Raises:
        ValueError: `table` has no such row, the row has an option that the family lacks, or a model has this
            name.
    """
    if name not in table:
        raise ValueError(
            f"`name` is that of a row of `table`: {', '.join(table)}.{nearest(name, table)} "
            f"Received: name={name!r}"
        )
    for option in table[name]:
        if option not in family.spec.options:
            hint = nearest(option, family.spec.options)
            raise ValueError(
                f"`table` has options of {family.__name__}: {', '.join(family.spec.options)}.{hint} "
                f"Received: table={{{name!r}: {{{option!r}: ...}}}}"
            )
    spec = dataclasses.replace(family.spec, options={**family.spec.options, **table[name]}, **changes)
    return registry.register(public(name, spec, options_first=False))


def public(name: str, spec: Spec, options_first: bool) -> Callable[..., keras.Model]:
    """The function that users call, with the signature and the docstring that its `spec` implies."""
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
        pretrained = choose(bound.arguments.get("weights"), name, spec, bound.arguments)
        if pretrained:
            bound.arguments = pretrained.defaults(spec, bound.arguments) | bound.arguments
        bound.apply_defaults()
        given = bound.arguments
        options = {n: given.pop(n) for n in spec.options}
        given["name"] = given["name"] or name
        return assemble(name, spec, options, pretrained, **given)

    builder.__name__ = builder.__qualname__ = name
    builder.__module__ = spec.body.__module__
    builder.__signature__ = signature
    builder.__doc__ = document(name, spec, options_first)
    builder.spec = spec
    builder.preprocess_input = MODES[spec.mode]
    builder.decode_predictions = decode_predictions
    return builder


def document(name: str, spec: Spec, options_first: bool) -> str:
    """The docstring of a public function: that of the body, completed by the shared arguments."""
    options = {} if callable(spec.size) else {"size": spec.size}
    grid = spec.grid({n: d for n, d in spec.options.items() if d is not REQUIRED} | options)
    shared = SHARED_ARGS.format(shape=(*grid, spec.channels))
    title = "" if options_first else f"{name}. "
    return f"{title}{inspect.cleandoc(spec.body.__doc__)}\n{shared}{OUTCOME}"


@deep_recursion()
def assemble(
    model_name: str,
    spec: Spec,
    options: Mapping[str, Any],
    pretrained: Pretrained | None,
    include_top: bool,
    weights: str | os.PathLike[str] | None,
    input_tensor: keras.KerasTensor | None,
    input_shape: Sequence[int | None] | None,
    pooling: str | None,
    classes: int,
    classifier_activation: Activation,
    name: str,
) -> keras.Model:
    """Checks all arguments, then builds the network: input, body, head, weights.

    The arguments that are not listed here are the shared ones, as `SHARED_ARGS` describes them.

    Args:
        model_name: Name of the public function.
        spec: Properties of the network.
        options: Values of the family's options by name.
        pretrained: The published weights that `weights` stands for, or None.

    Returns:
        A keras.Model.

    Raises:
        ValueError: An argument is not allowed.
    """
    options = {n: tuple(v) if isinstance(v, list) else v for n, v in options.items()}
    check_options(options, spec.checks)
    heads.check_head(include_top, pooling, classes, classifier_activation)
    check_combination(spec, options, include_top, input_shape is not None or input_tensor is not None)
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
    arguments = {
        **options,
        "include_top": include_top,
        "input_shape": tuple(images.shape[1:]),
        "pooling": pooling,
        "classes": classes,
        "classifier_activation": classifier_activation,
    }
    if pretrained:
        pretrained.check(images.shape[-1])
    elif weights is not None:
        check_origin(weights, model_name, spec, arguments)

    with paused_collector():
        inputs = keras.utils.get_source_inputs(images)
        x = spec.body(images, **pick(spec.body, options))
        x, aux_maps = x if isinstance(x, tuple) else (x, {})
        if include_top:
            x = spec.head(x, classes, classifier_activation, options | {"images": images})
        else:
            x = heads.pool(x, pooling)
        if aux_maps:
            x = {"predictions": x}
            for output, maps in aux_maps.items():
                x[output] = spec.aux(maps, classes, classifier_activation, options | {"name": output})
        model = keras.Model(inputs[0] if len(inputs) == 1 else inputs, x, name=name)

    whole = len(inputs) == 1 and inputs[0] is images
    card = trained.Card(
        builder=model_name,
        family=spec.module,
        options=as_data(arguments),
        changes=() if whole else ("input_tensor",),
    )
    trained.attach(model, card)
    if weights is not None:
        # Without the layers that give `input_tensor`, which have other weights.
        net = model if any(images is tensor for tensor in inputs) else keras.Model(images, x, name=name)
        if pretrained:
            pretrained.load(model, net, include_top, classes, options)
        else:
            load_file(model, weights, net, scaled=net is not model and first_of(model) is not None)
    offer(model)
    return model


def check_combination(spec: Spec, options: Mapping[str, Any], include_top: bool, has_shape: bool) -> None:
    """Refuses options that cannot be combined with the shared arguments.

    Args:
        spec: Properties of the network.
        options: Values of the family's options by name.
        include_top: Whether the network ends in a classifier.
        has_shape: Whether the shape of the input is given.

    Raises:
        ValueError: Two arguments exclude each other.
    """
    for option in ("aux_heads", "decoder"):
        if options.get(option) and not include_top:
            refuse(option, "False without a top", True)
    if options.get("pyramid") and include_top:
        refuse("pyramid", "False with a top", True)
    if callable(spec.size) and has_shape:
        for option in pick(spec.size, options):
            if options[option] != spec.options[option]:
                refuse(option, "given without `input_shape` or `input_tensor`", options[option])


@contextlib.contextmanager
def paused_collector() -> Iterator[None]:
    """Pauses garbage collection while a network is built, which saves a tenth of the time.

    None of the many objects that are made could be freed.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
