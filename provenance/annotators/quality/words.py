"""Words and sentences of a text as the published quality rules count them, by one compiled scanner.

datatrove counts spaCy's tokens. This follows spaCy's rules for languages with spaces (marks at the edges of a word,
hyphens inside it, English contractions, Romance elisions, common abbreviations); a few per cent of tokens differ.
"""

from __future__ import annotations

import numpy as np

from provenance.annotators.hashing import BASIS, PRIME, hash_numbers
from provenance.annotators.kernel import kernel
from provenance.annotators.quality.characters import (
    ALPHA,
    DIGIT,
    EDGE,
    LOWER,
    POINT,
    PUNCTUATION,
    SINGLE,
    SPACE,
    SYMBOL,
    TABLE_SIZE,
    TERMINAL,
    UPPER,
)

#: A word as compiled code hands it on is two uint64: start << 32 | stop in characters, and its hash with these flags in
#: the lower bits: it has a letter; it has a character that is no symbol; it is punctuation; it ends a sentence.
HAS_LETTER, IS_WORD, IS_MARK, ENDS = (np.uint64(1 << bit) for bit in range(4))
HASH = np.uint64(0xFFFFFFFFFFFFFFF0)
#: How a language divides words: English contractions, elisions such as l' and d'.
PLAIN, ENGLISH, ELISION = 0, 1, 2

_DOT, _QUOTE, _CURLY, _ELLIPSIS = 46, 39, 0x2019, 0x2026
#: spaCy's tokenizer exceptions of English that end in a full stop.
_ABBREVIATIONS = (
    "Mr. Mrs. Ms. Dr. St. Jr. Sr. Gen. Gov. Sen. Rep. Rev. Inc. Ltd. Co. Corp. Mt. Ph.D. Bros. vs. v.s. e.g. i.e. "
    "E.g. I.e. a.m. p.m. Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. Ala. Ariz. Ark. Calif. Colo. "
    "Conn. Del. Fla. Ga. Ill. Ind. Kan. Ky. La. Mass. Md. Mich. Minn. Miss. Mont. Neb. Nev. Okla. Ore. Pa. Tenn. "
    "Va. Wash. Wis. Messrs. Adm."
).split()


def hash_word(word: str) -> int:
    """The hash of a word as `divide` computes it: FNV-1a over code points, its upper 60 bits."""
    return hash_numbers(map(ord, word)) & int(HASH)


_KNOWN = np.sort(np.array([hash_word(word) for word in _ABBREVIATIONS], np.uint64))
#: By twelve bits of the hash, whether an abbreviation may have it: few words are looked up.
_MAY_BE_KNOWN = np.isin(np.arange(4096), (_KNOWN >> np.uint64(52)).astype(np.int64))


@kernel
def decode(data, start, stop, table, chars):  # type: ignore[no-untyped-def]
    """Characters of valid UTF-8 (code point and flags); returns how many."""
    count = 0
    at = start
    while at < stop:
        first = np.uint32(data[at])
        if first < 0x80:
            point = first
            at += 1
        elif first < 0xE0:
            point = (first & np.uint32(0x1F)) << np.uint32(6) | np.uint32(data[at + 1] & 0x3F)
            at += 2
        elif first < 0xF0:
            point = (
                (first & np.uint32(0x0F)) << np.uint32(12)
                | np.uint32(data[at + 1] & 0x3F) << np.uint32(6)
                | np.uint32(data[at + 2] & 0x3F)
            )
            at += 3
        else:
            point = (
                (first & np.uint32(0x07)) << np.uint32(18)
                | np.uint32(data[at + 1] & 0x3F) << np.uint32(12)
                | np.uint32(data[at + 2] & 0x3F) << np.uint32(6)
                | np.uint32(data[at + 3] & 0x3F)
            )
            at += 4
        chars[count] = table[point] if point < TABLE_SIZE else point | np.uint32(ALPHA)
        count += 1
    return count


