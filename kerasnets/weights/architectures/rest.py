"""The architectures of Caffe, of the ONNX project, and of authors who published a few nets."""

from kerasnets.weights.architectures.forms import COUNTED, LATER, PADDED, PROJECTED
from kerasnets.weights.architectures.row import Architecture

RAW = dict(project_raw=True)  # projections read what comes into their unit, before batch normalization
LINEAR = dict(head=("linear",), mends=dict(zeros_on_both_sides={}))
# GluonCV's names, which are numbered in the order of definition. Its files have a projection before the
# convolutions of its unit.
RESNET_V1 = " ".join(
    f"resnetv15_{stage}{layer}{number}_fwd"
    for stage in ("", "stage1_", "stage2_", "stage3_", "stage4_")
    for number in range(5)
    for layer in ("conv", "batchnorm")
)
# The names of keras-hub or, in files that do not record them, those by which Keras numbers layers. The layers
# of a projection, numbered 0, or 6, 11 and 16, are between the convolutions of its unit; ours come last.
RESNET_HUB = " ".join(
    [
        *("conv1_conv", "conv1_bn"),
        *(
            f"stack{stage}_block{unit}_{number}_{layer}"
            for stage in range(4)
            for unit in range(2)
            for number in (1, 2, 0)
            for layer in ("conv", "bn")
        ),
        *("conv2d", "batch_normalization"),
        *(
            f"{layer}_{number}"
            for number in (1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 12, 11, 13, 14, 15, 17, 16, 18, 19)
            for layer in ("conv2d", "batch_normalization")
        ),
    ]
)
RESNET_V2 = dict(stem_form="repeated", image_norm=True)
LRN = dict(lrn=dict(k=1.0, alpha=2e-5))  # Caffe's k, and its alpha of 1e-4 divided by 5
DENSE = ("fc6", "fc7", "fc8")
FACES = ("last_linear", "last_bn", "logits")
AUX = ("loss1/conv", "loss1/fc", "loss1/classifier", "loss2/conv", "loss2/fc", "loss2/classifier")
AUX_NORMS = ("loss1/conv/bn", "loss1/fc/bn", "loss2/conv/bn", "loss2/fc/bn")
# The table of BN-Inception with 96 filters after the pooling of 4c and 4d, where the paper prints 128.
BN_INCEPTION = (
    ("3a", 64, 64, 64, 64, 96, "avg", 32),
    ("3b", 64, 64, 96, 64, 96, "avg", 64),
    ("3c", 0, 128, 160, 64, 96, "max", "pass through"),
    ("4a", 224, 64, 96, 96, 128, "avg", 128),
    ("4b", 192, 96, 128, 96, 128, "avg", 128),
    ("4c", 160, 128, 160, 128, 160, "avg", 96),
    ("4d", 96, 128, 192, 160, 192, "avg", 96),
    ("4e", 0, 128, 192, 192, 256, "max", "pass through"),
    ("5a", 352, 192, 320, 160, 224, "avg", 128),
    ("5b", 352, 192, 320, 192, 224, "max", 128),
)
# SimpleNet's later release: its net for ImageNet pools fewer times, its other net for CIFAR-10 once more.
SIMPLENET = dict(kernels=((3, 3, 3, 3, 3, 3), (3, 3, 3, 3), (1, 1, 3)), strides=(2, 2, 1, 2))
EXTRA_POOL = dict(kernels=((3, 3, 3, 3), (3, 3, 3), (3, 3), (3,), (1, 1), (3,)))

