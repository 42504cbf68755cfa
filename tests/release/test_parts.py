"""What is published: its layout and columns, and that other people's tools read it as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from provenance.schema import LEDGER, RELEASE
from tests.program import DEMO, contents, data, ledger, run

#: Columns that users may rely on, as the command line's contract names them.
PROMISED = """
doc_id text token_count word_count url host domain source input_file record_offset record_id content_digest mime
http_status capture_time published_time published_evidence proven_by low_background language language_score
license train_opt_out rights_signals disclosures watermarks detectors synthetic_probability duplicate_count
duplicate_hosts earliest_capture
""".split()
LEDGER_PROMISED = """
doc_id url input_file record_offset decision reason duplicate_of synthetic_probability token_count
""".split()


def part(release: Path, folder: str) -> pq.ParquetFile:
    return pq.ParquetFile(next((release / folder).glob("part-*.parquet")))


def test_promised_columns_and_types_are_there(demo_release: Path) -> None:
    written = part(demo_release, "data").schema_arrow
    assert set(PROMISED) <= set(written.names)
    assert written.remove_metadata() == RELEASE
    assert set(LEDGER_PROMISED) <= set(part(demo_release, "_ledger").schema_arrow.names)
    assert part(demo_release, "_ledger").schema_arrow.remove_metadata() == LEDGER
    assert written.field("low_background").type == pa.bool_()
    assert written.field("train_opt_out").type == pa.bool_()
    assert written.field("synthetic_probability").type == pa.float32()
    for name in ("capture_time", "published_time", "proven_by", "earliest_capture"):
        assert pa.types.is_timestamp(written.field(name).type)


def test_what_identifies_and_proves_a_document_is_never_null(demo_release: Path) -> None:
    documents = data(demo_release)
    needed = "doc_id text token_count word_count input_file record_offset content_digest low_background train_opt_out"
    needed += " synthetic_probability duplicate_count"
    assert not documents[needed.split()].isna().any().any()
    assert documents.synthetic_probability.between(0, 1).all()
    assert (documents.text.str.len() > 0).all()


def test_data_and_ledger_agree_on_what_was_kept(demo_release: Path) -> None:
    documents = data(demo_release).set_index("doc_id").sort_index()
    kept = ledger(demo_release).query("decision == 'kept'").set_index("doc_id").sort_index()
    shared = [name for name in kept.columns if name in documents.columns]
    pd.testing.assert_frame_equal(
        documents[shared], kept[shared], check_dtype=False
    )  # pandas widens columns with nulls


def test_duplicates_are_counted_at_the_document_kept_in_their_place(demo_release: Path) -> None:
    documents = data(demo_release).set_index("doc_id")
    rows = ledger(demo_release)
    counted = rows.duplicate_of.value_counts()
    # The cap may drop a document after it was kept in the place of others: none of them is published then.
    capped = set(rows.doc_id[rows.reason == "synthetic_cap"])
    counted = counted.drop(capped & set(counted.index))
    assert counted.sum() > 0
    for doc_id, count in counted.items():
        assert documents.duplicate_count[doc_id] == count
    assert (documents.duplicate_count.drop(counted.index) == 0).all()


def test_witness_of_a_proof_was_captured_then(demo_release: Path) -> None:
    documents, rows = data(demo_release), ledger(demo_release).set_index("doc_id")
    proven = documents[documents.proven_by.notna()]
    assert (rows.capture_time[proven.witness].to_numpy() == proven.proven_by.to_numpy()).all()
    assert (proven.proven_by <= proven.capture_time).all()
    border = pd.Timestamp("2022-11-30", tz="UTC")
    assert (proven.low_background == (proven.proven_by < border)).all()


def test_pandas_pyarrow_and_duckdb_read_it(demo_release: Path) -> None:
    expected = part(demo_release, "data").metadata.num_rows
    assert len(pd.read_parquet(demo_release / "data")) == expected
    assert ds.dataset(demo_release / "data").count_rows() == expected
    query = f"select count(*), count(distinct doc_id), sum(token_count) from '{demo_release}/data/*.parquet'"
    assert duckdb.sql(query).fetchall() == [(expected, expected, data(demo_release).token_count.sum())]
    nested = f"select count(*) from (select unnest(detectors) d from '{demo_release}/data/*.parquet') where d.llr > 0"
    assert duckdb.sql(nested).fetchall()[0][0] > 0


def test_datasets_loads_it_as_it_is(demo_release: Path, tmp_path: Path) -> None:
    script = (
        "import sys, datasets\n"
        "found = datasets.load_dataset(sys.argv[1])\n"
        "assert list(found) == ['train'], found\n"
        "print(len(found['train']), *sorted(found['train'].column_names))\n"
    )
    environment = {**os.environ, "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", script, str(demo_release)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    rows, *columns = ended.stdout.split()
    assert int(rows) == part(demo_release, "data").metadata.num_rows
    assert columns == sorted(RELEASE.names)


def test_small_shards_hold_the_same_documents(demo_release: Path, tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    config.write_text("release: {shard_bytes: 65536, row_group_bytes: 16384}\n")
    release = tmp_path / "small"
    assert run("curate", DEMO, "--output", release, "--config", config, "--quiet").code == 0
    paths = sorted((release / "data").iterdir())
    assert len(paths) > 3
    assert [path.name for path in paths] == [
        f"part-{i:05d}-of-{len(paths):05d}.parquet" for i in range(len(paths))
    ]
    for path in paths:
        found = pq.ParquetFile(path)
        assert found.metadata.row_group(0).column(0).compression == "ZSTD"
        for group in range(found.num_row_groups):
            sizes = (
                found.read_row_group(group, columns=["text"])["text"]
                .to_pandas()
                .str.encode("utf-8")
                .str.len()
            )
            assert sizes.sum() - sizes.max() <= 16384
    one, many = (
        data(demo_release).set_index("doc_id").sort_index(),
        data(release).set_index("doc_id").sort_index(),
    )
    pd.testing.assert_frame_equal(one, many)


def test_another_release_in_its_place_replaces_it_whole(demo_release: Path, tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    config.write_text("release: {shard_bytes: 65536}\n")
    release = tmp_path / "release"
    assert run("curate", DEMO, "--output", release, "--config", config, "--quiet").code == 0
    assert len(contents(release)) > len(contents(demo_release))
    assert run("curate", DEMO, "--output", release, "--quiet").code == 0
    assert contents(release) == contents(demo_release)
