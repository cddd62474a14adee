"""Training on several devices of one machine, and on several machines."""

import contextlib
import json
import math
import re

import keras
import numpy as np

from kerasnets.checks import is_int, refuse
from kerasnets.graph import all_layers, gradients_as_given
from kerasnets.layers import BatchMoments, parts

PIECE = 2**26  # bytes that hosts send at once
LONGEST = 2**14  # bytes of the settings of a run
SILENCE = 20  # seconds after which JAX counts a host as gone, and ends the others


@contextlib.contextmanager
def devices(replicas=1, hosts=1, host_index=0, coordinator=None, *, settings=None, timeout=120.0):
    """Within it, models are built and trained on several devices, which share each batch.

        with distribution.devices(replicas=2):
            model = kerasnets.build("DenseNet121")
            model.compile(...)
            with distribution.as_one_device(model):
                model.fit(batches)

    With Keras's TensorFlow backend, these are devices of this machine: see `mirrored`. With its JAX backend,
    which KERAS_BACKEND=jax chooses, they may be those of several machines: all run the same program with the
    same seed, each with its own `host_index`, and each gives `fit` its `share` of every batch alone.

    The hosts meet at `coordinator`, and JAX opens more connections between them. If one of them is missing at
    the start, fails or dies, JAX ends the others, which abort with its message within a minute.

    Args:
        replicas: Devices of each host, at least 1: GPUs if there are enough, else parts of the CPU.
        hosts: Number of hosts, at least 1.
        host_index: Number of this one, from 0.
        coordinator: "HOST:PORT", an address of host 0 that all can reach, or None for one host.
        settings: A flat dict of what must be alike on all hosts, which they compare first.
        timeout: Seconds in which all hosts must have started.

    Raises:
        ValueError: An argument is not allowed, the backend cannot do it, or the hosts differ.
        RuntimeError: The backend runs already, so it cannot be told of other devices.
    """
    check(replicas, hosts, host_index, coordinator)
    backend = keras.backend.backend()
    if backend == "jax":
        with hosts_joined(hosts, host_index, coordinator, timeout), keras_scope(replicas, hosts):
            if hosts > 1:
                agree({"replicas": replicas, **(settings or {})})
            yield
    elif hosts > 1:
        refuse("hosts", f"1 with the {backend} backend; set KERAS_BACKEND=jax for several", hosts)
    elif backend == "tensorflow" or replicas > 1:
        with mirrored(replicas).scope():
            yield
    else:
        yield


def check(replicas, hosts, host_index, coordinator):
    """Refuses arguments of `devices` that are not allowed."""
    for name, value in (("replicas", replicas), ("hosts", hosts)):
        if not is_int(value, 1):
            refuse(name, "a whole number, at least 1", value)
    if not is_int(host_index, 0) or host_index >= hosts:
        refuse("host_index", f"a whole number from 0 to {hosts - 1}, one below `hosts`", host_index)
    if hosts == 1 and coordinator is not None:
        refuse("coordinator", "None for one host", coordinator)
    if hosts > 1 and not re.fullmatch(r"\S+:\d{1,5}", str(coordinator)):
        refuse("coordinator", "HOST:PORT, an address of host 0, for several hosts", coordinator)


def share(batch, replicas=1, hosts=1):
    """Examples of a batch that each host reads.

    Args:
        batch: Examples of a batch, of all hosts together.
        replicas: Devices of each host.
        hosts: Number of hosts.

    Returns:
        A whole number.

    Raises:
        ValueError: The batch cannot be divided among the devices.
    """
    if batch % (replicas * hosts):
        refuse("batch", f"a multiple of {replicas * hosts}, the devices of all hosts", batch)
    return batch // hosts


def is_first():
    """Whether this host is host 0, which alone writes files and shows progress."""
    if keras.backend.backend() != "jax":
        return True
    import jax

    return jax.process_index() == 0


@contextlib.contextmanager
def alone():
    """Within it, a host does what the others do not do: builds a net of its own, or saves a shared one.

    Elsewhere, whatever gives a variable a value waits for all hosts to give it the same.
    """
    shared = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(shared)


def spread(path):
    """Gives each host, at a path of its own, the file that host 0 has; or none, if it has none.

    Args:
        path: A pathlib.Path.
    """
    if keras.backend.backend() != "jax":
        return
    import jax
    from jax.experimental.multihost_utils import broadcast_one_to_all

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


