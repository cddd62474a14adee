import itertools

import keras
import numpy as np
import pytest
from keras import ops

from kerasnets.layers.drop_path import DropPathJoin, DropPathSampler
from kerasnets.weights.state import random_states

RNG = np.random.default_rng(0)


def branches(n, shape=(2, 3, 4, 5)):
    return [RNG.normal(size=shape).astype("float32") for _ in range(n)]


def run(layer, *args, **kwargs):
    return ops.convert_to_numpy(layer(*args, **kwargs))


class Trains(keras.layers.Layer):
    """Calls a layer as training does, so that `predict` can draw many times in a graph."""

    def __init__(self, layer, **arguments):
        super().__init__()
        self.layer, self.arguments = layer, arguments

    def call(self, x):
        x = ops.unstack(x, axis=1) if isinstance(self.layer, DropPathJoin) else x
        made = self.layer(x, **self.arguments, training=True)
        return ops.reshape(made, (1, -1))


def steps_of(layer, x, steps, **arguments):
    """What training steps on `x` give, one row each."""
    inputs = keras.Input(x.shape)
    model = keras.Model(inputs, Trains(layer, **arguments)(inputs))
    return model.predict(np.repeat(x[None], steps, axis=0), batch_size=1, verbose=0)


def kept(join, n, steps, draw=None):
    """Which of n branches each of some training steps keeps, found from their means."""
    sets = [s for k in range(1, n + 1) for s in itertools.combinations(range(n), k)]
    means = np.array([np.mean([2.0**i for i in s]) for s in sets])
    assert len(set(means)) == len(means)
    gaps = np.abs(means - steps_of(join, 2.0 ** np.arange(n), steps, draw=draw))
    assert gaps.min(axis=1).max() < 1e-5, "not the mean of any branches"
    return [sets[i] for i in gaps.argmin(axis=1)]


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("draw", [None, "one column"])
def test_inference_is_the_mean(n, draw):
    ends = branches(n)
    draw = draw and np.eye(n, dtype="float32")[0]
    made = run(DropPathJoin(0.9), ends, draw=draw, training=False)
    np.testing.assert_allclose(made, np.mean(np.float64(ends), axis=0), rtol=1e-5, atol=1e-6)


def test_without_a_rate_training_is_the_mean():
    ends = branches(3)
    made = run(DropPathJoin(0.0), ends, training=True)
    np.testing.assert_allclose(made, np.mean(np.float64(ends), axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("n", "rate"), [(2, 0.99), (2, 0.4), (3, 0.15), (4, 0.7)])
def test_local_drops(n, rate):
    steps = 400
    found = kept(DropPathJoin(rate, seed=1), n, steps)
    counts = np.bincount([i for s in found for i in s], minlength=n)
    # A branch is dropped, but for the n-th part of the cases in which all would be.
    expected = 1 - (rate - rate**n / n)
    deviation = np.sqrt(expected * (1 - expected) / steps)
    np.testing.assert_allclose(counts / steps, expected, atol=4 * deviation)


def test_one_column_is_left():
    draw = np.float32([0, 0, 1, 0])
    join = DropPathJoin(0.5)
    # The branches are those of the last columns.
    assert set(kept(join, 4, 10, draw)) == {(2,)}
    assert set(kept(join, 3, 10, draw)) == {(1,)}
    assert set(kept(join, 2, 10, draw)) == {(0,)}
    # A column that has no branch here leaves the join as it is.
    assert len(set(kept(join, 2, 30, np.float32([1, 0, 0, 0])))) > 1
    assert len(set(kept(join, 2, 30, np.zeros(4, "float32")))) > 1


def test_sampler_singles_out_each_column_as_often():
    steps, columns, rate = 600, 3, 0.5
    sampler, x = DropPathSampler(columns, rate, seed=3), np.zeros((4, 4, 3))
    draws = steps_of(sampler, x, steps)
    assert set(draws.sum(axis=1)) == {0, 1}
    share = rate / columns
    np.testing.assert_allclose(draws.mean(axis=0), share, atol=4 * np.sqrt(share * (1 - share) / steps))
    assert not run(sampler, x[None], training=False).any()


@pytest.mark.parametrize(("rate", "singled"), [(0, 0), (1, 1), (1e-12, 0)])
def test_sampler_at_its_ends(rate, singled):
    assert set(steps_of(DropPathSampler(5, rate), np.zeros(2), 20).sum(axis=1)) == {singled}


def test_same_seed_same_drops():
    def drops(seed):
        return kept(DropPathJoin(0.5, seed=seed), 3, 20)

    assert drops(7) == drops(7)
    assert drops(7) != drops(8)


def net(**options):
    inputs = keras.Input((None, None, 2))
    draw = DropPathSampler(2, 0.5, name="paths", **options)(inputs)
    ends = [keras.layers.Rescaling(s)(inputs) for s in (1.0, 3.0)]
    return keras.Model(inputs, DropPathJoin(0.25, name="join", **options)(ends, draw=draw))


def test_save_and_load(tmp_path):
    model, x = net(seed=5), RNG.normal(size=(2, 3, 3, 2)).astype("float32")
    assert model.output_shape == (None, None, None, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(run(loaded, x), run(model, x))
    # The seed is saved, so that fresh draws are the same.
    for _ in range(10):
        np.testing.assert_array_equal(run(loaded, x, training=True), run(model, x, training=True))


def test_states_of_the_draws_are_the_models():
    model = net()
    states = random_states(model)
    assert len(states) == 2
    before = [ops.convert_to_numpy(s) for s in states]
    model(np.ones((1, 2, 2, 2)), training=True)
    assert all((ops.convert_to_numpy(s) != b).any() for s, b in zip(states, before, strict=True))


def test_inference_leaves_the_states_alone():
    model = net()
    before = [ops.convert_to_numpy(s) for s in random_states(model)]
    model(np.ones((1, 2, 2, 2)), training=False)
    for state, b in zip(random_states(model), before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(state), b)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "mixed_bfloat16", "float64"])
def test_precision(policy):
    ends = branches(3)
    draw = DropPathSampler(3, 1.0, dtype=policy)(ends[0], training=True)
    made = DropPathJoin(0.2, dtype=policy)(ends, draw=draw, training=True)
    assert keras.backend.standardize_dtype(made.dtype) == policy.removeprefix("mixed_")
    made = ops.convert_to_numpy(ops.cast(made, "float32"))
    assert min(np.abs(made - end).max() for end in ends) < 0.02


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, "0.1", None, True, float("nan")])
def test_misuse_of_a_join(rate):
    with pytest.raises(ValueError, match=r"`rate` is .* Received: rate="):
        DropPathJoin(rate)


@pytest.mark.parametrize(
    ("argument", "value"),
    [*(("columns", v) for v in (0, 2.0, None, True)), *(("rate", v) for v in (-0.1, 1.1, None, True))],
)
def test_misuse_of_a_sampler(argument, value):
    with pytest.raises(ValueError, match=rf"`{argument}` is .* Received: {argument}="):
        DropPathSampler(**{"columns": 2, argument: value})
