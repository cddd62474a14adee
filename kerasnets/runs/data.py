"""The data of a training run, for training, validation and test."""

from typing import Any

import keras

from kerasnets import data
from kerasnets.data.augment import FIXED, MIXES, SIZINGS
from kerasnets.runs.options import Options
from kerasnets.training import Recipe


class Data:
    """The two splits of a recipe's dataset: augmented, scaled, and with a target for each output of the net.

    Args:
        recipe: The recipe.
        options: The options of the run.

    Attributes:
        training: The kerasnets.data.Stream to train on.
        testing: The kerasnets.data.Stream to test on.
        classes: Number of classes of the net.
        one_hot: Whether labels are one-hot.
    """

    def __init__(self, recipe: Recipe, options: Options):
        self.recipe, self.options = recipe, options
        devices = recipe.replicas * options.hosts
        self.one_hot = any(name in MIXES for name, _ in recipe.augmentation)
        self.shared = dict(hosts=options.hosts, host_index=options.host_index, devices=devices)
        self.training = self.training_from(0)
        self.testing = self.stream(1, rows_for_tests(recipe), one_hot=self.one_hot, **self.shared)
        self.classes = recipe.classes or self.training.classes

    def summary(self) -> str:
        """The net, the dataset and their sizes, in one line."""
        r, train, test = self.recipe, self.training, self.testing
        skipped = [*train.skipped, *test.skipped]
        more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        lost = f"; corrupt and left out: {', '.join(skipped[:5])}{more}" if skipped else ""
        return (
            f"{r.model} on {r.data}: {train.examples:,} examples to train on, {test.examples:,} to test on, "
            f"{'x'.join(map(str, r.image_size))}, {r.epochs} epochs of {train.steps_per_epoch:,} steps{lost}"
        )

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
        return self.prepared(net, self.testing)

    def images(self) -> Any:
        """All test batches, (images, class numbers), for the recipe's evaluation: a tf.data.Dataset."""
        whole = bool(self.recipe.evaluation[1])  # whole images differ in size and come one at a time
        changes = {"batch_size": 1} if whole else {}
        stream = self.stream(1, rows_for_tests(self.recipe, whole), **changes)
        return stream.dataset.map(lambda images, labels: (self.recipe.scale(images), labels))

    def training_from(self, first_step, epochs=None):
        """The stream to train on, beginning at a step."""
        r = self.recipe
        order = dict(seed=self.options.seed, epochs=epochs or r.epochs, first_step=first_step)
        return self.stream(0, r.augmentation, **order, **self.shared)

    def stream(self, split, augment, **changes):
        """The stream of a split: 0 to train on, 1 to test on."""
        r, options = self.recipe, self.options
        keywords = dict(
            size=r.shape,
            batch_size=r.batch,
            augment=augment,
            data_dir=options.data_dir,
            strict=options.strict,
            examples=options.steps and options.steps * r.batch,
        )
        if r.data == "generated":
            keywords["classes"] = r.classes or r.spec.classes
        return data.stream(r.data, r.splits[split], **keywords | changes)

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
    sizes = recipe.evaluation[1].get("sizes")
    sizes = sizes if isinstance(sizes, (tuple, list)) else (sizes,) * (sizes is not None)
    shorter = {"shorter": max(sizes) if whole else min(sizes)} if sizes else {}
    sizing = ("whole" if whole else "center_crop", shorter)
    rows = tuple(row for row in recipe.augmentation if row[0] in FIXED)
    return rows if any(name in SIZINGS for name, _ in rows) else (sizing, *rows)
