"""The sources of a stream: arrays, folders, TensorFlow Datasets, or generated images."""

import dataclasses
import functools
import hashlib
import math
import os
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kerasnets.checks import nearest, refuse
from kerasnets.data import datasets, decoding, folders, idx, labels
from kerasnets.data.pipeline import to_arrays
from kerasnets.data.transforms import derived_seed, resize

GENERATED = 256  # examples of "generated"
WITHOUT_FOLDER = (*datasets.EMBEDDED, "generated")
IN_MEMORY = 2**29  # bytes; larger datasets are read from their files
BLOCK = 2**28  # bytes; the records of larger datasets are shuffled within blocks of this size
shuffle = tf.random.experimental.stateless_shuffle
index_shuffle = tf.random.experimental.index_shuffle


@dataclasses.dataclass(frozen=True)
class Source:
    """The examples of a split.

    Attributes:
        examples: Number of examples.
        class_names: Names of the classes.
        order: Function that takes the number of an epoch, a seed or None, and how many rows to skip, and
            returns a tf.data.Dataset of rows.
        fetch: Function that takes a row and returns an image, not yet decoded, and its label.
        decode: Function that decodes an image: uint8, (height, width, channels).
        clips: Whether `fetch` returns all frames of a video, which `decode` takes one at a time.
        skipped: Paths of the images that cannot be decoded and are left out.
        digest: Function that returns a hash of the content of all examples.
        labels: The labels of the examples, in the order of the rows: int64, (n,), or float32, (n, classes),
            1 for each class of an example with several. None if they are not known before all files are read.
        paths: The absolute path of each example, or of the folder of a video's frames; None if not in files.
        number: Function that takes a row and returns its number in the split, from 0, int64. Without a seed,
            rows come in the order of their numbers.
    """

    examples: int
    class_names: tuple
    order: Callable
    fetch: Callable
    decode: Callable = lambda image: image
    clips: bool = False
    skipped: tuple = ()
    digest: Callable = lambda: ""
    labels: np.ndarray | None = None
    paths: tuple | None = None
    number: Callable = lambda row: row

    @property
    def several(self):
        """Whether an example may have several labels, or none."""
        return self.labels is not None and self.labels.ndim == 2

    def against_rest(self, positive):
        """The same examples, with the labels 1 for one class, and 0 for all others.

        Args:
            positive: Name of the class, or None to keep all classes.

        Returns:
            A Source.
        """
        if positive is None:
            return self
        number = number_of(positive, self.class_names)
        fetch, labels, several = self.fetch, self.labels, self.several

        def fetch_own(row):
            example, label = fetch(row)
            own = label[number] > 0 if several else label == number
            return example, tf.cast(own, tf.int64)

        if labels is not None:
            labels = (labels[:, number] > 0 if several else labels == number).astype("int64")
        names = (f"not {positive}", positive)
        return dataclasses.replace(self, class_names=names, fetch=fetch_own, labels=labels)

    def by_class(self):
        """The rows of each class that has examples; and of those without a label, if there are any."""
        if not self.several:
            return [np.flatnonzero(self.labels == number) for number in np.unique(self.labels)]
        columns = [*self.labels.T, ~self.labels.any(1)]
        return [np.flatnonzero(column) for column in columns if column.any()]


@dataclasses.dataclass(frozen=True)
class Part:
    """The part of a split that is read: arguments of `kerasnets.data.stream`."""

    examples: int | None = None
    validation_split: float | None = None
    subset: str | None = None
    sample: int | None = None

    def rows(self, labels):
        """The numbers of its examples in the split, sorted, given the labels of the split."""
        rows = np.arange(len(labels))
        if self.subset is not None:
            held_out = stratified(folders.main_labels(labels), self.held_out_of(len(labels)))
            rows = held_out if self.subset == "validation" else np.setdiff1d(rows, held_out)
        if self.sample is None:
            return rows[spread(len(rows), self.examples)]
        return np.sort(np.random.default_rng(self.sample).permutation(rows)[: self.examples])

    def held_out_of(self, n):
        """Number of examples that are held out of a split of `n`."""
        share = self.validation_split
        count = share if isinstance(share, int) else max(1, round(share * n))
        if count >= n:
            refuse("validation_split", f"below {n}, the number of examples", share)
        return count


