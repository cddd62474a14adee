"""Every net, as a function with one signature: ``kerasnets.applications.DenseNet121()``."""

from kerasnets.applications import densenet, lenet, mlp, mobilenet
from kerasnets.applications.densenet import (
    CIFARDenseNet,
    DenseNet,
    DenseNet40,
    DenseNet100,
    DenseNet121,
    DenseNet161,
    DenseNet169,
    DenseNet201,
    DenseNet264,
    DenseNetBC100,
    DenseNetBC190,
    DenseNetBC250,
)
from kerasnets.applications.lenet import LeNet, LeNet1, LeNet4, LeNet5
from kerasnets.applications.mlp import MLP, MLP800, MLP1200
from kerasnets.applications.mobilenet import (
    ConvMobileNet,
    MobileNet,
    MobileNets,
    ShallowMobileNet,
)
from kerasnets.assembly.registry import build, list_models
