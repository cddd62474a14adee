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

EVENTS = ("open", "os.", "shutil.", "tempfile.")  # what Python tells of files and folders


def small():
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)], name="net")


def export_until(moment, root):
    """Exports a net, and is killed at the moment of one of its events. Gives how many there are."""
    count = 0

    def watch(event, arguments):
        nonlocal count
        if event.startswith(EVENTS) and any(str(root) in str(a) for a in arguments):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    export(small(), root, preprocess="none")
    return count


def export_into(*roots):
    for root in roots:
        export(small(), root, preprocess="none")


def check_whole(version):
    loaded = tf.saved_model.load(str(version))
    scores = loaded.signatures["serving_default"](images=tf.ones((1, 8, 8, 3)))["probabilities"]
    assert scores.shape == (1, 2)
    assert (version / "assets" / "class_names.txt").read_text() == "0\n1\n"
    assert (version / "assets.extra" / "model_card.json").is_file()


def names(folder):
    """What is in a folder, but for the lock that stays in a root."""
    return sorted(p.name for p in folder.iterdir() if p.name != versions.LOCK)


def test_killed_at_five_moments(apart, tmp_path):
    """Spread over those of a whole export. Then there is an export into each of the same folders."""
    [events] = apart((export_until, None, tmp_path / "untouched"))
    roots = [tmp_path / str(i) for i in range(5)]
    moments = [1 + i * (events - 1) // 4 for i in range(5)]
    assert apart(*zip([export_until] * 5, moments, roots, strict=True)) == [-signal.SIGKILL] * 5
    export_into(*roots)
    found = [versions.versions(root / "net") for root in roots]
    # The first moments come before a version is there, the last one after; no unfinished folder is left.
    assert found[0] == [1]
    assert found[-1] == [1, 2]
    assert all(numbers in ([1], [1, 2]) for numbers in found)
    for root, numbers in zip(roots, found, strict=True):
        assert names(root) == ["batching.config", "models.config", "net"]
        assert names(root / "net") == [str(n) for n in numbers]
        check_whole(root / "net" / "1")
        assert f'key: "canary" value: {numbers[-1]}' in (root / "models.config").read_text()


def test_exporters_at_once_get_versions_of_their_own(apart, tmp_path):
    apart(*[(export_into, *[tmp_path] * 2)] * 2)
    assert names(tmp_path / "net") == ["1", "2", "3", "4"]
    for i in range(1, 5):
        check_whole(tmp_path / "net" / str(i))
    assert 'key: "canary" value: 4' in (tmp_path / "models.config").read_text()


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
