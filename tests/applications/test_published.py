"""Every net counts to what its paper, or the count made from it, says."""

import csv
import inspect
import math
import pathlib

import keras
import pytest

import kerasnets
from kerasnets.analysis import profile
from kerasnets.assembly.catalogue import catalogue
from kerasnets.graph import no_values, run
from kerasnets.surgery import drop_aux_heads

ROOT = pathlib.Path(__file__).parents[2]
TABLE = ROOT / "tests/published.csv"
with TABLE.open(newline="") as file:
    ROWS = [row for row in csv.DictReader(file) if row["model"] in kerasnets.list_models()]


def is_default(row):
    """Whether a row is of the model with the options that it has by default."""
    defaults = inspect.signature(getattr(kerasnets.applications, row["model"])).parameters
    options = eval(f"dict({row['options']})", {})
    return all(defaults[option].default == value for option, value in options.items())


# Variants that are deeper or wider than another in the table, and have nothing else. They are not built: the
# catalogue has their counts, and its options are compared with the registry's in test_models_table.py.
LARGE = (
    *("ResNet101", "ResNet152", "ResNet101V2", "ResNet152V2"),
    *("ResNet44", "ResNet56", "ResNet110", "ResNet1202"),
    *("DenseNet161", "DenseNet169", "DenseNet201", "DenseNet264", "DenseNetBC190", "DenseNetBC250"),
    *("ResNeXt101", "ResNeXt101_64x4d", "SEResNet101", "SEResNet152", "SEResNeXt101"),
    *("Attention92", "Attention452C", "HRNetV2W32", "HRNetV2W48"),
)
BUILT = [row for row in ROWS if not (row["model"] in LARGE and is_default(row))]


def check_counts(row, params, mult_adds):
    exact = row["kind"] == "exact"
    assert params == pytest.approx(int(row["params"]), rel=0 if exact else 0.03, abs=0)
    if row["mult_adds"]:
        assert mult_adds == pytest.approx(int(row["mult_adds"]), rel=0.001 if exact else 0.05)


@pytest.mark.parametrize("row", list(filter(is_default, ROWS)), ids=lambda row: row["model"])
def test_the_catalogue_has_the_counts_of_the_papers(row):
    record = catalogue()[row["model"]]
    check_counts(row, record["params"], record["mult_adds"])


@pytest.fixture(scope="module", params=BUILT, ids=lambda row: f"{row['model']}-{row['options']}")
def published(request):
    """A row and its model, built once for all tests."""
    row = request.param
    with no_values():
        yield row, kerasnets.build(row["model"], **eval(f"dict({row['options']})", {}))


@pytest.fixture(scope="module")
def counts(published):
    return profile(published[1])


def test_counts(published, counts):
    row, net = published
    params = sum(math.prod(w.shape) for w in net.trainable_weights)
    check_counts(row, params, counts.mult_adds)
    if is_default(row):
        check_catalogue(row["model"], counts)


def check_catalogue(name, counts):
    record = catalogue()[name]
    assert (record["params"], record["mult_adds"]) == (counts.trainable_params, counts.mult_adds)


# Quick to build, and not among the published rows.
QUICK = [
    *("BaseCNNA", "ConvPoolCNNC", "StridedCNNB", "FitNet1", "FitNet2", "FitNet3"),
    *("LeNet1", "LeNet4", "PlainNet20", "ResNet18V2", "SEResNet18", "ZFNet512"),
    *("CMPESEWRN28_10", "ResNeXt29", "ResNet164V2", "Attention92C"),
]


@pytest.mark.parametrize("name", QUICK)
def test_catalogue_beyond_what_is_published(name):
    with no_values():
        check_catalogue(name, profile(kerasnets.build(name)))


def test_a_model_of_every_body_is_counted():
    """A change of a body changes all counts of it; a change of a row of its table is a change of options."""
    counted = {row["model"] for row in BUILT if is_default(row)} | set(QUICK)
    bodies = {name: getattr(kerasnets.applications, name).spec.body for name in kerasnets.list_models()}
    assert {bodies[name] for name in counted} == set(bodies.values())


def test_input_shape(published):
    row, net = published
    assert net.input_shape == (None, *map(int, row["input"].split("x")))


def test_smallest_grid_passes_through_the_whole_net(published):
    row, net = published
    spec = getattr(kerasnets.applications, row["model"]).spec
    if spec.fixed_size or getattr(spec.head, "fixed_size", False):
        kerasnets.build(row["model"], include_top=False, input_shape=(*spec.min_grid, spec.channels))
        return
    if isinstance(net.output, dict):  # auxiliary heads have dense layers over a grid of their own
        net = drop_aux_heads(net)
    smallest = keras.KerasTensor((1, *spec.min_grid, spec.channels))
    (made,) = keras.tree.flatten(run(net, [smallest], lambda layer: layer.compute_output_spec))
    assert made.shape == (1, *net.output_shape[1:])


# Sides of the maps behind these layers.
GRIDS = {
    # Huang 2017, table 1, column "Output Size"
    "DenseNet121": {
        "stem_act": 112,
        "stem_pool": 56,
        "block1_layer6_join": 56,
        "transition1_conv": 56,
        "transition1_pool": 28,
        "block2_layer12_join": 28,
        "transition2_conv": 28,
        "transition2_pool": 14,
        "block3_layer24_join": 14,
        "transition3_conv": 14,
        "transition3_pool": 7,
        "block4_layer16_join": 7,
    },
    # Howard 2017, table 1: the column "Input Size" of the next row
    "MobileNet": {
        "stem_act": 112,
        "stage1_unit1_pointwise_act": 112,
        "stage2_unit1_depthwise_act": 56,
        "stage2_unit2_pointwise_act": 56,
        "stage3_unit1_depthwise_act": 28,
        "stage3_unit2_pointwise_act": 28,
        "stage4_unit1_depthwise_act": 14,
        "stage4_unit6_pointwise_act": 14,
        "stage5_unit1_depthwise_act": 7,
        "stage5_unit2_pointwise_act": 7,
    },
    # LeCun 1998, figure 2
    "LeNet5": {"c1_conv": 28, "s2_pool": 14, "c3_conv": 10, "s4_pool": 5, "c5_conv": 1},
}


@pytest.mark.parametrize("name", GRIDS)
@no_values()
def test_grids_of_the_paper(name):
    net = kerasnets.build(name)
    for layer, side in GRIDS[name].items():
        assert net.get_layer(layer).output.shape[1:3] == (side, side), layer


# LeCun 1998, section II.B: "trainable parameters" of each layer, 60,000 in all; the output layer has none.
LENET5 = {"c1_conv": 156, "s2_scale": 12, "c3_conv": 1516, "s4_scale": 32, "c5_conv": 48120, "fc1": 10164}


@no_values()
def test_lenet5_layer_by_layer():
    net = kerasnets.build("LeNet5", trainable_pooling=True)
    counts = {layer.name: layer.count_params() for layer in net.layers if layer.weights}
    assert counts.pop("logits") == 84 * 10 + 10
    assert counts == LENET5
    assert sum(counts.values()) == 60_000


@pytest.mark.parametrize(
    ("name", "options", "params"),
    [
        # The same sums with all 6 x 16 kernels in C3: 156 + 2,416 + 48,120 + 10,164 + 850
        ("LeNet5", {"full_connection": True}, 61_706),
        # LeCun 1989 (NIPS), section 4: "2578 independent parameters"
        ("LeNet1", {"trainable_pooling": True}, 2_578),
    ],
)
@no_values()
def test_lenet_parameters(name, options, params):
    assert kerasnets.build(name, **options).count_params() == params
