"""Milliseconds per image: Keras, its export, and ours."""

import argparse
import functools
import importlib.util
import statistics
import tempfile
from collections.abc import Callable
from typing import Any

import shared
from benchmarks import measuring
from kerasnets import files

NETS = ("MobileNet", "MobileNetV2", "ResNet50", "DenseNet121", "InceptionV3", "VGG16")
BATCHES = (1, 8)  # images per request
TORCHVISION = {
    "MobileNetV2": "mobilenet_v2",
    "ResNet50": "resnet50",
    "DenseNet121": "densenet121",
    "InceptionV3": "inception_v3",
    "VGG16": "vgg16",
}


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    p.add_argument("--models", nargs="+", default=NETS, help=f"names of nets ({' '.join(NETS)})")
    sizes = " and ".join(map(str, BATCHES))
    p.add_argument("--batch-size", type=shared.whole(1), help=f"images per request ({sizes})")
    bfloat16 = "also measure ours in bfloat16, for processors that have it"
    p.add_argument("--bfloat16", action="store_true", help=bfloat16)


def run(args: argparse.Namespace) -> None:
    """Times `predict`, the plain export and ours, called through their signatures, in one process."""
    with shared.quiet():
        import keras
        import numpy as np

        measuring.check_models(args.models)
    figures = {}
    for name in args.models:
        keras.backend.clear_session()
        with tempfile.TemporaryDirectory() as folder, shared.quiet():
            shape, contenders = served(name, folder, args.bfloat16)
        for batch in [args.batch_size] if args.batch_size else BATCHES:
            images = np.random.default_rng(0).integers(0, 256, (batch, *shape)).astype("float32")
            turns = {who: functools.partial(answer, images) for who, answer in contenders.items()}
            figures[f"{name}, batch {batch}"] = {
                who: [1000 * s / batch for s in seconds]
                for who, seconds in measuring.measure(turns, args.rounds).items()
            }
        if args.out:
            files.write_json(args.out, figures)
    shared.show(rows(figures))


def served(name: str, folder: str, bfloat16: bool = False) -> tuple[tuple, dict[str, Callable[[Any], Any]]]:
    """The shape of a net's input and, for each contender, a function that classifies a batch of images."""
    import keras
    import tensorflow as tf

    import kerasnets

    def signature(path):
        function = tf.saved_model.load(str(path)).signatures["serving_default"]
        (key,) = function.structured_input_signature[1]
        return lambda x: [y.numpy() for y in function(**{key: tf.constant(x)}).values()]

    theirs = getattr(keras.applications, name)(weights=None)
    theirs.export(f"{folder}/plain", verbose=False)
    net = kerasnets.build(name)
    contenders = {
        "predict": lambda x: theirs.predict(x, batch_size=len(x), verbose=0),
        "plain export": signature(f"{folder}/plain"),
        "ours": signature(kerasnets.serving.export(net, folder)),
    }
    if bfloat16:
        lowered = kerasnets.serving.export(net, folder, precision="bfloat16")
        contenders["ours, bfloat16"] = signature(lowered)
    if name in TORCHVISION and importlib.util.find_spec("torchvision"):
        contenders["torchvision"] = torchvision_net(TORCHVISION[name])
    return theirs.input_shape[1:], contenders


def torchvision_net(name: str) -> Callable[[Any], Any]:
    """A function that classifies a batch of images with a net of torchvision."""
    import torch
    import torchvision

    net = getattr(torchvision.models, name)(weights=None).eval()

    def answer(x):
        with torch.inference_mode():
            return net(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()

    return answer


def rows(figures: dict[str, dict[str, list[float]]]) -> list[list[str]]:
    """Rows of a table: median milliseconds per image, and the time of each contender relative to ours."""
    names = list(dict.fromkeys(who for contenders in figures.values() for who in contenders))
    ours = "ours"
    others = [who for who in names if who != ours]
    table, ratios = [["net", *names, *(f"{who} / ours" for who in others)]], {who: [] for who in others}
    for title, times in figures.items():
        cells = [f"{statistics.median(times[who]):.1f}" if who in times else "" for who in names]
        for who in others:
            pairs = zip(times.get(who, ()), times[ours], strict=who in times)
            ratio = [a / b for a, b in pairs]
            cells.append(f"{statistics.median(ratio):.2f}" if ratio else "")
            ratios[who] += [statistics.median(ratio)] if ratio else []
        table.append([title, *cells])
    means = [f"{statistics.geometric_mean(found):.2f}" if found else "" for found in ratios.values()]
    return [*table, ["geometric mean", *[""] * len(names), *means]]
