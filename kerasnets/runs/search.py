"""A search for the best net of a family on a dataset, with keras-tuner.

    settings = Settings(search="growth", model="DenseNet", values=dict(growths=(8, 16, 24)), final_epochs=30)
    recipe = Recipe(model="DenseNet", data="digits", rate=0.1, batch=64, epochs=15)
    search = Search(settings, recipe, "runs/growth")
    search.prepare(trials=10)
    trials = search.run()
    best = max((t for t in trials if t["status"] == "done"), key=lambda t: t["score"])
    accuracy = search.train_best(best["values"])

Each trial trains a net on four fifths of the training images and validates it on the rest. Then the best net
is trained anew on all of them, and tested.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np

import kerasnets
from kerasnets import data, distillation, files, tuning
from kerasnets.assembly import registry
from kerasnets.checks import refuse
from kerasnets.runs import arrays
from kerasnets.runs.folder import prepare
from kerasnets.runs.teachers import check_classes, fitted, load_teacher
from kerasnets.training import Recipe, distribution
from kerasnets.weights.reading import SUFFIXES

CARD = "tune.json"  # the settings of a search
SPACES = {"alpha": tuning.WidthMultiplier, "growth": tuning.GrowthRate}
HELD_OUT = 5  # one of 5 training images is for validation
FEW = 320  # examples of a split in a tiny run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that determine the result of a search, besides the recipe.

    Args:
        search: Key of `SPACES`: "alpha" or "growth".
        model: Name of a function of `kerasnets.applications`, such as "MobileNet" or "DenseNet".
        values: The values to choose from, by argument of the class in `SPACES`.
        final_epochs: Epochs of the best net.
        tuner: "random", "bayesian" or "hyperband".
        objective: "val_accuracy", or "accuracy_per_madd", the validation accuracy per multiply-add.
        budget_mult_adds: Largest number of multiply-adds of a net, or None.
        budget_params: Largest number of parameters of a net, or None.
        dataset: Name of the dataset, as `kerasnets.data.stream` takes it.
        data_dir: Its folder, or None.
        side: Side of the images in pixels.
        teacher: A file of a trained net, or the name of a net that is trained first, which every net is
            distilled from; "" trains on labels.
        temperature: Temperature of the distillation.
        hard_weight: Weight of the labels in the distillation.
        seed: Seed of the search, the weights and the order.
        smoke: Whether to read only a few images, as a test.
    """

    search: Literal["alpha", "growth"]
    model: str
    values: dict[str, tuple]
    final_epochs: int
    tuner: Literal["random", "bayesian", "hyperband"] = "random"
    objective: Literal["val_accuracy", "accuracy_per_madd"] = "val_accuracy"
    budget_mult_adds: int | None = None
    budget_params: int | None = None
    dataset: str = "digits"
    data_dir: str | None = None
    side: int = 32
    teacher: str = ""
    temperature: float = 4.0
    hard_weight: float = 0.1
    seed: int = 0
    smoke: bool = False


