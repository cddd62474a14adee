"""What trained nets see: their first kernels, and the parts of images that speak for a class.

Shown are nets whose weights are at hand: those that come with the package, those that were downloaded
earlier, and files of one's own. Nothing is downloaded.
"""

import collections
import hashlib
import io
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import PIL.Image

from atlas_pages import records
from kerasnets.analysis import visualize
from kerasnets.analysis.visualize import drawing
from kerasnets.data import images as pictures
from kerasnets.data import load
from kerasnets.data.folders import shown
from kerasnets.runs import pages
from kerasnets.runs.classify import of_model
from kerasnets.runs.look import resized, scene_of
from kerasnets.runs.nets import trained
from kerasnets.weights import cache
from kerasnets.weights.card import card_of
from kerasnets.weights.checkpoints import checkpoints
from kerasnets.weights.reading import read_card

SUFFIX = ".seen"  # of the names of these records
FILES = ("best.keras", "last.keras")  # of a run, the better one first
DIGITS = tuple("0123456789")  # names of classes whose images the package has
IMAGENET = 1000  # classes
COUNT = 6  # images of a net
TOP = 3  # classes that are named
SIDE = 224  # longest side of a picture in pixels
SMALL = 64  # longest side of images that are kept pixel by pixel
ROW = 8  # most kernels in one row
ZOOM, GAP = 8, 6  # pixels for a weight, and between kernels
SHARE = 0.001  # least probability of a class that is named


class Weights(NamedTuple):
    """Trained weights at hand.

    Attributes:
        net: Name of the net.
        weights: The id of a checkpoint, or the path of a file.
    """

    net: str
    weights: str


def at_hand(nets: Sequence[str], own: Sequence[pathlib.Path] = ()) -> list[Weights]:
    """The trained weights at hand, one for each net that has any: of one's own before published ones.

    Args:
        nets: Names of nets.
        own: Files .keras, or folders of runs.

    Raises:
        ValueError: A file is not that of a trained net, or a folder has no such file.
    """
    chosen: dict[str, Weights] = {}
    for path in own:
        for file in files_in(path):
            card = read_card(file)
            if card is not None and card.builder in nets:
                chosen.setdefault(card.builder, Weights(card.builder, str(file)))
    here = {found.id for found in cache.cached()}
    for net in nets:
        for row in checkpoints(net):
            if row.id in here or (row.path and row.path.exists()):
                chosen.setdefault(net, Weights(net, row.id))
    return list(chosen.values())


def files_in(path: pathlib.Path) -> list[pathlib.Path]:
    """The trained nets in a folder of runs, the better one of each; or the file itself."""
    if path.is_file() and path.suffix == ".keras":
        return [path]
    found = {file.parent: file for name in reversed(FILES) for file in sorted(path.rglob(name))}
    if not found:
        raise ValueError(f"--trained is a .keras file, or a folder with {FILES[0]}. Received: {path}")
    return list(found.values())


def made_from(weights: Weights, images: pathlib.Path | None) -> str:
    """A text that changes whenever what is seen might: with the code, the weights and the images."""
    path = pathlib.Path(weights.weights)
    digest = hashlib.sha256(path.read_bytes() if path.is_file() else weights.weights.encode())
    for image in some(images) if images else ():
        digest.update(image.name.encode() + image.read_bytes())
    return json.dumps([records.made_from(), digest.hexdigest()])


def make(root: pathlib.Path, weights: Weights, images: pathlib.Path | None) -> None:
    """Draws what a net sees, and writes it into a site as the record NAME.seen.

    Args:
        root: The folder of the site.
        weights: The net and its weights.
        images: A folder of images for it; None for digits, or the sample photographs of other libraries.
    """
    model = trained(weights.net, weights.weights)
    records.save(root, weights.net + SUFFIX, made_from(weights, images), seen(model, weights, images))


def seen(model: keras.Model, weights: Weights, images: pathlib.Path | None) -> dict[str, Any]:
    """What a net sees, as data for JSON.

    Args:
        model: The net.
        weights: Where its weights are from.
        images: A folder of images, or None.

    Returns:
        A dict: `weights`, their id or file; `kernels`, a picture with `words`, or None; `images`, for each
        its name, the picture, the picture of its class map, and the `labels` with their probabilities;
        and `why_not`, the reason why there are no kernels or no class maps.
    """
    found = {"weights": weights.weights, "kernels": None, "images": [], "why_not": []}
    try:
        found["kernels"] = kernels(model)
    except ValueError as error:
        found["why_not"].append(reason("kernels", error))
    given = images_for(model, images)
    if not given:
        words = "No images of its classes are at hand. Give some with --images FOLDER to see class maps here."
        found["why_not"].append(words)
        return found
    try:
        found["images"] = list(class_maps(model, given))
    except ValueError as error:
        found["why_not"].append(reason("class maps", error))
    return found


