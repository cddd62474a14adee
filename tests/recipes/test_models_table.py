import json
import pathlib

import pytest

import kerasnets
import models
from kerasnets.assembly import registry
from kerasnets.assembly.catalogue import FILE, catalogue

ROOT = pathlib.Path(__file__).parents[2]
WRITE = "python recipes/models.py --keep-counts writes it anew"


def test_the_catalogue_has_every_model_in_order():
    assert list(catalogue()) == [builder.__name__ for builder in registry.registered()], WRITE


@pytest.mark.parametrize("name", kerasnets.list_models())
def test_what_takes_no_building_is_up_to_date(name):
    old = catalogue()[name]
    new = models.record(registry.find(name), old["params"], old["mult_adds"])
    assert old == json.loads(json.dumps(new)), WRITE


@pytest.mark.parametrize("name", kerasnets.list_models())
def test_every_model_and_option_is_explained(name):
    record = catalogue()[name]
    assert record["summary"].endswith(".")
    assert [o["name"] for o in record["options"]] == list(registry.find(name).spec.options)
    assert all(o["meaning"] and o["allowed"] for o in record["options"])


@pytest.mark.parametrize("name", models.texts([]))
def test_files_are_those_of_the_catalogue(name):
    assert (ROOT / name).read_text(encoding="utf-8") == models.texts(list(catalogue().values()))[name], WRITE


def test_the_table_is_in_the_order_of_the_papers():
    rows = [line.split(" | ") for line in models.table(list(catalogue().values())).splitlines()[2:]]
    years = [int(row[2]) for row in rows]
    assert years == sorted(years)
    assert len(rows) == len(kerasnets.list_models())


def test_links_to_files():
    for name, record in catalogue().items():
        file = ROOT / "kerasnets/applications" / f"{record['family']}.py"
        assert f"{name} = variant(" in file.read_text()
        assert models.cells(record)[0] == f"[{name}]({file.name})"


@pytest.fixture
def written(recipe, monkeypatch, tmp_path):
    """Runs the recipe on two models, in a checkout without files; gives its folder."""
    monkeypatch.setattr(registry, "registered", lambda: [registry.find("LeNet5"), registry.find("MLP800")])
    for name in models.texts([]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)

    def run(*options):
        recipe("--root", tmp_path, *options)
        return tmp_path

    return run


def test_a_root_that_is_no_checkout_is_refused(recipe, tmp_path, capsys):
    with pytest.raises(SystemExit):
        recipe("--root", tmp_path)
    assert "--root is a checkout" in capsys.readouterr().err


# LeCun 1998 has 60,000 with trained pooling and another output; MLP800: 784 * 800 + 800 * 800 + 800 * 10
LENET = "| [LeNet5](lenet.py) | LeCun et al. | 1998 | 32x32x1 | 60,"
MLP = (
    "| [MLP800](mlp.py) | [Hinton et al.](https://arxiv.org/abs/1503.02531) "
    "| 2015 | 28x28x1 | 1,276,810 | 1,275,200 |  |  |\n"
)


def test_writes_files_that_are_out_of_date(written, capsys):
    root = written()
    text = (root / "kerasnets/applications/README.md").read_text()
    assert text.index(LENET) < text.index(MLP)
    records = json.loads((root / FILE.relative_to(ROOT)).read_text())
    assert [record["name"] for record in records] == ["LeNet5", "MLP800"]
    assert [record for record in records if record == catalogue()[record["name"]]] == records
    (root / "kerasnets/applications/README.md").write_text("")
    capsys.readouterr()
    written()
    assert capsys.readouterr().out.endswith("wrote kerasnets/applications/README.md\n")
    assert (root / "kerasnets/applications/README.md").read_text() == text
    written()
    assert "up to date" in capsys.readouterr().out


def test_check_writes_nothing_and_names_what_is_out_of_date(written, capsys):
    root = written()
    written("--check")
    path = root / FILE.relative_to(ROOT)
    stale = path.read_text().replace("1276810", "1276811")
    path.write_text(stale)
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        written("--check")
    assert end.value.code == 1
    assert f"out of date: {FILE.relative_to(ROOT)}\n" in capsys.readouterr().out
    assert path.read_text() == stale


def test_counts_that_are_kept_are_not_counted(written, monkeypatch):
    counted = []
    monkeypatch.setattr(models, "counts", lambda builder: counted.append(builder) or (1, 2))
    written("--keep-counts")
    assert counted == []
    written()
    assert [builder.__name__ for builder in counted] == ["LeNet5", "MLP800"]
