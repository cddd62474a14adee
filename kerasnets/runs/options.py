"""The options of a training run, which are not part of its recipe."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How a recipe is run.

    Args:
        seed: Seed of weights, order and augmentation. The same seed gives the same result on a CPU.
        data_dir: Folder of the dataset, as `kerasnets.data.stream` takes it.
        strict: Whether a corrupt image is an error; if not, it is skipped.
        steps: Steps per epoch, for a short trial run; None uses all examples.
        resume: Whether to resume the run in the folder. If not, an existing run is moved aside.
        save_every: Seconds between checkpoints; 0 saves one after every step.
        hosts: Number of hosts that share each batch, as in `kerasnets.training.distribution.devices`.
        host_index: Index of this host, from 0. Only host 0 writes files.
        coordinator: "HOST:PORT" of host 0, or None for one host.
    """

    seed: int = 0
    data_dir: str | None = None
    strict: bool = False
    steps: int | None = None
    resume: bool = False
    save_every: float = 60.0
    hosts: int = 1
    host_index: int = 0
    coordinator: str | None = None
