"""The maps behind the layers of each net are as large as its paper says."""

import keras
import pytest

import kerasnets

# Names of models, their options, and the sides of the maps behind layers.
ROWS = [
    # Krizhevsky 2012, section 3.5 (55); Caffe's AlexNet for the rest
    (
        "AlexNet",
        {},
        {"conv1": 55, "conv1_pool": 27, "conv2": 27, "conv2_pool": 13, "conv5": 13, "conv5_pool": 6},
    ),
    (
        "AlexNet",
        {"input_shape": (224, 224, 3)},
        {"conv1": 55, "conv1_pool": 27, "conv2": 27, "conv2_pool": 13, "conv5": 13, "conv5_pool": 6},
    ),
    # Zeiler 2014, figure 3
    (
        "ZFNet",
        {},
        {"conv1": 110, "conv1_pool": 55, "conv2": 26, "conv2_pool": 13, "conv5": 13, "conv5_pool": 6},
    ),
    # The release's definition files: pool 3, stride 2, its last window over the border
    (
        "NIN",
        {},
        {
            "mlpconv1_conv3": 32,
            "mlpconv1_pool": 16,
            "mlpconv2_conv3": 16,
            "mlpconv2_pool": 8,
            "class_maps": 8,
        },
    ),
    (
        "NINImageNet",
        {},
        {"mlpconv1_conv3": 54, "mlpconv1_pool": 27, "mlpconv2_pool": 13, "mlpconv3_pool": 6, "class_maps": 6},
    ),
    # Simonyan 2015, table 1: halved five times
    (
        "VGG16",
        {"hidden": (8, 8)},
        {
            "block1_conv2": 224,
            "block1_pool": 112,
            "block2_pool": 56,
            "block3_pool": 28,
            "block4_pool": 14,
            "block5_conv3": 14,
            "block5_pool": 7,
        },
    ),
    (
        "VGG16C",
        {"hidden": (8, 8)},
        {"block3_conv3": 56, "block3_pool": 28, "block4_conv3": 28, "block5_conv3": 14, "block5_pool": 7},
    ),
    # Szegedy 2014, table 1, column "output size"
    (
        "GoogLeNet",
        {},
        {
            "conv1": 112,
            "pool1": 56,
            "conv2": 56,
            "pool2": 28,
            "inception_3a_join": 28,
            "inception_3b_join": 28,
            "pool3": 14,
            "inception_4a_join": 14,
            "inception_4e_join": 14,
            "pool4": 7,
            "inception_5a_join": 7,
            "inception_5b_join": 7,
        },
    ),
    # Ioffe 2015, figure 5, column "output size": 3c and 4e, of stride 2, are printed with what they read
    (
        "BNInception",
        {},
        {
            "conv1_conv": 112,
            "pool1": 56,
            "conv2_conv": 56,
            "pool2": 28,
            "inception_3b_join": 28,
            "inception_3c_join": 14,
            "inception_4a_join": 14,
            "inception_4d_join": 14,
            "inception_4e_join": 7,
            "inception_5b_join": 7,
        },
    ),
    # Szegedy 2016 (Rethinking), table 1, column "input size"
    (
        "InceptionV3",
        {"alpha": 0.04},
        {
            "stem_1_act": 149,
            "stem_2_act": 147,
            "stem_3_act": 147,
            "stem_4_pool": 73,
            "stem_6_act": 71,
            "stem_7_pool": 35,
            "inception_a3_join": 35,
            "reduction_a_join": 17,
            "inception_b4_join": 17,
            "reduction_b_join": 8,
            "inception_c2_join": 8,
        },
    ),
    # Szegedy 2017 (Inception-v4), figures 3 and 9
    (
        "InceptionV4",
        {"alpha": 0.04},
        {
            "stem_1_act": 149,
            "stem_3_act": 147,
            "stem_4_join": 73,
            "stem_5_join": 71,
            "stem_6_join": 35,
            "inception_a4_join": 35,
            "reduction_a_join": 17,
            "inception_b7_join": 17,
            "reduction_b_join": 8,
            "inception_c3_join": 8,
        },
    ),
    # Figures 14 and 15
    (
        "InceptionResNetV1",
        {"alpha": 0.04},
        {
            "stem_3_act": 147,
            "stem_4_pool": 73,
            "stem_6_act": 71,
            "stem_7_act": 35,
            "inception_a5_act": 35,
            "inception_b10_act": 17,
            "inception_c5_act": 8,
            "inception_c6_add": 8,
        },
    ),
    (
        "InceptionResNetV2",
        {"alpha": 0.04},
        {
            "stem_7_pool": 35,
            "stem_8_join": 35,
            "inception_a10_act": 35,
            "inception_b20_act": 17,
            "inception_c10_add": 8,
            "last_1_act": 8,
        },
    ),
    # Chollet 2017, figure 5: 19x19 and 10x10 are printed, the others follow
    (
        "Xception",
        {"alpha": 0.04},
        {
            "stem1_act": 149,
            "stem2_act": 147,
            "entry1_add": 74,
            "entry2_add": 37,
            "entry3_add": 19,
            "middle8_add": 19,
            "exit_add": 10,
            "last2_act": 10,
        },
    ),
]


@pytest.mark.parametrize(("name", "options", "sides"), ROWS)
def test_grids_of_the_paper(name, options, sides):
    net = kerasnets.build(name, **options)
    for layer, side in sides.items():
        assert net.get_layer(layer).output.shape[1:3] == (side, side), layer
    keras.backend.clear_session()
