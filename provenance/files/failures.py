"""Why records of a crawl failed: how many for each reason, and one of them as an example, from annotated shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance import outcomes
from provenance.files.facts import shard_facts
from provenance.files.storage import Storage
from provenance.files.workspace import Shard, Workspace


@dataclass(frozen=True)
class Failure:
    """One reason.

    Attributes:
        reason: its code in the ledger.
        records: how many failed for it.
        input: name of an input with such a record.
        detail: what is said of the first one there.
    """

    reason: str
    records: int
    input: str
    detail: str

    @property
    def meaning(self) -> str:
        return outcomes.FAILED[self.reason]


def read_failures(workspace: Workspace, shards: Sequence[Shard]) -> list[Failure]:
    """The reasons for which records failed, the most frequent first; read from footers but for the examples."""
    storage, facts = workspace.storage, shard_facts(workspace, [shard.path for shard in shards])
    counts: Counter[str] = Counter()
    examples: dict[str, Shard] = {}
    for shard in shards:
        metadata = facts.get(shard.path, {})
        for reason, records in metadata.get("outcomes", {}).items():
            if reason in outcomes.FAILED:
                counts[reason] += records
                examples.setdefault(reason, shard)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        Failure(reason, records, examples[reason].name, _first_detail(storage, examples[reason].path, reason))
        for reason, records in ordered
    ]


def _first_detail(storage: Storage, path: str, reason: str) -> str:
    with storage.open(path) as file:
        shard = pq.ParquetFile(file)
        for group in range(shard.num_row_groups):
            table = shard.read_row_group(group, columns=["outcome", "detail"])
            found = table.filter(pc.equal(table["outcome"], reason))
            if len(found):
                return str(found["detail"][0].as_py() or "")
    return ""
