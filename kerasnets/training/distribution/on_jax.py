"""Training on several devices and hosts with Keras's JAX backend."""

import contextlib
import json
import math

import jax
import keras
import numpy as np
from jax.experimental.multihost_utils import broadcast_one_to_all, process_allgather

from kerasnets.checks import refuse

PIECE = 2**26  # bytes of a file that are sent at once
LONGEST = 2**14  # largest size of the settings of a run in bytes
SILENCE = 20  # seconds without a heartbeat after which JAX aborts the other hosts


@contextlib.contextmanager
def hosts_joined(hosts, host_index, coordinator, timeout):
    """A context in which JAX sees the devices of all hosts."""
    if hosts == 1:
        yield
        return
    jax.distributed.initialize(
        coordinator,
        hosts,
        host_index,
        initialization_timeout=math.ceil(timeout),
        heartbeat_timeout_seconds=SILENCE,
        shutdown_timeout_seconds=SILENCE,
    )
    yield
    jax.distributed.shutdown()  # not after an error: it would wait for hosts that wait for this one


@contextlib.contextmanager
def devices_shared(replicas, hosts):
    """A context in which Keras splits batches among `replicas` devices of each host."""
    if replicas == hosts == 1:
        yield
        return
    if jax.config.jax_num_cpu_devices < replicas:
        jax.config.update("jax_num_cpu_devices", replicas)
    each = [[d for d in jax.devices() if d.process_index == host] for host in range(hosts)]
    if min(map(len, each)) < replicas and each[0][0].platform != "cpu":
        each = [[d for d in jax.devices("cpu") if d.process_index == host] for host in range(hosts)]
    names = [f"{d.platform}:{d.id}" for host in each for d in host[:replicas]]
    if len(names) < replicas * hosts:
        refuse("replicas", f"at most {min(map(len, each))}, the devices of a host", replicas)
    scope = keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
    with scope.scope():
        yield


def check_settings(settings):
    """Refuses, on every host, settings that differ from those of host 0."""
    text = json.dumps({"keras": keras.__version__, **settings}).encode().ljust(LONGEST)
    first = broadcast_one_to_all(np.frombuffer(text, "uint8"))
    ours, theirs = json.loads(text), json.loads(bytes(first))
    differ = [
        f"`{name}` is {theirs.get(name)!r} on host 0 and {ours.get(name)!r} on this one"
        for name in {**theirs, **ours}
        if ours.get(name) != theirs.get(name)
    ]
    others = np.flatnonzero(process_allgather(np.array(bool(differ))))
    if others.size:
        difference = "; ".join(differ) or f"those of host {', '.join(map(str, others))} differ from host 0"
        raise ValueError(f"all hosts of a run have the same settings: {difference}")


def is_first() -> bool:
    """Whether this host is host 0."""
    return jax.process_index() == 0


def copy_from_first(path):
    """Copies a file of host 0 to a path on each host, or removes theirs if host 0 has none."""
    if jax.process_count() == 1:
        return
    size = path.stat().st_size if is_first() and path.exists() else -1
    whole, rest = broadcast_one_to_all(np.array(divmod(size, PIECE), "int32")).tolist()
    if whole < 0:
        if not is_first():
            path.unlink(missing_ok=True)
        return
    with open(path, "rb" if is_first() else "wb") as file:
        for length in [PIECE] * whole + [rest]:
            piece = np.frombuffer(file.read(length), "uint8") if is_first() else np.zeros(length, "uint8")
            piece = broadcast_one_to_all(piece)
            if not is_first():
                file.write(piece.tobytes())
