"""The residual nets: their depth, grids, shortcuts, and the deepest of them."""

import math
import re
import sys

import keras
import numpy as np
import pytest

import kerasnets
from kerasnets.assembly.catalogue import catalogue
from kerasnets.graph import no_values

SMALL = {"ResNet": dict(alpha=0.05), "CIFARResNet": dict(alpha=0.25), "WRN": dict(width=1)}


def built(name, **options):
    builder = getattr(kerasnets.applications, name)
    return builder(**(SMALL.get(builder.spec.body.__name__, {}) | options))


@pytest.fixture(autouse=True)
def clean():
    yield
    keras.backend.clear_session()


def convolutions(model, shortcuts=False):
    return [
        layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and (shortcuts or "shortcut" not in layer.name)
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("ResNet18", "ResNet34", "ResNet50", "PlainNet18", "PlainNet34"),
        *("ResNet20", "ResNet32", "ResNet44", "PlainNet20"),
        *("ResNet18V2", "ResNet34V2", "ResNet50V2", "ResNet164V2"),
        *("ResNeXt50", "ResNeXt29", "WRN50_2"),
    ],
)
def test_the_number_in_the_name_counts_the_layers(name):
    with no_values():
        net = built(name)
    assert len(convolutions(net)) + 1 == int(re.search(r"\d+", name)[0])


@pytest.mark.parametrize(("name", "depth"), [("WRN16_8", 16), ("WRN28_10", 28), ("WRN40_4", 40)])
@no_values()
def test_wide_nets_count_their_convolutions(name, depth):
    assert len(convolutions(built(name, width=2), shortcuts=True)) == depth


# He 2015, table 1, and section 4.2 for CIFAR: output sizes, and maps that come out.
GRIDS = {
    "ResNet34": {
        "stem_act": (112, 64),
        "stem_pool": (56, 64),
        "stage1_unit3_act": (56, 64),
        "stage2_unit4_act": (28, 128),
        "stage3_unit6_act": (14, 256),
        "stage4_unit3_act": (7, 512),
    },
    "ResNet50": {
        "stem_act": (112, 64),
        "stem_pool": (56, 64),
        "stage1_unit3_act": (56, 256),
        "stage2_unit4_act": (28, 512),
        "stage3_unit6_act": (14, 1024),
        "stage4_unit3_act": (7, 2048),
    },
    "ResNet20": {"stage1_unit3_act": (32, 16), "stage2_unit3_act": (16, 32), "stage3_unit3_act": (8, 64)},
    # Zagoruyko 2016, table 1
    "WRN16_8": {"stage1_unit2_add": (32, 128), "stage2_unit2_add": (16, 256), "stage3_unit2_add": (8, 512)},
}


@pytest.mark.parametrize("name", GRIDS)
def test_grids_of_the_paper(name):
    with no_values():
        net = kerasnets.build(name)
    for layer, (side, maps) in GRIDS[name].items():
        assert net.get_layer(layer).output.shape[1:] == (side, side, maps), layer


@no_values()
def test_shortcuts_cost_what_the_paper_says():
    """He 2015, section 3.3: option A has no parameters; B projects where the maps change."""
    plain, padded, projected = (built("ResNet34", shortcut=s) for s in (None, "pad", "project"))
    assert plain.count_params() == padded.count_params()
    extra = {layer.name for layer in projected.layers} - {layer.name for layer in padded.layers}
    assert {n for n in extra if n.endswith("conv")} == {f"stage{s}_unit1_shortcut_conv" for s in (2, 3, 4)}


@pytest.mark.parametrize(
    ("name", "added"),
    [
        # The units that keep their shape, n maps: n**2 weights and 2n of batch normalization for each.
        ("ResNet34", {64: 3, 128: 3, 256: 5, 512: 2}),
        ("ResNet50", {256: 2, 512: 3, 1024: 5, 2048: 2}),
        ("ResNet20", {16: 3, 32: 2, 64: 2}),
    ],
)
@no_values()
def test_all_shortcuts_as_projections(name, added):
    """He 2015, section 4.1, option C."""
    some, every = (kerasnets.build(name, shortcut=s) for s in ("project", "project_all"))
    counts = [sum(math.prod(w.shape) for w in net.trainable_weights) for net in (some, every)]
    assert counts[1] - counts[0] == sum(units * (n**2 + 2 * n) for n, units in added.items())


FIRST = ("stem_bn", "stage1_unit1_1_bn")


@pytest.mark.parametrize(
    ("options", "norms", "padding"),
    [
        ({}, FIRST[:1], "ZeroPadding2D"),
        ({"stem_form": "repeated"}, FIRST, "ZeroPadding2D"),
        ({"stem_form": "repeated", "image_norm": True}, ("image_bn", *FIRST), "ZeroPadding2D"),
        ({"stem_form": "bare"}, FIRST[1:], "MirrorPadding2D"),
        ({"released": True}, FIRST[1:], "ZeroPadding2D"),
    ],
)
def test_stems_of_the_second_paper(options, norms, padding):
    with no_values():
        net = kerasnets.build("ResNet50V2", depths=(1, 1), alpha=0.0625, **options)
    names = [layer.name for layer in net.layers]
    assert [name for name in names[: names.index("stage1_unit1_1_conv")] if name.endswith("bn")] == [*norms]
    assert type(net.get_layer("stem_pool_pad")).__name__ == padding


@pytest.mark.parametrize("option", [{"stem_form": "bare"}, {"image_norm": True}])
def test_the_released_form_has_its_own_stem(option):
    (word,) = option
    with pytest.raises(ValueError, match=f"`{word}` is .* where `released` is True. Received: {word}="):
        kerasnets.build("ResNet50V2", released=True, **option)


# In millions: He 2016, table 4; Zagoruyko 2016, table 8; Xie 2017, table 7.
MILLIONS = [
    ("ResNet164V2", {}, 1.7),
    ("ResNet1001V2", {}, 10.2),
    ("WRN101_2", {}, 126.9),
    ("ResNeXt29", {}, 34.4),
    ("ResNeXt29", {"cardinality": 16}, 68.1),
]


@pytest.mark.parametrize(("name", "options", "millions"), MILLIONS)
def test_parameters_as_rounded_in_the_paper(name, options, millions):
    params = catalogue()[name]["params"]
    if options:
        with no_values():
            net = kerasnets.build(name, **options)
        params = sum(math.prod(w.shape) for w in net.trainable_weights)
    assert params / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.fixture
def limit():
    """A limit of recursion near what is used already, so that no net of thousands of layers is needed."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    yield 400
    sys.setrecursionlimit(before)


def test_a_net_deeper_than_python_recurses_builds_and_trains(limit):
    depth = 122  # 60 units, 7 layers each, on one path
    net = kerasnets.build("ResNet1202", depth=depth, alpha=0.0625, input_shape=(8, 8, 3))
    assert sys.getrecursionlimit() == limit < 7 * (depth - 2) / 2
    net.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    x = np.random.default_rng(0).uniform(size=(2, 8, 8, 3)).astype("float32")
    assert np.isfinite(net.train_on_batch(x, np.array([0, 1])))
