import numpy as np
import pytest
from keras import ops

from kerasnets.blocks.conv import overlapping_pool


@pytest.mark.parametrize("side", [2, 5, 6, 13])
def test_the_last_window_hangs_over_the_border(side):
    x = np.random.default_rng(0).uniform(0, 1, (2, side, side + 1, 3)).astype("float32")
    y = ops.convert_to_numpy(overlapping_pool(x, name="pool"))
    starts = [range(0, s // 2 * 2, 2) for s in x.shape[1:3]]
    expected = [[x[:, i : i + 3, j : j + 3].max((1, 2)) for j in starts[1]] for i in starts[0]]
    np.testing.assert_array_equal(y, np.moveaxis(expected, 2, 0))
    assert y.shape == (2, side // 2, (side + 1) // 2, 3)
