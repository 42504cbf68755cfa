"""An index is looked up by range: what it finds is what it holds, and an index that does not fit is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.duplicates import Blocks, LocalScratch, Sketches, deduplicate_local
from provenance.duplicates.bands import document_keys
from provenance.duplicates.clusters import EARLIER, PASSED, REPLACED
from provenance.duplicates.index import (
    ENTRIES,
    Design,
    EarlierDocuments,
    Index,
    IndexFormatError,
    IndexWriter,
    read_header,
)
from provenance.duplicates.index import reader as reading
from provenance.duplicates.index import writer as writing
from provenance.duplicates.index.form import check_design
from provenance.duplicates.sketches import DIGESTED, PAYLOAD, SHINGLED, payload_digests
from provenance.files.storage import LocalStorage

DESIGN = Design.of(0.6, 5, 1)
BANDS = (DESIGN.bands, DESIGN.rows)


def signatures(rng: np.random.Generator, roots: int, each: int, noise: float = 0.05) -> np.ndarray:
    """Near-duplicates of some roots: members of one root are similar, of two are not."""
    base = rng.integers(0, 1 << 32, (roots, 128), dtype=np.uint32)
    found = np.repeat(base, each, axis=0)
    redrawn = rng.random(found.shape) < noise
    return np.where(redrawn, rng.integers(0, 1 << 32, found.shape, dtype=np.uint32), found)


def table(values: np.ndarray, name: str = "r1", first: int = 0) -> pa.Table:
    rows = len(values)
    digests = np.random.default_rng(first + 1).integers(0, 256, (rows, 16), np.uint8)
    return pa.table(
        {
            "minhash": pa.array([row.astype("<u4").tobytes() for row in values], ENTRIES.field(0).type),
            "text_digest": pa.array([row.tobytes() for row in digests], pa.binary(16)),
            "payload_digest": pa.nulls(rows, pa.string()),
            "capture_time": pa.array([datetime(2019, 1, 1, tzinfo=UTC)] * rows, ENTRIES.field(3).type),
            "doc_id": [f"{first + row:032x}" for row in range(rows)],
            "url": [f"https://a.example/{row}" for row in range(rows)],
            "origin": [name] * rows,
            "input_file": ["a.warc.gz"] * rows,
            "record_offset": pa.array(range(rows), pa.int64()),
            "record_length": pa.nulls(rows, pa.int64()),
        }
    )


def build(folder: Path, *tables: pa.Table) -> Index:
    writer = IndexWriter(LocalStorage(), str(folder), DESIGN)
    for item in tables:
        writer.add(item, "release")
    writer.close()
    return Index(LocalStorage(), str(folder))


def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and row groups of a few rows, as a large index has many."""
    for module, names in ((writing, ("ENTRY", "KEY")), (reading, ("ENTRY",))):
        for name in names:
            monkeypatch.setattr(module, f"{name}_FILE_ROWS", 64)
            monkeypatch.setattr(module, f"{name}_GROUP_ROWS", 8)


def test_lookups_find_every_entry_of_a_key_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_files(monkeypatch)
    monkeypatch.setattr(writing, "_HELD", 500)
    values = signatures(np.random.default_rng(1), 20, 10, 0.2)
    values[:60] = values[0]  # runs of equal keys that are longer than a row group
    whole = table(values)
    index = build(tmp_path / "index", whole.slice(0, 33), whole.slice(33))
    assert index.header.entries == 200 and len(index.header.entry_files) == 4
    assert len(index.header.key_files) > 10
    own = Sketches(
        np.arange(200, dtype=np.uint64),
        np.full(200, SHINGLED, np.uint8),
        np.zeros((200, 2), np.uint64),
        values,
    )
    keys, where = document_keys(own, BANDS)
    for wanted in (np.unique(keys), np.unique(keys)[::7], np.unique(keys[:1]), np.array([5], np.uint64)):
        found = index.find(wanted)
        hit = np.isin(keys, wanted)
        assert sorted(zip(*map(np.ndarray.tolist, found), strict=True)) == sorted(
            zip(keys[hit].tolist(), where[hit].tolist(), strict=True)
        )
    rows = np.array([0, 7, 8, 64, 199], np.uint64)
    assert index.read(rows, ["doc_id"])["doc_id"].to_pylist() == [f"{row:032x}" for row in rows.tolist()]


def test_the_same_captures_give_the_same_bytes(tmp_path: Path) -> None:
    whole = table(signatures(np.random.default_rng(2), 5, 4))
    headers = [
        build(tmp_path / str(cut), whole.slice(0, cut), whole.slice(cut)).header.sha256 for cut in (3, 11)
    ]
    assert headers[0] == headers[1]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 60), st.sampled_from([EARLIER, REPLACED]))
