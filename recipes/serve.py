"""Serves exported models with TF Serving, OpenVINO Model Server or Triton, and sends images to them.

    python recipes/serve.py start                 writes compose.yaml and prints how to start the server
    python recipes/serve.py curl MODEL IMAGE ...  writes a request and prints how to send it by HTTP
    python recipes/serve.py ask MODEL IMAGE ...   sends a request and prints the most likely classes

The models are those that `kerasnets export --server ...` wrote into --root. With --server tfserving, `curl`
and `ask` send image files, so they need an export with image_bytes=True; `ask` needs pip install
'kerasnets[serving]'. The other servers speak the protocol V2. Their images are decoded here, unless
--image-bytes is given for OpenVINO Model Server. Only the printed commands of `start` need Docker.
"""

import argparse
import base64
import pathlib
import shlex
from typing import Any

import numpy as np

import servers
import shared
import v2
from kerasnets import files
from kerasnets.serving import layouts, runtimes, versions
from servers import SERVERS

SIGNATURE = "serving_bytes"
SERVER = next(iter(SERVERS))
PROTOCOLS = ("v1", "v2")
MAX_PORT = 65535


def main() -> None:
    """Runs the command that the command line names."""
    args = options()
    {"start": start, "curl": curl, "ask": ask}[args.command](args)


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(description="Serve exported models, and send images to them.")
    commands = p.add_subparsers(dest="command", metavar="COMMAND", required=True)
    whole, root = shared.whole(1), "folder of exported models"

    def command(name: str, text: str) -> shared.Parser:
        about = f"{text[0].upper()}{text[1:]}."
        c = commands.add_parser(name, help=text, description=about, epilog=shared.DEFAULTS)
        kinds = f"{', '.join(list(SERVERS)[:-1])} or {list(SERVERS)[-1]} ({SERVER})"
        c.add_argument("--server", choices=list(SERVERS), default=SERVER, metavar="SERVER", help=kinds)
        return c

    def listed(place: int) -> str:
        return ", ".join(str(server.ports[place]) for server in SERVERS.values())

    c = command("start", "write compose.yaml and print how to start the server")
    folder = pathlib.Path("saved_models")
    c.add_argument("--root", type=pathlib.Path, default=folder, help=f"{root} ({folder})")
    c.add_argument("--image", help="Docker image (that of the server)")
    c.add_argument("--grpc", type=port, metavar="PORT", help=f"port for gRPC ({listed(servers.GRPC)})")
    c.add_argument("--rest", type=port, metavar="PORT", help=f"port for REST ({listed(servers.REST)})")
    c.add_argument(
        "--threads", type=whole, metavar="N", help="threads that compute a request (as many as cores)"
    )
    c.add_argument(
        "--precision",
        choices=list(runtimes.OPENVINO_NAMES),
        metavar="DTYPE",
        help="float32 or bfloat16 (as exported)",
    )

    texts = {
        "curl": "write a request and print how to send it",
        "ask": "send images and print the most likely classes",
    }
    for name, text in texts.items():
        c = command(name, text)
        c.add_argument("model", metavar="MODEL", help="name of the model")
        c.add_argument("images", nargs="+", type=pathlib.Path, metavar="IMAGE", help="JPEG or PNG file")
        one = c.add_mutually_exclusive_group()
        one.add_argument("--version", type=whole, metavar="N", help="version number (the newest)")
        one.add_argument("--label", help="label of a version, for tfserving: stable or canary")
        at = ", ".join(f"localhost:{address(server, name)}" for server in SERVERS.values())
        c.add_argument("--at", metavar="HOST:PORT", help=f"address ({at})")
        c.add_argument(
            "--protocol", choices=PROTOCOLS, metavar="PROTOCOL", help="v1 or v2 (that of the server)"
        )
        c.add_argument("--root", type=pathlib.Path, help=f"for v2: {root}, whose model card names classes")
        c.add_argument(
            "--image-bytes", action="store_true", help="for v2: let OpenVINO Model Server decode the images"
        )
        c.add_argument(
            "--timeout", type=shared.number(above=0), default=10.0, metavar="SECONDS", help="timeout (10)"
        )
    commands.choices["curl"].add_argument(
        "--out", type=pathlib.Path, metavar="FILE", help="file to write (request.json; request.bin for v2)"
    )
    args = p.parse_args()
    if args.command != "start":
        server = SERVERS[args.server]
        args.protocol = args.protocol or server.protocol
        args.at = args.at or f"localhost:{address(server, args.command)}"
        if args.protocol == "v2" and args.label:
            p.error("--label is for v1")
        if args.protocol == "v1" and (args.image_bytes or args.root):
            p.error("--image-bytes and --root are for v2")
    return args


