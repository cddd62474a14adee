import json

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions")


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory, eagerly):
    out = tmp_path_factory.mktemp("runs") / "smoke"
    recipe("--smoke", "--out", out)
    return out


def test_results(finished):
    results = json.loads((finished / "results.json").read_text())
    ((net, row),) = results["nets"].items()
    assert (net, results["test_size"]) == ("NIN", 100)
    assert {"accuracy", "neighbors of the class, features"} < set(row)
    assert all(0 <= value <= 100 for value in row.values())
    pictures = {*("look", "kernels", "maps", "classes", "pca", "tsne")}
    assert {path.stem for path in finished.glob("*.png")} == pictures
    page = (finished / "index.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "NINN"), "Did you mean 'NIN'"),
        (("--weights", "none.keras"), "none.keras"),
        (("--data", "flowers"), "flowers"),
        (("--examples", "3"), "at least 10"),
    ],
)
def test_wrong_input_ends_with_one_line_and_status_2(options, message, check_refused):
    check_refused(options, message)
