"""What each character is to the published quality rules, as one table that compiled code reads.

Letters, white space and symbols are classed as datatrove 0.10.1 classes them, because the thresholds of the
rule sets were chosen on its counts.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

#: A character as compiled code reads it: its code point in the lower 21 bits, these flags above them.
POINT = 0x1FFFFF
ALPHA, UPPER, LOWER, DIGIT, SPACE, SYMBOL, EDGE, TERMINAL, PUNCTUATION, SINGLE = (
    1 << 21 + i for i in range(10)
)
TABLE_SIZE = 0x20000

#: Characters that make no word where they stand alone (datatrove.utils.text.PUNCTUATION, after cc_net).
_SYMBOLS = "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»"
_SYMBOL_CONTROLS = ((0, 9), (11, 13), (13, 32), (127, 160))
#: Code points that end a sentence (datatrove.utils.text.TERMINAL_PUNCTUATION; Unicode's Sentence_Terminal).
_TERMINALS = (
    (0x21, 0x21), (0x2E, 0x2E), (0x3F, 0x3F), (0x589, 0x589), (0x61D, 0x61F), (0x6D4, 0x6D4), (0x700, 0x702),
    (0x7F9, 0x7F9), (0x837, 0x837), (0x839, 0x839), (0x83D, 0x83E), (0x964, 0x965), (0x104A, 0x104B),
    (0x1362, 0x1362), (0x1367, 0x1368), (0x166E, 0x166E), (0x1735, 0x1736), (0x17D4, 0x17D6), (0x17D9, 0x17DA),
    (0x1803, 0x1803), (0x1809, 0x1809), (0x1944, 0x1945), (0x1AA8, 0x1AAB), (0x1B5A, 0x1B5B), (0x1B5E, 0x1B5F),
    (0x1B7D, 0x1B7E), (0x1C3B, 0x1C3C), (0x1C7E, 0x1C7F), (0x203C, 0x203D), (0x2047, 0x2049), (0x2E2E, 0x2E2E),
    (0x2E3C, 0x2E3C), (0x2E53, 0x2E54), (0x3002, 0x3002), (0xA4FF, 0xA4FF), (0xA60E, 0xA60F), (0xA6F3, 0xA6F3),
    (0xA6F7, 0xA6F7), (0xA876, 0xA877), (0xA8CE, 0xA8CF), (0xA92F, 0xA92F), (0xA9C8, 0xA9C9), (0xAA5D, 0xAA5F),
    (0xAAF0, 0xAAF1), (0xABEB, 0xABEB), (0xFE52, 0xFE52), (0xFE56, 0xFE57), (0xFF01, 0xFF01), (0xFF0E, 0xFF0E),
    (0xFF1F, 0xFF1F), (0xFF61, 0xFF61), (0x10A56, 0x10A57), (0x10F55, 0x10F59), (0x10F86, 0x10F89),
    (0x11047, 0x11048), (0x110BE, 0x110C1), (0x11141, 0x11143), (0x111C5, 0x111C6), (0x111CD, 0x111CD),
    (0x111DE, 0x111DF), (0x11238, 0x11239), (0x1123B, 0x1123C), (0x112A9, 0x112A9), (0x1144B, 0x1144C),
    (0x115C2, 0x115C3), (0x115C9, 0x115D7), (0x11641, 0x11642), (0x1173C, 0x1173E), (0x11944, 0x11944),
    (0x11946, 0x11946), (0x11A42, 0x11A43), (0x11A9B, 0x11A9C), (0x11C41, 0x11C42), (0x11EF7, 0x11EF8),
    (0x11F43, 0x11F44), (0x16A6E, 0x16A6F), (0x16AF5, 0x16AF5), (0x16B37, 0x16B38), (0x16B44, 0x16B44),
    (0x16E98, 0x16E98), (0x1BC9F, 0x1BC9F), (0x1DA88, 0x1DA88),
)  # fmt: skip
#: Characters that are words of their own at the edge of a word (spaCy's prefixes and suffixes).
_EDGES = (
    "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·|।،۔؛٪'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉〈〉⟦⟧$£€¥฿₽﷼§%=—–"
)
#: Scripts written without spaces: every character is a word (Thai to Khmer, kana, Han).
_SPACELESS = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x302F),
    (0x3038, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F),
)  # fmt: skip


@cache
def character_table() -> NDArray[np.uint32]:
    """Code point and flags of the code points 0 to 0x1FFFF (uint32[131072], read-only); later ones are letters."""
    table = np.arange(TABLE_SIZE, dtype=np.uint32)
    for point in range(TABLE_SIZE):
        table[point] |= _own_flags(chr(point))
    for ranges, flag in ((_TERMINALS, TERMINAL | SYMBOL), (_SPACELESS, SINGLE)):
        for first, last in ranges:
            table[first : last + 1] |= flag
    for first, end in _SYMBOL_CONTROLS:
        table[first:end] |= SYMBOL
    for text, flag in ((_SYMBOLS, SYMBOL), (_EDGES, EDGE)):
        table[[ord(char) for char in text]] |= flag
    table.flags.writeable = False
    return table


def _own_flags(char: str) -> int:
    category = unicodedata.category(char)
    return (
        ALPHA * char.isalpha()
        | UPPER * char.isupper()
        | LOWER * char.islower()
        | DIGIT * char.isdecimal()
        | SPACE * char.isspace()
        | PUNCTUATION * (category[0] == "P")
        | EDGE * (category == "So" and char != "°")
    )
