"""The nets whose trained weights come with this package."""

from kerasnets.weights.architectures.row import PackagedArchitecture

PACKAGED = {
    "kerasnets/lenet5": PackagedArchitecture(net="LeNet5"),
}
