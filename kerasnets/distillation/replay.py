"""A teacher that runs once: its logits and maps are kept, and a stand-in for the teacher replays them.

Hints need the teacher's maps, and so a live teacher. If the images are the same in every epoch, so are the
maps; if they fit into memory, the teacher need not run again:

    found = answers(teacher, [hint.teacher_layer for hint in hints], images)
    twin, stand_in, hints = replay(student, hints, found)
    distiller = Distiller(twin, stand_in, hints=hints)
    distiller.fit({student.inputs[0].name: images, **found}, labels)

The weights of the student are trained in place, as without a stand-in.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import layers

from kerasnets.assembly.outputs import MAIN, main_of
from kerasnets.checks import refuse
from kerasnets.distillation.hints import Hint, with_maps
from kerasnets.distillation.models import check_logits
from kerasnets.graph import output_of

LOGITS = "logits"
KEY = "teacher_{}"  # the name of an answer, by that of the layer
LARGEST = float(np.finfo("float16").max)


def answers(
    teacher: keras.Model, names: Sequence[str], images: np.ndarray, batch_size: int = 500
) -> dict[str, np.ndarray]:
    """Computes the logits and the outputs of some layers of a teacher.

    Args:
        teacher: Functional or sequential model that gives logits.
        names: Names of layers, as `Hint` takes them.
        images: Images as the teacher takes them, (n, ...).
        batch_size: Number of images in a batch.

    Returns:
        Arrays of float16, (n, ...), the answers: "teacher_logits", and "teacher_LAYER" for each layer.
        Values beyond the range of float16 are clipped to it.

    Raises:
        ValueError: `teacher` does not give logits or lacks one of the layers.
    """
    check_logits("teacher", teacher)
    names = list(dict.fromkeys(names))
    model = with_maps("teacher", teacher, names)
    model.jit_compile = False  # to compile it with XLA would take longer than to run it once
    parts = {KEY.format(name): [] for name in (LOGITS, *names)}
    for start in range(0, len(images), batch_size):
        outputs, maps = model.predict_on_batch(images[start : start + batch_size])
        for kept, values in zip(parts.values(), (main_of(outputs), *maps), strict=True):
            values = np.clip(keras.ops.convert_to_numpy(values), -LARGEST, LARGEST)
            kept.append(values.astype("float16"))
    return {name: np.concatenate(values) for name, values in parts.items()}


def replay(
    student: keras.Model, hints: Sequence[Hint], found: Mapping[str, np.ndarray]
) -> tuple[keras.Model, keras.Model, list[Hint]]:
    """Makes a student and the stand-in of a teacher that take images together with the teacher's answers.

    Args:
        student: Functional or sequential model of one input that gives logits.
        hints: Hints whose `teacher_layer` are among the answers.
        found: The answers, as `answers` gives them.

    Returns:
        The student with a dict as its input, which shares its layers with `student`; a model that takes the
        same dict and gives the answers as the teacher would; and the hints for these two.

    Raises:
        ValueError: `student` has several inputs, or a hint names a layer that is not among the answers.
    """
    if len(getattr(student, "inputs", None) or ()) != 1:
        refuse("student", "a functional or sequential model of one input", student)
    places = {name: f"replayed_{i}" for i, name in enumerate(found)}
    asked = [KEY.format(hint.teacher_layer) for hint in hints]
    if missing := set(asked) - set(found):
        refuse("hints", f"a list for layers among the answers, {', '.join(found)}", sorted(missing))
    given = {
        name: keras.Input(values.shape[1:], dtype=values.dtype.name, name=name)
        for name, values in found.items()
    }
    (own,) = student.inputs
    twin = keras.Model({own.name: own, **given}, output_of(student), name=student.name)
    images = keras.Input(batch_shape=own.shape, dtype=own.dtype, name=own.name)
    repeated = {name: layers.Identity(dtype="float32", name=places[name])(x) for name, x in given.items()}
    outputs = {MAIN if name == KEY.format(LOGITS) else name: x for name, x in repeated.items()}
    stand_in = keras.Model({own.name: images, **given}, outputs, name="stand_in")
    replayed = [
        dataclasses.replace(hint, teacher_layer=places[name]) for hint, name in zip(hints, asked, strict=True)
    ]
    return twin, stand_in, replayed