def find_source(name, split, size, data_dir, strict, classes, part, csv=None):
    """Finds the source for a name and a folder.

    Args:
        name, split, size, data_dir, strict, classes: Arguments of `kerasnets.data.stream`.
        part: The `Part` of the split.
        csv: Argument `labels` of `kerasnets.data.stream`.

    Returns:
        A Source.

    Raises:
        ValueError: An argument is not allowed, a folder does not hold what it should, or an image cannot be
            decoded and `strict` is True.
        ModuleNotFoundError: A package that contains or reads the dataset is not installed.
        ConnectionError: The dataset must be downloaded, and its source does not answer.
    """
    if split not in (*folders.SPLITS, folders.ALL):
        refuse("split", f"one of {', '.join(folders.SPLITS)}", split)
    if csv is not None and (data_dir is None or name in WITHOUT_FOLDER):
        refuse("labels", f"None for {name!r}, unless `data_dir` is a folder of images", str(csv))
    if classes is not None and name != "generated":
        refuse("classes", "None, except for 'generated'", classes)
    if data_dir is not None and name in WITHOUT_FOLDER:
        refuse("data_dir", f"None for {name!r}", str(data_dir))
    data_dir = None if data_dir is None else folders.opened(data_dir)
    if split == folders.ALL and csv is None and not is_folder(name, data_dir):
        refuse("split", f"one of {', '.join(folders.SPLITS)}, but for a folder without splits", split)
    if csv is not None:
        return folder(data_dir, split, size, strict, part, csv)
    if name == "generated":
        return generated(split, size, classes or 10, part)
    if name in datasets.EMBEDDED or datasets.in_idx(name, data_dir):
        if split not in datasets.SPLITS:
            refuse("split", f"one of {', '.join(datasets.SPLITS)} for {name!r}", split)
        is_embedded = name in datasets.EMBEDDED
        both = datasets.embedded(name, split) if is_embedded else idx.read_split(data_dir, split)
        return arrays(name, *both, datasets.CLASSES[name], size, part)
    if is_folder(name, data_dir):
        return folder(data_dir, split, size, strict, part)
    return tfds(name, split, size, datasets.builder(name, data_dir), part)


def is_folder(name, data_dir):
    """Whether a dataset is a folder of class folders."""
    return data_dir is not None and not datasets.prepared(name, data_dir) and folders.holds(data_dir)


def class_names(name, split, data_dir, csv=None):
    """Names of the classes of a folder of images, given a split or None; None for other datasets."""
    if csv is not None:
        return labels.read(csv, data_dir).class_names
    if data_dir is None or not data_dir.is_dir() or not is_folder(name, data_dir):
        return None
    return folders.find(data_dir, split or split_for_tests(name, data_dir))[0]


def split_for_tests(name, data_dir, csv=None):
    """The split on which accuracies are published: all of a folder without splits, or validation, or test."""
    if csv is not None:
        return folders.ALL if labels.read(csv, data_dir).splits is None else "validation"
    if data_dir is not None and data_dir.is_dir() and is_folder(name, data_dir):
        return "validation" if any(folders.split_folders(data_dir).values()) else folders.ALL
    return "test" if name in datasets.NAMES else "validation"


def is_same(name, data_dir, split, other, csv=None):
    """Whether two splits of a dataset are the same examples, as in a folder that has only one of them."""
    data_dir = data_dir and pathlib.Path(data_dir).expanduser()
    if split == other or (csv is None and not is_folder(name, data_dir)):
        return split == other
    return examples_of(data_dir, split, csv)[1] == examples_of(data_dir, other, csv)[1]


def examples_of(root, split, csv=None):
    """The classes, examples and labels of a split, by the class folders or by a CSV file."""
    return folders.find(root, split) if csv is None else labels.find(csv, root, split)


def arrays(name, images, known, class_names, size, part):
    """The source of images and labels in memory."""
    check_rank(name, images.ndim - 1, size)
    rows = part.rows(known)
    known = known[rows].astype("int64")
    images, targets = tf.constant(images[rows]), tf.constant(known)
    return Source(
        len(rows),
        tuple(class_names),
        shuffled(len(rows)),
        lambda row: (images[row], targets[row]),
        digest=lambda: hashlib.sha256(images.numpy()).hexdigest(),
        labels=known,
    )


def generated(split, size, classes, part):
    """The source of generated images or clips: noise added to a pattern of 4 x 4 patches for each class."""
    seed = tf.constant([0, list(folders.SPLITS).index(split)], tf.int64)
    patterns = tf.random.stateless_uniform([classes, 4, 4, size[-1]], [0, 0], 0.0, 255.0)
    rows = part.rows(np.arange(part.examples or GENERATED) % classes)
    numbers = tf.constant(rows)

    def fetch(row):
        row = numbers[row]
        noise = tf.random.stateless_normal(size, derived_seed(seed, row), 0.0, 64.0)
        image = noise + resize(patterns[row % classes], size[-3:-1])
        return tf.cast(tf.clip_by_value(image, 0.0, 255.0), tf.uint8), row % classes

    names = tuple(f"class {c}" for c in range(classes))
    return Source(len(rows), names, shuffled(len(rows)), fetch, labels=rows % classes)


