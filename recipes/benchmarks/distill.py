"""Seconds of an epoch: plain, distilled, by keras.distillation."""

import shared
from benchmarks import measuring

# Teachers and students, and the images of an epoch.
PAIRS = {
    "MLP800 by MLP1200": (("MLP1200", {}), ("MLP800", {}), 60_000),
    "ResNet20(alpha=0.5) by ResNet56": (("ResNet56", {}), ("ResNet20", dict(alpha=0.5)), 2_048),
}


def add_options(p):
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    p.add_argument("--examples", type=shared.whole(1), help="of an epoch (60,000 and 2,048)")
    p.add_argument("--batch-size", type=shared.whole(1), default=256, help="examples of a step (256)")


def run(args):
    """Trains students on images of MNIST's size, plain and distilled from bigger nets."""
    with shared.quiet():
        import keras

        keras.ops.zeros(1)  # starts the devices, which say so

    groups = {}
    for name, (teacher, student, examples) in PAIRS.items():
        examples = args.examples or examples
        title = f"an epoch of {name}, {examples:,} examples, batch {args.batch_size}"
        groups[title] = epochs_of(teacher, student, examples, args.batch_size)
    measuring.compare(groups, args)


def epochs_of(teacher, student, examples, batch_size):
    """Functions that train a student for an epoch, by name.

    Args:
        teacher: Name of the teacher's net, and options of its builder.
        student: Likewise.
        examples: Random images of an epoch.
        batch_size: Examples of a step.
    """
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
