"""The region of the input that a unit of a layer depends on."""

import dataclasses

from kerasnets.analysis.walk import Walk, geometry
from kerasnets.checks import nearest, refuse


@dataclasses.dataclass(frozen=True)
class ReceptiveField:
    """What the units of a layer depend on. Unit i of an axis sees `size` pixels from offset + i * stride.

    Pixels beyond the border are the padding's. Where every unit depends on the same pixels, as behind global
    pooling or a dense layer, these are `size` pixels from `offset`.

    Attributes:
        size: Pixels along each axis of the input's grid, from the first to the last that a unit depends on.
            Behind enlarged maps units differ: it is then that of the unit with most.
        stride: Pixels from unit to unit; None where units have no place on the grid.
        offset: First pixel of the first unit; None where units have no order, as behind Flatten.
    """

    size: tuple
    stride: tuple | None
    offset: tuple | None


def receptive_field(model, layer, input_shape=None, source=None):
    """The receptive field of a layer's units.

    Args:
        model: Any functional or sequential keras.Model.
        layer: The layer, or its name; that of one in a nested model stands behind the model's and "/".
        input_shape: As for `profile`.
        source: Name of the input that the field lies on; by default the first that the layer depends on.

    Returns:
        A `ReceptiveField`; None where this library cannot tell, or the layer does not depend on the input.

    Raises:
        ValueError: As for `profile`; there is no such layer or input, or the layer is called several times
            with different fields.
    """
    walk = Walk(model, input_shape)
    name = getattr(layer, "name", layer)
    names = [row.name for row in walk.rows]
    ends = () if name is layer else (f"/{name}",)  # a layer itself may be a nested one
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
