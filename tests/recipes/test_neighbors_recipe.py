import json
import re

import keras
import pytest


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "smoke"
    recipe("--smoke", "--count", 3, "--out", out)
    return out


def test_results(finished):
    results = json.loads((finished / "results.json").read_text())
    assert (results["model"], results["dataset"], results["count"], results["seed"]) == (
        "LeNet5",
        "digits",
        3,
        0,
    )
    assert results["train_size"] == results["test_size"] == 200
    for kind in ("nearest_of_the_class", "neighbors_of_the_class"):
        assert set(results[kind]) == {"pixels", "features before training", "features", "codes"}
    # 200 digits of ten classes: chance is 0.1.
    assert 0.5 < results["neighbors_of_the_class"]["pixels"] <= 1
    assert results["bits_of_an_image"]["features"] == 84 * 32
    assert results["bits_of_an_image"]["codes"] == results["bits"] == 32
    assert results["neighbors_of_the_class"]["codes"] > 0.2
    assert keras.saving.load_model(finished / "net.keras").output_shape == (None, 10)


def test_the_page_needs_nothing_else(finished):
    page = (finished / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) >= 1
    assert all(s.startswith("data:image/png;base64,") for s in sources)
    assert (finished / "neighbors.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_is_resumed_gives_the_same(recipe, finished):
    before = json.loads((finished / "results.json").read_text())
    net = (finished / "net.keras").stat().st_mtime_ns
    recipe("--smoke", "--count", 3, "--out", finished, "--resume")
    after = json.loads((finished / "results.json").read_text())
    assert (finished / "net.keras").stat().st_mtime_ns == net  # not trained again
    assert {**before, "seconds": 0} == {**after, "seconds": 0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "LeNet55"), "Did you mean 'LeNet5'"),
        (("--model", "AlexNet"), "at least (67, 67, 1)"),
        (("--count", "0"), "at least 1"),
        (("--smoke", "--count", "201"), "at most 200"),
        (("--bits", "0"), "at least 1"),
        (("--dataset", "cifar"), "digits"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)


def test_a_run_that_is_done_is_kept(finished, check_kept):
    results = json.loads((finished / "results.json").read_text())
    found = results["neighbors_of_the_class"]
    measures = {f"of the class, by {name}": share for name, share in found.items()}
    check_kept(finished, ("--smoke", "--count", 3), {"accuracy": results["accuracy"], **measures})
