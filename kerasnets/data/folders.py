"""Folders with a subfolder for each class: their images, and those of them that cannot be decoded."""

import collections
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import re
from importlib import metadata

import numpy as np
import rich.progress
import tensorflow as tf

from kerasnets import files
from kerasnets.checks import nearest, refuse
from kerasnets.data import decoding

# Endings of image files. What cannot be decoded is named, and not taken for something else.
IMAGES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".dib", ".tif", ".tiff",
    ".avif", ".heic", ".heif", ".jp2", ".jxl", ".ppm", ".pgm", ".pbm", ".pnm", ".ico", ".tga", ".psd", ".svg",
)  # fmt: skip
# Names that the folder of a split may have, in order of preference, in upper or lower case.
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "test", "testing"),
    "test": ("test", "testing", "val", "validation", "valid"),
}
ALL = "all"  # all examples of a folder that is not divided into splits
NO_CLASSES = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found")  # folders that systems make
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
TABLES = (".csv", ".tsv")
SHOWN = 5  # most names in an error
SAMPLE = 2**18  # bytes of a part of a large file
TEST_EVERY = 5  # every fifth example is for testing in folders without splits, as in "digits"


def opened(data_dir):
    """The path of a folder that a user gave as `data_dir`.

    Raises:
        ValueError: There is none; the message says what there is instead.
    """
    path = pathlib.Path(data_dir).expanduser()
    if path.is_dir():
        return path
    words = "a folder that exists"
    if path.is_file():
        words = "a folder, not a file"
        if path.name.lower().endswith(ARCHIVES):
            words = f"a folder: unpack {path.name} first, and give the folder that holds its contents"
        elif path.name.lower().endswith(IMAGES):
            words = "a folder with a folder of images for each class, not an image"
        elif path.name.lower().endswith(TABLES):
            words = "the folder of the images; a CSV file of their labels is given as `labels`"
    elif path.parent.is_dir():
        near = nearest(path.name, subfolders(path.parent))
        raise ValueError(f"`data_dir` is {words}.{near} Received: data_dir={str(data_dir)!r}")
    return refuse("data_dir", words, str(data_dir))


def holds(root):
    """Whether a folder holds class folders with images."""
    folder = next((f for f in split_folders(root).values() if f), root)
    return any(depth(os.path.join(folder, name), most=2) for name in subfolders(folder))


def split_folders(root):
    """The folder of each split, or None, by name of the split; all are None if the folder is not divided.

    A split holds class folders, and these hold images, or folders of frames. So a folder that holds images is
    a class, whatever its name; and of folders as deep as all others, such as the classes "valid" and
    "invalid" of videos, only "train" with a split beside it is one.
    """
    root = pathlib.Path(root)
    depths = {name: depth(root / name) for name in subfolders(root)}
    splits = {
        split: next((n for word in words for n in depths if n.lower() == word and depths[n] > 1), None)
        for split, words in SPLITS.items()
    }
    found = {*splits.values()} - {None}
    others = [depths[name] for name in depths if name not in found]
    is_pair = splits["train"] and len(found) > 1
    if not is_pair and any(other >= depths[name] for other in others for name in found):
        found = ()
    return {split: root / name if name in found else None for split, name in splits.items()}


def depth(folder, most=3):
    """Number of folders from this one down to the first images, this one included; 0 if there are none."""
    with os.scandir(folder) as entries:
        if any(is_image(entry) for entry in entries):
            return 1
    inside = (depth(os.path.join(folder, name), most - 1) for name in subfolders(folder) if most > 1)
    return next((levels + 1 for levels in inside if levels), 0)


def trouble(root):
    """What is wrong with a folder that holds no class folders, and how to mend it, in words."""
    listed = sorted(entry.name for entry in os.scandir(root) if is_visible_file(entry))
    images = [name for name in listed if name.lower().endswith(IMAGES)]
    deeper = next(deeper_folders(root), None)
    if images:
        mend = f"put those of each class into a folder of its name, or give {labels_in(root)}"
        return f"{root} holds {some(images, 'image')}, but no class folders: {mend}"
    if deeper:
        return f"those of {root} are deeper: give {shown(deeper)}"
    archives = [name for name in listed if name.lower().endswith(ARCHIVES)]
    if archives:
        return f"unpack {', '.join(map(shown, archives[:SHOWN]))} in {root} first"
    return f"{root} {holding(root)}"


