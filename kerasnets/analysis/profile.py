"""What any Keras model costs, layer by layer: parameters, multiply-adds, memory, and what its units see."""

import dataclasses

import keras

from kerasnets.analysis import memory
from kerasnets.analysis.walk import Walk
from kerasnets.tables import axes_text, bytes_text, shape_text, text_table


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a model costs for one example. `str` of it is a table.

    Attributes:
        name: Name of the model.
        input_shape: Shape of the input without the batch, or a tuple of shapes.
        params: Parameters, those that training does not change too.
        trainable_params: Parameters that training changes.
        mult_adds: Multiply-adds of convolution and dense layers, `unknown` ones left out.
        activations: Elements that all layers store in inference, the inputs too: those of all rows that are
            not `in_place`.
        activation_bytes: Their bytes.
        peak_activation_bytes: Bytes that are alive at once in inference, at most: each tensor from the layer
            that makes it to the last that reads it, in the order in which Keras runs them; inputs and outputs
            all the time.
        training_activation_bytes: Bytes of the tensors that training keeps for its gradients: what layers
            with weights, normalisation, products and max pooling read, and what activations and max pooling
            give; both for layers that this library does not know. Gradients, masks of dropout, statistics
            and weights are not counted.
        receptive_field: Field of the last layer whose units have a place on the grid, such as the last
            before global pooling or dense layers; None where this library cannot tell.
        layers: A `LayerRow` for each input and each call of each layer, in the order in which they run.
    """

    name: str
    input_shape: tuple
    params: int
    trainable_params: int
    mult_adds: int
    activations: int | None
    activation_bytes: int | None
    peak_activation_bytes: int | None
    training_activation_bytes: int | None
    receptive_field: tuple | None
    layers: tuple

    @property
    def unknown(self):
        """Names of the layers whose multiply-adds this library cannot tell."""
        return tuple(row.name for row in self.layers if row.mult_adds is None)

    def __str__(self):
        return table(self)


def profile(model: keras.Model, input_shape=None) -> Profile:
    """Counts the parameters, multiply-adds and activations of a model, and follows what its units see.

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
    walk = Walk(model, input_shape)
    stored, peak = memory.inference(walk.tape)
    own = set(stored)
    rows = tuple(
        dataclasses.replace(row, in_place=own.isdisjoint(values))
        for row, values in zip(walk.rows, walk.stored, strict=True)
    )
    values = [walk.tape.values[v] for v in stored]
    sizes = (sum(v.elements for v in values), sum(v.size for v in values), peak, memory.training(walk.tape))
    if any(row.activations is None for row in rows):
        sizes = (None,) * 4
    return Profile(
        model.name,
        walk.shapes[0] if len(walk.shapes) == 1 else tuple(walk.shapes),
        sum(row.params for row in rows),
        sum(row.trainable_params for row in rows),
        sum(row.mult_adds or 0 for row in rows),
        *sizes,
        last_field(rows),
        rows,
    )


def last_field(rows):
    """Receptive field of the last layer whose units have a place on the grid, or of the last layer."""
    made = [row for row in rows if row.type != "InputLayer"] or rows
    placed = [row for row in made if row.receptive_field is None or row.stride]
    return (placed or made)[-1].receptive_field


def table(counts):
    """A `Profile` as text: its layers, their sums, and what is known of the whole."""
    rows = [
        (
            row.name,
            row.type + (f" {axes_text(row.kernel)}/{axes_text(row.strides)}" if row.kernel else ""),
            shape_text(row.output_shape),
            f"{row.params:,}",
            "unknown" if row.mult_adds is None else f"{row.mult_adds:,}",
            "in place" if row.in_place else bytes_text(row.activation_bytes),
            axes_text(row.receptive_field) + (f"/{axes_text(row.stride)}" if row.stride else ""),
        )
        for row in counts.layers
    ]
    sums = (f"{counts.params:,}", f"{counts.mult_adds:,}", bytes_text(counts.activation_bytes))
    rows.append(("total", "", "", *sums, axes_text(counts.receptive_field)))
    header = ("layer", "type, kernel/strides", "output", "params", "mult-adds", "memory", "sees/stride")
    title = f"{counts.name}, {shape_text(counts.input_shape)}"
    return "\n".join((title, "", text_table(header, rows, left=3), "", *notes(counts)))


def notes(counts):
    """The lines below the table: what it has no column for."""
    yield f"{counts.trainable_params:,} of the parameters are trained."
    if counts.activations is not None:
        peak, kept = map(bytes_text, (counts.peak_activation_bytes, counts.training_activation_bytes))
        yield (
            f"Activations: {counts.activations:,} values; "
            f"{peak} alive at once in inference, {kept} kept in training."
        )
    if counts.unknown:
        yield f"Multiply-adds that are not known, and not counted: {', '.join(counts.unknown)}."
