"""A training run: a recipe becomes a trained net in a folder.

    recipe = Recipe(model="ResNet20", data="cifar10", rate=0.1, batch=128, epochs=164)
    results = runs.train(recipe, "runs/resnet20", runs.Options(seed=1, resume=True))

`train` has the steps of a run in their order, from the data to the report.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import tempfile
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerasnets import training, weights
from kerasnets.analysis.pictures import library
from kerasnets.applications.capsnet import labeled
from kerasnets.assembly.outputs import MAIN
from kerasnets.checks import refuse
from kerasnets.data import check_folder
from kerasnets.distillation import Mutual
from kerasnets.runs import net_report
from kerasnets.runs.data import Data
from kerasnets.runs.folder import finished, prepare
from kerasnets.runs.head import fit_head
from kerasnets.runs.metrics import metrics, score
from kerasnets.runs.options import Options
from kerasnets.runs.report import report
from kerasnets.runs.start import random_net, start_of
from kerasnets.training import Recipe, distribution, evaluation
from kerasnets.weights.state import random_states

Predicted = tuple[np.ndarray, np.ndarray]  # probabilities and labels
BEST, LAST = "best.keras", "last.keras"
MANY_LAYERS = 500  # from this size, a few steps take less time eagerly than building their graph


def train(
    recipe: Recipe,
    out: str | os.PathLike,
    options: Options | None = None,
    method: Supervised | None = None,
) -> dict[str, Any] | None:
    """Trains a net by a recipe, tests it and writes the results.

    The folder gets config.json; history.csv, curves.png and tensorboard with the logs of each epoch;
    last.keras, the net after the last epoch; state.weights.h5, the latest checkpoint; and results.json. A run
    that is killed and resumed ends with the weights of an uninterrupted run.

    A run that starts from trained weights, and has `head_epochs`, first trains the classifier alone. head.csv
    has the logs of these epochs, and features what the classifier reads.

    The columns of history.csv that begin with "val_" are about the recipe's validation data, and best.keras
    then has the net of the epoch with the highest accuracy there, which is tested.
    Without validation data these columns are about the test data, which choose nothing: the weights of the
    last epoch are tested.

    Args:
        recipe: The recipe.
        out: Folder of the run.
        options: Options of the run; None for the defaults.
        method: How the net is trained; None for `Supervised`.

    Returns:
        The content of results.json; None on hosts other than host 0.

    Raises:
        ValueError: An argument is not allowed, the recipe does not fit the data or the devices, or the run to
            resume has other settings.
        FloatingPointError: The loss is NaN or infinite.
    """
    started, out = time.monotonic(), pathlib.Path(out)
    options, method = options or Options(), method or Supervised()
    check(recipe, out, options, method)
    library("matplotlib")  # draws the curves; if it is missing, fails now and not after hours of training
    if options.report:
        net_report.check_libraries()
    distribution.share(recipe.batch, recipe.replicas, options.hosts)  # refuses one that they cannot share
    settings = {**recipe.as_json(), "seed": options.seed, **method.settings()}
    settings.pop("replicas")  # the result does not depend on their number
    tested = LAST if recipe.validation is None else BEST
    facts = {"data_dir": options.folder, "steps": options.steps}
    if options.resume and options.hosts == 1 and (done := finished(out, settings, (tested,), facts)):
        return done
    hosts = (options.hosts, options.host_index, options.coordinator)
    with distribution.devices(recipe.replicas, *hosts, settings=settings):
        keras.config.set_dtype_policy(recipe.precision)
        keras.utils.set_random_seed(options.seed)
        check_data(recipe, options)
        start = start_of(recipe)
        data = Data(start.recipe if start else recipe, options, start)
        method.check(data)
        print(data.summary())
        net = build(data)  # refuses surgery and freezing that do not fit the net
        data.describe(net, seed=options.seed, **method.settings())
        model = method.compiled(net, data)
        if options.host_index == 0:
            prepare(out, settings, options.resume)
        with distribution.as_one_device(model):
            method.fit(model, net, data, out)
        training.write_weights(net, out / LAST)
        net = net if options.hosts == 1 else copied(net, data)
    if options.host_index:
        print(f"host {options.host_index} of {options.hosts} is done; the results are on host 0")
        return None
    if tested == BEST:  # the net has the last weights
        weights.load(net, out / BEST)
    if data.binary and recipe.validation is not None:
        choose_threshold(net, data)
    results, predictions = method.test(net, data, out)
    weights.save(net, out / tested, results=results)
    results |= {"weights": tested, **facts}
    results |= {"seconds": round(time.monotonic() - started, 1), "resumed": options.resume}
    return report(results, predictions, net, data, out)


def check_data(recipe: Recipe, options: Options) -> None:
    """Refuses a folder that cannot be trained on, before any weights are downloaded, and prints its notes."""
    if recipe.weights is not None:
        contents = check_folder(recipe.data, options.data_dir, labels=recipe.labels, positive=recipe.positive)
        if contents and [*contents.counts] == ["train"]:
            words = "a folder 'test' beside 'train', or in each class several images without these folders"
            refuse("data_dir", f"a folder with images to test on too: {words}", options.data_dir)
        for note in contents.notes if contents else ():
            print(note)


def check(recipe: Recipe, out: pathlib.Path, options: Options, method: Supervised) -> None:
    """Refuses wrong arguments before data is read or anything is written."""
    if not isinstance(recipe, Recipe):
        refuse("recipe", "a kerasnets.training.Recipe", recipe)
    if out.exists() and not out.is_dir():
        refuse("out", "the path of a folder", str(out))
    if not isinstance(options, Options):
        refuse("options", "None or kerasnets.runs.Options", options)
    if not isinstance(method, Supervised):
        refuse("method", "None or an object of a class derived from kerasnets.runs.Supervised", method)
    if recipe.weights is not None and out.resolve() in pathlib.Path(recipe.weights).resolve().parents:
        words = f"another folder than that of the weights, {recipe.weights}, which would be moved aside"
        refuse("out", words, str(out))


def build(data: Data) -> keras.Model:
    """Builds the regularized net of a run. It outputs logits, or the lengths of capsules."""
    if data.start is None:
        net = random_net(data.recipe, data.classes, data.options.seed)
    else:
        names, seed = data.training.class_names, data.options.seed
        net = data.start.model(data.classes, names, data.first_images, seed)
    data.recipe.regularize(net)
    return net


class Supervised:
    """Trains a net on the labels. Other methods derive from this class, as `Distillation` does."""

    def settings(self) -> dict[str, Any]:
        """Whatever determines the result besides the recipe and the seed, as JSON data."""
        return {}

    def check(self, data: Data) -> None:
        """Refuses data that the method does not fit, before an earlier run is moved aside."""

    def compiled(self, net: keras.Model, data: Data) -> keras.Model:
        """The compiled model that `fit` trains: the net, or a CapsNet whose decoder also takes labels."""
        recipe, outputs = data.recipe, net.output
        model = keras.Model(net.input, outputs, name=net.name)
        loss, weights, logged = recipe.make_loss(data.binary), None, metrics(data)
        if isinstance(outputs, dict):
            weights = {n: recipe.aux_weight if n.startswith("aux") else 1.0 for n in outputs}
            loss = {n: training.ReconstructionLoss() if n == "reconstruction" else loss for n in outputs}
            logged = {"predictions": logged}
            model = labeled(net) if "reconstruction" in outputs else model
        model.compile(
            recipe.make_optimizer(data.training.steps_per_epoch, net),
            loss,
            weights,
            logged,
            jit_compile=distribution.jit_compile(),
            run_eagerly=data.options.steps is not None and len(net.layers) > MANY_LAYERS,
        )
        return model

    def fit(self, model: keras.Model, net: keras.Model, data: Data, out: pathlib.Path) -> None:
        """Trains from the last checkpoint, or from the start.

        With validation data, the net of the best epoch is saved.
        """
        recipe, options, state = data.recipe, data.options, out / "state.weights.h5"
        monitor = logged(model, f"val_{score(data)}")
        swap = None if recipe.ema is None else keras.callbacks.SwapEMAWeights()
        best = [] if recipe.validation is None else self.keepers(model, net, data, out, swap)
        if data.trains_head and (options.hosts > 1 or not state.exists()):
            found = fit_head(net, data, out) if options.hosts == 1 else fit_head_alone(net, data, out)
            if best and not state.exists():
                training.write_weights(net, out / BEST)
                best[0].set_state(found)
        callbacks = [
            swap,
            recipe.plateau(logged(model, recipe.monitor)),
            training.LogRate(),
            *best,
        ]
        if options.host_index == 0:
            callbacks += [
                keras.callbacks.TensorBoard(out / "tensorboard", write_graph=False),
                training.Progress(recipe.model, ("loss", monitor), batch_size=recipe.batch),
            ]
        training.fit(
            model,
            lambda step: self.batches(net, data, step),
            data.training.steps_per_epoch,
            recipe.epochs,
            state=state,
            history=out / "history.csv",
            validation=data.validation(net),
            callbacks=[c for c in callbacks if c],
            every=options.save_every,
        )

    def batches(self, net: keras.Model, data: Data, first_step: int) -> Any:
        """The training batches from a step on, a tf.data.Dataset."""
        return data.batches(net, first_step)

    def keepers(
        self,
        model: keras.Model,
        net: keras.Model,
        data: Data,
        out: pathlib.Path,
        swap: keras.callbacks.SwapEMAWeights | None,
    ) -> list[training.Best]:
        """The callbacks that save the nets of the epochs that are best on the validation data."""
        return [training.Best(net, out / BEST, logged(model, f"val_{score(data)}"), swap)]

    def test(
        self, net: keras.Model, data: Data, out: pathlib.Path | None = None
    ) -> tuple[dict[str, Any], Predicted]:
        """The accuracy of the net under the recipe's evaluation protocol, and its predictions.

        Args:
            net: The net.
            data: The data of the run.
            out: The folder of the run, for methods that have saved other nets there.
        """
        recipe = data.recipe
        found = predict(net, recipe, data.images(), *recipe.evaluation)
        return {"protocol": recipe.evaluation[0], **figures_of(*found, weights.card_of(net))}, found


def predict(
    net: keras.Model, recipe: Recipe, batches: Any, protocol: str, options: Mapping[str, Any]
) -> Predicted:
    """What a net says of images under an evaluation protocol.

    Args:
        net: The net, whose card has a threshold if its scores are independent labels.
        recipe: The recipe of its run.
        batches: Batches of scaled images and their labels.
        protocol: Name of the protocol.
        options: Its options.

    Returns:
        Probabilities, float32, (n, classes), and the labels as the batches have them.
    """
    scores = evaluation.scorer(net, protocol, from_logits=recipe.loss[0] == "crossentropy", **options)
    pairs = ((np.asarray(images), np.asarray(labels)) for images, labels in batches)
    parts = [(scores(images).astype("float32"), labels) for images, labels in pairs]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def choose_threshold(net: keras.Model, data: Data) -> None:
    """Records in the card of a net the threshold that is best on the validation data."""
    batches = data.held_out().dataset.map(lambda images, labels: (data.scale(images), labels))
    probabilities, labels = predict(net, data.recipe, batches, "center", {})
    weights.describe(net, threshold=training.best_threshold(labels, probabilities))


def figures_of(probabilities: np.ndarray, labels: np.ndarray, card: weights.Card) -> dict[str, float]:
    """The accuracies of predictions: of classes top-1 and top-5, of labels those of `label_scores`."""
    if card.threshold is not None:
        found = training.label_scores(labels, probabilities, card.threshold)
        known = {
            name: round(value, 6) for name, value in found.items() if name not in ("precision", "recall")
        }
        return {"threshold": card.threshold, **known}
    ranks = evaluation.rank(probabilities, labels)
    return {f"top{k}": round(float(np.mean(ranks < k)), 6) for k in (1, 5)}


def logged(model: keras.Model, name: str) -> str:
    """The name in the logs of a metric of the main output, or of the first net, such as "val_accuracy"."""
    main = MAIN if isinstance(getattr(model, "output", None), dict) else None
    main = model.names[0] if isinstance(model, Mutual) else main
    if main is None:
        return name
    split = "val_" if name.startswith("val_") else ""
    return f"{split}{main}_{name.removeprefix(split)}"


def copied(net: keras.Model, data: Data) -> keras.Model:
    """Copies a net to this host alone, where it can be tested without the other hosts."""
    with distribution.alone():
        copy = build(data)
        copy.set_weights(net.get_weights())
        weights.inherit(copy, net)
    return copy


def fit_head_alone(net: keras.Model, data: Data, out: pathlib.Path) -> float | None:
    """Does what `fit_head` does on each host alone, so that all of them end with the same classifier."""
    copy = copied(net, data)
    states = [random_states(model) for model in (copy, net)]
    with tempfile.TemporaryDirectory() as folder, distribution.alone():
        for own, shared in zip(*states, strict=True):  # those of dropout
            own.assign(keras.ops.convert_to_numpy(shared))
        found = fit_head(copy, data, out if data.options.host_index == 0 else pathlib.Path(folder))
    net.set_weights(copy.get_weights())
    for own, shared in zip(*states, strict=True):
        shared.assign(keras.ops.convert_to_numpy(own))
    return found


def tiny(recipe: Recipe, devices: int = 1) -> Recipe:
    """Shrinks a recipe to a run of seconds: 2 epochs of generated images with half the sides.

    Args:
        recipe: The recipe.
        devices: Number of devices that share each batch; each gets 2 examples.

    Returns:
        The smaller recipe. To limit the steps per epoch, set `Options.steps`.
    """
    batch = 2 * devices
    least = recipe.spec.min_grid
    return dataclasses.replace(
        recipe.for_epochs(2),
        data="generated",
        splits=("train", "test"),
        validation=None if recipe.validation is None else "validation",
        size=tuple(min(s, max(m, -(-s // 2))) for s, m in zip(recipe.image_size, least, strict=True)),
        batch=batch,
        rate=recipe.rate * batch / recipe.batch,
        evaluation=("center", {}),
    )
