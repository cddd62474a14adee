"""Paths of pictures, and the libraries that draw them or make pages of them."""

import importlib
import pathlib

from kerasnets.checks import refuse


def check_path(path, suffixes):
    """Checks the path of a picture before it is drawn.

    Args:
        path: Path of the picture.
        suffixes: Suffixes of the supported formats.

    Returns:
        A pathlib.Path.

    Raises:
        ValueError: The suffix is not supported, or the folder does not exist.
    """
    path = pathlib.Path(path)
    if path.suffix not in suffixes or not path.parent.is_dir():
        refuse("path", f"a file in a folder that exists, ending in one of {', '.join(suffixes)}", str(path))
    return path


def library(name, purpose="Pictures", extra="plots"):
    """Imports a library that not every user needs.

    Args:
        name: Name of the module.
        purpose: What needs it, in the plural: the first word of the message.
        extra: Extra of the package that has it.

    Returns:
        The module.

    Raises:
        ModuleNotFoundError: The library is missing. The message says what to install.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{purpose} need {name}: pip install 'kerasnets[{extra}]'") from error
