"""A training run: a recipe becomes a trained net in a folder.

    recipe = Recipe(model="ResNet20", data="cifar10", rate=0.1, batch=128, epochs=164)
    results = runs.train(recipe, "runs/resnet20", runs.Options(seed=1, resume=True))

`train` reads as a run goes, from the data to the report.
"""

from __future__ import annotations

import dataclasses
import pathlib
import time

import keras

import kerasnets
from kerasnets import training
from kerasnets.analysis.pictures import library
from kerasnets.applications.capsnet import labeled
from kerasnets.runs.data import Data
from kerasnets.runs.folder import prepare
from kerasnets.runs.report import report
from kerasnets.training import Recipe, distribution, evaluation

MANY_LAYERS = 500  # of a net that runs a few steps sooner without a graph than TensorFlow makes one


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How a recipe is run.

    Args:
        seed: Seed of weights, order and augmentation: the same seed gives the same result on a CPU.
        data_dir: Folder of the dataset, as `kerasnets.data.stream` takes it.
        strict: Whether a corrupt image is an error; else it is skipped.
        steps: Steps of an epoch, where a few are enough to see that all works; None for all examples.
        resume: Whether to go on with the run in the folder; else one that is there is moved aside.
        save_every: Seconds between two checkpoints; 0 saves one after every step.
        hosts: Number of hosts that share each batch, as of `kerasnets.training.distribution.devices`.
        host_index: Number of this host, from 0; host 0 alone writes files.
        coordinator: "HOST:PORT" of host 0, or None for one host.
    """

    seed: int = 0
    data_dir: str | None = None
    strict: bool = False
    steps: int | None = None
    resume: bool = False
    save_every: float = 60.0
    hosts: int = 1
    host_index: int = 0
    coordinator: str | None = None


def train(recipe: Recipe, out, options: Options = Options(), method: Supervised | None = None) -> dict | None:
    """Trains a net as a recipe says, tests it and writes what came of it.

    The folder gets config.json; history.csv and curves.png, the logs of each epoch; tensorboard, the same for
    TensorBoard; best.weights.h5, the net of the epoch with the highest test accuracy; last.weights.h5, the
    state of the run; and results.json. A run that was killed and is resumed ends with the weights that it
    would have had.

    Args:
        recipe: The recipe.
        out: Folder of the run.
        options: How it is run.
        method: How the net is trained; None for `Supervised`.

    Returns:
        What results.json holds; None on other hosts than host 0.

    Raises:
        ValueError: The recipe does not fit the data or the devices, or the run in the folder had other
            settings.
        FloatingPointError: The loss is NaN or infinite.
    """
    started, out, method = time.monotonic(), pathlib.Path(out), method or Supervised()
    library("matplotlib")  # for the curves; refused now and not after hours of training
    distribution.share(recipe.batch, recipe.replicas, options.hosts)  # refuses a batch they cannot share
    settings = {**recipe.as_json(), "seed": options.seed, **method.settings()}
    settings.pop("replicas")  # the result does not depend on them
    hosts = (options.hosts, options.host_index, options.coordinator)
    with distribution.devices(recipe.replicas, *hosts, settings=settings):
        data = Data(recipe, options)
        print(data.summary())
        if options.host_index == 0:
            prepare(out, settings, options.resume)
        keras.config.set_dtype_policy(recipe.precision)
        keras.utils.set_random_seed(options.seed)
        net = build(data)
        model = method.compiled(net, data)
        with distribution.as_one_device(model):
            method.fit(model, net, data, out)
        net = net if options.hosts == 1 else copied(net, data)
    if options.host_index:
        print(f"host {options.host_index} of {options.hosts} is done; host 0 has the results")
        return None
    results = method.test(net, data)
    results |= {"seconds": round(time.monotonic() - started, 1), "resumed": options.resume}
    return report(results, data, out)


def build(data: Data) -> keras.Model:
    """The net of a run, which gives logits or the lengths of capsules, with its regularization."""
    recipe = data.recipe
    net = kerasnets.build(
        recipe.model,
        input_shape=recipe.shape,
        classes=data.classes,
        classifier_activation=None,
        **{name: value for name, value in recipe.options.items() if name != "rho"},
    )
    recipe.regularize(net)
    return net


class Supervised:
    """Trains a net on the labels. Another way to train inherits it, as `Distillation` does."""

    def settings(self) -> dict:
        """What decides the result beside the recipe and the seed, as JSON."""
        return {}

    def compiled(self, net: keras.Model, data: Data) -> keras.Model:
        """The model that `fit` trains: the net, or a CapsNet with a decoder that is fed labels too."""
        recipe, outputs = data.recipe, net.output
        model = keras.Model(net.input, outputs, name=net.name)
        loss, weights, logged = recipe.make_loss(), None, metrics(data)
        if isinstance(outputs, dict):
            weights = {n: recipe.aux_weight if n.startswith("aux") else 1.0 for n in outputs}
            loss = {n: training.ReconstructionLoss() if n == "reconstruction" else loss for n in outputs}
            logged = {"predictions": logged}
            model = labeled(net) if "reconstruction" in outputs else model
        model.compile(
            recipe.make_optimizer(data.training.steps_per_epoch),
            loss,
            weights,
            logged,
            run_eagerly=data.options.steps is not None and len(net.layers) > MANY_LAYERS,
        )
        return model

    def fit(self, model: keras.Model, net: keras.Model, data: Data, out: pathlib.Path):
        """Trains from where the run was stopped, and keeps the weights of the best epoch."""
        recipe, options = data.recipe, data.options
        score = "val_predictions_accuracy" if isinstance(net.output, dict) else "val_accuracy"
        swap = None if recipe.ema is None else keras.callbacks.SwapEMAWeights()
        callbacks = [
            swap,
            recipe.plateau(),
            training.LogRate(),
            training.Best(net, out / "best.weights.h5", score, swap),
        ]
        if options.host_index == 0:
            callbacks += [
                keras.callbacks.TensorBoard(out / "tensorboard", write_graph=False),
                training.Progress(recipe.model, ("loss", score), batch_size=recipe.batch),
            ]
        training.fit(
            model,
            lambda step: data.batches(net, step),
            data.training.steps_per_epoch,
            recipe.epochs,
            state=out / "last.weights.h5",
            history=out / "history.csv",
            validation=data.validation(net),
            callbacks=[c for c in callbacks if c],
            every=options.save_every,
        )

    def test(self, net: keras.Model, data: Data) -> dict:
        """The accuracy of the net, as the recipe evaluates it."""
        protocol, options = data.recipe.evaluation
        logits = data.recipe.loss[0] == "crossentropy"
        found = evaluation.evaluate(net, data.images(), protocol, from_logits=logits, **options)
        return {"protocol": protocol, **{name: round(share, 6) for name, share in found.items()}}


def metrics(data: Data) -> list:
    """What is logged beside the loss: the loss without weight decay, and accuracies."""
    m, recipe = keras.metrics, data.recipe
    loss = m.MeanMetricWrapper(recipe.make_loss().call, name=recipe.loss[0])
    if data.one_hot:
        return [loss, m.CategoricalAccuracy("accuracy"), m.TopKCategoricalAccuracy(5, "top5")]
    return [loss, m.SparseCategoricalAccuracy("accuracy"), m.SparseTopKCategoricalAccuracy(5, "top5")]


def copied(net: keras.Model, data: Data) -> keras.Model:
    """A net with the same weights on this host alone, which can test it without the others."""
    with distribution.alone():
        copy = build(data)
        copy.set_weights(net.get_weights())
    return copy


def tiny(recipe: Recipe, devices: int = 1) -> Recipe:
    """A recipe cut down to a run of seconds: generated images of half the sides, batches of 2, 2 epochs.

    Args:
        recipe: The recipe.
        devices: Devices that share each batch, with 2 examples for each.

    Returns:
        A Recipe. Give `Options` `steps` too.
    """
    batch = 2 * devices
    least = recipe.spec.min_grid
    return dataclasses.replace(
        recipe.lasting(2),
        data="generated",
        splits=("train", "test"),
        size=tuple(min(s, max(m, -(-s // 2))) for s, m in zip(recipe.sides, least, strict=True)),
        batch=batch,
        rate=recipe.rate * batch / recipe.batch,
        evaluation=("center", {}),
    )
