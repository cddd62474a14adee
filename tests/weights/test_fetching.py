"""Files of trained weights come whole into their place, or not at all, and errors say what to do."""

import errno
import hashlib
import http.server
import json
import pathlib
import socket
import sys
import threading
import types
import urllib.parse
import warnings
import zipfile

import pytest
from keras.src.utils import file_utils

from kerasnets import cli
from kerasnets.weights import cache, checkpoints, hashes
from kerasnets.weights.fetching import MIRROR, check_source, fetch, fetch_config, told

CONTENT = b"weights" * 1000
ID, FILE = "timm/net.in1k", "model.safetensors"


def digest(algorithm="sha256", content=CONTENT):
    return hashlib.new(algorithm, content).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of the cache, which is empty; no mirror, and a hub that nobody reaches."""
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path / "keras"))
    monkeypatch.delenv(MIRROR, raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    told.clear()
    return tmp_path / "keras" / "kerasnets"


@pytest.fixture
def source(home, tmp_path):
    """A file elsewhere, which a URL names."""
    path = tmp_path / "web" / "net.pth"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


FORMS = [
    None,
    *(f"{a} {digest(a)}" for a in ("md5", "sha1", "sha256", "sha384")),
    f"sha256 prefix {digest()[:8]}",
    f"sha1 {digest('sha1')} (of the .pth)",
    f"sha256 {digest()} (open_model_zoo)",
    f"sha256 prefix {'0' * 8} (of the .caffemodel behind it)",  # of another file
]


@pytest.mark.parametrize("hash", FORMS)
def test_a_file_is_downloaded_once(hash, home, source):
    options = dict(file="net.pth", url=source.as_uri(), hash=hash, bytes=7000, licence="MIT")
    path = fetch("timm/net", **options)
    assert path == home / "timm" / "net" / "net.pth"
    assert path.read_bytes() == CONTENT
    assert path.with_name("net.pth.sha256").read_text() == f"{digest()}  net.pth\n"
    source.unlink()
    assert fetch("timm/net", **options) == path
    assert names(home) == ["timm", "timm/net", "timm/net/net.pth", "timm/net/net.pth.sha256"]


@pytest.mark.parametrize("hash", [f"sha1 {'0' * 40}", f"sha256 prefix {'0' * 8}"])
def test_another_file_than_the_published_one_is_not_kept(hash, home, source):
    with pytest.raises(OSError, match="was published has") as raised:
        fetch("a/b", file="net.pth", url=source.as_uri(), hash=hash)
    assert f"put net.pth of {source.as_uri()} into {home / 'a' / 'b'}" in str(raised.value)
    assert f"set {MIRROR} to a folder or URL that has a/b/net.pth" in str(raised.value)
    assert not home.exists()


@pytest.mark.parametrize("hash", [None, f"sha256 prefix {digest()[:8]}"])
def test_a_file_without_a_whole_published_hash_stays_what_it_was_at_first(hash, home, source):
    path = fetch("a/b", file="net.pth", url=source.as_uri(), hash=hash)
    other = b"other"
    path.write_bytes(other)
    with pytest.raises(OSError, match="is not used: it has sha256 .* Remove it, or .* clean a/b") as raised:
        fetch("a/b", file="net.pth", url=source.as_uri(), hash=hash)
    assert ("fetched first" in str(raised.value)) == (hash is None)
    assert path.read_bytes() == other  # as the user left it
    path.unlink()
    source.write_bytes(other)  # published anew under the same name
    with pytest.raises(OSError, match="could not be fetched"):
        fetch("a/b", file="net.pth", url=source.as_uri())
    assert not path.exists()
    cache.clean("a/b")
    assert fetch("a/b", file="net.pth", url=source.as_uri()).read_bytes() == other


@pytest.mark.parametrize("placed", [CONTENT, b"other"])
def test_a_file_that_the_user_put_there_is_checked_too(placed, home):
    path = home / "a" / "b" / "net.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(placed)
    facts = dict(file="net.pth", url="http://127.0.0.1:9/net.pth", hash=f"sha1 {digest('sha1')}")
    if placed == CONTENT:
        assert fetch("a/b", **facts) == path
    else:
        with pytest.raises(OSError, match="Remove it"):
            fetch("a/b", **facts)
    assert path.read_bytes() == placed


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (dict(id="../a"), "`id` is the id of a checkpoint"),
        (dict(id="a//b"), "`id` is the id of a checkpoint"),
        (dict(id="/a"), "`id` is the id of a checkpoint"),
        (dict(file="../net.pth"), "`file` is the name of a file"),
        (dict(file="net.sha256"), "`file` is the name of a file"),
        (dict(url=None), "`url` is given where `repo` is not"),
        (dict(url="ftp://a/b"), "`url` is a URL of https"),
        (dict(url="http://127.0.0.1:9/net.pth"), "`url` is a URL of https, since no hash"),
        (dict(repo="timm"), "`repo` is None or a repository"),
        (dict(hash="sha1 " + digest()), "`hash` is None, or an algorithm"),
        (dict(hash="sha256 prefix ab"), "`hash` is None, or an algorithm"),
        (dict(hash="crc32 12345678"), "`hash` is None, or an algorithm"),
        (dict(bytes=-1), "`bytes` is None or a whole number"),
    ],
)
def test_what_is_refused(facts, words, home):
    with pytest.raises(ValueError, match=words):
        fetch(**{**dict(id="a/b", file="net.pth", url="https://127.0.0.1:9/net.pth"), **facts})
    assert not home.exists()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: 10 if self.path == "/broken" else None])

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_plain_http_is_for_files_with_a_hash(server, home, capsys):
    path = fetch("a/b", file="net.pth", url=f"{server}/whole", hash=f"sha256 {digest()}")
    assert path.read_bytes() == CONTENT
    out, err = capsys.readouterr()
    assert out == ""
    assert "7000" in err  # the bar


@pytest.mark.parametrize(("page", "words"), [("missing", "404"), ("broken", "got only 10 out of 7000 bytes")])
def test_a_download_that_fails_leaves_nothing(page, words, server, home):
    with pytest.raises(OSError, match=f"net.pth of a/b could not be fetched: .*{words}.* Run this again"):
        fetch("a/b", file="net.pth", url=f"{server}/{page}", hash=f"sha256 {digest()}")
    assert not home.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("ending", ["", ".zip"])
def test_a_download_that_is_interrupted_leaves_nothing(error, ending, home, monkeypatch):
    def half(url, target, hook):
        pathlib.Path(target).write_bytes(CONTENT[:9])
        assert "net.pth" not in [p.name for p in home.rglob("*")]
        raise error

    monkeypatch.setattr(file_utils, "urlretrieve", half)
    with pytest.raises(type(error), match="No space left .* or put net.pth" if error.args else None):
        fetch("a/b", file="net.pth", url=f"https://127.0.0.1:9/net.pth{ending}")
    assert not home.exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"\n<!DOCTYPE html><title>Log in</title>", "a page of HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:6b0d", "a pointer of git-lfs"),
    ],
)
def test_what_servers_send_in_place_of_a_file(sent, words, home, source):
    source.write_bytes(sent)
    with pytest.raises(OSError, match=f"could not be fetched: {source.as_uri()} gave {words}.*. Run"):
        fetch("a/b", file="net.pth", url=source.as_uri())
    assert not home.exists()


def test_a_full_disk_is_seen_at_once(home):
    with pytest.raises(OSError, match="1,152,921,504,606,846,976 bytes are needed"):
        fetch("a/b", file="net.pth", url="https://127.0.0.1:9/net.pth", bytes=1 << 60)
    assert not home.exists()


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def test_a_file_in_a_zip_file(home, source):
    content = bytes(range(256)) * 9
    packed = zipped(source.with_name("net.pth.zip"), net_pth=content, about_txt=b"a net")
    facts = dict(file="net.pth", url=packed.as_uri(), hash=f"sha1 {digest('sha1', content)} (of the .pth)")
    path = fetch("a/b", **facts)
    assert path.read_bytes() == content
    assert names(path.parent) == ["net.pth", "net.pth.sha256"]
    cache.clean()
    path.parent.mkdir(parents=True)
    packed.rename(path.with_name("net.pth.zip"))  # by hand
    assert fetch("a/b", **facts).read_bytes() == content
    assert names(path.parent) == ["net.pth", "net.pth.sha256", "net.pth.zip"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (dict(net_pth=CONTENT, other_pth=b""), "has 2 files that end in .pth"),
        (dict(net_txt=CONTENT), "has 0 files"),
        (dict(net_pth=bytes(1 << 20)), "claims a file of 1,048,576 bytes"),
        (dict(net_pth=bytes(range(256))), "was published has sha1"),
        (None, "is no zip file"),
    ],
)
def test_a_zip_file_that_has_something_else(members, words, home, source):
    packed = source.with_name("net.zip")
    packed.write_bytes(CONTENT) if members is None else zipped(packed, **members)
    with pytest.raises(OSError, match=f"net.pth of a/b could not be fetched: .*{words}.*put net.zip of"):
        fetch("a/b", file="net.pth", url=packed.as_uri(), hash=f"sha1 {digest('sha1')} (of the .pth)")
    assert not home.exists()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder with a file and a configuration of a repository of the hub."""
    folder = tmp_path / "mirror" / ID
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(CONTENT)
    (folder / "config.json").write_text('{"num_classes": 10}')
    monkeypatch.setenv(MIRROR, str(tmp_path / "mirror"))
    return folder


