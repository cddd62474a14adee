"""What trained nets see, on their pages of the atlas."""

import base64
import io

import numpy as np
import PIL.Image
import pytest

import kerasnets
from atlas_pages import records, seen


@pytest.fixture(scope="module")
def lenet():
    return kerasnets.build("LeNet5", weights="mnist")


def pixels(url):
    return np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_weights_of_the_package_are_at_hand():
    assert seen.at_hand(["LeNet5", "AlexNet"]) == [seen.Weights("LeNet5", "kerasnets/lenet5.mnist")]


def test_own_weights_come_first_and_the_better_one_of_a_run(tmp_path, lenet):
    (tmp_path / "run").mkdir()
    for name in seen.FILES:
        kerasnets.save(lenet, tmp_path / "run" / name)
    best = seen.Weights("LeNet5", str(tmp_path / "run" / "best.keras"))
    assert seen.at_hand(["LeNet5"], [tmp_path]) == [best]
    assert seen.at_hand(["LeNet5"], [tmp_path / "run" / "last.keras"])[0].weights.endswith("last.keras")
    assert seen.at_hand(["AlexNet"], [tmp_path]) == []


def test_a_folder_without_nets_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"--trained .*best\.keras.*Received: "):
        seen.at_hand(["LeNet5"], [tmp_path])


def test_digits_are_classified_as_by_classify(tmp_path, lenet):
    weights = seen.Weights("LeNet5", "kerasnets/lenet5.mnist")
    seen.make(tmp_path, weights, None)
    found = records.found(tmp_path, "LeNet5.seen", seen.made_from(weights, None))
    assert [image["name"] for image in found["images"]] == [f"a {i}" for i in range(seen.COUNT)]
    for name, image in seen.digits():
        theirs = kerasnets.classify(lenet, image, top=3)[0].labels
        ours = next(row["labels"] for row in found["images"] if row["name"] == name)
        assert dict(ours) == pytest.approx({k: v for k, v in theirs if v >= seen.SHARE}, abs=1e-5)
    kernels = pixels(found["kernels"]["url"])
    weights = np.squeeze(lenet.layers[1].kernel)  # (5, 5, 6)
    first = kernels[: 5 * seen.ZOOM : seen.ZOOM, : 5 * seen.ZOOM : seen.ZOOM, 0]
    assert np.corrcoef(first.ravel(), weights[..., 0].ravel())[0, 1] > 0.95
    assert (kernels[..., 3] == 0).any()


def test_other_weights_or_images_make_it_anew(tmp_path):
    weights = seen.Weights("LeNet5", "kerasnets/lenet5.mnist")
    texts = {seen.made_from(weights, None)}
    for color in ("red", "blue"):
        PIL.Image.new("RGB", (40, 30), color).save(tmp_path / "image.png")
        texts.add(seen.made_from(weights, tmp_path))
    file = tmp_path / "best.keras"
    for content in (b"1", b"2"):
        file.write_bytes(content)
        texts.add(seen.made_from(seen.Weights("LeNet5", str(file)), None))
    assert len(texts) == 5


def test_without_suitable_images_the_page_says_so():
    model = kerasnets.build("SimpNetSlim300K", weights="fashion_mnist")
    found = seen.seen(model, seen.Weights("SimpNetSlim300K", "kerasnets/simpnetslim300k.fashion_mnist"), None)
    assert found["images"] == []
    assert "--images" in found["why_not"][0]
    assert found["kernels"]["words"].startswith("All 30 kernels")


def test_images_of_a_folder_take_turns_among_its_classes(tmp_path):
    for name in ("cat/1", "cat/2", "dog/1"):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        PIL.Image.new("RGB", (40, 30), "red").save(path)
    assert [f"{path.parent.name}/{path.stem}" for path in seen.some(tmp_path)] == ["cat/1", "dog/1", "cat/2"]


@pytest.mark.filterwarnings("ignore:passed over")
def test_images_that_cannot_be_decoded_are_passed_over(tmp_path):
    for name in ("a", "c"):
        PIL.Image.new("RGB", (40, 30), "red").save(tmp_path / f"{name}.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    model = kerasnets.build("ResNet20")
    found = seen.seen(model, seen.Weights("ResNet20", "best.keras"), tmp_path)
    assert [image["name"] for image in found["images"]] == ["a", "c"]
    assert found["why_not"] == []
