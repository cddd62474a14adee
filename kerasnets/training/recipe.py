"""A training recipe: how a paper trained a net, as data that is checked at construction."""

import dataclasses
import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras

import kerasnets
from kerasnets.assembly import registry
from kerasnets.assembly.family import Spec
from kerasnets.assembly.options import check_options
from kerasnets.checks import check_interpolation, is_int, is_ints, is_number, nearest, refuse
from kerasnets.scaling import MODES, Scaling
from kerasnets.surgery import deepen, preinitialize, widen
from kerasnets.surgery.initialize import SCHEMES, start_of
from kerasnets.training import regularization, schedules
from kerasnets.training.evaluation import PROTOCOLS, scales_of
from kerasnets.training.losses import AUX_WEIGHT, Crossentropy, MarginLoss
from kerasnets.training.rates import rate_factors, scaled

Pair = tuple[str, Mapping[str, Any]]

OPTIMIZERS = {
    "adadelta": keras.optimizers.Adadelta,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
LOSSES = {"crossentropy": Crossentropy, "margin": MarginLoss}
SURGERY = {"deepen": deepen, "preinitialize": preinitialize, "widen": widen}
BALANCES = ("weights", "sampling")
HIGHER = ("accuracy", "top5")  # the logged values that are better the higher they are
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# Arguments that other fields set, or that a recipe cannot choose.
NOT_OPTIONS = {
    "self", "kwargs", "args", "name", "learning_rate", "weight_decay", "clipnorm", "clipvalue",
    "global_clipnorm", "use_ema", "ema_momentum", "rate", "steps", "epochs", "reduction", "dtype",
    "from_logits", "binary", "model", "source", "data", "seed",
}  # fmt: skip
# For each field that holds a single value: a test, and a description of what it allows.
NOT_NEGATIVE = (lambda v: is_number(v) and v >= 0, "a number, at least 0")
ABOVE_ZERO = (lambda v: is_number(v) and v > 0, "a number above 0")
FLAG = (lambda v: isinstance(v, bool), "True or False")
COUNT = (lambda v: is_int(v, 1), "a whole number, at least 1")
LIMIT = (lambda v: v is None or (is_number(v) and v > 0), "None or a number above 0")
VALUES = {
    "data": (lambda v: isinstance(v, str) and v, "the name of a dataset"),
    "classes": (lambda v: v is None or is_int(v, 1), "None or a whole number, at least 1"),
    "size": (
        lambda v: v is None or is_int(v, 1) or (is_ints(v, 1) and v),
        "None, or sides in pixels, at least 1",
    ),
    "channels": (lambda v: v in (None, 1, 3), "None, 1 or 3"),
    "splits": (
        lambda v: isinstance(v, (tuple, list)) and len(v) == 2 and all(isinstance(s, str) for s in v),
        "two names of splits, to train on and to test on",
    ),
    "validation": (
        lambda v: v is None or (isinstance(v, str) and v) or is_int(v, 1) or (is_number(v) and 0 < v < 1),
        "None, a share of the training examples between 0 and 1, a number of them, or the name of a split",
    ),
    "scaling": (
        lambda v: v is None or v in MODES,
        f"None or one of {', '.join(map(repr, MODES))}",
    ),
    "rate": ABOVE_ZERO,
    "aux_weight": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "decay_depthwise": FLAG,
    "max_norm": LIMIT,
    "clip_norm": LIMIT,
    "ema": (lambda v: v is None or (is_number(v) and 0 < v < 1), "None or a number between 0 and 1"),
    "batch": COUNT,
    "epochs": COUNT,
    "precision": (lambda v: v in PRECISIONS, f"one of {', '.join(map(repr, PRECISIONS))}"),
    "replicas": COUNT,
    "weights": (lambda v: v is None or (isinstance(v, str) and v), "None, a file, an id or a dataset's name"),
    "surgery": (lambda v: isinstance(v, (tuple, list)), "a tuple of pairs of a name and a dict of options"),
    "freeze": (
        lambda v: isinstance(v, bool) or is_int(v, 1) or (isinstance(v, str) and v),
        "True, False, a number of stages, at least 1, or the name of a layer",
    ),
    "freeze_batch_norm": FLAG,
    "dropout": (lambda v: is_number(v) and 0 <= v < 1, "a number, at least 0 and below 1"),
    "head_epochs": (lambda v: is_int(v, 0), "a whole number, at least 0"),
    "head_rate": ABOVE_ZERO,
    "head_views": COUNT,
    "layer_decay": (lambda v: is_number(v) and 0 < v <= 1, "a number above 0, at most 1"),
    "labels": (lambda v: v is None or (isinstance(v, str) and v), "None or the path of a CSV file"),
    "positive": (lambda v: v is None or (isinstance(v, str) and v), "None or the name of a class"),
    "balance": (
        lambda v: v is None or v in BALANCES,
        f"None or one of {', '.join(map(repr, BALANCES))}",
    ),
}
# Fields that need trained weights to start from, and their values without them.
NEED_WEIGHTS = {"surgery": (), "freeze": False, "freeze_batch_norm": False, "head_epochs": 0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a net is trained, as Python data.

    Several fields are a pair: a name, and a dict of options.

    Args:
        model: Name of the net, as `kerasnets.list_models` gives it.
        options: Options of its builder.
        size: Sides of the training images in pixels, a number or a tuple; None for the net's own.
        channels: Number of channels of the images, 1 or 3; None for that of the paper's images.
        data: Name of a dataset, as `kerasnets.data.stream` takes it.
        classes: Number of classes, or None for that of the dataset.
        splits: Names of the split to train on and of the split to test on.
        validation: The data that a run chooses by, the epoch whose weights are tested and the end of a
            plateau: a share or a number of the training examples, which are held out, or the name of a split.
            None chooses nothing: the weights of the last epoch are tested.
        scaling: Key of `scaling.MODES`, or None for the net's own.
        augmentation: Pairs: the rows of `kerasnets.data.augment` that change the images, in order.
        optimizer: Pair: a key of `OPTIMIZERS`, and options of Keras's optimizer.
        rate: Initial learning rate.
        schedule: Pair: a key of `schedules.SCHEDULES`, and its options, all in epochs.
        loss: Pair: "crossentropy" or "margin", and options of the loss.
        aux_weight: Weight of the loss of each auxiliary head.
        weight_decay: Weight decay of the kernels; biases and batch normalization have none.
        decay_depthwise: Whether depthwise kernels, those of separable convolutions too, have weight decay.
        max_norm: Largest norm of a unit's incoming weights, or None for no limit.
        clip_norm: Largest global norm of the gradient, or None for no limit.
        ema: Momentum of a moving average of the weights, which is tested and saved; None for no average.
        evaluation: Pair: a protocol of `kerasnets.training.evaluation`, and its options "sizes",
            "interpolation" and "antialias", by which all test images are resized.
        batch: Examples in a batch, over all replicas.
        epochs: Passes over the training data.
        precision: "float32", "mixed_bfloat16" or "mixed_float16".
        replicas: Number of devices that share each batch.
        weights: What the net starts from: the name of a dataset, such as "imagenet", the id of a published
            checkpoint, or a file. Its card says the size and the scaling of its images; `size`, `channels`
            and `scaling` cannot change them. A net of other classes than those of the data
            gets a new classifier. None starts from random weights.
        init: How the random weights are drawn: a scheme of `kerasnets.surgery.initialize`, such as "paper" or
            "glorot", or a pair of its name and options, such as ("gaussian", {"std": 0.05}). None is as the
            builder draws them. With `weights`, it needs `surgery` by "preinitialize".
        surgery: Functions of `kerasnets.surgery` that change that net, in order, each a pair of its name and
            options: ("widen", {"layer": ..., "width": ...}), ("deepen", {"layer": ...}), or ("preinitialize",
            {"convs": ..., "dense": ...}). The last one copies layers of that net, which need not be a
            `model`, into a `model` with random weights.
        freeze: What is not trained after `head_epochs`: True for all below the classifier; a number of the
            lowest stages, each the layers of one resolution; or the name of a layer, for it and all below it.
            False trains everything.
        freeze_batch_norm: Whether batch normalization keeps its statistics.
        dropout: Dropout rate before a new classifier.
        head_epochs: Epochs in which a new classifier is trained alone, before all others. The features that
            it reads are computed once, so that these epochs are fast.
        head_rate: Initial learning rate of these epochs, of Adam with a cosine decay to 0.
        head_views: Views of each image whose features are kept. The first is the image as in tests, the
            others are augmented.
        layer_decay: Factor by which the learning rate falls from stage to stage, from the classifier down to
            the input.
        labels: Path of a CSV file with the labels of images, as `kerasnets.data.stream` takes it.
        positive: Name of a class to tell from all others by one score; `classes` is then 1.
        balance: How classes of unequal size get equal weight: "weights", in the loss, or "sampling", by
            drawing images of each class equally often. None gives each image equal weight.

    Raises:
        ValueError: A field is unknown, missing or not allowed. For an unknown name, the message suggests
            similar ones.
    """

    model: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    size: int | tuple[int, ...] | None = None
    channels: int | None = None
    data: str
    classes: int | None = None
    splits: tuple[str, str] = ("train", "test")
    validation: float | str | None = None
    scaling: str | None = None
    augmentation: tuple[Pair, ...] = ()
    optimizer: Pair = ("sgd", {"momentum": 0.9})
    rate: float
    schedule: Pair = ("constant", {})
    loss: Pair = ("crossentropy", {})
    aux_weight: float = AUX_WEIGHT
    weight_decay: float = 0.0
    decay_depthwise: bool = True
    max_norm: float | None = None
    clip_norm: float | None = None
    ema: float | None = None
    evaluation: Pair = ("center", {})
    batch: int
    epochs: int
    precision: str = "float32"
    replicas: int = 1
    weights: str | None = None
    init: str | Pair | None = None
    surgery: tuple[Pair, ...] = ()
    freeze: bool | int | str = False
    freeze_batch_norm: bool = False
    dropout: float = 0.0
    head_epochs: int = 0
    head_rate: float = 1e-3
    head_views: int = 1
    layer_decay: float = 1.0
    labels: str | None = None
    positive: str | None = None
    balance: str | None = None

    def __new__(cls, **fields):
        """Refuses unknown and missing fields with a better message than `__init__` gives."""
        known = {f.name: f for f in dataclasses.fields(cls)}
        check_names(fields, known, "a field of a Recipe")
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        """Passes the fields to `__new__` when a recipe is copied or unpickled."""
        return (), vars(self)

    def __post_init__(self):
        """Checks every field."""
        check_net(self)
        check_values(self)
        check_scaling(self)
        check_pair("optimizer", self.optimizer, OPTIMIZERS)
        for name, value in self.optimizer[1].items():
            if not isinstance(value, bool) and not (is_number(value) and value >= 0):
                refuse(name, "a number, at least 0", value)
        check_pair("schedule", self.schedule, schedules.SCHEDULES)
        schedules.check(self.rate, *self.schedule, self.epochs)
        check_pair("loss", self.loss, LOSSES)
        LOSSES[self.loss[0]](**self.loss[1])
        check_choices(self)
        check_rows(self.augmentation)
        check_protocol(self.evaluation)
        check_start(self)
        check_init(self)

    @property
    def spec(self) -> Spec:
        """The net's kerasnets.assembly.family.Spec."""
        return registry.find(self.model).spec

    @property
    def image_size(self) -> tuple[int, ...]:
        """Sides of the training images; for clips, the number of frames comes first."""
        if self.size is None:
            return tuple(self.spec.grid({**self.spec.options, **self.options}))
        return tuple(self.size) if isinstance(self.size, (tuple, list)) else (self.size,) * 2

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example: its sides and its channels."""
        return (*self.image_size, self.channels or self.spec.channels)

    @property
    def test_scales(self) -> Sequence[int] | None:
        """The shorter sides to which test images are resized; None if they are only cropped."""
        name, options = self.evaluation
        return scales_of(name, options.get("sizes"))

    @property
    def scheme(self) -> Pair | None:
        """The pair that `init` stands for, a scheme and its options; None for the builder's own."""
        return (self.init, {}) if isinstance(self.init, str) else self.init

    def init_for(self, model: str) -> str | Pair | None:
        """The `init` of another net: the same, or None if it is a start of this net which the other lacks."""
        own = self.scheme is not None and self.scheme[0] not in SCHEMES
        return None if own and self.scheme[0] not in registry.find(model).spec.starts else self.init

    @property
    def scale(self) -> Scaling:
        """The function that scales images of 0..255."""
        return MODES[self.scaling or self.spec.mode]

    def make_schedule(self, steps: int) -> keras.optimizers.schedules.LearningRateSchedule | float:
        """Keras's schedule for epochs of `steps` steps, or a constant learning rate."""
        kind, options = self.schedule
        return schedules.SCHEDULES[kind](self.rate, steps, self.epochs, **options)

    def make_optimizer(
        self, steps: int, net: keras.Model, model: keras.Model | None = None
    ) -> keras.optimizers.Optimizer:
        """Keras's optimizer.

        Args:
            steps: Steps of an epoch.
            net: The net that is trained.
            model: The model that is compiled, if the net is a part of it, such as a Distiller.
        """
        kind, options = self.optimizer
        optimizer, more = OPTIMIZERS[kind], {}
        if self.layer_decay != 1:
            optimizer = scaled(optimizer)
            more = {"factors": rate_factors(net, self.layer_decay, model)}
        if self.ema is not None:
            more |= {"use_ema": True, "ema_momentum": self.ema}
        return optimizer(self.make_schedule(steps), global_clipnorm=self.clip_norm, **more, **options)

    def make_loss(self, binary: bool = False) -> keras.losses.Loss:
        """The loss. The margin loss takes lengths of capsules, every other loss takes logits.

        Args:
            binary: Whether each score is an independent label.
        """
        kind, options = self.loss
        logits = {"from_logits": True, "binary": binary} if kind == "crossentropy" else {}
        return LOSSES[kind](**logits, **options)

    def regularize(self, model: keras.Model) -> None:
        """Adds weight decay and max-norm constraints to a built model."""
        regularization.decay_weights(model, self.weight_decay, self.decay_depthwise)
        if self.max_norm is not None:
            regularization.limit_norms(model, self.max_norm)

    @property
    def monitor(self) -> str:
        """The logged value that a plateau watches; the validation accuracy where there is validation data."""
        own = "accuracy" if self.validation is None else "val_accuracy"
        return self.schedule[1].get("monitor") or own

    def plateau(self, monitor: str | None = None) -> keras.callbacks.Callback | None:
        """The callback that lowers the learning rate on a plateau; None for other schedules.

        Args:
            monitor: Name of the watched value in the logs, if it is another there than `self.monitor`.
        """
        kind, options = self.schedule
        if kind != "plateau":
            return None
        monitor = monitor or self.monitor
        mode = "max" if monitor.endswith(HIGHER) else "min"
        return schedules.Plateau(**{"factor": 0.1, **options, "monitor": monitor, "mode": mode})

    def for_epochs(self, epochs: int) -> "Recipe":
        """A copy for another number of epochs, with its schedule stretched or shrunk to fit."""
        kind, options = self.schedule
        schedule = (kind, schedules.stretched(options, epochs / self.epochs))
        return dataclasses.replace(self, epochs=epochs, schedule=schedule)

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON data."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def check_names(given, known, what, required=None):
    """Refuses unknown names, suggesting known ones, and names that are missing."""
    for name in given:
        if name not in known:
            raise ValueError(
                f"`{name}` is not {what}.{nearest(name, known)} Received: {name}={given[name]!r}"
            )
    if required is None:
        missing = dataclasses.MISSING
        required = [n for n, f in known.items() if f.default is missing and f.default_factory is missing]
    for name in required:
        if name not in given:
            raise ValueError(f"`{name}` is missing: it is {what} that has no default")


def is_pair(value):
    """Whether `value` is a name and a dict of options."""
    return (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], Mapping)
    )