AKAMASTER = {
    "akamaster/resnet20": Architecture(net="ResNet20", **LINEAR, names="924c8d7f"),
    "akamaster/resnet32": Architecture(net="ResNet32", **LINEAR, names="2f9c894d"),
    "akamaster/resnet44": Architecture(net="ResNet44", **LINEAR, names="b500bf31"),
    "akamaster/resnet56": Architecture(net="ResNet56", **LINEAR, names="9d0f616c"),
    "akamaster/resnet110": Architecture(net="ResNet110", **LINEAR, names="d1a040f4"),
    "akamaster/resnet1202": Architecture(net="ResNet1202", **LINEAR, names="b79150f3"),
}
CHENYAOFO = {
    "chenyaofo/cifar10_resnet20": Architecture(net="ResNet20", options=PROJECTED, names="7a524f0c"),
    "chenyaofo/cifar10_resnet32": Architecture(net="ResNet32", options=PROJECTED, names="84fe15d7"),
    "chenyaofo/cifar10_resnet44": Architecture(net="ResNet44", options=PROJECTED, names="292a527f"),
    "chenyaofo/cifar10_resnet56": Architecture(net="ResNet56", options=PROJECTED, names="cb3d30ae"),
}
TORCHDISTILL = {
    "torchdistill/cifar10-resnet20": Architecture(net="ResNet20", options=PROJECTED, names="7a524f0c"),
    "torchdistill/cifar10-resnet32": Architecture(net="ResNet32", options=PROJECTED, names="84fe15d7"),
    "torchdistill/cifar10-resnet44": Architecture(net="ResNet44", options=PROJECTED, names="292a527f"),
    "torchdistill/cifar10-resnet56": Architecture(net="ResNet56", options=PROJECTED, names="cb3d30ae"),
    "torchdistill/cifar10-resnet110": Architecture(net="ResNet110", options=PROJECTED, names="67dfa795"),
    "torchdistill/cifar10-wide_resnet16_8": Architecture(net="WRN16_8", options=RAW, names="5d31fc25"),
    "torchdistill/cifar10-wide_resnet40_4": Architecture(net="WRN40_4", options=RAW, names="a0674718"),
    "torchdistill/cifar10-densenet_bc_k12_depth100": Architecture(
        net="DenseNetBC100", head=("classifier",), names="b867b02f"
    ),
}
ONNX = {
    "onnx/densenet-12": Architecture(net="DenseNet121", head=("fc6",), names="0b49f2a9"),
    "onnx/bvlcalexnet-12": Architecture(
        net="AlexNet", head=DENSE, input=(227, 227), mends=LRN, names="4d9561f0"
    ),
    "onnx/googlenet-12": Architecture(
        net="GoogLeNet", head=("loss3/classifier",), mends=LRN, names="aba8d694"
    ),
    "onnx/inception-v2-9": Architecture(
        net="BNInception", options=dict(modules=BN_INCEPTION), head=("loss3/classifier",), names="e894e973"
    ),
    "onnx/squeezenet1.0-12": Architecture(net="SqueezeNet11", head=("conv10",), names="dadf8793"),
    "onnx/resnet18-v1-7": Architecture(
        net="ResNet18", order=RESNET_V1, head=("resnetv15_dense0_fwd",), names="8f397efd"
    ),
    "onnx/resnet50-caffe2-v1-9": Architecture(
        net="ResNet50", options=LATER, head=("gpu_0/pred",), names="d50e843d"
    ),
    "onnx/resnet18-v2-7": Architecture(
        net="ResNet18V2", options=RESNET_V2, head=("resnetv22_dense0_fwd",), names="9836fa3d"
    ),
    "onnx/resnet34-v2-7": Architecture(
        net="ResNet34V2", options=RESNET_V2, head=("resnetv23_dense0_fwd",), names="197e3d33"
    ),
    "onnx/resnet50-v2-7": Architecture(
        net="ResNet50V2", options=RESNET_V2, head=("resnetv24_dense0_fwd",), names="f11cae6c"
    ),
    "onnx/resnet101-v2-7": Architecture(
        net="ResNet101V2", options=RESNET_V2, head=("resnetv25_dense0_fwd",), names="2e2e0025"
    ),
    "onnx/resnet152-v2-7": Architecture(
        net="ResNet152V2", options=RESNET_V2, head=("resnetv27_dense0_fwd",), names="799f8006"
    ),
}
CAFFE = {
    "caffe/bvlc_alexnet": Architecture(net="AlexNet", head=DENSE, mends=LRN, names="4d9561f0"),
    "caffe/bvlc_googlenet": Architecture(
        net="GoogLeNet", head=("loss3/classifier",), aux=AUX, mends=LRN, names="aba8d694"
    ),
    "caffe/googlenet_bn": Architecture(
        net="BNInception",
        options=dict(modules=BN_INCEPTION, **COUNTED),
        head=("loss3/classifier",),
        skip=(*AUX, *AUX_NORMS),
        names="e894e973",
    ),
    "caffe/nin_cifar10": Architecture(net="NIN", head=("cccp6",), names="7f285f67"),
    "caffe/nin_imagenet": Architecture(net="NINImageNet", head=("cccp8-1024",), names="53a8cdc4"),
    "caffe/simpnet_300k": Architecture(net="SimpNetSlim300K", head=("ip1",), names="950a2d25"),
    "caffe/simpnet_300k.mnist": Architecture(
        net="SimpNetSlim300K", options=dict(input_shape=(28, 28, 1)), head=("ip1",), names="950a2d25"
    ),
    "caffe/simpnet_5m": Architecture(net="SimpNet", head=("ip1",), names="950a2d25"),
    "caffe/simpnet_600k": Architecture(net="SimpNetSlim600K", head=("ip1",), names="950a2d25"),
    "caffe/squeezenet_v1.0": Architecture(
        net="SqueezeNet", options=dict(released=True), head=("conv10",), names="dadf8793"
    ),
    "caffe/squeezenet_v1.1": Architecture(net="SqueezeNet11", head=("conv10",), names="dadf8793"),
}
REST: dict[str, Architecture] = {
    **AKAMASTER,
    **CHENYAOFO,
    **TORCHDISTILL,
    **ONNX,
    "keras/resnet_18_imagenet": Architecture(net="ResNet18", order=RESNET_HUB, body=True, names="28953ca7"),
    "cadene/resnext101_32x4d": Architecture(net="ResNeXt101", head=("last_linear",), names="9fd2bf9f"),
    **CAFFE,
    "adamcasson/c3d": Architecture(net="C3D", head=DENSE, chw=False, classes=487, names="bf8fd8b3"),
    "cadene/bn_inception": Architecture(
        net="BNInception", options=COUNTED, head=("last_linear",), names="c7cfa84b"
    ),
    "coderx7/simplenet_cifar_5m_extra_pool": Architecture(
        net="SimpleNet", options=EXTRA_POOL, head=("classifier",), names="c2289a84"
    ),
    "coderx7/simplenetv1_5m_m2": Architecture(
        net="SimpleNet", options=SIMPLENET, head=("classifier",), classes=1000, names="7f358b45"
    ),
    "mmaction2/c3d": Architecture(
        net="C3D",
        options=PADDED,
        head=("backbone.fc6", "backbone.fc7", "cls_head"),
        names="394b3b2d",
    ),
    "timesler/inception_resnet_v1.casia_webface": Architecture(
        net="InceptionResNetV1",
        options=dict(embedding=512),
        head=FACES,
        epsilon=1e-3,
        classes=10575,
        names="f1a36a56",
    ),
    "timesler/inception_resnet_v1.vggface2": Architecture(
        net="InceptionResNetV1",
        options=dict(embedding=512),
        head=FACES,
        epsilon=1e-3,
        classes=8631,
        names="f1a36a56",
    ),
}
