"""What became of the same documents in two releases: from which decision to which, and what moved each of them.

Only the cap looks at evidence. Where it decided differently, the piece that moved the log-odds most in that direction is
named; where they hardly moved or moved the other way, the cap itself, or what else there was to choose from, is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance import outcomes
from provenance.errors import plain

#: The decision on a document that is in one of the releases only.
ABSENT = "absent"
#: What moved a document where its own evidence did not.
SETTINGS = "the cap, or what else there was to choose from"
DUPLICATES = "its near-duplicates"
FILTERS = "the filters"
READING = "the record, or how it was read"
#: Log-odds that differ by less have not moved, in nats.
STILL = 0.01
#: Documents that are named of each transition.
EXAMPLES = 3
_CAP = "dropped:synthetic_cap"
_FILTERED = ("removed", "opt_out", "personal_data")
_MILLION = 1_000_000


@dataclass
class Transition:
    """The documents that went from one decision to another: how many, what moved them, and the first of them.

    `moved_by` has for each mover its documents and the sum of what the mover changed, in millionths of a nat.
    """

    documents: int = 0
    tokens: int = 0
    moved_by: dict[str, list[int]] = field(default_factory=dict)
    examples: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def note(self, mover: str, documents: int, nats: int) -> None:
        """Count what moved some documents."""
        entry = self.moved_by.setdefault(mover, [0, 0])
        entry[0] += documents
        entry[1] += nats

    def keep(self, example: tuple[int, str, dict[str, Any]]) -> None:
        """Keep an example if it moved further than those that are kept."""
        self.examples = heapq.nsmallest(EXAMPLES, [*self.examples, example], key=lambda item: item[:2])


@dataclass
class Changes:
    """What changed from one release to another; pairs are (before, after).

    Attributes:
        records, kept: of the releases.
        settings: how their configurations differ; "" where they do not.
        versions, detectors: of the program, and of its detector.
        same: documents with the same decision,
        moved: and those of them whose probability changed by a tenth or more.
        transitions: by (decision before, decision after).
    """

    records: tuple[int, int]
    kept: tuple[int, int]
    settings: str
    versions: tuple[str, str]
    detectors: tuple[str, str]
    same: int = 0
    moved: int = 0
    transitions: dict[tuple[str, str], Transition] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """Documents with another decision, those in one of the releases only among them."""
        return sum(item.documents for item in self.transitions.values())

    def add(self, before: pa.Table, after: pa.Table) -> None:
        """Add documents with another decision: rows of the two ledgers, side by side."""
        states = [np.asarray(states_of(table).to_pylist(), dtype=object) for table in (before, after)]
        for pair in sorted(set(zip(*states, strict=True))):
            rows = pa.array(np.flatnonzero((states[0] == pair[0]) & (states[1] == pair[1])))
            self._add_pair(pair, before.take(rows), after.take(rows))

    def add_alone(self, side: int, table: pa.Table) -> None:
        """Add documents that only one side has: 0 is before, 1 after."""
        states = states_of(table)
        for state in sorted(pc.unique(states).to_pylist()):
            rows = table.filter(pc.equal(states, state))
            found = self._transition((state, ABSENT) if side == 0 else (ABSENT, state), rows)
            found.note("only one of them has the record", len(rows), 0)
            for row in rows.take(pc.select_k_unstable(rows, EXAMPLES, [("doc_id", "ascending")])).to_pylist():
                found.keep((0, row["doc_id"], _example(*((row, None) if side == 0 else (None, row)))))

    def as_json(self) -> dict[str, Any]:
        """Plain values, the most frequent transitions first."""
        return {
            "records": list(self.records),
            "kept": list(self.kept),
            "settings": self.settings,
            "versions": list(self.versions),
            "detectors": list(self.detectors),
            "same": self.same,
            "same_but_probability_moved": self.moved,
            "changed": self.changed,
            "transitions": [
                {
                    "from": pair[0],
                    "to": pair[1],
                    "documents": item.documents,
                    "tokens": item.tokens,
                    "moved_by": [
                        {"what": mover, "documents": number, "mean_nats": round(nats / number / _MILLION, 4)}
                        for mover, (number, nats) in _most_first(item)
                    ],
                    "examples": [example for _, _, example in item.examples],
                }
                for pair, item in self._ordered()
            ],
        }

    def describe(self) -> str:
        """The changes as text for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for name, pair in (("records", self.records), ("kept", self.kept)):
            yield f"{name + ':':<10}{pair[0]:,} before, {pair[1]:,} after"
        if self.settings:
            yield f"settings: {plain(self.settings)}"
        for name, versions in (("program", self.versions), ("detector", self.detectors)):
            if versions[0] != versions[1]:
                yield f"{name + ':':<10}{plain(versions[0])} before, {plain(versions[1])} after"
        yield f"same:     {self.same:,} documents, of which {self.moved:,} with a probability that moved by .1 or more"
        yield f"changed:  {self.changed:,} documents"
        for (old, new), item in self._ordered():
            yield f"{item.documents:>12,}  {old} -> {new} ({item.tokens:,} tokens)"
            for mover, (number, nats) in _most_first(item):
                mean = f", {nats / number / _MILLION:+.2f} nats on average" if nats else ""
                yield f"{'':14}{number:,} by {plain(mover)}{mean}"
            for _, _, example in item.examples:
                yield f"{'':14}{example['doc_id']}  {plain(example['url'])}"
                yield from _steps(example)

    def _add_pair(self, pair: tuple[str, str], before: pa.Table, after: pa.Table) -> None:
        found = self._transition(pair, after)
        moves = _moves(before, after)
        totals = np.zeros(len(after), np.int64)
        np.add.at(totals, moves["row"], moves["nats"])
        if _CAP not in pair or not all(state in ("kept", _CAP) for state in pair):
            found.note(_cause(pair), len(after), 0)
        else:
            upwards = 1 if pair[1] == _CAP else -1
            for mover, nats in _movers(moves, totals, upwards):
                found.note(mover, 1, nats)
        furthest = np.lexsort((np.arange(len(after)), -np.abs(totals)))[:EXAMPLES]
        for at in furthest.tolist():
            rows = before.slice(at, 1).to_pylist()[0], after.slice(at, 1).to_pylist()[0]
            found.keep((-abs(int(totals[at])), rows[1]["doc_id"], _example(*rows)))

    def _transition(self, pair: tuple[str, str], rows: pa.Table) -> Transition:
        found = self.transitions.setdefault(pair, Transition())
        found.documents += len(rows)
        found.tokens += pc.sum(rows["token_count"]).as_py() or 0
        return found

    def _ordered(self) -> list[tuple[tuple[str, str], Transition]]:
        return sorted(self.transitions.items(), key=lambda item: (-item[1].documents, item[0]))


