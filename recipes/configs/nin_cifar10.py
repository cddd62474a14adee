"""Network in Network on CIFAR-10.

    python recipes/train.py nin_cifar10 --data-dir FOLDER

Lin, Chen, Yan, "Network In Network", ICLR 2014, arXiv:1312.4400, section 4.1 and appendix: batches of 128,
a rate that is divided by 10 twice, each time when the training accuracy stands still; contrast normalised
and whitened images as in maxout networks. The authors' release (github.com/mavenlin/cuda-convnet) trains
for 200, 30 and 30 epochs, with a momentum of 0.9.

First rate and weight decay are those of the release's file for CIFAR-100 (NIN/cifar-100_params), 0.01 and
0.001; the biases' rate, twice as high there, is the same here.

Published: 10.41% error; 8.81% with shifts and flips (table 1).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="NIN",
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
