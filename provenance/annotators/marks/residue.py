"""Residue of chat tools in a text: rules in `residue_rules.yaml`, one compiled pass, and a strict reading of context.

Most texts are left by the kernel, which looks for four or eight bytes of each rule's anchors; the few others are
matched by Aho-Corasick and the rules' patterns. What is quoted, shown as code or talked about does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from typing import Any, Final, NamedTuple

import ahocorasick
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.annotators.columns import bytes_and_offsets
from provenance.annotators.kernel import kernel
from provenance.annotators.marks.context import (
    in_code_element,
    is_discussed,
    is_mentioned,
    is_quoted,
    topics_near,
)
from provenance.annotators.marks.rules import Rule, rules
from provenance.annotators.marks.utf8 import Bytes, Offsets, Text
from provenance.annotators.page.strings import PROBE, Compiled, compile_strings, find_places

#: Kinds that count alone; the others need a second, different rule.
ALONE: Final = frozenset({"token", "markup", "statement", "link"})
#: Rules of tokens that the documentation of models names in its sentences.
CONTROL: Final = frozenset({"special-token", "tool-call-tag"})
#: Characters read around an anchor, and the most of anything that is looked at in one text.
BEFORE: Final = 400
AFTER: Final = 400
CANDIDATES: Final = 256
CANDIDATES_PER_RULE: Final = 16
#: Bytes of a page's markup that are read.
MARKUP_LIMIT: Final = 4 << 20
#: The most that residue can say, in nats (e⁵ ≈ 150 to 1).
EVIDENCE_LIMIT: Final = 5.0

_SLOTS: Final = 1 << 13


@dataclass(frozen=True)
class Residue:
    """A rule that matched: where (characters in the text, or bytes in the markup) and what."""

    rule: Rule
    start: int
    found: str
    in_markup: bool = False


def _spellings(anchor: str) -> set[str]:
    """The anchor with capitals beyond ASCII where a text may have them (the kernel folds only ASCII)."""
    options = []
    for number, word in enumerate(anchor.split(" ")):
        cased = number < 4 and any(c > "\x7f" and c.upper() != c for c in word)
        options.append({word, word.capitalize(), word.upper()} if cased else {word})
    ascii_lower = {ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    return {" ".join(words).translate(ascii_lower) for words in product(*options)}


def _spelt(owners: Sequence[Rule]) -> set[bytes]:
    """The bytes of the anchors of some rules, in all spellings."""
    anchors = (anchor for rule in owners for anchor in rule.anchors)
    return {spelling.encode() for anchor in anchors for spelling in _spellings(anchor)}


def _rarity(gram: bytes) -> float:
    """How seldom four or eight bytes are expected in running text (only their order matters)."""
    common = b" etaoinsrhldcu"
    return sum(common.index(b) / 4 if b in common else (4.0 if 97 <= b <= 122 else 7.0) for b in gram)


def _grams(anchor: bytes) -> list[bytes]:
    """What the kernel may look for to find an anchor: its eight bytes (four of a shorter one), the rarest first."""
    size = 8 if len(anchor) >= 8 else 4
    grams = [(-_rarity(anchor[i : i + size]), i, anchor[i : i + size]) for i in range(len(anchor) - size + 1)]
    return [gram for _, _, gram in sorted(grams)]


def _tail(anchor: bytes) -> bytes:
    """An anchor from the three rarest bytes of its first half on: seldom looked for in vain, and as telling as the whole."""
    return anchor[max(range(max(1, len(anchor) // 2 - 2)), key=lambda at: _rarity(anchor[at : at + 3])) :]


def _parts(tails: Sequence[bytes]) -> list[bytes]:
    """Runs of PROBE bytes of which each tail holds one: those that most of them hold, and the rarest of these."""
    left, chosen = list(tails), []
    while left:
        runs = {tail[at : at + PROBE] for tail in left for at in range(len(tail) - PROBE + 1)}
        held = {run: sum(run in tail for tail in left) for run in runs}
        chosen.append(max(runs, key=lambda run: (held[run], _rarity(run), run)))
        left = [tail for tail in left if chosen[-1] not in tail]
    return chosen


class Tables(NamedTuple):
    """What the kernel reads: probes by slot with the first anchor of each, and the bytes of all anchors.

    A slot of an eight-byte probe is its product with `long_by`, shifted; `rows` are first byte of an anchor in `raw`,
    the byte after it, and how many of its bytes follow the probe; `group` is the first row with the same probe.
    """

    short: npt.NDArray[np.uint32]
    short_rows: npt.NDArray[np.int64]
    short_by: np.uint32
    long: npt.NDArray[np.uint64]
    long_rows: npt.NDArray[np.int64]
    long_by: np.uint64
    raw: Bytes
    rows: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]


@dataclass
class Anchors:
    """The anchors of some rules, ready for the kernels (`tables`, and their `tails` where they are few) and the exact pass."""

    owners: Sequence[Rule]
    tables: Tables = field(init=False)
    automaton: Any = field(init=False)

    def __post_init__(self) -> None:
        owned: dict[str, list[int]] = {}
        for number, rule in enumerate(self.owners):
            for anchor in rule.anchors:
                owned.setdefault(anchor, []).append(number)
        self.automaton = ahocorasick.Automaton()
        for anchor, numbers in owned.items():
            self.automaton.add_word(anchor, (len(anchor), tuple(numbers)))
        self.automaton.make_automaton()
        # By probe: where its anchors' bytes are, and how many of those bytes follow the probe.
        spelt = _spelt(self.owners)
        short, short_by = _probes({anchor for anchor in spelt if len(anchor) < 8}, 32)
        long, long_by = _probes({anchor for anchor in spelt if len(anchor) >= 8}, 64)
        probed = sorted((probe, anchor) for anchor, probe in (short | long).items())
        raw = b"".join(anchor for _, anchor in probed)
        ends = np.cumsum([len(anchor) for _, anchor in probed])
        rows = [(ends[i] - len(a), ends[i], len(a) - a.index(p) - len(p)) for i, (p, a) in enumerate(probed)]
        first = {probe: i for i, (probe, _) in reversed(list(enumerate(probed)))}
        self.tables = Tables(
            *_table({p: i for p, i in first.items() if len(p) == 4}, short_by, np.uint32, 32),
            *_table({p: i for p, i in first.items() if len(p) == 8}, long_by, np.uint64, 64),
            np.frombuffer(raw, np.uint8),
            np.array(rows, np.int64).reshape(-1, 3),
            np.array([first[probe] for probe, _ in probed], np.int64),
        )

    @cached_property
    def tails(self) -> Compiled:
        """The searcher for the tails of the anchors, where they are few: hundreds have no parts that are rare together."""
        tails = sorted({_tail(anchor) for anchor in _spelt(self.owners)})
        return compile_strings(tails, _parts(tails) if min(map(len, tails)) >= PROBE else ())


def _probes(anchors: set[bytes], bits: int) -> tuple[dict[bytes, bytes], int]:
    """A gram for each anchor such that no two different grams share one of `_SLOTS` slots, and the odd multiplier of it.

    Of an anchor whose rarest gram falls on another's slot, the next one is taken.
    """
    multiplier = 0x9E3779B97F4A7C15 >> (64 - bits) | 1
    for _ in range(1000):
        taken: dict[int, bytes] = {}
        chosen: dict[bytes, bytes] = {}
        for anchor in sorted(anchors, key=lambda anchor: (len(anchor), anchor)):
            for gram in _grams(anchor):
                slot = int.from_bytes(gram, "big") * multiplier % (1 << bits) >> (bits - 13)
                if taken.setdefault(slot, gram) == gram:
                    chosen[anchor] = gram
                    break
            else:
                break
        if len(chosen) == len(anchors):
            return chosen, multiplier
        multiplier = (multiplier * 6364136223846793005 + 1442695040888963407) % (1 << bits) | 1
    raise ValueError(f"residue_rules.yaml: {len(anchors)} anchors are too many for {_SLOTS} slots")


def _table(probes: dict[bytes, int], multiplier: int, kind: type, bits: int) -> tuple[Any, Any, Any]:
    """The probes by slot, the values beside them, and the multiplier."""
    table: Any = np.zeros(_SLOTS, kind)
    values = np.zeros(_SLOTS, np.int64)
    for probe, value in probes.items():
        key = int.from_bytes(probe, "big")
        slot = key * multiplier % (1 << bits) >> (bits - 13)
        table[slot], values[slot] = key, value
    return table, values, kind(multiplier)


def _lower() -> Bytes:
    table = np.arange(256, dtype=np.uint8)
    table[65:91] += 32
    return table


_LOWER: Final = _lower()


@njit(cache=True)
def _present(text: Text, i: int, at: int, tables: Tables) -> bool:
    """One of the anchors with the probe that ends at byte `i` stands there; the first of them is row `at`."""
    data, start, end = text
    rows, group = tables.rows, tables.group
    first = group[at]
    while at < len(group) and group[at] == first:
        here = i + 1 + rows[at, 2] - (rows[at, 1] - rows[at, 0])
        if start <= here and i + rows[at, 2] < end:
            same = True
            for k in range(rows[at, 0], rows[at, 1]):
                if _LOWER[data[here + k - rows[at, 0]]] != tables.raw[k]:
                    same = False
                    break
            if same:
                return True
        at += 1
    return False


@njit(cache=True, nogil=True)
def _flag(data: Bytes, offsets: Offsets, use: npt.NDArray[np.bool_], tables: Tables) -> npt.NDArray[np.bool_]:
    flags = np.zeros(len(offsets) - 1, np.bool_)
    short, short_by, long, long_by = tables.short, tables.short_by, tables.long, tables.long_by
    for row in range(len(flags)):
        if not use[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        last = np.uint64(0)
        for i in range(start, end):
            last = (last << np.uint64(8)) | np.uint64(_LOWER[data[i]])
            four = np.uint32(last)
            slot = (last * long_by) >> np.uint64(51)
            if long[slot] == last and last != 0:
                flags[row] = _present(Text(data, start, end), i, tables.long_rows[slot], tables)
            place = np.uint32(four * short_by) >> np.uint32(19)
            if not flags[row] and short[place] == four and four != 0:
                flags[row] = _present(Text(data, start, end), i, tables.short_rows[place], tables)
            if flags[row]:
                break
    return flags


@kernel
def _flag_pages(
    data: Bytes,
    offsets: Offsets,
    use: npt.NDArray[np.bool_],
    strings: Compiled,
    found: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    flags: npt.NDArray[np.bool_],
) -> None:
    """Flag pages that hold one of a few strings: a quarter of the time of `_flag`, which is for hundreds."""
    counts, nowhere = found
    for row in range(len(flags)):
        if use[row]:
            page = data[offsets[row] : min(offsets[row + 1], offsets[row] + MARKUP_LIMIT)]
            flags[row] = find_places(page, strings, counts, nowhere) > 0
            counts[:] = 0


@cache
def anchors(scope: str) -> Anchors:
    """Anchors of the rules for a scope: "text" or "markup"."""
    return Anchors([rule for rule in rules() if rule.scope in (scope, "both")])


def may_have_residue(
    texts: pa.LargeStringArray | pa.LargeBinaryArray, use: npt.NDArray[np.bool_], scope: str = "text"
) -> npt.NDArray[np.bool_]:
    """Rows in which some anchor occurs (no false negatives): the only ones worth `find_residue`."""
    data, offsets = bytes_and_offsets(texts)
    known = anchors(scope)
    if scope == "markup":
        flags = np.zeros(len(use), np.bool_)
        counts, nowhere = np.zeros(len(known.tails.bounds) - 1, np.int64), np.empty((0, 2), np.int64)
        _flag_pages(data, offsets, use, known.tails, found=(counts, nowhere), flags=flags)
    else:
        flags = _flag(data, offsets, use, known.tables)
    return flags


def _matches(text: str, scope: str) -> list[Residue]:
    lower = text.lower()
    if len(lower) != len(text):  # a few capitals grow when lowered
        lower = "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
    known = anchors(scope)
    seen: dict[int, int] = {}
    found: dict[tuple[str, int], Residue] = {}
    total = 0
    for last, (length, numbers) in known.automaton.iter(lower):
        first = last - length + 1
        for number in numbers:
            if seen.get(number, 0) >= CANDIDATES_PER_RULE:
                continue
            seen[number] = seen.get(number, 0) + 1
            total += 1
            rule = known.owners[number]
            until = min(len(text), last + AFTER)
            for match in rule.pattern.finditer(text, max(0, first - BEFORE), until):
                if match.start() > last or match.end() <= first:
                    continue
                if match.end() == until < len(text) and text[until] != "\n":
                    continue  # the window cut it: its end is not the end of a line
                start = match.start() + len(match[0]) - len(match[0].lstrip())
                found.setdefault((rule.id, start), Residue(rule, start, match[0].strip(), scope == "markup"))
        if total >= CANDIDATES:
            break
    return list(found.values())


def find_residue(
    text: str, markup: bytes | None = None, *, alone: bool = False, marked: bool = True
) -> list[Residue]:
    """Residue of chat tools in `text` (and in the `markup` of its page), in order of place; empty when it does not count.

    A match inside quotation marks, code or a code element of the markup, or introduced as an example, is dropped.
    Statements and phrases are dropped where the text around them is about chat tools, and everything is dropped where
    a text shows tokens of several vendors (a catalogue of residue). Phrases and templates need a second, different
    rule, or `alone`. `marked`: whether `may_have_residue` found an anchor in the markup; else nothing is looked for there.
    """
    kept = []
    for hit in _matches(text, "text"):
        end = hit.start + len(hit.found)
        token = hit.rule.kind in ("token", "link")
        if is_quoted(text, hit.start, end, token) or is_discussed(text, hit.start, token):
            continue
        control = hit.rule.id in CONTROL
        if control and is_mentioned(text, hit.start):
            continue
        most = 2 if token and not control else 1
        if hit.rule.kind != "link" and topics_near(text, hit.start, end) > most:
            continue
        if markup is not None and hit.rule.kind != "template" and in_code_element(markup, hit.found):
            continue
        kept.append(hit)
    if markup is not None and marked:
        page = markup[:MARKUP_LIMIT].decode("latin-1")
        kept += [hit for hit in _matches(page, "markup") if not in_code_element(markup, hit.found)]
    tools = {hit.rule.vendor for hit in kept if hit.rule.kind == "token"}
    if len(tools) > 2:
        return []
    kept = [hit for hit in kept if not any(_covers(other, hit) for other in kept)]
    different = {hit.rule.id for hit in kept if hit.rule.kind != "link"}
    return [hit for hit in kept if alone or hit.rule.kind in ALONE or len(different) >= 2]


def _covers(one: Residue, other: Residue) -> bool:
    """`other` lies inside `one` (a longer match), so that it says nothing more."""
    if one.in_markup != other.in_markup or len(one.found) <= len(other.found):
        return False
    return one.start <= other.start and other.start + len(other.found) <= one.start + len(one.found)


def evidence(found: Sequence[Residue]) -> tuple[float, str]:
    """Nats for "synthetic" of all residue in one text, and the rule that says most.

    The largest weight, and a quarter of each further rule's (rules of one text are not independent), at most
    EVIDENCE_LIMIT.
    """
    weights = {hit.rule.id: hit.rule.weight for hit in found}
    order = sorted(weights, key=lambda name: (-weights[name], name))
    total = weights[order[0]] + sum(weights[name] for name in order[1:]) / 4
    return min(total, EVIDENCE_LIMIT), order[0]
