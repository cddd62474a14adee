"""Training on several devices of one machine, and on several machines.

What only one of Keras's backends needs stands in `on_tensorflow` and `on_jax`, imported when it is used.
"""

import contextlib
import pathlib
import re

import keras

from kerasnets.checks import is_int, refuse


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
        RuntimeError: The backend runs already, so its devices cannot be changed any more.
    """
    check_arguments(replicas, hosts, host_index, coordinator)
    backend = keras.backend.backend()
    if backend == "jax":
        from kerasnets.training.distribution import on_jax

        with (
            on_jax.hosts_joined(hosts, host_index, coordinator, timeout),
            on_jax.devices_shared(replicas, hosts),
        ):
            if hosts > 1:
                on_jax.check_settings({"replicas": replicas, **(settings or {})})
            yield
    elif hosts > 1:
        refuse("hosts", f"1 with the {backend} backend; set KERAS_BACKEND=jax for several", hosts)
    elif backend == "tensorflow" or replicas > 1:
        with mirrored(replicas).scope():
            yield
    else:
        yield


def check_arguments(replicas, hosts, host_index, coordinator):
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


def is_first() -> bool:
    """Whether this host is host 0, which alone writes files and shows progress."""
    if keras.backend.backend() != "jax":
        return True
    from kerasnets.training.distribution import on_jax

    return on_jax.is_first()


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


def copy_from_first(path: pathlib.Path):
    """Gives each host, at a path of its own, the file that host 0 has; or none, if it has none.

    Args:
        path: Path of the file on this host.
    """
    if keras.backend.backend() == "jax":
        from kerasnets.training.distribution import on_jax

        on_jax.copy_from_first(path)


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
    from kerasnets.training.distribution import on_tensorflow

    return on_tensorflow.strategy(replicas)


@contextlib.contextmanager
def as_one_device(model, whole_batch_norm=True):
    """Within it, a model fits on the replicas of `mirrored` as it would on one device.

    By itself, Keras clips the gradient of each replica, and looks whether that of the first is finite in
    float16, before it sums them. Batch normalization measures each replica's part of a batch alone, and
    keeps the moving averages of the first. On one device, and on other backends, nothing is changed.

    Args:
        model: A compiled keras.Model that has not been trained yet.
        whole_batch_norm: Whether batch normalization measures the whole batch. If not, the result depends on
            the number of replicas, as in papers that trained on several GPUs (He et al. 2016; section 3 of
            Goyal et al. 2017 counts the examples of a replica as part of the recipe).
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    from kerasnets.training.distribution import on_tensorflow

    with on_tensorflow.replicas_summed(model, whole_batch_norm):
        yield
