"""Published errors of the models, with their protocols and sources.

A row holds the top-1 and top-5 errors in percent, as printed. If a source prints accuracies, the errors are
100 minus these. The networks were trained and tested by their authors or by the source. Small differences
between rows therefore mean little where one source trains longer or augments more, and errors of different
protocols cannot be compared at all: see `kerasnets.assembly.protocols`. Where two sources print different
figures of one thing, both stand here. A third entry of a row is a note: what the figure is of, or what is
wrong with it in print. If it begins with "misprint", no comparison uses it.

A key is the name of a model, with those options in which the net differs from the paper's: "MobileNet",
"MobileNet(alpha=0.75)". For CIFAR-100, SVHN and others, it is the net with their classes and images.

No published error was found for a model without a row, beyond that of its trained weights in
weights/checkpoints.csv. PlainNet20 and PlainNet56 have only curves in print. What the paper of FractalNet
prints for 40 and 80 layers could not be checked and is left out.
"""

import ast
import dataclasses
from typing import Any

from kerasnets.assembly import registry
from kerasnets.assembly.protocols import (
    AUGMENTED,
    BOTH,
    CIFAR10,
    CIFAR100,
    CLIPS,
    CROPS_144,
    DENSE,
    DISTORTIONS,
    FASHION_MNIST,
    FLIPS,
    IMAGENET,
    JITTER,
    MNIST,
    MULTI_CROP,
    ONE_CROP,
    RAW,
    SHIFTS,
    SMALL,
    SOFT_TARGETS,
    SPORTS1M,
    SVHN,
    TEN_CROPS,
    TEST,
    TWELVE_CROPS,
    UCF101,
    UNSTATED,
    Protocol,
    small,
)
from kerasnets.checks import refuse
from kerasnets.weights.checkpoints import Checkpoint


