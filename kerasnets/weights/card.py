"""What travels with the weights of a net: how it was made, what it takes, its classes, and its training.

A `Card` is attached to a model. The builders of this package attach one. The functions of this package that
copy or change a model pass it on, `save` writes it into the file with the weights, and whatever reads the
file finds it there. Keras's own functions drop it.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kerasnets.checks import is_int, is_ints, is_number, nearest, refuse
from kerasnets.graph import has_graph, producer
from kerasnets.scaling import Scaling, agree, scaling_named

ATTRIBUTE = "kerasnets_card"  # of models, and of their input layers
PREPROCESS = "preprocess_input"  # attribute of models, the function that scales images for them


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Card:
    """What travels with the weights of a net. None stands for what is not known.

    Args:
        builder: Name of the function of `kerasnets.applications` that made the net.
        family: Name of the module that has this function.
        options: Its arguments by name, as JSON data.
        changes: Names of the functions that have changed the net since, such as "widen", so that the builder
            no longer makes a net for these weights.
        shape: Shape of the images or clips that the net was trained on, (*grid, channels).
        scaling: The `kerasnets.scaling.Scaling` of these.
        sizing: Name and options of the function that brought the images of tests to `shape`, a row of
            `kerasnets.data.augment` such as ("center_crop", {"shorter": 256}).
        class_names: Names of the classes in their order.
        threshold: The least probability of a predicted label, for a net whose scores are independent labels,
            each with a sigmoid. A net of one score predicts class 1 from this probability on. None for
            classes that exclude one another.
        training: What the net was trained on and how, as JSON data.
        results: What its tests gave, as JSON data.
    """

    builder: str | None = None
    family: str | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    changes: tuple[str, ...] = ()
    shape: tuple[int | None, ...] | None = None
    scaling: Scaling | None = None
    sizing: tuple[str, Mapping[str, Any]] | None = None
    class_names: tuple[str, ...] | None = None
    threshold: float | None = None
    training: Mapping[str, Any] | None = None
    results: Mapping[str, Any] | None = None

    def as_data(self) -> dict[str, Any]:
        """The known fields: plain data and arrays."""
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        given = {name: value for name, value in given.items() if value}
        return given | ({} if self.scaling is None else {"scaling": self.scaling.as_data()})

    @classmethod
    def from_data(cls, data: Any) -> "Card":
        """Makes a card from the result of `as_data`. Fields that are not known here are ignored.

        Raises:
            ValueError: The data is not that of a card.
        """
        if not isinstance(data, dict):
            refuse("data", "a dict", data)
        known = {f.name for f in dataclasses.fields(cls)}
        given = {name: value for name, value in data.items() if name in known}
        if "scaling" in given:
            given["scaling"] = Scaling.from_data(given["scaling"])
        return cls(**checked(given))


def checked(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a card in their types; refuses values that they cannot have."""
    known = {f.name for f in dataclasses.fields(Card)}
    for name in facts:
        if name not in known:
            raise ValueError(f"`{name}` is not a field of a Card.{nearest(name, known)}")
    facts = dict(facts)
    for name, (test, allowed) in FIELDS.items():
        if facts.get(name) is not None:
            if not test(facts[name]):
                refuse(name, f"None or {allowed}", facts[name])
            facts[name] = tuple(facts[name]) if isinstance(facts[name], (list, np.ndarray)) else facts[name]
    if facts.get("shape") is not None:
        facts["shape"] = tuple(None if side is None else int(side) for side in facts["shape"])
    if facts.get("scaling") is not None:
        facts["scaling"] = scaling_named(facts["scaling"])
    if facts.get("class_names") is not None:
        facts["class_names"] = tuple(map(str, facts["class_names"]))
    if facts.get("threshold") is not None:
        facts["threshold"] = float(facts["threshold"])
    return facts


def is_data(value: Any) -> bool:
    """Whether a value is a dict that JSON can represent."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return isinstance(value, Mapping)


def are_names(value: Any) -> bool:
    """Whether a value is a list of strings of one line each."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return isinstance(value, (list, tuple)) and all(
        isinstance(name, str) and name.strip() and name.isprintable() for name in value
    )


DATA = (is_data, "a dict that JSON can represent")
NAMES = (are_names, "a list of names of one line each")
# For each field, a test and a description of what it allows.
FIELDS = {
    "builder": (lambda v: isinstance(v, str), "the name of a builder"),
    "family": (lambda v: isinstance(v, str), "the name of a module"),
    "options": DATA,
    "changes": NAMES,
    "shape": (
        lambda v: isinstance(v, (list, tuple)) and is_ints([s for s in v if s is not None], 1),
        "a shape of whole numbers, each at least 1",
    ),
    "sizing": (
        lambda v: isinstance(v, (list, tuple)) and len(v) == 2 and isinstance(v[0], str) and is_data(v[1]),
        "a row (name, options) of kerasnets.data.augment",
    ),
    "class_names": NAMES,
    "threshold": (lambda v: is_number(v) and 0 < v < 1, "a number between 0 and 1"),
    "training": DATA,
    "results": DATA,
}


def card_of(model: Any) -> Card:
    """The card of a model.

    Args:
        model: A keras.Model.

    Returns:
        Its `Card`. A model that Keras has made of the input of another net takes what that net takes, and
        nothing else is known of it. The card of any other model of unknown origin is empty.

    Raises:
        ValueError: `model` is something else. `read_card` reads the card of a file.
    """
    if not isinstance(model, keras.Model):
        refuse("model", "a keras.Model; kerasnets.weights.read_card reads the card of a file", model)
    card = getattr(model, ATTRIBUTE, None)
    if card is not None:
        return card
    given = input_card(model)
    return Card(shape=given.shape, scaling=given.scaling, sizing=given.sizing)


