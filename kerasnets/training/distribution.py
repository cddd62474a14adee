"""Training on several devices of one machine."""

import keras
import tensorflow as tf

from kerasnets.checks import is_int, refuse


def mirrored(replicas=1):
    """A strategy in whose scope models are built that train on several devices at once.

        with mirrored(2).scope():
            model = kerasnets.build("DenseNet121")
            model.compile(...)
            model.fit(...)

    Each global batch is split among the replicas, whose gradients are summed: the same losses as one device
    has. On GPUs if there are enough, else on as many logical devices of the CPU, which shows that a program
    is right and not that it is faster. Call it before TensorFlow has run anything.

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
    if replicas == 1:
        return tf.distribute.get_strategy()
    if keras.backend.backend() != "tensorflow":
        refuse("replicas", f"1 with the {keras.backend.backend()} backend", replicas)
    if len(tf.config.list_physical_devices("GPU")) >= replicas:
        return tf.distribute.MirroredStrategy([f"GPU:{i}" for i in range(replicas)])
    cpu = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(cpu) or ()) < replicas:
        parts = [tf.config.LogicalDeviceConfiguration()] * replicas
        tf.config.set_logical_device_configuration(cpu, parts)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])