def test_files_in_a_mirror_are_used_where_they_are(home, mirror):
    assert fetch(ID, file=FILE, repo=ID) == mirror / FILE
    assert fetch_config(ID) == {"num_classes": 10}
    assert cache.cached() == []
    own = cache.path_of(ID, FILE)
    own.write_bytes(CONTENT)
    assert fetch(ID, file=FILE, repo=ID) == mirror / FILE
    own.unlink()
    with pytest.raises(OSError, match="was published has"):
        fetch(ID, file=FILE, repo=ID, hash="sha256 prefix 0000000")
    (mirror / FILE).write_bytes(b"other")
    with pytest.raises(OSError, match="was fetched first has"):
        fetch(ID, file=FILE, repo=ID)
    (mirror / FILE).unlink()
    with pytest.raises(OSError, match=f"put {FILE} of https://huggingface.co/{ID}/resolve/main/{FILE} there"):
        fetch(ID, file=FILE, repo=ID)
    (mirror / "config.json").write_text("[]")
    cache.clean()
    with pytest.raises(ValueError, match="is damaged"):
        fetch_config(ID)


def test_a_mirror_may_be_all_that_there_is(home, mirror, monkeypatch):
    """As on a machine whose disk cannot be written to, where the first hash is not recorded."""

    def fails(path, text):
        raise OSError(code, "no record")

    monkeypatch.setattr(cache.files, "write_text", fails)
    code = errno.EROFS
    assert fetch(ID, file=FILE, repo=ID) == mirror / FILE
    code = errno.ENOSPC
    with pytest.raises(OSError, match="no record"):
        fetch(ID, file=FILE, repo=ID)


