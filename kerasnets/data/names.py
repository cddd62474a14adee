"""The images in a folder and its subfolders, found by names as people write them."""

import collections
import itertools
import os
import unicodedata

from kerasnets.data import folders

ENDINGS = frozenset(folders.IMAGES)


class Images:
    """The images in a folder and its subfolders, found by names with or without folder and ending.

    Args:
        root: The folder.

    Attributes:
        root: The folder.
        count: Number of its images.
    """

    def __init__(self, root):
        self.root, self.whole = root, spelled(os.path.abspath(root))
        paths = folders.images_below(root)
        self.count, self.named = len(paths), collections.defaultdict(list)
        for path in paths:
            text = spelled(path)
            stem = without_ending(text)
            self.named[stem.rpartition("/")[2].casefold()].append((path, text, stem))

    def find(self, name):
        """The images that a name may mean: most often one, or none.

        A name is the end of an image's path, from any folder on. What fits better goes first: a name in the
        same case, one with its ending, and a path from the folder of the images.

        Args:
            name: The name.

        Returns:
            List of paths in the folder.
        """
        name, named = self.like(name)
        for same in (str, str.casefold):
            own, whole = same(name), same(self.whole)
            for place in (1, 2):
                texts = [(one[0], same(one[place])) for one in named]
                found = [path for path, text in texts if text == own]
                found = found or [path for path, text in texts if f"{whole}/{text}".endswith(f"/{own}")]
                if found:
                    return found
        return []

    def like(self, name):
        """A name as the images are spelled, and the images that have it but for folders, ending and case."""
        name = spelled(name)
        while name.startswith("./"):
            name = name[2:]
        key = without_ending(name).rpartition("/")[2].casefold()
        return name, self.named.get(key, ()) if key else ()

    def first(self):
        """The paths of the first images in words, for an error."""
        images = itertools.chain.from_iterable(self.named.values())
        return ", ".join(folders.shown(path) for path, *_ in itertools.islice(images, 3)) or "no image at all"


def spelled(path):
    """A path with slashes, in the form of Unicode that keyboards write, unlike file names of macOS."""
    path = path.replace("\\", "/")
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def without_ending(path):
    """A path without the ending of an image."""
    stem, _, ending = path.rpartition(".")
    return stem if stem and f".{ending.lower()}" in ENDINGS else path


def is_image(path):
    """Whether a path ends like that of an image."""
    return without_ending(path) != path
