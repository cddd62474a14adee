"""Reading .safetensors files, which Hugging Face publishes, by its library."""

import os

from kerasnets.weights.readers.common import mapped, view
from kerasnets.weights.units import COUNTERS, Unit, units_of

KINDS = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}
COUNTS = {"I64": 8, "I32": 4}  # types of counters of batches, which are skipped, and their sizes in bytes
LENGTH = 8  # bytes of the length of the header, which comes first


def read(path: str | os.PathLike) -> list[Unit]:
    """The layers of a .safetensors file. Arrays are views of the file.

    The library checks the header: tensors follow one another to the end of the file, with no space between
    them.

    Raises:
        ValueError: The file is damaged, or has a tensor that is no weight of our layers.
    """
    from safetensors import SafetensorError, safe_open

    content = mapped(path)
    try:
        with safe_open(os.fspath(path), "numpy") as file:
            slices = [(name, file.get_slice(name)) for name in file.offset_keys()]
            headers = [(name, part.get_dtype(), part.get_shape()) for name, part in slices]
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    start, tensors = LENGTH + int.from_bytes(content[:LENGTH], "little"), []
    for name, kind, shape in headers:
        if kind in COUNTS and not shape and name.rpartition(".")[2] in COUNTERS:
            start += COUNTS[kind]
            continue
        array = view(name, content, KINDS.get(kind, kind), shape, start)
        start += array.nbytes
        tensors.append((name, array))
    return units_of(tensors)
