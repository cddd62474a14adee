"""Search spaces: options of a family's builder, as HyperModels of keras-tuner."""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

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
from kerasnets.tuning.settings import described


class FamilySearch(keras_tuner.HyperModel):
    """Nets of a family that differ in some options of its builder.

        FamilySearch("WRN", depth=[16, 22], width=[4, 8], budget=Budget(mult_adds=50e6))

    Any tuner of keras-tuner takes it. keras-tuner cannot hold tuples, so its hyperparameters are strings;
    the method `values` turns them back. A net over budget is not trained: its trial raises `OverBudget`,
    which keras-tuner counts as failed and `kerasnets.tuning.tuner` as refused.

    Args:
        model: Name of a function of `kerasnets.applications`, such as "MobileNet" or "DenseNet".
        budget: Limits on the costs of a net, or None.
        options: Other arguments of the function, the same for all nets, such as `input_shape` and `classes`.
        compiled: Function that takes a net and returns the compiled model to train. None compiles the net
            with Adam and sparse categorical crossentropy.
        seed: Whole number that seeds every trial.
        **searched: Values to choose from, by option. All nets take images of the same size: if `rho` is
            searched, each net resizes them itself.

    Raises:
        ValueError: The model, an option or a value is not allowed; the message suggests the closest name.
    """

    def __init__(
        self,
        model: str,
        *,
        budget: Budget | None = None,
        options: dict[str, Any] | None = None,
        compiled: Callable[[keras.Model], keras.Model] | None = None,
        seed: int = 0,
        **searched: Sequence,
    ) -> None:
        super().__init__(name=f"search of {model}")
        self.model, self.builder = model, find_builder(model)
        if options is not None and not isinstance(options, dict):
            refuse("options", "None or a dict", options)
        self.fixed = dict(options or {})
        check_names(self.fixed, self.builder.__signature__.parameters, f"an argument of {model}", ())
        checks = self.builder.spec.checks
        check_options({name: value for name, value in self.fixed.items() if name in checks}, checks)
        check_searched(model, self.builder.spec, self.fixed, searched)
        if compiled is not None and not callable(compiled):
            refuse("compiled", "None or a function", compiled)
        if budget is not None and not isinstance(budget, Budget):
            refuse("budget", "None or a kerasnets.tuning.Budget", budget)
        if not is_int(seed, 0):
            refuse("seed", "a whole number, at least 0", seed)
        shape = self.fixed.pop("input_shape", None)
        spec = self.builder.spec
        self.shape = shape or (*spec.grid(spec.options | self.fixed), spec.channels)
        for rho in searched.get("rho", (1.0,)):
            check_shape("input_shape", shrunk(self.shape, rho), spec.min_grid, spec.fixed_size)
        self.searched = {name: {as_text(v): v for v in values} for name, values in searched.items()}
        self.budget = budget or Budget()
        self.compiled = compiled or with_defaults
        self.seed = seed
        self.cost: analysis.Profile | None = None

    def settings(self) -> dict[str, Any]:
        """What determines the nets of the search and their training, but for the function `compiled`.

        Returns:
            JSON data by name, as `kerasnets.tuning.tuner` keeps it in the folder of a search.
        """
        return {
            "hypermodel": type(self).__name__,
            "model": self.model,
            "input_shape": list(self.shape),
            "options": described(self.fixed),
            "searched": described({name: list(values.values()) for name, values in self.searched.items()}),
            "budget": dataclasses.asdict(self.budget),
            "seed": self.seed,
        }

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        """Declares every searched option and its values to keras-tuner."""
        for name, values in self.searched.items():
            hp.Choice(name, list(values))

    def values(self, hp: keras_tuner.HyperParameters) -> dict[str, Any]:
        """The searched options with their actual values, not the strings that keras-tuner holds."""
        return {name: values[hp.Choice(name, list(values))] for name, values in self.searched.items()}

    def net(self, values: dict[str, Any]) -> keras.Model:
        """Builds a net without compiling it.

        Args:
            values: Values of the searched options, by name.

        Returns:
            The net.
        """
        rho = values.get("rho", 1.0)
        options = {name: value for name, value in (self.fixed | values).items() if name != "rho"}
        x = keras.Input(self.shape, name="images")
        if rho != 1.0:
            x = keras.layers.Resizing(*shrunk(self.shape, rho)[:-1], name="shrink")(x)
        return self.builder(input_tensor=x, **options)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Builds the compiled model of a trial, and sets `cost` to the profile of its net.

        Raises:
            keras_tuner.errors.FatalValueError: `compiled` returned no compiled model. It ends the search.
        """
        self.cost = None
        keras.utils.set_random_seed(self.seed)
        net = self.net(self.values(hp))
        self.cost = analysis.profile(net)
        model = self.compiled(net)
        if getattr(model, "optimizer", None) is None:
            raise keras_tuner.errors.FatalValueError(
                f"`compiled` returns a keras.Model that it has compiled. Received: {model!r}"
            )
        model.optimizer.build(model.trainable_variables)  # else Hyperband would lose its state
        return model

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        x: Any,
        *args: Any,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        **options: Any,
    ) -> keras.callbacks.History:
        """Trains the model of a trial if it is within budget.

        Args:
            hp: The trial's hyperparameters.
            model: The model that `build` returned.
            x: Data as `keras.Model.fit` takes it; or a function that takes the number of a step, counted from
                the start of the run, and returns a dataset of all batches from that step on.
            *args: Further arguments of `keras.Model.fit`.
            callbacks: Callbacks. They find `accuracy_per_madd`, the validation accuracy per multiply-add, in
                the logs too.
            initial_epoch: Number of the first epoch.
            steps_per_epoch: Steps of an epoch; needed if `x` is a function.
            **options: Further arguments of `keras.Model.fit`.

        Returns:
            The history of the training.

        Raises:
            OverBudget: The net costs too much.
            FloatingPointError: The loss became NaN or infinite.
        """
        self.budget.check(self.cost)
        if callable(x):
            x = x(initial_epoch * steps_per_epoch)
        strategy = getattr(model, "distribute_strategy", None)  # TensorFlow's, in whose scope `build` ran
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
        rhos: Resolution multipliers, factors of the images' sides; None for images of full size.
        budget: Limits on the costs of a net, or None.
        **more: Further arguments of `FamilySearch`.
    """

    def __init__(
        self,
        model: str = "MobileNet",
        alphas: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
        rhos: Sequence[float] | None = None,
        budget: Budget | None = None,
        **more: Any,
    ) -> None:
        super().__init__(model, budget=budget, **without_none(alpha=alphas, rho=rhos), **more)


