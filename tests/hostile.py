"""A crawl whose pages try to break out of whatever shows them, and what a page that shows it is made of."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from tests.program import run

#: Each would do something if a browser took it for markup; none may.
MARKUP = (
    "<script>alert(1)</script>",
    "<img src=https://leak.example/x onerror=alert(2)>",
    "</style></title></svg></td></table><svg onload=alert(3)>",
    '<iframe srcdoc="<script>parent.alert(4)</script>"></iframe>',
    '"><body onload=alert(5)>',
    "{{ 7 * 7 }}{% raw %}",
    "<link rel=stylesheet href=https://leak.example/y.css>",
)
#: Turns the direction of what follows, and a word that no line holds.
BIDI, LONG = "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", "w" * 4000
_WORDS = "river stone winter garden letter window bread morning carpenter bicycle harbour teacher copper violin".split()
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


def write_crawl(folder: Path) -> Path:
    """A file of JSON lines whose name, addresses, hosts, sources and texts are hostile."""
    path = folder / "<img src=x onerror=alert(6)>.jsonl"
    rows = []
    for number, markup in enumerate(MARKUP):
        own = " ".join(f"{word}{number}" for word in _WORDS * 8)
        rows.append(
            {
                "url": f"https://{markup.split('/')[0]}.example/{markup}?{BIDI}",
                "text": f"{markup} {BIDI} {LONG if number == 2 else ''} {own}",
                "source": f"{markup} {LONG}",
                "capture_time": f"20{19 + number}-03-0{number + 1}T00:00:00Z",
            }
        )
    rows += [dict(rows[0], url="javascript:alert(7)"), dict(rows[1], url=f"https://{'h' * 300}.example/")]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def write_release(folder: Path) -> Path:
    """A release of that crawl."""
    release = folder / "release"
    ended = run("curate", write_crawl(folder), "--output", release, "--max-synthetic", "0.5", "--quiet")
    assert ended.code == 0, ended.err
    return release


class Page(HTMLParser):
    """The structure of a page as a strict reader sees it: elements that do not close are an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.values: list[str] = []  # of <data>
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag == "data":
            self.values.append(dict(attrs)["value"] or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]


def check_page(text: str) -> Page:
    """What every page of the project promises, whatever it shows: returns its structure."""
    page = Page(text)
    names = {name for name, _ in page.elements}
    assert not names & {"script", "iframe", "img", "link", "object", "embed", "form", "base", "a:href"}
    policy = [
        item["content"] for item in page.all("meta") if item.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    attributes = [name for _, found in page.elements for name in found]
    assert not [name for name in attributes if name.startswith("on")]
    assert all((item["href"] or "").startswith("#") for item in page.all("a"))
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))
    targets = [(item["href"] or "")[1:] for item in page.all("a")]
    labels = [name for _, found in page.elements for name in (found.get("aria-labelledby") or "").split()]
    assert {*targets, *labels} <= set(ids)
    assert page.headings[0] == 1 and page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert names >= {"header", "main", "footer", "nav"}
    assert len(page.all("table")) == len(page.all("caption"))
    assert not any(char in text for char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b")
    return page
