"""The scaling of a net's images, as data that can be applied to any array or tensor."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnets.checks import nearest, refuse

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """Scales pixels of values 0..255 for a net: (x - mean) / std.

    Older papers on CIFAR add two steps: `contrast`, before the mean is subtracted, and whitening by `matrix`,
    after it. Both apply to whole examples, so they need a batch.

    Args:
        mode: Name of the scaling; a key of `MODES` for those of keras.applications and of the papers.
        mean: Number to subtract, a number for each channel in the order RGB, or an array of an example's
            shape.
        std: Number to divide by, a number for each channel in the order RGB, or an array of an example's
            shape.
        order: "RGB", or "BGR" if the net takes the channels in reverse.
        contrast: Norm to which each example is scaled after subtracting its own mean, for global contrast
            normalization; or None.
        matrix: Matrix, (n, n), by which flattened examples of n values are multiplied, for whitening; or
            None.
        first: Another scaling, which is applied before this one; or None.
    """

    mode: str = "own"
    mean: float | tuple[float, ...] | np.ndarray = 0.0
    std: float | tuple[float, ...] | np.ndarray = 1.0
    order: str = "RGB"
    contrast: float | None = None
    matrix: np.ndarray | None = None
    first: Scaling | None = None

    def __post_init__(self) -> None:
        """Refuses an unknown order of channels."""
        if self.order not in ("RGB", "BGR"):
            refuse("order", "'RGB' or 'BGR'", self.order)

    def __call__(self, x: Any) -> Any:
        """Scales images for the net.

        Args:
            x: Images or clips, RGB, values 0..255: array, tensor or Keras tensor, (..., height, width,
                channels). It is not changed. TensorFlow tensors are allowed under any backend of Keras.

        Returns:
            Scaled images of the same shape, in the dtype of `keras.config.floatx()`; a numpy array if `x` is
            one, else a tensor.

        Raises:
            ValueError: The scaling is for three channels, but `x` has another number.
        """
        x, lib, dtype = self.prepared(x if self.first is None else self.first(x))
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
        # Reversed last, because LiteRT measures wrong ranges for int8 if channels are reversed first.
        return lib.flip(x, -1) if self.order == "BGR" else x

    def undo(self, x: Any) -> Any:
        """Turns scaled images back into images of values 0..255.

        Args:
            x: Scaled images, as a call returns them.

        Returns:
            Images of the same shape.

        Raises:
            ValueError: The scaling normalizes contrast or whitens, which cannot be undone.
        """
        if self.contrast is not None or self.matrix is not None:
            raise ValueError("a scaling that normalizes contrast or whitens cannot be undone")
        x, lib, dtype = self.prepared(x)
        x = lib.flip(x, -1) if self.order == "BGR" else x
        x = x * lib.array(self.std, dtype) + lib.array(self.mean, dtype)
        return x if self.first is None else self.first.undo(x)

    def after(self, first: Scaling | None) -> Scaling:
        """The scaling that applies `first`, unless it is None, and then this one."""
        if first in (None, MODES["none"]):
            return self
        return dataclasses.replace(self, first=first if self.first is None else self.first.after(first))

    def in_gray(self) -> Scaling | None:
        """The scaling of gray images for a net of colored ones whose first kernels were summed over colors.

        The mean and what is divided by are the means of those of the channels. None for a scaling that has
        other steps.
        """
        if self.contrast is not None or self.matrix is not None or self.first is not None:
            return None
        if not all(np.size(values) in (1, 3) for values in (self.mean, self.std)):
            return None
        mean, std = (float(np.mean(values)) for values in (self.mean, self.std))
        if np.size(self.mean) == np.size(self.std) == 1:
            return dataclasses.replace(self, order="RGB")
        return Scaling(f"{self.mode}, gray", mean, std)

    def fits(self, channels: int | None) -> bool:
        """Whether the scaling is for images of this number of channels, or of any."""
        shape = np.broadcast_shapes(np.shape(self.mean), np.shape(self.std)) if self.matrix is None else ()
        return (not shape or shape[-1] == channels) and (self.first is None or self.first.fits(channels))

    @property
    def name(self) -> str:
        """The modes of all steps in their order, such as "contrast, zca"; "none" if there is no step."""
        steps = [] if self.first is None else [self.first.name]
        return ", ".join(step for step in (*steps, self.mode) if step != "none") or "none"

    def as_data(self) -> dict[str, Any]:
        """The arguments that differ from their defaults: plain data and arrays."""
        fields = {f.name: (getattr(self, f.name), f.default) for f in dataclasses.fields(self)}
        given = {n: v for n, (v, default) in fields.items() if isinstance(v, np.ndarray) or v != default}
        return given | ({} if self.first is None else {"first": self.first.as_data()})

    @classmethod
    def from_data(cls, data: Any) -> Scaling:
        """Makes a scaling from the result of `as_data`.

        Raises:
            ValueError: The data is not that of a scaling.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        if not isinstance(data, dict) or not set(data) <= known or not isinstance(data.get("mode", ""), str):
            refuse("scaling", f"a dict with {', '.join(sorted(known))}", data)
        numbers = {n: v for n, v in data.items() if n not in ("mode", "order", "first") and v is not None}
        if not all(np.issubdtype(np.asarray(v).dtype, np.number) for v in numbers.values()):
            refuse("scaling", "a dict of numbers and arrays", numbers)
        numbers = {n: tuple(v) if isinstance(v, list) else v for n, v in numbers.items()}
        first = data.get("first")
        return cls(**{**data, **numbers, "first": None if first is None else cls.from_data(first)})

    def prepared(self, x):
        """Images as floating-point numbers, the module with functions for them, and their dtype."""
        import keras

        lib, dtype = functions_of(x), keras.config.floatx()
        x = keras.ops.cast(x, dtype) if lib is keras.ops else lib.array(x, dtype)
        shape = np.broadcast_shapes(np.shape(self.mean), np.shape(self.std))
        if self.matrix is None and shape and x.shape[-1:] != shape[-1:]:
            refuse("x", f"an array of images with {shape[-1]} channels last", tuple(x.shape))
        return x, lib, dtype


