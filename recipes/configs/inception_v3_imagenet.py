"""Inception v3 on ImageNet, with its batch-normalized auxiliary head.

    python recipes/train.py inception_v3_imagenet --data-dir FOLDER

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR
2016, arXiv:1512.00567, section 8: 100 epochs, RMSProp with a decay of 0.9 and an epsilon of 1.0, a learning
rate of 0.045 that is multiplied by 0.94 every two epochs, gradients clipped at 2.0, and a running average of
the weights for the test. Section 7: label smoothing of 0.1.

In the paper, each of 50 replicas makes its own steps with batches of 32; here 32 is the whole batch. The
paper does not give weight decay, momentum, the weight of the auxiliary loss, or the momentum of the average.
Weight decay 0.00004 and an average with momentum 0.9999 are those of the authors' release (tensorflow/models,
research/inception). There is no other momentum, since the paper names none. The auxiliary loss has a weight
of 0.3, as in GoogLeNet. The global norm of the gradient is clipped, as by Pascanu et al., whom the paper
cites. Crops are those of GoogLeNet.

Published: 21.2% top-1 and 5.6% top-5 error with one crop (table 3).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="InceptionV3",
    options=dict(aux_heads=True),
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("area_crop", dict(area=(0.08, 1.0))), ("flip", {})),
    optimizer=("rmsprop", dict(rho=0.9, epsilon=1.0)),
    rate=0.045,
    schedule=("exponential", dict(every=2, factor=0.94)),
    loss=("crossentropy", dict(label_smoothing=0.1)),
    aux_weight=0.3,
    weight_decay=4e-5,
    clip_norm=2.0,
    ema=0.9999,
    evaluation=("center", dict(sizes=342)),
    batch=32,
    epochs=100,
)
