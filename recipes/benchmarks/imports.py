"""Seconds to import keras, alone and with kerasnets."""

import argparse
import subprocess
import sys

from benchmarks import measuring

add_options = measuring.add_options


def run(args: argparse.Namespace) -> None:
    """Times each import in a process of its own."""

    def process(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    codes = ("import keras", "import keras, kerasnets")
    measuring.compare({"importing": {code: process(code) for code in codes}}, args)
