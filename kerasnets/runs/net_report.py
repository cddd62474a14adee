"""The report of a trained net: how good it is, what it gets wrong, how it was trained, and what to do next.

`write_report` writes it as one page, from a `kerasnets.runs.tested.Tested`. Images are read one by one, and
only those that the page shows.
"""

import contextlib
import io
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets import files
from kerasnets.analysis.pictures import library
from kerasnets.checks import is_int, refuse
from kerasnets.runs import pages
from kerasnets.runs.figures import Phase, draw_phases
from kerasnets.runs.tested import Pick, Tested, interval

MATRIX = 30  # classes up to which a confusion matrix is readable
ALL_ROWS = 40  # classes up to which the table of classes is shown whole
WORST_ROWS = 20  # classes in the short table otherwise
SHEET = 24  # images on a contact sheet
SIDE = 192  # longest side of these images in pixels, for screens with two pixels for one
COARSE = 64  # longest side of images that are kept without loss, and drawn as squares
LEAST_SCALE = 0.1  # share of a class that is drawn darkest if no error is as frequent
UNEQUAL = 1.5  # ratio of the largest class to the smallest from which the report speaks of it
RIGHT, WRONG = (8, 81, 156), (166, 54, 3)  # blue and orange, which all eyes tell apart
LIBRARIES = ("jinja2", "matplotlib", "sklearn.metrics", "scipy.stats")
MEANINGS = (
    "Precision: of the images that are given the {0}, the share for which it is right. Recall: of all images "
    "with the {0}, the share that is given it. F1: the harmonic mean of both."
)


def check_libraries() -> None:
    """Imports what the report needs, so that a run fails at its start and not after its training.

    Raises:
        ModuleNotFoundError: A library is missing. The message says what to install.
    """
    for name in LIBRARIES:
        library(name, "Reports", "recipes")


def write_report(
    path: str | os.PathLike,
    tested: Tested,
    title: str,
    *,
    phases: Sequence[Phase] = (),
    splits: Mapping[str, np.ndarray | int] | None = None,
    seconds: Mapping[str, float] | None = None,
    figures: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    commands: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
) -> None:
    """Writes the report of a net as one HTML page that needs no other file and no network.

    Args:
        path: Path of the page.
        tested: What the net says of the test images.
        title: Title of the page.
        phases: The phases of the training, for the curves.
        splits: By the name of a split, such as "training", the labels of its images as in `Tested`, or the
            number of its images. The labels of "training" are counted for each class.
        seconds: Durations, by what took them.
        figures: More figures for the table, as texts by name.
        settings: Settings of the run, as JSON data by name.
        commands: What to do next: pairs of a purpose and a command.
        notes: Sentences to show below the figures.

    Raises:
        ValueError: A phase or a split does not fit.
        ModuleNotFoundError: A library that the report needs is missing.
    """
    check_libraries()
    if not isinstance(tested, Tested):
        refuse("tested", "a kerasnets.runs.tested.Tested", tested)
    for phase in phases:
        if phase.chosen is not None and not (is_int(phase.chosen, 1) and phase.chosen <= phase.epochs):
            refuse("phases", "a list of phases with a chosen epoch of their own, or none", phase)
    sizes = {name: sizes_of(name, labels, tested) for name, labels in (splits or {}).items()}
    trained_on = sizes.get("training", (0, None))[1]
    parts = [summary(tested), figure_rows(tested, seconds or {}, figures or {})]
    if sizes:
        parts += [split_rows(tested, sizes), *imbalance(tested, trained_on)]
    parts += [*notes, *sheets(tested), *confusions(tested), *class_parts(tested, trained_on)]
    parts += [*curves(phases)]
    if commands:
        parts += [pages.Heading("What to do next"), pages.Commands(commands)]
    if settings:
        rows = [[name, pages.Cell(text_of(value))] for name, value in settings.items()]
        table = [["setting", "value"], *rows]
        parts += [pages.Heading("Settings"), pages.Fold("All settings of the run", [table])]
    files.write_text(path, pages.page(title, parts))


