"""MobileNet on ImageNet.

    python recipes/train.py mobilenet_imagenet --data-dir FOLDER

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017,
arXiv:1704.04861, section 3.2: RMSProp as for Inception v3; no auxiliary heads and no label smoothing; less
distorted crops than for large Inception nets, and no small ones; little or no weight decay of depthwise
kernels.

The paper gives no numbers. Here they are those of Inception v3 (arXiv:1512.00567, section 8): a decay of 0.9,
an epsilon of 1.0, a learning rate of 0.045 that is multiplied by 0.94 every two epochs, 100 epochs, and an
average of the weights. Weight decay 0.00004, but none of depthwise kernels, and the Gaussian from which
weights start are those of the authors' release (tensorflow/models, slim). Crops of 35% to 100% of the area
and batches of 96 are our choice.

Published: 70.6% top-1 accuracy (table 8).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="MobileNet",
    init="paper",
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
