import csv

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from kerasnets import data, training

RNG = np.random.default_rng(0)
ARRAYS = (RNG.random((40, 6)).astype("float32"), RNG.integers(0, 3, 40))
STEPS, EPOCHS = 5, 3


class KilledError(Exception):
    """Stands for what ends a run."""


class Kill(keras.callbacks.Callback):
    """Ends a run after some of its steps."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if self.steps == 0:
            raise KilledError
        self.steps -= 1


def net(**options):
    keras.utils.set_random_seed(3)
    dropout = layers.Dropout(0.5)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), dropout, layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(**{"learning_rate": 1e-2, **options})
    # As a graph with the plateau alone: to trace it takes longer than all of the few steps.
    model.compile(optimizer, loss, metrics=["accuracy"], run_eagerly=bool(options))
    return model


def fit(folder, kill=None, **options):
    """A run into a folder, and the model it ends with."""
    model = net(**options)
    plateau = training.schedules.Plateau("loss", patience=1, factor=0.5, min_delta=1.0)
    callbacks = [training.LogRate(), plateau] if not options else [training.LogRate()]
    training.fit(
        model,
        lambda step: data.batches(ARRAYS, 8, seed=1, epochs=EPOCHS, first_step=step),
        STEPS,
        EPOCHS,
        state=folder / "run.weights.h5",
        history=folder / "history.csv",
        validation=data.batches(ARRAYS, 20),
        callbacks=callbacks if kill is None else [*callbacks, Kill(kill)],
        every=0,
    )
    return model


def logs(folder):
    with open(folder / "history.csv", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def cosine():
    return keras.optimizers.schedules.CosineDecay(1e-2, STEPS * EPOCHS)


OPTIONS = {
    "plateau": dict,
    "cosine and ema": lambda: {"learning_rate": cosine(), "use_ema": True},
}


@pytest.fixture(scope="module", params=OPTIONS)
def straight(request, tmp_path_factory):
    """A run that is not killed: its options, its folder and its model."""
    folder = tmp_path_factory.mktemp("straight")
    return request.param, folder, fit(folder, **OPTIONS[request.param]())


def test_a_run_that_is_killed_three_times_ends_with_the_weights_it_would_have_had(straight, tmp_path):
    """Before anything is kept, between two epochs, and within one."""
    options, folder, straight = straight
    for kill, kept in ((0, None), (5, 5), (7, 12)):
        with pytest.raises(KilledError):
            fit(tmp_path, kill=kill, **OPTIONS[options]())
        assert kept_steps(tmp_path / "run.weights.h5") == kept
    resumed = fit(tmp_path, **OPTIONS[options]())
    for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for a, b in zip(straight.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    one, other = logs(folder), logs(tmp_path)
    assert [row["epoch"] for row in other] == list(range(EPOCHS))
    for row, same in zip(one, other, strict=True):
        assert row == pytest.approx(same, abs=1e-5)
    assert len({row["learning_rate"] for row in one}) > 1  # there was something to lose


def kept_steps(path):
    """The steps after which a state was kept, or None where there is none."""
    if not path.exists():
        return None
    with h5py.File(path) as file:
        return file.attrs["kerasnets_step"]


def fit_together(folder, together, kill=None):
    """A run of 12 steps, some of them in one call; its model."""
    model = net(learning_rate=1e-2)
    model.compile(keras.optimizers.Adam(1e-2), model.loss, steps_per_execution=together, run_eagerly=True)
    training.fit(
        model,
        lambda step: data.batches(ARRAYS, 10, seed=1, epochs=3, first_step=step),
        4,
        3,
        state=folder / "run.weights.h5",
        history=folder / "history.csv",
        callbacks=[] if kill is None else [Kill(kill)],
        every=0,
    )
    return model


def test_several_steps_in_one_call_are_counted_one_by_one(tmp_path):
    """The batches are those of the run, each once, and the weights those of one step in each call."""
    (tmp_path / "one").mkdir()
    one_by_one = fit_together(tmp_path / "one", 1)
    with pytest.raises(KilledError):
        fit_together(tmp_path, 2, 3)
    assert kept_steps(tmp_path / "run.weights.h5") == 6
    found = fit_together(tmp_path, 2)
    assert int(found.optimizer.iterations) == int(one_by_one.optimizer.iterations) == 12
    for a, b in zip(one_by_one.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert kept_steps(tmp_path / "run.weights.h5") == 12
    assert (tmp_path / "history.csv").read_text().count("\n") == 4


@pytest.mark.parametrize("together", [3, 8, "auto"])
def test_steps_in_one_call_that_do_not_fit_an_epoch_are_refused(tmp_path, together):
    model = net()
    model.steps_per_execution = together
    with pytest.raises(ValueError, match="`steps_per_execution` is a divisor of 4, .*Received: .*"):
        training.fit(model, None, 4, 3, state=tmp_path / "run.weights.h5", history=tmp_path / "h.csv")
    assert not list(tmp_path.iterdir())


def test_steps_that_do_not_fit_the_rest_of_an_epoch_are_refused(tmp_path):
    with pytest.raises(KilledError):
        fit(tmp_path, kill=3, use_ema=True)
    model = net(use_ema=True)
    model.steps_per_execution = 5
    options = dict(state=tmp_path / "run.weights.h5", history=tmp_path / "history.csv")
    with pytest.raises(ValueError, match="`steps_per_execution` is a divisor of 2, the steps that are left"):
        training.fit(model, None, STEPS, EPOCHS, callbacks=[training.LogRate()], **options)


def test_a_run_that_is_done_is_left_alone(tmp_path):
    model = fit(tmp_path, use_ema=True)
    before = model.get_weights()
    averages = [v.numpy() for v in model.optimizer.variables if v.path.endswith("average")]
    for a, b in zip(averages, before, strict=True):
        np.testing.assert_array_equal(a, b)
    again = fit(tmp_path, kill=0, use_ema=True).get_weights()  # no step is made
    for a, b in zip(before, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_half_written_file_is_never_read(tmp_path, monkeypatch):
    with pytest.raises(KilledError):
        fit(tmp_path, kill=13, use_ema=True)

    def die(model, filepath, **_):
        filepath.write_bytes(b"half")
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", die)
        with pytest.raises(KilledError):
            fit(tmp_path, use_ema=True)
    with h5py.File(tmp_path / "run.weights.h5") as file:
        assert file.attrs["kerasnets_step"] == 13
    fit(tmp_path, use_ema=True)
    assert [row["epoch"] for row in logs(tmp_path)] == list(range(EPOCHS))


def test_a_loss_that_is_no_number_stops_the_run_before_it_is_kept(tmp_path):
    model = net(learning_rate=1e30)
    x = np.full((4, 6), 1e20, "float32")
    with pytest.raises(FloatingPointError, match=r"step \d, in epoch \d, at a learning rate of 1e"):
        training.fit(
            model,
            lambda step: data.batches((x, np.arange(4) % 3), 4, seed=0, epochs=2, first_step=step),
            1,
            2,
            state=tmp_path / "run.weights.h5",
            history=tmp_path / "history.csv",
            every=0,
        )


@pytest.mark.filterwarnings("error:Skipping variable loading")
def test_the_scale_of_a_loss_in_float16_is_restored(tmp_path):
    checkpoint, models = training.Checkpoint(tmp_path / "run.weights.h5"), []
    for scale in (2.0**9, None):
        model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
        model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, 0.9)), "mse")
        models.append(model)
        if scale:
            model.optimizer.build(model.trainable_variables)
            model.optimizer.dynamic_scale.assign(scale)
            checkpoint.set_model(model)
            checkpoint.save()
        for _ in range(2):  # a run reads it after each epoch that it resumes
            checkpoint.restore(model, STEPS)
        assert float(model.optimizer.dynamic_scale) == 2.0**9
    assert len({len(model.optimizer.variables) for model in models}) == 1


def test_a_run_is_not_resumed_with_other_callbacks(tmp_path):
    model = net(use_ema=True)
    kept = training.LogRate()
    checkpoint = training.Checkpoint(tmp_path / "run.weights.h5", callbacks=[kept])
    checkpoint.set_model(model)
    model.optimizer.build(model.trainable_variables)
    checkpoint.save()
    plateau = training.schedules.Plateau("loss", patience=1)
    for others in ([], [plateau], [kept, plateau]):
        with pytest.raises(
            ValueError, match="`callbacks` is those of the run that wrote .*LogRate.*Received"
        ):
            training.Checkpoint(tmp_path / "run.weights.h5", callbacks=others).restore(model, STEPS)
    assert training.Checkpoint(tmp_path / "run.weights.h5", callbacks=[kept]).restore(model, STEPS) == 0
