"""The data of a training run, for training, validation and test."""

import pathlib
from typing import Any

import keras

from kerasnets import data, weights
from kerasnets.checks import refuse
from kerasnets.data import sources
from kerasnets.data.augment import FIXED, MIXES, SIZINGS
from kerasnets.runs.options import Options
from kerasnets.scaling import Scaling
from kerasnets.training import Recipe


class Data:
    """The splits of a recipe's dataset: augmented, scaled, and with a target for each output of the net.

    Args:
        recipe: The recipe.
        options: The options of the run.

    Attributes:
        training: The kerasnets.data.Stream to train on.
        testing: The kerasnets.data.Stream to test on.
        watched: The kerasnets.data.Stream to validate on after every epoch: the recipe's validation data, or
            without it `testing`.
        classes: Number of classes of the net.
        one_hot: Whether labels are one-hot.

    Raises:
        ValueError: The recipe does not fit the dataset, or its validation data are its test data.
    """

    def __init__(self, recipe: Recipe, options: Options):
        self.recipe, self.options = recipe, options
        devices = recipe.replicas * options.hosts
        self.one_hot = any(name in MIXES for name, _ in recipe.augmentation)
        self.shared = dict(hosts=options.hosts, host_index=options.host_index, devices=devices)
        self.training = self.training_from(0)
        fixed = dict(augment=rows_for_tests(recipe), one_hot=self.one_hot, **self.shared)
        self.testing = self.stream(recipe.splits[1], **fixed)
        self.watched = self.watched_with(fixed)
        self.classes = recipe.classes or self.training.classes

    def summary(self) -> str:
        """The net, the dataset and their sizes, in one line."""
        r, train, test = self.recipe, self.training, self.testing
        held = "" if r.validation is None else f"{self.watched.examples:,} to choose by, "
        skipped = self.skipped
        more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        images = f"{len(skipped)} image{'s' * (len(skipped) > 1)}"
        lost = f"; {images} cannot be decoded: {', '.join(skipped[:5])}{more}" if skipped else ""
        return (
            f"{r.model} on {self.name}: {train.examples:,} examples to train on, {held}"
            f"{test.examples:,} to test on, "
            f"{'x'.join(map(str, r.image_size))}, {r.epochs} epochs of {train.steps_per_epoch:,} steps{lost}"
        )

    @property
    def name(self) -> str:
        """The name of the dataset, or of the folder with its class folders."""
        folder = pathlib.Path(self.options.data_dir or "").expanduser()
        given = self.options.data_dir is not None and sources.is_folder(self.recipe.data, folder)
        return folder.resolve().name if given else self.recipe.data

    @property
    def skipped(self) -> list[str]:
        """Paths of the images that cannot be decoded and are left out."""
        streams = (self.training, self.watched, self.testing)
        return list(dict.fromkeys(name for stream in streams for name in stream.skipped))

    def batches(self, net: keras.Model, first_step: int = 0, epochs: int | None = None) -> Any:
        """The training batches of a net.

        Args:
            net: The net.
            first_step: The first step, counted from the start of the run.
            epochs: Number of epochs in the run; None for the recipe's.

        Returns:
            A tf.data.Dataset.
        """
        return self.prepared(net, self.training_from(first_step, epochs))

    def validation(self, net: keras.Model) -> Any:
        """The batches to validate a net on after every epoch, a tf.data.Dataset."""
        return self.prepared(net, self.watched)

    def images(self) -> Any:
        """All test batches, (images, class numbers), for the recipe's evaluation: a tf.data.Dataset."""
        whole = "sizes" in self.recipe.evaluation[1]  # whole images differ in size and come one at a time
        changes = {"batch_size": 1} if whole else {}
        stream = self.stream(self.recipe.splits[1], rows_for_tests(self.recipe, whole), **changes)
        return stream.dataset.map(lambda images, labels: (self.recipe.scale(images), labels))

    @property
    def scaling(self) -> Scaling:
        """The scaling of images of 0..255 with which the net is trained."""
        return self.recipe.scale.after(self.testing.scaling)

    def describe(self, net: keras.Model, **training: Any) -> None:
        """Records in the card of a net what it takes, its classes, and what it is trained on.

        Args:
            net: The net.
            **training: What else determines its training, as JSON data.
        """
        names = self.training.class_names
        weights.describe(
            net,
            shape=self.recipe.shape,
            scaling=self.scaling,
            sizing=rows_for_tests(self.recipe)[0],
            class_names=names if len(names) == self.classes else None,
            training={
                **self.recipe.as_json(),
                "data": self.name,
                "examples": self.training.examples,
                **training,
            },
        )

    def training_from(self, first_step, epochs=None):
        """The stream to train on, beginning at a step."""
        r = self.recipe
        order = dict(seed=self.options.seed, epochs=epochs or r.epochs, first_step=first_step)
        return self.stream(r.splits[0], r.augmentation, self.subset("training"), **order, **self.shared)

    def watched_with(self, fixed):
        """The stream to validate on."""
        r, folder = self.recipe, self.options.data_dir
        if r.validation is None:
            return self.testing
        if not isinstance(r.validation, str):
            return self.stream(r.splits[0], subset=self.subset("validation"), **fixed)
        for split in r.splits:
            if sources.is_same(r.data, folder, r.validation, split):
                refuse(
                    "validation", f"other data than {split!r}, which is the same in {folder}", r.validation
                )
        return self.stream(r.validation, **fixed)

    def subset(self, name):
        """The subset of this name if the validation data is held out of the training data, else None."""
        return None if isinstance(self.recipe.validation, str | None) else name

    def stream(self, split, augment, subset=None, **changes):
        """The stream of a split, or of a subset of it."""
        r, options = self.recipe, self.options
        keywords = dict(
            size=r.shape,
            batch_size=r.batch,
            augment=augment,
            data_dir=options.data_dir,
            strict=options.strict,
            examples=options.steps and options.steps * r.batch,
            validation_split=None if isinstance(r.validation, str) else r.validation,
            subset=subset,
        )
        if r.data == "generated":
            keywords["classes"] = r.classes or r.spec.classes
        return data.stream(r.data, split, **keywords | changes)

    def prepared(self, net, stream):
        """Batches with scaled images and a target for each output; a decoder also takes the labels."""
        outputs = net.output if isinstance(net.output, dict) else ()

        def prepare(images, labels):
            images = self.recipe.scale(images)
            targets = {name: images if name == "reconstruction" else labels for name in outputs}
            if "reconstruction" in outputs:
                images = {net.inputs[0].name: images, "labels": labels}
            return images, targets or labels

        return stream.dataset.map(prepare, num_parallel_calls=1)


def rows_for_tests(recipe, whole=False):
    """The deterministic rows of the augmentation, for the center of test images or for whole ones."""
    resizing = dict(recipe.evaluation[1])
    sizes = resizing.pop("sizes", None)
    sizes = sizes if isinstance(sizes, (tuple, list)) else (sizes,) * (sizes is not None)
    shorter = {"shorter": max(sizes) if whole else min(sizes)} if sizes else {}
    sizing = ("whole" if whole else "center_crop", shorter | resizing)
    rows = tuple(row for row in recipe.augmentation if row[0] in FIXED)
    return rows if any(name in SIZINGS for name, _ in rows) else (sizing, *rows)
