"""How well deduplication finds the injected copies of the development crawl, by threshold and kind.

    python scripts/evaluate duplicates ../shared/data/web/crawl [--thresholds 0.5,0.6,0.7,0.8]

A copy is found when it ends in one cluster with its original. One seed of the permutations is one draw: of 25 copies near
the threshold it may find four more or less, so the share over --seeds draws is printed beside it. A pair of cluster and keeper is wrong when
the truth does not connect the two documents and their exact shingle sets have a Jaccard similarity
under the threshold less 0.1 (three standard deviations of the estimate are about 0.12).
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from provenance.annotators.text import MainText
from provenance.duplicates import Blocks, LocalScratch, addresses, deduplicate_local, sketches
from provenance.duplicates.minhash import MinHash, shingle_hashes, signature
from provenance.records import read_records

FILES = ["a-00000", "b-00001", "b-00002", "b-00003", "text-00004"]


def read_crawl(crawl: Path) -> pd.DataFrame:
    """record_id, text, minhash and text_digest of the documents of the crawl's ordinary files."""
    extract, sketch = MainText(), MinHash()
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


def exact(left: str, right: str) -> float:
    a, b = set(shingle_hashes(left).tolist()), set(shingle_hashes(right).tolist())
    return len(a & b) / len(a | b) if a | b else 1.0


def estimates(left: str, right: str, seeds: int) -> np.ndarray:
    """Estimated similarity of two texts by each seed (float64[seeds])."""
    a, b = (np.unique(shingle_hashes(text)) for text in (left, right))
    if not len(a) or not len(b):
        return np.full(seeds, float(left == right))
    return np.array(
        [(signature(a, seed=seed) == signature(b, seed=seed)).mean() for seed in range(1, seeds + 1)]
    )


def similar_enough(
    copies: pd.DataFrame, table: pd.DataFrame, row_of: dict[str, int], seeds: int, threshold: float
) -> float:
    """Share of copies, over all seeds, whose estimated similarity to their original is at least the threshold."""
    drawn = [
        estimates(table.text[row_of[copy]], table.text[row_of[original]], seeds)
        for copy, original in zip(copies.record_id, copies.duplicate_of, strict=True)
    ]
    return float((np.array(drawn) >= threshold - 1e-6).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("crawl", type=Path)
    parser.add_argument("--thresholds", default="0.5,0.6,0.7,0.8")
    parser.add_argument("--seeds", type=int, default=20, help="draws of the permutations")
    options = parser.parse_args()
    table = read_crawl(options.crawl)
    truth = pd.read_parquet(options.crawl / "truth.parquet")
    family, row_of = connected(truth), {record: i for i, record in enumerate(table.record_id)}
    copies = truth[
        truth.duplicate_of.notna() & truth.record_id.isin(row_of) & truth.duplicate_of.isin(row_of)
    ]
    kinds = copies.dup_kind.str.replace(r":.*", "", regex=True) + copies.dup_param.map(
        lambda p: f" {p}" if p == p and p else ""
    )
    minhash = pa.array(table.minhash.tolist(), pa.list_(pa.uint32(), 128))
    known = sketches(
        addresses(0, 0, len(table)), minhash, pa.array(table.text_digest.tolist(), pa.binary(16))
    )
    rows: dict[str, dict[str, str]] = defaultdict(dict)
    for threshold in map(float, options.thresholds.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            found = deduplicate_local(
                LocalScratch(folder), Blocks((len(table),), len(table)), lambda _: known,
                lambda _: np.arange(len(table), dtype=np.uint64)[:, None], threshold=threshold,
            )  # fmt: skip
        keeper = np.arange(len(table))
        keeper[found.addresses.astype(int)] = found.keepers.astype(int)
        column = f"{threshold:g}"
        for kind, part in copies.groupby(kinds):
            ends = [(keeper[row_of[c]], keeper[row_of[o]]) for c, o in zip(part.record_id, part.duplicate_of)]
            rows[f"found: {kind} ({len(part)})"][column] = f"{np.mean([a == b for a, b in ends]):.2f}"
            met = f"{similar_enough(part, table, row_of, options.seeds, threshold=threshold):.2f}"
            rows[f"similar enough over seeds: {kind} ({len(part)})"][column] = met
        injected = copies.kind.isin(["near_dup", "exact_dup"])
        pairs = [(row_of[c], row_of[o]) for c, o in zip(copies.record_id, copies.duplicate_of)]
        values = np.array([exact(table.text[c], table.text[o]) for c, o in pairs])
        same = np.array([keeper[c] == keeper[o] for c, o in pairs])
        for low, high in [(0, 0.4), (0.4, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)]:
            within = injected.to_numpy() & (values >= low) & (values < high)
            if within.any():
                rows[f"main-text Jaccard {low}-{min(high, 1)} ({within.sum()})"][column] = (
                    f"{same[within].mean():.2f}"
                )
        dropped = np.flatnonzero(keeper != np.arange(len(table)))
        unknown = [
            i for i in dropped if family.get(table.record_id[i]) != family.get(table.record_id[keeper[i]])
        ]
        shares = [exact(table.text[i], table.text[keeper[i]]) for i in unknown]
        rows["dropped"][column] = str(len(dropped))
        rows["dropped for a document the truth does not connect"][column] = str(len(unknown))
        rows["... of these exact Jaccard < threshold - 0.1 (wrong)"][column] = str(
            sum(s < threshold - 0.1 for s in shares)
        )
        rows["... lowest exact Jaccard among them"][column] = f"{min(shares, default=1):.2f}"
    print(f"{len(table)} documents, {len(copies)} copies with their original")
    print(pd.DataFrame(rows).T.to_string())


if __name__ == "__main__":
    main()
