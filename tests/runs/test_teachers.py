import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets import cli, runs, surgery, weights
from kerasnets.runs import arrays, mnist, teachers
from kerasnets.scaling import MODES

pytestmark = pytest.mark.usefixtures("eagerly")
CLASSES = ("ant", "bee", "cat")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of images of three classes."""
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "pictures"
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for i in range(5):
            keras.utils.save_img(root / name / f"{i}.png", rng.uniform(0, 255, (9, 9, 3)), scale=False)
    return root


@pytest.fixture(scope="module")
def teacher(pictures, tmp_path_factory):
    """A file as fine-tuning leaves it: a net with another head, which says what it was trained on."""
    net = kerasnets.build("MLP800", hidden=(4,), input_shape=(8, 8, 3), classifier_activation=None)
    net = surgery.replace_head(net, 3, classifier_activation=None, freeze=False)
    recipe = runs.finetuning("MLP800", "mnist", pictures, validation=0.25, batch=4)
    known = {**recipe.as_json(), "data": "pictures", "data_dir": str(pictures), "examples": 12}
    weights.describe(net, shape=(8, 8, 3), scaling="tf", class_names=CLASSES, training=known)
    path = tmp_path_factory.mktemp("teacher") / "best.keras"
    kerasnets.save(net, path)
    return path


def changed(path, teacher, **facts):
    """A copy of the teacher whose card differs."""
    net = kerasnets.load_model(teacher)
    weights.describe(net, **facts)
    kerasnets.save(net, path)
    return str(path)


def test_a_student_learns_what_the_teachers_file_says(teacher, pictures, tmp_path, capsys):
    words = ["distill", "--teacher", str(teacher), "--student", "MLP800", "--hidden", "(4,)", "--smoke"]
    assert cli.main([*words, "--json", "--out", str(tmp_path / "run")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["distilled student"]
    folder = tmp_path / "run" / "student"
    card = weights.read_card(folder / found["distilled student"]["weights"])
    assert (card.class_names, card.shape) == (CLASSES, (8, 8, 3))
    told = [card.training[name] for name in ("data", "data_dir", "validation", "files", "batch")]
    assert told == ["pictures", str(pictures), 0.25, [str(teacher)], 4]
    assert [row[0] for row in card.training["augmentation"]] == ["area_crop", "flip"]
    assert "soft_loss" in (folder / "history.csv").read_text()
    assert (folder / "report.html").exists()


def test_defaults_of_a_student(teacher, pictures):
    recipe, folder = runs.student_of(teacher, "SqueezeNet")
    assert folder == str(pictures)
    assert (recipe.optimizer[0], recipe.schedule[0], recipe.epochs) == ("adam", "cosine", 60)
    least = recipe.spec.min_grid
    assert recipe.image_size == tuple(max(8, side) for side in least)  # the teacher then sees them smaller
    assert runs.student_of(teacher, "MLP800")[0].shape == (8, 8, 3)
    started, _ = runs.student_of(teacher, "LeNet5", "mnist", epochs=4)
    assert (started.weights, started.epochs, started.validation) == ("mnist", 4, 0.25)
    assert started.head_epochs > 0


def test_files_that_say_too_little_or_what_is_no_longer_so(teacher, pictures, tmp_path):
    moved = json.loads(json.dumps(weights.read_card(teacher).training)) | {"data_dir": "/no/such/folder"}
    path = changed(tmp_path / "moved.keras", teacher, training=moved)
    with pytest.raises(ValueError, match=r"`data_dir` is a folder that exists.*moved\.keras"):
        runs.student_of(path, "MLP800")
    assert runs.student_of(path, "MLP800", data_dir=pictures)[1] == str(pictures)
    with pytest.raises(ValueError, match="`data_dir` is a folder that exists. Received"):
        runs.student_of(path, "MLP800", data_dir="/none")
    bare = tmp_path / "bare.keras"
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]).save(bare)
    with pytest.raises(ValueError, match="`teacher` is a file that says"):
        runs.student_of(bare, "MLP800")
    assert runs.student_of(bare, "MLP800", data_dir=pictures, size=8)[0].image_size == (8, 8)
    with pytest.raises(ValueError, match="`student` is a net for images like"):
        runs.student_of(teacher, "C3D")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("bee", "ant", "cat"), "in this order"),
        (("ant", "bee", "dog"), "the classes of the data, ant, bee, cat"),
    ],
)
def test_a_teacher_of_other_classes(teacher, tmp_path, names, message):
    net = teachers.load_teacher(changed(tmp_path / "other.keras", teacher, class_names=names))
    with pytest.raises(ValueError, match=message):
        teachers.check_classes(net, 3, CLASSES)
    with pytest.raises(ValueError, match="a net of 4 classes"):
        teachers.check_classes(net, 4, (*CLASSES, "dog"))


@pytest.mark.parametrize(("threshold", "binary"), [(None, True), (0.3, False)])
def test_a_teacher_of_another_kind(teacher, tmp_path, threshold, binary):
    """Of several labels an image for data of one, and the reverse."""
    net = teachers.load_teacher(changed(tmp_path / "other.keras", teacher, threshold=threshold))
    assert weights.card_of(net).threshold == threshold
    teachers.check_kind(net, not binary)
    with pytest.raises(ValueError, match="`teacher` is a net that gives (any number of labels|one class)"):
        teachers.check_kind(net, binary)


def test_published_classes_may_have_other_names(teacher, tmp_path):
    net = teachers.load_teacher(changed(tmp_path / "other.keras", teacher, class_names=("n1", "n2", "n3")))
    teachers.check_classes(net, 3, CLASSES, published=True)
    assert weights.card_of(net).class_names == CLASSES


@pytest.mark.parametrize(
    ("shape", "own"), [((12, 12, 3), (8, 8, 1)), ((12, 12, 1), (8, 8, 3)), ((8, 8, 3),) * 2]
)
def test_a_teacher_sees_images_of_another_size_on_its_own_scale(shape, own):
    net = kerasnets.build("MLP800", hidden=(4,), input_shape=own, classes=3, classifier_activation=None)
    weights.describe(net, scaling="unit")
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *shape)).astype("float32")
    found = teachers.fitted(net, shape, MODES["tf"])(MODES["tf"](pixels))
    seen = pixels
    if own[-1] < shape[-1]:
        seen = pixels @ np.array([0.299, 0.587, 0.114], "float32")
        seen = seen[..., None]
    seen = np.repeat(seen, own[-1] // seen.shape[-1], -1)
    seen = ops.image.resize(seen, own[:2], antialias=True) if shape != own else seen
    np.testing.assert_allclose(found, net(np.asarray(seen) / 255), atol=1e-3)


def test_a_teacher_of_clips(teacher):
    with pytest.raises(ValueError, match="`teacher` is a net for images such as"):
        teachers.fitted(kerasnets.load_model(teacher), (4, 8, 8, 3), MODES["unit"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--teacher", "best.keras"], "Received: best.keras"),
        (["--teacher", "LeNet6"], "'LeNet5'"),
        (["--teacher", "LeNet5"], "--config"),
        (["--teacher", "LeNet5", "LeNet4"], "--config"),
        (["--teacher", "FILE", "--teachers", "2"], "--teachers"),
        (["--teacher", "FILE", "--teacher-options", "a=1"], "--teacher-options"),
        (["--teacher", "FILE", "LeNet5"], "the name of one net"),
        (["--teacher", "FILE", "--student-weights", "nothing"], "--student-weights"),
        (["--teacher", "FILE", "--size", "0"], "--size"),
        (["--teacher", "FILE", "--data-dir", "/none"], "`data_dir`"),
        (["--teacher", "FILE", "--validation", "2.5"], "`validation`"),
        (["--teacher", "FILE", "--hint-epochs", "1"], "--hint"),
    ],
)
def test_wrong_input(words, message, teacher, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [str(teacher) if word == "FILE" else word for word in words]
    assert cli.main(["distill", *words, "--student", "MLP800"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.iterdir())


def test_the_teacher_of_the_mnist_experiment_is_any_net(tmp_path):
    """That of a file is not trained, and another net of the package is."""
    net = kerasnets.build("LeNet5", classifier_activation=None)
    kerasnets.save(net, tmp_path / "net.keras")
    settings = mnist.Settings(dataset="digits", teacher=(str(tmp_path / "net.keras"),))
    nets = mnist.Nets(settings, tmp_path, None, None, None)
    images = np.random.default_rng(0).uniform(0, 1, (2, *mnist.SHAPE)).astype("float32")
    assert arrays.predict(nets.teacher(), images).shape == (2, 10)
    with pytest.raises(ValueError, match="`teachers` is 1"):
        dataclasses.replace(settings, teachers=2)
    for wrong in ("LeNet1", ()):
        with pytest.raises(ValueError, match="`teacher` is a tuple"):
            dataclasses.replace(settings, teacher=wrong)
    labels = np.arange(8) % 10
    examples = np.zeros((8, *mnist.SHAPE), "float32"), labels
    settings = mnist.Settings(dataset="digits", teacher=("LeNet1",), epochs=1, batch_size=8)
    net = mnist.Nets(settings, tmp_path, examples, examples, None).teacher()
    assert weights.card_of(net).builder == "LeNet1"


def test_an_earlier_run_stays_where_the_teacher_does_not_fit(teacher, pictures, tmp_path, capsys):
    (tmp_path / "run" / "student").mkdir(parents=True)
    (tmp_path / "run" / "student" / "config.json").write_text("{}")
    file = changed(tmp_path / "other.keras", teacher, class_names=("bee", "ant", "cat"))
    words = ["--teacher", file, "--student", "MLP800", "--hidden", "(4,)", "--out", str(tmp_path / "run")]
    assert cli.main(["distill", *words]) == 2
    assert "in this order" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["student"]
