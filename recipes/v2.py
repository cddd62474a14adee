"""The Open Inference Protocol V2 over HTTP, as OpenVINO Model Server, Triton and KServe speak it.

A `Remote` is to a net on a server what a session of a runtime is to one in this process, so `Loaded` decodes
and sizes the images for it, checks them, and names the classes. Requests carry the values in binary, after
the JSON.
"""

import contextlib
import http.client
import json
import pathlib
import struct
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets.checks import refuse
from kerasnets.serving.load import Loaded
from kerasnets.serving.runtimes import INPUT, Session

LENGTH = "Inference-Header-Content-Length"  # of the JSON in a body that goes on
PROBABILITIES = "probabilities"
BATCH, TOP = 32, 5  # images in a request, and classes that are named


def net(
    at: str, model: str, version: int | None, timeout: float, card: dict[str, Any] | None = None
) -> Loaded:
    """A net on a server, called like those of `kerasnets.serving.load`, given the arguments of `Remote`."""
    with speaking(at):
        session = Remote(at, model, version, timeout, card)
    return Loaded(pathlib.Path(model), "v2", session, session.card, None, session.batch, TOP)


class Remote(Session):
    """A net on a server.

    Args:
        at: Host and port.
        model: Name of the model.
        version: Number of its version, or None for the one that the server chooses.
        timeout: Seconds to wait for an answer.
        card: The model card, or None for what the server says.
    """

    precision = None
    top = 0  # classes that the server is asked to name

    def __init__(
        self, at: str, model: str, version: int | None, timeout: float, card: dict[str, Any] | None = None
    ) -> None:
        self.at, self.timeout = at, timeout
        place = f"/versions/{version}" if version else ""
        self.url = f"http://{at}/v2/models/{urllib.parse.quote(model, safe='')}{place}"
        told = self.metadata()
        (given,) = (x for x in told["inputs"] if x["name"] == INPUT)
        (answer,) = (x for x in told["outputs"] if x["name"] == PROBABILITIES)
        info = told.get("rt_info", {}).get("model_info", {})
        self.shape = tuple(None if side < 0 else side for side in given["shape"][1:])
        self.classes = max(2, answer["shape"][-1])
        self.batch = given["shape"][0] if given["shape"][0] > 0 else BATCH
        self.is_bgr = info.get("channels") == "BGR"
        labels = info.get("labels", "").split()
        known = labels if len(labels) == self.classes else None
        self.card: dict[str, Any] = card or {"class_names": known}
        if not self.card.get("class_names") and answer["shape"][-1] > 1:
            server = send(at, urllib.request.Request(f"http://{at}/v2"), timeout)
            if "classification" in server.get("extensions", []):
                self.top = min(TOP, self.classes)
                # It names classes of each image only if it knows that the first dimension is the batch.
                config = send(at, urllib.request.Request(f"{self.url}/config"), timeout)
                self.batch = self.batch if config.get("max_batch_size") else 1

    def metadata(self) -> Any:
        """What the server says of the model.

        Raises:
            ValueError: It is not a net with the inputs and outputs of this package.
        """
        told = send(self.at, urllib.request.Request(self.url), self.timeout)
        names = [[x.get("name") for x in told.get(key, [])] for key in ("inputs", "outputs")]
        if names[0] != [INPUT] or PROBABILITIES not in names[1]:
            refuse("MODEL", f"one with the input {INPUT!r} and the output {PROBABILITIES!r}", names)
        return told

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Computes the probabilities of images, float32, (n, *shape), values 0..255."""
        return self.answer(self.request(images))

    def request(self, images: np.ndarray) -> urllib.request.Request:
        """The request for images."""
        images = images[..., ::-1] if self.is_bgr else images
        return self.posted("FP32", images.shape, images.astype("<f4").tobytes())

    def request_of_files(self, encoded: list[bytes]) -> urllib.request.Request:
        """The request for image files that the server decodes."""
        values = b"".join(struct.pack("<I", len(file)) + file for file in encoded)
        return self.posted("BYTES", (len(encoded),), values)

    def posted(self, kind: str, shape: tuple[int, ...], values: bytes) -> urllib.request.Request:
        """The request for an input of a data type and a shape, whose values follow in binary."""
        asked = {"classification": self.top} if self.top else {"binary_data": False}
        header = {
            "inputs": [
                {
                    "name": INPUT,
                    "shape": list(shape),
                    "datatype": kind,
                    "parameters": {"binary_data_size": len(values)},
                }
            ],
            "outputs": [{"name": PROBABILITIES, "parameters": asked}],
        }
        start = json.dumps(header).encode()
        headers = {"Content-Type": "application/octet-stream", LENGTH: str(len(start))}
        return urllib.request.Request(f"{self.url}/infer", start + values, headers)

    def answer(self, request: urllib.request.Request) -> dict[str, np.ndarray]:
        """Sends a request: the probabilities that the server answers, by their name."""
        told = send(self.at, request, self.timeout)
        with speaking(self.at):
            found = [x for x in told.get("outputs", []) if x["name"] == PROBABILITIES and "data" in x]
            if not found:
                raise ValueError(f"{self.at} answered without {PROBABILITIES}")
            shape, values = found[0]["shape"], found[0]["data"]
            if found[0]["datatype"] == "BYTES":
                return {PROBABILITIES: self.of_labels(np.reshape(values, (-1, self.top)))}
            return {PROBABILITIES: np.asarray(values, "float32").reshape(shape)}

    def of_labels(self, rows: np.ndarray) -> np.ndarray:
        """The probabilities in texts "value:class:label", zeros where a class is not among them.

        The labels become the names of the classes.
        """
        found = np.zeros((len(rows), self.classes), "float32")
        names = list(self.card["class_names"] or map(str, range(self.classes)))
        for i, row in enumerate(rows):
            for text in row:
                value, number, *label = text.split(":", 2)
                found[i, int(number)] = float(value)
                names[int(number)] = label[0] if label else number
        self.card["class_names"] = names
        return found


@contextlib.contextmanager
def speaking(at: str) -> Iterator[None]:
    """A context in which answers are read that must be those of V2."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{at} does not answer as V2 does: {type(error).__name__}: {error}") from error


def send(at: str, request: urllib.request.Request, timeout: float) -> Any:
    """Sends a request: the data of the answer.

    Args:
        at: Host and port.
        request: The request.
        timeout: Seconds to wait for the answer.

    Raises:
        ConnectionError: There is no server, or it does not answer in time.
        ValueError: The server refuses the request; the message says why.
    """
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            details = error.read().decode(errors="replace")
        with contextlib.suppress(ValueError, TypeError, KeyError):
            details = json.loads(details)["error"]
        raise ValueError(
            f"{at} refused the request, {error.code}: {' '.join(str(details).split())}"
        ) from None
    except TimeoutError:
        raise ConnectionError(f"no response from {at} within {timeout:g} s") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise ConnectionError(f"no response from {at} within {timeout:g} s") from None
        raise ConnectionError(
            f"no server at {at}; `serve.py start` shows how to start one: {error.reason}"
        ) from None
    except (ValueError, http.client.HTTPException):
        raise ValueError(f"{at} does not answer in JSON by HTTP") from None
