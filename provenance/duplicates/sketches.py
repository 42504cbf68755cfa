"""What deduplication knows of documents: addresses, signatures, digests, and how they are cut in blocks.

A document's address is shard << 40 | row (uint64); a block is a range of addresses small enough that one
task can hold its signatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

ROW_BITS = 40
_BASE32 = np.zeros(256, np.uint8)
_BASE32[np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", np.uint8)] = np.arange(32)
SHINGLED, DIGESTED, PAYLOAD = 1, 2, 4


def addresses(shard: int, first_row: int, rows: int) -> U64:
    """Addresses of consecutive rows of one shard (uint64[rows])."""
    if not (0 <= shard < 1 << 24 and first_row >= 0 and first_row + rows <= 1 << ROW_BITS):
        raise ValueError(f"no address for shard {shard}, rows {first_row} to {first_row + rows}")
    return np.arange(rows, dtype=np.uint64) + np.uint64(shard << ROW_BITS | first_row)


class Compared(NamedTuple):
    """What a comparison of documents needs, as the kernels take it; see `Sketches`."""

    flags: npt.NDArray[np.uint8]
    digests: U64
    signatures: U32


@dataclass(frozen=True)
class Sketches:
    """Documents of one block by ascending address, parallel arrays of n rows.

    `flags` says which of `signatures` (SHINGLED) and `digests` a document has: of its text (DIGESTED, the first two
    columns) and, where payloads were asked for, of its payload (PAYLOAD, the other two).
    """

    addresses: U64  # [n]
    flags: npt.NDArray[np.uint8]  # [n]
    digests: U64  # [n, 2 or 4]
    signatures: U32  # [n, permutations]

    def __len__(self) -> int:
        return len(self.addresses)

    @property
    def compared(self) -> Compared:
        """The arrays by which documents are compared, to be read only: what comes from scratch files is, and one type of array is one kernel."""
        return Compared(*(read_only(array) for array in (self.flags, self.digests, self.signatures)))

    def take(self, rows: npt.NDArray[np.intp]) -> Sketches:
        """The documents at `rows`."""
        return Sketches(self.addresses[rows], self.flags[rows], self.digests[rows], self.signatures[rows])

    def holds(self, addresses: U64) -> bool:
        """Whether all these documents are here."""
        rows = np.searchsorted(self.addresses, addresses)
        return bool(len(self)) and bool((self.addresses.take(rows, mode="clip") == addresses).all())

    def rows_of(self, addresses: U64) -> npt.NDArray[np.intp]:
        """Rows of the given addresses. Raises KeyError if one is not here."""
        rows = np.searchsorted(self.addresses, addresses)
        if len(addresses) and (not len(self) or np.any(self.addresses.take(rows, mode="clip") != addresses)):
            raise KeyError("an address is not in this block: were the shards changed under the job?")
        return rows


def sketches(
    where: U64,
    minhash: pa.FixedSizeListArray,
    digest: pa.FixedSizeBinaryArray,
    payloads: tuple[U64, npt.NDArray[np.bool_]] | None = None,
) -> Sketches:
    """From the columns `minhash` and `text_digest` of an annotated shard (chunked arrays also) to arrays.

    `where` are the rows' addresses; `payloads` the digests of payloads (uint64[n, 2]) and which rows have one. Rows with
    none of them (failed records) are left out.
    """
    if isinstance(minhash, pa.ChunkedArray):
        minhash = minhash.combine_chunks()
    if isinstance(digest, pa.ChunkedArray):
        digest = digest.combine_chunks()
    width = minhash.type.list_size
    shingled = minhash.is_valid().to_numpy(zero_copy_only=False)
    digested = digest.is_valid().to_numpy(zero_copy_only=False)
    values = minhash.values.slice(minhash.offset * width, len(minhash) * width)
    signatures = values.fill_null(0).to_numpy().reshape(-1, width) if values.null_count else values.to_numpy()
    buffer = digest.buffers()[1]
    digests = np.frombuffer(buffer, "<u8")[2 * digest.offset : 2 * (digest.offset + len(digest))]
    digests = digests.reshape(-1, 2)
    flags = (shingled * SHINGLED + digested * DIGESTED).astype(np.uint8)
    if payloads is not None:
        digests = np.column_stack([digests, payloads[0]])
        flags |= (payloads[1] * PAYLOAD).astype(np.uint8)
    found = Sketches(where, flags, digests, signatures.reshape(-1, width))
    # Signatures are half a kilobyte each: they are copied only where something is left out.
    return found if flags.all() else found.take(np.flatnonzero(flags))


def payload_digests(column: pa.ChunkedArray | pa.Array) -> tuple[U64, npt.NDArray[np.bool_]]:
    """The first 16 bytes of SHA-1 digests written `sha1:BASE32` (uint64[n, 2]), and which rows have one."""
    texts = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    texts = pc.replace_substring_regex(texts, "^sha1:", "")
    known = np.asarray(pc.match_substring_regex(texts, "^[A-Z2-7]{32}$").fill_null(False))
    letters = np.frombuffer("".join(texts.filter(pa.array(known)).to_pylist()).encode(), np.uint8)
    fives = _BASE32[letters].reshape(-1, 4, 8)
    # Eight letters of five bits are five bytes: forty bits of one integer.
    whole = (fives.astype(np.uint64) << (np.uint64(5) * np.arange(7, -1, -1, dtype=np.uint64))).sum(2)
    octets = (whole[:, :, None] >> (np.uint64(8) * np.arange(4, -1, -1, dtype=np.uint64))).astype(np.uint8)
    digests = np.zeros((len(known), 2), np.uint64)
    digests[known] = np.ascontiguousarray(octets.reshape(-1, 20)[:, :16]).view("<u8")
    return digests, known


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same array, not to be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def concatenate(parts: Sequence[Sketches], permutations: int) -> Sketches:
    """One block of several shards' sketches, given in ascending order of address."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        nothing = np.empty(0, np.uint64)
        empty = np.empty((0, permutations), np.uint32)
        return Sketches(nothing, np.empty(0, np.uint8), nothing.reshape(0, 2), empty)
    return Sketches(
        np.concatenate([p.addresses for p in parts]),
        np.concatenate([p.flags for p in parts]),
        np.concatenate([p.digests for p in parts]),
        np.concatenate([p.signatures for p in parts]),
    )


