"""The nets that `train` and `memory` train, each in a process of its own: one step of training a call.

Each function builds and compiles a net and returns a function that trains it for a step on the same random
images, by SGD with momentum and cross-entropy. Each imports only its own library.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from kerasnets.serving.turns import memory

RATE, MOMENTUM = 0.01, 0.9


def ours(model: str, batch: int, filled: bool = True, **options: Any) -> Callable[[], dict[str, float]]:
    """A net of this package, which trains as in `kerasnets train`.

    Args:
        model: Its name.
        batch: Images a batch.
        filled: Whether its weights are like those of a trained net.
        **options: `jit` and `precision`, as for `keras_steps`, and options of the net.
    """
    import kerasnets

    settings = {name: options.pop(name) for name in ("jit", "precision") if name in options}
    return keras_steps(lambda: kerasnets.build(model, **options), batch, filled, fused=True, **settings)


def applications(model: str, batch: int, **settings: Any) -> Callable[[], dict[str, float]]:
    """The same net of keras.applications."""
    import keras

    return keras_steps(lambda: getattr(keras.applications, model)(weights=None), batch, **settings)


def keras_steps(
    build: Callable[[], Any],
    batch: int,
    filled: bool = True,
    fused: bool = False,
    jit: bool = False,
    precision: str = "float32",
) -> Callable[[], dict[str, float]]:
    """Trains a net by Keras.

    Args:
        build: Function that builds it. It ends with a softmax.
        batch: Images a batch.
        filled: Whether its weights are like those of a trained net.
        fused: Whether batch normalization is one operation of TensorFlow, as in runs of this package.
        jit: Whether to compile the step with XLA, as Keras does by default.
        precision: "float32" or "bfloat16", which keeps the weights in float32.

    Returns:
        A function that trains for a step, and returns the loss and "before", the megabytes of the process
        before the first step.
    """
    import keras
    import numpy as np

    from benchmarks import measuring
    from kerasnets.training import distribution

    if precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    net = build()
    if filled:
        measuring.trained_like(net)
    loss = keras.losses.SparseCategoricalCrossentropy()
    net.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), loss, jit_compile=jit)
    net.optimizer.build(net.trainable_variables)
    rng = np.random.default_rng(0)
    x = keras.ops.convert_to_tensor(rng.normal(size=(batch, *net.input_shape[1:])).astype("float32"))
    y = keras.ops.convert_to_tensor(rng.integers(0, net.output_shape[-1], batch))
    before = memory().get("VmRSS", 0.0)

    def step():
        return {"loss": float(net.train_on_batch(x, y)), "before": before}

    with distribution.batch_norm_fused(net) if fused else contextlib.nullcontext():
        step()  # the first ones trace the net
        step()
    return step


def timm(model: str, batch: int, side: int, precision: str = "float32", compiled: bool = False) -> Callable:
    """The same net of timm, with channels last.

    Args:
        model: Its name there.
        batch: Images a batch.
        side: Their side.
        precision: "float32" or "bfloat16", by automatic casts.
        compiled: Whether torch.compile compiles it.
    """
    import numpy as np
    import torch
    from timm import create_model

    net = create_model(model).train().to(memory_format=torch.channels_last)
    forward = torch.compile(net) if compiled else net
    optimizer = torch.optim.SGD(net.parameters(), RATE, MOMENTUM)
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(batch, 3, side, side)).astype("float32"))
    x, y = x.to(memory_format=torch.channels_last), torch.from_numpy(rng.integers(0, 1000, batch))

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = torch.nn.functional.cross_entropy(forward(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item()}

    step()
    step()
    return step
