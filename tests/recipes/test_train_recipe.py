import dataclasses
import json
import pathlib
import re
import runpy

import pytest

import shared
import train
from kerasnets import runs
from kerasnets.assembly import results
from kerasnets.training import Recipe

pytestmark = pytest.mark.usefixtures("eagerly")
RECIPES = pathlib.Path(train.__file__).parent
CONFIGS = sorted((RECIPES / "configs").glob("*.py"))
TINY = """
from kerasnets.training import Recipe

RECIPE = Recipe(
    model="WRN16_8", options=dict(depth=10, width=1), size=8, data="generated", rate=0.1, batch=32, epochs=6
)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("configs") / "tiny.py"
    path.write_text(TINY)
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_a_config_tells_its_command_source_and_result(path):
    module = runpy.run_path(str(path))
    assert isinstance(module["RECIPE"], Recipe)
    text = module["__doc__"]
    assert f"python recipes/train.py {path.stem}" in text
    assert "Published" in text
    assert "arXiv" in text or "Proc. IEEE" in text or "NIPS" in text
    recipe = module["RECIPE"]
    assert len(recipe.image_size) == len(recipe.spec.min_grid)
    known = {e for r in results.every(recipe.model) for e in (r.top1, r.top5) if e is not None}
    known |= {round(100 - error, 2) for error in known}  # of accuracies in print
    published, *_ = text.partition("Published")[2].partition("Here:")
    printed = re.findall(r"(?<!\+- )\b(\d+\.\d+)%", published)
    assert {float(figure) for figure in printed} <= known, printed
    assert printed or "nothing" in published


def test_the_configs_are_all_there():
    assert len(CONFIGS) >= 19


def test_smoke(recipe, tmp_path):
    """Other nets are built, compiled and trained in tests/runs and tests/training."""
    recipe("lenet5_mnist", "--smoke", "--out", tmp_path / "run")
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    assert 0 <= found["top1"] <= found["top5"] <= 1
    assert found["epochs"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("resnet20_cifar",), "'resnet20_cifar10'"),
        (("no/such/file.py",), "`config`"),
        (("resnet20_cifar10", "--data", "digit"), "'digits'"),
        (("resnet20_cifar10", "--precision", "half"), "`precision`"),
        (("resnet20_cifar10", "--replicas", "0"), "at least 1"),
        (("resnet20_cifar10", "--epochs", "0"), "at least 1"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)


def test_a_recipe_must_be_one(recipe, tmp_path, capsys):
    (tmp_path / "empty.py").write_text("RECIPE = None\n")
    with pytest.raises(SystemExit):
        recipe(tmp_path / "empty.py")
    assert "RECIPE" in capsys.readouterr().err


@pytest.fixture
def runs_seen(monkeypatch):
    """The arguments of each run, which is not made."""
    seen = []
    monkeypatch.setattr(runs, "train", lambda *args: seen.append(args))
    return seen


def test_what_the_command_line_says_reaches_the_run(recipe, tiny, runs_seen, tmp_path):
    words = (
        "--epochs 3 --batch-size 16 --seed 5 --data digits --precision mixed_bfloat16 --replicas 2 --resume"
    )
    more = f"--data-dir {tmp_path} --strict --save-every 0 --hosts 3 --host-index 1 --coordinator a:1"
    recipe(tiny, *words.split(), *more.split())
    ((made, out, options),) = runs_seen
    before = shared.read(tiny)
    assert made == dataclasses.replace(
        before.for_epochs(3), batch=16, data="digits", precision="mixed_bfloat16", replicas=2
    )
    assert out == pathlib.Path("runs/train/tiny-seed5")
    assert options == runs.Options(
        seed=5,
        data_dir=str(tmp_path),
        strict=True,
        resume=True,
        save_every=0.0,
        hosts=3,
        host_index=1,
        coordinator="a:1",
    )


def test_a_run_without_options_is_the_papers(recipe, runs_seen):
    recipe("resnet20_cifar10")
    ((made, out, options),) = runs_seen
    assert made == shared.read(train.find("resnet20_cifar10"))
    assert (out, options) == (pathlib.Path("runs/train/resnet20_cifar10-seed0"), runs.Options())


def test_smoke_is_tiny(recipe, runs_seen, tmp_path):
    recipe("resnet20_cifar10", "--smoke", "--replicas", 2, "--out", tmp_path / "run")
    ((made, out, options),) = runs_seen
    assert (made.data, made.size, made.batch, made.epochs) == ("generated", (16, 16), 4, 2)
    assert (out, options) == (tmp_path / "run", runs.Options(steps=2))


def test_smoke_takes_the_data_of_a_given_folder(recipe, runs_seen, tmp_path):
    recipe("resnet50_imagenet", "--smoke", "--data-dir", tmp_path)
    made, paper = runs_seen[0][0], shared.read(train.find("resnet50_imagenet"))
    assert (made.data, made.splits, made.batch, made.epochs) == (paper.data, paper.splits, 2, 2)


@pytest.mark.parametrize("more", [(), ("--smoke",)])
def test_any_config_takes_a_dataset_by_name(recipe, runs_seen, more):
    """The papers test on a split that these do not have, and hold-outs are of the given data."""
    recipe("squeezenet_imagenet", "--data", "digits", "--validation", "0.1", *more)
    made = runs_seen[0][0]
    assert (made.data, made.splits, made.validation) == ("digits", ("train", "test"), 0.1)


@pytest.mark.parametrize(
    ("word", "value"), [("0.1", 0.1), ("5000", 5000), ("dev", "dev"), ("1.5", None), ("test", None)]
)
def test_the_data_to_choose_by(recipe, runs_seen, capsys, word, value):
    if value is None:
        with pytest.raises(SystemExit):
            recipe("resnet20_cifar10", "--validation", word)
        assert "`validation` is" in capsys.readouterr().err
        return
    recipe("resnet20_cifar10", "--validation", word)
    recipe("resnet20_cifar10", "--validation", word, "--smoke")
    assert [made.validation for made, _, _ in runs_seen] == [value, "validation"]


def test_the_papers_choose_nothing():
    """They keep all training data, and no learning rate waits for a value of other data."""
    for path in CONFIGS:
        recipe = shared.read(path)
        assert recipe.validation is None
        assert recipe.monitor == "accuracy"


def test_without_a_config_they_are_listed(recipe, capsys):
    recipe()
    assert capsys.readouterr().out.split() == [p.stem for p in CONFIGS]


def test_epochs_stretch_the_schedule(recipe, runs_seen):
    recipe("resnet20_cifar10", "--epochs", 82)
    short = runs_seen[0][0]
    assert short.epochs == 82
    assert short.schedule[1]["at"] == (41, 61.5)
    assert short.rate == 0.1
