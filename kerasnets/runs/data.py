"""The data of a training run, for training, validation and test."""

from __future__ import annotations

import pathlib
from typing import Any

import keras
import numpy as np

from kerasnets import data, weights
from kerasnets.checks import changes, refuse
from kerasnets.data import sources
from kerasnets.data.augment import FIXED, MIXES, SIZINGS
from kerasnets.distillation.store import Store
from kerasnets.runs.options import Options
from kerasnets.runs.start import Start
from kerasnets.scaling import Scaling
from kerasnets.tables import first_of
from kerasnets.training import Recipe


class Data:
    """The splits of a recipe's dataset: augmented, scaled, and with a target for each output of the net.

    Args:
        recipe: The recipe.
        options: The options of the run.
        start: The trained net that the run starts from, which says how images are sized and scaled; or None.

    Attributes:
        training: The kerasnets.data.Stream to train on.
        testing: The kerasnets.data.Stream to test on.
        watched: The kerasnets.data.Stream to validate on after every epoch: the recipe's validation data, or
            without it `testing`.
        classes: Number of scores of the net: a score for each class, or one that tells class 1 from class 0.
        binary: Whether each score is an independent label.
        one_hot: Whether labels are one-hot.

    Raises:
        ValueError: The recipe does not fit the dataset, or its validation data are its test data.
    """

    def __init__(self, recipe: Recipe, options: Options, start: Start | None = None):
        self.recipe, self.options, self.start = recipe, options, start
        devices = recipe.replicas * options.hosts
        self.one_hot = any(name in MIXES for name, _ in recipe.augmentation)
        self.shared = dict(hosts=options.hosts, host_index=options.host_index, devices=devices)
        self.training = self.training_from(0)
        fixed = dict(augment=self.rows_for_tests(), one_hot=self.one_hot, **self.shared)
        self.testing = self.stream(recipe.splits[1], **fixed)
        self.watched = self.testing if recipe.validation is None else self.held_out(**fixed)
        self.classes = 1 if recipe.positive else recipe.classes or self.training.classes
        self.binary = self.classes == 1 or self.training.several
        check_labels(self)

    def summary(self) -> str:
        """The net, the dataset and their sizes, in one line."""
        r, train, test = self.recipe, self.training, self.testing
        held = "" if r.validation is None else f"{self.watched.examples:,} to choose by, "
        skipped = self.skipped
        images = f"{len(skipped)} image{'s' * (len(skipped) > 1)}"
        lost = f"; {images} cannot be decoded: {first_of(skipped)}" if skipped else ""
        return (
            f"{r.model} on {self.name}: {train.examples:,} examples to train on, {held}"
            f"{test.examples:,} to test on, "
            f"{'x'.join(map(str, r.image_size))}, {r.epochs} epochs of {train.steps_per_epoch:,} steps{lost}"
        )

    @property
    def name(self) -> str:
        """The name of the dataset, or of the folder with its class folders."""
        folder = pathlib.Path(self.options.data_dir or "").expanduser()
        given = self.options.data_dir is not None and (
            self.recipe.labels is not None or sources.is_folder(self.recipe.data, folder)
        )
        return folder.resolve().name if given else self.recipe.data

    @property
    def skipped(self) -> list[str]:
        """Paths of the images that cannot be decoded and are left out."""
        streams = (self.training, self.watched, self.testing)
        return list(dict.fromkeys(name for stream in streams for name in stream.skipped))

    def batches(
        self,
        net: keras.Model,
        first_step: int = 0,
        epochs: int | None = None,
        store: Store | None = None,
    ) -> Any:
        """The training batches of a net.

        Args:
            net: The net.
            first_step: The first step, counted from the start of the run.
            epochs: Number of epochs in the run; None for the recipe's.
            store: Stored logits of a teacher for views of the images. The batches then consist of these
                views, with the targets of a Distiller without a teacher. None for the recipe's images.

        Returns:
            A tf.data.Dataset.
        """
        stream = self.training_from(first_step, epochs, store and views_of(store))
        return self.prepared(net, stream, self.recipe.balance == "weights", store)

    def validation(self, net: keras.Model) -> Any:
        """The batches to validate a net on after every epoch, a tf.data.Dataset."""
        return self.prepared(net, self.watched)

    def images(self) -> Any:
        """All test batches, (images, class numbers), for the recipe's evaluation: a tf.data.Dataset."""
        whole = self.recipe.test_scales is not None  # whole images differ in size and come one at a time
        changes = {"batch_size": 1} if whole else {}
        stream = self.stream(self.recipe.splits[1], self.rows_for_tests(whole), **changes)
        return stream.dataset.map(lambda images, labels: (self.scale(images), labels))

    def in_order(self, views: data.Views, first_step: int = 0, **changes: Any) -> data.Stream:
        """The stream of views of the training images, one view after the other, in the order of the split.

        Args:
            views: The views.
            first_step: Number of batches to skip, over all views.
            **changes: Other arguments of the stream.
        """
        r = self.recipe
        order = dict(epochs=views.count, first_step=first_step, views=views, **changes)
        return self.stream(r.splits[0], r.augmentation, self.subset("training"), **order)

    def views(self, count: int) -> list[data.Stream]:
        """The streams of views of the training images, which are the same at every pass.

        Args:
            count: Number of views: the images as in tests, and augmented ones.

        Returns:
            One stream, or two of which the second has the augmented views, as epochs.
        """
        r, subset = self.recipe, self.subset("training")
        alike = dict(devices=self.shared["devices"])
        streams = [self.stream(r.splits[0], self.rows_for_tests(), subset, **alike)]
        if count > 1:
            rows = tuple(row for row in r.augmentation if row[0] not in MIXES)
            order = dict(seed=self.options.seed, epochs=count - 1)
            streams.append(self.stream(r.splits[0], rows, subset, **order, **alike))
        return streams

    def first_images(self) -> np.ndarray:
        """The first batch of training images, as in tests, scaled for the net."""
        images, _ = next(iter(self.views(1)[0].dataset))
        return self.scale(np.asarray(images))

    @property
    def scale(self) -> Scaling:
        """The function that scales the images of the streams for the net."""
        return self.recipe.scale if self.start is None else self.start.scaling

    @property
    def scaling(self) -> Scaling:
        """The scaling of images of 0..255 with which the net is trained."""
        return self.scale.after(self.testing.scaling)

    @property
    def class_weights(self) -> np.ndarray | None:
        """For each class the weight of its images, by which all classes count equally; None without labels.

        Source: G. King and L. Zeng, "Logistic Regression in Rare Events Data", 2001, as in scikit-learn's
        `compute_class_weight("balanced", ...)`.
        """
        counts = self.class_sizes
        return None if counts is None else (counts.sum() / (len(counts) * counts)).astype("float32")

    @property
    def class_sizes(self) -> np.ndarray | None:
        """Number of training images of each class, (classes,); None if the labels are not known."""
        labels = self.training.labels
        if labels is None:
            return None
        return (
            labels.sum(axis=0) if labels.ndim == 2 else np.bincount(labels, minlength=self.training.classes)
        )

    def describe(self, net: keras.Model, **training: Any) -> None:
        """Records in the card of a net what it takes, its classes, and what it is trained on.

        Args:
            net: The net.
            **training: What else determines its training, as JSON data.
        """
        names = self.training.class_names
        known = len(names) == max(2, self.classes)
        weights.describe(
            net,
            shape=self.recipe.shape,
            scaling=self.scaling,
            sizing=self.rows_for_tests()[0],
            class_names=names if known else None,
            threshold=0.5 if self.binary else None,
            training={
                **self.recipe.as_json(),
                "data": self.name,
                "data_dir": self.options.folder,
                "examples": self.training.examples,
                **training,
            },
        )

    def training_from(self, first_step, epochs=None, views=None):
        """The stream to train on, beginning at a step."""
        r = self.recipe
        order = dict(seed=self.options.seed, epochs=epochs or r.epochs, first_step=first_step, views=views)
        order["balance"] = "sampling" if r.balance == "sampling" else None
        return self.stream(r.splits[0], r.augmentation, self.subset("training"), **order, **self.shared)

    @property
    def trains_head(self) -> bool:
        """Whether the run first trains a new classifier alone."""
        names = self.training.class_names
        return bool(self.recipe.head_epochs) and not self.start.keeps(self.classes, names)

    def held_out(self, **fixed: Any) -> data.Stream:
        """The stream to validate on, whole on each host unless the arguments of the stream share it."""
        if not fixed and not self.one_hot and self.options.hosts == 1:
            return self.watched
        fixed = dict(augment=self.rows_for_tests(), devices=self.shared["devices"]) | fixed
        r, folder = self.recipe, self.options.data_dir
        if r.validation is None:
            return self.stream(r.splits[1], **fixed)
        if not isinstance(r.validation, str):
            return self.stream(r.splits[0], subset=self.subset("validation"), **fixed)
        for split in r.splits:
            if sources.is_same(r.data, folder, r.validation, split, r.labels):
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
            labels=r.labels,
            positive=r.positive,
        )
        if r.data == "generated":
            keywords["classes"] = r.classes or r.spec.classes
        return data.stream(r.data, split, **keywords | changes)

    def prepared(self, net, stream, weighted=False, store=None):
        """Batches with scaled images and a target for each output; a decoder also takes the labels."""
        outputs = net.output if isinstance(net.output, dict) else ()
        one_score = self.classes == 1
        logits_of = store and data.rows_of(store.values(), (self.classes,))

        def prepare(images, labels, *weights):
            rows = None
            if store:
                *weights, rows = weights
            images = self.scale(images)
            labels = labels[:, 1] if one_score and self.one_hot else labels
            targets = {name: images if name == "reconstruction" else labels for name in outputs}
            if "reconstruction" in outputs:
                images = {net.inputs[0].name: images, "labels": labels}
            if store:
                targets = {"labels": labels, "teacher_logits": logits_of(rows)}
            return images, targets or labels, *weights

        dataset = stream.dataset
        if weighted:
            dataset = data.weighted(dataset, self.class_weights)
        return dataset.map(prepare, num_parallel_calls=1)

    def rows_for_tests(self, whole: bool = False) -> tuple:
        """The rows by which test images are sized and scaled, for their center or for whole ones."""
        return rows_for_tests(self.recipe, whole, self.start and self.start.sizing)