@kernel
def _write(start, stop, value, some, every, words, count):  # type: ignore[no-untyped-def]
    """Add a word by its hash, the flags that some and those that all of its characters have."""
    value &= HASH
    value |= HAS_LETTER * np.uint64(some & ALPHA != 0)
    value |= IS_WORD * np.uint64(every & SYMBOL == 0)
    mark = every & PUNCTUATION != 0
    value |= IS_MARK * np.uint64(mark)
    value |= ENDS * np.uint64(mark & (stop - start == 1) & (every & TERMINAL != 0))
    words[count, 0] = np.uint64(start) << np.uint64(32) | np.uint64(stop)
    words[count, 1] = value
    return count + 1


@kernel
def _emit_one(chars, start, stop, words, count):  # type: ignore[no-untyped-def]
    value = BASIS
    some = np.uint32(0)
    every = np.uint32(0xFFFFFFFF)
    for at in range(start, stop):
        value = (value ^ np.uint64(chars[at] & POINT)) * PRIME
        some |= chars[at]
        every &= chars[at]
    return _write(start, stop, value, some=some, every=every, words=words, count=count)


@kernel
def _emit(chars, start, stop, words, count):  # type: ignore[no-untyped-def]
    """Add the word chars[start:stop]; scripts without spaces are divided into characters."""
    begin = start
    for at in range(start, stop):
        if chars[at] & SINGLE:
            if begin < at:
                count = _emit_one(chars, begin, at, words, count)
            count = _emit_one(chars, at, at + 1, words, count)
            begin = at + 1
    if begin < stop:
        count = _emit_one(chars, begin, stop, words, count)
    return count


@kernel
def _is_abbreviation(chars, start, stop):  # type: ignore[no-untyped-def]
    if stop - start > 6 or stop - start < 3 or chars[stop - 1] & POINT != _DOT:
        return False
    value = BASIS
    for at in range(start, stop):
        value = (value ^ np.uint64(chars[at] & POINT)) * PRIME
    value &= HASH
    if _MAY_BE_KNOWN[value >> np.uint64(52)]:
        for known in _KNOWN:
            if known == value:
                return True
    return False


@kernel
def _run(chars, at, stop):  # type: ignore[no-untyped-def]
    """How many times the character at `at` stands there in a row."""
    end = at + 1
    while end < stop and chars[end] == chars[at]:
        end += 1
    return end - at


@kernel
def _is_quote(char):  # type: ignore[no-untyped-def]
    point = char & POINT
    return (point == _QUOTE) | (point == _CURLY)


@kernel
def _stop_is_a_word(chars, start, stop):  # type: ignore[no-untyped-def]
    """Whether the full stop that ends chars[start:stop] is a word of its own."""
    if stop - start == 1 or _is_abbreviation(chars, start, stop):
        return False
    before = chars[stop - 2]
    if before & (LOWER | DIGIT | PUNCTUATION) or (before & ALPHA and not before & UPPER):
        return True
    return before & UPPER != 0 and stop - start > 2 and chars[stop - 3] & UPPER != 0


@kernel
def _ending(chars, start, stop, style):  # type: ignore[no-untyped-def]
    """Characters of an ending after an apostrophe ('s, 're, n't) that is a word of its own; 0: none."""
    size = stop - start
    last = chars[stop - 1] & POINT
    if style == ELISION or size < 3:
        return 0
    if _is_quote(chars[stop - 2]):
        if last == 115 or last == 83 or (style == ENGLISH and (last == 109 or last == 100)):  # 's 'S 'm 'd
            return 2
        if style == ENGLISH and size > 3 and last == 116 and chars[stop - 3] & POINT == 110:  # n't
            return 3
    if style == ENGLISH and size > 3 and _is_quote(chars[stop - 3]):
        before = chars[stop - 2] & POINT
        if (last == 101 and (before == 114 or before == 118)) or (
            last == 108 and before == 108
        ):  # 're 've 'll
            return 3
    return 0