@dataclasses.dataclass(frozen=True)
class Result:
    """The published error of a model.

    Attributes:
        protocol: How it was measured.
        top1: Top-1 error in percent, or None if the source does not print it.
        top5: Top-5 error in percent, or None if the source does not print it.
        source: Where it was published.
        options: The options in which the net differs from the model of its name.
        note: What the figure is of, or what is wrong with it in print; empty for most.
    """

    protocol: Protocol
    top1: float | None
    top5: float | None
    source: str
    options: tuple[tuple[str, Any], ...] = ()
    note: str = ""

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.protocol.dataset

    @property
    def misprint(self) -> bool:
        """Whether the figure is wrong in print."""
        return self.note.startswith("misprint")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of protocols that choose it.

        Errors whose crops are not stated can be compared with those of the same source only.
        """
        if self.misprint:
            return ()
        return self.protocol.names or (f"{self.protocol.named(None)} in {self.source}",)

    def record(self) -> dict[str, Any]:
        """The result as data for JSON: the protocol by its name, with its fields beside."""
        return {
            "dataset": self.dataset,
            "protocol": self.protocol.name,
            "measured": dataclasses.asdict(self.protocol),
            "top1": self.top1,
            "top5": self.top5,
            "source": self.source,
            "options": dict(self.options),
            "note": self.note,
        }


ONE_224, ONE_227 = Protocol(IMAGENET, ONE_CROP, 224), Protocol(IMAGENET, ONE_CROP, 227)
ONE_299, ONE_320 = Protocol(IMAGENET, ONE_CROP, 299), Protocol(IMAGENET, ONE_CROP, 320)
TEN_224 = Protocol(IMAGENET, TEN_CROPS, 224)
TWELVE_299 = Protocol(IMAGENET, TWELVE_CROPS, 299)
MANY_224, MANY_299 = Protocol(IMAGENET, CROPS_144, 224), Protocol(IMAGENET, CROPS_144, 299)
OTHER = Protocol(IMAGENET, UNSTATED)
HOWARD_192, HOWARD_160, HOWARD_128 = (Protocol(IMAGENET, UNSTATED, size) for size in (192, 160, 128))

# The VGG paper's: scales of training, S, and of the test, Q.
S256, S384, S_RANGE, Q_RANGE = (256,), (384,), (256, 512), (256, 384, 512)
DENSE_256 = Protocol(IMAGENET, DENSE, None, S256, S256)
DENSE_384 = Protocol(IMAGENET, DENSE, None, S384, S384)
DENSE_RANGE = Protocol(IMAGENET, DENSE, None, S_RANGE, S384)
SCALES_256 = Protocol(IMAGENET, DENSE, None, S256, (224, 256, 288))
SCALES_384 = Protocol(IMAGENET, DENSE, None, S384, (352, 384, 416))
SCALES_RANGE = Protocol(IMAGENET, DENSE, None, S_RANGE, Q_RANGE)
MULTI_RANGE = Protocol(IMAGENET, MULTI_CROP, None, S_RANGE, Q_RANGE)
BOTH_RANGE = Protocol(IMAGENET, BOTH, None, S_RANGE, Q_RANGE)
# The ResNet paper's best single nets.
SCALES_RESNET = Protocol(IMAGENET, DENSE, None, (256, 480), (224, 256, 384, 480, 640))

# Tests of the challenge, and ensembles.
TEST_2010 = Protocol(IMAGENET, TEN_CROPS, 224, split=TEST, year=2010)
CENTER_2010 = Protocol(IMAGENET, ONE_CROP, 224, split=TEST, year=2010)
TEST_2012_5 = Protocol(IMAGENET, TEN_CROPS, 224, nets=5, split=TEST)
TEST_2012_7 = Protocol(IMAGENET, TEN_CROPS, 224, nets=7, split=TEST)
TEST_2013 = Protocol(IMAGENET, UNSTATED, nets=None, split=TEST, year=2013)
TEST_2014 = Protocol(IMAGENET, UNSTATED, split=TEST, year=2014)
TEST_2014_BOTH = Protocol(IMAGENET, BOTH, None, S_RANGE, Q_RANGE, split=TEST, year=2014)
TEST_2014_VGG = Protocol(IMAGENET, DENSE, nets=7, split=TEST, year=2014)
TEST_2014_GOOGLENET = Protocol(IMAGENET, CROPS_144, 224, nets=7, split=TEST, year=2014)
TEST_2015_6 = Protocol(IMAGENET, UNSTATED, nets=6, split=TEST, year=2015)
TEST_BN_6 = Protocol(IMAGENET, CROPS_144, 224, nets=6, split=TEST)
TEST_2016 = Protocol(IMAGENET, CROPS_144, 299, nets=4, split=TEST)
TEST_2017 = Protocol(IMAGENET, UNSTATED, nets=None, split=TEST, year=2017)
ENSEMBLE_5 = Protocol(IMAGENET, TEN_CROPS, 224, nets=5)
ENSEMBLE_7 = Protocol(IMAGENET, TEN_CROPS, 224, nets=7)
ENSEMBLE_7_ONE = Protocol(IMAGENET, ONE_CROP, 224, nets=7)
ENSEMBLE_2 = Protocol(IMAGENET, BOTH, None, S_RANGE, Q_RANGE, nets=2)
ENSEMBLE_7_DENSE = Protocol(IMAGENET, DENSE, nets=7)
ENSEMBLE_7_144 = Protocol(IMAGENET, CROPS_144, 224, nets=7)
ENSEMBLE_6_144 = Protocol(IMAGENET, CROPS_144, 224, nets=6)
ENSEMBLE_4_144 = Protocol(IMAGENET, CROPS_144, 299, nets=4)

C10, C10_RAW = small(CIFAR10, AUGMENTED), small(CIFAR10, RAW)
C100, C100_RAW = small(CIFAR100, AUGMENTED), small(CIFAR100, RAW)
C10_FLIPS, C100_FLIPS = small(CIFAR10, FLIPS), small(CIFAR100, FLIPS)
C10_OTHER = small(CIFAR10, UNSTATED)
C100_OTHER = small(CIFAR100, UNSTATED)
SVHN_RAW, SVHN_OTHER = small(SVHN, RAW), small(SVHN, UNSTATED)
DIGITS, DIGITS_OTHER = small(MNIST, RAW), small(MNIST, UNSTATED)
DIGITS_JITTER, DIGITS_SHIFTS = (small(MNIST, how) for how in (JITTER, SHIFTS))
DIGITS_DISTORTED = small(MNIST, DISTORTIONS)
DIGITS_DISTILLED = small(MNIST, SOFT_TARGETS)
VIDEOS = Protocol(SPORTS1M, CLIPS, split=TEST, year=None)
VIDEOS_LINEAR = Protocol(
    UCF101, CLIPS, split=TEST, year=None, training="Sports-1M, and then a linear classifier"
)
VIDEOS_PRETRAINED = Protocol(SPORTS1M, CLIPS, split=TEST, year=None, training="I380K before")

OVERVIEW = "Labate 2024, overview of architectures"
AICH, AICH_CROP = "Aich 2018, results", "Aich 2018, final results, single crop"
VGG = "Simonyan, Zisserman 2015"

# Notes.
BLACKLIST = "without the validation images of the blacklist"
CLARIFAI = "of Clarifai, the winner; the paper of ZFNet prints 14.8 for six of its own nets"
FOUR = "one of it and three Inception-ResNet-v2"
FRACTALNET = "misprint: the figure is WideResNet's; the paper of FractalNet prints 23.73 for 20 layers"
HIGHWAY = "misprint: the papers print 7.54 (best run) and 7.72 (mean) for 19 layers, 8.80 for 32"
HINTS = "trained with the hints of a teacher"
IR_V2 = "the papers print 4.9 for one crop, 3.7 for 144 crops and 3.1 for an ensemble"
MAXOUT = "the paper of NIN prints 0.47, and 0.45 for maxout"
OPTION_A = "with shortcuts without parameters (option A)"
OPTION_A_LECTURE = f"{OPTION_A}; a lecture calls the plain net better, but its error is the larger one"
SEVEN = "two of the nets are larger and were first trained on ImageNet of 2011"
SEVERAL = "the nets of the challenge, of several depths"
SIX = "six nets of several depths, two of them of 152 layers"

# (protocol, source): {model: (top-1, top-5, note)}. The first of several results is a model's main one.
TABLES = {
    (ONE_224, "keras.io/api/applications, the trained weights"): {
        "VGG16": (28.7, 9.9),
        "VGG19": (28.7, 10.0),
        "ResNet50": (25.1, 7.9),
        "ResNet101": (23.6, 7.2),
        "ResNet152": (23.4, 6.9),
        "ResNet50V2": (24.0, 7.0),
        "ResNet101V2": (22.8, 6.2),
        "ResNet152V2": (22.0, 5.8),
        "MobileNet": (29.6, 10.5),
        "MobileNetV2": (28.7, 9.9),
        "DenseNet121": (25.0, 7.7),
        "DenseNet169": (23.8, 6.8),
        "DenseNet201": (22.7, 6.4),
    },
    (ONE_299, "keras.io/api/applications, the trained weights"): {
        "Xception": (21.0, 5.5),
        "InceptionV3": (22.1, 6.3),
        "InceptionResNetV2": (19.7, 4.7),
    },
    (ONE_227, "github.com/BVLC/caffe, models: replications"): {
        "AlexNet": (42.9, 19.8),
    },
    (ONE_224, "github.com/BVLC/caffe, models: replications"): {
        "GoogLeNet": (31.3, 11.1),
    },
    (ONE_224, "torchvision 0.1.12, models"): {
        "VGG11": (30.98, 11.37),
        "VGG13": (30.07, 10.75),
        "VGG16": (28.41, 9.62),
        "VGG19": (27.62, 9.12),
        "ResNet18": (30.24, 10.92),
        "ResNet34": (26.70, 8.58),
        "SqueezeNet": (41.90, 19.58),
        "SqueezeNet11": (41.81, 19.38),
        "DenseNet121": (25.35, 7.83),
        "DenseNet169": (24.00, 7.00),
        "DenseNet201": (22.80, 6.43),
        "DenseNet161": (22.35, 6.20),
    },
    (ONE_224, "torchvision 0.3, models"): {
        "VGG11(batch_norm=True)": (29.62, 10.19),
        "VGG13(batch_norm=True)": (28.45, 9.63),
        "VGG16(batch_norm=True)": (26.63, 8.50),
        "VGG19(batch_norm=True)": (25.76, 8.15),
    },
    (ONE_224, AICH_CROP): {
        "AlexNet": (43.45, 20.91, "of torchvision's net, which has one group and fewer kernels"),
        "VGG16(batch_norm=True)": (26.63, 8.50),
        "VGG19(batch_norm=True)": (25.76, 8.15),
        "ResNet152": (21.69, 5.94),
        "DenseNet161": (22.35, 6.20),
    },
    (ONE_299, AICH_CROP): {
        "InceptionV3": (22.55, 6.44, "the table says crops of 224 for all; the net takes 299"),
    },
    (ONE_224, "github.com/facebookarchive/fb.resnet.torch, pretrained"): {
        "ResNet18": (30.43, 10.76),
        "ResNet34": (26.73, 8.74),
    },
    (ONE_224, "github.com/KaimingHe/deep-residual-networks"): {
        "ResNet50": (24.7, 7.8),
        "ResNet101": (23.6, 7.1),
        "ResNet152": (23.0, 6.7),
    },
    (ONE_224, "Huang et al. 2017, table 3"): {
        "DenseNet121": (25.02, 7.71),
        "DenseNet169": (23.80, 6.85),
        "DenseNet201": (22.58, 6.34),
        "DenseNet264": (22.15, 6.12),
    },
    (ONE_224, "Szegedy et al. 2015, table 3"): {
        "GoogLeNet": (None, 10.07),
    },
    (ONE_224, "github.com/osmr/imgclsmob, pytorch: replications"): {
        "BNInception": (25.37, 7.74),
        "ResNet18V2": (28.43, 9.72),
        "ResNet34V2": (24.89, 7.74),
        "SEResNet18": (28.18, 9.61),
    },
    (ONE_224, "Ioffe, Szegedy 2015, figure 4"): {
        "BNInception": (25.2, 7.82),
    },
    (ONE_299, "github.com/tensorflow/models, research/slim"): {
        "InceptionV4": (19.8, 4.8),
    },
    (ONE_299, "Szegedy et al. 2016, table 3"): {
        "InceptionV3": (21.2, 5.6),
    },
    (ONE_299, "Szegedy et al. 2017, table 2"): {
        "InceptionV3": (21.2, 5.6, BLACKLIST),
        "InceptionResNetV1": (21.3, 5.5, BLACKLIST),
        "InceptionV4": (20.0, 5.0, BLACKLIST),
        "InceptionResNetV2": (19.9, 4.9, BLACKLIST),
    },
    (ONE_224, "github.com/szagoruyko/wide-residual-networks"): {
        "WRN50_2": (21.9, 5.79),
    },
    (ONE_224, "torchvision 0.8, models"): {
        "WRN50_2": (21.49, 5.91),
        "WRN101_2": (21.16, 5.72),
    },
    (ONE_224, "github.com/facebookresearch/ResNeXt"): {
        "ResNeXt50": (22.2, None),
        "ResNeXt101": (21.2, None),
        "ResNeXt101_64x4d": (20.4, None),
    },
    (ONE_224, "github.com/hujie-frank/SENet"): {
        "SEResNet50": (22.37, 6.36),
        "SEResNet101": (21.75, 5.72),
        "SEResNet152": (21.34, 5.54),
        "SEResNeXt50": (20.97, 5.54),
        "SEResNeXt101": (19.81, 4.96),
        "SENet154": (18.68, 4.47),
    },
    (ONE_224, "Hu et al. 2018, table 2"): {
        "SEResNet50": (23.29, 6.62),
        "SEResNet101": (22.38, 6.07),
        "SEResNet152": (21.57, 5.73),
        "SEResNeXt50": (21.10, 5.49),
        "SEResNeXt101": (20.70, 5.01),
    },
    (ONE_224, "github.com/fwang91/residual-attention-network"): {
        "Attention56": (21.76, 5.9),
    },
    (ONE_320, "github.com/fwang91/residual-attention-network"): {
        "Attention92": (19.5, 4.8),
    },
    (ONE_320, "He et al. 2016, Identity Mappings, table 5"): {
        "ResNet152": (21.3, 5.5),
        "ResNet152V2": (21.1, 5.5),
    },
    (ONE_224, "github.com/HRNet/HRNet-Image-Classification"): {
        "HRNetV2W18": (23.2, 6.6),
        "HRNetV2W30": (21.8, 5.8),
        "HRNetV2W32": (21.5, 5.8),
        "HRNetV2W40": (21.1, 5.5),
        "HRNetV2W44": (21.1, 5.6),
        "HRNetV2W48": (20.7, 5.5),
        "HRNetV2W64": (20.5, 5.4),
    },
    (ONE_224, OVERVIEW): {
        "HRNetV2W64": (None, 5.4, "the width is not said; it is that of the largest net of the paper"),
    },
    (ONE_299, OVERVIEW): {
        "Xception": (None, 5.5, "misprint: 0.055 in print, a fraction among percentages"),
    },
    (OTHER, "Howard et al. 2017, tables 4 to 9"): {
        "MobileNet": (29.4, None),
        "ConvMobileNet": (28.3, None),
        "ShallowMobileNet": (34.7, None),
        "MobileNet(alpha=0.75)": (31.6, None),
        "MobileNet(alpha=0.5)": (36.3, None),
        "MobileNet(alpha=0.25)": (49.4, None),
        "GoogLeNet": (30.2, None),
        "VGG16": (28.5, None),
        "SqueezeNet": (42.5, None),
        "AlexNet": (42.8, None),
    },
    (HOWARD_192, "Howard et al. 2017, tables 4 to 9"): {
        "MobileNet(rho=192/224)": (30.9, None),
    },
    (HOWARD_160, "Howard et al. 2017, tables 4 to 9"): {
        "MobileNet(rho=160/224)": (32.8, None),
        "MobileNet(alpha=0.5, rho=160/224)": (39.8, None),
    },
    (HOWARD_128, "Howard et al. 2017, tables 4 to 9"): {
        "MobileNet(rho=128/224)": (35.6, None),
    },
    (OTHER, "Iandola et al. 2016, tables 2 and 3"): {
        "SqueezeNet": (42.5, 19.7),
        "SqueezeNet(bypass='simple')": (39.6, 17.5),
        "SqueezeNet(bypass='complex')": (41.2, 18.0),
        "AlexNet": (42.8, 19.7),
    },
    (OTHER, "Zeiler, Fergus 2014, table 2"): {
        "AlexNet": (40.5, 18.1, "their replication"),
        "ZFNet": (38.4, 16.5),
        "ZFNet512": (37.5, 16.0),
    },
    (OTHER, "github.com/Coderx7/SimpleNet, table 5"): {
        "NINImageNet": (40.64, None),
    },
    (OTHER, OVERVIEW): {
        "InceptionResNetV2": (None, 3.52, IR_V2),
    },
    (TEN_224, "He et al. 2016, table 2"): {
        "PlainNet18": (27.94, None),
        "ResNet18": (27.88, None, OPTION_A_LECTURE),
        "PlainNet34": (28.54, None),
        "ResNet34": (25.03, None, OPTION_A),
    },
    (TEN_224, "He et al. 2016, table 3"): {
        "VGG16": (28.07, 9.33),
        "GoogLeNet": (None, 9.15),
        "PlainNet34": (28.54, 10.02),
        "ResNet34(shortcut='pad')": (25.03, 7.76),
        "ResNet34": (24.52, 7.46),
        "ResNet34(shortcut='project_all')": (24.19, 7.40),
        "ResNet50": (22.85, 6.71),
        "ResNet101": (21.75, 6.05),
        "ResNet152": (21.43, 5.71),
    },
    (TEN_224, "github.com/KaimingHe/deep-residual-networks"): {
        "ResNet50": (22.9, 6.7),
        "ResNet101": (21.8, 6.1),
        "ResNet152": (21.4, 5.7),
    },
    (TEN_224, "github.com/facebookarchive/fb.resnet.torch, pretrained"): {
        "ResNet18": (28.22, 9.42),
        "ResNet34": (24.76, 7.35),
    },
    (TEN_224, "Krizhevsky et al. 2012, table 2"): {
        "AlexNet": (40.7, 18.2),
    },
    (TEN_224, "Szegedy et al. 2015, table 3"): {
        "GoogLeNet": (None, 9.15),
    },
    (TEN_224, "Huang et al. 2017, table 3"): {
        "DenseNet121": (23.61, 6.66),
        "DenseNet169": (22.08, 5.92),
        "DenseNet201": (21.46, 5.54),
        "DenseNet264": (20.80, 5.29),
    },
    (TEN_224, OVERVIEW): {
        "DenseNet201": (None, 5.54),
    },
    (TWELVE_299, "Szegedy et al. 2017, table 3"): {
        "InceptionV3": (19.8, 4.6),
        "InceptionResNetV1": (19.8, 4.6),
        "InceptionV4": (18.7, 4.2),
        "InceptionResNetV2": (18.7, 4.1),
    },
    (DENSE_256, f"{VGG}, table 3"): {
        "VGG11": (29.6, 10.4),
        "VGG11LRN": (29.7, 10.5),
        "VGG13": (28.7, 9.9),
        "VGG16C": (28.1, 9.4),
        "VGG16": (27.0, 8.8),
        "VGG19": (27.3, 9.0),
    },
    (DENSE_384, f"{VGG}, table 3"): {
        "VGG16C": (28.1, 9.3),
        "VGG16": (26.8, 8.7),
        "VGG19": (26.9, 8.7),
    },
    (DENSE_RANGE, f"{VGG}, table 3"): {
        "VGG16C": (27.3, 8.8),
        "VGG16": (25.6, 8.1),
        "VGG19": (25.5, 8.0),
    },
    (SCALES_256, f"{VGG}, table 4"): {
        "VGG13": (28.2, 9.6),
        "VGG16C": (27.7, 9.2),
        "VGG16": (26.6, 8.6),
        "VGG19": (26.9, 8.7),
    },
    (SCALES_384, f"{VGG}, table 4"): {
        "VGG16C": (27.8, 9.2),
        "VGG16": (26.5, 8.6),
        "VGG19": (26.7, 8.6),
    },
    (SCALES_RANGE, f"{VGG}, table 4"): {
        "VGG16C": (26.3, 8.2),
        "VGG16": (24.8, 7.5),
        "VGG19": (24.8, 7.5),
    },
    (SCALES_RANGE, f"{VGG}, table 5"): {
        "VGG16": (24.8, 7.5),
        "VGG19": (24.8, 7.5),
    },
    (MULTI_RANGE, f"{VGG}, table 5"): {
        "VGG16": (24.6, 7.5),
        "VGG19": (24.6, 7.4),
    },
    (BOTH_RANGE, f"{VGG}, table 5"): {
        "VGG16": (24.4, 7.2),
        "VGG19": (24.4, 7.1),
    },
    (BOTH_RANGE, AICH): {
        "VGG16": (24.4, 7.2),
        "VGG19": (24.4, 7.1),
    },
    (BOTH_RANGE, "He et al. 2016, table 4"): {
        "VGG19": (24.4, 7.1, "the fifth version of the VGG paper"),
    },
    (SCALES_RESNET, "He et al. 2016, table 4"): {
        "ResNet34": (21.84, 5.71),
        "ResNet34(shortcut='project_all')": (21.53, 5.60),
        "ResNet50": (20.74, 5.25),
        "ResNet101": (19.87, 4.60),
        "ResNet152": (19.38, 4.49),
    },
    (MANY_224, "He et al. 2016, table 4"): {
        "GoogLeNet": (None, 7.89),
        "BNInception": (21.99, 5.81),
    },
    (MANY_224, "Szegedy et al. 2015, table 3"): {
        "GoogLeNet": (None, 7.89),
    },
    (MANY_224, "Ioffe, Szegedy 2015, figure 4"): {
        "BNInception": (21.99, 5.82),
    },
    (MANY_299, "Szegedy et al. 2016, table 4"): {
        "InceptionV3": (18.77, 4.2),
    },
    (MANY_299, AICH): {
        "InceptionV3": (18.8, 4.2),
    },
    (MANY_299, "Szegedy et al. 2017, table 4"): {
        "InceptionV3": (18.9, 4.3),
        "InceptionResNetV1": (18.8, 4.3),
        "InceptionV4": (17.7, 3.8),
        "InceptionResNetV2": (17.8, 3.7),
    },
    (CENTER_2010, "Krizhevsky et al. 2012, section 6.1"): {
        "AlexNet": (39.0, 18.3),
    },
    (TEST_2010, "Krizhevsky et al. 2012, table 1"): {
        "AlexNet": (37.5, 17.0),
    },
    (TEST_2010, AICH): {
        "AlexNet": (37.5, 17.0),
    },
    (TEST_2014, "He et al. 2016, table 4"): {
        "VGG16": (None, 8.43, "of the challenge of 2014; which of the VGG nets is not said"),
    },
    (TEST_2014_BOTH, f"{VGG}, table 7"): {
        "VGG19": (None, 7.0),
    },
    (ENSEMBLE_2, f"{VGG}, table 7"): {
        "VGG16": (23.7, 6.8, "with VGG19"),
        "VGG19": (23.7, 6.8, "with VGG16"),
    },
    (ENSEMBLE_5, "Krizhevsky et al. 2012, table 2"): {
        "AlexNet": (38.1, 16.4),
    },
    (ENSEMBLE_7, "Krizhevsky et al. 2012, table 2"): {
        "AlexNet": (36.7, 15.4, SEVEN),
    },
    (ENSEMBLE_7_ONE, "Szegedy et al. 2015, table 3"): {
        "GoogLeNet": (None, 8.09),
    },
    (ENSEMBLE_7, "Szegedy et al. 2015, table 3"): {
        "GoogLeNet": (None, 7.62),
    },
    (ENSEMBLE_7_144, "Szegedy et al. 2015, table 3"): {
        "GoogLeNet": (None, 6.67),
    },
    (ENSEMBLE_7_DENSE, f"{VGG}, table 7"): {
        "VGG16": (24.7, 7.5, SEVERAL),
    },
    (ENSEMBLE_6_144, "Ioffe, Szegedy 2015, figure 4"): {
        "BNInception": (20.1, 4.9),
    },
    (ENSEMBLE_4_144, "Szegedy et al. 2016, table 5"): {
        "InceptionV3": (17.2, 3.58),
    },
    (ENSEMBLE_4_144, "Szegedy et al. 2017, table 5"): {
        "InceptionV3": (17.3, 3.6),
        "InceptionV4": (16.5, 3.1, FOUR),
    },
    (ENSEMBLE_4_144, OVERVIEW): {
        "InceptionV3": (None, 3.5),
    },
    (TEST_2012_5, OVERVIEW): {
        "AlexNet": (None, 16.4),
    },
    (TEST_2012_7, "Krizhevsky et al. 2012, table 2"): {
        "AlexNet": (None, 15.3, SEVEN),
    },
    (TEST_2013, OVERVIEW): {
        "ZFNet": (None, 11.7, CLARIFAI),
    },
    (TEST_2014_VGG, f"{VGG}, table 7"): {
        "VGG16": (None, 7.3, SEVERAL),
    },
    (TEST_2014_VGG, OVERVIEW): {
        "VGG16": (None, 7.3, SEVERAL),
        "VGG19": (None, 7.3, SEVERAL),
    },
    (TEST_2014_GOOGLENET, "Szegedy et al. 2015, table 2"): {
        "GoogLeNet": (None, 6.67),
    },
    (TEST_2014_GOOGLENET, OVERVIEW): {
        "GoogLeNet": (None, 6.7),
    },
    (TEST_BN_6, "Ioffe, Szegedy 2015, section 4.2.3"): {
        "BNInception": (None, 4.82),
    },
    (TEST_2015_6, "He et al. 2016, table 5"): {
        "ResNet152": (None, 3.57, SIX),
    },
    (TEST_2015_6, AICH): {
        "ResNet152": (None, 3.57, SIX),
    },
    (TEST_2015_6, OVERVIEW): {
        "ResNet152": (None, 3.57, SIX),
    },
    (TEST_2016, "Szegedy et al. 2017, section 5"): {
        "InceptionV4": (None, 3.08, FOUR),
    },
    (TEST_2016, OVERVIEW): {
        "InceptionV4": (None, 3.08, FOUR),
    },
    (TEST_2017, OVERVIEW): {
        "SENet154": (None, 2.25, "an ensemble with this net; the overview says 152 layers"),
    },
    (C10, "He et al. 2016, table 6"): {
        "FitNet4": (8.39, None),
        "HighwayNet19": (7.54, None, "the best of several runs"),
        "HighwayNet32": (8.80, None),
        "ResNet20": (8.75, None),
        "ResNet32": (7.51, None),
        "ResNet44": (7.17, None),
        "ResNet56": (6.97, None),
        "ResNet110": (6.43, None, "the best of five runs"),
        "ResNet1202": (7.93, None),
    },
    (C10, "He et al. 2016, table 6, means"): {
        "HighwayNet19": (7.72, None, "mean of the runs, ± 0.16"),
        "ResNet110": (6.61, None, "mean of five runs, ± 0.16"),
    },
    (C10, "Zagoruyko, Komodakis 2016"): {
        "ResNet164V2": (5.46, None),
        "ResNet1001V2": (4.92, None),
        "WRN16_8": (4.27, None),
        "WRN28_10": (4.00, None),
        "WRN28_10(dropout=0.3)": (3.89, None),
        "WRN40_4": (4.53, None),
    },
    (C10, "github.com/liuzhuang13/DenseNet"): {
        "DenseNet40": (5.24, None),
        "DenseNet100": (4.10, None),
        "DenseNetBC100": (4.51, None),
        "DenseNetBC190": (3.46, None),
        "DenseNetBC250": (3.62, None),
    },
    (C10, "Larsson et al. 2017, table 1"): {
        "FractalNet20": (4.60, None),
        "FractalNet20(dropout=0.0, drop_path=0.0)": (5.22, None),
    },
    (C10, "Xie et al. 2017, by github.com/prlz77/ResNeXt.pytorch"): {
        "ResNeXt29": (3.65, None),
    },
    (C10, "Lin et al. 2014, table 1"): {
        "NIN": (8.81, None),
    },
    (C10, "Springenberg et al. 2015, table 4"): {
        "AllCNNC": (7.25, None),
    },
    (C10, "Wang et al. 2017, table 5"): {
        "Attention92C": (4.99, None),
        "Attention236C": (4.14, None),
        "Attention452C": (3.90, None),
    },
    (C10, "github.com/Coderx7/SimpleNet, table 2"): {
        "SimpleNet": (4.68, None),
    },
    (C10, "github.com/Coderx7/SimpNet"): {
        "SimpNet": (4.51, None),
        "SimpNetSlim300K": (6.75, None),
        "SimpNetSlim600K": (5.97, None),
    },
    (C10, "github.com/Coderx7/SimpNet, best"): {
        "SimpNet": (4.44, None),
    },
    (C10_RAW, "github.com/liuzhuang13/DenseNet"): {
        "DenseNet40": (7.00, None),
        "DenseNet100": (5.77, None),
        "DenseNetBC100": (5.92, None),
        "DenseNetBC250": (5.19, None),
    },
    (C10_RAW, "Larsson et al. 2017, table 1"): {
        "FractalNet20": (7.33, None),
        "FractalNet20(dropout=0.0, drop_path=0.0)": (10.18, None),
    },
    (C10_RAW, "Lin et al. 2014, table 1"): {
        "NIN": (10.41, None),
    },
    (C10_RAW, "Springenberg et al. 2015, table 3"): {
        "BaseCNNA": (12.47, None),
        "StridedCNNA": (13.46, None),
        "ConvPoolCNNA": (10.21, None),
        "AllCNNA": (10.30, None),
        "BaseCNNB": (10.20, None),
        "StridedCNNB": (10.98, None),
        "ConvPoolCNNB": (9.33, None),
        "AllCNNB": (9.10, None),
        "BaseCNNC": (9.74, None),
        "StridedCNNC": (10.19, None),
        "ConvPoolCNNC": (9.31, None),
        "AllCNNC": (9.08, None),
    },
    (C10_RAW, "github.com/Coderx7/SimpleNet, table 2"): {
        "SimpleNet": (5.25, None),
    },
    (C10_FLIPS, "Romero et al. 2015, tables 1 and 5"): {
        "FitNet1": (10.99, None, HINTS),
        "FitNet2": (8.94, None, HINTS),
        "FitNet3": (8.90, None, HINTS),
        "FitNet4": (8.39, None, HINTS),
    },
    (C10_OTHER, OVERVIEW): {
        "NIN": (10.41, None),
        "HighwayNet19": (7.76, None, HIGHWAY),
        "HighwayNet32": (7.76, None, HIGHWAY),
        "FractalNet40": (4.60, None, "misprint: the paper prints it for 20 layers"),
        "WRN28_10(dropout=0.3)": (3.89, None),
        "Attention452C": (3.90, None),
        "DenseNetBC190": (3.46, None, "the overview says 201 layers"),
        "CMPESEWRN28_10": (3.58, None, "the overview says 152 layers"),
    },
    (C100, "Zagoruyko, Komodakis 2016"): {
        "ResNet164V2": (24.33, None),
        "ResNet1001V2": (22.71, None),
        "WRN16_8": (20.43, None),
        "WRN28_10": (19.25, None),
        "WRN28_10(dropout=0.3)": (18.85, None),
        "WRN40_4": (21.18, None),
    },
    (C100, "github.com/liuzhuang13/DenseNet"): {
        "DenseNet40": (24.42, None),
        "DenseNet100": (20.20, None),
        "DenseNetBC100": (22.27, None),
        "DenseNetBC190": (17.18, None),
        "DenseNetBC250": (17.60, None),
    },
    (C100, "Larsson et al. 2017, table 1"): {
        "FractalNet20": (23.73, None),
        "FractalNet20(dropout=0.0, drop_path=0.0)": (23.30, None),
    },
    (C100, "Xie et al. 2017, table 7"): {
        "ResNeXt29": (17.77, None),
    },
    (C100, "Wang et al. 2017, table 5"): {
        "Attention92C": (21.71, None),
        "Attention236C": (21.16, None),
        "Attention452C": (20.45, None),
    },
    (C100, "github.com/Coderx7/SimpNet"): {
        "ResNet110": (25.16, None),
        "ResNet1202": (27.82, None),
        "SimpNet": (21.92, None),
        "SimpNetSlim300K": (31.53, None),
        "SimpNetSlim600K": (28.26, None),
    },
    (C100, "github.com/Coderx7/SimpleNet, table 2"): {
        "SimpleNet": (26.58, None),
    },
    (C100_RAW, "github.com/liuzhuang13/DenseNet"): {
        "DenseNet40": (27.55, None),
        "DenseNet100": (23.79, None),
        "DenseNetBC100": (24.15, None),
        "DenseNetBC250": (19.64, None),
    },
    (C100_RAW, "Larsson et al. 2017, table 1"): {
        "FractalNet20": (28.20, None),
        "FractalNet20(dropout=0.0, drop_path=0.0)": (35.34, None),
    },
    (C100_RAW, "Lin et al. 2014, table 2"): {
        "NIN": (35.68, None),
    },
    (C100_FLIPS, "Romero et al. 2015, table 2"): {
        "FitNet4": (35.04, None, HINTS),
    },
    (C100_OTHER, "Springenberg et al. 2015, table 4"): {
        "AllCNNC": (33.71, None),
    },
    (C100_OTHER, OVERVIEW): {
        "NIN": (35.68, None),
        "FractalNet40": (18.85, None, FRACTALNET),
        "WRN28_10(dropout=0.3)": (18.85, None),
        "Attention452C": (20.4, None),
        "DenseNetBC190": (17.18, None, "the overview says 201 layers"),
        "CMPESEWRN28_10": (18.47, None, "the overview says 152 layers"),
    },
    (SVHN_RAW, "Huang et al. 2017, table 2"): {
        "DenseNet40": (1.79, None),
        "DenseNet100": (1.67, None),
        "DenseNetBC100": (1.76, None),
        "DenseNetBC250": (1.74, None),
    },
    (SVHN_RAW, "Larsson et al. 2017, table 1"): {
        "FractalNet20": (1.87, None),
        "FractalNet20(dropout=0.0, drop_path=0.0)": (2.01, None),
    },
    (SVHN_RAW, "Lin et al. 2014, table 3"): {
        "NIN": (2.35, None),
    },
    (SVHN_RAW, "github.com/szagoruyko/wide-residual-networks"): {
        "WRN16_8(dropout=0.4)": (1.54, None),
    },
    (SVHN_OTHER, "github.com/Coderx7/SimpNet"): {
        "SimpNet": (1.648, None),
    },
    (SVHN_OTHER, "github.com/Coderx7/SimpleNet, table 4"): {
        "SimpleNet": (1.79, None),
    },
    (DIGITS, "LeCun et al. 1998, figure 9"): {
        "LeNet1": (1.7, None),
        "LeNet4": (1.1, None),
        "LeNet5": (0.95, None),
    },
    (DIGITS, "Hinton et al. 2015, section 3"): {
        "MLP800": (1.46, None),
    },
    (DIGITS, "Lin et al. 2014, table 4"): {
        "NIN": (0.47, None),
    },
    (DIGITS_DISTORTED, "LeCun et al. 1998, figure 9"): {
        "LeNet5": (0.8, None),
    },
    (DIGITS_JITTER, "Hinton et al. 2015, section 3"): {
        "MLP1200": (0.67, None),
    },
    (DIGITS_SHIFTS, "Sabour et al. 2017, table 1"): {
        "CapsNet": (0.35, None, "mean of three runs, ± 0.036"),
        "CapsNet(decoder=True)": (0.25, None, "mean of three runs, ± 0.005"),
        "CapsNet(iterations=1)": (0.34, None, "mean of three runs, ± 0.032"),
        "CapsNet(iterations=1, decoder=True)": (0.29, None, "mean of three runs, ± 0.011"),
    },
    (DIGITS_DISTILLED, "Hinton et al. 2015, section 3"): {
        "MLP800": (0.74, None),
    },
    (DIGITS_OTHER, "github.com/Coderx7/SimpNet"): {
        "NIN": (0.45, None, MAXOUT),
        "SimpNet": (0.25, None),
        "SimpNetSlim300K": (0.27, None),
    },
    (DIGITS_OTHER, "github.com/Coderx7/SimpleNet, table 3"): {
        "SimpleNet": (0.25, None),
    },
    (DIGITS_OTHER, OVERVIEW): {
        "NIN": (0.45, None, MAXOUT),
        "CapsNet(decoder=True)": (0.00855, None, "misprint: the paper prints 0.25"),
    },
    (VIDEOS, "Tran et al. 2015, table 2"): {
        "C3D": (40.0, 15.6),
    },
    (VIDEOS_PRETRAINED, "Tran et al. 2015, table 2"): {
        "C3D": (38.9, 14.8),
    },
    (VIDEOS_LINEAR, "Tran et al. 2015, table 3"): {
        "C3D": (17.7, None),
    },
}

# Systems that print sets beside these nets and that are not in this package.
OTHERS = {
    (TEST_2010, "Krizhevsky et al. 2012, table 1"): {
        "SIFT + FV": (45.7, 25.7),
    },
    (SCALES_RESNET, "He et al. 2016, table 4"): {
        "PReLU-net": (21.59, 5.71, "by its own scheme of crops and scales"),
    },
}


# Names of the datasets of checkpoints.
DATASETS = {
    "imagenet": IMAGENET,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "mnist": MNIST,
    "fashion_mnist": FASHION_MNIST,
    "sports1m": SPORTS1M,
    "ucf101": UCF101,
}


def of_checkpoint(checkpoint: Checkpoint) -> Result | None:
    """The published error of a checkpoint, or None if no top-1 accuracy is published."""
    if checkpoint.top1 is None:
        return None
    errors = (None if top is None else round(100 - top, 4) for top in (checkpoint.top1, checkpoint.top5))
    data = DATASETS.get(checkpoint.data, checkpoint.data)
    if data == IMAGENET:
        size = checkpoint.input[-1] if checkpoint.input else None
        protocol = Protocol(data, ONE_CROP if checkpoint.shorter else UNSTATED, size)
    elif data in SMALL:
        protocol = small(data, UNSTATED)
    else:
        protocol = Protocol(data, UNSTATED, split=TEST, year=None)
    return Result(protocol, *errors, f"the trained weights {checkpoint.id}")


def named(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the options in the name of a net.

    Args:
        text: Name of a model, or with options as in Python: "MobileNet(alpha=0.75, rho=192/224)".

    Raises:
        ValueError: It is neither.
    """
    if "(" not in text:
        return text, {}
    try:
        call = ast.parse(text, mode="eval").body
        options = {k.arg: value_of(k.value) for k in call.keywords}
        plain = isinstance(call.func, ast.Name) and not call.args and text.isprintable()
        if not plain or None in options or len(options) < len(call.keywords):
            raise ValueError
    # A fraction can raise an ArithmeticError; brackets nested too deeply, a MemoryError or RecursionError.
    except (ArithmeticError, MemoryError, RecursionError, AttributeError, SyntaxError, TypeError, ValueError):
        refuse("name", "a name, or a name with options such as 'MobileNet(alpha=0.75)'", text)
    return call.func.id, options


