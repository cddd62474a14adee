import pytest

from kerasnets import runs
from kerasnets.training import Recipe

# A net with batch normalization and dropout, augmentation, an average of the weights, and a plateau.
TINY = Recipe(
    model="WRN16_8",
    options=dict(depth=10, width=1, dropout=0.3),
    size=8,
    data="generated",
    validation="validation",
    augmentation=(("pad_crop", dict(pixels=1)), ("flip", {})),
    optimizer=("sgd", dict(momentum=0.9, nesterov=True)),
    rate=0.1,
    schedule=("plateau", dict(patience=1, factor=0.5)),
    loss=("crossentropy", dict(label_smoothing=0.1)),
    weight_decay=1e-4,
    ema=0.9,
    batch=32,
    epochs=6,
)


@pytest.fixture(scope="session")
def tiny():
    return TINY


@pytest.fixture(scope="session")
def finished(tiny, tmp_path_factory):
    """The folder of a run of `tiny` that nothing stopped."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    runs.train(tiny, out)
    return out
