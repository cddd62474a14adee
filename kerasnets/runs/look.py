"""What a trained net sees in images, as pictures.

    found = kerasnets.runs.look("best.keras", "cat.jpg")
    found = kerasnets.runs.look("AlexNet", "holidays", what=["maps", "deconvolution"], layer="conv3_act")
    print(found)

Size, scaling and the names of the classes are those of the weights, as for `kerasnets.classify`. The methods
are those of `kerasnets.analysis.visualize`, where their papers are named.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import re
import shlex
import textwrap
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import rich.console

from kerasnets.analysis import visualize
from kerasnets.analysis.pictures import library
from kerasnets.analysis.visualize import Panel
from kerasnets.analysis.visualize import drawing as draw
from kerasnets.analysis.visualize.net import Net
from kerasnets.assembly.preprocessing import preprocessing
from kerasnets.checks import is_folder, is_int, nearest, refuse
from kerasnets.data import folders
from kerasnets.data import images as pictures
from kerasnets.runs.classify import Classifier, Predictions, check_model, is_name, of_model, opened
from kerasnets.scaling import Scaling
from kerasnets.surgery import stage_ends
from kerasnets.tables import WIDTH, listed
from kerasnets.training.evaluation import single
from kerasnets.weights.reading import SUFFIXES

# What can be drawn, and its words in titles. Those of `OF_IMAGES` are columns of one sheet; the others are
# pictures of their own.
OF_IMAGES = {
    "guided": "guided backpropagation",
    "integrated": "integrated gradients",
    "occlusion": "occlusion",
    "cam": "class map (CAM)",
    "grad_cam": "Grad-CAM",
}
OF_UNITS = {
    "kernels": "kernels",
    "maps": "feature maps",
    "deconvolution": "strongest activations and their deconvolutions",
    "maximize": "images that maximize a unit",
}
# What the columns show, in words below the sheet.
NOTES = {
    "guided": "Guided backpropagation: gray is zero.",
    "integrated": "Integrated gradients, from a black image: red is for the class, blue against it.",
    "occlusion": "Occlusion: bright where the score falls when a square covers the image.",
    "cam": "Class map: bright where the last maps speak for the class.",
    "grad_cam": "Grad-CAM: bright where the maps of a layer speak for the class.",
}
WHAT = (*OF_UNITS, *OF_IMAGES)
SLOW = ("maximize",)  # drawn only if it is asked for, or with "all"
OF_A_LAYER = ("kernels", "maps", "deconvolution", "maximize", "grad_cam")  # those that --layer is for

SHEET = 6  # images on the sheet
COLUMNS = 4  # panels in a row for a single image
LIMIT = 200  # images among which the strongest activations are found
LAYERS = 4  # layers that are drawn if none is named: the last of each resolution, the deepest ones
CHANNELS = 8  # channels of each of these layers
ALL = 32  # channels of a layer that is named
STRONGEST = 9  # activations of a channel, as in the paper
UNITS = 4  # channels whose activations are drawn, or that are maximized
FEW, ROW = 10, 5  # classes of a net that are all maximized, and such images in a row
KERNELS = (24, 12)  # kernels and channels that are drawn of a layer that does not read the image
PARTS = 7  # the side of an image is so many times that of the square that covers it
STEPS = 25  # points of the path of integrated gradients
# Options of maximization: images stay nearer to gray (decay) and have finer lines (smooth) than by default.
# They were chosen by the looks of classes of a SqueezeNet.
CLIMB = dict(steps=200, decay=0.06, smooth=0.7)


@dataclasses.dataclass(frozen=True, repr=False)
class Look:
    """Pictures of what a net sees. `str` says what was found and where the pictures are.

    Attributes:
        found: The `Predictions` for the images.
        out: The folder of the pictures.
        pictures: For the name of each file, what it shows.
        left_out: For each method that does not apply, the reason.
        commands: What to look at next: titles, and commands.
    """

    found: Predictions
    out: pathlib.Path
    pictures: dict[str, str]
    left_out: dict[str, str]
    commands: tuple[tuple[str, str], ...]

    def as_data(self) -> dict[str, Any]:
        """All of it as data for JSON."""
        return {
            **self.found.as_data(),
            "out": str(self.out),
            "pictures": self.pictures,
            "left_out": self.left_out,
            "commands": [command for _, command in self.commands],
        }

    def __str__(self) -> str:
        few = dataclasses.replace(self.found, images=self.found.images[:SHEET])
        wide = max(map(len, self.pictures), default=0) + 2
        lines = [str(few), "", f"In {self.out}:"]
        for name, words in self.pictures.items():
            lines += textwrap.wrap(f"{name:{wide}}{words}", WIDTH, subsequent_indent=" " * wide)
        for what, reason in self.left_out.items():
            lines += textwrap.wrap(f"Without {what}: {reason}", WIDTH)
        for title, command in self.commands:
            lines += ["", f"{title}:", f"    {command}"]
        return "\n".join(lines)

    __repr__ = __str__  # in notebooks


@dataclasses.dataclass(frozen=True)
class Scene:
    """A net, and images for it.

    Attributes:
        net: The net, which gives logits.
        ready: Its `Classifier`.
        pixels: The images, (n, height, width, 1 or 3), values 0..255.
        images: The same, scaled for the net.
        captions: The names of the images.
        scores: Probabilities, (n, classes).
        target: The class to explain in each image, (n,).
        layer: The layer that was asked for, or None.
        unit: Its channel that was asked for, or None.
        scaling: The scaling of the images, or another function.
        top: Number of classes to name.
    """

    net: keras.Model
    ready: Classifier
    pixels: np.ndarray
    images: np.ndarray
    captions: tuple[str, ...]
    scores: np.ndarray
    target: np.ndarray
    layer: str | None
    unit: int | None
    scaling: Callable
    top: int

    def rgb(self, values: np.ndarray) -> np.ndarray:
        """Values for the channels of the net, (..., 3), in the order red, green, blue."""
        reverse = isinstance(self.scaling, Scaling) and self.scaling.order == "BGR"
        return values[..., ::-1] if reverse and values.shape[-1] == 3 else values

    @functools.cached_property
    def layers(self) -> list[str]:
        """The layers to draw: that which was asked for, or the last of each resolution."""
        return [self.layer] if self.layer else stage_ends(self.net)[-LAYERS:]


def look(
    model: keras.Model | str | os.PathLike | None,
    images: Any,
    out: str | os.PathLike | None = None,
    what: Sequence[str] | str | None = None,
    *,
    layer: str | None = None,
    unit: int | None = None,
    label: str | int | None = None,
    top: int = 5,
    limit: int = LIMIT,
    seed: int = 0,
    weights: str | os.PathLike | None = None,
    preprocess: Callable | str | None = None,
    console: rich.console.Console | None = None,
) -> Look:
    """Draws what a trained net sees in images.

    Args:
        model: A keras.Model with its weights, the name of one, or a file, as for `kerasnets.classify`.
        images: Files, folders, arrays or images of Pillow, as for `kerasnets.classify`. Of many, the first
            ones are drawn; the strongest activations are found in all.
        out: Folder of the pictures; None for one in runs/look.
        what: Names of `WHAT` to draw, or "all" for all that apply; None leaves out "maximize", which takes
            long, and with `layer` also whatever is not drawn of a layer.
        layer: Name of a layer, whose maps, strongest activations, kernels and Grad-CAM are drawn; None for
            the last layer of each resolution, the first convolution for kernels, and the last maps for
            Grad-CAM.
        unit: Channel of `layer` to draw; None for those that respond most.
        label: Name or number of the class whose evidence is drawn; None for the most probable one of each
            image.
        top: Number of classes to name for each image.
        limit: Number of images to take at random from more.
        seed: Seed of this choice, and of the images from which maximization starts.
        weights: As for `kerasnets.classify`.
        preprocess: As for `kerasnets.classify`.
        console: A rich console for the progress, or None for standard error.

    Returns:
        A `Look`.

    Raises:
        ValueError: An argument is not allowed, there are no images, or the net does not take images.
        OSError: The weights cannot be downloaded, or a picture cannot be written.
        ModuleNotFoundError: A package that is needed is not installed.
    """
    for name, value, least in (("top", top, 1), ("limit", limit, 1), ("seed", seed, 0)):
        if not is_int(value, least):
            refuse(name, f"a whole number, at least {least}", value)
    if out is not None and not is_folder(out):
        refuse("out", "a folder, or a path where there is nothing", os.fspath(out))
    names = checked_what(what)
    if unit is not None and (layer is None or not is_int(unit, 0)):
        refuse("unit", "None, or with `layer` the number of one of its channels", unit)
    check_model(model, weights, preprocess)
    check_no_export(model)
    library("matplotlib")
    items = pictures.find(images)
    net, path = opened(model, weights)
    ready = of_model(net, path, preprocess)
    scene = scene_of(net, ready, some(items, limit, seed), label, layer, unit, top, preprocess)
    chosen, left_out = applicable(scene, names)
    found = Predictions(
        ready.net,
        path,
        tuple(
            ready.prediction(caption, row, top)
            for caption, row in zip(scene.captions, scene.scores, strict=True)
        ),
        ready.threshold,
    )
    place = pathlib.Path(out or f"runs/look/{ready.net}-{word_of(scene.captions[0])}")
    place.mkdir(parents=True, exist_ok=True)
    jobs = jobs_of(scene, found, chosen, seed)
    shown = {}
    with (console or rich.console.Console(stderr=True)).status("drawing"):
        for job in jobs:
            file, words = job(place)
            shown[file] = words
    return Look(found, place, shown, left_out, commands(scene, images, model, weights))


def checked_what(what: Any) -> tuple[str, ...] | None:
    """The names of what to draw; None for what applies."""
    if what is None:
        return None
    names = (what,) if isinstance(what, str) else tuple(what)
    for name in names or (what,):
        if name not in WHAT and names != ("all",):
            raise ValueError(
                f"`what` is None, 'all' or a list of {', '.join(map(repr, WHAT))}.{nearest(name, WHAT)} "
                f"Received: what={name!r}"
            )
    return names


def check_no_export(model: Any) -> None:
    """Refuses an exported model, whose layers are not at hand."""
    if isinstance(model, (str, os.PathLike)) and not is_name(model) and not str(model).endswith(SUFFIXES):
        allowed = "a keras.Model, the name of one, or a file .keras or .weights.h5, whose layers can be seen"
        refuse("model", allowed, os.fspath(model))


def some(items: Sequence[Any], limit: int, seed: int) -> list:
    """At most a number of items, drawn at random in their order."""
    if len(items) <= limit:
        return list(items)
    return [items[i] for i in np.sort(np.random.default_rng(seed).permutation(len(items))[:limit])]


def scene_of(
    model: keras.Model,
    ready: Classifier,
    items: Sequence[Any],
    label: str | int | None,
    layer: str | None,
    unit: int | None,
    top: int,
    preprocess: Callable | str | None,
) -> Scene:
    """Decodes images and lets the net classify them.

    Raises:
        ValueError: There is no such layer, channel or class, no image can be decoded, or the images have
            unlike sizes for a net that keeps them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `of_model` has said it
        scaling = preprocessing(model, preprocess)[1]
    net = single(model)
    if layer is not None:
        check_layer(net, layer, unit)
    chosen = None if label is None else class_of(label, ready.class_names)
    captions, images = [], []
    for item, (image, problem) in zip(items, pictures.sized(items, ready.size, ready.sizing), strict=True):
        if image is None:
            warnings.warn(f"passed over: {item} ({problem})", stacklevel=3)
            continue
        captions.append(folders.shown(item) if isinstance(item, str) else f"image {len(images)}")
        images.append(image)
    if not images:
        refuse("images", "images that can be decoded", folders.shown(items[0]))
    if len({image.shape for image in images}) > 1:
        sides = sorted({"x".join(map(str, image.shape[:2])) for image in images})
        refuse("images", f"images of one size for {model.name}, which keeps their sizes", sides)
    pixels = np.stack(images)
    check_sides(net, pixels.shape[1:])
    scores = np.concatenate([ready.probabilities(part) for part in parts_of(pixels)])
    target = scores.argmax(1) if chosen is None else np.full(len(scores), chosen)
    target = np.minimum(target, scores.shape[1] - 1)  # a single score is that of class 1
    scaled = np.asarray(scaling(pixels), "float32")
    return Scene(net, ready, pixels, scaled, tuple(captions), scores, target, layer, unit, scaling, top)


