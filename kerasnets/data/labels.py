"""Labels of images in a CSV file, as competitions publish them: one label or several for each image.

A line names an image and its labels, in one of three forms:

    image,label            image,labels              image,rust,scab
    a.jpg,rust             a.jpg,rust scab           a.jpg,1,1
    b.jpg,scab             b.jpg,                    b.jpg,0,0
"""

import collections
import csv
import dataclasses
import io
import itertools
import os
import pathlib
import re

import numpy as np

from kerasnets.checks import refuse
from kerasnets.data import folders
from kerasnets.data.names import Images, is_image
from kerasnets.tables import first_of

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 50  # lines by which the delimiter and the column of the images are found
SPLIT = "split"  # name of the column of splits
# Names of the column of labels, where there are other columns. Blanks separate labels in the second ones.
LABEL = ("label", "class", "category", "target", "tag")
LABELS = ("labels", "classes", "categories", "targets", "tags")
INDEX = ("", "unnamed: 0")  # names of the column of line numbers that pandas writes
FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}  # of a column for each class
SHOWN = folders.SHOWN


@dataclasses.dataclass(frozen=True)
class Table:
    """A CSV file of labels.

    Attributes:
        file: Its path.
        class_names: Names of the classes, sorted; whole numbers by value.
        examples: Path of each image in the folder, in the order of the lines.
        labels: Class numbers, int64, (n,); or float32, (n, classes), 1 for each label, if an image has
            several labels or none.
        splits: The word in the column "split" for each image, in lower case; None if there is no such column.
        unnamed: Number of images in the folder that the file does not name.
        repeated: Number of lines that repeat another.
    """

    file: pathlib.Path
    class_names: tuple
    examples: list
    labels: np.ndarray
    splits: np.ndarray | None
    unnamed: int = 0
    repeated: int = 0

    def has(self):
        """The splits that there are; training and test without a column of splits."""
        if self.splits is None:
            return ("train", "test")
        return [s for s, words in folders.SPLITS.items() if np.isin(self.splits, words).any()]

    def rows(self, split):
        """The numbers of the examples of a split.

        Without a column of splits, every fifth image of a class is for testing, as `folders.find` says; an
        image with several labels counts as of the rarest.
        """
        if self.splits is not None:
            words = folders.SPLITS.get(split, ())
            word = next((word for word in words if (self.splits == word).any()), None)
            if word is None:
                has = ", ".join(self.has())
                refuse("split", f"one that the column {SPLIT!r} of {self.file} has: {has}", split)
            return np.flatnonzero(self.splits == word)
        if split == folders.ALL:
            return np.arange(len(self.examples))
        main, is_test = folders.main_labels(self.labels), np.zeros(len(self.examples), bool)
        for label in np.unique(main):
            own = np.flatnonzero(main == label)
            is_test[own[[*folders.tests_among(len(own))]]] = True
        for has in self.labels.T > 0 if self.labels.ndim == 2 else ():
            if has.any() and not has[~is_test].any():  # each label is trained on
                is_test[has.argmax()] = False
        return np.flatnonzero(is_test == (split != "train"))


def find(file, root, split):
    """Finds the examples of a split by a CSV file.

    Args:
        file: Path of the CSV file, in the folder of the images or as it is.
        root: The folder of the images.
        split: "train", "validation" or "test", or "all" for a file without a column of splits.

    Returns:
        Names of the classes; paths of the examples in `root`; and their labels, as in `Table`.

    Raises:
        ValueError: The file cannot be read, its lines do not name images in the folder, it is not clear what
            their labels are, or the split is missing.
    """
    table = read(file, root)
    rows = table.rows(split)
    if not len(rows):
        refuse("split", f"'train' for {table.file}, whose classes have one image each", split)
    return table.class_names, [table.examples[row] for row in rows], table.labels[rows]


