import pytest

from kerasnets.runs.search import Search, Settings
from kerasnets.training import Recipe


def test_a_schedule_that_nothing_would_lower_is_refused(tmp_path):
    recipe = Recipe(
        model="MobileNet", data="digits", rate=0.1, schedule=("plateau", dict(patience=2)), batch=64, epochs=5
    )
    settings = Settings(search="alpha", model="MobileNet", values={}, final_epochs=5)
    with pytest.raises(ValueError, match="`recipe` is one whose schedule does not wait for a plateau"):
        Search(settings, recipe, tmp_path / "search")
    assert not list(tmp_path.iterdir())
