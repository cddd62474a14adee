"""Accuracy under the papers' protocols: one crop, ten or 144, many crops, whole images, and several scales.

A protocol takes several views of an image, and the net's probabilities for all of them are averaged. Those of
a net whose card has a `threshold` are probabilities of labels, any number of which may be right.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from keras import ops

from kerasnets.assembly.outputs import gives_probabilities, main_output
from kerasnets.assembly.preprocessing import preprocessing
from kerasnets.checks import check_interpolation, is_int, is_ints, nearest, refuse
from kerasnets.graph import deep_recursion
from kerasnets.surgery import convolutionize
from kerasnets.training.thresholds import label_scores
from kerasnets.weights import card_of

# Positions of crops, (vertical, horizontal), in quarters of the way from the top and from the left.
CENTER = ((2, 2),)
CORNERS_AND_CENTER = ((0, 0), (0, 4), (4, 0), (4, 4), (2, 2))
GRID = tuple(itertools.product(range(5), repeat=2))
SQUARES = ((0, 0), (2, 2), (4, 4))  # left, middle and right, or top, middle and bottom


class Protocol(NamedTuple):
    """The views of an image.

    Attributes:
        places: Positions of crops.
        mirrored: Whether mirror images are added.
        dense: Whether whole images are added.
        squares: Positions of squares, from each of which the crops are taken, and which are added, resized to
            a crop; none if the crops are taken from the whole image.
        sizes: Test scales by default; None for images as they are.
    """

    places: Sequence[tuple[int, int]]
    mirrored: bool = True
    dense: bool = False
    squares: Sequence[tuple[int, int]] = ()
    sizes: Sequence[int] | None = None


PROTOCOLS = {
    "center": Protocol(CENTER, mirrored=False),
    "ten_crop": Protocol(CORNERS_AND_CENTER),  # Krizhevsky et al. 2012, section 4.1
    "multi_crop": Protocol(GRID),  # Simonyan, Zisserman 2015, section 3.2: 50 crops of a scale
    "dense": Protocol((), dense=True),  # Simonyan, Zisserman 2015, section 3.2
    "dense_and_crops": Protocol(GRID, dense=True),  # Simonyan, Zisserman 2015, table 5
    # Szegedy et al. 2015, section 7: 4 scales, 3 squares, 6 crops and their mirror images
    "144_crops": Protocol(CORNERS_AND_CENTER, squares=SQUARES, sizes=(256, 288, 320, 352)),
}


def evaluate(
    model: keras.Model,
    data: Any,
    protocol: str = "center",
    *,
    sizes: int | Sequence[int] | None = None,
    crop: int | tuple[int, int] | None = None,
    interpolation: Literal["bilinear", "bicubic"] = "bilinear",
    antialias: bool = True,
    top: int | Sequence[int] = (1, 5),
    batch_size: int | None = None,
    from_logits: bool | None = None,
    preprocess: bool | str | Callable = False,
) -> dict[str, float]:
    """Top-k accuracy: the share of images whose label is among the k highest scores.

    Ties are ranked by class number, and NaN ranks last. A net of one score tells class 1 from class 0: its
    score is the logit or, after a sigmoid, the probability of class 1.

    A net whose card has a `threshold` predicts any number of labels for each image. It is measured as
    `thresholds.label_scores` says, with scikit-learn.

    Args:
        model: A functional or sequential model with one input, images or clips. Its output is (batch,
            classes), or a dict with "predictions".
        data: A finite iterable of batches (images, labels), arrays or tensors; or a pair of arrays, with all
            images and all labels. Images are (batch, height, width, channels), scaled as the model takes
            them, or see `preprocess`; labels are whole numbers, (batch,), or 0 or 1 for each label of an
            image, (batch, labels). Height and width may differ from batch to batch.
        protocol: "center", "ten_crop", "multi_crop", "dense", "dense_and_crops" or "144_crops"; see
            `scorer`.
        sizes: Shorter sides in pixels, one or several, to which images are resized; None leaves them as they
            are, or stands for those of "144_crops".
        crop: Side of the crops in pixels, or (height, width); None for the size of the model's input.
        interpolation: "bilinear" or "bicubic", where images are resized.
        antialias: Whether shrinking is antialiased, as by Pillow and PyTorch.
        top: One or several numbers k.
        batch_size: Views per batch, and images taken at a time from a pair of arrays (32 if None).
        from_logits: Whether the model gives logits; None decides by its last layers.
        preprocess: False if images are scaled; True if they have values of 0..255, or how these are scaled,
            as for `scorer`.

    Returns:
        A dict: for each number k of `top`, the accuracy "topk", from 0 to 1; or what
        `thresholds.label_scores` returns.

    Raises:
        ValueError: An argument is not allowed, a batch is not a pair of images and labels that fit the model,
            or there are no batches.
        ModuleNotFoundError: scikit-learn is needed and not installed.
    """
    top = (top,) if is_int(top, 1) else top
    if not is_ints(top, 1) or not top:
        refuse("top", "a whole number, at least 1, or several", top)
    scores = scorer(
        model,
        protocol,
        sizes=sizes,
        crop=crop,
        interpolation=interpolation,
        antialias=antialias,
        batch_size=batch_size,
        from_logits=from_logits,
        preprocess=preprocess,
    )
    threshold = card_of(model).threshold
    count = None if threshold is None else main_output(model).outputs[0].shape[-1]
    checked = (check_batch(batch, count) for batch in batches(data, batch_size or 32))
    scored = ((scores(images), true) for images, true in checked if len(images))
    found = [rank(*both) if count is None else both for both in scored]
    if not found:
        refuse("data", "batches of (images, labels), at least one", data)
    if count is not None:
        probabilities, true = map(np.concatenate, zip(*found, strict=True))
        return label_scores(true, probabilities, threshold)
    ranks = np.concatenate(found)
    return {f"top{k}": float(np.mean(ranks < k)) for k in top}


def scorer(
    model: keras.Model,
    protocol: str = "center",
    *,
    sizes: int | Sequence[int] | None = None,
    crop: int | tuple[int, int] | None = None,
    interpolation: Literal["bilinear", "bicubic"] = "bilinear",
    antialias: bool = True,
    batch_size: int | None = None,
    from_logits: bool | None = None,
    preprocess: bool | str | Callable = False,
) -> Callable[[Any], np.ndarray]:
    """Makes a function that computes the scores of images under a protocol.

    - "center": one crop from the middle.
    - "ten_crop": crops from the four corners and the middle, and their mirror images. Source: Krizhevsky et
      al. 2012, section 4.1.
    - "multi_crop": crops on a grid of 5x5, and their mirror images. Source: Simonyan and Zisserman 2015,
      arXiv:1409.1556, section 3.2.
    - "dense": the whole image and its mirror image; the net is applied convolutionally, and the scores of all
      positions are averaged. Source: the same section.
    - "dense_and_crops": the mean of "dense" and "multi_crop". Source: section 4.3 of the same paper.
    - "144_crops": at each of four scales, three squares: left, middle and right, or top, middle and bottom.
      From each square come crops of its corners and its middle, the square itself resized to the size of a
      crop, and their mirror images. Source: Szegedy et al. 2015, arXiv:1409.4842, section 7.

    Args:
        model: A functional or sequential model with one input, images or clips. Its output is (batch,
            classes), or a dict with "predictions". The dense protocols need a model that
            `surgery.convolutionize` takes.
        protocol: Name of the protocol.
        sizes: Test scales, one or several: images are resized until their shorter side has this many pixels,
            and the scores of all scales are averaged. None leaves images as they are, or stands for 256, 288,
            320 and 352 with "144_crops"; other scales give 36 views each.
        crop: Side of the crops in pixels, or (height, width). None stands for the size of the model's input;
            if the model takes any size, "center" then takes the whole image.
        interpolation: "bilinear" or "bicubic", where images or squares are resized.
        antialias: Whether shrinking is antialiased, as by Pillow and PyTorch.
        batch_size: Views per batch; None takes one view of all the given images.
        from_logits: Whether the model gives logits. Their softmax is averaged, or their sigmoid if the card
            of the model has a `threshold`; other outputs are averaged as they are. None decides by the last
            layers: all scores are logits but those of a softmax, of a sigmoid, and those that add up to 1.
        preprocess: False if images are scaled as the model takes them. Otherwise they have values of 0..255:
            True scales them as the card of the model or its builder says, and a function of images, or its
            name, as for `kerasnets.serving.export`, scales them in its way.

    Returns:
        A function of images, (batch, height, width, channels), that returns scores, (batch, classes); for a
        model of one score, the probabilities of classes 0 and 1, (batch, 2).

    Raises:
        ValueError: An argument is not allowed. The function raises it too, for images smaller than the crop.
    """
    if protocol not in PROTOCOLS:
        hint = nearest(protocol, PROTOCOLS)
        raise ValueError(
            f"`protocol` is one of {', '.join(map(repr, PROTOCOLS))}.{hint} Received: protocol={protocol!r}"
        )
    places, mirrored, dense, squares, _ = PROTOCOLS[protocol]
    sizes = scales_of(protocol, sizes)
    if sizes is not None and (not is_ints(sizes, 1) or not sizes):
        refuse("sizes", "None, a whole number of pixels, at least 1, or several", sizes)
    if batch_size is not None and not is_int(batch_size, 1):
        refuse("batch_size", "None or a whole number, at least 1", batch_size)
    check_interpolation(interpolation, antialias)
    given, model = model, single(model)
    crop = crop_of(model, crop, places, dense)
    from_logits = not gives_probabilities(model) if from_logits is None else from_logits
    own = card_of(given).threshold is not None and model.outputs[0].shape[-1] > 1
    squash = sigmoid if own else softmax
    scale = None
    if preprocess is not False:
        scale = preprocessing(given, None if preprocess is True else preprocess)[1]
    whole = convolutionize(model, window_of(model, crop)) if dense else None

    def mean_scores(net, views):
        """Mean scores of a net over views, and over their mirror images."""
        parts = []
        for view in views:
            for x in (view, view[..., ::-1, :]) if mirrored else (view,):
                x = x if scale is None else ops.convert_to_numpy(scale(x))
                y = of_all_classes(outputs_of(net, x, batch_size), from_logits)
                y = squash(y) if from_logits else y
                parts.append(y.mean(axis=tuple(range(1, y.ndim - 1))))
        return np.mean(parts, axis=0)

    def views(images):
        """The crops of images, and of their squares with these themselves."""
        if not squares:
            yield from crops(images, crop, places)
        for square in crops(images, (min(images.shape[-3:-1]),) * 2, squares):
            yield from crops(square, crop, places)
            yield resized(square, crop, interpolation, antialias)

    def scores(images):
        scales = [zoomed(images, size, interpolation, antialias) for size in sizes or (None,)]
        parts = []
        if dense:
            parts.append(np.mean([mean_scores(whole, [x]) for x in scales], axis=0))
        if places:
            parts.append(np.mean([mean_scores(model, views(x)) for x in scales], axis=0))
        return np.mean(parts, axis=0)

    return scores


def scales_of(protocol: str, sizes: int | Sequence[int] | None = None) -> Sequence[int] | None:
    """The test scales of a protocol: those that are given, or its own; None for images as they are."""
    return (sizes,) if is_int(sizes, 1) else PROTOCOLS[protocol].sizes if sizes is None else sizes


def single(model):
    """The model with one input and one output, (batch, classes), without auxiliary heads."""
    model = main_output(model)
    ends = [getattr(model, side, None) or [] for side in ("inputs", "outputs")]
    if [len(end) for end in ends] != [1, 1] or ends[0][0].ndim < 4 or ends[1][0].ndim != 2:
        allowed = "a functional or sequential model from images or clips to one output, (batch, classes)"
        refuse("model", allowed, model)
    with deep_recursion():  # images are not given in a dict or list
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def crop_of(model, crop, places, dense):
    """Sides of the crops, or None for the whole image; see `scorer`."""
    own = tuple(model.inputs[0].shape[-3:-1])
    if is_int(crop, 1):
        crop = (crop, crop)
    if crop is None:
        if None in own and (dense or len(places) > 1):
            refuse("crop", "whole numbers of pixels, because the model takes images of any size", crop)
        return None if None in own else own
    fits = is_ints(crop, 1) and len(crop) == 2
    if not fits or any(side not in (None, new) for side, new in zip(own, crop, strict=True)):
        refuse("crop", f"None or whole numbers of pixels that fit the model's input, {own}", crop)
    return tuple(crop)


def window_of(model, crop):
    """Sides of the input that gives one score, if the model takes any size; else None."""
    *frames, _, _ = model.inputs[0].shape[1:-1]
    return (*frames, *crop) if None in model.inputs[0].shape[1:-1] else None


def zoomed(images, size, interpolation, antialias):
    """Images resized to a shorter side of `size` pixels, with their aspect ratio; None leaves them alone."""
    if size in (None, min(images.shape[-3:-1])):
        return images
    from kerasnets.data.transforms import resize_shorter  # imports TensorFlow

    return resize_shorter(images, size, interpolation, antialias).numpy()


def resized(images, sides, interpolation, antialias):
    """Images resized to these sides."""
    if sides == images.shape[-3:-1]:
        return images
    from kerasnets.data.transforms import resize  # imports TensorFlow

    return resize(images, sides, interpolation, antialias).numpy()


def crops(images, crop, places):
    """Yields the crops of images at each place."""
    sides = images.shape[-3:-1]
    crop = crop or sides
    if any(side < new for side, new in zip(sides, crop, strict=True)):
        refuse("data", f"images of at least {crop} pixels, which `sizes` can enlarge them to", sides)
    for place in places:
        top, left = ((side - new) * q // 4 for side, new, q in zip(sides, crop, place, strict=True))
        yield images[..., top : top + crop[0], left : left + crop[1], :]


def outputs_of(model, x, batch_size):
    """Outputs of a model for an array, in float64; `batch_size` rows at a time, or all of them."""
    parts = (x[i : i + (batch_size or len(x))] for i in range(0, len(x), batch_size or len(x)))
    # If several devices share the model, each of them returns the whole batch.
    return np.concatenate([model.predict_on_batch(part)[: len(part)] for part in parts]).astype("float64")


def of_all_classes(scores, from_logits):
    """The scores of classes 0 and 1, (..., 2), for the single score of a net; others as they are."""
    if scores.shape[-1] > 1:
        return scores
    other = np.zeros_like(scores) if from_logits else 1 - scores
    return np.concatenate([other, scores], axis=-1)


def softmax(logits):
    """Softmax along the last axis."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def sigmoid(logits):
    """The sigmoid of each logit, the probability of an independent label."""
    return np.exp(-np.logaddexp(0, -logits))