@kernel
def _suffix(chars, start, stop, style):  # type: ignore[no-untyped-def]
    """Characters at the end of chars[start:stop] that are a word of their own; 0: none."""
    last = chars[stop - 1]
    point = last & POINT
    if last & ALPHA:
        return _ending(chars, start, stop, style) if last & ALPHA and point < 128 else 0
    if point == _DOT:
        run = 1
        while run < stop - start and chars[stop - run - 1] & POINT == _DOT:
            run += 1
        return run if run > 1 else int(_stop_is_a_word(chars, start, stop))
    if stop - start == 1:
        return 0
    return 1 if last & EDGE or (point == 43 and chars[stop - 2] & DIGIT) else 0


@kernel
def _infix(chars, start, at, stop):  # type: ignore[no-untyped-def]
    """Characters from `at` on that divide the word around them; 0: none."""
    if at == start or at + 1 >= stop:
        return 0
    point = chars[at] & POINT
    before, after = chars[at - 1], chars[at + 1]
    wordy = before & (ALPHA | DIGIT) != 0
    if point == _DOT:
        run = _run(chars, at, stop)
        if run > 1:
            return run
        return 1 if before & LOWER and after & UPPER else 0
    if point == _ELLIPSIS:
        return 1
    if point == 45 or point == 0x2013 or point == 0x2014 or point == 126:  # hyphen, dashes, tilde
        run = _run(chars, at, stop) if wordy else 0  # once a run, at its first character
        if run and at + run < stop and chars[at + run] & ALPHA:
            return run
        return 1 if point == 45 and before & DIGIT and after & DIGIT else 0
    if point == 44:
        return 1 if before & ALPHA and after & ALPHA else 0
    if point == 58 or point == 60 or point == 62 or point == 61 or point == 47:  # : < > = /
        return 1 if wordy and after & ALPHA else 0
    if point == 43 or point == 42 or point == 94:  # + * ^
        return 1 if before & DIGIT and after & DIGIT else 0
    return 0


@kernel
def _is_address(chars, start, stop):  # type: ignore[no-untyped-def]
    """Whether a word looks like an address of the web or of mail."""
    for at in range(start + 1, stop - 2):
        if chars[at] & ALPHA:
            continue
        point = chars[at] & POINT
        if point == 64 or (point == 58 and chars[at + 1] & POINT == 47 and chars[at + 2] & POINT == 47):
            return True
        if point == _DOT and at == start + 3 and chars[start] & POINT == 119 and chars[at - 1] & POINT == 119:
            return True
    return False


@kernel
def _is_plain(chars, start, stop):  # type: ignore[no-untyped-def]
    """Whether a run is letters of a script with spaces."""
    every, some = np.uint32(0xFFFFFFFF), np.uint32(0)
    for at in range(start, stop):
        every &= chars[at]
        some |= chars[at]
    return every & ALPHA != 0 and some & SINGLE == 0


@kernel
def divide(chars, start, stop, style, words, count):  # type: ignore[no-untyped-def]
    """Words of a line; returns (words so far, runs between white space, the longest of them).

    Most runs are letters of a script with spaces, perhaps with a mark; they are done here, hash and all in one reading.
    """
    runs = longest = 0
    at = start
    while at < stop:
        begin = at
        every, some, value = np.uint32(0xFFFFFFFF), np.uint32(0), BASIS
        before, any_before, value_before = every, some, value  # of all characters but the last
        while at < stop:
            char = chars[np.uint64(at)]
            if char & SPACE:
                break
            before, any_before, value_before = every, some, value
            every &= char
            some |= char
            value = (value ^ np.uint64(char & POINT)) * PRIME
            at += 1
        size = at - begin
        at += 1
        if size == 0:
            continue
        runs += 1
        longest = max(longest, size)
        end = begin + size
        if every & ALPHA and not some & SINGLE:
            count = _write(begin, end, value, some=some, every=every, words=words, count=count)
        elif size > 1 and before & ALPHA and not any_before & SINGLE and _is_mark(chars, begin, end):
            value = (BASIS ^ np.uint64(chars[end - 1] & POINT)) * PRIME
            mark = chars[end - 1]
            count = _write(
                begin, end - 1, value_before, some=any_before, every=before, words=words, count=count
            )
            count = _write(end - 1, end, value, some=mark, every=mark, words=words, count=count)
        else:
            count = _divide_edges(chars, begin, end, style, words, count=count)
    return count, runs, longest


