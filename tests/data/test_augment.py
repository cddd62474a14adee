import numpy as np
import pytest
import tensorflow as tf

from kerasnets.data import augment

RNG = np.random.default_rng(0)
SEEDS = [(0, i) for i in range(60)]


@pytest.mark.parametrize("name", ["rand_augment", "random_erasing"])
def test_changes_of_keras_depend_on_the_seed_alone(name):
    images = tf.constant(RNG.uniform(0, 255, (1, 12, 12, 3)), tf.float32)
    change = tf.function(augment.change((name, {}), None))
    results = [change(images, tf.constant(s)).numpy() for s in [*SEEDS[:12], SEEDS[0]]]
    np.testing.assert_array_equal(results[0], results[-1])
    assert len({r.tobytes() for r in results}) > 3


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixes_keep_images_and_labels_together(name):
    shades = np.arange(8, dtype="float32")
    images = np.tile(shades[:, None, None, None], (1, 32, 32, 3))
    function = augment.mix((name, {}))
    mix = tf.function(lambda seed: function({"images": images, "labels": np.eye(8)}, seed))
    mixed = mix(tf.constant((1, 2)))
    np.testing.assert_allclose(tf.reduce_sum(mixed["labels"], 1), 1.0, atol=1e-5)
    shade = tf.linalg.matvec(mixed["labels"], shades)
    np.testing.assert_allclose(tf.reduce_mean(mixed["images"], (1, 2, 3)), shade, atol=0.5)
    assert np.abs(shade - shades).max() > 0.5
    np.testing.assert_array_equal(mix(tf.constant((1, 2)))["labels"], mixed["labels"])
    assert not np.array_equal(mix(tf.constant((1, 3)))["labels"], mixed["labels"])


def test_a_plan_is_read():
    rows = augment.check(["pad", ("zca", {"bias": 0.2}), ("pad_crop", dict(mode="reflect")), "mixup"])
    assert rows == (("pad", {}), ("zca", {"bias": 0.2}), ("pad_crop", {"mode": "reflect"}), ("mixup", {}))
    assert augment.check(()) == ()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("flip", "`augment` is a tuple"),
        (("flop",), "Did you mean 'flip'.*Received: 'flop'"),
        ((("flip", {}, 3),), "`augment` is rows"),
        (((3, {}),), "`augment` is rows"),
        ((("flip", 3),), "`augment` is rows"),
        ((("jitter", {"pixel": 3}),), "'jitter'.*Did you mean 'pixels'.*Received: pixel=3"),
        ((("jitter", {"pixels": 0}),), "`pixels`.*Received: pixels=0"),
        ((("jitter", {"seed": 1}),), "'jitter'.*Received: seed=1"),
        ((("elastic", {"sigma": 0}),), "`sigma` is a number above 0"),
        ((("affine", {"stretch": 1.5}),), "`stretch` is a share"),
        ((("affine", {"share": 0}),), "`share` is a share above 0"),
        ((("random_crop", {"shorter": 25.6}),), "`shorter`"),
        ((("area_crop", {"interpolation": "nearest"}),), "`interpolation`.*one of 'bilinear', 'bicubic'"),
        ((("zoom", {"antialias": 1}),), "`antialias` is True or False"),
        ((("pad", {"antialias": True}),), "'pad'.*no options"),
        ((("scale_jitter", {"low": 300, "high": 256}),), "`low` is at most"),
        ((("area_crop", {"area": (0.5, 1.5)}),), "`area`"),
        ((("area_crop", {"aspect": (2, 1)}),), "`aspect`"),
        ((("lighting", {"std": float("nan")}),), "`std`"),
        ((("pad_crop", {"mode": "wrap"}),), "`mode`"),
        ((("mixup", {"alfa": 1}),), "Did you mean 'alpha'"),
        ((("random_erasing", {"factor": 3.0}),), "factor"),
        (("flip", "pad"), "at most one of"),
        (("pad", "zoom"), "at most one of"),
        (("mixup", "flip"), "at most one of"),
        (("flip", "zca"), "at most one of"),
    ],
)
def test_a_wrong_plan_is_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        augment.check(rows)
