import io

import keras
import numpy as np
import pytest
import rich.console

from kerasnets import training


def shown(terminal, **options):
    """What a run of three epochs, each of two steps, tells."""
    screen = io.StringIO()
    console = rich.console.Console(file=screen, force_terminal=terminal, width=160)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    bar = training.Progress("a net", ("loss", "nothing"), console, **options)
    model.fit(np.ones((8, 2)), np.ones(8), batch_size=4, epochs=3, verbose=0, callbacks=[bar])
    return screen.getvalue()


def test_a_terminal_shows_epochs_speed_and_time_left():
    text = shown(True, batch_size=4)
    for part in ("a net", "3/3", "/s", "0:00:00", "loss"):
        assert part in text
    assert "nothing" not in text


@pytest.mark.parametrize("batch_size", [None, 4])
def test_a_file_gets_one_line_at_the_end(batch_size):
    (line,) = shown(False, batch_size=batch_size).splitlines()
    assert "a net" in line
    assert "epoch 3/3" in line
    assert "loss" in line
    assert ("/s" in line) == (batch_size is not None)


@pytest.mark.parametrize("together", [1, 2, 3])
def test_the_bar_counts_steps_not_calls(together):
    console = rich.console.Console(file=io.StringIO(), force_terminal=True)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=together, run_eagerly=True)
    bar = training.Progress("a net", console=console)
    model.fit(np.ones((8, 2)), np.ones(8), batch_size=2, epochs=2, verbose=0, callbacks=[bar])
    (task,) = bar.bar.tasks
    assert task.completed == task.total == 8


def test_one_of_several_calls_of_fit_tells_the_epochs_of_the_run():
    (line,) = shown(False, epochs=3).splitlines()
    assert "epoch 3/3" in line
    assert shown(False, epochs=7) == ""  # the last epoch is still to come
