import base64
import concurrent.futures
import http.server as httpd
import json
import re
import shlex
import socket
import subprocess
import threading
import urllib.request

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import serve
import servers
import v2
from kerasnets import image_files
from kerasnets.serving import export, layouts

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
    headers, address = "-H 'Content-Type: application/json'", "http://localhost:8501/v1/models/net"
    assert line == f"curl --fail-with-body {headers} -d @'{out}' {address}/labels/stable:predict"
    request = json.loads(out.read_text())
    assert request["signature_name"] == "serving_bytes"
    assert all(list(row) == ["b64"] for row in request["instances"])
    files = [base64.b64decode(row["b64"]) for row in request["instances"]]
    loaded = tf.saved_model.load(str(root / "net" / "1"))
    given = loaded.signatures[request["signature_name"]](image_bytes=tf.constant(files))
    np.testing.assert_allclose(given["scores"], expected(root, images)[1])


def service_of(root):
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((root / "compose.yaml").read_text())["services"]["serving"]


def test_start(recipe, capsys, root):
    recipe("start", "--root", root, "--grpc", 9000, "--threads", 2, "--precision", "bfloat16")
    printed = capsys.readouterr().out
    assert f"-p 9000:8500 -p 8501:8501 -v {root}:/models:ro tensorflow/serving" in printed
    service = service_of(root)
    assert service["ports"] == ["9000:8500", "8501:8501"]
    assert "--mixed_precision=bfloat16" in service["command"]
    assert "--tensorflow_intra_op_parallelism=2" in service["command"]
    for flag in service["command"]:
        assert flag in printed
        place = flag.partition("/models/")[2]
        assert not place or (root / place).is_file()
    assert "/v1/models/net " in service["healthcheck"]["test"][-1]


def served(root, server, **config):
    """A root of another server as an export leaves it."""
    fact = {"name": server, "precision": "float32", "image_bytes": False, "batch": None, "shape": [8, 8, 3]}
    fact["outputs"] = {"probabilities": [3], "logits": [3]}
    sizing = ["center_crop", {}]
    card = {"server": fact, "class_names": NAMES, "classes": 3, "input": {"sizing": sizing}}
    (root / "net" / "1").mkdir(parents=True)
    (root / "net" / "1" / "model.xml").write_text("")
    (root / "net" / "1" / "model.xml.json").write_text(json.dumps(card))
    layouts.update(root, "net")
    return root


@pytest.mark.parametrize("server", ["ovms", "triton"])
def test_start_of_other_servers(recipe, capsys, tmp_path, server):
    root = served(tmp_path / server, server)
    recipe("start", "--server", server, "--root", root, "--threads", 2)
    printed = capsys.readouterr().out
    row = servers.SERVERS[server]
    service = service_of(root)
    assert service["image"] == row.image in printed
    assert service["volumes"] == [".:/models:ro"]
    assert all(word in printed for word in service["command"])
    assert service["healthcheck"]["test"][-1].endswith("/v2/health/ready")
    if server == "ovms":
        recipe("start", "--server", server, "--root", root, "--precision", "bfloat16")
        (entry,) = json.loads((root / "config.json").read_text())["model_config_list"]
        options = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": 2}
        assert entry["config"]["plugin_config"] == options
    else:
        assert "--backend-config=onnxruntime,intra_op_thread_count=2" in service["command"]
        with pytest.raises(SystemExit):
            recipe("start", "--server", server, "--root", root, "--precision", "bfloat16")
        assert "--precision is float32 for Triton" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        recipe("start", "--root", root)
    assert "--root is a folder that models are exported into" in capsys.readouterr().err


def test_the_health_of_tf_serving_is_that_of_its_model(http):
    at, _ = http
    port = at.partition(":")[2]
    for name, status in (("net", 0), ("other", 1)):
        script = servers.STATUS.replace("8501", port).replace("{name}", name)
        assert subprocess.run(["bash", "-c", script], timeout=20).returncode == status


