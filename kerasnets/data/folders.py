"""Folders with a subfolder for each class: finding their images, and the corrupt ones among these."""

import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import re

import rich.progress
import tensorflow as tf

from kerasnets import files
from kerasnets.checks import refuse
from kerasnets.data import decoding

IMAGES = (".jpg", ".jpeg", ".png", ".gif", ".bmp")
# Names that the folder of a split may have, in order of preference.
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "test"),
    "test": ("test", "val", "validation", "valid"),
}
decode = tf.function(decoding.decode, input_signature=[tf.TensorSpec([], tf.string)])
TEST_EVERY = 5  # every fifth example is for testing in folders without splits, as in "digits"


def holds(root):
    """Whether a folder holds class folders with images."""
    split = next((f for f in split_folders(root).values() if f), pathlib.Path(root))
    return any(in_class(split / name) for name in subfolders(split))


def split_folders(root):
    """The folder of each split, or None, by name of the split."""
    root = pathlib.Path(root)
    return {s: next((root / n for n in names if (root / n).is_dir()), None) for s, names in SPLITS.items()}


def find(root, split):
    """Finds the examples of a split.

    A folder contains a folder for each split ("train"; "test", "validation" or "val"), and these contain one
    for each class. Or it contains the class folders directly; then every fifth example is for testing.

    Args:
        root: The folder.
        split: "train", "validation" or "test".

    Returns:
        Names of the classes, sorted; examples, each the path of an image, or a tuple with the paths of a
        video's frames; and their labels.

    Raises:
        ValueError: The split is missing or has no class or image, or a class is not in the training split.
    """
    splits = split_folders(root)
    divided = any(splits.values())
    folder = splits[split] if divided else pathlib.Path(root)
    if folder is None:
        refuse("split", f"one that {root} has: {', '.join(s for s in SPLITS if splits[s])}", split)
    here = subfolders(folder)
    names = subfolders(splits["train"]) if splits["train"] else here
    strange = sorted({*here} - {*names})
    if strange:
        raise ValueError(f"{folder} has classes that are not in {splits['train']}: {', '.join(strange[:5])}")
    examples, labels = [], []
    for label, name in enumerate(names):
        found = in_class(folder / name) if name in here else []
        if not divided and split == "train":
            del found[TEST_EVERY - 1 :: TEST_EVERY]
        elif not divided:
            found = found[TEST_EVERY - 1 :: TEST_EVERY]
        examples += found
        labels += [label] * len(found)
    if len({type(e) for e in examples}) != 1:
        refuse(
            "data_dir", f"a folder of class folders of images ({', '.join(IMAGES)}) or of videos", str(folder)
        )
    return names, examples, labels


def subfolders(folder):
    """Names of the folders in a folder, sorted."""
    return sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith("."))


def in_class(folder):
    """The examples of a class folder, in the order of their names: images, or folders of frames."""
    examples = []
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.is_dir():
            frames = images(entry.path)
            if frames:
                examples.append(frames)
        elif is_image(entry):
            examples.append(entry.path)
    return examples


def images(folder):
    """Paths of the images in a folder, in the order of their names."""
    return tuple(sorted(e.path for e in os.scandir(folder) if is_image(e)))


def is_image(entry):
    """Whether an entry of a folder is named like an image."""
    return entry.name.lower().endswith(IMAGES) and not entry.name.startswith(".")


def corrupt(paths, root):
    """Finds corrupt images.

    All images are decoded once before a run, so that the number of steps is known. The result is cached in
    Keras's folder, ~/.keras, until the size or modification time of a file changes.

    Args:
        paths: Paths of images.
        root: Folder that contains them, to be shown with the progress.

    Returns:
        A dict from the path of each corrupt image to what is wrong with it.
    """
    home = pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    memory = home / "kerasnets" / f"checked-{fingerprint(paths)}.json"
    if memory.is_file():
        return files.read_json(memory)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(problem, paths)
        words = f"checking the images of {root}, once"
        problems = rich.progress.track(problems, words, len(paths), transient=True, disable=len(paths) < 2000)
        found = {path: why for path, why in zip(paths, problems, strict=True) if why}
    with contextlib.suppress(OSError):  # the home folder may not be writable
        memory.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(memory, found)
    return found


def fingerprint(paths):
    """A hash of the paths, sizes and modification times of files, 32 characters."""
    digest = hashlib.sha256()
    for path in paths:
        with contextlib.suppress(OSError):  # broken links
            stat = os.stat(path)
            digest.update(f"{os.path.abspath(path)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def problem(path):
    """What is wrong with an image, or None."""
    try:
        content = pathlib.Path(path).read_bytes()
        if not content:
            return "empty"
        if decoding.is_native(content):
            decode(content)
        else:
            decoding.pillow_decode(content)
    except tf.errors.OpError as error:
        return re.sub(r"\{\{.*?\}\} ?| \[Op:.*", "", error.message.splitlines()[0])
    except (OSError, ValueError) as error:
        return str(error)
    return None
