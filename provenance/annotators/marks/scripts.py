"""What the character scan must know about Unicode: which code points cannot be seen, and beside what they are honest.

Compiled predicates over code points, all from the Unicode Character Database (Default_Ignorable_Code_Point, Emoji,
Script, StandardizedVariants) and the confusables table of UTS 39; ranges are whole blocks, so new letters are covered.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

ZERO_WIDTH: Final = 1
BIDI: Final = 2
TAG: Final = 3
SELECTOR: Final = 4

#: Latin letter that a letter of another script is confused with (UTS 39), as pairs "other script, Latin".
#: Cyrillic first. Greek letters used as symbols inside Latin words (TNFα, NFκB, μm) are left out on purpose.
LOOKALIKES: Final = (
    "аa еe оo рp сc уy хx ѕs іi јj һh ԁd ԛq ԝw ӏl ѵv ԍg"
    " АA ВB ЕE КK МM НH ОO РP СC ТT ХX ЅS ІI ЈJ ԚQ ԜW ҮY"
    " οo ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX"  # Greek
    " օo սu հh ոn ցg զq ԼL ՕO ՍU"  # Armenian
    " ⅰi ⅴv ⅹx ⅼl ⅽc ⅾd ⅿm ⅠI ⅤV ⅩX ⅬL ⅭC ⅮD ⅯM"  # Roman numerals used as letters
)


def _table() -> np.ndarray:
    table = np.zeros(0x2200, np.uint8)
    for pair in LOOKALIKES.split():
        table[ord(pair[0])] = ord(pair[1])
    return table


#: Latin letter (ASCII code) which the code point imitates, or 0.
IMITATES: Final = _table()


@njit(cache=True, inline="always")
def invisible_kind(c: int) -> int:
    """ZERO_WIDTH, BIDI, TAG, SELECTOR, or 0 for a character that can be seen (soft hyphens count as seen)."""
    if c < 0x2000:
        if c < 0x115F:
            return BIDI if c == 0x061C else ZERO_WIDTH if c == 0x034F else 0
        unseen = c <= 0x1160 or c == 0x17B4 or c == 0x17B5 or 0x180B <= c <= 0x180F
        return ZERO_WIDTH if unseen else 0
    if c < 0x2070:
        if c == 0x200E or c == 0x200F or 0x202A <= c <= 0x202E or 0x2066 <= c <= 0x2069:
            return BIDI
        return ZERO_WIDTH if 0x200B <= c <= 0x200D or c >= 0x2060 else 0
    if c < 0xFE00:
        return ZERO_WIDTH if c == 0x3164 else 0
    if c < 0xFFF9:
        if c <= 0xFE0F:
            return SELECTOR
        return ZERO_WIDTH if c == 0xFEFF or c == 0xFFA0 or c >= 0xFFF0 else 0
    if c < 0xE0000:
        return ZERO_WIDTH if 0x1BCA0 <= c <= 0x1BCA3 or 0x1D173 <= c <= 0x1D17A else 0
    if c <= 0xE007F:
        return TAG
    # the rest of this plane is set aside for characters that will not be seen either
    return SELECTOR if 0xE0100 <= c <= 0xE01EF else ZERO_WIDTH if c <= 0xE0FFF else 0


@njit(cache=True, inline="always")
def is_emoji(c: int) -> bool:
    """May stand in an emoji sequence (blocks that hold emoji, skin tones, regional indicators, keycap bases)."""
    return (
        0x1F000 <= c <= 0x1FAFF
        or 0x2190 <= c <= 0x21FF
        or 0x2300 <= c <= 0x27BF
        or 0x2900 <= c <= 0x297F
        or 0x2B00 <= c <= 0x2BFF
        or c == 0x20E3
    )


@njit(cache=True, inline="always")
def is_ideograph(c: int) -> bool:
    """A CJK ideograph (unified, extension or compatibility)."""
    return 0x3400 <= c <= 0x9FFF or 0xF900 <= c <= 0xFAFF or 0x20000 <= c <= 0x323AF


@njit(cache=True, inline="always")
def takes_joiner(c: int) -> bool:
    """A letter of a script in which ZWJ and ZWNJ are spelling: Arabic, Syriac, N'Ko, Indic, Tibetan, Khmer, Mongolian …"""
    return (
        0x0600 <= c <= 0x0FFF
        or 0x1000 <= c <= 0x109F
        or 0x1780 <= c <= 0x1CFF
        or 0xA800 <= c <= 0xABFF
        or 0xFB50 <= c <= 0xFDFF
        or 0xFE70 <= c <= 0xFEFE
        or 0x10A00 <= c <= 0x11FFF
        or 0x1E900 <= c <= 0x1E95F
    )


