"""What recipes/distill_mnist.py writes of a run: its table, its figures and its page."""

import numpy as np

import pages
from kerasnets import files

# Net by net: what it is, and its errors of MNIST's 10,000 in the paper.
NETS = {
    "teacher": ("784-1200-1200-10, dropout, jitter", 67),
    "plain": ("784-800-800-10, hard labels", 146),
    "student": ("784-800-800-10, distilled", 74),
}
WORDS = {"teacher": "teacher", "plain": "vanilla", "student": "distilled"}  # in results.json


def count(logits, labels):
    """How many images are called by a wrong class."""
    return int((logits.argmax(1) != labels).sum())


def compare(results, teacher=None):
    """Rows of the table.

    Args:
        results: What results.json holds.
        teacher: What teaches, in words; None for the paper's teacher.

    Returns:
        A header, then a row for each net, of strings.
    """
    n = results["test_size"]
    titles = {name: (f"{name}: {title}", str(paper)) for name, (title, paper) in NETS.items()}
    if teacher:
        titles["teacher"] = (f"teacher: {teacher}", "")
    errors = {name: results[f"{word}_errors"] for name, word in WORDS.items()}
    if results["moved"]:
        words = ", ".join(map(str, results["moved"]["classes"]))
        for word, title in (
            ("matched", "frequencies of the training images"),
            ("best", "best for the test images"),
        ):
            moved = results["moved"][word]
            errors[word] = moved["errors"]
            right = 1 - moved["errors_of_classes"] / max(1, moved["images_of_classes"])
            titles[word] = (f"student, biases of {words}: {title} ({right:.1%} of these right)", "")
    rows = [["net", f"errors of {n:,}", "error", "paper, MNIST"]]
    for name, (title, paper) in titles.items():
        rows.append([title, str(errors[name]), f"{100 * errors[name] / n:.2f}%", paper])
    return rows


def curve(out, name, n):
    """Test errors after each epoch, from the log of a net."""
    from kerasnets import runs

    return [n * (1 - accuracy) for accuracy in runs.history(out / f"{name}.csv")["val_accuracy"]]


def report(out, results, table, test, logits):
    """The figures and the page that shows them."""
    from keras import ops

    import figures
    from kerasnets.data.datasets import CLASSES
    from kerasnets.distillation import soft_targets

    images, labels = test[0][..., 0], test[1]
    guess = {name: z.argmax(1) for name, z in logits.items()}
    n, temperature = len(labels), results["temperature"]
    names = CLASSES[results["dataset"]]
    nets = ["teacher" if results["teachers"] == 1 else "teacher1", "plain", "student"]
    figures.curves(
        out / "curves.png",
        {title: curve(out, name, n) for (title, *_), name in zip(table[1:], nets, strict=False)},
        f"errors on {n:,} test images",
    )

    # Of each class, the rightly classified image whose soft targets say most about other classes.
    soft = {t: ops.convert_to_numpy(soft_targets(logits["teacher"], t)) for t in (1.0, temperature)}
    right = guess["teacher"] == labels
    doubt = -(soft[temperature] * np.log(soft[temperature] + 1e-30)).sum(1)
    shown = [
        max((i for i in range(n) if right[i] and labels[i] == c), key=lambda i: doubt[i])
        for c in range(10)
        if (right & (labels == c)).any()
    ]
    figures.beside(
        out / "soft_targets.png",
        images[shown],
        {f"T = {t:g}": p[shown] for t, p in soft.items()},
        names,
        titles=[names[labels[i]] for i in shown],
    )

    rescued = [i for i in range(n) if guess["plain"][i] != labels[i] == guess["student"][i]]
    lost = sum(guess["student"][i] != labels[i] == guess["plain"][i] for i in range(n))
    parts = [
        f"{results['dataset']}: {results['train_size']:,} images to train on, {n:,} to test on. "
        f"Temperature {temperature:g}, hard weight {results['hard_weight']:g}, {results['epochs']} epochs of "
        f"batch {results['batch_size']}, seed {results['seed']}, {results['seconds']:.0f} s. "
        "In this run test images count errors and decide nothing"
        + (", but for the biases that are called best for them." if results["moved"] else "."),
        table,
        pages.Figure(
            "Learning curves",
            out / "curves.png",
            "Errors on the test images after each epoch.",
        ),
        pages.Figure(
            "Soft targets",
            out / "soft_targets.png",
            "What the teacher says of test images that it gets right: for each class the one it doubts most, "
            "with its probabilities at temperature 1 and at the temperature at which the student is shown "
            "them, which brings out the other classes that this image resembles.",
        ),
    ]
    if results["sweep"]:
        figures.sweep(out / "sweep.png", results["sweep"], f"errors on {n:,} test images")
        parts.append(
            pages.Figure(
                "Temperature and hard weight",
                out / "sweep.png",
                "Errors on the test images of students that differ in nothing else. The best of so many is "
                "better than it would be on other images.",
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
                f"{len(rescued)} test images that the plain net gets wrong and the student right"
                + (f", the first {len(most)} of them" if len(most) < len(rescued) else "")
                + f"; on {lost} it is the other way round.",
            )
        )
    files.write_text(out / "report.html", pages.page("Distilling a big net into a small one", parts))
