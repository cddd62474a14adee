"""What runs in the processes of `serve`: nets of Keras and of timm, ready for batches of images.

Each function loads a net and returns the function of its turns, which takes the size of a batch. These nets
get images that are scaled already, which is not measured; exports of this package also scale them.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

from kerasnets.serving.runtimes import set_threads

# Nets, and their names in timm.
TIMM = {
    "MobileNet": "mobilenetv1_100",
    "MobileNetV2": "mobilenetv2_100",
    "ResNet50": "resnet50",
    "DenseNet121": "densenet121",
    "InceptionV3": "inception_v3",
    "VGG16": "vgg16",
}


def predict(path: str, shape: list[int], threads: int | None) -> Callable[..., Any]:
    """A net of keras.applications, by Keras's own `predict`."""
    import keras

    set_threads(threads)
    net, images = keras.models.load_model(path), scaled(shape)

    def turn(batch):
        net.predict(images(batch), batch_size=batch, verbose=0)

    return turn


def keras_export(path: str, shape: list[int], threads: int | None) -> Callable[..., Any]:
    """What Keras's own `export` wrote, called through its signature."""
    import tensorflow as tf

    set_threads(threads)
    loaded, images = tf.saved_model.load(path), scaled(shape)
    function = loaded.signatures["serving_default"]
    (key,) = function.structured_input_signature[1]

    def turn(batch):
        for y in function(**{key: tf.constant(images(batch))}).values():
            y.numpy()

    return turn


def timm(name: str, shape: list[int], threads: int | None, bfloat16: bool = False) -> Callable[..., Any]:
    """A net of timm, optimized by torch.jit, channels last."""
    import timm
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    net = torch_trained_like(timm.create_model(TIMM[name], pretrained=False), shape)
    net = net.to(dtype=dtype, memory_format=torch.channels_last).eval()
    images = scaled(shape)

    @functools.cache
    def batch_of(size):
        x = torch.from_numpy(images(size)).permute(0, 3, 1, 2)
        return x.to(dtype=dtype).contiguous(memory_format=torch.channels_last)

    with torch.inference_mode(), warnings.catch_warnings(action="ignore"):
        frozen = torch.jit.freeze(torch.jit.trace(net, batch_of(1)))
        how = "optimize_for_inference"
        try:
            run = torch.jit.optimize_for_inference(frozen)
            run(batch_of(1))
        except RuntimeError:
            run, how = frozen, "freeze"

    def turn(batch):
        with torch.inference_mode():
            run(batch_of(batch)).float().numpy()
        return {"how": how}

    return turn


def torch_trained_like(net: Any, shape: list[int]) -> Any:
    """Fills a net of PyTorch as `measuring.trained_like` fills one of Keras."""
    import torch
    from torch import nn

    from benchmarks import measuring

    torch.manual_seed(0)
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, (2 / module.weight[0].numel()) ** 0.5)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, (1 / module.in_features) ** 0.5)
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(*measuring.GAMMAS)
                module.momentum = 1.0
            if isinstance(getattr(module, "bias", None), torch.Tensor):
                module.bias.normal_(0, measuring.BIAS)
        net.train()(torch.randn(measuring.FEW, shape[2], *shape[:2]))
        for norm in norms:
            norm.running_var.clamp_(min=float(norm.running_var.mean()) / 4 + 1e-3)
    return net


def scaled(shape: list[int]) -> Callable[[int], Any]:
    """A function that gives so many images of noise, from -1 to 1, float32, always the same ones."""
    import numpy as np

    @functools.cache
    def images(batch):
        return np.random.default_rng(0).uniform(-1, 1, (batch, *shape)).astype("float32")

    return images
