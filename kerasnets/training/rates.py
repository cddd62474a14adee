"""Learning rates that fall with depth: a trained net's lower stages change less than its upper ones.

    factors = rate_factors(net, 0.7)
    net.compile(scaled(keras.optimizers.AdamW)(1e-4, factors=factors), ...)

Source: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018,
arXiv:1801.06146, section 3.2: discriminative fine-tuning, with a factor of 1 / 2.6 from layer to layer. As in
timm's and BEiT's `layer_decay`, one factor per stage is used here.
"""

import keras

from kerasnets.checks import is_number, refuse
from kerasnets.graph import VariableRates
from kerasnets.surgery.stages import stages_of


def rate_factors(
    net: keras.Model, decay: float, model: keras.Model | None = None, head: float = 1.0
) -> tuple[float, ...]:
    """Factors of the learning rate that fall from stage to stage, from the classifier downward.

    Args:
        net: A functional or sequential model, whose stages are those of `surgery.stages_of`.
        decay: The factor from one stage to the next lower one, above 0 and at most 1.
        model: The model that is trained, if `net` is a part of it, such as a `Distiller`. Its other variables
            have the factor of the classifier.
        head: The factor of the classifier, above 0.

    Returns:
        A number for each of the trainable variables of the trained model, in their order.

    Raises:
        ValueError: An argument is not allowed.
    """
    if not (is_number(decay) and 0 < decay <= 1):
        refuse("decay", "a number above 0, at most 1", decay)
    if not (is_number(head) and head > 0):
        refuse("head", "a number above 0", head)
    factors = {}
    for depth, stage in enumerate(reversed(stages_of(net))):
        factors |= {id(v): head * decay**depth for layer in stage for v in layer.trainable_variables}
    return tuple(float(factors.get(id(v), head)) for v in (model or net).trainable_variables)


@keras.saving.register_keras_serializable("kerasnets")
class ScaledAdadelta(VariableRates, keras.optimizers.Adadelta):
    """Keras's Adadelta, with a factor of the learning rate for each variable."""


@keras.saving.register_keras_serializable("kerasnets")
class ScaledAdam(VariableRates, keras.optimizers.Adam):
    """Keras's Adam, with a factor of the learning rate for each variable."""


@keras.saving.register_keras_serializable("kerasnets")
class ScaledAdamW(VariableRates, keras.optimizers.AdamW):
    """Keras's AdamW, with a factor of the learning rate for each variable."""


@keras.saving.register_keras_serializable("kerasnets")
class ScaledRMSprop(VariableRates, keras.optimizers.RMSprop):
    """Keras's RMSprop, with a factor of the learning rate for each variable."""


@keras.saving.register_keras_serializable("kerasnets")
class ScaledSGD(VariableRates, keras.optimizers.SGD):
    """Keras's SGD, with a factor of the learning rate for each variable."""


SCALED = {
    keras.optimizers.Adadelta: ScaledAdadelta,
    keras.optimizers.Adam: ScaledAdam,
    keras.optimizers.AdamW: ScaledAdamW,
    keras.optimizers.RMSprop: ScaledRMSprop,
    keras.optimizers.SGD: ScaledSGD,
}


def scaled(optimizer: type[keras.optimizers.Optimizer]) -> type[keras.optimizers.Optimizer]:
    """The class of an optimizer whose learning rate has a factor for each variable.

    With factors of 1 it trains as the class of Keras does. Its weight decay, where it has one, is a share of
    the learning rate, so that the same factors apply to it. It can be saved, loaded and resumed.

    Args:
        optimizer: One of Keras's classes Adadelta, Adam, AdamW, RMSprop and SGD.

    Returns:
        A class with the same arguments and `factors`: for each trainable variable, in the order of
        `model.trainable_variables`, the number by which its rate is multiplied.

    Raises:
        ValueError: `optimizer` is something else.
    """
    if optimizer not in SCALED:
        names = ", ".join(f"keras.optimizers.{known.__name__}" for known in SCALED)
        refuse("optimizer", f"one of the classes {names}", optimizer)
    return SCALED[optimizer]
