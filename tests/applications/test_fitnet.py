"""FitNets are as deep and as large as their paper says, and compute what its release does."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.analysis import profile
from kerasnets.graph import no_values

# Romero 2015, table 5: layers, parameters, multiplications. FitNet3 is the 13-layer net of table 3, 1.5M;
# table 5's 1.6M and 392M are of 64 maps in each layer of its first stage, which table 7 does not have.
TABLE_5 = [
    ("FitNet1", {}, 11, 250e3, 30e6),
    ("FitNet2", {}, 11, 862e3, 108e6),
    ("FitNet3", {}, 13, 1.5e6, None),
    ("FitNet3", {"filters": (64,) * 4 + (80,) * 4 + (128,) * 3}, 13, 1.6e6, 392e6),
    ("FitNet4", {}, 19, 2.5e6, 382e6),
]


@pytest.mark.parametrize(("name", "options", "depth", "params", "mult_adds"), TABLE_5)
@no_values()
def test_table_5(name, options, depth, params, mult_adds):
    net = kerasnets.build(name, **options)
    assert sum(isinstance(layer, (layers.Conv2D, layers.Dense)) for layer in net.layers) == depth
    assert net.count_params() == pytest.approx(params, rel=0.02)
    if mult_adds:
        assert profile(net).mult_adds == pytest.approx(mult_adds, rel=0.01)
    keras.backend.clear_session()


@no_values()
def test_counts_of_the_release():
    # The sum of computeNumberParams.py over cifar10_fitnet19_all.yaml, which leaves biases out: 500 units of
    # five pieces stand where the paper counts two.
    net = kerasnets.build("FitNet4", hidden_pieces=5)
    assert sum(math.prod(w.shape) for w in net.weights if not w.path.endswith("bias")) == 2_736_712


def test_fresh_weights_keep_the_strength_of_the_maps():
    keras.utils.set_random_seed(0)
    net = kerasnets.build("FitNet4")
    x = np.random.default_rng(0).normal(size=(8, 32, 32, 3)).astype("float32")
    for name in ("stage1_unit5_maxout", "stage3_unit6_maxout"):
        maps = keras.Model(net.inputs, net.get_layer(name).output)(x)
        assert 0.3 < np.sqrt(np.mean(ops.convert_to_numpy(maps) ** 2)) < 3, name
    keras.backend.clear_session()


def test_equals_the_release_in_torch():
    torch = pytest.importorskip("torch")
    conv2d, max_pool2d = torch.nn.functional.conv2d, torch.nn.functional.max_pool2d
    net = kerasnets.build(
        "FitNet1",
        input_shape=(None, None, 3),
        depths=(2, 1),
        filters=(4, 3, 5),
        pieces=3,
        hidden=(6, 4),
        hidden_pieces=5,
        classifier_activation=None,
    )
    rng = np.random.default_rng(0)
    net.set_weights([rng.normal(scale=0.5, size=w.shape) for w in net.get_weights()])
    weights = iter(torch.tensor(w) for w in net.get_weights())

    def maxout(z, pieces):  # pylearn2's: the largest of z[i::pieces], i counting the pieces
        return torch.stack([z[:, i::pieces] for i in range(pieces)]).amax(0)

    image = rng.normal(size=(3, 11, 14, 3)).astype("float32")
    x = torch.tensor(image).permute(0, 3, 1, 2)
    for i in range(3):
        x = maxout(conv2d(x, next(weights).permute(3, 2, 0, 1), next(weights), padding=1), 3)
        if i == 1:
            x = max_pool2d(x, 2)
    x = x.amax((2, 3))
    for _ in range(2):
        x = maxout(x @ next(weights) + next(weights), 5)
    expected = x @ next(weights) + next(weights)
    np.testing.assert_allclose(ops.convert_to_numpy(net(image)), expected.numpy(), rtol=1e-4, atol=1e-4)
