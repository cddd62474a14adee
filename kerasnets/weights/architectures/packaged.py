"""The nets whose trained weights come with this package."""

from kerasnets.weights.architectures.row import PackagedArchitecture

PACKAGED = {
    "kerasnets/lenet1": PackagedArchitecture(net="LeNet1"),
    "kerasnets/lenet4": PackagedArchitecture(net="LeNet4"),
    "kerasnets/lenet5": PackagedArchitecture(net="LeNet5"),
}