def scaling_named(scaling: str | Scaling) -> Scaling:
    """A scaling, given itself or its key in `MODES`.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(scaling, Scaling):
        return scaling
    if not isinstance(scaling, str) or scaling not in MODES:
        raise ValueError(
            f"`scaling` is a kerasnets.scaling.Scaling or one of {', '.join(map(repr, MODES))}."
            f"{nearest(scaling, MODES)} Received: scaling={scaling!r}"
        )
    return MODES[scaling]


def agree(first: Callable, second: Callable, shape: tuple[int | None, ...]) -> bool:
    """Whether two functions scale images alike.

    Args:
        first: A function that scales images of values 0..255, such as a `Scaling`.
        second: Another one.
        shape: Shape of an image; free sides, which are None, become 8.
    """
    a, b = (scaled_noise(function, shape) for function in (first, second))
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4 * max(1e-3, np.abs(a).max()))


def scaled_noise(function: Callable, shape: tuple[int | None, ...]) -> np.ndarray:
    """What a function that scales images makes of two images of noise, whose free sides have 8 pixels."""
    import keras

    noise = np.random.default_rng(0).integers(0, 256, (2, *(side or 8 for side in shape))).astype("float32")
    return keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(noise)))


def functions_of(x):
    """The module with numpy's functions for an array or tensor."""
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
        # Means of UCF101's frames, as in Caffe ports of C3D.
        Scaling("ucf101", (102.0, 98.0, 90.0), order="BGR"),
        Scaling("lecun", 20.0, 200.0),  # background -0.1, foreground 1.175: LeCun 1998, section II.B
    )
}
