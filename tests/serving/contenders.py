"""Contenders for tests of turns: what runs in their processes."""

import os
import signal
import sys
import time


def counting(start=0):
    """Counts its calls, of which each takes a millisecond."""
    print("what libraries print is no answer")
    calls = [start]

    def turn(add=1):
        calls[0] += add
        time.sleep(0.001)
        return {"calls": calls[0], "process": os.getpid()}

    return turn


def refusing():
    raise ValueError("not\nthis one")


def dying(of, after):
    """Is killed by a signal in its turn of this number."""
    calls = []

    def turn():
        calls.append(None)
        if len(calls) > after:
            os.kill(os.getpid(), getattr(signal, of))

    return turn


def leaving():
    print("no more memory", file=sys.stderr)
    raise SystemExit(3)


def slow():
    return lambda: time.sleep(60)
