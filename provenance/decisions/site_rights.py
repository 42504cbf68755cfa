"""What the files of a host say of its pages, brought to the pages: the most restrictive word counts.

Of each group of each captured file the longest rule that fits a page's path holds, and of two alike the reservation. One
reservation in any capture reserves the page, whatever else is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.annotators.declarations.paths import matches, path_of
from provenance.annotators.source import hosts_of
from provenance.files.storage import Storage
from provenance.schema import SIGNALS, SITE_RIGHTS

_RULE = SITE_RIGHTS.value_type
#: One rule of a host's file; `file` is the doc_id of the record that was read.
SITES = pa.schema([("host", pa.string()), ("file", pa.string()), *_RULE])
_TABLES = ("url", "doc_id", "site_rights")
Rule = tuple[str, str, str, str, str, str]  # file, group, path, signal, value, where


def read_site_rules(storage: Storage, shard: str) -> pa.Table:
    """The rules that the records of a shard hold, as rows of `SITES`."""
    found = [SITES.empty_table()]
    with storage.open(shard) as file:
        for batch in pq.ParquetFile(file, pre_buffer=False).iter_batches(columns=list(_TABLES)):
            rules = batch["site_rights"]
            if rules.null_count < len(rules):
                flat, parents = rules.flatten(), pc.list_parent_indices(rules)
                hosts = hosts_of(batch["url"].take(parents))
                columns = [hosts, batch["doc_id"].take(parents), *flat.flatten()]
                found.append(pa.table(columns, schema=SITES))
    return pa.concat_tables(found)


def merge_site_rules(tables: Iterable[pa.Table]) -> pa.Table:
    """All rules in a total order, those of a host together."""
    whole = pa.concat_tables([SITES.empty_table(), *tables])
    return whole.sort_by([(name, "ascending") for name in SITES.names]).combine_chunks()


class SiteRights:
    """Looks up what hosts say of their pages."""

    def __init__(self, rules: pa.Table) -> None:
        self._rules = rules

    @cached_property
    def hosts(self) -> pa.Array:
        """Hosts that reserve anything."""
        return pc.unique(self._rules["host"]).drop_null()

    @cached_property
    def _starts(self) -> dict[str, tuple[int, int]]:
        counts = pc.value_counts(self._rules["host"].combine_chunks())
        ends = np.cumsum(np.asarray(counts.field("counts")))
        names = counts.field("values").to_pylist()
        return {
            name: (int(end - count), int(end))
            for name, end, count in zip(names, ends, np.asarray(counts.field("counts")), strict=True)
        }

    def signals(self, host: str, url: str) -> list[dict[str, str]]:
        """What is said of one page: rows of `schema.SIGNALS`, reservations first, each once."""
        path = path_of(url)
        best: dict[tuple[str, str], tuple[int, bool, Rule]] = {}
        for rule in self._of(host):
            file, group, pattern, signal, _, _ = rule
            if matches(pattern, path):
                rank = (len(pattern), signal == "optout", rule)
                best[file, group] = max(best.get((file, group), (-1, False, rule)), rank)
        said = {rule[3:] for _, _, rule in best.values()}
        ordered = sorted(said, key=lambda item: (item[0] != "optout", item))
        return [{"signal": signal, "value": value, "where": where} for signal, value, where in ordered]

    def _of(self, host: str) -> list[Rule]:
        start, end = self._starts.get(host, (0, 0))
        rows = self._rules.slice(start, end - start)
        return list(zip(*(rows[name].to_pylist() for name in SITES.names[1:]), strict=True))


def read_site_rights(storage: Storage, path: str) -> SiteRights:
    """What a job found in the files of hosts; nothing where it has not looked."""
    if storage.info(path) is None:
        return SiteRights(SITES.empty_table())
    with storage.open(path) as file:
        return SiteRights(pq.read_table(file, pre_buffer=False).combine_chunks())


def with_site_rights(table: pa.Table, sites: SiteRights) -> pa.Table:
    """A table with `host`, `url`, `rights_signals` and `train_opt_out`, the last two as hosts' files add to them."""
    rows = _spoken_of(table, sites)
    if not len(rows):
        return table
    signals, opted = table["rights_signals"].to_pylist(), table["train_opt_out"].to_pylist()
    hosts, urls = table["host"].take(pa.array(rows)), table["url"].take(pa.array(rows))
    for row, host, url in zip(rows.tolist(), hosts.to_pylist(), urls.to_pylist(), strict=True):
        found = sites.signals(host, url)
        if found:
            signals[row] = [*(signals[row] or []), *found]
            opted[row] = True if found[0]["signal"] == "optout" else opted[row]
    for name, values in (
        ("rights_signals", pa.array(signals, SIGNALS)),
        ("train_opt_out", pa.array(opted, pa.bool_())),
    ):
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table


def _spoken_of(table: pa.Table, sites: SiteRights) -> NDArray[np.int64]:
    """Documents of hosts that reserve anything."""
    known = pc.and_(pc.is_in(table["host"], value_set=sites.hosts), table["url"].is_valid())
    document = pc.and_(known, pc.is_valid(table["rights_signals"]))
    return np.flatnonzero(np.asarray(document.fill_null(False)))
