import keras
import pytest
from keras import layers

import kerasnets
from atlas_pages import stages
from kerasnets.analysis import profile
from kerasnets.graph import no_values

# Rows of printed tables: output size, and what is done.
PRINTED = {
    "ResNet50": [  # He et al. 2016, table 1
        ("112x112", "7x7, 64, stride 2"),
        ("56x56", "3x3 max pool, stride 2"),
        ("56x56", "[1x1, 64 · 3x3, 64 · 1x1, 256] x 3"),
        ("28x28", "[1x1, 128 · 3x3, 128 · 1x1, 512] x 4"),
        ("14x14", "[1x1, 256 · 3x3, 256 · 1x1, 1024] x 6"),
        ("7x7", "[1x1, 512 · 3x3, 512 · 1x1, 2048] x 3"),
        ("1x1", "global average pool"),
        ("1x1", "1000-d fc"),
    ],
    "ResNeXt50": [  # Xie et al. 2017, table 1
        ("56x56", "[1x1, 128 · 3x3, 128, C=32 · 1x1, 256] x 3"),
        ("28x28", "[1x1, 256 · 3x3, 256, C=32 · 1x1, 512] x 4"),
        ("14x14", "[1x1, 512 · 3x3, 512, C=32 · 1x1, 1024] x 6"),
        ("7x7", "[1x1, 1024 · 3x3, 1024, C=32 · 1x1, 2048] x 3"),
    ],
    "DenseNet121": [  # Huang et al. 2017, table 1, with k = 32
        ("112x112", "7x7, 64, stride 2"),
        ("56x56", "3x3 max pool, stride 2"),
        ("56x56", "[1x1, 128 · 3x3, 32] x 6"),
        ("28x28", "2x2 average pool, stride 2"),
        ("28x28", "[1x1, 128 · 3x3, 32] x 12"),
        ("14x14", "[1x1, 128 · 3x3, 32] x 24"),
        ("7x7", "[1x1, 128 · 3x3, 32] x 16"),
    ],
    "GoogLeNet": [  # Szegedy et al. 2015, table 1
        ("112x112", "7x7, 64, stride 2"),
        ("28x28", "(1x1, 64 | 1x1, 96 · 3x3, 128 | 1x1, 16 · 5x5, 32 | 3x3 max pool · 1x1, 32)"),
        ("14x14", "(1x1, 192 | 1x1, 96 · 3x3, 208 | 1x1, 16 · 5x5, 48 | 3x3 max pool · 1x1, 64)"),
        ("7x7", "(1x1, 384 | 1x1, 192 · 3x3, 384 | 1x1, 48 · 5x5, 128 | 3x3 max pool · 1x1, 128)"),
    ],
    "MobileNet": [  # Howard et al. 2017, table 1
        ("112x112", "3x3, 32, stride 2"),
        ("112x112", "[3x3 dw, 32 · 1x1, 64]"),
        ("14x14", "[3x3 dw, 512 · 1x1, 512] x 5"),
    ],
    "WRN28_10": [  # Zagoruyko and Komodakis 2016, table 1, with N = 4 and k = 10
        ("32x32", "[3x3, 160 · 3x3, 160] x 4"),
        ("16x16", "[3x3, 320 · 3x3, 320] x 4"),
        ("8x8", "[3x3, 640 · 3x3, 640] x 4"),
    ],
    "VGG16": [  # Simonyan and Zisserman 2015, table 1, column D
        ("224x224", "[3x3, 64] x 2"),
        ("112x112", "2x2 max pool, stride 2"),
        ("14x14", "[3x3, 512] x 3"),
        ("1x1", "[4096-d fc] x 2"),
        ("1x1", "1000-d fc"),
    ],
    "SENet154": [("14x14", "[1x1, 512 · 3x3, 1024, C=64 · 1x1, 1024 · SE [64, 1024]] x 36")],
    "HRNetV2W18": [("56x56", "([3x3, 18 · 3x3, 18] x 4 | [3x3, 36 · 3x3, 36] x 4)")],
}


def built(name, **options):
    with no_values():
        model = kerasnets.build(name, **options)
    return model, profile(model)


@pytest.mark.parametrize("name", PRINTED)
def test_rows_are_those_of_the_printed_table_and_their_costs_those_of_the_net(name):
    model, counts = built(name)
    rows = stages.stages(model, counts)
    found = iter([(row["size"], row["what"]) for row in rows])
    assert [row for row in PRINTED[name] if row not in found] == []  # all, in this order
    for cost in ("params", "mult_adds"):
        assert sum(row[cost] for row in rows) == getattr(counts, cost)


def test_rows_know_the_resolution_and_the_repeats():
    rows = stages.stages(*built("ResNet50"))
    assert [row["stride"] for row in rows] == [1, 2, 4, 4, 8, 16, 32, None, None]
    assert rows[3]["name"] == "stage 1, units 1 to 3"
    assert rows[3]["repeats"] == 3


@pytest.mark.parametrize(
    ("name", "depth"),
    [("LeNet5", 5), ("VGG16", 16), ("GoogLeNet", 22), ("ResNet50", 50), ("DenseNet40", 40), ("FitNet1", 11)],
)
def test_depth_is_that_of_the_paper(name, depth):
    assert stages.growth(*built(name))["depth"] == depth


def test_growth_of_the_receptive_field():
    grown = stages.growth(*built("LeNet5"))
    assert grown["points"] == [[0, 1], [1, 5], [2, 6], [3, 14], [4, 16], [5, 32]]
    assert grown["first"] == "c5_conv"
    assert grown["strides"] == [[2, 2], [4, 4]]
    assert stages.growth(*built("VGG16"))["first"] is None  # 212 of 224 pixels


def test_gates_are_no_layers_of_the_path_and_read_the_whole_image():
    grown = stages.growth(*built("SENet154"))
    assert grown["depth"] == 154
    assert grown["first"] == "stage1_unit1_se_scale"


def test_branches_that_cross_are_one_row_by_their_names():
    x = inputs = keras.Input((8, 8, 3), name="images")
    a = layers.Conv2D(4, 3, padding="same", name="block_module1_branch1_conv")(x)
    b = layers.Conv2D(4, 5, padding="same", name="block_module1_branch2_conv")(x)
    c = layers.Add(name="block_module1_add1")([a, b])
    d = layers.Add(name="block_module1_add2")([c, b])
    e = layers.Concatenate(name="block_module1_join")([c, d, a])
    model = keras.Model(inputs, layers.Conv2D(2, 1, name="last")(e))
    rows = stages.stages(model, profile(model))
    assert [row["what"] for row in rows] == ["input", "(3x3, 4 | 5x5, 4)", "1x1, 2"]
