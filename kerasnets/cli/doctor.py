"""`kerasnets doctor`: what is installed and what works, for whoever is stuck and for reports of bugs.

Nothing here may fail because something else is missing or broken. So only Python's standard library is
imported, and the backend is imported by another process: if that dies or never answers, this one says so.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from typing import Any

import kerasnets
from kerasnets.cli.options import command
from kerasnets.tables import WIDTH, bytes_text
from kerasnets.weights.checkpoints import HUB, checkpoints

PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy")
VARIABLES = (
    *("KERAS_BACKEND", "KERAS_HOME", "KERASNETS_MIRROR", "KERASNETS_DEBUG"),
    *("HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES"),
)
TRUE = ("1", "on", "yes", "true")  # what switches HF_HUB_OFFLINE on
SILENCE = 5.0  # seconds after which a host does not answer
WAIT = 120.0  # seconds after which the backend does not answer
GPUS = "[f'cuda:{i}' for i in range(torch.cuda.device_count())]"
# What the other process does. Keras lists the devices of two backends.
PROGRAM = f"""
import json
import keras
import kerasnets.applications
from kerasnets.graph import keras_home

backend = keras.backend.backend()
float(keras.ops.convert_to_numpy(keras.ops.matmul(keras.ops.ones((2, 2)), keras.ops.ones((2, 2))))[0, 0])
if backend == "torch":
    import torch
    devices = {GPUS} or ["cpu:0"]
else:
    devices = keras.distribution.list_devices()
