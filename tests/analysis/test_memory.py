"""Memory of activations: what a lecture prints, by hand, by brute force, and what PyTorch saves."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import kerasnets
from kerasnets.analysis import profile
from kerasnets.graph import no_values

# Abir Das, CNN Architectures, IIT Kharagpur, February 2021, VGG: the listing's "memory", input to last layer.
# "TOTAL memory: 15.2M * 4 bytes ~ 58MB / image (for a forward pass)".
VGG16 = [
    *(224 * 224 * n for n in (3, 64, 64)),
    *(112 * 112 * n for n in (64, 128, 128)),
    *(56 * 56 * n for n in (128, 256, 256, 256)),
    *(28 * 28 * n for n in (256, 512, 512, 512)),
    *(14 * 14 * n for n in (512, 512, 512, 512)),
    *(7 * 7 * 512, 4096, 4096, 1000),
]


def test_vgg16_as_printed():
    with no_values():
        counts = profile(kerasnets.build("VGG16"))
    assert [row.activations for row in counts.layers if not row.in_place] == VGG16
    assert counts.activations == sum(VGG16)
    assert round(counts.activations / 1e6, 1) == 15.2
    assert counts.activation_bytes == 4 * sum(VGG16)
    assert round(counts.activation_bytes / 2**20) == 58
    # The second convolution reads and gives the largest maps, while the image stays.
    assert counts.peak_activation_bytes == 4 * (VGG16[0] + VGG16[1] + VGG16[2])


def conv(filters, **options):
    return layers.Conv2D(filters, 1, use_bias=False, **options)


def test_a_chain_by_hand():
    x = inputs = keras.Input((4, 4, 1))  # 64 bytes, which stay
    x = conv(2)(x)  # 128
    x = layers.BatchNormalization()(x)  # over it
    x = layers.Activation("relu")(x)  # over it
    x = conv(3)(x)  # 192: 64 + 128 + 192 are alive
    x = layers.Dropout(0.5)(x)  # the same
    x = layers.Flatten()(x)  # the same
    x = layers.Dense(5)(x)  # 20: 64 + 192 + 20
    counts = profile(keras.Model(inputs, x))
    assert counts.activation_bytes == 64 + 128 + 192 + 20
    assert counts.peak_activation_bytes == 64 + 128 + 192
    assert [row.in_place for row in counts.layers] == [False, False, True, True, False, True, True, False]
    # Gradients read the image, the map before BN, that behind the ReLU, and what Dropout gives.
    assert counts.training_activation_bytes == 64 + 128 + 128 + 192
    # Flatten's output is the same memory as that of Dropout, which made it.
    assert [row.kept_bytes for row in counts.layers] == [64, 128, 0, 128, 0, 192, 0, 0]


def test_nothing_is_written_over_what_is_read_later():
    inputs = keras.Input((4, 4, 1))
    old = conv(2)(inputs)
    new = conv(2)(layers.Activation("relu")(layers.BatchNormalization()(old)))
    counts = profile(keras.Model(inputs, layers.Add()([old, new])))
    # `old` waits for the sum, so normalisation needs memory of its own; the sum lies over one of its terms.
    assert [row.in_place for row in counts.layers] == [False, False, False, True, False, True]
    assert counts.activation_bytes == 64 + 3 * 128
    assert counts.peak_activation_bytes == 64 + 3 * 128


def test_inputs_and_outputs_stay():
    a, b = keras.Input((4, 4, 1)), keras.Input((4, 4, 1))
    x = layers.Activation("relu")(a)  # not over the input
    y = layers.Activation("relu")(x)  # not over an output
    z = layers.Add()([y, b])  # over y
    counts = profile(keras.Model([a, b], {"x": x, "z": z}))
    assert counts.activation_bytes == counts.peak_activation_bytes == 4 * 64


def test_stages_of_one_layer():
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.SeparableConv2D(2, 3, depth_multiplier=2)])
    counts = profile(model)
    assert counts.layers[-1].activations == 2 * 2 * (6 + 2)
    assert counts.activations == 48 + 2 * 2 * (6 + 2)
    assert counts.training_activation_bytes == 4 * (48 + 2 * 2 * 6)


@pytest.mark.parametrize(
    ("activation", "values"), [(None, 0), ("relu", 16), ("softmax", 16), ("silu", 16), ("gelu", 16)]
)
@pytest.mark.parametrize("fused", [False, True])
def test_what_activations_keep(activation, values, fused):
    inputs = keras.Input((4, 4, 2))
    x = conv(1, activation=activation if fused else None)(inputs)
    if activation and not fused:
        x = layers.Activation(activation)(x)
    counts = profile(keras.Model(inputs, layers.ZeroPadding2D(1)(x)))
    assert counts.training_activation_bytes == 4 * (32 + values)
    assert sum(row.kept_bytes for row in counts.layers) == 4 * (32 + values)
    assert counts.activations == 32 + 16 + 36


def test_frozen_layers_keep_nothing():
    inputs = keras.Input((4, 4, 2))
    body = keras.Sequential([inputs, conv(3), layers.BatchNormalization(), layers.ReLU(), conv(2)])
    model = keras.Sequential([body, layers.Flatten(), layers.Dense(1)])
    body.trainable = False
    assert profile(model).training_activation_bytes == 4 * 32
    body.layers[-1].trainable = True
    assert profile(model).training_activation_bytes == 4 * (48 + 32)


def test_recomputed_layers_keep_less():
    options = kerasnets.applications.DenseNet40.spec.tiny | dict(depth=22)
    plain, efficient = (
        profile(kerasnets.build("DenseNet40", memory_efficient=e, **options)) for e in (False, True)
    )
    assert efficient.training_activation_bytes < 0.7 * plain.training_activation_bytes


def test_precision(dtype_policy):
    dtype_policy("mixed_float16")
    inputs = keras.Input((4, 4, 3), dtype="uint8")
    x = layers.Dense(2, dtype="float32")(layers.Flatten()(conv(2)(layers.Rescaling(1 / 255)(inputs))))
    rows = profile(keras.Model(inputs, x)).layers
    assert [row.activation_bytes for row in rows] == [48, 96, 64, 64, 8]


@pytest.fixture
def dtype_policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_by_brute_force(seed):
    random = np.random.default_rng(seed)
    tensors, names = [keras.Input((2, 2, 1))], ["input"]
    parents = {"input": []}
    for i in range(12):
        picked = sorted(
            random.choice(len(tensors), size=min(len(tensors), random.integers(1, 4)), replace=False)
        )
        x = [tensors[p] for p in picked]
        if len(x) > 1:
            layer = layers.Concatenate(name=f"layer{i}")
        else:
            x, layer = x[0], conv(int(random.integers(1, 6)), name=f"layer{i}")
        tensors.append(layer(x))
        names.append(layer.name)
        parents[layer.name] = [names[p] for p in picked]
    read = {p for several in parents.values() for p in several}
    outputs = [n for n in names[1:] if n not in read]
    model = keras.Model(tensors[0], [tensors[names.index(n)] for n in outputs])
    counts = profile(model)
    order = ["input", *(row.name for row in counts.layers[1:])]
    size = dict(zip(order, (row.activation_bytes for row in counts.layers), strict=True))
    assert all(order.index(p) < order.index(n) for n in order for p in parents[n])

    def alive(name, now):
        readers = [order.index(n) for n in order if name in parents[n]]
        stays = name == "input" or name in outputs
        return order.index(name) <= now and (stays or max(readers) >= now)

    peaks = [sum(size[n] for n in order if alive(n, now)) for now in range(len(order))]
    assert counts.peak_activation_bytes == max(peaks)
    assert counts.activation_bytes == sum(size.values())


def test_what_torch_saves():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(inplace=True),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(4, 6, 3, padding=1),
        torch.nn.Sigmoid(),
        torch.nn.AvgPool2d(2),
        torch.nn.Conv2d(6, 6, 1),
        torch.nn.SiLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(54, 5),
    )
    saved = {}

    def pack(x):
        if x.is_floating_point() and x.numel() > 30:  # neither places of the largest pixels nor statistics
            saved[x.untyped_storage().data_ptr()] = x
        return x

    weights = {p.untyped_storage().data_ptr() for p in net.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        net(torch.ones(1, 3, 12, 12))
    theirs = sum(4 * math.prod(x.shape) for place, x in saved.items() if place not in weights)

    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(6, 3, padding="same", activation="sigmoid"),
            layers.AveragePooling2D(2),
            layers.Conv2D(6, 1),
            layers.Activation("silu"),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )
    assert profile(model).training_activation_bytes == theirs