def test_files_of_a_mirror_elsewhere_are_downloaded(home, mirror, monkeypatch, tmp_path, server):
    monkeypatch.setenv(MIRROR, (tmp_path / "mirror").as_uri() + "/")
    path = fetch(ID, file=FILE, repo=ID)
    assert path == home / ID / FILE
    assert [(row.id, row.file, row.bytes, row.path) for row in cache.cached()] == [(ID, FILE, 7000, path)]
    (mirror / FILE).unlink()
    assert fetch(ID, file=FILE, repo=ID) == path
    with pytest.raises(OSError, match=f"could not be fetched.*correct {MIRROR}"):
        fetch(ID, file="other.safetensors", repo=ID)
    monkeypatch.setenv(MIRROR, server)
    with pytest.raises(ValueError, match=f"`{MIRROR}` is a URL of https, since no hash"):
        fetch(ID, file="other.safetensors", repo=ID)
    assert fetch("a/b", file=FILE, repo=ID, hash=f"md5 {digest('md5')}").read_bytes() == CONTENT
    monkeypatch.setenv(MIRROR, str(tmp_path / "none"))
    with pytest.raises(ValueError, match=f"`{MIRROR}` is a URL or a folder that exists"):
        fetch(ID, file=FILE, repo=ID)


@pytest.fixture
def hub(home, tmp_path, monkeypatch):
    """A hub with one repository, whose cache is laid out as that of huggingface_hub."""
    hub = types.SimpleNamespace(calls=[], deleted=[], blob=digest(), commit="c0ffee")
    hub.reachable, hub.host = True, "127.0.0.1"
    commits = tmp_path / "hub" / f"models--{ID.replace('/', '--')}" / "snapshots"

    def hf_hub_download(repo, file, local_files_only):
        hub.calls.append((repo, file))
        if not hub.reachable or local_files_only:
            raise RuntimeError("no\nnetwork")  # not an OSError, as some libraries raise
        blob, link = commits.parent / "blobs" / hub.blob, commits / hub.commit / file
        for path in (blob, link):
            path.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(CONTENT)
        link.unlink(missing_ok=True)
        link.symlink_to(blob)
        return str(link)

    def scan_cache_dir(folder):
        assert folder == tmp_path / "hub"
        return types.SimpleNamespace(delete_revisions=delete_revisions)

    def delete_revisions(*names):
        return types.SimpleNamespace(execute=lambda: hub.deleted.extend(names))

    module = types.SimpleNamespace(
        hf_hub_download=hf_hub_download,
        hf_hub_url=lambda repo, file: f"http://{hub.host}/{repo}/{file}",
        scan_cache_dir=scan_cache_dir,
    )
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return hub


