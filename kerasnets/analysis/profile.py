"""Parameters and multiply-adds of any Keras model, layer by layer."""

import dataclasses
import functools
import io
import math

import keras
import rich.console
import rich.table
from keras import layers

from kerasnets.checks import is_int, refuse
from kerasnets.layers import PartialConv2D, parts

# Layers whose every weight of `kernel` is used once at each position of the output ...
PER_OUTPUT = (
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Dense,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    PartialConv2D,
)
# ... or of the input.
PER_INPUT = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
# Layers that have weights and no multiply-adds by the papers' way of counting.
NOT_COUNTED = (
    layers.BatchNormalization,
    layers.Embedding,
    layers.GroupNormalization,
    layers.LayerNormalization,
    layers.PReLU,
)
# Operations without weights that multiply maps with maps.
PRODUCTS = ("AdditiveAttention", "Attention", "Dot", "Einsum", "Matmul", "Tensordot")


@dataclasses.dataclass(frozen=True)
class LayerRow:
    """One call of one layer.

    Attributes:
        name: Name of the layer, behind that of the model it is nested in.
        type: Its class.
        output_shape: Shape of what it gives, without the batch; a tuple of shapes where it gives several.
        params: Its parameters; 0 where an earlier row counts them.
        trainable_params: Those that training changes.
        mult_adds: Multiply-adds for one example; None where this library cannot tell.
    """

    name: str
    type: str
    output_shape: tuple
    params: int
    trainable_params: int
    mult_adds: int | None


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a model costs. `str` of it is a table.

    Attributes:
        name: Name of the model.
        input_shape: Shape of the input without the batch, or a tuple of shapes.
        params: Parameters, those that training does not change too.
        trainable_params: Parameters that training changes.
        mult_adds: Multiply-adds of convolution and dense layers for one example, `unknown` ones left out.
        layers: A `LayerRow` for each call of each layer, in the order in which data meets them.
    """

    name: str
    input_shape: tuple
    params: int
    trainable_params: int
    mult_adds: int
    layers: tuple

    @property
    def unknown(self):
        """Names of the layers whose multiply-adds this library cannot tell."""
        return tuple(row.name for row in self.layers if row.mult_adds is None)

    def __str__(self):
        table = rich.table.Table(title=f"{self.name}  {words(self.input_shape)}", show_footer=True)
        sums = (self.params, self.trainable_params, self.mult_adds)
        table.add_column("layer", "total", overflow="fold")
        table.add_column("type")
        table.add_column("output")
        for title, total in zip(("params", "trainable", "mult-adds"), sums, strict=True):
            table.add_column(title, f"{total:,}", justify="right", no_wrap=True)
        for row in self.layers:
            counts = (row.params, row.trainable_params, row.mult_adds)
            cells = ("unknown" if c is None else f"{c:,}" for c in counts)
            table.add_row(row.name, row.type, words(row.output_shape), *cells)
        text = io.StringIO()
        rich.console.Console(file=text, width=110).print(table)
        return text.getvalue().rstrip()


def profile(model, input_shape=None):
    """Counts the parameters and multiply-adds of a model.

    Nothing is computed but shapes, and the model is not changed. A multiply-add is one multiplication and
    one addition in a convolution or dense layer; biases, normalisation, pooling and activations are left
    out, as in the papers.

    Args:
        model: Any functional or sequential keras.Model, of one or more inputs, nested or not.
        input_shape: Shape of its input without the batch, where the model leaves sides free or another
            size is of interest; a list of shapes for several inputs.

    Returns:
        A `Profile`.

    Raises:
        ValueError: `model` has no graph of layers, or `input_shape` is missing or does not fit it.
    """
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        refuse("model", "a functional keras.Model, or a Sequential with an input shape", model)
    own = [tuple(x.shape[1:]) for x in model.inputs]
    if input_shape is None:
        shapes = own
    else:
        given = input_shape if isinstance(input_shape, (tuple, list)) else ()
        several = given and all(isinstance(s, (tuple, list)) for s in given)
        shapes = [tuple(s) for s in given] if several else [tuple(given)]
    fits = len(shapes) == len(own) and all(
        len(s) == len(o) and all(is_int(a, 1) and b in (None, a) for a, b in zip(s, o, strict=True))
        for s, o in zip(shapes, own, strict=False)
    )
    if not fits:
        refuse("input_shape", f"whole numbers that fit {words(own)}", input_shape)

    rows = []
    specs = [keras.KerasTensor((None, *s), dtype=x.dtype) for s, x in zip(shapes, model.inputs, strict=True)]
    walk(model, specs, rows, seen=set(), prefix="")
    return Profile(
        name=model.name,
        input_shape=shapes[0] if len(shapes) == 1 else tuple(shapes),
        params=sum(row.params for row in rows),
        trainable_params=sum(row.trainable_params for row in rows),
        mult_adds=sum(row.mult_adds or 0 for row in rows),
        layers=tuple(rows),
    )


def walk(model, specs, rows, seen, prefix):
    """Follows shapes through the graph of a model and adds a row for each call of a layer.

    Args:
        model: A functional or sequential model.
        specs: KerasTensors of its inputs.
        rows: List that the rows are added to.
        seen: Ids of the variables that are counted already.
        prefix: Start of the layers' names.

    Returns:
        KerasTensors of its outputs, in the structure of the model's.
    """

    def visit(layer):
        name = f"{prefix}{layer.name}"
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            return lambda *xs, **_: walk(layer, keras.tree.flatten(xs), rows, seen, f"{name}/")
        if parts(layer) != (layer,):
            return lambda x, *_, **__: functools.reduce(lambda x, part: visit(part)(x), parts(layer), x)

        def call(*args, **kwargs):
            outputs = layer.compute_output_spec(*args, **kwargs)
            given, made = ([tuple(x.shape[1:]) for x in tensors(t)] for t in ((args, kwargs), outputs))
            fresh = [w for w in getattr(layer, "weights", ()) if id(w) not in seen]
            seen.update(id(w) for w in fresh)
            rows.append(
                LayerRow(
                    name=name,
                    type=type(layer).__name__,
                    output_shape=made[0] if len(made) == 1 else tuple(made),
                    params=sum(math.prod(w.shape) for w in fresh),
                    trainable_params=sum(math.prod(w.shape) for w in fresh if w.trainable),
                    mult_adds=mult_adds(layer, given[0] if given else (), made[0]),
                )
            )
            return outputs

        return call

    # A Sequential becomes a graph here; a functional model stays as it is.
    graph = keras.Model(model.inputs, model.outputs) if isinstance(model, keras.Sequential) else model
    return graph._run_through_graph(specs, operation_fn=visit)


def mult_adds(layer, given, made):
    """Multiply-adds of a layer for one example.

    Args:
        layer: A Keras layer or operation; one that counts for itself has a method `mult_adds` of both shapes.
        given: Shape of its input, without the batch.
        made: Shape of its output, without the batch.

    Returns:
        A whole number, or None if it cannot be told.
    """
    if hasattr(layer, "mult_adds"):
        return layer.mult_adds(given, made)
    first = getattr(layer, "data_format", None) == "channels_first"
    grid = slice(1, None) if first else slice(None, -1)
    if isinstance(layer, PER_INPUT):
        return math.prod(layer.kernel.shape) * math.prod(given[grid])
    if isinstance(layer, (layers.SeparableConv1D, layers.SeparableConv2D)):
        kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
        return sum(math.prod(k.shape) for k in kernels) * math.prod(made[grid])
    if isinstance(layer, PER_OUTPUT):
        return math.prod(layer.kernel.shape) * math.prod(made[grid])
    if type(layer).__name__ in PRODUCTS:
        return None
    return None if getattr(layer, "weights", ()) and not isinstance(layer, NOT_COUNTED) else 0


def tensors(structure):
    """The tensors in nested tuples, lists and dicts."""
    return [x for x in keras.tree.flatten(structure) if keras.utils.is_keras_tensor(x)]


def words(shape):
    """A shape as papers write it: 224x224x3."""
    if any(isinstance(s, (tuple, list)) for s in shape):
        return ", ".join(words(s) for s in shape)
    return "x".join("?" if s is None else str(s) for s in shape) or "scalar"
