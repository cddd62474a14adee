"""A walk through the graph of any Keras model, which collects the figures of each layer."""

import dataclasses
import functools
import math

import keras
from keras import layers

import kerasnets.layers
from kerasnets.analysis import rules
from kerasnets.analysis.fields import input_axes
from kerasnets.analysis.kinds import UNKNOWN, kind_of
from kerasnets.analysis.memory import Tape, elements_of
from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph, has_graph, module_of, producer, run, tensors
from kerasnets.layers import PartialConv2D, parts
from kerasnets.tables import shape_text

# Layers that use every weight of `kernel` once at each position of the output,
PER_OUTPUT = (
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Dense,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    PartialConv2D,
)
# or of the input.
PER_INPUT = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
# Layers and operations that may need multiply-adds although they have no weights.
PRODUCTS = (
    "AdditiveAttention AssociativeScan Attention Cond Conv ConvTranspose Correlate Cross DepthwiseConv Dot "
    "DotProductAttention Einsum ElasticTransform FlaxLayer ForiLoop GaussianBlur Inner JaxLayer Kron Lambda "
    "Map Matmul MelSpectrogram Outer Pipeline STFTSpectrogram Scan SeparableConv Switch TFSMLayer Tensordot "
    "TorchModuleWrapper Vdot Vecdot VectorizedMap WhileLoop"
)
# Modules of Keras whose other operations need none that papers count.
OPERATIONS = ("ops.core", "ops.image", "ops.nn", "ops.numpy")


@dataclasses.dataclass(frozen=True)
class LayerRow:
    """One call of one layer.

    Kernels, strides, fields and offsets are tuples of one number for each axis but channels. Fields refer to
    the first input of the model that the layer depends on.

    Attributes:
        name: Name of the layer; in a nested model, "MODEL/LAYER".
        type: Name of its class.
        kernel: Size of the kernel or of the pooling window; None if there is none.
        strides: Strides of the kernel; None if there is none.
        output_shape: Shape of the output without the batch; a tuple of shapes for several outputs.
        params: Number of parameters; 0 if an earlier row counts them.
        trainable_params: Number of trainable parameters among these.
        mult_adds: Multiply-adds for one example; None if unknown.
        activations: Elements of the output for one example, and those that a separable convolution stores
            between its two steps; None if a side of the shape is unknown.
        activation_bytes: Memory of these elements in bytes, in the compute dtype of the layer.
        receptive_field: Pixels of the input from the first to the last that a unit depends on, for units far
            from the border. If all units depend on the same pixels, those within the image; 0 if on none.
            None if unknown.
        stride: Pixels of the input from unit to unit; None if the units have no position on the grid.
        offset: First pixel that the first unit depends on, negative in the padding. None if unknown, or if
            units have no order, as after Flatten.
        in_place: Whether the output takes no memory of its own in inference: it overwrites an input that
            nothing else reads, or is a view of an input. Ignored when rows are compared.
        kept_bytes: Memory of those tensors of this row that training keeps for the gradients, in bytes,
            whether for this layer or for one that reads them. None if a side of the shape is unknown. Ignored
            when rows are compared.
    """

    name: str
    type: str
    kernel: tuple[int, ...] | None
    strides: tuple[int, ...] | None
    output_shape: tuple
    params: int
    trainable_params: int
    mult_adds: int | None
    activations: int | None
    activation_bytes: int | None
    receptive_field: tuple[float, ...] | None
    stride: tuple[float, ...] | None
    offset: tuple[float, ...] | None
    # Both depend on the layers around it.
    in_place: bool = dataclasses.field(default=False, compare=False)
    kept_bytes: int | None = dataclasses.field(default=None, compare=False)


