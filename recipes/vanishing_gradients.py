"""Do gradients vanish in deep plain nets? Measures the gradient of every convolution of untrained nets.

    python recipes/vanishing_gradients.py
    python recipes/vanishing_gradients.py PlainNet56 ResNet110 --runs 5
    python recipes/vanishing_gradients.py --trained runs/degradation/digits-seed0

Lectures explain the high training error of deep plain nets by vanishing or exploding gradients. He and his
co-authors argue against it: with batch normalization, "we also verify that the backward propagated gradients
exhibit healthy norms with BN. So neither forward nor backward signals vanish." Here each net is measured with
and without its batch normalization. The gradient is that of the cross-entropy of one batch of digits in
training mode. With --trained, the nets are those that recipes/degradation.py has trained.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385, section 4.1.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import experiments
import shared
from kerasnets import files

NETS = ("PlainNet20", "PlainNet56", "ResNet20", "ResNet56")
CARD = "gradients.json"  # the settings of a run
SIDE = 32  # pixels to which the digits are padded with zeros
FACTOR = 100  # gradients vanish or explode if those of the first and the last convolution differ by more
RATIO = "first / last"


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(description="Measure the gradients of deep nets.", epilog=shared.DEFAULTS)
    nets = f"names of nets for images of {SIDE} pixels ({' '.join(NETS)})"
    p.add_argument("nets", nargs="*", type=experiments.net_name, metavar="NET", help=nets)
    p.add_argument(
        "--trained", type=shared.folder, metavar="FOLDER", help="folder of trained nets, NET/last.keras"
    )
    batch = "digits in the batch (128)"
    p.add_argument("--batch-size", type=shared.whole(1), default=128, metavar="N", help=batch)
    p.add_argument("--seed", type=shared.whole(0), default=0, metavar="N", help="random seed (0)")
    runs = "number of runs with seeds from --seed on (one run, in --out itself)"
    p.add_argument("--runs", type=shared.whole(1), metavar="N", help=runs)
    out = "output folder (runs/vanishing_gradients-seedSEED)"
    p.add_argument("--out", type=shared.folder, metavar="FOLDER", help=out)
    p.add_argument("--smoke", action="store_true", help="a tiny run of seconds, as a test")
    p.set_defaults(resume=False)
    args = p.parse_args()
    args.nets = tuple(dict.fromkeys(args.nets or (NETS[::2] if args.smoke else NETS)))
    for net in args.nets if args.trained else ():
        if not (args.trained / net / "last.keras").is_file():
            p.error(f"--trained is a folder with {net}/last.keras. Received: {args.trained}")
    return args


def main() -> None:
    """Measures the nets and draws their gradients, with --runs several times."""
    args = options()
    place = "runs/vanishing_gradients"
    shared.say(shared.repeat(args, place, run, experiments.measures, percent=False))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measures the nets with one seed; returns the content of results.json."""
    settings = dict(nets=list(args.nets), batch_size=args.batch_size, seed=args.seed, smoke=args.smoke)
    settings["trained"] = args.trained and str(args.trained)
    with shared.quiet():
        import figures
        from kerasnets import runs
    if done := shared.done(args, settings, CARD):
        return done
    runs.prepare(args.out, settings, args.resume, CARD)
    images, labels = batch(args.batch_size, args.seed)
    norms = {}
    for name in args.nets:
        net = made(name, args)
        norms[name] = gradient_norms(net, images, labels)
        if not args.trained:
            norms[f"{name}, no batch normalization"] = gradient_norms(without_norm(net), images, labels)
    ratios = {name: values[0] / values[-1] for name, values in norms.items()}
    figures.norms(args.out / "gradients.png", norms)
    rows = [["net", "convolutions", f"gradient, {RATIO}", "gradients"]]
    rows += [[name, str(len(norms[name])), f"{ratio:.3g}", verdict(ratio)] for name, ratio in ratios.items()]
    shared.show(rows)
    results = {
        **settings,
        "nets": {name: {RATIO: ratio} for name, ratio in ratios.items()},
        "norms": {name: list(values) for name, values in norms.items()},
    }
    files.write_json(args.out / "results.json", results)
    print(f"In {args.out}: gradients.png, results.json")
    return results


def verdict(ratio: float) -> str:
    """What the ratio of the gradients of the first and of the last convolution says."""
    return "vanish" if ratio < 1 / FACTOR else "explode" if ratio > FACTOR else "keep their size"


def batch(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Standardized digits, (size, 32, 32, 1), and their labels, (size,)."""
    from kerasnets.runs import arrays

    images, labels = arrays.read_images("digits", "train")
    chosen = np.random.default_rng(seed).permutation(len(labels))[:size]
    border = (SIDE - images.shape[1]) // 2
    images = np.pad(images[chosen], ((0, 0), (border, border), (border, border), (0, 0)))
    return (images - images.mean()) / images.std(), labels[chosen]


def made(name: str, args: argparse.Namespace) -> Any:
    """An untrained net for digits or, with --trained, the trained one; its outputs are logits."""
    import keras

    import kerasnets
    from kerasnets.distillation import as_logits

    if args.trained:
        return as_logits(kerasnets.load_model(args.trained / name / "last.keras"))
    keras.utils.set_random_seed(args.seed)
    return kerasnets.build(name, input_shape=(SIDE, SIDE, 1), classifier_activation=None)


def without_norm(net: Any) -> Any:
    """The same net, with the same layers, without batch normalization."""
    import keras

    from kerasnets.recording import record

    def replace(call, *args, **kwargs):
        if isinstance(call.operation, keras.layers.BatchNormalization):
            return args[0]
        return call.operation(*args, **kwargs)

    return keras.Model(net.input, record(net).replay(net.inputs, replace))


def gradient_norms(net: Any, images: np.ndarray, labels: np.ndarray) -> list[float]:
    """The norm of the loss's gradient with respect to the kernel of each convolution, from first to last.

    Projections of shortcuts are left out: convolutions count that are on the longest path.
    """
    import keras
    from keras import ops

    from kerasnets.gradients import with_gradient

    layers = [layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
    kernels = [layer.kernel for layer in layers if "shortcut" not in layer.name]
    ends = np.cumsum([np.prod(kernel.shape) for kernel in kernels])
    rest = [v for v in net.trainable_variables if all(v is not kernel for kernel in kernels)]

    def loss(flat):
        parts = zip(kernels, ops.split(flat, ends[:-1].tolist()), strict=True)
        values = {id(kernel): ops.reshape(part, kernel.shape) for kernel, part in parts}
        values |= {id(v): v.value for v in rest}
        trained = [values[id(v)] for v in net.trainable_variables]
        fixed = [v.value for v in net.non_trainable_variables]
        logits, _ = net.stateless_call(trained, fixed, images, training=True)
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))

    _, gradient = with_gradient(loss)(ops.concatenate([ops.ravel(kernel) for kernel in kernels]))
    return [float(np.linalg.norm(part)) for part in np.split(ops.convert_to_numpy(gradient), ends[:-1])]


if __name__ == "__main__":
    shared.run(main, "")
