"""Costs of any Keras model, layer by layer: parameters, multiply-adds, memory and receptive fields."""

import dataclasses
from collections.abc import Iterator, Sequence

import keras

from kerasnets.analysis import memory
from kerasnets.analysis.walk import LayerRow, Walk
from kerasnets.tables import axes_text, bytes_text, shape_text, text_table


@dataclasses.dataclass(frozen=True)
class Profile:
    """Costs of a model for one example. `str` turns it into a table.

    Attributes:
        name: Name of the model.
        input_shape: Shape of the input without the batch, or a tuple of shapes.
        params: Number of parameters, trainable or not.
        trainable_params: Number of trainable parameters.
        mult_adds: Multiply-adds of convolution and dense layers, without those of `unknown` layers.
        activations: Elements that all layers store in inference, inputs included: the sum over all rows that
            are not `in_place`. None if a side of a shape is unknown, as for the following three.
        activation_bytes: Memory of these elements, in bytes.
        peak_activation_bytes: Peak memory of activations in inference, in bytes. A tensor is kept from the
            layer that makes it to the last layer that reads it, in the order in which Keras runs them.
            Inputs and outputs are kept all the time.
        training_activation_bytes: Memory of the tensors that training keeps for the gradients, in bytes: the
            inputs of layers with weights, normalization, products and max pooling; the outputs of activations
            and max pooling; and both for layers that this library does not know. Gradients, dropout masks,
            statistics and weights are not counted.
        receptive_field: Receptive field, in pixels for each axis, of the last layer whose units have a
            position on the grid, such as the last before global pooling or dense layers; None if unknown.
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
    receptive_field: tuple[float, ...] | None
    layers: tuple[LayerRow, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the layers whose multiply-adds are unknown."""
        return tuple(row.name for row in self.layers if row.mult_adds is None)

    def __str__(self) -> str:
        return table(self)


def profile(
    model: keras.Model, input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None
) -> Profile:
    """Counts the parameters, multiply-adds and activations of a model, and computes its receptive fields.

    Only shapes are computed, and the model is not changed. A multiply-add is one multiplication and one
    addition in a convolution or dense layer. Biases, normalization, pooling and activations are not counted,
    as in the papers.

    Args:
        model: Any functional or sequential keras.Model, with one or more inputs, nested or not.
        input_shape: Shape of the input without the batch, needed if the model leaves sides free; a list of
            shapes for several inputs. None for the model's own.

    Returns:
        A `Profile`.

    Raises:
        ValueError: `model` has no graph of layers, or `input_shape` is missing or does not fit it.
    """
    walk = Walk(model, input_shape)
    stored, peak = memory.inference(walk.tape)
    own, kept, values = set(stored), memory.training(walk.tape), walk.tape.values
    rows = tuple(
        dataclasses.replace(
            row,
            in_place=own.isdisjoint(numbers),
            kept_bytes=None if row.activations is None else sum(values[v].size for v in made if v in kept),
        )
        for row, numbers, made in zip(walk.rows, walk.stored, walk.made, strict=True)
    )
    sizes = (sum(values[v].elements for v in stored), sum(values[v].size for v in stored), peak)
    sizes += (sum(values[v].size for v in kept),)
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
    """Receptive field of the last layer whose units have a position on the grid, or of the last layer."""
    made = [row for row in rows if row.type != "InputLayer"] or rows
    placed = [row for row in made if row.receptive_field is None or row.stride]
    return (placed or made)[-1].receptive_field


def table(counts):
    """A `Profile` as text: a row for each layer, the totals, and notes."""
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
    header = ("layer", "type, kernel/strides", "output", "params", "mult-adds", "memory", "field/stride")
    title = f"{counts.name}, {shape_text(counts.input_shape)}"
    return "\n".join((title, "", text_table(header, rows, left=3), "", *notes(counts)))


def notes(counts: Profile) -> Iterator[str]:
    """The lines below the table, with totals that have no column."""
    yield f"{counts.trainable_params:,} of the parameters are trainable."
    if counts.activations is not None:
        peak, kept = map(bytes_text, (counts.peak_activation_bytes, counts.training_activation_bytes))
        yield (
            f"Activations: {counts.activations:,} values; "
            f"peak memory {peak} in inference, {kept} kept for gradients in training."
        )
    if counts.unknown:
        yield f"Layers whose multiply-adds are unknown and not counted: {', '.join(counts.unknown)}."
