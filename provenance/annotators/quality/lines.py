"""What the published quality rules ask of the lines of a text: how they begin and end, their length, what they mention.

One pass over the characters; the words of a line are divided on the way, so that sentences can be counted by line.
"""

from __future__ import annotations

import numpy as np

from provenance.annotators.kernel import kernel
from provenance.annotators.quality.characters import ALPHA, DIGIT, POINT, SPACE, TERMINAL
from provenance.annotators.quality.words import divide, sentences

#: Lines that C4 leaves out mention one of these; the first two concern the whole page or script notices.
PHRASES = (
    "lorem ipsum", "javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies",
    "use of cookies", "use cookies",
)  # fmt: skip
_LOREM, _SCRIPT, _POLICY = 1, 2, 4
_PHRASE, _BRACE = 1, 2
_SPACE = np.uint32(32 | SPACE)
_LONGEST_WORD = 1000  # C4: lines with a longer one are left out
_FEWEST_WORDS = 3  # C4: lines of fewer are left out
SHORT_LINE = 30  # FineWeb: characters of a short line

#: Sums over the lines of one document, in this order.
(
    NEWLINES, LINES, BULLETS, ELLIPSIS_ENDS, FULL, PUNCTUATED, SHORT, SENTENCES, TERMINAL_SENTENCES, HASHES, ELLIPSES,
    LOREM, BRACES, SUMS,
) = range(14)  # fmt: skip


_LETTERS = np.frombuffer("".join(PHRASES).encode(), np.uint8)
_OFFSETS = np.concatenate([[0], np.cumsum([len(phrase) for phrase in PHRASES])])
#: For a first letter the second and third of its phrases, which agree on them: few places are read further.
_SECOND = np.array([max([0, *(ord(p[1]) for p in PHRASES if ord(p[0]) == i)]) for i in range(128)], np.uint8)
_THIRD = np.array([max([0, *(ord(p[2]) for p in PHRASES if ord(p[0]) == i)]) for i in range(128)], np.uint8)


@kernel
def _phrase_at(chars, at, stop):  # type: ignore[no-untyped-def]
    """Which phrase begins at `at`, or -1."""
    for number in range(_OFFSETS.size - 1):
        first, last = _OFFSETS[number], _OFFSETS[number + 1]
        size = last - first
        same = at + size <= stop
        i = 0
        while same and i < size:
            point = chars[at + i] & POINT
            same = (point | 32 if point >= 65 else point) == _LETTERS[first + i]
            i += 1
        if same:
            return number
    return -1


@kernel
def _mentions(chars, start, stop):  # type: ignore[no-untyped-def]
    """Which of the things that C4 looks for a line holds, as bits."""
    found = 0
    for at in range(start, stop - 2):
        point = (chars[at] & POINT) | 32
        if point >= 128 or _SECOND[point] != (chars[at + 1] & POINT) | 32:
            continue
        if _THIRD[point] == (chars[at + 2] & POINT) | 32:
            number = _phrase_at(chars, at, stop)
            if number >= 0:
                found |= _LOREM if number == 0 else (_SCRIPT if number == 1 else _POLICY)
    return found


@kernel
def _small(char):  # type: ignore[no-untyped-def]
    return np.uint32(char & np.uint32(POINT) | np.uint32(32))


@kernel
def _signs(chars, start, stop):  # type: ignore[no-untyped-def]
    """Whether a line may hold one of the phrases, and whether it has a curly bracket, as bits.

    Each phrase has four letters in a row that are rare elsewhere ("psum", "vasc", "rms ", "vacy", "ooki"); the loop has
    no way out, so that a processor does many characters at a time.
    """
    signs = np.uint32(0)
    for at in range(np.uint64(start), np.uint64(max(start, stop - 3))):
        a, b = _small(chars[at]), _small(chars[at + np.uint64(1)])
        c, d = _small(chars[at + np.uint64(2)]), _small(chars[at + np.uint64(3)])
        lorem = (a == 112) & (b == 115) & (c == 117) & (d == 109)
        script = (a == 118) & (b == 97) & (c == 115) & (d == 99)
        terms = (a == 114) & (b == 109) & (c == 115) & (d == 32)
        privacy = (a == 118) & (b == 97) & (c == 99) & (d == 121)
        cookies = (a == 111) & (b == 111) & (c == 107) & (d == 105)
        signs |= np.uint32(lorem | script | terms | privacy | cookies)
    braces = np.uint32(0)
    for at in range(np.uint64(start), np.uint64(stop)):
        braces |= np.uint32(np.uint32(chars[at] & np.uint32(POINT)) == np.uint32(123))
    return signs * np.uint32(_PHRASE) | braces * np.uint32(_BRACE)


