"""The watermarked page of the demo crawl: a text with alternatives, among which a KGW key chose.

As a marked model does, each choice prefers words on the green list of the word before. The key is in watermark.yaml
beside the crawl, with the tokenizer of a made-up model that knows the words of the crawl.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np

from provenance.annotators.watermarks.kgw import Kgw

_TEXTS = Path(__file__).resolve().parent / "demo"
KEY = 20_240_607
UNKNOWN = "[UNK]"
#: Words of the crawl that the model knows besides those of its own text.
_COMMON_WORDS = 1_500
_WORD = re.compile(r"\w+|[^\w\s]+")


def vocabulary() -> dict[str, int]:
    """The words of the model and their ids."""
    counts: Counter[str] = Counter()
    for name in ("machine.txt", "passages.jsonl"):
        for line in (_TEXTS / name).read_text(encoding="utf-8").splitlines():
            counts.update(words_of(json.loads(line)["text"] if line.startswith("{") else line))
    common = sorted(counts, key=lambda word: (-counts[word], word))[:_COMMON_WORDS]
    own = words_of((_TEXTS / "marked.txt").read_text(encoding="utf-8"))
    return {word: number for number, word in enumerate([UNKNOWN, *sorted({*common, *own})])}


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def tokenizer() -> str:
    """The model's tokenizer.json."""
    return json.dumps(
        {
            "version": "1.0",
            "added_tokens": [],
            "normalizer": {"type": "Lowercase"},
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": vocabulary(), "unk_token": UNKNOWN},
        },
        ensure_ascii=False,
    )


def marked_text() -> list[str]:
    """The sentences of demo/marked.txt, of each the variant with most green words."""
    ids = vocabulary()
    scheme = Kgw(vocab_size=len(ids), hashing_key=KEY)
    sentences: list[str] = []
    for line in (_TEXTS / "marked.txt").read_text(encoding="utf-8").splitlines():
        parts = [part.split("|") for part in re.split(r"[{}]", line)]
        before = ids[words_of(sentences[-1])[-1]] if sentences else 0
        best = ""
        for bound in range(0, len(parts), 6):  # some choices at a time: all at once are too many
            variants = ["".join(choice) for choice in itertools.product([best], *parts[bound : bound + 6])]
            rows = [[before, *(ids[word] for word in words_of(variant))] for variant in variants]
            offsets = np.cumsum([0, *map(len, rows)])
            green = scheme.marks(np.concatenate(rows), offsets).value > 0
            best = variants[
                int(np.argmax(np.add.reduceat(green.astype(float), offsets[:-1]) / np.diff(offsets)))
            ]
        sentences.append(best)
    return sentences
