"""Measures kerasnets against its peers, as ratios within one run.

    python recipes/benchmark.py distill    seconds of an epoch: plain, distilled, by keras.distillation
    python recipes/benchmark.py build      seconds to build nets, ours and those of keras.applications
    python recipes/benchmark.py import     seconds to import keras, alone and with kerasnets

The contenders take turns, round after round; what counts is the median of the ratios of each round, for
machines are noisy.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import time

import shared


def main():
    """Runs the benchmark that the command line names."""
    p = argparse.ArgumentParser(description="Measure kerasnets against its peers.")
    p.add_argument("what", choices=("distill", "build", "import"))
    p.add_argument("--rounds", type=shared.whole(1), default=7, help="turns of each contender (7)")
    p.add_argument("--examples", type=shared.whole(1), default=60000, help="of distill (60,000)")
    p.add_argument("--batch-size", type=shared.whole(1), default=256, help="of distill (256)")
    p.add_argument("--models", nargs="+", default=["DenseNet121", "MobileNet"], help="of build")
    p.add_argument("--out", type=pathlib.Path, help="file for the figures as JSON")
    args = p.parse_args()
    groups = {"distill": distill, "build": build, "import": imports}[args.what](args)
    figures = {name: measure(contenders, args.rounds) for name, contenders in groups.items()}
    for name, figure in figures.items():
        print(name)
        shared.show(rows(figure))
    if args.out:
        shared.write(args.out, figures)


def distill(args):
    """Epochs of MLP800 on images of MNIST's size, plain and distilled from MLP1200."""
    with shared.quiet():
        import keras
        import numpy as np
        from keras.distillation import LogitsDistillation

        from kerasnets import data, distillation
        from kerasnets.applications import MLP800, MLP1200

        keras.ops.zeros(1)  # starts the devices, which say so

    rng = np.random.default_rng(0)
    images = rng.random((args.examples, 28, 28, 1), "float32")
    labels = rng.integers(0, 10, args.examples)
    teacher = MLP1200(classifier_activation=None)
    ordered = data.batches((images, labels), 1000)
    transfer = data.to_arrays(distillation.add_teacher_logits(ordered, teacher))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def student():
        return MLP800(classifier_activation=None)

    plain = student()
    plain.compile("adam", loss, metrics=["accuracy"])
    cached = distillation.Distiller(student())
    cached.compile("adam", metrics=["accuracy"])
    live = distillation.Distiller(student(), teacher)
    live.compile("adam", metrics=["accuracy"])
    theirs = keras.distillation.Distiller(
        keras.models.clone_model(teacher),
        student(),
        LogitsDistillation(temperature=4.0, loss=keras.losses.KLDivergence()),
        student_loss_weight=0.1,
    )
    theirs.compile("adam", loss, metrics=["accuracy"])

    def epoch(model, arrays):
        batches = data.batches(arrays, args.batch_size, seed=0)
        return lambda: model.fit(batches, shuffle=False, verbose=0)

    return {
        f"an epoch of {args.examples:,} examples, batch {args.batch_size}": {
            "plain": epoch(plain, (images, labels)),
            "Distiller, cached logits": epoch(cached, transfer),
            "Distiller, live teacher": epoch(live, (images, labels)),
            "keras.distillation, KLDivergence": epoch(theirs, (images, labels)),
        }
    }


def build(args):
    """Building nets with random weights."""
    with shared.quiet():
        import keras

        import kerasnets

        keras.ops.zeros(1)  # starts the devices, which say so

    def builder(function):
        def run():
            keras.backend.clear_session()
            function(weights=None)

        return run

    return {
        f"building {name}": {
            "keras.applications": builder(getattr(keras.applications, name)),
            "kerasnets": builder(getattr(kerasnets.applications, name)),
        }
        for name in args.models
    }


def imports(_):
    """Imports in a process of their own."""

    def process(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    return {
        "importing": {
            "import keras": process("import keras"),
            "import keras, kerasnets": process("import keras, kerasnets"),
        }
    }


def measure(contenders, rounds):
    """Seconds of contenders that take turns, after one turn each that does not count.

    Args:
        contenders: Functions by name.
        rounds: Turns of each.

    Returns:
        For each name the seconds of its turns.
    """
    import rich.progress

    seconds = {name: [] for name in contenders}
    for turn in rich.progress.track(range(rounds + 1), "measuring", transient=True):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def rows(seconds):
    """Rows of a table: the median seconds of each contender and the ratio to the first, round by round."""
    first = next(iter(seconds.values()))
    table = [["contender", "median s", "min s", "max s", "ratio to the first"]]
    for name, turns in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(turns, first, strict=True))
        numbers = (statistics.median(turns), min(turns), max(turns), ratio)
        table.append([name, *(f"{n:.3f}" for n in numbers)])
    return table


if __name__ == "__main__":
    shared.run(main)
