"""A few examples of each decision, with a short excerpt: drawn when a release is published, kept in `samples.json`.

Nothing is taken of texts that somebody reserved, asked to remove, or that hold personal data. A doc_id is a hash, so the
lowest ones are a sample, and the same one wherever the same records are read.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance import outcomes
from provenance.annotators.personal.patterns import find_personal
from provenance.errors import plain
from provenance.files.storage import Storage, join
from provenance.filters.config import PERSONAL_KINDS
from provenance.release.layout import is_data, is_ledger

#: Name of the file in a release.
SAMPLES = "samples.json"
#: Examples of each decision and reason.
EXAMPLES = 3
#: Records that are looked at for them: some may not be shown.
_CANDIDATES = 12
#: Characters of an excerpt.
EXCERPT = 280
#: Reasons whose records are not shown at all, not even by address.
HIDDEN = frozenset({"removed", "opt_out", "personal_data"})
#: Decisions and reasons with examples, at most; filters are the user's and may be many.
_REASONS = 60
_BATCH = 65_536

#: Where a record of the ledger stands: file, row group, row.
_Place = tuple[str, int, int]


def draw_samples(
    storage: Storage, release: str, files: Sequence[str], shards: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Examples of each decision, by decision and reason.

    `files` are those below `release`; `shards` the annotated shards by the name of their input, which hold the texts
    of what was dropped.
    """
    data, ledger = ([path for path in files if belongs(path)] for belongs in (is_data, is_ledger))
    rows = _rows(storage, release, _places(storage, release, ledger))
    texts = _texts(storage, shards, rows)
    reserved = {doc_id for doc_id, (_, shown) in texts.items() if not shown}
    reserved |= _reserved_keepers(storage, release, data, rows)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["decision"], row["reason"] or "", row["doc_id"])):
        examples = groups.setdefault((row["decision"], row["reason"] or ""), [])
        if len(examples) < EXAMPLES and row["doc_id"] not in reserved:
            text, _ = texts.get(row["doc_id"], (None, True))
            examples.append(_example(row, text))
    return [example for examples in groups.values() for example in examples]


