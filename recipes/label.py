"""Labels images with the logits of trained nets, once for all students that learn from them.

    python recipes/label.py --teacher runs/finetune/flowers-ResNet50-seed0/best.keras --views 10 --out labels
    python recipes/distill.py --stored labels --student SqueezeNet
    python recipes/label.py --teacher ResNet50 --teacher-weights imagenet --data-dir FOLDER --size 224
        --augment area_crop flip --views 30 --top 50 --out labels --ray auto
    python recipes/label.py --teacher runs/finetune/flowers-ResNet50-seed0/best.keras --out labels --check

The file of a teacher says on which images it was trained and how they are augmented; options change that.
Each image gets --views augmented views, which depend on --seed and on the image alone, so that students see
the same pixels in any order. The folder --out gets a header and shards, which are written whole: the same
command continues an interrupted one. --check computes 64 of the logits anew, and ends with status 1 if they
differ by more than rounding.

With --ray, the machines of a Ray cluster share the shards (`ray start --head` on one of them, `ray start
--address HOST:PORT` on the others). If a machine is lost, Ray runs its shard again. All machines need the
same files by the same paths, --out among them. `--ray local` uses the CPUs of this machine.

Z. Shen, E. Xing, "A Fast Knowledge Distillation Framework for Visual Recognition", ECCV 2022,
arXiv:2112.01528; K. Wu et al., "TinyViT: Fast Pretraining Distillation for Small Vision Transformers", ECCV
2022, arXiv:2207.10666.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import TYPE_CHECKING, Any

import shared
import train
from kerasnets.cli import distill
from kerasnets.cli.options import literal

if TYPE_CHECKING:  # imports Keras, which makes --help slow
    from kerasnets.training import Recipe


def options() -> argparse.Namespace:
    """Parses the command line."""
    p = shared.Parser(description="Label images by trained nets.", epilog=shared.DEFAULTS)
    config = "name in recipes/configs, or a path, which says which images are labeled (the teacher's file)"
    p.add_argument("--config", help=config)
    teacher = "files of trained nets, several of which label as an ensemble; or the name of a net"
    distill.add_teacher(p, teacher, "needed with a name", required=True)
    student = "net that is to learn, if its images are larger than the teacher's (the teacher's net)"
    p.add_argument("--student", metavar="NAME", help=student)
    own = "as in the config, or the teacher's"
    p.add_argument("--size", type=shared.whole(1), metavar="PIXELS", help=f"side of the images ({own})")
    rows = f"augmentation, such as flip jitter:pixels=2; none for the images themselves ({own})"
    p.add_argument("--augment", nargs="+", metavar="ROW", help=rows)
    count = "views of each image, which a student sees in successive epochs (1)"
    p.add_argument("--views", type=shared.whole(1), default=1, metavar="K", help=count)
    p.add_argument("--seed", type=shared.whole(0), default=0, metavar="N", help="seed of the views (0)")
    p.add_argument("--batch-size", type=shared.whole(1), metavar="N", help=f"images per batch ({own})")
    top = "number of the largest logits to store; the others are taken to be equal (all)"
    p.add_argument("--top", type=shared.whole(1), metavar="K", help=top)
    dtype = "type of the stored logits (float16)"
    p.add_argument("--dtype", choices=["float16", "float32"], default="float16", help=dtype)
    count = "largest number of files for a view (one for every 10,000 images)"
    p.add_argument("--shards", type=shared.whole(1), metavar="N", help=count)
    p.add_argument("--out", type=shared.folder, required=True, metavar="FOLDER", help="folder of the labels")
    address = "Ray cluster that shares the work: HOST:PORT, auto, or local (none: this process alone)"
    p.add_argument("--ray", metavar="ADDRESS", help=address)
    p.add_argument("--check", action="store_true", help="compute a sample of the labels in --out anew")
    p.add_argument("--smoke", action="store_true", help="label two batches only, as a test")
    shared.add_options(p)
    shared.add_validation(p, "that of the teacher, or none")
    p.set_defaults(epochs=None, replicas=None, teachers=1)
    return p.parse_args()


def main() -> None:
    """Labels the images, or checks their labels."""
    args = options()
    distill.check_teacher(args)
    with shared.quiet():
        from kerasnets import runs
    recipe, teacher = recipes(args)
    method = runs.Distillation(
        files=tuple(map(str, args.teacher_weights or args.teacher)),
        teacher=teacher and dataclasses.replace(teacher, scaling=None),
    )
    given = shared.options_of(args)
    if args.check:
        difference, allowed, changed = runs.check_labels(recipe, args.out, given, method)
        print(f"largest difference {difference:.2g}, of at most {allowed:.2g} by rounding")
        print(f"another class has the largest logit: {100 * changed:.1f}% of the sample")
        sys.exit(int(difference > allowed))
    form = dict(views=args.views, dtype=args.dtype, top=args.top, shards=args.shards)
    store = runs.label(recipe, args.out, given, method, **form, ray=args.ray)
    megabytes = store.bytes / 1e6
    print(f"{len(store):,} labels in {args.out}: {store.shards:,} shards, {megabytes:,.1f} MB")


def recipes(args: argparse.Namespace) -> tuple[Recipe, Recipe | None]:
    """The recipe of the students, whose images are labeled, and that of the teacher if it is a net's name."""
    from kerasnets import runs
    from kerasnets.training import Recipe

    first = args.teacher[0]
    named = None if distill.is_file(first) else first
    if named and not args.teacher_weights:
        raise ValueError("--teacher that is a net's name needs --teacher-weights")
    own = {} if args.size is None else {"size": args.size}
    if args.augment is not None:
        own["augmentation"] = () if args.augment == ["none"] else tuple(map(row, args.augment))
    if args.config:
        base = shared.adapted(shared.read(train.find(args.config)), dropped(args))
        recipe = distill.for_net(base, args.student or named or base.model, {})
        recipe = dataclasses.replace(recipe, **own)
    elif named:
        base = Recipe(model=args.student or named, data=args.data or "images", rate=0.1, batch=32, epochs=1)
        recipe = shared.adapted(dataclasses.replace(base, **own), dropped(args))
    else:
        model = args.student or runs.builder_of(first)
        own |= {"data": args.data} if args.data else {}
        recipe, args.data_dir = runs.student_of(first, model, None, args.data_dir, **own)
        recipe = shared.adapted(recipe, dropped(args))
    if not named:
        return recipe, None
    words = distill.option_words(args.teacher_options)
    return recipe, distill.for_net(recipe, named, distill.model_options(named, words))


def dropped(args: argparse.Namespace) -> argparse.Namespace:
    """The options without --smoke, which here makes the images fewer, but not smaller."""
    return argparse.Namespace(**{**vars(args), "smoke": False})


def row(text: str) -> tuple[str, dict[str, Any]]:
    """A row of an augmentation: "jitter:pixels=2,mode=reflect"."""
    name, _, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if rest]
    if not all(key and equals for key, equals, _ in pairs):
        raise ValueError(f"--augment has rows such as flip or jitter:pixels=2. Received: {text}")
    return name, {key: literal(value) for key, _, value in pairs}


if __name__ == "__main__":
    shared.run(main, shared.AGAIN)
