"""What shows the items of the lectures here: commands, figures, and remarks on what differs.

`SHOWS` has them by name, since several lectures show the same; `recipes/lecture_rows.py` has the slides.
`EXPERIMENTS` says how the experiments that have records in measured.json are run and recognized. Figures are
not written here but for those that a slide alone prints: counts are in recipes/tables.py, errors of our nets
in kerasnets/assembly/results.py, figures of experiments in recipes/printed.py.
"""

from __future__ import annotations

import dataclasses

from principles import EXPERIMENTS as PRINCIPLES


@dataclasses.dataclass(frozen=True)
class Cells:
    """Printed and recomputed figures of a table of recipes/tables.py.

    Attributes:
        table: Name of the table.
        row: Label of a row; None for all rows that the lecture prints, which are counted.
        column: Title of a column; None for all of the row.
    """

    table: str
    row: str | None = None
    column: str | None = None


@dataclasses.dataclass(frozen=True)
class Errors:
    """Published errors of kerasnets/assembly/results.py.

    Attributes:
        source: The source, or the beginning of its text.
        nets: Names of nets as they are there; () for all that the source has.
        protocol: A part of the name of the protocol.
    """

    source: str
    nets: tuple[str, ...] = ()
    protocol: str = ""


@dataclasses.dataclass(frozen=True)
class Net:
    """The parameters and multiply-adds of a net, of the catalogue.

    Attributes:
        name: Name of the net.
        printed: What the slide prints about them.
    """

    name: str
    printed: str = ""


@dataclasses.dataclass(frozen=True)
class Weights:
    """The error of trained weights that come with the package, of their table.

    Attributes:
        net: Name of the net.
        data: Name of the dataset.
        printed: What the slide or the paper prints.
    """

    net: str
    data: str
    printed: str = ""


@dataclasses.dataclass(frozen=True)
class Measure:
    """A measured figure of an experiment, of recipes/measured.json.

    Attributes:
        experiment: Key of `EXPERIMENTS`.
        name: Name of the measure.
        title: What it is called on the page.
        printed: What the slide or the paper prints; "" if nothing.
        kind: "share", shown in percent; "error", of an accuracy as a share; "percent"; or "count".
        compares: Whether the printed figure is of the same images.
    """

    experiment: str
    name: str
    title: str
    printed: str = ""
    kind: str = "count"
    compares: bool = False


@dataclasses.dataclass(frozen=True)
class Trial:
    """The rows of an experiment in recipes/printed.py, beside what is measured of them.

    Attributes:
        experiment: Name of the experiment, there and in `EXPERIMENTS`.
        more: Further names there, of the same experiment with other settings.
    """

    experiment: str
    more: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Jft:
    """Table 4 of Hinton et al. 2015, of recipes/specialists_report.py."""


@dataclasses.dataclass(frozen=True)
class Temperature:
    """Softened probabilities of two classes, for which the temperature is computed.

    Attributes:
        title: The classes.
        hard: Their probabilities before.
        soft: Their printed probabilities after.
    """

    title: str
    hard: tuple[float, float]
    soft: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Printed:
    """A figure that is printed and not counted or measured here.

    Attributes:
        title: What it is called on the page.
        text: The printed text.
    """

    title: str
    text: str


@dataclasses.dataclass(frozen=True)
class Claim:
    """What a slide says about an experiment: that each of some nets is better than the one before it.

    Attributes:
        experiment: Key of `EXPERIMENTS`.
        names: Names of measures, from the worst to the best.
        less: Whether a smaller measure is better, as of errors.
    """

    experiment: str
    names: tuple[str, ...]
    less: bool = True


@dataclasses.dataclass(frozen=True)
class Show:
    """How an item is shown here.

    Attributes:
        commands: What shows it, as one types it; () if nothing does.
        figures: Its figures, printed and ours.
        word: A remark; if there is no command, why nothing shows the item.
        claim: What the slide says of an experiment, if that can be decided by its measures.
    """

    commands: tuple[str, ...] = ()
    figures: tuple = ()
    word: str = ""
    claim: Claim | None = None


@dataclasses.dataclass(frozen=True)
class Experiment:
    """An experiment whose measures are recorded.

    Attributes:
        command: The command that measures it. Its options tell the folders of the experiment from others.
        data: The images.
        measures: "module.function" that takes the measures from results.json of a single run; "" if these are
            its numbers.
    """

    command: str
    data: str = "digits"
    measures: str = ""


REPRODUCE = "python recipes/reproduce_tables.py"
TRAIN = "python recipes/train.py"
MNIST = "--dataset mnist --data-dir FOLDER"
IMAGENET = "needs ImageNet and several GPUs: not trained here; the config has the paper's numbers"

# How experiments are run whose measures are in measured.json.
EXPERIMENTS = {
    "class_trees": Experiment("python recipes/class_trees.py --runs 3", measures="experiments.measures"),
    "class_trees-shuffled": Experiment(
        "python recipes/class_trees.py --tree shuffled --runs 3", measures="experiments.measures"
    ),
    "degradation": Experiment("python recipes/degradation.py --epochs 15", measures="degradation.errors_of"),
    "distill_mnist": Experiment(
        f"python recipes/distill_mnist.py {MNIST}", "MNIST", "distill_mnist.errors_of"
    ),
    "distill_mnist-digits": Experiment(
        "python recipes/distill_mnist.py --runs 5", measures="distill_mnist.errors_of"
    ),
    "distill_mnist-without3": Experiment(f"python recipes/distill_mnist.py {MNIST} --omit-digit 3", "MNIST"),
    "distill_mnist-only78": Experiment(f"python recipes/distill_mnist.py {MNIST} --only-digits 7 8", "MNIST"),
    "initialisation": Experiment(
        "python recipes/initialisation.py --runs 3", measures="experiments.measures"
    ),
    "lenet5_mnist": Experiment(f"{TRAIN} lenet5_mnist --data-dir FOLDER --runs 3", "MNIST"),
    "lenet5_mnist_distorted": Experiment(
        f"{TRAIN} lenet5_mnist_distorted --data-dir FOLDER --runs 3", "MNIST"
    ),
    "capsnet_mnist": Experiment(f"{TRAIN} capsnet_mnist --data-dir FOLDER", "MNIST"),
    "mimic": Experiment("python recipes/mimic.py --passes 6 --runs 3", measures="experiments.measures"),
    "neighbors": Experiment("python recipes/neighbors.py --runs 3", measures="neighbors.shares_of"),
    "net2net": Experiment("python recipes/net2net.py"),
    "soft_targets": Experiment("python recipes/soft_targets.py --runs 3", measures="experiments.measures"),
    "specialists": Experiment(
        "python recipes/specialists.py --dataset digit_pairs --runs 3",
        "pairs of digits",
        "specialists.errors_of",
    ),
    "vanishing_gradients": Experiment(
        "python recipes/vanishing_gradients.py --runs 3", measures="experiments.measures"
    ),
    **{
        name: Experiment(f"python recipes/principles.py {name} --runs 3", measures="experiments.measures")
        for name in PRINCIPLES
    },
}

