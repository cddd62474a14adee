"""Fine-tunes a trained net on a folder of images, as `kerasnets finetune` does.

    python recipes/finetune.py --model MobileNetV2 --weights imagenet --data-dir FOLDER
    python recipes/finetune.py --weights runs/finetune/flowers-MobileNetV2-seed0/best.keras --data-dir FOLDER
    python recipes/finetune.py --data-dir FOLDER --positive rose --balance sampling
    python recipes/finetune.py --data-dir FOLDER --labels train.csv

FOLDER has a folder of images for each class, or the images that a CSV file names. A new classifier is trained
alone first, on features that are computed once and kept; then the whole net at a rate that falls with depth.
The epoch that is best on validation images, which are held out of the training images, is tested once.

The folder of the run gets best.keras, the net of that epoch; report.html, a page about the test, with the
confusion matrix and the images the net is surest and most wrong about; predictions.csv; results.json;
curves.png; and what recipes/train.py writes. It prints the commands that classify images with the net,
distill it and export it.
"""

import argparse

import shared
from kerasnets.cli import finetune


def options() -> tuple[argparse.Namespace, list[str]]:
    """Parses the command line, and returns the options of the net unparsed."""
    p = shared.Parser(description="Fine-tune a trained net on a folder of images.", epilog=shared.DEFAULTS)
    p.allow_abbrev = False
    finetune.add_arguments(p)
    return p.parse_known_args()


def main() -> None:
    """Fine-tunes a net."""
    shared.say(finetune.run(*options()))


if __name__ == "__main__":
    shared.run(main)
