"""The squeeze-and-excitation nets, and the unit as an option of others."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.graph import no_values


@pytest.fixture(autouse=True)
def clean():
    yield
    keras.backend.clear_session()


def gates(model):
    """Maps that each squeeze-and-excitation unit weighs, in the order of the net."""
    return [layer.output.shape[-1] for layer in model.layers if layer.name.endswith("_se_scale")]


def trainable(model):
    return sum(math.prod(w.shape) for w in model.trainable_weights)


def added(maps, reduction):
    """Hu 2018, equation 5: 2 / r times the sum of squared maps; and the biases of the release."""
    return sum(2 * c * c // reduction + c // reduction + c for c in maps)


@pytest.mark.parametrize(
    ("name", "plain", "stages"),
    [
        # Trainable parameters of the plain nets: tests/published.csv
        ("SEResNet18", 11_689_512, ((64, 2), (128, 2), (256, 2), (512, 2))),
        ("SEResNet34", 21_797_672, ((64, 3), (128, 4), (256, 6), (512, 3))),
        ("SEResNet50", 25_557_032, ((256, 3), (512, 4), (1024, 6), (2048, 3))),
    ],
)
@no_values()
def test_parameters_added_to_the_plain_net(name, plain, stages):
    maps = [c for c, units in stages for _ in range(units)]
    gated = kerasnets.build(name)
    assert gates(gated) == maps
    assert trainable(gated) == plain + added(maps, 16)


@no_values()
def test_reduction():
    """Hu 2018 (TPAMI), table 10: 35.7 million parameters of SE-ResNet-50 with r = 4."""
    assert trainable(kerasnets.build("SEResNet50", reduction=4)) == pytest.approx(35.7e6, abs=0.1e6)


# The authors' definition files for Caffe: maps, side of the kernel, step and groups of each convolution.
RELEASED = {
    "SEResNet50": {
        "stem_conv": (64, 7, 2, 1),
        "stage1_unit1_2_conv": (64, 3, 1, 1),
        "stage1_unit1_se_reduce": (16, 1, 1, 1),
        "stage1_unit1_se_excite": (256, 1, 1, 1),
        "stage1_unit1_shortcut_conv": (256, 1, 1, 1),
        "stage2_unit1_1_conv": (128, 1, 2, 1),
        "stage2_unit1_2_conv": (128, 3, 1, 1),
        "stage2_unit1_3_conv": (512, 1, 1, 1),
        "stage2_unit1_shortcut_conv": (512, 1, 2, 1),
    },
    "SEResNeXt50": {
        "stem_conv": (64, 7, 2, 1),
        "stage1_unit1_1_conv": (128, 1, 1, 1),
        "stage1_unit1_2_conv": (128, 3, 1, 32),
        "stage2_unit1_1_conv": (256, 1, 1, 1),
        "stage2_unit1_2_conv": (256, 3, 2, 32),
        "stage2_unit1_3_conv": (512, 1, 1, 1),
        "stage2_unit1_shortcut_conv": (512, 1, 2, 1),
        "stage4_unit1_se_reduce": (128, 1, 1, 1),
    },
    "SENet154": {
        "stem1_conv": (64, 3, 2, 1),
        "stem2_conv": (64, 3, 1, 1),
        "stem3_conv": (128, 3, 1, 1),
        "stage1_unit1_1_conv": (128, 1, 1, 1),
        "stage1_unit1_2_conv": (256, 3, 1, 64),
        "stage1_unit1_3_conv": (256, 1, 1, 1),
        "stage1_unit1_shortcut_conv": (256, 1, 1, 1),
        "stage2_unit1_1_conv": (256, 1, 1, 1),
        "stage2_unit1_2_conv": (512, 3, 2, 64),
        "stage2_unit1_3_conv": (512, 1, 1, 1),
        "stage2_unit1_shortcut_conv": (512, 3, 2, 1),
        "stage3_unit1_1_conv": (512, 1, 1, 1),
        "stage3_unit1_2_conv": (1024, 3, 2, 64),
        "stage4_unit1_shortcut_conv": (2048, 3, 2, 1),
        "stage4_unit1_2_conv": (2048, 3, 2, 64),
        "stage4_unit1_se_reduce": (128, 1, 1, 1),
    },
}


@pytest.mark.parametrize("name", RELEASED)
@no_values()
def test_convolutions_of_the_release(name):
    model = kerasnets.build(name, depths=(1, 1, 1, 1))
    for layer, (filters, kernel, strides, groups) in RELEASED[name].items():
        conv = model.get_layer(layer)
        assert (conv.filters, conv.kernel_size, conv.strides, conv.groups) == (
            filters,
            (kernel,) * 2,
            (strides,) * 2,
            groups,
        ), layer
        assert conv.use_bias == ("_se_" in layer), layer


@pytest.mark.parametrize("name", ["SEResNet18", "SEResNeXt50", "SENet154"])
@pytest.mark.parametrize(("sides", "windows"), [("end", 4), ("both", 1)])
def test_where_the_windows_of_the_pooling_after_the_stem_begin(name, sides, windows):
    """The third pixel is in two windows on each axis, or in the one that begins at the second."""
    model = kerasnets.build(name, depths=(1,), include_top=False, pool_padding=sides, input_shape=(32, 32, 3))
    pad, pool = model.get_layer("stem_pool_pad"), model.get_layer("stem_pool")
    pixel = np.zeros((1, 16, 16, 1), "float32")
    pixel[0, 2, 2] = 1
    pooled = ops.convert_to_numpy(pool(pad(pixel)))
    assert pooled.shape == (1, 8, 8, 1)
    assert pooled.sum() == windows


@no_values()
def test_the_strides_of_a_bottleneck_are_in_either_convolution():
    for stride_in, strides in (("1x1", (2, 1)), ("3x3", (1, 2))):
        model = kerasnets.build("SEResNet50", depths=(1, 1), alpha=0.1, stride_in=stride_in)
        found = [model.get_layer(f"stage2_unit1_{i}_conv").strides[0] for i in (1, 2)]
        assert tuple(found) == strides


@no_values()
def test_dropout_is_before_the_classifier_of_senet154_alone():
    """The release: dropout_ratio 0.2 in SENet-154, none in the others."""
    small = dict(depths=(1,), cardinality=1, width=1)
    assert kerasnets.build("SENet154", **small).get_layer("dropout").rate == 0.2
    assert "dropout" not in {layer.name for layer in kerasnets.build("SEResNeXt50", **small).layers}


def test_the_gate_is_on_the_new_maps_before_they_are_added():
    """With all weights of zero behind the sigmoid, a unit of an identity gives relu(x + new / 2)."""
    small = dict(depths=(2,), alpha=0.1, reduction=2, include_top=False, input_shape=(32, 32, 3))
    model = kerasnets.build("SEResNet18", **small)
    excite = model.get_layer("stage1_unit2_se_excite")
    excite.set_weights([np.zeros_like(w) for w in excite.get_weights()])
    ends = ("stage1_unit1_act", "stage1_unit2_2_bn", "stage1_unit2_act")
    probe = keras.Model(model.input, [model.get_layer(name).output for name in ends])
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    old, new, out = map(ops.convert_to_numpy, probe(x, training=False))
    assert new.std() > 0.01
    np.testing.assert_allclose(out, np.maximum(old + new / 2, 0), rtol=1e-5, atol=1e-6)


# Names of models, their trainable parameters without the option (tests/published.csv), and the maps that each
# unit or module gives.
OPTION = [
    # Howard 2017, table 1: filters of the pointwise convolutions
    ("MobileNet", 4_231_976, [64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]),
    # Szegedy 2016 (Rethinking), table 1, and its release; reductions too, as in that of SE-BN-Inception
    ("InceptionV3", 23_834_568, [256, 288, 288, 768, *[768] * 4, 1280, 2048, 2048]),
]


@pytest.mark.parametrize(("name", "plain", "maps"), OPTION)
@no_values()
def test_option_of_other_nets(name, plain, maps):
    gated = kerasnets.build(name, squeeze_excite=16)
    assert gates(gated) == maps
    assert trainable(gated) == plain + added(maps, 16)
    if name == "MobileNet":  # Hu 2018 (TPAMI), table 3: 4.7 million parameters of SE-MobileNet
        assert trainable(gated) == pytest.approx(4.7e6, abs=0.05e6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("MobileNet", dict(alpha=0.125, depths=(1, 1, 1, 1, 1), input_shape=(32, 33, 3))),
        ("ConvMobileNet", dict(alpha=0.125, depths=(1, 1, 1, 1, 1), input_shape=(32, 33, 3))),
        ("InceptionV3", dict(alpha=0.04, depths=(1, 1, 1), input_shape=(75, 76, 3), aux_heads=True)),
    ],
)
def test_every_gate_of_the_option_reaches_an_output(name, options):
    keras.utils.set_random_seed(0)
    model = kerasnets.build(name, squeeze_excite=2, classes=3, classifier_activation=None, **options)
    x = np.random.default_rng(0).normal(size=(2, *options["input_shape"])).astype("float32")

    def outputs():
        return [ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x, training=False))]

    before = outputs()
    scales = [layer for layer in model.layers if layer.name.endswith("_se_excite")]
    assert scales
    for layer in scales:  # each gate, shut, changes some output
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel, bias - 5])
        after = outputs()
        assert any(np.abs(a - b).max() > 1e-7 for a, b in zip(before, after, strict=True)), layer.name
        layer.set_weights([kernel, bias])
