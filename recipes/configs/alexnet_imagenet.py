"""AlexNet on ImageNet.

    python recipes/train.py alexnet_imagenet --data-dir FOLDER

Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012,
section 5: batches of 128, SGD with a momentum of 0.9, weight decay 0.0005, a rate of 0.01 that is divided
by 10 when the validation error stops improving, three times in about 90 epochs; section 4.1: images whose
shorter side is 256, a random crop, flips, and principal components of the colours (standard deviation 0.1);
ten crops in the test.

The paper starts from 256x256 pixels in the middle and takes the mean off each pixel; here the crop is from
the whole rectangle and the mean is of each colour. How long the error must stand still is not said: chosen
are 5 epochs.

Images are scaled to a deviation of 1 too, since weights start as He's uniform ones; the paper's start
smaller and expect pixels.

Published: 40.7% top-1 and 18.2% top-5 error of ILSVRC-2012's validation images (table 2, one net).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="AlexNet",
    scaling="torch",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("random_crop", dict(shorter=256)), ("flip", {}), ("lighting", dict(std=0.1))),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.01,
    schedule=("plateau", dict(patience=5, factor=0.1)),
    weight_decay=5e-4,
    evaluation=("ten_crop", dict(sizes=256)),
    batch=128,
    epochs=90,
)
