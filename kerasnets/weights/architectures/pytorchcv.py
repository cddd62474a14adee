"""The architectures of pytorchcv, whose files keep the order of definition.

Semery, https://github.com/osmr/pytorchcv.
"""

from kerasnets.weights.architectures.row import Architecture

PYTORCHCV: dict[str, Architecture] = {}
