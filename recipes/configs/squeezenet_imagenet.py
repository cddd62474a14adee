"""SqueezeNet on ImageNet.

    python recipes/train.py squeezenet_imagenet --data-dir FOLDER

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016,
arXiv:1602.07360, section 3.3: a learning rate of 0.04 that decreases linearly. For the rest, the paper refers
to its files for Caffe (github.com/forresti/SqueezeNet, SqueezeNet_v1.0/solver.prototxt): SGD with momentum
0.9, weight decay 0.0002, batches of 512, 170,000 steps, which are 68 epochs; crops of 227 pixels from images
of 256x256, and flips. (An earlier solver of the release has twice the batch size and learning rate, half the
steps, and the power 0.5.)

The default input of the net is 224 pixels here.

Weights start as in the release, for pixel values whose mean is subtracted.

Published: 57.5% top-1 and 80.3% top-5 accuracy (table 2).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="SqueezeNet",
    init="paper",
    size=227,
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("random_crop", dict(shorter=256)), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.04,
    schedule=("polynomial", dict(power=1.0)),
    weight_decay=2e-4,
    evaluation=("center", dict(sizes=256)),
    batch=512,
    epochs=68,
)
