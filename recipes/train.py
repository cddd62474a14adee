"""Trains a net as its paper did.

    python recipes/train.py resnet20_cifar10
    python recipes/train.py vgg16_imagenet --data-dir FOLDER --replicas 4 --precision mixed_bfloat16

CONFIG is the name of a file in recipes/configs, or the path of a Python file, that holds a
`kerasnets.training.Recipe` as RECIPE. The folder of the run gets config.json; history.csv and curves.png, the
logs of each epoch; tensorboard, the same for TensorBoard; best.weights.h5, the net of the epoch with the
highest test accuracy; last.weights.h5, the state of the run; and results.json. A run that was stopped, in
whatever way, goes on with --resume, and ends with the weights that it would have had.
"""

import dataclasses
import pathlib
import runpy
import time

import shared

CONFIGS = pathlib.Path(__file__).parent / "configs"
SMOKE = dict(epochs=2, steps=2, batch=2)  # a tiny run, on images of half the sides
LAYERS = 500  # of a net, above which a tiny run makes no graph of it


def options():
    """The command line."""
    of_paper = "the paper's"
    p = shared.parser(
        "Train a net as its paper did.",
        epochs=f"{of_paper}; the schedule is stretched with them",
        batch_size=of_paper,
        out="runs/train/CONFIG-seedSEED",
    )
    p.add_argument("config", nargs="?", metavar="CONFIG", help="in recipes/configs, or a path; none: a list")
    add_options(p)
    hosts = "machines that share each batch, with KERAS_BACKEND=jax (1)"
    p.add_argument("--hosts", type=shared.whole(1), default=1, help=hosts)
    index = "number of this one of them, from 0, which alone writes files (0)"
    p.add_argument("--host-index", type=shared.whole(0), default=0, metavar="INDEX", help=index)
    p.add_argument("--coordinator", metavar="HOST:PORT", help="where they meet: host 0 and a free port")
    return p.parse_args()


def add_options(p):
    """Adds the options of every recipe that trains by a config."""
    p.add_argument("--data", metavar="NAME", help="another dataset than the paper's, such as digits")
    p.add_argument("--data-dir", help="folder of TensorFlow Datasets, or of a folder for each class")
    p.add_argument("--strict", action="store_true", help="refuse a corrupt image instead of skipping it")
    seconds = "seconds between two savings of the state; 0 saves after every step (60)"
    p.add_argument("--save-every", type=shared.number(0), default=60.0, metavar="SECONDS", help=seconds)
    p.add_argument("--replicas", type=shared.whole(1), help="GPUs of a machine, or parts of its CPU (1)")
    precision = "float32, mixed_bfloat16, or mixed_float16, which scales the loss (float32)"
    p.add_argument("--precision", help=precision)


def main():
    """Trains the net of a config."""
    args = options()
    if args.config is None:
        print("\n".join(names()))
        return
    with shared.quiet():
        path = find(args.config)
        recipe = adapted(read(path), args)
    out = args.out or pathlib.Path("runs/train") / f"{path.stem}-seed{args.seed}"
    train(recipe, out, args, args.hosts, args.host_index, args.coordinator)


def train(recipe, out, args, hosts=1, host_index=0, coordinator=None, kind=None, more=None):
    """Trains a net as a recipe says, tests it and writes what came of it.

    Args:
        recipe: A kerasnets.training.Recipe.
        out: Folder of the run.
        args: The command line: those of `shared.parser` and `add_options`.
        hosts: Number of hosts, as of `kerasnets.training.distribution.devices`.
        host_index: Number of this one; host 0 alone writes files.
        coordinator: Address of host 0.
        kind: Class of the run, or a function that makes it; None for Run.
        more: What else decides the result, as JSON.

    Returns:
        What results.json holds; None on other hosts than host 0.
    """
    started = time.monotonic()
    with shared.quiet():
        import keras

        from kerasnets.training import distribution

    distribution.share(recipe.batch, recipe.replicas, hosts)  # refuses a batch that they cannot share
    settings = {k: v for k, v in recipe.as_json().items() if k != "replicas"}
    settings |= {"seed": args.seed, **(more or {})}
    with distribution.devices(recipe.replicas, hosts, host_index, coordinator, settings=settings):
        with shared.quiet():
            keras.ops.zeros(1)  # starts the devices, which say so
            run = (kind or Run)(recipe, out, args, hosts, host_index)
        print(run.summary())
        if host_index == 0:
            shared.prepare(out, "config", settings, args.resume)
        keras.config.set_dtype_policy(recipe.precision)
        keras.utils.set_random_seed(args.seed)
        net = run.build()
        model = run.compiled(net)
        with distribution.as_one_device(model):
            run.fit(net, model)
        net = run.own(net)
    if host_index:
        print(f"host {host_index} of {hosts} is done; host 0 has the results")
        return None
    results = {**run.test(net), "seconds": round(time.monotonic() - started, 1), "resumed": args.resume}
    results = run.report(results)
    print(f"{results['seconds']:.0f} s. In {out}: results.json, curves.png, best.weights.h5")
    return results


