"""What a decisions file says of itself in its footer: sums and counts over the documents of its shard.

They are written with the decisions and add up over shards, so that publishing reads footers, not rows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import pyarrow.parquet as pq

from provenance.decisions.cap import NOTHING_SELECTED
from provenance.decisions.measure import Sums, add_sums
from provenance.decisions.request import CapRequest
from provenance.decisions.shard import Candidates
from provenance.files.storage import Storage, each

#: Keys of the metadata, in the order of the attributes of `Footer`.
_NAMES = tuple(
    f"provenance.{name}".encode() for name in "before judged asked selection filtered tail".split()
)


@dataclass(frozen=True)
class Footer:
    """What one decisions file or several of them say.

    Attributes:
        before: sums over the documents among which the cap chose.
        judged: how many of them were judged, flagged and limited by the crawl.
        asked: how many documents each detector was asked about, by its name.
        selection: by which rule the cap chose, the same in all of them.
        filtered: sums over the documents that each filter drops, by its reason, and over those that pass ("").
        tail: `rare` words as sampled, each standing for `scale`; of them `filtered` and `capped` (of what the cap drops),
            and of low-background documents `filtered_old` and `capped_old`. Empty: they were not counted.
    """

    before: Sums
    judged: dict[str, int]
    asked: dict[str, int]
    selection: dict[str, Any]
    filtered: dict[str, Sums]
    tail: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, candidates: Candidates, request: CapRequest) -> Footer:
        """What is known before the cap has chosen."""
        return cls(
            before=candidates.measure(request),
            judged=candidates.judged,
            asked=candidates.asked,
            selection=dict(NOTHING_SELECTED),
            filtered=candidates.measure_filters(request),
            tail=candidates.measure_tail(),
        )

    @classmethod
    def read(cls, metadata: Mapping[bytes, bytes]) -> Footer:
        """The footer of the `metadata` of a file."""
        return cls(*(json.loads(metadata[name]) for name in _NAMES))

    def metadata(self) -> dict[bytes, str]:
        """The footer as key-value metadata of a Parquet file."""
        return {
            name: json.dumps(getattr(self, item.name))
            for name, item in zip(_NAMES, fields(self), strict=True)
        }


def read_footers(storage: Storage, paths: Sequence[str]) -> Footer:
    """The footers of all decisions files of a job as one."""
    before: list[Sums] = []
    judged: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    selection: dict[str, Any] = dict(NOTHING_SELECTED)
    filtered: dict[str, list[Sums]] = {}
    tail: Counter[str] = Counter()
    directories = sorted({path.rpartition("/")[0] for path in paths})
    sizes = {item.path: item.size for directory in directories for item in storage.list(directory or ".")}
    for metadata in each(partial(_metadata, storage, sizes), paths):
        footer = Footer.read(metadata)
        before.append(footer.before)
        judged.update(footer.judged)
        asked.update(footer.asked)
        selection = footer.selection
        for reason, sums in footer.filtered.items():
            filtered.setdefault(reason, []).append(sums)
        for name, count in footer.tail.items():
            tail[name] = count if name == "scale" else tail[name] + count
    by_reason = {reason: add_sums(parts) for reason, parts in filtered.items()}
    return Footer(
        add_sums(before),
        judged=dict(judged),
        asked=dict(asked),
        selection=selection,
        filtered=by_reason,
        tail=dict(tail),
    )


def _metadata(storage: Storage, sizes: Mapping[str, int], path: str) -> dict[bytes, bytes]:
    with storage.open(path, sizes.get(path)) as file:
        return dict(pq.read_schema(file).metadata)
