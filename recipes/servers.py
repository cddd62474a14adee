"""The servers that `serve.py` starts and asks: their images, flags, ports and health checks, as data.

Sources: tensorflow_serving/model_servers/main.cc and tools/docker/Dockerfile of TF Serving, whose image has
neither curl nor wget, but bash; docs/starting_server.md, docs/parameters.md and Dockerfile.ubuntu of OpenVINO
Model Server 2026.3; docs/user_guide/model_management.md of Triton and README.md of its onnxruntime_backend.

Triton is asked to poll. Its manual advises against this where folders change file by file; a version of this
package appears in one step.
"""

import dataclasses
import json
import pathlib
import shlex

from kerasnets.serving.configs import PLACE

GRPC, REST = 0, 1  # places in `ports`
SERVICE = """\
services:
  serving:
    image: {image}
    command:
{command}
    ports:
{ports}
    volumes:
      - .:/models:ro
    healthcheck:
      test: {health}
      interval: 10s
      timeout: 5s
      start_period: 60s
    restart: unless-stopped
"""


@dataclasses.dataclass(frozen=True)
class Server:
    """A server.

    Attributes:
        title: Its name.
        image: Docker image.
        ports: Its ports for gRPC and for REST.
        protocol: What it speaks: "v1", TF Serving's own, or "v2", the Open Inference Protocol.
        files: Pattern of the file that a root for it has.
        command: Words after the image.
        health: Words of the health check, with a place for the name of a model.
        threads: Words for a number of threads; None where a file of the root has it.
        precisions: Words for the precisions that it can compute in; None where a file of the root has it.
    """

    title: str
    image: str
    ports: tuple[int, int]
    protocol: str
    files: str
    command: tuple[str, ...]
    health: tuple[str, ...]
    threads: tuple[str, ...] | None
    precisions: dict[str, tuple[str, ...]] | None


READY = ("curl", "-fsS", "http://127.0.0.1:8000/v2/health/ready")
STATUS = (
    r"exec 3<>/dev/tcp/127.0.0.1/8501 && printf 'GET /v1/models/{name} HTTP/1.0\r\n\r\n' >&3"
    " && grep -q AVAILABLE <&3"
)
SERVERS = {
    "tfserving": Server(
        title="TF Serving",
        image="tensorflow/serving",
        ports=(8500, 8501),
        protocol="v1",
        files="models.config",
        command=(
            "--model_config_file=/models/models.config",
            "--model_config_file_poll_wait_seconds=10",
            "--allow_version_labels_for_unavailable_models=true",
            "--enable_batching=true",
            "--batching_parameters_file=/models/batching.config",
        ),
        health=("bash", "-c", STATUS),
        threads=("--tensorflow_intra_op_parallelism={threads}",),
        precisions={"float32": (), "bfloat16": ("--mixed_precision=bfloat16",)},
    ),
    "ovms": Server(
        title="OpenVINO Model Server",
        image="openvino/model_server:latest",
        ports=(9000, 8000),
        protocol="v2",
        files="config.json",
        command=("--config_path", "/models/config.json", "--port", "9000", "--rest_port", "8000"),
        health=READY,
        threads=None,
        precisions=None,
    ),
    "triton": Server(
        title="Triton",
        image="nvcr.io/nvidia/tritonserver:26.07-py3",
        ports=(8001, 8000),
        protocol="v2",
        files="*/config.pbtxt",
        command=(
            "tritonserver",
            "--model-repository=/models",
            "--model-control-mode=poll",
            "--repository-poll-secs=10",
            "--exit-on-error=false",
        ),
        health=READY,
        threads=(
            "--backend-config=onnxruntime,enable-global-threadpool=1",
            "--backend-config=onnxruntime,intra_op_thread_count={threads}",
            "--backend-config=onnxruntime,inter_op_thread_count=1",
        ),
        precisions={"float32": ()},
    ),
}


def words(server: Server, threads: int | None = None, precision: str | None = None) -> list[str]:
    """The words after the image that start a server.

    Args:
        server: The server.
        threads: Number of threads that compute a request, or None for its own choice.
        precision: "float32", "bfloat16" or None for its own choice.

    Raises:
        ValueError: The server cannot compute in this precision.
    """
    known = server.precisions
    if precision and known is not None and precision not in known:
        raise ValueError(f"--precision is {' or '.join(known)} for {server.title}. Received: {precision}")
    more = [word.format(threads=threads) for word in server.threads or () if threads]
    return [*server.command, *more, *((known or {}).get(precision, ()) if precision else ())]


def docker_line(
    server: Server, root: pathlib.Path, command: list[str], image: str, ports: tuple[int, int]
) -> str:
    """The Docker command that serves the models of a folder."""
    opened = " ".join(f"-p {outer}:{inner}" for outer, inner in zip(ports, server.ports, strict=True))
    volume = shlex.quote(f"{root.resolve()}:{PLACE}:ro")
    first = f"docker run --rm {opened} -v {volume} {shlex.quote(image)}"
    return " \\\n    ".join([first, *joined(command)])


def joined(command: list[str]) -> list[str]:
    """Words of a command line, each option with its value."""
    lines: list[str] = []
    for word in map(shlex.quote, command):
        if lines and lines[-1].startswith("-") and "=" not in lines[-1] and not word.startswith("-"):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def compose(server: Server, command: list[str], image: str, ports: tuple[int, int], name: str) -> str:
    """The text of a compose.yaml that serves the models of its own folder.

    Args:
        server: The server.
        command: Words after the image, as `words` returns them.
        image: Docker image.
        ports: Ports for gRPC and REST.
        name: Name of the model by which TF Serving's health is checked.
    """
    opened = zip(ports, server.ports, strict=True)
    return SERVICE.format(
        image=image,
        command="\n".join(f"      - {json.dumps(word)}" for word in command),
        ports="\n".join(f'      - "{outer}:{inner}"' for outer, inner in opened),
        health=json.dumps(["CMD", *(word.replace("{name}", name) for word in server.health)]),
    )