def batches(data, batch_size):
    """Iterates over batches of the data that `evaluate` takes."""
    if isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "shape") for part in data):
        images, labels = data
        if len(images) != len(labels):
            refuse("data", "as many images as labels", (len(images), len(labels)))
        starts = range(0, len(images), batch_size)
        return ((images[i : i + batch_size], labels[i : i + batch_size]) for i in starts)
    if isinstance(data, keras.utils.PyDataset):
        return (data[i] for i in range(data.num_batches or len(data)))
    try:
        return iter(data)
    except TypeError:
        allowed = "batches of (images, labels), such as stream.dataset, or a pair of arrays"
        return refuse("data", allowed, type(data).__name__)


def check_batch(batch, count=None):
    """The images, float32, and the labels of a batch, as arrays.

    Args:
        batch: Images and labels.
        count: Number of independent labels; None for classes that exclude one another.
    """
    multi_hot = count is not None and count > 1
    kind = f"0 or 1 for {count} labels, (batch, {count})" if multi_hot else "whole numbers, (batch,)"
    allowed = f"batches of (images, labels): (batch, height, width, channels) and {kind}"
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        refuse("data", allowed, batch)
    images, labels = map(ops.convert_to_numpy, batch)
    if labels.shape == (len(images), 1):
        labels = labels[:, 0]
    whole = np.isin(labels, (0, 1)).all() if count else labels.dtype.kind in "iu"
    shape = (len(images), count) if multi_hot else (len(images),)
    if images.ndim < 4 or labels.shape != shape or not whole:
        words = ", ".join(f"{part.dtype} {part.shape}" for part in (images, labels))
        refuse("data", allowed, words)
    return images.astype("float32"), labels


def rank(scores, labels):
    """Rank of each label among the classes, from 0; ties are ranked by class number."""
    classes = scores.shape[-1]
    if labels.min() < 0 or labels.max() >= classes:
        refuse("data", f"labels from 0 to {classes - 1}", (int(labels.min()), int(labels.max())))
    own = scores[np.arange(len(labels)), labels][:, None]
    later = np.arange(classes) > labels[:, None]
    below = (scores < own) | (np.isnan(scores) & ~np.isnan(own)) | ((scores == own) & later)
    return classes - 1 - below.sum(axis=-1)