def mirrored(replicas=1):
    """A strategy in whose scope models are built that train on several devices at once.

        with mirrored(2).scope():
            model = kerasnets.build("DenseNet121")
            model.compile(...)
            model.fit(...)

    Each global batch is split among the replicas, whose gradients are summed: the same losses as one device
    has, save what `as_one_device` mends. On GPUs if there are enough, else on as many logical devices of the
    CPU, which shows that a program is right and not that it is faster. Call it before TensorFlow has run
    anything.

    Args:
        replicas: Number of devices, at least 1; one is TensorFlow's default strategy.

    Returns:
        A tf.distribute.Strategy.

    Raises:
        ValueError: `replicas` is below 1, or above 1 with another backend than TensorFlow.
        RuntimeError: TensorFlow runs already, so the CPU cannot be divided any more.
    """
    if not is_int(replicas, 1):
        refuse("replicas", "a whole number, at least 1", replicas)
    if replicas > 1 and keras.backend.backend() != "tensorflow":
        refuse("replicas", f"1 with the {keras.backend.backend()} backend", replicas)
    import tensorflow as tf

    if replicas == 1:
        return tf.distribute.get_strategy()
    if len(tf.config.list_physical_devices("GPU")) >= replicas:
        return tf.distribute.MirroredStrategy([f"GPU:{i}" for i in range(replicas)])
    cpu = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(cpu) or ()) < replicas:
        logical = [tf.config.LogicalDeviceConfiguration()] * replicas
        tf.config.set_logical_device_configuration(cpu, logical)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])


@contextlib.contextmanager
def as_one_device(model, whole_batch_norm=True):
    """Within it, a model fits on the replicas of `mirrored` as it would on one device.

    By itself, Keras clips the gradient of each replica, and looks whether that of the first is finite in
    float16, before it sums them; and batch normalisation measures each replica's part of a batch alone, and
    keeps the moving averages of the first. Elsewhere there is nothing to mend.

    Args:
        model: A compiled keras.Model that has not been trained yet.
        whole_batch_norm: Whether batch normalisation measures the whole batch. If not, the result depends on
            the number of replicas, as in papers that trained on several GPUs (He et al. 2016; section 3 of
            Goyal et al. 2017 counts the examples of a replica as part of the recipe).
    """
    with contextlib.ExitStack() as mended:
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            if tf.distribute.get_strategy().num_replicas_in_sync > 1:
                mended.enter_context(gradients_summed_first(model.optimizer))
                if whole_batch_norm:
                    mended.enter_context(batch_norm_synchronized(model))
        yield


@contextlib.contextmanager
def batch_norm_synchronized(model):
    """Within it, batch normalisation measures the batches of all replicas; it is no part of what is saved."""
    norms = [
        part
        for layer in all_layers(model)  # those of inner models too
        for part in parts(layer)
        if isinstance(part, (keras.layers.BatchNormalization, BatchMoments)) and not part.synchronized
    ]
    for norm in norms:
        norm.synchronized = True
    try:
        yield
    finally:
        for norm in norms:
            norm.synchronized = False


@contextlib.contextmanager
def gradients_summed_first(optimizer):
    """Within it, an optimizer sums the gradients of all replicas before it clips or checks them."""
    import tensorflow as tf

    apply = optimizer.apply

    def summed(grads, *args, **kwargs):
        present = [g for g in grads if g is not None]
        sums = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, present))
        return apply([None if g is None else next(sums) for g in grads], *args, **kwargs)

    with gradients_as_given(getattr(optimizer, "inner_optimizer", optimizer)):
        optimizer.apply = summed
        try:
            yield
        finally:
            del optimizer.apply


@contextlib.contextmanager
def hosts_joined(hosts, host_index, coordinator, timeout):
    """Within it, JAX sees the devices of all hosts."""
    if hosts == 1:
        yield
        return
    import jax

    jax.distributed.initialize(
        coordinator,
        hosts,
        host_index,
        initialization_timeout=math.ceil(timeout),
        heartbeat_timeout_seconds=SILENCE,
        shutdown_timeout_seconds=SILENCE,
    )
    yield
    jax.distributed.shutdown()  # not after an error, when it would wait for hosts that wait for this one


def agree(settings):
    """Refuses, on every host, settings that are not those of host 0."""
    from jax.experimental.multihost_utils import broadcast_one_to_all, process_allgather

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
        words = "; ".join(differ) or f"those of host {', '.join(map(str, others))} are others"
        raise ValueError(f"all hosts of a run have the same settings: {words}")


@contextlib.contextmanager
def keras_scope(replicas, hosts):
    """Within it, Keras on JAX splits batches among some devices of each host."""
    import jax

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
