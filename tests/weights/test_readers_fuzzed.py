"""Files damaged at random are read or refused, whatever they claim; `fuzz.py` tries more of them."""

import fuzz


def test_damaged_files(apart, tmp_path):
    """In processes of their own, since a library that reads files might crash."""
    for name, outcome in zip(
        fuzz.FORMATS,
        apart(*((fuzz.attempt, name, 0, 200, str(tmp_path)) for name in fuzz.FORMATS)),
        strict=True,
    ):
        assert not isinstance(outcome, int), f"{name}: signal {outcome}"
        read, refused, _ = outcome
        assert read + refused == 200
        assert read > 1
        assert refused > 20
