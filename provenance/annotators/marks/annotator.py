"""The annotator "marks": what generators and their tools left in the raw text, with what it is worth as evidence.

Two compiled passes look at every text; only the few with a finding are described, one by one, in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from provenance.annotators.marks import residue
from provenance.annotators.marks.characters import find_characters
from provenance.annotators.marks.line_ends import find_coded_line_ends, line_ends
from provenance.annotators.marks.payload import describe, describe_line_ends, evidence_of
from provenance.annotators.marks.rules import version
from provenance.schema import EVIDENCE, SIGNALS

#: Findings listed for one document, and characters of a value.
LISTED: Final = 24
VALUE_LIMIT: Final = 120


class Marks:
    """Columns `marks` (signal, value, where) and `marks_evidence` (bounded, in nats).

    Signals: zero-width, bidi, tag-characters, variation-selectors, exotic-space, homoglyph, c2pa, trailing-whitespace,
    residue.
    Reads `text`, and `body` for residue in a page's own markup; rows with an outcome or without text get nulls.
    """

    name = "marks"
    schema = pa.schema([("marks", SIGNALS), ("marks_evidence", EVIDENCE)])

    def __init__(self) -> None:
        self.version = f"3+rules{version()}"

    def setup(self) -> None:
        """Compile the rules and the kernels."""
        self(pa.record_batch({"text": pa.array([""], pa.large_string())}))

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """One array for each field of `schema`."""
        texts = batch.column("text")
        if not pa.types.is_large_string(texts.type):
            texts = texts.cast(pa.large_string())
        use = _valid(texts)
        if "outcome" in batch.schema.names:
            use &= ~_valid(batch.column("outcome"))
        bodies = batch.column("body") if "body" in batch.schema.names else None
        counts, places = find_characters(texts, use)
        bounds = np.searchsorted(places[:, 0], np.arange(len(texts) + 1))
        coded = find_coded_line_ends(texts, use)
        suspects, marked_up = residue.may_have_residue(texts, use), np.zeros(len(texts), np.bool_)
        if bodies is not None and len(bodies):
            if not pa.types.is_large_binary(bodies.type):
                bodies = bodies.cast(pa.large_binary())
            marked_up = residue.may_have_residue(bodies, use & _valid(bodies), "markup")
            suspects |= marked_up
        marked: Any = counts.any(axis=1)
        signals: list[Any] = [[] if used else None for used in use]
        evidence: list[Any] = [[] if used else None for used in use]
        for row in np.flatnonzero(marked | suspects | (coded >= 0)).tolist():
            text = texts[row].as_py()
            if marked[row]:
                raw = text.encode()
                origin = texts[row : row + 1].buffers()  # offsets of this row's bytes in the shared buffer
                first = int(np.frombuffer(origin[1], np.int64, 1, (texts.offset + row) * 8)[0])
                for _, kind, start, stop, char in places[bounds[row] : bounds[row + 1]].tolist():
                    signal, value = describe(kind, raw[start - first : stop - first], int(counts[row, kind]))
                    signals[row].append(
                        {"signal": signal, "value": value[:VALUE_LIMIT], "where": f"char {char}"}
                    )
                evidence[row] += _of_characters(signals[row])
            if coded[row] >= 0:
                char = len(text.encode()[: coded[row]].decode())
                value = describe_line_ends(line_ends(text))[:VALUE_LIMIT]
                signals[row].append(
                    {"signal": "trailing-whitespace", "value": value, "where": f"char {char}"}
                )
            if suspects[row]:
                body = bodies[row].as_py() if bodies is not None else None
                found = residue.find_residue(text, body, marked=bool(marked_up[row]))
                for hit in found[:LISTED]:
                    where = f"byte {hit.start} of the markup" if hit.in_markup else f"char {hit.start}"
                    signals[row].append({"signal": "residue", "value": hit.rule.id, "where": where})
                if found:
                    llr, because = residue.evidence(found)
                    evidence[row].append({"source": "marks", "llr": llr, "because": f"residue {because}"})
        return [pa.array(signals, SIGNALS), pa.array(evidence, EVIDENCE)]


def _valid(column: pa.Array) -> Any:
    return column.is_valid().to_numpy(zero_copy_only=False).copy()


def _of_characters(signals: list[dict[str, str]]) -> list[dict[str, object]]:
    """The strongest of the character marks as evidence; signals worth nothing are not listed."""
    best = max(signals, key=lambda one: evidence_of(one["signal"], one["value"]))
    llr = evidence_of(best["signal"], best["value"])
    return (
        [{"source": "marks", "llr": llr, "because": f"{best['signal']} {best['value'][:60]}"}] if llr else []
    )