def states_of(table: pa.Table) -> pa.ChunkedArray:
    """What became of each row of a ledger: kept, or the decision and its reason."""
    reason = pc.fill_null(table["reason"], "")
    both = pc.binary_join_element_wise(table["decision"], reason, ":")
    return pc.if_else(pc.equal(reason, ""), table["decision"], both)


def _cause(pair: tuple[str, str]) -> str:
    """What a transition other than by the cap is about."""
    reasons = [state.partition(":")[2] for state in pair[::-1]]
    for reason in reasons:
        if reason in _FILTERED or reason.startswith(outcomes.FILTER):
            return FILTERS
        if reason == "duplicate":
            return DUPLICATES
    return READING


def _moves(before: pa.Table, after: pa.Table) -> dict[str, NDArray[Any]]:
    """What each source changed in each row, in millionths of a nat: arrays row, source, nats; sorted by row and source.

    Rows without a probability on one side have none.
    """
    known = pc.and_(before["synthetic_probability"].is_valid(), after["synthetic_probability"].is_valid())
    pieces = [_pieces(before, -1), _pieces(after, 1)]
    table = pa.concat_tables(pieces)
    table = table.filter(known.combine_chunks().take(table["row"].combine_chunks()))
    sums = table.group_by(["row", "source"], use_threads=False).aggregate([("nats", "sum")])
    sums = sums.take(pc.sort_indices(sums, [("row", "ascending"), ("source", "ascending")]))
    return {
        "row": np.asarray(sums["row"], np.int64),
        "source": np.asarray(sums["source"].to_pylist(), dtype=object),
        "nats": np.asarray(sums["nats_sum"], np.int64),
    }


def _pieces(table: pa.Table, sign: int) -> pa.Table:
    """Prior and evidence of rows as (row, source, signed millionths of a nat)."""
    evidence = table["evidence"].combine_chunks()
    flat = pc.list_flatten(evidence)
    llr = np.asarray(pc.struct_field(flat, "llr"), np.float64)
    prior = np.asarray(table["prior_log_odds"].fill_null(0), np.float64)
    rows = np.concatenate([np.arange(len(table)), np.asarray(pc.list_parent_indices(evidence), np.int64)])
    nats = np.rint(np.concatenate([prior, llr]) * _MILLION).astype(np.int64) * sign
    source = pa.concat_arrays(
        [pa.array(["prior"] * len(table), pa.string()), pc.struct_field(flat, "source")]
    )
    return pa.table({"row": pa.array(rows, pa.int64()), "source": source, "nats": pa.array(nats)})


def _movers(
    moves: dict[str, NDArray[Any]], totals: NDArray[np.int64], upwards: int
) -> Iterator[tuple[str, int]]:
    """(what moved it, by how many millionths of a nat) for each row."""
    starts = np.searchsorted(moves["row"], np.arange(len(totals) + 1))
    for at, total in enumerate(totals.tolist()):
        if total * upwards < STILL * _MILLION:
            yield SETTINGS, 0
            continue
        nats = moves["nats"][starts[at] : starts[at + 1]]
        best = int(np.argmax(nats * upwards))
        yield str(moves["source"][starts[at] + best]), int(nats[best])


def _most_first(item: Transition) -> list[tuple[str, list[int]]]:
    return sorted(item.moved_by.items(), key=lambda entry: (-entry[1][0], entry[0]))


def _example(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """What is said of one document: its probability and every piece of its log-odds, before and after."""
    row = after or before or {}
    pieces: dict[str, list[float | None]] = {}
    for side, found in enumerate((before, after)):
        if found is None or found["synthetic_probability"] is None:
            continue
        own = [("prior", found["prior_log_odds"])]
        own += [(item["source"], item["llr"]) for item in found["evidence"] or []]
        for source, nats in own:
            pair = pieces.setdefault(source, [None, None])
            pair[side] = round((pair[side] or 0.0) + nats, 4)
    probability = [None if found is None else found["synthetic_probability"] for found in (before, after)]
    return {"doc_id": row["doc_id"], "url": row["url"], "probability": probability, "log_odds": pieces}


def _steps(example: dict[str, Any]) -> Iterator[str]:
    """The lines of an example: what its probability was and is, and the pieces that differ."""
    old, new = ("none" if value is None else f"{value:.4f}" for value in example["probability"])
    pieces = [
        f"{plain(source)} {pair[0] or 0:+.2f} -> {pair[1] or 0:+.2f}"
        for source, pair in sorted(example["log_odds"].items())
        if None not in example["probability"] and abs((pair[0] or 0) - (pair[1] or 0)) >= STILL
    ]
    if old != new or pieces:
        yield f"{'':16}probability {old} -> {new}" + (f": {', '.join(pieces)} nats" if pieces else "")
