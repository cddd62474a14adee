import base64
import html.parser

from kerasnets.runs import pages

TEXT = 'a < b & "c" {{ d }} <script>alert(1)</script> {% raw %}'


class Reader(html.parser.HTMLParser):
    """The tags of a page, their attributes and texts; every tag that is opened is closed in its place."""

    VOID = ("meta", "img")

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), ""))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and data.strip():
            tag, attrs, text = self.found[-1]
            self.found[-1] = (tag, attrs, text + data)

    def texts(self, name):
        return [text for tag, _, text in self.found if tag == name]


def test_a_page_is_html_and_text_is_only_text(tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG")
    table = [["net", TEXT], [TEXT, 3], ["b", "4"]]
    read = Reader(pages.page(TEXT, [TEXT, table, pages.Figure(TEXT, picture, f"caption {TEXT}")]))
    assert read.texts("title") == read.texts("h1") == read.texts("h2") == [TEXT]
    assert read.texts("p") == [TEXT, f"caption {TEXT}"]
    assert read.texts("th") == ["net", TEXT]
    assert read.texts("td") == [TEXT, "3", "b", "4"]
    assert read.texts("script") == []
    ((_, image, _),) = (part for part in read.found if part[0] == "img")
    assert image["alt"] == TEXT
    assert base64.b64decode(image["src"].removeprefix("data:image/png;base64,")) == b"\x89PNG"