def value_of(node):
    """The value of a literal, or of a fraction of two."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return ast.literal_eval(node.left) / ast.literal_eval(node.right)
    return ast.literal_eval(node)


def every(name: str) -> tuple[Result, ...]:
    """The published errors of a model with any options.

    Args:
        name: Name of a model, such as "MobileNet".

    Returns:
        The results, the main one of the paper's net first; empty if none is known.

    Raises:
        ValueError: There is no such model.
    """
    if name not in registry.known():
        registry.refuse_name(name)
    found = (
        Result(protocol, top1, top5, source, tuple(options.items()), *note)
        for (protocol, source), rows in TABLES.items()
        for key, (top1, top5, *note) in rows.items()
        for model, options in [named(key)]
        if model == name
    )
    return tuple(sorted(found, key=lambda result: (result.options != (), result.misprint)))


def results(name: str, **options: Any) -> tuple[Result, ...]:
    """The published errors of a net.

    Args:
        name: Name of a model, such as "DenseNet121"; it may have options, as "MobileNet(alpha=0.75)".
        **options: The options in which the net differs from the model of its name.

    Returns:
        The results, the main one first; empty if none is known.

    Raises:
        ValueError: There is no such model.
    """
    name, own = named(name)
    wanted = own | options
    return tuple(result for result in every(name) if dict(result.options) == wanted)
