"""ResNet-50 on ImageNet.

    python recipes/train.py resnet50_imagenet --data-dir FOLDER

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385, section 3.4:
batches of 256, SGD with momentum 0.9, weight decay 0.0001, and a learning rate of 0.1 that is divided by 10
when the error stops improving, 600,000 steps, which are 120 epochs; crops of 224 pixels from images with a
shorter side between 256 and 480, flips, and PCA color augmentation; ten crops in the test.

Weights start as in He et al. 2015, arXiv:1502.01852. The paper subtracts the mean of each pixel; here it is
the mean of each color.

The paper says neither which error it watches, nor how long it waits. Here it is the error on the training
batches, which has to fall by half a percentage point within 5 epochs. With --validation 50000, 50,000
training images are held out, and the error on these is watched instead.

Published: 22.85% top-1 and 6.71% top-5 error with ten crops (table 3).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="ResNet50",
    init="paper",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("scale_jitter", dict(low=256, high=480)), ("flip", {}), ("lighting", dict(std=0.1))),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.1,
    schedule=("plateau", dict(patience=5, factor=0.1, min_delta=0.005)),
    weight_decay=1e-4,
    evaluation=("ten_crop", dict(sizes=256)),
    batch=256,
    epochs=120,
)
