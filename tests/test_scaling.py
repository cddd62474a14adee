import keras
import numpy as np
import pytest

from kerasnets.graph import flat
from kerasnets.scaling import MODES, Scaling

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (2, 7, 5, 3)).astype("float32")


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_modes_are_those_of_keras(mode, dtype):
    images = IMAGES.astype(dtype)
    expected = keras.applications.imagenet_utils.preprocess_input(
        images.astype("float32"), data_format="channels_last", mode=mode
    )
    np.testing.assert_allclose(MODES[mode](images), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("mode", "low", "high"),
    # LeCun 1998, section II.B: white is -0.1 and black 1.175
    [("none", 0, 255), ("unit", 0, 1), ("tf", -1, 1), ("lecun", -0.1, 1.175)],
)
def test_range_of_a_mode(mode, low, high):
    np.testing.assert_allclose(MODES[mode](np.array([[[0], [255]]])).ravel(), [low, high], rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_input_is_not_changed_and_output_is_its_own(mode):
    images = IMAGES.copy()
    scaled = MODES[mode](images)
    scaled += 1
    np.testing.assert_array_equal(images, IMAGES)


@pytest.mark.parametrize("mode", MODES)
def test_tensors_give_tensors(mode):
    scaled = MODES[mode](keras.ops.convert_to_tensor(IMAGES))
    assert keras.ops.is_tensor(scaled)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(scaled), MODES[mode](IMAGES), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_scaling_can_be_part_of_a_model(mode):
    x = keras.Input((7, 5, 3))
    model = keras.Model(x, MODES[mode](x))
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), MODES[mode](IMAGES), rtol=1e-6, atol=1e-5)


def test_one_image_without_a_batch():
    np.testing.assert_array_equal(MODES["torch"](IMAGES[0]), MODES["torch"](IMAGES)[0])


def test_dtype_is_that_of_keras(monkeypatch):
    assert MODES["unit"](IMAGES.astype("uint8")).dtype == "float32"
    monkeypatch.setattr(keras.config, "floatx", lambda: "float16")
    assert MODES["unit"](IMAGES).dtype == "float16"


@pytest.mark.parametrize("mode", MODES)
def test_clips_are_scaled_frame_by_frame(mode):
    clips = np.stack([IMAGES, 255 - IMAGES])
    frames = np.stack([MODES[mode](frame) for clip in clips for frame in clip])
    np.testing.assert_array_equal(MODES[mode](clips).reshape(frames.shape), frames)


@pytest.mark.parametrize("mode", ["torch", "caffe", "ucf101"])
def test_scaling_for_three_channels_refuses_another_number(mode):
    with pytest.raises(ValueError, match=r"`x`.*3 channels.*Received: x=\(2, 7, 5, 1\)$"):
        MODES[mode](IMAGES[..., :1])


@pytest.mark.parametrize("scaling", [Scaling(mean=(1.0, 2.0, 3.0)), Scaling(std=(1.0, 2.0, 3.0))])
@pytest.mark.parametrize("x", [IMAGES[..., :1], 7.0])
def test_own_numbers_for_three_channels_refuse_another_number(scaling, x):
    with pytest.raises(ValueError, match=r"`x`.*3 channels"):
        scaling(x)


def test_an_order_of_channels_is_in_capitals():
    with pytest.raises(ValueError, match=r"`order` is 'RGB' or 'BGR'\. Received: order='bgr'"):
        Scaling(order="bgr")


@pytest.mark.parametrize("mode", MODES)
def test_scaling_is_undone(mode):
    scaling = MODES[mode]
    np.testing.assert_allclose(scaling.undo(scaling(IMAGES)), IMAGES, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("before", "after"), [("torch", "caffe"), ("caffe", "unit"), ("tf", "torch")])
def test_one_scaling_becomes_another_within_a_model(before, after):
    before, after = MODES[before], MODES[after]
    images = keras.Input((7, 5, 3))
    model = keras.Model(images, after(before.undo(images)))
    x = keras.Input((7, 5, 3))
    for net in (model, flat(keras.Model(x, model(x)))):
        found = net.predict(before(IMAGES), verbose=0)
        np.testing.assert_allclose(found, after(IMAGES), rtol=1e-4, atol=1e-4)


def test_contrast_is_normalized_before_images_are_whitened():
    mean, matrix = RNG.normal(size=(7, 5, 3)), RNG.normal(size=(105, 105))
    scaling = Scaling(mean=mean.astype("float32"), contrast=55.0, matrix=matrix.astype("float32"))
    expected = []
    for image in IMAGES.astype("float64"):
        image = image - image.mean()
        image = 55.0 * image / np.linalg.norm(image)
        expected.append(((image - mean).ravel() @ matrix).reshape(image.shape))
    np.testing.assert_allclose(scaling(IMAGES), expected, rtol=1e-4, atol=1e-3)
    x = keras.Input((7, 5, 3))
    found = keras.Model(x, scaling(x)).predict(IMAGES, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)
    with pytest.raises(ValueError, match="cannot be undone"):
        scaling.undo(IMAGES)


def test_a_grey_image_of_one_value_stays_finite():
    assert not Scaling(contrast=1.0)(np.full((1, 2, 2, 1), 7.0)).any()


@pytest.mark.parametrize("scaling", [MODES["caffe"], Scaling(contrast=2.0, matrix=np.eye(105), mean=1.0)])
def test_tensors_of_a_pipeline_are_scaled_under_any_backend(scaling, monkeypatch):
    tf = pytest.importorskip("tensorflow")
    expected = scaling(IMAGES)
    monkeypatch.setattr(keras.ops, "is_tensor", lambda x: False)  # as another backend says of TensorFlow's
    found = next(iter(tf.data.Dataset.from_tensors(IMAGES).map(scaling)))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
