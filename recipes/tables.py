"""Tables of papers and lectures as they were printed, for `recipes/reproduce_tables.py` to recompute.

A `Table` has columns, and rows grouped by their source. A row is a tuple: its label, the thing that is
counted, and the printed text of each column. The text is None where nothing is printed, and left out at the
end of a row. The thing that is counted is a tuple of the name of a net and shell patterns for the names of
its layers; without patterns, all layers count. If a column has a `ratio`, its rows have two such things.
"""

import dataclasses

LECTURES = {
    "Aich": "Shubhra Aich, CNN Architectures for Image Classification, 17 January 2018",
    "Das": "Abir Das, CNN Architectures, CS60010: Deep Learning, IIT Kharagpur, February 2021",
    "Hasanpour": "Seyyed Hossein Hasanpour, How to Design Efficient Deep Convolutional Architectures, 2017",
    "Jin": "Longbin Jin, Convolutional Neural Networks, Artificial Intelligence & Computer Vision Laboratory",
    "Labate": "Demetrio Labate, Deep Learning and Neural Networks, 2.3: Advanced CNN design, 4 March 2024",
}

# Nets that are not a registered model with default options: the name of the model, and its options.
NETS = {
    "AlexNet, 224 pixels": ("AlexNet", dict(input_shape=(224, 224, 3), pool_first=True)),
    "AlexNet, pooling first": ("AlexNet", dict(pool_first=True)),
    "BNInception, separable stem": ("BNInception", dict(separable_stem=True)),
    "C3D": ("C3D", dict(classes=101)),
    "ConvMobileNet, no top": ("ConvMobileNet", dict(include_top=False)),
    "DenseNet100, k=24": ("DenseNet100", dict(growth=24)),
    "GoogLeNet, auxiliary heads": ("GoogLeNet", dict(aux_heads=True)),
    "GoogLeNet, 3b naive": ("GoogLeNet", dict(naive=("3b",))),
    "FractalNet, 1 column": ("FractalNet80", dict(columns=1)),
    "FractalNet, 2 columns": ("FractalNet80", dict(columns=2)),
    "FractalNet, 3 columns": ("FractalNet80", dict(columns=3)),
    "FractalNet, 4 columns": ("FractalNet80", dict(columns=4)),
    "MobileNet 0.75": ("MobileNet", dict(alpha=0.75)),
    "MobileNet 0.5": ("MobileNet", dict(alpha=0.5)),
    "MobileNet 0.25": ("MobileNet", dict(alpha=0.25)),
    "MobileNet-192": ("MobileNet", dict(input_shape=(192, 192, 3))),
    "MobileNet-160": ("MobileNet", dict(input_shape=(160, 160, 3))),
    "MobileNet-128": ("MobileNet", dict(input_shape=(128, 128, 3))),
    "MobileNet 0.5-160": ("MobileNet", dict(alpha=0.5, input_shape=(160, 160, 3))),
    "ResNet18, option A": ("ResNet18", dict(shortcut="pad")),
    "ResNet34, option A": ("ResNet34", dict(shortcut="pad")),
    "SqueezeNet, 227 pixels": ("SqueezeNet", dict(input_shape=(227, 227, 3))),
    "WRN40, width 1": ("WRN40_4", dict(width=1)),
    "SqueezeNet11, 10 classes": ("SqueezeNet11", dict(classes=10)),
    "VGG16, no top": ("VGG16", dict(include_top=False)),
}

