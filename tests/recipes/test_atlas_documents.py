"""The pages of the atlas that show documents and the helps of commands."""

import re

import pytest

from atlas_pages import documents, markup
from atlas_pages.site import Site
from html_reader import Reader


class Page(Reader):
    VOID = (*Reader.VOID, "link", "br", "wbr", "input")

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs), ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of one net, with the pages of all documents."""
    site = Site(tmp_path_factory.mktemp("atlas"), ["LeNet5"])
    documents.write(site)
    return site


@pytest.fixture(scope="module")
def pages(site):
    return {path.stem: Page(path.read_text()) for path in (site.root / "docs").iterdir()}


def tags(page, name):
    return [attrs for tag, attrs, _ in page.found if tag == name]


def test_links_lead_somewhere(pages):
    ids = {name: {attrs.get("id") for _, attrs, _ in page.found} for name, page in pages.items()}
    names = [page for page, _ in documents.DOCUMENTS.values()] + [documents.COMMANDS[0]]
    assert sorted(pages) == sorted(names)
    for name, page in pages.items():
        for href in [attrs["href"] for attrs in tags(page, "a")]:
            path, _, part = href.partition("#")
            if not path or path.endswith(".html") and "/" not in path:
                assert not part or part in ids[path.removesuffix(".html") or name], (name, href)
            elif "://" not in href:
                assert re.fullmatch(r"\.\./(index|side_by_side|(docs|nets|api)/[\w/]+)\.html", href), href


def test_names_of_nets_lead_to_the_nets_of_the_site_and_others_to_their_modules(pages):
    links = {text: attrs["href"] for tag, attrs, text in pages["models"].found if tag == "a"}
    assert links["LeNet5"] == "../nets/LeNet5.html"
    assert links["DenseNet121"] == "../api/kerasnets/applications/densenet.html"


def test_links_of_files(site):
    def link(href, file="recipes/README.md"):
        return documents.link(site, file, href, "words")

    assert link("train.py") == "commands.html#train"
    assert link("../kerasnets/serving/README.md#int8") == "serving.html#int8"
    assert link("#training") == "#training"
    assert link("https://arxiv.org/abs/1512.03385") == "https://arxiv.org/abs/1512.03385"
    assert link("recipes/lectures.md#das", "README.md") == "lectures.html#das"
    assert link("configs") is link("shared.py") is link("../LICENSE") is None


def test_what_is_wide_scrolls_in_a_box_that_the_keyboard_reaches(pages):
    for page in pages.values():
        boxes = [attrs for attrs in tags(page, "div") if "scroll" in attrs.get("class", "")]
        assert len(boxes) == len(tags(page, "table"))
        assert all(box["role"] == "region" and box["tabindex"] == "0" for box in boxes)
        assert len({box["aria-label"] for box in boxes}) == len(boxes)
        assert all(attrs["tabindex"] == "0" for attrs in tags(page, "pre"))


def test_anchors_are_unique(pages):
    for page in pages.values():
        ids = [attrs["id"] for _, attrs, _ in page.found if "id" in attrs]
        assert len(set(ids)) == len(ids)


def test_every_command_has_its_help_and_lines_to_copy():
    helps = {found.id: found for found in documents.helps()}
    assert {"kerasnets", "kerasnets-finetune", "train", "serve-ask", "benchmark-build"} < set(helps)
    assert not {"shared", "tables"} & set(helps)
    for found in helps.values():
        assert found.text.startswith("usage: ")
        assert found.about
        assert any(line.startswith(("python recipes/", "kerasnets ")) for line in found.lines.splitlines())
    assert "--replicas" in helps["train"].text
    assert '--models "*resnet*"  # some of them' in helps["atlas"].lines
    assert helps["kerasnets-plot"].lines == "kerasnets plot GoogLeNet --out googlenet.svg"
    assert max(len(line) for line in helps["train"].text.splitlines()) > 90  # whatever the terminal is


def test_examples_are_lines_to_copy():
    text = "    python recipes/x.py          what it does\n    python recipes/x.py --out y\n"
    assert documents.examples(text) == [
        "python recipes/x.py          # what it does",
        "python recipes/x.py --out y",
    ]


def markdown(text):
    return markup.document(text, lambda href, words: None)


def test_html_in_markdown_is_text_except_line_breaks():
    body, _ = markdown("a<br>b <script>x</script> `<i>`\n\n<b>c</b>\n")
    assert "a<br>b &lt;script&gt;x&lt;/script&gt; <code>&lt;i&gt;</code>" in body
    assert "&lt;b&gt;c&lt;/b&gt;" in body


def test_only_code_is_marked_in_sentences():
    assert markup.inline("`a` < 2**k x 2**k [b](c)") == "<code>a</code> &lt; 2**k x 2**k [b](c)"


def test_headings_are_numbered_where_they_repeat():
    _, headings = markdown("# One\n\n## Two, `x`\n\n## One\n")
    assert headings == [(1, "One", "one"), (2, "Two, x", "two-x"), (2, "One", "one-1")]


def test_links_that_lead_nowhere_leave_their_text():
    assert markdown("[`a`](b) c\n")[0] == "<p><code>a</code> c</p>\n"


def test_columns_of_numbers():
    body, _ = markdown("# T\n\n| a | b |\n| --- | ---: |\n| x | 1 |\n")
    assert '<td class="number">1</td>' in body
    assert 'aria-label="T, table 1"' in body


def test_contents_do_not_repeat_the_heading_above():
    headings = [(1, "L", "l"), (2, "Das", "das"), (3, "Das: VGG", "das-vgg"), (3, "Other", "other")]
    found = [h.text for h in documents.contents_of([markup.Heading(*h) for h in headings])]
    assert found == ["Das", "VGG", "Other"]
