"""The recipe of design choices: its nets differ in what is compared, and its words follow from figures."""

import argparse
import json

import keras
import numpy as np
import pytest
from keras import layers

import experiments
import principles
from kerasnets.analysis import profile
from kerasnets.graph import no_values
from kerasnets.layers import StochasticDepth
from kerasnets.tuning import Budget, OverBudget
from principles import EXPERIMENTS, Net, Principle, conclusion, made, simpnet, verdict, widened
from printed import PRINTED, Printed


def net_of(experiment, name):
    return next(net for net in EXPERIMENTS[experiment].nets if net.name == name)


@pytest.mark.parametrize(
    ("experiment", "name", "limit"),
    [("shallow", "6 layers", 66_000), ("squeezenet", "SqueezeNet, default", 120_000)],
)
def test_the_width_is_the_largest_within_the_budget(experiment, name, limit):
    net, size = net_of(experiment, name), EXPERIMENTS[experiment].size
    shape = (size, size, 1)
    assert principles.budget(experiment, net, shape) == limit
    found = principles.width(experiment, name, shape, 10, limit)
    with no_values():
        costs = [profile(made(net, widened(net.options, k), shape, 10)) for k in (found, found + 1)]
    Budget(params=limit).check(costs[0])
    with pytest.raises(OverBudget):
        Budget(params=limit).check(costs[1])
    assert costs[0].params > 0.75 * limit


def test_what_is_widened():
    modules = (("conv1", 64, 3), ("pool1",), ("fire2", 16, 64, 1))
    options = dict(filters=(40, 3), alpha=0.5, kernels=((3,),), modules=modules)
    narrow = (("conv1", 16, 3), ("pool1",), ("fire2", 4, 16, 1))
    assert widened(options, 25) == dict(filters=(10, 1), alpha=0.125, kernels=((3,),), modules=narrow)


def test_no_budget_is_met_by_a_net_that_is_too_large():
    with pytest.raises(ValueError, match="depth: 8 layers has more than 30 parameters"):
        principles.width("depth", "8 layers", (14, 14, 1), 10, 30)


def parts(experiment, name):
    """What a net of an experiment consists of, each kind in the order of its layers."""
    net, size = net_of(experiment, name), EXPERIMENTS[experiment].size
    model = made(net, net.options, (size, size, 1), 10)
    convs = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    pools = [
        layer for layer in model.layers if isinstance(layer, layers.MaxPooling2D) and layer.pool_size[0] > 1
    ]
    order = [layer for layer in model.layers if layer in (*convs, *pools)]
    kinds = [type(layer) for layer in model.layers]
    acts = [layer.activation.__name__ for layer in model.layers if isinstance(layer, layers.Activation)]
    return {
        "layers": len(convs),
        "kernels": [layer.kernel_size[0] * layer.kernel_size[1] for layer in convs],
        "pools": [sum(layer in convs for layer in order[: order.index(pool)]) for pool in pools],
        "windows": [pool.pool_size[0] for pool in pools],
        "dropouts": kinds.count(layers.Dropout),
        "sums": kinds.count(layers.Add),
        "dropped": kinds.count(StochasticDepth),
        "linear": acts.count("linear"),
        "tanh": acts.count("tanh"),
        "norms": kinds.count(layers.BatchNormalization),
        "params": model.count_params(),
    }


# For each experiment two nets, and the parts in which alone they differ.
DIFFERENCES = [
    ("kernels", "3x3", "5x5", {"kernels", "params"}),
    ("places", "early 1x1", "early 2x2", {"kernels", "params"}),
    ("pooling", "after layer 5", "after layer 7", {"pools"}),
    ("width", "13 layers, balanced", "13 layers, wide end", {"params"}),
    ("strides", "SimpNet, max pooling", "SimpNet, strides", {"pools", "windows"}),
    ("strides", "ResNet, max pooling", "ResNet, strides", {"pools", "windows"}),
    ("saf", "SqueezeNet, SAF-pooling", "SqueezeNet, max pooling", {"dropouts"}),
    ("relu", "ReLU", "tanh", {"tanh"}),
    ("removed", "whole", "without conv3", {"layers", "kernels", "pools", "params"}),
    ("overlap", "overlapping", "2x2", {"windows"}),
    ("dropout", "everywhere", "at the end", {"dropouts"}),
    ("factorized", "two 3x3, ReLU", "two 3x3, linear", {"linear"}),
    ("batch_norm", "none", "normalized", {"norms", "params"}),
    ("shortcuts", "none", "A", {"sums"}),
    ("stochastic", "all units", "dropped units", {"dropped"}),
]


