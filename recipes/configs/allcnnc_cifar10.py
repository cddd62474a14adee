"""All-CNN-C on CIFAR-10.

    python recipes/train.py allcnnc_cifar10 --data-dir FOLDER

Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for Simplicity: The All Convolutional Net", ICLR
workshop 2015, arXiv:1412.6806, section 3.1: SGD with momentum 0.9, weight decay 0.001, and the best learning
rate of 0.25, 0.1, 0.05 and 0.01, multiplied by 0.1 at epochs 200, 250 and 300 of 350; dropout of 20% of the
input and 50% after each block; contrast normalization and whitening; shifts of up to five pixels, and flips.

The paper does not give the batch size, or the best learning rate for C. Here they are 128 and 0.05.

Published: 7.25% error (table 4); 9.08% without shifts and flips (table 3).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="AllCNNC",
    data="cifar10",
    scaling="none",
    augmentation=(("contrast", {}), ("zca", {}), ("jitter", dict(pixels=5)), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.05,
    schedule=("step", dict(at=(200, 250, 300), factor=0.1)),
    weight_decay=1e-3,
    batch=128,
    epochs=350,
)
