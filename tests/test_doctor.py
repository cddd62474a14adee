import json
import os
import sys
import urllib.error
import urllib.request
from importlib import metadata

import pytest

from kerasnets import cli
from kerasnets.cli import doctor

PROGRAM = doctor.PROGRAM
WORKS = "import json; print('noise'); print(json.dumps({'name': 'jax', 'devices': ['cpu:0'], 'home': None}))"
ROWS = [
    "numpy>=1.26",
    "nosuchpackage>=2; extra == 'plots'",
    'numpy>=999; extra == "old"',
    "kerasnets[old,plots]; extra == 'test'",
]


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No network, no caches of this machine, and a backend that works."""
    monkeypatch.setattr(doctor, "PROGRAM", WORKS)
    monkeypatch.setenv("KERASNETS_MIRROR", str(tmp_path))
    for name in ("KERAS_HOME", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def found(capsys):
    """Function that runs the command; gives its exit status and its data."""

    def run():
        status = cli.main(["doctor", "--json"])
        out, err = capsys.readouterr()
        assert err == ""
        return status, json.loads(out)

    return run


def test_what_is_there(found, tmp_path, capsys):
    (tmp_path / "KERAS_HOME" / "kerasnets").mkdir(parents=True)
    (tmp_path / "KERAS_HOME" / "kerasnets" / "a.h5").write_bytes(b"12345")
    status, data = found()
    assert (status, data["backend"]["name"], data["backend"]["devices"]) == (0, "jax", ["cpu:0"])
    assert data["versions"]["numpy"] == metadata.version("numpy")
    assert data["memory"]["total"] is None or data["memory"]["total"] > 2**20
    counts = [(c["files"], c["bytes"], c["error"]) for c in data["caches"]]
    assert counts == [(1, 5, None), (1, 5, None), (0, 0, None)]
    assert data["network"] == [{"name": "KERASNETS_MIRROR", "url": str(tmp_path), "answer": "is there"}]
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert "backend    jax works: cpu:0" in lines


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("raise ImportError('no libcuda\\n in here')", "ImportError: no libcuda"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import time; time.sleep(60)", "no answer"),
        ("print('no json')", "no json"),
        ("raise SystemExit(3)", "status 3"),
    ],
)
def test_a_backend_that_is_broken(found, monkeypatch, program, error):
    monkeypatch.setattr(doctor, "PROGRAM", program)
    monkeypatch.setattr(doctor, "WAIT", 5 if "sleep" not in program else 0.2)
    status, data = found()
    assert status == 1
    assert error in data["backend"]["error"]
    assert "fails: " in doctor.text_of(data)


def test_nothing_is_there(found, monkeypatch):
    """No packages, no Python, and caches that cannot be read."""

    def broken(*args, **kwargs):
        raise PermissionError(13, "not allowed")

    monkeypatch.setattr(metadata, "version", broken)
    monkeypatch.setattr(metadata, "metadata", broken)
    monkeypatch.setattr(os, "walk", lambda folder, onerror: onerror(PermissionError(13, "shut")) or [])
    monkeypatch.setattr(doctor.shutil, "disk_usage", broken)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    for name in ("keras", "numpy", "rich", "packaging", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)
    status, data = found()
    assert status == 1
    assert "cannot be started" in data["backend"]["error"]
    assert {data["versions"][name] for name in doctor.PACKAGES} == {None}
    assert data["disk"]["free"] is None
    assert all("shut" in row["error"] for row in data["caches"])


def test_extras_that_lack_something(monkeypatch):
    own = metadata.metadata("kerasnets")
    monkeypatch.setattr(type(own), "get_all", lambda *args: ["plots", "old", "test"])
    monkeypatch.setattr(metadata, "requires", lambda name: ROWS)
    version = metadata.version("numpy")
    missing = {name: state["missing"] for name, state in doctor.extras_of().items()}
    lacks = ["nosuchpackage (not installed)"], [f"numpy ({version} is not >=999)"]
    assert missing == {"kerasnets": [], "plots": lacks[0], "old": lacks[1], "test": lacks[1] + lacks[0]}


def test_hosts(found, monkeypatch):
    monkeypatch.delenv("KERASNETS_MIRROR")
    monkeypatch.setenv("HF_ENDPOINT", "https://me:secret@hub.example")
    asked = []

    def opened(request, timeout):
        asked.append(request.full_url)
        if "github" in request.full_url:
            raise urllib.error.HTTPError(request.full_url, 404, "Not Found", None, None)
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", opened)
    data = found()[1]
    answers = {row["name"]: row["answer"] for row in data["network"]}
    assert (answers["github.com"], answers["Hugging Face hub"]) == ("answers", "does not answer: no route")
    assert "secret" not in json.dumps(data)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked.clear()
    answers = {row["name"]: row["answer"] for row in found()[1]["network"]}
    assert "HF_HUB_OFFLINE" in answers["Hugging Face hub"]
    assert not any("hub.example" in url for url in asked)
    monkeypatch.setenv("KERASNETS_MIRROR", "/no/such/folder")
    assert [row["answer"] for row in found()[1]["network"]] == ["is not there"]


def test_the_program_runs_as_it_is():
    """In this process, in which Keras is there already."""
    told = []
    exec(compile(PROGRAM, "program", "exec"), {"print": told.append})
    data = json.loads(told[0])
    assert data["name"] == "tensorflow"
    assert data["devices"]
