"""Time the counting of tokens beside the `tokenizers` library, one core: `python scripts/bench tokens`.

Texts come from the shared detector pools and the plain texts of the crawl (`PROVENANCE_SHARED`); counts are compared.
"""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import tokenizers

from provenance.annotators.tokens import load_tokenizer
from provenance.duplicates.minhash import MinHash

SHARED = Path(os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
#: Texts of each language at most.
MOST = 5_000


def seconds(call: Callable[[], object], times: int) -> float:
    """Processor time of the fastest of several calls."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Print MB of text a second and tokens a word for each language with enough text."""
    tokenizer = load_tokenizer()
    shipped = files("provenance.annotators.tokens") / "data" / "tokenizer.json.gz"
    library = tokenizers.Tokenizer.from_str(gzip.decompress(shipped.read_bytes()).decode())
    pools = sorted((SHARED / "data/detector").glob("pool_*.parquet"))
    corpus = pd.concat([pd.read_parquet(path, columns=["text", "language", "split"]) for path in pools])
    corpus = corpus[corpus.split != "train"]  # the vocabulary was learned from the rest
    words = MinHash()
    print(f"{'language':<10}{'MB':>7}{'MB/s':>8}{'library':>9}{'tokens/word':>13}{'bytes/token':>13}")
    for language, texts in corpus.groupby("language", sort=True).text:
        array = pa.array(texts.iloc[:MOST].tolist(), pa.large_string())
        size = pc.sum(pc.binary_length(array)).as_py()
        counts = tokenizer.count(array)
        by_library = [len(found) for found in library.encode_batch_fast(array.to_pylist())]
        assert np.array_equal(counts, by_library), f"{language}: the library counts otherwise"
        ours = size / seconds(partial(tokenizer.count, array), 5) / 1e6
        theirs = size / seconds(partial(library.encode_batch_fast, array.to_pylist()), 1) / 1e6
        word_count = pc.sum(words(pa.record_batch({"text": array}))[0]).as_py()
        print(
            f"{language:<10}{size / 1e6:>7.2f}{ours:>8.1f}{theirs:>9.1f}"
            f"{counts.sum() / word_count:>13.2f}{size / counts.sum():>13.2f}"
        )


if __name__ == "__main__":
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    main()
