"""What type checkers and editors know: the arguments of every builder, and what the functions give."""

import re

import mypy.api
import pytest

# The comments are the errors that mypy must find, and no others.
PROGRAM = """\
import pathlib
import kerasnets
from kerasnets import applications, distillation, list_models, surgery
from kerasnets.analysis import profile
from kerasnets.applications import DenseNet, DenseNet121, googlenet
from kerasnets.applications.densenet import DenseNet169
from kerasnets.applications.mobilenet import MobileNet, preprocess_input
from kerasnets.training import Recipe, evaluate

DenseNet121(growth=12)
DenseNet121(grwth=12)  # Unexpected keyword argument "grwth" for "DenseNet121"; did you mean "growth"?
DenseNet121(weights="imagenet", input_shape=(None, None, 3), pooling="avg", classifier_activation=None)
DenseNet121(weights=3)  # Argument "weights" to "DenseNet121" has incompatible type "int"
DenseNet121(weights=pathlib.Path("net.weights.h5"))
DenseNet121(pooling="mean")  # Argument "pooling" to "DenseNet121" has incompatible type
DenseNet169(depths=[1, 2], memory_efficient=True)
DenseNet169(depths=3)  # Argument "depths" to "DenseNet169" has incompatible type "int"
DenseNet((6, 12), growth=12, classes=10)
DenseNet()  # Missing positional argument "depths" in call to "DenseNet"
DenseNet((6, 12), 12, 0.5, True, False)  # Too many positional arguments for "DenseNet"
MobileNet(alpha=1, separable=False, squeeze_excite=16)
MobileNet(alpha="half")  # Argument "alpha" to "MobileNet" has incompatible type "str"
applications.ResNet20(shortcut="project")
applications.ResNet20(shortcut="projection")  # Argument "shortcut" to "ResNet20" has incompatible type
applications.ResNet21()  # Module has no attribute "ResNet21"
googlenet.GoogLeNet(aux_heads=True)
preprocess_input(3)
model = kerasnets.build("DenseNet121", growth=12)
kerasnets.build(121)  # Argument 1 to "build" has incompatible type "int"
names: list[str] = list_models("dense*", family="densenet", trained=True)
list_models(trained="yes")  # Argument "trained" to "list_models" has incompatible type "str"
params: int = profile(model).params
words: str = kerasnets.analysis.profile(model).params  # Incompatible types in assignment
surgery.replace_head(model, 10, hidden=(64,), freez="stem")  # Unexpected keyword argument "freez"
distillation.Distiller(model, hints=[distillation.Hint("high", "low")], temperature=4)
distillation.Distiller(model, temperature="hot")  # Argument "temperature" to "Distiller"
Recipe(model="ResNet20", data="digits", rate=0.1, batch=128, epochs=30, options={"alpha": 0.5})
Recipe(model="ResNet20", data="digits", rate=0.1, batch=128, epochs="30")  # Argument "epochs" to "Recipe"
top1: float = evaluate(model, [], "ten_crop", sizes=(256, 384))["top1"]
evaluate(model, [], crop="all")  # Argument "crop" to "evaluate" has incompatible type "str"
kerasnets.weights.load(model, "net.h5", strict=False, layot="caffe")  # Unexpected keyword argument "layot"
loaded: list = kerasnets.weights.load(model, pathlib.Path("net.pth"))  # Incompatible types in assignment
answer: dict = kerasnets.serving.load("net.onnx", "openvino", threads=2)(["cat.jpg"])
kerasnets.serving.load("net.onnx", precision="bf16")  # Argument "precision" to "load" has incompatible type
shape: str = kerasnets.serving.load("net.onnx").shape  # Incompatible types in assignment
kerasnets.serving.export(model, "models", warmup="8")  # Argument "warmup" to "export" has incompatible type
kerasnets.aplications  # Module has no attribute "aplications"
"""

# Only this package is followed: what other libraries are is not under test, and takes a minute.
CONFIG = """\
[mypy]
follow_imports = skip
ignore_missing_imports = True
[mypy-kerasnets.*]
follow_imports = silent
[mypy-numpy.*]
follow_imports_for_stubs = True
"""


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Messages of mypy for the program above, by line."""
    folder = tmp_path_factory.mktemp("mypy")
    (folder / "program.py").write_text(PROGRAM)
    (folder / "mypy.ini").write_text(CONFIG)
    files = ("--config-file", str(folder / "mypy.ini"), "--cache-dir", str(folder / "cache"))
    out, err, _ = mypy.api.run([*files, str(folder / "program.py")])
    assert not err
    found = re.findall(r"^.*program\.py:(\d+): error: (.*)$", out, re.M)
    return {int(line): message for line, message in found}


@pytest.mark.parametrize(("number", "line"), list(enumerate(PROGRAM.splitlines(), start=1)))
def test_what_mypy_says(errors, number, line):
    _, _, expected = line.partition("  # ")
    assert errors.get(number, "").startswith(expected) if expected else number not in errors
