"""Network in Network on CIFAR-10.

    python recipes/train.py nin_cifar10 --data-dir FOLDER

Lin, Chen, Yan, "Network In Network", ICLR 2014, arXiv:1312.4400, section 4.1 and appendix: batches of 128,
and a learning rate that is divided by 10 twice, when the training accuracy stops improving; contrast
normalization and whitening as for maxout networks. The authors' release (github.com/mavenlin/cuda-convnet)
trains for 200, 30 and 30 epochs, with momentum 0.9.

Weights start from a Gaussian of 0.05, as in the release (NIN/cifar-10_def).

The initial learning rate of 0.01 and weight decay 0.001 are those of the release's file for CIFAR-100
(NIN/cifar-100_params). That file has twice the learning rate for biases; here it is the same for all weights.

Published: 10.41% error; 8.81% with shifts and flips (table 1).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="NIN",
    init="paper",
    data="cifar10",
    scaling="none",
    augmentation=(("contrast", {}), ("zca", {})),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.01,
    schedule=("step", dict(at=(200, 230), factor=0.1)),
    weight_decay=1e-3,
    batch=128,
    epochs=260,
)