print(json.dumps({{"name": backend, "devices": list(map(str, devices)), "home": keras_home()}}))
"""


def add(commands: Any) -> None:
    """Adds the subcommand."""
    text = "say what is installed and what works: versions, backend, devices, caches, extras, network"
    p = command(commands, "doctor", run, text)
    p.set_defaults(status=lambda data: int(not data["healthy"]))


def run(options: argparse.Namespace, rest: list[str]) -> tuple[Any, str]:
    """The JSON data and the text of `kerasnets doctor`. The exit status is 1 if no net can be built."""
    asked = answers()  # meanwhile, the hosts answer
    backend = backend_of()
    home = pathlib.Path(backend["home"] or os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    extras = extras_of()
    data = {
        "healthy": backend["error"] is None and not extras["kerasnets"]["missing"],
        "versions": versions(),
        "platform": platform.platform(),
        "path": str(pathlib.Path(kerasnets.__file__).parent),
        "backend": backend,
        "cores": cores(),
        "memory": memory(),
        "disk": {"folder": str(home), "free": free_disk(home)},
        "variables": {name: shown_url(os.environ[name]) for name in VARIABLES if name in os.environ},
        "caches": [cache_of(name, folder) for name, folder in caches(home).items()],
        "extras": extras,
        "network": asked(),
    }
    return data, text_of(data)


def versions() -> dict[str, str | None]:
    """The versions of this package, of Python and of `PACKAGES`; None for what is not installed."""
    found = {"kerasnets": kerasnets.__version__, "python": platform.python_version()}
    return found | {name: version_of(name) for name in PACKAGES}


def version_of(name: str) -> str | None:
    """The version of a package, without importing it; None if it is not installed."""
    for known in (name, f"{name}-cpu", f"{name}-gpu") if name == "tensorflow" else (name,):
        with contextlib.suppress(Exception):  # damaged metadata raises whatever it likes
            return metadata.version(known)
    return None


def backend_of() -> dict[str, Any]:
    """Keras's backend, its devices and Keras's folder; or why it does not work."""
    found = {"name": os.environ.get("KERAS_BACKEND"), "devices": [], "home": None, "error": None}
    here = str(pathlib.Path(kerasnets.__file__).parents[1])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WAIT,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return found | {"error": f"no answer within {WAIT:.0f} s"}
    except OSError as error:
        return found | {"error": f"{sys.executable} cannot be started: {error}"}
    if done.returncode < 0:
        with contextlib.suppress(ValueError):
            return found | {"error": f"killed by {signal.Signals(-done.returncode).name}"}
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    try:
        return found | json.loads(lines[-1])
    except (ValueError, IndexError):
        error = next((line for line in reversed(lines) if re.match(r"\w[\w.]*: ", line)), *lines[-1:] or [""])
        return found | {"error": error or f"ends with status {done.returncode}"}


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> dict[str, int | None]:
    """The bytes of memory in all, and those that are free, as Linux says; None where nothing is known."""
    facts = {}
    with contextlib.suppress(OSError, ValueError):
        text = pathlib.Path("/proc/meminfo").read_text(encoding="utf-8")
        facts = {name: int(kilobytes) * 1024 for name, kilobytes in re.findall(r"(\w+): +(\d+) kB", text)}
    total = facts.get("MemTotal")
    if total is None:
        with contextlib.suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
            total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"total": total, "free": facts.get("MemAvailable")}


def free_disk(folder: pathlib.Path) -> int | None:
    """The free bytes where a folder is or would be; None if the disk cannot be read."""
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(place).free
    return None


def caches(home: pathlib.Path) -> dict[str, pathlib.Path]:
    """The folders of downloads by name, given that of Keras."""
    hub = os.environ.get("HF_HUB_CACHE")
    hub = hub or os.path.join(os.environ.get("HF_HOME") or "~/.cache/huggingface", "hub")
    return {
        "Keras": home,
        "kerasnets, in Keras's": home / "kerasnets",
        "Hugging Face hub": pathlib.Path(hub).expanduser(),
    }


def cache_of(name: str, folder: pathlib.Path) -> dict[str, Any]:
    """The number and the bytes of the files in a folder, and the first error in reading it."""
    count, size, errors = 0, 0, []
    for place, _, names in os.walk(folder, onerror=errors.append):
        for file in names:
            try:
                status = os.lstat(os.path.join(place, file))  # links point to other files of the cache
            except OSError as error:
                errors.append(error)
                continue
            count, size = count + 1, size + status.st_size
    error = str(errors[0]) if errors and not isinstance(errors[0], FileNotFoundError) else None
    return {"name": name, "folder": str(folder), "files": count, "bytes": size, "error": error}


def extras_of() -> dict[str, dict[str, list[str]]]:
    """For this package and each of its extras: the packages that are there, and those missing or too old."""
    try:
        own = metadata.metadata("kerasnets")
        rows = metadata.requires("kerasnets") or []
    except Exception:  # a copy of the source that is not installed
        return {"kerasnets": {"installed": [], "missing": []}}
    names = [None, *(own.get_all("Provides-Extra") or ())]
    found = {}
    for extra in names:
        states = {}
        for row in needed(rows, extra):
            states |= state_of(row)
        found[extra or "kerasnets"] = {
            "installed": [name for name, wrong in states.items() if not wrong],
            "missing": [f"{name}{wrong}" for name, wrong in states.items() if wrong],
        }
    return found


def needed(rows: Sequence[str], extra: str | None) -> list[str]:
    """The requirements of an extra without its marker; for None, those of the package itself."""
    found = []
    for row in rows:
        requirement, _, marker = row.partition(";")
        named = re.search(r"""extra\s*==\s*["']([^"']+)""", marker)
        if (named[1] if named else None) != extra:
            continue
        inner = re.match(r"kerasnets\[([^\]]+)\]", requirement.strip())
        if inner:
            found += [r for name in inner[1].split(",") for r in needed(rows, name.strip())]
        else:
            found.append(requirement.strip())
    return found


def state_of(requirement: str) -> dict[str, str]:
    """The name of a required package, and what is wrong with it: an empty text if nothing is."""
    name = re.match(r"[\w.-]+", requirement)[0]
    version = version_of(name)
    if version is None:
        return {name: " (not installed)"}
    with contextlib.suppress(Exception):  # without `packaging`, versions are not compared
        from packaging.requirements import Requirement

        if not Requirement(requirement).specifier.contains(version, prereleases=True):
            return {name: f" ({version} is not {Requirement(requirement).specifier})"}
    return {name: ""}


def answers() -> Callable[[], list[dict[str, str]]]:
    """Asks the hosts of trained weights, all at a time; gives a function that waits for what they say."""
    places, found, threads = places_of_weights(), {}, []
    for name, url in places.items():
        thread = threading.Thread(target=lambda n=name, u=url: found.update({n: answer_of(u)}), daemon=True)
        thread.start()
        threads.append(thread)

    def waited():
        end = time.monotonic() + SILENCE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        silent = f"no answer within {SILENCE:.0f} s"
        return [
            {"name": name, "url": shown_url(url), "answer": found.get(name, silent)}
            for name, url in places.items()
        ]

    return waited


def places_of_weights() -> dict[str, str]:
    """Where trained weights come from: URLs or folders by name. A mirror stands for all others."""
    mirror = os.environ.get("KERASNETS_MIRROR")
    if mirror:
        return {"KERASNETS_MIRROR": mirror}
    hub = {"Hugging Face hub": os.environ.get("HF_ENDPOINT") or HUB}
    hosts = {urllib.parse.urlsplit(row.url or HUB).hostname for row in checkpoints()}
    others = sorted(hosts - {None, urllib.parse.urlsplit(HUB).hostname})
    return hub | {host: f"https://{host}" for host in others}


def answer_of(url: str) -> str:
    """What a host or a folder answers, in words."""
    if "://" not in url or url.startswith("file:"):
        folder = pathlib.Path(urllib.request.url2pathname(url.removeprefix("file://"))).expanduser()
        return "is there" if folder.is_dir() else "is not there"
    is_hub = url == (os.environ.get("HF_ENDPOINT") or HUB)
    if is_hub and os.environ.get("HF_HUB_OFFLINE", "").lower() in TRUE:
        return "not asked, since HF_HUB_OFFLINE is set"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=SILENCE):
            return "answers"
    except urllib.error.HTTPError as error:  # a host that refuses this page is there
        return f"answers with {error.code} {error.reason}" if error.code >= 500 else "answers"
    except Exception as error:
        return f"does not answer: {getattr(error, 'reason', error)}"


