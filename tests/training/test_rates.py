import keras
import numpy as np
import pytest
from keras import layers, optimizers

import kerasnets
from kerasnets.graph import no_values
from kerasnets.surgery import stages_of
from kerasnets.training import rate_factors, scaled
from nets import tiny


def net():
    keras.utils.set_random_seed(0)
    x = images = keras.Input((4, 4, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(x))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(5, 3, padding="same", activation="relu")(x))
    return keras.Model(images, layers.Dense(4)(x))


def changes(model, optimizer, steps=1):
    """How steps with given gradients change the weights of a net."""
    before, rng = model.get_weights(), np.random.default_rng(0)
    for _ in range(steps):
        gradients = [keras.ops.convert_to_tensor(rng.normal(size=v.shape), "float32") for v in model.weights]
        optimizer.apply(gradients, model.trainable_variables)
    return [after - w for after, w in zip(model.get_weights(), before, strict=True)]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optimizers.Adadelta, {}),
        (optimizers.Adam, {}),
        (optimizers.AdamW, dict(weight_decay=0.2)),
        (optimizers.RMSprop, {}),
        (optimizers.SGD, dict(momentum=0.9, weight_decay=0.2)),
    ],
)
def test_each_variable_has_a_rate_of_its_own(kind, options):
    """Changes in the first step, by decay too, are proportional to the rate."""
    rate = optimizers.schedules.CosineDecay(0.1, 10)
    options |= dict(learning_rate=rate, global_clipnorm=1.0, use_ema=True)
    plain, lower = net(), net()
    factors = rate_factors(lower, 0.5)
    assert factors == (0.25, 0.25, 0.5, 0.5, 1, 1)
    first = changes(plain, kind(**options)), changes(lower, scaled(kind)(**options, factors=factors))
    for change, scaled_one, factor in zip(*first, factors, strict=True):
        np.testing.assert_allclose(scaled_one, factor * change, rtol=1e-3, atol=1e-6)


def test_factors_of_one_change_nothing():
    options = dict(learning_rate=0.1, weight_decay=0.2, clipnorm=1.0)
    plain, other = net(), net()
    other_optimizer = scaled(optimizers.AdamW)(**options, factors=rate_factors(other, 1))
    for change, same in zip(
        changes(plain, optimizers.AdamW(**options), 3), changes(other, other_optimizer, 3), strict=True
    ):
        np.testing.assert_allclose(same, change, rtol=1e-6, atol=1e-8)


def test_it_is_saved_and_loaded(tmp_path):
    model = net()
    model.compile(scaled(optimizers.Adam)(0.01, factors=rate_factors(model, 0.5)), "mse")
    changes(model, model.optimizer)
    kerasnets.save(model, tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    for one, other in zip(changes(model, model.optimizer), changes(loaded, loaded.optimizer), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_variables_around_a_net_have_the_rate_of_its_head():
    inner = net()
    outer = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(3, 1), inner])
    assert rate_factors(inner, 0.5, outer, head=10) == (10, 10, 2.5, 2.5, 5, 5, 10, 10)


def test_other_optimizers_decays_and_variables_are_refused():
    with pytest.raises(ValueError, match="`optimizer` is one of the classes .*AdamW"):
        scaled(optimizers.Lion)
    for decay in (0, 1.1, "1"):
        with pytest.raises(ValueError, match="`decay` is a number above 0, at most 1"):
            rate_factors(net(), decay)
    with pytest.raises(ValueError, match="`head` is a number above 0"):
        rate_factors(net(), 0.5, head=0)
    with pytest.raises(ValueError, match="`factors` is a number for each of 6 trainable variables"):
        scaled(optimizers.SGD)(0.1, factors=(1.0,)).build(net().trainable_variables)


def names(model):
    return [(stage[0].name, stage[-1].name) for stage in stages_of(model)]


@pytest.mark.parametrize(
    ("name", "options", "stages"),
    [
        ("VGG16", {}, ["block1", "block2", "block3", "block4", "block5", "fc1 fc2", "logits"]),
        ("GoogLeNet", dict(aux_heads=True), ["conv1", "conv2", "inception_3", "inception_4", "inception_5",
                                             "aux1 logits"]),
        ("CapsNet", {}, ["conv1", "primary", "class_capsules"]),
        ("SEResNet50", None, ["stem", "stage1", "stage2", "logits"]),
        ("Attention56", None, ["stem", "stage1 last", "last final", "logits"]),
        ("HRNetV2W18", None, ["stem1", "stem2 stage2_module1", "stage2_transition2 last", "logits"]),
    ],
)  # fmt: skip
def test_stages(name, options, stages):
    spec = getattr(kerasnets.applications, name).spec
    small = {"input_shape": (*spec.min_grid, spec.channels), **spec.tiny}
    with no_values():
        found = names(kerasnets.build(name, **(small if options is None else options)))
    assert len(found) == len(stages)
    for (first, last), expected in zip(found, stages, strict=True):
        start, _, end = expected.partition(" ")
        assert first.startswith(start)
        assert last.startswith(end or start)


def test_nested_nets_have_the_same_stages():
    inner = tiny("SEResNet50")
    whole = keras.Sequential([keras.Input(inner.input_shape[1:]), inner])
    assert names(whole) == names(inner)
    assert [first.split("_")[0] for first, _ in names(whole)] == ["stem", "stage1", "stage2", "logits"]
