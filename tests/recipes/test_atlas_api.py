"""The pages of the library in the atlas."""

import json
import sys
import types

import pytest
from test_atlas_documents import Page, tags

from atlas_pages import api, records

LENET = "kerasnets.applications.lenet"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder of a site with the pages of two modules."""
    root = tmp_path_factory.mktemp("atlas")
    for name in ("kerasnets.layers", LENET):
        api.make(root / name, name, ["LeNet5"])
    return root


@pytest.fixture(scope="module")
def page(root):
    def read(name):
        return Page((root / name / "api" / f"{name.replace('.', '/')}.html").read_text())

    return read


@pytest.mark.parametrize("name", ["kerasnets.layers", LENET])
def test_links_and_anchors(page, name):
    found = page(name)
    ids = [attrs["id"] for _, attrs, _ in found.found if "id" in attrs]
    assert len(set(ids)) == len(ids)
    hrefs = [attrs["href"] for attrs in tags(found, "a")]
    assert {href[1:] for href in hrefs if href.startswith("#")} <= set(ids)
    up = "../" * (name.count(".") + 1)
    assert f"{up}index.html" in hrefs
    assert not [attrs["href"] for attrs in tags(found, "link") if "://" in attrs["href"]]
    assert all(attrs["tabindex"] == "0" for attrs in tags(found, "pre"))


def test_modules_of_nets_lead_to_the_pages_of_the_nets(page):
    links = [attrs["href"] for attrs in tags(page(LENET), "a")]
    assert [href for href in links if "nets/" in href] == ["../../../nets/LeNet5.html"]


def test_layers_have_their_own_members_with_docstrings_of_their_own(page):
    found = page("kerasnets.layers")
    ids = {attrs.get("id") for _, attrs, _ in found.found}
    assert {"LRN", "LRN.__init__", "LRN.call"} <= ids
    assert "LRN.add_weight" not in ids
    text = " ".join(text for *_, text in found.found)
    assert "Divides each value by" in text
    assert "JSON-serializable" not in text  # what Keras says of get_config


def test_search(root):
    text = (root / "kerasnets.layers" / "api" / "search.js").read_text()
    entries = json.loads(text.removeprefix("window.apiEntries = ").removesuffix(";\n"))
    found = {name: rest for name, *rest in entries}
    kind, page, about = found["kerasnets.layers.LRN"]
    assert (kind, page) == ("class", "api/kerasnets/layers.html#LRN")
    assert about.startswith("Divides each value by")
    assert "kerasnets.layers.LRN.call" in found
    assert not [name for name in found if name.rpartition(".")[2].startswith("_")]


def test_what_pages_are_made_from(root):
    assert records.found(root / LENET, LENET, api.made_from(["LeNet5"])) is not None
    assert records.found(root / LENET, LENET, api.made_from(["LeNet5", "LeNet4"])) is None


def test_classes_of_keras_have_the_names_that_users_write():
    spans = '<span class="n">keras</span><span class="o">.</span><span class="n">src</span><span class="o">.'
    spans += '</span><span class="n">models</span><span class="o">.</span><span class="n">Model</span>'
    short = '<span class="n">keras</span><span class="o">.</span><span class="n">Model</span>'
    assert api.mended(f"({spans})") == f"({short})"
    assert api.mended("x: keras.src.layers.layer.Layer)") == "x: keras.Layer)"
    assert api.mended("keras.layers.Conv2D") == "keras.layers.Conv2D"


def test_functions_that_hide_modules_of_their_names_are_no_modules(monkeypatch):
    parent = types.SimpleNamespace(label=len, other=types.ModuleType("other"))
    monkeypatch.setattr(api.importlib, "import_module", lambda name: parent)
    assert [api.is_module(f"p.{name}") for name in ("label", "other", "not_imported")] == [False, True, True]


def test_the_pages_need_no_backend_but_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.delitem(sys.modules, "kerasnets.training.distribution.on_jax", raising=False)
    assert "kerasnets.training.distribution" in api.found("kerasnets.training")


def test_sets_have_one_order(tmp_path):
    api.write(tmp_path, "kerasnets.assembly.preprocessing", [])
    page = (tmp_path / "api/kerasnets/assembly/preprocessing.html").read_text()
    assert "{&#39;Flip&#39;, &#39;GetItem&#39;, &#39;Stack&#39;}" in page
    assert "{&#39;Cast&#39;, &#39;CenterCrop&#39;, &#39;Dropout&#39;, &#39;Flatten&#39;," in page