def names():
    """Names of the configs."""
    return sorted(p.stem for p in CONFIGS.glob("*.py"))


def find(config):
    """The file of a config, by its name or path."""
    from kerasnets.checks import nearest

    path = pathlib.Path(config) if config.endswith(".py") else CONFIGS / f"{config}.py"
    if not path.is_file():
        raise ValueError(
            f"`config` is a path that exists, or one of {', '.join(names())}."
            f"{nearest(config, names())} Received: config={config!r}"
        )
    return path


def read(path):
    """The recipe of a config."""
    from kerasnets.training import Recipe

    recipe = runpy.run_path(str(path)).get("RECIPE")
    if not isinstance(recipe, Recipe):
        raise ValueError(f"a config holds a kerasnets.training.Recipe as RECIPE. Received: {path}")
    return recipe


def adapted(recipe, args):
    """The recipe with what the command line changes."""
    changes = {
        "data": args.data,
        "batch": args.batch_size,
        "precision": args.precision,
        "replicas": args.replicas,
    }
    epochs = args.epochs
    if args.smoke:
        changes["data"] = args.data or "generated"
        devices = (args.replicas or recipe.replicas) * getattr(args, "hosts", 1)
        changes["batch"] = args.batch_size or SMOKE["batch"] * devices
        changes["rate"] = recipe.rate * changes["batch"] / recipe.batch
        changes["size"] = small(recipe)
        changes["splits"] = ("train", "test")
        changes["evaluation"] = ("center", {})
        epochs = epochs or SMOKE["epochs"]
    recipe = recipe.lasting(epochs) if epochs else recipe
    return dataclasses.replace(recipe, **{k: v for k, v in changes.items() if v is not None})


def sides(recipe):
    """Sides of the images that a recipe trains on, frames first."""
    if recipe.size is None:
        spec = spec_of(recipe)
        return spec.grid({**spec.options, **recipe.options})
    return recipe.size if isinstance(recipe.size, (tuple, list)) else (recipe.size,) * 2


