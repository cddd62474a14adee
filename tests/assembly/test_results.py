"""The published errors, against the figures as the lectures print them."""

import pytest

import kerasnets
from kerasnets.assembly import protocols, registry, results
from kerasnets.assembly.protocols import CIFAR10, CIFAR100, IMAGENET, MNIST, TEST

ROWS = [(name, result) for name in kerasnets.list_models() for result in results.every(name)]
CLASSES = {IMAGENET: 1000, protocols.SPORTS1M: 101, protocols.UCF101: 101}

# As printed: Simonyan, Zisserman 2015, tables 3 to 5 (in Hasanpour's lecture).
VGG = {"A": "VGG11", "A-LRN": "VGG11LRN", "B": "VGG13", "C": "VGG16C", "D": "VGG16", "E": "VGG19"}
SINGLE_SCALE = """
A 256 256 29.6 10.4
A-LRN 256 256 29.7 10.5
B 256 256 28.7 9.9
C 256 256 28.1 9.4
C 384 384 28.1 9.3
C [256;512] 384 27.3 8.8
D 256 256 27.0 8.8
D 384 384 26.8 8.7
D [256;512] 384 25.6 8.1
E 256 256 27.3 9.0
E 384 384 26.9 8.7
E [256;512] 384 25.5 8.0
"""
MULTI_SCALE = """
B 256 224,256,288 28.2 9.6
C 256 224,256,288 27.7 9.2
C 384 352,384,416 27.8 9.2
C [256;512] 256,384,512 26.3 8.2
D 256 224,256,288 26.6 8.6
D 384 352,384,416 26.5 8.6
D [256;512] 256,384,512 24.8 7.5
E 256 224,256,288 26.9 8.7
E 384 352,384,416 26.7 8.6
E [256;512] 256,384,512 24.8 7.5
"""
# As printed: (model, protocol, words of the source, top-1, top-5).
PRINTED = """
VGG16 | imagenet dense S256-512 Q256,384,512 | table 5 | 24.8 | 7.5
VGG16 | imagenet multi-crop S256-512 Q256,384,512 | table 5 | 24.6 | 7.5
VGG19 | imagenet multi-crop S256-512 Q256,384,512 | table 5 | 24.6 | 7.4
VGG16 | imagenet dense and multi-crop S256-512 Q256,384,512 | Aich 2018, results | 24.4 | 7.2
VGG19 | imagenet dense and multi-crop S256-512 Q256,384,512 | table 5 | 24.4 | 7.1
PlainNet18 | imagenet ten crops 224 | He et al. 2016, table 2 | 27.94 |
ResNet18 | imagenet ten crops 224 | He et al. 2016, table 2 | 27.88 |
PlainNet34 | imagenet ten crops 224 | He et al. 2016, table 2 | 28.54 |
ResNet34 | imagenet ten crops 224 | He et al. 2016, table 2 | 25.03 |
VGG16 | imagenet not stated test 2014 | He et al. 2016, table 4 | | 8.43
GoogLeNet | imagenet 144 crops 224 | He et al. 2016, table 4 | | 7.89
VGG19 | imagenet dense and multi-crop S256-512 Q256,384,512 | He et al. 2016, table 4 | 24.4 | 7.1
BNInception | imagenet 144 crops 224 | He et al. 2016, table 4 | 21.99 | 5.81
ResNet34 | imagenet dense S256-480 Q224,256,384,480,640 | He et al. 2016, table 4 | 21.84 | 5.71
ResNet34(shortcut='project_all') | imagenet dense S256-480 Q224,256,384,480,640 | table 4 | 21.53 | 5.60
ResNet50 | imagenet dense S256-480 Q224,256,384,480,640 | table 4 | 20.74 | 5.25
ResNet101 | imagenet dense S256-480 Q224,256,384,480,640 | table 4 | 19.87 | 4.60
ResNet152 | imagenet dense S256-480 Q224,256,384,480,640 | table 4 | 19.38 | 4.49
FitNet4 | cifar10 flips and shifts | table 6 | 8.39 |
HighwayNet19 | cifar10 flips and shifts | table 6 | 7.54 |
HighwayNet19 | cifar10 flips and shifts | table 6, means | 7.72 |
HighwayNet32 | cifar10 flips and shifts | table 6 | 8.80 |
ResNet20 | cifar10 flips and shifts | table 6 | 8.75 |
ResNet32 | cifar10 flips and shifts | table 6 | 7.51 |
ResNet44 | cifar10 flips and shifts | table 6 | 7.17 |
ResNet56 | cifar10 flips and shifts | table 6 | 6.97 |
ResNet110 | cifar10 flips and shifts | table 6 | 6.43 |
ResNet110 | cifar10 flips and shifts | table 6, means | 6.61 |
ResNet1202 | cifar10 flips and shifts | table 6 | 7.93 |
AlexNet | imagenet ten crops 224 test 2010 | Aich 2018, results | 37.5 | 17.0
AlexNet | imagenet ten crops 224 | Krizhevsky | | 18.2
AlexNet | imagenet ten crops 224 ensemble of 7 | Krizhevsky | | 15.4
InceptionV3 | imagenet 144 crops 299 | Aich 2018, results | 18.8 | 4.2
ResNet152 | imagenet not stated ensemble of 6 test 2015 | Aich 2018, results | | 3.57
AlexNet | imagenet one crop 224 | Aich 2018, final | 43.45 | 20.91
VGG16(batch_norm=True) | imagenet one crop 224 | Aich 2018, final | 26.63 | 8.50
VGG19(batch_norm=True) | imagenet one crop 224 | Aich 2018, final | 25.76 | 8.15
InceptionV3 | imagenet one crop 299 | Aich 2018, final | 22.55 | 6.44
ResNet152 | imagenet one crop 224 | Aich 2018, final | 21.69 | 5.94
DenseNet161 | imagenet one crop 224 | Aich 2018, final | 22.35 | 6.20
MLP800 | mnist no augmentation | Hinton | 1.46 |
MLP1200 | mnist jitter | Hinton | 0.67 |
MLP800 | mnist soft targets | Hinton | 0.74 |
NIN | cifar10 flips and shifts | Lin | 8.81 |
AllCNNC | cifar10 flips and shifts | table 4 | 7.25 |
"""
# Howard et al. 2017, tables 4 to 9, as printed: accuracies.
MOBILENETS = {
    "ConvMobileNet": 71.7,
    "MobileNet": 70.6,
    "MobileNet(alpha=0.75)": 68.4,
    "MobileNet(alpha=0.5)": 63.7,
    "MobileNet(alpha=0.25)": 50.6,
    "ShallowMobileNet": 65.3,
    "MobileNet(rho=192/224)": 69.1,
    "MobileNet(rho=160/224)": 67.2,
    "MobileNet(rho=128/224)": 64.4,
    "MobileNet(alpha=0.5, rho=160/224)": 60.2,
    "GoogLeNet": 69.8,
    "VGG16": 71.5,
    "SqueezeNet": 57.5,
    "AlexNet": 57.2,
}
# The column of errors of Labate's overview, as printed; top-5 on ImageNet, top-1 elsewhere.
OVERVIEW = {
    "AlexNet": {IMAGENET: 16.4},
    "NIN": {CIFAR10: 10.41, CIFAR100: 35.68, MNIST: 0.45},
    "ZFNet": {IMAGENET: 11.7},
    "VGG16": {IMAGENET: 7.3},
    "VGG19": {IMAGENET: 7.3},
    "GoogLeNet": {IMAGENET: 6.7},
    "InceptionV3": {IMAGENET: 3.5},
    "HighwayNet19": {CIFAR10: 7.76},
    "HighwayNet32": {CIFAR10: 7.76},
    "InceptionV4": {IMAGENET: 3.08},
    "ResNet152": {IMAGENET: 3.57},
    "InceptionResNetV2": {IMAGENET: 3.52},
    "FractalNet40": {CIFAR10: 4.60, CIFAR100: 18.85},
    "WRN28_10(dropout=0.3)": {CIFAR10: 3.89, CIFAR100: 18.85},
    "Xception": {IMAGENET: 0.055},
    "Attention452C": {CIFAR10: 3.90, CIFAR100: 20.4},
    "SENet154": {IMAGENET: 2.25},
    "DenseNetBC190": {CIFAR10: 3.46, CIFAR100: 17.18},
    "DenseNet201": {IMAGENET: 5.54},
    "CMPESEWRN28_10": {CIFAR10: 3.58, CIFAR100: 18.47},
    "CapsNet(decoder=True)": {MNIST: 0.00855},
    "HRNetV2W64": {IMAGENET: 5.4},
}


