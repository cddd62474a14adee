"""LeNet4 on MNIST, for weights="mnist".

    python recipes/train.py lenet4_mnist --data-dir FOLDER

The net: LeCun et al., "Comparison of Learning Algorithms for Handwritten Digit Recognition", ICANN 1995.

The hyper-parameters are from no paper: SGD with Nesterov momentum, a linear warm-up of one epoch and a cosine
decay to zero, weight decay, and shifts of one pixel. They are those of lenet5_mnist_jitter.

Published: 1.1% error (LeCun et al. 1998, Proc. IEEE, figure 9). Here: 0.84%.
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="LeNet4",
    data="mnist",
    augmentation=(
        ("pad", {}),
        ("jitter", dict(pixels=1)),
    ),
    optimizer=("sgd", dict(momentum=0.9, nesterov=True)),
    rate=0.05,
    schedule=("cosine", dict(warmup=1)),
    weight_decay=1e-4,
    batch=125,
    epochs=20,
)