def folder(root, split, size, strict, part, csv=None):
    """The source of the images or videos in a folder of class folders, or of images named in a CSV file."""
    names, files, known = examples_of(root, split, csv)
    clips = isinstance(files[0], tuple)
    check_examples(root, names, files, size)
    rows = part.rows(known)
    files, known = [files[r] for r in rows], np.asarray(known)[rows]
    numbers = np.repeat(np.arange(len(files)), [len(frames) for frames in files] if clips else 1)
    paths = [path for frames in files for path in frames] if clips else files
    bad = folders.undecodable(paths, root)
    found = [f"{folders.shown(paths[i])} ({why})" for i, why in bad.items()]
    if found and strict:
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        raise ValueError(f"{len(found)} images in {root} cannot be decoded: {'; '.join(found[:10])}{more}")
    skipped = tuple(folders.shown(paths[i]) for i in bad)
    keep = np.setdiff1d(np.arange(len(files)), numbers[[*bad]])
    files, known = [files[i] for i in keep], known[keep]
    targets = tf.constant(known)
    if not files:
        refuse("data_dir", f"a folder with images that can be decoded, unlike {found[0]}", str(root))
    paths = [path for frames in files for path in frames] if clips else files
    paths_of = functools.partial(os.path.join, os.path.abspath(root))
    whole = tf.constant([os.fsencode(paths_of(path)) for path in paths])
    if clips:
        whole = tf.RaggedTensor.from_row_lengths(whole, [len(frames) for frames in files])
    return Source(
        len(files),
        tuple(names),
        shuffled(len(files)),
        lambda row: (whole[row], targets[row]),
        lambda path: decoding.decode_any(tf.io.read_file(path)),
        clips,
        skipped,
        lambda: folders.content_digest(paths, root),
        known,
        tuple(paths_of(os.path.dirname(file[0]) if clips else file) for file in files),
    )


def tfds(name, split, size, builder, part):
    """The source of a dataset of TensorFlow Datasets: in memory if it is small, else read from its files."""
    from tensorflow_datasets import decode as decoders

    if split not in builder.info.splits:
        refuse("split", f"one of {', '.join(builder.info.splits)} for {name!r}", split)
    info, features = builder.info.splits[split], builder.info.features
    image, label = builder.info.supervised_keys or ("image", "label")
    shape, names = features[image].shape, tuple(features[label].names)
    if None not in shape and math.prod(shape) * info.num_examples <= IN_MEMORY:
        both = to_arrays(builder.as_dataset(split=split, as_supervised=True).batch(1000))
        return arrays(name, *both, names, size, part)
    check_rank(name, len(shape), size)

    def fetch(row):
        _, record = row
        example = features.deserialize_example(record, decoders={image: decoders.SkipDecoding()})
        return example[image], example[label]

    rows = part.rows(np.zeros(info.num_examples))  # the labels are not known before all files are read
    order = in_files(info.filepaths, info.shard_lengths, rows, info.num_bytes)
    folder, files = os.path.split(info.filepaths[0])[0], [os.path.basename(path) for path in info.filepaths]
    digest = functools.partial(folders.content_digest, files, folder)
    chosen = tf.constant(rows, tf.int64)
    return Source(
        len(rows),
        names,
        order,
        fetch,
        decoding.decode,
        clips=len(shape) == 4,
        digest=digest,
        number=lambda row: tf.searchsorted(chosen, row[0][None], out_type=tf.int64)[0],
    )


def check_examples(root, names, files, size):
    """Refuses a size for clips if a folder holds images, and the reverse."""
    clips = isinstance(files[0], tuple)
    if clips and len(size) == 3:
        words = "a folder of class folders of images, directly or inside splits such as 'train' and 'test'; "
        words += f"{folders.shown(files[0][0])} would be a frame of a video"
        deeper = next(folders.deeper_folders(root), None) if len(names) == 1 else None
        mend = f"give {folders.shown(deeper)}" if deeper else "put images into the class folders directly"
        refuse("data_dir", f"{words}: {mend}", str(root))
    check_rank(root, 4 if clips else 3, size)


def number_of(positive, names):
    """The number of the class `positive`, which is one of `names`."""
    if positive not in names:
        some = ", ".join(map(repr, names[:10])) + ", ..." * (len(names) > 10)
        raise ValueError(
            f"`positive` is None or the name of a class: {some}.{nearest(positive, names)} "
            f"Received: positive={positive!r}"
        )
    return names.index(positive)


def check_rank(name, rank, size):
    """Refuses a size for clips if the examples are images, and the reverse."""
    if len(size) != rank:
        words = "(height, width, channels)" if rank == 3 else "(frames, height, width, channels)"
        refuse("size", f"{words} for {str(name)!r}", size)


