"""Files for other runtimes whose export is killed, that find no room, and whose net is large."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.graph import no_values
from kerasnets.serving import export_file, formats, versions
from kerasnets.serving.runtimes import RUNTIMES

# Kilobytes of disks that have no room for the model's file, or only for it; the last has room.
SIZES = {
    "onnx": (12, 16, 64),
    "litert": (12, 20, 64),
    "litert_int8": (4, 64),
    "openvino": (12, 20, 64),
    "openvino_int8": (12, 64),
}
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype("uint8")


def small():
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(20)], name="net")


def write(form, root, net=None):
    for package in formats.FORMATS[form].packages:
        pytest.importorskip(package)
    calibration = None if formats.FORMATS[form].exact else IMAGES
    return export_file(net or small(), root, form, preprocess="none", calibration=calibration)


def names(folder):
    return sorted(p.name for p in folder.rglob("*") if p.name != versions.LOCK)


def check_whole(form, path):
    """Refuses a file that its runtime cannot read, or that has no model card."""
    given = RUNTIMES[formats.FORMATS[form].runtime].open(path, "float32", None).run(IMAGES.astype("float32"))
    assert given["probabilities"].shape == (4, 20)
    assert json.loads(versions.card_path(path).read_text())["format"] == form


@pytest.mark.parametrize("form", formats.FORMATS)
def test_killed_at_every_moment(form, tmp_path, monkeypatch):
    """What is on the disk just before each flush and each renaming is what a killed exporter leaves."""
    root, moments = tmp_path / "root", []

    def watched(function):
        def call(*args, **kwargs):
            if root.exists():
                moments.append(shutil.copytree(root, tmp_path / f"{len(moments)}"))
            return function(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", watched(os.fsync))
        patch.setattr(pathlib.Path, "rename", watched(pathlib.Path.rename))
        path = write(form, root)
    whole = names(root / "net")
    assert len(moments) >= 2 * len(whole)  # each file is flushed and renamed
    for moment in moments:
        folder = moment / "net"
        published = (folder / path.name).exists()
        if published:
            check_whole(form, folder / path.name)
        with versions.staged(folder) as part:  # the next exporter, which fails
            assert names(folder) == sorted([*(whole if published else ()), part.parent.name, part.name])
        assert (names(folder) if published else names(moment)) == (whole if published else [])
    check_whole(form, path)
    assert whole == names(root / "net")


def write_until_renamed(root):
    """Writes files, and is killed when all but the last of them have their names."""

    def watch(event, arguments):
        if event == "os.rename" and str(arguments[1]).endswith(".xml"):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    write("openvino", root)


def test_what_a_killed_exporter_has_renamed_is_removed(apart, tmp_path):
    pytest.importorskip("openvino")
    assert apart((write_until_renamed, tmp_path)) == [-signal.SIGKILL]
    assert set(names(tmp_path / "net")) > {"1.bin", "1.xml.json", "0.xml"}
    check_whole("openvino", write("openvino", tmp_path))
    assert names(tmp_path / "net") == ["1.bin", "1.xml", "1.xml.json"]


@pytest.fixture
def disk(tmp_path):
    """A function that mounts a disk of so many kilobytes."""
    mounted = []

    def mount(kilobytes):
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={kilobytes}k"]
        if subprocess.run(["mount", *options, "tmpfs", place], capture_output=True, check=False).returncode:
            pytest.skip("no disk can be mounted here")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("form", formats.FORMATS)
def test_a_full_disk_leaves_no_file_behind(form, disk):
    *full, enough = SIZES[form]
    for kilobytes in full:
        root = disk(kilobytes) / "models"
        with pytest.raises(OSError, match="(?i)no space left"):
            write(form, root)
        assert names(root) == []
    check_whole(form, write(form, disk(enough)))


def test_a_full_folder_of_temporary_files_leaves_no_file_behind(disk, tmp_path, monkeypatch):
    place = disk(4)
    (place / "full").write_bytes(bytes(4096))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with pytest.raises(OSError, match="(?i)no space left"):
        write("litert", tmp_path / "models")
    assert names(tmp_path / "models") == []
    assert names(place) == ["full"]


def test_a_root_that_cannot_be_written_to_is_named(disk, tmp_path):
    place = disk(64)
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    with pytest.raises(OSError, match=str(place)):
        write("litert", place / "models")


@pytest.mark.parametrize("step", ["write", "rename"])
def test_an_export_that_is_interrupted_leaves_no_file_behind(step, tmp_path, monkeypatch):
    """By Ctrl-C while the converter works, or when all but the last file have their names."""
    rename = pathlib.Path.rename

    def stop(path, target):
        if target.suffix == ".xml":
            raise KeyboardInterrupt
        return rename(path, target)

    def interrupt(net, path, images):
        path.write_text("unfinished")
        raise KeyboardInterrupt

    if step == "write":
        row = dataclasses.replace(formats.FORMATS["openvino"], write=interrupt)
        monkeypatch.setitem(formats.FORMATS, "openvino", row)
    else:
        monkeypatch.setattr(pathlib.Path, "rename", stop)
    with pytest.raises(KeyboardInterrupt):
        write("openvino", tmp_path)
    assert names(tmp_path) == []


def test_a_net_that_is_too_large_for_onnx_is_refused(tmp_path):
    pytest.importorskip("tf2onnx")
    with no_values():
        net = keras.Sequential([keras.Input((64, 64, 3)), layers.Flatten(), layers.Dense(44_000)])
    with pytest.raises(ValueError, match="`model` is a net of at most 1.98 GB for files of"):
        write("onnx", tmp_path / "models", net)
    assert names(tmp_path) == []