# Nets and starts of recipes/initialisation.py.
STARTS = (
    ("VGG11", "Gaussian 0.01"),
    ("VGG11", "Gaussian 0.0125"),
    ("VGG11", "Glorot"),
    ("VGG19", "Gaussian 0.01"),
    ("VGG19", "Gaussian 0.0125"),
    ("VGG19", "copied"),
    ("VGG19", "Glorot"),
    ("VGG19", "He"),
)

# Sources of errors.
AICH, OVERVIEW, VGG = "Aich 2018, results", "Labate 2024, overview", "Simonyan, Zisserman 2015"


def table(name: str, *commands: str, word: str = "", more: tuple = ()) -> Show:
    """The figures of a table of recipes/tables.py, of the rows that the lecture prints."""
    return Show((f"{REPRODUCE} {name}", *commands), (Cells(name), *more), word)


def principle(name: str, *more: str, word: str = "") -> Show:
    """An experiment of recipes/principles.py, and names of further printed figures of it."""
    return Show((f"python recipes/principles.py {name} --runs 3",), (Trial(name, more),), word)


def config(name: str, word: str, figures: tuple = ()) -> Show:
    """The training of a paper, which its config repeats."""
    return Show((f"{TRAIN} {name} --data-dir FOLDER",), figures, word)


def plot(net: str, file: str, *more: str, word: str = "") -> Show:
    """The picture of a net, and its counts."""
    return Show((f"kerasnets plot {net} --out {file}", *more), (Net(net.split()[0]),), word)


def absent(reason: str) -> Show:
    """What nothing shows here."""
    return Show(word=reason)