class Search:
    """One search in a folder.

    Args:
        settings: The `Settings`.
        recipe: How nets are trained: its batch size, optimizer, regularization and loss, and the epochs of a
            trial.
        out: The folder.
        strategy: A tf.distribute.Strategy to train with, as `kerasnets.training.distribution.mirrored`
            returns it, or None.

    Attributes:
        card: The settings as tune.json holds them.
        training: Images and targets of the trials.
        validation: Images and labels of the trials.
        test: Images and labels to test the best net on.

    Raises:
        ValueError: The dataset is not found, or a setting or the schedule of the recipe is not allowed.
    """

    def __init__(self, settings: Settings, recipe: Recipe, out: str | os.PathLike, strategy: Any = None):
        if recipe.schedule[0] == "plateau":
            refuse("recipe", "one whose schedule does not wait for a plateau", recipe.schedule)
        s = settings
        self.settings, self.recipe, self.out, self.strategy = s, recipe, pathlib.Path(out), strategy
        self.card = card_of_search(s, recipe)
        shape = (s.side, s.side, 3)
        few = {"examples": FEW} if s.smoke else {}
        keywords = dict(size=shape, batch_size=1000, data_dir=s.data_dir, **few)
        streams = [data.stream(s.dataset, split, **keywords) for split in ("train", "test")]
        self.classes, self.class_names = streams[0].classes, streams[0].class_names
        self.whole, self.test = (
            (arrays.SCALING(images), labels)
            for images, labels in (data.to_arrays(stream.dataset) for stream in streams)
        )
        self.training, self.validation = hold_out(self.whole)
        self.space = SPACES[s.search](
            s.model,
            budget=tuning.Budget(s.budget_mult_adds, s.budget_params),
            options=dict(input_shape=shape, classes=self.classes, classifier_activation=None),
            compiled=lambda net: self.compiled(net, recipe, self.batches(self.training, recipe.epochs).steps),
            seed=s.seed,
            **s.values,
        )

    def prepare(
        self,
        *,
        trials: int | None = None,
        keep: int = 1,
        resume: bool = False,
        worker: bool = False,
        report: Callable[[dict], Any] | None = None,
    ) -> None:
        """Makes the folder and the tuner. A worker waits until its chief has made the folder.

        Args:
            trials: Largest number of trials, as `kerasnets.tuning.tuner` takes it.
            keep: Number of the best trials whose weights are kept.
            resume: Whether to resume the search in the folder; otherwise an earlier one is moved aside.
            worker: Whether this process is a worker, whose environment has the address of its chief as
                `kerasnets.tuning.tuner` describes.
            report: Function called with the record of each trial of this process when it ends, or None.

        Raises:
            ValueError: The search in the folder had other settings, or an argument is not allowed.
        """
        if not worker:
            prepare(self.out, self.card, resume, CARD)
        s = self.settings
        self.tuner = tuning.tuner(
            s.tuner,
            self.space,
            self.out,
            objective=s.objective,
            trials=trials,
            epochs=self.recipe.epochs,
            seed=s.seed,
            keep=keep,
            report=report,
            strategy=self.strategy,
        )
        if worker:
            self.tuner.oracle.get_space()
            prepare(self.out, self.card, resume=True, name=CARD)
        if s.teacher:
            self.add_teacher_logits()

    def add_teacher_logits(self):
        """Adds the teacher's logits to the labels. The teacher runs only once for all trials."""
        name = self.settings.teacher
        teacher = load_teacher(name if name.endswith(SUFFIXES) else self.trained_teacher())
        check_classes(teacher, self.classes, self.class_names)
        teacher = fitted(teacher, self.whole[0].shape[1:], arrays.SCALING)
        batches = data.batches(self.whole, 500)
        transfer = distillation.add_teacher_logits(batches, teacher, cache=self.out / "cache")
        self.whole = data.to_arrays(transfer)
        self.training, self.validation = hold_out(self.whole)

    def trained_teacher(self):
        """The file of the teacher of this name, trained on labels unless an earlier run has done it."""
        path, s = self.out / "teacher.keras", self.settings
        if not path.exists():
            shape = self.whole[0].shape[1:]
            build = registry.find(s.teacher)
            given = dict(input_shape=shape, classes=self.classes, classifier_activation=None)
            self.fit_whole(path, lambda: build(**given), {}, on_labels=True)
        return path

    def run(self) -> list[dict[str, Any]]:
        """Runs the trials.

        Returns:
            The records of the trials of all processes, as `kerasnets.tuning.records` reads them.
        """
        batches = self.batches(self.training, self.recipe.epochs)
        self.tuner.search(
            batches.start,
            steps_per_epoch=batches.steps,
            validation_data=data.batches(self.validation, 500),
            shuffle=False,
        )
        return tuning.records(self.out)

    def train_best(self, values: dict[str, Any]) -> float:
        """Trains a net anew on all training images, or loads it if an earlier run has trained this one.

        The folder gets best.keras, the net; best.json, its values; and best.csv, the logs of each epoch.

        Args:
            values: The values of the net, by option.

        Returns:
            Its accuracy on the test images.
        """
        path, chosen = self.out / "best.keras", self.out / "best.json"
        values = json.loads(json.dumps(values))  # tuples become lists, as in the file
        if not chosen.exists() or files.read_json(chosen) != values:  # another net was the best
            for stale in (path, path.with_suffix(".weights.h5")):
                stale.unlink(missing_ok=True)
            files.write_json(chosen, values)
        if not path.exists():
            self.fit_whole(path, lambda: self.space.net(values), {"chosen": values})
        net = kerasnets.load_model(path)
        scores = arrays.predict(net, self.test[0])
        accuracy = 1 - arrays.count_errors(scores, self.test[1]) / len(scores)
        arrays.record(net, path, test_accuracy=accuracy, test_examples=len(scores))
        return accuracy

    def fit_whole(self, path, build, facts, on_labels=False):
        """Trains a net on all training images and saves it; with `on_labels`, without the teacher."""
        epochs = self.settings.final_epochs
        batches = self.batches(self.whole, epochs)
        keras.backend.clear_session()
        keras.utils.set_random_seed(self.settings.seed)
        facts = dict(class_names=self.class_names, training={**self.card, **facts})
        with self.strategy.scope() if self.strategy else contextlib.nullcontext():
            net = build()
            model = self.compiled(net, self.recipe.for_epochs(epochs), batches.steps, on_labels)
            with distribution.as_one_device(model):
                arrays.fit_and_save(model, net, path, batches, epochs, path.stem, facts, self.test)

    def compiled(self, net, recipe, steps, on_labels=False):
        """The model to train: the net, or a Distiller of it."""
        s = self.settings
        recipe.regularize(net)
        options = {"jit_compile": distribution.jit_compile()}
        if s.teacher and not on_labels:
            model = distillation.Distiller(net, None, s.temperature, s.hard_weight)
            model.compile(recipe.make_optimizer(steps, net), metrics=["accuracy"], **options)
            return model
        net.compile(recipe.make_optimizer(steps, net), recipe.make_loss(), metrics=["accuracy"], **options)
        return net

    def batches(self, examples, epochs):
        """The shuffled batches of some examples."""
        return arrays.shuffled(examples, self.recipe.batch, epochs, self.settings.seed)


def card_of_search(settings: Settings, recipe: Recipe) -> dict[str, Any]:
    """The settings of a search as tune.json holds them."""
    own = dict(epochs=recipe.epochs, rate=recipe.rate, batch_size=recipe.batch)
    return {**dataclasses.asdict(settings), **own}


def hold_out(examples):
    """Splits examples into training data, and every fifth one, with labels only, for validation."""
    held_out = np.arange(len(examples[0])) % HELD_OUT == HELD_OUT - 1
    kept = keras.tree.map_structure(lambda a: a[~held_out], examples)
    images, targets = keras.tree.map_structure(lambda a: a[held_out], examples)
    return kept, (images, targets["labels"] if isinstance(targets, dict) else targets)
