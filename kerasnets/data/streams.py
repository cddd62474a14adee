"""Streams of augmented batches of any dataset, by name or folder, that can be resumed at any step."""

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf

from kerasnets.checks import is_int, is_ints, is_number, refuse
from kerasnets.data import augment as augmentation
from kerasnets.data import decoding, sources, transforms
from kerasnets.scaling import MODES, Scaling, scaling_named

WORKERS = os.cpu_count()  # images processed in parallel; the result does not depend on it
FIT_EXAMPLES = 50_000  # most examples that a change is fitted to


class Views(NamedTuple):
    """Augmented views of examples, which repeat after as many epochs as there are views.

    Attributes:
        count: Number of views. Epoch e has view e modulo `count` of each example.
        seed: Whole number. The view of an example depends on it, on the number of the view, and on that of
            the example in its split alone; not on the order, the batches or the other examples.
    """

    count: int
    seed: int


@dataclasses.dataclass(frozen=True)
class Stream:
    """Batches of a dataset, with its figures.

    Attributes:
        dataset: tf.data.Dataset of (images, labels). Images are float32, (batch, *size), values 0..255,
            scaled as `scaling` says. Labels are int64, (batch,), or one-hot float32, (batch, classes); or
            with several labels an image float32, (batch, classes), 1 for each label and mixed like the
            images. With views there is a third part, the numbers of the rows: view times `examples` of the
            whole split plus number of the example, int64, (batch,). It contains all epochs, so give Keras
            `steps_per_epoch`.
        made: Function that makes `dataset` when it is first read, since that takes longer than all the rest.
        steps_per_epoch: Number of batches in an epoch; the last batch may be smaller.
        examples: Number of examples in an epoch.
        classes: Number of classes.
        class_names: Names of the classes, in the order of their numbers: those of a folder sorted; those of
            a CSV file too, but whole numbers by value; ("not NAME", NAME) with `positive`.
        skipped: Paths in the folder of the images that cannot be decoded and are left out.
        labels: The labels of all examples of the split, in the order that they have without a seed: int64,
            (n,), or with several labels an image float32, (n, classes), 1 for each label; None if they are
            not known before all files are read. n is `examples`, but for those that `devices` leave out.
        paths: The absolute path of each of these examples, or of the folder of a video's frames; None for a
            dataset that is not a folder of images.
        several: Whether an image may have several labels, or none.
        image: Function that returns one of these examples by its number, uint8, (*size); None if they can
            only be read in their order.
        digest: Function that returns a hash of all that decides the batches: the files' content, and the
            arguments of `stream`.
        content: Function that returns a hash of all that decides the pixels and labels of each example but
            `seed` and `views`, whatever their order and batches.
        scaling: The `kerasnets.scaling.Scaling` of the images of 0..255: that of the rows of the augmentation
            that scale them, such as "zca", and then that of the argument `scaling`.
    """

    made: Callable[[], tf.data.Dataset] = dataclasses.field(compare=False, repr=False)
    steps_per_epoch: int
    examples: int
    classes: int
    class_names: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    labels: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)
    paths: tuple[str, ...] | None = dataclasses.field(default=None, repr=False)
    several: bool = False
    image: Callable[[int], np.ndarray] | None = dataclasses.field(default=None, compare=False, repr=False)
    digest: Callable[[], str] = dataclasses.field(default=lambda: "", compare=False, repr=False)
    content: Callable[[], str] = dataclasses.field(default=lambda: "", compare=False, repr=False)
    scaling: Scaling = MODES["none"]

    @functools.cached_property
    def dataset(self) -> tf.data.Dataset:
        """The batches, (images, labels)."""
        return self.made()


