"""Published errors of the models, with their sources.

A row holds the top-1 and top-5 errors in percent, as printed. If a source prints accuracies, the errors are
100 minus these. The networks were trained and tested by their authors or by the source. Small differences
between rows therefore mean little where protocols differ, or where one source trains longer or augments more.
No published error was found for a model without a row.
"""

import dataclasses

from kerasnets.assembly import registry
from kerasnets.weights.checkpoints import Checkpoint

ONE_CROP, TEN_CROPS = "one crop", "ten crops"
WHOLE = "whole images"
UNSTATED = "not stated"  # the source states neither crops nor scales
AUGMENTED, RAW = "flips and shifts", "no augmentation"  # of the training images; test images are whole

IMAGENET, CIFAR10, MNIST = "ImageNet", "CIFAR-10", "MNIST"  # ImageNet: the 50,000 validation images of 2012


@dataclasses.dataclass(frozen=True)
class Result:
    """The published error of a model.

    Attributes:
        dataset: Name of the dataset.
        protocol: For ImageNet, how the test images were cropped; otherwise, how the training images were
            augmented.
        top1: Top-1 error in percent.
        top5: Top-5 error in percent, or None if the source does not print it.
        source: Where it was published.
    """

    dataset: str
    protocol: str
    top1: float
    top5: float | None
    source: str


