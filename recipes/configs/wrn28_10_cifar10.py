"""WRN-28-10 on CIFAR-10.

    python recipes/train.py wrn28_10_cifar10 --data-dir FOLDER

Zagoruyko, Komodakis, "Wide Residual Networks", BMVC 2016, arXiv:1605.07146, section 3: batches of 128, SGD
with Nesterov momentum 0.9, no dampening, weight decay 0.0005, and a learning rate of 0.1 that is multiplied
by 0.2 at epochs 60, 120 and 160 of 200. Images are scaled by mean and standard deviation and padded with four
reflected pixels on each side; random crops and flips.

Weights start as in the release, by He's scheme with the fan-out.

Published: 4.00% error (table 5), 3.89% with dropout of 0.3 (table 6): options=dict(dropout=0.3).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="WRN28_10",
    init="paper",
    data="cifar10",
    augmentation=(("pad_crop", dict(mode="reflect")), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9, nesterov=True)),
    rate=0.1,
    schedule=("step", dict(at=(60, 120, 160), factor=0.2)),
    weight_decay=5e-4,
    batch=128,
    epochs=200,
)