def stream(
    name: str,
    split: str,
    *,
    size: Sequence[int],
    batch_size: int,
    seed: int | None = None,
    augment: Sequence[str | augmentation.Row] = (),
    epochs: int = 1,
    first_step: int = 0,
    data_dir: str | os.PathLike | None = None,
    strict: bool = False,
    classes: int | None = None,
    examples: int | None = None,
    sample: int | None = None,
    validation_split: float | None = None,
    subset: Literal["training", "validation"] | None = None,
    drop_remainder: bool = False,
    one_hot: bool = False,
    scaling: Scaling | str = "none",
    hosts: int = 1,
    host_index: int = 0,
    devices: int | None = None,
    labels: str | os.PathLike | None = None,
    positive: str | None = None,
    balance: Literal["sampling"] | None = None,
    views: Views | None = None,
) -> Stream:
    """Makes batches of a dataset, epoch after epoch.

    Order and augmentation depend only on `seed`, the epoch and the position in it. A run resumed at
    `first_step` continues with the same batches, and earlier images are not decoded.

    Args:
        name: "digits", "digit_pairs", "mnist", "fashion_mnist", "cifar10" or "cifar100", as for `load`; or
            the name of a prepared dataset of TensorFlow Datasets; or "generated", noise added to a pattern
            for each class. Any name is allowed if `data_dir` holds class folders, or with `labels`.
        split: "train", "validation" or "test"; or "all", all images of a folder without such splits,
            or of a CSV file without a column of splits.
        size: Shape of an example: (height, width, channels), or (frames, height, width, channels) for clips.
            Channels are 1 or 3; images are converted to this number.
        batch_size: Examples in a batch.
        seed: Whole number with which every epoch is shuffled and augmented differently, or None to keep the
            order.
        augment: Rows (name, options) of `kerasnets.data.augment`. If none of them is a sizing, images of
            another size are resized until they cover `size`, and center-cropped. Sizings that resize take the
            options "interpolation", "bilinear" (default) or "bicubic", and "antialias", True (default) or
            False, as some publishers of weights tested: ("center_crop", {"shorter": 256, "interpolation":
            "bicubic"}).
        epochs: Number of epochs, counted from the start of the run.
        first_step: Number of batches to skip, over all epochs.
        data_dir: Folder of class folders, directly or inside "train" or "training", and "test", "testing",
            "validation", "val" or "valid", in upper or lower case. Without such splits, every fifth image of
            a class is for testing, and the last of 2 to 4. A class folder holds images (JPEG, PNG, GIF,
            WebP, BMP, TIFF and what else Pillow decodes), or for clips folders of frames. Images are turned
            upright by their EXIF orientation; of animations, the first frame is taken. Hidden files and
            folders are ignored. Or folder of IDX files; or folder of TensorFlow Datasets, where None is the
            environment variable TFDS_DATA_DIR or ~/tensorflow_datasets.
        strict: Whether an image in a folder that cannot be decoded raises an error instead of being left out.
        classes: Number of classes of "generated"; None for 10.
        examples: Number of examples to take, spread evenly over the split; None for all, or for 256 of
            "generated".
        sample: Seed with which `examples` are drawn at random instead, or None.
        validation_split: Number of examples, or share of all, that are held out of the training split. They
            are drawn at random, with the same share of each class as far as it is known, and are the same
            for every `seed`. Nothing is fitted to them.
        subset: "training", the examples of the split that are left, or "validation", those that are held
            out; None for all.
        drop_remainder: Whether to leave out the smaller batch at the end of an epoch.
        one_hot: Whether labels are one-hot, as they always are with "mixup" or "cutmix".
        scaling: How images are scaled in the end, but before any are mixed: a key of
            `kerasnets.scaling.MODES`, or a `Scaling` such as a module's `preprocess_input`.
        hosts: Number of hosts that train together. Each gets an equal part of every batch.
        host_index: Number of this host, from 0.
        devices: Number of devices of all hosts together, which share each batch; None for one per host. An
            epoch leaves out the last examples if their number is not a multiple of `devices`.
        labels: Path of a CSV file that names the images in `data_dir` and its subfolders and their labels,
            instead of class folders; relative to `data_dir`, or from the working folder. One column names
            the images, with or without folder and ending. Then there is a column with a label; or with
            several, separated by commas, semicolons or |, and by blanks if it is called "labels", "tags" or
            another plural, or has whole numbers; or a column of 0 and 1 for each class. If every image has
            one label, labels are class numbers; else an image may have several labels or none. The column
            "split", if there is one, says "train", "validation" or "test" as folders do; without it, every
            fifth image of a class is for testing, and one with several labels counts as of the rarest.
            Fields are separated by commas, semicolons, tabs or |. None takes the labels from the folders.
        positive: Name of the one class that is told from all others: labels are 1 for it and 0 for the
            others, and `class_names` are "not NAME" and NAME. None keeps all classes.
        balance: "sampling" draws each class equally often in an epoch, which keeps its length. No example of
            a class comes again before all of its examples came. An image with several labels is drawn for
            each of them, and images without any are drawn as a class. None draws each example once.
        views: `Views`, by which examples are augmented; `seed` then only shuffles. None augments every epoch
            differently. "mixup" and "cutmix", which mix the examples that happen to be in a batch, are not
            allowed with views.

    Returns:
        A Stream.

    Raises:
        ValueError: An argument is not allowed, a folder does not hold what it should, or an image cannot be
            decoded and `strict` is True.
        ModuleNotFoundError: A package that contains or reads the dataset is not installed.
        ConnectionError: The dataset must be downloaded, and its source does not answer.
    """
    rows = augmentation.check(augment)
    devices = hosts if devices is None else devices
    numbers = (epochs, first_step, classes, examples, sample, hosts, host_index, devices)
    check_views(views, rows)
    check(size, batch_size, seed, rows, *numbers, views)
    check_subset(validation_split, subset)
    check_labels(labels, positive, balance)
    size, last = tuple(size), scaling_named(scaling)
    if not last.fits(size[-1]):
        refuse("scaling", f"a scaling of {size[-1]} channels", last.name)
    augmentation.check_size(rows, size)
    part = sources.Part(examples, validation_split, subset, sample)
    source = sources.find_source(name, split, size, data_dir, strict, classes, part, labels)
    source = source.against_rest(positive)
    n = source.examples // devices * devices
    if drop_remainder and n < batch_size:
        refuse("batch_size", f"at most {n}, the number of examples, with `drop_remainder`", batch_size)
    if not n:
        refuse("devices", f"at most {source.examples}, the number of examples", devices)
    steps = n // batch_size if drop_remainder else -(-n // batch_size)
    if first_step > epochs * steps:
        refuse("first_step", f"at most {epochs * steps}, {epochs} epochs of {steps} steps", first_step)

    def fit(row):
        return fitted(name, size, rows, row, data_dir, strict, classes, validation_split, labels)

    order = source.order
    if balance == "sampling":
        if source.labels is None:
            refuse("balance", f"None for {name!r}, whose labels are known only when it is read", balance)
        order = sources.balanced(source.by_class(), steps * batch_size if drop_remainder else n)
    local = batch_size // hosts
    sized, changed = sizing(source, rows, size), changes(rows, fit)
    fixed = augmentation.scaling(rows, fit)

    def share(rows, places):
        count = tf.shape(places)[0] // hosts  # a row may have several parts
        mine = slice(host_index * count, (host_index + 1) * count)
        return tf.nest.map_structure(lambda part: part[mine], (rows, places))

    def seeds_of(row, place, number):
        if views is None:
            return key(seed, place)
        return key(views.seed, number % views.count * source.examples + source.number(row))

    def changed_of(image, label, seeds):
        image = changed(image, seeds)
        return (image, label) if views is None else (image, label, seeds[1])

    def epoch(number):
        start = tf.where(number == first_step // steps, tf.constant(first_step % steps, tf.int64), 0)
        places = tf.data.Dataset.counter(number * source.examples + start * batch_size)
        chosen = tf.data.Dataset.zip(order(number, seed, start * batch_size), places)
        chosen = chosen.take(n - start * batch_size)
        if hosts > 1:
            chosen = chosen.batch(batch_size).map(share).unbatch()
        one = chosen.map(lambda row, place: sized(row, seeds_of(row, place, number)), WORKERS)
        if fixed:
            one = one.batch(local).map(lambda x, *others: (fixed(x), *others), 2).unbatch()
        one = one.map(changed_of, WORKERS)
        batches = one.batch(local, drop_remainder=drop_remainder)
        if last is not MODES["none"]:
            batches = batches.map(lambda images, *others: (last(images), *others), 2)
        return tf.data.Dataset.zip(batches, tf.data.Dataset.counter(number * steps + start))

    mixed = mixing(rows, len(source.class_names), one_hot, source.several)

    def made():
        dataset = tf.data.Dataset.range(first_step // steps, epochs).flat_map(epoch)
        dataset = dataset.map(lambda batch, step: (*mixed(*batch[:2], key(seed, step)), *batch[2:]), 1)
        options = tf.data.Options()
        options.autotune.enabled = False  # its thread can delay the end of a pass, up to doubling its time
        dataset = dataset.prefetch(2).with_options(options)
        return dataset.apply(tf.data.experimental.assert_cardinality(epochs * steps - first_step))

    def image(number):
        pixels, *_ = sized(tf.constant(number, tf.int64), key(seed, tf.constant(number, tf.int64)))
        return tf.cast(tf.clip_by_value(tf.round(pixels), 0, 255), tf.uint8).numpy()

    def digest():
        plan = (name, split, size, part, batch_size, seed, rows, epochs, first_step, drop_remainder, one_hot)
        plan += (last.mode, hosts, host_index, balance, source.examples, source.class_names)
        known = b"" if source.labels is None else source.labels.tobytes()
        text = repr((plan, source.digest()))
        return hashlib.sha256(text.encode() + known).hexdigest()

    def content():
        plan = (source.digest() or name, split, size, part, rows, last.mode, source.examples)
        known = b"" if source.labels is None else source.labels.tobytes()
        text = json.dumps((plan, source.class_names), default=repr, sort_keys=True)  # of tuples, or of lists
        return hashlib.sha256(text.encode() + known).hexdigest()

    names = source.class_names
    return Stream(
        made=made,
        steps_per_epoch=steps,
        examples=n,
        classes=len(names),
        class_names=names,
        skipped=source.skipped,
        labels=source.labels,
        paths=source.paths,
        several=source.several,
        image=image if source.labels is not None else None,
        digest=digest,
        content=content,
        scaling=last.after(fixed),
    )


def check(
    size,
    batch_size,
    seed,
    rows,
    epochs,
    first_step,
    classes,
    examples,
    sample,
    hosts,
    host_index,
    devices,
    views=None,
):
    """Refuses arguments of `stream` that are not allowed."""
    if not is_ints(size, 1) or len(size) not in (3, 4) or size[-1] not in (1, 3):
        refuse("size", "(height, width, 1 or 3), or (frames, height, width, 1 or 3)", size)
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("epochs", epochs, 1),
        ("first_step", first_step, 0),
        ("hosts", hosts, 1),
        ("host_index", host_index, 0),
        ("devices", devices, 1),
    ):
        if not is_int(value, least):
            refuse(name, f"a whole number, at least {least}", value)
    if host_index >= hosts:
        refuse("host_index", f"below `hosts`, {hosts}", host_index)
    if devices % hosts:
        refuse("devices", f"a multiple of `hosts`, {hosts}", devices)
    if batch_size % devices:
        refuse("batch_size", f"a multiple of the {devices} devices", batch_size)
    for name, value in (("classes", classes), ("examples", examples)):
        if value is not None and not is_int(value, 1):
            refuse(name, "None or a whole number, at least 1", value)
    for name, value in (("seed", seed), ("sample", sample)):
        if value is not None and not is_int(value, 0):
            refuse(name, "None or a whole number, at least 0", value)
    random = [name for name, _ in rows if name not in augmentation.FIXED]
    if random and seed is None and views is None:
        refuse("seed", f"a whole number with {random[0]!r} in `augment`", seed)
    if batch_size > 1 and "whole" in dict(rows):
        refuse("batch_size", "1 with 'whole' in `augment`, since images then differ in size", batch_size)


def check_views(views, rows):
    """Refuses views that are not allowed, and rows that mix examples of a batch."""
    if views is None:
        return
    if not isinstance(views, tuple) or len(views) != 2 or not is_int(views[0], 1) or not is_int(views[1], 0):
        refuse("views", "None or kerasnets.data.Views(count, seed)", views)
    mixes = [name for name, _ in rows if name in augmentation.MIXES]
    if mixes:
        words = "a plan without 'mixup' and 'cutmix' if there are `views`"
        refuse("augment", words, mixes[0])


def check_subset(validation_split, subset):
    """Refuses a subset without a validation split, or one that is not allowed."""
    share = validation_split
    if share is not None and not is_int(share, 1) and not (is_number(share) and 0 < share < 1):
        refuse("validation_split", "None, a share between 0 and 1, or a whole number, at least 1", share)
    if subset not in (None, "training", "validation"):
        refuse("subset", "one of None, 'training', 'validation'", subset)
    if subset is not None and share is None:
        refuse("validation_split", f"a share or a number with subset={subset!r}", share)


def check_labels(labels, positive, balance):
    """Refuses arguments about labels that are not allowed."""
    if labels is not None and not isinstance(labels, (str, os.PathLike)):
        refuse("labels", "None or the path of a CSV file", labels)
    if positive is not None and not isinstance(positive, str):
        refuse("positive", "None or the name of a class", positive)
    if balance not in (None, "sampling"):
        refuse("balance", "None or 'sampling'", balance)


def key(seed, number):
    """The seed of an example or step, two numbers, given the seed of the stream and their number."""
    return tf.stack([tf.constant(seed or 0, tf.int64), number])


def sizing(source, rows, size):
    """The function from a row of a source and its seed to the resized image, its label and the seed."""
    name, resize = augmentation.sizing(rows)
    random = name is not None and name not in augmentation.FIXED
    frame = tf.TensorSpec([None, None, 3], tf.uint8)

    def sized(row, seeds):
        image, label = source.fetch(row)
        if source.clips:
            files = clip(image, size[0], transforms.derived_seed(seeds, -1) if random else None)
            image = tf.map_fn(source.decode, files, fn_output_signature=frame)
        else:
            image = source.decode(image)
        image = decoding.with_channels(image, size[-1])
        if name or image.shape != size:
            image = resize(image, transforms.derived_seed(seeds, -2), size[-3:-1])
        image.set_shape([*size[:-3], None, None, size[-1]] if name == "whole" else size)
        return tf.cast(image, tf.float32), label, seeds

    return sized


def clip(frames, length, seed):
    """Consecutive frames of a video, which is repeated if it is too short.

    Source: Tran et al. 2015 (C3D), sections 3.1 and 4.1, "spatial and temporal jittering".

    Args:
        frames: The frames, encoded, (n,).
        length: Number of frames to take.
        seed: Seed for a random position, or None for the middle of the video.
    """
    count = tf.size(frames)
    free = tf.maximum(count - length, 0)
    start = free // 2 if seed is None else transforms.random_int(seed, free + 1)
    return tf.gather(frames, (start + tf.range(length)) % count)


def changes(rows, fit):
    """The function that makes the random changes to one image, given its seed."""
    functions = [augmentation.change(row, fit) for row in rows if row[0] in augmentation.CHANGES]

    def changed(image, seeds):
        for i, function in enumerate(functions):
            shape = image.shape
            image = function(image[None], transforms.derived_seed(seeds, i))[0]
            image.set_shape(shape)
        return image

    return changed


def mixing(rows, classes, one_hot=False, several=False):
    """The function that mixes the images and labels of a batch, given its seed.

    Several labels an image are 1 and 0 for all classes already.
    """
    functions = [augmentation.mix(row) for row in rows if row[0] in augmentation.MIXES]

    def mixed(images, labels, seeds):
        if not functions and not one_hot:
            return images, labels
        both = {"images": images, "labels": labels if several else tf.one_hot(labels, classes)}
        for i, function in enumerate(functions):
            both = function(both, transforms.derived_seed(seeds, i))
        return both["images"], both["labels"]

    return mixed


# Statistics by what they are fitted to, its content included, which the streams of all splits share.
FITS = {}


def fitted(name, size, rows, row, data_dir, strict, classes, validation_split, labels):
    """The statistics of a row, fitted to the training data after the deterministic rows before it."""
    before = rows[: rows.index(row)]
    before = tuple(r for r in before if r[0] in ("zoom", "pad", *augmentation.SCALINGS))
    examples = None if name == "generated" else FIT_EXAMPLES
    part = sources.Part(examples, validation_split, None if validation_split is None else "training")
    digest = sources.find_source(name, "train", size, data_dir, strict, classes, part, labels).digest()
    plan = (name, size, repr(before), repr(row), digest, classes, validation_split)
    if plan not in FITS:
        images = stream(
            name,
            "train",
            size=size,
            batch_size=250,
            augment=before,
            data_dir=data_dir,
            strict=strict,
            classes=classes,
            labels=labels,
            **dataclasses.asdict(part),
        ).dataset.map(lambda images, labels: images)
        FITS[plan] = augmentation.FITS[row[0]](images.as_numpy_iterator, **row[1])
    return FITS[plan]
