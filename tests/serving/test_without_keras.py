"""Exports read by TensorFlow alone, in a process that can import neither Keras nor this package."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerasnets.applications import densenet
from kerasnets.serving import export

PROGRAM = """
import contextlib, io, sys
import numpy as np
import tensorflow as tf

for name in [*sys.modules, "kerasnets", "tf_keras"]:
    if name.split(".")[0] in ("keras", "kerasnets", "tf_keras"):
        sys.modules[name] = None  # to import it is an error
given = np.load(arrays)
images, expected = given["images"], given["expected"]
files = [given[name].tobytes() for name in ("file0", "file1")]

signatures = tf.saved_model.load(path).signatures
scores = signatures["serving_default"](images=tf.constant(images))["probabilities"]
assert np.allclose(scores, expected, atol=1e-5), scores
answer = signatures["serving_bytes"](image_bytes=tf.constant(files))
assert np.allclose(answer["probabilities"], expected, atol=1e-5), answer

with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], path)
    for name, key, value in (("serving_default", "images", images), ("serving_bytes", "image_bytes", files)):
        signature = meta.signature_def[name]
        outputs = {key: x.name for key, x in signature.outputs.items()}
        found = session.run(outputs, {signature.inputs[key].name: value})
        assert np.allclose(found["probabilities"], expected, atol=1e-5), found
    names = np.array([b"cat", b"dog", b"gnu"])[np.argsort(-expected)]
    assert (found["classes"] == names).all(), found

from tensorflow.python.tools import saved_model_cli

sys.argv = ["saved_model_cli", "show", "--dir", path, "--all"]
with contextlib.redirect_stdout(io.StringIO()) as shown:
    try:
        saved_model_cli.main()
    except SystemExit as end:
        assert not end.code, end
for word in ("signature_def['serving_bytes']", "tensorflow/serving/predict", "shape: (-1, 8, 8, 3)"):
    assert word in shown.getvalue(), word
"""


def test_loaders_and_the_command_line(apart, tmp_path):
    parts = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.GlobalAveragePooling2D()]
    net = keras.Sequential([keras.Input((8, 8, 3)), *parts, layers.Dense(3)], name="net")
    path = export(net, tmp_path, preprocess="torch", class_names=["cat", "dog", "gnu"], image_bytes=True)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), "uint8")
    files = [np.frombuffer(tf.io.encode_png(image).numpy(), "uint8") for image in images]
    expected = tf.nn.softmax(net(densenet.preprocess_input(images))).numpy()
    np.savez(
        tmp_path / "arrays.npz",
        images=images.astype("float32"),
        file0=files[0],
        file1=files[1],
        expected=expected,
    )
    apart((exec, PROGRAM, {"path": str(path), "arrays": tmp_path / "arrays.npz"}))