@kernel
def _is_mark(chars, start, stop):  # type: ignore[no-untyped-def]
    """Whether what follows the letters of chars[start:stop] is a word of its own."""
    last = chars[stop - 1]
    if last & EDGE:
        return True
    return last & POINT == _DOT and chars[stop - 2] & LOWER != 0 and not _is_abbreviation(chars, start, stop)


@kernel
def _divide_edges(chars, start, stop, style, words, count):  # type: ignore[no-untyped-def]
    """Words of a run that is more than letters and a mark (apart, because a small function is a fast one)."""
    if _is_abbreviation(chars, start, stop):
        return _emit_one(chars, start, stop, words, count)
    while start < stop and not chars[start] & ALPHA:
        point = chars[start] & POINT
        run = _run(chars, start, stop) if point == _DOT else 1
        plus = point == 43 and start + 1 < stop and not chars[start + 1] & DIGIT
        if not (run > 1 or chars[start] & EDGE or plus):
            break
        count = _emit(chars, start, start + run, words, count)
        start += run
    end = stop
    while start < end:
        size = _suffix(chars, start, end, style)
        if size == 0:
            break
        end -= size
    count = _divide_inside(chars, start, end, style, words, count=count)
    while end < stop:  # the suffixes again, from the inside out
        size = 1
        while not _cuts(chars, end, size, stop, style):
            size += 1
        count = _emit(chars, end, end + size, words, count)
        end += size
    return count


@kernel
def _divide_inside(chars, start, end, style, words, count):  # type: ignore[no-untyped-def]
    """Words of a run whose edges are done."""
    if start < end and (_is_plain(chars, start, end) or _is_address(chars, start, end)):
        return _emit(chars, start, end, words, count)
    begin = start
    if style == ELISION:
        for at in range(start + 1, min(start + 3, end - 1)):
            if _is_quote(chars[at]):
                count = _emit_one(chars, start, at + 1, words, count)
                begin = at + 1
                break
    at = begin
    while at < end:
        size = 0 if chars[at] & ALPHA else _infix(chars, begin, at, end)
        if size:
            count = _emit(chars, begin, at, words, count)
            count = _emit(chars, at, at + size, words, count)
            at += size
            begin = at
        else:
            at += 1
    return _emit(chars, begin, end, words, count)


@kernel
def _cuts(chars, at, size, stop, style):  # type: ignore[no-untyped-def]
    """Whether a suffix that begins at `at` has `size` characters."""
    if at + size >= stop:
        return True
    point = chars[at] & POINT
    if point == _DOT:
        return chars[at + size] & POINT != _DOT
    if _is_quote(chars[at]):  # 's, 're: a quote and the letters after it
        return not chars[at + size] & ALPHA
    if point == 110 and style == ENGLISH:  # n't
        return size == 3
    return True


@kernel
def sentences(words, first, last):  # type: ignore[no-untyped-def]
    """Sentences of the words [first, last): a new one begins at the first word after an ending mark and other marks."""
    if first == last:
        return 0
    count = 1
    ended = False
    for at in range(first, last):
        kind = words[at, 1]
        if kind & ENDS:
            ended = True
        elif ended and not kind & IS_MARK:
            count += 1
            ended = False
    return count
