import pytest

import kerasnets
from kerasnets.assembly import registry


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
