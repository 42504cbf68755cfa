"""What proves a record's time and what merely claims one; a proof that the record itself contradicts is none.

Nothing is resolved in silence: a time that is there and is not used leaves a remark, whose first word says why.
"""

from __future__ import annotations

from typing import Any

from provenance.records.dates import DAY, day_of, read_time
from provenance.records.fields import lookup
from provenance.records.options import ReadOptions
from provenance.records.rows import Row

#: An archive is written while pages are fetched, within days or weeks; what lies further apart is two clocks.
CONTRADICTION = 365 * DAY
_SHOWN = 60


def read_times(row: Row, value: dict[str, Any], options: ReadOptions) -> None:
    """Fill in the times of a row with named values: the first readable capture, and the first readable claim."""
    proving, claiming = options.columns["capture_time"], options.columns["published_time"]
    if any(lookup(value, path) is not None for path in options.claims_with):
        proving, claiming = (), proving + claiming
    captured, name, unused = _first_time(value, proving)
    if captured is not None:
        row["capture_time"], row["capture_evidence"] = captured, f"field {name}"
    claimed, name, unclaimed = _first_time(value, claiming)
    if claimed is not None:
        row["claimed_time"], row["claimed_by"] = claimed, f"field {name}"
    remark = unused or unclaimed
    if remark is not None:
        row["time_remark"] = remark


def capture_of(row: Row, written: str, evidence: str) -> None:
    """Take the date of an archive's record for its capture."""
    micros, problem = read_time(written)
    if micros is not None:
        row["capture_time"], row["capture_evidence"] = micros, evidence
    elif problem is not None:
        row["time_remark"] = _remark(problem, evidence, written)


def doubt_capture(row: Row, archived: int | None) -> None:
    """Take away the proof of a record whose date lies a year from that of its archive (warcinfo, filedesc)."""
    captured = row.get("capture_time")
    if captured is None or archived is None or abs(captured - archived) <= CONTRADICTION:
        return
    row["time_remark"] = (
        f"contradicted: {row.get('capture_evidence')} says {day_of(captured)}, "
        f"the beginning of its archive {day_of(archived)}"
    )
    row["capture_time"] = row["capture_evidence"] = None


def _first_time(value: dict[str, Any], names: tuple[str, ...]) -> tuple[int | None, str, str | None]:
    """The first readable time, its field, and a remark where there are values but none is readable."""
    remark = None
    for name in names:
        found = lookup(value, name)
        if found is None:
            continue
        micros, problem = read_time(found)
        if micros is not None:
            return micros, name, None
        if problem is not None and remark is None:
            remark = _remark(problem, f"field {name}", found)
    return None, "", remark


def _remark(problem: str, where: str, value: object) -> str:
    return f"{problem}: {where} is {value!r:.{_SHOWN}}"
