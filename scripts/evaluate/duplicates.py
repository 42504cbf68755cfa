"""How well deduplication finds the injected copies of the development crawl, by threshold and kind.

    python scripts/evaluate duplicates ../shared/data/web/crawl [--thresholds 0.5,0.6,0.7,0.8] [--ngram 5]

A copy is found when it ends in one cluster with its original. One seed of the permutations is one draw: of 25 copies near
the threshold it may find four more or less, so the share over --seeds draws is printed beside it. A pair of cluster and keeper is wrong when
the truth does not connect the two documents and their exact shingle sets have a Jaccard similarity
under the threshold less 0.1 (three standard deviations of the estimate are about 0.12).
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from provenance.annotators.text import MainText
from provenance.duplicates import Blocks, LocalScratch, addresses, deduplicate_local, sketches
from provenance.duplicates.config import Duplicates
from provenance.duplicates.minhash import MinHash, shingle_hashes, signature
from provenance.records import read_records

NGRAM = Duplicates().ngram
FILES = ["a-00000", "b-00001", "b-00002", "b-00003", "text-00004"]


def read_crawl(crawl: Path, ngram: int = NGRAM) -> pd.DataFrame:
    """record_id, text, minhash and text_digest of the documents of the crawl's ordinary files."""
    extract, sketch = MainText(), MinHash(ngram=ngram)
    extract.setup()
    tables = []
    for file in FILES:
        with (crawl / f"mini-crawl-{file}.warc.gz").open("rb") as stream:
            for batch in read_records(stream, file):
                columns = dict(zip([f.name for f in extract.schema], extract(batch)))
                tables.append(
                    pd.DataFrame(
                        {
                            "record_id": batch.column("record_id").to_pylist(),
                            "text": columns["text"].to_pylist(),
                        }
                    )
                )
    extract.close()
    table = pd.concat(tables, ignore_index=True)
    table = table[table.text.notna() & (table.text != "")].reset_index(drop=True)
    _, signatures, digests = sketch(
        pa.record_batch({"text": pa.array(table.text.tolist(), pa.large_string())})
    )
    return table.assign(minhash=signatures.to_pylist(), text_digest=digests.to_pylist())


def connected(truth: pd.DataFrame) -> dict[str, str]:
    """Record → representative of all that copy one another by the truth."""
    parent: dict[str, str] = {}

    def root(record: str) -> str:
        while parent.get(record, record) != record:
            record = parent[record]
        return record

    for copy, original in truth.loc[truth.duplicate_of.notna(), ["record_id", "duplicate_of"]].itertuples(
        index=False
    ):
        parent[root(copy)] = root(original)
    return {record: root(record) for record in truth.record_id}


def exact(left: str, right: str, ngram: int) -> float:
    a, b = (set(shingle_hashes(text, ngram).tolist()) for text in (left, right))
    return len(a & b) / len(a | b) if a | b else 1.0


def estimates(left: str, right: str, seeds: int, ngram: int) -> np.ndarray:
    """Estimated similarity of two texts by each seed (float64[seeds])."""
    a, b = (np.unique(shingle_hashes(text, ngram)) for text in (left, right))
    if not len(a) or not len(b):
        return np.full(seeds, float(left == right))
    return np.array(
        [(signature(a, seed=seed) == signature(b, seed=seed)).mean() for seed in range(1, seeds + 1)]
    )


@dataclass(frozen=True)
class Copies:
    """Documents of the crawl and the pairs of them of which the truth says that one copies the other."""

    table: pd.DataFrame
    family: dict[str, str]  # record → representative of all that copy one another
    pairs: list[tuple[int, int]]  # rows of copy and original
    kinds: pd.Series
    injected: np.ndarray
    exact: np.ndarray  # Jaccard similarity of each pair
    drawn: np.ndarray  # its estimates over seeds
    ngram: int  # words of a shingle

    def text_similarity(self, one: int, other: int) -> float:
        return exact(self.table.text[one], self.table.text[other], self.ngram)


