"""The nets whose trained weights come with this package."""

from kerasnets.weights.architectures.row import PackagedArchitecture

PACKAGED = {
    "kerasnets/lenet1": PackagedArchitecture(net="LeNet1"),
    "kerasnets/lenet4": PackagedArchitecture(net="LeNet4"),
    "kerasnets/lenet5": PackagedArchitecture(net="LeNet5"),
    "kerasnets/simpnetslim300k": PackagedArchitecture(
        net="SimpNetSlim300K", options=dict(input_shape=(28, 28, 1))
    ),
}
