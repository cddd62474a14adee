import json

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

import kerasnets
from kerasnets.assembly import preprocessing
from kerasnets.assembly.preprocessing import decode_predictions, scaler

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (2, 7, 5, 3)).astype("float32")


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_modes_are_those_of_keras(mode, dtype):
    images = IMAGES.astype(dtype)
    expected = keras.applications.imagenet_utils.preprocess_input(
        images.astype("float32"), data_format="channels_last", mode=mode
    )
    np.testing.assert_allclose(scaler(mode)(images), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("mode", "low", "high"),
    # LeCun 1998, section II.B: white is -0.1 and black 1.175
    [("none", 0, 255), ("unit", 0, 1), ("tf", -1, 1), ("lecun", -0.1, 1.175)],
)
def test_range_of_a_mode(mode, low, high):
    np.testing.assert_allclose(scaler(mode)(np.array([[[0], [255]]])).ravel(), [low, high], rtol=1e-6)


@pytest.mark.parametrize("mode", preprocessing.MODES)
def test_input_is_not_changed_and_output_is_its_own(mode):
    images = IMAGES.copy()
    scaled = scaler(mode)(images)
    scaled += 1
    np.testing.assert_array_equal(images, IMAGES)


@pytest.mark.parametrize("mode", preprocessing.MODES)
def test_tensors_give_tensors(mode):
    scaled = scaler(mode)(keras.ops.convert_to_tensor(IMAGES))
    assert keras.ops.is_tensor(scaled)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(scaled), scaler(mode)(IMAGES), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("mode", preprocessing.MODES)
def test_scaling_can_be_part_of_a_model(mode):
    x = keras.Input((7, 5, 3))
    model = keras.Model(x, scaler(mode)(x))
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), scaler(mode)(IMAGES), rtol=1e-6, atol=1e-5)


def test_one_image_without_a_batch():
    np.testing.assert_array_equal(scaler("torch")(IMAGES[0]), scaler("torch")(IMAGES)[0])


def test_dtype_is_that_of_keras(monkeypatch):
    assert scaler("unit")(IMAGES.astype("uint8")).dtype == "float32"
    monkeypatch.setattr(keras.config, "floatx", lambda: "float16")
    assert scaler("unit")(IMAGES).dtype == "float16"


@pytest.mark.parametrize("mode", preprocessing.MODES)
def test_clips_are_scaled_frame_by_frame(mode):
    clips = np.stack([IMAGES, 255 - IMAGES])
    frames = np.stack([scaler(mode)(frame) for clip in clips for frame in clip])
    np.testing.assert_array_equal(scaler(mode)(clips).reshape(frames.shape), frames)


@pytest.mark.parametrize("mode", ["torch", "caffe", "ucf101"])
def test_scaling_for_three_channels_refuses_another_number(mode):
    with pytest.raises(ValueError, match=r"`x`.*3 channels.*Received: x=\(2, 7, 5, 1\)$"):
        scaler(mode)(IMAGES[..., :1])


@pytest.mark.parametrize("name", kerasnets.list_models())
def test_every_family_has_its_scaling(name):
    builder = getattr(kerasnets.applications, name)
    module = getattr(kerasnets.applications, builder.spec.module)
    assert module.preprocess_input.mode in preprocessing.MODES
    assert builder.preprocess_input.mode == builder.spec.mode
    assert module.decode_predictions is decode_predictions


SCORES = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])


@pytest.mark.parametrize("preds", [SCORES, keras.ops.convert_to_tensor(SCORES)], ids=["array", "tensor"])
def test_decoding_with_names(preds):
    best = decode_predictions(preds, top=2, class_names=["cat", "dog", "eel"])
    assert best == [[(1, "dog", 0.6), (2, "eel", 0.3)], [(0, "cat", 0.5), (2, "eel", 0.3)]]


def test_decoding_with_names_of_imagenet(monkeypatch, tmp_path):
    index = tmp_path / "index.json"
    index.write_text(json.dumps({str(i): [f"n{i:08}", f"class {i}"] for i in range(1000)}))
    monkeypatch.setattr(file_utils, "get_file", lambda *args, **kwargs: str(index))
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", None)
    scores = np.zeros((1, 1000), "float32")
    scores[0, [7, 42]] = 0.25, 0.75
    assert decode_predictions(scores, top=2) == [
        [("n00000042", "class 42", 0.75), ("n00000007", "class 7", 0.25)]
    ]


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("preds", dict(preds=SCORES)),
        ("preds", dict(preds=SCORES, class_names=["cat", "dog"])),
        ("preds", dict(preds=SCORES[0], class_names=["cat", "dog", "eel"])),
        ("top", dict(preds=SCORES, top=0, class_names=["cat", "dog", "eel"])),
        ("top", dict(preds=SCORES, top=4, class_names=["cat", "dog", "eel"])),
        ("top", dict(preds=SCORES, top=1.5, class_names=["cat", "dog", "eel"])),
    ],
)
def test_decoding_refuses(argument, options):
    with pytest.raises(ValueError, match=rf"`{argument}` is .*Received: {argument}="):
        decode_predictions(**options)