def test_a_root_without_models(recipe, capsys, tmp_path):
    with pytest.raises(SystemExit):
        recipe("start", "--root", tmp_path)
    assert "--root is a folder that models are exported into" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def weigh(images):
    """Probabilities of three classes that depend on all values of images."""
    shares = np.exp(images.mean(axis=(1, 2)) / 50)
    return shares / shares.sum(axis=1, keepdims=True)


class V2(httpd.BaseHTTPRequestHandler):
    """Answers as the servers of V2 do; `kind` is the name of one, and `sent` all requests."""

    kind, sent, batch, batched = "triton", [], -1, True

    def log_message(self, *_):
        pass

    def respond(self, data, status=200):
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):  # noqa: N802
        if self.path == "/v1/models/net":
            self.respond({"model_version_status": [{"version": "1", "state": "AVAILABLE"}]})
        elif self.path == "/v2":
            self.respond({"extensions": ["classification"] if self.kind == "triton" else []})
        elif self.path == "/v2/models/net/config":
            self.respond({"max_batch_size": 32 if self.batched else 0})
        elif self.path.startswith("/v2/models/net"):
            self.respond(self.metadata())
        else:
            self.respond({"error": f"no such model: {self.path}"}, 404)

    def metadata(self):
        shapes = {"images": [self.batch, 8, 8, 3], "probabilities": [-1, 3], "logits": [-1, 3]}
        told = [{"name": name, "datatype": "FP32", "shape": shape} for name, shape in shapes.items()]
        info = {"labels": "cat dog gnu", "channels": "BGR"}
        rt_info = {"rt_info": {"model_info": info}} if self.kind == "ovms" else {}
        return {"name": "net", "inputs": told[:1], "outputs": told[1:], **rt_info}

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        start = int(self.headers["Inference-Header-Content-Length"])
        request, values = json.loads(body[:start]), body[start:]
        self.sent.append((self.path, request, values))
        (given,), (asked,) = request["inputs"], request["outputs"]
        assert given["parameters"]["binary_data_size"] == len(values)
        if self.path.endswith("/versions/9/infer"):
            self.respond({"error": "version 9 is not\nthere"}, 400)
            return
        if given["datatype"] == "BYTES":
            images = np.full((given["shape"][0], 8, 8, 3), 7.0)
        else:
            images = np.frombuffer(values, "<f4").reshape(given["shape"])
        images = images[..., ::-1] if self.kind == "ovms" else images
        found, count = weigh(images), asked["parameters"].get("classification")
        answer = {"name": "probabilities", "datatype": "FP32", "shape": list(found.shape)}
        answer["data"] = found.ravel().tolist()
        if count:
            rows = [[f"{row[i]:f}:{i}:{NAMES[i]}" for i in np.argsort(-row)[:count]] for row in found]
            shape = [len(rows), count] if self.batched else [count]
            answer |= {"datatype": "BYTES", "shape": shape, "data": sum(rows, [])[: np.prod(shape)]}
        self.respond({"outputs": [answer]})


@pytest.fixture
def http():
    """The address of a server of V2, and its handler."""

    class Handler(V2):
        sent = []

    server = httpd.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"127.0.0.1:{server.server_port}", Handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kind", ["ovms", "triton", "kserve"])
def test_v2(recipe, capsys, images, tmp_path, http, kind):
    at, handler = http
    handler.kind = kind
    card = ["--root", served(tmp_path / "root", "ovms")] if kind == "kserve" else []
    server = "triton" if kind == "kserve" else kind
    words = ["net", *images, "--server", server, "--at", at, *card]
    recipe("ask", *words)
    printed = capsys.readouterr().out
    ((path, request, _),) = handler.sent
    assert path == "/v2/models/net/infer"
    sizing = image_files.make_sizing(["center_crop", {}])
    sized = np.stack([sizing(image_files.decode(p.read_bytes()), (8, 8)) for p in images])
    scores = weigh(sized)
    lines = [
        line.split() for line in printed.splitlines() if str(images[0]) in line or str(images[1]) in line
    ]
    expected = [[(NAMES[i], f"{row[i]:.3f}") for i in np.argsort(-row)] for row in scores]
    assert [tuple(line[-2:]) for line in lines] == sum(expected, [])
    assert request["outputs"][0]["parameters"].get("classification") == (3 if kind == "triton" else None)
    recipe("curl", *words, "--out", tmp_path / "a request")
    line = shlex.split(capsys.readouterr().out)
    headers = dict(line[i + 1].split(": ") for i, word in enumerate(line) if word == "-H")
    body = (tmp_path / "a request").read_bytes()
    assert f"@{tmp_path / 'a request'}" in line
    sent = urllib.request.Request(line[-1], body, headers)
    answer = json.load(urllib.request.urlopen(sent, timeout=20))["outputs"][0]
    assert handler.sent[1] == handler.sent[0]
    assert answer["datatype"] == ("BYTES" if kind == "triton" else "FP32")


