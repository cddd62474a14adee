"""MobileNet on ImageNet.

    python recipes/train.py mobilenet_imagenet --data-dir FOLDER

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017,
arXiv:1704.04861, section 3.2: RMSProp as for Inception v3; no side heads and no label smoothing; crops less
distorted than those of large Inception nets, none of them small; very little or no weight decay on
depthwise kernels.

The paper gives no figures. Chosen are those of Inception v3 (arXiv:1512.00567, section 8): a decay of 0.9,
an epsilon of 1.0, a rate of 0.045 multiplied by 0.94 every two epochs, 100 epochs, an average of the
weights; weight decay 0.00004 as in the authors' release (tensorflow/models, slim), none on depthwise
kernels; crops of 35% to 100% of the area; batches of 96.

Published: 70.6% top-1 accuracy (table 8).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="MobileNet",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("area_crop", dict(area=(0.35, 1.0))), ("flip", {})),
    optimizer=("rmsprop", dict(rho=0.9, epsilon=1.0)),
    rate=0.045,
    schedule=("exponential", dict(every=2, factor=0.94)),
    weight_decay=4e-5,
    decay_depthwise=False,
    ema=0.9999,
    evaluation=("center", dict(sizes=256)),
    batch=96,
    epochs=100,
)
