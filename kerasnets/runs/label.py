"""Labels by teachers: their logits for views of the training images of a recipe, stored for all students.

    recipe, folder = runs.student_of("best.keras", "MobileNet")
    method, options = runs.Distillation(files=("best.keras",)), runs.Options(data_dir=folder)
    runs.label(recipe, "labels", options, method, views=10)
    runs.train(recipe, "runs/student", options, runs.Distillation(stored="labels"))

Large teachers take days. A shard that is written is not computed again if the others are interrupted. With
Ray, several machines share the work: P. Moritz et al., "Ray: A Distributed Framework for Emerging AI
Applications", OSDI 2018, arXiv:1712.05889.
"""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from kerasnets import distillation
from kerasnets.analysis.pictures import library
from kerasnets.checks import refuse
from kerasnets.data import Views
from kerasnets.distillation.records import Form, check_form
from kerasnets.distillation.store import Store, check_layout, made, opened
from kerasnets.distillation.transfer import logits_of, write_logits
from kerasnets.runs.data import Data, check_source, views_of
from kerasnets.runs.distill import Distillation
from kerasnets.runs.options import Options
from kerasnets.runs.progress import watched
from kerasnets.runs.teachers import SAME
from kerasnets.training import Recipe

SAMPLE, TOGETHER = 64, 16  # examples that are checked, and how many of them are read at once
RETRIES = 10  # how often Ray runs a shard again whose process or machine is lost
LOADED = {}  # data and teachers of the latest work of this process


class Work(NamedTuple):
    """What every process needs to label a shard.

    Attributes:
        recipe: The recipe of the students.
        options: The options of their runs.
        method: The teachers.
        folder: Absolute path of the store.
    """

    recipe: Recipe
    options: Options
    method: Distillation
    folder: str


def label(
    recipe: Recipe,
    out: str | os.PathLike,
    options: Options | None = None,
    method: Distillation | None = None,
    *,
    views: int = 1,
    dtype: str = "float16",
    top: int | None = None,
    shards: int | None = None,
    ray: str | None = None,
) -> Store:
    """Stores the logits of teachers for views of the training images of a recipe.

    The view of an image depends on the seed, the number of the view and the image alone, so that students see
    the same pixels in any order and batches: `runs.Distillation(stored=out)`. Epoch e of a student has view e
    modulo `views`. The folder gets a header, store.json, and shards, each written whole. The same call again
    continues an interrupted one with the missing shards.

    Args:
        recipe: Recipe of the students. Their images are those of `splits`, `validation` and `size`, augmented
            by `augmentation`, without "mixup" and "cutmix". The teachers run on batches of its `batch`.
        out: Folder of the store, which may not exist yet.
        options: Options of the run; `seed` is that of the views. None for the defaults.
        method: The teachers: the fields `files` and `teacher`.
        views: Number of views of each image.
        dtype: Type of the stored logits, "float16" or "float32".
        top: Number of the largest logits to store of each example, as in
            `kerasnets.distillation.add_teacher_logits`; None for all.
        shards: Most shards of a view; None for shards of about 10,000 examples.
        ray: Address of a Ray cluster, "HOST:PORT", "auto" for the one that this machine belongs to, or
            "local" for the CPUs of this machine; None for this process alone. Each shard is a task for one
            GPU, or for one CPU if the cluster has no GPU. All machines see the same files, `out` among them,
            by the same paths, and have kerasnets installed.

    Returns:
        The Store.

    Raises:
        ValueError: An argument is not allowed, or the folder has other logits.
        ConnectionError: There is no Ray cluster at the address.
    """
    options = options or Options()
    if not isinstance(method, Distillation) or not method.files:
        refuse("method", "a kerasnets.runs.Distillation with files of teachers", method)
    if ray is not None and not (isinstance(ray, str) and ray):
        refuse("ray", "None, 'local', 'auto' or 'HOST:PORT'", ray)
    check_form(dtype, top)
    check_layout(shards, views)
    work = Work(recipe, options, method, str(pathlib.Path(out).expanduser().absolute()))
    data, teacher = loaded(work)
    stream = data.in_order(Views(views, options.seed))
    said = recipe.as_json()
    store = made(
        work.folder,
        Form(data.classes, dtype, top),
        stream.examples,
        views=views,
        shards=shards,
        multiple=recipe.batch,
        teacher=distillation.fingerprint(teacher),
        data=stream.content(),
        seed=options.seed,
        precision=recipe.precision,
        about={
            "teachers": list(method.files),
            "shape": list(recipe.shape),
            "class_names": list(stream.class_names),
            "training": {
                **{name: said[name] for name in SAME if name in said},
                "data_dir": options.folder,
                "steps": options.steps,
            },
        },
    )
    missing = store.missing()
    held = len(store) - sum(store.place(shard)[1] for shard in missing)
    if held:
        print(f"{held:,} of {len(store):,} labels are in {out}")
    done = here(work, store, missing) if ray is None else by_ray(work, store, missing, ray)
    for _ in watched(done, len(store) - held, "labels", count=int):
        pass
    return opened(work.folder, "out")


