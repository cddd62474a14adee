"""Inception v3 on ImageNet, with its batch-normalised auxiliary head.

    python recipes/train.py inception_v3_imagenet --data-dir FOLDER

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR
2016, arXiv:1512.00567, section 8: 100 epochs, RMSProp with a decay of 0.9 and an epsilon of 1.0, a rate of
0.045 that is multiplied by 0.94 every two epochs, gradients clipped at 2.0, a running average of the
weights that are tested; section 7: label smoothing of 0.1.

The paper's 50 replicas have batches of 32 each and step by themselves; here 32 is the whole batch. It is
silent on weight decay, momentum, the auxiliary weight and the average's momentum. The first and the last
are those of the authors' release (tensorflow/models, research/inception): 0.00004 and 0.9999; no momentum,
as the paper names none; 0.3 as in GoogLeNet. Clipped is the norm of the whole gradient, after Pascanu et
al., whom the paper cites. Crops are GoogLeNet's.

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
