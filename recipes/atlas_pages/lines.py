"""Lines to copy from the page of a net: what can be done with it, as commands."""

import functools
import re
from collections.abc import Iterable, Iterator

import train
from kerasnets.assembly.catalogue import catalogue
from kerasnets.weights.checkpoints import chosen

# Partners for distillation: nets that are common on small machines, and well trained large ones.
STUDENTS, TEACHERS = ("SqueezeNet", "MobileNetV2", "MobileNet"), ("ResNet50", "ResNet152", "SENet154")
PICTURE = (32, 3)  # smallest side, and channels, of nets that learn from photographs


def to_copy(name: str) -> Iterator[tuple[str, Iterable[str]]]:
    """The lines of a net: titles, and lines for Python or for a shell."""
    about = catalogue()[name]
    data = next(iter(chosen(name)), None)
    option = f', weights="{data}"' if data else ""
    yield "Build", ("import kerasnets", f'model = kerasnets.build("{name}"{option})')
    yield "Measure its cost", (f"kerasnets profile {name} --layers",)
    if data == "imagenet":
        yield "Classify", (f"kerasnets classify cat.jpg --model {name}",)
        yield "See what it sees", (f"kerasnets look cat.jpg --model {name}",)
    elif data and len(about["input"]) == 3:
        yield "Classify", (f"kerasnets classify image.png --model {name} --weights {data}",)
    for config in configs().get(name, ()):
        yield f"Train as in {config}", (f"python recipes/train.py {config} --data-dir FOLDER",)
    runs = "runs/finetune/flowers-{}-seed0/best.keras"
    size = about["input"]
    pictures = len(size) == 3 and size[0] >= PICTURE[0] and size[-1] == PICTURE[1]
    if data and pictures:
        yield "Fine-tune", (f"kerasnets finetune --model {name} --weights {data} --data-dir flowers",)
        student = next((s for s in STUDENTS if catalogue()[s]["params"] < about["params"]), None)
        if student:
            yield (
                "Distill into a smaller net",
                (f"kerasnets distill --teacher {runs.format(name)} --student {student}",),
            )
    teacher = next((t for t in TEACHERS if catalogue()[t]["params"] > about["params"]), None)
    if pictures and teacher:
        yield (
            "Distill a larger net into it",
            (
                f"kerasnets finetune --model {teacher} --weights imagenet --data-dir flowers",
                f"kerasnets distill --teacher {runs.format(teacher)} --student {name}",
            ),
        )
    if data:
        yield "Export", (f"kerasnets export {name} --weights {data} --out saved_models",)
    elif pictures and teacher:
        trained = f"runs/distill/flowers-{name}-seed0/student/best.keras"
        yield "Export", (f"kerasnets export --weights {trained} --out saved_models",)
    else:
        run = f"runs/train/{configs()[name][0]}-seed0/last.keras" if name in configs() else "best.keras"
        yield "Export", (f"kerasnets export {name} --weights {run} --out saved_models",)


@functools.cache
def configs() -> dict[str, list[str]]:
    """The names of the configs of recipes/configs, by their nets."""
    found: dict[str, list[str]] = {}
    for config in train.names():
        text = train.find(config).read_text(encoding="utf-8")
        net = re.search(r'^    model="(\w+)"', text, re.MULTILINE)
        if net:
            found.setdefault(net[1], []).append(config)
    return found
