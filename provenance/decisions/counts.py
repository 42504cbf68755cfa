"""What one pass over a crawl counts: detector scores of the documents that are not duplicates, as integers.

Counts add up over shards in any order, so neither workers nor file order can change what is read from them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from provenance.detectors.embedded.calibration import BUCKETS, bucket
from provenance.detectors.embedded.conformal import BINS, Histograms, bin_of

#: Month of a document that no capture proves to exist; other months are counted from January 1970 as 0.
UNPROVEN = -1
#: Sites are counted in so many groups by their hash, so that errors can be taken over sites and not over pages,
#: which have much in common: the delete-a-group jackknife.
GROUPS = 32

#: One row for each combination that occurs. `bin` is that of `conformal.bin_of`.
COUNTS = pa.schema(
    [
        ("human", pa.bool_()),  # proven to be older than 2022-11-30
        ("month", pa.int16()),  # of proof
        ("source", pa.string()),
        ("language", pa.string()),
        ("group", pa.int8()),  # of its site
        ("bucket", pa.int8()),
        ("bin", pa.int16()),
        ("documents", pa.int64()),
    ]
)
_KEYS = COUNTS.names[:-1]


def count_scores(
    *,
    scores: ArrayLike,
    words: ArrayLike,
    languages: pa.Array,
    sources: pa.Array,
    sites: NDArray[np.uint64],
    months: NDArray[np.int16],
    human: NDArray[np.bool_],
) -> pa.Table:
    """Count documents that a detector judged; those shorter than the first bucket are left out.

    `sites` are hashes (`site_hashes`), `months` those of `proof_months`; all of one length.
    """
    lengths = bucket(np.asarray(words))
    table = pa.table(
        {
            "human": pa.array(human),
            "month": pa.array(months, pa.int16()),
            "source": sources.fill_null(""),
            "language": languages.fill_null(""),
            "group": pa.array((sites % np.uint64(GROUPS)).astype(np.int8)),
            "bucket": pa.array(lengths, pa.int8()),
            "bin": pa.array(bin_of(scores), pa.int16()),
            "documents": pa.array(np.ones(len(lengths), np.int64)),
        }
    )
    return merge_counts([table.filter(pa.array(lengths >= 0))])


def merge_counts(parts: Iterable[pa.Table]) -> pa.Table:
    """The sum of counts as `COUNTS`, sorted by all keys, whatever the order of `parts`."""
    table = pa.concat_tables([COUNTS.empty_table(), *(part.cast(COUNTS) for part in parts)])
    summed = table.group_by(_KEYS, use_threads=False).aggregate([("documents", "sum")])
    summed = summed.rename_columns([*_KEYS, "documents"]).select(COUNTS.names)
    return summed.sort_by([(name, "ascending") for name in _KEYS]).cast(COUNTS).combine_chunks()


def histograms(counts: pa.Table, human: bool) -> Histograms:
    """Scores by language, of documents proven older than 2022-11-30 or of the others."""
    chosen = counts.filter(pc.equal(counts["human"], pa.scalar(human)))
    flat = np.asarray(chosen["bucket"]).astype(np.int64) * BINS + np.asarray(chosen["bin"])
    language = np.asarray(chosen["language"].to_pylist(), dtype=object)
    documents = np.asarray(chosen["documents"])
    found: Histograms = {}
    for name in sorted(set(language.tolist())):
        rows = language == name
        total = np.zeros(len(BUCKETS) * BINS, np.int64)
        np.add.at(total, flat[rows], documents[rows])
        found[str(name)] = total.reshape(len(BUCKETS), BINS)
    return found


def proof_months(proven: NDArray[np.datetime64]) -> NDArray[np.int16]:
    """Month of each time of proof, January 1970 being 0; `UNPROVEN` where there is none."""
    months = proven.astype("datetime64[M]").astype(np.int64)
    return np.where(np.isnat(proven), UNPROVEN, np.clip(months, 0, np.iinfo(np.int16).max)).astype(np.int16)