SHOWS = {
    # LeNet
    "lenet5-order": Show(
        ("kerasnets profile LeNet5 --layers", f"{REPRODUCE} layer-counts"),
        (Cells("layer-counts", "LeNet-5, order"),),
    ),
    "lenet5": Show(
        ("kerasnets show LeNet5", "kerasnets plot LeNet5 --out lenet5.svg"),
        (Net("LeNet5"),),
        "subsampling is the mean of 2x2 pixels, tanh follows it, and a softmax ends the net",
    ),
    "scores": Show(
        ("kerasnets classify digit.png --model LeNet5 --weights mnist",),
        (Printed("score of class 7", "8.2"),),
        'these are probabilities; `LeNet5(weights="mnist", classifier_activation=None)` gives the scores',
    ),
    "sides-lenet5": Show((f"{REPRODUCE} output-sizes",), (Cells("output-sizes", "LeNet5, conv 1", "side"),)),
    "mlp": Show(
        (
            "python recipes/mimic.py --passes 6 --runs 3",
            "kerasnets evaluate LeNet5 --weights mnist --data-dir FOLDER",
        ),
        (
            Net("LeNet5"),
            Net("MLP800"),
            Measure("mimic", "deep: errors", "convolutional net, errors"),
            Measure("mimic", "labels: errors", "one wide hidden layer, errors"),
        ),
        "on jittered copies, enough of them for both",
    ),
    "lenets": Show(
        (
            "kerasnets compare LeNet1 LeNet4 LeNet5",
            "kerasnets evaluate LeNet1 --weights mnist --data-dir FOLDER",
        ),
        (Errors("LeCun et al. 1998, figure 9", protocol="no augmentation"),),
        "the weights were trained here, by the configs lenet1_mnist, lenet4_mnist and lenet5_mnist_jitter",
    ),
    "distortions": Show(
        (
            "python recipes/train.py lenet5_mnist_distorted --data-dir FOLDER",
            "python recipes/train.py lenet5_mnist --data-dir FOLDER",
        ),
        (
            Errors("LeCun et al. 1998, figure 9", ("LeNet5",)),
            Measure("lenet5_mnist", "top1", "LeNet5, error without distortions", kind="error"),
            Measure("lenet5_mnist_distorted", "top1", "LeNet5, error with distortions", kind="error"),
        ),
        "",
    ),
    # AlexNet
    "sides": table("output-sizes", "kerasnets profile AlexNet --layers"),
    "conv1": Show(
        (f"{REPRODUCE} alexnet-listing",),
        (Cells("alexnet-listing", "CONV1 without biases", "params without biases"),),
    ),
    "conv1-biases": Show(
        (f"{REPRODUCE} alexnet-listing",), (Cells("alexnet-listing", "CONV1 with biases", "params"),)
    ),
    "alexnet-order": Show(
        (
            f"{REPRODUCE} alexnet-listing",
            "kerasnets plot AlexNet --pool-first true --dropout-first true --out alexnet.svg",
        ),
        (Cells("alexnet-listing"),),
        "the paper normalizes before it pools and drops units after dense layers, which is the default; "
        "`pool_first` and `dropout_first` give the order of the slides",
    ),
    "groups": Show(
        ("kerasnets show AlexNet", "kerasnets profile AlexNet --groups 1"),
        (Net("AlexNet"),),
        "`groups=2` has the two halves on one device, `groups=1` joins them",
    ),
    "gpus": config("alexnet_imagenet", "`--replicas 2` shares the images of a batch, not the maps"),
    "lrn-equation": Show(
        ("kerasnets show AlexNet", "kerasnets profile AlexNet --layers"),
        (),
        "`kerasnets.layers.LRN`; the slide sums from max(0, N/2) to min(D - 1, k - N/2), a misprint: in the "
        "paper, over the N maps around map k",
    ),
    "lrn": Show(
        ("kerasnets profile AlexNet --lrn false", "kerasnets compare VGG11 VGG11LRN"),
        (Errors(f"{VGG}, table 3", ("VGG11", "VGG11LRN")),),
        "it does not help VGG; AlexNet without it was not trained here",
    ),
    "crops": config(
        "alexnet_imagenet",
        "the slide trains on five patches and their mirror images; in the paper, and here, patches are "
        "random in training, and these ten are for the test",
    ),
    "ten-crops": config("alexnet_imagenet", '`training.evaluate(model, data, "ten_crop")`'),
    "lighting": config(
        "alexnet_imagenet",
        "row `lighting` has the axes of ImageNet's colors; `fitted_lighting` finds those of other images",
    ),
    "alexnet-training": config("alexnet_imagenet", IMAGENET),
    "alexnet-ensemble": Show(
        ("kerasnets compare AlexNet GoogLeNet --protocol 'imagenet ensembles'", "kerasnets show AlexNet"),
        (Errors("Krizhevsky et al. 2012, table 2"),),
        "`distillation.Ensemble` averages nets",
    ),
    "sift": Show(
        ("kerasnets show AlexNet",),
        (Errors("Krizhevsky et al. 2012, table 1"),),
        "on ILSVRC-2010; the rows that the slides add to this table later are of ILSVRC-2012 and on",
    ),
    "relu-tanh": principle("relu"),
    "sigmoid": absent("sigmoid was not tried; `relu` of principles.py compares ReLU with tanh"),
    "overlap": principle("overlap"),
    "removed": principle("removed"),
    "dropout": principle("dropout"),
    "neighbors": Show(
        ("python recipes/neighbors.py --runs 3",),
        (
            Measure(
                "neighbors", "of the class, by pixels", "neighbors of the same class, by pixels", kind="share"
            ),
            Measure("neighbors", "of the class, by features", "by features", kind="share"),
            Measure(
                "neighbors",
                "of the class, by features before training",
                "by features of random weights",
                kind="share",
            ),
        ),
        "digits, not photographs; neighbors.png is the picture",
        Claim("neighbors", ("of the class, by pixels", "of the class, by features"), less=False),
    ),
    "codes": Show(
        ("python recipes/neighbors.py --runs 3",),
        (
            Measure(
                "neighbors", "of the class, by codes", "neighbors of the same class, by codes", kind="share"
            ),
        ),
    ),
    "paper-start": Show(
        ("python recipes/train.py alexnet_imagenet --data-dir FOLDER --init caffe",),
        (),
        "`surgery.initialize(model, start)`: 0.005 is Caffe's; the paper, `paper`, has 0.01 in all layers",
    ),
    "nin-start": Show(
        ("python recipes/train.py nin_cifar10 --data-dir FOLDER --init paper",),
        (),
        '`surgery.initialize(model, "paper")`',
    ),
    "winners": Show(
        ("kerasnets compare AlexNet ZFNet VGG16 GoogLeNet ResNet152 --protocol 'imagenet challenge'",),
        (
            Errors(OVERVIEW, ("AlexNet",), "ensemble"),
            Errors(OVERVIEW, ("ZFNet", "VGG16", "GoogLeNet", "ResNet152", "SENet154"), "test"),
            Printed("people", "5.1 %"),
        ),
        "top-5 errors in the challenge, of ensembles; those of people are by Russakovsky et al. 2015, whose "
        "labels a single person gave",
    ),
    "words-alexnet": Show((f"{REPRODUCE} in-words",), (Cells("in-words", "AlexNet"),)),
    "words-vgg": Show((f"{REPRODUCE} in-words",), (Cells("in-words", "VGG"),)),
    "words-mobilenet": Show((f"{REPRODUCE} in-words",), (Cells("in-words", "MobileNet for VGG"),)),
    "stages": Show(
        (f"{REPRODUCE} layer-counts", f"{REPRODUCE} in-words"),
        (
            Cells("layer-counts", "LeNet, stages"),
            Cells("layer-counts", "AlexNet, stages"),
            Cells("layer-counts", "LeNet, first layer"),
            Cells("in-words", "AlexNet, first layer"),
        ),
    ),
    # ZFNet
    "zfnet": Show(
        (f"{REPRODUCE} zfnet", "kerasnets compare ZFNet ZFNet512"), (Cells("zfnet"), Net("ZFNet512"))
    ),
    "look": Show(
        ("kerasnets look PHOTO.jpg --model AlexNet --what kernels maps", "python recipes/look.py"),
        (),
        "the recipe trains a small net on digits and draws all pictures of it, its confused classes and its "
        "features in a plane",
    ),
    "deconvolution": Show(
        ("kerasnets look FOLDER --model SqueezeNet --what deconvolution", "python recipes/look.py"),
        (),
        "patches of the images where a channel responds most, beside their deconvolutions",
    ),
    "zfnet-error": Show(
        ("kerasnets compare AlexNet ZFNet --protocol 'imagenet challenge'",),
        (Errors(OVERVIEW, ("AlexNet", "ZFNet"), "ensemble"), Errors("Zeiler, Fergus 2014, table 2")),
    ),
    # VGG
    "small-kernels": table("small-kernels"),
    "savings": table("small-kernels-savings"),
    "vgg16-listing": table("vgg16-listing", "kerasnets profile VGG16 --layers"),
    "vgg16-places": Show(
        ("kerasnets profile VGG16 --layers",),
        (
            Cells("vgg16-listing", "CONV3-64, 1", "memory"),
            Cells("vgg16-listing", "POOL2, 5", "memory"),
            Cells("vgg16-listing", "CONV3-512, 2", "params"),
            Cells("vgg16-listing", "FC, 1", "params"),
        ),
    ),
    "vgg-configurations": table("vgg-configurations", "kerasnets plot VGG16 --out vgg16.svg"),
    "vgg-parameters": table("vgg-parameters"),
    "vgg-lrn": Show(
        ("kerasnets compare VGG11 VGG11LRN",), (Errors(f"{VGG}, table 3", ("VGG11", "VGG11LRN")),)
    ),
    "vgg19": Show(
        ("kerasnets compare VGG16 VGG19 --protocol 'imagenet many crops'",),
        (Errors(f"{VGG}, table 5", ("VGG16", "VGG19")), Net("VGG16"), Net("VGG19")),
    ),
    "vgg-ensemble": Show(
        ("kerasnets compare VGG16 GoogLeNet --protocol 'imagenet challenge'",),
        (Errors(f"{VGG}, table 7"), Errors("Szegedy et al. 2015, table 2")),
        "localization is not shown: nets here classify",
    ),
    "vgg-errors": Show(
        ("kerasnets compare VGG16 VGG19 --protocol 'imagenet many crops'",),
        (Errors(AICH, ("VGG16", "VGG19")),),
    ),
    "vgg-challenge": Show(
        ("kerasnets compare ZFNet VGG16 --protocol 'imagenet challenge'",),
        (Errors(OVERVIEW, ("ZFNet", "VGG16"), "test"),),
    ),
    "vgg-errors-1": Show(
        ("kerasnets compare VGG13 VGG16C VGG16",),
        (Errors(f"{VGG}, table 3", ("VGG13", "VGG16C", "VGG16"), "S256 Q256"),),
        "C, with 1x1 convolutions, is better than B, since it is deeper, and worse than D, whose kernels see "
        "neighbors",
    ),
    "vgg-table3": Show(
        ("kerasnets compare VGG11 VGG11LRN VGG13 VGG16C VGG16 VGG19",), (Errors(f"{VGG}, table 3"),)
    ),
    "vgg-table4": Show(
        ("kerasnets compare VGG16C VGG16 VGG19 --protocol 'imagenet dense S256-512 Q256,384,512'",),
        (Errors(f"{VGG}, table 4"),),
    ),
    "vgg-table5": Show(
        ("kerasnets compare VGG16 VGG19 --protocol 'imagenet many crops'",), (Errors(f"{VGG}, table 5"),)
    ),
    "starts": Show(
        ("python recipes/initialisation.py --runs 3",),
        tuple(
            Measure("initialisation", f"{net}, {start}: test accuracy", f"{net}, {start}", kind="share")
            for net, start in STARTS
        ),
        "narrow nets; 10 % is chance",
        Claim(
            "initialisation",
            ("VGG19, Gaussian 0.0125: test accuracy", "VGG19, copied: test accuracy"),
            less=False,
        ),
    ),
    "scale-jitter": config("vgg16_imagenet", "row `scale_jitter`, sides of 256 to 512; " + IMAGENET),
    "dense": config(
        "vgg16_imagenet",
        '`training.evaluate(model, data, "dense", sizes=(256, 384, 512))`; `"dense_and_crops"` adds 50 crops '
        "of each of three scales, the 150; `surgery.convolutionize` makes dense layers convolutions",
    ),
    "weeks": absent("the hardware and the weeks of training were not repeated"),
    "features": Show(
        ("kerasnets finetune --model VGG16 --weights imagenet --data-dir FOLDER",),
        (),
        "trains a new classifier on kept features first; `surgery.features` gives them",
    ),
    "depth": principle("depth"),
    # C3D
    "ucf101": absent(
        "the videos of UCF-101 do not come with the package; `--data-dir` of c3d_ucf101 takes their frames"
    ),
    "c3d": Show(
        ("kerasnets plot C3D --out c3d.svg", "python recipes/train.py c3d_ucf101 --data-dir FOLDER"),
        (
            Cells("layer-counts", "C3D, convolutions"),
            Cells("layer-counts", "C3D, pooling"),
            Cells("layer-counts", "C3D, dense layers"),
            Errors("Tran et al. 2015, table 2"),
        ),
    ),
    "c3d-listing": table("c3d-listing", "kerasnets profile C3D --classes 101 --layers"),
    # Network in network
    "nin": Show(
        ("kerasnets plot NIN --out nin.svg", "kerasnets profile NIN --layers"),
        (Net("NIN"), Errors("Lin et al. 2014")),
    ),
    "nin-savings": table("global-pooling", "kerasnets compare NINImageNet AlexNet VGG16"),
    "heavy": Show(
        (f"{REPRODUCE} global-pooling", "kerasnets profile VGG16 --layers"),
        (
            Cells("global-pooling", "AlexNet's dense layers"),
            Cells("global-pooling", "VGG16's dense layers"),
            Net("NIN"),
            Net("GoogLeNet"),
        ),
    ),
    "nin-maps": Show(
        ("kerasnets look PHOTO.jpg --model NIN --weights cifar10 --what cam", "python recipes/look.py"),
    ),
    "nin-training": config("nin_cifar10", "the config whitens with `zca`; CIFAR-10 was not trained on here"),
    "nin-imagenet": Show(
        ("kerasnets show NINImageNet", "kerasnets show AlexNet"),
        (Errors("github.com/Coderx7/SimpleNet, table 5"), Errors("github.com/BVLC/caffe", ("AlexNet",))),
    ),
    "head": absent("global average pooling was not compared with dense layers"),
    # GoogLeNet
    "googlenet": table("googlenet", "kerasnets profile GoogLeNet --layers"),
    "googlenet-plot": Show(
        ("kerasnets plot GoogLeNet --aux-heads true --out googlenet.svg",), (Net("GoogLeNet"),)
    ),
    "googlenet-words": Show(
        (f"{REPRODUCE} in-words", "kerasnets compare GoogLeNet AlexNet"),
        (
            Cells("layer-counts", "GoogLeNet"),
            Cells("in-words", "GoogLeNet"),
            Cells("in-words", "GoogLeNet for AlexNet"),
        ),
    ),
    "googlenet-error": Show(
        ("kerasnets show GoogLeNet",),
        (Errors("Szegedy et al. 2015, table 2"), Errors("Szegedy et al. 2015, table 3")),
    ),
    "googlenet-crops": config("googlenet_imagenet", IMAGENET),
    "naive": Show(
        (f"{REPRODUCE} bottlenecks", "kerasnets profile GoogLeNet --naive 3b --layers"),
        (
            Cells("bottlenecks", "naive module", "ops in short"),
            Cells("bottlenecks", "naive module, joined", "output"),
            Cells("bottlenecks", "naive module 3b of GoogLeNet", "ops in short"),
        ),
    ),
    "bottlenecks": table("bottlenecks"),
    "aux-heads": config(
        "googlenet_imagenet", "`aux_heads=True`, loss weight 0.3; whether they help was not measured here"
    ),
    "aux-head": Show(
        (f"{REPRODUCE} layer-counts", "kerasnets profile GoogLeNet --aux-heads true --layers"),
        (
            Cells("layer-counts", "auxiliary head, 1x1 convolution"),
            Cells("layer-counts", "auxiliary head, dense layers of 1024"),
            Cells("layer-counts", "auxiliary head, outputs"),
        ),
    ),
    # Batch normalization, Inception
    "bn-identity": absent(
        "an equation: Keras's `BatchNormalization` computes it, and `surgery.fold_batch_norm` applies it"
    ),
    "bn-dropout": principle("dropout"),
    "bn-overhead": absent("nets with and without batch normalization were not timed"),
    "bn-rates": principle("batch_norm"),
    "bn-starts": absent("batch normalization was not tried with unsuitable initial weights"),
    "bn-finetune": Show(
        ("kerasnets finetune --model VGG16 --weights imagenet --data-dir FOLDER",),
        (),
        "fine-tuning adds no batch normalization, and keeps the statistics of what the net has, unless "
        "`--train-batch-norm` is given",
    ),
    "covariate-shift": absent("an explanation, without figures"),
    "bn-batches": absent("not tried: all runs shuffle the images"),
    "bn-inception": Show(
        (
            "kerasnets plot BNInception --out bn-inception.svg",
            "kerasnets profile BNInception --separable-stem true --layers",
        ),
        (Cells("layer-differences", "BN-Inception for GoogLeNet"), Net("BNInception")),
    ),
    "plot-inception-v3": Show(("kerasnets plot InceptionV3 --out inception_v3.svg",), (Net("InceptionV3"),)),
    "inception-v3": Show(
        ("kerasnets show InceptionV3", "kerasnets plot InceptionV3 --out inception_v3.svg"),
        (Net("InceptionV3"),),
    ),
    "inception-v3-training": config("inception_v3_imagenet", IMAGENET),
    "inception-v3-errors": Show(("kerasnets show InceptionV3",), (Errors(AICH, ("InceptionV3",)),)),
    "inception-v4": plot("InceptionV4", "inception_v4.svg", "kerasnets profile InceptionV4 --layers"),
    "inception-resnet": Show(
        (
            "kerasnets plot InceptionResNetV2 --out inception_resnet_v2.svg",
            "kerasnets profile InceptionResNetV2 --stem-form v4",
        ),
        (Net("InceptionResNetV2"),),
        "the default is the authors' release; `stem_form=\"v4\"` has the stem of the paper's figure",
    ),
    "inception-resnet-speed": absent(
        "needs ImageNet and weeks of training; recipes/degradation.py compares ResNets with plain nets"
    ),
    "separable": table("small-kernels-savings"),
    "factorized": principle("factorized"),
    "grid-reduction": table("grid-reduction"),
    # ResNet
    "degradation": Show(
        ("python recipes/degradation.py --epochs 15",),
        tuple(
            Measure("degradation", f"{net}, {kind} error", f"{net}, {kind}", kind="share")
            for net in ("PlainNet20", "PlainNet56", "ResNet20", "ResNet56")
            for kind in ("training",)
        ),
        "He et al., figure 6, is drawn without numbers",
        Claim("degradation", ("PlainNet56, training error", "PlainNet20, training error")),
    ),
    "identity": Show(
        ("python recipes/degradation.py --epochs 15", "python recipes/net2net.py"),
        (Measure("degradation", "PlainNet56, training error", "PlainNet56, training", kind="share"),),
    ),
    "analogy": absent("an analogy, without figures"),
    "resnet-params": Show(
        (f"{REPRODUCE} layer-differences",),
        (
            Cells("layer-differences", "ResNet for plain, 18 layers"),
            Cells("layer-differences", "ResNet for plain, 34 layers"),
        ),
    ),
    "resnet-plot": plot("ResNet18", "resnet18.svg"),
    "resnet-bottleneck": plot("ResNet50", "resnet50.svg", "kerasnets profile ResNet50 --layers"),
    "resnet50": Show(("kerasnets show ResNet50", "kerasnets profile ResNet50 --layers"), (Net("ResNet50"),)),
    "resnet-depths": Show(
        ("kerasnets compare ResNet50 ResNet101 ResNet152",),
        (Errors("He et al. 2016, table 3", ("ResNet50", "ResNet101", "ResNet152")),),
    ),
    "resnet": table("resnet", "kerasnets compare ResNet18 ResNet34 ResNet50 ResNet101 ResNet152"),
    "resnet-stages": table("resnet-stages", "kerasnets profile ResNet50 --layers"),
    "resnet-cifar": Show(
        (
            f"{REPRODUCE} resnet-cifar",
            "kerasnets compare FitNet4 HighwayNet19 ResNet20 ResNet56 ResNet110 ResNet1202",
        ),
        (Cells("resnet-cifar"), Errors("He et al. 2016, table 6")),
    ),
    "resnet1202": absent("training takes days; `ResNet1202` can be built"),
    "resnet-v2": Show(
        ("kerasnets compare ResNet152 ResNet152V2", "kerasnets plot ResNet18V2 --out resnet18v2.svg"),
        (Errors("He et al. 2016, Identity Mappings, table 5"),),
    ),
    "plain-resnet": Show(
        ("kerasnets compare PlainNet18 ResNet18 PlainNet34 ResNet34", "python recipes/degradation.py"),
        (Errors("He et al. 2016, table 2"),),
    ),
    "resnet-table4": Show(
        ("kerasnets compare BNInception ResNet34 ResNet50 ResNet152 --protocol 'imagenet many crops'",),
        (Errors("He et al. 2016, table 4"),),
    ),
    "resnet152-error": Show(("kerasnets show ResNet152",), (Errors("He et al. 2016, table 5"),)),
    "resnet-vgg": Show(("kerasnets compare VGG19 ResNet34 ResNet152",), (Net("VGG19"), Net("ResNet152"))),
    "any-size": Show(
        ("kerasnets profile ResNet50 --input 320x256",),
        (),
        "with global average pooling, one set of weights serves images of all sizes",
    ),
    "detection": absent("nets here classify; they do not detect, localize or segment"),
    "gradients": Show(
        ("python recipes/vanishing_gradients.py --runs 3",),
        tuple(
            Measure(
                "vanishing_gradients",
                f"{net}{more}: first / last",
                f"{net}{more}: gradient of the first convolution over that of the last",
            )
            for net in ("PlainNet20", "PlainNet56", "ResNet56")
            for more in ("", ", no batch normalization")
        ),
        "gradients do not vanish in the plain nets, as He et al. say in section 4.1; without batch "
        "normalization they shrink, with it they grow toward the input",
    ),
    "stochastic-depth": principle("stochastic"),
    "shortcuts": Show(
        (
            "python recipes/principles.py shortcuts --runs 3",
            "kerasnets compare ResNet34 \"ResNet34(shortcut='project_all')\"",
        ),
        (
            Trial("shortcuts"),
            Errors("He et al. 2016, table 4", ("ResNet34", "ResNet34(shortcut='project_all')")),
        ),
    ),
    "highway": plot("HighwayNet19", "highway.svg"),
    # Wide ResNet, DenseNet
    "wide": Show(
        ("kerasnets compare WRN28_10 ResNet1001V2",),
        (Errors("Zagoruyko, Komodakis 2016", ("WRN28_10", "ResNet1001V2")),),
        "seconds were not measured",
    ),
    "densenet-plot": plot("DenseNetBC100", "densenet.svg"),
    "densenet": table("densenet", "kerasnets profile DenseNet121 --layers"),
    "densenet-parameters": table("densenet-parameters"),
    "growth": Show(
        (f"{REPRODUCE} densenet",),
        (
            Cells("densenet", "input of layer l, k0 = 64, k = 32"),
            Cells("densenet", "before the blocks", "maps"),
            Cells("densenet", "after 6 layers", "maps"),
            Cells("densenet", "after the transition", "maps"),
        ),
    ),
    "memory": Show(
        ("python recipes/benchmark.py memory", "kerasnets show DenseNetBC100"),
        (Net("DenseNetBC100"),),
        "`memory_efficient=True` trains in [about half the memory](README.md#training); what takes 8 GB "
        "depends on the size of the batch, which the slide does not say",
    ),
    # MobileNet, SqueezeNet
    "separable-cost": table("mobilenet-shares", "kerasnets profile MobileNet --layers"),
    "shares": table("mobilenet-shares", f"{REPRODUCE} bottlenecks"),
    "mobilenet-plot": plot("MobileNet", "mobilenet.svg"),
    "mobilenet-body": table("mobilenet-body"),
    "mobilenet-words": Show(
        (f"{REPRODUCE} layer-counts", f"{REPRODUCE} layer-differences"),
        (Cells("layer-counts", "MobileNet"), Cells("layer-differences", "MobileNet for Conv MobileNet")),
    ),
    "mobilenet-training": config("mobilenet_imagenet", "`decay_depthwise=False`; " + IMAGENET),
    "gemm": absent("a property of implementations, which were not timed"),
    "multipliers": Show(
        ("kerasnets profile MobileNet --alpha 0.5 --rho 160/224", "python recipes/tune.py --search alpha"),
        (
            Cells("mobilenet", "0.5 MobileNet-224", "million mult-adds"),
            Cells("mobilenet", "1.0 MobileNet-160", "million mult-adds"),
        ),
    ),
    "mobilenet": Show(
        (f"{REPRODUCE} mobilenet", "kerasnets compare MobileNet GoogLeNet VGG16 SqueezeNet AlexNet"),
        (Cells("mobilenet"), Errors("Howard et al. 2017, tables 4 to 9")),
    ),
    "squeezenet": Show(
        ("kerasnets compare SqueezeNet AlexNet",),
        (
            Cells("in-words", "SqueezeNet for AlexNet"),
            Cells("layer-counts", "SqueezeNet"),
            Errors("Iandola et al. 2016", ("SqueezeNet", "AlexNet")),
        ),
    ),
    "squeezenet-plot": plot(
        "SqueezeNet", "squeezenet.svg", "kerasnets plot SqueezeNet --bypass complex --out bypass.svg"
    ),
    "bypass": Show(
        ("kerasnets profile SqueezeNet --bypass simple",),
        (
            Errors(
                "Iandola et al. 2016",
                ("SqueezeNet", "SqueezeNet(bypass='simple')", "SqueezeNet(bypass='complex')"),
            ),
        ),
    ),
    "scatter": Show(
        ("kerasnets compare AlexNet VGG16 GoogLeNet ResNet50 InceptionV4 MobileNet --plot accuracy.svg",)
    ),
    # All convolutional nets, SimpNet
    "allcnn": Show(
        ("kerasnets compare BaseCNNC StridedCNNC ConvPoolCNNC AllCNNC",),
        (Errors("Springenberg et al. 2015"),),
    ),
    "strided": principle("strides"),
    "guided": Show(
        ("kerasnets look PHOTO.jpg --model SqueezeNet --what guided", "python recipes/look.py"),
        (),
        "guided backpropagation",
    ),
    "simpnet": Show(
        ("kerasnets show SimpNet", "python recipes/train.py simpnet_cifar10 --data-dir FOLDER"),
        (
            Cells("layer-differences", "SimpleNet for VGG"),
            Net("SimpNet"),
            Errors("github.com/Coderx7/SimpNet"),
            Errors("github.com/Coderx7/SimpleNet, table 2"),
        ),
    ),
    "simpnet-plot": plot("SimpNet", "simpnet.svg", "kerasnets profile SimpNet --layers"),
    "shallow-deep": principle("shallow"),
    "correlation": principle("squeezenet", "squeezenet, other"),
    "kernels": principle("kernels", "kernels, 300K parameters"),
    "kernel-places": principle("places"),
    "pooling-places": principle("pooling"),
    "pooling-kind": absent("average pooling was not tried against max pooling"),
    "kernel-speed": absent("the speed of cuDNN on GPUs was not measured"),
    "cudnn": absent("the speed of cuDNN on GPUs was not measured"),
    "balance": principle("width"),
    "dead-relu": principle("dropout"),
    "slim": Show(
        ("kerasnets compare SimpNetSlim300K SimpNetSlim600K AllCNNC NIN ResNet32",),
        (Trial("slim, CIFAR-10"), Trial("slim, CIFAR-100")),
    ),
    "saf": principle("saf"),
    "saf-maps": Show(
        ("kerasnets look PHOTO.jpg --model SimpNet --what maps", "python recipes/principles.py saf --runs 3"),
        (),
        "SAF pooling is max pooling before dropout; maps are those of whole layers",
    ),
    "live": Show(
        ("kerasnets look PHOTO.jpg --model SimpNet --what maps guided",),
        (),
        "of single images, not of a video",
    ),
    "search": Show(
        ("python recipes/tune.py --search alpha",), (), "searches for options, not for optimizers"
    ),
    "runs": Show(("python recipes/train.py lenet5_mnist --data digits --runs 3",)),
    "input-scaling": absent("not tried: all configs scale the images"),
    # Distillation
    "soft-targets": Show(
        ("python recipes/distill_mnist.py",), (), "`distillation.soft_targets(logits, temperature)`"
    ),
    "ensembles": Show(
        ("python recipes/distill_mnist.py --teachers 3",),
        (),
        "`distillation.Ensemble`, with a geometric or arithmetic mean",
    ),
    "mimic": Show(
        ("python recipes/mimic.py --passes 6 --runs 3",),
        (
            Measure("mimic", "deep: errors", "deep net, errors"),
            Measure("mimic", "labels: errors", "shallow net, labels"),
            Measure("mimic", "squared: errors", "shallow net, logits of the deep one"),
            Measure("mimic", "soft: errors", "shallow net, soft targets"),
        ),
        "the paper's shallow nets gain on speech; here labels alone make the shallow net as good as the deep",
        Claim("mimic", ("labels: errors", "squared: errors")),
    ),
    "softened": Show(
        ("python recipes/distill_mnist.py",),
        (
            Temperature("dog and cat, of .9 and .1", (0.9, 0.1), (0.3, 0.2)),
            Temperature("dog and cow, of .9 and 1e-6", (0.9, 1e-6), (0.3, 0.05)),
            Temperature("dog and car, of .9 and 1e-9", (0.9, 1e-9), (0.3, 0.005)),
        ),
        "no temperature gives the printed numbers, which do not add up to 1; soft_targets.png has a net's",
    ),
    "weights-of-targets": Show(
        ("python recipes/distill_mnist.py --sweep",),
        (),
        "`hard_weight`, and the square of the temperature as a factor, which keeps soft gradients as large",
    ),
    "mnist": Show(
        (f"python recipes/distill_mnist.py {MNIST}", "python recipes/distill_mnist.py --runs 5"),
        (
            Measure("distill_mnist", "plain, errors", "784-800-800-10, labels", "146", compares=True),
            Measure("distill_mnist", "teacher, errors", "784-1200-1200-10", "67", compares=True),
            Measure("distill_mnist", "student, errors", "784-800-800-10, distilled", "74", compares=True),
            Measure("distill_mnist-digits", "plain, errors", "digits of the package: labels"),
            Measure("distill_mnist-digits", "teacher, errors", "teacher"),
            Measure("distill_mnist-digits", "student, errors", "distilled"),
        ),
    ),
    "soft-outputs": Show(
        ("python recipes/distill_mnist.py",), (), "soft_targets.png in the folder of the run"
    ),
    "no-threes": Show(
        (f"python recipes/distill_mnist.py {MNIST} --omit-digit 3",),
        (
            Measure(
                "distill_mnist-without3",
                "right of the classes",
                "threes that are right",
                "98.6 %",
                "share",
                compares=True,
            ),
        ),
        "biases are set by the frequencies in the training images, in the paper by the test images",
    ),
    "sevens-eights": Show(
        (f"python recipes/distill_mnist.py {MNIST} --only-digits 7 8",),
        (Measure("distill_mnist-only78", "right", "digits that are right", "87 %", "share", compares=True),),
        "the paper prints 86.8 %",
    ),
    "class-trees": Show(
        (
            "python recipes/class_trees.py --runs 3",
            "python recipes/class_trees.py --tree shuffled --runs 3",
            "python recipes/look.py",
        ),
        (
            Measure("class_trees", "labels: errors", "labels, errors"),
            Measure("class_trees", "path: errors", "labels on the path to the root"),
            Measure("class_trees", "soft: errors", "soft targets"),
            Measure("class_trees-shuffled", "path: errors", "path in a shuffled tree"),
        ),
        "",
        Claim("class_trees", ("labels: errors", "path: errors", "soft: errors")),
    ),
    "specialists": Show(
        ("python recipes/specialists.py --dataset digit_pairs --runs 3",),
        (
            Measure("specialists", "generalist, errors", "generalist, errors of 6,000"),
            Measure("specialists", "logsumexp, errors", "with specialists that have a dustbin class"),
            Measure("specialists", "reduced, errors", "with a dustbin of one unit"),
            Measure("specialists", "all-classes, errors", "with all classes"),
        ),
        "100 pairs of digits; a generalist that is trained as long [gains more]"
        "(../kerasnets/distillation/README.md#specialists-on-100-classes)",
        Claim("specialists", ("generalist, errors", "logsumexp, errors")),
    ),
    "all-classes": Show(
        ("python recipes/specialists.py --dataset digit_pairs --head all-classes",),
        (
            Measure("specialists", "logsumexp, errors", "dustbin class, errors of 6,000"),
            Measure("specialists", "all-classes, errors", "all classes"),
        ),
        "",
        Claim("specialists", ("logsumexp, errors", "all-classes, errors")),
    ),
    "combine": Show(
        ("python recipes/specialists.py --dataset digit_pairs --runs 3",), (), "`distillation.combine`"
    ),
    "jft": absent("the data are Google's own"),
    "jft-table": Show(
        ("python recipes/specialists.py --dataset digit_pairs --runs 3",),
        (Jft(),),
        "printed: test cases, how many more are right, relative accuracy; measured on pairs of digits: "
        "[a table](../kerasnets/distillation/README.md#specialists-on-100-classes)",
    ),
    "speech": Show(
        ("python recipes/soft_targets.py --runs 3",),
        (
            Measure("soft_targets", "whole: test", "all images, labels", "58.9", "percent"),
            Measure("soft_targets", "stopped: test", "3 %, labels, early stopping", "44.5", "percent"),
            Measure("soft_targets", "soft: test", "3 %, soft targets", "57.0", "percent"),
        ),
        "printed: accuracy of frames of speech",
        Claim("soft_targets", ("stopped: test", "soft: test", "whole: test"), less=False),
    ),
    # Net2Net
    "net2net-functions": Show(
        ("python recipes/net2net.py",),
        (),
        "`surgery.widen` and `surgery.deepen`, which checks that the activation allows it",
    ),
    "net2net": Show(
        ("python recipes/net2net.py",),
        (
            Measure(
                "net2net", "wider, from the teacher: epochs to 95%", "wider, from the teacher: epochs to 95 %"
            ),
            Measure("net2net", "wider, random: epochs to 95%", "wider, random"),
            Measure("net2net", "deeper, from the teacher: epochs to 95%", "deeper, from the teacher"),
            Measure("net2net", "deeper, random: epochs to 95%", "deeper, random"),
        ),
    ),
    "net2net-inception": Show(
        ("python recipes/net2net.py",),
        (
            Measure("net2net", "teacher", "teacher, test accuracy", kind="share"),
            Measure("net2net", "wider, from the teacher", "wider, from the teacher", kind="share"),
            Measure("net2net", "wider, random", "wider, random", kind="share"),
        ),
        "on few digits all are alike in the end",
        Claim("net2net", ("wider, random", "wider, from the teacher"), less=False),
    ),
    # Labate, Jin
    "history": Show(("kerasnets list --sort year",)),
    "overview": Show(
        (f"{REPRODUCE} overview", "kerasnets list --sort year"), (Cells("overview"), Errors(OVERVIEW))
    ),
    "datasets": Show(
        ("python recipes/train.py nin_cifar10 --data-dir FOLDER",),
        (),
        "`kerasnets.data.load` reads MNIST, CIFAR and ImageNet from folders or TensorFlow Datasets",
    ),
    "other-datasets": absent("sets for detection and video are not read; folders of images are"),
    "dropout-example": absent(
        "an example; Keras scales what is kept up in training, so weights are not scaled after it"
    ),
    "resnext": Show(
        (
            "kerasnets compare ResNet50 ResNeXt50 ResNet101 ResNeXt101",
            "kerasnets plot ResNeXt50 --out resnext.svg",
        ),
        (
            Errors("github.com/facebookresearch/ResNeXt", ("ResNeXt50", "ResNeXt101")),
            Net("ResNet50"),
            Net("ResNeXt50"),
        ),
    ),
    "xception": plot("Xception", "xception.svg", "kerasnets profile Xception --layers"),
    "capsnet": plot("CapsNet", "capsnet.svg", "kerasnets show CapsNet"),
    "capsnet-error": config(
        "capsnet_mnist",
        "",
        (
            Errors("Sabour et al. 2017, table 1"),
            Measure("capsnet_mnist", "top1", "CapsNet with its decoder, error", kind="error"),
        ),
    ),
    "capsnet-robust": absent("not measured"),
    "components": Show(("kerasnets profile LeNet5 --layers", "kerasnets plot LeNet5 --out lenet5.svg")),
    "senet": Show(
        ("kerasnets compare ResNet50 SEResNet50 SENet154", "kerasnets plot SEResNet18 --out seresnet18.svg"),
        (Errors("github.com/hujie-frank/SENet", ("SEResNet50", "SENet154")), Errors(OVERVIEW, ("SENet154",))),
    ),
    "transfer": Show(
        (
            "kerasnets finetune --model VGG16 --weights imagenet --data-dir FOLDER",
            "kerasnets finetune --model VGG16 --weights imagenet --data-dir FOLDER --freeze all",
        )
    ),
    "one-crop": Show(
        ("kerasnets compare AlexNet 'VGG16(batch_norm=True)' ResNet152 --protocol 'imagenet one crop 224'",),
        (Errors("Aich 2018, final results, single crop"),),
    ),
    "references": Show(("kerasnets list", "kerasnets show ResNet50"), (), "each net names its paper"),
    "citations": absent("numbers of citations are not collected"),
    "notes": absent("the notes on the slides are in Korean, and few of their words can be read"),
}
