"""Keras loads our classes after an import of the package, in any order."""

import ast
import os
import pathlib
import subprocess
import sys

import keras

import kerasnets
from kerasnets import distillation, registration, surgery
from nets import tiny

ROOT = pathlib.Path(kerasnets.__file__).parent


def registered():
    """The classes that are registered with Keras in the source code, by module."""
    found = {}
    for file in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            decorators = map(ast.unparse, getattr(node, "decorator_list", ()))
            if isinstance(node, ast.ClassDef) and "register_keras" in "".join(decorators):
                module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
                found.setdefault(module, set()).add(node.name)
    return found


def test_the_table_is_complete():
    assert {module: set(names) for module, names in registration.CLASSES.items()} == registered()


def test_models_load_in_a_fresh_process(tmp_path):
    net = tiny("ResNet20")
    surgery.replace_head(net, 3).save(tmp_path / "copy.keras")
    distillation.Distiller(distillation.as_logits(net)).save(tmp_path / "distiller.keras")
    # On the backend that is imported at once.
    program = """
import sys, importlib.util
sys.modules["tensorflow"] = None
importlib.util.find_spec("keras")  # others may look for it first
import kerasnets, keras
assert not any(name.startswith("kerasnets.") for name in sys.modules if name != "kerasnets.registration")
for file in sys.argv[1:]:
    print(type(keras.models.load_model(file)).__name__)
"""
    command = [sys.executable, "-c", program, tmp_path / "copy.keras", tmp_path / "distiller.keras"]
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.split() == ["Functional", "Distiller"], done.stderr[-2000:]


def test_classes_that_are_registered_already_stay():
    registration.register()
    known = keras.saving.get_custom_objects()
    assert known["kerasnets>Distiller"] is distillation.Distiller