def read_copies(crawl: Path, seeds: int, ngram: int = NGRAM) -> Copies:
    """The pairs of the truth of which both documents have text."""
    table = read_crawl(crawl, ngram)
    truth = pd.read_parquet(crawl / "truth.parquet")
    row_of = {record: i for i, record in enumerate(table.record_id)}
    copies = truth[
        truth.duplicate_of.notna() & truth.record_id.isin(row_of) & truth.duplicate_of.isin(row_of)
    ]
    kinds = copies.dup_kind.str.replace(r":.*", "", regex=True) + copies.dup_param.map(
        lambda p: f" {p}" if p == p and p else ""
    )
    pairs = [(row_of[c], row_of[o]) for c, o in zip(copies.record_id, copies.duplicate_of, strict=True)]
    texts = [(table.text[c], table.text[o]) for c, o in pairs]
    return Copies(
        table=table,
        family=connected(truth),
        pairs=pairs,
        kinds=kinds.reset_index(drop=True),
        injected=copies.kind.isin(["near_dup", "exact_dup"]).to_numpy(),
        exact=np.array([exact(*pair, ngram) for pair in texts]),
        drawn=np.array([estimates(*pair, seeds, ngram) for pair in texts]),
        ngram=ngram,
    )


def keepers(table: pd.DataFrame, threshold: float) -> np.ndarray:
    """The row that is kept in place of each, itself where it is."""
    minhash = pa.array(table.minhash.tolist(), pa.list_(pa.uint32(), 128))
    known = sketches(
        addresses(0, 0, len(table)), minhash, pa.array(table.text_digest.tolist(), pa.binary(16))
    )
    with tempfile.TemporaryDirectory() as folder:
        found = deduplicate_local(
            LocalScratch(folder), Blocks((len(table),), len(table)), lambda _: known,
            lambda _: np.arange(len(table), dtype=np.uint64)[:, None], threshold=threshold,
        )  # fmt: skip
    keeper = np.arange(len(table))
    keeper[found.addresses.astype(int)] = found.keepers.astype(int)
    return keeper


def measure(copies: Copies, threshold: float) -> dict[str, str]:
    """What is found at one threshold, by kind of copy and by similarity."""
    rows: dict[str, str] = {}
    keeper = keepers(copies.table, threshold)
    same = np.array([keeper[c] == keeper[o] for c, o in copies.pairs])
    for kind, part in copies.kinds.groupby(copies.kinds):
        at = part.index.to_numpy()
        rows[f"found: {kind} ({len(at)})"] = f"{same[at].mean():.2f}"
        met = (copies.drawn[at] >= threshold - 1e-6).mean()
        rows[f"similar enough over seeds: {kind} ({len(at)})"] = f"{met:.2f}"
    for low, high in [(0, 0.4), (0.4, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)]:
        within = copies.injected & (copies.exact >= low) & (copies.exact < high)
        if within.any():
            share = same[within].mean()
            rows[f"main-text Jaccard {low}-{min(high, 1)} ({within.sum()})"] = f"{share:.2f}"
    return rows | measure_dropped(copies, keeper, threshold)


def measure_dropped(copies: Copies, keeper: np.ndarray, threshold: float) -> dict[str, str]:
    """What is dropped for a document that the truth does not connect it with."""
    dropped = np.flatnonzero(keeper != np.arange(len(keeper)))
    records = copies.table.record_id
    unknown = [
        i for i in dropped.tolist() if copies.family.get(records[i]) != copies.family.get(records[keeper[i]])
    ]
    shares = [copies.text_similarity(i, int(keeper[i])) for i in unknown]
    wrong = sum(share < threshold - 0.1 for share in shares)
    return {
        "dropped": str(len(dropped)),
        "dropped for a document the truth does not connect": str(len(unknown)),
        "... of these exact Jaccard < threshold - 0.1 (wrong)": str(wrong),
        "... lowest exact Jaccard among them": f"{min(shares, default=1):.2f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("crawl", type=Path)
    parser.add_argument("--thresholds", default="0.5,0.6,0.7,0.8")
    parser.add_argument("--ngram", type=int, default=NGRAM, help="words of a shingle (duplicates.ngram)")
    parser.add_argument("--seeds", type=int, default=20, help="draws of the permutations")
    options = parser.parse_args()
    copies = read_copies(options.crawl, options.seeds, options.ngram)
    found = {f"{value:g}": measure(copies, value) for value in map(float, options.thresholds.split(","))}
    print(f"{len(copies.table)} documents, {len(copies.pairs)} copies with their original")
    print(pd.DataFrame(found).to_string())


if __name__ == "__main__":
    main()
