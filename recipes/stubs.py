"""The stubs, which tell editors and type checkers every argument of every builder.

`python recipes/models.py` writes them from the registry. Type checkers need them because builders are created
at run time, when the module of a family is imported.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from types import ModuleType

FIRST = "# Written by `python recipes/models.py`.\n"
IMPORTS = """\
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

"""
# Types of the arguments that every builder takes.
HINTS = {
    "include_top": "bool",
    "weights": "str | os.PathLike[str] | None",
    "input_tensor": "Any",
    "input_shape": "Sequence[int | None] | None",
    "pooling": 'Literal["avg", "max"] | None',
    "classes": "int",
    "classifier_activation": "str | Callable[..., Any] | None",
    "name": "str | None",
}
HELPERS = """\
def preprocess_input(x: Any) -> Any: ...
def decode_predictions(
    preds: Any, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[Any, Any, float]]]: ...
"""
LONG = 60  # defaults with more characters are written as "..."


def texts() -> dict[str, str]:
    """The texts of all stubs, by their paths in a checkout."""
    import kerasnets
    from kerasnets import applications

    modules = [module.name for module in pkgutil.iter_modules(applications.__path__)]
    families = {name: importlib.import_module(f"kerasnets.applications.{name}") for name in modules}
    folder = "kerasnets/applications"
    return {
        "kerasnets/__init__.pyi": package(kerasnets),
        f"{folder}/__init__.pyi": exports(families),
        **{f"{folder}/{name}.pyi": family(module) for name, module in families.items()},
    }


def package(kerasnets: ModuleType) -> str:
    """The stub of `kerasnets` itself, whose names are imported when they are first used."""
    lines = []
    for name in kerasnets.__all__:
        if inspect.ismodule(getattr(kerasnets, name)):
            lines.append(f"from kerasnets import {name} as {name}\n")
        elif callable(getattr(kerasnets, name)):
            lines.append(f"from {getattr(kerasnets, name).__module__} import {name} as {name}\n")
    return f"{FIRST}{''.join(sorted(lines))}\n__version__: str\n"


def exports(families: Mapping[str, ModuleType]) -> str:
    """The stub of `kerasnets.applications`."""
    lines = [f"from kerasnets.applications import {name} as {name}\n" for name in families]
    for name, module in families.items():
        lines += [
            f"from kerasnets.applications.{name} import {builder} as {builder}\n"
            for builder in sorted(builders(module))
        ]
    return FIRST + "".join(lines)


def family(module: ModuleType) -> str:
    """The stub of the module of a family: its tables, its functions and its builders."""
    own = {n: v for n, v in vars(module).items() if getattr(v, "__module__", None) == module.__name__}
    tables = [f"{name}: dict[str, dict[str, Any]]\n" for name in vars(module) if name.endswith("TABLE")]
    units = [unit(v) for n, v in own.items() if inspect.isfunction(v) and n not in builders(module)]
    made = [builder(v) for v in builders(module).values()]
    return "".join((FIRST, IMPORTS, *tables, "\n", *units, *made, HELPERS))


def unit(function: Callable) -> str:
    """The signature of a function of the module, without types."""
    parameters = [
        p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else ...)
        for p in inspect.signature(function).parameters.values()
    ]
    text = str(inspect.Signature(parameters)).replace("Ellipsis", "...")
    return f"def {function.__name__}{text} -> Any: ...\n"


def builders(module: ModuleType) -> dict[str, Callable]:
    """The builders in a module, of a family and of its variants, by name."""
    return {n: v for n, v in vars(module).items() if hasattr(v, "spec") and v.__module__ == module.__name__}


def builder(function: Callable) -> str:
    """The signature of a builder, with types and defaults."""
    parameters = function.__signature__.parameters.values()
    hints = HINTS | {name: check.hint for name, check in function.spec.checks.items()}
    lines, keywords = [], False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not keywords:
            lines.append("    *,\n")
            keywords = True
        hint = hints[p.name].replace("'", '"')
        lines.append(f"    {p.name}: {hint}{default(p)},\n")
    return f"def {function.__name__}(\n{''.join(lines)}) -> keras.Model: ...\n"


def default(parameter: inspect.Parameter) -> str:
    """The default of a parameter as source code, beginning with " = "."""
    if parameter.default is parameter.empty:
        return ""
    value = parameter.default
    text = repr(value).replace("'", '"')
    return f" = {text if len(text) <= LONG else '...'}"
