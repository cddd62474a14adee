"""Strings of variable length among the attributes of HDF5 files, read without libhdf5.

Since version 3, h5py writes lists of names so. Damaged ones make libhdf5 allocate gigabytes, or never return.

Source: HDF5 File Format Specification 3.0, sections III.E (global heap), IV.A.1.a (object headers), IV.A.2.m
(attributes).
"""

import mmap
import struct
from collections.abc import Iterator

from kerasnets.weights.readers.common import check_claim

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEADER = struct.Struct("<B7xI4x")  # of an object: version 1, size of its messages
MESSAGE = struct.Struct("<HH4x")  # its type and size
CONTINUATION, ATTRIBUTE = 0x10, 0x0C  # types of messages
BLOCK = struct.Struct("<QQ")  # place and size of further messages
SIZES = struct.Struct("<BxHHH")  # of an attribute: version, sizes of its name, type and shape
REFERENCE = struct.Struct("<IQI")  # length of a string, place of its heap, number of its object
HEAP = struct.Struct("<4s4xQ")  # mark and size of a heap
OBJECT = struct.Struct("<H6xQ")  # number and size of an object in it


class Strings:
    """Reads the strings of a mapped HDF5 file."""

    def __init__(self, content: mmap.mmap):
        version = content[len(SIGNATURE) : len(SIGNATURE) + 1]
        widths = 13 if version in (b"\0", b"\1") else 9  # place of the widths of places and sizes
        if content[: len(SIGNATURE)] != SIGNATURE or content[widths : widths + 2] != bytes((8, 8)):
            raise ValueError("It does not begin as a file of HDF5.")
        self.content = content
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.taken = 0  # bytes of heaps and strings so far

    def take(self, size: int) -> None:
        """Counts bytes that are read, so that parts that are read again and again are refused."""
        self.taken += size
        check_claim(self.taken, len(self.content))

    def of_attribute(self, address: int, name: str, count: int) -> list[str]:
        """The strings of an attribute.

        Args:
            address: Place of the object that has it.
            name: Its name.
            count: How many strings it has.

        Raises:
            ValueError: It is not there, or damaged.
        """
        for place, size in self.attributes(address):
            version, *sizes = SIZES.unpack_from(self.content, place)
            start = place + SIZES.size + (version == 3)
            if self.content[start : start + sizes[0]].rstrip(b"\0") == name.encode():
                step = 8 if version == 1 else 1
                start += sum(-(-part // step) * step for part in sizes)
                if start + count * REFERENCE.size > place + size:
                    break
                references = self.content[start : start + count * REFERENCE.size]
                return [self.text(*reference) for reference in REFERENCE.iter_unpack(references)]
        raise ValueError(f"Its list {name} cannot be read.")

    def attributes(self, address: int) -> Iterator[tuple[int, int]]:
        """Places and sizes of the attributes of an object."""
        version, size = HEADER.unpack_from(self.content, address)
        if version != 1:
            return
        blocks = [(address + HEADER.size, size)]
        for place, length in blocks:
            self.take(length)
            end = place + length
            while place + MESSAGE.size <= end:
                kind, size = MESSAGE.unpack_from(self.content, place)
                place += MESSAGE.size
                if kind == CONTINUATION:
                    blocks.append(BLOCK.unpack_from(self.content, place))
                elif kind == ATTRIBUTE:
                    yield place, size
                place += size

    def text(self, length: int, heap: int, number: int) -> str:
        """A string, given its length, the place of its heap, and its number there."""
        if heap not in self.heaps:
            self.heaps[heap] = dict(self.objects(heap))
        start, size = self.heaps[heap].get(number, (0, 0))
        self.take(length)
        if length > size:
            raise ValueError("It has a string that is longer than it can be.")
        return self.content[start : start + length].decode()

    def objects(self, heap: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """Numbers, places and sizes of the objects of a heap."""
        mark, size = HEAP.unpack_from(self.content, heap)
        if mark != b"GCOL":
            raise ValueError("It has a string that is nowhere.")
        self.take(size)
        place = heap + HEAP.size
        while place + OBJECT.size <= heap + size:
            number, length = OBJECT.unpack_from(self.content, place)
            if number == 0:  # free space, to the end
                return
            yield number, (place + OBJECT.size, length)
            place += OBJECT.size + -(-length // 8) * 8
