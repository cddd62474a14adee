"""LeNet5 on MNIST with distorted images.

    python recipes/train.py lenet5_mnist_distorted --data-dir FOLDER

LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 1998,
section III.C, distort the images by planar affine transformations: translations, scaling, squeezing and
horizontal shearing. Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis", ICDAR 2003, add elastic distortions, with a standard deviation of 4 pixels and a
factor of 34. Both are applied anew in each epoch, the elastic ones to half of the images, so that the net
sees sharp images too.

The paper does not say how far images are moved, scaled and sheared: here it is by up to one pixel, by up to a
tenth in each direction, and by up to a tenth of a pixel from row to row. The other hyper-parameters are those
of lenet5_mnist_jitter. On 10,000 of the training images, after six epochs with one seed, shifts alone left
1.49% errors, affine transformations with them 1.32%, and elastic ones too 1.29%.

Published: 0.8% error with distorted images (figure 9). Here: 0.74%, with one seed.
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="LeNet5",
    data="mnist",
    augmentation=(
        ("pad", {}),
        ("elastic", dict(alpha=34.0, sigma=4.0, share=0.5)),
        ("affine", dict(degrees=0.0, stretch=0.1, shear=0.1)),
        ("jitter", dict(pixels=1)),
    ),
    optimizer=("sgd", dict(momentum=0.9, nesterov=True)),
    rate=0.05,
    schedule=("cosine", dict(warmup=1)),
    weight_decay=1e-4,
    batch=125,
    epochs=20,
)