def shown_url(text: str) -> str:
    """A URL without the name and the password that it may have."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", text)


def state_text(state: dict[str, list[str]]) -> str:
    """The state of an extra in words."""
    return f"lacks {', '.join(state['missing'])}" if state["missing"] else "all there"


def grouped(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of the names that have the same text."""
    groups = {}
    for name, text in rows:
        groups.setdefault(text, []).append(name)
    return [f"{', '.join(names)}: {text}" for text, names in groups.items()]


def text_of(data: dict[str, Any]) -> str:
    """What `kerasnets doctor` prints: a line for each fact, on one screen."""
    installed, backend = data["versions"], data["backend"]
    packages = [f"{name} {version or '-'}" for name, version in installed.items() if name in PACKAGES]
    devices = ", ".join(backend["devices"]) or "no devices"
    name = backend["name"] or "of Keras"
    free, total = (bytes_text(data["memory"][key]) for key in ("free", "total"))
    lines = [
        ("kerasnets", f"{installed['kerasnets']} in {data['path']}"),
        ("python", f"{installed['python']} on {data['platform']}"),
        ("packages", ", ".join(packages)),
        ("backend", f"{name} fails: {backend['error']}" if backend["error"] else f"{name} works: {devices}"),
        ("machine", f"{data['cores']} cores, memory {free} free of {total}"),
        ("disk", f"{bytes_text(data['disk']['free'])} free for {data['disk']['folder']}"),
        ("variables", ", ".join(f"{k}={v}" for k, v in data["variables"].items()) or "none set"),
    ]
    for row in data["caches"]:
        error = f" ({row['error']})" if row["error"] else ""
        text = f"{row['name']}: {bytes_text(row['bytes'])} in {row['files']:,} files, {row['folder']}{error}"
        lines.append(("caches", text))
    lines += [("extras", line) for line in grouped((k, state_text(v)) for k, v in data["extras"].items())]
    lines += [("network", line) for line in grouped((r["name"], r["answer"]) for r in data["network"])]
    if any(state["missing"] for state in data["extras"].values()):
        lines.append(("advice", "pip install 'kerasnets[EXTRA]' adds what an extra lacks"))
    if not data["healthy"]:
        lines.append(("advice", "no net can be built before the backend works"))
    shown = [title if i == 0 or lines[i - 1][0] != title else "" for i, (title, _) in enumerate(lines)]
    return "\n".join(line_of(title, text) for title, (_, text) in zip(shown, lines, strict=True))


def line_of(title: str, text: str) -> str:
    """A line of the result, wrapped if it is long."""
    return textwrap.fill(text, WIDTH, initial_indent=f"{title:<11}", subsequent_indent=" " * 11)
