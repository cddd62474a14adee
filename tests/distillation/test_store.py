import json

import numpy as np
import pytest

from kerasnets.distillation import store as stores
from kerasnets.distillation.records import Form

FACTS = {"teacher": "one", "data": "images"}


def logits(examples, classes, seed=0):
    return np.random.default_rng(seed).normal(0, 4, (examples, classes)).astype("float32")


def softmax(logits, temperature=1.0):
    scores = np.exp((logits - logits.max(1, keepdims=True)).astype("float64") / temperature)
    return scores / scores.sum(1, keepdims=True)


def written(folder, v, form, shards=3, views=2, **facts):
    """A store of the views `v`, written with its last shard first."""
    made = stores.made(folder, form, len(v) // views, views=views, shards=shards, **FACTS | facts)
    for shard in reversed(made.missing()):
        start, count = made.place(shard)
        made.write(shard, form.encode(v[start : start + count]))
    return stores.opened(folder)


@pytest.mark.parametrize(("dtype", "rounding"), [("float16", 2**-11), ("float32", 0)])
def test_rows_are_read_in_any_order(tmp_path, dtype, rounding):
    v = logits(46, 7)
    store = written(tmp_path, v, Form(7, dtype))
    assert (store.shards, store.bytes) == (6, 46 * 7 * int(dtype[-2:]) // 8)
    rows = np.random.default_rng(1).integers(0, 46, 100)
    np.testing.assert_allclose(store.rows(rows), v[rows], rtol=rounding, atol=1e-6 * rounding)
    assert store.rows(rows).dtype == "float32"
    assert store.rows(rows[:0]).shape == (0, 7)
    with pytest.raises(ValueError, match="`rows` is from 0 to 45"):
        store.rows(np.array([46]))


def test_the_largest_logits_and_the_mass_of_all_others(tmp_path):
    """Of 5000 classes, more than float16 counts: their numbers are exact, and so is the mass of the rest."""
    v = logits(20, 5000)
    v[0] = 0  # ties
    v[1, 4321] = 60  # all mass on one class
    form = Form(5000, "float32", 10)
    store = written(tmp_path, v, form, views=1)
    assert Form(1000, "float16", 10).record.itemsize == 44
    assert Form(65_536, "float16", 10).record["classes"].base == "uint16"
    assert Form(65_537, "float16", 10).record["classes"].base == "uint32"
    largest = np.argsort(-v, axis=1, kind="stable")[:, :10]
    records = store.records(np.arange(20))
    np.testing.assert_array_equal(records["classes"][1:], largest[1:])
    found = store.rows(np.arange(20))
    true, kept = softmax(v), softmax(found)
    np.testing.assert_allclose(np.take_along_axis(kept, largest, 1), np.take_along_axis(true, largest, 1))
    assert kept.min() >= 0
    np.put_along_axis(kept, largest, 0, 1)
    np.put_along_axis(true, largest, 0, 1)
    np.testing.assert_allclose(kept.sum(1), true.sum(1), rtol=1e-5)
    assert all(len(np.unique(row[row > 0])) == 1 for row in kept[2:])  # spread evenly
    np.testing.assert_allclose(found[0], 0, atol=1e-5)
    assert form.difference(records, v)[::2] == (pytest.approx(0, abs=1e-5), 0)


@pytest.mark.parametrize("harm", ["gone", "short", "long", "changed", "of another", "unfinished"])
def test_a_store_goes_on_with_what_is_missing(tmp_path, harm):
    """Whatever was interrupted, the shards in the end are those that nothing interrupted."""
    v, form = logits(46, 7), Form(7, top=3)
    whole = written(tmp_path / "whole", v, form)
    store = written(tmp_path / "other", v, form)
    path, content = store.path(4), store.path(4).read_bytes()
    changes = {
        "short": content[:-1],
        "long": content + b"\0",
        "changed": bytes([content[0] ^ 1]) + content[1:],
        "of another": store.path(3).read_bytes(),
    }
    path.unlink()
    if harm in changes:
        path.write_bytes(changes[harm])
    elif harm == "unfinished":
        (path.parent / f".part-0123abcd-{path.name}").write_bytes(content[:50])
    if harm != "changed":  # which only a reading of all shards finds
        with pytest.raises(ValueError, match=r"`stored`.*1 are missing.*view0001-00001"):
            stores.opened(tmp_path / "other")
    store = stores.made(tmp_path / "other", form, 23, views=2, shards=99, **FACTS)  # keeps its shards
    assert store.missing() == [4]
    again = written(tmp_path / "other", v, form)
    for shard in range(6):
        assert again.path(shard).read_bytes() == whole.path(shard).read_bytes()


def test_other_logits_never_meet_those_of_a_store(tmp_path):
    v = logits(46, 7)
    store = written(tmp_path, v, Form(7))
    known = {path: path.read_bytes() for path in tmp_path.iterdir()}
    layout = dict(views=2, shards=3)
    for form, examples, changed, message in (
        (Form(7), 23, dict(layout, teacher="two"), "teacher was 'one' and is now 'two'"),
        (Form(7), 23, dict(layout, data="others"), "data was 'images'"),
        (Form(7), 23, dict(layout, seed=1), "seed was None and is now 1"),
        (Form(7, "float32"), 23, layout, "dtype was 'float16'"),
        (Form(7, top=2), 23, layout, "top was None"),
        (Form(7), 46, dict(layout, views=1), "views was 2"),
    ):
        with pytest.raises(ValueError, match=f"`out` is an empty folder.*{message}"):
            stores.made(tmp_path, form, examples, **FACTS | changed)
    header = json.loads((tmp_path / "store.json").read_text())
    (tmp_path / "store.json").write_text(json.dumps({**header, "teacher": "two"}))
    with pytest.raises(ValueError, match="6 are missing"):  # shards know their store
        stores.opened(tmp_path)
    for damaged in ("{", "[]", '{"format": 2}', '{"format": 1}'):
        (tmp_path / "store.json").write_text(damaged)
        with pytest.raises(ValueError, match=r"store\.json"):
            stores.opened(tmp_path)
    (tmp_path / "store.json").write_bytes(known[tmp_path / "store.json"])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == known
    store.remove()
    assert not tmp_path.exists()
    with pytest.raises(ValueError, match=r"`stored` is a folder of stored logits"):
        stores.opened(tmp_path)


def test_logits_that_cannot_be_stored_are_refused():
    for form, bad, message in (
        (Form(3), [0, 1, np.nan], "`teacher` is a net that gives finite logits"),
        (Form(3, "float32"), [0, -np.inf, 1], "`teacher`"),
        (Form(3, top=1), [0, 1, -7e4], "`dtype` is 'float32' for logits as large as 70000"),
    ):
        with pytest.raises(ValueError, match=message):
            form.encode(np.array([bad]))
    for arguments, message in (
        ((3, "float64"), "`dtype` is one of 'float16', 'float32'"),
        ((3, "float16", 3), "`top` is None or below 3"),
        ((3, "float16", True), "`top` is None or a whole number"),
    ):
        with pytest.raises(ValueError, match=message):
            Form(*arguments)


def test_many_shards_are_closed_in_time(tmp_path, monkeypatch):
    """What is mapped counts as memory, so that shards are closed after some rows, and opened again."""
    store = written(tmp_path, logits(46, 7), Form(7))
    opened, real = [], store.mapped
    monkeypatch.setattr(stores, "MAPPED", 10 * stores.AROUND)
    monkeypatch.setattr(store, "mapped", lambda shard: opened.append(shard) or real(shard))
    for _ in range(3):
        store.rows(np.arange(6))
    assert opened == [0, 0, 0]


def test_whole_numbers_of_numpy_are_as_good(tmp_path):
    sizes = dict(views=2, shards=1)
    stores.made(tmp_path, Form(7, top=3), 5, **sizes)
    numpy = {name: np.int64(value) for name, value in sizes.items()}
    again = stores.made(tmp_path, Form(np.int64(7), top=np.int64(3)), np.int64(5), **numpy)
    assert (len(again), again.form.top) == (10, 3)
