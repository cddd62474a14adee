"""CapsNet on MNIST, with its decoder.

    python recipes/train.py capsnet_mnist --data-dir FOLDER

Sabour, Frosst, Hinton, "Dynamic Routing Between Capsules", NIPS 2017, arXiv:1710.09829, section 4: margin
loss (m+ = 0.9, m- = 0.1, lambda = 0.5), reconstruction loss times 0.0005, Adam with TensorFlow's defaults and
an exponentially decaying learning rate. Section 5: images are shifted by up to two pixels, with no other
augmentation.

The paper does not give the batch size, the decay of the learning rate, or the number of epochs. The first two
are those of the authors' release (github.com/Sarasra/models, research/capsules): 128 images, and 0.96 every
2,000 steps, which are 4.26 epochs. Here the net is trained for 100 epochs.

Published: 0.25% error (table 1, three routing iterations, with reconstruction).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="CapsNet",
    options=dict(decoder=True),
    data="mnist",
    augmentation=(("jitter", dict(pixels=2)),),
    optimizer=("adam", {}),
    rate=0.001,
    schedule=("exponential", dict(every=4.26, factor=0.96)),
    loss=("margin", dict(upper=0.9, lower=0.1, absent_weight=0.5)),
    batch=128,
    epochs=100,
)