def read(file, root):
    """Reads a CSV file as a `Table`; for the arguments and errors, see `find`."""
    path = located(file, root)
    content = text(path)
    images = Images(root)
    lines, header, image = parsed(path, content, images)
    lines = [(number, fields) for number, fields in lines if any(fields)]
    wrong = [number for number, fields in lines if len(fields) != len(header)]
    if wrong:
        words = "labels that contain the delimiter stand in quotes"
        say(path, f"with {len(header)} columns in every line, unlike line {first_of(wrong)}; {words}")
    found = [images.find(fields[image]) for _, fields in lines]
    check_found(path, root, lines, image, found, images)
    names = [name.lower() for name in header]
    columns = [i for i, name in enumerate(names) if i != image and name not in (SPLIT, *INDEX)]
    classes, labels = labels_of(path, lines, header, columns)
    words = [fields[names.index(SPLIT)].lower() for _, fields in lines] if SPLIT in names else None
    if words is not None:
        known = {word for words in folders.SPLITS.values() for word in words}
        wrong = [number for (number, _), word in zip(lines, words, strict=True) if word not in known]
        if wrong:
            say(
                path,
                f"whose column {SPLIT!r} has {', '.join(sorted(known))}, unlike line {first_of(wrong)}",
            )
    table = table_of(path, lines, [one for (one,) in found], classes, labels, words)
    return dataclasses.replace(table, unnamed=images.count - len(table.examples))


def located(file, root):
    """The path of a CSV file, in the folder of the images or as it is."""
    given = pathlib.Path(file).expanduser()
    paths = [path for path in (pathlib.Path(root) / given, given) if path.is_file()]
    if paths:
        return paths[0]
    near = sorted(e.name for e in os.scandir(root) if e.name.lower().endswith(folders.TABLES))
    has = f"; {root} has {', '.join(near[:SHOWN])}" if near else ""
    return refuse("labels", f"the path of a CSV file, in {root} or from here{has}", str(file))


def text(path):
    """The text of a CSV file: UTF-8, with or without byte order mark, or UTF-16 with it."""
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        decoded = content.decode(encoding)
        if "\0" in decoded:
            raise UnicodeError
        return decoded
    except UnicodeError:
        say(path, "in UTF-8, as Excel saves it by 'CSV UTF-8', or other programs by 'csv'")


def parsed(path, content, images):
    """The lines of a CSV file, with their numbers; the names of its columns; and the column of the images.

    The delimiter and the column are those by which most of the first lines name images.
    """

    def lines(delimiter):
        reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, skipinitialspace=True)
        try:
            for fields in reader:
                yield reader.line_num, [field.strip() for field in fields]
        except csv.Error as error:
            say(path, f"that can be read, unlike line {reader.line_num}: {error}")

    if not content.strip():
        say(path, "with lines, unlike this one, which is empty")
    best = (0, None, 0)
    for delimiter in DELIMITERS:
        first = [fields for _, fields in itertools.islice(lines(delimiter), SAMPLE)]
        hits = collections.Counter(
            i for fields in first for i, field in enumerate(fields) if field and images.find(field)
        )
        for column in sorted(hits):
            if hits[column] > best[0]:
                best = (hits[column], delimiter, column)
    _, delimiter, image = best
    if delimiter is None:
        some = ", ".join(repr(line[:60]) for line in content.splitlines()[:3])
        say(
            path,
            f"with a column that names images of {images.root}, with or without their ending, such as "
            f"{images.first()}; its first lines are {some}",
        )
    rows = list(lines(delimiter))
    rows = rows[next(i for i, (_, fields) in enumerate(rows) if any(fields)) :]
    first = rows[0][1]
    if len(first) <= image or not (images.find(first[image]) or is_image(first[image])):
        return rows[1:], first, image
    if len(first) > 2:
        say(path, f"whose first line names its {len(first)} columns, such as image,label,{SPLIT}")
    return rows, ["image" if i == image else "label" for i in range(len(first))], image


def check_found(path, root, lines, image, found, images):
    """Refuses lines whose image is missing, or is one of several files."""
    missing = [(n, fields[image]) for (n, fields), paths in zip(lines, found, strict=True) if not paths]
    if missing:
        some = ", ".join(f"{name!r} (line {number})" for number, name in missing[:SHOWN])
        count = f"{len(missing)} of its {len(lines)} images are"
        _, like = images.like(missing[0][1])
        near = f", although {folders.shown(like[0][0])} is" if like else ""
        say(
            path,
            f"of images in {root}, but {count} not there: {some}{near}; remove these lines or add the files",
        )
    double = [(n, paths) for (n, _), paths in zip(lines, found, strict=True) if len(paths) > 1]
    if double:
        number, paths = double[0]
        some = " or ".join(folders.shown(p) for p in paths[:SHOWN])
        words = "name the folders too, or give the folder that holds the images as `data_dir`"
        say(path, f"that names one file in each line, but line {number} means {some}; {words}")