def views_of(store: Store) -> data.Views:
    """The views of images that a store has the logits of."""
    return data.Views(store.views, store.header["seed"])


def check_source(store: Store, data: Data, argument: str) -> None:
    """Refuses a store whose logits are for other images, views or classes than those of a run.

    Args:
        store: The store.
        data: The data of the run.
        argument: What the caller calls the store.

    Raises:
        ValueError: The images, views or classes differ.
    """
    if "seed" not in store.header:
        words = "a folder of logits for views of images, as kerasnets.runs.label makes it"
        refuse(argument, words, str(store.folder))
    if store.form.classes != data.classes:
        words = f"a folder of logits of {data.classes} classes, those of the data"
        refuse(argument, words, f"{store.folder}, of {store.form.classes}")
    if data.in_order(views_of(store)).content() != store.header["data"]:
        said, about = data.recipe.as_json(), store.header["about"]
        known = about["training"] | {"shape": about["shape"]}
        ours = {"shape": list(data.recipe.shape), "steps": data.options.steps}
        differences = changes(known, {name: ours.get(name, said.get(name)) for name in known} | ours)
        words = "a folder of logits for the training images of this run, of this size and augmentation"
        refuse(argument, f"{words}: {'; '.join(differences) or 'the images differ'}", str(store.folder))


