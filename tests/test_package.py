"""The laws of the package: what imports what, and what an import costs."""

import ast
import configparser
import fnmatch
import functools
import importlib
import pathlib
import re
import subprocess
import sys

import pytest

import kerasnets

ROOT = pathlib.Path(kerasnets.__file__).parent
# Packages by height. An arrow points from higher to lower; those of one height do not know one another.
HEIGHTS = [
    {"checks", "files", "image_files", "registration", "tables"},  # know nothing of networks
    {"gradients", "graph", "layers"},  # of one function, one graph, one layer
    {"blocks", "recording", "scaling"},  # become part of a graph, list its calls, scale what it reads
    {"weights"},  # pair the layers of two graphs, and carry the scaling
    {"assembly", "data"},  # what all models share; what they read
    {"analysis", "applications", "distillation", "surgery"},  # the models, and what takes any model
    {"training"},  # joins data, losses and surgery
    {"serving", "tuning"},  # use trained models, and train many
    {"runs"},  # do all of it in one go, a search too
    {"cli"},
    {"__main__"},
]
# Files that give what is above them too, since users look for it there, and why it is above. They import it
# when it is first used.
FRONT_DOORS = {
    "weights/__init__.py": {
        "kerasnets.assembly.loading": "`load` needs the builders, which know the order of layers"
    }
}
HEIGHT = {package: height for height, packages in enumerate(HEIGHTS) for package in packages}
# These know no family: they take any keras.Model.
FREE_OF_FAMILIES = {"training", "distillation", "surgery", "analysis", "serving"}
TENSORFLOW = {"data", "gradients.py", "serving", "training/distribution/on_tensorflow.py"}

MOVERS = {"rename", "renames", "move", "copyfile", "NamedTemporaryFile", "mkstemp"}
OPENERS = {"open", "fdopen", "File"}
SAVERS = {"write_bytes", "write_text", "savefig", "save_weights"}
# Those that stand outside kerasnets.files, and why.
WRITERS = {
    "kerasnets/serving/bench.py": {"copyfile": "copies to the temporary folder of a version"},
    "kerasnets/serving/versions.py": {"rename": "gives a whole folder its name, which is not there yet"},
    "kerasnets/training/distribution/on_jax.py": {
        "open": "a copy in a temporary folder of what the first host has"
    },
    "kerasnets/runs/folder.py": {"rename": "moves the whole folder of an earlier run aside"},
    "recipes/benchmarks/store.py": {"write_text": "lets Linux measure the peak of the memory anew"},
}
POSIX_ONLY = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")

FILES = sorted(p.relative_to(ROOT) for p in ROOT.rglob("*.py"))
RECIPES = ROOT.parent / "recipes"
SOURCES = [*map(ROOT.joinpath, FILES), *sorted(RECIPES.rglob("*.py"))]
each_source = pytest.mark.parametrize("file", SOURCES, ids=lambda p: p.relative_to(ROOT.parent).as_posix())
ATTRIBUTE_FUNCTIONS = {"getattr", "hasattr", "setattr", "delattr"}
each_file = pytest.mark.parametrize("file", FILES, ids=str)


