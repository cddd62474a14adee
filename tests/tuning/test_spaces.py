import keras
import keras_tuner
import numpy as np
import pytest

from kerasnets import analysis
from kerasnets.applications import CIFARDenseNet, MobileNet
from kerasnets.tuning import Budget, FamilySearch, GrowthRate, OverBudget, WidthMultiplier

SMALL = dict(input_shape=(8, 8, 1), classes=3)


def mlps(**more):
    return FamilySearch("MLP", hidden=[(4,), (8, 8)], options=SMALL, **more)


def chosen(space, **values):
    """keras-tuner's values of a trial."""
    hp = keras_tuner.HyperParameters()
    space.declare_hyperparameters(hp)
    hp.values.update(values)
    return hp


def test_values_come_back_as_they_are():
    space = FamilySearch("MLP", hidden=[(4,), (8, 8)], max_norm=[None, 3.0], options=SMALL)
    hp = chosen(space)
    assert hp.values == {"hidden": "4", "max_norm": "None"}
    assert space.values(hp) == {"hidden": (4,), "max_norm": None}
    hp = chosen(space, hidden="8-8", max_norm="3.0")
    assert space.values(hp) == {"hidden": (8, 8), "max_norm": 3.0}


def test_build_makes_the_net_of_the_values():
    space = mlps()
    model = space.build(chosen(space, hidden="8-8"))
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [8, 8, 3]
    assert space.cost.mult_adds == 64 * 8 + 8 * 8 + 8 * 3


def test_a_trial_starts_from_the_seed_alone():
    first, again, other = (mlps(seed=seed) for seed in (1, 1, 2))
    weights = [space.build(chosen(space)).get_weights()[0] for space in (first, again, other)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_width_and_resolution():
    """The images stay as they are; the net shrinks them, and costs what one of smaller images does."""
    space = WidthMultiplier(alphas=(0.125, 0.25), rhos=(0.5, 1.0), options=dict(input_shape=(64, 64, 3)))
    net = space.net({"alpha": 0.125, "rho": 0.5})
    assert net.input_shape == (None, 64, 64, 3)
    plain = MobileNet(alpha=0.125, input_shape=(32, 32, 3))
    assert analysis.profile(net).mult_adds == analysis.profile(plain).mult_adds
    assert net.count_params() == plain.count_params()


def test_growth_depth_and_share_that_is_kept():
    space = GrowthRate("CIFARDenseNet", growths=(2, 4), depths=(7, 10), keeps=(0.5, 1.0))
    net = space.net({"growth": 4, "depth": 7, "keep": 0.5})
    assert net.count_params() == CIFARDenseNet(depth=7, growth=4, keep=0.5).count_params()
    assert list(GrowthRate(growths=(4,), depths=((1, 2), (2, 2))).searched) == ["growth", "depths"]


def test_fit_refuses_before_training():
    space = mlps(budget=Budget(mult_adds=300))
    x, y = np.zeros((4, 8, 8, 1)), np.zeros(4)
    seen = []
    for hidden, trains in (("4", True), ("8-8", False)):
        hp = chosen(space, hidden=hidden)
        model = space.build(hp)
        begins = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: seen.append(space.cost.mult_adds))
        if trains:
            logs = space.fit(hp, model, x, y, validation_data=(x, y), callbacks=[begins], verbose=0).history
            assert logs["accuracy_per_madd"] == [logs["val_accuracy"][0] / 268]
        else:
            with pytest.raises(OverBudget):
                space.fit(hp, model, x, y, callbacks=[begins], verbose=0)
    assert seen == [268]


def test_data_may_be_a_function_of_the_first_step():
    from kerasnets import data

    space, steps = mlps(), []
    arrays = (np.zeros((8, 8, 8, 1), "float32"), np.zeros(8, "int64"))

    def batches(step):
        steps.append(step)
        return data.batches(arrays, 2, epochs=3, first_step=step, seed=0)

    hp = chosen(space)
    options = dict(steps_per_epoch=4, epochs=3, initial_epoch=2, shuffle=False, verbose=0)
    history = space.fit(hp, space.build(hp), batches, **options)
    assert steps == [8]
    assert history.epoch == [2]


def test_it_goes_into_a_tuner_of_keras_tuner(tmp_path):
    space = mlps(budget=Budget(mult_adds=300))
    tuner = keras_tuner.RandomSearch(space, "val_accuracy", max_trials=2, directory=str(tmp_path), seed=1)
    x, y = np.zeros((4, 8, 8, 1)), np.zeros(4)
    tuner.search(x, y, validation_data=(x, y), epochs=1, verbose=0)
    assert sorted(t.status for t in tuner.oracle.trials.values()) == ["COMPLETED", "FAILED"]
    assert space.values(tuner.get_best_hyperparameters()[0]) == {"hidden": (4,)}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FamilySearch("MobilNet", alpha=[0.5]), "`model` is a function.*MobileNet"),
        (lambda: FamilySearch("MobileNet", alfa=[0.5]), "`alfa` is not an option of MobileNet.*'alpha'"),
        (lambda: FamilySearch("MobileNet"), "`searched` is one or more of the options of MobileNet"),
        (lambda: FamilySearch("MobileNet", alpha=0.5), "`alpha` is a list of values"),
        (lambda: FamilySearch("MobileNet", alpha=[]), "`alpha` is a list of values"),
        (lambda: FamilySearch("MobileNet", alpha=[0.5, 0.5]), "`alpha` is a list of values that differ"),
        (lambda: FamilySearch("MobileNet", alpha=[0.5, -1]), "`alpha` is a positive number"),
        (lambda: FamilySearch("MobileNet", alpha=[0.5], options=dict(alpha=1.0)), "`alpha` is in `options`"),
        (lambda: FamilySearch("WRN", width=[1, 2]), "`depth` is missing"),
        (lambda: FamilySearch("WRN", depth=[10], width=[1], budget=5e6), "`budget` is None or a"),
        (lambda: FamilySearch("WRN", depth=[10], width=[1], seed=-1), "`seed` is a whole number"),
        (lambda: FamilySearch("WRN", depth=[10], width=[1], compiled="adam"), "`compiled` is None or a"),
        (lambda: FamilySearch("WRN", depth=[10], width=[1], options=[1]), "`options` is None or a dict"),
        (lambda: FamilySearch("MLP", hidden=[(4,)], options=dict(clases=3)), "`clases` is not.*'classes'"),
        (lambda: FamilySearch("WRN", depth=[10], options=dict(width=0)), "`width` is "),
        (lambda: WidthMultiplier("VGG16"), "`alpha` is not an option of VGG16"),
        (lambda: WidthMultiplier(rhos=(0.1,)), "`input_shape` is .*at least"),
        (lambda: GrowthRate("MobileNet"), "`growth` is not an option of MobileNet"),
        (lambda: GrowthRate(depths=(6,)), "`depths` is a tuple of whole numbers"),
    ],
)
def test_what_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