@numba.njit(cache=True, nogil=True)
def equal_share(left: Compared, x: int, right: Compared, y: int) -> np.float32:
    """Estimated similarity of document x of `left` and document y of `right`.

    The share of equal signature positions (datasketch's `jaccard`); 1 if the digests are equal, and only then:
    texts that differ and whose signatures do not are half a position apart; 0 if there is nothing to compare. Payloads
    are compared where of one of the two nothing else is known.
    """
    both = left.flags[x] & right.flags[y]
    if (
        both & DIGESTED
        and left.digests[x, 0] == right.digests[y, 0]
        and left.digests[x, 1] == right.digests[y, 1]
    ):
        return np.float32(1)
    if both == PAYLOAD:
        equal_payload = (
            left.digests[x, 2] == right.digests[y, 2] and left.digests[x, 3] == right.digests[y, 3]
        )
        return np.float32(1) if equal_payload else np.float32(0)
    if not both & SHINGLED:
        return np.float32(0)
    equal = 0
    width = left.signatures.shape[1]
    for k in range(width):
        equal += left.signatures[x, k] == right.signatures[y, k]
    return np.float32(min(equal, width - 0.5) / width)


@numba.njit(cache=True, nogil=True)
def _equal_shares(left: Compared, left_rows: I64, right: Compared, right_rows: I64) -> F32:
    result = np.empty(left_rows.size, np.float32)
    for i in range(left_rows.size):
        result[i] = equal_share(left, left_rows[i], right, right_rows[i])
    return result


def similarity(
    left: Sketches, left_rows: npt.NDArray[np.intp], right: Sketches, right_rows: npt.NDArray[np.intp]
) -> F32:
    """`equal_share` of pairs of documents (float32[pairs])."""
    rows = np.asarray(left_rows, np.int64), np.asarray(right_rows, np.int64)
    return np.asarray(_equal_shares(left.compared, rows[0], right.compared, rows[1]))


