"""The laws of the package: what imports what, and what an import costs."""

import ast
import pathlib
import subprocess
import sys

import pytest

import kerasnets

ROOT = pathlib.Path(kerasnets.__file__).parent
# Packages by height. An arrow points from higher to lower; those of one height do not know one another.
HEIGHTS = [
    {"checks", "files", "tables"},
    {"graph"},
    {"scaling"},
    {"layers"},
    {"blocks", "weights"},
    {"assembly"},
    {"applications"},
    {"data"},
    {"analysis", "distillation", "surgery"},
    {"training"},
    {"serving", "tuning"},
    {"cli"},
    {"__main__"},
]
HEIGHT = {package: height for height, packages in enumerate(HEIGHTS) for package in packages}
# These know no family: they take any keras.Model.
FREE_OF_FAMILIES = {"training", "distillation", "surgery", "analysis", "serving"}
TENSORFLOW = {"data", "serving", "training/distribution.py"}

FILES = sorted(p.relative_to(ROOT) for p in ROOT.rglob("*.py"))
RECIPES = sorted((ROOT.parent / "recipes").rglob("*.py"))
ATTRIBUTE_FUNCTIONS = {"getattr", "hasattr", "setattr", "delattr"}
each_file = pytest.mark.parametrize("file", FILES, ids=str)


def imports(file):
    """Dotted names of all that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@each_file
def test_arrows_run_downward(file):
    if file.name == "__init__.py" and len(file.parts) == 1:
        return
    here = file.parts[0].removesuffix(".py")
    for name in imports(file):
        root, *rest = name.split(".")
        if root != "kerasnets" or not rest or rest[0] == here:
            continue
        if rest[0] in HEIGHT:
            assert HEIGHT[rest[0]] < HEIGHT[here], f"{file} imports {name}"
        else:
            assert rest[0] in kerasnets.__all__, f"{file} imports {name}"


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.parts[0] == "applications" and f.name != "__init__.py"], ids=str
)
def test_families_do_not_know_one_another(file):
    assert not [name for name in imports(file) if name.startswith("kerasnets.applications")]


@pytest.mark.parametrize("file", [f for f in FILES if f.parts[0] in FREE_OF_FAMILIES], ids=str)
def test_methods_know_no_family(file):
    assert not [name for name in imports(file) if name.startswith("kerasnets.applications")]


@each_file
def test_tensorflow_stays_in_its_places(file):
    if not any(file.as_posix() == place or file.parts[0] == place for place in TENSORFLOW):
        assert "tensorflow" not in {name.split(".")[0] for name in imports(file)}


def private_names(tree):
    """Names with one underscore that a file uses as attributes and does not define itself."""
    nodes = list(ast.walk(tree))
    used = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
    for call in nodes:
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) in ATTRIBUTE_FUNCTIONS:
            used |= {a.value for a in call.args[1:2] if isinstance(a, ast.Constant)}
    own = {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    own |= {n.attr for n in nodes if isinstance(n, ast.Attribute) and is_stored_on_self(n)}
    private = {name for name in used - own if name.startswith("_") and not name.startswith("__")}
    return private - {"_fields", "_make", "_asdict", "_replace"}  # public names of named tuples


def is_stored_on_self(node):
    return isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self"


@pytest.mark.parametrize("path", [ROOT / f for f in FILES] + RECIPES, ids=lambda p: p.stem)
def test_private_names_of_keras_stand_in_one_file(path):
    if path == ROOT / "graph.py":
        return
    text = path.read_text()
    assert "keras.src" not in text
    if path.parent != ROOT / "tuning":
        assert "keras_tuner.src" not in text
        assert not private_names(ast.parse(text))


@pytest.mark.parametrize(
    "program",
    [
        "layer._flatten_layers()",
        "self._layers",
        "layer._layers = []",
        "hasattr(layer, '_layers')",
        "del x._y",
    ],
)
def test_private_names_are_found(program):
    assert private_names(ast.parse(program))


@pytest.mark.parametrize(
    "program", ["self._own = 1; self._own", "def _own(): x._own", "x.__dict__", "_own()"]
)
def test_private_names_of_a_file_are_its_own(program):
    assert not private_names(ast.parse(program))


def test_every_package_has_a_height():
    packages = {f.parts[0].removesuffix(".py") for f in FILES} - {"__init__"}
    assert packages <= set(HEIGHT)


def test_import_is_free():
    program = "import sys; before = set(sys.modules); import kerasnets; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["kerasnets"]


def test_public_names_exist():
    assert {"list_models", "build", "__version__"} <= set(dir(kerasnets))
    for name in kerasnets.__all__:
        assert getattr(kerasnets, name) is not None
    with pytest.raises(AttributeError, match="'kerasnets' has no attribute 'aplications'"):
        kerasnets.aplications  # noqa: B018
