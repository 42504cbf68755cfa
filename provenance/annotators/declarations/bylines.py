"""Bylines: what a text says in words, at its beginning or end, about its own making.

Only statements about this text that their writer makes: none inside quotations, reports and denials.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.annotators.declarations.declared import Signal
from provenance.annotators.kernel import kernel


class _Byline(NamedTuple):
    """A kind of statement: how it reads, what it says, and the words (small letters) that it begins with; () for any."""

    pattern: re.Pattern[str]
    signal: str
    begins: tuple[str, ...]


_AI = (
    r"(?:(?:an? |the )?(?:generative |large )?(?:AI|A\.I\.|artificial intelligence|language model|LLM|ChatGPT|GPT-?\d[\w.]{0,4}|"
    r"OpenAI|Claude|Gemini|Copilot|DeepSeek|Llama)(?![\w-]))"
)
#: Before a statement: not inside a quotation, and not the clause of somebody who says so ("she wrote that this …").
_FREE = r"(?<![\"“„«‹»‘'\w])(?<!that )(?<!whether )(?<!if )(?<!claimed )(?<!dass )(?<!que )(?<!che )(?<!że )(?<!dat )(?<!что )(?<!qu['’])"
_THIS = (
    _FREE
    + r"(?:this|the following) (?:whole |entire |blog |news )?(?:article|text|post|story|page|summary|content|report|piece|translation) "
)
_TOOL = r"ChatGPT|GPT-?\d[\w.]{0,4}|Claude|Gemini|Copilot|DeepSeek"
_BYLINES = (
    _Byline(re.compile(rf"{_THIS}(?:was|is|has been) (?:\w{{2,12}} and )?(?:fully |entirely |automatically |completely |originally )?"
                rf"(?:written|generated|created|produced|authored) (?:entirely |automatically )?(?:by|using) (?:the )?{_AI}", re.IGNORECASE), "ai-generated", ("this ", "the following ")),
    _Byline(re.compile(rf"{_THIS}(?:was|is|has been) (?:partly |partially )?(?:\w{{4,12}} )?(?:and \w{{4,12}} )?(?:with (?:the )?(?:help|assistance|aid|support) of|with) (?:the )?{_AI}",
                re.IGNORECASE), "ai-assisted", ("this ", "the following ")),
    _Byline(re.compile(r"(?:^|[\n.(\[])\s{0,3}(?:AI[- ]generated (?:article|text|content|summary|post)|(?:written|generated) by (?:AI|ChatGPT))\s{0,3}(?:[\n.)\]]|$)", re.IGNORECASE), "ai-generated", ()),
    _Byline(re.compile(_FREE + r"dieser (?:artikel|text|beitrag|inhalt) wurde (?:vollständig |automatisch )?(?:von (?:einer )?(?:KI|künstlichen? Intelligenz|ChatGPT)) (?:erstellt|geschrieben|generiert|verfasst)",
                re.IGNORECASE), "ai-generated", ("dieser ",)),
    _Byline(re.compile(_FREE + r"dieser (?:artikel|text|beitrag|inhalt) wurde (?:mit ?(?:hilfe)? ?(?:von|einer|unterstützung von)? ?(?:KI|künstlicher Intelligenz|ChatGPT))(?:-Unterstützung)? (?:erstellt|geschrieben|verfasst)",
                re.IGNORECASE), "ai-assisted", ("dieser ",)),
    _Byline(re.compile(r"(?:本文|本内容|内容|本页面|本文章)(?:由|是由|为)\s?(?:AI|人工智能|大模型|ChatGPT)\s?(?:自动)?(?:生成|撰写|创作)", re.IGNORECASE), "ai-generated", ()),
    _Byline(re.compile(r"(?:この記事|本記事|この文章|本文)は(?:、)?(?:生成)?(?:AI|人工知能|ChatGPT)(?:によって|により|が)(?:自動)?(?:生成|作成|執筆)", re.IGNORECASE), "ai-generated", ()),
    _Byline(re.compile(_FREE + r"(?:cet article|ce texte|ce contenu) a été (?:entièrement )?(?:généré|rédigé|écrit|créé) par (?:une |l['’])?(?:IA|intelligence artificielle|ChatGPT)(?!\w)", re.IGNORECASE), "ai-generated", ("cet article", "ce texte", "ce contenu")),
    _Byline(re.compile(_FREE + rf"este (?:artículo|texto|contenido) (?:fue|ha sido) (?:total|íntegra|automática)?(?:mente )?(?:generado|escrito|creado|redactado) (?:por|con|mediante) (?:una |la )?(?:IA|inteligencia artificial|{_TOOL})(?!\w)", re.IGNORECASE), "ai-generated", ("este ",)),
    _Byline(re.compile(_FREE + rf"(?:este|esta) (?:artigo|texto|conteúdo|matéria|notícia) foi (?:totalmente |automaticamente )?(?:gerad|escrit|criad|redigid|produzid)[oa] (?:por|com|pela) (?:uma? |a )?(?:IA|inteligência artificial|{_TOOL})(?!\w)", re.IGNORECASE), "ai-generated", ("este ", "esta ")),
    _Byline(re.compile(_FREE + rf"quest(?:o|a|['’]) ?(?:articolo|testo|contenuto|pagina) è stat[oa] (?:interamente |automaticamente )?(?:generat|scritt|creat|redatt|prodott)[oa] (?:da |dall['’] ?|con |tramite )(?:l['’] ?|un['’] ?)?(?:IA|AI|intelligenza artificiale|{_TOOL})(?!\w)", re.IGNORECASE), "ai-generated", ("quest",)),
    _Byline(re.compile(_FREE + rf"(?:ten|niniejszy) (?:artykuł|tekst|wpis|materiał) został (?:w całości |automatycznie )?(?:wygenerowany|napisany|stworzony|utworzony|przygotowany) przez (?:AI|SI|sztuczną inteligencję|{_TOOL})(?!\w)", re.IGNORECASE), "ai-generated", ("ten ", "niniejszy ")),
    _Byline(re.compile(_FREE + rf"(?:dit artikel|deze tekst|dit bericht|deze inhoud) (?:is|werd) (?:volledig |automatisch )?(?:door (?:een )?(?:AI|kunstmatige intelligentie|{_TOOL}) )?(?:gegenereerd|geschreven|gemaakt|opgesteld)(?: (?:door|met) (?:een )?(?:AI|kunstmatige intelligentie|{_TOOL}))", re.IGNORECASE), "ai-generated", ("dit ", "deze ")),
    _Byline(re.compile(_FREE + rf"(?:dit artikel|deze tekst|dit bericht|deze inhoud) (?:is|werd) (?:volledig |automatisch )?door (?:een )?(?:AI|kunstmatige intelligentie|{_TOOL}) (?:gegenereerd|geschreven|gemaakt|opgesteld)", re.IGNORECASE), "ai-generated", ("dit ", "deze ")),
    _Byline(re.compile(_FREE + rf"(?:эта статья|этот текст|этот материал|данная статья|данный текст) (?:был[аио]? )?(?:полностью |автоматически )?(?:сгенерирован|написан|создан|подготовлен)[аоы]? (?:с помощью )?(?:ИИ|нейросет(?:ью|и|ей)|искусственн(?:ым интеллектом|ого интеллекта)|{_TOOL})(?!\w)", re.IGNORECASE), "ai-generated", ("эта ", "этот ", "данн")),
)  # fmt: skip
#: Words of which each byline holds one, and abbreviations that have to end there.
_MACHINES = (
    "AI", "A.I.", "GPT", "ИИ", "Claude", "Gemini", "Copilot", "DeepSeek", "rtificial", "rtificiel", "ünstlich", "sztuczn",
    "kunstmatig", "нейросет", "искусственн", "人工智能", "人工知能", "大模型", "anguage model",
)  # fmt: skip
_ABBREVIATIONS = ("KI", "IA", "SI")
_ABBREVIATED = re.compile(r"(?:KI|IA|SI)(?!\w)")
#: What follows a statement that its writer does not make: a denial, or the one who says so.
_REPORTED = re.compile(
    r"^[^.!?\n]{0,60}(?:\b(?:claim|denie[ds]|denied|false|untrue|rumou?r|he said|she said|they said|wrote|according to|"
    r"behauptet|dementiert|selon|según|segundo|secondo|według|volgens)\b|утвержда)",
    re.IGNORECASE,
)
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
)
_OTHER_HINTS = tuple("ИИ ünstlich нейросет искусственн 人工智能 人工知能 大模型".split())
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
        folded = "" if _LIKE_ASCII.search(edge) else edge.lower()
        for byline in _BYLINES:
            match = _find(byline, edge, folded)
            if match and not _REPORTED.search(edge[match.end() : match.end() + 120]):
                yield Signal(byline.signal, match[0].strip(), "visible text")


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


def _find(byline: _Byline, edge: str, folded: str) -> re.Match[str] | None:
    """The first match; `folded` is the text in small letters, letter by letter, or shorter where that is not to be had."""
    if not byline.begins or len(folded) != len(edge):
        return byline.pattern.search(edge)
    places: list[int] = []
    for word in byline.begins:
        at = folded.find(word)
        while at >= 0:
            places.append(at)
            at = folded.find(word, at + 1)
    return next(filter(None, (byline.pattern.match(edge, at) for at in sorted(places))), None)
