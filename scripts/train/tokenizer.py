#!/usr/bin/env python3
"""Train the tokenizer that ships, from the labelled multilingual corpus: same corpus, same bytes.

Byte-level byte-pair encoding over the pieces of `provenance.annotators.tokens.pieces`. Languages are balanced by
bytes, and the characters of living scripts are put in by themselves, so that none of them costs more than one token.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import xxhash

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one thread: nothing depends on their number
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from provenance.annotators.tokens.pieces import pattern

#: Most bytes of text of one language: English has 81 MB, the next language 4.5 MB. With 6 MB of it a word of English takes
#: 1.51 tokens, with 12 MB 1.45, and the other languages lose 1% at most.
MOST_BYTES = 12_000_000
#: A language with less than this is read again, up to so many times: else its words lose against every other's.
FEW_BYTES, MOST_TIMES = 600_000, 4
#: Blocks whose characters are put in by themselves (first and last code point), and how often.
CHARACTERS = (
    (0x00A0, 0x017F), (0x0370, 0x03FF), (0x0400, 0x045F), (0x0490, 0x04F9), (0x0531, 0x058A), (0x05B0, 0x05EA),
    (0x060C, 0x06D5), (0x06F0, 0x06F9), (0x0901, 0x0DF4), (0x0E01, 0x0EDD), (0x1000, 0x104F), (0x10D0, 0x10FB),
    (0x1200, 0x1368), (0x1780, 0x17E9), (0x1EA0, 0x1EF9), (0x2010, 0x203A), (0x20A0, 0x20BF), (0x2190, 0x2193),
    (0x3001, 0x30FF), (0xFF01, 0xFF5E),
)  # fmt: skip
#: What web pages hold and the corpus, which was cleaned of it, does not: rows of one character, addresses, layout.
ROWS, LONGEST_ROW = "-=_*.#~+–—•·…!?", 16
LAYOUT = (
    "https://www.", "http://", "https", "http", "www", ".com", ".org", ".net", ".html", ".htm", ".php", ".pdf", ".jpg", "?id",
    " | ", " » ", " « ", " • ", " · ", " © ", " > ", " / ", " & ", " – ", " — ", "),\n", ").\n", ".\n\n", ":\n", ",\n", ".\n", "?\n",
    "!\n", "”\n", ".”\n", " “", " ‘", ".”", ",”", "?”", "!”", " (“", "”)", " [", "] ", "]\n", "...\n", " #", " @", " €", " $", " £",
)  # fmt: skip
#: Every so many texts are read with the typographic apostrophe, which the corpus has replaced.
TYPOGRAPHIC = 4
TIMES = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="directory with labelled Parquet files")
    parser.add_argument("--size", type=int, default=32_000, help="tokens of the vocabulary")
    parser.add_argument(
        "--output", type=Path, default=Path("provenance/annotators/tokens/data/tokenizer.json.gz")
    )
    options = parser.parse_args()
    tokenizer = train(read_corpus(options.corpus), options.size)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    data = gzip.compress(tokenizer.to_str().encode(), 9, mtime=0)
    options.output.write_bytes(data)
    print(f"{options.output}: {len(data):,} bytes, {tokenizer.get_vocab_size():,} tokens")


def read_corpus(folder: Path) -> pd.DataFrame:
    """Text and language of all rows with split `train`."""
    files = sorted(folder.glob("*.parquet"))
    corpus = pd.concat([pd.read_parquet(path, columns=["text", "language", "split"]) for path in files])
    return corpus[corpus.split == "train"]


def train(corpus: pd.DataFrame, size: int) -> Tokenizer:
    """A tokenizer of `size` tokens, the 256 bytes among them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern()), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_texts(corpus), trainer)
    return tokenizer


def _texts(corpus: pd.DataFrame) -> Iterator[str]:
    for language, texts in corpus.groupby("language", sort=True).text:
        chosen = balanced(list(texts))
        print(f"{language}: {sum(len(text.encode()) for text in chosen):,} bytes", file=sys.stderr)
        for number, text in enumerate(chosen):
            yield text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}") if number % TYPOGRAPHIC == 0 else text
    for character in ROWS + " \n":
        for length in range(2, LONGEST_ROW + 1):
            yield f"{character * length}0" * TIMES
    for text in LAYOUT:
        yield f"{text}0" * TIMES
    for first, last in CHARACTERS:
        for point in range(first, last + 1):
            if unicodedata.category(chr(point)) not in ("Cn", "Cf", "Zs"):
                yield f"{chr(point)}0" * TIMES  # a digit is a piece by itself, so the character is one too


def balanced(texts: list[str]) -> list[str]:
    """At most `MOST_BYTES` of the texts of one language, in the order of their hashes; all of them again if they are few."""
    ordered = sorted(set(texts), key=lambda text: xxhash.xxh3_64_intdigest(text))
    size = 0
    chosen = []
    for text in ordered:
        size += len(text.encode())
        if size > MOST_BYTES:
            break
        chosen.append(text)
    return chosen * min(MOST_TIMES, max(1, round(FEW_BYTES / max(size, 1))))


if __name__ == "__main__":
    main()