def parts_of(pixels: np.ndarray, size: int = 32) -> list[np.ndarray]:
    """Images in batches."""
    return [pixels[i : i + size] for i in range(0, len(pixels), size)]


def check_sides(net: keras.Model, shape: tuple[int, ...]) -> None:
    """Refuses images that are too small for a net which leaves their sides open."""
    if None in net.inputs[0].shape[1:-1]:
        try:
            Net(net, shape=shape)
        except ValueError:
            refuse("images", f"images large enough for {net.name}", "x".join(map(str, shape[:2])))


def check_layer(net: keras.Model, layer: str, unit: int | None) -> None:
    """Refuses a layer or a channel that the net does not have."""
    shape = Net(net, layer).shape
    if unit is not None and unit >= shape[-1]:
        refuse("unit", f"below {shape[-1]}, the number of channels of {layer}", unit)


def class_of(label: str | int, names: Sequence[str]) -> int:
    """The number of a class, given itself or its name.

    Raises:
        ValueError: There is no such class. The message suggests similar names.
    """
    if label in names:
        return list(names).index(label)
    lower = [name.lower() for name in names]
    if isinstance(label, str) and lower.count(label.lower()) == 1:
        return lower.index(label.lower())
    number = int(label) if isinstance(label, str) and re.fullmatch("[0-9]+", label) else label
    if is_int(number, 0) and number < len(names):
        return number
    raise ValueError(
        f"`label` is None, the name of a class, or its number, below {len(names)}.{nearest(label, names)} "
        f"Received: label={label!r}"
    )


