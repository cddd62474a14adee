"""Damages files of weights at random, and reads them: each is read or refused, with little memory.

    python tests/weights/fuzz.py --count 20000 onnx caffe

Case `n` of a format is the same at every run. The numbers of a format are those of files that were read and
of those refused, seconds, and MB by which the process grew.
"""

import argparse
import collections
import multiprocessing
import pathlib
import resource
import signal
import sys
import tempfile
import time
import zipfile

import numpy as np

sys.path[:0] = [str(folder) for folder in pathlib.Path(__file__).resolve().parents[1:3]]

import written  # noqa: E402

LENGTHS = (0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**33, 2**63 - 1, 2**64 - 1)
ENDS = 600  # bytes at the start and the end, in which headers are
GROWTH = 200 * 2**20  # bytes by which a process may grow: modules, and what the system keeps for it
SECONDS = 20  # for a case
BATCH = 2000  # cases a process


def mutated(content, rng):
    """Content with up to four changes of bits, bytes, lengths, digits, letters and ends."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        size = len(content)
        first, last = ((0, size), (0, min(ENDS, size)), (max(0, size - ENDS), size))[rng.integers(3)]
        if first == last:
            break
        place = int(rng.integers(first, last))
        end = place + int(rng.integers(1, 40))
        kind = rng.integers(8)
        if kind == 0:
            content[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            content[place] = int(rng.integers(256))
        elif kind == 2:
            width, order = ((1, "little"), (4, "little"), (8, "little"), (4, "big"))[rng.integers(4)]
            length = LENGTHS[rng.integers(len(LENGTHS))] % 2 ** (8 * width)
            content[place : place + width] = length.to_bytes(width, order)
        elif kind == 3:
            del content[place:end]
        elif kind == 4:
            content[place:place] = content[place:end]
        elif kind == 5:
            other = int(rng.integers(size))
            content[place:end] = content[other : other + end - place]
        elif kind == 6:
            text = [i for i in range(place, min(place + 200, size)) if chr(content[i]).isalnum()]
            for i in text[:1]:
                content[i : i + 1] = rng.choice([b"9", b"0", b"99999999999", b"-1", b"Z", b"a"])
        elif rng.integers(4) == 0:
            del content[place:]
    return bytes(content)


def in_an_archive(state, rng):
    """A checkpoint of PyTorch whose pickle is damaged, not its archive."""
    compression = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[rng.integers(2)]
    return written.pth(state, mutated(written.opcodes(written.tensors(state)), rng), compression)


def as_hdf5(write):
    """A function from a state dict to the bytes of an HDF5 file."""

    def content(state):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "net.h5"
            write(path, state)
            return path.read_bytes()

    return content


# Suffixes, functions that write a file, and functions that give a damaged one with headers that are whole.
FORMATS = {name: (suffix, write, None) for name, (suffix, write) in written.FORMATS.items()} | {
    "pickle": (".pth", written.pth, in_an_archive),
    "compressed": (
        ".pth.zip",
        lambda state: written.inside(written.pth(state)),
        lambda state, rng: written.inside(mutated(written.stream(state), rng)),
    ),
    "old caffe": (".caffemodel", written.old_caffe, None),
    "keras 2": (".h5", as_hdf5(written.keras_2), None),
    "keras 3": (".weights.h5", as_hdf5(written.keras_3), None),
}


def attempt(name, first, count, folder):
    """Reads damaged files of a format.

    Returns:
        How many were read and how many refused, and by how many bytes the process grew meanwhile.
    """
    from kerasnets.weights.readers import finite, read_units

    suffix, write, damage = FORMATS[name]
    state = written.state()
    path, content, outcomes = pathlib.Path(folder) / f"{name}{suffix}", write(state), collections.Counter()
    path.write_bytes(content)
    expected = read_units(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        damaged = damage(state, rng) if damage and number % 2 else mutated(content, rng)
        path.unlink()  # arrays of the file before may still be in use
        path.write_bytes(damaged)
        signal.alarm(SECONDS)  # it ends the process
        try:
            units = read_units(path)
        except ValueError as error:
            outcomes["refused" if path.name in str(error) else "refused without its name"] += 1
            continue
        except BaseException as error:
            raise AssertionError(f"case {number} of {name}") from error
        held = sum(array.nbytes for unit in units for array in unit.values.values())
        assert held <= 8 * len(damaged), f"case {number} of {name} has {held} bytes"
        for unit in units:
            try:
                finite(unit)
            except ValueError:
                outcomes["not finite"] += 1
                break
        outcomes["read"] += 1
    signal.alarm(0)
    assert expected
    assert not outcomes["refused without its name"]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < GROWTH, f"{name} needed {grown} bytes from case {first} on"
    return outcomes["read"], outcomes["refused"], grown


def answer(connection, *arguments):
    """Sends what `attempt` gives, so that a process that dies sends nothing."""
    connection.send(attempt(*arguments))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", help=f"of {', '.join(FORMATS)}; all if none is named")
    parser.add_argument("--count", type=int, default=BATCH)
    options = parser.parse_args()
    failed = False
    for name in options.formats or FORMATS:
        start, total = time.time(), np.zeros(2, int)
        most = 0
        for first in range(0, options.count, BATCH):
            receive, send = multiprocessing.Pipe(duplex=False)
            with tempfile.TemporaryDirectory() as folder:
                arguments = (send, name, first, min(BATCH, options.count - first), folder)
                process = multiprocessing.get_context("fork").Process(target=answer, args=arguments)
                process.start()
                send.close()
                try:
                    read, refused, grown = receive.recv()
                    total, most = total + (read, refused), max(most, grown)
                except EOFError:
                    failed = True
                process.join()
            if process.exitcode:
                print(f"{name}: exit code {process.exitcode} from case {first} on")
        read, refused = total
        print(f"{name}: {read} read, {refused} refused, {time.time() - start:.0f} s, {most / 2**20:.0f} MB")
    sys.exit(failed)


if __name__ == "__main__":
    main()
