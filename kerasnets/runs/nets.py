"""Trained nets by name and weights."""

import os

import keras

import kerasnets
from kerasnets.assembly import pretrained
from kerasnets.checks import refuse
from kerasnets.weights.reading import SUFFIXES, read_card


def trained(net: str | None, weights: str | os.PathLike, argument: str = "net") -> keras.Model:
    """A net with its weights, which decide its form.

    Args:
        net: Name of a model; None for the one that the weights say.
        weights: The name of a dataset, the id of a checkpoint, or a file.
        argument: Name of the argument that `net` is, for errors.

    Returns:
        A keras.Model.

    Raises:
        ValueError: The weights are not of this net, or do not say of which net they are.
        OSError: The weights cannot be downloaded.
        ModuleNotFoundError: A package that reads them is not installed.
    """
    weights = os.fspath(weights)
    if not weights.endswith(SUFFIXES):
        return kerasnets.build(net or net_of(weights, argument), weights=weights)
    card = read_card(weights)
    builder = card.builder if card else None
    if net is not None and builder not in (None, net):
        refuse(argument, f"{builder!r} with the weights of {weights}", net)
    if net is not None and builder is None and weights.endswith(".weights.h5"):
        return kerasnets.build(net, weights=weights)
    return kerasnets.load_model(weights)


def net_of(weights: str, argument: str = "net") -> str:
    """The name of the net that the id of a checkpoint says; refuses other weights, which say none."""
    key = pretrained.architecture_of(weights)
    if key is None:
        refuse(argument, f"the name of a model, since {weights} does not say its own", None)
    return pretrained.ARCHITECTURES[key].net
