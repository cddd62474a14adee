"""The maps behind the layers of each net are as large as its paper says."""

import pytest

import kerasnets
from kerasnets.graph import no_values

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
    # The releases' definition files: pool 2, stride 2
    (
        "SimpleNet",
        {},
        {
            "stage1_unit4_act": 32,
            "stage1_pool": 16,
            "stage2_pool": 8,
            "stage3_pool": 4,
            "stage4_unit3_act": 4,
            "stage4_pool": 2,
            "stage5_unit1_act": 2,
        },
    ),
    (
        "SimpNetSlim300K",
        {},
        {"stage1_unit5_act": 32, "stage1_pool": 16, "stage2_pool": 8, "stage3_unit3_act": 8},
    ),
    # Romero 2015, table 7: pool 2x2, 2x2 and 8x8, the last of all that is left
    (
        "FitNet4",
        {},
        {"stage1_unit5_maxout": 32, "stage1_pool": 16, "stage2_pool": 8, "stage3_unit6_maxout": 8},
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
    # Hu 2018, table 1, column "Output size"
    (
        "SEResNet50",
        {"alpha": 0.04},
        {
            "stem_act": 112,
            "stem_pool": 56,
            "stage1_unit3_se_scale": 56,
            "stage1_unit3_act": 56,
            "stage2_unit4_act": 28,
            "stage3_unit6_act": 14,
            "stage4_unit3_act": 7,
        },
    ),
    (
        "SENet154",
        {"depths": (1, 1, 1, 1), "cardinality": 1, "width": 1},
        {
            "stem1_act": 112,
            "stem3_act": 112,
            "stem_pool": 56,
            "stage1_unit1_act": 56,
            "stage2_unit1_act": 28,
            "stage3_unit1_act": 14,
            "stage4_unit1_act": 7,
        },
    ),
    # Sandler 2018, table 2: the column "Input" of the next row
    (
        "MobileNetV2",
        {"alpha": 0.1},
        {
            "stem_act": 112,
            "stage1_unit1_project_bn": 112,
            "stage2_unit1_expand_act": 112,
            "stage2_unit1_depthwise_act": 56,
            "stage2_unit2_add": 56,
            "stage3_unit3_add": 28,
            "stage4_unit4_add": 14,
            "stage5_unit3_add": 14,
            "stage6_unit3_add": 7,
            "stage7_unit1_project_bn": 7,
            "last_act": 7,
        },
    ),
    # Iandola 2016, table 1, column "output size": the release's input of 227
    (
        "SqueezeNet",
        {"input_shape": (227, 227, 3)},
        {
            "conv1": 111,
            "pool1": 55,
            "fire2_join": 55,
            "fire4_join": 55,
            "pool4": 27,
            "fire8_join": 27,
            "pool8": 13,
            "fire9_join": 13,
            "class_maps": 13,
        },
    ),
    # The release's deploy.prototxt of version 1.1, from which Caffe computes these
    (
        "SqueezeNet11",
        {"input_shape": (227, 227, 3)},
        {
            "conv1": 113,
            "pool1": 56,
            "fire3_join": 56,
            "pool3": 28,
            "fire5_join": 28,
            "pool5": 14,
            "fire9_join": 14,
        },
    ),
    # Springenberg 2015, table 1: "global averaging over 6 x 6 spatial dimensions", whatever the form
    *(
        (
            name,
            {"filters": (4, 4)},
            {
                f"block1_{first}": 32,
                f"block1_{half}": 16,
                f"block2_{half}": 8,
                "last_conv1": 6,
                "class_maps": 6,
            },
        )
        for name, first, half in (
            ("BaseCNNA", "conv1", "pool"),
            ("BaseCNNB", "conv2", "pool"),
            ("ConvPoolCNNC", "down", "pool"),
            ("AllCNNA", "conv1", "down"),
            ("AllCNNC", "conv2", "down"),
            ("StridedCNNB", "conv1", "conv2"),
            ("StridedCNNC", "conv1", "conv2"),
        )
    ),
    ("StridedCNNA", {"filters": (4, 4)}, {"block1_conv1": 16, "block2_conv1": 8, "last_conv1": 6}),
    # Zagoruyko 2016, table 1
    (
        "CMPESEWRN28_10",
        {"width": 2},
        {
            "stem_conv": 32,
            "stage1_unit4_add": 32,
            "stage2_unit4_add": 16,
            "stage3_unit4_add": 8,
            "final_act": 8,
        },
    ),
    # The release's cifar10_network.prototxt: two poolings, and a mean over 8x8
    (
        "HighwayNet19",
        {"filters": (4, 4, 4, 4)},
        {
            "stage1_plain": 32,
            "stage1_highway4_add": 32,
            "stage1_pool": 16,
            "stage2_highway5_add": 16,
            "stage3_plain": 8,
            "stage3_highway5_add": 8,
            "last_conv": 8,
        },
    ),
    # The release's fractalnet.py: "spatial size" behind each reduction
    (
        "FractalNet20",
        {"filters": (4, 4, 4, 4, 4)},
        {
            "block1_column2_4_act": 32,
            "block1_step2_join": 32,
            "block1_step4_join": 16,
            "block2_step4_join": 8,
            "block3_step4_join": 4,
            "block4_step4_join": 2,
            "block5_column0_1_act": 2,
            "block5_step4_join": 1,
        },
    ),
]


@pytest.mark.parametrize(("name", "options", "sides"), ROWS)
def test_grids_of_the_paper(name, options, sides):
    with no_values():
        net = kerasnets.build(name, **options)
    for layer, side in sides.items():
        assert net.get_layer(layer).output.shape[1:3] == (side, side), layer


# Options of nets with kernels of k pixels.
KERNELS = [
    ("VGG13", lambda k: {"kernels": ((k,), (k, k), (k,), (k,), (k,))}),
    ("VGG11", lambda k: {"kernels": ((k,), (k, k), (k,), (k,), (k,)), "batch_norm": True}),
    ("BaseCNNB", lambda k: {"kernels": ((k, k), (k, 1))}),
    ("StridedCNNB", lambda k: {"kernels": ((k, k), (k, k))}),
    ("ConvPoolCNNB", lambda k: {"kernels": ((k, k), (k, 1))}),
    ("AllCNNB", lambda k: {"kernels": ((k, k), (k, 1))}),
    ("SimpNet", lambda k: {"kernels": ((k, k), (k,), (k,))}),
    ("HighwayNet19", lambda k: {"kernels": ((k, 1), (k, k))}),
    ("NIN", lambda k: {"mlpconvs": ((k, 1, (4, 4), "max", False), (k, 1, (4,), "avg", False))}),
]


@pytest.mark.parametrize(("name", "options"), KERNELS)
@pytest.mark.parametrize("kernel", [2, 4])
def test_an_even_kernel_leaves_the_grids_of_an_odd_one(name, options, kernel):
    spec = getattr(kerasnets.applications, name).spec
    for shape in ((32, 47, 3), (33, 34, 3)):
        shared = {**spec.tiny, "input_shape": shape, "include_top": name == "NIN"}
        with no_values():
            odd, even = (kerasnets.build(name, **{**shared, **options(k)}) for k in (3, kernel))
        assert grids(even) == grids(odd)


def grids(net):
    """The shapes of the maps behind layers by name; zeros around them are no maps."""
    return {part.name: part.output.shape for part in net.layers if not part.name.endswith("_pad")}
