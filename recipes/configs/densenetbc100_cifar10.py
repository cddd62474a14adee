"""DenseNet-BC (L = 100, k = 12) on CIFAR-10.

    python recipes/train.py densenetbc100_cifar10 --data-dir FOLDER

Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", CVPR 2017,
arXiv:1608.06993, section 4.2: batches of 64, SGD with Nesterov's momentum of 0.9, weight decay 0.0001, a
rate of 0.1 that is divided by 10 after half and three quarters of 300 epochs; section 4.1: four zeros
around each image, a random crop, and flips; images scaled by mean and deviation.

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
