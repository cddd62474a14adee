"""Training on several devices of one machine with Keras's TensorFlow backend."""

import contextlib

import keras
import tensorflow as tf

from kerasnets.graph import all_layers, gradients_as_given
from kerasnets.layers import BatchMoments, parts


def strategy(replicas):
    """The tf.distribute.Strategy for a number of devices; see `mirrored`."""
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
def replicas_summed(model, whole_batch_norm):
    """A context in which a model trains on replicas as on one device; see `as_one_device`."""
    with contextlib.ExitStack() as changed:
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            changed.enter_context(gradients_summed_first(model.optimizer))
            if whole_batch_norm:
                changed.enter_context(batch_norm_synchronized(model))
        yield


@contextlib.contextmanager
def batch_norm_synchronized(model):
    """A context in which batch normalization uses the whole batch. Saved models do not record it."""
    norms = [
        part
        for layer in all_layers(model)  # including those of inner models
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
    """A context in which an optimizer sums the replicas' gradients before it clips or checks them."""
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
