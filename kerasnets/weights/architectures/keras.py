"""The nets of keras.applications."""

from kerasnets.weights.architectures.row import KerasArchitecture

SAME = (
    *("DenseNet121", "DenseNet169", "DenseNet201", "InceptionResNetV2", "InceptionV3"),
    *("ResNet50", "ResNet101", "ResNet152", "VGG16", "VGG19", "Xception"),
)
MOBILENET, MOBILENET_V2 = (0.25, 0.5, 0.75, 1.0), (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
RELEASED = dict(released=True)  # the authors' release, of which these are the weights, is not the paper's net

KERAS = {
    **{f"keras/{name}": KerasArchitecture(net=name) for name in SAME},
    "keras/ResNet50V2": KerasArchitecture(net="ResNet50V2", options=RELEASED),
    "keras/ResNet101V2": KerasArchitecture(net="ResNet101V2", options=RELEASED),
    "keras/ResNet152V2": KerasArchitecture(net="ResNet152V2", options=RELEASED),
    "keras/MobileNet": KerasArchitecture(
        net="MobileNet", choices=dict(alpha=MOBILENET), sizes=(128, 160, 192, 224)
    ),
    "keras/MobileNetV2": KerasArchitecture(
        net="MobileNetV2", choices=dict(alpha=MOBILENET_V2), sizes=(96, 128, 160, 192, 224)
    ),
}
