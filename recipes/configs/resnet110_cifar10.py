"""ResNet-110 on CIFAR-10, with its warm-up.

    python recipes/train.py resnet110_cifar10 --data-dir FOLDER

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385, section 4.2:
batches of 128, SGD with momentum 0.9, weight decay 0.0001, and a learning rate of 0.1 that is divided by 10
at 32,000 and 48,000 of 64,000 steps, which are epochs 82, 123 and 164 of the whole training set. This net
starts with a learning rate of 0.01 until the training error is below 80%, which takes about 400 steps; here
it is the first epoch. Images are padded with four zeros on each side; random crops of 32 pixels, and flips.
The test takes the original images.

The paper trains on 45,000 images and subtracts the mean of each pixel. Here all 50,000 are used, and images
are scaled by the mean and standard deviation of each color.

Published: 6.43% error, 6.61 +- 0.16% in five runs (table 6).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="ResNet110",
    data="cifar10",
    augmentation=(("pad_crop", {}), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.1,
    schedule=("step", dict(at=(82, 123), factor=0.1, warmup=1, warmup_rate=0.01)),
    weight_decay=1e-4,
    batch=128,
    epochs=164,
)
