"""The trained net that a run starts from: its weights, what it takes, and its classifier.

Size, scaling and classes are what the card of the weights says, so that a recipe does not repeat them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras

import kerasnets
from kerasnets import surgery, weights
from kerasnets.assembly.origin import as_data
from kerasnets.assembly.outputs import as_logits, main_output
from kerasnets.assembly.preprocessing import taken
from kerasnets.checks import refuse
from kerasnets.data.augment import SCALINGS
from kerasnets.graph import all_layers
from kerasnets.scaling import Scaling, agree
from kerasnets.surgery.initialize import fill
from kerasnets.surgery.transfer import frozen_layers
from kerasnets.training import Recipe
from kerasnets.weights.card import shape_of
from kerasnets.weights.reading import SUFFIXES

PREINITIALIZE = "preinitialize"  # fills a random net, instead of changing the trained one


@dataclasses.dataclass(frozen=True)
class Start:
    """A trained net to start from.

    Attributes:
        net: The net.
        recipe: The recipe of the run, with the sides and channels of the images that the net takes.
        scaling: The scaling of images of 0..255 that it was trained with.
        sizing: The row of `kerasnets.data.augment` that brings images to its size in tests, or None.
    """

    net: keras.Model
    recipe: Recipe
    scaling: Scaling
    sizing: tuple[str, Any] | None

    @property
    def card(self) -> weights.Card:
        """What is known of the net."""
        return weights.card_of(self.net)

    def keeps(self, classes: int, names: Sequence[str]) -> bool:
        """Whether the classes of the data are those of the net, so that its classifier is kept."""
        known = self.card.class_names
        return known is not None and known == tuple(names) and self.net.outputs[0].shape[-1] == classes

    def model(
        self, classes: int, names: Sequence[str], images: Callable[[], Any], seed: int = 0
    ) -> keras.Model:
        """The net as it is trained, with weights of its own.

        Args:
            classes: Number of scores.
            names: Names of the classes.
            images: Function that gives scaled images, by which `surgery.deepen` finds the statistics of new
                layers.
            seed: Seed of random weights.

        Returns:
            A keras.Model that gives logits.
        """
        recipe, net = self.recipe, changed(self.net, self.recipe, classes, images, seed)
        if self.keeps(classes, names) or fills_random(recipe):
            net = as_logits(main_output(net))
        else:
            net = surgery.replace_head(
                net,
                classes,
                dropout=recipe.dropout,
                classifier_activation=None,
                freeze=False,
                freeze_batch_norm=recipe.freeze_batch_norm,
            )
        set_trainable(net, recipe)
        return net


def start_of(recipe: Recipe) -> Start | None:
    """Loads the trained net that a run starts from; None if it starts from random weights.

    Raises:
        ValueError: There are no such weights, or the recipe contradicts them.
        OSError: They cannot be downloaded.
    """
    if recipe.weights is None:
        return None
    net = loaded(recipe)
    card, scaling = weights.card_of(net), taken(net).scaling or recipe.scale
    if not fills_random(recipe):
        check_same(recipe, card)
        shape = size_of(net, recipe)
        recipe = dataclasses.replace(recipe, size=shape[:-1], channels=shape[-1])
    if recipe.scaling is not None and not agree(recipe.scale, scaling, recipe.shape):
        refuse("scaling", f"None or that of {recipe.weights}, {scaling.name!r}", recipe.scaling)
    rows = tuple(row for row in recipe.augmentation if row[0] not in SCALINGS)  # they are in its scaling
    return Start(net, dataclasses.replace(recipe, augmentation=rows), scaling, card.sizing)


def loaded(recipe: Recipe) -> keras.Model:
    """The net of the weights, which computes in the precision of the recipe."""
    if recipe.weights.endswith(SUFFIXES):
        net = kerasnets.load_model(recipe.weights, compile=False)
        known = {layer.dtype_policy.name for layer in all_layers(net) if layer.weights}
        return net if known <= {recipe.precision} else surgery.with_precision(net, recipe.precision)
    given = {} if recipe.size is None and recipe.channels is None else {"input_shape": recipe.shape}
    return kerasnets.build(recipe.model, weights=recipe.weights, **given, **recipe.options)


def check_same(recipe: Recipe, card: weights.Card) -> None:
    """Refuses a recipe for another net than that of the weights."""
    if card.builder != recipe.model:
        found = f"{recipe.weights}, which has those of {card.builder or 'a net of unknown origin'}"
        refuse("weights", f"those of a {recipe.model}", found)
    for name, value in as_data(recipe.options).items():
        known = card.options.get(name, value)
        if known != value:
            refuse(name, f"{known!r} with weights={recipe.weights!r}", value)


def size_of(net: keras.Model, recipe: Recipe) -> tuple[int, ...]:
    """The shape of the images: that of the net's input; of free sides, the recipe's or that of its training.

    Raises:
        ValueError: The recipe has another size.
    """
    own, known = shape_of(net), weights.card_of(net).shape
    given = None if recipe.size is None else (*recipe.image_size, recipe.channels or own[-1])
    default = given or known or recipe.shape
    shape = tuple(side or other for side, other in zip(own, default, strict=True))
    if given is not None and given != shape:
        refuse("size", f"None or {shape[:-1]} with weights={recipe.weights!r}", recipe.size)
    if recipe.channels not in (None, shape[-1]):
        refuse("channels", f"None or {shape[-1]} with weights={recipe.weights!r}", recipe.channels)
    return shape


def fills_random(recipe: Recipe) -> bool:
    """Whether the trained net fills layers of a random one, which may be another net."""
    return any(name == PREINITIALIZE for name, _ in recipe.surgery)


def changed(
    net: keras.Model, recipe: Recipe, classes: int, images: Callable[[], Any], seed: int
) -> keras.Model:
    """The net after the surgery of the recipe."""
    for name, options in recipe.surgery:
        if name == PREINITIALIZE:
            donor, net = net, random_net(recipe, classes, seed)
            surgery.preinitialize(net, donor, **options)
        elif name == "deepen":
            net = surgery.deepen(net, data=images(), **options)
        else:
            net = surgery.widen(net, **options)
    return net


def random_net(recipe: Recipe, classes: int, seed: int = 0) -> keras.Model:
    """The net of a recipe with random weights. It gives logits, or the lengths of capsules.

    Args:
        recipe: The recipe. Its `init` says how the weights are drawn.
        classes: Number of scores.
        seed: Seed of these draws. Those of the builder follow Keras's own seed.

    Returns:
        A keras.Model.
    """
    net = kerasnets.build(
        recipe.model,
        input_shape=recipe.shape,
        classes=classes,
        classifier_activation=None,
        **{name: value for name, value in recipe.options.items() if name != "rho"},
    )
    if recipe.init is not None:
        scheme, options = recipe.scheme
        fill(net, scheme, seed, **options)
    return net


def set_trainable(net: keras.Model, recipe: Recipe) -> None:
    """Freezes the layers and the statistics that the recipe names, and no others."""
    for layer in all_layers(net):  # Keras's setter of a model leaves those of its layers
        layer.trainable = True
    for name in frozen(net, recipe.freeze):
        net.get_layer(name).trainable = False
    if recipe.freeze_batch_norm:  # Keras's own layers keep their statistics while they are not trainable
        for layer in all_layers(net):
            if type(layer) is keras.layers.BatchNormalization:
                layer.trainable = False


def frozen(net: keras.Model, freeze: bool | int | str) -> set[str]:
    """Names of the layers that `Recipe.freeze` freezes."""
    if isinstance(freeze, str):
        return frozen_layers(surgery.features(net), freeze)
    if freeze is False:
        return set()
    *below, _ = surgery.stages_of(net)
    if freeze is not True and freeze > len(below):
        refuse("freeze", f"True, False, a layer's name, or at most {len(below)} for {net.name}", freeze)
    return {layer.name for stage in below[: len(below) if freeze is True else freeze] for layer in stage}