def spread(n, count):
    """Numbers of `count` of n rows, spread evenly; None, or more than n, takes all."""
    count = min(n, count or n)
    return np.arange(count) * n // count


def stratified(labels, count):
    """Numbers of `count` rows drawn at random, with the same share of each class; always the same ones.

    A class with one row keeps it, unless the others have too few.
    """
    by_class = np.lexsort((np.random.default_rng(0).random(len(labels)), labels))
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    others = by_class[sizes[classes][by_class] > 1]
    rows = others if count < len(others) else by_class
    return np.sort(rows[(2 * np.arange(count) + 1) * len(rows) // (2 * count)])


def shuffled(n):
    """The order of n rows, as in `Source`. Any row of it is computed without those before it."""

    def order(epoch, seed, first):
        rows = tf.data.Dataset.range(first, n)
        if seed is None:
            return rows
        seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
        return rows.map(lambda row: index_shuffle(row, seeds, tf.constant(n - 1, tf.int64)))

    return order


def balanced(groups, n):
    """The order of rows in epochs of n examples, in which each group of rows has the same share.

    Of any successive examples as many as there are groups, counted from the start of an epoch, one is of each
    group. What is left over at the end of an epoch goes to the groups in turn. No row of a group comes again
    before all of its rows came; each of these passes has an order of its own. Any row is computed without
    those before it.

    Args:
        groups: Numbers of the rows of each group; a row may be in several.
        n: Number of examples in an epoch.

    Returns:
        An order, as in `Source`.
    """
    count, rows = len(groups), tf.constant(np.concatenate(groups), tf.int64)
    sizes = np.array([len(group) for group in groups])
    starts, sizes = tf.constant(np.cumsum(sizes) - sizes, tf.int64), tf.constant(sizes, tf.int64)
    rounds, rest = divmod(n, count)

    def order(epoch, seed, first):
        def permuted(index, size, *numbers):
            if seed is None:
                return index
            seeds = tf.constant([seed, 0], tf.int64)
            for number in numbers:
                seeds = derived_seed(seeds, number)
            return index_shuffle(index, seeds, size - 1)

        def row(place):
            turn = place // count
            is_whole = turn < rounds
            size = tf.where(is_whole, tf.constant(count, tf.int64), rest)
            group = permuted(place % count, size, epoch, turn)
            group = tf.where(is_whole, group, (epoch * rest + group) % count)
            before = epoch * rounds + (epoch * rest + count - 1 - group) // count + turn
            own = permuted(before % sizes[group], sizes[group], -1 - group, before // sizes[group])
            return rows[starts[group] + own]

        return tf.data.Dataset.range(first, n).map(row)

    return order


def in_files(paths, lengths, chosen, size):
    """The order of the chosen records in TFRecord files of `size` bytes together.

    The files are shuffled, and records within blocks of `BLOCK` bytes. Records that are not chosen are read,
    but not decoded. A row is the number of a record, counted through all files, and the record.

    Args:
        paths: Paths of the files.
        lengths: Number of records in each.
        chosen: Numbers of the chosen records, sorted.
        size: Size of all files in bytes.
    """
    n = sum(lengths)
    paths = tf.constant([os.fspath(path) for path in paths])
    starts = tf.constant(np.cumsum([0, *lengths[:-1]]), tf.int64)
    is_chosen = tf.constant(np.isin(np.arange(n), chosen))
    kept = tf.constant([*chosen, n], tf.int64)
    block = max(1, BLOCK * n // max(1, size))

    def numbered(path, start):
        return tf.data.TFRecordDataset(path).enumerate(start)

    def of_chosen(records):
        return records.filter(lambda number, record: is_chosen[number]) if len(chosen) < n else records

    def in_order(first):
        number = kept[first]
        file = tf.searchsorted(starts, number[None], side="right")[0] - 1
        files = tf.data.Dataset.from_tensor_slices((paths[file:], starts[file:]))
        return of_chosen(files.flat_map(numbered).skip(number - starts[file]))

    def order(epoch, seed, first):
        if seed is None:
            return in_order(first)
        seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
        numbers = shuffle(tf.range(len(lengths)), derived_seed(seeds, 0))
        records = tf.data.Dataset.from_tensor_slices((tf.gather(paths, numbers), tf.gather(starts, numbers)))
        records = records.interleave(
            numbered,
            cycle_length=16,
            block_length=16,
            num_parallel_calls=2,
            deterministic=True,
        )
        blocks = of_chosen(records).batch(block).enumerate(1)

        def mixed(i, rows):
            places = shuffle(tf.range(tf.size(rows[0])), derived_seed(seeds, i))
            return tuple(tf.gather(part, places) for part in rows)

        return blocks.map(mixed).prefetch(1).unbatch().skip(first)

    return order
