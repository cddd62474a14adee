"""Files of other frameworks give the layers that are in them; files that claim or do more are refused."""

import numpy as np
import pytest

import written
from kerasnets.weights.readers import finite, read_units
from kerasnets.weights.units import units_of

STATE = written.state()


def put(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def same(units, state=STATE, names=True, kinds=("conv", "norm", "dense")):
    """Whether units are those of a state dict, in any order if they have its names."""
    expected = [unit for unit in units_of(state.items()) if unit.kind in kinds]
    if names:
        order = [unit.name for unit in expected]
        units = sorted(units, key=lambda unit: order.index(unit.name))
    assert [unit.kind for unit in units] == [unit.kind for unit in expected]
    for found, unit in zip(map(finite, units), expected, strict=True):
        assert set(found.values) == set(unit.values)
        for weight, array in unit.values.items():
            np.testing.assert_array_equal(found.values[weight], np.float32(array))


@pytest.mark.parametrize("name", written.FORMATS)
def test_each_format(name, tmp_path):
    suffix, write = written.FORMATS[name]
    same(read_units(put(tmp_path, f"net{suffix}", write(STATE))), names=name == "safetensors")