def check_labels(data: Data) -> None:
    """Refuses a recipe that does not fit the labels of its data."""
    recipe, stream = data.recipe, data.training
    if recipe.classes == 1 and stream.classes != 2:
        refuse("classes", f"1 for data of 2 classes, or with `positive` for one of {stream.classes}", 1)
    if recipe.balance is not None and (stream.several or stream.labels is None):
        why = "images of several labels" if stream.several else "data whose labels are not known beforehand"
        refuse("balance", f"None for {why}", recipe.balance)
    held_out = not isinstance(recipe.validation, str | None) and data.options.steps is None
    if held_out and not stream.several and stream.labels is not None and not data.class_sizes.all():
        some = [name for name, n in zip(stream.class_names, data.class_sizes, strict=True) if not n]
        words = f"a smaller share, or there are more images: none of {some[0]!r} are left to train on"
        refuse("validation", words, recipe.validation)
    if stream.several and recipe.loss[0] != "crossentropy":
        refuse("loss", "'crossentropy' for images of several labels", recipe.loss[0])


def rows_for_tests(recipe, whole=False, own=None):
    """The deterministic rows of the augmentation, for the center of test images or for whole ones.

    Args:
        recipe: The recipe.
        whole: Whether images are not cropped.
        own: The row by which the net that the run starts from had its test images sized, or None.
    """
    resizing = dict(recipe.evaluation[1])
    resizing.pop("sizes", None)
    sizes = recipe.test_scales
    shorter = {"shorter": max(sizes) if whole else min(sizes)} if sizes else {}
    sizing = ("whole" if whole else "center_crop", shorter | resizing)
    if own is not None and not (whole or recipe.evaluation[1]):
        sizing = tuple(own)
    rows = tuple(row for row in recipe.augmentation if row[0] in FIXED)
    return rows if any(name in SIZINGS for name, _ in rows) else (sizing, *rows)