def test_increments_together_keep_what_one_run_over_all_keeps_but_for_the_keeper(
    tmp_path_factory: pytest.TempPathFactory, seed: int, block_rows: int, standing: int
) -> None:
    rng = np.random.default_rng(seed)
    roots = int(rng.integers(2, 12))
    values = signatures(rng, roots, 6)
    family = np.repeat(np.arange(roots), 6)
    order = rng.permutation(len(values))
    values, family = values[order], family[order]
    cut = int(rng.integers(1, len(values) - 1))
    folder = tmp_path_factory.mktemp("increments")

    def kept(rows: np.ndarray, earlier: EarlierDocuments | None = None) -> np.ndarray:
        """Which of the rows are published."""
        blocks = Blocks((len(rows),), block_rows, () if earlier is None else earlier.sizes)
        where = np.arange(len(rows), dtype=np.uint64)
        block = blocks.of(where)

        def load(number: int) -> Sketches:
            at = np.flatnonzero(block == number)
            flags = np.full(len(at), SHINGLED, np.uint8)
            return Sketches(where[at], flags, np.zeros((len(at), 2), np.uint64), values[rows[at]])

        def keys(number: int) -> np.ndarray:
            at = np.flatnonzero(block == number)
            return np.column_stack([np.full(len(at), PASSED), rows[at]]).astype(np.uint64)

        found = deduplicate_local(
            LocalScratch(folder / str(len(list(folder.iterdir())))), blocks, load, keys,
            threshold=0.6, standing=True, earlier=earlier, most_bytes=int(rng.choice([0, 1 << 30])),
        )  # fmt: skip
        dropped = found.addresses[found.addresses != found.keepers]
        return np.delete(rows, dropped[dropped < blocks.end].astype(np.int64))

    first = kept(np.arange(cut))
    index = build(folder / "index", table(values[first]))
    second = kept(np.arange(cut, len(values)), EarlierDocuments((index,), (standing,), 1, False))
    once = kept(np.arange(len(values)))
    assert sorted(family[once]) == sorted(set(family.tolist()))
    if standing == EARLIER:
        assert sorted(family[np.concatenate([first, second])]) == sorted(family[once])
    else:
        replaced = ~np.isin(family[first], family[second])
        assert sorted([*family[first][replaced], *family[second]]) == sorted(family[once])


def test_payloads_are_compared_where_nothing_else_is_known() -> None:
    texts = pa.array(["sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", None, "sha256:00", "sha1:" + "A" * 32])
    digests, known = payload_digests(texts)
    assert known.tolist() == [True, False, False, True]
    assert digests[0].tobytes().hex() == "da39a3ee5e6b4b0d3255bfef95601890"  # SHA-1 of nothing
    assert SHINGLED | DIGESTED | PAYLOAD == 7


def test_an_index_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    build(tmp_path, table(signatures(np.random.default_rng(3), 2, 2), "old-release"))
    path = tmp_path / "index.json"
    header = json.loads(path.read_text())
    path.write_text(json.dumps({**header, "version": 2}))
    with pytest.raises(IndexFormatError, match=r"version 2, .* version 1; build it again .*old-release"):
        read_header(LocalStorage(), str(tmp_path))
    path.write_text(json.dumps({**header, "entries": 3}))
    with pytest.raises(IndexFormatError, match="not as it was written"):
        read_header(LocalStorage(), str(tmp_path))
    path.unlink()
    with pytest.raises(IndexFormatError, match="no finished index"):
        read_header(LocalStorage(), str(tmp_path))


def test_an_index_of_other_signatures_is_refused_by_name(tmp_path: Path) -> None:
    index = build(tmp_path, table(signatures(np.random.default_rng(3), 2, 2)))
    with pytest.raises(IndexFormatError, match="ngram 5 there, 7 here"):
        check_design("x", index.header, Design.of(0.6, 7, 1))
    check_design("x", index.header, DESIGN)


@pytest.mark.parametrize("folder", ["keys", "entries"])
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_file_of_an_index_is_named_where_it_is_read(
    tmp_path: Path, folder: str, damage: str
) -> None:
    index = build(tmp_path, table(signatures(np.random.default_rng(3), 2, 2)))
    (path,) = (tmp_path / folder).glob("*.parquet")
    keys = np.unique(np.asarray(pq.read_table(tmp_path / "keys")["key"]))
    chunk = pq.read_metadata(path).row_group(0).column(0)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[-20:]
    else:
        content[chunk.data_page_offset + chunk.total_compressed_size - 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        IndexFormatError, match=rf"{folder}/part-00000.parquet: is damaged .* build the index again"
    ):
        index.find(keys)
        index.read(np.arange(4, dtype=np.uint64), [chunk.path_in_schema, "doc_id"])
