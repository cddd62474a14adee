"""C3D on UCF101, from random weights.

    python recipes/train.py c3d_ucf101 --data-dir FOLDER

Tran, Bourdev, Fergus, Torresani, Paluri, "Learning Spatiotemporal Features with 3D Convolutional Networks",
ICCV 2015, arXiv:1412.0767, section 3.1: batches of 30 clips of 16 frames, and a learning rate of 0.003 that
is divided by 10 every 4 epochs, 16 epochs; crops of 112 pixels from frames with a shorter side of 128.
Momentum 0.9 and weight decay 0.005 are those of the authors' release (github.com/facebookarchive/C3D,
examples/c3d_train_ucf101).

Section 3.1 is about smaller nets with five convolutions. For C3D itself, with eight, the paper describes only
the training on Sports-1M. Flips are those of section 4.1.

Weights start as in the release, for pixel values whose mean is subtracted; the release subtracts a mean of
each pixel and frame, here it is that of each color.

Published, for nets trained on UCF101 only: 41% to 44% accuracy (Tran et al. 2017, arXiv:1708.05038, section
1); 82.3% with features learned on Sports-1M (table 3).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="C3D",
    init="paper",
    data="ucf101",
    classes=101,
    augmentation=(("random_crop", dict(shorter=128)), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9)),
    rate=0.003,
    schedule=("step", dict(at=(4, 8, 12), factor=0.1)),
    weight_decay=5e-3,
    evaluation=("center", dict(sizes=128)),
    batch=30,
    epochs=16,
)
