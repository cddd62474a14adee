"""The reading of HTML pages."""

import html.parser


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
