"""The names of the classes of the datasets on which checkpoints were trained, in the order of their scores.

classes.csv has a row for each class. ImageNet's are those of ILSVRC 2012: ids of WordNet in their order, in
which all frameworks have them, and the names of torchvision (torchvision/models/_meta.py). keras.applications
has the same names, but for two that it gives twice: the bird "crane" and the tank suit "maillot". UCF101's
are spelled and ordered as in its own list of classes.
"""

import csv
import functools
import pathlib

FILE = pathlib.Path(__file__).with_name("classes.csv")


@functools.cache
def classes() -> dict[str, list[tuple[str, str]]]:
    """For each dataset the ids and the names of its classes. An id is "" where there are none."""
    found: dict[str, list[tuple[str, str]]] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["data"], []).append((row["id"], row["name"]))
    return found


def class_names(data: str) -> tuple[str, ...] | None:
    """The names of the classes of a dataset, such as "imagenet"; None if they are not known."""
    return tuple(name for _, name in classes().get(data, ())) or None
