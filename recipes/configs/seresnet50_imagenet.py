"""SE-ResNet-50 on ImageNet.

    python recipes/train.py seresnet50_imagenet --data-dir FOLDER

Hu, Shen, Albanie, Sun, Wu, "Squeeze-and-Excitation Networks", CVPR 2018, arXiv:1709.01507, section 5: batches
of 1024, SGD with momentum 0.9, and a learning rate of 0.6 that is divided by 10 every 30 epochs of 100; crops
of random size and aspect ratio, and flips; the test takes the central 224 pixels of images with a shorter
side of 256.

Weights start as in He et al. 2015, arXiv:1502.01852. The paper does not give weight decay; here it is 0.0001,
as for ResNet. Crops of 8% to 100% of the area, with an aspect ratio of 3/4 to 4/3, are those of the README of
the release (github.com/hujie-frank/SENet).

Published: 23.29% top-1 and 6.62% top-5 error (table 2).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="SEResNet50",
    init="paper",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("area_crop", dict(area=(0.08, 1.0))), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.6,
    schedule=("step", dict(at=(30, 60, 90), factor=0.1)),
    weight_decay=1e-4,
    evaluation=("center", dict(sizes=256)),
    batch=1024,
    epochs=100,
)
