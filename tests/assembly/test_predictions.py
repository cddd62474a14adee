import keras
import numpy as np
import pytest

import kerasnets
from kerasnets.assembly.predictions import decode_predictions
from kerasnets.scaling import MODES
from kerasnets.weights.classes import class_names, classes


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


def test_decoding_with_names_of_imagenet():
    scores = np.zeros((2, 1000), "float32")
    scores[0, [281, 986]] = 0.75, 0.25
    scores[1, 134] = 1
    assert decode_predictions(scores, top=2)[0] == [
        ("n02123045", "tabby", 0.75),
        ("n12057211", "yellow_lady's_slipper", 0.25),
    ]
    assert decode_predictions(scores, top=1)[1] == [("n02012849", "crane_bird", 1.0)]


@pytest.mark.parametrize(
    ("data", "count", "some"),
    [
        ("imagenet", 1000, {0: "tench", 285: "Egyptian cat", 999: "toilet tissue"}),
        ("cifar10", 10, {3: "cat"}),
        ("mnist", 10, {7: "7"}),
        ("fashion_mnist", 10, {9: "Ankle boot"}),
        ("ucf101", 101, {0: "ApplyEyeMakeup", 100: "YoYo"}),
    ],
)
def test_names_of_classes(data, count, some):
    names = class_names(data)
    assert len(names) == len(set(names)) == count
    assert {i: names[i] for i in some} == some
    assert (len({id for id, _ in classes()[data]}) == count) == (data == "imagenet")
    assert class_names("vggface2") is None


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
