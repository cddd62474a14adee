"""Seconds per epoch: plain training, ours, and keras.distillation."""

import argparse
import pathlib
import tempfile
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
    with tempfile.TemporaryDirectory() as folder:
        for name, (teacher, student, examples) in PAIRS.items():
            examples = args.examples or examples
            title = f"an epoch of {name}, {examples:,} examples, batch {args.batch_size}"
            place = pathlib.Path(folder) / str(len(groups))
            groups[title] = epoch_functions(teacher, student, examples, args.batch_size, place)
        measuring.compare(groups, args)


def epoch_functions(
    teacher: tuple[str, dict], student: tuple[str, dict], examples: int, batch_size: int, folder: pathlib.Path
) -> dict[str, Callable[[], Any]]:
    """Functions that train a student for an epoch, by name.

    Args:
        teacher: Name of the teacher's net, and options of its builder.
        student: Name of the student's net, and options of its builder.
        examples: Number of random images per epoch.
        batch_size: Examples per batch.
        folder: Where logits are stored.

    Returns:
        For each name, a function without arguments.
    """
    with shared.quiet():
        import keras
        import numpy as np
        from keras.distillation import LogitsDistillation

        import kerasnets
        from kerasnets import data, distillation
        from kerasnets.distillation import store as stores
        from kerasnets.distillation.records import Form

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
    store = stores.made(folder, Form(10), examples, teacher="the teacher", data="random")
    for shard in range(store.shards):
        first, count = store.place(shard)
        store.write(shard, store.form.encode(transfer[1]["teacher_logits"][first : first + count]))
    look_up = data.rows_of(store.rows, (10,))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    plain = student()
    plain.compile("adam", loss, metrics=["accuracy"])
    cached = distillation.Distiller(student())
    cached.compile("adam", metrics=["accuracy"])
    stored = distillation.Distiller(student())
    stored.compile("adam", metrics=["accuracy"])
    live = distillation.Distiller(student(), teacher)
    live.compile("adam", metrics=["accuracy"])
    theirs = keras.distillation.Distiller(
        keras.models.clone_model(teacher),
        student(),
        LogitsDistillation(temperature=4.0, loss=keras.losses.KLDivergence()),
        student_loss_weight=0.1,
    )
    theirs.compile("adam", loss, metrics=["accuracy"])

    def looked_up(images, labels, rows):
        return images, {"labels": labels, "teacher_logits": look_up(rows)}

    def epoch(model, arrays, change=None):
        batches = data.batches(arrays, batch_size, seed=0)
        batches = batches if change is None else batches.map(change, num_parallel_calls=1).prefetch(4)
        return lambda: model.fit(batches, shuffle=False, verbose=0)

    def logits(model):
        return lambda: model.predict(images, batch_size=batch_size, verbose=0)

    return {
        "plain": epoch(plain, (images, labels)),
        "Distiller, cached logits": epoch(cached, transfer),
        "Distiller, stored logits": epoch(stored, (images, labels, np.arange(examples)), looked_up),
        "Distiller, live teacher": epoch(live, (images, labels)),
        "keras.distillation, KLDivergence": epoch(theirs, (images, labels)),
        "logits of the student alone": logits(plain),
        "logits of the teacher alone": logits(teacher),
    }
