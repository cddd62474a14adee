"""The report at the end of a training run."""

from __future__ import annotations

import pathlib
import shlex
from typing import Any

import keras
import numpy as np

from kerasnets import files
from kerasnets.runs import net_report
from kerasnets.runs.data import Data
from kerasnets.runs.figures import Panel, Phase, draw_panels
from kerasnets.runs.folder import history
from kerasnets.runs.metrics import score
from kerasnets.runs.tested import Tested
from kerasnets.tables import first_of, text_table
from kerasnets.weights import card_of

PHASES = {"classifier": "head.csv", "whole net": "history.csv"}  # parts of a run, and their logs
SMALL = "SqueezeNet"  # the student that is proposed
FIGURES = {  # of results.json that are shown as percentages
    "top1": "top-1 accuracy",
    "top5": "top-5 accuracy",
    "accuracy": "labels that are right",
    "exact_match": "images whose labels are all right",
    "f1": "F1",
    "micro_f1": "micro F1",
    "macro_f1": "macro F1",
    "average_precision": "average precision",
    "mean_average_precision": "mean average precision",
    "threshold": "threshold",
}


def report(
    results: dict[str, Any],
    predictions: tuple[np.ndarray, np.ndarray],
    net: keras.Model,
    data: Data,
    out: pathlib.Path,
) -> dict[str, Any]:
    """Draws the curves of a run, writes and prints its results, and with `Options.report` writes a page.

    Args:
        results: Results of its test, the name of the file with the tested weights, and the duration of the
            run in seconds.
        predictions: Probabilities and labels of the test images.
        net: The tested net.
        data: Its data.
        out: Its folder, with history.csv, and head.csv if the classifier was trained alone first.

    Returns:
        The content of results.json.
    """
    recipe, options = data.recipe, data.options
    phases = phases_of(data, out)
    draw_curves(phases, data, out / "curves.png")
    tested = tested_of(predictions, net, data) if options.report else None
    results = {
        **results,
        **(tested.results() if tested else {}),
        "classes": data.classes,
        "train_examples": data.training.examples,
        "test_examples": data.testing.examples,
        "epochs": phases[-1].epochs,
        **best_of(phases, data),
        "class_sizes": None if data.class_sizes is None else data.class_sizes.astype(int).tolist(),
        "skipped_images": data.skipped,
        "seed": options.seed,
        "replicas": recipe.replicas,
        "precision": recipe.precision,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
    }
    hidden = {"accuracy"} if "top1" in results else set()
    hidden |= {"top5"} if data.classes <= 5 else set()
    shown = [name for name in FIGURES if name in results and name not in hidden]
    shares = [(FIGURES[name], f"{100 * results[name]:.2f}") for name in shown]
    steps = next_steps(out / results["weights"], recipe.model)
    written = ["results.json", "curves.png", results["weights"]]
    if tested:
        tested.write_csv(out / "predictions.csv")
        net_report.write_report(
            out / "report.html",
            tested,
            f"{recipe.model} on {data.name}",
            phases=phases,
            splits=splits_of(data),
            seconds={"in all": results["seconds"]},
            figures={words: f"{share}%" for words, share in shares},
            settings={**recipe.as_json(), "seed": options.seed},
            commands=steps,
            notes=notes_of(data),
        )
        written = ["report.html", "predictions.csv", *written]
    files.write_json(out / "results.json", results)
    print(text_table(("test", "%"), shares, left=1))
    print(f"{results['seconds']:.0f} s. In {out}: {', '.join(written)}")
    if tested:
        print("\n".join(f"{title}: {command}" for title, command in steps))
    return results


