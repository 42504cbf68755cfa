"""The records of a ledger by what became of them, by host, by address or by the beginning of a doc_id.

Only the ledger is read, a row group and a few columns at a time, so that a release of any size can be asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance import outcomes
from provenance.annotators.source import hosts_of
from provenance.errors import UsageError, plain, suggestion
from provenance.files.storage import Storage, join
from provenance.release.layout import ledger_files
from provenance.release.manifest import read_manifest

#: What is listed of a record.
COLUMNS = ("doc_id", "decision", "reason", "detail", "capture_time", "url", "input_file")
_MEANING = {**outcomes.DROPPED, **outcomes.FAILED}
_DOC_ID = re.compile(r"[0-9a-f]{4,32}")
_WHOLE = 32
#: Hosts that are named with the counts of a listing.
_HOSTS = 10


@dataclass(frozen=True)
class Query:
    """Which records are wanted; None and "" are all.

    Attributes:
        decision: kept, dropped or failed.
        reason: a reason code of the ledger.
        host: a host; those below it too.
        url: how the address begins.
        input: how the name of the input begins.
    """

    decision: str | None = None
    reason: str | None = None
    host: str | None = None
    url: str | None = None
    input: str | None = None

    def __post_init__(self) -> None:
        if self.reason is not None and not outcomes.meaning(self.reason):
            known = ", ".join(_MEANING)
            raise UsageError(
                f"no reason is called {self.reason!r}{suggestion(self.reason, _MEANING)} ({known})"
            )

    def mask(self, table: pa.Table) -> pa.ChunkedArray:
        """Whether each row is wanted."""
        wanted = pa.chunked_array([pa.array([True] * len(table))])
        for column, value in (("decision", self.decision), ("reason", self.reason)):
            if value is not None:
                wanted = pc.and_(wanted, pc.equal(table[column], value).fill_null(False))
        for column, start in (("url", self.url), ("input_file", self.input)):
            if start:
                wanted = pc.and_(wanted, pc.starts_with(table[column], start).fill_null(False))
        if self.host:
            host, below = hosts(table["url"]), host_asked_for(self.host)
            same = pc.or_(pc.equal(host, below), pc.ends_with(host, f".{below}"))
            wanted = pc.and_(wanted, same.fill_null(False))
        return wanted


@dataclass
class Listing:
    """What a query found: counts of all of it, and the first records."""

    records: int = 0
    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, table: pa.Table, limit: int | None) -> None:
        """Count more records, and keep as many of them as `limit` leaves room for."""
        self.records += len(table)
        pairs = table.group_by(["decision", "reason"]).aggregate([([], "count_all")]).to_pylist()
        self.decisions.update({(row["decision"], row["reason"] or ""): row["count_all"] for row in pairs})
        counted = pc.value_counts(hosts(table["url"]).drop_null()).to_pylist()
        self.hosts.update({item["values"]: item["counts"] for item in counted if item["values"]})
        room = len(table) if limit is None else max(limit - len(self.rows), 0)
        self.rows += table.slice(0, room).to_pylist()

    def as_json(self) -> dict[str, Any]:
        """Plain values: the counts, the hosts with the most records, and the records."""
        return {
            "records": self.records,
            "decisions": {f"{decision}:{reason}".rstrip(":"): n for (decision, reason), n in self._ordered()},
            "hosts": dict(self._most()),
            "rows": self.rows,
        }

    def describe(self) -> str:
        """The counts and the records as text for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.records:,} records"
        for (decision, reason), number in self._ordered():
            yield f"{number:>12,}  {decision} {reason}".rstrip() + (
                f": {outcomes.meaning(reason)}" if reason else ""
            )
        if self.hosts:
            more = len(self.hosts) - _HOSTS
            named = ", ".join(f"{plain(host)} {number:,}" for host, number in self._most())
            yield f"hosts: {named}{f' and {more:,} more' if more > 0 else ''}"
        for row in self.rows:
            captured = f"{row['capture_time']:%Y-%m-%d}" if row["capture_time"] else "-"
            what = row["reason"] or row["decision"]
            yield f"{row['doc_id']}  {what:<16}  {captured:<10}  {plain(row['url'] or row['input_file'])}"
        if self.records > len(self.rows) > 0:
            yield f"and {self.records - len(self.rows):,} more"

    def _ordered(self) -> list[tuple[tuple[str, str], int]]:
        return sorted(self.decisions.items(), key=lambda item: (-item[1], item[0]))

    def _most(self) -> list[tuple[str, int]]:
        return sorted(self.hosts.items(), key=lambda item: (-item[1], item[0]))[:_HOSTS]


def list_records(storage: Storage, release: str, query: Query, limit: int | None = None) -> Listing:
    """The records of a release that a query wants, in the order of the ledger.

    Raises:
        ReleaseError: where `release` is not a finished release.
    """
    found = Listing()
    for table in _tables(storage, release):
        found.add(table.filter(query.mask(table)), limit)
    return found


def find_records(storage: Storage, release: str, what: str, limit: int) -> Listing:
    """The records that a person may mean by `what`: a doc_id, an address, or how one of these begins.

    Where a whole doc_id or address is meant, all its captures and nothing else; of an address the scheme and a
    slash at its end may be left out.

    Raises:
        ReleaseError: where `release` is not a finished release.
    """
    exact, begun = Listing(), Listing()
    for table in _tables(storage, release) if what else ():
        whole, starts = _meant(table, what)
        exact.add(table.filter(whole), None)
        begun.add(table.filter(starts), limit)
    return exact if exact.records else begun


def _meant(table: pa.Table, what: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Of each row, whether `what` names it as a whole, and whether it begins its doc_id or its address."""
    nothing = pa.chunked_array([pa.array([False] * len(table))])
    if _DOC_ID.fullmatch(what):
        starts = pc.starts_with(table["doc_id"], what)
        return (starts, nothing) if len(what) == _WHOLE else (nothing, starts)
    spellings = [what] if "://" in what else [f"{scheme}{what}" for scheme in ("http://", "https://", "")]
    both = {spelling.rstrip("/") + slash for spelling in spellings for slash in ("", "/")}
    whole = pc.is_in(table["url"], value_set=pa.array(sorted(both)))
    begun = nothing
    for spelling in spellings:
        begun = pc.or_(begun, pc.starts_with(table["url"], spelling).fill_null(False))
    return whole, begun


def host_asked_for(written: str) -> str:
    """The host that a person means: also where an address of it, a port, `*.` or an IPv6 address without brackets is written."""
    name = re.sub(r"^([^/]*://)?\*?\.*", r"\1", written.strip())
    if "://" not in name:
        name = f"http://[{name}]" if name.count(":") > 1 and not name.startswith("[") else f"http://{name}"
    return hosts(pa.chunked_array([[name]], pa.string()))[0].as_py() or written.lower()


def hosts(url: pa.ChunkedArray) -> pa.ChunkedArray:
    """Host of each address in the form of the column `host` (ASCII, lower case); null where there is none."""
    return pa.chunked_array([hosts_of(chunk) for chunk in url.chunks], pa.string())


def _tables(storage: Storage, release: str) -> Iterator[pa.Table]:
    for item in ledger_files(read_manifest(storage, release)):
        with storage.open(join(release, item["path"])) as file:
            ledger = pq.ParquetFile(file, pre_buffer=False)
            for group in range(ledger.num_row_groups):
                yield ledger.read_row_group(group, columns=list(COLUMNS)).select(list(COLUMNS))
