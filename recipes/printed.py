"""Figures that papers and lectures print about experiments which recipes repeat.

The errors of the package's own nets are in `kerasnets.assembly.results`, and counts are in tables.py.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Printed(NamedTuple):
    """The printed figures of an experiment.

    Attributes:
        source: Where they are printed.
        measure: What they measure, on which data.
        rows: The figures by the name of the net; several are those of several printed settings.
        higher: Whether a higher figure is better.
    """

    source: str
    measure: str
    rows: Mapping[str, float]
    higher: bool = True


SIMPNET = "Hasanpour et al. 2018, arXiv:1802.06205"
CIFAR10 = "accuracy on CIFAR-10, %"

PRINTED = {
    "depth": Printed(
        f"{SIMPNET}, table II: 300K parameters",
        CIFAR10,
        {"8 layers": 90.21, "9 layers": 90.55, "10 layers": 90.61, "13 layers": 89.78},
    ),
    "shallow": Printed(
        f"{SIMPNET}, table III: 1.1M, 570K and 500K parameters",
        CIFAR10,
        {"6 layers": 92.18, "10 layers": 92.23, "13 layers": 92.42},
    ),
    "width": Printed(
        f"{SIMPNET}, table IV: 8M parameters with 10 layers, 128K with 13",
        CIFAR10,
        {
            "10 layers, balanced": 95.51,
            "10 layers, wide end": 95.19,
            "13 layers, balanced": 89.70,
            "13 layers, wide end": 87.20,
        },
    ),
    # 7x7 has two figures with 300K parameters, 86.09 and 88.57; the first three rows are those with 1.6M.
    "kernels": Printed(
        f"{SIMPNET}, table VII: 1.6M parameters",
        CIFAR10,
        {"3x3": 92.14, "5x5": 90.99, "7x7": 89.22},
    ),
    "kernels, 300K parameters": Printed(
        f"{SIMPNET}, table VII: 300K parameters",
        CIFAR10,
        {"3x3": 90.21, "7x7, v1": 86.09, "7x7, v2": 88.57},
    ),
    "places": Printed(
        f"{SIMPNET}, table VIII: 128K parameters, 13 layers; 11 layers for all of one kernel",
        CIFAR10,
        {
            "early 1x1": 87.71,
            "early 2x2": 88.50,
            "middle 1x1": 88.10,
            "middle 2x2": 88.51,
            "end 1x1": 89.44,
            "end 3x3": 89.60,
            "all 2x2": 89.30,
            "all 3x3": 89.44,
        },
    ),
    "pooling": Printed(
        "Hasanpour et al. 2018 and the lecture, delayed pooling: Arch3, 53K parameters",
        CIFAR10,
        {"after layer 3": 77.34, "after layer 5": 79.09, "after layer 7": 79.44},
    ),
    "strides": Printed(
        f"{SIMPNET}, table VI: SimpNet of 15 layers (max pooling with 13: 69.28) and ResNet-32",
        "accuracy on CIFAR-100 (SimpNet) and CIFAR-10 (ResNet), %",
        {
            "SimpNet, max pooling": 68.89,
            "SimpNet, strides": 68.10,
            "ResNet, max pooling": 93.75,
            "ResNet, strides": 93.46,
        },
    ),
    "saf": Printed(
        f"{SIMPNET}, table XI; SqueezeNet v1.1 averages",
        CIFAR10,
        {
            "SqueezeNet, SAF-pooling": 88.06,
            "SqueezeNet, max pooling": 87.51,
            "SimpNet, SAF-pooling": 94.76,
            "SimpNet, max pooling": 94.68,
        },
    ),
    "relu": Printed(
        "Krizhevsky et al. 2012, figure 1: a net of four layers on CIFAR-10; ReLU is six times faster",
        "epochs to a training error of 25 %, as a multiple of those of ReLU",
        {"ReLU": 1, "tanh": 6},
        higher=False,
    ),
    "removed": Printed(
        "Krizhevsky et al. 2012, section 7: about 2 % are lost without any of the middle layers",
        "loss of top-1 accuracy on ImageNet, %",
        {"whole": 0, "without conv2": 2, "without conv3": 2, "without conv4": 2, "without conv5": 2},
        higher=False,
    ),
    "overlap": Printed(
        "Krizhevsky et al. 2012, section 3.4: errors are lower by 0.4 % (top 1) and 0.3 % (top 5)",
        "excess of the top-1 error on ImageNet, %",
        {"overlapping": 0, "2x2": 0.4},
        higher=False,
    ),
    "factorized": Printed(
        "Szegedy et al. 2016, arXiv:1512.00567, figure 2, after 3.86 million operations",
        "top-1 accuracy on ImageNet, %",
        {"two 3x3, ReLU": 77.2, "two 3x3, linear": 76.2},
    ),
    "batch_norm": Printed(
        "Ioffe and Szegedy 2015, arXiv:1502.03167, figure 3: steps to the 72.2 % of Inception",
        "millions of steps on ImageNet",
        {"none": 31.0, "normalized": 13.3, "rate x5": 2.1, "rate x30": 2.7},
        higher=False,
    ),
    "batch_norm, test": Printed(
        "Ioffe and Szegedy 2015, arXiv:1502.03167, figure 3",
        "maximum top-1 accuracy on ImageNet, %",
        {"none": 72.2, "normalized": 72.7, "rate x5": 73.0, "rate x30": 74.8},
    ),
    "shortcuts": Printed(
        "He et al. 2016, arXiv:1512.03385, table 3: 34 layers, 10 crops",
        "top-1 error on ImageNet, %",
        {"none": 28.54, "A": 25.03, "B": 24.52, "C": 24.19},
        higher=False,
    ),
    "stochastic": Printed(
        "Huang et al. 2016, arXiv:1603.09382, table 1: 110 layers",
        "error on CIFAR-10, %",
        {"all units": 6.41, "dropped units": 5.23},
        higher=False,
    ),
    "squeezenet": Printed(
        f"{SIMPNET}, table S3: SqueezeNet 1.1 with 768K parameters, SimpNet with 300K",
        CIFAR10,
        {"SqueezeNet, default": 88.60, "SimpNet, slim": 93.25},
    ),
    "squeezenet, other": Printed(
        f"{SIMPNET}, table S3: SqueezeNet 1.1 optimized with 768K parameters, SimpNet with 600K",
        CIFAR10,
        {"SqueezeNet, optimized": 92.20, "SimpNet, slim": 94.03},
    ),
    "slim, CIFAR-10": Printed(
        f"{SIMPNET}, table XV",
        CIFAR10,
        {
            "SimpNet, 300K": 93.25,
            "SimpNet, 600K": 94.03,
            "Maxout, 6M": 90.62,
            "DSN, 1M": 92.03,
            "All-CNN, 1.3M": 92.75,
            "dasNet, 6M": 90.78,
            "ResNet-32, 475K": 93.22,
            "WRN, 600K": 93.15,
            "NIN, 1M": 91.19,
        },
    ),
    # ResNet-32 has 67.37 to 68.95.
    "slim, CIFAR-100": Printed(
        f"{SIMPNET}, table XV",
        "accuracy on CIFAR-100, %",
        {
            "SimpNet, 300K": 68.47,
            "SimpNet, 600K": 71.74,
            "Maxout, 6M": 65.46,
            "DSN, 1M": 65.43,
            "All-CNN, 1.3M": 66.29,
            "dasNet, 6M": 66.22,
            "ResNet-32, 475K": 67.37,
            "WRN, 600K": 69.11,
        },
    ),
}
