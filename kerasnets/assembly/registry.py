"""The models that can be built by name."""

import fnmatch
import importlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from kerasnets.assembly.catalogue import catalogue
from kerasnets.checks import nearest, refuse
from kerasnets.weights.architectures import architecture_of
from kerasnets.weights.checkpoints import checkpoints

if TYPE_CHECKING:
    import keras

_MODELS = {}


def register(builder: Callable) -> Callable:
    """Registers a builder under its name.

    Args:
        builder: Function with `__name__` and `spec`, as `family.variant` makes it.

    Returns:
        The same function.

    Raises:
        ValueError: The name is already registered, or a shipped model has it.
    """
    name = builder.__name__
    import_shipped(name)
    if name in _MODELS:
        raise ValueError(f"A model is already registered as {name!r}.")
    _MODELS[name] = builder
    return builder


def registered() -> tuple[Callable, ...]:
    """The builders that have been registered so far, in natural order of their names."""
    return tuple(_MODELS[name] for name in sorted(_MODELS, key=natural))


def import_shipped(name: str) -> None:
    """Imports the module of `kerasnets.applications` that registers a name, according to the catalogue."""
    if name not in _MODELS and name in catalogue():
        importlib.import_module(f"kerasnets.applications.{catalogue()[name]['family']}")


def find(name: str) -> Callable:
    """The builder of a name.

    Args:
        name: Name of a model, such as "DenseNet121".

    Returns:
        The function that builds it.

    Raises:
        ValueError: There is no such model; the message lists the closest names.
    """
    import_shipped(name)
    if name not in _MODELS:
        refuse_name(name)
    return _MODELS[name]


def builder_of(name: str, family: str | None = None) -> Callable | None:
    """The builder of a net, given its name.

    Args:
        name: Name of a model, or of the function of a family, such as "DenseNet".
        family: Name of a module of `kerasnets.applications` that has the function; None if it is a model.

    Returns:
        The function that builds it, or None if there is none.
    """
    if name in known():
        return find(name)
    if family not in {row["family"] for row in catalogue().values()}:
        return None
    builder = getattr(importlib.import_module(f"kerasnets.applications.{family}"), name, None)
    return builder if hasattr(builder, "spec") else None


def refuse_name(name: str) -> NoReturn:
    """Raises the ValueError for a name that no model has; its message lists the closest names."""
    raise ValueError(
        f"`name` is one of kerasnets.list_models().{nearest(name, known())} Received: name={name!r}"
    )


def build(name: str, /, **options: Any) -> "keras.Model":
    """Builds a model by name.

    Args:
        name: Name of a model, such as "DenseNet121".
        **options: Arguments of its builder in `kerasnets.applications`.

    Returns:
        A keras.Model.

    Raises:
        ValueError: There is no such model, or an option is not allowed.
    """
    return find(name)(**options)


def list_models(pattern: str = "*", family: str | None = None, trained: bool | None = None) -> list[str]:
    """Names of the models, in natural order.

    They are those of the catalogue that is shipped, which are listed without importing anything else, and any
    that were registered later.

    Args:
        pattern: Shell pattern such as "*dense*", in upper or lower case.
        family: Name of a module of `kerasnets.applications`, such as "densenet", or None for all.
        trained: True for models whose trained weights can be downloaded, False for others, None for all.

    Returns:
        A list of names.

    Raises:
        ValueError: There is no such family, or `trained` is none of the three.
    """
    models = known()
    families = {family for family, _ in models.values()}
    if family is not None and family not in families:
        raise ValueError(
            f"`family` is one of {', '.join(sorted(families))}.{nearest(family, families)} "
            f"Received: family={family!r}"
        )
    if trained not in (None, True, False):
        refuse("trained", "True, False or None", trained)
    return sorted(
        (
            name
            for name, (its_family, its_trained) in models.items()
            if fnmatch.fnmatchcase(name.lower(), pattern.lower())
            and family in (None, its_family)
            and trained in (None, its_trained)
        ),
        key=natural,
    )


def known() -> dict[str, tuple[str, bool]]:
    """By the name of each model, its family and whether trained weights exist."""
    families = {name: row["family"] for name, row in catalogue().items()}
    families |= {name: builder.spec.module for name, builder in _MODELS.items()}
    trained = {checkpoint.net for checkpoint in checkpoints() if architecture_of(checkpoint.id)}
    return {name: (family, name in trained) for name, family in families.items()}


def natural(name: str) -> list[int | str]:
    """Sort key of the natural order, in which DenseNet40 comes before DenseNet100."""
    return [int(p) if p.isdigit() else p.lower() for p in re.split(r"(\d+)", name)]
