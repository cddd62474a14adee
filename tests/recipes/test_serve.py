import base64
import concurrent.futures
import json
import re
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import serve
from kerasnets.serving import export

grpc = pytest.importorskip("grpc")
predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
from tensorflow_serving.apis import prediction_service_pb2_grpc  # noqa: E402

NAMES = ["cat", "dog", "gnu"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    net = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    export(net, root, "net", preprocess="none", class_names=NAMES, image_bytes=True, top=2)
    return root


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    paths = []
    for i, encode in enumerate((tf.io.encode_png, tf.io.encode_jpeg)):
        paths.append(folder / f"{i}.img")
        paths[-1].write_bytes(encode(rng.integers(0, 256, (12, 9, 3), "uint8")).numpy())
    return paths


class Server(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers real messages with an exported model, as TF Serving does."""

    def __init__(self, root):
        self.loaded = tf.saved_model.load(str(root / "net" / "1"))
        self.release = threading.Event()

    def Predict(self, request, context):  # noqa: N802
        if request.model_spec.name == "slow":
            self.release.wait()
        if request.model_spec.name != "net":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found: {request.model_spec.name}")
        signature = self.loaded.signatures[request.model_spec.signature_name]
        inputs = {name: tf.constant(tf.make_ndarray(x)) for name, x in request.inputs.items()}
        try:
            outputs = signature(**inputs)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        response = predict_pb2.PredictResponse(model_spec=request.model_spec)
        for name in request.output_filter:
            response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name].numpy()))
        return response


@pytest.fixture(scope="module")
def server(root):
    servicer = Server(root)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    servicer.release.set()
    server.stop(None).wait()


def expected(root, images):
    loaded = tf.saved_model.load(str(root / "net" / "1"))
    given = loaded.signatures["serving_bytes"](image_bytes=tf.constant([p.read_bytes() for p in images]))
    return given["classes"].numpy(), given["scores"].numpy()


def test_messages_are_parsed_and_answered(root, images, server):
    request = serve.predict_request("net", [p.read_bytes() for p in images], version=1)
    again = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert (again.model_spec.name, again.model_spec.version.value) == ("net", 1)
    assert again.model_spec.signature_name == "serving_bytes"
    assert tf.make_ndarray(again.inputs["image_bytes"]).tolist() == [p.read_bytes() for p in images]
    assert serve.predict_request("net", [b""], label="canary").model_spec.version_label == "canary"
    found = serve.answers(serve.send(again, server, 60))
    classes, scores = expected(root, images)
    assert [[name for name, _ in row] for row in found] == [[n.decode() for n in row] for row in classes]
    np.testing.assert_allclose([[score for _, score in row] for row in found], scores, rtol=1e-6)


def test_ask(recipe, capsys, root, images, server):
    recipe("ask", "net", *images, "--at", server, "--timeout", 60)
    printed = capsys.readouterr().out
    _, scores = expected(root, images)
    for score in scores.ravel():
        assert f"{score:.3f}" in printed


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("other", (), "NOT_FOUND: Servable not found: other"),
        ("slow", ("--timeout", "0.05"), "no response from localhost:.* within 0.05 s"),
        ("net", ("--at", "localhost:1"), "no server at localhost:1"),
        ("net", ("--version", "1", "--label", "stable"), "--label: not allowed with argument --version"),
    ],
)
def test_errors_are_one_line(recipe, model, options, message, capsys, images, server):
    with pytest.raises(SystemExit) as ended:
        recipe("ask", model, images[0], "--at", server, *options)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert re.search(message, line)


def test_bad_files(recipe, capsys, images, server, tmp_path):
    (tmp_path / "empty.png").touch()
    for path, message in (
        (tmp_path / "empty.png", "neither a JPEG nor a PNG"),
        (tmp_path / "no.png", "No such"),
    ):
        with pytest.raises(SystemExit):
            recipe("ask", "net", images[0], path, "--at", server)
        assert message in capsys.readouterr().err


def test_an_answer_of_another_signature_is_refused():
    with pytest.raises(ValueError, match="classes and scores"):
        serve.answers(predict_pb2.PredictResponse())


def test_curl(recipe, capsys, root, images, tmp_path):
    out = tmp_path / "a request.json"
    recipe("curl", "net", *images, "--out", out, "--label", "stable")
    line = capsys.readouterr().out.strip()
    assert line == (
        f"curl --fail-with-body -d @'{out}' http://localhost:8501/v1/models/net/labels/stable:predict"
    )
    request = json.loads(out.read_text())
    assert request["signature_name"] == "serving_bytes"
    assert all(list(row) == ["b64"] for row in request["instances"])
    files = [base64.b64decode(row["b64"]) for row in request["instances"]]
    loaded = tf.saved_model.load(str(root / "net" / "1"))
    given = loaded.signatures[request["signature_name"]](image_bytes=tf.constant(files))
    np.testing.assert_allclose(given["scores"], expected(root, images)[1])


def test_start(recipe, capsys, root):
    recipe("start", "--root", root, "--grpc", 9000)
    printed = capsys.readouterr().out
    assert f"-p 9000:8500 -p 8501:8501 -v {root}:/models:ro tensorflow/serving" in printed
    text = (root / "compose.yaml").read_text()
    for flag in serve.FLAGS:
        assert flag in printed
        assert f"      - {flag}\n" in text
    for flag in serve.FLAGS:
        place = flag.partition("/models/")[2]
        assert not place or (root / place).is_file()


def test_a_root_without_models(recipe, capsys, tmp_path):
    with pytest.raises(SystemExit):
        recipe("start", "--root", tmp_path)
    assert "--root is a folder that models are exported into" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
