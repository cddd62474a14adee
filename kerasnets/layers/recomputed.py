"""A unit of DenseNet that saves memory: the backward pass recomputes what the forward pass does not keep.

Two layers share the unit's batch normalization. `BatchMoments` computes the statistics of each channel once,
however many units read it. `RecomputedConv2D` normalizes by them. The recomputed part is therefore cheap and
a pure function; the moving statistics are updated outside of it, once in each step.
"""

from collections.abc import Callable

import keras
from keras import layers, ops

from kerasnets.layers.precision import at_least_float32


@keras.saving.register_keras_serializable("kerasnets")
class BatchMoments(layers.Layer):
    """Mean and variance of each channel over the batch and the grid, computed in float32.

    Call:
        (batch, height, width, channels) -> (2, channels); zeros outside training, where they are not used.
    """

    synchronized = False  # whether over all replicas of TensorFlow, as for BatchNormalization

    def call(self, x, training=None):
        if not training:
            return ops.zeros((2, x.shape[-1]), at_least_float32(self.compute_dtype))
        x = ops.cast(x, at_least_float32(self.compute_dtype))
        return ops.stack(ops.moments(x, axes=[0, 1, 2], synchronized=self.synchronized))

    def compute_output_spec(self, x, training=None):
        return keras.KerasTensor((2, x.shape[-1]), dtype=at_least_float32(self.compute_dtype))


@keras.saving.register_keras_serializable("kerasnets")
class RecomputedConv2D(layers.Layer):
    """Concatenates, normalizes, activates and convolves feature maps, and keeps only its input and output.

    In training, the concatenated, normalized and activated maps are freed, and recomputed when the backward
    pass needs them. Weights, gradients and moving statistics are those of the sequence of Concatenate,
    BatchNormalization, Activation and Conv2D. On CPUs, JAX's compiler schedules for speed and saves no memory
    unless XLA_FLAGS=--xla_cpu_enable_concurrency_optimized_scheduler=false is set.

    Source: Pleiss et al. 2017, arXiv:1707.06990, section 3.

    Args:
        filters: Number of filters.
        kernel_size: Kernel size in pixels; the padding is "same".
        activation: Activation before the convolution.
        epsilon: Added to the variance.
        kernel_initializer: Initializer of the kernel.
        **kwargs: As for every Keras layer.

    Attributes:
        parts: The four layers, in order.

    Call:
        A list of feature maps, (batch, height, width, any number), and the list of their `BatchMoments` ->
        (batch, height, width, filters).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        activation: str | Callable = "relu",
        epsilon: float = 1e-3,
        kernel_initializer: str | keras.Initializer = "glorot_uniform",
        **kwargs,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # the moments stay in float32
        self.join = layers.Concatenate(dtype=self.dtype_policy, name=f"{self.name}_join")
        self.norm = layers.BatchNormalization(
            epsilon=epsilon, dtype=self.dtype_policy, name=f"{self.name}_bn"
        )
        self.act = layers.Activation(activation, dtype=self.dtype_policy, name=f"{self.name}_act")
        self.conv = layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=False,
            kernel_initializer=kernel_initializer,
            dtype=self.dtype_policy,
            name=f"{self.name}_conv",
        )

    @property
    def parts(self) -> tuple[layers.Layer, ...]:
        return self.join, self.norm, self.act, self.conv

    def build(self, maps_shape, moments_shape):
        joined = (*maps_shape[0][:-1], sum(shape[-1] for shape in maps_shape))
        self.join.build(maps_shape)
        self.norm.build(joined)
        self.conv.build(joined)

    def call(self, maps, moments, training=None):
        norm = self.norm
        stats = norm.moving_mean, norm.moving_variance
        if training and norm.trainable:
            batch = ops.unstack(ops.concatenate(moments, axis=-1))
            for moving, new in zip(stats, batch, strict=True):
                old = ops.cast(moving, new.dtype)
                moving.assign(old * norm.momentum + new * (1 - norm.momentum))
            stats = batch
        dtype = at_least_float32(self.compute_dtype)
        norms = (ops.cast(w, dtype) for w in (*stats, norm.beta, norm.gamma))
        run = keras.remat(self.run) if training else self.run
        return run(ops.cast(self.conv.kernel, self.compute_dtype), *norms, *maps)

    def run(self, kernel, mean, variance, beta, gamma, *maps):
        """The recomputed part: a pure function of these tensors."""
        x = ops.cast(ops.concatenate(maps, axis=-1), mean.dtype)
        x = ops.batch_normalization(x, mean, variance, -1, beta, gamma, self.norm.epsilon)
        x = self.act.activation(ops.cast(x, self.compute_dtype))
        return self.conv.convolution_op(x, kernel)

    def compute_output_shape(self, maps_shape, moments_shape):
        return (*maps_shape[0][:-1], self.conv.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.conv.filters,
            "kernel_size": self.conv.kernel_size,
            "activation": keras.activations.serialize(self.act.activation),
            "epsilon": self.norm.epsilon,
            "kernel_initializer": keras.initializers.serialize(self.conv.kernel_initializer),
        }


def parts(layer: layers.Layer) -> tuple[layers.Layer, ...]:
    """The layers of which a layer consists, in order; only itself unless it is a `RecomputedConv2D`."""
    return layer.parts if isinstance(layer, RecomputedConv2D) else (layer,)