def port(text: str) -> int:
    """An argparse type: the number of a port."""
    number = shared.whole(1)(text)
    if number > MAX_PORT:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MAX_PORT}. Received: {text}")
    return number


def address(server: servers.Server, command: str) -> int:
    """The port that a command sends requests to."""
    return server.ports[servers.GRPC if command == "ask" and server.protocol == "v1" else servers.REST]


def start(args: argparse.Namespace) -> None:
    """Writes compose.yaml and prints the commands that start the server."""
    server = SERVERS[args.server]
    if layouts.server_of(args.root) != args.server:
        raise ValueError(
            f"--root is a folder that models are exported into for {args.server}. Received: {args.root}"
        )
    command = servers.words(server, args.threads, args.precision)
    if server.precisions is None:
        layouts.update_ovms(args.root, options=layouts.openvino_options(args.threads, args.precision))
    image = args.image or server.image
    ports = args.grpc or server.ports[0], args.rest or server.ports[1]
    names = sorted(p.name for p in args.root.iterdir() if versions.versions(p))
    text = servers.compose(server, command, image, ports, names[0] if names else "")
    files.write_text(args.root / "compose.yaml", text)
    print(servers.docker_line(server, args.root, command, image, ports))
    print(f"or: docker compose -f {shlex.quote(str(args.root / 'compose.yaml'))} up")


def curl(args: argparse.Namespace) -> None:
    """Writes a request and prints the command that sends it."""
    out = args.out or pathlib.Path("request.json" if args.protocol == "v1" else "request.bin")
    if args.protocol == "v2":
        net = remote(args)
        if len(args.images) > net.batch:
            raise ValueError(f"{args.at} takes {net.batch} images in a request. Received: {len(args.images)}")
        if args.image_bytes:
            request = net.session.request_of_files(contents(args.images))
        else:
            request = net.session.request(np.concatenate(list(net.decoded(args.images))))
        files.write_bytes(out, request.data)
        headers = " ".join(f"-H {shlex.quote(f'{key}: {value}')}" for key, value in request.header_items())
        url = shlex.quote(request.full_url)
        print(f"curl --fail-with-body {headers} --data-binary @{shlex.quote(str(out))} {url}")
        return
    files.write_json(out, rest_request(contents(args.images)))
    place = f"/versions/{args.version}" if args.version else f"/labels/{args.label}" if args.label else ""
    url = shlex.quote(f"http://{args.at}/v1/models/{args.model}{place}:predict")
    print(f"curl --fail-with-body -H 'Content-Type: application/json' -d @{shlex.quote(str(out))} {url}")


def rest_request(encoded: list[bytes]) -> dict[str, Any]:
    """The JSON data of a REST request for the contents of image files."""
    instances = [{"b64": base64.b64encode(file).decode()} for file in encoded]
    return {"signature_name": SIGNATURE, "instances": instances}


def ask(args: argparse.Namespace) -> None:
    """Sends image files and prints the most likely classes."""
    if args.protocol == "v2":
        net = remote(args)
        if args.image_bytes:
            given = net.named(net.session.answer(net.session.request_of_files(contents(args.images))))
        else:
            given = net(list(args.images))
        found = [list(zip(*row, strict=True)) for row in zip(given["classes"], given["scores"], strict=True)]
    else:
        with shared.quiet():
            request = predict_request(args.model, contents(args.images), args.version, args.label)
        found = answers(send(request, args.at, args.timeout))
    table = [["image", "class", "score"]]
    for path, ranking in zip(args.images, found, strict=True):
        table += [[str(path), name, f"{score:.3f}"] for name, score in ranking]
    shared.show(table)


def remote(args: argparse.Namespace) -> Any:
    """The net on a server that speaks V2, as `kerasnets.serving.load` returns those on files."""
    card = None
    if args.root:
        path = layouts.newest(args.root / args.model)
        if path is None:
            raise ValueError(f"--root is a folder with the model {args.model}. Received: {args.root}")
        card = layouts.model_card(path)
    return v2.net(args.at, args.model, args.version, args.timeout, card)


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
    shared.run(main, "")
