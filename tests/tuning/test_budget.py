import pytest

import kerasnets
from kerasnets import analysis
from kerasnets.tuning import Budget, OverBudget


@pytest.fixture(scope="module")
def cost():
    return analysis.profile(kerasnets.applications.MLP(hidden=(4,), input_shape=(8, 8, 1), classes=3))


def test_what_is_within_a_budget(cost):
    assert (cost.mult_adds, cost.params) == (64 * 4 + 4 * 3, 64 * 4 + 4 + 4 * 3 + 3)
    for budget in (Budget(), Budget(mult_adds=268), Budget(params=275), Budget(268.0, 1e9)):
        budget.check(cost)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (dict(mult_adds=267), "mult_adds 268 of at most 267"),
        (dict(params=274), "params 275 of at most 274"),
        (dict(mult_adds=1, params=1), "mult_adds 268 of at most 1, params 275 of at most 1"),
    ],
)
def test_what_is_over(cost, limits, words):
    with pytest.raises(OverBudget, match=words):
        Budget(**limits).check(cost)


@pytest.mark.parametrize("limit", [0, -5, "50M", float("nan"), True])
@pytest.mark.parametrize("name", ["mult_adds", "params"])
def test_limits_that_are_refused(name, limit):
    with pytest.raises(ValueError, match=f"`{name}` is None or a number"):
        Budget(**{name: limit})