def summary(tested: Tested) -> str:
    """The result of the test, in a few sentences."""
    n, wrong = len(tested.labels), int((~tested.right).sum())
    low, high = (percent(x) for x in interval(wrong, n))
    sure = f"With 95% confidence, the share of errors on images like these is between {low} and {high}."
    if tested.several:
        what = f"All labels are right for {n - wrong:,} of {n:,} test images, {percent(1 - wrong / n)}."
        return f"{what} {sure}"
    what = f"The net is right about {n - wrong:,} of {n:,} test images, {percent(1 - wrong / n)}. {sure}"
    counts = tested.counts["true"]
    name, share = tested.class_names[counts.argmax()], percent(counts.max() / n)
    return f"{what} Always answering {quoted(name)}, the most frequent class, would be right about {share}."


def figure_rows(tested: Tested, seconds: Mapping[str, float], figures: Mapping[str, str]) -> list[list]:
    """The table of figures."""
    n, wrong = len(tested.labels), int((~tested.right).sum())
    low, high = (percent(x) for x in interval(wrong, n))
    kind = "images with an error" if tested.several else "errors"
    rows = [["test", "result"], [kind, f"{wrong:,} of {n:,}"], ["error", percent(wrong / n)]]
    rows += [["its 95% interval", f"{low} to {high}"]]
    averages = tested.averages()
    words = {"micro": "all labels together", "macro": "mean of the labels"}
    if not tested.several:
        words = {"macro": "mean of the classes"}
    for average, meaning in words.items():
        row = averages[average]
        rows.append([f"precision, recall, F1, {meaning}", ", ".join(f"{x:.3f}" for x in row.values())])
    if tested.threshold is not None:
        values = np.ravel(tested.threshold)
        word = f"{values[0]:.3g}" if len(set(values)) == 1 else f"{values.min():.3g} to {values.max():.3g}"
        rows.append(["threshold of the probability", word])
    rows += [[name, text] for name, text in figures.items()]
    return rows + [[f"time, {name}", duration(value)] for name, value in seconds.items()]


def sizes_of(name: str, labels: np.ndarray | int, tested: Tested) -> tuple[int, np.ndarray | None]:
    """The number of images in a split, and of those of each class, or None if these are not known."""
    if is_int(labels, 0):
        return int(labels), None
    labels, classes = np.asarray(labels), len(tested.class_names)
    if tested.several:
        if labels.shape[1:] != (classes,):
            refuse("splits", f"a dict of numbers and of arrays (n, {classes}), {name!r} too", labels.shape)
        return len(labels), (labels > 0).sum(axis=0)
    labels = labels.reshape(-1).astype(np.int64)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        refuse("splits", f"a dict of numbers and of labels of {classes} classes, {name!r} too", labels.max())
    return len(labels), np.bincount(labels, minlength=classes)


def split_rows(tested: Tested, sizes: Mapping[str, tuple[int, np.ndarray | None]]) -> list[list]:
    """The table of the splits."""
    word = "label" if tested.several else "class"
    rows = [["split", "images", f"smallest {word}", f"largest {word}"]]
    for name, (images, counts) in sizes.items():
        bounds = ("", "") if counts is None else (f"{counts.min():,}", f"{counts.max():,}")
        rows.append([name, f"{images:,}", *bounds])
    return rows


def imbalance(tested: Tested, counts: np.ndarray | None) -> list[str]:
    """How unequal the classes of the training images are, in a sentence, or nothing if that is not known."""
    if counts is None or counts.max() <= UNEQUAL * counts.min():
        return []
    least, most = (tested.class_names[i] for i in (counts.argmin(), counts.argmax()))
    times = "no training image" if counts.min() == 0 else f"{counts.min():,} training images"
    ratio = "" if counts.min() == 0 else f", {counts.max() / counts.min():.2g} times as many"
    return [f"{quoted(least)} has {times}, {quoted(most)} {counts.max():,}{ratio}."]


