"""Protocols: how the images were chosen, cropped and scaled on which a published error was counted.

Errors can be compared if they have one protocol. `Protocol.name` is a short name that stays the same, and
`Protocol.text` says it in words. Some protocols also belong to a wider one, `Protocol.wider`, which leaves
open the size of the crops, since it is a matter of the net; the scheme of many crops; or the nets of an
ensemble.
"""

import dataclasses

IMAGENET, CIFAR10, CIFAR100 = "ImageNet", "CIFAR-10", "CIFAR-100"
MNIST, FASHION_MNIST, SVHN = "MNIST", "Fashion-MNIST", "SVHN"
SPORTS1M, UCF101 = "Sports-1M", "UCF101"
SMALL = (CIFAR10, CIFAR100, MNIST, FASHION_MNIST, SVHN)  # their test images are taken whole

ONE_CROP, TEN_CROPS, TWELVE_CROPS = "one crop", "ten crops", "twelve crops"
DENSE, MULTI_CROP, BOTH, CROPS_144 = "dense", "multi-crop", "dense and multi-crop", "144 crops"
WHOLE, CLIPS = "whole images", "ten clips of a video"
UNSTATED = "not stated"  # what the source does not say

AUGMENTED, RAW = "flips and shifts", "no augmentation"  # of the training images of small sets
FLIPS, SHIFTS, JITTER, DISTORTIONS = "flips", "shifts", "jitter", "distortions"
SOFT_TARGETS = "soft targets"  # of a larger net

VALIDATION, TEST = "validation", "test"