class GrowthRate(FamilySearch):
    """DenseNets of several growth rates.

    Args:
        model: "DenseNet", "CIFARDenseNet", one of their variants, or another function with an option
            `growth`.
        growths: Growth rates: feature maps that a dense layer adds, k in the paper.
        depths: Depths: tuples with the number of layers in each block, or whole numbers for nets for small
            images; None for the net's default.
        keeps: Compression factors: the share of the feature maps that a transition keeps, theta in the
            paper; None for the net's default.
        budget: Limits on the costs of a net, or None.
        **more: Further arguments of `FamilySearch`.
    """

    def __init__(
        self,
        model: str = "DenseNet",
        growths: Sequence[int] = (12, 16, 24, 32),
        depths: Sequence[tuple[int, ...]] | Sequence[int] | None = None,
        keeps: Sequence[float] | None = None,
        budget: Budget | None = None,
        **more: Any,
    ) -> None:
        depth = "depths" if "depths" in find_builder(model).spec.options else "depth"
        searched = without_none(**{"growth": growths, depth: depths, "keep": keeps})
        super().__init__(model, budget=budget, **searched, **more)


class PerMultAdd(keras.callbacks.Callback):
    """Adds the validation accuracy per multiply-add to the logs of each epoch."""

    def __init__(self, mult_adds):
        super().__init__()
        self.mult_adds = mult_adds

    def on_epoch_end(self, epoch, logs=None):
        """Adds `accuracy_per_madd` if the logs have a validation accuracy."""
        if "val_accuracy" in logs:
            logs["accuracy_per_madd"] = logs["val_accuracy"] / self.mult_adds


def without_none(**searched):
    """The options whose values are not None."""
    return {name: values for name, values in searched.items() if values is not None}


def shrunk(shape, rho):
    """The shape of an image whose sides are multiplied by `rho`."""
    return (*(round(rho * side) for side in shape[:-1]), shape[-1])


def find_builder(model):
    """The function of this name in `kerasnets.applications`, be it of a variant or of a whole family."""
    known = [name for name, f in vars(applications).items() if hasattr(f, "spec")]
    if model not in known:
        raise ValueError(
            f"`model` is a function of kerasnets.applications.{nearest(model, known)} "
            f"Received: model={model!r}"
        )
    return getattr(applications, model)


def check_searched(model, spec, fixed, searched):
    """Refuses unknown or missing options of a builder, and values that are not allowed."""
    check_names(searched, spec.options, f"an option of {model}", ())
    if not searched:
        refuse("searched", f"one or more of the options of {model}, {', '.join(spec.options)}", searched)
    for name, values in searched.items():
        if not isinstance(values, (tuple, list)) or not values:
            refuse(name, "a list of values to choose from", values)
        if len({as_text(v) for v in values}) < len(values):
            refuse(name, "a list of values that differ", values)
        if name in fixed:
            refuse(name, "in `options` or searched, not both", fixed[name])
        for value in values:
            check_options({name: value}, spec.checks)
    for name, default in spec.options.items():
        if default is REQUIRED and name not in {**fixed, **searched}:
            raise ValueError(f"`{name}` is missing: it is an option of {model} that has no default")


def as_text(value):
    """A value as a string that keras-tuner can hold: "0.5", "6-12-24-16"."""
    return "-".join(map(as_text, value)) if isinstance(value, (tuple, list)) else str(value)


def with_defaults(net):
    """A net that gives probabilities, compiled for integer labels."""
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net