def of(name, protocol, source):
    """The errors of a net by the name of a protocol, and the first or last words of its source."""
    (found,) = (
        r
        for r in results.results(name)
        if r.protocol.name == protocol and (r.source.startswith(source) or r.source.endswith(source))
    )
    return found.top1, found.top5


@pytest.mark.parametrize("text", [SINGLE_SCALE, MULTI_SCALE], ids=["table 3", "table 4"])
def test_vgg_at_all_scales(text, request):
    rows = text.split("\n")[1:-1]
    for row in rows:
        config, train, test, *errors = row.split()
        scale = train.strip("[]").replace(";", "-")
        protocol, source = f"imagenet dense S{scale} Q{test}", request.node.callspec.id
        assert of(VGG[config], protocol, source) == tuple(map(float, errors)), row
    found = [
        r for name in VGG.values() for r in results.results(name) if r.source.endswith(f"2015, {source}")
    ]
    assert len(found) == len(rows)


@pytest.mark.parametrize("row", PRINTED.strip().split("\n"))
def test_what_the_lectures_print(row):
    name, protocol, source, *errors = (cell.strip() for cell in row.split("|"))
    for error, printed in zip(of(name, protocol, source), errors, strict=True):
        assert printed == "" or error == float(printed)


def test_mobilenets_by_their_multipliers():
    for name, accuracy in MOBILENETS.items():
        (found,) = (r for r in results.results(name) if r.source.startswith("Howard"))
        assert round(found.top1, 4) == round(100 - accuracy, 4)
    sizes = {r.options: r.protocol.size for r in results.every("MobileNet") if "rho" in dict(r.options)}
    assert all(round(224 * dict(options)["rho"]) == size for options, size in sizes.items())


