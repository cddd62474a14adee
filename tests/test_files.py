"""Files that are written whole or not at all."""

import concurrent.futures
import os
import stat
import subprocess
import sys
import time

import h5py
import keras
import numpy as np
import pytest

from kerasnets import files


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "data"
    files.write_bytes(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    files.write_text(str(path), "über\r\nzwei\n")
    assert path.read_bytes() == b"\xc3\xbcber\r\nzwei\n"
    data = {"a": [1, None, "ü"], "b": {"c": 0.5}}
    files.write_json(path, data)
    assert files.read_json(path) == data
    assert path.read_text(encoding="utf-8").endswith("}\n")
    assert names(tmp_path) == ["data"]


def test_the_part_is_beside_and_ends_as_the_file_does(tmp_path):
    with files.replacing(tmp_path / "net.weights.h5") as part:
        assert part.parent == tmp_path
        assert part.name.endswith("net.weights.h5")
        assert part.name.startswith(".")
        assert not part.exists()
        part.write_text("new")
        assert not (tmp_path / "net.weights.h5").exists()
    assert names(tmp_path) == ["net.weights.h5"]


def test_writers_that_tell_formats_by_endings(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with files.replacing(tmp_path / "net.weights.h5") as part:
        model.save_weights(part)
    with files.replacing(tmp_path / "net.keras") as part:
        model.save(part)
    with files.replacing(tmp_path / "data.npy") as part:
        np.save(part, np.ones(3))
    with files.replacing(tmp_path / "data.h5") as part, h5py.File(part, "w") as file:
        file["x"] = 3
    assert names(tmp_path) == ["data.h5", "data.npy", "net.keras", "net.weights.h5"]
    assert np.load(tmp_path / "data.npy").tolist() == [1, 1, 1]
    kernel = model.get_weights()[0]
    assert np.array_equal(keras.saving.load_model(tmp_path / "net.keras").get_weights()[0], kernel)
    assert {mode(path) for path in tmp_path.iterdir()} == {mode_of_new_files(tmp_path)}


def mode_of_new_files(folder):
    path = folder / "mode"
    path.touch()
    try:
        return mode(path)
    finally:
        path.unlink()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_new_file_has_the_permissions_of_the_umask(umask, expected, tmp_path):
    before = os.umask(umask)
    try:
        files.write_text(tmp_path / "new", "text")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == expected


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("kept", [0o600, 0o666])
def test_a_file_that_is_replaced_keeps_its_permissions(kept, tmp_path):
    path = tmp_path / "old"
    path.write_text("old")
    path.chmod(kept)
    files.write_text(path, "new")
    assert (path.read_text(), mode(path)) == ("new", kept)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("there", [True, False])
def test_a_failing_body_leaves_what_was_there(error, there, tmp_path):
    path = tmp_path / "file.txt"
    if there:
        path.write_text("old")

    def fail():
        with files.replacing(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == (["file.txt"] if there else [])
    assert not there or path.read_text() == "old"


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(function, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    path = tmp_path / "file.txt"
    path.write_text("old")
    monkeypatch.setattr(os, function, fail)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(path, "new")
    assert names(tmp_path) == ["file.txt"]
    assert path.read_text() == "old"


def test_a_body_that_writes_nothing_fails(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), files.replacing(path):
        pass
    assert path.read_text() == "old"


def test_a_damaged_file_is_named(tmp_path):
    for content in (b"{", b"", b"\xff"):
        (tmp_path / "data.json").write_bytes(content)
        with pytest.raises(ValueError, match="data.json is damaged"):
            files.read_json(tmp_path / "data.json")


def test_a_missing_folder_is_an_error_and_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder: .*missing'$"):
        files.write_text(tmp_path / "missing" / "file.txt", "new")
    assert names(tmp_path) == []


def test_a_link_stays_one_and_its_file_is_replaced(tmp_path):
    (tmp_path / "disk").mkdir()
    for name, target in (("old", "disk/a"), ("dangling", "disk/b")):
        (tmp_path / name).symlink_to(target)
    (tmp_path / "disk" / "a").write_text("old")
    for name, target in (("old", "disk/a"), ("dangling", "disk/b")):
        files.write_text(tmp_path / name, "new")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / target).read_text() == "new"
    assert names(tmp_path) == ["dangling", "disk", "old"]
    assert names(tmp_path / "disk") == ["a", "b"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_what_is_no_regular_file_is_refused_before_it_is_written(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "folder", "link"):
        with pytest.raises(OSError, match=f"not a regular file: .*{name}"), files.replacing(tmp_path / name):
            pytest.fail("the body runs")
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)
    assert names(tmp_path) == ["folder", "link", "pipe"]


@pytest.mark.parametrize("name", ["n" * 244 + ".weights.h5", "é" * 125 + ".txt"])
def test_names_may_be_as_long_as_the_disk_allows(name, tmp_path):
    files.write_text(tmp_path / name, "new")
    assert names(tmp_path) == [name]


def test_data_that_json_cannot_hold_touches_nothing(tmp_path):
    path = tmp_path / "data.json"
    path.write_text("{}")
    with pytest.raises(TypeError):
        files.write_json(path, {"a": object()})
    assert files.read_json(path) == {}
    assert names(tmp_path) == ["data.json"]


def test_writers_at_once_each_write_a_whole_file(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([65 + i]) * 100_000 for i in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: [files.write_bytes(path, content) for _ in range(10)], contents))
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["file"]


def test_flushed_before_it_is_renamed(tmp_path, monkeypatch):
    """The content is on the disk before the file has its name, and the name before the writer goes on."""
    events = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        status = os.fstat(descriptor)
        events.append("folder" if stat.S_ISDIR(status.st_mode) else status.st_size)
        fsync(descriptor)

    def replaced(part, path):
        events.append("replace")
        replace(part, path)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    files.write_bytes(tmp_path / "file", b"12345")
    assert events == [5, "replace", "folder"][: 3 if hasattr(os, "O_DIRECTORY") else 2]


def test_where_folders_cannot_be_opened(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_DIRECTORY", raising=False)
    files.write_text(tmp_path / "file", "text")
    assert (tmp_path / "file").read_text() == "text"


def test_what_killed_writers_left_goes_after_a_day(tmp_path):
    program = "import os, sys; from kerasnets import files\nwith files.replacing(sys.argv[1]) as p:\n"
    program += "    p.write_text('half'); os._exit(9)"
    path = tmp_path / "file.txt"
    assert subprocess.run([sys.executable, "-c", program, path], check=False).returncode == 9
    [part] = tmp_path.iterdir()
    files.write_text(path, "new")
    files.write_text(tmp_path / "other.txt", "new")
    assert part.exists()  # its writer may still be at work
    old = time.time() - 2 * files.STALE
    os.utime(part, (old, old))
    files.write_text(tmp_path / "other.txt", "new")
    assert part.exists()
    files.write_text(path, "new")
    assert names(tmp_path) == ["file.txt", "other.txt"]
