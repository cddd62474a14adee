"""SimpNet (5.5M parameters) on CIFAR-10.

    python recipes/train.py simpnet_cifar10 --data-dir FOLDER

Hasanpour, Rouhani, Fayyaz, Sabokrou, Adeli, "Towards Principled Design of Deep Convolutional Networks:
Introducing SimpNet", 2018, arXiv:1802.06205. Hyper-parameters are those of the authors' release
(github.com/Coderx7/SimpNet, SimpNetV2, cifar10_full_relu_solver_bn.prototxt and train.prototxt): Adadelta
with momentum 0.9 and a delta of 0.001, weight decay 0.005, batches of 100, and a learning rate of 0.1 that is
divided by 10 at 50,000, 95,000, 153,000, 195,000, 220,000 and 270,000 of 400,000 steps, which are epochs 100,
190, 306, 390, 440 and 540 of 800. Images are padded with four zeros on each side; random crops and flips.

The solver was released with the net of 600,000 parameters; that of this net was not released.

Published: 95.49% accuracy, 95.56% at best (README of the release).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="SimpNet",
    data="cifar10",
    augmentation=(("pad_crop", {}), ("flip", {})),
    optimizer=("adadelta", dict(rho=0.9, epsilon=1e-3)),
    rate=0.1,
    schedule=("step", dict(at=(100, 190, 306, 390, 440, 540), factor=0.1)),
    weight_decay=5e-3,
    batch=100,
    epochs=800,
)