@pytest.mark.parametrize(("experiment", "name", "other", "differ"), DIFFERENCES)
@no_values()
def test_nets_differ_only_in_what_is_compared(experiment, name, other, differ):
    first, second = parts(experiment, name), parts(experiment, other)
    assert {part for part in first if first[part] != second[part]} == differ
    if experiment == "pooling":
        assert (first["pools"], second["pools"]) == ([5, 10], [7, 10])
    if experiment == "dropout":
        assert (first["dropouts"], second["dropouts"]) == (13, 1)
    keras.backend.clear_session()


def test_color_images_are_larger_and_so_are_the_budgets():
    rng = np.random.default_rng(0)
    some = rng.random((60, 32, 32, 3)).astype("float32"), np.arange(60)
    args = argparse.Namespace(seed=0, images=80)
    nets = argparse.Namespace(shape=(32, 32, 3), train=some, test=some, args=args)
    train, watched, test = principles.pictures(nets, 14, 0.25)
    assert [len(part[1]) for part in (train, watched, test)] == [20, 40, 60]  # a quarter of 80
    assert not set(train[1]) & set(watched[1])
    assert train[0].shape[1:] == (32, 32, 3)
    nets.shape, nets.test = (32, 32, 1), (some[0][..., :1], some[1])
    small = principles.pictures(nets, 16, 0.25)[2][0]
    np.testing.assert_allclose(small.mean(), some[0][..., 0].mean(), atol=0.01)
    assert small.shape == (60, 16, 16, 1)
    net = net_of("shallow", "6 layers")
    assert principles.budget("shallow", net, (32, 32, 3)) == 660_000


def test_every_printed_figure_belongs_to_a_net():
    for name in EXPERIMENTS:
        nets = {net.name for net in EXPERIMENTS[name].nets}
        assert len(nets) == len(EXPERIMENTS[name].nets)
        for key in principles.keys(name):
            assert key not in PRINTED or PRINTED[key].rows.keys() <= nets
        assert (set(EXPERIMENTS[name].measures) - {"test"}) <= principles.MEASURES.keys()


def planted(**values):
    return {name: {"mean": mean, "deviation": deviation} for name, (mean, deviation) in values.items()}


NONE, SURE = "no difference beyond the deviations of the seeds", "by more than the deviations of the seeds"
AHEAD = f'the best is "a", ahead of "b" by 5.00, {SURE}'
THREE = dict(a=(90, 0.5), b=(85, 1), c=(89.5, 0.6))


@pytest.mark.parametrize(
    ("values", "higher", "rows", "text"),
    [
        (dict(a=(90, 0.5), b=(85, 1)), True, dict(a=2, b=1), f"{AHEAD}; as printed"),
        (dict(a=(90, 0.5), b=(85, 1)), False, {}, f'the best is "b", ahead of "a" by 5.00, {SURE}'),
        (
            THREE,
            True,
            dict(b=2, c=1),
            f'{AHEAD}; no such difference from "c"; unlike in print, where the best is "b"',
        ),
        (
            THREE,
            True,
            dict(a=0, c=1),
            f'{AHEAD}; no such difference from "c"; but in print the best is "c"',
        ),
        (dict(a=(90, 2), b=(87.5, 1)), True, dict(a=1, b=2), f'{NONE}; but in print the best is "b"'),
        (
            dict(a=(90, None), b=(85, None)),
            True,
            dict(a=1, b=2),
            'the best is "a", ahead of "b" by 5.00, in a single run; the deviation of seeds is not known; '
            'unlike in print, where the best is "b"',
        ),
    ],
)
def test_what_figures_say(values, higher, rows, text):
    assert verdict(planted(**values), higher, Printed("", "", rows)) == text
    assert principles.differs_from_print(text) == ("in print" in text)


def test_a_conclusion_has_a_line_for_each_group_and_measure():
    nets = [net.name for net in EXPERIMENTS["strides"].nets]
    found = {f"{net}: test": {"mean": 90.0 - i, "deviation": 0.1} for i, net in enumerate(nets)}
    lines = conclusion("strides", found).splitlines()
    titles = [f"test accuracy, % ({family})" for family in ("SimpNet", "ResNet")]
    assert [line.split(": ")[0] for line in lines] == titles
    assert all(line.endswith("as printed") for line in lines)


