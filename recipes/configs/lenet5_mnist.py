"""LeNet-5 on MNIST.

    python recipes/train.py lenet5_mnist --data-dir FOLDER

LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 1998,
section III.C: 20 epochs over the 60,000 images, which are centered in 32x32 pixels; a learning rate of 0.0005
for two epochs, then 0.0002 for three, 0.0001 for three, 0.00005 for four, and 0.00001.

The paper makes a step after each image, with a separate learning rate for each weight that depends on a
second derivative (stochastic diagonal Levenberg-Marquardt), and a maximum a posteriori criterion. Here it is
SGD without momentum, batches of 16, cross-entropy, and a learning rate that starts at 0.1 and decreases in
the proportions of the paper.

Published: 0.95% error (figure 9); 0.8% with distorted images, as in lenet5_mnist_distorted. Here: 1.22%, with
seed 0.
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="LeNet5",
    data="mnist",
    augmentation=(("pad", {}),),
    optimizer=("sgd", {}),
    rate=0.1,
    schedule=("stages", dict(at=(2, 5, 8, 12), rates=(0.04, 0.02, 0.01, 0.002))),
    batch=16,
    epochs=20,
)
