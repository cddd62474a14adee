"""What a folder of labeled images holds, and what is wrong with it, before any image is decoded."""

import collections
import dataclasses
import itertools
import os
from collections.abc import Sequence

import numpy as np

from kerasnets.checks import refuse
from kerasnets.data import datasets, folders, sources
from kerasnets.data import labels as tables
from kerasnets.data.folders import SHOWN, shown
from kerasnets.tables import first_of


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a folder of labeled images holds.

    Attributes:
        class_names: Names of the classes, in the order of their numbers.
        counts: For each split that differs from those before it, the number of examples of each class. An
            example with several labels counts for each of them.
        several: Whether an image may have several labels, or none.
        notes: What a user may not expect, a sentence each: images and files that are not used, classes with
            one example, and the like.
    """

    class_names: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    several: bool
    notes: tuple[str, ...]


def check_folder(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    labels: str | os.PathLike | None = None,
    positive: str | None = None,
    size: Sequence[int] | None = None,
) -> Contents | None:
    """Says what is wrong with a folder of images to train on, and how to mend it.

    No image is decoded and nothing downloaded: 100,000 images take seconds.

    Args:
        name, data_dir, labels, positive, size: Arguments of `kerasnets.data.stream`; a size of None is one
            of images or clips.

    Returns:
        The `Contents` of the folder; None for a dataset that is not a folder of images.

    Raises:
        ValueError: The folder, or the CSV file, does not hold examples of at least two classes to train on.
            The message says what it holds instead.
    """
    if labels is None and (data_dir is None or name in sources.WITHOUT_FOLDER):
        return None
    if data_dir is None:
        refuse("labels", f"None for {name!r}, unless `data_dir` is a folder of images", str(labels))
    root = folders.opened(data_dir)
    if labels is None and not sources.is_folder(name, root):
        if datasets.in_idx(name, root) or datasets.prepared(name, root) or name in datasets.SOURCES:
            return None
        words = "directly or inside train and test"
        allowed = f"a folder with a folder of images for each class, {words}; {folders.trouble(root)}"
        refuse("data_dir", allowed, str(root))
    table = None if labels is None else tables.read(labels, root)
    names, counts = in_folder(root) if table is None else in_table(table)
    if table is None:
        check_splits(root, names, counts)
        if size is not None:
            sources.check_examples(root, *folders.find(root, "train")[:2], size)
    check_classes(root, table, names, counts)
    if positive is not None:
        sources.number_of(positive, names)
    others = notes_on_folder(root) if table is None else notes_on_table(table)
    notes = [*notes_on_classes(names, counts), *others]
    counts = {split: tuple(map(int, of)) for split, of in counts.items()}
    return Contents(names, counts, table is not None and table.labels.ndim == 2, tuple(notes))


def in_folder(root):
    """Names of the classes of a folder of class folders, and the number of examples of each by split."""
    splits = folders.split_folders(root)
    if not any(splits.values()):
        names, _, labels = folders.find(root, folders.ALL)
        all_of = np.bincount(labels, minlength=len(names))
        tests = np.array([len(folders.tests_among(count)) for count in all_of])
        return names, {"train": all_of - tests, "test": tests} if tests.any() else {"train": all_of}
    counts, seen = {}, set()
    for split, folder in splits.items():
        if folder is not None and folder not in seen:
            seen.add(folder)
            names, _, labels = folders.find(root, split)
            counts[split] = np.bincount(labels, minlength=len(names))
    return names, counts


def in_table(table):
    """Names of the classes of a CSV file, and the number of examples of each by split."""
    counts, seen = {}, set()
    for split in table.has():
        rows = table.rows(split)
        if len(rows) and tuple(rows) not in seen:
            seen.add(tuple(rows))
            labels, classes = table.labels[rows], len(table.class_names)
            is_several = labels.ndim == 2
            counts[split] = labels.sum(0) if is_several else np.bincount(labels, minlength=classes)
    return table.class_names, counts


def check_splits(root, names, counts):
    """Refuses a folder without training images, or one whose splits hold images without class folders."""
    if all(map(is_split, names)):
        which = " and ".join(repr(name) for name in names[:SHOWN])
        mend = f"put those of each class into a folder of its name in it, or give {folders.labels_in(root)}"
        refuse("data_dir", f"a folder of class folders, but {which} of {root} hold images: {mend}", str(root))
    if "train" not in counts:
        has = ", ".join(folders.subfolders(root))
        refuse("data_dir", f"a folder with a folder 'train' of class folders, not only {has}", str(root))


def check_classes(root, table, names, counts):
    """Refuses data of fewer than two classes, or of a class without an example to train on."""
    argument, received = ("data_dir", root) if table is None else ("labels", table.file)
    if "train" not in counts:
        has = ", ".join(counts)
        refuse(argument, f"a CSV file with images of the split 'train', not only of {has}", str(received))
    if len(names) < 2 and (table is None or table.labels.ndim == 1):
        mend = "add images of others, such as a class 'other' to tell it from"
        deeper = next(folders.deeper_folders(root), None) if table is None else None
        if deeper:
            mend = f"give {shown(deeper)}, whose folders are the classes"
        elif table is None and any(e.name.lower().endswith(folders.TABLES) for e in os.scandir(root)):
            mend = f"give {folders.labels_in(root)}, or {mend}"
        what = "folder of images" if table is None else "CSV file of labels"
        words = f"a {what} of at least two classes, not of {names[0]!r} alone: {mend}"
        refuse(argument, words, str(received))
    missing = [name for name, count in zip(names, counts["train"], strict=True) if not count]
    if missing:
        some = ", ".join(missing[:SHOWN])
        refuse(argument, f"a CSV file with images to train on of every class, unlike {some}", str(received))


def is_split(name):
    """Whether a folder is named like a split."""
    return any(name.lower() in words for words in folders.SPLITS.values())


def notes_on_classes(names, counts):
    """Sentences about classes with few examples, and about their names."""
    single = [name for name, count in zip(names, counts["train"], strict=True) if count == 1]
    if single:
        yield f"Classes with one image to train on: {first_of(single)}."
    for split, of in counts.items():
        absent = [name for name, count in zip(names, of, strict=True) if not count]
        if absent:
            yield f"Classes without an image in the split {split!r}: {first_of(absent)}."
    if len(counts) == 1:
        yield "There are no images to test on."
    for _, alike in itertools.groupby(sorted(names, key=str.casefold), str.casefold):
        alike = [*alike]
        if len(alike) > 1:
            yield f"Names of classes that differ only in upper and lower case: {first_of(alike)}."


def notes_on_folder(root):
    """Sentences about what is in a folder of class folders, but is not used."""
    splits = {folder for folder in folders.split_folders(root).values() if folder}
    if splits:
        unused = [name for name in folders.subfolders(root) if root / name not in splits]
        if unused:
            flat = [name for name in unused if is_split(name) and folders.depth(root / name) == 1]
            words = (
                "that hold images, but no class folders, and are" if flat else "that are no splits and are"
            )
            yield f"Folders {words} not used: {', '.join(map(shown, (flat or unused)[:SHOWN]))}."
    others = collections.Counter()
    for folder in sorted(splits) or [root]:
        loose = sorted(entry.name for entry in os.scandir(folder) if folders.is_image(entry))
        if loose:
            yield f"{folder} holds {folders.some(loose, 'image')}, beside its class folders, not used."
        for name in folders.subfolders(folder):
            for entry in os.scandir(folder / name):
                if folders.is_visible_file(entry) and not folders.is_image(entry):
                    others[folders.kind_of(entry.name)] += 1
    if others:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in others.most_common(SHOWN))
        yield f"Files in class folders that are not used, since they are not named as images: {counts}."


def notes_on_table(table):
    """Sentences about images of a CSV file that a user may not expect."""
    if table.labels.ndim == 2 and (empty := int((~table.labels.any(1)).sum())):
        yield f"Images without a label: {empty:,}."
    if table.unnamed:
        yield f"Images of the folder that {table.file.name} does not name, not used: {table.unnamed:,}."
    if table.repeated:
        yield f"Lines of {table.file.name} that repeat another: {table.repeated:,}."
