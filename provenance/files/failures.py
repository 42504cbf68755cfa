"""What became of a crawl's records: why some failed, how many for each reason with one as an example, and what gave nothing.

A crawl of which no document came because its records failed is no success, wherever they failed.
"""

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


@dataclass(frozen=True)
class Harvest:
    """What came of the inputs that were read, without what an earlier release carried here.

    Attributes:
        failures: why records failed, the most frequent reason first.
        records: how many were read.
        failed: how many of them failed, while they were read or while they were annotated.
        documents: how many became documents.
        inputs: how many inputs there are.
        fruitless: inputs of which no record became a document and some failed.
    """

    failures: list[Failure]
    records: int
    failed: int
    documents: int
    inputs: int
    fruitless: list[str]


def read_harvest(workspace: Workspace, shards: Sequence[Shard]) -> Harvest:
    """Count what annotated shards hold; read from footers but for the examples of failures."""
    read = [shard for shard in shards if not shard.carried]
    facts = shard_facts(workspace, [shard.path for shard in read])
    failed: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    for shard in read:
        outcome = facts.get(shard.path, {}).get("outcomes", {})
        failed[shard.input] += sum(count for name, count in outcome.items() if name in outcomes.FAILED)
        documents[shard.input] += shard.documents
    return Harvest(
        failures=read_failures(workspace, read),
        records=sum(shard.rows for shard in read),
        failed=failed.total(),
        documents=documents.total(),
        inputs=len(documents),
        fruitless=sorted(name for name, count in failed.items() if count and not documents[name]),
    )


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
