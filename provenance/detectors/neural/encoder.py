"""The second stage that the package brings along: a pretrained encoder, trained here on English, asked where the first is unsure.

Each text is scored by itself on one thread, so neither its neighbours nor the number of workers can change its score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from provenance.detectors.neural.adapter import MOST_CHARACTERS, MOST_TOKENS, load_adapter
from provenance.detectors.neural.pretrained import Pretrained, read_pretrained
from provenance.detectors.neural.scores import NeuralScores
from provenance.detectors.neural.transformer import build_transformer
from provenance.detectors.neural.weights import SCORING

_START, _END, _UNKNOWN = 0, 2, 3  # ids of the special pieces
#: What differs between corpora rather than authors is not read, as in the embedded detector: addresses, marks of lists and
#: headings, footnotes, emphasis, shapes of quotes and dashes, white space.
_IGNORED = (
    (r"https?://\S+|www\.\S+|\S+@\S+\.\S+", " "),
    (r"(?m)^[ \t]*([#>]{1,6}|[-*+•·]|\(?\d{1,2}[.)])[ \t]+", " "),
    (r"\[\d{1,3}\]", " "),
    (r"[*_`|#~=]+", " "),
    ('[“”„«»"]', '"'),
    ("[‘’`´]", "'"),
    ("[‐‑–—―]|--+", "-"),
    (r"\s+", " "),
)


class Encoder:
    """Raises NeuralError where the extra `encoder` is not installed, or other weights than it was trained from."""

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        base, adapter = read_pretrained(), load_adapter()
        self._tokenizer = build_tokenizer(base, adapter.pieces().tolist())
        self._transformer = build_transformer(base, adapter)
        self._threads = ThreadpoolController()

    def score(self, texts: Sequence[str]) -> NeuralScores:
        """The encoder's log odds for each text, of its first 256 tokens."""
        with SCORING, self._threads.limit(limits=1):
            ids = encode_texts(self._tokenizer, texts)
            scores = [self._transformer.logit(row) if len(row) > 2 else np.nan for row in ids]
        return NeuralScores(np.array(scores, np.float64), np.array([len(row) for row in ids], np.int64))


def build_tokenizer(base: Pretrained, pieces: Sequence[int]) -> Any:
    """The compiled tokenizer of the base with these of its pieces; ids count within `pieces`."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    known = [(base.pieces[piece].decode(), float(base.scores[piece])) for piece in pieces]
    tokenizer = Tokenizer(models.Unigram(known, unk_id=_UNKNOWN))
    ignored = [normalizers.Replace(Regex(pattern), put) for pattern, put in _IGNORED]
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), *ignored])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return tokenizer


def encode_texts(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, as cut, between the ids of start and end."""
    found = tokenizer.encode_batch([text[:MOST_CHARACTERS] for text in texts])
    return [[_START, *item.ids[: MOST_TOKENS - 2], _END] for item in found]
