"""GoogLeNet on ImageNet, with its auxiliary heads.

    python recipes/train.py googlenet_imagenet --data-dir FOLDER

Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, arXiv:1409.4842, section 6: SGD with a momentum
of 0.9, a rate that falls by 4% every 8 epochs, Polyak averaging of the weights that are tested; crops of 8%
to 100% of an image's area with an aspect of 3/4 to 4/3; section 5: the losses of the auxiliary heads are
weighted by 0.3.

The paper is silent on batch, first rate, weight decay and epochs: those are Caffe's for this net
(BVLC/caffe, models/bvlc_googlenet/quick_solver.prototxt): 32, 0.01, 0.0002, and 2,400,000 steps, which are
60 epochs. Chosen is an average with a momentum of 0.9999. The photometric distortions are left out but for
the principal components of the colours.

Images are scaled to a deviation of 1 too, since weights start as He's uniform ones; the paper's start
smaller and expect pixels.

Published, one net: 10.07% top-5 error with one crop, 9.15% with ten (table 3).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="GoogLeNet",
    options=dict(aux_heads=True),
    scaling="torch",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("area_crop", dict(area=(0.08, 1.0))), ("flip", {}), ("lighting", dict(std=0.1))),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.01,
    schedule=("exponential", dict(every=8, factor=0.96)),
    aux_weight=0.3,
    weight_decay=2e-4,
    ema=0.9999,
    evaluation=("ten_crop", dict(sizes=256)),
    batch=32,
    epochs=60,
)
