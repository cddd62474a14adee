"""Every net, as a function with one signature: ``kerasnets.applications.DenseNet121()``."""

from kerasnets.applications import (
    alexnet,
    bn_inception,
    densenet,
    googlenet,
    inception_resnet,
    inception_v3,
    inception_v4,
    lenet,
    mlp,
    mobilenet,
    nin,
    vgg,
    xception,
    zfnet,
)
from kerasnets.applications.alexnet import AlexNet, AlexNets
from kerasnets.applications.bn_inception import BNInception, BNInceptions
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
from kerasnets.applications.googlenet import GoogLeNet, GoogLeNets
from kerasnets.applications.inception_resnet import InceptionResNet, InceptionResNetV1, InceptionResNetV2
from kerasnets.applications.inception_v3 import InceptionV3, InceptionV3s
from kerasnets.applications.inception_v4 import InceptionV4, InceptionV4s
from kerasnets.applications.lenet import LeNet, LeNet1, LeNet4, LeNet5
from kerasnets.applications.mlp import MLP, MLP800, MLP1200
from kerasnets.applications.mobilenet import (
    ConvMobileNet,
    MobileNet,
    MobileNets,
    ShallowMobileNet,
)
from kerasnets.applications.nin import NIN, NINImageNet, NINs
from kerasnets.applications.vgg import VGG, VGG11, VGG11LRN, VGG13, VGG16, VGG16C, VGG19
from kerasnets.applications.xception import Xception, Xceptions
from kerasnets.applications.zfnet import ZFNet, ZFNet512, ZFNets
from kerasnets.assembly.registry import build, list_models