def test_files_of_the_hub_are_found_again_without_it(home, hub, monkeypatch):
    path = fetch(ID, file=FILE, repo=ID, hash="sha256 prefix 00000000 (of the .pth behind url)")
    assert (hub.calls, path.read_bytes()) == ([(ID, FILE)], CONTENT)
    assert names(home / ID) == [f"{FILE}.sha256"]
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert fetch(ID, file=FILE, repo=ID) == path
    assert [(row.id, row.file, row.bytes, row.path) for row in cache.cached(ID)] == [(ID, FILE, 7000, path)]
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'kerasnets\[weights\]'"):
        cache.clean(ID)
    assert path.exists()


def test_files_of_the_hub_that_were_removed_are_fetched_again(hub, monkeypatch):
    fetch(ID, file=FILE, repo=ID).unlink()
    assert cache.cached() == []
    hub.commit = "facade"
    path = fetch(ID, file=FILE, repo=ID)
    assert path.parent.name == "facade"
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert fetch(ID, file=FILE, repo=ID) == path


def test_files_of_the_hub_that_are_not_what_they_were(home, hub):
    hub.blob = "0" * 64
    with pytest.raises(OSError, match="is damaged, since the hub states sha256 0000"):
        fetch(ID, file=FILE, repo=ID)
    hub.blob = "0" * 40  # of a small file, whose name is no sha256
    path = fetch(ID, file=FILE, repo=ID)
    path.resolve().write_bytes(b"other")
    with pytest.raises(OSError, match="was fetched first has"):
        fetch(ID, file=FILE, repo=ID)
    cache.clean(ID)
    assert hub.deleted == ["c0ffee"]
    assert not home.exists()


def test_a_hub_that_is_not_reached(home, hub, monkeypatch):
    hub.reachable = False
    with pytest.raises(OSError, match="RuntimeError: no network") as raised:
        fetch(ID, file=FILE, repo=ID)
    url = f"https://huggingface.co/{ID}/resolve/main/{FILE}"
    assert f"put {FILE} of {url} into {home / ID}" in str(raised.value)
    hub.reachable = True

    def no_network(host, port):
        raise OSError("no such name")

    with monkeypatch.context() as without:
        without.setattr(socket, "getaddrinfo", no_network)
        with pytest.raises(OSError, match=f"{hub.host} cannot be reached: no such name. Run this"):
            fetch(ID, file=FILE, repo=ID)  # at once, since only the hub's cache is asked
    hub.reachable = False
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OSError, match="HF_HUB_OFFLINE is set to 1"):
        fetch(ID, file=FILE, repo=ID)
    assert not home.exists()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'kerasnets\[weights\]'"):
        fetch(ID, file=FILE, repo=ID)


