"""The report of recipes/distill_mnist.py: its table, its figures and its page."""

import math
import pathlib
from typing import Any

import numpy as np

from kerasnets import files

# Of each net: a description, and its errors on MNIST's 10,000 test images in the paper.
NETS = {
    "teacher": ("784-1200-1200-10, dropout, jitter", 67),
    "plain": ("784-800-800-10, hard labels", 146),
    "student": ("784-800-800-10, distilled", 74),
}
WORDS = {"teacher": "teacher", "plain": "vanilla", "student": "distilled"}  # in results.json

# What a run says about the images on which it counts errors, and about its learning curves.
USED = {
    "test": (
        "The test images are used once, after the training, and decide nothing in this run.",
        "Errors on the training images in each epoch, changed as the net sees them.",
    ),
    "validation": (
        "The validation images are held out of the training images. The test images are not used.",
        "Errors on the validation images after each epoch.",
    ),
}


def compare(results: dict[str, Any], teacher: str | None = None) -> list[list[str]]:
    """Makes the rows of the table.

    Args:
        results: The content of results.json.
        teacher: A description of the teacher; None for the paper's.

    Returns:
        A header, then a row for each net, of strings.
    """
    n = results["test_size"]
    titles = {name: (f"{name}: {title}", str(paper)) for name, (title, paper) in NETS.items()}
    if teacher:
        titles["teacher"] = (f"teacher: {teacher}", "")
    errors = {name: results[f"{word}_errors"] for name, word in WORDS.items()}
    if results["moved"]:
        moved = results["moved"]
        classes = ", ".join(map(str, moved["classes"]))
        right = 1 - moved["errors_of_classes"] / max(1, moved["images_of_classes"])
        errors["moved"] = moved["errors"]
        title = f"student, biases of {classes} by the frequencies of the training images"
        titles["moved"] = (f"{title} ({right:.1%} of these right)", "")
    kind = " validation images" if results["validation"] else ""
    rows = [["net", f"errors of {n:,}{kind}", "error", "paper, MNIST"]]
    for name, (title, paper) in titles.items():
        rows.append([title, str(errors[name]), f"{100 * errors[name] / n:.2f}%", paper])
    return rows


def curve(out: pathlib.Path, name: str, n: int) -> list[float]:
    """Reads the errors of a net in each epoch, per n images: validation images, or else training images."""
    from kerasnets import runs

    logs = runs.history(out / f"{name}.csv")
    validated = logs.get("val_accuracy", [])
    found = logs["accuracy"] if any(map(math.isnan, validated)) or not validated else validated
    return [n * (1 - accuracy) for accuracy in found]


def augmented(results: dict[str, Any]) -> str:
    """Says how the student's images were changed; an empty text if they were not."""
    rows, passes = results["augment"], results["passes"]
    if not rows and not passes:
        return ""
    changes = ", ".join(rows) or "jitter"
    how = f"on {passes} passes, stored" if passes else "at every step"
    return f"The student's images are changed ({changes}), and the teacher saw the same images, {how}. "


def report(
    out: pathlib.Path,
    results: dict[str, Any],
    table: list[list[str]],
    test: tuple[np.ndarray, np.ndarray],
    logits: dict[str, np.ndarray],
) -> None:
    """Draws the figures and writes the page that shows them."""
    from keras import ops

    import figures
    from kerasnets.data.datasets import CLASSES
    from kerasnets.distillation import soft_targets
    from kerasnets.runs import pages

    images, labels = test[0][..., 0], test[1]
    guess = {name: z.argmax(1) for name, z in logits.items()}
    n, temperature = len(labels), results["temperature"]
    tested, verb = ("validation", "validate") if results["validation"] else ("test", "test")
    used, when = USED[tested]
    names = CLASSES[results["dataset"]]
    nets = ["teacher" if (out / "teacher.csv").exists() else "teacher1", "plain", "student"]
    figures.curves(
        out / "curves.png",
        {
            title: curve(out, name, n)
            for (title, *_), name in zip(table[1:], nets, strict=False)
            if (out / f"{name}.csv").exists()  # the teacher of a file was not trained here
        },
        f"errors of {n:,} {'validation' if results['validation'] else 'training'} images",
    )

    # Of each class, the correctly classified image whose soft targets have the highest entropy.
    soft = {t: ops.convert_to_numpy(soft_targets(logits["teacher"], t)) for t in (1.0, temperature)}
    right = guess["teacher"] == labels
    entropy = -(soft[temperature] * np.log(soft[temperature] + 1e-30)).sum(1)
    shown = [
        max((i for i in range(n) if right[i] and labels[i] == c), key=lambda i: entropy[i])
        for c in range(10)
        if (right & (labels == c)).any()
    ]
    rescued = [i for i in range(n) if guess["plain"][i] != labels[i] == guess["student"][i]]
    lost = sum(guess["student"][i] != labels[i] == guess["plain"][i] for i in range(n))
    parts = [
        f"{results['dataset']}: {results['train_size']:,} images to train on, {n:,} to {verb} on. "
        f"Temperature {temperature:g}, hard weight {results['hard_weight']:g}, {results['epochs']} epochs of "
        f"batch {results['batch_size']}, seed {results['seed']}, {results['seconds']:.0f} s. "
        f"{augmented(results)}{used}",
        table,
        pages.Figure(
            "Learning curves",
            out / "curves.png",
            when,
        ),
    ]
    if shown:
        figures.beside(
            out / "soft_targets.png",
            images[shown],
            {f"T = {t:g}": p[shown] for t, p in soft.items()},
            names,
            titles=[names[labels[i]] for i in shown],
        )
        parts.append(
            pages.Figure(
                "Soft targets",
                out / "soft_targets.png",
                f"The teacher's probabilities for {tested} images that it classifies correctly: for each "
                "class, the image of which it is least certain. They are shown at temperature 1 and at the "
                "temperature of the student's training, which brings out the other classes that the image "
                "resembles.",
            )
        )
    if results["sweep"]:
        held = f"{results['held_size']:,} images that are held out of the training images"
        best = next(row for row in results["sweep"] if "test_errors" in row)
        figures.sweep(out / "sweep.png", results["sweep"], f"errors on {held}")
        parts.append(
            pages.Figure(
                "Temperature and hard weight",
                out / "sweep.png",
                f"Errors of students that differ in nothing else, on {held}. The best, of temperature "
                f"{best['temperature']:g} and hard weight {best['hard_weight']:g}, has "
                f"{best['test_errors']} errors on the test images.",
            )
        )
    if rescued:
        most = rescued[:60]
        figures.gallery(
            out / "rescued.png",
            images[most],
            [f"{names[labels[i]]},\nnot {names[guess['plain'][i]]}" for i in most],
        )
        parts.append(
            pages.Figure(
                "What distillation gained",
                out / "rescued.png",
                f"{len(rescued)} {tested} images that the student classifies correctly and the plain net "
                "does not"
                + (f", the first {len(most)} of them" if len(most) < len(rescued) else "")
                + f". On {lost} images it is the other way round.",
            )
        )
    files.write_text(out / "report.html", pages.page("Distilling a big net into a small one", parts))