@pytest.mark.parametrize("settings", [{"batch": 1}, {"batched": False}])
def test_a_server_that_takes_one_image_at_a_time(recipe, capsys, images, tmp_path, http, settings):
    at, handler = http
    for name, value in settings.items():
        setattr(handler, name, value)
    recipe("ask", "net", *images, "--server", "triton", "--at", at)
    assert capsys.readouterr().out.count(str(images[1])) == 3
    assert [request["inputs"][0]["shape"] for _, request, _ in handler.sent] == [[1, 8, 8, 3]] * 2
    with pytest.raises(SystemExit):
        recipe("curl", "net", *images, "--server", "triton", "--at", at, "--out", tmp_path / "request")
    assert "takes 1 images in a request" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_files_that_the_server_decodes(recipe, capsys, images, http):
    at, handler = http
    handler.kind = "ovms"
    recipe("ask", "net", *images, "--server", "ovms", "--at", at, "--image-bytes", "--version", 2)
    assert "0.333" in capsys.readouterr().out
    ((path, request, values),) = handler.sent
    assert path == "/v2/models/net/versions/2/infer"
    assert (request["inputs"][0]["datatype"], request["inputs"][0]["shape"]) == ("BYTES", [2])
    for image in images:
        size, values = int.from_bytes(values[:4], "little"), values[4:]
        content, values = values[:size], values[size:]
        assert content == image.read_bytes()
    assert values == b""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["other"], "refused the request, 404: no such model: /v2/models/other"),
        (["net", "--version", 9], "refused the request, 400: version 9 is not there"),
        (["net", "--at", "127.0.0.1:1"], "no server at 127.0.0.1:1"),
        (["net", "--label", "stable"], "--label is for v1"),
        (["net", "--root", "."], "--root is a folder with the model net"),
        (["net", "--protocol", "v1", "--image-bytes"], "--image-bytes and --root are for v2"),
    ],
)
def test_errors_of_v2_are_one_line(recipe, capsys, images, http, words, message):
    model, *more = words
    with pytest.raises(SystemExit) as ended:
        recipe("ask", model, images[0], "--server", "ovms", "--at", http[0], *more)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "told",
    [
        *([], 5, {"inputs": 5, "outputs": []}, {"inputs": [5], "outputs": [6]}),
        {"inputs": [{"name": "images"}], "outputs": [{"name": "probabilities"}]},
        {"inputs": [{"name": "images", "shape": [-1]}], "outputs": [{"name": "probabilities", "shape": []}]},
    ],
)
def test_a_server_that_does_not_speak_v2(told, monkeypatch):
    monkeypatch.setattr(v2, "send", lambda *given: told)
    with pytest.raises(ValueError, match="here:1 does not answer as V2 does"):
        v2.net("here:1", "net", None, 1)


def test_ports_that_there_are_not(recipe, capsys, root):
    with pytest.raises(SystemExit):
        recipe("start", "--root", root, "--grpc", 65536)
    assert "a whole number from 1 to 65535. Received: 65536" in capsys.readouterr().err


def test_a_server_that_does_not_answer(recipe, capsys, images):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SystemExit):
            recipe("ask", "net", images[0], "--server", "triton", "--at", at, "--timeout", 0.05)
    assert f"no response from {at} within 0.05 s" in capsys.readouterr().err
