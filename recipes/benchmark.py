"""Measures kerasnets against its peers, as ratios within one run.

    python recipes/benchmark.py distill    seconds of an epoch: plain, distilled, by keras.distillation
    python recipes/benchmark.py build      seconds to build nets, ours and those of keras.applications
    python recipes/benchmark.py import     seconds to import keras, alone and with kerasnets
    python recipes/benchmark.py memory     memory and seconds of a training step, plain and memory-efficient
    python recipes/benchmark.py digits     accuracy of small nets that are trained on the embedded digits
    python recipes/benchmark.py serve      milliseconds an image of nets that answer: Keras, its export, ours
    python recipes/benchmark.py formats    how far files of other runtimes are from Keras, in each family

The contenders take turns, round after round; what counts is the median of the ratios of each round, for
machines are noisy. Memory is what a process that trains holds at its peak (VmHWM of /proc/self/status, so on
Linux alone) beyond what it held just before its first step (VmRSS); the graph of that step is part of it.
Accuracy is of the test split, and the seconds are those of the training. Nets of `serve` are untrained; those
of `formats` too, but for the statistics of batch normalisation, and small: `--models` takes others, whole.
"""

import argparse
import functools
import importlib.util
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import shared
from kerasnets import files

# How `digits` trains each net: Adam, whose rate goes to 0 by half a cosine, on images shifted by up to
# `shift` of their pixels in both directions (Sabour et al. 2017, section 5: 2). Pixels are repeated `zoom`
# times along each side, and zeros set around them, up to `side`. `options` are the net's.
DIGITS = {
    "CapsNet": dict(epochs=8, batch_size=32, rate=1e-3, shift=2, side=28, options=dict(decoder=True)),
    "SqueezeNet": dict(epochs=30, batch_size=32, rate=5e-4, shift=2, side=56, zoom=2),
    "SimpNetSlim300K": dict(epochs=12, batch_size=32, rate=2e-3, shift=2, side=32),
    "MobileNet": dict(
        epochs=20, batch_size=32, rate=3e-3, shift=2, side=56, zoom=2, options=dict(alpha=0.25)
    ),
    "LeNet5": dict(epochs=20, batch_size=64, rate=2e-3, shift=2, side=32),
}
# Teachers and students of `distill`, and the images of an epoch.
PAIRS = {
    "MLP800 by MLP1200": (("MLP1200", {}), ("MLP800", {}), 60_000),
    "ResNet20(alpha=0.5) by ResNet56": (("ResNet56", {}), ("ResNet20", dict(alpha=0.5)), 2_048),
}
SMOKE = dict(epochs=1, images=64)  # of --smoke
SERVED = ("MobileNet", "MobileNetV2", "ResNet50", "DenseNet121", "InceptionV3", "VGG16")
BATCHES = (1, 8)  # of serve
TORCHVISION = {
    "MobileNetV2": "mobilenet_v2",
    "ResNet50": "resnet50",
    "DenseNet121": "densenet121",
    "InceptionV3": "inception_v3",
    "VGG16": "vgg16",
}


def main():
    """Runs the benchmark that the command line names."""
    p = argparse.ArgumentParser(description="Measure kerasnets against its peers.")
    p.add_argument("what", choices=("distill", "build", "import", "memory", "digits", "serve", "formats"))
    p.add_argument("--rounds", type=shared.whole(1), default=7, help="turns of each contender (7)")
    p.add_argument("--examples", type=shared.whole(1), help="of distill (60,000 and 2,048)")
    batches = "of distill (256), memory (64; 16 at 224), serve (1 and 8)"
    p.add_argument("--batch-size", type=shared.whole(1), help=batches)
    p.add_argument("--models", nargs="+", help="of build, memory, digits, serve and formats")
    p.add_argument("--epochs", type=shared.whole(1), help="of digits (each net's own)")
    p.add_argument("--seed", type=shared.whole(0), default=0, help="of digits: same seed, same result (0)")
    bfloat16 = "of serve: ours in bfloat16 too, for processors that have it"
    p.add_argument("--bfloat16", action="store_true", help=bfloat16)
    p.add_argument("--smoke", action="store_true", help="of digits: a tiny run, to see that all works")
    p.add_argument("--jit", action="store_true", help="of memory: compile the step by XLA, Keras's default")
    p.add_argument("--out", type=pathlib.Path, help="file for the figures as JSON")
    args = p.parse_args()
    if args.what == "digits":
        digits(args)
        return
    if args.what == "serve":
        serve(args)
        return
    if args.what == "formats":
        formats(args)
        return
    groups = {"distill": distill, "build": build, "import": imports, "memory": memory}[args.what](args)
    figures = {}
    for title, contenders in groups.items():
        figures[title] = measure(contenders, args.rounds)
        print(title)
        shared.show(rows(figures[title]))
        if args.what == "memory":
            figures[f"{title}: MB"] = {name: training.end() for name, training in contenders.items()}
            shared.show(memory_rows(figures[f"{title}: MB"]))
    if args.out:
        shared.write(args.out, figures)