def labels_of(path, lines, header, columns):
    """Names of the classes, and for each line the set of its labels."""
    if not columns:
        say(path, f"with a column of labels beside that of the images; its columns are {', '.join(header)}")
    named = [i for i in columns if header[i].lower() in (*LABEL, *LABELS)]
    flags = [[FLAGS.get(fields[i].lower()) for i in columns] for _, fields in lines]
    if len(columns) > 1 and not any(None in row for row in flags):
        names = [header[i] for i in columns]
        twice = [name for name, count in collections.Counter(names).items() if count > 1]
        if twice:
            say(path, f"whose columns have different names, unlike {', '.join(twice[:SHOWN])}")
        return sorted_names(names), [{n for n, flag in zip(names, row, strict=True) if flag} for row in flags]
    if len(columns) > 1 and len(named) != 1:
        others = ", ".join(header[i] for i in columns)
        words = "one column 'label', or 'labels', or a column of 0 and 1 for each class"
        say(path, f"with {words}, so remove or rename some of its columns: {others}")
    [column] = columns if len(columns) == 1 else named
    values, plural = [fields[column] for _, fields in lines], header[column].lower() in LABELS
    sets = split_labels(values, plural)
    empty = [n for (n, _), labels in zip(lines, sets, strict=True) if not labels]
    if empty and not plural and all(len(labels) < 2 for labels in sets):
        words = "or whose column is named 'labels', if images may have several labels or none"
        say(path, f"with a label for every image, unlike line {first_of(empty)}; {words}")
    names = sorted_names({name for labels in sets for name in labels})
    if not names:
        say(path, f"with labels in its column {header[column]!r}, which is empty")
    return names, sets


def split_labels(values, plural):
    """The set of labels in each text: separated by commas, semicolons or |, or by blanks.

    Blanks are part of a name such as "polar bear", unless the name of the column is a plural, such as
    "labels" or "tags", or all labels are whole numbers.
    """
    marks = re.compile(r"[,;|]")
    blanks = plural or all(map(is_whole, " ".join(values).split()))
    if blanks and not any(marks.search(value) for value in values):
        marks = re.compile(r"\s+")
    return [{label.strip() for label in marks.split(value)} - {""} for value in values]


def sorted_names(names):
    """Names in their order, whole numbers by value."""
    return tuple(sorted(names, key=int) if all(map(is_whole, names)) else sorted(names))


def is_whole(text):
    """Whether a text is a whole number."""
    return bool(re.fullmatch(r"-?\d+", text, re.ASCII))


def table_of(path, lines, examples, names, sets, words):
    """The `Table` of lines, in which an image may stand twice with the same labels."""
    first = {}
    for row, example in enumerate(examples):
        other = first.setdefault(example, row)
        if sets[other] != sets[row] or (words and words[other] != words[row]):
            what = "labels" if sets[other] != sets[row] else "splits"
            mend = "write all labels of an image in one line" if what == "labels" else "remove one"
            say(
                path,
                f"with one line for each image, but lines {lines[other][0]} and {lines[row][0]} give "
                f"{folders.shown(example)} different {what}: {mend}",
            )
    rows = [*first.values()]
    numbers_of = {name: number for number, name in enumerate(names)}
    if all(len(sets[row]) == 1 for row in rows):
        labels = np.array([numbers_of[name] for row in rows for name in sets[row]], "int64")
    else:
        labels = np.zeros((len(rows), len(names)), "float32")
        for i, row in enumerate(rows):
            labels[i, [numbers_of[name] for name in sets[row]]] = 1
    splits = None if words is None else np.array([words[row] for row in rows])
    return Table(path, names, [*first], labels, splits, repeated=len(examples) - len(rows))


def say(path, words):
    """Refuses a CSV file; the words follow "a CSV file"."""
    refuse("labels", f"a CSV file {words}", str(path))