@functools.cache
def parsed(file):
    """All nodes of a file, which most of the laws ask for."""
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def imports(file):
    """Dotted names of all that a file imports, anywhere in it."""
    for node in parsed(ROOT / file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


@each_file
def test_arrows_run_downward(file):
    if file.name == "__init__.py" and len(file.parts) == 1:
        return
    here = file.parts[0].removesuffix(".py")
    above = tuple(FRONT_DOORS.get(file.as_posix(), ()))
    for name in imports(file):
        if name.startswith(above):
            continue
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


def private_names(nodes):
    """Names with one underscore that a file uses as attributes and does not define itself."""
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


@each_source
def test_private_names_of_keras_stand_in_one_file(file):
    if file == ROOT / "graph.py":
        return
    text = file.read_text(encoding="utf-8")
    assert "keras.src" not in text
    if file.parent != ROOT / "tuning":
        assert "keras_tuner.src" not in text
        assert not private_names(parsed(file))


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
    assert private_names(list(ast.walk(ast.parse(program))))


@pytest.mark.parametrize(
    "program", ["self._own = 1; self._own", "def _own(): x._own", "x.__dict__", "_own()"]
)
def test_private_names_of_a_file_are_its_own(program):
    assert not private_names(list(ast.walk(ast.parse(program))))


@functools.cache
def calls(file):
    """Calls in a file, each with what its function is an attribute of, and the function's name."""
    found = [
        (node, *ast.unparse(node.func).rpartition(".")) for node in parsed(file) if isinstance(node, ast.Call)
    ]
    return [(node, of, name) for node, of, _, name in found]


def writes(file):
    """Names of the functions by which a file writes or moves files, but for those of kerasnets.files."""
    withs = [item for node in parsed(file) if isinstance(node, ast.With) for item in node.items]
    parts = [w.optional_vars for w in withs if "files.replacing(" in ast.unparse(w.context_expr)]
    allowed = {"files", *map(ast.unparse, parts)}
    for call, of, name in calls(file):
        nodes = [node for argument in (*call.args, *call.keywords) for node in ast.walk(argument)]
        words = [node.value for node in nodes if isinstance(node, ast.Constant)]
        moves = name in MOVERS or (of, name) == ("os", "replace")
        opens = name in OPENERS and any(re.fullmatch("[rbt]*[wax+][rbt+]*", str(word)) for word in words)
        saves = name in SAVERS or (name == "save" and len(call.args) == 1) or (of, name) == ("np", "save")
        if moves or ((opens or saves) and not allowed & {of, *map(ast.unparse, call.args[:1])}):
            yield name


@each_source
def test_files_are_written_whole_by_one_module(file):
    place = file.relative_to(ROOT.parent).as_posix()
    if place != "kerasnets/files.py":
        assert set(writes(file)) == set(WRITERS.get(place, ())), (
            "kerasnets.files writes files whole or not at all"
        )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("os.replace(a, b)", ["replace"]),
        ("path.rename(b)", ["rename"]),
        ("path.write_text('x')", ["write_text"]),
        ("open(path, 'w', encoding='utf-8')", ["open"]),
        ("open(path, mode='ab')", ["open"]),
        ("h5py.File(path, 'a')", ["File"]),
        ("model.save(path)", ["save"]),
        ("np.save(path, x)", ["save"]),
        ("open(path), open(path, 'rb'), h5py.File(path), checkpoint.save(), text.replace(a, b)", []),
        ("files.write_text(path, 'x')", []),
        ("with files.replacing(path) as part: model.save(part), np.save(part, x), open(part, 'w')", []),
    ],
)
def test_what_writes_is_found(line, found, tmp_path):
    (tmp_path / "file.py").write_text(line)
    assert list(writes(tmp_path / "file.py")) == found


@each_source
def test_text_is_utf_8_on_every_platform(file):
    for call, of, name in calls(file):
        if name == "read_text" or (of, name) == ("", "open"):
            binary = any("b" in ast.unparse(argument) for argument in call.args[1:])
            assert binary or "encoding" in {k.arg for k in call.keywords}, ast.unparse(call)


def import_all(names):
    """Imports modules anew, where there is none of those that only POSIX has."""
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(dict.fromkeys(POSIX_ONLY))
    sys.path.insert(0, str(RECIPES))
    for name in names:
        importlib.import_module(name)


def test_import_without_modules_that_only_posix_has(apart):
    places = [p.relative_to(RECIPES if RECIPES in p.parents else ROOT.parent) for p in SOURCES]
    names = [
        ".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in places if p.stem != "__main__"
    ]
    apart((import_all, names))


def test_what_is_not_code_is_in_the_wheel():
    setup = configparser.ConfigParser()
    setup.read(ROOT.parent / "setup.cfg", encoding="utf-8")
    patterns = [f"kerasnets/{p}" for p in setup["options.package_data"]["*"].split()]
    for path in (p for p in ROOT.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc", ".md")):
        name = path.relative_to(ROOT.parent).as_posix()
        assert any(fnmatch.fnmatch(name, pattern.replace("**/", "*")) for pattern in patterns), name
    for file in FILES:
        assert (ROOT / file).with_name("__init__.py").exists(), f"{file} is in no package"


def test_type_checkers_find_an_editable_install():
    """Setuptools then writes a path file. Otherwise it writes an import hook, which they do not run."""
    setup = configparser.ConfigParser()
    setup.read(ROOT.parent / "setup.cfg", encoding="utf-8")
    assert setup["options"]["package_dir"].split() == ["=", "."]


def test_every_package_has_a_height():
    packages = {f.parts[0].removesuffix(".py") for f in FILES} - {"__init__"}
    assert packages <= set(HEIGHT)


def test_import_is_free():
    program = "import sys; before = set(sys.modules); import kerasnets; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.split(".")[0] not in sys.stdlib_module_names}
    assert loaded == {"kerasnets", "kerasnets.registration"}


def test_public_names_exist():
    assert {"list_models", "build", "save", "load_model", "__version__"} <= set(dir(kerasnets))
    for name in kerasnets.__all__:
        assert getattr(kerasnets, name) is not None
    with pytest.raises(AttributeError, match="'kerasnets' has no attribute 'aplications'"):
        kerasnets.aplications  # noqa: B018
