"""Seconds per epoch: plain training, ours, and keras.distillation."""

import argparse
from collections.abc import Callable
from typing import Any

import shared
from benchmarks import measuring

# Teacher, student and the number of images per epoch.
PAIRS = {
    "MLP800 by MLP1200": (("MLP1200", {}), ("MLP800", {}), 60_000),
    "ResNet20(alpha=0.5) by ResNet56": (("ResNet56", {}), ("ResNet20", dict(alpha=0.5)), 2_048),
}


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    p.add_argument("--examples", type=shared.whole(1), help="examples per epoch (60,000 and 2,048)")
    p.add_argument("--batch-size", type=shared.whole(1), default=256, help="examples per batch (256)")


def run(args: argparse.Namespace) -> None:
    """Trains students on images of MNIST's size, plain and distilled from bigger nets."""
    groups = {}
    for name, (teacher, student, examples) in PAIRS.items():
        examples = args.examples or examples
        title = f"an epoch of {name}, {examples:,} examples, batch {args.batch_size}"
        groups[title] = epoch_functions(teacher, student, examples, args.batch_size)
    measuring.compare(groups, args)


def epoch_functions(
    teacher: tuple[str, dict], student: tuple[str, dict], examples: int, batch_size: int
) -> dict[str, Callable[[], Any]]:
    """Functions that train a student for an epoch, by name.

    Args:
        teacher: Name of the teacher's net, and options of its builder.
        student: Name of the student's net, and options of its builder.
        examples: Number of random images per epoch.
        batch_size: Examples per batch.

    Returns:
        For each name, a function without arguments.
    """
    with shared.quiet():
        import keras
        import numpy as np
        from keras.distillation import LogitsDistillation

        import kerasnets
        from kerasnets import data, distillation

    rng = np.random.default_rng(0)
    images = rng.random((examples, 28, 28, 1), "float32")
    labels = rng.integers(0, 10, examples)
    teacher, student = (
        lambda name=name, options=options: kerasnets.build(
            name, input_shape=(28, 28, 1), classes=10, classifier_activation=None, **options
        )
        for name, options in (teacher, student)
    )
    teacher = teacher()
    ordered = data.batches((images, labels), min(1000, examples))
    transfer = data.to_arrays(distillation.add_teacher_logits(ordered, teacher))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

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
        batches = data.batches(arrays, batch_size, seed=0)
        return lambda: model.fit(batches, shuffle=False, verbose=0)

    def logits(model):
        return lambda: model.predict(images, batch_size=batch_size, verbose=0)

    return {
        "plain": epoch(plain, (images, labels)),
        "Distiller, cached logits": epoch(cached, transfer),
        "Distiller, live teacher": epoch(live, (images, labels)),
        "keras.distillation, KLDivergence": epoch(theirs, (images, labels)),
        "logits of the student alone": logits(plain),
        "logits of the teacher alone": logits(teacher),
    }
