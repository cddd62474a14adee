"""Scaling of images before a net, and names of classes after it."""

import keras
import numpy as np
from keras import ops

from kerasnets.checks import is_int, refuse

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Pixels of 0..255 become (x - mean) / std. A row: (mean, std, whether RGB turns into BGR, as these are).
MODES = {
    "none": (0.0, 1.0, False),
    "unit": (0.0, 255.0, False),  # 0..1
    "tf": (127.5, 127.5, False),  # -1..1
    "torch": (tuple(255 * m for m in IMAGENET_MEAN), tuple(255 * s for s in IMAGENET_STD), False),
    "caffe": ((103.939, 116.779, 123.68), 1.0, True),
    "ucf101": ((90.0, 98.0, 102.0), 1.0, True),  # means of UCF101's frames, as C3D's Caffe ports have them
    "lecun": (20.0, 200.0, False),  # paper -0.1, ink 1.175: LeCun 1998, section II.B
}


def scaler(mode):
    """The `preprocess_input` of a mode.

    Args:
        mode: A key of `MODES`.

    Returns:
        A function of images, which gives them scaled in the dtype of `keras.config.floatx()`.
    """
    mean, std, bgr = MODES[mode]
    step = -1 if bgr else 1  # of the channels
    mean, std = (v[::step] if isinstance(v, tuple) else v for v in (mean, std))

    def preprocess_input(x):
        """Images of 0..255 scaled as the net expects them.

        Args:
            x: Array, tensor or Keras tensor, (..., height, width, channels), RGB, values 0..255: images, or
                clips. It is not changed.

        Returns:
            The same shape, floating point; numpy for numpy.

        Raises:
            ValueError: The net's scaling is for three channels, and `x` has another number.
        """
        dtype = keras.config.floatx()
        library = ops if ops.is_tensor(x) or keras.utils.is_keras_tensor(x) else np
        x = ops.cast(x, dtype) if library is ops else np.asarray(x, dtype)
        if isinstance(mean, tuple) and x.shape[-1] != len(mean):
            refuse("x", "an array of images with 3 channels last", tuple(x.shape))
        x = (x - library.array(mean, dtype)) / library.array(std, dtype)
        return library.flip(x, -1) if bgr else x  # the other way round, LiteRT in int8 takes wrong ranges

    preprocess_input.mode = mode
    return preprocess_input


def decode_predictions(preds, top=5, class_names=None):
    """The likeliest classes of each image, by name.

    Args:
        preds: Array or tensor of scores, (images, classes).
        top: How many classes of each image.
        class_names: Names in the order of the classes. None stands for ImageNet's 1,000, whose file
            Keras fetches once and keeps.

    Returns:
        For each image a list of (id, name, score), best first; `id` is ImageNet's "n02110958", or the
        index of the class where `class_names` are given.

    Raises:
        ValueError: The shape of `preds` does not fit the names, or `top` is out of range.
    """
    preds = ops.convert_to_numpy(preds)
    classes = 1000 if class_names is None else len(class_names)
    if preds.ndim != 2 or preds.shape[1] != classes:
        names = "without `class_names`, " if class_names is None else ""
        refuse("preds", f"{names}an array of shape (images, {classes})", preds.shape)
    if not is_int(top, 1) or top > classes:
        refuse("top", f"a whole number from 1 to {classes}", top)
    if class_names is None:
        return keras.applications.imagenet_utils.decode_predictions(preds, top=int(top))
    best = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [
        [(int(i), class_names[i], float(row[i])) for i in order]
        for row, order in zip(preds, best, strict=True)
    ]
