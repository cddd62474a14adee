import copy
import dataclasses
import pickle

import keras
import numpy as np
import pytest

import kerasnets
from kerasnets.training import Recipe

ROW = dict(
    model="ResNet20",
    options=dict(depth=8),
    data="digits",
    rate=0.1,
    schedule=("step", dict(at=(4, 6))),
    batch=128,
    epochs=8,
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(modle="ResNet20"), "'model'"),
        (dict(model="ResNet21"), "'ResNet20'"),
        (dict(options=dict(dept=8)), "'depth'"),
        (dict(options=dict(depth=0)), "`depth`"),
        (dict(rate=-0.1), "`rate` .*above 0"),
        (dict(rate=float("nan")), "`rate`"),
        (dict(schedule=("step", dict(at=(4, 8)))), "`at` .*below the run's 8"),
        (dict(schedule=("step", dict(at=(6, 4)))), "`at`"),
        (dict(schedule=("step", dict(at=4))), "`at`"),
        (dict(schedule=("step", dict(att=(4,)))), "'at'"),
        (dict(schedule=("step", {})), "`at` is missing"),
        (dict(schedule=("step", dict(at=(4,), factor=-1))), "`factor`"),
        (dict(schedule=("step", dict(at=(4,), warmup=5, warmup_rate=0.01))), "`warmup`"),
        (dict(schedule=("step", dict(at=(4,), warmup=1))), "`warmup_rate`"),
        (dict(schedule=("stages", dict(at=(4,), rates=(0.1, 0.2)))), "`rates`"),
        (dict(schedule=("cosine", dict(warmup=9))), "`warmup`"),
        (dict(schedule=("exponential", dict(every=9, factor=0.9))), "`every`"),
        (dict(schedule=("plateau", dict(patience=8))), "`patience`"),
        (dict(schedule=("stepp", {})), "'step'"),
        (dict(schedule="step"), "`schedule`"),
        (dict(optimizer=("sdg", {})), "'sgd'"),
        (dict(optimizer=("sgd", dict(momentun=0.9))), "'momentum'"),
        (dict(optimizer=("sgd", dict(momentum=-0.9))), "`momentum`"),
        (dict(optimizer=("sgd", dict(weight_decay=0.1))), "`weight_decay`"),
        (dict(loss=("crossentropy", dict(label_smoothing=1))), "`label_smoothing`"),
        (dict(loss=("margn", {})), "'margin'"),
        (dict(augmentation=(("flop", {}),)), "'flip'"),
        (dict(evaluation=("ten_crops", {})), "'ten_crop'"),
        (dict(scaling="tensorflow"), "`scaling`"),
        (dict(weight_decay=-1e-4), "`weight_decay`"),
        (dict(max_norm=0), "`max_norm`"),
        (dict(clip_norm=0), "`clip_norm`"),
        (dict(ema=1), "`ema`"),
        (dict(size=(32, 0)), "`size`"),
        (dict(channels=2), "`channels` is None, 1 or 3"),
        (dict(channels=1), "`scaling` is one of 'none', .* for images of 1 channel"),
        (dict(splits="train"), "`splits`"),
        (dict(validation=0), "`validation`"),
        (dict(validation=1.0), "`validation`"),
        (dict(validation=True), "`validation`"),
        (dict(validation=""), "`validation`"),
        (dict(validation="test"), "`validation` is a split other than the two in `splits`"),
        (dict(schedule=("plateau", dict(patience=2, monitor="val_loss"))), "`monitor`.*'crossentropy'"),
        (dict(schedule=("plateau", dict(patience=2, monitor="val_accuracy"))), "with `validation`"),
        (dict(schedule=("plateau", dict(patience=2, monitor="margin"))), "`monitor`"),
        (dict(schedule=("plateau", dict(patience=2, factor=1))), "`factor`"),
        (dict(schedule=("plateau", dict(patience=2, min_delta=-1))), "`min_delta`"),
        (dict(batch=0), "`batch`"),
        (dict(epochs=0), "`epochs`"),
        (dict(epochs=True), "`epochs`"),
        (dict(precision="float16"), "`precision`"),
        (dict(replicas=0), "`replicas`"),
        (dict(init="gausian"), "`init` is one of 'paper', .*'gaussian'"),
        (dict(init=("gaussian", dict(sd=0.1))), "`sd` is not an option of 'gaussian'"),
        (dict(init=("gaussian", 0.1)), "`init` is None, the name of a scheme, or a pair"),
        (dict(init="he", weights="net.keras"), "`init` is None with `weights`"),
        (dict(init="paper", model="CapsNet", options={}), "of whose paper no start is recorded"),
    ],
    ids=str,
)
def test_what_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**{**ROW, **change})


def test_what_is_missing():
    with pytest.raises(ValueError, match="`data` is missing"):
        Recipe(model="ResNet20", rate=0.1, batch=1, epochs=1)


def test_a_recipe_is_fixed():
    recipe = Recipe(**ROW)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.rate = 1.0
    assert dataclasses.replace(recipe, rate=0.2).rate == 0.2
    with pytest.raises(ValueError, match="`rate`"):
        dataclasses.replace(recipe, rate=-1)


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        dataclasses.replace,
        *(lambda r, p=p: pickle.loads(pickle.dumps(r, p)) for p in (0, 5)),
    ],
)
def test_copies_are_equal(copied):
    recipe = Recipe(**ROW)
    assert copied(recipe) == recipe
    assert copied(recipe) is not recipe


def test_a_deep_copy_shares_no_options():
    recipe = Recipe(**ROW)
    assert copy.deepcopy(recipe).options is not recipe.options


