"""VGG-16 (net D) on ImageNet.

    python recipes/train.py vgg16_imagenet --data-dir FOLDER

Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556, section 3.1: batches of 256, SGD with a momentum of 0.9, weight decay 0.0005, a rate of
0.01 that is divided by 10 when the validation accuracy stops improving, three times in 370,000 steps, which
are 74 epochs; crops of 224 from images whose shorter side is between 256 and 512, flips, principal
components of the colours; section 3.2: dense evaluation, at the scales 256, 384 and 512.

The first and last layers are not filled from net A, which `kerasnets.surgery.preinitialize` does with a
trained VGG11: weights start as He's uniform ones, and the paper says that random ones would do. How long the
accuracy must stand still is not said: chosen are 5 epochs.

Images are scaled to a deviation of 1 too, since weights start as He's uniform ones; the paper's start
smaller and expect pixels.

Published: 24.8% top-1 and 7.5% top-5 error (table 4); 24.4% and 7.2% with crops too (table 5).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="VGG16",
    scaling="torch",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("scale_jitter", dict(low=256, high=512)), ("flip", {}), ("lighting", dict(std=0.1))),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.01,
    schedule=("plateau", dict(patience=5, factor=0.1)),
    weight_decay=5e-4,
    evaluation=("dense", dict(sizes=(256, 384, 512))),
    batch=256,
    epochs=74,
)
