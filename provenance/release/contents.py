"""What a release holds and what it was read from, counted by language, licence, source, domain and day of capture.

Each file of the release is counted by the task that wrote it, a few narrow columns at a time; the sums are merged when
the release is closed and recomputed by `provenance verify`. All that the standards' files say of the data comes from here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.schema import without_zone

#: One count: of what, which value of it (null: none stated), and how much of it there is.
CONTENTS = pa.schema(
    [("what", pa.string()), ("value", pa.string()), ("documents", pa.int64()), ("tokens", pa.int64())]
)
DOMAINS = "domains.csv"
#: Columns of a document that are counted as they are, and lists of signals of which each is counted once a document.
_PLAIN = ("language", "license", "source", "domain")
_SIGNALS = ("disclosures", "rights_signals", "marks")
#: Values of one kind that the manifest lists; the others are only counted there.
_MOST_LISTED = 100
#: Tables that are held before they are summed.
_AT_ONCE = 64
#: The public summary of training content (template of July 2025, section 2.3) lists the top tenth of the domains by size.
_TOP_SHARE = 10
#: A provider that is a small enterprise lists a thousand or a twentieth: whoever uses the file can cut it.
_FEWEST_DOMAINS = 1000


def count_data(file: pq.ParquetFile) -> pa.Table:
    """Counts of a data file, as rows of `CONTENTS`."""
    columns = [*_PLAIN, *_SIGNALS, "capture_time", "train_opt_out", "personal_data", "token_count"]
    return merge_contents(_count_documents(batch) for batch in file.iter_batches(columns=columns))


def count_ledger(file: pq.ParquetFile) -> pa.Table:
    """Counts of all records of a ledger file: where and when they were read from."""
    columns = ["source", "capture_time", "token_count"]
    return merge_contents(_count_records(batch) for batch in file.iter_batches(columns=columns))


def merge_contents(tables: Iterable[pa.Table]) -> pa.Table:
    """The sum of several tables of counts, in a total order."""
    held = [CONTENTS.empty_table()]
    for table in tables:
        held.append(table)
        if len(held) > _AT_ONCE:
            held = [_sum(held)]
    return _sum(held).sort_by([("what", "ascending"), ("value", "ascending")])


def describe_contents(counts: pa.Table) -> dict[str, Any]:
    """The `contents` section of a manifest."""
    domains, licenses = _ranked(counts, "domain"), _ranked(counts, "license")
    return {
        "documents": {
            "languages": _ranked(counts, "language").to_pylist(),
            "licenses": licenses[:_MOST_LISTED].to_pylist(),
            "licenses_in_all": len(licenses),
            "sources": _ranked(counts, "source")[:_MOST_LISTED].to_pylist(),
            "domains_in_all": len(domains),
            "domains_listed": len(_top(domains)),
            "domains": domains[:10].to_pylist(),
            "captured": _span(counts, "captured"),
            "train_opt_out": _total(counts, "train_opt_out"),
            "personal_data": _ranked(counts, "personal_data").to_pylist(),
            **{name: _ranked(counts, name).to_pylist() for name in _SIGNALS},
        },
        "records": {
            "sources": _ranked(counts, "read from")[:_MOST_LISTED].to_pylist(),
            "captured": _span(counts, "read of"),
        },
    }


def list_domains(counts: pa.Table) -> bytes:
    """`domains.csv`: the tenth of the domains with the most tokens, but at least a thousand where there are as many."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("domain", "documents", "tokens"))
    top = _top(_ranked(counts, "domain"))
    rows.writerows(zip(*(top[name].to_pylist() for name in ("value", "documents", "tokens")), strict=True))
    return text.getvalue().encode("utf-8", "replace")


def _top(domains: pa.Table) -> pa.Table:
    """The domains that are listed: of those in order, without documents of no domain."""
    named = domains.filter(pc.is_valid(domains["value"]))
    return named[: max(_FEWEST_DOMAINS, -(-len(named) // _TOP_SHARE))]


def _count_documents(batch: pa.RecordBatch) -> pa.Table:
    tokens = batch["token_count"].fill_null(0)
    found = [_grouped(name, batch[name], tokens) for name in _PLAIN]
    found.append(_grouped("captured", _days(batch["capture_time"]), tokens))
    reserved = batch["train_opt_out"].fill_null(False)
    found.append(
        _grouped(
            "train_opt_out",
            pa.array(["yes"] * pc.sum(reserved).as_py(), pa.string()),
            tokens.filter(reserved),
        )
    )
    for name in _SIGNALS:
        found.append(_listed(name, batch[name], tokens))
    kinds = batch["personal_data"].type
    for at in range(kinds.num_fields):
        some = pc.greater(pc.struct_field(batch["personal_data"], kinds.field(at).name), 0).fill_null(False)
        named = pa.array([kinds.field(at).name] * pc.sum(some).as_py(), pa.string())
        found.append(_grouped("personal_data", named, tokens.filter(some)))
    return pa.concat_tables(found)


def _count_records(batch: pa.RecordBatch) -> pa.Table:
    tokens = batch["token_count"].fill_null(0)
    sources = _grouped("read from", batch["source"], tokens)
    return pa.concat_tables([sources, _grouped("read of", _days(batch["capture_time"]), tokens)])


def _grouped(what: str, values: pa.Array, tokens: pa.Array) -> pa.Table:
    """Documents and tokens by value."""
    table = pa.table({"value": values, "tokens": tokens.cast(pa.int64())})
    sums = table.group_by("value").aggregate([([], "count_all"), ("tokens", "sum")])
    named = pa.array([what] * len(sums), pa.string())
    columns = [named, sums["value"].cast(pa.string()), sums["count_all"], sums["tokens_sum"].fill_null(0)]
    return pa.table(columns, schema=CONTENTS)


def _listed(what: str, lists: pa.Array, tokens: pa.Array) -> pa.Table:
    """Documents and tokens by signal, each signal once a document."""
    pairs = pa.table({"row": pc.list_parent_indices(lists), "value": lists.flatten().field("signal")})
    once = pairs.group_by(["row", "value"]).aggregate([])
    return _grouped(what, once["value"].combine_chunks(), tokens.take(once["row"].combine_chunks()))


def _days(times: pa.Array) -> pa.Array:
    return without_zone(times).cast(pa.date32()).cast(pa.string())


def _sum(tables: list[pa.Table]) -> pa.Table:
    sums = (
        pa.concat_tables(tables)
        .group_by(["what", "value"])
        .aggregate([("documents", "sum"), ("tokens", "sum")])
    )
    return pa.table(
        [sums[name] for name in ("what", "value", "documents_sum", "tokens_sum")], schema=CONTENTS
    )


def _ranked(counts: pa.Table, what: str) -> pa.Table:
    """Value, documents and tokens of one kind of counts, most tokens first."""
    own = counts.filter(pc.equal(counts["what"], what)).drop_columns(["what"])
    return own.sort_by([("tokens", "descending"), ("documents", "descending"), ("value", "ascending")])


def _total(counts: pa.Table, what: str) -> dict[str, int]:
    own = _ranked(counts, what)
    return {name: pc.sum(own[name]).as_py() or 0 for name in ("documents", "tokens")}


def _span(counts: pa.Table, what: str) -> dict[str, str | None]:
    """The first and the last day."""
    days = pc.min_max(_ranked(counts, what)["value"]).as_py()
    return {"first": days["min"], "last": days["max"]}
