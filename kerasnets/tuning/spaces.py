"""What is searched: options of a family's builder, as keras-tuner's HyperModels."""

import contextlib

import keras
import keras_tuner

from kerasnets import analysis, applications
from kerasnets.assembly.family import REQUIRED
from kerasnets.assembly.inputs import check_shape
from kerasnets.assembly.options import check_options
from kerasnets.checks import is_int, nearest, refuse
from kerasnets.training import StopOnNaN, distribution
from kerasnets.training.recipe import check_names
from kerasnets.tuning.budget import Budget


class FamilySearch(keras_tuner.HyperModel):
    """Nets of a family that differ in some options of its builder.

        FamilySearch("WRN", depth=[16, 22], width=[4, 8], budget=Budget(mult_adds=50e6))

    It goes into any tuner of keras-tuner. There the values are words, for keras-tuner knows no tuples: see
    `values`. A net over budget is not trained: its trial raises `OverBudget`, which keras-tuner counts as
    failed and `kerasnets.tuning.tuner` as refused.

    Args:
        model: Name of a function of `kerasnets.applications`, such as "MobileNet" or "DenseNet".
        budget: A `Budget`.
        options: Other arguments of the function, alike in all nets, such as `input_shape` and `classes`.
        compiled: Function that makes of a net the compiled model to train, or None for Adam and the
            crossentropy of class numbers.
        seed: Whole number, from which every trial starts.
        **searched: Values to choose from, by option. All nets take images of one size: where `rho` is
            searched, the net itself shrinks them.

    Raises:
        ValueError: The model, an option or a value is not allowed; the message names the nearest one.
    """

    def __init__(self, model, *, budget=None, options=None, compiled=None, seed=0, **searched):
        super().__init__(name=f"search of {model}")
        self.builder = find(model)
        self.fixed = dict(options or {})
        check_searched(model, self.builder.spec, self.fixed, searched)
        if budget is not None and not isinstance(budget, Budget):
            refuse("budget", "None or a kerasnets.tuning.Budget", budget)
        if not is_int(seed, 0):
            refuse("seed", "a whole number, at least 0", seed)
        shape = self.fixed.pop("input_shape", None)
        spec = self.builder.spec
        self.shape = shape or (*spec.grid(spec.options | self.fixed), spec.channels)
        for rho in searched.get("rho", (1.0,)):
            check_shape("input_shape", shrunk(self.shape, rho), spec.min_grid, spec.fixed_size)
        self.searched = {name: {word(v): v for v in values} for name, values in searched.items()}
        self.budget = budget or Budget()
        self.compiled = compiled or compiled_plainly
        self.seed = seed
        self.cost = None

    def declare_hyperparameters(self, hp):
        """Names every searched option and its values to keras-tuner."""
        for name, values in self.searched.items():
            hp.Choice(name, list(values))

    def values(self, hp):
        """The searched options as a keras_tuner.HyperParameters has them, with their real values."""
        return {name: values[hp.Choice(name, list(values))] for name, values in self.searched.items()}

    def net(self, values):
        """A net, not compiled.

        Args:
            values: Searched options by name.

        Returns:
            A keras.Model.
        """
        rho = values.get("rho", 1.0)
        given = {name: value for name, value in (self.fixed | values).items() if name != "rho"}
        x = keras.Input(self.shape, name="images")
        if rho != 1.0:
            x = keras.layers.Resizing(*shrunk(self.shape, rho)[:-1], name="shrink")(x)
        return self.builder(input_tensor=x, **given)

    def build(self, hp):
        """The compiled model of a trial; `cost` becomes the profile of its net."""
        self.cost = None
        keras.utils.set_random_seed(self.seed)
        net = self.net(self.values(hp))
        self.cost = analysis.profile(net)
        model = self.compiled(net)
        model.optimizer.build(model.trainable_variables)  # or Hyperband would lose its state
        return model

    def fit(self, hp, model, x, *args, callbacks=(), initial_epoch=0, steps_per_epoch=None, **options):
        """Trains the model of a trial if it is within budget.

        Args:
            hp: The trial's keras_tuner.HyperParameters.
            model: What `build` gave.
            x: What `keras.Model.fit` takes; or a function of the number of a step, counted from the start of
                the run, that gives a dataset of all batches from this one on.
            *args: More of `keras.Model.fit`.
            callbacks: Likewise; the logs have `accuracy_per_madd` too, the accuracy for each multiply-add.
            initial_epoch: Likewise.
            steps_per_epoch: Likewise.
            **options: Likewise.

        Returns:
            The keras.callbacks.History.

        Raises:
            OverBudget: The net costs too much.
            FloatingPointError: The loss is no finite number any more.
        """
        self.budget.check(self.cost)
        if callable(x):
            x = x(initial_epoch * steps_per_epoch)
        strategy = getattr(model, "distribute_strategy", None)  # TensorFlow's, in whose scope it was built
        with strategy.scope() if strategy else contextlib.nullcontext(), distribution.as_one_device(model):
            return model.fit(
                x,
                *args,
                callbacks=[StopOnNaN(), PerMultAdd(self.cost.mult_adds), *callbacks],
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                **options,
            )