def test_the_overview():
    printed = {}
    for name in kerasnets.list_models():
        for r in (r for r in results.every(name) if r.source == results.OVERVIEW):
            key = name + (f"({', '.join(f'{k}={v}' for k, v in r.options)})" if r.options else "")
            error = r.top5 if r.dataset == IMAGENET else r.top1
            printed.setdefault(key, {})[r.dataset] = 0.055 if "0.055" in r.note else error
    assert printed == OVERVIEW
    wrong = {"Xception", "HighwayNet19", "FractalNet40", "CapsNet(decoder=True)"}
    assert {n for n in OVERVIEW if any(r.misprint for r in results.results(n))} == wrong | {"HighwayNet32"}


def test_rows_are_of_nets_for_their_dataset():
    for name, r in ROWS:
        spec = registry.find(name).spec
        assert spec.classes == CLASSES.get(r.dataset, 10), name
        assert (min(spec.grid(spec.options)) < 40) == (r.dataset in protocols.SMALL) or name == "C3D"
        assert set(dict(r.options)) <= set(spec.options), (name, r.options)
        assert r.source
        assert (r.top1, r.top5) != (None, None)
        assert r.top1 is None or 0 < r.top1 < 50
        assert r.top1 is None or r.top5 is None or 0.15 * r.top1 < r.top5 < 0.5 * r.top1
    assert len({(name, r.options, r.protocol, r.source) for name, r in ROWS}) == len(ROWS)
    assert len(ROWS) == sum(map(len, results.TABLES.values()))  # no row is of an unknown model


def test_protocols_say_everything_and_have_names_of_their_own():
    known = {r.protocol for _, r in ROWS}
    assert len({p.name for p in known}) == len({p.text for p in known}) == len(known)
    for p in known:
        assert (p.dataset == IMAGENET) == (p.year is not None)
        assert p.dataset in p.text
        assert p.crops in protocols.CROPS
        assert p.dataset == IMAGENET or p.split == TEST
        for field in (p.size, p.nets, p.year):
            assert field in (None, 1) or str(field) in p.text
    ranks = [(p.rank(n), n) for p in known for n in p.names if n == p.name]
    assert len({rank for rank, _ in ranks}) == len(ranks)


def test_the_table_of_keras_applications_has_every_net_with_its_weights():
    tables = [rows for (_, source), rows in results.TABLES.items() if source.startswith("keras.io")]
    trained = {c.net for c in kerasnets.weights.checkpoints() if c.id == f"keras/{c.net}"}
    assert set().union(*tables) == trained


def test_the_main_result_is_of_the_weights_that_can_be_fetched():
    first = results.results("ResNet50")[0]
    assert (first.top1, first.top5, first.protocol.name) == (25.1, 7.9, "imagenet one crop 224")
    assert "keras.io" in first.source
    assert results.results("PlainNet20") == ()


def test_nets_with_options():
    assert results.results("MobileNet", alpha=0.5) == results.results("MobileNet(alpha=0.5)") != ()
    assert {r.options for r in results.results("MobileNet")} == {()}
    for text in (
        "MobileNet(0.5)",
        "MobileNet(alpha=x)",
        "MobileNet(",
        "MobileNet(**{})",
        "a.b()",
        "f(a=1/0)",
    ):
        with pytest.raises(ValueError, match="`name` is a name, or a name with options"):
            results.results(text)
    with pytest.raises(ValueError, match="Did you mean 'ResNet50'.*Received: name='resnet50'"):
        results.results("resnet50")