def sheets(tested: Tested) -> list:
    """The contact sheets: what the net is most wrong about, and what it is surest of and right about."""
    if tested.image is None and tested.names is None:
        return []
    if tested.several:
        rows = [
            ("Wrong labels", "The wrong labels of highest probability.", tested.worst(SHEET)),
            ("Missing labels", "The missing labels of lowest probability.", tested.missed(SHEET)),
        ]
    elif tested.one_score:
        no, yes = tested.class_names
        words = "The wrong images of {} probability of {}."
        rows = [
            (f"Wrongly {quoted(yes)}", words.format("highest", quoted(yes)), tested.worst(SHEET, 1)),
            (f"Wrongly {quoted(no)}", words.format("lowest", quoted(yes)), tested.worst(SHEET, 0)),
        ]
    else:
        words = "The wrong images with the highest probability of the wrong class, each with its own class."
        rows = [("What it is most wrong about", words, tested.worst(SHEET))]
    words = "The right images of highest probability, about as many of each class."
    rows.append(("What it is surest of and right about", words, tested.surest(SHEET)))
    parts = []
    for heading, words, picks in rows:
        tiles = [tile(tested, pick) for pick in picks]
        parts += [pages.Heading(heading), *([words, pages.Sheet(tiles)] if tiles else ["There are none."])]
    return parts


def tile(tested: Tested, pick: Pick) -> pages.Tile:
    """An image on a contact sheet, with what the net says of it."""
    i, column = pick
    p = tested.probabilities[i]
    lines = [(f"{percent(p[column])} ", tested.class_names[column], "")]
    file = "" if tested.names is None else pathlib.PurePath(tested.names[i]).name
    if tested.several:
        labels = tested.words(tested.labels, i)
        lines.append(("labels: ", labels, "") if labels else ("no label", "", ""))
        wrong = bool(tested.guesses[i, column] != tested.labels[i, column])
    else:
        own = int(tested.labels[i])
        wrong = own != column
        if wrong:
            lines.append(("is ", tested.class_names[own], f" {percent(p[own])}"))
    url, coarse = None, False
    if tested.image is not None:
        with contextlib.suppress(OSError, ValueError):  # a file that is gone must not cost the whole report
            url, coarse = thumbnail(tested.image(i))
    return pages.Tile(url, lines, file, wrong, coarse)


def thumbnail(image: np.ndarray) -> tuple[str, bool]:
    """A small copy of an image, or of the middle frame of a clip, as a data URL.

    Returns:
        The URL, and whether the image has so few pixels that they are all kept.
    """
    import PIL.Image

    values = np.asarray(image)
    values = values[len(values) // 2] if values.ndim == 4 else values
    values = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    picture = PIL.Image.fromarray(values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values)
    coarse, content = max(picture.size) <= COARSE, io.BytesIO()
    picture.thumbnail((SIDE, SIDE))
    if coarse:
        picture.save(content, "png")
    else:
        picture.convert("RGB").save(content, "jpeg", quality=80)
    return pages.data_url(content.getvalue(), "png" if coarse else "jpeg"), coarse


def confusions(tested: Tested) -> list:
    """The confusion matrix, or with many classes the pairs that are confused most often."""
    if tested.several:
        return []
    if len(tested.class_names) <= MATRIX:
        words = (
            "Numbers of test images: a row for each class, a column for what the net says. Blue is right, "
            "orange is wrong; the darker, the larger the share of the row."
        )
        return [pages.Heading("Confusion matrix"), words, matrix(tested)]
    pairs = tested.pairs()
    if not pairs:
        return []
    rows = [["class", "taken for", "test images", "of the class"]]
    for true, guess, images, share in pairs:
        names = tested.class_names[true], pages.Cell(tested.class_names[guess])
        rows.append([*names, f"{images:,}", pages.Cell(percent(share), share)])
    return [pages.Heading("Classes that are confused most often"), rows]


def matrix(tested: Tested) -> pages.Matrix:
    """The confusion matrix."""
    names, counts = tested.class_names, tested.confusion
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    scale = max(LEAST_SCALE, (shares * ~np.eye(len(names), dtype=bool)).max())
    rows = []
    for true, name in enumerate(names):
        row = []
        for guess, other in enumerate(names):
            count, share = int(counts[true, guess]), float(shares[true, guess])
            depth = share if true == guess else (share / scale) ** 0.5
            color, ink = shade(RIGHT if true == guess else WRONG, depth)
            words = f"{count:,} of {name} taken for {other}, {percent(share)}"
            row.append(pages.Square(f"{count:,}" if count else "", color, ink, words))
        rows.append(row)
    return pages.Matrix(names, rows)


def shade(color: tuple[int, int, int], depth: float) -> tuple[str, str]:
    """A color mixed with white, and the color of text on it: whichever of black and white has more contrast.

    Args:
        color: Red, green and blue of depth 1, 0 to 255.
        depth: 0 for white, 1 for the color.

    Returns:
        Two colors as CSS has them.

    Source:
        Web Content Accessibility Guidelines 2.1, relative luminance and contrast ratio.
    """
    mixed = [round(255 - (255 - c) * depth) for c in color]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (m / 255 for m in mixed)]
    luminance = np.dot(linear, (0.2126, 0.7152, 0.0722))
    dark = (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05)
    return "#{:02x}{:02x}{:02x}".format(*mixed), "#000" if dark else "#fff"