def check_pair(field, value, table):
    """Refuses a pair whose name is not in a table, or whose options its entry does not take."""
    if not is_pair(value):
        refuse(field, "a pair of a name and a dict of options", value)
    name, options = value
    if name not in table:
        raise ValueError(
            f"`{field}` is one of {', '.join(map(repr, table))}.{nearest(name, table)} "
            f"Received: {field}={name!r}"
        )
    parameters = inspect.signature(table[name]).parameters
    known = {n: p for n, p in parameters.items() if n not in NOT_OPTIONS}
    required = [n for n, p in known.items() if p.default is p.empty]
    check_names(options, known, f"an option of the {field} {name!r}", required)


def check_scaling(recipe):
    """Refuses the scaling of images with other channels; trained weights have their own."""
    if recipe.weights is not None and recipe.scaling is None:
        return
    if not recipe.scale.fits(recipe.shape[-1]):
        fitting = [name for name, scaling in MODES.items() if scaling.fits(recipe.shape[-1])]
        allowed = f"one of {', '.join(map(repr, fitting))} for images of {recipe.shape[-1]} channel"
        refuse("scaling", allowed, recipe.scaling)


def check_choices(recipe):
    """Refuses validation data that is not apart, and a plateau of a value that is not logged."""
    if recipe.validation in recipe.splits:
        refuse("validation", "a split other than the two in `splits`", recipe.validation)
    kind, options = recipe.schedule
    monitor = options.get("monitor")
    if kind != "plateau" or monitor is None:
        return
    logged = [*HIGHER, recipe.loss[0]]
    logged += [f"val_{name}" for name in logged] if recipe.validation is not None else []
    if monitor not in logged:
        without = "" if recipe.validation is not None else ", and 'val_accuracy' and others with `validation`"
        refuse("monitor", f"None or one of {', '.join(map(repr, logged))}{without}", monitor)


