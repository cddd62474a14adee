"""Serves exported models with TF Serving, and sends images to them.

    python recipes/serve.py start                 writes compose.yaml and prints how to start TF Serving
    python recipes/serve.py curl MODEL IMAGE ...  writes a REST request and prints how to send it
    python recipes/serve.py ask MODEL IMAGE ...   sends a gRPC request and prints the most likely classes

The models are those that `kerasnets.serving.export` wrote into --root. `curl` and `ask` send image files, so
they need an export with image_bytes=True. Only the printed commands of `start` need Docker. `ask` needs
pip install 'kerasnets[serving]'.
"""

import argparse
import base64
import pathlib
import shlex
from typing import Any

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


def main() -> None:
    """Runs the command that the command line names."""
    args = options()
    {"start": start, "curl": curl, "ask": ask}[args.command](args)


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(description="Serve exported models with TF Serving, and send images to them.")
    commands = p.add_subparsers(dest="command", metavar="COMMAND", required=True)
    port, root = shared.whole(1), "folder of exported models (saved_models)"

    def command(name: str, text: str) -> shared.Parser:
        about = f"{text[0].upper()}{text[1:]}."
        return commands.add_parser(name, help=text, description=about, epilog=shared.DEFAULTS)

    c = command("start", "write compose.yaml and print how to start TF Serving")
    c.add_argument("--root", type=pathlib.Path, default=pathlib.Path("saved_models"), help=root)
    c.add_argument("--image", default=IMAGE, help=f"Docker image ({IMAGE})")
    c.add_argument("--grpc", type=port, default=GRPC, metavar="PORT", help=f"port for gRPC ({GRPC})")
    c.add_argument("--rest", type=port, default=REST, metavar="PORT", help=f"port for REST ({REST})")

    texts = {
        "curl": "write a REST request and print how to send it",
        "ask": "send images by gRPC and print the most likely classes",
    }
    for name, text in texts.items():
        c = command(name, text)
        c.add_argument("model", metavar="MODEL", help="name of the model")
        c.add_argument("images", nargs="+", type=pathlib.Path, metavar="IMAGE", help="JPEG or PNG file")
        one = c.add_mutually_exclusive_group()
        one.add_argument("--version", type=shared.whole(1), metavar="N", help="version number (the newest)")
        one.add_argument("--label", help="label of a version: stable or canary")
        at = f"localhost:{GRPC if name == 'ask' else REST}"
        c.add_argument("--at", default=at, metavar="HOST:PORT", help=f"address of TF Serving ({at})")
    c.add_argument(
        "--timeout", type=shared.number(above=0), default=10.0, metavar="SECONDS", help="timeout (10)"
    )
    commands.choices["curl"].add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("request.json"), help="file to write (request.json)"
    )
    return p.parse_args()


def start(args: argparse.Namespace) -> None:
    """Writes compose.yaml and prints the commands that start TF Serving."""
    if not (args.root / "models.config").is_file():
        raise ValueError(f"--root is a folder that models are exported into. Received: {args.root}")
    files.write_text(args.root / "compose.yaml", compose(args.image, args.grpc, args.rest))
    print(docker_line(args.root, args.image, args.grpc, args.rest))
    print(f"or: docker compose -f {shlex.quote(str(args.root / 'compose.yaml'))} up")


def docker_line(root: pathlib.Path, image: str = IMAGE, grpc: int = GRPC, rest: int = REST) -> str:
    """The Docker command that serves the models in a folder."""
    ports = f"-p {grpc}:8500 -p {rest}:8501"
    volume = shlex.quote(f"{root.resolve()}:/models:ro")
    return " \\\n    ".join([f"docker run --rm {ports} -v {volume} {image}", *FLAGS])


def compose(image: str = IMAGE, grpc: int = GRPC, rest: int = REST) -> str:
    """The text of a compose.yaml that serves the models in its own folder."""
    flags = "\n".join(f"      - {flag}" for flag in FLAGS)
    return COMPOSE.format(image=image, flags=flags, grpc=grpc, rest=rest)


def curl(args: argparse.Namespace) -> None:
    """Writes a REST request and prints the command that sends it."""
    files.write_json(args.out, rest_request(contents(args.images)))
    place = f"/versions/{args.version}" if args.version else f"/labels/{args.label}" if args.label else ""
    url = shlex.quote(f"http://{args.at}/v1/models/{args.model}{place}:predict")
    print(f"curl --fail-with-body -d @{shlex.quote(str(args.out))} {url}")


def rest_request(encoded: list[bytes]) -> dict[str, Any]:
    """The JSON data of a REST request for the contents of image files."""
    instances = [{"b64": base64.b64encode(file).decode()} for file in encoded]
    return {"signature_name": SIGNATURE, "instances": instances}


def ask(args: argparse.Namespace) -> None:
    """Sends image files by gRPC and prints the most likely classes."""
    with shared.quiet():
        request = predict_request(args.model, contents(args.images), args.version, args.label)
    found = answers(send(request, args.at, args.timeout))
    table = [["image", "class", "score"]]
    for path, ranking in zip(args.images, found, strict=True):
        table += [[str(path), name, f"{score:.3f}"] for name, score in ranking]
    shared.show(table)


def contents(paths: list[pathlib.Path]) -> list[bytes]:
    """The contents of files."""
    return [path.read_bytes() for path in paths]


def predict_request(
    model: str, encoded: list[bytes], version: int | None = None, label: str | None = None
) -> Any:
    """Makes a gRPC request for image files.

    Args:
        model: Name of the model.
        encoded: Contents of JPEG or PNG files.
        version: Version of the model, or None for the newest.
        label: Label of a version, instead of `version`.

    Returns:
        A PredictRequest.

    Raises:
        ValueError: Both `version` and `label` are given.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    if version and label:
        raise ValueError("give --version or --label, not both")
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


def send(request: Any, at: str, timeout: float) -> Any:
    """Sends a request to TF Serving.

    Args:
        request: A PredictRequest.
        at: Host and port.
        timeout: Seconds to wait for the response.

    Returns:
        A PredictResponse.

    Raises:
        ConnectionError: There is no server, or it does not answer in time.
        ValueError: The server refuses the request; the message says why.
    """
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    with grpc.insecure_channel(at) as channel:
        try:
            return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout)
        except grpc.RpcError as error:
            details = " ".join(error.details().split())
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise ConnectionError(
                    f"no server at {at}; `serve.py start` shows how to start one: {details}"
                ) from None
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise ConnectionError(f"no response from {at} within {timeout:g} s") from None
            raise ValueError(f"{at} refused the request, {error.code().name}: {details}") from None


def answers(response: Any) -> list[list[tuple[str, float]]]:
    """The most likely classes of each image, as pairs (name, score), the best one first.

    Raises:
        ValueError: The response comes from another signature.
    """
    import tensorflow as tf

    if not {"classes", "scores"} <= set(response.outputs):
        raise ValueError(f"a response has classes and scores. Received: {sorted(response.outputs)}")
    classes, scores = (tf.make_ndarray(response.outputs[key]) for key in ("classes", "scores"))
    return [
        [(name.decode(), float(score)) for name, score in zip(*row, strict=True)]
        for row in zip(classes, scores, strict=True)
    ]


if __name__ == "__main__":
    shared.run(main)