def small(recipe):
    """Sides for a tiny run: half the recipe's, but no smaller than the net takes."""
    pairs = zip(sides(recipe), spec_of(recipe).min_grid, strict=True)
    return tuple(min(side, max(least, -(-side // 2))) for side, least in pairs)


def spec_of(recipe):
    """What is known of the net's family."""
    from kerasnets.assembly import registry

    return registry.find(recipe.model).spec


class Run:
    """One run of a recipe into a folder."""

    def __init__(self, recipe, out, args, hosts=1, host_index=0):
        self.recipe, self.out, self.args = recipe, out, args
        devices = recipe.replicas * hosts
        self.shared = dict(hosts=hosts, host_index=host_index, devices=devices) if devices > 1 else {}
        self.spec = spec_of(recipe)
        self.sides = sides(recipe)
        self.training = self.stream(0)
        self.testing = self.stream(1)
        self.classes = recipe.classes or self.training.classes

    def stream(self, split, **changes):
        """The data to train on (split 0), or to test on (split 1)."""
        from kerasnets import data

        r, args = self.recipe, self.args
        rows = self.test_rows() if split else r.augmentation
        keywords = dict(
            size=(*self.sides, self.spec.channels),
            batch_size=r.batch,
            augment=rows,
            data_dir=args.data_dir,
            strict=args.strict,
            examples=SMOKE["steps"] * r.batch if args.smoke else None,
            **self.shared,
        )
        if split == 0:
            keywords |= dict(seed=args.seed, epochs=r.epochs)
        if r.data == "generated":
            keywords |= dict(classes=r.classes or self.spec.classes)
        return data.stream(r.data, r.splits[split], **{**keywords, **changes})

    def test_rows(self, whole=False):
        """What is done to images before a test: what is not random, on their middle or the whole."""
        from kerasnets.data.augment import FIXED, SIZINGS

        sizes = self.recipe.evaluation[1].get("sizes")
        sizes = sizes if isinstance(sizes, (tuple, list)) else (sizes,) * (sizes is not None)
        shorter = {"shorter": max(sizes) if whole else min(sizes)} if sizes else {}
        sizing = ("whole" if whole else "center_crop", shorter)
        rows = [row for row in self.recipe.augmentation if row[0] in FIXED]
        return tuple(rows) if any(n in SIZINGS for n, _ in rows) else (sizing, *rows)

    def summary(self):
        """What is trained on what, in one line."""
        r, train, test = self.recipe, self.training, self.testing
        skipped = [*train.skipped, *test.skipped]
        more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        lost = f"; corrupt and left out: {', '.join(skipped[:5])}{more}" if skipped else ""
        return (
            f"{r.model} on {r.data}: {train.examples:,} examples to train on, {test.examples:,} to test on, "
            f"{'x'.join(map(str, self.sides))}, {r.epochs} epochs of {train.steps_per_epoch:,} steps{lost}"
        )

    def build(self):
        """The net, which gives logits, or the lengths of capsules; and its regularization."""
        import kerasnets

        net = kerasnets.build(
            self.recipe.model,
            input_shape=(*self.sides, self.spec.channels),
            classes=self.classes,
            classifier_activation=None,
            **{k: v for k, v in self.recipe.options.items() if k != "rho"},
        )
        self.recipe.regularize(net)
        return net

    def compiled(self, net):
        """What is trained: the net, or a CapsNet fed with labels too."""
        import keras

        from kerasnets import training
        from kerasnets.applications.capsnet import labeled

        r, outputs = self.recipe, net.output
        several = isinstance(outputs, dict)
        decoder = several and "reconstruction" in outputs
        model = labeled(net) if decoder else keras.Model(net.inputs, outputs, name=net.name)
        loss, weights, metrics = r.make_loss(), None, self.metrics()
        if several:
            weights = {n: r.aux_weight if n.startswith("aux") else 1.0 for n in outputs}
            loss = {n: training.ReconstructionLoss() if n == "reconstruction" else loss for n in outputs}
            metrics = {"predictions": metrics}
        # A tiny run is over before TensorFlow has made a graph of a big net's step.
        eager = self.args.smoke and len(net.layers) > LAYERS
        optimizer = r.make_optimizer(self.training.steps_per_epoch)
        model.compile(optimizer, loss, weights, metrics, run_eagerly=eager)
        self.word = "predictions_" if several else ""
        return model

    def metrics(self):
        """What is logged beside the loss: the same without weight decay, and accuracies."""
        import keras

        r, m = self.recipe, keras.metrics
        loss = m.MeanMetricWrapper(r.make_loss().call, name=r.loss[0])
        if self.soft():
            return [loss, m.CategoricalAccuracy("accuracy"), m.TopKCategoricalAccuracy(5, "top5")]
        return [loss, m.SparseCategoricalAccuracy("accuracy"), m.SparseTopKCategoricalAccuracy(5, "top5")]

    def soft(self):
        """Whether labels are a share of each class, as where images are mixed."""
        return len(self.training.dataset.element_spec[1].shape) == 2

    def scaled(self, images):
        """Images of 0 to 255 as the recipe scales them."""
        from kerasnets.scaling import MODES

        return MODES[self.recipe.scaling or self.spec.mode](images)

    def ready(self, net, dataset):
        """Images scaled and labels as the trained model takes them."""
        import tensorflow as tf

        outputs = net.output if isinstance(net.output, dict) else None
        soft = self.soft()

        def prepare(images, labels):
            images = self.scaled(images)
            if soft and len(labels.shape) == 1:
                labels = tf.one_hot(labels, self.classes)
            if outputs is None:
                return images, labels
            targets = {n: images if n == "reconstruction" else labels for n in outputs}
            if "reconstruction" in outputs:
                return {net.inputs[0].name: images, "labels": labels}, targets
            return images, targets

        return dataset.map(prepare, num_parallel_calls=1)

    def own(self, net):
        """The net with weights of this host alone, for what is no work of all."""
        from kerasnets.training import distribution

        if self.shared.get("hosts", 1) == 1:
            return net
        with distribution.alone():
            copy = self.build()
            copy.set_weights(net.get_weights())
        return copy

    def fit(self, net, model):
        """Trains, going on where the run was stopped, and keeps the best net."""
        import keras
        import tensorflow as tf

        from kerasnets import training

        r, out = self.recipe, self.out
        swap = None if r.ema is None else keras.callbacks.SwapEMAWeights()
        score = f"val_{self.word}accuracy"
        callbacks = [
            swap,
            r.plateau(),
            training.LogRate(),
            training.Best(net, out / "best.weights.h5", score, swap),
        ]
        if not self.shared.get("host_index"):
            callbacks += [
                keras.callbacks.TensorBoard(out / "tensorboard", write_graph=False),
                training.Progress(r.model, ("loss", score), batch_size=r.batch),
            ]
        training.fit(
            model,
            lambda step: self.ready(net, self.stream(0, first_step=step).dataset),
            self.training.steps_per_epoch,
            r.epochs,
            state=out / "last.weights.h5",
            history=out / "history.csv",
            validation=self.ready(net, self.testing.dataset).apply(
                tf.data.experimental.assert_cardinality(self.testing.steps_per_epoch)
            ),
            callbacks=[c for c in callbacks if c],
            every=self.args.save_every,
        )

    def test(self, net):
        """The net's accuracy under the recipe's protocol."""
        import keras

        from kerasnets.training import evaluation

        protocol, options = self.recipe.evaluation
        if isinstance(net.output, dict):
            net = keras.Model(net.inputs, net.output["predictions"])
        whole = bool(options)  # images of sides of their own, one at a time
        alone = dict(hosts=1, host_index=0, devices=1)
        rows = dict(augment=self.test_rows(whole), batch_size=1) if whole else {}
        data = self.stream(1, **alone, **rows)
        data = data.dataset.map(lambda images, labels: (self.scaled(images), labels))
        logits = self.recipe.loss[0] == "crossentropy"
        found = evaluation.evaluate(net, data, protocol, from_logits=logits, **options)
        return {"protocol": protocol, **{k: round(v, 6) for k, v in found.items()}}

    def report(self, results):
        """Draws the curves, and writes, shows and gives the results."""
        import keras

        import figures

        logs = shared.history(self.out / "history.csv")
        word, kind = self.word, self.recipe.loss[0]
        error = {n: [100 * (1 - v) for v in logs[f"{n}{word}accuracy"]] for n in ("", "val_")}
        loss = {n: logs[f"{n}{word}{kind}"] for n in ("", "val_")}
        name = self.recipe.model
        figures.panels(
            self.out / "curves.png",
            [
                ("", f"{kind}, without weight decay", {name: loss["val_"]}, {name: loss[""]}, "log"),
                ("", "error, %", {name: error["val_"]}, {name: error[""]}, "linear"),
            ],
        )
        best = min(range(len(error["val_"])), key=error["val_"].__getitem__)
        results = {
            **results,
            "classes": self.classes,
            "train_examples": self.training.examples,
            "test_examples": self.testing.examples,
            "epochs": len(error["val_"]),
            "best_epoch": best + 1,
            "best_epoch_error": round(error["val_"][best], 4),
            "skipped_images": [*self.training.skipped, *self.testing.skipped],
            "seed": self.args.seed,
            "replicas": self.recipe.replicas,
            "precision": self.recipe.precision,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
        }
        shared.write(self.out / "results.json", results)
        shared.show([["accuracy", "%"], *([k, f"{100 * results[k]:.2f}"] for k in results if k[:3] == "top")])
        return results


if __name__ == "__main__":
    shared.run(main)
