"""Text to token ids by the tokenizer that the marked model used, many documents at a time.

Needs the `tokenizers` library (extra `tokenizer`), imported on first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from provenance.annotators.tokens.tokenizer import TokenizerError
from provenance.annotators.watermarks.ragged import I64

#: Stands for a tokenizer where token ids are given.
TOKEN_IDS = "token ids"
#: Longest text that is tokenised, in characters: more adds nothing to a verdict and costs without bound.
MAX_CHARACTERS = 1_000_000


def need_library() -> None:
    """Raises TokenizerError where the library is not installed."""
    if find_spec("tokenizers") is None:
        raise TokenizerError(
            "reading watermarks needs the tokenizers library: pip install 'provenance-pipelines[tokenizer]'"
        )


def _is_path(name: str) -> bool:
    """Whether a name can be no hub id (`name` or `owner/name`): nobody is to wait for the hub then."""
    return name.endswith(".json") or name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name


class Tokenizer:
    """One tokenizer, by the path of its tokenizer.json or by hub id."""

    def __init__(self, name: str) -> None:
        need_library()
        import tokenizers

        path = Path(name)
        try:
            if path.is_dir():
                path = path / "tokenizer.json"
            if not path.exists() and _is_path(name):
                raise TokenizerError(f"tokenizer {name!r}: no such file")
            self._tokenizer: Any = (
                tokenizers.Tokenizer.from_file(str(path))
                if path.exists()
                else tokenizers.Tokenizer.from_pretrained(name)
            )
        except TokenizerError:
            raise
        except Exception as error:  # the library raises bare Exception for whatever its native code reports
            raise TokenizerError(
                f"tokenizer {name!r}: not a readable tokenizer.json, and not on the hub ({error})"
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.name = name

    @property
    def vocab_size(self) -> int:
        """Ids the tokenizer can produce, added tokens included; the model's vocabulary may be padded beyond."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, texts: Sequence[str]) -> tuple[I64, I64]:
        """Token ids without special tokens, as (tokens, offsets); texts are cut after `MAX_CHARACTERS`."""
        encode = getattr(self._tokenizer, "encode_batch_fast", self._tokenizer.encode_batch)
        parts: list[I64] = []
        lengths = np.zeros(len(texts) + 1, np.int64)
        for start in range(0, len(texts), 256):  # bounds the library's encodings held at once
            cut = [text[:MAX_CHARACTERS] for text in texts[start : start + 256]]
            for k, encoding in enumerate(encode(cut, add_special_tokens=False)):
                ids = np.asarray(encoding.ids, dtype=np.int64)
                parts.append(ids)
                lengths[start + k + 1] = len(ids)
        tokens = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        return tokens, np.cumsum(lengths)

    def encode_with_spans(self, text: str) -> tuple[I64, list[tuple[int, int]]]:
        """Token ids of one text and the characters [start, end) that each token covers."""
        encoding = self._tokenizer.encode(text[:MAX_CHARACTERS], add_special_tokens=False)
        return np.asarray(encoding.ids, dtype=np.int64), [(int(a), int(b)) for a, b in encoding.offsets]
