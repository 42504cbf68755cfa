"""What a release holds is counted the same however it is divided, and its largest domains are listed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from provenance.release.contents import (
    CONTENTS,
    count_data,
    count_ledger,
    describe_contents,
    list_domains,
    merge_contents,
)
from tests.program import data, ledger
from tests.release.described import manifest_of

rows = st.tuples(
    st.sampled_from(["domain", "language"]),
    st.one_of(st.none(), st.sampled_from("abc")),
    st.integers(1, 9),
    st.integers(0, 99),
)


@given(st.lists(rows, max_size=30), st.lists(st.integers(0, 30), max_size=80))
def test_sums_do_not_depend_on_how_files_are_divided(
    counts: list[tuple[str, str | None, int, int]], cuts: list[int]
) -> None:
    table = pa.Table.from_pylist(
        [dict(zip(CONTENTS.names, row, strict=True)) for row in counts], schema=CONTENTS
    )
    ends = sorted({0, len(table), *(min(cut, len(table)) for cut in cuts)})
    parts = [table.slice(a, b - a) for a, b in itertools.pairwise(ends)]
    assert merge_contents([table]).to_pylist() == merge_contents(reversed(parts)).to_pylist()


def test_the_counts_of_a_release_are_those_of_its_rows(demo_release: Path) -> None:
    found, table = manifest_of(demo_release)["contents"], data(demo_release)
    languages = {row["value"]: row["documents"] for row in found["documents"]["languages"]}
    assert languages == table["language"].value_counts().to_dict()
    assert found["documents"]["captured"]["last"] == f"{table['capture_time'].max():%Y-%m-%d}"
    read = {row["value"]: row["documents"] for row in found["records"]["sources"] if row["value"]}
    assert read == ledger(demo_release)["source"].value_counts().to_dict()
    disclosed = table["disclosures"].map(lambda items: {item["signal"] for item in items})
    for row in found["documents"]["disclosures"]:
        assert row["documents"] == sum(row["value"] in signals for signals in disclosed)


def test_the_largest_domains_come_first(demo_release: Path) -> None:
    lines = (demo_release / "domains.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "domain,documents,tokens"
    tokens = [int(line.rsplit(",", 1)[1]) for line in lines[1:]]
    assert tokens == sorted(tokens, reverse=True)
    assert len(tokens) == data(demo_release)["domain"].nunique()


def test_of_many_domains_a_tenth_is_listed_but_a_thousand_at_least() -> None:
    def listed(count: int) -> int:
        names = [f"{number:06}.example" for number in range(count)]
        columns = [["domain"] * count, names, [1] * count, list(range(count))]
        return list_domains(pa.table(columns, schema=CONTENTS)).count(b"\n") - 1

    assert (listed(30), listed(4000), listed(20_000)) == (30, 1000, 2000)


def test_a_release_of_nothing_has_contents_too(tmp_path: Path, demo_release: Path) -> None:
    for folder, count in (("data", count_data), ("_ledger", count_ledger)):
        (path,) = (demo_release / folder).glob("*.parquet")
        pq.write_table(pq.read_table(path).slice(0, 0), tmp_path / "empty.parquet")
        assert count(pq.ParquetFile(tmp_path / "empty.parquet")).num_rows == 0
    empty = describe_contents(CONTENTS.empty_table())
    assert empty["documents"]["train_opt_out"] == {"documents": 0, "tokens": 0}
    assert empty["records"]["captured"] == {"first": None, "last": None}
    assert list_domains(CONTENTS.empty_table()) == b"domain,documents,tokens\n"
