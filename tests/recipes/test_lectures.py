"""The page of the lectures: recipes/lectures.md."""

import json

import pytest

import lecture_rows
import lecture_shows
import lectures
import principles
import tables
from kerasnets import files
from lecture_shows import Cells, Claim, Errors, Experiment, Measure, Net, Printed, Show, Temperature, Trial

WRITE = "python recipes/lectures.py --out recipes/lectures.md writes it anew"
ROWS = [
    (lecture, topic, words, name)
    for lecture, topics in lecture_rows.SLIDES.items()
    for topic, rows in topics.items()
    for words, name in rows
]


@pytest.fixture(scope="module")
def page():
    return lectures.Page()


def test_the_page_is_up_to_date(page):
    assert lectures.stale(page) == [], WRITE


def test_figures_and_links_are_there(page):
    assert page.wrong == []
    assert lectures.check_links(page) == []


def test_commands_are_those_of_the_recipes_and_of_kerasnets(page):
    assert lectures.check_commands(page) == []


def test_inventory():
    assert list(lecture_rows.SLIDES) == ["Aich", "Das", "Hasanpour", "Labate", "Jin"]
    assert set(lecture_rows.SLIDES) == set(tables.LECTURES)
    assert {name for *_, name in ROWS} == set(lecture_shows.SHOWS)
    assert all(words.strip() and "  " not in words for *_, words, _ in ROWS)
    assert len({row[:3] for row in ROWS}) == len(ROWS)
    for show in lecture_shows.SHOWS.values():
        assert show.commands or show.word
        known = [f.experiment for f in show.figures if isinstance(f, Measure)]
        known += [show.claim.experiment] if show.claim else []
        assert set(known) <= set(lecture_shows.EXPERIMENTS)


def test_every_item_is_on_the_page_and_counted(page):
    text = page.text()
    assert all(f"| {lectures.cell(words)} |" in text for *_, words, _ in ROWS)
    found = lectures.counts(page)
    assert {name: row.total() for name, row in found.items()} == {
        name: sum(map(len, topics.values())) for name, topics in lecture_rows.SLIDES.items()
    }
    assert sum(row.total() for row in found.values()) >= 300
    for line in lectures.tally(page).splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert int(cells[1]) == sum(map(int, cells[2:]))


def one(monkeypatch, tmp_path, *figures, commands=("kerasnets show LeNet5",), **more):
    """A page of a single item, in a folder of its own."""
    monkeypatch.setattr(lecture_rows, "SLIDES", {"Das": {"Nets": (("A <slide> | of two", "it"),)}})
    monkeypatch.setattr(lecture_shows, "SHOWS", {"it": Show(commands, figures, **more)})
    monkeypatch.setattr(lectures, "PAGE", tmp_path / "lectures.md")
    monkeypatch.setattr(lectures, "MEASURED", tmp_path / "measured.json")
    return lectures.Page()


def item(page):
    return page.items["Das"]["Nets"][0]


def test_texts_in_cells_stand_for_themselves(monkeypatch, tmp_path):
    page = one(monkeypatch, tmp_path, Printed("a|b", "<1 %"), word="less")
    row = (
        "| A &lt;slide&gt; \\| of two | `kerasnets show LeNet5` | a\\|b | &lt;1 % | **printed only**: less |"
    )
    assert row in page.text().splitlines()
    assert "| on the slides | shown by | figure | printed | remarks |" in page.text()  # no empty column


def test_what_stands_above_is_not_said_again(monkeypatch, tmp_path):
    page = one(monkeypatch, tmp_path, Printed("first", "1 %"), word="less")
    slides = {"Das": {"Nets": (("One", "it"),), "More nets": (("Two", "it"),)}}
    monkeypatch.setattr(lecture_rows, "SLIDES", slides)
    page = lectures.Page()
    text = page.text()
    assert text.count("1 %") == 1
    assert "| Two | `kerasnets show LeNet5` | **printed only**: as in [Nets](#das-nets) |" in text
    assert lectures.check_links(page) == []


def test_figures_come_from_where_they_stand(monkeypatch, tmp_path):
    figures = (
        Cells("mobilenet-body"),
        Cells("mobilenet-body", "Conv dw, 9", "stride"),
        Cells("small-kernels", "5x5", "additions"),
        Net("LeNet5"),
        Errors("He et al. 2016, table 6", ("ResNet20",)),
        Errors("Labate 2024, overview", ("Xception",)),
        Temperature("a, b", (0.9, 0.1), (0.75, 0.25)),
    )
    lines = item(one(monkeypatch, tmp_path, *figures)).lines
    body, stride, additions, counts, error, misprint, soft = (
        (line.printed, line.here, line.state) for line in lines
    )
    assert body[1].endswith(" agree, 1 differs")
    assert stride == ("s2", "s1", lectures.DIFFERS)
    assert additions == ("600", "600", lectures.SHOWN)
    assert counts[1] == "60.8k parameters, 327k multiply-adds"
    assert error[0] == "8.75 %"
    assert error[2] == lectures.PRINTED_ONLY
    assert error[1].endswith("% (weights)")
    assert misprint[::2] == ("top-5 5.5 %", lectures.DIFFERS)
    assert soft[1] == "T = 2.0"


