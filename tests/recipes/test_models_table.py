import pathlib

import pytest

import kerasnets
import models
from kerasnets.analysis import profile
from kerasnets.assembly.graph import no_values

ROOT = pathlib.Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
README = models.rows(TEXT)
WRITE = "python recipes/models.py writes README anew"


def test_the_table_of_readme_has_every_model_in_order():
    assert list(README) == models.in_order(kerasnets.list_models()), WRITE
    years = [int(row[2]) for row in README.values()]
    assert years == sorted(years)


@pytest.mark.parametrize("name", kerasnets.list_models())
def test_what_takes_no_building_is_up_to_date(name):
    *first, _, _, last = README[name]
    assert (tuple(first), last) == models.known(name), WRITE


# Most nets are built and compared in applications/test_published.py; these, which are quick, are not there.
QUICK = [
    *("BaseCNNA", "ConvPoolCNNC", "StridedCNNB", "FitNet1", "FitNet2", "FitNet3"),
    *("LeNet1", "LeNet4", "PlainNet20", "ResNet18V2", "SEResNet18", "ZFNet512"),
]


@pytest.mark.parametrize("name", QUICK)
def test_costs_are_up_to_date(name):
    with no_values():
        assert README[name] == models.cells(name, profile(kerasnets.build(name))), WRITE


def test_nothing_else_is_in_the_table():
    assert models.replace(TEXT, README.values()) == TEXT


def test_links_to_files():
    for name, row in README.items():
        assert f"{name} = variant(" in (ROOT / row[0].partition("(")[2].rstrip(")")).read_text()


@pytest.fixture
def written(recipe, monkeypatch, tmp_path):
    """Runs the recipe on a file of this text, with two models; gives the file."""
    monkeypatch.setattr(kerasnets, "list_models", lambda: ["LeNet5", "MLP800"])

    def run(text, *options):
        path = tmp_path / "README.md"
        path.write_text(text)
        recipe("--readme", path, *options)
        return path

    return run


EMPTY = f"before\n{models.BEGIN}{models.END}after\n"
# LeCun 1998 has 60,000 with trained pooling and another output; MLP800: 784 * 800 + 800 * 800 + 800 * 10
LENET = "| [LeNet5](kerasnets/applications/lenet.py) | LeCun et al. | 1998 | 32x32x1 | 60,"
MLP = (
    "| [MLP800](kerasnets/applications/mlp.py) | [Hinton et al.](https://arxiv.org/abs/1503.02531) "
    "| 2015 | 28x28x1 | 1,276,810 | 1,275,200 | no |\n"
)


def test_writes_between_the_marks_alone(written, capsys):
    text = written(EMPTY).read_text()
    assert text.startswith(f"before\n{models.BEGIN}\n| model | paper | year | input | parameters |")
    assert text.endswith(f"{MLP}\n{models.END}after\n")
    assert LENET in text
    assert text.index(LENET) < text.index(MLP)
    assert written(text).read_text() == text
    assert "up to date" in capsys.readouterr().out
    assert [file.name for file in written(text).parent.iterdir()] == ["README.md"]


def test_check_writes_nothing_and_names_what_is_out_of_date(written, capsys, tmp_path):
    text = written(EMPTY).read_text()
    written(text, "--check")
    for stale in (text.replace("1,276,810", "1,276,811"), text.replace(MLP, ""), EMPTY):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            written(stale, "--check")
        assert end.value.code == 1
        assert "MLP800" in capsys.readouterr().out
        assert (tmp_path / "README.md").read_text() == stale


@pytest.mark.parametrize("text", ["", models.BEGIN, models.END, models.END + models.BEGIN])
def test_a_file_without_the_marks_is_refused_before_anything_is_built(text, written, monkeypatch, capsys):
    monkeypatch.setattr(kerasnets, "build", None)
    with pytest.raises(SystemExit) as end:
        written(text)
    assert end.value.code == 2
    assert models.BEGIN.strip() in capsys.readouterr().err
