"""VGG-16 (net D) on ImageNet.

    python recipes/train.py vgg16_imagenet --data-dir FOLDER

Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556, section 3.1: batches of 256, SGD with momentum 0.9, weight decay 0.0005, and a learning rate
of 0.01 that is divided by 10 when the validation accuracy stops improving, three times in 370,000 steps,
which are 74 epochs; crops of 224 pixels from images with a shorter side between 256 and 512, flips, and PCA
color augmentation. Section 3.2: dense evaluation, at the scales 256, 384 and 512.

The paper initializes the first and last layers from a trained net A, but says that with the random weights of
Glorot and Bengio (2010) this is not needed. Here weights start from these, for pixel values whose mean is
subtracted: for photographs, the logits of the untrained net are of the size 0.1, where the paper's Gaussian
of 0.01 leaves 0.000002. The paper's own way is --init-from NET_A.keras --preinitialize --init paper, after
training VGG11.

The paper watches the validation accuracy, which it also reports. Here the validation images are the test
images, which choose nothing. So the learning rate is divided when the accuracy on the training batches has
not risen by half a percentage point within 5 epochs; the paper does not say how long it waits. With
--validation 50000, 50,000 training images are held out, and the accuracy on these is watched instead.

Published: 24.8% top-1 and 7.5% top-5 error (table 4); 24.4% and 7.2% with crops too (table 5).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="VGG16",
    init="glorot",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("scale_jitter", dict(low=256, high=512)), ("flip", {}), ("lighting", dict(std=0.1))),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.01,
    schedule=("plateau", dict(patience=5, factor=0.1, min_delta=0.005)),
    weight_decay=5e-4,
    evaluation=("dense", dict(sizes=(256, 384, 512))),
    batch=256,
    epochs=74,
)