def check_start(recipe):
    """Refuses fields that need trained weights if there are none, and unknown surgery."""
    for name, default in NEED_WEIGHTS.items():
        if recipe.weights is None and getattr(recipe, name) != default:
            refuse(name, f"{default!r} without `weights`", getattr(recipe, name))
    for row in recipe.surgery:
        check_pair("surgery", row, SURGERY)
    if recipe.positive is not None and recipe.classes not in (None, 1):
        refuse("classes", "None or 1 with `positive`", recipe.classes)
    if recipe.classes == 1 and recipe.loss[0] != "crossentropy":
        refuse("loss", "'crossentropy' for one score", recipe.loss[0])


def check_init(recipe):
    """Refuses an unknown scheme of random weights, and any for a net whose weights are trained."""
    if recipe.init is None:
        return
    if not is_pair(recipe.scheme):
        refuse("init", "None, the name of a scheme, or a pair of it and a dict of options", recipe.init)
    start_of(*recipe.scheme, recipe.spec.starts, argument="init")
    if recipe.weights is not None and not any(name == "preinitialize" for name, _ in recipe.surgery):
        refuse("init", "None with `weights`, unless they fill a random net by 'preinitialize'", recipe.init)


def check_rows(rows):
    """Refuses rows that `kerasnets.data.augment` does not know."""
    if rows:
        from kerasnets.data import augment  # imports TensorFlow

        augment.check(rows)