@pytest.mark.parametrize(
    ("values", "less", "state"),
    [
        (((3, 1), (2, 0.5)), True, lectures.DIFFERS),  # within the deviation
        (((30, 1), (20, 2)), True, lectures.SHOWN),
        (((30, 1), (20, 2), (25, 2)), True, lectures.DIFFERS),
        (((30, 1), (20, 2)), False, lectures.DIFFERS),
        (((20, None), (30, None)), False, lectures.SHOWN),
    ],
)
def test_what_a_slide_says_is_judged_by_the_measures(values, less, state):
    rows = [{"mean": mean, "deviation": deviation} for mean, deviation in values]
    assert lectures.judge(rows, less)[1] == state


@pytest.mark.parametrize(
    ("printed", "mean", "kind", "said"),
    [
        ("74", 96, "count", "22 more"),
        ("146", 147, "count", "as printed, within chance"),
        ("87 %", 0.913, "share", "4.3 points more"),
        ("98.6 %", 0.99, "share", "as printed, within chance"),
    ],
)
def test_how_far_a_figure_is_from_print(printed, mean, kind, said):
    figure = Measure("", "", "", printed, kind, True)
    words, state = lectures.gap(figure, {"mean": mean})
    assert words == said
    assert (state == lectures.SHOWN) == said.startswith("as printed")


@pytest.fixture
def experiments(monkeypatch, tmp_path):
    """Two experiments of one recipe, whose measures the page has."""
    kinds = {
        f"class_trees{more}": Experiment(
            f"python recipes/class_trees.py {words}", measures="experiments.measures"
        )
        for more, words in (("", "--runs 2"), ("-shuffled", "--tree shuffled"))
    } | {"net2net": Experiment("python recipes/net2net.py")}
    monkeypatch.setattr(lecture_shows, "EXPERIMENTS", kinds)
    figures = (
        *(Measure(name, "path: errors", "path", "40") for name in list(kinds)[:2]),
        Measure("net2net", "wider: epochs to 95%", "wider, epochs"),
    )
    claim = Claim("class_trees", ("labels: errors", "path: errors"))
    return lambda: one(monkeypatch, tmp_path, *figures, claim=claim)


def results(folder, settings, **content):
    folder.mkdir(parents=True)
    files.write_json(folder / "results.json", content)
    if settings:
        files.write_json(folder / "experiment.json", {"seed": 0, "smoke": False, **settings})
    return str(folder)


def test_records(experiments, recipe, tmp_path, capsys):
    assert {line.here for line in item(experiments()).lines} == {lectures.WAITING}
    assert item(experiments()).state == lectures.WAITING
    measures = {
        name: {"mean": m, "deviation": 2.0, "values": []}
        for name, m in (("labels: errors", 46.3333333), ("path: errors", 41))
    }
    several = results(tmp_path / "several", {}, seeds=[0, 1], measures=measures)
    results(tmp_path / "several/seed0", dict(dataset="digits", tree="binary", epochs=12), nets={})
    nets = {"labels": {"errors": 50}, "path": {"errors": 48}}
    single = results(tmp_path / "single", dict(tree="shuffled", seed=3, epochs=12), nets=nets, seed=3)
    wide = {"wider": {"mean": 0.97, "deviation": 0.01, "values": []}}
    net2net = results(tmp_path / "n", {}, seeds=[0], measures=wide, epochs={"wider": {"95%": 4, "99%": None}})
    recipe("--record", several, single, net2net, "--out", tmp_path / "lectures.md")
    assert f"{single}: recorded as class_trees-shuffled" in capsys.readouterr().out
    stored = json.loads((tmp_path / "measured.json").read_text())
    assert stored["class_trees"]["measures"]["labels: errors"] == {"mean": 46.3333, "deviation": 2.0}
    assert (stored["class_trees-shuffled"]["seeds"], stored["class_trees"]["epochs"]) == ([3], 12)
    assert "| path | 40 | 41.0 ± 2.0 |" in (tmp_path / "lectures.md").read_text()
    found = item(experiments())
    assert [line.here for line in found.lines] == ["41.0 ± 2.0", "48", "4"]
    assert found.lines[0].words[-1] == "digits, 12 epochs, 2 seeds"
    assert found.word.startswith("in the order that the slide says")
    assert found.state == lectures.SHOWN


