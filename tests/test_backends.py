"""Models, weights, profile and Distiller on the other backends of Keras, each in a process of its own."""

import importlib.util
import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np, keras, kerasnets
from kerasnets.distillation import Distiller, as_logits, soft_targets
assert keras.backend.backend() == sys.argv[1]
rng = np.random.default_rng(0)
for name, options in (("DenseNet121", {"depths": (1, 2, 1, 1)}), ("MobileNet", {"alpha": 0.25})):
    model = kerasnets.build(name, input_shape=(64, 64, 3), **options)
    scores = model.predict(rng.random((2, 64, 64, 3)), verbose=0)
    assert scores.shape == (2, 1000) and np.allclose(scores.sum(1), 1, atol=1e-5), name
    profile = kerasnets.analysis.profile(model)
    assert profile.params == model.count_params() and profile.mult_adds > 1e6, name
    keras.backend.clear_session()

net = kerasnets.build("FractalNet20", filters=(4,), columns=2, input_shape=(8, 8, 3))
net.compile("sgd", "sparse_categorical_crossentropy")
logs = net.fit(rng.random((8, 8, 8, 3)), np.arange(8), batch_size=4, verbose=0).history
assert np.isfinite(logs["loss"]).all(), "drop-path"

net = kerasnets.build("CapsNet", alpha=0.0625, decoder=True, hidden=(4,))
train = kerasnets.applications.capsnet.labeled(net)
margin, squares = kerasnets.training.MarginLoss(), kerasnets.training.ReconstructionLoss()
train.compile("adam", {"predictions": margin, "reconstruction": squares})
x, labels = np.zeros((8, 28, 28, 1), "float32"), np.arange(8)
targets = {"predictions": labels, "reconstruction": x}
logs = train.fit({"images": x, "labels": labels}, targets, verbose=0).history
assert np.isfinite(logs["loss"]).all(), "capsules"
assert all(np.isfinite(w).all() for w in net.get_weights()), "capsules"

images, losses, start = rng.random((8, 8, 8, 3)), [], None
for efficient in (False, True):
    net = kerasnets.build("DenseNet40", depth=7, input_shape=(8, 8, 3), memory_efficient=efficient)
    start = start or net.get_weights()
    net.set_weights(start)
    net.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    losses.append(net.fit(images, np.arange(8), batch_size=8, epochs=2, verbose=0).history["loss"])
    losses[-1].append(float(np.sum(net.predict(images, verbose=0) ** 2)))
assert np.allclose(*losses, rtol=1e-4), losses

x, labels = rng.random((64, 32, 32, 1)).astype("float32"), rng.integers(0, 10, 64)
teacher = as_logits(kerasnets.build("LeNet5"))
student = kerasnets.build("MLP800", hidden=(8,), input_shape=(32, 32, 1), classifier_activation=None)
before = [w.copy() for w in teacher.get_weights()]
live = Distiller(student, teacher)
live.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"])
logs = live.fit(x, labels, epochs=4, verbose=0).history
assert logs["loss"][-1] < logs["loss"][0], logs
assert all(np.array_equal(a, b) for a, b in zip(before, teacher.get_weights(), strict=True))
cached = Distiller(student)
cached.compile("adam")
y = {"labels": labels, "teacher_logits": teacher.predict(x, verbose=0)}
logs = cached.fit(x, y, epochs=2, verbose=0).history
assert np.isfinite(logs["loss"]).all() and set(logs) == {"loss", "hard_loss", "soft_loss"}
assert "tensorflow" not in sys.modules, "TensorFlow was imported"

# Copies of layers are made from configurations, for which Keras itself imports TensorFlow if it is there.
assert list(kerasnets.surgery.feature_pyramid(net, None).output) == ["P0", "P1", "P2"]
net = kerasnets.surgery.replace_head(net, 4, freeze=False)
statistics = [w for w in net.weights if "moving" in w.name]
before = [keras.ops.convert_to_numpy(w).copy() for w in statistics]
net.compile("sgd", "sparse_categorical_crossentropy")
logs = net.fit(images, np.arange(8) % 4, batch_size=8, verbose=0).history
assert np.isfinite(logs["loss"]).all() and statistics, "a new head"
after = [keras.ops.convert_to_numpy(w) for w in statistics]
assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), "frozen statistics"

# Keras imports TensorFlow, if it is there, to write a layer's config.
from kerasnets.surgery import convolutionize, deepen, fold_batch_norm, widen
from kerasnets.training import evaluate
tiny = kerasnets.applications.VGG11.spec.tiny
net = kerasnets.build("VGG11", batch_norm=True, input_shape=(32, 32, 3), **tiny)
y = rng.normal(size=(2, 32, 32, 3)).astype("float32")
scores = net.predict(y, verbose=0)
folded = fold_batch_norm(net)
assert not [layer for layer in folded.layers if "Norm" in type(layer).__name__]
grown = deepen(net, "block1_conv1", data=y), widen(net, "block5_conv2", 11)
for changed in (convolutionize(net), folded, *grown):
    assert np.allclose(scores, changed.predict(y, verbose=0).reshape(scores.shape), atol=1e-5), changed.name
y = rng.normal(size=(2, 40, 48, 3)).astype("float32")
found = evaluate(net, (y, np.arange(2)), "dense_and_crops", sizes=48)
assert set(found) == {"top1", "top5"}, found

from kerasnets.distillation import Ensemble, Hint, combine, specialist
both = Ensemble([teacher, student], mean="arithmetic")
q = keras.ops.softmax(keras.ops.convert_to_tensor(both.predict(x, verbose=0)))
p = [keras.ops.softmax(keras.ops.convert_to_tensor(m.predict(x, verbose=0))) for m in (teacher, student)]
assert np.allclose(*map(keras.ops.convert_to_numpy, (q, (p[0] + p[1]) / 2)), atol=1e-5), "ensemble"
hinted = Distiller(student, teacher, hints=[Hint(teacher.layers[-2].name, student.layers[-2].name)])
hinted.compile("adam")
logs = hinted.fit(x, labels, epochs=2, verbose=0).history
assert np.isfinite(logs["hint_loss"]).all(), "hints"
expert = specialist(teacher, [3, 5, 8])
own = keras.ops.softmax(keras.ops.convert_to_tensor(expert.predict(x, verbose=0)))
together = keras.ops.convert_to_numpy(combine(p[0], [own], [[3, 5, 8]]))
assert np.allclose(together, keras.ops.convert_to_numpy(p[0]), atol=1e-5), "a specialist that agrees"
print("fine")
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    # XLA compiles in half the time; what nets compute stays.
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    command = [sys.executable, "-c", PROGRAM, backend]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["fine"]