def check_labels(
    recipe: Recipe, out: str | os.PathLike, options: Options | None = None, method: Distillation | None = None
) -> tuple[float, float, float]:
    """Computes a sample of stored logits anew: 64 of them, spread evenly.

    Args:
        recipe: The recipe of `label`.
        out: Folder of the store.
        options: The options of `label`.
        method: The teachers, as for `label`.

    Returns:
        The largest difference of the logits, how large it may be by rounding, and the share of the examples
        whose largest logit is that of another class, as `kerasnets.distillation.records.Form.difference`.

    Raises:
        ValueError: The store in the folder lacks shards, or has the logits of other images or teachers.
    """
    store = opened(out, "out")
    work = Work(recipe, options or Options(), method, str(pathlib.Path(out).expanduser().absolute()))
    data, teacher = loaded(work)
    check_source(store, data, "out")
    check_teacher(store, teacher)
    steps = -(-store.examples // TOGETHER)
    rows, logits = [], []
    for place in np.arange(0, len(store), max(TOGETHER, len(store) * TOGETHER // SAMPLE)):
        view, example = divmod(int(place), store.examples)
        step = view * steps + example // TOGETHER
        stream = data.in_order(views_of(store), step, batch_size=TOGETHER)
        images, _, numbers = next(iter(stream.dataset))
        rows.append(np.asarray(numbers))
        logits.append(logits_of(teacher, data.scale(images)))
    return store.form.difference(store.records(np.concatenate(rows)), np.concatenate(logits))


def loaded(work: Work) -> tuple[Data, keras.Model]:
    """The data and the teachers, which every process loads once."""
    key = (work.folder, repr(work))
    if key not in LOADED:
        LOADED.clear()
        keras.config.set_dtype_policy(work.recipe.precision)
        data = Data(work.recipe, work.options)
        work.method.check(data)
        LOADED[key] = data, work.method.teachers(data)
    return LOADED[key]


def batches(data: Data, store: Store, shards: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Yields the batches of successive shards: the row of the first example, and the images for the teachers.

    Args:
        data: The data of the run.
        store: The store.
        shards: Numbers of successive shards.
    """
    places = [store.place(shard) for shard in shards]
    view, example = divmod(places[0][0], store.examples)
    step = view * steps_of(store.examples, data) + example // data.recipe.batch
    stream = data.in_order(views_of(store), step)
    for images, _, rows in stream.dataset.take(sum(steps_of(count, data) for _, count in places)):
        yield int(rows[0]), data.scale(images)


def steps_of(examples: int, data: Data) -> int:
    """The number of batches of the recipe's size that hold these examples."""
    return -(-examples // data.recipe.batch)


def here(work: Work, store: Store, missing: Sequence[int]) -> Iterator[int]:
    """Labels shards in this process.

    Args:
        work: The work.
        store: The store.
        missing: Numbers of the shards.

    Yields:
        The number of examples of each shard that is done.
    """
    data, teacher = loaded(work)
    for _, run in itertools.groupby(enumerate(missing), lambda pair: pair[1] - pair[0]):
        shards = [shard for _, shard in run]
        images = batches(data, store, shards)
        for shard in shards:
            count = store.place(shard)[1]
            write_logits(store, itertools.islice(images, steps_of(count, data)), teacher, [shard])
            yield count


def label_shard(work: Work, header: dict[str, Any], shard: int) -> int:
    """Labels a shard in any process that sees the folder. Returns the number of its examples.

    Args:
        work: The work.
        header: Header of the store.
        shard: Number of the shard.

    Raises:
        ValueError: This machine has other teachers, or another number of images.
    """
    store = Store(work.folder, header)
    data, teacher = loaded(work)
    check_teacher(store, teacher)
    if data.in_order(views_of(store)).examples != store.examples:
        words = f"the same images on all machines, {store.examples:,} of them"
        refuse("data_dir", words, f"{work.options.folder}, {data.training.examples:,}")
    return sum(here(work, store, [shard]))


def by_ray(work: Work, store: Store, missing: Sequence[int], address: str) -> Iterator[int]:
    """Labels shards on the machines of a Ray cluster, which runs a shard again if its machine is lost.

    Args:
        work: The work.
        store: The store.
        missing: Numbers of the shards.
        address: Address of the cluster.

    Yields:
        The number of examples of each shard that is done.
    """
    ray = library("ray", "Labels by several machines", "ray")
    joined = ray.is_initialized()  # the caller has chosen how
    if not joined:
        ray.init(address, configure_logging=False, log_to_driver=False)
    try:
        needs = {"num_gpus": 1} if ray.cluster_resources().get("GPU") else {"num_cpus": 1}
        task = ray.remote(max_retries=RETRIES, **needs)(label_shard)
        shared = ray.put(work), ray.put(store.header)
        left = [task.remote(*shared, shard) for shard in missing]
        while left:
            (done, *_), left = ray.wait(left)
            yield ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    finally:
        if not joined:
            ray.shutdown()


def check_teacher(store: Store, teacher: keras.Model) -> None:
    """Refuses a store of the logits of another teacher."""
    found = distillation.fingerprint(teacher)
    if found != store.header["teacher"]:
        words = f"the teacher of {store.folder}, whose weights have the hash {store.header['teacher']}"
        refuse("teacher", words, f"{teacher.name}, {found}")
