"""HRNetV2-W18 on ImageNet.

    python recipes/train.py hrnetv2w18_imagenet --data-dir FOLDER

Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", TPAMI 2020,
arXiv:1908.07919, appendix on ImageNet, and the authors' release (github.com/HRNet/HRNet-Image-Classification,
cls_hrnet_w18_sgd_lr5e-2_wd1e-4_bs32_x100.yaml): batches of 128, 32 on each of four GPUs, SGD with Nesterov
momentum 0.9, weight decay 0.0001, and a learning rate of 0.05 that is divided by 10 at epochs 30, 60 and 90
of 100; crops of random size and aspect ratio, and flips.

The paper has twice the batch size and learning rate. Here they are those of the release.

Published: 23.2% top-1 and 6.6% top-5 error, one crop (README of the release).
"""

from kerasnets.training import Recipe

RECIPE = Recipe(
    model="HRNetV2W18",
    data="imagenet2012",
    splits=("train", "validation"),
    augmentation=(("area_crop", dict(area=(0.08, 1.0))), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9, nesterov=True)),
    rate=0.05,
    schedule=("step", dict(at=(30, 60, 90), factor=0.1)),
    weight_decay=1e-4,
    evaluation=("center", dict(sizes=256)),
    batch=128,
    epochs=100,
)