# The order in which protocols are chosen: what is first here comes first.
DATASETS = (IMAGENET, CIFAR10, CIFAR100, MNIST, FASHION_MNIST, SVHN, UCF101, SPORTS1M)
SPLITS = (VALIDATION, TEST)
MANY = (DENSE, MULTI_CROP, BOTH, CROPS_144)  # one net is run on many parts of an image, by various schemes
CROPS = (WHOLE, CLIPS, ONE_CROP, TEN_CROPS, TWELVE_CROPS, *MANY, UNSTATED)
TRAININGS = ("", AUGMENTED, RAW, FLIPS, SHIFTS, JITTER, DISTORTIONS, SOFT_TARGETS, UNSTATED)
ORDER = (  # the same in words
    "one net before ensembles, validation images before test images, one crop before ten, ten before more, "
    "crops of one size before those of the nets' sizes, one scale before several, small before large, and "
    "training with flips and shifts before training without"
)


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How an error was measured.

    Attributes:
        dataset: Name of the dataset.
        crops: What of an image the net is run on; one of `CROPS`.
        size: Sides of the crops in pixels; None if images are not cropped or no size is stated.
        train_scale: Shorter side of the training images before they are cropped, S of the VGG paper: one
            number, or the first and the last of a range; empty if it is not stated.
        test_scales: Shorter sides of the test images, Q of the VGG paper, over which scores are averaged.
        nets: Number of nets whose outputs are averaged; None for an ensemble of a number that is not stated.
        split: The tested images, `VALIDATION` or `TEST`.
        year: Year of the challenge whose images they are, for ImageNet; None for the other datasets.
        training: Augmentation of the training images of small datasets, or what else than the training images
            of the dataset the nets were trained on.
    """

    dataset: str
    crops: str
    size: int | None = None
    train_scale: tuple[int, ...] = ()
    test_scales: tuple[int, ...] = ()
    nets: int | None = 1
    split: str = VALIDATION
    year: int | None = 2012
    training: str = ""

    @property
    def name(self) -> str:
        """The short name, such as "imagenet one crop 224" or "cifar10 flips and shifts"."""
        return self.named(self.size)

    def named(self, size: int | None) -> str:
        """The short name for a size of crops; None leaves out the size."""
        ensemble = "ensemble" if self.nets is None else f"ensemble of {self.nets}"
        usual = self.year is None or (self.split, self.year) == (VALIDATION, 2012)
        parts = (
            short(self.dataset),
            "" if self.crops == WHOLE else self.crops,
            str(size or ""),
            f"S{'-'.join(map(str, self.train_scale))}" if self.train_scale else "",
            f"Q{','.join(map(str, self.test_scales))}" if self.test_scales else "",
            "" if self.nets == 1 else ensemble,
            "" if usual else f"{self.split} {self.year}",
            "training not stated" if self.training == UNSTATED else self.training,
        )
        return " ".join(part for part in parts if part)

    @property
    def wider(self) -> str | None:
        """Name of the wider protocol to which this one also belongs, or None."""
        if self.nets != 1:
            return f"{short(self.dataset)} {'challenge' if self.split == TEST else 'ensembles'}"
        if self.crops in MANY:
            return f"{short(self.dataset)} many crops"
        return self.named(None) if self.size else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which it can be chosen; none if the source does not say how images were cropped."""
        if self.crops == UNSTATED and self.nets == 1:
            return ()
        return (self.name, self.wider) if self.wider else (self.name,)

    @property
    def text(self) -> str:
        """The protocol in words."""
        images = f"{self.split} images" + (f" of {self.year}" if self.year else "")
        crops = "crops not stated" if self.crops == UNSTATED else self.crops
        ensemble = "an ensemble" if self.nets is None else f"an ensemble of {self.nets} nets"
        training = "training not stated" if self.training == UNSTATED else f"trained with {self.training}"
        size = f"{', ' if self.crops == UNSTATED else ' of '}{self.size} pixels" if self.size else ""
        parts = (
            crops + size,
            f"trained at {'-'.join(map(str, self.train_scale))}" if self.train_scale else "",
            f"tested at {', '.join(map(str, self.test_scales))}" if self.test_scales else "",
            "" if self.nets == 1 else ensemble,
            training if self.training else "",
        )
        return f"{self.dataset}, {images}: {', '.join(part for part in parts if part)}"

    def rank(self, name: str) -> tuple:
        """The place of one of its names in the order of choice, see `ORDER`.

        Args:
            name: One of `names`.
        """
        many = CROPS.index(MANY[0]) if self.crops in MANY else CROPS.index(self.crops)
        return (
            place(self.dataset, DATASETS),
            self.nets != 1,
            SPLITS.index(self.split),
            many,
            name != self.name,
            CROPS.index(self.crops),
            place(self.training, TRAININGS),
            self.size or 0,
            len(self.test_scales),
            self.train_scale,
            self.test_scales,
            self.nets or 0,
            self.year or 0,
        )


def small(dataset: str, training: str) -> Protocol:
    """The protocol of a small dataset: its test images, whole.

    Args:
        dataset: Name of the dataset.
        training: Augmentation of the training images.
    """
    return Protocol(dataset, WHOLE, split=TEST, year=None, training=training)


def short(dataset: str) -> str:
    """The name of a dataset in names of protocols, such as "cifar10"."""
    return dataset.lower().replace("-", "")


def place(word: str, words: tuple[str, ...]) -> int:
    """The position of a word in an order; after all others if it is not there."""
    return words.index(word) if word in words else len(words)


def words(protocols: list[Protocol], name: str) -> str:
    """What a name of protocols says, in words.

    Args:
        protocols: Those of the errors of a table.
        name: A name that all of them have.
    """
    first = protocols[0]
    if all(protocol.name == name for protocol in protocols):
        return first.text
    if first.nets != 1:
        how = f"{first.split} images: ensembles, each of its own nets and crops"
    elif first.crops in MANY:
        how = "validation images: many crops or scales, each net by its own scheme"
    elif first.crops == UNSTATED:
        how = f"{first.split} images: crops not stated, all errors from {name.partition(' in ')[2]}"
    else:
        how = f"{first.split} images: {first.crops}, each net at the size of its input"
    return f"{first.dataset}, {how}"
