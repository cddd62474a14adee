"""All networks, as functions with a common signature: ``kerasnets.applications.DenseNet121()``."""

from kerasnets.applications import (
    alexnet,
    allcnn,
    bn_inception,
    c3d,
    capsnet,
    cmpe_senet,
    densenet,
    fitnet,
    fractalnet,
    googlenet,
    highway,
    hrnet,
    inception_resnet,
    inception_v3,
    inception_v4,
    lenet,
    mlp,
    mobilenet,
    mobilenet_v2,
    nin,
    residual_attention,
    resnet,
    resnet_v2,
    resnext,
    senet,
    simpnet,
    squeezenet,
    vgg,
    wide_resnet,
    xception,
    zfnet,
)
from kerasnets.applications.alexnet import AlexNet, AlexNets
from kerasnets.applications.allcnn import (
    AllCNN,
    AllCNNA,
    AllCNNB,
    AllCNNC,
    BaseCNNA,
    BaseCNNB,
    BaseCNNC,
    ConvPoolCNNA,
    ConvPoolCNNB,
    ConvPoolCNNC,
    StridedCNNA,
    StridedCNNB,
    StridedCNNC,
)
from kerasnets.applications.bn_inception import BNInception, BNInceptions
from kerasnets.applications.c3d import C3D, C3Ds
from kerasnets.applications.capsnet import CapsNet, CapsNets
from kerasnets.applications.cmpe_senet import CMPESEWRN, CMPESEWRN28_10
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
from kerasnets.applications.fitnet import FitNet, FitNet1, FitNet2, FitNet3, FitNet4
from kerasnets.applications.fractalnet import FractalNet, FractalNet20, FractalNet40, FractalNet80
from kerasnets.applications.googlenet import GoogLeNet, GoogLeNets
from kerasnets.applications.highway import HighwayNet, HighwayNet19, HighwayNet32
from kerasnets.applications.hrnet import (
    HRNet,
    HRNetV2W18,
    HRNetV2W30,
    HRNetV2W32,
    HRNetV2W40,
    HRNetV2W44,
    HRNetV2W48,
    HRNetV2W64,
)
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
from kerasnets.applications.mobilenet_v2 import MobileNetV2, MobileNetV2s
from kerasnets.applications.nin import NIN, NINImageNet, NINs
from kerasnets.applications.residual_attention import (
    Attention56,
    Attention92,
    Attention92C,
    Attention236C,
    Attention452C,
    CIFARResidualAttention,
    ResidualAttention,
)
from kerasnets.applications.resnet import (
    CIFARResNet,
    PlainNet18,
    PlainNet20,
    PlainNet34,
    PlainNet56,
    ResNet,
    ResNet18,
    ResNet20,
    ResNet32,
    ResNet34,
    ResNet44,
    ResNet50,
    ResNet56,
    ResNet101,
    ResNet110,
    ResNet152,
    ResNet1202,
)
from kerasnets.applications.resnet_v2 import (
    CIFARResNetV2,
    ResNet18V2,
    ResNet34V2,
    ResNet50V2,
    ResNet101V2,
    ResNet152V2,
    ResNet164V2,
    ResNet1001V2,
    ResNetV2,
)
from kerasnets.applications.resnext import (
    CIFARResNeXt,
    ResNeXt,
    ResNeXt29,
    ResNeXt50,
    ResNeXt101,
    ResNeXt101_64x4d,
)
from kerasnets.applications.senet import (
    SENet,
    SENet154,
    SEResNet,
    SEResNet18,
    SEResNet34,
    SEResNet50,
    SEResNet101,
    SEResNet152,
    SEResNeXt,
    SEResNeXt50,
    SEResNeXt101,
)
from kerasnets.applications.simpnet import (
    SimpleNet,
    SimpNet,
    SimpNets,
    SimpNetSlim300K,
    SimpNetSlim600K,
)
from kerasnets.applications.squeezenet import SqueezeNet, SqueezeNet11, SqueezeNets
from kerasnets.applications.vgg import VGG, VGG11, VGG11LRN, VGG13, VGG16, VGG16C, VGG19
from kerasnets.applications.wide_resnet import (
    WRN,
    WRN16_8,
    WRN28_10,
    WRN40_4,
    WRN50_2,
    WRN101_2,
    ImageNetWRN,
)
from kerasnets.applications.xception import Xception, Xceptions
from kerasnets.applications.zfnet import ZFNet, ZFNet512, ZFNets
