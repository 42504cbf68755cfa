"""One text searched for watermarks: which are tried, and for each where its evidence stands and how strong it is."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from provenance.annotators.watermarks.catalogue import registered_schemes
from provenance.annotators.watermarks.config import WatermarkConfig, published_defaults
from provenance.annotators.watermarks.detect import detect
from provenance.annotators.watermarks.null import sidak
from provenance.annotators.watermarks.ragged import I64
from provenance.annotators.watermarks.scheme import Scheme
from provenance.annotators.watermarks.shared import ENOUGH
from provenance.annotators.watermarks.tokenizers import TOKEN_IDS, Tokenizer
from provenance.errors import DataError, UsageError
from provenance.files.settings import read_settings

#: Documents beside the text that are read.
_OTHERS = 5000


@dataclass(frozen=True)
class MarkChoice:
    """Which watermarks to try: those of a configuration file, one scheme, or the published defaults.

    Attributes:
        config: YAML file with a `watermarks` section; alone.
        tokenizer: of the marked model.
        scheme: one scheme in place of the defaults.
        parameters: its parameters as a JSON object.
        vocab_size: the model's vocabulary, where it is not the tokenizer's.
        token_ids: whether the text is a list of token ids.
    """

    config: Path | None = None
    tokenizer: str | None = None
    scheme: str | None = None
    parameters: str | None = None
    vocab_size: int | None = None
    token_ids: bool = False


class _Read(NamedTuple):
    """What one tokenizer makes of the text and of the documents beside it."""

    ids: I64
    spans: list[tuple[int, int]]
    vocab_size: int | None
    others: list[I64]


def search_text(
    text: str, name: str, marks: Sequence[WatermarkConfig], token_ids: bool, among: Sequence[str]
) -> list[dict[str, Any]]:
    """One row for each mark: z, p, p corrected for all that are tried, tokens, and where the evidence stands.

    `name` is for messages; `among` are documents beside the text, whose common tokens are no evidence.

    Raises:
        DataError: where `token_ids` are none.
    """
    read: dict[str, _Read] = {}
    for tokenizer in sorted({mark.tokenizer for mark in marks}):
        read[tokenizer] = (
            _Read(_token_ids(text, name), [], None, []) if token_ids else _read(text, tokenizer, among)
        )
    return [_row(mark, read[mark.tokenizer], len(marks)) for mark in marks]


def _read(text: str, name: str, among: Sequence[str]) -> _Read:
    tokenizer = Tokenizer(name)
    tokens, offsets = tokenizer.encode(among)
    others = [tokens[start:end] for start, end in pairwise(offsets.tolist())]
    ids, spans = tokenizer.encode_with_spans(text)
    return _Read(ids, spans, tokenizer.vocab_size, others)


def read_marks(wanted: MarkChoice) -> list[WatermarkConfig]:
    """The watermarks to try.

    Raises:
        UsageError: where what is wanted does not fit together; ValidationError where parameters are wrong.
    """
    if wanted.config is not None:
        if wanted.scheme or wanted.tokenizer or wanted.parameters:
            raise UsageError("--config names schemes, tokenizers and parameters: give it alone")
        section = read_settings(wanted.config).get("watermarks")
        if not isinstance(section, list) or not section:
            raise UsageError(f"{wanted.config}: no entries under `watermarks`")
        return [WatermarkConfig.model_validate(entry) for entry in section]
    if wanted.tokenizer is None and not wanted.token_ids:
        raise UsageError("say which tokenizer the marked model used: --tokenizer PATH or hub id, or --config")
    if wanted.token_ids and wanted.vocab_size is None and not wanted.scheme:
        raise UsageError("--token-ids needs --vocab-size, the vocabulary of the model")
    tokenizer = wanted.tokenizer or TOKEN_IDS
    if not wanted.scheme:
        if wanted.parameters:
            raise UsageError("--parameters are of one --scheme")
        return published_defaults(tokenizer, wanted.vocab_size)
    try:
        parameters = json.loads(wanted.parameters or "{}")
    except ValueError as error:
        raise UsageError(f"--parameters is not JSON: {error}") from None
    if not isinstance(parameters, dict):
        raise UsageError("--parameters must be a JSON object")
    scheme = registered_schemes().get(wanted.scheme)
    if wanted.vocab_size is not None and scheme is not None and "vocab_size" in scheme.model_fields:
        parameters.setdefault("vocab_size", wanted.vocab_size)
    return [
        WatermarkConfig(name=wanted.scheme, scheme=wanted.scheme, tokenizer=tokenizer, parameters=parameters)
    ]


def _scheme(config: WatermarkConfig, vocab_size: int | None) -> Scheme:
    needs_size = "vocab_size" in registered_schemes()[config.scheme].model_fields
    if vocab_size is None and needs_size and "vocab_size" not in config.parameters:
        raise UsageError(f"watermark {config.name!r} needs vocab_size, as token ids do not tell it")
    return config.build(vocab_size or 2)


def _token_ids(text: str, name: str) -> I64:
    words = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
    try:
        return np.array([int(word) for word in words], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{name}: not a list of token ids ({error})") from None


def read_documents(path: Path) -> list[str]:
    """The documents of `path`, at most 5,000, one a line: plain text, or JSON objects with `text`.

    Raises:
        DataError: where a line is none, or they are too few to compare with.
    """
    documents: list[str] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if path.suffix == ".jsonl":
                try:
                    line = str(json.loads(line)["text"])
                except (ValueError, KeyError, TypeError):
                    raise DataError(f"{path}: line {number} is not a JSON object with `text`") from None
            documents.append(line)
            if len(documents) == _OTHERS:
                break
    if len(documents) < ENOUGH:
        raise DataError(
            f"{path}: {len(documents)} documents are too few to compare with; give {ENOUGH} or more"
        )
    return documents


def _row(config: WatermarkConfig, read: _Read, tried: int) -> dict[str, Any]:
    spans = read.spans
    scheme = _scheme(config, read.vocab_size)
    found = detect(read.ids, scheme, read.others)
    # evidence: the coins that fell on the watermark's side of what an unmarked text gives
    telling = found.positions[found.values > scheme.expected_value]
    return {
        "name": config.name,
        "scheme": config.scheme,
        "key": scheme.key,
        "z": found.z if math.isfinite(found.z) else None,
        "score": found.score if math.isfinite(found.score) else None,
        "p_value": found.p_value,
        "p_corrected": float(sidak(found.p_value, tried)),
        "scored": found.scored,
        "tokens": found.tokens,
        "judged": found.tokens >= scheme.min_tokens,
        "positions": telling.tolist(),
        "characters": [spans[k] for k in telling] if spans else [],
    }
