"""What a document of Really Simple Licensing says of training: it is read as XML, and where its terms leave doubt they reserve.

Source: RSL 1.0 (3.3 to 3.7): `permits` names all that is allowed, so a list without training forbids it; a prohibition outweighs
a permission; what has to be paid for, asked of a licence server, or is for some users or places only is no permission for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from xml.parsers import expat

from provenance.annotators.declarations.declared import Signal

NAMESPACE = "rslstandard.org"
#: The usages that include training (3.4.1.1), as RSL and its ancestors write them.
_TRAINING = frozenset(("all", "ai-all", "ai-train", "train-ai", "train-genai"))
#: What is no payment: nothing, or a mention (3.7).
_UNPAID = frozenset(("free", "attribution"))
_ROOT = re.compile(r"<(?:[A-Za-z][\w.-]{0,30}:)?rsl(?=[\s/>])", re.IGNORECASE)
#: An ampersand that begins no entity, as addresses are written by hand.
_BARE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
#: Text of one element, and licences of one document, that are kept.
_LONGEST, _MOST = 2_000, 2_000


@dataclass
class _License:
    """One `license` element: tokens of its lists by verb and type, kinds of payment, and whether a server grants it."""

    lists: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    payments: list[str] = field(default_factory=list)
    server: bool = False

    def says(self) -> tuple[str, str] | None:
        """What it says of training: `prohibits`, `optin` or `optout`, and why; None where it says nothing."""
        prohibited, permitted = (
            self.lists.get(("prohibits", "usage"), []),
            self.lists.get(("permits", "usage")),
        )
        if _TRAINING & set(prohibited):
            return "prohibits", f"prohibits {' '.join(prohibited)}"
        if permitted is not None and not _TRAINING & set(permitted):
            return "optout", f"permits only {' '.join(permitted) or 'nothing'}"
        conditions = [f"payment {kind}" for kind in self.payments if kind not in _UNPAID]
        conditions += ["of a licence server"] if self.server else []
        conditions += [
            f"{verb} {kind} {' '.join(tokens)}"
            for (verb, kind), tokens in sorted(self.lists.items())
            if kind != "usage" and not (verb == "permits" and {"all", "commercial"} & set(tokens))
        ]
        usage = f"permits {' '.join(permitted)}" if permitted is not None else "permits all"
        if conditions:
            return "optout", f"{usage}; {'; '.join(conditions)}"
        return ("optin", usage) if permitted is not None or self.payments else None


@dataclass
class _Content:
    """One `content` element: the address it is about (None: what holds the document) and its licences."""

    url: str | None
    server: bool
    licenses: list[_License] = field(default_factory=list)


class _Reader:
    """Collects the contents of a document while the parser runs over it."""

    def __init__(self) -> None:
        self.contents: list[_Content] = []
        self._licenses = 0
        self._open: _License | None = None  # the licence that is being read
        self._list: tuple[str, str] | None = None
        self._words: list[str] = []
        self._namespaces: dict[str, str] = {}
        self._foreign = 0  # depth inside an element of another vocabulary

    def start(self, name: str, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            if key == "xmlns" or key.startswith("xmlns:"):
                self._namespaces.setdefault(key.partition(":")[2], value)
        prefix, local = _split(name)
        if self._foreign or NAMESPACE not in self._namespaces.get(prefix, NAMESPACE):
            self._foreign += 1
            return
        said = {_split(key)[1]: " ".join(value.lower().split()) for key, value in attributes.items()}
        if local == "content":
            address = next(
                (value for key, value in attributes.items() if _split(key)[1] == "url"), ""
            ).strip()
            self.contents.append(_Content(address or None, bool(said.get("server"))))
            self._open = None
        elif local == "license":
            self._begin()
        elif local in ("permits", "prohibits"):
            self._list, self._words = (local, said.get("type", "usage")), []
        elif local == "payment":
            (self._open or self._begin()).payments.append(said.get("type", "free"))

    def end(self, name: str) -> None:
        if self._foreign:
            self._foreign -= 1
            return
        local = _split(name)[1]
        if local in ("license", "content"):
            self._open = None
        elif self._list is not None and local == self._list[0]:
            tokens = re.split(r"[\s,]+", "".join(self._words)[:_LONGEST].lower().strip())
            license = self._open or self._begin()
            license.lists.setdefault(self._list, []).extend(filter(None, tokens))
            self._list = None

    def text(self, words: str) -> None:
        if self._list is not None and not self._foreign and len(self._words) < _LONGEST:
            self._words.append(words)

    def _begin(self) -> _License:
        if not self.contents:
            self.contents.append(_Content(None, server=False))
        self._open = _License(server=self.contents[-1].server)
        self._licenses += 1
        if self._licenses <= _MOST:
            self.contents[-1].licenses.append(self._open)
        return self._open


def _split(name: str) -> tuple[str, str]:
    prefix, _, local = name.lower().rpartition(":")
    return prefix, local


def _without_comments(document: str) -> str:
    """A document with a blank for each comment; one that does not end is none. A pattern would look for each end anew."""
    parts, at = [], 0
    while (begin := document.find("<!--", at)) >= 0 and (end := document.find("-->", begin + 4)) >= 0:
        parts += [document[at:begin], " "]
        at = end + 3
    return "".join([*parts, document[at:]])


def read_contents(document: str, where: str) -> Iterator[tuple[str | None, Signal]]:
    """What a document says of training, by the address each part of it is about; None: what holds or names the document.

    Damaged documents are read up to the damage. Entities of their own are not declared: the document is read from its root on.
    """
    document = _without_comments(document)
    root = _ROOT.search(document)
    if root is None:
        return
    reader, parser = _Reader(), expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    text = _BARE.sub("&amp;", document[root.start() :])
    with suppress(expat.ExpatError):  # what stood before it is said all the same
        parser.Parse(text.encode("utf-8", "replace"), True)
    for content in reader.contents:
        said = [found for license in content.licenses if (found := license.says()) is not None]
        for rank in ("prohibits", "optin", "optout"):
            value = next((value for kind, value in said if kind == rank), None)
            if value is not None:
                yield content.url, Signal("optin" if rank == "optin" else "optout", value, where)
                break
