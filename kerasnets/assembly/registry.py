"""The models that can be built by name."""

import fnmatch
import re

from kerasnets.checks import nearest

_MODELS = {}


def register(builder):
    """Makes a builder known by its name.

    Args:
        builder: Function with `__name__` and `spec`, as `family.variant` makes it.

    Returns:
        The same function.

    Raises:
        ValueError: The name is taken.
    """
    name = builder.__name__
    if name in _MODELS:
        raise ValueError(f"A model is already registered as {name!r}.")
    _MODELS[name] = builder
    return builder


def find(name):
    """The builder of a name.

    Args:
        name: Name of a model, such as "DenseNet121".

    Returns:
        The function that builds it.

    Raises:
        ValueError: There is no such model; the message lists the closest names.
    """
    if name not in _MODELS:
        raise ValueError(
            f"`name` is one of kerasnets.list_models().{nearest(name, _MODELS)} Received: name={name!r}"
        )
    return _MODELS[name]


def build(name, /, **options):
    """Builds a model by name.

    Args:
        name: Name of a model, such as "DenseNet121".
        **options: Arguments of its builder in `kerasnets.applications`.

    Returns:
        A keras.Model.

    Raises:
        ValueError: There is no such model, or an option is refused.
    """
    return find(name)(**options)


def list_models(pattern="*", family=None):
    """Names of the models, in natural order.

    Args:
        pattern: Shell pattern such as "*dense*"; upper and lower case are alike.
        family: Name of a module of `kerasnets.applications`, such as "densenet", or None for all.

    Returns:
        A list of names.

    Raises:
        ValueError: There is no such family; the message lists the closest names.
    """
    families = {b.spec.module for b in _MODELS.values()}
    if family is not None and family not in families:
        raise ValueError(
            f"`family` is one of {', '.join(sorted(families))}.{nearest(family, families)} "
            f"Received: family={family!r}"
        )
    return sorted(
        (
            name
            for name, b in _MODELS.items()
            if fnmatch.fnmatchcase(name.lower(), pattern.lower()) and family in (None, b.spec.module)
        ),
        key=lambda name: [int(p) if p.isdigit() else p.lower() for p in re.split(r"(\d+)", name)],
    )
