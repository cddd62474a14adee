import base64

from html_reader import Reader
from kerasnets.runs import pages

TEXT = 'a < b & "c" {{ d }} <script>alert(1)</script> {% raw %}'


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