def test_epochs_and_steps_to_a_level():
    rows = {"ReLU": {}, "tanh": {}}
    principles.epochs_to_error(rows, {"ReLU": [50, 100], "tanh": [25, 50, 75]}, 10)
    assert rows["ReLU"] == {"epochs": 1.5, "reached": 1.0, "times": 1.0}
    assert rows["tanh"] == {"epochs": 3.0, "reached": 1.0, "times": 2.0}
    rows = {"none": {}, "fast": {}, "never": {}}
    principles.steps_to_accuracy(rows, {"none": [50, 90, 80], "fast": [91, 92, 93], "never": [1, 2, 3]}, 10)
    assert [row["steps"] for row in rows.values()] == [20, 10, 30]
    assert [row["reached"] for row in rows.values()] == [1, 1, 0]


def test_a_whole_run(recipe, tmp_path, monkeypatch, capsys, eagerly):
    tiny = dict(depths=(1, 1), kernels=(3, 3), filters=(4, 6))
    nets = (
        Net("everywhere", "SimpNet", simpnet(**tiny, dropout=0.2)),
        Net("nowhere", "SimpNet", simpnet(**tiny, dropout=0.0)),
    )
    this = Principle("tiny nets", nets, ("test", "gap"), params=500, size=8, after=principles.gap)
    monkeypatch.setitem(principles.EXPERIMENTS, "dropout", this)
    monkeypatch.setattr(experiments, "FEW", 100)
    seen, train = {}, experiments.Nets.trained

    def trained(self, name, build, examples, *rest, **more):
        images = {"test": self.test[0], "train": examples[0], "watched": more["validation"][0]}
        seen[name] = {kind: {image.tobytes() for image in some} for kind, some in images.items()}
        return train(self, name, build, examples, *rest, **more)

    monkeypatch.setattr(experiments.Nets, "trained", trained)
    words = ("dropout", "--smoke", "--images", 40, "--epochs", 1, "--runs", 1, "--out", tmp_path)
    recipe(*words)
    assert not seen["everywhere"]["train"] & seen["everywhere"]["watched"]
    assert seen["everywhere"] == seen["nowhere"]
    found = json.loads((tmp_path / "results.json").read_text())["measures"]
    kinds = ("parameters", "training", "test", "gap")
    assert {f"{net.name}: {kind}" for net in nets for kind in kinds} == found.keys()
    gap, training, test = (found[f"nowhere: {kind}"]["values"][0] for kind in ("gap", "training", "test"))
    assert gap == training - test
    assert found["nowhere: parameters"]["values"][0] <= 500
    assert conclusion("dropout", found) == (tmp_path / "conclusion.txt").read_text().strip()
    assert conclusion("dropout", found) in capsys.readouterr().out
    assert (tmp_path / "dropout.png").read_bytes().startswith(b"\x89PNG")
    # A run that was killed goes on with the nets that it lacks.
    (tmp_path / "seed0" / "results.json").unlink()
    (tmp_path / "seed0" / "nowhere.keras").unlink()
    kept = (tmp_path / "seed0" / "everywhere.keras").stat().st_mtime_ns
    recipe(*words)
    assert (tmp_path / "seed0" / "everywhere.keras").stat().st_mtime_ns == kept
    assert json.loads((tmp_path / "results.json").read_text())["measures"] == found


def test_the_list_of_experiments(recipe, capsys):
    recipe()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(EXPERIMENTS)


@pytest.mark.parametrize(
    ("words", "message"), [(("kernel",), "kernels"), (("depth", "--images", "5"), "at least 20")]
)
def test_wrong_input_ends_with_one_line_and_status_2(words, message, check_refused):
    check_refused(words, message)


def test_a_level_that_was_not_reached_is_marked():
    figures = {"parameters": "1,000", "training": "99", "test": "90", "steps": "320", "reached": "1"}

    def text(net, measure):
        return "0.67 ± 0.58" if (net, measure) == ("rate x30", "reached") else figures[measure]

    header, *rows = principles.table("batch_norm", None, text)
    assert len(header) == len(rows[0])
    assert [row[4] for row in rows] == ["320", "320", "320", "not in 320"]
    assert [row[-2:] for row in rows][0] == ["31", "72.2"]
