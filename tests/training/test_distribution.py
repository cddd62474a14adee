import importlib.util
import json
import os
import socket
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from kerasnets.applications import MLP
from kerasnets.data import augment
from kerasnets.distillation import Distiller, Hint
from kerasnets.layers import BatchMoments, RecomputedConv2D
from kerasnets.training import distribution, scaled

RNG = np.random.default_rng(0)
needs_jax = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed")


def test_one_replica_is_the_default():
    assert distribution.mirrored(1).num_replicas_in_sync == 1


@pytest.mark.parametrize("replicas", [0, -1, 1.5, "2", True])
def test_bad_replicas(replicas):
    with pytest.raises(ValueError, match="`replicas` .*Received: replicas="):
        distribution.mirrored(replicas)


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="jax backend"):
        distribution.mirrored(2)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (dict(replicas=0), "`replicas`"),
        (dict(hosts=0), "`hosts`"),
        (dict(hosts=2, host_index=2, coordinator="a:1"), "`host_index` is a whole number from 0 to 1"),
        (dict(hosts=2, host_index=-1, coordinator="a:1"), "`host_index`"),
        (dict(hosts=2), "`coordinator` is HOST:PORT"),
        (dict(hosts=2, coordinator="host-0"), "`coordinator` is HOST:PORT"),
        (dict(coordinator="a:1"), "`coordinator` is None"),
        (dict(hosts=2, coordinator="a:1"), "set KERAS_BACKEND=jax"),
    ],
)
def test_bad_devices(options, word):
    with pytest.raises(ValueError, match=word), distribution.devices(**options):
        pass


def test_a_share_is_a_whole_part():
    assert distribution.share(24, replicas=3, hosts=2) == 12
    with pytest.raises(ValueError, match="a multiple of 6"):
        distribution.share(28, replicas=3, hosts=2)


X, LABELS = RNG.normal(size=(24, 4, 4, 3)).astype("float32"), RNG.integers(0, 4, 24)
X[4:8] *= 100  # the second replica's part of the first batch


def plain(x):
    return layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3)(x))


def shared(x):
    return layers.BatchNormalization(name="norm")(RecomputedConv2D(4, 3)([x], [BatchMoments()(x)]))