def test_trials_stand_beside_what_is_printed_of_them(monkeypatch, recipe, tmp_path):
    trial = Trial("stochastic"), Trial("slim, CIFAR-10")
    command = "python recipes/principles.py stochastic"
    kinds = {"stochastic": Experiment(command, measures="experiments.measures")}
    monkeypatch.setattr(lecture_shows, "EXPERIMENTS", kinds)
    waiting = item(one(monkeypatch, tmp_path, *trial))
    assert waiting.state == lectures.WAITING
    assert [line.printed for line in waiting.lines[:2]] == ["6.41", "5.23"]
    assert waiting.lines[2].state == lectures.PRINTED_ONLY
    for dropped, state in ((97.0, lectures.SHOWN), (95.0, lectures.DIFFERS)):
        rows = {"all units": 96.0, "dropped units": dropped}
        names = principles.EXPERIMENTS["stochastic"].measures
        values = {
            f"{net}: {name}": {"mean": mean, "deviation": 0.1} for net, mean in rows.items() for name in names
        }
        folder = results(tmp_path / f"{dropped}", {}, seeds=[0, 1], measures=values)
        results(tmp_path / f"{dropped}/seed0", dict(experiment="stochastic", epochs=15))
        recipe("--record", folder)
        found = item(one(monkeypatch, tmp_path, *trial))
        assert found.lines[1].here == f"{dropped} ± 0.1"
        assert found.state == state
        assert found.lines[0].words[-2:][0] == "digits, 15 epochs, 2 seeds"


def test_a_folder_of_no_known_experiment_is_refused(experiments, recipe, tmp_path, capsys):
    experiments()
    other = results(tmp_path / "other", dict(tree="kmeans"), nets={"path": {"errors": 48}})
    nets = {name: {"errors": 48} for name in ("labels", "path")}
    good = results(tmp_path / "good", dict(tree="binary"), nets=nets)
    foreign = results(tmp_path / "foreign", {}, nets={"path": 48})
    for words, message in (
        ((good, other), "none that the page has"),
        ((good, f"clas_trees={good}"), "class_trees"),
        ((tmp_path / "no",), "results.json"),
        ((f"net2net={good}",), "wider: epochs to 95%"),
        ((good, foreign), "none that the page has"),
        ((good, f"class_trees={foreign}"), "not those of the command of class_trees"),
    ):
        with pytest.raises(SystemExit) as ended:
            recipe("--record", *words)
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "measured.json").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(commands=("kerasnets show LeNet6",)), "LeNet6"),
        (dict(commands=("kerasnets profile LeNet5 --alhpa 2",)), "--alhpa"),
        (dict(commands=("kerasnets sow LeNet5",)), "sow"),
        (dict(commands=("kerasnets compare LeNet5 LeNet5 --plott a.svg",)), "--plott"),
        (dict(commands=("python recipes/degradations.py",)), "degradations"),
        (dict(commands=("python recipes/degradation.py --epoch 0",)), "at least 1"),
        (dict(commands=("python recipes/reproduce_tables.py goglenet",)), "'googlenet'"),
        (dict(commands=("python recipes/train.py lenet6_mnist",)), "lenet5_mnist"),
        (dict(commands=("rm -r runs",)), "rm -r runs"),
        (dict(word="[there](tables.md#nowhere)"), "dead link: tables.md#nowhere"),
        (dict(word="[there](nowhere.md)"), "dead link: nowhere.md"),
        (dict(figures=(Cells("googlenet", "conv9"),)), "conv9"),
        (dict(figures=(Errors("He et al. 2016", ("LeNet5",)),)), "LeNet5"),
        (dict(commands=("kerasnets compare LeNet5 ResNet20 --protocol cifar10",)), "LeNet5"),
        (dict(commands=("kerasnets compare 'LeNet5(a'",)), "LeNet5(a"),
    ],
)
def test_check_finds_what_is_wrong(changes, message, recipe, monkeypatch, tmp_path, capsys):
    figures = changes.pop("figures", ()) if "figures" in changes else ()
    page = one(monkeypatch, tmp_path, *figures, **changes)
    files.write_text(lectures.PAGE, page.text())
    monkeypatch.setattr(lecture_shows, "EXPERIMENTS", {})
    with pytest.raises(SystemExit) as ended:
        recipe("--check")
    assert ended.value.code == 1
    assert message in capsys.readouterr().out


def test_check_finds_a_stale_page(recipe, monkeypatch, tmp_path, capsys):
    one(monkeypatch, tmp_path, Net("LeNet5"))
    monkeypatch.setattr(lecture_shows, "EXPERIMENTS", {})
    for status, message in ((1, "out of date"), (0, "up to date")):
        with pytest.raises(SystemExit) as ended:
            recipe("--check")
        assert ended.value.code == status
        assert message in capsys.readouterr().out
        recipe("--out", lectures.PAGE)
    lectures.PAGE.write_text(lectures.PAGE.read_text() + "\n")
    with pytest.raises(SystemExit) as ended:
        recipe("--check")
    assert ended.value.code == 1


def test_lists_and_refusals(recipe, monkeypatch, tmp_path, capsys):
    one(monkeypatch, tmp_path, Net("LeNet5"))
    recipe("--list", "Das")
    assert "$ kerasnets show LeNet5" in capsys.readouterr().out
    for words, message in ((("--list", "Dass"), "Das"), (("--out", "page.txt"), ".md")):
        with pytest.raises(SystemExit) as ended:
            recipe(*words)
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