def class_parts(tested: Tested, trained_on: np.ndarray | None) -> list:
    """The figures of each class, in a table; with many classes the weakest first, and the rest folded."""
    found = tested.per_class()
    rows = [class_row(row, None if trained_on is None else trained_on[i]) for i, row in enumerate(found)]
    word = "label" if tested.several else "class"
    errors = ["wrongly given", "missed"] if tested.several else []
    head = [word, "F1", "precision", "recall", "test images", *errors]
    head += [] if trained_on is None else ["training images"]
    parts = [pages.Heading(f"Report for each {word}"), MEANINGS.format(word)]
    if len(rows) <= ALL_ROWS:
        return [*parts, [head, *rows]]
    known = [i for i, row in enumerate(found) if row["support"]]
    weakest = sorted(known, key=lambda i: found[i]["f1"])[:WORST_ROWS]
    plural = "labels" if tested.several else "classes"
    return [
        *parts,
        f"The {len(weakest)} {plural} of lowest F1:",
        [head, *(rows[i] for i in weakest)],
        pages.Fold(f"All {len(rows):,} {plural}", [[head, *rows]]),
    ]


def class_row(row: Mapping[str, Any], trained_on: int | None) -> list:
    """The row of a class."""
    scores = ["–" if row[key] is None else f"{row[key]:.3f}" for key in ("precision", "recall")]
    f1 = "–" if row["f1"] is None else pages.Cell(f"{row['f1']:.3f}", row["f1"])
    more = [f"{row[key]:,}" for key in ("support", "false_positives", "false_negatives") if key in row]
    return [row["class"], f1, *scores, *more, *([] if trained_on is None else [f"{trained_on:,}"])]


def curves(phases: Sequence[Phase]) -> list:
    """The curves of the training."""
    measures = list(dict.fromkeys(name for p in phases for name in (*p.validation, *p.training)))
    drawings = []
    for measure in measures:
        words = [f"{measure} by epoch, as curves"]
        for phase in phases:
            for split, values in (("training", phase.training), ("validation", phase.validation)):
                if len(values.get(measure, ())):
                    at = -1 if phase.chosen is None else phase.chosen - 1
                    value = float(values[measure][at])
                    words.append(f"{phase.name}, {split}: {value:.4g} in epoch {at % phase.epochs + 1}")
        url = pages.data_url(draw_phases(phases, measure), "svg+xml")
        drawings.append(pages.Drawing(url, "; ".join(words)))
    if not drawings:
        return []
    chosen = [
        f"The dotted line marks epoch {p.chosen} of {p.name}, whose weights are kept."
        for p in phases
        if p.chosen
    ]
    return [pages.Heading("Training"), pages.Drawings(drawings), *chosen]


def quoted(name: str) -> str:
    """A name in quotation marks and in marks that keep its writing direction from changing the sentence's."""
    return f"“\u2068{name}\u2069”"


def percent(share: float) -> str:
    """A share in percent, with as many decimals as it takes to tell it from 0 and 100."""
    value = 100 * float(share)
    for decimals in (1, 2, 3):
        text = f"{value:.{decimals}f}"
        if float(text) not in (0, 100) or value in (0, 100):
            break
    return f"{text}%"


def duration(seconds: float) -> str:
    """A duration in words."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def text_of(value: Any) -> str:
    """A setting as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
