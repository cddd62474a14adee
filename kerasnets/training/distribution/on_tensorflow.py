"""Training on several devices of one machine with Keras's TensorFlow backend."""

import contextlib
import functools

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


def has_gpu():
    """Whether there is a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


@contextlib.contextmanager
def batch_norm_fused(model):
    """A context in which batch normalization is one operation; see `distribution.batch_norm_fused`."""
    alone = tf.distribute.get_strategy().num_replicas_in_sync == 1
    norms = [layer for layer in all_layers(model) if alone and can_be_fused(layer)]
    for norm in norms:
        norm.call = functools.partial(normalized, norm)
    try:
        yield
    finally:
        for norm in norms:
            del norm.call


def can_be_fused(layer):
    """Whether a layer is Keras's batch normalization of the channels of images, in a precision that fits."""
    is_norm = type(layer) is keras.layers.BatchNormalization and layer.built and not layer.renorm
    if not is_norm or "call" in vars(layer) or layer.compute_dtype not in ("float32", "bfloat16", "float16"):
        return False
    rank = layer.input_spec.ndim
    return rank == 4 and layer.axis in (-1, rank - 1) and layer.variable_dtype == "float32"


def normalized(norm, x, training=None, mask=None):
    """What a layer of batch normalization returns, by TensorFlow's operation where it uses the batch."""
    if not training or not norm.trainable or mask is not None or norm.synchronized:
        return type(norm).call(norm, x, training=training, mask=mask)
    zeros = tf.zeros_like(norm.moving_mean)
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=tf.convert_to_tensor(norm.gamma) if norm.scale else tf.ones_like(zeros),
        offset=tf.convert_to_tensor(norm.beta) if norm.center else zeros,
        mean=zeros,
        variance=zeros,
        epsilon=norm.epsilon,
        is_training=True,
    )
    count = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
    variance *= tf.maximum(count - 1, 1) / count  # TensorFlow's is the unbiased one
    for moving, new in ((norm.moving_mean, mean), (norm.moving_variance, variance)):
        moving.assign(moving * norm.momentum + new * (1.0 - norm.momentum))
    return y
