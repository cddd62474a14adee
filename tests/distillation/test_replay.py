import keras
import numpy as np
import pytest

from kerasnets import distillation
from kerasnets.distillation.replay import answers, replay
from nets import tiny

HINTS = [distillation.Hint("stage2_unit1_act", "stage2_unit1_act"), distillation.Hint("features", "features")]


def test_a_student_learns_the_same_from_kept_answers():
    teacher, student = (tiny("ResNet20", classifier_activation=None, alpha=alpha) for alpha in (0.5, 0.25))
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(8, *student.input_shape[1:])).astype("float32"), np.arange(8) % 5
    found = answers(teacher, [hint.teacher_layer for hint in HINTS], images, batch_size=5)
    assert {values.dtype.name for values in found.values()} == {"float16"}
    start, logs = student.get_weights(), []
    for models, given in (
        ((student, teacher, HINTS), images),
        (replay(student, HINTS, found), {student.inputs[0].name: images, **found}),
    ):
        student.set_weights(start)
        keras.utils.set_random_seed(0)
        *nets, hints = models
        model = distillation.Distiller(*nets, hints=hints)
        model.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
        logs.append(model.fit(given, labels, batch_size=4, epochs=2, shuffle=False, verbose=0).history)
    live, kept = logs
    for name in ("hint_loss", "soft_loss", "loss"):
        np.testing.assert_allclose(kept[name], live[name], rtol=2e-3)


def test_hints_without_answers_are_refused():
    net = tiny("ResNet20", classifier_activation=None)
    with pytest.raises(ValueError, match="`hints` is a list for layers among the answers, teacher_logits"):
        replay(net, HINTS, {"teacher_logits": np.zeros((2, 5), "float16")})
