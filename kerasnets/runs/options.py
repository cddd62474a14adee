"""The options of a training run, which are not part of its recipe."""

import dataclasses
import pathlib

from kerasnets.checks import is_int, is_number, refuse

MAX_SEED = 2**32 - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How a recipe is run.

    Args:
        seed: Seed of weights, order and augmentation. The same seed gives the same result on a CPU.
        data_dir: Folder of the dataset, as `kerasnets.data.stream` takes it.
        strict: Whether an image that cannot be decoded is an error; if not, it is skipped.
        steps: Steps per epoch, for a short trial run; None uses all examples.
        resume: Whether to resume the run in the folder. If not, an existing run is moved aside.
        report: Whether to write a page about the test, report.html, and the prediction for each test image,
            predictions.csv.
        save_every: Seconds between checkpoints; 0 saves one after every step.
        hosts: Number of hosts that share each batch, as in `kerasnets.training.distribution.devices`.
        host_index: Index of this host, from 0. Only host 0 writes files.
        coordinator: "HOST:PORT" of host 0, or None for one host.

    Raises:
        ValueError: A number or a flag is not allowed.
    """

    seed: int = 0
    data_dir: str | None = None
    strict: bool = False
    steps: int | None = None
    resume: bool = False
    report: bool = False
    save_every: float = 60.0
    hosts: int = 1
    host_index: int = 0
    coordinator: str | None = None

    @property
    def folder(self) -> str | None:
        """The absolute path of `data_dir`, or None."""
        return None if self.data_dir is None else str(pathlib.Path(self.data_dir).expanduser().resolve())

    def __post_init__(self) -> None:
        """Refuses wrong options before a run begins, and before an earlier run is moved aside."""
        if not is_int(self.seed, 0) or self.seed > MAX_SEED:
            refuse("seed", f"a whole number from 0 to {MAX_SEED}", self.seed)
        if self.steps is not None and not is_int(self.steps, 1):
            refuse("steps", "None or a whole number, at least 1", self.steps)
        if not is_number(self.save_every) or self.save_every < 0:
            refuse("save_every", "a number of seconds, at least 0", self.save_every)
        if not is_int(self.hosts, 1):
            refuse("hosts", "a whole number, at least 1", self.hosts)
        for flag in ("strict", "resume", "report"):
            if not isinstance(getattr(self, flag), bool):
                refuse(flag, "True or False", getattr(self, flag))