class Walk:
    """A walk through the graph of a model, and its results.

    Attributes:
        shapes: Shapes of the inputs, without the batch.
        rows: A `LayerRow` for each input and each call of each layer, in the order in which they run.
        fields: For each row, the `fields.Axis` objects of its output, by the number of the model's input.
        stored: For each row, the numbers of the values that it stores.
        made: For each row, the numbers of all values that it makes.
        tape: `memory.Tape` of the graph.
    """

    def __init__(self, model, input_shape=None):
        """Walks through a model. Only shapes are computed, and the model is not changed."""
        self.shapes = input_shapes(model, input_shape)
        self.rows, self.fields, self.stored, self.made, self.tape = [], [], [], [], Tape()
        self.seen = set()  # ids of variables already counted
        # By the id of a tensor: the tensor (kept, so that no other gets its id), its value and its fields.
        self.notes = {}
        first = channels_first(model)
        specs = []
        for i, (shape, x) in enumerate(zip(self.shapes, model.inputs, strict=True)):
            spec = keras.KerasTensor((None, *shape), dtype=x.dtype)
            value = self.tape.new(elements_of(shape), x.dtype)
            field = {i: input_axes(shape, first)}
            self.notes[id(spec)] = (spec, value, field)
            self.tape.inputs.append(value)
            self.add_row(producer(x).operation, x.name, (), [spec], field, [value], [value])
            specs.append(spec)
        outputs = self.run(model, specs, prefix="")
        self.tape.outputs = [self.notes[id(x)][1] for x in tensors(outputs)]

    def run(self, model, specs, prefix):
        """Runs Keras tensors through the graph of a model, and adds the rows of its layers.

        Args:
            model: A functional or sequential model.
            specs: KerasTensors for its inputs.
            prefix: Prefix of the layers' names.

        Returns:
            KerasTensors of its outputs, in the structure of the model's outputs.
        """
        return run(model, specs, lambda layer: self.visit(layer, prefix), spread=False)

    def visit(self, layer, prefix, kept=None):
        """The function that is called in place of a layer, with the same arguments.

        Args:
            layer: The layer or operation.
            prefix: Prefix of its name.
            kept: What is kept for its gradient, if it differs from `kinds.keeps`; else None.
        """
        name = f"{prefix}{layer.name}"
        if has_graph(layer):
            return lambda *xs, **_: self.run(layer, tensors(xs), f"{name}/")
        if parts(layer) != (layer,):
            # The backward pass recomputes the parts from the input of the first, which alone is kept.
            calls = [
                self.visit(part, prefix, () if i else ("inputs",)) for i, part in enumerate(parts(layer))
            ]
            return lambda x, *_, **__: functools.reduce(lambda x, call: call(x), calls, x)
        return functools.partial(self.call, layer, name, kept)

    def call(self, layer, name, kept, /, *args, **kwargs):
        """Adds the row of one call of a layer, and returns its outputs."""
        given = tensors((args, kwargs))
        notes = [self.notes[id(x)] for x in given]
        # Copied, since a layer that returns its input would overwrite the input's note.
        outputs = keras.tree.map_structure(copied, layer.compute_output_spec(*args, **kwargs))
        made, before = tensors(outputs), len(self.tape.values)
        values, stored = self.tape.run(layer, [value for _, value, _ in notes], made, kept)
        field = self.read(layer, given, [field for _, _, field in notes], made)
        for x, value in zip(made, values, strict=True):
            self.notes[id(x)] = (x, value, field)
        fresh = range(before, len(self.tape.values))
        self.add_row(layer, name, [shape_of(x) for x in given], made, field, stored, fresh)
        return outputs

    def read(self, layer, given, found, made):
        """The `Axis` objects of a layer's outputs, by the number of the model's input."""
        result = {}
        for i in sorted({i for field in found for i in field}):
            seen = [(field[i], shape_of(x)) for field, x in zip(found, given, strict=True) if i in field]
            result[i] = rules.read(layer, *map(list, zip(*seen, strict=True)), shape_of(made[0]))
        return result

    def add_row(self, layer, name, given, made, field, stored, values):
        """Adds the row of a layer.

        Args:
            layer: The layer or operation.
            name: Its name, with that of the model in which it is nested.
            given: Shapes of its inputs, without the batch.
            made: Keras tensors of its outputs.
            field: The `Axis` objects of its outputs, by the number of the model's input.
            stored: Numbers of the values that it stores.
            values: Numbers of all values that it makes.
        """
        shapes = [shape_of(x) for x in made]
        fresh = [w for w in getattr(layer, "weights", ()) if id(w) not in self.seen]
        self.seen.update(id(w) for w in fresh)
        known = all(elements_of(shape) is not None for shape in shapes)
        kernel = rules.kernel_of(layer, len(shapes[0]) - 1) if kind_of(layer) != UNKNOWN else None
        self.fields.append(field)
        self.stored.append(stored)
        self.made.append(values)
        self.rows.append(
            LayerRow(
                name=name,
                type=type(layer).__name__,
                kernel=kernel and kernel[0],
                strides=kernel and kernel[1],
                output_shape=shapes[0] if len(shapes) == 1 else tuple(shapes),
                params=sum(math.prod(w.shape) for w in fresh),
                trainable_params=sum(math.prod(w.shape) for w in fresh if w.trainable),
                mult_adds=mult_adds(layer, given[0] if given else (), shapes[0]),
                activations=sum(self.tape.values[v].elements for v in stored) if known else None,
                activation_bytes=sum(self.tape.values[v].size for v in stored) if known else None,
                **geometry(field[min(field)] if field else None),
            )
        )


