"""Fully connected networks for MNIST: the teacher and the student of the first paper on distillation.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531; Hinton,
Srivastava, Krizhevsky, Sutskever, Salakhutdinov, "Improving neural networks by preventing co-adaptation of
feature detectors", 2012, arXiv:1207.0580.

The networks are those of section 3 of the first paper. Dropout and the limit on the norms of weights are the
second paper's.
"""

from keras import layers

from kerasnets.assembly.family import family, variant
from kerasnets.assembly.heads import Head, classify
from kerasnets.assembly.options import FACTOR, optional
from kerasnets.blocks.dense import dense_stack

# Section 3. A row is a variant; its columns are arguments of MLP.
TABLE = {
    "MLP800": dict(hidden=(800, 800)),
    "MLP1200": dict(hidden=(1200, 1200)),
}
TINY = dict(hidden=(8, 8), dropout=0.1, input_dropout=0.1, max_norm=3.0)


@family(
    size=28,
    min_size=1,
    channels=1,
    classes=10,
    fixed_size=True,
    preprocess="unit",
    head=Head(classify),
    tiny=TINY,
    checks=dict(max_norm=optional(FACTOR)),
)
def MLP(x, hidden, act="relu", dropout=0.0, input_dropout=0.0, max_norm=None):
    """Hidden dense layers over all pixels.

    Without a top the output is that of the last hidden layer, (batch, hidden[-1]), whatever `pooling` is.

    Args:
        hidden: Number of units of each hidden layer.
        act: Activation of the hidden layers.
        dropout: Dropout rate of the hidden units.
        input_dropout: Dropout rate of the pixels.
        max_norm: Maximum norm of the incoming weights of a hidden unit, or None for no limit.
    """
    x = layers.Flatten(name="flatten")(x)
    if input_dropout:
        x = layers.Dropout(input_dropout, name="input_dropout")(x)
    return dense_stack(x, hidden, act, dropout, max_norm, name="fc")


MLP800 = variant(MLP, "MLP800", TABLE)
MLP1200 = variant(MLP, "MLP1200", TABLE)

preprocess_input = MLP.preprocess_input
decode_predictions = MLP.decode_predictions