def losses(strategy, precision="float32", body=plain, kind=keras.optimizers.SGD, **sgd):
    """The losses of a net with batch normalization, its moving statistics, and the scale of its loss."""
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(0)
    with strategy.scope():
        y = layers.GlobalAveragePooling2D()(body(images := keras.Input((4, 4, 3))))
        net = keras.Model(images, layers.Dense(4, dtype="float32")(y))
        net.compile(
            kind(0.1, 0.9, **sgd), keras.losses.SparseCategoricalCrossentropy(True), jit_compile=False
        )
        if precision == "mixed_float16":
            net.optimizer.initial_scale = 2.0**24  # too high at first
        with distribution.as_one_device(net):
            logs = net.fit(X, LABELS, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
    norm = net.get_layer("norm")
    assert not norm.synchronized
    scale = getattr(net.optimizer, "dynamic_scale", None)
    values = (norm.moving_mean, norm.moving_variance, *([] if scale is None else [scale]))
    return logs, *(keras.ops.convert_to_numpy(v).tolist() for v in values)


def distilled(strategy, live):
    """The losses of a student whose teacher runs with it, or has given its logits before."""
    keras.utils.set_random_seed(0)
    options = dict(input_shape=(4, 4, 3), classes=4, classifier_activation=None)
    with strategy.scope():
        student, teacher = MLP((8,), **options), MLP((9,), **options)
        student.trainable_weights[0].regularizer = keras.regularizers.L2(0.1)
        model = Distiller(student, teacher if live else None)
        model.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"], jit_compile=False)
        y = LABELS if live else {"labels": LABELS, "teacher_logits": keras.ops.convert_to_numpy(teacher(X))}
        return model.fit(X, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history


def compared(strategy, size):
    """What losses that compare the examples of a batch give, without learning."""
    keras.utils.set_random_seed(0)
    options = dict(input_shape=(4, 4, 3), classes=4, classifier_activation=None)
    with strategy.scope():
        student, teacher = MLP((8,), **options), MLP((9,), **options)
        hints = [Hint("features", "features", loss="pkt")]
        model = Distiller(student, teacher, hints=hints, method="dist", warm_up=2)
        model.compile(keras.optimizers.SGD(0.0), jit_compile=False)
        logs = model.fit(X, LABELS, batch_size=size, shuffle=False, epochs=2, verbose=0).history
    assert keras.ops.convert_to_numpy(model.ramp) == 1.0
    return logs


RATES = dict(kind=scaled(keras.optimizers.SGD), weight_decay=0.01, factors=(0.3, 0.3, 0.5, 0.5, 1, 1))
CASES = {
    "clipped, with shared moments": (dict(body=shared, global_clipnorm=0.05), 1e-4),
    "float16": (dict(precision="mixed_float16", **RATES), 1e-2),
}


def on_one_and_two():
    """What nets and distillers lose on one device and on two parts of it."""
    augment.check(["rand_augment", "mixup"])  # as a recipe does first
    strategies = distribution.mirrored(1), distribution.mirrored(2)
    nets = {name: [losses(s, **options) for s in strategies] for name, (options, _) in CASES.items()}
    keras.config.set_dtype_policy("float32")
    distillers = [distilled(strategies[0], True), *(distilled(strategies[1], live) for live in (True, False))]
    of_parts = [compared(strategies[0], 8), compared(strategies[0], 4), compared(strategies[1], 8)]
    return nets, distillers, of_parts


@pytest.fixture(scope="module")
def replicas(apart):
    [outcome] = apart((on_one_and_two,))
    return outcome


def test_distillers_lose_on_two_replicas_what_they_lose_on_one_device(replicas):
    """Also of logits that their teacher has given before."""
    _, (one, *two), _ = replicas
    assert {"loss", "soft_loss", "accuracy"} <= set(one)
    for found in two:
        for name, values in one.items():
            assert found[name] == pytest.approx(values, rel=1e-4), name


def test_losses_that_compare_examples_compare_those_of_a_replica(replicas):
    *_, (whole, halves, two) = replicas
    for name in ("soft_loss", "hint_loss"):
        assert two[name] == pytest.approx(halves[name], rel=1e-4)
        assert abs(two[name][0] - whole[name][0]) > 1e-3 * whole[name][0]
    assert two["loss"][1] > two["loss"][0]  # the second epoch of the warm-up


def test_two_replicas_lose_what_one_device_loses(replicas):
    nets, *_ = replicas
    for name, (one, two) in nets.items():
        near = CASES[name][1]
        for values, others in zip(one, two, strict=True):
            assert others == pytest.approx(values, rel=near, abs=near), name
        assert one[0][-1] < one[0][0]
    assert nets["float16"][1][-1] < 2.0**24, "the loss scale did not come down"


# A net with batch normalization and dropout, trained by one process on one device and two, and by two hosts.
# All are forks of a process that has imported what they need.
HOSTS = """
import json, os, sys, traceback
sys.modules["tensorflow"] = None  # none of this needs it
os.environ["KERAS_BACKEND"] = "jax"
import numpy as np, keras
from keras import layers
from kerasnets.training import distribution, scaled
read = set()

class Part(keras.utils.PyDataset):
    def __init__(self, x, labels, batch, share):
        super().__init__()
        self.data, self.batch, self.share = (x, labels), batch, share
    def __len__(self):
        return len(self.data[0]) // self.batch
    def __getitem__(self, step):
        first = step * self.batch + index * self.share
        read.update(range(first, first + self.share))
        return tuple(a[first : first + self.share] for a in self.data)

def trained(replicas, path):
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(24, 4, 4, 3)).astype("float32"), rng.integers(0, 4, 24)
    part = Part(x, labels, 8, distribution.share(8, replicas, hosts))
    with distribution.devices(replicas, hosts, index, coordinator, settings={"seed": 0}, timeout=60):
        keras.utils.set_random_seed(0)
        body = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.3)]
        net = keras.Sequential([keras.Input((4, 4, 3)), *body, layers.Dense(4)])
        loss = keras.losses.SparseCategoricalCrossentropy(True)
        net.compile(keras.optimizers.SGD(0.1, 0.9, global_clipnorm=0.5), loss, metrics=["accuracy"])
        with distribution.as_one_device(net):
            logs = net.fit(part, epochs=2, shuffle=False, verbose=0, validation_data=part).history
        if distribution.is_first():
            with distribution.alone():
                net.save_weights(path)
        return logs

def fork(path):
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        logs = [trained(replicas, path) for replicas in ((2, 1) if hosts == 1 else (1,))]
        with open(path + ".json", "w") as file:
            json.dump([logs, sorted(read)], file)
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)

pids = []
for hosts, index, coordinator, path in json.loads(sys.argv[1]):
    pids.append(fork(path))
sys.exit(any([os.waitpid(pid, 0)[1] for pid in pids]))
"""


@needs_jax
def test_two_hosts_lose_what_one_process_loses(tmp_path):
    coordinator = f"127.0.0.1:{free_port()}"
    runs = [(1, 0, None), (2, 0, coordinator), (2, 1, coordinator)]
    written = [tmp_path / f"{i}.weights.h5" for i in range(3)]
    run(HOSTS, json.dumps([[*r, str(path)] for r, path in zip(runs, written, strict=True)]))
    outcomes = [json.loads((tmp_path / f"{i}.weights.h5.json").read_text()) for i in range(3)]
    ((two_devices, one), whole), ((first,), half), ((second,), rest) = outcomes
    assert first == second
    for logs in (first, two_devices):
        for name, values in one.items():
            assert logs[name] == pytest.approx(values, abs=1e-5), name
    assert whole == sorted(half + rest)
    assert not set(half) & set(rest)
    assert [path.exists() for path in written] == [True, True, False]
    assert weights(written[0]) == pytest.approx(weights(written[1]), abs=1e-5)


def weights(path):
    values = []
    with h5py.File(path) as file:
        file.visititems(lambda _, v: values.append(v[()].ravel()) if isinstance(v, h5py.Dataset) else None)
    return np.concatenate(values)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(program, *arguments):
    command = [sys.executable, "-c", program, *arguments]
    environment = {**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # XLA compiles in half the time
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