def deeper_folders(root, levels=3):
    """Folders in a folder and its subfolders that hold class folders with images, the highest first."""
    level = [root]
    for _ in range(levels):
        level = [os.path.join(folder, name) for folder in level for name in subfolders(folder)][:1000]
        yield from (folder for folder in level if holds(folder))


def labels_in(root):
    """The argument `labels` that a folder without classes may need, in words."""
    tables = sorted(e.name for e in os.scandir(root) if e.name.lower().endswith(TABLES))
    return f"labels={tables[0]!r}" if tables else "a CSV file of their names and labels as `labels`"


def holding(folder):
    """What a folder holds that has no images, in words."""
    kinds = collections.Counter(kind_of(entry.name) for entry in os.scandir(folder) if is_visible_file(entry))
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(SHOWN))
    if counts:
        return f"holds no images, but files: {counts}"
    return "holds only folders without images" if subfolders(folder) else "is empty"


def kind_of(name):
    """The ending of a file's name, or all of a name without one."""
    return shown(os.path.splitext(name)[1].lower() or name)


def some(names, word):
    """How many there are of a thing, and the first, in words."""
    return f"{len(names):,} {word}{'s' * (len(names) > 1)}, such as {shown(names[0])}"


def find(root, split):
    """Finds the examples of a split.

    A folder contains a folder for each split ("train" or "training"; "test", "testing", "validation", "val"
    or "valid"), and these contain one for each class. Or it contains the class folders directly; then every
    fifth example is for testing, and the last one of a class with 2 to 4.

    Args:
        root: The folder.
        split: "train", "validation" or "test", or "all" for all examples of a folder without splits.

    Returns:
        Names of the classes, sorted; examples, each the path of an image in `root`, or a tuple with the
        paths of a video's frames; and their labels.

    Raises:
        ValueError: The split is missing or has no class or image, a class has no images, or it is not in the
            training split.
    """
    root = pathlib.Path(root)
    splits = split_folders(root)
    divided = any(splits.values())
    folder = splits.get(split) if divided else root
    if folder is None:
        loose = [n for n in subfolders(root) if n.lower() in SPLITS.get(split, ()) and depth(root / n) == 1]
        why = f"; {loose[0]!r} holds images, but no class folders" if loose else ""
        refuse("split", f"one that {root} has: {', '.join(s for s in SPLITS if splits[s])}{why}", split)
    here = subfolders(folder)
    names = subfolders(splits["train"]) if splits["train"] else here
    strange = sorted({*here} - {*names})
    if strange:
        raise ValueError(
            f"{folder} has classes that are not in {splits['train']}: "
            f"{', '.join(map(shown, strange[:SHOWN]))}.{nearest(strange[0], names)}"
        )
    examples, labels = [], []
    for label, name in enumerate(names):
        found = in_class(folder / name, root) if name in here else []
        if not found and folder == (splits["train"] or folder):
            words = f"a folder whose class folders all hold images, unlike {shown(name)!r}, "
            words += f"which {holding(folder / name)}: remove it, or put images into it"
            refuse("data_dir", words, str(root))
        if not divided and split != ALL:
            tested = tests_among(len(found))
            found = [e for i, e in enumerate(found) if (i in tested) == (split != "train")]
        examples += found
        labels += [label] * len(found)
    if not examples and not divided:
        refuse("split", f"'train' for {root}, whose classes have one image each, so none for testing", split)
    if len({type(e) for e in examples}) != 1:
        images = {os.path.dirname(e): e for e in examples if isinstance(e, str)}
        frames = {os.path.dirname(os.path.dirname(e[0])): e[0] for e in examples if not isinstance(e, str)}
        both = next((folder for folder in images if folder in frames), None)  # a folder that holds both
        image, frame = images.get(both, [*images.values()][0]), frames.get(both, [*frames.values()][0])
        words = f"not both: move one kind, such as {shown(image)}, away from {shown(frame)} and the like"
        allowed = f"a folder of class folders, which hold images or folders of frames, {words}"
        refuse("data_dir", allowed, str(folder))
    return tuple(map(shown, names)), examples, labels


def main_labels(labels):
    """The class by which each example counts where classes are shared out: of several labels the rarest.

    Args:
        labels: Class numbers, (n,), or 1 for each label of an example, (n, classes).

    Returns:
        Class numbers, (n,); the number of classes for an example without a label.
    """
    labels = np.asarray(labels)
    if labels.ndim == 1:
        return labels
    order = np.argsort(labels.sum(0), kind="stable")  # the rarest first
    rarest = order[(labels[:, order] > 0).argmax(1)]
    return np.where(labels.any(1), rarest, labels.shape[1])


