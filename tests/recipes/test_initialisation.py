import argparse
import json

import initialisation
from kerasnets import runs

ACCURACIES = {"Gaussian-0.0125": 0.5, "copied": 0.6}


def test_nets_are_trained_alike_from_each_start(recipe, tmp_path, monkeypatch, capsys):
    seen = {}

    def stands_in(recipe, out, options):
        """Leaves the history that a run would."""
        seen[out.name] = recipe
        out.mkdir(parents=True)
        best = ACCURACIES[out.name.partition("-")[2]]
        (out / "history.csv").write_text(f"crossentropy,val_accuracy\n2.3,0.1\n1.5,{best}\n")
        return {"top1": best - 0.1}

    monkeypatch.setattr(runs, "train", stands_in)
    monkeypatch.setattr(initialisation, "first_sizes", lambda recipe, given: (10, [1.0, 0.1]))
    folder = tmp_path / "all"
    recipe("--smoke", "--runs", 1, "--out", folder)
    assert list(seen) == ["VGG11-Gaussian-0.0125", "VGG13-Gaussian-0.0125", "VGG13-copied"]
    own = {"model": "", "weights": "", "surgery": ""}
    rows = [{**run.as_json(), **own} for run in seen.values()]
    assert rows == [rows[0]] * 3
    assert seen["VGG13-copied"].weights == str(folder / "seed0" / "VGG11-Gaussian-0.0125" / "best.keras")

    found = json.loads((folder / "results.json").read_text())
    values = {name: row["values"] for name, row in found["measures"].items()}
    assert values["VGG13, copied: test accuracy"] == [0.5]
    assert values["VGG13, Gaussian 0.0125: learned"] == [0]  # not above one half
    assert values["VGG13, copied: learned"] == [1]
    assert values["VGG13, copied: last size"] == [0.1]
    assert (folder / "initialisation.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "Gaussian 0.0125: VGG11, VGG13 did not learn" in said
    assert "copied: VGG13 learned" in said
    assert "50.0 (1 of 1)" in said

    seen.clear()
    recipe("--smoke", "--runs", 1, "--out", folder)  # the run is done
    assert not seen


def test_sizes_shrink_from_layer_to_layer_unless_the_scheme_keeps_them(tmp_path):
    """A unit that reads n values of mean square m gives n s^2 m / 2; He's s^2 is 2 / n."""
    words = dict(out=tmp_path, data="digits", alpha=1 / 16, batch_size=64, epochs=1, smoke=False, unit=True)
    args = argparse.Namespace(**words, precision=None, replicas=None)
    ends = {}
    for name in ("Gaussian 0.01", "He"):
        net = initialisation.recipe_of("VGG19", name, args)
        classes, sizes = initialisation.first_sizes(net, runs.Options(seed=4))
        assert (classes, len(sizes)) == (10, 19)
        ends[name] = sizes[-1] / sizes[0]
    assert 0.01 < ends["He"] < 100
    assert ends["Gaussian 0.01"] < 1e-6


def test_images_of_other_datasets(tmp_path):
    """Color images too are pixel values whose mean is subtracted, or with --unit of unit scale."""
    scales = {("fashion_mnist", False): "none", ("cifar10", False): "caffe", ("cifar10", True): "torch"}
    for (data, unit), scaling in scales.items():
        words = dict(out=tmp_path, data=data, alpha=1.0, batch_size=64, epochs=1, smoke=False, unit=unit)
        args = argparse.Namespace(**words, precision=None, replicas=None)
        net = initialisation.recipe_of("VGG16", "Gaussian 0.01", args)
        assert (net.scaling, net.shape[-1]) == (scaling, 3 if data == "cifar10" else 1)
        assert net.init == ("gaussian", {"std": 0.01})  # the paper's, at the paper's width
        assert net.options["filters"] == net.spec.options["filters"]