def distill(args):
    """Epochs of students on images of MNIST's size, plain and distilled from bigger nets."""
    with shared.quiet():
        import keras

        keras.ops.zeros(1)  # starts the devices, which say so

    groups = {}
    for name, (teacher, student, examples) in PAIRS.items():
        examples, batch_size = args.examples or examples, args.batch_size or 256
        title = f"an epoch of {name}, {examples:,} examples, batch {batch_size}"
        groups[title] = epochs_of(teacher, student, examples, batch_size)
    return groups


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
        for name in args.models or ["DenseNet121", "MobileNet"]
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


def memory(args):
    """Training steps of DenseNets, plain and memory-efficient, each net in a process of its own."""
    groups = {}
    for model in args.models or ["DenseNetBC100", "DenseNet121"]:
        batch = args.batch_size or {"DenseNet121": 16}.get(model, 64)
        compiled = ", compiled by XLA" if args.jit else ""
        groups[f"a training step of {model}, batch {batch}{compiled}"] = {
            "plain": Training(model, batch, args.jit),
            "memory-efficient": Training(model, batch, args.jit, memory_efficient=True),
        }
    return groups


def serve(args):
    """Nets that answer, in one process: `predict`, the plain export and ours, by their signatures."""
    with shared.quiet():
        import keras
        import numpy as np

    figures = {}
    for name in args.models or SERVED:
        keras.backend.clear_session()
        with tempfile.TemporaryDirectory() as folder, shared.quiet():
            shape, contenders = served(name, folder, args.bfloat16)
        for batch in [args.batch_size] if args.batch_size else BATCHES:
            images = np.random.default_rng(0).integers(0, 256, (batch, *shape)).astype("float32")
            turns = {who: functools.partial(run, images) for who, run in contenders.items()}
            figures[f"{name}, batch {batch}"] = {
                who: [1000 * s / batch for s in seconds]
                for who, seconds in measure(turns, args.rounds).items()
            }
        if args.out:
            shared.write(args.out, figures)
    shared.show(serve_rows(figures))


def served(name, folder, bfloat16=False):
    """The shape of a net's input, and functions that answer a batch of images, by contender."""
    import keras
    import tensorflow as tf

    import kerasnets

    def signature(path):
        function = tf.saved_model.load(str(path)).signatures["serving_default"]
        (key,) = function.structured_input_signature[1]
        return lambda x: [y.numpy() for y in function(**{key: tf.constant(x)}).values()]

    theirs = getattr(keras.applications, name)(weights=None)
    theirs.export(f"{folder}/plain", verbose=False)
    net = kerasnets.build(name)
    contenders = {
        "predict": lambda x: theirs.predict(x, batch_size=len(x), verbose=0),
        "plain export": signature(f"{folder}/plain"),
        "ours": signature(kerasnets.serving.export(net, folder)),
    }
    if bfloat16:
        lowered = kerasnets.serving.export(net, folder, precision="bfloat16")
        contenders["ours, bfloat16"] = signature(lowered)
    if name in TORCHVISION and importlib.util.find_spec("torchvision"):
        contenders["torchvision"] = torchvision_net(TORCHVISION[name])
    return theirs.input_shape[1:], contenders


