"""Bylines: what a text says in words, at its beginning or end, about its own making.

Only statements about this text that their writer makes: none inside quotations, reports and denials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.declarations.byline_forms import ASSISTED, BYLINES, Byline
from provenance.annotators.declarations.declared import Signal
from provenance.annotators.kernel import kernel

_BYLINE_HINT = re.compile(
    r"AI|A\.I\.|GPT|KI(?!\w)|IA(?!\w)|SI(?!\w)|ИИ|Claude|Gemini|Copilot|DeepSeek|rtificial|rtificiel|ünstlich|"
    r"sztuczn|kunstmatig|нейросет|искусственн|人工智能|人工智慧|人工知能|大模型|大语言模型|인공지능|anguage model"
)
#: What goes before a statement in its sentence where its writer makes it: nothing, a greeting, or a call for notice.
_NOTE = re.compile(
    r"\b(?:note|notice|aware|disclosure|disclaimer|inform(?:ed)?|transparency|beachten|hinweis|notez|noter|sachez|nota|aviso|avviso|"
    r"attenzione|uwaga|let op|обратите внимание|внимание)\b",
    re.IGNORECASE,
)
#: What goes before it where somebody says so, asks, supposes or denies it.
_SAID = re.compile(
    r"\b(?:sa(?:y|ys|id|ying)|claim(?:s|ed|ing)?|wrote|writes|den(?:y|ies|ied)|alleg\w+|whether|if|believ\w+|suggest\w*|reports?|reported|"
    r"argue[sd]?|think|thinks|thought|suspect\w*|that|of|not?|never|behaupte\w*|sagt\w*|schr(?:eibt|ieb)|ob|dass|wenn|nicht|dit|affirm\w+|prétend\w*|que|qu|si|"
    r"dic[eo]\w*|afirm\w+|dis(?:se|so)|che|se|twierdzi\w*|że|czy|dat|zegt|of|что|если|утвержда\w+)\b",
    re.IGNORECASE,
)
#: What follows a statement that its writer does not make: a denial, or the one who says so.
_REPORTED = re.compile(
    r"^[^.!?\n]{0,60}(?:\b(?:claim|denie[ds]|denied|false|untrue|rumou?r|he said|she said|they said|wrote|according to|"
    r"behauptet|dementiert|selon|según|segundo|secondo|według|volgens|falsch|faux|falso)\b|утвержда)"
    r"|^[^。.\n]{0,14}(?:ではあり|ではな|わけでは|ていませ|ていな|지 않|것이 아니|不是|并非)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?:;。！？：；\n(\[|•*>–—]")
_BEFORE = 200  # characters before a statement in which its sentence begins
_EDGE = 1_500  # characters at either end of a text in which a byline can stand

#: Four or fewer bytes, rare in other words, that each ASCII match of _BYLINE_HINT holds; and whole words of the others.
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
)
_OTHER_HINTS = tuple(
    "ИИ ünstlich нейросет искусственн 人工智能 人工智慧 人工知能 大模型 大语言模型 인공지능".split()
)
_WIDTH = 4
#: Letters of other scripts that patterns take for ASCII letters, whatever their case, though small letters of these they are not.
_LIKE_ASCII = re.compile("[\u017f\u0130\u0131\u1c80-\u1c88]")


def _hints() -> NDArray[np.uint16]:
    """Bits of the hints that have a byte at their first, second, third and fourth place (uint16[4, 256])."""
    table = np.zeros((_WIDTH, 256), np.uint16)
    for number, hint in enumerate(_HINTS):
        for place in range(_WIDTH):
            table[place, hint[place] if place < len(hint) else slice(None)] |= np.uint16(1 << number)
    return table


_TABLE = _hints()


def read_bylines(text: str) -> Iterator[Signal]:
    """Yield what a byline at either end of the text says in words about its own making."""
    edges = [text] if len(text) <= 2 * _EDGE else [text[:_EDGE], text[-_EDGE:]]
    for edge in edges:
        if not _names_a_machine(edge):
            continue
        folded = "" if _LIKE_ASCII.search(edge) else edge.lower()
        found = {}
        for byline in BYLINES:
            if byline.signal not in found:
                match = next(
                    (item for item in _matches(byline, edge, folded) if _is_its_own(edge, item)), None
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
    clause = _SENTENCE.split(before)[-1]
    return _NOTE.search(clause) is not None or _SAID.search(clause) is None


def _overlap(matches: Iterable[re.Match[str]]) -> bool:
    spans = sorted(match.span() for match in matches)
    return any(after[0] < before[1] for before, after in pairwise(spans))


def _names_a_machine(edge: str) -> bool:
    """Whether the text holds a match of _BYLINE_HINT, which is asked last: most texts hold none of its beginnings."""
    data = edge.encode("utf-8", "surrogatepass") + bytes(_WIDTH - 1)
    hinted = _holds_hint(np.frombuffer(data, np.uint8), _TABLE) or (
        len(data) > len(edge) + _WIDTH - 1 and any(word in edge for word in _OTHER_HINTS)
    )
    return hinted and _BYLINE_HINT.search(edge) is not None


@kernel
def _holds_hint(text: NDArray[np.uint8], table: NDArray[np.uint16]) -> bool:
    for at in range(len(text) - 3):
        if table[0, text[at]] & table[1, text[at + 1]] & table[2, text[at + 2]] & table[3, text[at + 3]]:
            return True
    return False


def _matches(byline: Byline, edge: str, folded: str) -> Iterator[re.Match[str]]:
    """Its matches; `folded` is the text in small letters, letter by letter, or shorter where that is not to be had."""
    if not byline.begins or len(folded) != len(edge):
        yield from byline.pattern.finditer(edge)
        return
    places: list[int] = []
    for word in byline.begins:
        at = folded.find(word)
        while at >= 0:
            places.append(at)
            at = folded.find(word, at + 1)
    yield from filter(None, (byline.pattern.match(edge, at) for at in sorted(places)))