def applicable(scene: Scene, names: tuple[str, ...] | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """What to draw of a net.

    Args:
        scene: The `Scene`.
        names: What was asked for, or None.

    Returns:
        What to draw, and for the rest the reason why it is left out.

    Raises:
        ValueError: Something was asked for that does not apply.
    """

    def layers():
        return scene.layers or refuse("model", "one with feature maps", scene.net.name)

    tried = {
        "kernels": lambda net, x: visualize.kernels(net, scene.layer),
        "maps": lambda net, x: [visualize.maps(net, x, layer) for layer in layers()],
        "deconvolution": lambda net, x: layers(),
        "cam": lambda net, x: visualize.cam(net, x),
        "grad_cam": lambda net, x: visualize.grad_cam(net, x, layer=scene.layer),
    }
    default = OF_A_LAYER if scene.layer else WHAT
    whole, names = names == ("all",), None if names == ("all",) else names
    chosen, left_out = [], {}
    for name in names or (WHAT if whole else [name for name in default if name not in SLOW]):
        try:
            if name in tried:
                tried[name](scene.net, scene.images[:1])
            chosen.append(name)
        except ValueError as error:
            if names:
                raise
            left_out[name] = str(error).split(" Received: ")[0]
    if names is None and not whole and {"cam", "grad_cam"} <= set(chosen):
        chosen.remove("grad_cam")  # the same map for such a net
    return tuple(chosen), left_out


def jobs_of(scene: Scene, found: Predictions, chosen: Sequence[str], seed: int) -> list[Callable]:
    """Functions of a folder, each of which draws a picture and returns its name and what it shows."""
    jobs: list[Callable] = []
    columns = [name for name in OF_IMAGES if name in chosen]
    if columns:
        jobs.append(lambda out: sheet(scene, found, columns, out))
    drawn = {"kernels": kernels, "maps": maps, "deconvolution": deconvolution}
    jobs += [functools.partial(drawn[name], scene) for name in drawn if name in chosen]
    if "maximize" in chosen:
        jobs.append(lambda out: maximized(scene, seed, out))
    return jobs


def sheet(scene: Scene, found: Predictions, columns: Sequence[str], out: pathlib.Path) -> tuple[str, str]:
    """Draws the first images, their classes, and what explains one of these, side by side."""
    count = min(SHEET, len(scene.images))
    values = {name: explanation(scene, name, scene.images[:count], scene.target[:count]) for name in columns}
    rows = [explained(scene, found, i, {name: values[name][i] for name in columns}) for i in range(count)]
    if count == 1 and len(rows[0]) > COLUMNS:
        wide = -(-len(rows[0]) // 2)
        rows = [rows[0][:wide], rows[0][wide:]]
    notes = [NOTES[name] for name in columns if name in NOTES]
    draw.draw_sheet(out / "look.png", rows, " ".join(notes), 2.3 if count == 1 else 1.75)
    more = f" of {len(scene.images)}" if count < len(scene.images) else ""
    images = "the image" if count == 1 else f"{count}{more} images"
    return "look.png", f"{images}, the classes, and {listed([OF_IMAGES[name] for name in columns])}"


def explained(scene: Scene, found: Predictions, i: int, values: dict[str, np.ndarray]) -> list[Panel]:
    """The panels of an image: itself, its classes, and the values that explain one of them."""
    image, target = scene.pixels[i], int(scene.target[i])
    name = scene.ready.class_names[target if scene.scores.shape[1] > 1 else 1]
    bars = [(label, share) for label, share in found[i].labels[: scene.top]]
    caption = pathlib.Path(scene.captions[i]).name
    panels = [Panel(draw.colored(image), caption), Panel(None, f"explained: {name}", bars)]
    for column, own in values.items():
        if column == "guided":
            picture = draw.around_gray(scene.rgb(own))
        elif column == "integrated":
            picture = draw.signed(draw.summed(own.sum(-1)))
        else:
            picture = draw.heat(image, resized(own, image.shape[:2]))
        panels.append(Panel(picture, "" if i else OF_IMAGES[column]))
    return panels


def explanation(scene: Scene, name: str, images: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What explains a class in each image, (n, height, width, channels) or maps, (n, rows, columns)."""
    net = scene.net
    if name == "guided":
        return visualize.guided_backprop(net, images, target)
    if name == "integrated":
        black = np.asarray(scene.scaling(np.zeros_like(scene.pixels[:1])))
        return visualize.integrated_gradients(net, images, target, black, STEPS)
    if name == "occlusion":
        side = min(images.shape[1:3])
        size = min(side, max(2, side // PARTS))
        covered = visualize.occlusion(net, images, target, size, max(1, size // 2))
        whole = Net(net).outputs(images, len(images))[np.arange(len(images)), target]
        return whole[:, None, None] - covered
    if name == "cam":
        return visualize.cam(net, images, target)
    return visualize.grad_cam(net, images, target, scene.layer)


def resized(values: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """A map in the size of the image, by bilinear interpolation."""
    import PIL.Image

    whole = PIL.Image.fromarray(np.asarray(values, "float32"))
    return np.asarray(whole.resize(sides[::-1], PIL.Image.Resampling.BILINEAR))


def kernels(scene: Scene, out: pathlib.Path) -> tuple[str, str]:
    """Draws the kernels of a layer: in color if they read images, else a row for each filter."""
    found = visualize.kernels(scene.net, scene.layer)
    count, height, width, channels = found.shape
    if channels in (1, 3) and scene.layer is None:
        columns = int(np.ceil(np.sqrt(count * 1.6)))
        picture = draw.tiled([draw.around_gray(scene.rgb(kernel)) for kernel in found], columns)
        caption = "Each kernel has its own scale; zero is gray."
        words = f"all {count} kernels of the first convolution, {height}x{width}"
    else:
        some = found[: KERNELS[0], ..., : KERNELS[1]]
        tiles = [draw.signed(kernel[..., c]) for kernel in some for c in range(some.shape[-1])]
        picture = draw.tiled(tiles, some.shape[-1])
        caption = f"A row for each filter, a column for each channel: the first {some.shape[0]} of {count} "
        caption += f"filters and {some.shape[-1]} of {channels} channels. Red is above zero, blue below."
        words = f"kernels of {scene.layer or 'the first convolution'}, {height}x{width}"
    draw.draw_sheet(out / "kernels.png", [[Panel(picture, words)]], caption, 6)
    return "kernels.png", words


def maps(scene: Scene, out: pathlib.Path) -> tuple[str, str]:
    """Draws the maps of layers for the first image: a channel that was asked for, or the strongest ones."""
    rows, names = [], []
    count = ALL if scene.layer else CHANNELS
    found = {layer: visualize.maps(scene.net, scene.images[:1], layer)[0] for layer in scene.layers}
    large = {layer: values for layer, values in found.items() if values[..., 0].size > 1}
    for layer, values in (large or found).items():
        channels = values.max(axis=(0, 1)).argsort(kind="stable")[::-1][:count]
        if scene.unit is not None:
            channels = [scene.unit]
        panels = [Panel(draw.bright(values[..., c]), f"channel {c}") for c in channels]
        rows += [panels[i : i + CHANNELS] for i in range(0, len(panels), CHANNELS)]
        side = "x".join(map(str, values.shape))
        names += [f"{layer}\n{side}"] + [""] * (len(rows) - len(names) - 1)
    rows[0] = [Panel(draw.colored(scene.pixels[0]), "image"), *rows[0]]
    rows[1:] = [[Panel(None), *row] for row in rows[1:]]
    draw.draw_sheet(
        out / "maps.png", rows, "The strongest channels of each layer; each has its own scale.", 1.2, names
    )
    return "maps.png", f"maps of {listed(list(large or found))}"


def responses(scene: Scene, layer: str) -> np.ndarray:
    """The strongest activation of each channel of a layer in each image, (n, channels)."""
    net = Net(scene.net, layer)
    outputs = (net.outputs(part, len(part)) for part in parts_of(scene.images))
    return np.concatenate([y.reshape(len(y), -1, y.shape[-1]).max(1) for y in outputs])


def channels_of(scene: Scene, layer: str) -> list[int]:
    """The channels of a layer to draw: that which was asked for, or some that respond to few images.

    Among the channels with the strongest activations, these are the ones whose strongest activation is the
    largest multiple of their mean response, and as far as possible in images of different classes.
    """
    if scene.unit is not None:
        return [scene.unit]
    values = responses(scene, layer)
    strong = np.argsort(-values.max(0), kind="stable")[: 8 * UNITS]
    peaks = values.max(0) / np.maximum(np.abs(values).mean(0), 1e-6 * np.abs(values).max() + 1e-12)
    ranked = strong[np.argsort(-peaks[strong], kind="stable")]
    classes = scene.scores[values[:, ranked].argmax(0)].argmax(1)
    _, first = np.unique(classes, return_index=True)
    order = list(dict.fromkeys([*np.sort(first), *range(len(ranked))]))
    return sorted(ranked[order[:UNITS]].tolist())


def deconvolution(scene: Scene, out: pathlib.Path) -> tuple[str, str]:
    """Draws the strongest activations of channels: patches of the images, and beside them deconvolutions."""
    rows, names = [], []
    count = min(STRONGEST, len(scene.images))
    for layer in scene.layers:
        pairs = []
        channels = channels_of(scene, layer)
        each = visualize.strongest(scene.net, scene.images, layer, channels, count)
        for c, found in zip(channels, map(responding, each), strict=True):
            positions = found.positions if found.positions.shape[1] else None
            back = visualize.deconvolve(scene.net, scene.images[found.images], layer, c, positions)
            own = dataclasses.replace(found, images=np.arange(len(back)))
            seen = [draw.colored(patch) for patch in found.patches(scene.pixels)]
            projected = [draw.around_gray(scene.rgb(patch)) for patch in own.patches(back)]
            pairs.append((c, seen, projected))
        tallest = max(len(p) for _, seen, _ in pairs for p in seen)
        widest = max(p.shape[1] for _, seen, _ in pairs for p in seen)
        row = []
        for c, seen, projected in pairs:
            for title, group in ((f"channel {c}", seen), ("", projected)):
                tiles = [padded(patch, tallest, widest) for patch in group]
                row.append(Panel(draw.tiled(tiles, 3, max(1, widest // 20)), title))
        rows.append(row)
        names.append(layer)
    caption = (
        f"For each channel the patches of the {count} images in which it responds most, and beside them what "
        "the deconvolution projects back onto their pixels; zero is gray."
        if count > 1
        else "For each channel the patch in which it responds most, and beside it what the deconvolution "
        "projects back onto its pixels; zero is gray. A folder of images as FILE gives the strongest of all."
    )
    draw.draw_sheet(out / "deconvolution.png", rows, caption, 1.9 if count > 1 else 1.5, names)
    return "deconvolution.png", f"{OF_UNITS['deconvolution']}, of {listed(scene.layers)}"


def responding(found: visualize.Activations) -> visualize.Activations:
    """Those activations that are above zero, or the first one."""
    count = max(1, int((found.values > 0).sum()))
    fields = dataclasses.fields(found)
    return visualize.Activations(**{field.name: getattr(found, field.name)[:count] for field in fields})


def padded(patch: np.ndarray, height: int, width: int) -> np.ndarray:
    """A patch from the border of an image in the middle of a white one of full size."""
    above, left = (height - patch.shape[0]) // 2, (width - patch.shape[1]) // 2
    whole = np.ones((height, width, 3), "float32")
    whole[above : above + patch.shape[0], left : left + patch.shape[1]] = patch
    return whole


def maximized(scene: Scene, seed: int, out: pathlib.Path) -> tuple[str, str]:
    """Draws images that maximize classes, or channels of a layer."""
    if scene.layer is None:
        count = scene.scores.shape[1]
        best = np.argsort(-scene.scores.mean(0), kind="stable")
        units = list(dict.fromkeys([*scene.target, *best]))[:UNITS] if count > FEW else list(range(count))
        titles = [scene.ready.class_names[u] if count > 1 else "score" for u in units]
        words = f"images that maximize {listed(titles)}"
    else:
        units = channels_of(scene, scene.layer)
        titles = [f"channel {u}" for u in units]
        words = f"images that maximize channels of {scene.layer}"
    found = visualize.maximize(scene.net, units, scene.layer, seed, size=scene.images.shape[1:3], **CLIMB)
    panels = [Panel(displayed(scene, x), title) for x, title in zip(found, titles, strict=True)]
    rows = [panels[i : i + ROW] for i in range(0, len(panels), ROW)]
    draw.draw_sheet(out / "maximize.png", rows, "From noise, by gradient ascent.", 2.3)
    return "maximize.png", words


def displayed(scene: Scene, image: np.ndarray) -> np.ndarray:
    """The colors of an image that is scaled for the net."""
    try:
        return draw.colored(np.asarray(scene.scaling.undo(image)))
    except (AttributeError, ValueError):  # a function of the user's, or whitening
        low, high = np.percentile(image, (0.5, 99.5))
        return draw.colored(255 * (scene.rgb(image) - low) / max(high - low, 1e-12))


def word_of(caption: str) -> str:
    """The name of an image for that of a folder."""
    return re.sub(r"[^\w.-]+", "-", pathlib.Path(caption).stem) or "image"


def commands(scene: Scene, images: Any, model: Any, weights: Any) -> tuple[tuple[str, str], ...]:
    """What to look at next; nothing if the images or the net are no files."""
    if not isinstance(images, (str, os.PathLike)) or isinstance(model, keras.Model):
        return ()
    given = [("", images), ("--model", model), ("--weights", weights)]
    words = [f"{flag} {shlex.quote(os.fspath(value))}".strip() for flag, value in given if value is not None]
    start = " ".join(["kerasnets look", *words])
    found = []
    names = scene.ready.class_names
    others = [int(c) for c in np.argsort(-scene.scores[0], kind="stable") if c != scene.target[0]]
    if scene.scores.shape[1] > 1 and others:
        found.append(("What speaks for another class", f"{start} --class {shlex.quote(names[others[0]])}"))
    if scene.layer is None and scene.layers:
        found.append(("More of a layer", f"{start} --layer {scene.layers[-1]}"))
        found.append(("What its channels look for", f"{start} --layer {scene.layers[-1]} --what maximize"))
    return tuple(found)