class WidthMultiplier(FamilySearch):
    """MobileNets of several widths and resolutions.

    Args:
        model: "MobileNet", "MobileNetV2", or another function with an option `alpha`.
        alphas: Width multipliers.
        rhos: Resolution multipliers: shares of the side of the images; None for the images as they are.
        budget: As of `FamilySearch`.
        **more: Likewise.
    """

    def __init__(self, model="MobileNet", alphas=(0.25, 0.5, 0.75, 1.0), rhos=None, budget=None, **more):
        super().__init__(model, budget=budget, **given(alpha=alphas, rho=rhos), **more)


class GrowthRate(FamilySearch):
    """DenseNets of several growth rates.

    Args:
        model: "DenseNet", "CIFARDenseNet", a net of theirs, or another function with an option `growth`.
        growths: Maps that a dense layer adds; k in the paper.
        depths: Depths: tuples of the layers in each block, or of nets for small images whole numbers; None
            for the net's own.
        keeps: Shares of the maps that a transition keeps, theta in the paper; None for the net's own.
        budget: As of `FamilySearch`.
        **more: Likewise.
    """

    def __init__(
        self, model="DenseNet", growths=(12, 16, 24, 32), depths=None, keeps=None, budget=None, **more
    ):
        depth = "depths" if "depths" in find(model).spec.options else "depth"
        searched = given(**{"growth": growths, depth: depths, "keep": keeps})
        super().__init__(model, budget=budget, **searched, **more)


class PerMultAdd(keras.callbacks.Callback):
    """Adds to the logs of each epoch its validation accuracy for each multiply-add."""

    def __init__(self, mult_adds):
        super().__init__()
        self.mult_adds = mult_adds

    def on_epoch_end(self, epoch, logs=None):
        """Adds the log where there is a validation accuracy."""
        if "val_accuracy" in logs:
            logs["accuracy_per_madd"] = logs["val_accuracy"] / self.mult_adds


def given(**searched):
    """Those options for which there are values."""
    return {name: values for name, values in searched.items() if values is not None}


def shrunk(shape, rho):
    """The shape of an image whose sides are multiplied by `rho`."""
    return (*(round(rho * side) for side in shape[:-1]), shape[-1])


def find(model):
    """The builder of a name in `kerasnets.applications`, a whole family's too."""
    known = [name for name, f in vars(applications).items() if hasattr(f, "spec")]
    if model not in known:
        raise ValueError(
            f"`model` is a function of kerasnets.applications.{nearest(model, known)} "
            f"Received: model={model!r}"
        )
    return getattr(applications, model)


def check_searched(model, spec, fixed, searched):
    """Refuses options that a builder has not or lacks, and values that they may not have."""
    check_names(searched, spec.options, f"an option of {model}", ())
    if not searched:
        refuse("searched", f"one or more of the options of {model}, {', '.join(spec.options)}", searched)
    for name, values in searched.items():
        if not isinstance(values, (tuple, list)) or not values:
            refuse(name, "a list of values to choose from", values)
        if len({word(v) for v in values}) < len(values):
            refuse(name, "a list of values that differ", values)
        if name in fixed:
            refuse(name, "in `options` or searched, not both", fixed[name])
        for value in values:
            check_options({name: value}, spec.checks)
    for name, default in spec.options.items():
        if default is REQUIRED and name not in {**fixed, **searched}:
            raise ValueError(f"`{name}` is missing: it is an option of {model} that has no default")


def word(value):
    """A value as keras-tuner may keep it: 0.5, 6-12-24-16."""
    return "-".join(map(word, value)) if isinstance(value, (tuple, list)) else str(value)


def compiled_plainly(net):
    """A net compiled for class numbers, which it gives the probabilities of."""
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net
