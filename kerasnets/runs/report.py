"""The report at the end of a training run."""

import pathlib
from typing import Any

import keras

from kerasnets import files
from kerasnets.runs.data import Data
from kerasnets.runs.figures import Panel, draw_panels
from kerasnets.runs.folder import history
from kerasnets.tables import text_table


def report(
    results: dict[str, Any], predictions: Any, net: keras.Model, data: Data, out: pathlib.Path
) -> dict[str, Any]:
    """Draws the curves of a run, and writes and prints its results.

    Args:
        results: Results of its test, the name of the file with the tested weights, and the duration of the
            run in seconds.
        data: Its data.
        out: Its folder, with history.csv.

    Returns:
        The content of results.json.
    """
    recipe, logs = data.recipe, history(out / "history.csv")
    main = "predictions_" if "predictions_accuracy" in logs else ""  # a net with several outputs
    loss, splits = recipe.loss[0], ("", "val_")
    errors = {s: [100 * (1 - share) for share in logs[f"{s}{main}accuracy"]] for s in splits}
    losses = {s: logs[f"{s}{main}{loss}"] for s in splits}

    def panel(ylabel, values, scale):
        return Panel("", ylabel, {recipe.model: values["val_"]}, {recipe.model: values[""]}, scale)

    panels = [panel(f"{loss}, without weight decay", losses, "log"), panel("error, %", errors, "linear")]
    draw_panels(out / "curves.png", panels)
    accuracies = logs[f"val_{main}accuracy"]
    best = {}
    if recipe.validation is not None:
        epoch = accuracies.index(max(accuracies))
        best = {"best_epoch": epoch + 1, "best_epoch_error": round(errors["val_"][epoch], 4)}
        best |= {"validation_examples": data.watched.examples}
    results = {
        **results,
        "classes": data.classes,
        "train_examples": data.training.examples,
        "test_examples": data.testing.examples,
        "epochs": len(accuracies),
        **best,
        "skipped_images": data.skipped,
        "seed": data.options.seed,
        "replicas": recipe.replicas,
        "precision": recipe.precision,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
    }
    files.write_json(out / "results.json", results)
    shares = [(name, f"{100 * value:.2f}") for name, value in results.items() if name.startswith("top")]
    print(text_table(("accuracy", "%"), shares, left=1))
    print(f"{results['seconds']:.0f} s. In {out}: results.json, curves.png, {results['weights']}")
    return results