def phases_of(data: Data, out: pathlib.Path) -> list[Phase]:
    """The parts of a run with the loss and the score of each epoch, and the epoch that was chosen."""
    phases = []
    for name, file in PHASES.items():
        if (out / file).exists():
            logs = history(out / file)
            # A net with several outputs, or the first of several nets.
            main = next((m for m in ("predictions_", "net1_") if f"{m}accuracy" in logs), "")
            known = {"loss": data.recipe.loss[0], "accuracy": "accuracy", score(data): score(data)}
            values = [
                {key: logs[f"{split}{main}{log}"] for key, log in known.items()} for split in ("", "val_")
            ]
            phases.append(Phase(name, *values))
    if data.recipe.validation is None:
        return phases
    scores = [np.array(phase.validation[score(data)]) for phase in phases]
    best = max(np.nanmax(values) for values in scores)
    phase, epoch = [(i, e) for i, values in enumerate(scores) for e in np.flatnonzero(values == best)][-1]
    phases[phase] = phases[phase]._replace(chosen=int(epoch) + 1)  # the last of equal ones, as in training
    return phases


def best_of(phases: list[Phase], data: Data) -> dict[str, Any]:
    """What results.json says of the chosen epoch; nothing if none was chosen."""
    for phase in phases:
        if phase.chosen:
            value = phase.validation[score(data)][phase.chosen - 1]
            named = {"best_phase": phase.name} if len(phases) > 1 else {}
            return {
                **named,
                "best_epoch": phase.chosen,
                "best_epoch_error": round(100 * (1 - value), 4),
                "validation_examples": data.watched.examples,
            }
    return {}


def draw_curves(phases: list[Phase], data: Data, path: pathlib.Path) -> None:
    """Draws the losses and the errors of all epochs."""
    name = data.recipe.model

    def joined(key, error=False):
        for values in ("validation", "training"):
            all_values = [v for phase in phases for v in getattr(phase, values)[key]]
            yield {name: [100 * (1 - v) for v in all_values] if error else all_values}

    losses = Panel("", f"{data.recipe.loss[0]}, without weight decay", *joined("loss"), "log")
    draw_panels(path, [losses, Panel("", "error, %", *joined("accuracy", error=True), "linear")])


def tested_of(predictions: tuple[np.ndarray, np.ndarray], net: keras.Model, data: Data) -> Tested:
    """The predictions of the test images, with what is needed to show them."""
    probabilities, labels = predictions
    stream, card = data.testing, card_of(net)
    return Tested(
        labels=labels,
        probabilities=probabilities[:, 1] if data.classes == 1 else probabilities,
        class_names=stream.class_names,
        threshold=card.threshold if data.binary else None,
        image=stream.image,
        names=None if stream.paths is None else [shown(path, data) for path in stream.paths],
    )


def shown(path: str, data: Data) -> str:
    """The path of an image in the folder of its dataset."""
    folder = pathlib.Path(data.options.data_dir).expanduser().absolute()
    place = pathlib.Path(path)
    return str(place.relative_to(folder)) if place.is_relative_to(folder) else path


def splits_of(data: Data) -> dict[str, Any]:
    """The labels of each split, or its size where they are not known."""
    streams = {"training": data.training}
    streams |= {} if data.recipe.validation is None else {"validation": data.watched}
    streams["test"] = data.testing
    return {name: s.examples if s.labels is None else s.labels for name, s in streams.items()}


def notes_of(data: Data) -> list[str]:
    """What has to be known to read the figures, in sentences."""
    notes = []
    if data.recipe.balance == "weights":
        notes.append("The loss weighs the images of each class so that all classes count equally.")
    if data.recipe.balance == "sampling":
        notes.append("Each class was drawn equally often in training.")
    if data.skipped:
        notes.append(f"Left out, since they cannot be decoded: {first_of(data.skipped)}.")
    return notes


def next_steps(net: pathlib.Path, model: str) -> tuple[tuple[str, str], ...]:
    """What to do with a trained net: titles, and commands."""
    file = shlex.quote(str(net))
    smaller = f"kerasnets distill --teacher {file} --student {SMALL}"
    return (
        ("Classify images", f"kerasnets classify FOLDER --model {file}"),
        *((("Distill it into a smaller net", smaller),) if model != SMALL else ()),
        ("Export it for serving", f"kerasnets export --weights {file} --out saved_models --image-bytes"),
    )