#: Rows of a block of a small corpus: 4 MB of signatures.
BLOCK_ROWS = 8_192
#: Bytes of (key, address) pairs of a partition of it.
PARTITION_BYTES = 4 << 20
#: Blocks and partitions are so large that there are at most about so many of each.
MOST_BLOCKS = 4_096
#: From here on they grow with the square root, so a million documents have blocks of 32,768 rows and 5,600 calls to a store
#: for all pieces; with blocks of 8,192 there were 49,000, three in four of all calls that deduplicating made (`bench scale`).
_UNGROWN = 62_500
#: They stop at 262,144 rows (134 MB of signatures) until there would be more than `MOST_BLOCKS` of them.
_MOST_BY_ROOT = 32


def growth(documents: int) -> float:
    """How many times larger blocks and partitions are than those of a small corpus.

    A shuffle has blocks x partitions pieces, each of which a store is asked for: by the square root there are as many for
    each document at any size, up to 64 million documents; beyond 10^9 documents as many at all.
    """
    by_root = min(np.sqrt(documents / _UNGROWN), _MOST_BY_ROOT)
    return float(max(1, by_root, documents / (MOST_BLOCKS * BLOCK_ROWS)))


def block_rows_for(documents: int) -> int:
    """Rows of a block: few enough to hold their signatures."""
    return int(BLOCK_ROWS * growth(documents))


@dataclass(frozen=True)
class Blocks:
    """Consecutive ranges of addresses that cover all rows of all shards.

    `rows[s]` is the number of rows of shard s; block i holds about `block_rows` of them and may span
    several small shards or a part of a large one. Entries of indexes of earlier documents (`beyond`, by index) have the
    addresses of the shards that would follow, and blocks of their own behind all others.
    """

    rows: tuple[int, ...]
    block_rows: int = BLOCK_ROWS
    beyond: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.block_rows < 1:
            raise ValueError("block_rows must be at least 1")
        total = sum(self.rows)
        before = np.concatenate([[0], np.cumsum(self.rows, dtype=np.int64)])
        positions = np.arange(0, total, self.block_rows, dtype=np.int64)
        shard = np.searchsorted(before, positions, "right") - 1
        starts = shard.astype(np.uint64) << np.uint64(ROW_BITS) | (positions - before[shard]).astype(
            np.uint64
        )
        object.__setattr__(self, "_before", before)
        object.__setattr__(self, "_starts", starts)

    def __len__(self) -> int:
        return -(-sum(self.rows) // self.block_rows)

    @property
    def end(self) -> np.uint64:
        """The first address that is no row of a shard."""
        return np.uint64(len(self.rows) << ROW_BITS)

    def of(self, where: U64) -> npt.NDArray[np.intp]:
        """The blocks in which addresses lie (ints[n])."""
        starts: U64 = object.__getattribute__(self, "_starts")
        found = np.searchsorted(starts, where, "right") - 1
        outside = where >= self.end
        if self.beyond and outside.any():
            blocks = [-(-entries // self.block_rows) for entries in self.beyond]
            first = len(self) + np.concatenate([[0], np.cumsum(blocks)])
            number = (where[outside] - self.end) >> np.uint64(ROW_BITS)
            row = where[outside] & np.uint64((1 << ROW_BITS) - 1)
            found[outside] = first[number.astype(np.intp)] + (row // np.uint64(self.block_rows)).astype(
                np.intp
            )
        return found

    def spans(self, block: int) -> list[tuple[int, int, int]]:
        """(shard, first row, rows) of the parts of a block, ascending."""
        before: npt.NDArray[np.int64] = object.__getattribute__(self, "_before")
        start, stop = block * self.block_rows, min((block + 1) * self.block_rows, int(before[-1]))
        shard = int(np.searchsorted(before, start, "right")) - 1
        spans: list[tuple[int, int, int]] = []
        while start < stop:
            end = min(stop, int(before[shard + 1]))
            if end > start:
                spans.append((shard, start - int(before[shard]), end - start))
            start, shard = max(start, end), shard + 1
        return spans
