"""The process of a net that `memory` measures: trains for one step per line of its standard input.

python recipes/benchmarks/training_steps.py '{"model": "DenseNet121", "batch": 16, "jit": false}'
"""

import json
import pathlib
import re
import sys
from typing import Any

from kerasnets.cli.options import quiet


def train(model: str, batch: int, jit: bool, **options: Any) -> None:
    """Trains for one step per line of the standard input; at its end, prints the memory of the process."""
    with quiet():
        import keras
        import numpy as np

        import kerasnets

        net = kerasnets.build(model, classifier_activation=None, **options)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        net.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss, jit_compile=jit)
        net.optimizer.build(net.trainable_variables)
        rng = np.random.default_rng(0)
        x = rng.random((batch, *net.input_shape[1:]), "float32")
        y = rng.integers(0, net.output_shape[-1], batch)
        before = memory()["VmRSS"]
        net.train_on_batch(x, y)
        net.train_on_batch(x, y)
    for _ in sys.stdin:
        net.train_on_batch(x, y)
        print("done", flush=True)
    print(json.dumps({"before": before, "step": memory()["VmHWM"] - before}), flush=True)


def memory() -> dict[str, float]:
    """Megabytes of this process: VmRSS now, VmHWM at its peak."""
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    return {word: int(kb) / 1024 for word, kb in re.findall(r"^(Vm\w+):\s+(\d+) kB", status, re.MULTILINE)}


if __name__ == "__main__":
    train(**json.loads(sys.argv[1]))