def reason(what: str, error: ValueError) -> str:
    """Why something is not drawn, as a sentence."""
    return f"There are no {what} of this net: {str(error).split(' Received: ')[0]}"


def kernels(model: keras.Model) -> dict[str, Any]:
    """The kernels of the first convolution as one picture, a pixel for each weight."""
    values = visualize.kernels(model)
    count, height, width, channels = values.shape
    order = card_of(model).scaling
    if channels == 3 and order is not None and order.order == "BGR":
        values = values[..., ::-1]
    if channels not in (1, 3):
        raise ValueError("the first convolution does not read the image")
    columns = count if count <= ROW else int(np.ceil(np.sqrt(2 * count)))
    enlarged = np.repeat(np.repeat(values, ZOOM, axis=1), ZOOM, axis=2)
    sheet = drawing.tiled([drawing.around_gray(kernel) for kernel in enlarged], columns, GAP)
    between = drawing.tiled([np.zeros((*kernel.shape[:2], 3)) for kernel in enlarged], columns, GAP)
    words = f"All {count} kernels of the first convolution, {height}x{width} pixels; zero is gray."
    shown = np.concatenate([sheet, 1 - between[..., :1]], axis=-1)
    return {"url": url(shown), "words": words, "columns": columns}


def images_for(model: keras.Model, folder: pathlib.Path | None) -> list[tuple[str, Any]]:
    """Names and images that suit a net: those in a folder, the embedded digits, or photographs."""
    names = tuple(card_of(model).class_names or ())
    if names == DIGITS:
        return digits()
    if folder is not None:
        return [(path.stem, str(path)) for path in some(folder)]
    return photographs() if len(names) == IMAGENET else []


def some(folder: pathlib.Path) -> list[pathlib.Path]:
    """The first images of a folder, one of each of its folders before the second of any."""
    found = [pathlib.Path(item) for item in pictures.find(folder)]
    places = collections.defaultdict(list)
    for path in found:
        places[path.parent].append(path)
    return sorted(found, key=lambda path: (places[path.parent].index(path), path))[:COUNT]


def digits() -> list[tuple[str, Any]]:
    """The first test image of some digits."""
    examples = load("digits", "test").as_numpy_iterator()
    first: dict[int, Any] = {}
    for image, label in examples:
        first.setdefault(int(label), image)
    return [(f"a {label}", first[label]) for label in sorted(first)[:COUNT]]


def photographs() -> list[tuple[str, Any]]:
    """The sample photographs of scikit-learn and Matplotlib."""
    import matplotlib.cbook
    from sklearn.datasets import load_sample_images

    sample = load_sample_images()
    names = [pathlib.Path(name).stem for name in sample.filenames]
    portrait = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return [*zip(names, sample.images, strict=True), ("portrait of Grace Hopper", str(portrait))]


def class_maps(model: keras.Model, given: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    """The classes of images, and for each where the maps of the net speak for the most probable one."""
    scene = scene_of(model, of_model(model, None, None), [i for _, i in given], None, None, None, TOP, None)
    maps = visualize.grad_cam(scene.net, scene.images, scene.target)
    names = [name for name, image in given if not isinstance(image, str) or shown(image) in scene.captions]
    for name, pixels, own, scores in zip(names, scene.pixels, maps, scene.scores, strict=True):
        best = np.argsort(-scores, kind="stable")[:TOP]
        labels = [[scene.ready.class_names[i], float(scores[i])] for i in best if scores[i] >= SHARE]
        yield {
            "name": name,
            "image": url(drawing.colored(pixels)),
            "map": url(drawing.heat(pixels, resized(own, pixels.shape[:2]))),
            "coarse": max(pixels.shape[:2]) <= SMALL,
            "labels": labels,
        }


def url(colors: np.ndarray) -> str:
    """A picture as a data URL: PNG if it is small or has gaps, else JPEG.

    Args:
        colors: Values 0..1, (height, width, 3), or 4 channels with opacity.
    """
    picture = PIL.Image.fromarray(np.rint(255 * np.clip(colors, 0, 1)).astype(np.uint8))
    content = io.BytesIO()
    if max(picture.size) <= SMALL or picture.mode == "RGBA":
        picture.save(content, "png", optimize=True)
        return pages.data_url(content.getvalue(), "png")
    picture.thumbnail((SIDE, SIDE))
    picture.save(content, "jpeg", quality=82)
    return pages.data_url(content.getvalue(), "jpeg")
