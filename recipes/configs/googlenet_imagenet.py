"""GoogLeNet on ImageNet, with its auxiliary heads.

    python recipes/train.py googlenet_imagenet --data-dir FOLDER

Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, arXiv:1409.4842, section 6: SGD with momentum
0.9, a learning rate that is reduced by 4% every 8 epochs, and Polyak averaging of the weights for the test;
crops of 8% to 100% of the area of an image, with an aspect ratio of 3/4 to 4/3. Section 5: the losses of the
auxiliary heads have a weight of 0.3.

The paper does not give the batch size, initial learning rate, weight decay or number of epochs. They are
those of Caffe's net (BVLC/caffe, models/bvlc_googlenet/quick_solver.prototxt): 32, 0.01, 0.0002, and
2,400,000 steps, which are 60 epochs. The average of the weights has a momentum of 0.9999 here. Of the
photometric distortions, only PCA color augmentation is used.

Nor does the paper say how weights start. They too are those of Caffe's net, for pixel values whose mean is
subtracted.

Published, one net: 10.07% top-5 error with one crop, 9.15% with ten, 7.89% with 144 (table 3). The test has
ten crops; `evaluation=("144_crops", {})` takes fourteen times as long.
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="GoogLeNet",
    options=dict(aux_heads=True),
    init="caffe",
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
