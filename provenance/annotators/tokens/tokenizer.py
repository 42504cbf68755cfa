"""The tokenizer in whose tokens documents are counted: the one that ships, or a user's own `tokenizer.json`.

Read once in a process and known by the digest of its content, which enters the fingerprint and the manifest; a path
never does. A file that cannot be used is refused when the job is set up, before any work.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from provenance.annotators.columns import text_buffers
from provenance.annotators.tokens.counting import Remembering
from provenance.annotators.tokens.encoding import encode
from provenance.annotators.tokens.merging import MOST_MERGES, MOST_TOKENS, Merges, build_merges
from provenance.annotators.tokens.pieces import pattern
from provenance.errors import UsageError

#: Name of the tokenizer that ships (`scripts/train/tokenizer.py` makes it).
DEFAULT_NAME = "provenance-32k"
#: Text handed to the library at once: its encodings take some hundred bytes for each token.
_LIBRARY_BYTES, _LIBRARY_TEXTS = 4 << 20, 256
_GZIP = b"\x1f\x8b"
_ADVICE = (
    "give the path of a tokenizer.json as the `tokenizers` library writes it, or leave text.tokenizer out for the "
    "one that ships"
)

Counter = Callable[[pa.Array], npt.NDArray[np.int64]]
#: Token ids of all texts, int32, and the position behind the last one of each text, int64.
Encoded = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]
Encoder = Callable[[pa.Array], Encoded]


class TokenizerError(UsageError):
    """A tokenizer that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Tokenizer:
    """Counts tokens. `count` takes a string array and gives int64, shape (n,): 0 for null; special tokens are not added.

    `encode` gives the tokens themselves, `specials` the ids of the tokens that stand for no text, by how they are written.
    """

    name: str  # of its file, without the path
    vocabulary: int  # tokens it can tell apart
    sha256: str  # of its JSON text
    compiled: bool  # counted here; else by the `tokenizers` library
    count: Counter = field(repr=False)
    encode: Encoder = field(repr=False)
    specials: Mapping[str, int] = field(default_factory=dict, repr=False)

    def describe(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"name": self.name, "vocabulary": self.vocabulary, "sha256": self.sha256}


