import pytest

import kerasnets
from kerasnets.assembly import registry, results

ROWS = [(name, *row) for row, errors in results.TABLES.items() for name in errors]
CLASSES = {results.IMAGENET: 1000, results.CIFAR10: 10, results.MNIST: 10}
PIXELS = {results.CIFAR10: (32, 32), results.MNIST: (28, 28)}


@pytest.mark.parametrize(("name", "dataset", "protocol", "source"), ROWS)
def test_rows_are_of_models_for_their_dataset(name, dataset, protocol, source):
    spec = registry.find(name).spec
    assert spec.classes == CLASSES[dataset]
    assert min(spec.grid(spec.options)) > 200 or spec.grid(spec.options) == PIXELS[dataset]
    assert protocol
    assert source
    top1, top5 = results.TABLES[dataset, protocol, source][name]
    assert 0 < top1 < 50
    assert top5 is None or (dataset == results.IMAGENET and 0.15 * top1 < top5 < 0.5 * top1)


def test_the_table_of_keras_applications_has_every_net_with_its_weights():
    (table,) = (errors for (*_, source), errors in results.TABLES.items() if source.startswith("keras.io"))
    trained = {c.net for c in kerasnets.weights.checkpoints() if c.id == f"keras/{c.net}"}
    assert set(table) == trained


def test_the_weights_that_can_be_fetched_stand_for_a_model():
    first, *others = results.results("ResNet50")
    assert (first.top1, first.top5, first.protocol) == (25.1, 7.9, results.ONE_CROP)
    assert "keras.io" in first.source
    # He et al. 2016, table 3: 22.85 and 6.71.
    assert [(r.top1, r.top5) for r in others if r.protocol == results.TEN_CROPS] == [(22.9, 6.7)]


def test_depth_lowers_the_errors_that_one_source_prints():
    (table,) = (errors for (*_, source), errors in results.TABLES.items() if source.endswith("table 6"))
    errors = [table[f"ResNet{depth}"][0] for depth in (20, 32, 44, 56, 110)]
    assert errors == sorted(errors, reverse=True)


def test_a_model_without_a_printed_error():
    assert results.results("C3D") == ()


def test_an_unknown_model():
    with pytest.raises(ValueError, match="Did you mean 'ResNet50'.*Received: name='resnet50'"):
        results.results("resnet50")