def write_samples(samples: Sequence[Mapping[str, Any]]) -> bytes:
    """The content of `samples.json`."""
    return (json.dumps(list(samples), indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


def _places(storage: Storage, release: str, ledger: Iterable[str]) -> list[_Place]:
    """Where the records with the lowest doc_ids of each decision and reason stand."""
    lowest: dict[tuple[str, str], list[tuple[str, _Place]]] = {}
    for path in ledger:
        with storage.open(join(release, path)) as file:
            table = pq.ParquetFile(file, pre_buffer=False)
            for group in range(table.num_row_groups):
                rows = table.read_row_group(group, columns=["doc_id", "decision", "reason"])
                for key, found in _lowest_of(rows):
                    named = [(doc_id, (path, group, row)) for doc_id, row in found]
                    lowest[key] = heapq.nsmallest(_CANDIDATES, [*lowest.get(key, []), *named])
    if len(lowest) > _REASONS:
        lowest = dict(sorted(lowest.items())[-_REASONS:])
    return sorted(place for found in lowest.values() for _, place in found)


def _lowest_of(rows: pa.Table) -> Iterator[tuple[tuple[str, str], list[tuple[str, int]]]]:
    reason = pc.fill_null(rows["reason"], "")
    rows = pa.table({"doc_id": rows["doc_id"], "decision": rows["decision"], "reason": reason})
    rows = rows.append_column("row", pa.array(range(len(rows)), pa.int64()))
    for pair in rows.group_by(["decision", "reason"]).aggregate([]).to_pylist():
        if pair["reason"] in HIDDEN:
            continue
        mine = pc.and_(pc.equal(rows["decision"], pair["decision"]), pc.equal(reason, pair["reason"]))
        first = pc.select_k_unstable(rows.filter(mine), _CANDIDATES, sort_keys=[("doc_id", "ascending")])
        taken = rows.filter(mine).take(first)
        found = list(zip(taken["doc_id"].to_pylist(), taken["row"].to_pylist(), strict=True))
        yield (pair["decision"], pair["reason"]), found


def _rows(storage: Storage, release: str, places: Sequence[_Place]) -> list[dict[str, Any]]:
    """The rows of the ledger at some places."""
    found: list[dict[str, Any]] = []
    for path in dict.fromkeys(place[0] for place in places):
        with storage.open(join(release, path)) as file:
            table = pq.ParquetFile(file, pre_buffer=False)
            for group in sorted({place[1] for place in places if place[0] == path}):
                rows = [place[2] for place in places if place[:2] == (path, group)]
                found += table.read_row_group(group).take(pa.array(rows)).to_pylist()
    return found


def _texts(
    storage: Storage, shards: Mapping[str, Sequence[str]], rows: Iterable[Mapping[str, Any]]
) -> dict[str, tuple[str | None, bool]]:
    """Of each row (its text, whether it may be shown) by doc_id; rows whose shard is not there may not be."""
    by_input: dict[str, list[str]] = {}
    for row in rows:
        by_input.setdefault(row["input_file"], []).append(row["doc_id"])
    found: dict[str, tuple[str | None, bool]] = {}
    for name, wanted in sorted(by_input.items()):
        found |= dict.fromkeys(wanted, (None, False))
        for path in shards.get(name) or _chosen(shards):
            with storage.open(path) as file:
                found |= _shard_texts(pq.ParquetFile(file, pre_buffer=False), pa.array(wanted, pa.string()))
    return found


def _chosen(shards: Mapping[str, Sequence[str]]) -> list[str]:
    """Shards of tables of records, whose rows name files that are no inputs."""
    return [path for name, paths in sorted(shards.items()) if name.startswith("@") for path in paths]


def _shard_texts(table: pq.ParquetFile, wanted: pa.Array) -> dict[str, tuple[str | None, bool]]:
    """The same for rows of one shard; only row groups that hold one of them are read."""
    found: dict[str, tuple[str | None, bool]] = {}
    columns = ["doc_id", "text", "language", "train_opt_out", "rights_signals"]
    for group in range(table.num_row_groups):
        here = pc.is_in(table.read_row_group(group, columns=["doc_id"])["doc_id"], value_set=wanted)
        if pc.any(here).as_py():
            for row in table.read_row_group(group, columns=columns).filter(here).to_pylist():
                found[row["doc_id"]] = (row["text"], _may_be_shown(row))
    return found


def _may_be_shown(row: Mapping[str, Any]) -> bool:
    """Whether nobody reserved the text and nothing personal was found in it."""
    reserved = row["train_opt_out"] or any(item["signal"] == "optout" for item in row["rights_signals"] or [])
    return not reserved and not find_personal(row["text"] or "", PERSONAL_KINDS, row["language"])


def _reserved_keepers(
    storage: Storage, release: str, data: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> set[str]:
    """doc_ids of duplicates whose text also stands on a page that reserved it, or is not published at all."""
    keepers = pa.array(sorted({row["duplicate_of"] for row in rows if row["duplicate_of"]}), pa.string())
    free: set[str] = set()
    for path in data if len(keepers) else ():
        with storage.open(join(release, path)) as file:
            for batch in pq.ParquetFile(file, pre_buffer=False).iter_batches(
                _BATCH, columns=["doc_id", "train_opt_out"]
            ):
                shown = pc.invert(pc.fill_null(batch["train_opt_out"], False))
                mine = pc.and_(shown, pc.is_in(batch["doc_id"], value_set=keepers))
                free.update(batch["doc_id"].filter(mine).to_pylist())
    return {row["doc_id"] for row in rows if row["duplicate_of"] and row["duplicate_of"] not in free}


def _example(row: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    """What is shown of a record; `text` None where it has none."""
    pieces = sorted(row["evidence"] or [], key=lambda item: -abs(item["llr"]))
    because = "; ".join(f"{item['llr']:+.1f} nats {item['source']}: {item['because']}" for item in pieces[:2])
    probability = row["synthetic_probability"]
    return {
        "doc_id": row["doc_id"],
        "decision": row["decision"],
        "reason": row["reason"],
        "meaning": outcomes.meaning(row["reason"] or ""),
        "detail": None if row["detail"] is None else plain(row["detail"])[:EXCERPT],
        "url": None if row["url"] is None else plain(row["url"])[:500],
        "language": row["language"],
        "captured": f"{row['capture_time']:%Y-%m-%d}" if row["capture_time"] else None,
        "probability": None if probability is None else round(probability, 4),
        "because": plain(because)[:EXCERPT],
        "duplicate_of": row["duplicate_of"],
        "excerpt": None if text is None else excerpt(text),
    }


def excerpt(text: str) -> str:
    """The beginning of a text on one line, without characters that steer a display."""
    line = plain(" ".join(text[: 4 * EXCERPT].split()))
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
