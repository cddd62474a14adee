"""The receptive field of a layer: the region of the input that a unit depends on."""

import dataclasses
from collections.abc import Sequence

import keras

from kerasnets.analysis.walk import Walk, geometry
from kerasnets.checks import nearest, refuse


@dataclasses.dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of a layer.

    Along an axis, unit i depends on `size` pixels from offset + i * stride. Pixels beyond the border are
    padding. If all units depend on the same pixels, as after global pooling or a dense layer, these are the
    `size` pixels from `offset` on.

    Attributes:
        size: Pixels along each axis of the input, from the first to the last that a unit depends on. After
            upsampling, the fields of units differ, and this is the largest.
        stride: Pixels from unit to unit, for each axis; None if units have no position on the grid.
        offset: First pixel of the first unit, for each axis; None if units have no order, as after Flatten.
    """

    size: tuple[float, ...]
    stride: tuple[float, ...] | None
    offset: tuple[float, ...] | None


def receptive_field(
    model: keras.Model,
    layer: keras.Layer | str,
    input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None,
    source: str | None = None,
) -> ReceptiveField | None:
    """Computes the receptive field of a layer.

    Args:
        model: Any functional or sequential keras.Model.
        layer: The layer or its name. The name of a layer in a nested model is "MODEL/LAYER".
        input_shape: Shape of the input without the batch, needed if the model leaves sides free; a list of
            shapes for several inputs. None for the model's own.
        source: Name of the input that the field refers to; None for the first input that the layer depends
            on.

    Returns:
        A `ReceptiveField`; None if it is unknown, or if the layer does not depend on the input.

    Raises:
        ValueError: `profile` does not accept `model` or `input_shape`, there is no such layer or input, or
            the layer is called several times with different receptive fields.
    """
    walk = Walk(model, input_shape)
    name = getattr(layer, "name", layer)
    names = [row.name for row in walk.rows]
    ends = () if name is layer else (f"/{name}",)  # a layer given as an object may be in a nested model
    found = [f for n, f in zip(names, walk.fields, strict=True) if n == name or n.endswith(ends)]
    if not found:
        raise ValueError(
            f"`layer` is a layer of {model.name}, or its name.{nearest(name, names)} Received: layer={name!r}"
        )
    inputs = [x.name for x in model.inputs]
    if source not in (None, *inputs):
        refuse("source", f"None or one of {', '.join(map(repr, inputs))}", source)
    fields = []
    for field in found:
        i = min(field, default=None) if source is None else inputs.index(source)
        fields.append(geometry(field.get(i)))
    if any(field != fields[0] for field in fields):
        refuse("layer", "one whose calls all have the same receptive field", name)
    size, stride, offset = fields[0].values()
    return None if size is None else ReceptiveField(size, stride, offset)