def input_shapes(model, input_shape):
    """The shapes of a model's inputs, without the batch.

    Raises:
        ValueError: `model` has no graph of layers, or `input_shape` is missing or does not fit it.
    """
    check_graph(model)
    own = [shape_of(x) for x in model.inputs]
    if input_shape is None:
        shapes = own
    else:
        given = input_shape if isinstance(input_shape, (tuple, list)) else ()
        several = given and all(isinstance(s, (tuple, list)) for s in given)
        shapes = [tuple(s) for s in given] if several else [tuple(given)]
    if len(shapes) != len(own) or not all(map(fits, shapes, own)):
        refuse("input_shape", f"whole numbers that fit the model's {shape_text(own)}", input_shape)
    return shapes


def fits(shape, own):
    """Whether a shape consists of whole numbers and equals a model's own wherever that is not None."""
    return len(shape) == len(own) and all(
        is_int(a, 1) and b in (None, a) for a, b in zip(shape, own, strict=True)
    )


def mult_adds(layer, given, made):
    """Multiply-adds of a layer for one example.

    Args:
        layer: A Keras layer or operation. If it has a method `mult_adds` of both shapes, this is called.
        given: Shape of its input, without the batch.
        made: Shape of its output, without the batch.

    Returns:
        A whole number, or None if unknown.
    """
    if hasattr(layer, "mult_adds"):
        return layer.mult_adds(given, made)
    if isinstance(layer, layers.TimeDistributed):
        inner = mult_adds(layer.layer, given[1:], made[1:])
        return None if inner is None else made[0] * inner
    first = getattr(layer, "data_format", None) == "channels_first"
    grid = slice(1, None) if first else slice(None, -1)
    if isinstance(layer, PER_INPUT):
        return math.prod(layer.kernel.shape) * math.prod(given[grid])
    if isinstance(layer, (layers.SeparableConv1D, layers.SeparableConv2D)):
        kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
        return sum(math.prod(k.shape) for k in kernels) * math.prod(made[grid])
    if isinstance(layer, PER_OUTPUT):
        return math.prod(layer.kernel.shape) * math.prod(made[grid])
    return 0 if multiplies_nothing(layer) else None


def multiplies_nothing(layer):
    """Whether a layer is known to have no multiply-adds, as papers count them."""
    cls = type(layer)
    if kind_of(layer) != UNKNOWN or isinstance(layer, (layers.Embedding, layers.InputLayer)):
        return True
    if cls.__name__ in PRODUCTS.split() or getattr(layer, "weights", ()):
        return False
    libraries = (layers, kerasnets.layers)
    return module_of(layer) in OPERATIONS or any(getattr(m, cls.__name__, None) is cls for m in libraries)


def geometry(axes):
    """Receptive field, stride and offset of a `LayerRow`, given the `Axis` objects of the layer's output."""
    if axes is None:
        return dict(receptive_field=None, stride=None, offset=None)
    strides = tuple(finite(axis.stride) for axis in axes)
    offsets = tuple(finite(axis.first(0)) for axis in axes)
    return dict(
        receptive_field=tuple(axis.size for axis in axes),
        stride=None if None in strides else strides,
        offset=None if None in offsets or any(axis.mixed for axis in axes) else offsets,
    )


def finite(x):
    """A finite number, as an int if it is whole; None for infinity and None."""
    if x is None or not math.isfinite(x):
        return None
    return int(x) if x == int(x) else float(x)


def channels_first(model):
    """Whether the first layer with a `data_format` has its channels first; else Keras's default."""
    for layer in model.layers:
        if getattr(layer, "layers", None):
            return channels_first(layer)
        if getattr(layer, "data_format", None):
            return layer.data_format == "channels_first"
    return keras.config.image_data_format() == "channels_first"


def copied(x):
    """A Keras tensor of the same shape and dtype; anything else unchanged."""
    return keras.KerasTensor(x.shape, dtype=x.dtype) if keras.utils.is_keras_tensor(x) else x


def shape_of(x):
    """The shape of a tensor, without the batch."""
    return tuple(x.shape[1:])
