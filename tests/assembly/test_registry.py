import importlib
import subprocess
import sys

import pytest

import kerasnets
from kerasnets import cli
from kerasnets.assembly import registry
from kerasnets.assembly.family import variant


def test_names_come_in_natural_order():
    names = kerasnets.list_models(family="densenet")
    assert names.index("DenseNet40") < names.index("DenseNet100") < names.index("DenseNet121")
    assert names.index("DenseNet264") < names.index("DenseNetBC100")


def test_patterns_are_those_of_a_shell_in_any_case():
    assert kerasnets.list_models("*MOBILE*") == kerasnets.list_models("*mobile*")
    assert kerasnets.list_models("lenet?") == ["LeNet1", "LeNet4", "LeNet5"]
    assert kerasnets.list_models("DenseNet1[26]1") == ["DenseNet121", "DenseNet161"]
    assert kerasnets.list_models("nothing*") == []


def test_families_split_the_list():
    families = {getattr(kerasnets.applications, name).spec.module for name in kerasnets.list_models()}
    parts = [name for f in families for name in kerasnets.list_models(family=f)]
    assert sorted(parts) == sorted(kerasnets.list_models())
    assert kerasnets.list_models("*1", family="lenet") == ["LeNet1"]


def test_unknown_family_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"Did you mean 'densenet'.*Received: family='densnet'$"):
        kerasnets.list_models(family="densnet")


def test_trained():
    trained = kerasnets.list_models(trained=True)
    assert trained == [name for name in kerasnets.list_models() if kerasnets.weights.checkpoints(name)]
    assert len(trained) >= 76
    assert sorted(trained + kerasnets.list_models(trained=False)) == sorted(kerasnets.list_models())
    assert kerasnets.list_models("vgg*", trained=True) == ["VGG11", "VGG13", "VGG16", "VGG19"]
    with pytest.raises(ValueError, match="`trained` is True, False or None. Received: trained='yes'"):
        kerasnets.list_models(trained="yes")


def test_names_are_listed_without_keras():
    program = (
        "import sys, kerasnets; assert 'DenseNet121' in kerasnets.list_models('dense*', trained=True)\n"
        "assert not {'keras', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_builder_that_is_asked_for_brings_its_family(monkeypatch):
    builder, asked = registry.find("LeNet5"), []
    monkeypatch.setattr(registry, "_MODELS", {})
    monkeypatch.setattr(
        importlib, "import_module", lambda name: asked.append(name) or registry._MODELS.update(LeNet5=builder)
    )
    assert registry.find("LeNet5") is builder is registry.find("LeNet5")
    assert asked == ["kerasnets.applications.lenet"]


def test_models_of_ones_own_are_listed(monkeypatch):
    monkeypatch.setattr(registry, "_MODELS", dict(registry._MODELS))
    table = {"Mine": dict(filters=(4, 8, 16))}
    builder = variant(kerasnets.applications.LeNet, "Mine", table)
    assert kerasnets.list_models("mine", family="lenet", trained=False) == ["Mine"]
    assert registry.find("Mine") is builder


def test_a_variant_that_is_no_row_is_answered_with_the_nearest(monkeypatch):
    models = dict(registry._MODELS)
    monkeypatch.setattr(registry, "_MODELS", models)
    table = {"Mine": dict(filters=(4, 8, 16))}
    with pytest.raises(ValueError, match="`name` is .*Did you mean 'Mine'.*Received: name='Mien'"):
        variant(kerasnets.applications.LeNet, "Mien", table)
    with pytest.raises(ValueError, match="`table` has options of LeNet.*Did you mean 'filters'.*'filtres'"):
        variant(kerasnets.applications.LeNet, "Mine", {"Mine": dict(filtres=(4, 8, 16))})
    with pytest.raises(ValueError, match="`name` is .*Received: name='Mine'"):
        variant(kerasnets.applications.LeNet, "Mine", {})
    assert "Mine" not in models


def test_the_name_of_a_shipped_model_is_taken_before_its_family_is_imported(monkeypatch):
    shipped, models = registry.find("VGG16"), {}
    monkeypatch.setattr(registry, "_MODELS", models)
    families = {"kerasnets.applications.vgg": {"VGG16": shipped}}
    monkeypatch.setattr(importlib, "import_module", lambda name: models.update(families[name]))

    def VGG16():  # noqa: N802
        pass

    with pytest.raises(ValueError, match="A model is already registered as 'VGG16'"):
        registry.register(VGG16)
    assert registry.find("VGG16") is shipped


def test_the_command_tells_of_models_of_ones_own(monkeypatch, capsys):
    monkeypatch.setattr(registry, "_MODELS", dict(registry._MODELS))
    variant(kerasnets.applications.LeNet, "LeNetMine", {"LeNetMine": dict(filters=(4, 8, 16))})
    assert cli.main(["list", "lenet"]) == 0
    assert "LeNetMine" not in capsys.readouterr().out
    assert cli.main(["show", "LeNetMine"]) == 2
    assert capsys.readouterr().err.startswith("kerasnets: LeNetMine is not in the catalogue")
    assert cli.main(["profile", "LeNetMine"]) == 0


def test_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"Did you mean .*'DenseNet121'.*Received: name='densenet12'$"):
        kerasnets.build("densenet12")


def test_every_model_is_public():
    for name in kerasnets.list_models():
        builder = getattr(kerasnets.applications, name)
        assert builder.__name__ == name
        assert registry.find(name) is builder


def test_build_passes_every_option_on():
    net = kerasnets.build("LeNet5", classes=3, name="digits")
    assert net.name == "digits"
    assert net.output_shape == (None, 3)
    assert kerasnets.build("LeNet5").name == "LeNet5"


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="already registered as 'LeNet5'"):
        registry.register(kerasnets.applications.LeNet5)
