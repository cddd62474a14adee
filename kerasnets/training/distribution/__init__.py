"""Training on several devices of one machine, and on several machines.

The modules `on_tensorflow` and `on_jax` have what only one of Keras's backends needs.
"""

import contextlib
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from kerasnets.checks import is_int, refuse

__all__ = [
    "alone",
    "as_one_device",
    "batch_norm_fused",
    "copy_from_first",
    "devices",
    "is_first",
    "jit_compile",
    "mirrored",
    "share",
]


@contextlib.contextmanager
def devices(
    replicas: int = 1,
    hosts: int = 1,
    host_index: int = 0,
    coordinator: str | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    timeout: float = 120.0,
) -> Iterator[None]:
    """A context in which models are built and trained on several devices that share each batch.

        with distribution.devices(replicas=2):
            model = kerasnets.build("DenseNet121")
            model.compile(...)
            with distribution.as_one_device(model):
                model.fit(batches)

    With the TensorFlow backend of Keras, these are devices of this machine: see `mirrored`. With the JAX
    backend, chosen by KERAS_BACKEND=jax, they may belong to several machines. All of these run the same
    program with the same seed, each with its own `host_index`, and each passes only its `share` of every
    batch to `fit`.

    The hosts connect to `coordinator`, and JAX opens further connections between them. If a host does not
    start, fails or dies, JAX aborts the others within a minute, with a message.

    Args:
        replicas: Devices of each host, at least 1: GPUs if there are enough, else parts of the CPU.
        hosts: Number of hosts, at least 1.
        host_index: Index of this host, from 0.
        coordinator: "HOST:PORT", an address of host 0 that all hosts can reach; None for one host.
        settings: A flat dict of settings that must be the same on all hosts. They are compared first.
        timeout: Seconds within which all hosts must have started.

    Raises:
        ValueError: An argument is not allowed, the backend does not support it, or the settings of the hosts
            differ.
        RuntimeError: The backend is already initialized, so its devices can no longer be changed.
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


def share(batch: int, replicas: int = 1, hosts: int = 1) -> int:
    """The number of examples of a batch that each host reads.

    Args:
        batch: Examples in a batch, over all hosts.
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
    """Whether this host is host 0, the only one that writes files and shows progress."""
    if keras.backend.backend() != "jax":
        return True
    from kerasnets.training.distribution import on_jax

    return on_jax.is_first()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """A context in which one host works without the others: builds a net of its own, or saves a shared one.

    Outside of it, every assignment to a variable waits until all hosts have made it.
    """
    shared = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(shared)


def copy_from_first(path: pathlib.Path) -> None:
    """Copies a file of host 0 to a path on each host, or removes theirs if host 0 has none.

    Args:
        path: Path of the file on this host.
    """
    if keras.backend.backend() == "jax":
        from kerasnets.training.distribution import on_jax

        on_jax.copy_from_first(path)


def mirrored(replicas: int = 1) -> Any:
    """A TensorFlow strategy. Models that are built in its scope train on several devices at once.

        with mirrored(2).scope():
            model = kerasnets.build("DenseNet121")
            model.compile(...)
            model.fit(...)

    Each global batch is split among the replicas, and their gradients are summed. The losses are those of one
    device, apart from the differences that `as_one_device` removes. The devices are GPUs if there are enough,
    else logical devices of the CPU, which test a program but do not make it faster. Call this before
    TensorFlow runs any operation.

    Args:
        replicas: Number of devices, at least 1; 1 gives TensorFlow's default strategy.

    Returns:
        A tf.distribute.Strategy.

    Raises:
        ValueError: `replicas` is below 1, or above 1 with another backend than TensorFlow.
        RuntimeError: TensorFlow is already initialized, so the CPU can no longer be divided.
    """
    if not is_int(replicas, 1):
        refuse("replicas", "a whole number, at least 1", replicas)
    if replicas > 1 and keras.backend.backend() != "tensorflow":
        refuse("replicas", f"1 with the {keras.backend.backend()} backend", replicas)
    from kerasnets.training.distribution import on_tensorflow

    return on_tensorflow.strategy(replicas)


@contextlib.contextmanager
def as_one_device(model: keras.Model, whole_batch_norm: bool = True) -> Iterator[None]:
    """A context in which a model trains on the replicas of `mirrored` as it would on one device.

    Keras clips the gradients of the replicas before it sums them, and in float16 it checks only those of the
    first for infinite values. Batch normalization computes statistics of each replica's part of a batch, and
    keeps the moving averages of the first replica. On one device, and on other backends, nothing changes.

    Args:
        model: A compiled keras.Model that has not been trained yet.
        whole_batch_norm: Whether batch normalization uses the statistics of the whole batch. If not, the
            result depends on the number of replicas, as in papers that trained on several GPUs (He et al.
            2016; Goyal et al. 2017, section 3, treat the batch size per GPU as part of the recipe).
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    from kerasnets.training.distribution import on_tensorflow

    with on_tensorflow.replicas_summed(model, whole_batch_norm):
        yield


def jit_compile() -> str | bool:
    """The argument `jit_compile` of Keras's `compile` with which nets train faster here.

    XLA, by which Keras compiles unless told otherwise, does not suit convolutions on CPUs: a step of
    MobileNetV2 takes several times as long as without it.

    Returns:
        False with the TensorFlow backend without a GPU, else "auto", Keras's default.
    """
    if keras.backend.backend() != "tensorflow":
        return "auto"
    from kerasnets.training.distribution import on_tensorflow

    return "auto" if on_tensorflow.has_gpu() else False


@contextlib.contextmanager
def batch_norm_fused(model: keras.Model) -> Iterator[None]:
    """A context in which batch normalization of images is one operation of TensorFlow in training.

    Keras composes it of a dozen operations, each of which reads or writes all feature maps, as do their
    gradients. The results are the same but for rounding. `kerasnets.training.fit` enters this context. It
    changes nothing on other backends, on several replicas, or if XLA compiles the model, which joins such
    operations by itself.

    Args:
        model: A compiled keras.Model that has not been trained yet, since Keras keeps the training step that
            it has traced until the model is compiled again.
    """
    if keras.backend.backend() != "tensorflow" or (model.jit_compile and not model.run_eagerly):
        yield
        return
    from kerasnets.training.distribution import on_tensorflow

    with on_tensorflow.batch_norm_fused(model):
        yield
