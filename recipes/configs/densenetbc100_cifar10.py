"""DenseNet-BC (L = 100, k = 12) on CIFAR-10.

    python recipes/train.py densenetbc100_cifar10 --data-dir FOLDER

Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", CVPR 2017,
arXiv:1608.06993, section 4.2: batches of 64, SGD with Nesterov momentum 0.9, weight decay 0.0001, and a
learning rate of 0.1 that is divided by 10 after one half and three quarters of 300 epochs. Section 4.1:
images are scaled by mean and standard deviation and padded with four zeros on each side; random crops and
flips.

Published: 4.51% error (table 2, C10+).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="DenseNetBC100",
    data="cifar10",
    augmentation=(("pad_crop", {}), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9, nesterov=True)),
    rate=0.1,
    schedule=("step", dict(at=(150, 225), factor=0.1)),
    weight_decay=1e-4,
    batch=64,
    epochs=300,
)
