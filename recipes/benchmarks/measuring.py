"""Timing of contenders that take turns, the ratios of each round, and nets as training would leave them."""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import shared
from kerasnets import files

GAMMAS = (0.5, 1.5)  # the range of the scales of `trained_like`
BIAS = 0.3  # standard deviation of its biases
FEW = 4  # its images of noise
FREE_SIDE = 64  # their pixels along sides that a net leaves free


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of benchmarks that measure seconds."""
    p.add_argument("--rounds", type=shared.whole(1), default=7, help="turns of each contender (7)")


def check_models(models: Sequence[str]) -> None:
    """Refuses names that are not those of a net of this package and of keras.applications."""
    import keras

    import kerasnets

    for name in models:
        if name not in kerasnets.list_models() or not hasattr(keras.applications, name):
            raise ValueError(f"--models are nets that keras.applications has too. Received: {name}")


def trained_like(model: Any, seed: int = 0) -> Any:
    """Fills a model with values like those that training would leave in it.

    An untrained net is another graph than a trained one: biases, betas and moving means of zero, and gammas
    and moving variances of one vanish when it is optimized. Here, they are random, and the moving statistics
    are those of images of noise, so that activations stay of the order of 1 however deep the net is.

    Args:
        model: Any built keras.Model of images.
        seed: Seed of the values.

    Returns:
        The model.
    """
    import keras
    import numpy as np

    from kerasnets.graph import all_layers

    rng = np.random.default_rng(seed)
    for w in model.weights:
        if w.name == "gamma":
            w.assign(rng.uniform(*GAMMAS, w.shape))
        elif w.name in ("beta", "bias"):
            w.assign(rng.normal(0, BIAS, w.shape))
        elif w.name == "depthwise_kernel":  # (height, width, channels, multiplier)
            w.assign(rng.normal(0, (2 / np.prod(w.shape[:2])) ** 0.5, w.shape))
        elif w.name.endswith("kernel"):  # (..., channels, filters)
            gain = 2 if w.ndim > 2 else 1  # logits follow no ReLU
            w.assign(rng.normal(0, (gain / np.prod(w.shape[:-1])) ** 0.5, w.shape))
    norms = [x for x in all_layers(model) if isinstance(x, keras.layers.BatchNormalization)]
    if norms:
        momenta = [layer.momentum for layer in norms]
        for layer in norms:
            layer.momentum = 0.0
        sides = [side or FREE_SIDE for side in model.input_shape[1:]]
        model(rng.normal(size=(FEW, *sides)).astype("float32"), training=True)
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
            variance = keras.ops.convert_to_numpy(layer.moving_variance)
            layer.moving_variance.assign(np.maximum(variance, variance.mean() / 4 + 1e-3))  # of few values
    return model


def measure(contenders: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Times contenders that take turns, after a warm-up round that does not count.

    Args:
        contenders: Functions by name.
        rounds: Number of turns of each.

    Returns:
        For each name, the seconds of its turns.
    """
    import rich.progress

    seconds = {name: [] for name in contenders}
    for turn in rich.progress.track(range(rounds + 1), "measuring", transient=True):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def compare(
    groups: dict[str, dict[str, Callable[[], Any]]], args: argparse.Namespace
) -> dict[str, dict[str, list[float]]]:
    """Times groups of contenders and prints a table for each group.

    Args:
        groups: For the title of each group, its functions by name.
        args: Parsed options.

    Returns:
        For the title of each group, the seconds of all turns by name.
    """
    figures = {}
    for title, contenders in groups.items():
        figures[title] = measure(contenders, args.rounds)
        print(title)
        shared.show(rows(figures[title]))
    if args.out:
        files.write_json(args.out, figures)
    return figures


def rows(seconds: dict[str, list[float]]) -> list[list[str]]:
    """Rows of a table: the seconds of each contender, and the median of its ratios to the first one."""
    first = next(iter(seconds.values()))
    table = [["contender", "median s", "min s", "max s", "ratio to the first"]]
    for name, turns in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(turns, first, strict=True))
        numbers = (statistics.median(turns), min(turns), max(turns), ratio)
        table.append([name, *(f"{n:.3f}" for n in numbers)])
    return table
