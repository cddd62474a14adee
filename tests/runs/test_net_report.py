import base64
import io
import re

import numpy as np
import PIL.Image
import pytest

from html_reader import Reader
from kerasnets.runs import net_report, tested
from kerasnets.runs.figures import Phase

HEAD = Phase("head", {"loss": [2.0, 1.5]}, {"loss": [2.1, float("nan")]})
FINE = Phase("fine-tuning", {"loss": [1.0, 0.5]}, {"loss": [0.9, 0.8]}, chosen=2)


def net_of(classes, n=200, image=None, **options):
    rng = np.random.default_rng(classes)
    labels, logits = rng.integers(0, classes, n), rng.normal(size=(n, classes))
    logits[np.arange(n), labels] += 4
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = options.pop("class_names", [f"class {i}" for i in range(classes)])
    return tested.Tested(labels=labels, probabilities=p, class_names=names, image=image, **options)


def written(path, of, **options):
    """The page, read: closed tags, alternative texts, and nothing from elsewhere."""
    net_report.write_report(path, of, "A net", **options)
    text = path.read_text(encoding="utf-8")
    read = Reader(text)
    for tag, attributes, _ in read.found:
        assert tag not in ("script", "link", "iframe")
        assert tag != "img" or (attributes["alt"] and attributes["src"].startswith("data:image/"))
        assert attributes.get("href") is None
    assert not re.search(r"url\(|@import|https?://", text)
    return read


def image_of(i):
    if i % 5 == 0:
        raise OSError("gone")
    return np.full((20, 30, 3), i, np.uint8)


def test_the_page_shows_the_images_that_were_picked(tmp_path):
    asked = []

    def image(i):
        asked.append(i)
        return image_of(i)

    files = [f"folder/{i}.png" for i in range(200)]
    net = net_of(3, image=image, names=files, class_names=("<b>", "猫", "c"))
    read = written(
        tmp_path / "report.html",
        net,
        phases=(HEAD, FINE),
        splits={"training": np.repeat([0, 1, 2], [10, 20, 40]), "validation": 30, "test": net.labels},
        seconds={"in all": 200},
        figures={"top 2": "99%"},
        settings={"rate": 0.1, "labels": None},
        commands=[("Serve it", "kerasnets export <best>.keras")],
        notes=["One note."],
    )
    picks = [*net.worst(net_report.SHEET), *net.surest(net_report.SHEET)]
    assert asked == [pick.image for pick in picks]  # no other image was read
    pictures = [a for tag, a, _ in read.found if tag == "img" and "png" in a["src"]]
    assert len(pictures) == sum(i % 5 > 0 for i in asked)
    first = next(i for i in asked if i % 5)
    content = base64.b64decode(pictures[0]["src"].split(",")[1])
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(io.BytesIO(content))), image_of(first))
    assert f"{first}.png" in pictures[0]["alt"]
    paragraphs = read.texts("p")
    assert "4 times as many" in " ".join(paragraphs)
    assert {"3 min", "99%", "One note."} <= {*read.texts("td"), *paragraphs}
    assert read.texts("pre") == ["kerasnets export <best>.keras"]
    titles = [a["title"] for tag, a, _ in read.found if tag == "td" and "title" in a]
    count = net.confusion[0, 1]
    assert f"{count} of <b> taken for 猫" in titles[1]
    (curve,) = (a for tag, a, _ in read.found if tag == "img" and "svg" in a["src"])
    assert "validation: 0.8 in epoch 2" in curve["alt"]


def test_of_a_clip_the_middle_frame_is_shown():
    frames = np.random.default_rng(0).integers(0, 256, (5, 8, 9, 3), "uint8")
    assert net_report.thumbnail(frames) == net_report.thumbnail(frames[2])


def test_many_classes_have_no_matrix(tmp_path):
    read = written(tmp_path / "report.html", net_of(60, 600))
    headings = read.texts("h2")
    assert "Confusion matrix" not in headings
    assert "Classes that are confused most often" in headings
    assert "All 60 classes" in read.texts("summary")


def test_nets_with_a_threshold(tmp_path):
    rng = np.random.default_rng(0)
    labels, p = rng.random((50, 3)) < 0.4, rng.random((50, 3))
    several = tested.Tested(
        labels=labels, probabilities=p, class_names=("x", "y", "z"), threshold=0.4, image=image_of
    )
    read = written(tmp_path / "several.html", several, splits={"training": labels})
    assert read.texts("h2")[:2] == ["Wrong labels", "Missing labels"]
    one = tested.Tested(labels=labels[:, 0], probabilities=p[:, 0], class_names=("not x", "x"), threshold=0.4)
    assert "Confusion matrix" in written(tmp_path / "one.html", one).texts("h2")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(phases=[FINE._replace(chosen=3)]), "`phases` is a list of phases"),
        (dict(splits={"training": np.array([0, 3])}), "`splits` is a dict"),
        (dict(tested="net"), "`tested` is a"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        net_report.write_report(tmp_path / "report.html", **{"tested": net_of(3), "title": "A net", **change})
    assert list(tmp_path.iterdir()) == []


def test_text_on_colors_has_contrast():
    for color in (net_report.RIGHT, net_report.WRONG):
        for depth in np.linspace(0, 1, 11):
            mixed, ink = net_report.shade(color, depth)
            dark, light = sorted(map(luminance, (mixed, ink)))
            assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG, level AA


def luminance(color):
    digits = color[1:] if len(color) == 7 else "".join(2 * c for c in color[1:])
    rgb = np.frombuffer(bytes.fromhex(digits), np.uint8) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(net_report, "LIBRARIES", ("jinja3",))
    with pytest.raises(ModuleNotFoundError, match=r"Reports need jinja3: pip install 'kerasnets\[recipes\]'"):
        net_report.check_libraries()