def torchvision_net(name):
    """The same of a net of torchvision."""
    import torch
    import torchvision

    net = getattr(torchvision.models, name)(weights=None).eval()

    def answer(x):
        with torch.inference_mode():
            return net(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()

    return answer


def serve_rows(figures):
    """Rows of a table: medians in milliseconds an image, and how many times as fast as the others ours is."""
    names = list(dict.fromkeys(who for contenders in figures.values() for who in contenders))
    ours = "ours"
    others = [who for who in names if who != ours]
    table, ratios = [["net", *names, *(f"{who} / ours" for who in others)]], {who: [] for who in others}
    for title, times in figures.items():
        cells = [f"{statistics.median(times[who]):.1f}" if who in times else "" for who in names]
        for who in others:
            pairs = zip(times.get(who, ()), times[ours], strict=who in times)
            ratio = [a / b for a, b in pairs]
            cells.append(f"{statistics.median(ratio):.2f}" if ratio else "")
            ratios[who] += [statistics.median(ratio)] if ratio else []
        table.append([title, *cells])
    means = [f"{statistics.geometric_mean(found):.2f}" if found else "" for found in ratios.values()]
    return [*table, ["geometric mean", *[""] * len(names), *means]]


def formats(args):
    """Nets as files of other runtimes: the largest difference of probabilities; in int8, equal classes.

    What is compared are answers to noise, which untrained nets hardly tell apart: the hardest for int8.
    """
    with shared.quiet():
        import kerasnets
        from kerasnets.assembly import registry
        from kerasnets.serving.formats import FORMATS

    families = {}
    for name in args.models or kerasnets.list_models():
        families.setdefault(name if args.models else registry.find(name).spec.module, name)
    figures = {}
    for name in families.values():
        options = {} if args.models else small_options(registry.find(name).spec)
        with tempfile.TemporaryDirectory() as folder, shared.quiet():
            model, images = settled(name, options)
            figures[name] = {form: written_as(form, model, images, folder) for form in FORMATS}
        if args.out:
            shared.write(args.out, figures)
    shared.show([["net", *FORMATS], *([name, *map(cell, row.values())] for name, row in figures.items())])
    for name, row in figures.items():
        for form, found in row.items():
            if "refused" in found:
                print(f"{name}, {form}: {found['refused']}")


def small_options(spec):
    """Options of a small net of a family, for images of 32 pixels if it takes these."""
    sides = (max(least, 32) for least in spec.min_grid)
    return {"classes": 10, "input_shape": (*sides, spec.channels), **spec.tiny}


def settled(name, options):
    """A net whose batch normalisation knows the statistics of some images of noise, and these images."""
    import keras
    import numpy as np

    import kerasnets

    keras.backend.clear_session()
    # By 0, a layer of the small GoogLeNet gives zeros alone; see `export_file`.
    keras.utils.set_random_seed(1)
    model = kerasnets.build(name, **options)
    images = np.random.default_rng(0).integers(0, 256, (16, *model.input_shape[1:])).astype("float32")
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(getattr(kerasnets.applications, name).preprocess_input(images), training=True)
    return model, images


def written_as(form, model, images, folder):
    """What the model card of a file says, or why there is none."""
    from kerasnets import serving
    from kerasnets.serving.files import card_of
    from kerasnets.serving.formats import FORMATS

    try:
        path = serving.export_file(model, folder, form, calibration=None if FORMATS[form].exact else images)
    except (ValueError, RuntimeError) as error:
        return {"refused": str(error)}
    card = files.read_json(card_of(path))
    keys = ("largest_difference", "top1_agreement", "compared_images")
    return {key: card[key] for key in keys if key in card} | {"bytes": path.stat().st_size}


def cell(found):
    """What a table says of a file."""
    if "refused" in found:
        return "no"
    if "top1_agreement" in found:
        return f"{found['top1_agreement']:.0%}"
    return f"{found['largest_difference']:.0e}"


def digits(args):
    """Small nets on the embedded digits: what each learns in its epochs, one after another."""
    unknown = [name for name in args.models or () if name not in DIGITS]
    if unknown:
        raise ValueError(f"--models of digits are among {', '.join(DIGITS)}. Received: {unknown[0]}")
    table, figures = [["model", "epochs", "accuracy", "seconds"]], {}
    for name in args.models or DIGITS:
        row = dict(DIGITS[name])
        row["epochs"] = args.epochs or (SMOKE["epochs"] if args.smoke else row["epochs"])
        row["batch_size"] = args.batch_size or row["batch_size"]
        figures[name] = {**row, "seed": args.seed, **learn(name, args.seed, args.smoke, **row)}
        figure = figures[name]
        table.append(
            [name, str(row["epochs"]), f"{figure['accuracy']:.2%}", f"{figure['seconds']:.1f}"],
        )
        if args.out:
            shared.write(args.out, figures)
    shared.show(table)


def learn(name, seed, smoke, epochs, batch_size, rate, shift, side, zoom=1, options=None):
    """Trains a net on the embedded digits.

    Args:
        name: Key of `DIGITS`.
        seed: Seed of weights, order and shifts.
        smoke: Whether a few of the images do.
        epochs: Its row, as `DIGITS` says.
        batch_size: Likewise.
        rate: Likewise.
        shift: Likewise.
        side: Likewise.
        zoom: Likewise.
        options: Likewise.

    Returns:
        A dict: the accuracy on the test split, the seconds that the training took, and those that all cores
        together worked for it.
    """
    with shared.quiet():
        import keras
        import numpy as np

        import kerasnets
        from kerasnets import applications, data, training

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    build = getattr(applications, name)

    def read(split):
        images, labels = data.to_arrays(data.load("digits", split).batch(1000))
        if smoke:
            every = len(labels) // SMOKE["images"]
            images, labels = images[::every], labels[::every]
        images = np.kron(images, np.ones((1, zoom, zoom, 1), "uint8"))
        edge = side - images.shape[1]
        around = (edge // 2, edge - edge // 2)
        images = np.pad(images, [(0, 0), around, around, (0, 0)])
        images = np.repeat(images, build.spec.channels, axis=-1)
        return build.preprocess_input(images), labels

    (x, y), test = read("train"), read("test")
    steps = math.ceil(len(x) / batch_size)
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps * epochs))
    paper = x.min(axis=(0, 1, 2))  # what the shifts bring in, for them zero
    batches = data.batches(
        (x - paper, y),
        batch_size,
        seed=seed,
        epochs=epochs,
        augment=lambda images, seed: data.jitter(images, seed, shift * zoom) + paper,
    )
    net = kerasnets.build(name, input_shape=x.shape[1:], classes=10, **(options or {}))
    model = net
    if isinstance(net.output, dict):  # a decoder, which learns to draw the images of the labels
        model = applications.capsnet.labeled(net)
        batches = batches.map(
            lambda x, y: ({"images": x, "labels": y}, {"predictions": y, "reconstruction": x})
        )
        loss = {"predictions": training.MarginLoss(), "reconstruction": training.ReconstructionLoss()}
    else:
        loss = "sparse_categorical_crossentropy"
    model.compile(adam, loss, jit_compile=False)  # XLA's convolutions are slow on CPUs
    progress = training.Progress(f"{name:16}", ("loss",))
    started, worked = time.perf_counter(), time.process_time()
    model.fit(
        batches,
        epochs=epochs,
        steps_per_epoch=steps,
        shuffle=False,
        verbose=0,
        callbacks=[progress],
    )
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    net.compile(jit_compile=False)
    scores = net.predict(test[0], batch_size=250, verbose=0)
    scores = scores["predictions"] if isinstance(scores, dict) else scores
    accuracy = float((scores.argmax(1) == test[1]).mean())
    return {"accuracy": accuracy, "seconds": round(seconds, 1), "core_seconds": round(work, 1)}