# (dataset, protocol, source): {model: (top-1, top-5)}. The first of several results is a model's main one.
TABLES = {
    (IMAGENET, ONE_CROP, "keras.io/api/applications, the trained weights"): {
        "Xception": (21.0, 5.5),
        "VGG16": (28.7, 9.9),
        "VGG19": (28.7, 10.0),
        "ResNet50": (25.1, 7.9),
        "ResNet101": (23.6, 7.2),
        "ResNet152": (23.4, 6.9),
        "ResNet50V2": (24.0, 7.0),
        "ResNet101V2": (22.8, 6.2),
        "ResNet152V2": (22.0, 5.8),
        "InceptionV3": (22.1, 6.3),
        "InceptionResNetV2": (19.7, 4.7),
        "MobileNet": (29.6, 10.5),
        "MobileNetV2": (28.7, 9.9),
        "DenseNet121": (25.0, 7.7),
        "DenseNet169": (23.8, 6.8),
        "DenseNet201": (22.7, 6.4),
    },
    (IMAGENET, ONE_CROP, "github.com/BVLC/caffe, models: replications"): {
        "AlexNet": (42.9, 19.8),
        "GoogLeNet": (31.3, 11.1),
    },
    (IMAGENET, ONE_CROP, "torchvision 0.1.12, models"): {
        "VGG11": (30.98, 11.37),
        "VGG13": (30.07, 10.75),
        "SqueezeNet": (41.90, 19.58),
        "SqueezeNet11": (41.81, 19.38),
        "DenseNet161": (22.35, 6.20),
    },
    (IMAGENET, ONE_CROP, "github.com/facebookarchive/fb.resnet.torch, pretrained"): {
        "ResNet18": (30.43, 10.76),
        "ResNet34": (26.73, 8.74),
    },
    (IMAGENET, ONE_CROP, "github.com/osmr/imgclsmob, pytorch: replications"): {
        "BNInception": (25.37, 7.74),
        "ResNet18V2": (28.43, 9.72),
        "ResNet34V2": (24.89, 7.74),
        "SEResNet18": (28.18, 9.61),
    },
    (IMAGENET, ONE_CROP, "github.com/tensorflow/models, research/slim"): {
        "InceptionV4": (19.8, 4.8),
    },
    (IMAGENET, ONE_CROP, "github.com/szagoruyko/wide-residual-networks"): {
        "WRN50_2": (21.9, 5.79),
    },
    (IMAGENET, ONE_CROP, "github.com/facebookresearch/ResNeXt"): {
        "ResNeXt50": (22.2, None),
        "ResNeXt101": (21.2, None),
        "ResNeXt101_64x4d": (20.4, None),
    },
    (IMAGENET, ONE_CROP, "github.com/hujie-frank/SENet"): {
        "SEResNet50": (22.37, 6.36),
        "SEResNet101": (21.75, 5.72),
        "SEResNet152": (21.34, 5.54),
        "SEResNeXt50": (20.97, 5.54),
        "SEResNeXt101": (19.81, 4.96),
        "SENet154": (18.68, 4.47),
    },
    (IMAGENET, ONE_CROP, "github.com/fwang91/residual-attention-network"): {
        "Attention56": (21.76, 5.9),
    },
    (IMAGENET, "one crop of 320x320", "github.com/fwang91/residual-attention-network"): {
        "Attention92": (19.5, 4.8),
    },
    (IMAGENET, ONE_CROP, "github.com/HRNet/HRNet-Image-Classification"): {
        "HRNetV2W18": (23.2, 6.6),
        "HRNetV2W30": (21.8, 5.8),
        "HRNetV2W32": (21.5, 5.8),
        "HRNetV2W40": (21.1, 5.5),
        "HRNetV2W44": (21.1, 5.6),
        "HRNetV2W48": (20.7, 5.5),
        "HRNetV2W64": (20.5, 5.4),
    },
    (IMAGENET, UNSTATED, "Howard et al. 2017, tables 4 and 5"): {
        "ConvMobileNet": (28.3, None),
        "ShallowMobileNet": (34.7, None),
    },
    (IMAGENET, UNSTATED, "github.com/Coderx7/SimpleNet, table 5"): {
        "NINImageNet": (40.64, None),
    },
    (IMAGENET, TEN_CROPS, "He et al. 2016, table 2"): {
        "PlainNet18": (27.94, None),
        "PlainNet34": (28.54, None),
    },
    (IMAGENET, TEN_CROPS, "github.com/KaimingHe/deep-residual-networks"): {
        "ResNet50": (22.9, 6.7),
        "ResNet101": (21.8, 6.1),
        "ResNet152": (21.4, 5.7),
    },
    (IMAGENET, "dense at one scale", "Simonyan, Zisserman 2015, table 3, S = Q = 256"): {
        "VGG11": (29.6, 10.4),
        "VGG11LRN": (29.7, 10.5),
        "VGG13": (28.7, 9.9),
        "VGG16C": (28.1, 9.4),
        "VGG16": (27.0, 8.8),
        "VGG19": (27.3, 9.0),
    },
    (CIFAR10, AUGMENTED, "He et al. 2016, table 6"): {
        "FitNet4": (8.39, None),
        "HighwayNet19": (7.54, None),
        "HighwayNet32": (8.80, None),
        "ResNet20": (8.75, None),
        "ResNet32": (7.51, None),
        "ResNet44": (7.17, None),
        "ResNet56": (6.97, None),
        "ResNet110": (6.43, None),
        "ResNet1202": (7.93, None),
    },
    (CIFAR10, AUGMENTED, "Zagoruyko, Komodakis 2016"): {
        "ResNet164V2": (5.46, None),
        "ResNet1001V2": (4.92, None),
        "WRN16_8": (4.27, None),
        "WRN28_10": (4.00, None),
        "WRN40_4": (4.53, None),
    },
    (CIFAR10, AUGMENTED, "github.com/liuzhuang13/DenseNet"): {
        "DenseNet40": (5.24, None),
        "DenseNet100": (4.10, None),
        "DenseNetBC100": (4.51, None),
        "DenseNetBC190": (3.46, None),
        "DenseNetBC250": (3.62, None),
    },
    (CIFAR10, AUGMENTED, "Xie et al. 2017, by github.com/prlz77/ResNeXt.pytorch"): {
        "ResNeXt29": (3.65, None),
    },
    (CIFAR10, AUGMENTED, "Lin et al. 2014, table 1"): {
        "NIN": (8.81, None),
    },
    (CIFAR10, AUGMENTED, "Springenberg et al. 2015, table 4"): {
        "AllCNNC": (7.25, None),
    },
    (CIFAR10, UNSTATED, "Wang et al. 2017, arXiv:1704.06904"): {
        "Attention92C": (4.99, None),
        "Attention236C": (4.14, None),
        "Attention452C": (3.90, None),
    },
    (CIFAR10, AUGMENTED, "github.com/Coderx7/SimpleNet, table 2"): {
        "SimpleNet": (4.68, None),
    },
    (CIFAR10, AUGMENTED, "github.com/Coderx7/SimpNet"): {
        "SimpNetSlim300K": (6.75, None),
        "SimpNetSlim600K": (5.97, None),
    },
    (CIFAR10, RAW, "github.com/liuzhuang13/DenseNet"): {
        "DenseNet40": (7.00, None),
        "DenseNet100": (5.77, None),
        "DenseNetBC100": (5.92, None),
        "DenseNetBC250": (5.19, None),
    },
    (CIFAR10, RAW, "Lin et al. 2014, table 1"): {
        "NIN": (10.41, None),
    },
    (CIFAR10, RAW, "Springenberg et al. 2015, table 3"): {
        "BaseCNNA": (12.47, None),
        "BaseCNNC": (9.74, None),
        "StridedCNNC": (10.19, None),
        "ConvPoolCNNC": (9.31, None),
        "AllCNNC": (9.08, None),
    },
    (MNIST, AUGMENTED, "Hinton et al. 2015, section 3"): {
        "MLP1200": (0.67, None),
    },
    (MNIST, RAW, "Hinton et al. 2015, section 3"): {
        "MLP800": (1.46, None),
    },
}


# Names of the datasets of checkpoints.
DATASETS = {"imagenet": IMAGENET, "cifar10": CIFAR10, "mnist": MNIST, "fashion_mnist": "Fashion-MNIST"}


def of_checkpoint(checkpoint: Checkpoint) -> Result | None:
    """The published error of a checkpoint, or None if no top-1 accuracy is published."""
    if checkpoint.top1 is None:
        return None
    errors = (None if top is None else round(100 - top, 4) for top in (checkpoint.top1, checkpoint.top5))
    protocol = ONE_CROP if checkpoint.shorter else WHOLE
    data = DATASETS.get(checkpoint.data, checkpoint.data)
    return Result(data, protocol, *errors, f"the trained weights {checkpoint.id}")


def results(name: str) -> tuple[Result, ...]:
    """The published errors of a model.

    Args:
        name: Name of a model, such as "DenseNet121".

    Returns:
        The results, the main one first; empty if none is known.

    Raises:
        ValueError: There is no such model.
    """
    if name not in registry.known():
        registry.refuse_name(name)
    return tuple(
        Result(dataset, protocol, *errors[name], source)
        for (dataset, protocol, source), errors in TABLES.items()
        if name in errors
    )
