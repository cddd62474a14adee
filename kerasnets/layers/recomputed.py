"""A dense layer's unit that computes again in the backward pass what it does not keep.

Two layers share its batch normalisation. One measures each map once, however many units read it; the other
normalises by what was measured. So what is computed again is cheap and a pure function; the moving statistics
stand outside of it and change once a step.
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("kerasnets")
class BatchMoments(layers.Layer):
    """Mean and variance of each map over the batch and the grid, in float32 or more.

    Call: (batch, height, width, maps) -> (2, maps); zeros outside training, where nothing reads them.
    """

    synchronized = False  # over the replicas of TensorFlow, as BatchNormalization has it

    def call(self, x, training=None):
        if not training:
            return ops.zeros((2, x.shape[-1]), full(self.compute_dtype))
        x = ops.cast(x, full(self.compute_dtype))
        return ops.stack(ops.moments(x, axes=[0, 1, 2], synchronized=self.synchronized))

    def compute_output_spec(self, x, training=None):
        return keras.KerasTensor((2, x.shape[-1]), dtype=full(self.compute_dtype))


@keras.saving.register_keras_serializable("kerasnets")
class RecomputedConv2D(layers.Layer):
    """Joins maps, normalises, activates and convolves them, and keeps only what it reads and gives.

    In training, the joined, normalised and activated maps are freed, and computed again when the backward
    pass needs them. Weights, gradients and moving statistics are those of Concatenate, BatchNormalization,
    Activation and Conv2D one after another. On CPUs, JAX's compiler orders the work for speed and so saves
    nothing, but with XLA_FLAGS=--xla_cpu_enable_concurrency_optimized_scheduler=false.

    Source: Pleiss et al. 2017, arXiv:1707.06990, section 3.

    Args:
        filters: Maps that come out.
        kernel_size: Side of the kernel in pixels; the grid stays as it is.
        activation: Activation before the convolution.
        epsilon: Added to the variance.
        kernel_initializer: Initializer of the kernel.
        **kwargs: As for every Keras layer.

    Attributes:
        parts: The four layers, in the order in which data meets them.

    Call: a list of maps, (batch, height, width, any number), and the list of their `BatchMoments` ->
    (batch, height, width, filters).
    """

    def __init__(
        self,
        filters,
        kernel_size,
        activation="relu",
        epsilon=1e-3,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # moments stay in full precision
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
    def parts(self):
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
        norms = (ops.cast(w, full(self.compute_dtype)) for w in (*stats, norm.beta, norm.gamma))
        run = keras.remat(self.run) if training else self.run
        return run(ops.cast(self.conv.kernel, self.compute_dtype), *norms, *maps)

    def run(self, kernel, mean, variance, beta, gamma, *maps):
        """All that is computed again: a pure function of these tensors."""
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


def parts(layer):
    """The layers that a layer is made of, in the order in which data meets them; itself if of one piece."""
    return layer.parts if isinstance(layer, RecomputedConv2D) else (layer,)


def full(dtype):
    """The precision in which maps of a dtype are normalised."""
    return keras.backend.result_type(dtype, "float32")
