"""The first phase of fine-tuning: a new classifier alone, on features that are computed once.

A frozen body gives the same features in every epoch. They are computed once for each view of the training
images and kept in the folder of the run, so that an epoch of the classifier takes a fraction of a second.

Donahue et al., "DeCAF", ICML 2014, arXiv:1310.1531, train classifiers on such features of a trained net.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import zipfile

import keras
import numpy as np

from kerasnets import data as pipelines
from kerasnets import files, surgery, training
from kerasnets.data import Stream
from kerasnets.runs.data import Data
from kerasnets.runs.metrics import metrics, score
from kerasnets.runs.progress import watched
from kerasnets.training import distribution
from kerasnets.weights.state import fingerprint

FOLDER = "features"  # in that of the run


def fit_head(net: keras.Model, data: Data, out: pathlib.Path) -> float | None:
    """Trains the classifier of a net alone, for the `head_epochs` of the recipe.

    With validation data, the net ends with the classifier of the epoch that is best there.

    Args:
        net: The net, whose classifier reads what `surgery.features` gives.
        data: The data of the run.
        out: Folder of the run. It gets head.csv, the logs of each epoch, and a folder with the features.

    Returns:
        The best score on the validation data; None without them.
    """
    recipe = data.recipe
    body = surgery.features(net)
    head = keras.Model(body.outputs[0], net.outputs[0], name="classifier")
    parts = [features(stream, body, data, out) for stream in data.views(recipe.head_views)]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    held_out = features(data.held_out(), body, data, out)
    examples = (x, y) if recipe.balance is None else (x, y, data.class_weights[y])
    steps = -(-len(x) // recipe.batch)
    rate = keras.optimizers.schedules.CosineDecay(recipe.head_rate, steps * recipe.head_epochs)
    head.compile(
        keras.optimizers.Adam(rate),
        recipe.make_loss(data.binary),
        metrics=metrics(data, False),
        jit_compile=distribution.jit_compile(),
    )
    best = BestInMemory(f"val_{score(data)}")
    with distribution.as_one_device(head):
        head.fit(
            pipelines.batches(examples, recipe.batch, seed=data.options.seed, epochs=recipe.head_epochs),
            validation_data=pipelines.batches(held_out, 1000),
            epochs=recipe.head_epochs,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            callbacks=[
                training.StopOnNaN(),
                training.LogRate(),
                best,
                training.Progress("classifier", ("loss", best.monitor), batch_size=recipe.batch),
                keras.callbacks.CSVLogger(out / "head.csv"),
            ],
        )
    if recipe.validation is None:
        return None
    head.set_weights(best.values)
    return best.score


class BestInMemory(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the highest score, of equal scores the last.

    Args:
        monitor: Name of the logged value that is the score.
    """

    def __init__(self, monitor: str):
        super().__init__()
        self.monitor, self.score, self.values = monitor, None, None

    def on_epoch_end(self, epoch, logs=None):
        """Compares the epoch with the best so far."""
        score = float(logs[self.monitor])
        if self.score is None or score >= self.score:
            self.score, self.values = score, self.model.get_weights()


def features(
    stream: Stream, body: keras.Model, data: Data, out: pathlib.Path
) -> tuple[np.ndarray, np.ndarray]:
    """What a body gives for all images of a stream, and their labels; read from a file if they were kept.

    Args:
        stream: The stream, which is the same at every pass.
        body: The net without its classifier.
        data: The data of the run.
        out: Folder of the run.

    Returns:
        Features, float32, (n, values), and labels as the stream has them.
    """
    path = out / FOLDER / f"{name_of(stream, body, data)}.npz"
    known = read(path)
    if known is not None:
        return known
    parts = []
    total = stream.examples * int(stream.dataset.cardinality()) // stream.steps_per_epoch
    for images, labels in watched(stream.dataset, total, "features", count=lambda batch: len(batch[1])):
        images = np.asarray(images)
        # Repeated, since another number of images would be compiled anew.
        x = np.resize(images, (data.recipe.batch, *images.shape[1:]))
        x = body.predict_on_batch(data.scale(x))
        parts.append((np.asarray(x, "float32")[: len(images)], np.asarray(labels)))
    found = tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as part:
        np.savez(part, features=found[0], labels=found[1])
    return found


def name_of(stream: Stream, body: keras.Model, data: Data) -> str:
    """The name of the file for a body's features of a stream: hashes of the weights and of all it reads."""
    scaling = json.dumps(data.scale.as_data(), default=lambda array: array.tolist())
    digest = hashlib.sha256(f"{stream.digest()} {scaling}".encode()).hexdigest()[:16]
    return f"{fingerprint(body)}-{stream.examples}-{digest}"


def read(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Reads kept features and labels; None if the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["features"], arrays["labels"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
