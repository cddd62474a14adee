"""Exports that are killed, that run at once and that find no room."""

import errno
import os
import pathlib
import signal
import subprocess
import sys

import keras
import pytest
import tensorflow as tf
from keras import layers

from kerasnets.serving import export, versions

# Forks a child for each export, before TensorFlow has started a thread. To be killed, a child kills itself at
# one of the events that Python tells of files and folders; moments are spread over those of a whole export.
PROGRAM = """
import os, pathlib, signal, sys
import keras
from keras import layers
from kerasnets.serving import export

EVENTS = ("open", "os.", "shutil.", "tempfile.")


def run(root, moment=None):
    count = 0

    def watch(event, arguments):
        nonlocal count
        if event.startswith(EVENTS) and any(str(root) in str(a) for a in arguments):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    net = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)], name="net")
    export(net, root, preprocess="none")
    return count


def start(*roots, moment=None):
    receive, send = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(send, str([run(root, moment) for root in roots]).encode())
        finally:
            os._exit(0)
    os.close(send)
    return pid, os.fdopen(receive)


def end(pid, pipe):
    return pipe.read(), os.waitpid(pid, 0)[1]


root = pathlib.Path(sys.argv[1])
counts, _ = end(*start(root / "untouched"))
(events,) = eval(counts)
for i in range(10):
    _, status = end(*start(root / str(i), moment=1 + i * (events - 1) // 9))
    print(os.WIFSIGNALED(status) and os.WTERMSIG(status))
print(len(eval(end(*start(*(root / str(i) for i in range(10))))[0])))
for exporter in [start(*[root / "both"] * 3) for _ in range(2)]:
    print(len(eval(end(*exporter)[0])))
"""


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The root of all exports of the program, and what it says."""
    root = tmp_path_factory.mktemp("exports")
    command = [sys.executable, "-c", PROGRAM, root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return root, done.stdout.split()


def small():
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)], name="net")


def check_whole(version):
    loaded = tf.saved_model.load(str(version))
    scores = loaded.signatures["serving_default"](images=tf.ones((1, 8, 8, 3)))["probabilities"]
    assert scores.shape == (1, 2)
    assert (version / "assets" / "class_names.txt").read_text() == "0\n1\n"
    assert (version / "assets.extra" / "model_card.json").is_file()


def names(folder):
    """What is in a folder, but for the lock that stays in a root."""
    return sorted(p.name for p in folder.iterdir() if p.name != versions.LOCK)


def test_killed_at_ten_moments(exports):
    root, said = exports
    assert said[:10] == [str(int(signal.SIGKILL))] * 10
    assert said[10] == "10"  # exports after that, into the same folders
    found = [versions.versions(root / str(i) / "net") for i in range(10)]
    # The first moments come before a version is there, the last one after; no unfinished folder is left.
    assert found[0] == [1]
    assert found[-1] == [1, 2]
    assert all(numbers in ([1], [1, 2]) for numbers in found)
    for i, numbers in enumerate(found):
        assert names(root / str(i)) == ["batching.config", "models.config", "net"]
        assert names(root / str(i) / "net") == [str(n) for n in numbers]
        check_whole(root / str(i) / "net" / "1")
        last = f'key: "canary" value: {numbers[-1]}'
        assert last in (root / str(i) / "models.config").read_text()


def test_exporters_at_once_get_versions_of_their_own(exports):
    root, said = exports
    assert said[11:] == ["3", "3"]
    assert names(root / "both" / "net") == ["1", "2", "3", "4", "5", "6"]
    for i in range(1, 7):
        check_whole(root / "both" / "net" / str(i))
    assert 'key: "canary" value: 6' in (root / "both" / "models.config").read_text()


def test_the_same_version_at_once_is_written_once(tmp_path, monkeypatch):
    sync = versions.sync

    def overtaken(part):
        monkeypatch.setattr(versions, "sync", sync)
        export(small(), tmp_path, version=3, preprocess="none")
        sync(part)

    monkeypatch.setattr(versions, "sync", overtaken)
    with pytest.raises(ValueError, match="`version` is one that does not exist yet"):
        export(small(), tmp_path, version=3, preprocess="none")
    assert names(tmp_path / "net") == ["3"]
    check_whole(tmp_path / "net" / "3")


@pytest.mark.parametrize("kilobytes", [4, 16, 32])
def test_a_full_disk_leaves_nothing_behind(kilobytes, tmp_path):
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k"]
    if subprocess.run(["mount", *options, "tmpfs", tmp_path], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with pytest.raises(OSError, match="(?i)no space left"):
            export(small(), tmp_path / "models", preprocess="none")
        assert names(tmp_path / "models") == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize("function", ["fsync", "rename"])
def test_what_fails_leaves_nothing_behind(function, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    export(small(), tmp_path, preprocess="none")
    monkeypatch.setattr(os if function == "fsync" else pathlib.Path, function, fail)
    with pytest.raises(OSError, match="No space left"):
        export(small(), tmp_path, preprocess="none")
    assert names(tmp_path / "net") == ["1"]
    check_whole(tmp_path / "net" / "1")
