"""What a net's images are scaled by, as data that any array or tensor can be put through."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kerasnets.checks import refuse

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """Turns pixels of 0..255 into what a net takes: (x - mean) / std.

    Two steps of CIFAR's older papers may come with it. `contrast` comes first; `matrix` whitens what the mean
    was subtracted from. Both work on whole examples, so they need a batch.

    Args:
        mode: Name of the scaling; a key of `MODES` for those of keras.applications and of the papers.
        mean: A number, one for each channel in the order RGB, or an array of the shape of an example.
        std: Likewise.
        order: "RGB", or "BGR" where the net takes the channels in reverse.
        contrast: None, or the norm that each example gets once its mean is subtracted: global contrast
            normalization.
        matrix: None, or a matrix, (n, n), that flattened examples of n values are multiplied by.
    """

    mode: str = "own"
    mean: float | tuple[float, ...] | np.ndarray = 0.0
    std: float | tuple[float, ...] | np.ndarray = 1.0
    order: str = "RGB"
    contrast: float | None = None
    matrix: np.ndarray | None = None

    def __call__(self, x: Any) -> Any:
        """Scales images as the net expects them.

        Args:
            x: Array, tensor or Keras tensor, (..., height, width, channels), RGB, values 0..255: images, or
                clips. It is not changed. TensorFlow's tensors are taken under any backend of Keras.

        Returns:
            The same shape, in the dtype of `keras.config.floatx()`; numpy for numpy.

        Raises:
            ValueError: The scaling is for three channels, and `x` has another number.
        """
        x, lib, dtype = self.prepared(x)
        if self.contrast is not None:
            axes = tuple(range(1, len(x.shape)))
            x = x - lib.mean(x, axes, keepdims=True)
            norm = lib.sqrt(lib.sum(x * x, axes, keepdims=True))
            x = self.contrast * x / lib.maximum(norm, lib.array(1e-8, dtype))
        if self.matrix is None:
            x = x - lib.array(self.mean, dtype)
        else:
            flat = lib.reshape(x, (-1, len(self.matrix))) - lib.array(np.ravel(self.mean), dtype)
            x = lib.reshape(lib.matmul(flat, lib.array(self.matrix, dtype)), (-1, *x.shape[1:]))
        x = x / lib.array(self.std, dtype)
        # Reversed last: with the channels reversed first, LiteRT finds wrong ranges for int8.
        return lib.flip(x, -1) if self.order == "BGR" else x

    def undo(self, x: Any) -> Any:
        """Turns scaled images back into those of 0..255.

        Args:
            x: What a call has given.

        Returns:
            The same shape.

        Raises:
            ValueError: The scaling normalizes contrast or whitens, which is not undone.
        """
        if self.contrast is not None or self.matrix is not None:
            raise ValueError("a scaling that normalizes contrast or whitens cannot be undone")
        x, lib, dtype = self.prepared(x)
        x = lib.flip(x, -1) if self.order == "BGR" else x
        return x * lib.array(self.std, dtype) + lib.array(self.mean, dtype)

    def prepared(self, x):
        """Images as floating point numbers, the functions that compute with them, and their dtype."""
        import keras

        lib, dtype = functions_of(x), keras.config.floatx()
        x = keras.ops.cast(x, dtype) if lib is keras.ops else lib.array(x, dtype)
        shape = np.shape(self.mean)
        if self.matrix is None and shape and x.shape[-1] != shape[-1]:
            refuse("x", f"an array of images with {shape[-1]} channels last", tuple(x.shape))
        return x, lib, dtype


def functions_of(x):
    """The module whose functions, named as numpy's, compute with an array or tensor."""
    import keras

    from kerasnets import graph

    if keras.ops.is_tensor(x) or keras.utils.is_keras_tensor(x):
        return keras.ops
    return graph.tensorflow_functions() if type(x).__module__.startswith("tensorflow.") else np


MODES = {
    scaling.mode: scaling
    for scaling in (
        Scaling("none"),
        Scaling("unit", std=255.0),  # 0..1
        Scaling("tf", 127.5, 127.5),  # -1..1
        Scaling("torch", tuple(255 * m for m in IMAGENET_MEAN), tuple(255 * s for s in IMAGENET_STD)),
        Scaling("caffe", (123.68, 116.779, 103.939), order="BGR"),
        # Means of UCF101's frames, as C3D's Caffe ports have them.
        Scaling("ucf101", (102.0, 98.0, 90.0), order="BGR"),
        Scaling("lecun", 20.0, 200.0),  # paper -0.1, ink 1.175: LeCun 1998, section II.B
    )
}
