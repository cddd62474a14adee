"""Multiply-adds against those that PyTorch counts at its operators as it runs the same layers."""

import keras
import pytest
from keras import layers

from kerasnets.analysis import profile

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

# (input, channels last; our layers; theirs).
LAYERS = {
    "1d": ((20, 3), [layers.Conv1D(4, 3, strides=2)], [nn.Conv1d(3, 4, 3, 2)]),
    "2d": ((9, 7, 3), [layers.Conv2D(5, (3, 2), dilation_rate=2)], [nn.Conv2d(3, 5, (3, 2), dilation=2)]),
    "same": ((9, 7, 3), [layers.Conv2D(5, 3, padding="same")], [nn.Conv2d(3, 5, 3, padding=1)]),
    "3d": ((6, 9, 7, 2), [layers.Conv3D(3, (1, 2, 3))], [nn.Conv3d(2, 3, (1, 2, 3))]),
    "groups": ((9, 7, 4), [layers.Conv2D(6, 3, groups=2)], [nn.Conv2d(4, 6, 3, groups=2)]),
    "depthwise": (
        (9, 7, 3),
        [layers.DepthwiseConv2D(3, depth_multiplier=2)],
        [nn.Conv2d(3, 6, 3, groups=3)],
    ),
    "separable": (
        (9, 7, 3),
        [layers.SeparableConv2D(5, 3, depth_multiplier=2)],
        [nn.Conv2d(3, 6, 3, groups=3), nn.Conv2d(6, 5, 1)],
    ),
    "transposed": ((5, 4, 3), [layers.Conv2DTranspose(2, 3, strides=2)], [nn.ConvTranspose2d(3, 2, 3, 2)]),
    "transposed 3d": ((2, 3, 4, 2), [layers.Conv3DTranspose(3, 2)], [nn.ConvTranspose3d(2, 3, 2)]),
    "dense": ((7,), [layers.Dense(5)], [nn.Linear(7, 5)]),
    "a net": (
        (16, 16, 3),
        [
            layers.Conv2D(4, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(6, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ],
        [
            nn.Conv2d(3, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(216, 5),
            nn.Softmax(-1),
        ],
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_multiply_adds(name):
    shape, ours, theirs = LAYERS[name]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        nn.Sequential(*theirs)(torch.ones(1, shape[-1], *shape[:-1]))
    operations = counter.get_total_flops()  # a multiplication and an addition each
    assert operations > 0
    assert 2 * profile(keras.Sequential([keras.Input(shape), *ours])).mult_adds == operations
