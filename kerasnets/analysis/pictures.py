"""Files of pictures: what they may be called, and what they need."""

import importlib
import pathlib

from kerasnets.checks import refuse


def check_path(path, suffixes):
    """The path of a picture that can be written.

    Args:
        path: As the user gave it.
        suffixes: Those of the formats.

    Returns:
        A pathlib.Path.

    Raises:
        ValueError: Another suffix, or no such folder.
    """
    path = pathlib.Path(path)
    if path.suffix not in suffixes or not path.parent.is_dir():
        refuse("path", f"a file in a folder that exists, ending in one of {', '.join(suffixes)}", str(path))
    return path


def library(name):
    """A library that only pictures need.

    Raises:
        ModuleNotFoundError: It is missing; the message says what to install.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"Pictures need {name}: pip install 'kerasnets[plots]'") from error
