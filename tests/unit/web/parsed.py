"""What a page's HTML says, parsed."""

from html.parser import HTMLParser


class Parsed(HTMLParser):
    """Cells of all tables, their sort keys, and the tags that are open at the end."""

    def __init__(self, text):
        super().__init__()
        self.open, self.keys, self.cells = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "link", "img", "input", "wbr"):
            self.open.append(tag)
        if tag == "td":
            self.keys.append(dict(attributes)["data-key"])
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "td" in self.open[-2:]:
            self.cells[-1] += data
