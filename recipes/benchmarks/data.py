"""Images per second of training data from JPEG files: ours and torchvision's."""

import argparse
import importlib.util
import os
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import shared
from benchmarks import measuring
from kerasnets import files
from kerasnets.serving import turns

HEIGHT, WIDTH, QUALITY = 375, 500, 90  # those of most images of ImageNet
SIDE = 224  # of the crops
CLASSES = ("left", "right")
SCALES = ((4, 60), (16, 30), (64, 15), (200, 7), (500, 4))  # of `picture`: points a row, size of the values
WORKERS = os.cpu_count() or 1
# What is augmented, by the names of the two libraries' own functions: crops of 8 to 100 % of the area with
# aspect ratios of 3/4 to 4/3, shrunk with antialiasing, and flips.
PLAN = ("area_crop", "flip")
EPOCHS = 10_000  # more than are read
AHEAD = 3  # batches that a stream reads before they are asked for


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    measuring.add_options(p)
    p.add_argument("--images", type=shared.whole(2), default=500, help="number of JPEG files (500)")
    p.add_argument("--batch-size", type=shared.whole(1), default=32, help="images per batch (32)")
    p.add_argument("--passes", type=shared.whole(1), default=2, help="times that a turn reads all files (2)")


def run(args: argparse.Namespace) -> None:
    """Reads the same files with each library, in a process of its own, in as many workers as cores."""
    with tempfile.TemporaryDirectory() as folder:
        write(pathlib.Path(folder), args.images)
        same = {"folder": folder, "batch": args.batch_size, "passes": args.passes}
        contenders = [turns.Contender("kerasnets", "benchmarks.data:ours", same)]
        missing = [package for package in ("torch", "torchvision") if not importlib.util.find_spec(package)]
        if missing:
            print(f"torchvision is left out: {' and '.join(missing)} not installed")
        else:
            contenders.append(turns.Contender("torchvision", "benchmarks.data:torchvision", same))
        outcomes = turns.measure(contenders, args.rounds, least=0.0)
    read = args.images * args.passes
    print(f"random crops of {SIDE} pixels from JPEG files of {WIDTH}x{HEIGHT}, {WORKERS} workers")
    shared.show(rows(outcomes, read))
    if args.out:
        rates = {o.name: [read / s for s in o.seconds.get("", ())] for o in outcomes}
        files.write_json(args.out, rates)


def write(folder: pathlib.Path, count: int) -> None:
    """Writes JPEG files, in a folder for each of two classes below `train`."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / "train" / CLASSES[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        with files.replacing(place / f"{number:05}.jpg") as part:
            Image.fromarray(picture(rng)).save(part, quality=QUALITY)


def picture(rng: Any) -> Any:
    """A random image, uint8, (HEIGHT, WIDTH, 3), which differs less on small scales than on large ones."""
    import numpy as np
    from PIL import Image

    total = np.full((HEIGHT, WIDTH, 3), 127.0)
    for points, size in SCALES:
        small = rng.normal(0, size, (3, max(2, points * HEIGHT // WIDTH), points)).astype("float32")
        grown = [Image.fromarray(c).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC) for c in small]
        total += np.stack([np.asarray(c) for c in grown], -1)
    return total.clip(0, 255).astype("uint8")


def ours(folder: str, batch: int, passes: int) -> Callable[[], None]:
    """A function that reads as many images as `passes` over the files have, by `kerasnets.data.stream`.

    It also reads the batches that may have been prepared between two calls.
    """
    from kerasnets import data

    stream = data.stream(
        "photos",
        "train",
        size=(SIDE, SIDE, 3),
        batch_size=batch,
        seed=0,
        augment=PLAN,
        epochs=EPOCHS,
        data_dir=folder,
    )
    batches = iter(stream.dataset)

    def read():
        for _ in range(passes * stream.steps_per_epoch + AHEAD):
            next(batches)

    return read


def torchvision(folder: str, batch: int, passes: int) -> Callable[[], None]:
    """The same by torchvision's ImageFolder and PyTorch's DataLoader, whose workers stay."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    crop = transforms.RandomResizedCrop(SIDE, antialias=True)  # the same areas and aspect ratios
    plan = transforms.Compose([crop, transforms.RandomHorizontalFlip(), transforms.ToTensor()])
    images = datasets.ImageFolder(f"{folder}/train", plan)
    loader = DataLoader(images, batch, shuffle=True, num_workers=WORKERS, persistent_workers=True)

    def read():
        for _ in range(passes):
            for _ in loader:
                pass

    return read


def rows(outcomes: list[turns.Outcome], read: int) -> list[list[str]]:
    """Rows of a table: images a second, and the median of the rounds' ratios of ours to each."""
    first, *_ = outcomes
    table = [["contender", "images a second", "ours is times as fast"]]
    for outcome in outcomes:
        if outcome.error is not None:
            table.append([outcome.name, f"failed: {outcome.error}", ""])
            continue
        ratio = first.ratio(outcome)
        table.append(
            [outcome.name, f"{read / outcome.median():,.0f}", "" if ratio is None else f"{ratio:.2f}"]
        )
    return table
