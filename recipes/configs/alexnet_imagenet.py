"""AlexNet on ImageNet.

    python recipes/train.py alexnet_imagenet --data-dir FOLDER

Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012,
section 5: batches of 128, SGD with momentum 0.9, weight decay 0.0005, and a learning rate of 0.01 that is
divided by 10 when the validation error stops improving, three times in about 90 epochs. Section 4.1: images
with a shorter side of 256, random crops, flips, and PCA color augmentation (standard deviation 0.1); ten
crops in the test.

The paper crops from the central 256x256 pixels and subtracts the mean of each pixel. Here crops come from the
whole rectangle, and the mean is that of each color.

The paper watches the validation error, which it also reports. Here the validation images are the test
images, which choose nothing. So the learning rate is divided when the accuracy on the training batches has
not risen by half a percentage point within 5 epochs; the paper does not say how long it waits. With
--validation 50000, 50,000 training images are held out, and the accuracy on these is watched instead.

Weights start as in the paper, for pixel values whose mean is subtracted: from a Gaussian of 0.01, and with
biases of 1 in five layers. For photographs, the logits of the untrained net are then of the size 0.9. Such a
net needs patience: Caffe started biases from 0.1 because its loss did not fall otherwise (--init caffe), and
neither start has learned digits of 67 pixels after 126 steps. He's scheme, for images of a standard deviation
of 1 (scaling="torch"), has 35% accuracy there after 63 steps.

Published: 40.7% top-1 and 18.2% top-5 error on the validation images of ILSVRC-2012 (table 2, one net).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="AlexNet",
    init="paper",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("random_crop", dict(shorter=256)), ("flip", {}), ("lighting", dict(std=0.1))),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.01,
    schedule=("plateau", dict(patience=5, factor=0.1, min_delta=0.005)),
    weight_decay=5e-4,
    evaluation=("ten_crop", dict(sizes=256)),
    batch=128,
    epochs=90,
)