def test_gray_images_for_a_net_of_colored_ones():
    gray = Recipe(**{**ROW, "channels": 1, "scaling": "unit"})
    assert (Recipe(**ROW).shape, gray.shape) == ((32, 32, 3), (32, 32, 1))


def test_another_length():
    recipe = Recipe(**ROW).for_epochs(4)
    assert (recipe.epochs, recipe.schedule) == (4, ("step", {"at": (2.0, 3.0)}))


def rates(schedule, epochs, steps=10, rate=1.0):
    """The rates of the first and the last step of each epoch."""
    recipe = Recipe(**{**ROW, "rate": rate, "schedule": schedule, "epochs": epochs})
    made = recipe.make_schedule(steps)
    if isinstance(made, float):
        return [made]
    return [[float(made(e * steps + s)) for s in (0, steps - 1)] for e in range(epochs)]


def test_schedules():
    def same(schedule, values):
        np.testing.assert_allclose(rates(schedule, len(values)), [[v, v] for v in values], rtol=1e-6)

    same(("step", dict(at=(1, 3))), [1, 0.1, 0.1, 0.01])
    same(("step", dict(at=(2,), factor=0.5, warmup=1, warmup_rate=0.2)), [0.2, 1, 0.5])
    same(("stages", dict(at=(1, 2), rates=(3, 2))), [1, 3, 2])
    same(("exponential", dict(every=2, factor=0.94)), [1, 1, 0.94, 0.94, 0.94**2])
    assert rates(("constant", {}), 3) == rates(("plateau", dict(patience=1)), 3) == [1.0]
    falls = np.ravel(rates(("polynomial", {}), 4))
    np.testing.assert_allclose(falls, 1 - np.array([0, 9, 10, 19, 20, 29, 30, 39]) / 40, rtol=1e-5)
    rises = np.ravel(rates(("cosine", dict(warmup=1)), 3))
    np.testing.assert_allclose(rises[:3], [0, 0.9, 1], atol=1e-6)
    assert (np.diff(rises[2:]) < 0).all()
    np.testing.assert_allclose(rises[-1], (1 + np.cos(np.pi * 19 / 20)) / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "validation", "watched", "values", "lowered"),
    [
        ({}, None, "accuracy", (0.1, 0.3, 0.3, 0.3, 0.3), 1),
        ({}, 0.1, "val_accuracy", (0.1, 0.2, 0.3, 0.4, 0.5), 0),
        ({"min_delta": 0.15}, "dev", "val_accuracy", (0.1, 0.2, 0.24, 0.27, 0.4), 1),
        ({"monitor": "top5"}, 0.1, "top5", (0.5, 0.4, 0.3, 0.2, 0.1), 2),
        ({"monitor": "val_crossentropy"}, 7, "val_crossentropy", (0.5, 0.4, 0.3, 0.2, 0.1), 0),
        ({"monitor": "val_crossentropy"}, 7, "val_crossentropy", (0.1, 0.2, float("nan"), 0.2, 0.3), 2),
        ({}, 7, "val_accuracy", (float("nan"), 0.1, 0.2, 0.3, 0.4), 0),
    ],
)
def test_what_a_plateau_watches(options, validation, watched, values, lowered):
    """Two epochs without improvement divide the rate by 10, whatever the loss does."""
    schedule = ("plateau", dict(patience=2, **options))
    recipe = Recipe(**{**ROW, "schedule": schedule, "validation": validation})
    assert recipe.monitor == watched
    for direction in (1, -1):
        plateau = recipe.plateau()
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(1.0))
        plateau.set_model(model)
        for epoch, value in enumerate(values):
            plateau.on_epoch_end(epoch, {watched: value, "loss": direction * epoch, "val_loss": epoch})
        assert float(model.optimizer.learning_rate) == pytest.approx(0.1**lowered)


def test_the_optimizer_of_inception():
    """Szegedy et al. 2016, section 8, by hand for one weight and one step."""
    recipe = Recipe(
        **{
            **ROW,
            "optimizer": ("rmsprop", dict(rho=0.9, epsilon=1.0)),
            "rate": 0.045,
            "schedule": ("exponential", dict(every=2, factor=0.94)),
            "clip_norm": 2.0,
            "ema": 0.5,
        }
    )
    optimizer = recipe.make_optimizer(10, None)
    weight = keras.Variable(np.array([1.0, 0.0], "float32"))
    optimizer.build([weight])
    optimizer.apply([keras.ops.array([3.0, 4.0])], [weight])  # a norm of 5, clipped to 2
    gradient = np.array([1.2, 1.6])
    expected = np.array([1.0, 0.0]) - 0.045 * gradient / np.sqrt(0.1 * gradient**2 + 1)
    np.testing.assert_allclose(weight, expected, rtol=1e-5)
    assert optimizer.use_ema
    assert optimizer.ema_momentum == 0.5


def test_mobilenet_depthwise_kernels_are_left_alone():
    recipe = Recipe(
        **{
            **ROW,
            "model": "MobileNet",
            "options": {},
            "weight_decay": 0.1,
            "decay_depthwise": False,
        }
    )
    net = kerasnets.build(
        "MobileNet", depths=(1, 1, 1, 1, 1), alpha=0.125, input_shape=(32, 32, 3), classes=2
    )
    recipe.regularize(net)
    decayed = {v.path for v in net.trainable_variables if v.regularizer is not None}
    kernels = {v.path for v in net.trainable_variables if v.path.endswith("/kernel")}
    depthwise = {
        v.path for part in net.layers if "Depthwise" in type(part).__name__ for v in part.trainable_variables
    }
    assert depthwise
    assert decayed == kernels - depthwise
