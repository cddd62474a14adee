"""Serves exported models by TF Serving, and asks them about images.

    python recipes/serve.py start                     the line that starts it, and the same for Docker Compose
    python recipes/serve.py curl MODEL IMAGE ...      a request by REST, and the line that sends it
    python recipes/serve.py ask MODEL IMAGE ...       sends one by gRPC and shows the answer

The models are those that `kerasnets.serving.export` wrote into --root; with image_bytes=True, for `curl` and
`ask` send files. `start` writes compose.yaml there, and needs Docker only to be run; `ask` needs
pip install 'kerasnets[serving]'.
"""

import base64
import pathlib
import shlex

import shared
from kerasnets import files

IMAGE = "tensorflow/serving"
GRPC, REST = 8500, 8501
FLAGS = (
    "--model_config_file=/models/models.config",
    "--model_config_file_poll_wait_seconds=10",
    "--allow_version_labels_for_unavailable_models=true",
    "--enable_batching=true",
    "--batching_parameters_file=/models/batching.config",
)
COMPOSE = """\
services:
  serving:
    image: {image}
    command:
{flags}
    ports:
      - "{grpc}:8500"
      - "{rest}:8501"
    volumes:
      - .:/models:ro
    restart: unless-stopped
"""
SIGNATURE = "serving_bytes"


def main():
    """Does what the command line names."""
    args = options()
    {"start": start, "curl": curl, "ask": ask}[args.what](args)


def options():
    """The command line."""
    p = shared.Parser(description="Serve exported models by TF Serving, and ask them.")
    commands = p.add_subparsers(dest="what", required=True)
    port = shared.whole(1)

    c = commands.add_parser("start", help="write compose.yaml and print the line that starts TF Serving")
    c.add_argument("--root", type=pathlib.Path, default=pathlib.Path("saved_models"), help="(saved_models)")
    c.add_argument("--image", default=IMAGE, help=f"Docker's image ({IMAGE})")
    c.add_argument("--grpc", type=port, default=GRPC, help=f"port for gRPC ({GRPC})")
    c.add_argument("--rest", type=port, default=REST, help=f"port for REST ({REST})")

    for what, text in (("curl", "write a request and print the line that sends it"), ("ask", "send images")):
        c = commands.add_parser(what, help=text)
        c.add_argument("model", metavar="MODEL", help="name of the model")
        c.add_argument("images", nargs="+", type=pathlib.Path, metavar="IMAGE", help="JPEG or PNG file")
        c.add_argument("--version", type=shared.whole(1), help="number of a version (the last)")
        c.add_argument("--label", help="instead of a version: stable or canary")
        at = f"localhost:{GRPC if what == 'ask' else REST}"
        c.add_argument("--at", default=at, metavar="HOST:PORT", help=f"where TF Serving listens ({at})")
    c.add_argument("--timeout", type=shared.number(above=0), default=10.0, help="seconds to wait (10)")
    commands.choices["curl"].add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("request.json"), help="file (request.json)"
    )
    return p.parse_args()


def start(args):
    """Writes compose.yaml and prints the lines that start TF Serving."""
    if not (args.root / "models.config").is_file():
        raise ValueError(f"--root is a folder that models are exported into. Received: {args.root}")
    files.write_text(args.root / "compose.yaml", compose(args.image, args.grpc, args.rest))
    print(docker_line(args.root, args.image, args.grpc, args.rest))
    print(f"or: docker compose -f {shlex.quote(str(args.root / 'compose.yaml'))} up")


def docker_line(root, image=IMAGE, grpc=GRPC, rest=REST):
    """The command line that serves the models of a root."""
    ports = f"-p {grpc}:8500 -p {rest}:8501"
    volume = shlex.quote(f"{root.resolve()}:/models:ro")
    return " \\\n    ".join([f"docker run --rm {ports} -v {volume} {image}", *FLAGS])


def compose(image=IMAGE, grpc=GRPC, rest=REST):
    """The text of a compose.yaml that does the same from inside the root."""
    flags = "\n".join(f"      - {flag}" for flag in FLAGS)
    return COMPOSE.format(image=image, flags=flags, grpc=grpc, rest=rest)


def curl(args):
    """Writes a request by REST and prints the line that sends it."""
    files.write_json(args.out, rest_request(contents(args.images)))
    place = f"/versions/{args.version}" if args.version else f"/labels/{args.label}" if args.label else ""
    url = shlex.quote(f"http://{args.at}/v1/models/{args.model}{place}:predict")
    print(f"curl --fail-with-body -d @{shlex.quote(str(args.out))} {url}")


def rest_request(encoded):
    """A request by REST for image files, as JSON holds it."""
    instances = [{"b64": base64.b64encode(file).decode()} for file in encoded]
    return {"signature_name": SIGNATURE, "instances": instances}


def ask(args):
    """Sends image files by gRPC and shows the likeliest classes."""
    with shared.quiet():
        request = predict_request(args.model, contents(args.images), args.version, args.label)
    found = answers(send(request, args.at, args.timeout))
    table = [["image", "class", "score"]]
    for path, ranking in zip(args.images, found, strict=True):
        table += [[str(path), name, f"{score:.3f}"] for name, score in ranking]
    shared.show(table)


def contents(paths):
    """What is in some files."""
    return [path.read_bytes() for path in paths]


def predict_request(model, encoded, version=None, label=None):
    """A request by gRPC for image files.

    Args:
        model: Name of the model.
        encoded: JPEG or PNG files, a list of bytes.
        version: Number of a version, or None for the last.
        label: Instead, its label.

    Returns:
        A PredictRequest.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    if version and label:
        raise ValueError("--version or --label, not both")
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = SIGNATURE
    if version:
        request.model_spec.version.value = version
    if label:
        request.model_spec.version_label = label
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(encoded, tf.string, [len(encoded)]))
    request.output_filter.extend(["classes", "scores"])
    return request


def send(request, at, timeout):
    """What TF Serving answers.

    Args:
        request: A PredictRequest.
        at: Host and port.
        timeout: Seconds to wait.

    Returns:
        A PredictResponse.

    Raises:
        ConnectionError: There is no server, or it does not answer in time.
        ValueError: It refuses the request; the message says why.
    """
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    with grpc.insecure_channel(at) as channel:
        try:
            return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout)
        except grpc.RpcError as error:
            said = " ".join(error.details().split())
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise ConnectionError(f"nothing answers at {at}; `serve.py start` says how: {said}") from None
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise ConnectionError(f"no answer from {at} within {timeout:g} s") from None
            raise ValueError(f"{at} refuses, {error.code().name}: {said}") from None


def answers(response):
    """The likeliest classes of each image, best first, as pairs of name and score.

    Raises:
        ValueError: The response is of another signature.
    """
    import tensorflow as tf

    if not {"classes", "scores"} <= set(response.outputs):
        raise ValueError(f"an answer has classes and scores. Received: {sorted(response.outputs)}")
    classes, scores = (tf.make_ndarray(response.outputs[key]) for key in ("classes", "scores"))
    return [
        [(name.decode(), float(score)) for name, score in zip(*row, strict=True)]
        for row in zip(classes, scores, strict=True)
    ]


if __name__ == "__main__":
    shared.run(main)
