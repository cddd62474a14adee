"""The architectures of Caffe, of the ONNX project, and of authors who published a few nets."""

from kerasnets.weights.architectures.row import Architecture

REST: dict[str, Architecture] = {}
