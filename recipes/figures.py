"""Figures of the recipes, as PNG files."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

COLOURS = ("#1b6ca8", "#b8442f", "#2e7d4f", "#7a5195")


def curves(path, series, ylabel, levels=()):
    """Lines over epochs, with a logarithmic axis.

    Args:
        path: Path of the PNG.
        series: Values of each epoch, by title.
        ylabel: What the values are.
        levels: Pairs (title, value) of dotted lines to compare with.
    """
    figure, axes = plt.subplots(figsize=(9, 4.6), layout="constrained")
    for colour, (title, values) in zip(COLOURS, series.items(), strict=False):
        axes.plot(np.arange(1, len(values) + 1), values, color=colour, label=title, linewidth=1.6)
    for title, value in levels:
        axes.axhline(value, color="#888", linewidth=1, linestyle=":")
        axes.annotate(title, (1, value), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    axes.set(xlabel="epoch", ylabel=ylabel, yscale="log")
    axes.yaxis.set_major_formatter(matplotlib.ticker.ScalarFormatter())
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    low, high = axes.get_ylim()
    steps = [s * 10**e for e in range(-3, 6) for s in (1, 2, 5)]
    axes.set_yticks([s for s in steps if low <= s <= high])
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    save(figure, path)


def beside(path, images, rows, names, titles):
    """Each image beside bars of its class probabilities, on a logarithmic axis.

    Args:
        path: Path of the PNG.
        images: (n, height, width).
        rows: Probabilities by title, each (n, classes); they are drawn in pairs.
        names: Names of the classes.
        titles: A title for each image.
    """
    n, columns = len(images), 2
    figure = plt.figure(figsize=(10.5, 1.45 * -(-n // columns) + 0.5), layout="constrained")
    grid = figure.add_gridspec(-(-n // columns), 2 * columns, width_ratios=[1, 3.4] * columns)
    width = 0.8 / len(rows)
    for i in range(n):
        row, column = divmod(i, columns)
        picture = figure.add_subplot(grid[row, 2 * column])
        picture.imshow(images[i], cmap="gray_r")
        picture.set_title(titles[i], fontsize=8)
        picture.axis("off")
        bars = figure.add_subplot(grid[row, 2 * column + 1])
        for k, (title, p) in enumerate(rows.items()):
            at = np.arange(len(names)) + (k - (len(rows) - 1) / 2) * width
            bars.bar(at, np.maximum(p[i], 1e-6), width, bottom=0, color=COLOURS[k], label=title)
        bars.set(yscale="log", ylim=(1e-5, 1.5), yticks=(1e-4, 1e-2, 1))
        bars.set_xticks(range(len(names)), names, fontsize=8)
        bars.tick_params(axis="y", labelsize=7)
        bars.spines[["top", "right"]].set_visible(False)
    handles, labels = bars.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(rows), frameon=False)
    save(figure, path)


def gallery(path, images, captions, columns=10):
    """Images in rows, each under its caption.

    Args:
        path: Path of the PNG.
        images: (n, height, width), at least one.
        captions: A caption for each image.
        columns: Images in a row.
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


def save(figure, path):
    """Writes a figure and frees it."""
    figure.savefig(path, dpi=130)
    plt.close(figure)
