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
        axes.plot(epochs(values), values, color=colour, label=title, linewidth=1.6)
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


def panels(path, rows):
    """Lines over epochs, in figures side by side.

    Args:
        path: Path of the PNG.
        rows: Tuples (title, what the values are, values of each epoch on test data by line, and on training
            data by line, which are drawn thin and dashed in the same colour, and "linear" or "log").
    """
    figure, axes = plt.subplots(
        1, len(rows), figsize=(5.2 * len(rows), 4.2), layout="constrained", squeeze=False
    )
    for axis, (title, ylabel, tests, trainings, scale) in zip(axes[0], rows, strict=True):
        for name, values in tests.items():
            colour = COLOURS[list(tests).index(name)]
            axis.plot(epochs(values), values, color=colour, label=f"{name}, test", linewidth=1.8)
        for name, values in trainings.items():
            colour = COLOURS[list(tests or trainings).index(name)]
            label = f"{name}, training"
            axis.plot(epochs(values), values, "--", color=colour, label=label, linewidth=1)
        axis.set(title=title, xlabel="epoch", ylabel=ylabel, yscale=scale)
        axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        if scale == "linear":
            axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    save(figure, path)


def epochs(values):
    """The numbers of the epochs of some values, from 1."""
    return np.arange(1, len(values) + 1)


def beside(path, images, rows, names, titles):
    """Each image beside bars of its class probabilities.

    Args:
        path: Path of the PNG.
        images: (n, height, width).
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
            bars.bar(range(len(names)), p[i], 0.75, color=COLOURS[k])
            bars.set_xticks(range(len(names)), names, fontsize=7, rotation=0 if len(names[0]) < 3 else 90)
            bars.tick_params(axis="y", labelsize=7)
            bars.spines[["top", "right"]].set_visible(False)
            if line == 0:
                bars.set_title(title, fontsize=9)
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


def matches(path, queries, found, titles, captions):
    """Images in the first column, and beside each what was found for it.

    Args:
        path: Path of the PNG.
        queries: (n, height, width), at least one.
        found: (n, count, height, width).
        titles: A title for each query.
        captions: For each query, a caption of each found image, red where it is not the title.
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
            colour = "#222" if caption == titles[i] else COLOURS[1]
            axis.set_title(caption, fontsize=8, weight=weight, color=colour)
    save(figure, path)


def save(figure, path):
    """Writes a figure and frees it."""
    figure.savefig(path, dpi=130)
    plt.close(figure)