class Training:
    """A process that trains a net by a step whenever this is called, with random images.

    Args:
        model: Name of the net.
        batch: Images in a batch.
        jit: Whether XLA compiles the step.
        **options: Options of the net.
    """

    def __init__(self, model, batch, jit, **options):
        self.words = json.dumps({"model": model, "batch": batch, "jit": jit, **options})
        self.process = None

    def __call__(self):
        """Trains by a step; the first call starts the process."""
        if self.process is None:
            command = [sys.executable, __file__, self.words]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        print(file=self.process.stdin, flush=True)
        if not self.process.stdout.readline():
            raise ValueError("a process that trains has ended; what it said last is above")

    def end(self):
        """Ends the process; gives the megabytes that it held before its first step, and its peak beyond."""
        said, _ = self.process.communicate()
        return json.loads(said)


def train(model, batch, jit, **options):
    """What the process of a `Training` does: a step for each line that comes in; last, what it held."""
    with shared.quiet():
        import keras
        import numpy as np

        import kerasnets

        net = kerasnets.build(model, classifier_activation=None, **options)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        net.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss, jit_compile=jit)
        net.optimizer.build(net.trainable_variables)
        rng = np.random.default_rng(0)
        x = rng.random((batch, *net.input_shape[1:]), "float32")
        y = rng.integers(0, net.output_shape[-1], batch)
        before = held()["VmRSS"]
        net.train_on_batch(x, y)
        net.train_on_batch(x, y)
    for _ in sys.stdin:
        net.train_on_batch(x, y)
        print("done", flush=True)
    print(json.dumps({"before": before, "step": held()["VmHWM"] - before}), flush=True)


def held():
    """Megabytes that this process holds now, VmRSS, and has held at most, VmHWM."""
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    return {word: int(kb) / 1024 for word, kb in re.findall(r"^(Vm\w+):\s+(\d+) kB", status, re.MULTILINE)}


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


def memory_rows(held):
    """Rows of a table: what each contender's process holds, and the ratio to the first."""
    first = next(iter(held.values()))["step"]
    table = [["contender", "MB before", "MB more", "ratio to the first"]]
    for name, mb in held.items():
        table.append([name, f"{mb['before']:.0f}", f"{mb['step']:.0f}", f"{mb['step'] / first:.3f}"])
    return table


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].startswith("{"):
        train(**json.loads(sys.argv[1]))
    else:
        shared.run(main)
