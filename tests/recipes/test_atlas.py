"""The command of the atlas: what it refuses, keeps, makes anew and removes."""

import pathlib
import subprocess
import sys

import pytest

import atlas
from atlas_pages import api, documents, records, seen

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(autouse=True)
def made(monkeypatch):
    """The names of the nets whose records were made. Pages that have nothing to do with nets are left out."""
    names, make = [], records.make

    def counted(root, name):
        names.append(name)
        make(root, name)

    monkeypatch.setattr(records, "make", counted)
    monkeypatch.setattr(documents, "write", lambda site: None)
    monkeypatch.setattr(api, "write", lambda root, package, nets: None)
    monkeypatch.setattr(seen, "at_hand", lambda nets, own: [])
    return names


def nets_in(folder):
    names = {path.name.partition(".")[0] for path in (folder / records.FOLDER).iterdir()}
    return sorted(names - {api.PACKAGE})


def pages_in(folder):
    return sorted(path.stem for path in (folder / "nets").glob("*.html"))


def test_writes_the_nets_of_a_pattern(recipe, made, tmp_path, capsys):
    recipe("--out", tmp_path / "a", "--models", "LeNet[14]")
    assert made == nets_in(tmp_path / "a") == pages_in(tmp_path / "a") == ["LeNet1", "LeNet4"]
    assert (tmp_path / "a" / "index.html").exists()
    assert "2 nets" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "a", "--models", "LeNet9*"), "--models"),
        (("--out", "a", "--trained", "none.keras"), "--trained"),
        (("--out", "a", "--images", "none"), "--images"),
        ((), "--out"),
    ],
)
def test_refuses_before_anything_is_made(check_refused, made, words, message):
    check_refused(words, message)
    assert made == []


def test_refuses_a_folder_with_something_else_in_it(recipe, made, tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("keep")
    with pytest.raises(SystemExit):
        recipe("--out", tmp_path, "--models", "LeNet1")
    assert "--out" in capsys.readouterr().err
    assert made == []
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_second_run_makes_no_record_again(recipe, made, tmp_path):
    words = ("--out", tmp_path / "a", "--models", "LeNet1")
    recipe(*words)
    pages = {path: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    recipe(*words)
    assert made == ["LeNet1"]
    assert {path: path.read_bytes() for path in pages} == pages


def ended_by(recipe, words, net, error):
    """With what the command ends if the record of a net raises an error."""
    make = records.make

    def failing(root, name):
        if name == net:
            raise error
        make(root, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "make", failing)
        with pytest.raises(SystemExit) as ended:
            recipe(*words)
    return ended.value.code


def test_goes_on_after_a_kill(recipe, made, tmp_path):
    words = ("--out", tmp_path / "a", "--models", "LeNet[14]")
    assert ended_by(recipe, words, "LeNet4", KeyboardInterrupt()) == 130
    assert nets_in(tmp_path / "a") == made == ["LeNet1"]
    recipe(*words)
    assert made == pages_in(tmp_path / "a") == ["LeNet1", "LeNet4"]


def test_other_code_makes_all_anew(recipe, made, tmp_path, monkeypatch):
    words = ("--out", tmp_path / "a", "--models", "LeNet1")
    recipe(*words)
    monkeypatch.setattr(records, "made_from", lambda: "other code")
    recipe(*words)
    assert made == ["LeNet1", "LeNet1"]


def test_pages_of_nets_that_are_no_longer_chosen_are_removed(recipe, made, tmp_path):
    recipe("--out", tmp_path / "a", "--models", "LeNet[14]")
    recipe("--out", tmp_path / "a", "--models", "LeNet4")
    assert made == ["LeNet1", "LeNet4"]
    assert pages_in(tmp_path / "a") == ["LeNet4"]
    for page in (tmp_path / "a").glob("*.html"):
        assert "LeNet1.html" not in page.read_text()


def test_a_net_that_fails_is_named_and_the_others_are_kept(recipe, made, tmp_path):
    words = ("--out", tmp_path / "a", "--models", "LeNet[14]")
    code = ended_by(recipe, words, "LeNet1", ValueError("no such layer"))
    assert "LeNet1: no such layer" in code
    assert nets_in(tmp_path / "a") == ["LeNet4"]
    recipe(*words)
    assert made == ["LeNet4", "LeNet1"]
    assert pages_in(tmp_path / "a") == ["LeNet1", "LeNet4"]


def test_a_run_that_is_stopped_before_its_first_record_can_be_repeated(recipe, made, tmp_path, monkeypatch):
    def killed(root, package, nets):
        (root / "api").mkdir()
        raise KeyboardInterrupt

    words = ("--out", tmp_path / "a", "--models", "LeNet1")
    with monkeypatch.context() as patch:
        patch.setattr(api, "make", killed)
        with pytest.raises(SystemExit):
            recipe(*words)
    recipe(*words)
    assert made == ["LeNet1"]


@pytest.mark.parametrize("content", [b"", b"garbage", b"cut"])
def test_a_damaged_record_is_made_anew(tmp_path, content):
    records.save(tmp_path, "LeNet1", records.made_from(), {"name": "LeNet1"})
    path = records.path_of(tmp_path, "LeNet1")
    assert records.found(tmp_path, "LeNet1")
    path.write_bytes(path.read_bytes()[:-12] if content == b"cut" else content)
    assert records.found(tmp_path, "LeNet1") is None


def test_a_page_is_written_without_what_cannot_be_seen(recipe, tmp_path, monkeypatch, capsys):
    def fails(root, weights, images):
        raise ValueError("no such weights")

    monkeypatch.setattr(seen, "at_hand", lambda nets, own: [seen.Weights("LeNet1", "none")])
    monkeypatch.setattr(seen, "make", fails)
    recipe("--out", tmp_path / "a", "--models", "LeNet1")
    assert "LeNet1: its page lacks what it sees: no such weights" in capsys.readouterr().err
    assert pages_in(tmp_path / "a") == ["LeNet1"]


def test_a_full_disk_ends_it_in_one_line(recipe, tmp_path, monkeypatch, capsys):
    def full(root, name):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records, "make", full)
    with pytest.raises(SystemExit) as ended:
        recipe("--out", tmp_path / "a", "--models", "LeNet1")
    assert ended.value.code == 2
    assert "No space left" in capsys.readouterr().err.splitlines()[-1]


def test_processes_end_with_the_command(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(
        "import concurrent.futures, multiprocessing, os, signal, sys\n"
        f"sys.path.insert(0, {str(pathlib.Path(atlas.__file__).parent)!r})\n"
        "import atlas\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    pool = concurrent.futures.ProcessPoolExecutor(1, context, initializer=atlas.follow)\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # It waits until no process has the pipe of the output any more.
    done = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, timeout=60)
    assert int(done.stdout) > 0
