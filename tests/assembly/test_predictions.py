import json
import urllib.error

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

import kerasnets
from kerasnets.assembly.predictions import decode_predictions
from kerasnets.scaling import MODES


@pytest.mark.parametrize("name", kerasnets.list_models())
def test_every_family_has_its_scaling(name):
    builder = getattr(kerasnets.applications, name)
    module = getattr(kerasnets.applications, builder.spec.module)
    assert module.preprocess_input.mode in MODES
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


def test_names_of_imagenet_that_cannot_be_downloaded(monkeypatch, tmp_path):
    def fails(*args, **kwargs):
        raise Exception("URL fetch failure on https://example.com/index.json: no network")

    monkeypatch.setattr(file_utils, "get_file", fails)
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", None)
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    with pytest.raises(OSError, match="no network") as raised:
        decode_predictions(np.zeros((1, 1000), "float32"))
    todo = (
        f"put index.json of https://example.com/index.json into {tmp_path / 'models'}, or pass `class_names`"
    )
    assert todo in str(raised.value)


def test_names_of_imagenet_in_the_cache_are_used(monkeypatch, tmp_path):
    def fails(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(file_utils, "urlretrieve", fails)
    monkeypatch.setattr(file_utils, "validate_file", lambda *args, **kwargs: True)  # its hash is a pretense
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", None)
    scores = np.eye(1, 1000, 7, dtype="float32")
    with pytest.raises(OSError, match="imagenet_class_index.json of https://"):
        decode_predictions(scores, top=1)
    index = tmp_path / "models" / "imagenet_class_index.json"
    index.write_text(json.dumps({str(i): [f"n{i:08}", f"class {i}"] for i in range(1000)}))
    assert decode_predictions(scores, top=1) == [[("n00000007", "class 7", 1.0)]]


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
