"""Words that mix Latin letters with letters of other scripts which look Latin (UTS 39).

Greek symbols in Latin words, foreign endings on Latin names and slips of the keyboard are no imitation.
"""

from __future__ import annotations

from typing import Final

from numba import njit

from provenance.annotators.marks.scripts import (
    IMITATED,
    IMITATES,
    is_ascii_letter,
    is_lookalike_script,
    letter_script,
)
from provenance.annotators.marks.utf8 import Text, back, decode

#: Bytes looked at on each side for the rest of a mixed word.
WORD_REACH: Final = 128
#: What `mixed_word` finds: a Latin word with imitations, a word of another script with Latin imitations.
IMITATION: Final = 1
REVERSE: Final = 2


@njit(cache=True)
def mixed_word(text: Text, i: int) -> tuple[int, int, int]:
    """The word around byte `i`: its first byte, the byte after it, and IMITATION, REVERSE or 0."""
    data, start, end = text
    first = i
    while first > start and i - first < WORD_REACH:
        at = back(data, first, start)
        c, _ = decode(data, at, end)
        if not (is_ascii_letter(c) or is_lookalike_script(c) or 0xC0 <= c <= 0x24F):
            break
        first = at
    latin, plain, imitations, foreign, inside = 0, 0, 0, 0, 0
    waiting, script, ours = 0, 0, 15
    last = first
    while last < end and last - i < WORD_REACH:
        c, step = decode(data, last, end)
        if is_ascii_letter(c):
            latin += 1
            plain += IMITATED[c] == 0
            ours &= IMITATED[c]
            inside += waiting
            waiting = 0
        elif 0xC0 <= c <= 0x24F:
            latin += 1
            plain += 1
            ours = 0
            inside += waiting
            waiting = 0
        elif is_lookalike_script(c):
            if IMITATES[c] > 0:
                imitations += 1
                waiting += 1
            else:
                foreign += 1
                script = letter_script(c)
        else:
            break
        last = step
    # a foreign ending on a Latin name (as Russian writes cases) is not an imitation: a Latin letter must follow it
    if foreign == 0 and inside > 0 and (imitations > 1 or latin >= 2):
        return first, last, IMITATION
    # every Latin letter must imitate one of the word's own script
    if foreign > 0 and ours >> script & 1 and latin > 0 and imitations + foreign > latin:
        return first, last, REVERSE
    return first, last, 0
