"""SimpleNet and SimpNet compute what their releases do, with dropout behind each of their 13 convolutions."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerasnets
from kerasnets.graph import no_values

NAMES = ["SimpleNet", "SimpNet", "SimpNetSlim300K", "SimpNetSlim600K"]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", NAMES)
@no_values()
def test_thirteen_layers_each_with_dropout(name):
    net = kerasnets.build(name)
    assert sum(isinstance(layer, layers.Conv2D) for layer in net.layers) == 13
    plain = (layers.InputLayer, layers.MaxPooling2D, layers.GlobalMaxPooling2D)
    kinds = [type(layer) for layer in net.layers if not isinstance(layer, plain)]
    unit = [layers.Conv2D, layers.BatchNormalization, layers.Activation, layers.Dropout]
    assert kinds == unit * 13 + [layers.Dense, layers.Activation]
    # Pooling comes before dropout: the SAF-pooling of the paper.
    for before, layer in zip(net.layers, net.layers[1:], strict=False):
        assert not (isinstance(before, layers.Dropout) and isinstance(layer, plain)), layer.name
    keras.backend.clear_session()


# Sums over the releases' definition files: 5.48M in Hasanpour 2018, 300K and 600K in seed 002, table S3. The
# nets here have no biases in front of batch normalization.
@pytest.mark.parametrize(
    ("name", "params", "biases"),
    [("SimpNet", 5_478_223, 2_773), ("SimpNetSlim300K", 300_964, 676), ("SimpNetSlim600K", 601_021, 959)],
)
@no_values()
def test_parameters_are_the_releases_but_for_biases(name, params, biases):
    net = kerasnets.build(name)
    convs = [layer for layer in net.layers if isinstance(layer, layers.Conv2D)]
    assert sum(layer.filters for layer in convs) == biases
    moving = 2 * biases
    assert net.count_params() - moving == params - biases
    keras.backend.clear_session()


@pytest.mark.parametrize("name", ["SimpleNet", "SimpNet"])
def test_equals_the_release_in_torch(name):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    tiny = getattr(kerasnets.applications, name).spec.tiny
    net = kerasnets.build(name, input_shape=(None, None, 3), classifier_activation=None, **tiny)
    net.set_weights([RNG.uniform(0.5, 1, w.shape) * RNG.choice([-1, 1]) for w in net.get_weights()])
    for layer in net.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_variance.assign(RNG.uniform(0.5, 2, layer.moving_variance.shape))
        elif isinstance(layer, layers.Conv2D):
            layer.kernel.assign(RNG.normal(scale=0.5, size=layer.kernel.shape))
    weights = iter(torch.tensor(w) for w in net.get_weights())
    image = RNG.normal(size=(3, 33, 36, 3)).astype("float32")
    x = torch.tensor(image).permute(0, 3, 1, 2)
    last = len(tiny["kernels"]) - 1
    for stage, row in enumerate(tiny["kernels"]):
        for kernel in row:
            x = functional.conv2d(x, next(weights).permute(3, 2, 0, 1), padding=kernel // 2)
            gamma, beta, mean, variance = (next(weights) for _ in range(4))
            x = functional.relu(functional.batch_norm(x, mean, variance, gamma, beta, eps=1e-5))
        x = functional.max_pool2d(x, x.shape[2:] if stage == last else 2)
    expected = x.flatten(1) @ next(weights) + next(weights)
    ours = ops.convert_to_numpy(net(image, training=False))
    assert np.ptp(ours, axis=0).min() > 1e-3, "the images make no difference"
    np.testing.assert_allclose(ours, expected.numpy(), rtol=1e-4, atol=1e-4)


def sequence(**options):
    """The kinds of layers of a small SimpNet, but for batch normalization, and its parameters."""
    net = kerasnets.build("SimpNet", kernels=((3, 3), (3,)), filters=(4, 4, 4), dropout=0.1, **options)
    skipped = (layers.BatchNormalization, layers.ZeroPadding2D, layers.InputLayer)
    kinds = [type(layer) for layer in net.layers if not isinstance(layer, skipped)][:-2]
    return kinds, net.count_params(), net.get_layer("stage2_unit1_act").output.shape


@no_values()
def test_forms_of_downsampling_and_places_of_dropout():
    act, conv, drop, pool = layers.Activation, layers.Conv2D, layers.Dropout, layers.MaxPooling2D
    unit, end = [conv, act], [layers.GlobalMaxPooling2D, drop]
    found, params, shape = sequence()
    assert found == [*unit, drop, *unit, pool, drop, *unit, *end]
    assert sequence(downsampling="pool") == ([*unit, drop, *unit, drop, pool, *unit, *end], params, shape)
    assert sequence(downsampling="stride") == ([*unit, drop, *unit, drop, *unit, *end], params, shape)
    assert sequence(dropout_at="end") == ([*unit, *unit, pool, *unit, *end], params, shape)
    net = kerasnets.build("SimpNet", kernels=((3,),), filters=(4,), act="tanh")
    assert net.get_layer("stage1_unit1_act").activation is keras.activations.tanh
    keras.backend.clear_session()
