"""The nets of keras.applications, which downloads their trained weights itself."""

from kerasnets.weights.architectures.row import KerasArchitecture

# The width multipliers that have trained weights.
MOBILENET, MOBILENET_V2 = (0.25, 0.5, 0.75, 1.0), (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
RELEASED = dict(released=True)  # the form that keras.applications has, which is not the paper's

KERAS = {
    "keras/DenseNet121": KerasArchitecture(net="DenseNet121"),
    "keras/DenseNet169": KerasArchitecture(net="DenseNet169"),
    "keras/DenseNet201": KerasArchitecture(net="DenseNet201"),
    "keras/InceptionResNetV2": KerasArchitecture(net="InceptionResNetV2"),
    "keras/InceptionV3": KerasArchitecture(net="InceptionV3"),
    "keras/ResNet50": KerasArchitecture(net="ResNet50"),
    "keras/ResNet101": KerasArchitecture(net="ResNet101"),
    "keras/ResNet152": KerasArchitecture(net="ResNet152"),
    "keras/VGG16": KerasArchitecture(net="VGG16"),
    "keras/VGG19": KerasArchitecture(net="VGG19"),
    "keras/Xception": KerasArchitecture(net="Xception"),
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