def tests_among(count):
    """Numbers of the examples for testing among those of a class, in a folder that is not divided."""
    if count < TEST_EVERY:
        return range(max(1, count - 1), count)
    return range(TEST_EVERY - 1, count, TEST_EVERY)


def subfolders(folder):
    """Names of the folders in a folder, sorted, but for hidden ones and those that systems make."""
    names = (entry.name for entry in os.scandir(folder) if entry.is_dir())
    return sorted(name for name in names if not name.startswith(".") and name not in NO_CLASSES)


def in_class(folder, root):
    """The examples of a class folder, in the order of their names: images, or folders of frames.

    Paths begin in `root`, so that they are the same however the path of `root` is written.
    """
    inside = os.path.relpath(folder, root)
    names = {*subfolders(folder)}
    examples = []
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name in names:
            frames = sorted(e.name for e in os.scandir(entry) if is_image(e))
            if frames:
                examples.append(tuple(os.path.join(inside, entry.name, frame) for frame in frames))
        elif is_image(entry):
            examples.append(os.path.join(inside, entry.name))
    return examples


def images_below(root):
    """Paths in a folder of all images in it and its subfolders, folder by folder, each sorted by name."""
    found, inside, seen = [], [""], set()
    while inside:
        here = inside.pop()
        folder = os.path.join(root, here)
        identity = os.path.realpath(folder)
        if identity in seen:  # by a link
            continue
        seen.add(identity)
        found += sorted(os.path.join(here, entry.name) for entry in os.scandir(folder) if is_image(entry))
        inside += [os.path.join(here, name) for name in reversed(subfolders(folder))]
    return found


def is_visible_file(entry):
    """Whether an entry of a folder is a file, and not hidden."""
    return not entry.name.startswith(".") and not entry.is_dir()


def is_image(entry):
    """Whether an entry of a folder is a file that is named like an image, and not hidden."""
    return entry.name.lower().endswith(IMAGES) and not entry.name.startswith(".") and not entry.is_dir()


def shown(path):
    """A name or path as text that every file and terminal takes: bytes that are no UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def undecodable(paths, root):
    """Finds images that cannot be decoded.

    All images are decoded once before a run, so that the number of steps is known. The result is cached in
    Keras's folder, ~/.keras, until the size or modification time of a file changes, or the version of what
    decodes them.

    Args:
        paths: Paths of images in the folder.
        root: The folder.

    Returns:
        A dict from the number of each such image in `paths` to what is wrong with it.
    """
    home = pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    memory = home / "kerasnets" / f"checked-{fingerprint(paths, root)}.json"
    if memory.is_file():
        return {int(number): why for number, why in files.read_json(memory).items()}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(problem, [os.path.join(root, path) for path in paths])
        words = f"checking the images of {shown(root)}, once"
        problems = rich.progress.track(problems, words, len(paths), transient=True, disable=len(paths) < 2000)
        found = {number: why for number, why in enumerate(problems) if why}
    with contextlib.suppress(OSError):  # the home folder may not be writable
        memory.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(memory, {str(number): why for number, why in found.items()})
    return found


def fingerprint(paths, root):
    """A hash of the paths, sizes and modification times of files, 32 characters."""
    digest = hashlib.sha256(f"{tf.__version__} {metadata.version('pillow')}\n".encode())
    for path in paths:
        with contextlib.suppress(OSError):  # broken links
            stat = os.stat(os.path.join(root, path))
            digest.update(os.fsencode(path) + f"\0{stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def content_digest(paths, root):
    """A hash of the paths and contents of files, 32 characters; of large files, parts of the content."""
    digest = hashlib.sha256()
    for path in paths:
        with open(os.path.join(root, path), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest.update(os.fsencode(path) + f"\0{size}\n".encode())
            for start in (0,) if size <= 3 * SAMPLE else (0, (size - SAMPLE) // 2, size - SAMPLE):
                file.seek(start)
                digest.update(file.read(3 * SAMPLE if size <= 3 * SAMPLE else SAMPLE))
    return digest.hexdigest()[:32]


def problem(path):
    """What is wrong with an image, or None."""
    try:
        content = pathlib.Path(path).read_bytes()
        if not content:
            return "empty"
        if decoding.is_native(content):
            decoding.pixels(content)
        else:
            decoding.pillow_decode(content)
    except tf.errors.OpError as error:
        return re.sub(r"\{\{.*?\}\} ?| \[Op:.*", "", error.message.splitlines()[0])
    except OSError as error:
        return error.strerror
    except ValueError as error:
        return str(error)
    return None