@njit(cache=True, inline="always")
def takes_break(c: int) -> bool:
    """A letter of a script written without spaces, where ZWSP marks a break: Thai, Lao, Khmer, Myanmar, Tibetan, CJK."""
    return (
        0x0E00 <= c <= 0x109F
        or 0x1780 <= c <= 0x17FF
        or 0x1900 <= c <= 0x1AAF
        or 0x1B00 <= c <= 0x1BFF
        or 0x2E80 <= c <= 0x9FFF
        or 0xA980 <= c <= 0xA9FF
        or 0xAA00 <= c <= 0xAADF
        or 0xAC00 <= c <= 0xD7AF
        or 0xFF00 <= c <= 0xFFEF
        or 0x20000 <= c <= 0x323AF
    )


@njit(cache=True, inline="always")
def is_rtl(c: int) -> bool:
    """A character of a right-to-left script (Hebrew, Arabic, Syriac, Thaana, N'Ko, Adlam …)."""
    return (
        0x0590 <= c <= 0x08FF
        or 0xFB1D <= c <= 0xFDFF
        or 0xFE70 <= c <= 0xFEFE
        or 0x10800 <= c <= 0x10FFF
        or 0x1E800 <= c <= 0x1EFFF
    )


@njit(cache=True, inline="always")
def is_hangul(c: int) -> bool:
    """A Hangul letter or syllable."""
    return (
        0x1100 <= c <= 0x11FF
        or 0x3130 <= c <= 0x318F
        or 0xA960 <= c <= 0xA97F
        or 0xAC00 <= c <= 0xD7FF
        or 0xFFA0 <= c <= 0xFFDC
    )


@njit(cache=True, inline="always")
def takes_selector(base: int, c: int) -> bool:
    """Variation selector `c` after `base` is a registered kind of sequence (emoji, ideographic, standardised)."""
    if is_ideograph(base):
        return c <= 0xFE02 or c >= 0xE0100
    if c >= 0xE0100:
        return False
    if c >= 0xFE0E:  # text and emoji presentation
        if (
            is_emoji(base)
            or base == 0x23
            or base == 0x2A
            or 0x30 <= base <= 0x39
            or base == 0xA9
            or base == 0xAE
        ):
            return True
        return (
            0x2010 <= base <= 0x205E
            or 0x2100 <= base <= 0x218F
            or 0x25A0 <= base <= 0x27BF
            or 0x3030 <= base <= 0x3299
        )
    if 0x13000 <= base <= 0x1342F:  # hieroglyphs turned
        return c <= 0xFE06
    if c <= 0xFE02:  # mathematical, Myanmar, full-width punctuation, zero with a stroke
        if (
            0x2200 <= base <= 0x22FF
            or 0x2A00 <= base <= 0x2AFF
            or 0x1000 <= base <= 0x109F
            or 0xA840 <= base <= 0xAA7F
            or 0x10AC0 <= base <= 0x10AFF
        ):
            return True
        return (
            base == 0x30 or 0x2018 <= base <= 0x201F or 0x3000 <= base <= 0x303F or 0xFF00 <= base <= 0xFF60
        )
    return False


@njit(cache=True, inline="always")
def is_exotic_space(c: int) -> bool:
    """A space other than U+0020 and U+00A0 (those two are everywhere)."""
    return 0x2000 <= c <= 0x200A or c == 0x202F or c == 0x205F or c == 0x3000 or c == 0x1680 or c == 0x2800


@njit(cache=True, inline="always")
def is_ascii_letter(c: int) -> bool:
    """A to Z or a to z."""
    return 65 <= c <= 90 or 97 <= c <= 122


@njit(cache=True, inline="always")
def is_ascii_alphanumeric(c: int) -> bool:
    """A to Z, a to z or 0 to 9."""
    return is_ascii_letter(c) or 48 <= c <= 57


@njit(cache=True, inline="always")
def breaks_line(c: int) -> bool:
    r"""A sign inside addresses and compounds after which a line may break: / \ - _ . @ & = ? | and dashes."""
    return (
        c == 47 or c == 92 or c == 45 or c == 95 or c == 46 or c == 64 or c == 38 or c == 61 or c == 63 or c == 124
        or 0x2010 <= c <= 0x2015
    )  # fmt: skip


@njit(cache=True, inline="always")
def is_lookalike_script(c: int) -> bool:
    """A letter of a script that has letters looking Latin: Greek, Cyrillic, Armenian; Roman numerals."""
    return 0x0370 <= c <= 0x03FF or 0x0400 <= c <= 0x052F or 0x0531 <= c <= 0x0587 or 0x2160 <= c <= 0x217F


@njit(cache=True, inline="always")
def letter_script(c: int) -> int:
    """0 Greek, 1 Cyrillic, 2 Armenian, 3 Roman numeral: of a letter that `is_lookalike_script` accepts."""
    if c < 0x0400:
        return 0
    if c < 0x0530:
        return 1
    return 2 if c < 0x2160 else 3


def _imitated() -> np.ndarray:
    scripts = np.zeros(128, np.uint8)
    for point in np.flatnonzero(IMITATES):
        # Uncompiled: it is called a hundred times.
        scripts[IMITATES[point]] |= 1 << letter_script.py_func(int(point))
    return scripts


#: For each ASCII letter the scripts (bit `letter_script`) of which some letter imitates it.
IMITATED: Final = _imitated()
