"""The annotator that counts the tokens of each document: what it weighs under the cap.

Tokens of `text.tokenizer`, exactly as that tokenizer gives them; words are counted elsewhere (`word_count`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from provenance.annotators.columns import read_column, string_array
from provenance.annotators.tokens.tokenizer import Tokenizer, load_tokenizer


@dataclass
class Tokens:
    """Adds `token_count` (int32; null where there is no text). `path`: a tokenizer.json; None: the one that ships.

    Raises:
        TokenizerError: where the file cannot be used.
    """

    path: str | None = None
    name: ClassVar[str] = "tokens"
    schema: ClassVar[pa.Schema] = pa.schema([("token_count", pa.int32())])
    version: str = field(init=False)
    tokenizer: Tokenizer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.tokenizer = load_tokenizer(self.path)
        self.version = f"1+{self.tokenizer.sha256[:16]}"

    def setup(self) -> None:
        """Compile the kernel, or let the library start."""
        self.tokenizer.count(string_array(["compile now, not in the first batch"]))

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return `token_count` for the `text` of each row."""
        texts = read_column(batch, "text", pa.large_string())
        counts = self.tokenizer.count(texts)
        return [pa.array(counts, pa.int32(), mask=texts.is_null().to_numpy(zero_copy_only=False))]