def input_card(model: Any) -> Card:
    """The card of the net whose input a model has."""
    layer = producer(model.inputs[0]).operation if has_graph(model) else None
    return getattr(layer, ATTRIBUTE, None) or Card()


def attach(model: keras.Model, card: Card) -> None:
    """Makes a card that of a model, in place of an earlier one, and its scaling `model.preprocess_input`."""
    before = getattr(model, ATTRIBUTE, None)
    setattr(model, ATTRIBUTE, card)
    if has_graph(model):
        setattr(producer(model.inputs[0]).operation, ATTRIBUTE, card)
    if card.scaling is not None:
        set_preprocess(model, card.scaling)
    elif before is not None and before.scaling is not None and PREPROCESS in vars(model):
        delattr(model, PREPROCESS)


def set_preprocess(model: keras.Model, scaling: Any) -> None:
    """Makes a function `model.preprocess_input`, unless the class of the model has a method of this name."""
    if not hasattr(type(model), PREPROCESS):
        setattr(model, PREPROCESS, scaling)


def describe(model: keras.Model, **facts: Any) -> Card:
    """Records facts about a model, which then travel with its weights.

        describe(net, scaling="unit", class_names=["cat", "dog"], training={"data": "my photographs"})

    Args:
        model: A keras.Model.
        **facts: Fields of its `Card`. `scaling` may be the name of a scaling, a key of
            `kerasnets.scaling.MODES`.

    Returns:
        The new card.

    Raises:
        ValueError: There is no such field, or a value is not allowed.
    """
    facts = checked(facts)
    names, classes = facts.get("class_names"), classes_of(model)
    if names and classes and len(names) != classes:
        refuse("class_names", f"None or a list of {classes} names", list(names))
    card = dataclasses.replace(card_of(model), **facts)
    attach(model, card)
    return card


def inherit(
    new: keras.Model,
    model: keras.Model,
    change: str | None = None,
    *,
    names: Sequence[int | str] | bool = True,
    **options: Any,
) -> keras.Model:
    """Passes the card of a model on to another one that was made of it.

    Args:
        new: The other model.
        model: The model.
        change: Name of the function that made `new`, if the builder of `model` no longer makes a net for the
            weights.
        names: True if `new` has the classes of `model`, False if it has others or none, or else for each of
            its classes the number that it has in `model`, or its name if `model` has no such class. The
            threshold goes with all classes alone.
        **options: Arguments with which the builder makes `new`, where they differ and the builder has them.

    Returns:
        `new`.
    """
    card = card_of(model)
    same, known = names is True, card.class_names
    if known is not None and not same:
        known = tuple(known[c] if is_int(c, 0) else str(c) for c in names) if names else None
    attach(
        new,
        dataclasses.replace(
            card,
            options=card.options | {name: v for name, v in options.items() if name in card.options},
            changes=card.changes + ((change,) if change else ()),
            class_names=known,
            threshold=card.threshold if same else None,
            results=card.results if same and change is None else None,
        ),
    )
    if card.scaling is None and PREPROCESS in vars(model):
        set_preprocess(new, getattr(model, PREPROCESS))
    return new


def classes_of(model: keras.Model) -> int | None:
    """The number of classes of a model's main output, if it is (batch, classes).

    A single score tells class 1 from class 0.
    """
    outputs = getattr(model, "output", None)
    scores = outputs.get("predictions") if isinstance(outputs, dict) else outputs
    known = keras.utils.is_keras_tensor(scores) and len(scores.shape) == 2
    return max(scores.shape[-1], 2) if known and scores.shape[-1] else None


def common(models: Sequence[keras.Model], argument: str) -> dict[str, Any]:
    """What is known of the scaling, the class names and the threshold of models that see the same images.

    Args:
        models: The models.
        argument: Name of the argument that holds them, for the message.

    Returns:
        Values of "scaling", "class_names" and "threshold"; None where no model knows them. Thresholds may
        differ: the first one counts.

    Raises:
        ValueError: Two models differ. The message names both.
    """
    scaled = [(m, card_of(m).scaling) for m in models if card_of(m).scaling is not None]
    thresholds = (card_of(m).threshold for m in models)
    named = [(m, card_of(m).class_names) for m in models if card_of(m).class_names is not None]
    for model, scaling in scaled[1:]:
        if not agree(scaled[0][1], scaling, shape_of(model)):
            mend = (
                f"kerasnets.surgery.with_scaling({model.name}, {scaled[0][1].name!r}) makes a net that takes "
                f"the images of {scaled[0][0].name}"
            )
            refuse_both(argument, "scaling", mend, (scaled[0][0], scaled[0][1].name), (model, scaling.name))
    for model, names in named[1:]:
        if names != named[0][1]:
            mend = "kerasnets.weights.describe(model, class_names=...) corrects the names of a net"
            refuse_both(argument, "class_names", mend, named[0], (model, names))
    return {
        "scaling": scaled[0][1] if scaled else None,
        "class_names": named[0][1] if named else None,
        "threshold": next((value for value in thresholds if value is not None), None),
    }


def refuse_both(argument, field, mend, *pairs):
    """Raises the ValueError for two models whose cards differ in a field, and says how to mend it."""
    same = {"scaling": "see the same images", "class_names": "have the same classes in the same order"}[field]
    received = " and ".join(f"{model.name} with {field}={value!r}" for model, value in pairs)
    raise ValueError(f"`{argument}` are models that {same}. Received: {received}. {mend}")


def shape_of(model):
    """The shape of an image that a model takes."""
    return tuple(model.inputs[0].shape[1:]) if has_graph(model) else (None, None, 3)
