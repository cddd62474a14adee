"""An ensemble of nets as one model, for example as a teacher."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kerasnets.assembly.outputs import only_main
from kerasnets.checks import is_number, refuse
from kerasnets.distillation.models import check_logits, count_logits
from kerasnets.layers import LogMeanProbability
from kerasnets.weights.card import card_of, common, describe

MEANS = ("geometric", "arithmetic")


@keras.saving.register_keras_serializable("kerasnets")
class Ensemble(keras.Model):
    """A model whose logits, (batch, classes), stand for the mean of several models' class probabilities.

    Source: Hinton, Vinyals, Dean 2015, arXiv:1503.02531, section 2: "an arithmetic or geometric mean of their
    individual predictive distributions".

    Args:
        models: At least two functional models that give logits of the same classes, from inputs of the same
            shape. Their weights are shared, not copied. Of several outputs, the main one counts, as described
            at `Distiller`. A single logit stands for the two probabilities of its sigmoid. If the logits are
            independent labels, as the `threshold` in the card of a model says, only the geometric mean is
            allowed.
        mean: "geometric" or "arithmetic", the mean of the probabilities. The geometric mean of probabilities
            corresponds to the mean of the logits.
        name: Name of the model.
        weights: For each model how much it counts, a positive number. Only their proportions matter. None
            lets all models count equally.

    Raises:
        ValueError: A model does not give logits, inputs or classes differ, the cards of two models name
            different scalings or class names, `mean` is unknown, or `weights` are not allowed.
    """

    def __init__(
        self,
        models: Sequence[keras.Model],
        mean: str = "geometric",
        name: str = "ensemble",
        *,
        weights: Sequence[float] | None = None,
        **options: Any,
    ) -> None:
        check_members(models, mean)
        check_weights(weights, len(models))
        first = models[0].inputs[0]
        inputs = keras.Input(first.shape[1:], dtype=first.dtype, name=first.name)
        # The members are renamed because names within a model must be unique.
        members = [only_main(m, name=f"member{i}") for i, m in enumerate(models)]
        given = [keras.tree.pack_sequence_as(member.input, [inputs]) for member in members]
        logits = [member(x) for member, x in zip(members, given, strict=True)]
        shares = None if weights is None else [float(w / sum(weights)) for w in weights]
        logits = mean_of(logits, mean, shares)
        super().__init__(inputs, logits, name=name, **options)
        self.mean, self.shares = mean, shares
        describe(self, **common(models, "models"))

    @property
    def members(self) -> list[keras.Model]:
        """The models of the ensemble."""
        return [layer for layer in self.layers if isinstance(layer, keras.Model)]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the ensemble, serialized."""
        models = [keras.saving.serialize_keras_object(member) for member in self.members]
        own = {"mean": self.mean, "weights": self.shares, "name": self.name, "trainable": self.trainable}
        return {"models": models, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> "Ensemble":
        """Creates an ensemble from the result of `get_config`."""
        models = [keras.saving.deserialize_keras_object(m, custom_objects) for m in config["models"]]
        return cls(**{**config, "models": models})


def mean_of(logits: list, mean: str, shares: list[float] | None) -> Any:
    """The logits of the mean of several nets' probabilities.

    Args:
        logits: A Keras tensor of each net, (batch, classes).
        mean: Element of `MEANS`.
        shares: The share of each net, which add up to 1; None for equal ones.
    """
    options = {"dtype": logits[0].dtype, "name": "logits"}
    if mean == "arithmetic":
        return LogMeanProbability(shares, **options)(logits)
    if shares is None:
        return layers.Average(**options)(logits)
    scaled = [
        layers.Rescaling(w, dtype=z.dtype, name=f"share{i}")(z)
        for i, (w, z) in enumerate(zip(shares, logits, strict=True))
    ]
    return layers.Add(**options)(scaled)


def check_weights(weights: Any, count: int) -> None:
    """Refuses weights that are not those of so many models."""
    if weights is None:
        return
    several = isinstance(weights, (tuple, list)) and len(weights) == count
    if not several or not all(is_number(w) and w > 0 for w in weights):
        refuse("weights", f"None or {count} numbers above 0, one for each model", weights)
    if not is_number(sum(weights)) or min(weights) / sum(weights) == 0:
        refuse("weights", "numbers whose shares of their sum are above 0", weights)


def check_members(models: Any, mean: Any) -> None:
    """Refuses arguments of `Ensemble` that are not allowed."""
    if mean not in MEANS:
        refuse("mean", f"one of {', '.join(map(repr, MEANS))}", mean)
    if not isinstance(models, (tuple, list)) or len(models) < 2:
        refuse("models", "a list of two models or more", models)
    for model in models:
        check_logits("models", model)
        if not getattr(model, "inputs", None) or len(model.inputs) != 1:
            refuse("models", "functional models of one input", model)
        if mean == "arithmetic" and card_of(model).threshold is not None and count_logits(model) != 1:
            refuse("mean", f"'geometric' for {model.name}, whose scores are independent labels", mean)
    shapes = {(tuple(model.inputs[0].shape[1:]), count_logits(model)) for model in models}
    if len(shapes) > 1:
        refuse("models", "of one input shape and one number of classes", shapes)
