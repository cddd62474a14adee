"""The process that `head` measures: trains a new classifier of a frozen net, and prints the seconds.

python recipes/benchmarks/head_phase.py '{"who": "features kept", "weights": "net.keras", "folder": "images",
    "side": 96, "epochs": 10, "batch": 32}'
"""

import json
import pathlib
import sys
import tempfile
import time

from kerasnets.cli.options import quiet

RATE, DROPOUT, HELD_OUT = 1e-3, 0.2, 0.2  # Adam's rate; before the classifier; share of the images


def kept(weights: str, folder: str, side: int, epochs: int, batch: int) -> float:
    """Seconds of the first phase of `kerasnets finetune`: the body computes the features once.

    Args:
        weights: File of the net.
        folder: Folder of the images.
        side: Side in pixels to which they are resized.
        epochs: Number of epochs.
        batch: Examples in a batch.
    """
    from kerasnets import runs
    from kerasnets.runs import head
    from kerasnets.runs.data import Data
    from kerasnets.runs.start import start_of
    from kerasnets.runs.train import build

    recipe = runs.finetuning(
        weights=weights,
        data_dir=folder,
        augmentation=(),
        loss=("crossentropy", {}),
        validation=HELD_OUT,
        dropout=DROPOUT,
        epochs=10,  # of the second phase, which does not take place
        head_epochs=epochs,
        head_rate=RATE,
        head_views=1,
        batch=batch,
    )
    start = start_of(recipe)
    data = Data(start.recipe, runs.Options(data_dir=folder), start)
    net = build(data)
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        head.fit_head(net, data, pathlib.Path(out))
        return time.perf_counter() - started


def by_hand(weights: str, folder: str, side: int, epochs: int, batch: int) -> float:
    """Seconds of the first phase of Keras's guide, in which the body is part of the model.

    The images are decoded once, and kept in memory. The arguments are those of `kept`.

    Source: keras.io/guides/transfer_learning, "An end-to-end example", without augmentation.
    """
    import keras

    import kerasnets
    from kerasnets import surgery

    base = surgery.features(kerasnets.load_model(weights))
    base.trainable = False
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(scale=1 / 127.5, offset=-1)(inputs)
    x = base(x, training=False)
    x = keras.layers.Dropout(DROPOUT)(x)
    model = keras.Model(inputs, keras.layers.Dense(10)(x))
    model.compile(
        keras.optimizers.Adam(RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # XLA takes longer to compile than it saves here
    )
    train, held_out = keras.utils.image_dataset_from_directory(
        pathlib.Path(folder) / "train",
        validation_split=HELD_OUT,
        subset="both",
        seed=0,
        image_size=(side, side),
        batch_size=batch,
        verbose=False,
    )
    started = time.perf_counter()
    model.fit(train.cache(), epochs=epochs, validation_data=held_out.cache(), verbose=0)
    return time.perf_counter() - started


WAYS = {"by hand": by_hand, "features kept": kept}

if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    way = WAYS[settings.pop("who")]
    with quiet():
        seconds = way(**settings)
    print(json.dumps({"seconds": seconds}))
