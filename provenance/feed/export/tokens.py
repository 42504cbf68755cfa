"""Token ids as Megatron reads them: `.bin` and `.idx` for each shard, with a token behind each document.

The index is the documented MMIDIDX of Megatron-LM (`megatron/core/datasets/indexed_dataset.py`): magic, version 1, a code for the
type, numbers of sequences and of document ends; then lengths (int32), places in bytes (int64) and document ends (int64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.tokens import Tokenizer, TokenizerError, load_tokenizer
from provenance.errors import UsageError
from provenance.feed.export.plan import Settings, Shard
from provenance.feed.release import FeedError, OpenRelease

_MAGIC = b"MMIDIDX\x00\x00"
#: Codes of types in the index.
_CODES = {"uint16": 8, "int32": 4}
#: How tokenizers write the token behind a document, the most specific first.
_ENDS = ("<|endoftext|>", "<|end_of_text|>", "<eos>", "</s>", "<|eos|>", "[EOS]", "<|im_end|>", "[SEP]")
#: Text that is turned into tokens at a time, in rows.
_ROWS = 1_000


@dataclass
class Tokens:
    """Shards of tokens: a sequence for each document, or with `sequence` sequences of that length.

    Documents follow each other in packed sequences without regard to their ends, which lie in `….documents.npy` beside: int64, the position
    behind each document's last token, its end token included. Only the last sequence of a shard is filled up, with end tokens.
    """

    release: OpenRelease
    tokenizer: Tokenizer
    end: int  # id of the token behind each document
    vocabulary: int  # that a model needs: the tokenizer's and, where it has none, the end token
    sequence: int | None = None
    shard_bytes: ClassVar[int] = 256 << 20
    kind: str = field(init=False)

    def __post_init__(self) -> None:
        self.kind = "uint16" if self.vocabulary <= 1 << 16 else "int32"

    def describe(self) -> dict[str, Any]:
        return {
            "tokenizer": self.tokenizer.describe(),
            "end_of_document": self.end,
            "vocabulary": self.vocabulary,
            "type": self.kind,
        }

    def write(self, shard: Shard, folder: Path) -> dict[str, Any]:
        lengths = []
        with (folder / shard.name("bin")).open("wb") as file:
            for table in shard.tables(self.release):
                for ids, sizes in self._documents(table):
                    file.write(ids.astype(self.kind).tobytes())
                    lengths.append(sizes)
            documents = np.concatenate(lengths)
            total = int(documents.sum())
            if self.sequence is not None:
                filling = -total % self.sequence
                file.write(np.full(filling, self.end, self.kind).tobytes())
                np.save(folder / shard.name("documents.npy"), np.cumsum(documents))
                documents = np.full((total + filling) // self.sequence, self.sequence, np.int64)
        (folder / shard.name("idx")).write_bytes(_index(documents, self.kind))
        return {"tokens": total - shard.documents}

    def finish(self, folder: Path, notes: list[dict[str, Any]]) -> None:
        """Check that tokens are those that the release counted.

        Raises:
            FeedError: where they are not.
        """
        if "token_count" not in self.release.columns:
            return
        found = sum(note["tokens"] for note in notes)
        counted = sum(
            int(self.release.read(block, ["token_count"])["token_count"].to_numpy().sum())
            for block in range(len(self.release.blocks))
        )
        if found != counted:
            raise FeedError(
                f"{self.release.place}: its texts have {found:,} tokens, its rows say {counted:,}"
            )

    def _documents(self, table: pa.Table) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        """Tokens of some documents at a time, each with its end, and how many each has."""
        column = table["text"].cast(pa.large_string())
        for start in range(0, len(column), _ROWS):
            texts = pa.concat_arrays(column.slice(start, _ROWS).chunks)
            ids, ends = self.tokenizer.encode(texts)
            yield np.insert(ids, ends, self.end), np.diff(ends, prepend=0) + 1


def open_tokens(release: OpenRelease, settings: Settings, manifest: dict[str, Any]) -> Tokens:
    """The writer for a release, with the tokenizer that was asked for.

    Raises:
        UsageError: where the tokenizer is not there, is another than that in which the release was counted, or has no such end token.
    """
    try:
        tokenizer = load_tokenizer(settings.tokenizer)
    except TokenizerError as error:
        raise UsageError(str(error).replace("text.tokenizer", "--tokenizer")) from error
    counted = manifest.get("tokenizer") or {}
    same = counted.get("sha256") == tokenizer.sha256
    if not same and not settings.another_tokenizer:
        raise UsageError(
            f"{release.place}: was counted by {counted.get('name')} ({counted.get('vocabulary', 0):,} tokens, sha256 "
            f"{str(counted.get('sha256'))[:16]}), not by {tokenizer.name} ({tokenizer.vocabulary:,} tokens, sha256 {tokenizer.sha256[:16]}): "
            "its cap and shares hold in tokens of the former; give that with --tokenizer, or --another-tokenizer to take this one all the same"
        )
    end, vocabulary = _end_of(tokenizer, settings.end)
    return Tokens(release, tokenizer, end=end, vocabulary=vocabulary, sequence=settings.sequence)


def _end_of(tokenizer: Tokenizer, asked: str | None) -> tuple[int, int]:
    """Id of the token behind each document, and the vocabulary with it."""
    if asked is not None and asked not in tokenizer.specials:
        there = ", ".join(sorted(tokenizer.specials)[:10]) or "none"
        raise UsageError(f"--end {asked}: {tokenizer.name} has no such special token; it has {there}")
    names = [asked] if asked is not None else [name for name in _ENDS if name in tokenizer.specials]
    if names:
        # Ids can have gaps, and special ones lie beyond the size of some vocabularies.
        return tokenizer.specials[names[0]], max(tokenizer.vocabulary, 1 + max(tokenizer.specials.values()))
    return tokenizer.vocabulary, tokenizer.vocabulary + 1


def _index(lengths: NDArray[np.int64], kind: str) -> bytes:
    """The index of sequences of these lengths, each of them a document."""
    places = np.zeros(len(lengths), np.int64)
    np.cumsum(lengths[:-1] * np.dtype(kind).itemsize, out=places[1:])
    head = struct.pack("<QBQQ", 1, _CODES[kind], len(lengths), len(lengths) + 1)
    ends = np.arange(len(lengths) + 1, dtype=np.int64)
    return b"".join([_MAGIC, head, lengths.astype("<i4").tobytes(), places.tobytes(), ends.tobytes()])
