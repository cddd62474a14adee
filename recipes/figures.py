"""Figures of the recipes, as PNG files."""

import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from kerasnets import files
from kerasnets.runs.figures import COLORS


def curves(
    path: str | os.PathLike,
    series: Mapping[str, Sequence[float]],
    ylabel: str,
    levels: Sequence[tuple[str, float]] = (),
) -> None:
    """Plots curves over epochs, with a logarithmic vertical axis.

    Args:
        path: Path of the PNG file.
        series: For the title of each curve, its values, one per epoch.
        ylabel: Label of the vertical axis.
        levels: Pairs (title, value) of dotted horizontal lines.
    """
    figure, axes = plt.subplots(figsize=(9, 4.6), layout="constrained")
    for color, (title, values) in zip(COLORS, series.items(), strict=False):
        axes.plot(epochs(values), values, color=color, label=title, linewidth=1.6)
    for title, value in levels:
        axes.axhline(value, color="#888", linewidth=1, linestyle=":")
        axes.annotate(title, (1, value), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    axes.set(xlabel="epoch", ylabel=ylabel, yscale="log")
    axes.yaxis.set_major_formatter(matplotlib.ticker.ScalarFormatter())
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.set_yticks(ticks(*axes.get_ylim()))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    save(figure, path)


def sweep(path: str | os.PathLike, rows: Sequence[Mapping[str, float]], ylabel: str) -> None:
    """Plots errors over temperatures, one curve for each hard weight.

    Args:
        path: Path of the PNG file.
        rows: Dicts with "temperature", "hard_weight" and "errors".
        ylabel: Label of the vertical axis.
    """
    figure, axes = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
    for color, weight in zip(COLORS, sorted({row["hard_weight"] for row in rows}), strict=False):
        line = sorted((row["temperature"], row["errors"]) for row in rows if row["hard_weight"] == weight)
        axes.plot(*zip(*line, strict=True), "o-", color=color, label=f"hard weight {weight:g}")
    temperatures = sorted({row["temperature"] for row in rows})
    axes.set(xlabel="temperature", ylabel=ylabel, xscale="log")
    axes.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    save(figure, path)


def front(
    path: str | os.PathLike,
    points: Sequence[tuple[float, float]],
    best: Sequence[tuple[float, float, str]],
    xlabel: str,
    ylabel: str,
    limit: float | None = None,
) -> None:
    """Plots points over their cost, and the Pareto front with names.

    Args:
        path: Path of the PNG file.
        points: Pairs (cost, value), at least one.
        best: Triples (cost, value, name) of the points on the front, the cheapest first.
        xlabel: Label of the horizontal axis.
        ylabel: Label of the vertical axis.
        limit: The largest allowed cost, or None.
    """
    figure, axes = plt.subplots(figsize=(9, 5.2), layout="constrained")
    axes.scatter(*zip(*points, strict=True), color="#999", s=26, label="trials")
    x, y, names = zip(*best, strict=True)
    axes.plot(x, y, "o-", color=COLORS[0], drawstyle="steps-post", label="Pareto front", linewidth=1.6)
    for i, place in enumerate(best):
        last = 0 < i == len(best) - 1  # its name would reach beyond the figure
        offset = dict(xytext=(-5 if last else 4, -12), ha="right" if last else "left")
        axes.annotate(place[2], place[:2], textcoords="offset points", fontsize=8, color=COLORS[0], **offset)
    if limit is not None:
        axes.axvline(limit, color=COLORS[1], linestyle=":", label="budget")
    axes.set(xlabel=xlabel, ylabel=ylabel, xscale="log")
    axes.margins(x=0.15, y=0.12)
    axes.set_xticks(ticks(*axes.get_xlim()))
    axes.xaxis.set_major_formatter(matplotlib.ticker.EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    save(figure, path)


def bands(
    path: str | os.PathLike,
    panels: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    ylabel: str,
    levels: Sequence[tuple[str, float]] = (),
    bottom: float | None = None,
) -> None:
    """Plots the curves of several runs over epochs, side by side: their mean, and a band from least to most.

    Args:
        path: Path of the PNG file.
        panels: For the title of each panel, by the title of each curve its values, (runs, epochs).
        ylabel: Label of the vertical axis.
        levels: Pairs (title, value) of dotted horizontal lines.
        bottom: The least value that is shown; None for all.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(5.4 * len(panels), 4.2), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (title, series) in zip(axes[0], panels.items(), strict=True):
        for color, (name, runs) in zip(COLORS, series.items(), strict=False):
            band(axis, runs, color, name)
        for name, value in levels:
            axis.axhline(value, color="#666", linewidth=1.2, linestyle=":", label=name)
        axis.set(title=textwrap.fill(title, 48), xlabel="epoch")
        axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, loc="lower right")
    axes[0, 0].set(ylabel=ylabel)
    if bottom is not None:
        axes[0, 0].set_ylim(bottom=bottom)
    save(figure, path)


def starts(
    path: str | os.PathLike,
    losses: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    sizes: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    names: Sequence[str],
    level: tuple[str, float],
) -> None:
    """Plots the losses of nets over epochs and, below them, the sizes of their layers' values at the start.

    Args:
        path: Path of the PNG file.
        losses: For each net, by the name of its start, values of several runs, (runs, epochs).
        sizes: The same, (runs, layers); their axis is logarithmic.
        names: Names of all starts, each of which has a color.
        level: Pair (title, value) of a dotted horizontal line among the losses.
    """
    colors = {name: f"C{i}" for i, name in enumerate(names)}
    size = (3.5 * len(losses) + 1, 6.4)
    figure, axes = plt.subplots(
        2,
        len(losses),
        figsize=size,
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for row, (found, xlabel) in enumerate(((losses, "epoch"), (sizes, "layer"))):
        for axis, (net, series) in zip(axes[row], found.items(), strict=True):
            for start, runs in series.items():
                band(axis, runs, colors[start], start)
            axis.set(title=net if row == 0 else "", xlabel=xlabel)
            axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
            axis.grid(alpha=0.3)
    for axis in axes[0]:
        axis.axhline(level[1], color="#666", linewidth=1, linestyle=":", label=level[0])
    axes[0, 0].set(ylabel="training loss", ylim=(0, 1.25 * level[1]))
    axes[1, 0].set(ylabel="values of the untrained layers,\nroot mean square", yscale="log")
    figure.legend(*axes[0, -1].get_legend_handles_labels(), frameon=False, loc="outside right upper")
    save(figure, path)


def band(axis: Any, runs: Sequence[Sequence[float]], color: str, title: str) -> None:
    """Plots curves of several runs, (runs, n): their mean, and a band from the least to the largest."""
    runs = np.asarray(runs, float)
    x = epochs(runs[0])
    low, high = np.nanmin(runs, axis=0), np.nanmax(runs, axis=0)
    axis.plot(x, np.nanmean(runs, axis=0), color=color, label=title, linewidth=1.8)
    axis.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)


def norms(path: str | os.PathLike, series: Mapping[str, Sequence[float]]) -> None:
    """Plots the norms of gradients over the places of convolutions, with a logarithmic vertical axis.

    Args:
        path: Path of the PNG file.
        series: For each net, a value for each convolution. "NET, ..." is drawn dotted, in the color of NET.
    """
    figure, axis = plt.subplots(figsize=(9.5, 4.5), layout="constrained")
    colors = {}
    for title, values in series.items():
        net, _, changed = title.partition(", ")
        color = colors.setdefault(net, f"C{len(colors)}")
        x = np.linspace(0, 1, len(values))
        axis.plot(x, values, color=color, linestyle=":" if changed else "-", label=title)
    axis.set(xlabel="place of the convolution: 0 is the first, 1 is the last", ylabel="norm of its gradient")
    axis.set_yscale("log")
    axis.grid(alpha=0.3)
    figure.legend(frameon=False, loc="outside right upper")
    save(figure, path)


def gains(
    path: str | os.PathLike,
    errors: Mapping[str, Sequence[tuple[float, float]]],
    levels: Mapping[str, float],
    changes: Mapping[str, Sequence[tuple[float, float]]],
) -> None:
    """Plots errors by the number of specialists, and beside them what specialists of the true class change.

    Args:
        path: Path of the PNG file.
        errors: For the title of each curve, pairs (specialists, errors).
        levels: The errors of other nets by their titles, horizontal lines.
        changes: For the title of each curve, pairs (specialists of the true class, change in percent).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    for axis, curves_of in ((left, errors), (right, changes)):
        for color, (title, points) in zip(COLORS, curves_of.items(), strict=False):
            axis.plot(*zip(*points, strict=True), "o-", color=color, label=title, markersize=4)
        axis.grid(alpha=0.3)
    for style, (title, value) in zip((":", "--", "-."), levels.items(), strict=False):
        left.axhline(value, color="#666", linewidth=1.2, linestyle=style, label=title)
    left.set(xlabel="specialists", ylabel="errors on the test images")
    right.set(xlabel="specialists of the true class", ylabel="relative change in accuracy, %")
    for axis in (left, right):
        axis.legend(frameon=False, fontsize=8)
    save(figure, path)


def league(
    path: str | os.PathLike,
    panels: Mapping[str, tuple[Sequence[tuple[str, Mapping[str, Any]]], float]],
    xlabel: str,
) -> None:
    """Draws the mean and the deviation of methods, panels below each other with the smallest mean on top.

    Args:
        path: Path of the PNG file.
        panels: For the title of each panel, pairs (method, a dict of "mean", "deviation" and "values"), and
            the value of the teacher, a dashed line. The method "plain" is a dotted line too.
        xlabel: Label of the horizontal axes.
    """
    heights = [0.27 * len(rows) + 1.1 for rows, _ in panels.values()]
    figure, axes = plt.subplots(
        len(panels), figsize=(6.4, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for axis, (title, (rows, teacher)) in zip(axes[:, 0], panels.items(), strict=True):
        rows = sorted(rows, key=lambda row: -row[1]["mean"])
        for y, (name, found) in enumerate(rows):
            color = COLORS[1] if name == "plain" else COLORS[0]
            axis.errorbar(found["mean"], y, xerr=found["deviation"] or 0, fmt="o", color=color, capsize=3)
            axis.plot(found["values"], [y] * len(found["values"]), "|", color="#888", markersize=7)
            if name == "plain":
                axis.axvline(found["mean"], color=color, linewidth=1, linestyle=":")
        axis.axvline(teacher, color="#666", linewidth=1, linestyle="--", label="teacher")
        axis.set_yticks(range(len(rows)), [name for name, _ in rows])
        axis.set(title=title, xlabel=xlabel)
        axis.grid(axis="x", alpha=0.3)
        axis.legend(frameon=False, loc="upper right")
    save(figure, path)


def dots(
    path: str | os.PathLike,
    title: str,
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    groups: Sequence[int],
) -> None:
    """Draws values of the same rows in panels side by side: means, deviations, and single values as strokes.

    Args:
        path: Path of the PNG file.
        title: Title of the picture.
        panels: For the label of each panel, by the name of each row its values; a row may have none.
        groups: For each row the number of its group, which gives its color.
    """
    names = list(next(iter(panels.values())))
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(1.6 + 3.4 * len(panels), 0.34 * len(names) + 1.5),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, (label, rows) in zip(axes[0], panels.items(), strict=True):
        for y, (values, group) in enumerate(zip(rows.values(), groups, strict=True)):
            if not len(values):
                continue
            color = COLORS[group % len(COLORS)]
            deviation = np.std(values, ddof=1) if len(values) > 1 else 0
            axis.errorbar(np.mean(values), y, xerr=deviation, fmt="o", color=color, capsize=3)
            axis.plot(values, [y] * len(values), "|", color="#888", markersize=7)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_xlabel(textwrap.fill(label, 44), fontsize=8)
        axis.margins(x=0.15)
        axis.grid(axis="x", alpha=0.3)
    figure.suptitle(title, fontsize=10)
    save(figure, path)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers for the ticks of a logarithmic axis."""
    return [s * 10.0**e for e in range(-3, 13) for s in (1, 2, 5) if low <= s * 10.0**e <= high]


def epochs(values: Sequence[float]) -> np.ndarray:
    """The numbers of the epochs of values, from 1."""
    return np.arange(1, len(values) + 1)


def beside(
    path: str | os.PathLike,
    images: np.ndarray,
    rows: Mapping[str, np.ndarray],
    names: Sequence[str],
    titles: Sequence[str],
) -> None:
    """Draws each image beside bars of its class probabilities.

    Args:
        path: Path of the PNG file.
        images: Images, (n, height, width).
        rows: Probabilities by title, each (n, classes).
        names: Names of the classes.
        titles: A title for each image.
    """
    lines = -(-len(images) // 2)
    figure = plt.figure(figsize=(11, 1.3 * lines + 0.4), layout="constrained")
    widths = ([1] + [2.4] * len(rows)) * 2
    grid = figure.add_gridspec(lines, len(widths), width_ratios=widths)
    for i, image in enumerate(images):
        line, column = i // 2, i % 2 * (1 + len(rows))
        picture = figure.add_subplot(grid[line, column])
        picture.imshow(image, cmap="gray_r")
        picture.set_title(titles[i], fontsize=8)
        picture.axis("off")
        for k, (title, p) in enumerate(rows.items()):
            bars = figure.add_subplot(grid[line, column + 1 + k])
            bars.bar(range(len(names)), p[i], 0.75, color=COLORS[k])
            bars.set_xticks(range(len(names)), names, fontsize=7, rotation=0 if len(names[0]) < 3 else 90)
            bars.tick_params(axis="y", labelsize=7)
            bars.spines[["top", "right"]].set_visible(False)
            if line == 0:
                bars.set_title(title, fontsize=9)
    save(figure, path)


def gallery(path: str | os.PathLike, images: np.ndarray, captions: Sequence[str], columns: int = 10) -> None:
    """Draws images in rows, each under its caption.

    Args:
        path: Path of the PNG file.
        images: Images, (n, height, width), at least one.
        captions: A caption for each image.
        columns: Number of images in a row.
    """
    columns = min(columns, max(len(images), 6))
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.05 * columns, 1.45 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, caption in zip(axes.flat, images, captions, strict=False):
        axis.imshow(image, cmap="gray_r")
        axis.set_title(caption, fontsize=8)
    save(figure, path)


def confusion(
    path: str | os.PathLike,
    labels: np.ndarray,
    guesses: Mapping[str, np.ndarray],
    names: Sequence[str],
    order: Sequence[int],
) -> None:
    """Draws two confusion matrices and the change between them, with counts; zeros are left blank.

    The diagonal is shown only in the change, where red marks a change for the worse.

    Args:
        path: Path of the PNG file.
        labels: True classes, (n,).
        guesses: Predicted classes, (n,), by title: before and after.
        names: Names of the classes.
        order: Order in which to show the classes.
    """
    size, names = len(order), [names[c] for c in order]
    off = ~np.eye(size, dtype=bool)
    place = np.argsort(order)
    cells = (size * place[labels] + place[guess] for guess in guesses.values())
    before, after = (np.bincount(c, minlength=size**2).reshape(size, size) for c in cells)
    shown = dict(zip([*guesses, "change"], [before * off, after * off, after - before], strict=True))
    figure, axes = plt.subplots(1, 3, figsize=(1.26 * size, 0.42 * size + 0.6), layout="constrained")
    top = max(1, before[off].max(), after[off].max())
    for axis, (title, counts) in zip(axes, shown.items(), strict=True):
        change = title == "change"
        bound = max(1, np.abs(counts).max()) if change else top
        worse = np.where(off, counts, -counts)
        axis.imshow(worse, cmap="RdBu_r" if change else "Reds", vmin=-bound if change else 0, vmax=bound)
        for row, column in np.argwhere(counts):
            count = counts[row, column]
            color = "white" if abs(count) > 0.6 * bound else "black"
            text = f"{count:+d}" if change else str(count)
            axis.text(column, row, text, ha="center", va="center", fontsize=7, color=color)
        grid(axis, names, names)
        axis.set(title=title, xlabel="predicted class", ylabel="true class" if axis is axes[0] else "")
    save(figure, path)


def clusters(
    path: str | os.PathLike,
    soft: np.ndarray,
    sets: Sequence[Sequence[int]],
    names: Sequence[str],
    order: Sequence[int],
) -> None:
    """Draws the covariance of soft targets beside the sets of classes that were found in it.

    Args:
        path: Path of the PNG file.
        soft: Soft targets, (n, classes).
        sets: Sets of classes.
        names: Names of the classes.
        order: Order in which to show the classes.
    """
    size, names = len(order), [names[c] for c in order]
    member = [[c in s for c in order] for s in sets]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(0.84 * size + 1.6, 0.42 * max(size, len(sets)) + 1.2), layout="constrained"
    )
    shown = np.where(np.eye(size, dtype=bool), np.nan, np.cov(soft[:, order], rowvar=False))
    bound = np.nanmax(np.abs(shown))
    left.imshow(shown, cmap="RdBu_r", vmin=-bound, vmax=bound)
    grid(left, names, names)
    left.set(title="covariance of soft targets")
    right.imshow(member, cmap=matplotlib.colors.ListedColormap(["white", COLORS[0]]), vmin=0, vmax=1)
    grid(right, names, range(1, len(sets) + 1))
    right.set(title="classes of each specialist", ylabel="specialist")
    save(figure, path)


def grid(axis: Any, columns: Sequence[str], rows: Sequence[Any]) -> None:
    """Labels the columns and rows of a matrix, and draws thin lines between its cells."""
    upright = max(map(len, columns)) < 3
    axis.set_xticks(range(len(columns)), columns, fontsize=8, rotation=0 if upright else 90)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    axis.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="#ddd", linewidth=0.5)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_visible(False)


def matches(
    path: str | os.PathLike,
    queries: np.ndarray,
    found: np.ndarray,
    titles: Sequence[str],
    captions: Sequence[Sequence[str]],
) -> None:
    """Draws query images in the first column, each followed by the images that were found for it.

    Args:
        path: Path of the PNG file.
        queries: Images, (n, height, width), at least one.
        found: Images, (n, count, height, width).
        titles: A title for each query.
        captions: For each query, a caption of each found image; it is red if it differs from the title.
    """
    count = found.shape[1]
    figure = plt.figure(figsize=(1.05 * (count + 1.3), 1.3 * len(queries)), layout="constrained")
    # The second column is a gap.
    grid = figure.add_gridspec(len(queries), count + 2, width_ratios=[1, 0.15, *[1] * count])
    for i, (query, row) in enumerate(zip(queries, found, strict=True)):
        cells = [
            (0, query, titles[i], "bold"),
            *((j + 2, x, captions[i][j], None) for j, x in enumerate(row)),
        ]
        for column, image, caption, weight in cells:
            axis = figure.add_subplot(grid[i, column])
            axis.imshow(image, cmap="gray_r")
            axis.axis("off")
            color = "#222" if caption == titles[i] else COLORS[1]
            axis.set_title(caption, fontsize=8, weight=weight, color=color)
    save(figure, path)


def save(figure: Any, path: str | os.PathLike) -> None:
    """Saves a figure and frees its memory."""
    with files.replacing(path) as part:
        figure.savefig(part, dpi=130)
    plt.close(figure)