@pytest.mark.parametrize(
    ("licence", "tells"),
    [
        ("cc-by-nc-4.0", True),
        ("non-commercial", True),
        ("Apache-2.0", False),
        ("unrestricted", False),
        (None, False),
    ],
)
def test_a_licence_that_is_not_permissive_is_told_once(licence, tells, source):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            fetch("a/b", file="net.pth", url=source.as_uri(), licence=licence)
    assert [str(w.message) for w in caught] == [f"the licence of a/b (net.pth) is: {licence}"] * tells


@pytest.fixture
def command(home, monkeypatch, capsys):
    """Runs `kerasnets weights`; gives its status and what it prints."""

    def command(line, answer=""):
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(readline=lambda: answer))
        status = cli.main(["weights", *line.split()])
        return status, *capsys.readouterr()

    return command


def test_weights_by_command(command, tmp_path, home, monkeypatch):
    id, mirror = "timm/resnet34.a1_in1k", tmp_path / "mirror"
    (mirror / id).mkdir(parents=True)
    (mirror / id / FILE).write_bytes(CONTENT)
    status, out, err = command("list ResNet34")
    cells = [id, "ResNet34", "apache-2.0", "76.42", "92.896", "83.3", "MiB"]
    assert (status, cells in map(str.split, out.splitlines())) == (0, True)
    row = next(row for row in json.loads(command("list --json")[1]) if row["id"] == id)
    assert row["protocol"] == "bicubic, shorter side 235, center crop"
    assert command("list --cached")[1] == "the cache is empty\n"
    monkeypatch.setenv(MIRROR, str(mirror))
    status, out, err = command(f"get {id}")
    assert (status, err) == (0, f"{id}: 83.3 MiB, licence apache-2.0\n")
    assert out.startswith(f"{id} is in {mirror / id / FILE}.")
    monkeypatch.setenv(MIRROR, mirror.as_uri())
    status, out, err = command(f"get {id} --json")
    path = home / id / FILE
    assert json.loads(out) == {"id": id, "file": FILE, "bytes": 7000, "path": str(path)}
    assert command("list --cached")[1].splitlines()[-1] == "6.8 KiB in all"
    status, out, err = command(f"clean {id}", "no\n")
    assert (status, out) == (2, "")
    assert "free 6.8 KiB? [y/N]" in err
    assert "nothing was removed" in err
    assert f"Did you mean {id!r}" in command("clean timm/resnet34.a1")[1]
    assert [row["path"] for row in json.loads(command("list --cached --json")[1])] == [str(path)]
    assert command(f"clean {id}", "y\n")[1].endswith("removed, which freed 6.8 KiB\n")
    assert not home.exists()
    assert command("clean --yes")[1] == "the cache is empty\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("get timn/resnet34.a1_in1k", "Did you mean 'timm/resnet34.a1_in1k'"),
        ("get keras/DenseNet121", "by kerasnets.build('DenseNet121', weights='keras/DenseNet121')"),
        ("get pytorchcv/alexnet", "put alexnet-1664-2768cdb3.pth.zip of https://github.com/"),
        ("list resnet34", "Did you mean 'ResNet34'"),
        ("list ResNet34 --cached", "leave out NAME"),
        ("clean ../x", "`id` is the id of a checkpoint"),
    ],
)
def test_mistakes_with_weights_are_one_line(line, words, command, monkeypatch):
    def no_network(url, *args):
        raise OSError("no network")

    monkeypatch.setattr(file_utils, "urlretrieve", no_network)
    status, out, err = command(line)
    assert (status, out) == (2, "")
    assert words in err.splitlines()[-1]


def test_all_that_is_published_can_be_fetched():
    """As far as that is seen without a network: addresses are those of files, and hashes can be read."""
    for row in checkpoints():
        if row.file and row.path is None:
            cache.check_names(row.id, row.file)
            check_source(None if row.repo else row.url, row.repo, hashes.parse(row.hash, row.file))
            assert "/tree/" not in row.url, row.id  # a page
            assert row.repo or row.file in urllib.parse.unquote(row.url), row.id
