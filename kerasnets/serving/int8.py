"""Quantization of OpenVINO's models to 8 bits by NNCF, which measures ranges on calibration images.

Points that need care:

- OpenVINO crashes where it runs a quantized net of small images with a free size on a processor with AMX
  (github.com/openvinotoolkit/openvino/issues/37577). So sizes are fixed while NNCF works, and where the file
  is run; in the file itself, they are free.
- NNCF and OpenVINO's converter report their use to their makers, unless the environment says that this is a
  test on a build server. So it says so, as long as they work here.

Source: Jacob et al. 2018, arXiv:1712.05877; nncf.quantize of https://github.com/openvinotoolkit/nncf.
"""

import contextlib
import io
import logging
import os

import numpy as np

SUBSET = 300  # images on which ranges are measured, as NNCF's makers advise


@contextlib.contextmanager
def unreported():
    """A context in which NNCF and OpenVINO's converter report nothing to their makers, and print nothing."""
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # NNCF's bars, which it shows in files too
            yield
    finally:
        os.environ.pop("CI")
        if before is not None:
            os.environ["CI"] = before


def quantize(model, images):
    """Quantizes a model.

    Args:
        model: An `openvino.Model` of images, whose input is named "images". It is changed: its size is fixed.
        images: Calibration images of 0..255, float32, (n, height, width, channels).

    Returns:
        The quantized model, an `openvino.Model`, with the sizes free that were free before.
    """
    free = model.input("images").get_partial_shape()
    with unreported():
        import nncf

        nncf.set_log_level(logging.ERROR)
        model.reshape({"images": [1, *images.shape[1:]]})
        data = nncf.Dataset(spread(images), lambda image: {"images": image[None]})
        device = nncf.TargetDevice.CPU
        quantized = nncf.quantize(model, data, target_device=device, subset_size=min(SUBSET, len(images)))
    quantized.reshape({"images": free})
    return quantized


def spread(images):
    """Up to `SUBSET` images, evenly spaced, since images of one class may lie next to one another."""
    count = min(SUBSET, len(images))
    return images[np.linspace(0, len(images) - 1, count).round().astype(int)]