# Convolutions without biases: the shape of the input, and steps of `kerasnets.blocks.branches`. Their layers
# are named layer_1, layer_2, and so on.
STACKS = {
    "5x5": ((5, 5, 1), ((1, 5),)),
    "two 3x3": ((5, 5, 1), ((1, 3), (1, 3))),
    "7x7": ((7, 7, 1), ((1, 7),)),
    "three 3x3": ((7, 7, 1), ((1, 3), (1, 3), (1, 3))),
    "7x7, 64 maps": ((14, 14, 64), ((64, 7),)),
    "three 3x3, 64 maps": ((14, 14, 64), ((64, 3), (64, 3), (64, 3))),
    "3x3, 10 maps": ((28, 28, 10), ((10, 3),)),
    "two 2x2, 10 maps": ((28, 28, 10), ((10, 2), (10, 2))),
    "3x1 and 1x3, 10 maps": ((28, 28, 10), ((10, (3, 1)), (10, (1, 3)))),
    "5x5 on 192 maps": ((28, 28, 192), ((32, 5),)),
    "naive module": ((28, 28, 256), ([((128, 1),), ((192, 3),), ((96, 5),), (("max", 3, 1),)],)),
    "thinned module": (
        (28, 28, 256),
        ([((128, 1),), ((64, 1), (192, 3)), ((64, 1), (96, 5)), (("max", 3, 1), (64, 1))],),
    ),
    "convolution, then pooling": ((8, 8, 10), ((20, 1), ("max", 2, 2))),
    "pooling, then convolution": ((8, 8, 10), (("max", 2, 2), (20, 1))),
    "strided convolution beside pooling": ((8, 8, 10), ([((10, 1, 2),), (("max", 2, 2),)],)),
}
# The same, with each convolution split into a depthwise and a 1x1 convolution.
SEPARABLE = {"separable 5x5 on 192 maps": ((28, 28, 192), ((32, 5),))}


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Title of the column.
        measure: Name of the function of `recipes/reproduce_tables.py` that counts its figures.
        kind: How the printed figures are expected to agree with ours: "exact", "rounded" or "truncated" to
            the printed digits, or "differs", because they are misprinted or counted in another way.
        unit: Unit of the printed numbers, such as a million.
        digits: Number of significant digits, if zeros fill up the others; None if all are significant.
        kilo: Value of the letter K; that of M is its square.
        ratio: How the two things of a row are compared: "share" is the first over the second; "more" and
            "less" are the relative excess or deficit of the first; "fewer" is the second over the first;
            "added" is what the first has more.
    """

    title: str
    measure: str
    kind: str = "exact"
    unit: int = 1
    digits: int | None = None
    kilo: int = 1000
    ratio: str | None = None


@dataclasses.dataclass(frozen=True)
class Table:
    """A printed table.

    Attributes:
        title: Title of the table.
        columns: Its columns.
        rows: Rows by source.
        notes: For figures that are not of the kind of their column, by label of the row and title of the
            column: kind, reason or "", and `digits` if they differ from those of the column.
    """

    title: str
    columns: tuple[Column, ...]
    rows: dict[str, tuple]
    notes: dict[tuple[str, str], tuple] = dataclasses.field(default_factory=dict)


MILLION, BILLION = 1_000_000, 1_000_000_000

# Reasons that explain several figures.
SPLIT = "ours is the full 7x7 convolution of figure 3; the split one in the last row gives the printed figure"
CONFIGURED = "the maps printed in this row give our figure, which times the grid gives the printed ops"
TWICE = "the printed terms add up to ours; the printed sum has the 3x3 convolution twice: 271.4M + 86.7M"
BOTTLENECK = (
    "the printed maps are those of the bottleneck; the 1x1 convolution after it has four times as many"
)
CLASSIFIER = "the classifier is not counted"
ZFNET = (
    "Zeiler 2014 has 384, 384 and 256 in figure 3; 512, 1024 and 512 are those of model (b) in its table 2"
)
PREPRINT = "the year of the preprint; ours is that of the venue"
SIDE_299 = "a misprint of 299, the size in the paper"
MEMORY = "the same listing adds up to 15.2M values, as the other lecture prints"


def module(name: str) -> tuple[str, ...]:
    """The branches of an inception module of GoogLeNet, in the order of the columns of its table 1."""
    parts = ("branch1*", "branch2*", "branch3*", "branch4*", "join")
    return "GoogLeNet", *(f"inception_{name}_{part}" for part in parts)


def unit(pattern: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """A unit of MobileNet, and the full convolution that it replaces."""
    return ("MobileNet", f"{pattern}_*conv"), ("ConvMobileNet", f"{pattern}_conv")


TABLES = {
    "vgg-configurations": Table(
        "VGG: the configurations",
        (Column("layers", "listing"), Column("layers with weights", "weight_layers")),
        {
            "Simonyan 2015, table 1; Aich": (
                ("A", ("VGG11",), None, "11"),
                ("A, block 1", ("VGG11", "block1*"), "conv3-64 maxpool"),
                ("A, block 2", ("VGG11", "block2*"), "conv3-128 maxpool"),
                ("A, block 3", ("VGG11", "block3*"), "conv3-256 conv3-256 maxpool"),
                ("A, block 4", ("VGG11", "block4*"), "conv3-512 conv3-512 maxpool"),
                ("A, block 5", ("VGG11", "block5*"), "conv3-512 conv3-512 maxpool"),
                ("A, top", ("VGG11", "fc?", "logits"), "FC-4096 FC-4096 FC-1000"),
                ("A-LRN", ("VGG11LRN",), None, "11"),
                ("A-LRN, block 1", ("VGG11LRN", "block1*"), "conv3-64 LRN maxpool"),
                ("A-LRN, block 2", ("VGG11LRN", "block2*"), "conv3-128 maxpool"),
                ("A-LRN, block 3", ("VGG11LRN", "block3*"), "conv3-256 conv3-256 maxpool"),
                ("A-LRN, block 4", ("VGG11LRN", "block4*"), "conv3-512 conv3-512 maxpool"),
                ("A-LRN, block 5", ("VGG11LRN", "block5*"), "conv3-512 conv3-512 maxpool"),
                ("A-LRN, top", ("VGG11LRN", "fc?", "logits"), "FC-4096 FC-4096 FC-1000"),
                ("B", ("VGG13",), None, "13"),
                ("B, block 1", ("VGG13", "block1*"), "conv3-64 conv3-64 maxpool"),
                ("B, block 2", ("VGG13", "block2*"), "conv3-128 conv3-128 maxpool"),
                ("B, block 3", ("VGG13", "block3*"), "conv3-256 conv3-256 maxpool"),
                ("B, block 4", ("VGG13", "block4*"), "conv3-512 conv3-512 maxpool"),
                ("B, block 5", ("VGG13", "block5*"), "conv3-512 conv3-512 maxpool"),
                ("B, top", ("VGG13", "fc?", "logits"), "FC-4096 FC-4096 FC-1000"),
                ("C", ("VGG16C",), None, "16"),
                ("C, block 1", ("VGG16C", "block1*"), "conv3-64 conv3-64 maxpool"),
                ("C, block 2", ("VGG16C", "block2*"), "conv3-128 conv3-128 maxpool"),
                ("C, block 3", ("VGG16C", "block3*"), "conv3-256 conv3-256 conv1-256 maxpool"),
                ("C, block 4", ("VGG16C", "block4*"), "conv3-512 conv3-512 conv1-512 maxpool"),
                ("C, block 5", ("VGG16C", "block5*"), "conv3-512 conv3-512 conv1-512 maxpool"),
                ("C, top", ("VGG16C", "fc?", "logits"), "FC-4096 FC-4096 FC-1000"),
                ("D", ("VGG16",), None, "16"),
                ("D, block 1", ("VGG16", "block1*"), "conv3-64 conv3-64 maxpool"),
                ("D, block 2", ("VGG16", "block2*"), "conv3-128 conv3-128 maxpool"),
                ("D, block 3", ("VGG16", "block3*"), "conv3-256 conv3-256 conv3-256 maxpool"),
                ("D, block 4", ("VGG16", "block4*"), "conv3-512 conv3-512 conv3-512 maxpool"),
                ("D, block 5", ("VGG16", "block5*"), "conv3-512 conv3-512 conv3-512 maxpool"),
                ("D, top", ("VGG16", "fc?", "logits"), "FC-4096 FC-4096 FC-1000"),
                ("E", ("VGG19",), None, "19"),
                ("E, block 1", ("VGG19", "block1*"), "conv3-64 conv3-64 maxpool"),
                ("E, block 2", ("VGG19", "block2*"), "conv3-128 conv3-128 maxpool"),
                ("E, block 3", ("VGG19", "block3*"), "conv3-256 conv3-256 conv3-256 conv3-256 maxpool"),
                ("E, block 4", ("VGG19", "block4*"), "conv3-512 conv3-512 conv3-512 conv3-512 maxpool"),
                ("E, block 5", ("VGG19", "block5*"), "conv3-512 conv3-512 conv3-512 conv3-512 maxpool"),
                ("E, top", ("VGG19", "fc?", "logits"), "FC-4096 FC-4096 FC-1000"),
            ),
        },
    ),
    "vgg-parameters": Table(
        "VGG: parameters of the configurations",
        (Column("million parameters", "params", "rounded", unit=MILLION),),
        {
            "Simonyan 2015, table 2; Hasanpour": (
                ("A", ("VGG11",), "133"),
                ("A-LRN", ("VGG11LRN",), "133"),
                ("B", ("VGG13",), "133"),
                ("C", ("VGG16C",), "134"),
                ("D", ("VGG16",), "138"),
                ("E", ("VGG19",), "144"),
            ),
        },
    ),
    "vgg16-listing": Table(
        "VGG16, layer by layer: values of the maps, and parameters without biases",
        (
            Column("output", "output"),
            Column("memory", "values", "rounded", digits=2),
            Column("bytes", "memory", "rounded", kilo=1024),
            Column("params", "weights"),
        ),
        {
            "Das; Jin": (
                ("INPUT", ("VGG16", "images"), "224x224x3", "150K", None, "0"),
                ("CONV3-64, 1", ("VGG16", "block1_conv1"), "224x224x64", "3.2M", None, "1,728"),
                ("CONV3-64, 2", ("VGG16", "block1_conv2"), "224x224x64", "3.2M", None, "36,864"),
                ("POOL2, 1", ("VGG16", "block1_pool"), "112x112x64", "800K", None, "0"),
                ("CONV3-128, 1", ("VGG16", "block2_conv1"), "112x112x128", "1.6M", None, "73,728"),
                ("CONV3-128, 2", ("VGG16", "block2_conv2"), "112x112x128", "1.6M", None, "147,456"),
                ("POOL2, 2", ("VGG16", "block2_pool"), "56x56x128", "400K", None, "0"),
                ("CONV3-256, 1", ("VGG16", "block3_conv1"), "56x56x256", "800K", None, "294,912"),
                ("CONV3-256, 2", ("VGG16", "block3_conv2"), "56x56x256", "800K", None, "589,824"),
                ("CONV3-256, 3", ("VGG16", "block3_conv3"), "56x56x256", "800K", None, "589,824"),
                ("POOL2, 3", ("VGG16", "block3_pool"), "28x28x256", "200K", None, "0"),
                ("CONV3-512, 1", ("VGG16", "block4_conv1"), "28x28x512", "400K", None, "1,179,648"),
                ("CONV3-512, 2", ("VGG16", "block4_conv2"), "28x28x512", "400K", None, "2,359,296"),
                ("CONV3-512, 3", ("VGG16", "block4_conv3"), "28x28x512", "400K", None, "2,359,296"),
                ("POOL2, 4", ("VGG16", "block4_pool"), "14x14x512", "100K", None, "0"),
                ("CONV3-512, 4", ("VGG16", "block5_conv1"), "14x14x512", "100K", None, "2,359,296"),
                ("CONV3-512, 5", ("VGG16", "block5_conv2"), "14x14x512", "100K", None, "2,359,296"),
                ("CONV3-512, 6", ("VGG16", "block5_conv3"), "14x14x512", "100K", None, "2,359,296"),
                ("POOL2, 5", ("VGG16", "block5_pool"), "7x7x512", "25K", None, "0"),
                ("FC, 1", ("VGG16", "fc1"), "1x1x4096", "4096", None, "102,760,448"),
                ("FC, 2", ("VGG16", "fc2"), "1x1x4096", "4096", None, "16,777,216"),
                ("FC, 3", ("VGG16", "logits"), "1x1x1000", "1000", None, "4,096,000"),
            ),
            "Das": (
                ("TOTAL", ("VGG16", "images", "block*", "fc?", "logits"), None, "15.2M", "58MB", "138M"),
            ),
            "Jin": (
                ("TOTAL, Jin", ("VGG16", "images", "block*", "fc?", "logits"), None, "24M", "96MB", "138M"),
            ),
            "Aich": (
                ("before Linear(25088, 4096)", ("VGG16", "flatten"), "25088"),
                ("Linear(25088, 4096)", ("VGG16", "fc1"), None, None, None, "102M"),
                ("Linear(4096, 4096)", ("VGG16", "fc2"), None, None, None, "16M"),
            ),
        },
        {
            ("TOTAL", "params"): ("rounded", ""),
            ("TOTAL, Jin", "params"): ("rounded", ""),
            ("TOTAL, Jin", "memory"): ("differs", MEMORY),
            ("TOTAL, Jin", "bytes"): ("differs", MEMORY),
            ("Linear(25088, 4096)", "params"): ("truncated", ""),
            ("Linear(4096, 4096)", "params"): ("truncated", ""),
        },
    ),
    "c3d-listing": Table(
        "C3D, layer by layer: values of the maps, and parameters without biases",
        (
            Column("output", "output"),
            Column("memory", "values", "truncated"),
            Column("bytes", "memory", "rounded", kilo=1024),
            Column("params", "weights"),
        ),
        {
            "Das": (
                ("INPUT", ("C3D", "images"), "16x112x112x3", "602K", None, "0"),
                ("CONV1a", ("C3D", "block1_conv1"), "16x112x112x64", "12.8M", None, "5,184"),
                ("POOL1", ("C3D", "block1_pool"), "16x56x56x64", "3.2M", None, "0"),
                ("CONV2a", ("C3D", "block2_conv1"), "16x56x56x128", "6.4M", None, "221,184"),
                ("POOL2", ("C3D", "block2_pool"), "8x28x28x128", "802K", None, "0"),
                ("CONV3a", ("C3D", "block3_conv1"), "8x28x28x256", "1.6M", None, "884,736"),
                ("CONV3b", ("C3D", "block3_conv2"), "8x28x28x256", "1.6M", None, "1,769,472"),
                ("POOL3", ("C3D", "block3_pool"), "4x14x14x256", "200K", None, "0"),
                ("CONV4a", ("C3D", "block4_conv1"), "4x14x14x512", "401K", None, "3,538,944"),
                ("CONV4b", ("C3D", "block4_conv2"), "4x14x14x512", "401K", None, "7,077,888"),
                ("POOL4", ("C3D", "block4_pool"), "2x7x7x512", "50K", None, "0"),
                ("CONV5a", ("C3D", "block5_conv1"), "2x7x7x512", "50K", None, "7,077,888"),
                ("CONV5b", ("C3D", "block5_conv2"), "2x7x7x512", "50K", None, "7,077,888"),
                ("POOL5", ("C3D", "block5_pool"), "1x4x4x512", "8,192", None, "0"),
                ("FC6", ("C3D", "fc1"), "4096", "4096", None, "33,554,432"),
                ("FC, 2", ("C3D", "fc2"), "4096", "4096", None, "16,777,216"),
                ("FC, 3", ("C3D", "logits"), "101", "101", None, "413,696"),
                ("TOTAL", ("C3D", "images", "block*", "fc?", "logits"), None, "28.3M", "107.82MB", "78.4M"),
            ),
        },
        {("TOTAL", "memory"): ("rounded", ""), ("TOTAL", "params"): ("rounded", "")},
    ),
    "alexnet-listing": Table(
        "AlexNet, layer by layer, with pooling before normalization: maps, filters, and parameters",
        (
            Column("output", "output"),
            Column("filters", "filters"),
            Column("product without biases", "weight_product"),
            Column("params without biases", "weights", "rounded"),
            Column("product", "product"),
            Column("params", "params", "rounded"),
        ),
        {
            "Das; Jin": (
                ("INPUT", ("AlexNet, pooling first", "images"), "227x227x3"),
                (
                    "CONV1",
                    ("AlexNet, pooling first", "conv1"),
                    "55x55x96",
                    "96 11x11 filters at stride 4, pad 0",
                ),
                (
                    "MAX POOL1",
                    ("AlexNet, pooling first", "conv1_pool"),
                    "27x27x96",
                    "3x3 filters at stride 2",
                    None,
                    "0",
                    None,
                    "0",
                ),
                ("NORM1", ("AlexNet, pooling first", "conv1_lrn"), "27x27x96"),
                (
                    "CONV2",
                    ("AlexNet, pooling first", "conv2"),
                    "27x27x256",
                    "256 5x5 filters at stride 1, pad 2",
                ),
                (
                    "MAX POOL2",
                    ("AlexNet, pooling first", "conv2_pool"),
                    "13x13x256",
                    "3x3 filters at stride 2",
                ),
                ("NORM2", ("AlexNet, pooling first", "conv2_lrn"), "13x13x256"),
                (
                    "CONV3",
                    ("AlexNet, pooling first", "conv3"),
                    "13x13x384",
                    "384 3x3 filters at stride 1, pad 1",
                ),
                (
                    "CONV4",
                    ("AlexNet, pooling first", "conv4"),
                    "13x13x384",
                    "384 3x3 filters at stride 1, pad 1",
                ),
                (
                    "CONV5",
                    ("AlexNet, pooling first", "conv5"),
                    "13x13x256",
                    "256 3x3 filters at stride 1, pad 1",
                ),
                (
                    "MAX POOL3",
                    ("AlexNet, pooling first", "conv5_pool"),
                    "6x6x256",
                    "3x3 filters at stride 2",
                ),
                ("FC6", ("AlexNet, pooling first", "fc1"), "4096", "4096 neurons"),
                ("FC7", ("AlexNet, pooling first", "fc2"), "4096", "4096 neurons"),
                ("FC8", ("AlexNet, pooling first", "logits"), "1000", "1000 neurons"),
            ),
            "Das": (
                (
                    "CONV1 without biases",
                    ("AlexNet, pooling first", "conv1"),
                    None,
                    None,
                    "(11*11*3)*96",
                    "35K",
                ),
            ),
            "Jin": (
                (
                    "CONV1 with biases",
                    ("AlexNet, pooling first", "conv1"),
                    None,
                    None,
                    None,
                    None,
                    "(11*11*3 + 1)*96",
                    "35K",
                ),
            ),
            "Aich": (("before Linear(9216, 4096)", ("AlexNet, 224 pixels", "flatten"), "9216"),),
        },
    ),
    "channels-first": Table(
        "AlexNet and VGG16: kernels and maps with channels first, by groups",
        (Column("kernels", "kernels"), Column("output size", "channels_first")),
        {
            "Aich": (
                ("AlexNet, conv 1", ("AlexNet, 224 pixels", "conv1"), "96x3x11x11", "96x55x55"),
                ("AlexNet, conv 2", ("AlexNet, 224 pixels", "conv2"), "2[128x48x5x5]", "2[128x27x27]"),
                ("AlexNet, conv 3", ("AlexNet, 224 pixels", "conv3"), "384x256x3x3", "384x13x13"),
                ("AlexNet, conv 4", ("AlexNet, 224 pixels", "conv4"), "2[192x192x3x3]", "2[192x13x13]"),
                ("AlexNet, conv 5", ("AlexNet, 224 pixels", "conv5"), "2[128x192x3x3]", "2[128x13x13]"),
                ("AlexNet, pool 1", ("AlexNet, 224 pixels", "conv1_pool"), None, "96x27x27"),
                ("AlexNet, norm 1", ("AlexNet, 224 pixels", "conv1_lrn"), None, "96x27x27"),
                ("AlexNet, pool 3", ("AlexNet, 224 pixels", "conv5_pool"), None, "256x6x6"),
                ("VGG16, conv 1.1", ("VGG16", "block1_conv1"), "64x3x3x3", "64x224x224"),
                ("VGG16, conv 1.2", ("VGG16", "block1_conv2"), "64x64x3x3", "64x224x224"),
                ("VGG16, pool 1", ("VGG16", "block1_pool"), None, "64x112x112"),
                ("VGG16, conv 2.1", ("VGG16", "block2_conv1"), "128x64x3x3", "128x112x112"),
                ("VGG16, conv 2.2", ("VGG16", "block2_conv2"), "128x128x3x3", "128x112x112"),
                ("VGG16, pool 2", ("VGG16", "block2_pool"), None, "128x56x56"),
                ("VGG16, conv 3.1", ("VGG16", "block3_conv1"), "256x128x3x3", "256x56x56"),
                ("VGG16, conv 3.2", ("VGG16", "block3_conv2"), "256x256x3x3", "256x56x56"),
                ("VGG16, conv 3.3", ("VGG16", "block3_conv3"), "256x256x3x3", "256x56x56"),
                ("VGG16, pool 3", ("VGG16", "block3_pool"), None, "256x28x28"),
                ("VGG16, conv 4.1", ("VGG16", "block4_conv1"), "512x256x3x3", "512x28x28"),
                ("VGG16, conv 4.2", ("VGG16", "block4_conv2"), "512x512x3x3", "512x28x28"),
                ("VGG16, conv 4.3", ("VGG16", "block4_conv3"), "512x512x3x3", "512x28x28"),
                ("VGG16, pool 4", ("VGG16", "block4_pool"), None, "512x14x14"),
                ("VGG16, conv 5.1", ("VGG16", "block5_conv1"), "512x512x3x3", "512x14x14"),
                ("VGG16, conv 5.2", ("VGG16", "block5_conv2"), "512x512x3x3", "512x14x14"),
                ("VGG16, conv 5.3", ("VGG16", "block5_conv3"), "512x512x3x3", "512x14x14"),
                ("VGG16, pool 5", ("VGG16", "block5_pool"), None, "512x7x7"),
            ),
        },
    ),
    "zfnet": Table(
        "ZFNet: what it changes in AlexNet",
        (Column("kernel and stride", "window"), Column("maps", "channels")),
        {
            "Das; Jin": (("CONV1", ("ZFNet", "conv1"), "7x7 stride 2"),),
            "Jin": (("CONV2", ("ZFNet", "conv2"), "5x5 stride 2"),),
            "Das": (
                ("CONV3", ("ZFNet", "conv3"), None, "512"),
                ("CONV4", ("ZFNet", "conv4"), None, "1024"),
                ("CONV5", ("ZFNet", "conv5"), None, "512"),
            ),
        },
        {
            ("CONV3", "maps"): ("differs", ZFNET),
            ("CONV4", "maps"): ("differs", ZFNET),
            ("CONV5", "maps"): ("differs", ZFNET),
        },
    ),
    "googlenet": Table(
        "GoogLeNet: maps, parameters without biases (K is 1,024), multiply-adds and depth of each row",
        (
            Column("output size", "output"),
            Column("maps", "maps"),
            Column("params", "weights", "rounded", kilo=1024),
            Column("ops", "mult_adds", "rounded"),
            Column("depth", "depth"),
        ),
        {
            "Szegedy 2015, table 1; Hasanpour; Labate": (
                ("convolution, 1", ("GoogLeNet", "conv1"), "112x112x64", None, "2.7K", "34M", "1"),
                ("max pool, 1", ("GoogLeNet", "pool1"), "56x56x64", None, None, None, "0"),
                (
                    "convolution, 2",
                    ("GoogLeNet", "conv2_reduce", "conv2"),
                    "56x56x192",
                    "64, 192",
                    "112K",
                    "360M",
                    "2",
                ),
                ("max pool, 2", ("GoogLeNet", "pool2"), "28x28x192", None, None, None, "0"),
                ("inception (3a)", module("3a"), "28x28x256", "64, 96, 128, 16, 32, 32", "159K", "128M", "2"),
                (
                    "inception (3b)",
                    module("3b"),
                    "28x28x480",
                    "128, 128, 192, 32, 96, 64",
                    "380K",
                    "304M",
                    "2",
                ),
                ("max pool, 3", ("GoogLeNet", "pool3"), "14x14x480", None, None, None, "0"),
                ("inception (4a)", module("4a"), "14x14x512", "192, 96, 208, 16, 48, 64", "364K", "73M", "2"),
                (
                    "inception (4b)",
                    module("4b"),
                    "14x14x512",
                    "160, 112, 224, 24, 64, 64",
                    "437K",
                    "88M",
                    "2",
                ),
                (
                    "inception (4c)",
                    module("4c"),
                    "14x14x512",
                    "128, 128, 256, 24, 64, 64",
                    "463K",
                    "100M",
                    "2",
                ),
                (
                    "inception (4d)",
                    module("4d"),
                    "14x14x528",
                    "112, 144, 288, 32, 64, 64",
                    "580K",
                    "119M",
                    "2",
                ),
                (
                    "inception (4e)",
                    module("4e"),
                    "14x14x832",
                    "256, 160, 320, 32, 128, 128",
                    "840K",
                    "170M",
                    "2",
                ),
                ("max pool, 4", ("GoogLeNet", "pool4"), "7x7x832", None, None, None, "0"),
                (
                    "inception (5a)",
                    module("5a"),
                    "7x7x832",
                    "256, 160, 320, 32, 128, 128",
                    "1072K",
                    "54M",
                    "2",
                ),
                (
                    "inception (5b)",
                    module("5b"),
                    "7x7x1024",
                    "384, 192, 384, 48, 128, 128",
                    "1388K",
                    "71M",
                    "2",
                ),
                ("avg pool", ("GoogLeNet", "avg_pool"), "1x1x1024", None, None, None, "0"),
                ("dropout (40%)", ("GoogLeNet", "dropout"), "1x1x1024", None, None, None, "0"),
                ("linear", ("GoogLeNet", "logits"), "1x1x1000", None, "1000K", "1M", "1"),
                ("softmax", ("GoogLeNet", "predictions"), "1x1x1000", None, None, None, "0"),
                (
                    "convolution, 1, split",
                    ("BNInception, separable stem", "conv1_conv"),
                    "112x112x64",
                    None,
                    "2.7K",
                    "34M",
                ),
            ),
        },
        {
            ("convolution, 1", "params"): (
                "differs",
                SPLIT,
            ),
            ("convolution, 1", "ops"): ("differs", SPLIT),
            ("convolution, 1, split", "params"): ("differs", "2,712 weights; only here K is 1,000"),
            ("inception (3b)", "params"): ("differs", CONFIGURED),
            ("inception (4a)", "params"): ("differs", CONFIGURED),
            ("inception (4a)", "ops"): ("truncated", ""),
            ("inception (4b)", "params"): ("differs", CONFIGURED),
            ("inception (4c)", "params"): ("differs", CONFIGURED),
            ("inception (4d)", "params"): ("differs", CONFIGURED),
            ("inception (4e)", "params"): ("differs", CONFIGURED),
            ("inception (5a)", "params"): (
                "differs",
                "the maps printed in this row give ours, not the printed figure",
            ),
            ("inception (5a)", "ops"): (
                "differs",
                "7x7 times the printed params, which the maps of the row do not give",
            ),
            ("inception (5b)", "params"): ("differs", CONFIGURED),
        },
    ),
    "resnet": Table(
        "ResNet: multiply-adds",
        (Column("FLOPs / 10^9", "mult_adds", "rounded", unit=BILLION),),
        {
            "He 2016, table 1; Hasanpour": (
                ("18-layer, option A", ("ResNet18, option A",), "1.8"),
                ("18-layer, option B", ("ResNet18",), "1.8"),
                ("34-layer, option A", ("ResNet34, option A",), "3.6"),
                ("34-layer, option B", ("ResNet34",), "3.6"),
                ("50-layer", ("ResNet50",), "3.8"),
                ("101-layer", ("ResNet101",), "7.6"),
                ("152-layer", ("ResNet152",), "11.3"),
            ),
        },
        {
            ("34-layer, option B", "FLOPs / 10^9"): (
                "truncated",
                "option A, in the row above, rounds to 3.6",
            ),
            ("50-layer", "FLOPs / 10^9"): ("truncated", ""),
        },
    ),
    "resnet-stages": Table(
        "ResNet: units and grids of the stages",
        (
            Column("units", "weight_layers"),
            Column("output size", "grid"),
            Column("output", "output"),
            Column("maps", "maps"),
        ),
        {
            "He 2016, table 1; Hasanpour; Labate": (
                ("18-layer, conv2_x", ("ResNet18", "stage1*_1_conv"), "2"),
                ("18-layer, conv3_x", ("ResNet18", "stage2*_1_conv"), "2"),
                ("18-layer, conv4_x", ("ResNet18", "stage3*_1_conv"), "2"),
                ("18-layer, conv5_x", ("ResNet18", "stage4*_1_conv"), "2"),
                ("34-layer, conv2_x", ("ResNet34", "stage1*_1_conv"), "3"),
                ("34-layer, conv3_x", ("ResNet34", "stage2*_1_conv"), "4"),
                ("34-layer, conv4_x", ("ResNet34", "stage3*_1_conv"), "6"),
                ("34-layer, conv5_x", ("ResNet34", "stage4*_1_conv"), "3"),
                ("50-layer, conv2_x", ("ResNet50", "stage1*_1_conv"), "3"),
                ("50-layer, conv3_x", ("ResNet50", "stage2*_1_conv"), "4"),
                ("50-layer, conv4_x", ("ResNet50", "stage3*_1_conv"), "6"),
                ("50-layer, conv5_x", ("ResNet50", "stage4*_1_conv"), "3"),
                ("101-layer, conv2_x", ("ResNet101", "stage1*_1_conv"), "3"),
                ("101-layer, conv3_x", ("ResNet101", "stage2*_1_conv"), "4"),
                ("101-layer, conv4_x", ("ResNet101", "stage3*_1_conv"), "23"),
                ("101-layer, conv5_x", ("ResNet101", "stage4*_1_conv"), "3"),
                ("152-layer, conv2_x", ("ResNet152", "stage1*_1_conv"), "3"),
                ("152-layer, conv3_x", ("ResNet152", "stage2*_1_conv"), "8"),
                ("152-layer, conv4_x", ("ResNet152", "stage3*_1_conv"), "36"),
                ("152-layer, conv5_x", ("ResNet152", "stage4*_1_conv"), "3"),
                ("50-layer, conv1", ("ResNet50", "stem_conv"), None, "112x112"),
                ("50-layer, after conv2_x", ("ResNet50", "stage1_unit3_act"), None, "56x56"),
                ("50-layer, after conv3_x", ("ResNet50", "stage2_unit4_act"), None, "28x28"),
                ("50-layer, after conv4_x", ("ResNet50", "stage3_unit6_act"), None, "14x14"),
                ("50-layer, after conv5_x", ("ResNet50", "stage4_unit3_act"), None, "7x7"),
            ),
            "Labate": (
                ("ResNet-50, layers of stages 2 to 5", ("ResNet50", "stage*_[123]_conv"), "48"),
                (
                    "ResNet-50, convolution of stage 1",
                    ("ResNet50", "stem_conv"),
                    None,
                    None,
                    "112x112x64",
                    "64",
                ),
                ("ResNet-50, stage 1", ("ResNet50", "stem_pool"), None, None, "56x56x64"),
                (
                    "ResNet-50, a block of stage 2",
                    ("ResNet50", "stage1_unit1_?_conv"),
                    None,
                    None,
                    None,
                    "64, 64, 256",
                ),
                ("ResNet-50, stage 2", ("ResNet50", "stage1_unit3_act"), None, None, "56x56x64"),
                ("ResNet-50, stage 5", ("ResNet50", "stage4_unit3_act"), None, None, "7x7x512"),
            ),
        },
        {
            ("ResNet-50, stage 2", "output"): ("differs", BOTTLENECK),
            ("ResNet-50, stage 5", "output"): ("differs", BOTTLENECK),
        },
    ),
    "resnet-cifar": Table(
        "ResNet for CIFAR-10, and the nets that it is compared with: parameters",
        (Column("# layers", "weight_layers"), Column("# params", "params", "rounded")),
        {
            "He 2016, table 6; Hasanpour": (
                ("FitNet", ("FitNet4",), "19", "2.5M"),
                ("Highway, 19 layers", ("HighwayNet19",), None, "2.3M"),
                ("Highway, 32 layers", ("HighwayNet32",), None, "1.25M"),
                ("ResNet-20", ("ResNet20",), "20", "0.27M"),
                ("ResNet-32", ("ResNet32",), "32", "0.46M"),
                ("ResNet-44", ("ResNet44",), "44", "0.66M"),
                ("ResNet-56", ("ResNet56",), "56", "0.85M"),
                ("ResNet-110", ("ResNet110",), "110", "1.7M"),
                ("ResNet-1202", ("ResNet1202",), "1202", "19.4M"),
            ),
        },
        {
            ("Highway, 32 layers", "# params"): (
                "differs",
                "Srivastava 2015 does not print the maps of this net; ours are round numbers that come close",
            ),
        },
    ),
    "densenet": Table(
        "DenseNet: grids, dense layers of the blocks, and layers with weights",
        (
            Column("output size", "grid"),
            Column("layers", "weight_layers"),
            Column("maps", "channels"),
            Column("k_l = k0 + k(l - 1)", "progression"),
        ),
        {
            "Huang 2017, table 1; Aich; Labate": (
                ("Convolution", ("DenseNet121", "stem_conv"), "112x112"),
                ("Pooling", ("DenseNet121", "stem_pool"), "56x56"),
                ("Dense Block (1)", ("DenseNet121", "block1_layer6_join"), "56x56"),
                ("Transition Layer (1), conv", ("DenseNet121", "transition1_conv"), "56x56"),
                ("Transition Layer (1), pool", ("DenseNet121", "transition1_pool"), "28x28"),
                ("Dense Block (2)", ("DenseNet121", "block2_layer12_join"), "28x28"),
                ("Transition Layer (2), conv", ("DenseNet121", "transition2_conv"), "28x28"),
                ("Transition Layer (2), pool", ("DenseNet121", "transition2_pool"), "14x14"),
                ("Dense Block (3)", ("DenseNet121", "block3_layer24_join"), "14x14"),
                ("Transition Layer (3), conv", ("DenseNet121", "transition3_conv"), "14x14"),
                ("Transition Layer (3), pool", ("DenseNet121", "transition3_pool"), "7x7"),
                ("Dense Block (4)", ("DenseNet121", "block4_layer16_join"), "7x7"),
                ("DenseNet-121", ("DenseNet121",), None, "121"),
                ("DenseNet-121, block 1", ("DenseNet121", "block1*_grow_conv"), None, "6"),
                ("DenseNet-121, block 2", ("DenseNet121", "block2*_grow_conv"), None, "12"),
                ("DenseNet-121, block 3", ("DenseNet121", "block3*_grow_conv"), None, "24"),
                ("DenseNet-121, block 4", ("DenseNet121", "block4*_grow_conv"), None, "16"),
                ("DenseNet-169", ("DenseNet169",), None, "169"),
                ("DenseNet-169, block 1", ("DenseNet169", "block1*_grow_conv"), None, "6"),
                ("DenseNet-169, block 2", ("DenseNet169", "block2*_grow_conv"), None, "12"),
                ("DenseNet-169, block 3", ("DenseNet169", "block3*_grow_conv"), None, "32"),
                ("DenseNet-169, block 4", ("DenseNet169", "block4*_grow_conv"), None, "32"),
                ("DenseNet-201", ("DenseNet201",), None, "201"),
                ("DenseNet-201, block 1", ("DenseNet201", "block1*_grow_conv"), None, "6"),
                ("DenseNet-201, block 2", ("DenseNet201", "block2*_grow_conv"), None, "12"),
                ("DenseNet-201, block 3", ("DenseNet201", "block3*_grow_conv"), None, "48"),
                ("DenseNet-201, block 4", ("DenseNet201", "block4*_grow_conv"), None, "32"),
                ("DenseNet-264", ("DenseNet264",), None, "264"),
                ("DenseNet-264, block 1", ("DenseNet264", "block1*_grow_conv"), None, "6"),
                ("DenseNet-264, block 2", ("DenseNet264", "block2*_grow_conv"), None, "12"),
                ("DenseNet-264, block 3", ("DenseNet264", "block3*_grow_conv"), None, "64"),
                ("DenseNet-264, block 4", ("DenseNet264", "block4*_grow_conv"), None, "48"),
            ),
            "Labate": (
                ("before the blocks", ("DenseNet121", "stem_pool"), None, None, "64"),
                ("after 6 layers", ("DenseNet121", "block1_layer6_join"), None, None, "256"),
                ("after the transition", ("DenseNet121", "transition1_pool"), "28x28", None, "128"),
                ("1x1 of the first layer", ("DenseNet121", "block1_layer1_squeeze_conv"), None, None, "128"),
                ("3x3 of the first layer", ("DenseNet121", "block1_layer1_grow_conv"), None, None, "32"),
                ("1x1 of the transition", ("DenseNet121", "transition1_conv"), None, None, "128"),
                (
                    "input of layer l, k0 = 64, k = 32",
                    ("DenseNet121", "block1_layer?_squeeze_bn"),
                    None,
                    None,
                    None,
                    "64 + 32(l - 1)",
                ),
            ),
        },
        {
            ("DenseNet-264", "layers"): (
                "differs",
                "260 in the dense layers, 3 transitions, the first convolution and the classifier make 265",
            ),
        },
    ),
    "densenet-parameters": Table(
        "DenseNet: parameters",
        (Column("parameters", "params", "rounded"),),
        {
            "Huang 2017, table 2": (
                ("k=12, L=40", ("DenseNet40",), "1.0M"),
                ("k=12, L=100", ("DenseNet100",), "7.0M"),
                ("k=24, L=100", ("DenseNet100, k=24",), "27.2M"),
                ("BC, k=12, L=100", ("DenseNetBC100",), "0.8M"),
                ("BC, k=24, L=250", ("DenseNetBC250",), "15.3M"),
                ("BC, k=40, L=190", ("DenseNetBC190",), "25.6M"),
            ),
            "Labate": (
                ("DenseNet-201", ("DenseNet201",), "20.0M"),
                ("ResNet50", ("ResNet50",), "25.6M"),
            ),
        },
    ),
    "mobilenet-body": Table(
        "MobileNet: the body, row by row",
        (
            Column("stride", "stride"),
            Column("filter shape", "filter_shape"),
            Column("input size", "input_size"),
            Column("times", "weight_layers"),
        ),
        {
            "Howard 2017, table 1; Das; Hasanpour": (
                ("Conv, 1", ("MobileNet", "stem_conv"), "s2", "3x3x3x32", "224x224x3"),
                ("Conv dw, 1", ("MobileNet", "stage1_unit1_d*conv"), "s1", "3x3x32 dw", "112x112x32"),
                ("Conv, 2", ("MobileNet", "stage1_unit1_p*conv"), "s1", "1x1x32x64", "112x112x32"),
                ("Conv dw, 2", ("MobileNet", "stage2_unit1_d*conv"), "s2", "3x3x64 dw", "112x112x64"),
                ("Conv, 3", ("MobileNet", "stage2_unit1_p*conv"), "s1", "1x1x64x128", "56x56x64"),
                ("Conv dw, 3", ("MobileNet", "stage2_unit2_d*conv"), "s1", "3x3x128 dw", "56x56x128"),
                ("Conv, 4", ("MobileNet", "stage2_unit2_p*conv"), "s1", "1x1x128x128", "56x56x128"),
                ("Conv dw, 4", ("MobileNet", "stage3_unit1_d*conv"), "s2", "3x3x128 dw", "56x56x128"),
                ("Conv, 5", ("MobileNet", "stage3_unit1_p*conv"), "s1", "1x1x128x256", "28x28x128"),
                ("Conv dw, 5", ("MobileNet", "stage3_unit2_d*conv"), "s1", "3x3x256 dw", "28x28x256"),
                ("Conv, 6", ("MobileNet", "stage3_unit2_p*conv"), "s1", "1x1x256x256", "28x28x256"),
                ("Conv dw, 6", ("MobileNet", "stage4_unit1_d*conv"), "s2", "3x3x256 dw", "28x28x256"),
                ("Conv, 7", ("MobileNet", "stage4_unit1_p*conv"), "s1", "1x1x256x512", "14x14x256"),
                (
                    "Conv dw, 7",
                    ("MobileNet", "stage4_unit[2-6]_d*conv"),
                    "s1",
                    "3x3x512 dw",
                    "14x14x512",
                    "5",
                ),
                ("Conv, 8", ("MobileNet", "stage4_unit[2-6]_p*conv"), "s1", "1x1x512x512", "14x14x512", "5"),
                ("Conv dw, 8", ("MobileNet", "stage5_unit1_d*conv"), "s2", "3x3x512 dw", "14x14x512"),
                ("Conv, 9", ("MobileNet", "stage5_unit1_p*conv"), "s1", "1x1x512x1024", "7x7x512"),
                ("Conv dw, 9", ("MobileNet", "stage5_unit2_d*conv"), "s2", "3x3x1024 dw", "7x7x1024"),
                ("Conv, 10", ("MobileNet", "stage5_unit2_p*conv"), "s1", "1x1x1024x1024", "7x7x1024"),
                ("Avg Pool", ("MobileNet", "avg_pool"), None, None, "7x7x1024"),
                ("FC", ("MobileNet", "logits"), None, "1024x1000", "1x1x1024"),
                ("Softmax", ("MobileNet", "predictions"), None, None, "1x1x1000"),
            ),
        },
        {
            ("Conv dw, 9", "stride"): (
                "differs",
                "the next row has the same input of 7x7, so the stride cannot be 2",
            ),
        },
    ),
    "mobilenet": Table(
        "MobileNet, tables 4 to 9: multiply-adds and parameters",
        (
            Column("million mult-adds", "mult_adds", "rounded", unit=MILLION),
            Column("million parameters", "params", "rounded", unit=MILLION),
            Column("million weights", "weights", "rounded", unit=MILLION),
            Column("million operations", "operations", "rounded", unit=MILLION, digits=2),
        ),
        {
            "Howard 2017, table 4; Das; Hasanpour": (
                ("Conv MobileNet", ("ConvMobileNet",), "4866", "29.3"),
                ("Conv MobileNet without its top", ("ConvMobileNet, no top",), "4866"),
                ("MobileNet", ("MobileNet",), "569", "4.2"),
            ),
            "Howard 2017, table 5; Hasanpour": (
                ("0.75 MobileNet", ("MobileNet 0.75",), "325", "2.6"),
                ("Shallow MobileNet", ("ShallowMobileNet",), "307", "2.9"),
            ),
            "Howard 2017, table 6; Das; Hasanpour": (
                ("1.0 MobileNet-224", ("MobileNet",), "569", "4.2"),
                ("0.75 MobileNet-224", ("MobileNet 0.75",), "325", "2.6"),
                ("0.5 MobileNet-224", ("MobileNet 0.5",), "149", "1.3"),
                ("0.25 MobileNet-224", ("MobileNet 0.25",), "41", "0.5"),
            ),
            "Howard 2017, table 7; Das; Hasanpour": (
                ("1.0 MobileNet-224, table 7", ("MobileNet",), "569", "4.2"),
                ("1.0 MobileNet-192", ("MobileNet-192",), "418", "4.2"),
                ("1.0 MobileNet-160", ("MobileNet-160",), "290", "4.2"),
                ("1.0 MobileNet-128", ("MobileNet-128",), "186", "4.2"),
            ),
            "Howard 2017, table 8; Hasanpour": (
                ("1.0 MobileNet-224, table 8", ("MobileNet",), "569", "4.2"),
                ("GoogleNet", ("GoogLeNet",), "1550", "6.8"),
                ("VGG 16", ("VGG16",), "15300", "138"),
                ("VGG 16 without its top", ("VGG16, no top",), "15300"),
            ),
            "Howard 2017, table 9; Hasanpour": (
                ("0.50 MobileNet-160", ("MobileNet 0.5-160",), "76", "1.32", "1.32"),
                ("SqueezeNet", ("SqueezeNet",), "1700", "1.25"),
                ("SqueezeNet, 227 pixels", ("SqueezeNet, 227 pixels",), None, None, None, "1700"),
                ("AlexNet", ("AlexNet",), "720", "60"),
            ),
        },
        {
            ("Conv MobileNet", "million mult-adds"): (
                "differs",
                "the printed figure is without the classifier, as in the row below",
            ),
            ("1.0 MobileNet-160", "million mult-adds"): ("truncated", ""),
            ("GoogleNet", "million mult-adds"): (
                "differs",
                "the paper does not say how it counts; the ops in GoogLeNet's own table 1 add up to 1502",
            ),
            ("GoogleNet", "million parameters"): (
                "differs",
                "the params in GoogLeNet's own table 1 add up to this, but its maps do not give them",
            ),
            ("VGG 16", "million mult-adds"): (
                "differs",
                "the printed figure is that of the convolutions alone, in the row below",
            ),
            ("0.50 MobileNet-160", "million mult-adds"): ("truncated", ""),
            ("0.50 MobileNet-160", "million parameters"): (
                "differs",
                "the printed figure is that of the weights below, without biases and batch normalization",
            ),
            ("SqueezeNet", "million mult-adds"): (
                "differs",
                "multiplications plus additions at the release's 227 pixels, in the row below, give this",
            ),
            ("VGG 16 without its top", "million mult-adds"): ("rounded", "", 3),
            ("AlexNet", "million mult-adds"): ("rounded", "", 2),
            ("AlexNet", "million parameters"): ("truncated", ""),
        },
    ),
    "mobilenet-shares": Table(
        "MobileNet: shares of its 1x1 convolutions, and of split convolutions, 1/N + 1/k^2",
        (
            Column("share of mult-adds", "mult_adds", "rounded", ratio="share"),
            Column("share of weights", "weights", "rounded", ratio="share"),
        ),
        {
            "Hasanpour": (
                (
                    "1x1 convolutions",
                    (("MobileNet", "*pointwise_conv"), ("MobileNet",)),
                    "95%",
                    "75%",
                ),
                (
                    "5x5 on 28x28x192, N = 32",
                    (("separable 5x5 on 192 maps",), ("5x5 on 192 maps",)),
                    "7.12%",
                    "7.12%",
                ),
            ),
            "Howard 2017, section 3.1; Das; Hasanpour": (
                (
                    "N = 32, k = 5",
                    (("separable 5x5 on 192 maps",), ("5x5 on 192 maps",)),
                    "1/32 + 1/25",
                    "1/32 + 1/25",
                ),
                ("N = 64, k = 3", unit("stage1_unit1"), "1/64 + 1/9", "1/64 + 1/9"),
                ("N = 128, k = 3", unit("stage2_unit2"), "1/128 + 1/9", "1/128 + 1/9"),
                ("N = 256, k = 3", unit("stage3_unit2"), "1/256 + 1/9", "1/256 + 1/9"),
                ("N = 512, k = 3", unit("stage4_unit2"), "1/512 + 1/9", "1/512 + 1/9"),
                ("N = 1024, k = 3", unit("stage5_unit2"), "1/1024 + 1/9", "1/1024 + 1/9"),
            ),
        },
    ),
    "bottlenecks": Table(
        "1x1 convolutions before larger ones, and split convolutions: weights and multiply-adds",
        (
            Column("params", "weights"),
            Column("ops", "mult_adds"),
            Column("ops in short", "mult_adds", "rounded"),
            Column("output", "output"),
        ),
        {
            "Hasanpour": (
                ("5x5, 192 to 32 maps", ("5x5 on 192 maps",), "153,600", "120,422,400", "120M"),
                (
                    "1x1, 192 to 16 maps",
                    ("GoogLeNet", "inception_3a_branch3_1"),
                    "3,072",
                    "2,408,448",
                ),
                (
                    "5x5, 16 to 32 maps",
                    ("GoogLeNet", "inception_3a_branch3_2"),
                    "12,800",
                    "10,035,200",
                ),
                (
                    "1x1, then 5x5",
                    ("GoogLeNet", "inception_3a_branch3_*"),
                    "15,872",
                    "12,443,648",
                    "12M",
                ),
                (
                    "depthwise 5x5",
                    ("separable 5x5 on 192 maps", "*depthwise_conv"),
                    "4,800",
                    "3,763,200",
                ),
                (
                    "1x1, 192 to 32 maps",
                    ("separable 5x5 on 192 maps", "*pointwise_conv"),
                    "6,144",
                    "4,816,896",
                ),
                ("depthwise 5x5, then 1x1", ("separable 5x5 on 192 maps",), "10,944", "8,580,096"),
            ),
            "Das; Jin": (
                ("naive module", ("naive module",), None, None, "854M"),
                ("module with 1x1 bottlenecks", ("thinned module",), None, None, "358M"),
            ),
            "Das": (
                ("naive module, joined", ("naive module",), None, None, None, "28x28x672"),
                (
                    "naive module 3b of GoogLeNet",
                    ("GoogLeNet, 3b naive", "inception_3b_*"),
                    None,
                    None,
                    "854M",
                    "28x28x672",
                ),
            ),
        },
        {("module with 1x1 bottlenecks", "ops in short"): ("differs", TWICE)},
    ),
    "small-kernels": Table(
        "One large convolution as several small ones, from one map to one map",
        (
            Column("params", "weights"),
            Column("multiplications", "mult_adds"),
            Column("additions", "additions"),
            Column("receptive field", "receptive_field"),
        ),
        {
            "Aich": (
                ("5x5", ("5x5",), "25", "625", "600", "5"),
                ("two 3x3, the first", ("two 3x3", "layer_1"), None, "225", "200"),
                ("two 3x3, the second", ("two 3x3", "layer_2"), None, "225", "200"),
                ("two 3x3", ("two 3x3",), "18", "450", "400", "5"),
                ("7x7", ("7x7",), "49", None, None, "7"),
                ("three 3x3", ("three 3x3",), "27", None, None, "7"),
            ),
            "Das; Hasanpour; Jin": (
                ("one 3x3 of three", ("three 3x3", "layer_1"), None, None, None, "3"),
                ("two 3x3 of three", ("three 3x3", "layer_2"), None, None, None, "5"),
                ("three 3x3 of three", ("three 3x3", "layer_3"), None, None, None, "7"),
                ("VGG16, conv 1", ("VGG16", "block1_conv1"), None, None, None, "3"),
                ("VGG16, conv 2", ("VGG16", "block1_conv2"), None, None, None, "5"),
            ),
        },
    ),
    "small-kernels-savings": Table(
        "What small convolutions save",
        (
            Column("weights / C^2", "per_square"),
            Column("weights", "terms"),
            Column("more weights", "weights", "rounded", ratio="more"),
            Column("fewer weights", "weights", "rounded", ratio="less"),
            Column("times the weights", "weights", ratio="share"),
        ),
        {
            "Simonyan 2015, section 2.3; Das; Hasanpour; Jin; Labate": (
                ("7x7, C maps", ("7x7, 64 maps",), "49"),
                ("three 3x3, C maps", ("three 3x3, 64 maps",), "27"),
                ("7x7 for three 3x3", (("7x7, 64 maps",), ("three 3x3, 64 maps",)), None, None, "81%"),
            ),
            "Hasanpour": (
                ("5x5 for 3x3", (("5x5",), ("two 3x3", "layer_1")), None, None, None, None, "25/9"),
                ("3x3, 10 maps", ("3x3, 10 maps",), None, "900"),
                ("two 2x2, 10 maps", ("two 2x2, 10 maps",), None, "300 + 300 = 800"),
                (
                    "two 2x2 for 3x3",
                    (("two 2x2, 10 maps",), ("3x3, 10 maps",)),
                    None,
                    None,
                    None,
                    "11%",
                ),
                ("3x1 and 1x3, 10 maps", ("3x1 and 1x3, 10 maps",), None, "300 + 300 = 600"),
                (
                    "3x1 and 1x3 for 3x3",
                    (("3x1 and 1x3, 10 maps",), ("3x3, 10 maps",)),
                    None,
                    None,
                    None,
                    "33%",
                ),
            ),
        },
        {
            ("two 2x2, 10 maps", "weights"): (
                "differs",
                "the line before prints 400 for each; the sum is right",
            ),
        },
    ),
    "grid-reduction": Table(
        "From d x d x k to d/2 x d/2 x 2k with 1x1 convolutions: multiply-adds, divided by d^2 k^2",
        (Column("output", "output"), Column("operations / d^2 k^2", "per_input")),
        {
            "Szegedy 2016, section 5; Hasanpour": (
                ("convolution, then pooling: 2 d^2 k^2", ("convolution, then pooling",), "4x4x20", "2"),
            ),
            "Szegedy 2016, section 5": (
                ("pooling, then convolution: 2 (d/2)^2 k^2", ("pooling, then convolution",), "4x4x20", "2/4"),
            ),
            "Hasanpour": (
                (
                    "strided convolution beside pooling: 2 (d/2)^2 k^2",
                    ("strided convolution beside pooling",),
                    "4x4x20",
                    "2/4",
                ),
            ),
        },
        {
            ("strided convolution beside pooling: 2 (d/2)^2 k^2", "operations / d^2 k^2"): (
                "differs",
                "the paper's figure for pooling first; beside pooling, the convolution makes only k maps",
            ),
        },
    ),
    "global-pooling": Table(
        "Dense layers, and what global average pooling saves in their place",
        (
            Column("share of parameters", "params", "rounded", ratio="share"),
            Column("fewer parameters", "params", "rounded", ratio="less"),
        ),
        {
            "Aich": (
                ("AlexNet's dense layers", (("AlexNet", "fc?", "logits"), ("AlexNet",)), "95%"),
                ("VGG16's dense layers", (("VGG16", "fc?", "logits"), ("VGG16",)), "90%"),
                ("NIN for ImageNet instead of AlexNet", (("NINImageNet",), ("AlexNet",)), None, "90%"),
            ),
        },
        {
            ("AlexNet's dense layers", "share of parameters"): (
                "differs",
                "printed as more than 90-95%, without what it is compared with",
            ),
            ("VGG16's dense layers", "share of parameters"): ("rounded", "", 1),
            ("NIN for ImageNet instead of AlexNet", "fewer parameters"): (
                "rounded",
                "the whole nets: NIN's last block has three convolutions more",
                1,
            ),
        },
    ),
    "fractalnet": Table(
        "FractalNet with 16 to 128 maps for CIFAR-100: depth and parameters by the number of columns",
        (Column("depth", "depth"), Column("params", "params", "rounded")),
        {
            "Larsson 2017, table 3": (
                ("1 column", ("FractalNet, 1 column",), "5", "0.3M"),
                ("2 columns", ("FractalNet, 2 columns",), "10", "0.8M"),
                ("3 columns", ("FractalNet, 3 columns",), "20", "2.1M"),
                ("4 columns", ("FractalNet, 4 columns",), "40", "4.8M"),
                ("5 columns", ("FractalNet80",), "80", "10.2M"),
            ),
        },
        {
            ("1 column", "depth"): ("differs", CLASSIFIER),
            ("2 columns", "depth"): ("differs", CLASSIFIER),
            ("3 columns", "depth"): ("differs", CLASSIFIER),
            ("4 columns", "depth"): ("differs", CLASSIFIER),
            ("5 columns", "depth"): ("differs", CLASSIFIER),
        },
    ),
    "layer-counts": Table(
        "Layers, as lectures count and describe them",
        (
            Column("layers", "counted"),
            Column("layers with weights", "weight_layers"),
            Column("longest path", "depth"),
            Column("order", "order"),
            Column("maps", "channels"),
        ),
        {
            "Hasanpour": (
                ("LeNet-5", ("LeNet5", "c?_conv", "s?_pool", "fc1", "logits"), "7"),
                ("LeNet-5, convolutions", ("LeNet5", "c?_conv"), "3"),
                ("LeNet-5, subsampling", ("LeNet5", "s?_pool"), "2"),
                ("AlexNet", ("AlexNet",), None, "8"),
                ("VGG, the fewest convolutions", ("VGG11", "block*"), None, "8"),
                ("VGG, the most convolutions", ("VGG19", "block*"), None, "16"),
                ("VGG, dense layers", ("VGG19", "fc?", "logits"), "3"),
                ("MobileNet", ("MobileNet",), None, "28"),
                ("SqueezeNet", ("SqueezeNet",), None, None, "20"),
            ),
            "Das": (
                (
                    "LeNet-5, order",
                    ("LeNet5", "c1_conv", "s2_pool", "c3_conv", "s4_pool", "c5_conv", "fc1", "logits"),
                    None,
                    None,
                    None,
                    "CONV-POOL-CONV-POOL-FC-FC",
                ),
                (
                    "GoogLeNet, auxiliary head",
                    ("GoogLeNet, auxiliary heads", "aux1_pool", "aux1_project", "aux1_fc1", "aux1_logits"),
                    None,
                    None,
                    None,
                    "POOL-CONV-FC-FC",
                ),
                ("C3D, convolutions", ("C3D", "block?_conv?"), "8"),
                ("C3D, pooling", ("C3D", "block?_pool"), "5"),
                ("C3D, dense layers", ("C3D", "fc?"), "2"),
                ("VGG, the fewest layers", ("VGG16",), None, "16"),
                ("VGG, the most layers", ("VGG19",), None, "19"),
                ("ResNet", ("ResNet152",), None, None, "152"),
            ),
            "Das; Labate": (("GoogLeNet", ("GoogLeNet",), None, None, "22"),),
            "Labate": (
                ("LeNet, stages", ("LeNet5",), None, "5"),
                ("LeNet, first layer", ("LeNet5", "c1_conv"), None, None, None, None, "6"),
                ("AlexNet, stages", ("AlexNet",), None, "7"),
                ("NIN, mlpconv layers", ("NIN", "mlpconv?_conv1"), "3"),
                (
                    "auxiliary head, 1x1 convolution",
                    ("GoogLeNet, auxiliary heads", "aux1_project"),
                    None,
                    None,
                    None,
                    None,
                    "128",
                ),
                (
                    "auxiliary head, dense layers of 1024",
                    ("GoogLeNet, auxiliary heads", "aux1_fc1"),
                    "2",
                    None,
                    None,
                    None,
                    "1024",
                ),
                (
                    "auxiliary head, outputs",
                    ("GoogLeNet, auxiliary heads", "aux1_logits"),
                    None,
                    None,
                    None,
                    None,
                    "1000",
                ),
            ),
        },
        {
            ("SqueezeNet", "longest path"): (
                "differs",
                "2 convolutions and 8 fire modules of 2; all 26 convolutions are not on one path",
            ),
            ("LeNet-5, order", "order"): (
                "differs",
                "C5 is a convolution of 5x5 maps by 5x5 kernels, and F6 and the output are dense",
            ),
            ("AlexNet, stages", "layers with weights"): (
                "differs",
                "5 convolutions and 3 dense layers, as the overview of the same lecture prints",
            ),
            ("auxiliary head, dense layers of 1024", "layers"): (
                "differs",
                "section 5 has one dense layer of 1024 and the classifier of 1000",
            ),
        },
    ),
    "layer-differences": Table(
        "What one net has more or less than another",
        (
            Column("more layers on the longest path", "depth", ratio="added"),
            Column("more parameters", "params", ratio="more"),
            Column("times fewer operations", "mult_adds", "truncated", ratio="fewer"),
            Column("times fewer parameters", "params", "rounded", ratio="fewer"),
        ),
        {
            "Ioffe 2015, section 4.2.1; Hasanpour": (
                ("BN-Inception for GoogLeNet", (("BNInception",), ("GoogLeNet",)), "9"),
            ),
            "Hasanpour": (
                ("ResNet for plain, 18 layers", (("ResNet18, option A",), ("PlainNet18",)), None, "0%"),
                ("ResNet for plain, 34 layers", (("ResNet34, option A",), ("PlainNet34",)), None, "0%"),
                ("MobileNet for Conv MobileNet", (("MobileNet",), ("ConvMobileNet",)), None, None, "8"),
                ("SimpleNet for VGG", (("SimpleNet",), ("VGG16",)), None, None, None, "25"),
            ),
        },
        {
            ("BN-Inception for GoogLeNet", "more layers on the longest path"): (
                "differs",
                "one for each of GoogLeNet's 9 modules, and 3 of a tenth module, 3c",
            ),
            ("MobileNet for Conv MobileNet", "times fewer operations"): (
                "truncated",
                "printed as up to 8~9 times",
            ),
        },
    ),
    "overview": Table(
        "The overview of a lecture: layers with weights on the longest path, input and year",
        (Column("depth", "depth"), Column("input size", "image_size"), Column("year", "year")),
        {
            "Labate": (
                ("AlexNet", ("AlexNet",), "8", "227x227x3", "2012"),
                ("NIN", ("NIN",), "3", "32x32x3", "2013"),
                ("ZfNet", ("ZFNet",), "8", "224x224x3", "2014"),
                ("VGG, 16", ("VGG16",), "16", "224x224x3", "2014"),
                ("VGG, 19", ("VGG19",), "19", "224x224x3", "2014"),
                ("GoogLeNet", ("GoogLeNet",), "22", "224x224x3", "2015"),
                ("Inception-V3", ("InceptionV3",), "48", "229x229x3", "2015"),
                ("Highway, 19", ("HighwayNet19",), "19", "32x32x3", "2015"),
                ("Highway, 32", ("HighwayNet32",), "32", "32x32x3", "2015"),
                ("Inception-V4", ("InceptionV4",), "70", "229x229x3", "2016"),
                ("ResNet", ("ResNet152",), "152", "224x224x3", "2016"),
                ("Inception-ResNet-v2", ("InceptionResNetV2",), "164", "229x229x3", "2016"),
                ("FractalNet, 40", ("FractalNet40",), "40", "32x32x3", "2016"),
                ("FractalNet, 80", ("FractalNet80",), "80", "32x32x3", "2016"),
                ("WideResNet", ("WRN28_10",), "28", "32x32x3", "2016"),
                ("Xception", ("Xception",), "71", "229x229x3", "2017"),
                ("Residual attention", ("Attention452C",), "452", "40x40x3", "2017"),
                ("Squeeze-and-excitation", ("SEResNet152",), "152", "224x224x3", "2017"),
                ("DenseNet", ("DenseNet201",), "201", "224x224x3", "2017"),
                ("Competitive squeeze and excitation", ("CMPESEWRN28_10",), "152", "32x32x3", "2018"),
                ("MobileNet-v2", ("MobileNetV2",), "53", "224x224x3", "2018"),
                ("CapsuleNet", ("CapsNet",), "3", "28x28x1", "2018"),
                ("HRNetV2", ("HRNetV2W18",), None, "224x224x3", "2020"),
            ),
        },
        {
            ("NIN", "depth"): ("differs", "3 mlpconv layers, each of three convolutions"),
            ("NIN", "year"): ("differs", PREPRINT),
            ("VGG, 16", "year"): ("differs", PREPRINT),
            ("VGG, 19", "year"): ("differs", PREPRINT),
            ("Inception-V3", "input size"): ("differs", SIDE_299),
            ("Inception-V3", "year"): ("differs", PREPRINT),
            ("Inception-V4", "depth"): ("differs", "the paper prints no depth"),
            ("Inception-V4", "input size"): ("differs", SIDE_299),
            ("Inception-V4", "year"): ("differs", PREPRINT),
            ("Inception-ResNet-v2", "depth"): (
                "differs",
                "the paper prints no depth; ours is that of the release, which has twice the paper's modules",
            ),
            ("Inception-ResNet-v2", "input size"): ("differs", SIDE_299),
            ("Inception-ResNet-v2", "year"): ("differs", PREPRINT),
            ("FractalNet, 40", "depth"): (
                "differs",
                "ours counts the classifier and the projections that widen columns before joins",
            ),
            ("FractalNet, 40", "year"): ("differs", PREPRINT),
            ("FractalNet, 80", "depth"): ("differs", CLASSIFIER),
            ("FractalNet, 80", "year"): ("differs", PREPRINT),
            ("WideResNet", "depth"): (
                "differs",
                "25 convolutions on a path and the 3 projections; ours has the classifier and no projections",
            ),
            ("Xception", "depth"): ("exact", "both steps of a separable convolution count"),
            ("Xception", "input size"): ("differs", SIDE_299),
            ("Residual attention", "depth"): (
                "differs",
                "the paper counts the trunk, 36m + 20 for m = 12; the longest path leads through the masks",
            ),
            ("Residual attention", "input size"): (
                "differs",
                "images are padded to 40 pixels and cropped to 32",
            ),
            ("Squeeze-and-excitation", "depth"): (
                "differs",
                "without the two dense layers of each of 50 units, which ours counts",
            ),
            ("Squeeze-and-excitation", "input size"): ("exact", "229, a misprint of 299, and 320 too"),
            ("Squeeze-and-excitation", "year"): ("differs", PREPRINT),
            ("Competitive squeeze and excitation", "depth"): (
                "differs",
                "the net whose errors are printed is a WRN-28-10; ours counts the dense layers of its units",
            ),
            ("CapsuleNet", "year"): ("differs", "Sabour 2017 is of NIPS 2017"),
        },
    ),
    "output-sizes": Table(
        "Sides of maps by (W - F + 2P) / S + 1, and parameters",
        (Column("formula", "formula"), Column("side", "side"), Column("params", "weights", "rounded")),
        {
            "Aich": (
                ("LeNet5, conv 1", ("LeNet5", "c1_conv"), "28", "28"),
                ("AlexNet at 224, conv 1", ("AlexNet, 224 pixels", "conv1"), "55", "55"),
                ("AlexNet at 224, pool 1", ("AlexNet, 224 pixels", "conv1_pool"), "27", "27"),
                ("AlexNet at 224, norm 1", ("AlexNet, 224 pixels", "conv1_lrn"), None, "27"),
                ("AlexNet at 224, conv 2", ("AlexNet, 224 pixels", "conv2"), "27", "27"),
                ("AlexNet at 224, pool 2", ("AlexNet, 224 pixels", "conv2_pool"), "13", "13"),
                ("AlexNet at 224, norm 2", ("AlexNet, 224 pixels", "conv2_lrn"), None, "13"),
                ("AlexNet at 224, conv 3", ("AlexNet, 224 pixels", "conv3"), "13", "13"),
                ("AlexNet at 224, conv 4", ("AlexNet, 224 pixels", "conv4"), "13", "13"),
                ("AlexNet at 224, conv 5", ("AlexNet, 224 pixels", "conv5"), "13", "13"),
                ("AlexNet at 224, pool 3", ("AlexNet, 224 pixels", "conv5_pool"), "6", "6"),
                ("Linear(9216, 4096)", ("AlexNet", "fc1"), None, None, "38M"),
                ("Linear(4096, 4096)", ("AlexNet", "fc2"), None, None, "16M"),
            ),
            "Das; Jin": (
                ("AlexNet, CONV1", ("AlexNet", "conv1"), "55", "55"),
                ("AlexNet, MAX POOL1", ("AlexNet", "conv1_pool"), "27", "27"),
                ("AlexNet, NORM1", ("AlexNet, pooling first", "conv1_lrn"), None, "27"),
                ("AlexNet, CONV2", ("AlexNet", "conv2"), "27", "27"),
                ("AlexNet, MAX POOL2", ("AlexNet", "conv2_pool"), "13", "13"),
                ("AlexNet, NORM2", ("AlexNet, pooling first", "conv2_lrn"), None, "13"),
                ("AlexNet, CONV3", ("AlexNet", "conv3"), "13", "13"),
                ("AlexNet, CONV4", ("AlexNet", "conv4"), "13", "13"),
                ("AlexNet, CONV5", ("AlexNet", "conv5"), "13", "13"),
                ("AlexNet, MAX POOL3", ("AlexNet", "conv5_pool"), "6", "6"),
            ),
        },
        {
            ("AlexNet at 224, conv 1", "formula"): (
                "truncated",
                "224 pixels with a padding of 2 do not fit strides of 4; 227 pixels without padding do",
            ),
            ("Linear(4096, 4096)", "params"): ("truncated", ""),
        },
    ),
    "in-words": Table(
        "Figures in the text of lectures",
        (
            Column("parameters", "params", "rounded", digits=2),
            Column("times fewer parameters", "params", "rounded", digits=1, ratio="fewer"),
            Column("kernels", "channels"),
            Column("billion mult-adds", "mult_adds", "truncated", unit=BILLION),
        ),
        {
            "Das": (
                ("GoogLeNet", ("GoogLeNet",), "5M"),
                ("GoogLeNet for AlexNet", (("GoogLeNet",), ("AlexNet",)), None, "12"),
            ),
            "Hasanpour": (
                ("AlexNet", ("AlexNet",), "60M"),
                ("AllCNN", ("AllCNNC",), "1.3M"),
                ("DenseNet-BC, L=100, k=12", ("DenseNetBC100",), "0.8M"),
                ("DenseNet, 26 Mb", ("DenseNetBC190",), "26M"),
                ("GoogLeNet, FLOPS", ("GoogLeNet",), None, None, None, "1.5"),
                ("MobileNet for VGG", (("MobileNet",), ("VGG16",)), None, "30"),
                ("NIN", ("NIN",), "1M"),
                ("ResNet, 32 layers, table VI", ("ResNet32",), "460K"),
                ("ResNet, 32 layers, table XV", ("ResNet32",), "475K"),
                ("WRN", ("WRN40, width 1",), "600K"),
                ("SqueezeNet 1.1 for CIFAR-10", ("SqueezeNet11, 10 classes",), "768K"),
                ("SimpNet slim, 300K", ("SimpNetSlim300K",), "300K"),
                ("SimpNet slim, 600K", ("SimpNetSlim600K",), "600K"),
                ("SqueezeNet for AlexNet", (("SqueezeNet",), ("AlexNet",)), None, "50"),
                ("VGG, the smallest", ("VGG11",), "133M"),
                ("VGG, the largest", ("VGG19",), "144M"),
            ),
            "Labate": (
                ("VGG", ("VGG16",), "140M"),
                ("AlexNet, first layer", ("AlexNet", "conv1"), None, None, "95"),
            ),
        },
        {
            ("GoogLeNet", "parameters"): (
                "differs",
                "the paper says 12 times fewer than AlexNet; its table 1 adds up to 6.8M",
            ),
            ("GoogLeNet for AlexNet", "times fewer parameters"): (
                "differs",
                "as in the paper, whose table 1 adds up to 6.8M, 9 times fewer",
            ),
            ("ResNet, 32 layers, table XV", "parameters"): (
                "differs",
                "another count than in table VI of the same lecture, which the paper's net has",
                3,
            ),
            ("SqueezeNet 1.1 for CIFAR-10", "parameters"): (
                "differs",
                "the lecture does not say how it changed the release's net, which has this with 10 classes",
                3,
            ),
            ("WRN", "parameters"): ("rounded", "WRN-40-1, which Zagoruyko 2016 prints as 0.6M", 1),
            ("AlexNet", "parameters"): ("truncated", ""),
            ("AllCNN", "parameters"): ("truncated", ""),
            ("AlexNet, first layer", "kernels"): (
                "differs",
                "96 in Krizhevsky 2012, Aich, Das and Jin",
            ),
        },
    ),
}
