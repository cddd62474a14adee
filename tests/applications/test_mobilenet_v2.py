"""MobileNetV2's units and its counts of maps, and the padding of both MobileNets."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.assembly.registry import find
from kerasnets.graph import no_values


@no_values()
def maps(alpha):
    """Maps of the stem, of each stage and of the last convolution."""
    net = kerasnets.build("MobileNetV2", alpha=alpha, include_top=False, input_shape=(32, 32, 3))
    stages = [net.get_layer(f"stage{s}_unit1_project_conv").filters for s in range(1, 8)]
    keras.backend.clear_session()
    return [net.get_layer("stem_conv").filters, *stages, net.get_layer("last_conv").filters]


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        # Sandler 2018, table 2, column c
        (1.0, [32, 16, 24, 32, 64, 96, 160, 320, 1280]),
        # By hand, the nearest multiples of 8: 11.2 -> 16, for 8 would be more than a tenth less; 5.6 -> 8,
        # 8.4 -> 8, 22.4 -> 24, 33.6 -> 32, 56 and 112 as they are. Section 4.1: below 1, the multiplier
        # applies to "all layers except the very last convolutional layer".
        (0.35, [16, 8, 8, 16, 24, 32, 56, 112, 1280]),
        # 44.8 -> 48, 22.4 -> 24, 33.6 -> 32, 44.8 -> 48, 89.6 -> 88, 134.4 -> 136; 1792 = 1.4 * 1280
        (1.4, [48, 24, 32, 48, 88, 136, 224, 448, 1792]),
    ],
)
def test_counts_of_maps(alpha, expected):
    assert maps(alpha) == expected


@no_values()
def test_no_activation_follows_the_thin_maps_and_only_like_maps_are_added():
    net = kerasnets.build("MobileNetV2", input_shape=(64, 64, 3))
    # Table 2: n - 1 units of a stage read what they make, and the first never does.
    added = {layer.name for layer in net.layers if isinstance(layer, keras.layers.Add)}
    depths = (1, 2, 3, 4, 3, 3, 1)
    assert added == {f"stage{s}_unit{i}_add" for s, n in enumerate(depths, start=1) for i in range(2, n + 1)}
    # Section 3.2: linear bottlenecks. What a unit gives goes as it is into the next convolution or sum.
    for s, n in enumerate(depths, start=1):
        for i in range(1, n + 1):
            thin = net.get_layer(f"stage{s}_unit{i}_project_bn")
            readers = [node.operation for node in thin._outbound_nodes]
            assert readers
            assert all(isinstance(r, (keras.layers.Add, keras.layers.Conv2D)) for r in readers)
    # Section 3.4: t = 6 of what the unit reads, and no expansion in the first stage.
    assert net.get_layer("stage2_unit1_expand_conv").filters == 6 * 16
    assert net.get_layer("stage4_unit1_expand_conv").filters == 6 * 32
    assert net.get_layer("stage4_unit2_expand_conv").filters == 6 * 64
    assert "stage1_unit1_expand_conv" not in {layer.name for layer in net.layers}
    keras.backend.clear_session()


@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV2"])
def test_padding_matters_where_sides_are_even(name):
    """33, 17, 9, 5 and 3 pixels are padded on both sides in any case; 32 and its halves are not."""
    tiny = find(name).spec.tiny
    for side in (32, 33):
        x = np.random.default_rng(0).normal(size=(1, side, side, 3)).astype("float32")
        nets = [
            kerasnets.build(name, include_top=False, input_shape=x.shape[1:], padding=padding, **tiny)
            for padding in ("same", "symmetric")
        ]
        nets[1].set_weights(nets[0].get_weights())
        same, symmetric = (ops.convert_to_numpy(net(x, training=False)) for net in nets)
        assert same.shape == symmetric.shape
        assert (np.abs(same - symmetric).max() > 1e-3 * np.abs(same).max()) == (side == 32)


@no_values()
def test_activation_of_mobilenet():
    net = kerasnets.build("MobileNet", act="relu", **find("MobileNet").spec.tiny)
    acts = [layer.activation for layer in net.layers if isinstance(layer, keras.layers.Activation)]
    assert len(acts) == 12
    assert acts[:-1] == [keras.activations.relu] * 11
