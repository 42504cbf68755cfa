"""Bylines: what a text says in words, at its beginning or end, about its own making.

Only statements about this text that their writer makes: none inside quotations, reports and denials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.annotators.declarations.byline_forms import ASSISTED, BYLINES, Byline
from provenance.annotators.declarations.declared import Signal
from provenance.annotators.kernel import kernel

#: Words of which each byline holds one, and abbreviations that have to end there.
_MACHINES = (
    "AI", "A.I.", "GPT", "ИИ", "Claude", "Gemini", "Copilot", "DeepSeek", "rtificial", "rtificiel", "ünstlich", "sztuczn",
    "kunstmatig", "нейросет", "искусственн", "人工智能", "人工智慧", "人工知能", "大模型", "大语言模型", "인공지능", "anguage model",
    "unstig intelligens", "apay zek", "ecerdasan buatan", "tuệ nhân tạo", "uměl", "ШІ", "штучн", "нейромереж", "الاصطناعي",
)  # fmt: skip
_ABBREVIATIONS = ("KI", "IA", "SI")
_ABBREVIATED = re.compile(r"(?:KI|IA|SI)(?!\w)")
#: What goes before a statement in its sentence where its writer makes it: nothing, a greeting, or a call for notice.
_NOTE = re.compile(
    r"\b(?:note|notice|aware|disclosure|disclaimer|inform(?:ed)?|transparency|beachten|hinweis|notez|noter|sachez|nota|aviso|avviso|"
    r"attenzione|uwaga|let op|обратите внимание|внимание)\b",
    re.IGNORECASE,
)
#: What goes before it where somebody says so, asks, supposes or denies it.
_SAID = re.compile(
    r"\b(?:imagin\w+|suppos\w+|pretend\w*|assum\w+|sa(?:y|ys|id|ying)|claim(?:s|ed|ing)?|wrote|writes|den(?:y|ies|ied)|alleg\w+|whether|if|believ\w+|suggest\w*|reports?|reported|"
    r"argue[sd]?|think|thinks|thought|suspect\w*|that|of|not?|never|behaupte\w*|sagt\w*|schr(?:eibt|ieb)|ob|dass|wenn|nicht|dit|affirm\w+|prétend\w*|que|qu|si|"
    r"dic[eo]\w*|afirm\w+|dis(?:se|so)|che|se|twierdzi\w*|że|czy|dat|zegt|of|что|если|утвержда\w+)\b",
    re.IGNORECASE,
)
#: What follows a statement that its writer does not make: a denial, or the one who says so.
_REPORTED = re.compile(
    r"^[^.!?\n]{0,60}(?:\b(?:claim|denie[ds]|denied|false|untrue|rumou?r|he said|she said|they said|wrote|according to|"
    r"behauptet|dementiert|selon|según|segundo|secondo|według|volgens|falsch|faux|falso)\b|утвержда)"
    r"|^[^.!?。！\n]{0,40}[?？]|^\s?[吗嗎]"
    r"|^[^。.\n]{0,14}(?:ではあり|ではな|わけでは|ていませ|ていな|지 않|것이 아니|不是|并非)",
    re.IGNORECASE,
)
#: What ends right before a statement that is only quoted, though nothing marks the quotation.
_QUOTED = re.compile(r"\b(?:reads?|labell?(?:s|ed)?|words|wording|lautet|liest|steht):\s*$", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?:;。！？：；\n(\[|•*>–—]")
_BEFORE = 200  # characters before a statement in which its sentence begins
_EDGE = 1_500  # characters at either end of a text in which a byline can stand

#: Four or fewer bytes, rare in other words, that each of _MACHINES in ASCII holds, and each of _ABBREVIATIONS; and whole words of the others.
_HINTS = (
    b"AI",
    b"KI",
    b"IA",
    b"SI",
    b"A.I.",
    b"GPT",
    b"Clau",
    b"Gemi",
    b"Copi",
    b"Deep",
    b"tifi",
    b"sztu",
    b"unst",
    b"ge m",
    b"y ze",
    b"dasa",
)
_OTHER_HINTS = tuple(
    "ИИ ШІ ünstlich нейросет нейромереж искусственн штучн tuệ uměl صطناعي 人工智能 人工智慧 人工知能 大模型 大语言模型 인공지능".split()
)
_WIDTH = 4
#: Letters of other scripts that patterns take for ASCII letters, whatever their case, though small letters of these they are not.
_LIKE_ASCII = re.compile("[\u017f\u0130\u0131\u1c80-\u1c88]")


def _hints() -> NDArray[np.uint32]:
    """Bits of the hints that have a byte at their first, second, third and fourth place (uint32[4, 256])."""
    table = np.zeros((_WIDTH, 256), np.uint32)
    for number, hint in enumerate((*_HINTS, *sorted({word.encode()[:_WIDTH] for word in _OTHER_HINTS}))):
        for place in range(_WIDTH):
            table[place, hint[place] if place < len(hint) else slice(None)] |= np.uint32(1 << number)
    return table


_TABLE = _hints()


def may_have_bylines(texts: pa.LargeStringArray) -> NDArray[np.bool_]:
    """Whether `read_bylines` may yield something of each text: one compiled pass clears most."""
    data, offsets = text_buffers(texts)
    found = np.zeros(len(offsets) - 1, np.bool_)
    _hint_all(data, offsets, _TABLE, found)
    return found


def read_bylines(text: str) -> Iterator[Signal]:
    """Yield what a byline at either end of the text says in words about its own making."""
    edges = [text] if len(text) <= 2 * _EDGE else [text[:_EDGE], text[-_EDGE:]]
    for edge in edges:
        if not _names_a_machine(edge):
            continue
        places = _Places("" if _LIKE_ASCII.search(edge) else edge.lower())
        found = {}
        for byline in BYLINES:
            if byline.signal not in found:
                match = next(
                    (item for item in _matches(byline, edge, places) if _is_its_own(edge, item)), None
                )
                if match is not None:
                    found[byline.signal] = match
        if ASSISTED in found and _overlap(found.values()):
            found = {ASSISTED: found[ASSISTED]}  # "parts of this article were …" holds "this article were …"
        for signal, match in found.items():
            yield Signal(signal, match[0].strip(), "visible text")


def _is_its_own(edge: str, match: re.Match[str]) -> bool:
    """Whether the writer says so of the text: not what others say, suppose, ask or deny."""
    if _REPORTED.search(edge[match.end() : match.end() + 120]):
        return False
    before = edge[max(0, match.start() - _BEFORE) : match.start()]
    if _QUOTED.search(before):
        return False
    clause = _SENTENCE.split(before)[-1]
    return _NOTE.search(clause) is not None or _SAID.search(clause) is None


def _overlap(matches: Iterable[re.Match[str]]) -> bool:
    spans = sorted(match.span() for match in matches)
    return any(after[0] < before[1] for before, after in pairwise(spans))


def _names_a_machine(edge: str) -> bool:
    """Whether the text holds one of _MACHINES or of _ABBREVIATIONS; most texts hold none of their beginnings."""
    data = np.frombuffer(edge.encode("utf-8", "surrogatepass"), np.uint8)
    if not _holds_hint(data, 0, len(data), _TABLE):
        return False
    if any(map(edge.__contains__, _MACHINES)):
        return True
    return any(map(edge.__contains__, _ABBREVIATIONS)) and _ABBREVIATED.search(edge) is not None


@kernel
def _hint_all(data, offsets, table, found):  # type: ignore[no-untyped-def]
    """Write whether either end of each text, at least as far as bylines are looked for, holds a hint."""
    for row in range(len(offsets) - 1):
        first, last = offsets[row], offsets[row + 1]
        stop, signs = first, 0
        while stop < last and signs <= _EDGE + _WIDTH:
            signs += data[stop] & 0xC0 != 0x80  # bytes that begin a character
            stop += 1
        start, signs = last, 0
        while start > stop and signs <= _EDGE + _WIDTH:
            start -= 1
            signs += data[start] & 0xC0 != 0x80
        found[row] = _holds_hint(data, first, stop, table) or _holds_hint(data, start, last, table)


@kernel
def _holds_hint(text: NDArray[np.uint8], first: int, last: int, table: NDArray[np.uint32]) -> bool:
    for at in range(first, last - 3):
        if table[0, text[at]] & table[1, text[at + 1]] & table[2, text[at + 2]] & table[3, text[at + 3]]:
            return True
    for at in range(max(first, last - 3), last):  # a shorter one may end the text
        second = text[at + 1] if at + 1 < last else 0
        third = text[at + 2] if at + 2 < last else 0
        if table[0, text[at]] & table[1, second] & table[2, third] & table[3, 0]:
            return True
    return False


class _Places:
    """Where the words stand that bylines begin with; those of one language have the same, so they are looked for once.

    Attributes:
        folded: the text in small letters, letter by letter, or shorter where that is not to be had.
    """

    def __init__(self, folded: str) -> None:
        self.folded = folded
        self._found: dict[tuple[str, ...], list[int]] = {}

    def __getitem__(self, words: tuple[str, ...]) -> list[int]:
        """First characters of the words in the text, ascending."""
        if words not in self._found:
            self._found[words] = sorted(at for word in words for at in self._of(word))
        return self._found[words]

    def _of(self, word: str) -> Iterator[int]:
        at = self.folded.find(word)
        while at >= 0:
            yield at
            at = self.folded.find(word, at + 1)


def _matches(byline: Byline, edge: str, places: _Places) -> Iterator[re.Match[str]]:
    """Its matches, in the order of their places."""
    if not byline.begins or len(places.folded) != len(edge):
        yield from byline.pattern.finditer(edge)
    else:
        yield from filter(None, (byline.pattern.match(edge, at) for at in places[byline.begins]))