def load_tokenizer(path: str | None = None) -> Tokenizer:
    """The tokenizer of a file, of a folder with a tokenizer.json, or the one that ships (None).

    A file may be compressed with gzip. Files that cut text as the shipped one does are counted by the same kernel,
    others by the `tokenizers` library.

    Raises:
        TokenizerError: where there is no such file, it is no tokenizer, or the library is needed and not installed.
    """
    if path is None:
        shipped = files("provenance.annotators.tokens") / "data" / "tokenizer.json.gz"
        return _parse(DEFAULT_NAME, gzip.decompress(shipped.read_bytes()))
    where = Path(path)
    if where.is_dir():
        where = where / "tokenizer.json"
    try:
        data = where.read_bytes()
        data = gzip.decompress(data) if data.startswith(_GZIP) else data
    except (OSError, EOFError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise TokenizerError(f"text.tokenizer: {where}: cannot be read: {why}; {_ADVICE}") from error
    return _parse(where.name, data)


@lru_cache(maxsize=4)
def _parse(name: str, data: bytes) -> Tokenizer:
    try:
        document = json.loads(data)
        vocabulary = document["model"]["vocab"]
        if not vocabulary:
            raise ValueError("its vocabulary is empty")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TokenizerError(f"text.tokenizer: {name}: is not a tokenizer ({error!r}); {_ADVICE}") from error
    digest = hashlib.sha256(data).hexdigest()
    merges = _read_merges(document)
    if merges is not None:
        remembering = Remembering(merges)
        return Tokenizer(
            name,
            len(vocabulary),
            digest,
            True,
            count=lambda texts: remembering.count(*text_buffers(texts)),
            encode=lambda texts: encode(*text_buffers(texts), merges),
        )
    library = _load_library(name, data)
    size = int(library.get_vocab_size(with_added_tokens=True))
    added = {token.content: number for number, token in library.get_added_tokens_decoder().items()}
    return Tokenizer(
        name,
        size,
        digest,
        False,
        count=lambda texts: _count_by_library(texts, library),
        encode=lambda texts: _encode_by_library(texts, library),
        specials=added,
    )


def _read_merges(document: dict[str, Any]) -> Merges | None:
    """The merges of a byte-level tokenizer that cuts text by `pattern` and does nothing else; None for any other."""
    model = document["model"]
    others = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges")
    if model.get("type") != "BPE" or any(model.get(name) for name in others):
        return None
    if document.get("normalizer") or document.get("added_tokens") or not _cuts_by_pattern(document):
        return None
    vocabulary: dict[str, int] = model["vocab"]
    try:
        pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
        ids = [(vocabulary[left], vocabulary[right]) for left, right in pairs]
        made = [vocabulary[left + right] for left, right in pairs]
        byte_ids = [vocabulary[character] for character in byte_characters()]
    except (KeyError, ValueError, AttributeError):
        return None
    if max(vocabulary.values()) >= MOST_TOKENS or len(pairs) > MOST_MERGES:
        return None
    return build_merges(np.array(byte_ids), np.array(ids, np.int64).reshape(-1, 2), np.array(made))


def _cuts_by_pattern(document: dict[str, Any]) -> bool:
    cutting = document.get("pre_tokenizer") or {}
    steps = cutting.get("pretokenizers") or []
    if cutting.get("type") != "Sequence" or [step.get("type") for step in steps] != ["Split", "ByteLevel"]:
        return False
    split, byte_level = steps
    plain = not byte_level.get("add_prefix_space") and byte_level.get("use_regex") is False
    by_pattern = split.get("pattern") == {"Regex": pattern()} and not split.get("invert")
    return plain and by_pattern and split.get("behavior") == "Isolated"


def byte_characters() -> list[str]:
    """The printable character by which a byte-level vocabulary writes each byte (Radford et al. 2019), 256 of them."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    written = {byte: byte for byte in printable} | {byte: 256 + i for i, byte in enumerate(others)}
    return [chr(written[byte]) for byte in range(256)]


def _load_library(name: str, data: bytes) -> Any:
    try:
        import tokenizers
    except ImportError:
        raise TokenizerError(
            f"text.tokenizer: {name}: needs the tokenizers library: pip install 'provenance-pipelines[tokenizer]'"
        ) from None
    try:
        library = tokenizers.Tokenizer.from_str(data.decode())
    except Exception as error:  # the library raises bare Exception for whatever its native code reports
        raise TokenizerError(f"text.tokenizer: {name}: is not a tokenizer ({error}); {_ADVICE}") from error
    library.no_truncation()
    library.no_padding()
    return library


def _count_by_library(texts: pa.Array, library: Any) -> npt.NDArray[np.int64]:
    counts = [np.zeros(0, np.int64)]
    for encodings in _encodings(texts, library):
        counts.append(np.array([len(found) for found in encodings], np.int64))
    return np.concatenate(counts)


def _encode_by_library(texts: pa.Array, library: Any) -> Encoded:
    ids = [np.zeros(0, np.int32)]
    counts = [np.zeros(0, np.int64)]
    for encodings in _encodings(texts, library):
        ids.extend(np.array(found.ids, np.int32) for found in encodings)
        counts.append(np.array([len(found) for found in encodings], np.int64))
    return np.concatenate(ids), np.cumsum(np.concatenate(counts))


def _encodings(texts: pa.Array, library: Any) -> Iterator[list[Any]]:
    """What the library makes of texts, a few of them at a time."""
    _, offsets = text_buffers(texts)
    start, rows = 0, len(offsets) - 1
    while start < rows:
        stop = int(np.searchsorted(offsets, offsets[start] + _LIBRARY_BYTES, "right")) - 1
        stop = min(max(stop, start + 1), start + _LIBRARY_TEXTS, rows)
        chunk = [text or "" for text in texts.slice(start, stop - start).to_pylist()]
        yield library.encode_batch_fast(chunk, add_special_tokens=False)
        start = stop