@kernel
def _without_citations(chars, start, stop):  # type: ignore[no-untyped-def]
    """Where a line ends without footnote marks such as [12] or [edit] at its end."""
    while stop - start > 1 and (chars[stop - 1] & POINT) == 93:
        at = stop - 2
        while at >= start and (chars[at] & POINT) != 91 and stop - at < 18:
            at -= 1
        if at < start or (chars[at] & POINT) != 91:
            break
        inside = stop - at - 2
        digits = True
        for i in range(at + 1, stop - 1):
            digits = digits and chars[i] & DIGIT != 0
        edit = inside == 4 and (chars[at + 1] & POINT) == 101 and (chars[at + 2] & POINT) == 100
        needed = inside == 15 and (chars[at + 1] & POINT) == 99 and (chars[at + 2] & POINT) == 105
        if not (digits or edit or needed):
            break
        stop = at
    return stop


@kernel
def _ends_in_ellipsis(chars, start, stop):  # type: ignore[no-untyped-def]
    if stop > start and (chars[stop - 1] & POINT) == 0x2026:
        return True
    return (
        stop - start > 2
        and (chars[stop - 1] & POINT) == 46
        and (chars[stop - 2] & POINT) == 46
        and (chars[stop - 3] & POINT) == 46
    )


@kernel
def _ends_for_c4(chars, start, stop):  # type: ignore[no-untyped-def]
    """Whether a line ends in a mark that C4 takes, and not in three full stops."""
    if stop == start:
        return False
    last = chars[stop - 1] & POINT
    if last == 46:
        return not _ends_in_ellipsis(chars, start, stop)
    return last == 63 or last == 33 or last == 34 or last == 39


@kernel
def _sum_c4(chars, start, stop, found, sums):  # type: ignore[no-untyped-def]
    """C4: a line of enough words, of which none is too long, counts with its sentences unless it is a notice."""
    end = _without_citations(chars, start, stop)
    closed = _ends_for_c4(chars, start, end)
    signs = _signs(chars, start, stop)
    mentions = _mentions(chars, start, stop) if signs & _PHRASE else 0
    if mentions & _LOREM:
        sums[LOREM] = max(sums[LOREM], 1 + closed)
    if mentions & _SCRIPT:
        return
    if signs & _BRACE:
        sums[BRACES] = max(sums[BRACES], 1 + closed)
    if mentions & _POLICY:
        return
    sums[SENTENCES] += found
    if closed:
        sums[TERMINAL_SENTENCES] += found


@kernel
def read_line(chars, start, stop, style, words, count, sums):  # type: ignore[no-untyped-def]
    """Add one line to `sums`; returns how many words there are with its own."""
    first = start
    while first < stop and chars[first] & SPACE:
        first += 1
    last = stop
    while last > first and chars[last - 1] & SPACE:
        last -= 1
    sums[LINES] += 1
    if first == last:
        return count
    if (chars[first] & POINT) == 0x2022 or (chars[first] & POINT) == 45:
        sums[BULLETS] += 1
    if _ends_in_ellipsis(chars, first, last):
        sums[ELLIPSIS_ENDS] += 1
    sums[FULL] += 1
    if chars[stop - 1] & TERMINAL:
        sums[PUNCTUATED] += 1
    if stop - start <= SHORT_LINE:
        sums[SHORT] += 1
    before = count
    count, runs, longest = divide(chars, first, last, style, words, count=count)
    if runs >= _FEWEST_WORDS and longest <= _LONGEST_WORD:
        found = sentences(words, before, count)
        _sum_c4(chars, first, last, found, sums)
    return count


@kernel
def count_symbols(chars, size, sums):  # type: ignore[no-untyped-def]
    """Add newlines, number signs and ellipses to `sums`."""
    dots = 0
    for at in range(size):
        char = chars[at]
        if char & ALPHA or char == _SPACE:
            dots = 0
            continue
        point = char & POINT
        if point == 46:
            dots += 1
            if dots == 3:
                sums[ELLIPSES] += 1
                dots = 0
            continue
        dots = 0
        if point == 10:
            sums[NEWLINES] += 1
        elif point == 35:
            sums[HASHES] += 1
        elif point == 0x2026:
            sums[ELLIPSES] += 1
