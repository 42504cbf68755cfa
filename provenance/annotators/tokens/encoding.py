"""Token ids straight from the Arrow text buffer: the merges of `counting`, written down instead of counted.

Equal to the `tokenizers` library for the same file; a call keeps nothing for the next one.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from provenance.annotators.hashing import hash_bytes
from provenance.annotators.tokens.merging import Merges, merge, scratch
from provenance.annotators.tokens.pieces import Text, character_classes, piece_end

#: Pieces that one call remembers, by slot: where the piece last stood in the text and its tokens in the result.
_SLOTS = 1 << 15


@numba.njit(cache=True, nogil=True)
def _encode(data, offsets, classes, merges, scratch, ends):  # type: ignore[no-untyped-def]
    """Tokens of all rows; `ends` is filled with the position behind each row's last."""
    ids = np.empty(offsets[-1] - offsets[0], np.int32)
    known_at = np.zeros(_SLOTS, np.int64)
    known_bytes = np.zeros(_SLOTS, np.int64)
    known_ids = np.zeros(_SLOTS, np.int64)
    known_tokens = np.zeros(_SLOTS, np.int64)
    written = 0
    for row in range(len(ends)):
        at, stop = offsets[row], offsets[row + 1]
        text = Text(data, stop, classes)
        while at < stop:
            end = piece_end(text, at)
            size = end - at
            value = hash_bytes(data, at, end)
            slot = (value ^ value >> np.uint64(32)) & np.uint64(_SLOTS - 1)
            same = known_bytes[slot] == size
            if same:
                for i in range(size):
                    if data[known_at[slot] + i] != data[at + i]:
                        same = False
                        break
            if same:
                count = known_tokens[slot]
                for i in range(count):
                    ids[written + i] = ids[known_ids[slot] + i]
            else:
                count = np.int64(merge(data, at, end, merges, scratch))
                place = 1
                for i in range(count):
                    ids[written + i] = scratch.tokens[place]
                    place = scratch.after[place]
                known_at[slot], known_bytes[slot] = at, size
                known_ids[slot], known_tokens[slot] = written, count
            written += count
            at = end
        ends[row] = written
    return ids[:written].copy()


def encode(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], merges: Merges
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Tokens of the texts data[offsets[i]:offsets[i + 1]] (UTF-8 bytes), one after the other, and the end of each, shape (n,).

    Takes four bytes of memory for each byte of text: no token is shorter than one.
    """
    ends = np.zeros(len(offsets) - 1, np.int64)
    return _encode(data, offsets, character_classes(), merges, scratch=scratch(), ends=ends), ends