def check_protocol(evaluation):
    """Refuses an evaluation with an unknown protocol or unknown options."""
    if not is_pair(evaluation) or evaluation[0] not in PROTOCOLS:
        name = evaluation[0] if is_pair(evaluation) else evaluation
        raise ValueError(
            f"`evaluation` is a pair of one of {', '.join(map(repr, PROTOCOLS))} and a dict of options."
            f"{nearest(name, PROTOCOLS)} Received: evaluation={evaluation!r}"
        )
    name, options = evaluation
    check_names(options, ("sizes", "interpolation", "antialias"), f"an option of the evaluation {name!r}", ())
    check_interpolation(options.get("interpolation", "bilinear"), options.get("antialias", True))
    sizes = options.get("sizes", 1)
    if not is_int(sizes, 1) and not (is_ints(sizes, 1) and sizes):
        refuse("sizes", "whole numbers of pixels, at least 1", sizes)


def check_net(recipe):
    """Refuses an unknown net and options that its builder does not take."""
    if recipe.model not in kerasnets.list_models():
        known = kerasnets.list_models()
        raise ValueError(
            f"`model` is one of kerasnets.list_models().{nearest(recipe.model, known)} "
            f"Received: model={recipe.model!r}"
        )
    if not isinstance(recipe.options, Mapping):
        refuse("options", "a dict of options of the net's builder", recipe.options)
    spec = registry.find(recipe.model).spec
    check_names(recipe.options, spec.options, f"an option of {recipe.model}", ())
    check_options(recipe.options, spec.checks)


def check_values(recipe):
    """Refuses values that are out of range."""
    for name, (test, allowed) in VALUES.items():
        if not test(getattr(recipe, name)):
            refuse(name, allowed, getattr(recipe, name))
