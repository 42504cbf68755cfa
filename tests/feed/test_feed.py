"""Every document once an epoch, whatever the ranks and workers; another order each epoch; exact after a restart."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections import Counter
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from provenance.errors import UsageError
from provenance.feed import Documents, Feed, FeedError, OpenRelease, open_release
from provenance.feed.loading import Loader, Stream
from provenance.feed.order import LANES, Epoch, Weights
from tests.program import data
from tests.stores import s3_server, use_s3


def _ids(batches: list[dict[str, list[str]]]) -> list[str]:
    return [name for batch in batches for name in batch["doc_id"]]


def test_the_release_has_enough_blocks_for_its_boundaries_to_be_crossed(opened: OpenRelease) -> None:
    assert len(opened.blocks) > 3 * LANES


@pytest.mark.parametrize("world", [1, 2, 4, 8])
def test_each_document_comes_once_an_epoch_over_all_ranks(
    opened: OpenRelease, blocks_release: Path, world: int
) -> None:
    expected = Counter(data(blocks_release)["doc_id"])
    ranks = [Feed(opened, batch_size=7, rank=rank, world=world) for rank in range(world)]
    first = [_ids(list(feed)) for feed in ranks]
    assert Counter(name for names in first for name in names) == expected
    assert max(map(len, first)) - min(map(len, first)) <= 1
    second = [_ids(list(feed)) for feed in ranks]
    assert Counter(name for names in second for name in names) == expected
    assert first != second


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_change_nothing_of_what_a_rank_delivers(opened: OpenRelease, workers: int) -> None:
    alone = list(Feed(opened, batch_size=5, rank=1, world=2))
    loader = Loader(Feed(opened, batch_size=5, rank=1, world=2), workers=workers)
    together = list(loader)
    assert [batch["doc_id"] for batch in together] == [batch["doc_id"] for batch in alone]
    assert together[0]["token_count"].tolist() == alone[0]["token_count"].tolist()
    assert loader.state_dict()["epoch"] == 1


@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 4), (4, 0)])
def test_a_killed_run_goes_on_where_it_was_with_another_number_of_workers(
    opened: OpenRelease, before: int, after: int
) -> None:
    whole = _ids(list(Feed(opened, batch_size=6, seed=3)))
    loader = Loader(Feed(opened, batch_size=6, seed=3), workers=before)
    taken = []
    for batch in loader:
        taken.append(batch)
        if len(taken) == 11:
            break
    state = json.loads(json.dumps(loader.state_dict()))
    assert len(json.dumps(state)) < 300
    resumed = Loader(Feed(opened, batch_size=6, seed=3), workers=after)
    resumed.load_state_dict(state)
    assert _ids(taken) + _ids(list(resumed)) == whole


@pytest.mark.parametrize(("workers", "persistent"), [(0, False), (2, False), (2, True)])
def test_torchs_own_loader_takes_a_stream_epoch_by_epoch(
    opened: OpenRelease, workers: int, persistent: bool
) -> None:
    feed = Feed(opened, batch_size=6, seed=3, rank=0, world=2)
    expected = [_ids(list(feed)), _ids(list(feed))]
    stream = Stream(Feed(opened, batch_size=6, seed=3, rank=0, world=2))
    loader = DataLoader(stream, batch_size=None, num_workers=workers, persistent_workers=persistent)
    for epoch in (0, 1, 0):
        stream.set_epoch(epoch)
        assert _ids(list(loader)) == expected[epoch]
        assert len(loader) == len(list(loader))


def test_a_stream_goes_on_where_its_feed_was(opened: OpenRelease) -> None:
    feed = Feed(opened, batch_size=6, seed=3)
    whole = list(feed)
    feed.resume(replace(Feed(opened, batch_size=6, seed=3).state(), delivered=4))
    stream = Stream(feed)
    assert len(stream) == len(whole) - 4
    assert _ids(list(DataLoader(stream, batch_size=None, num_workers=2))) == _ids(whole[4:])
    loader = StatefulDataLoader(Stream(Feed(opened, batch_size=6, seed=3)), batch_size=None)
    taken = [batch for _, batch in zip(range(5), loader, strict=False)]
    again = StatefulDataLoader(Stream(Feed(opened, batch_size=6, seed=3)), batch_size=None)
    again.load_state_dict(loader.state_dict())
    assert _ids(taken) + _ids(list(again)) == _ids(whole)


def test_a_feed_that_is_asked_by_number_says_what_to_take(opened: OpenRelease) -> None:
    with pytest.raises(TypeError, match=r"Loader\(feed, workers=.*Stream\(feed\)"):
        next(iter(DataLoader(Feed(opened), batch_size=None)))


@given(st.integers(0, 400), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_batches_of_lanes_cover_a_range_without_gaps(documents: int, batch_size: int) -> None:
    none = np.zeros(0, np.int64)
    epoch = Epoch(0, 0, batch_size, none, none, first=13, last=13 + documents)
    spans = sorted(epoch.batch(number) for number in range(epoch.batches))
    assert [place for start, stop in spans for place in range(start, stop)] == list(range(13, 13 + documents))
    assert all(stop - start == batch_size for start, stop in spans[:-1])


def test_a_lane_reads_on_from_batch_to_batch() -> None:
    none = np.zeros(0, np.int64)
    epoch = Epoch(0, 0, 10, none, none, first=0, last=1000)
    lane = [epoch.batch(number) for number in range(3, epoch.batches, LANES)]
    assert all(before[1] == after[0] for before, after in pairwise(lane))


def test_weights_repeat_and_leave_out_by_source_and_by_column(opened: OpenRelease) -> None:
    hosts = Counter(name for batch in Feed(opened) for name in batch["host"])
    (one, count), (other, _) = hosts.most_common(2)
    feed = Feed(opened, weights=Weights("host", {one: 2.5, other: 0.0}))
    found = Counter(name for batch in feed for name in batch["host"])
    assert found[other] == 0
    assert 2 * count <= found[one] <= 3 * count
    assert all(found[name] == hosts[name] for name in hosts if name not in (one, other))
    shares = [
        len(_ids(list(Feed(opened, epoch=epoch, weights=Weights("host", {one: 0.5}))))) for epoch in range(8)
    ]
    assert len(set(shares)) > 1
    by_column = Feed(opened, weights=Weights("low_background"))
    assert 0 < len(_ids(list(by_column))) < opened.documents


def test_values_collate_and_missing_ones_are_marked(opened: OpenRelease) -> None:
    batch = next(iter(Feed(opened, batch_size=3)))
    assert isinstance(batch["text"], list)
    assert batch["token_count"].dtype.kind == "i"
    assert batch["capture_time"].dtype == np.int64
    first = open_release(opened.place, ("published_time",))
    times = np.concatenate([batch["published_time"] for batch in Feed(first)])
    assert (times == -(2**63)).any()


def test_documents_by_number_are_the_published_ones(opened: OpenRelease, blocks_release: Path) -> None:
    documents = Documents(opened, blocks=2)
    expected = data(blocks_release)["doc_id"].tolist()
    asked = [5, len(expected) - 1, 0, 40, 5, -1]
    assert [item["doc_id"] for item in documents.__getitems__(asked)] == [expected[i] for i in asked]
    assert documents[7]["doc_id"] == expected[7]
    assert len(documents) == len(expected)
    with pytest.raises(IndexError, match="counted from 0"):
        documents[len(expected)]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"release": "0" * 16}, "release"), ({"seed": 9}, "seed 9, here 0"), ({"world": 2}, "world"), ({"batch_size": 1}, "batch_size")],
)  # fmt: skip
def test_a_state_of_another_release_or_setting_is_refused(
    opened: OpenRelease, change: dict[str, object], message: str
) -> None:
    feed = Feed(opened)
    with pytest.raises(FeedError, match=message):
        feed.resume(replace(feed.state(), **change))
    with pytest.raises(FeedError, match="none of a Feed"):
        feed.resume({"step": 3})
    with pytest.raises(FeedError, match="damaged"):
        feed.resume(asdict(feed.state()) | {"delivered": -1})


def test_a_state_of_another_split_or_of_other_weights_is_refused(opened: OpenRelease) -> None:
    weights = Weights("language", {"en": 1, "de": 2.5})
    state = asdict(Feed(opened, weights=weights).state())
    Feed(opened, weights=Weights("language", {"de": 2.5, "en": 1.0})).resume(state)
    for other in (None, Weights("token_count"), Weights("language", {"en": 1, "de": 2})):
        with pytest.raises(FeedError, match="weights"):
            Feed(opened, weights=other).resume(state)
    with pytest.raises(FeedError, match="split 'train', here 'test'"):
        Feed(replace(opened, split="test")).resume(Feed(replace(opened, split="train")).state())


def test_a_state_that_was_stored_before_it_named_split_and_weights_is_taken(opened: OpenRelease) -> None:
    state = asdict(Feed(opened).state()) | {"delivered": 2}
    before = {name: value for name, value in state.items() if name not in ("split", "weights")}
    feed = Feed(opened)
    feed.resume(before)
    assert feed.delivered == 2


def test_bad_usage_is_refused_before_anything_is_read(opened: OpenRelease) -> None:
    place = opened.place
    for columns, message in (
        (("nonsense",), "it has doc_id"),
        (("detectors",), "numbers, strings and times"),
    ):
        with pytest.raises(UsageError, match=message):
            open_release(place, columns)
    with pytest.raises(UsageError, match="has no splits"):
        open_release(place, split="train")
    for options in ({"batch_size": 0}, {"rank": 2, "world": 2}, {"weights": Weights("host", {"x": -1.0})}, {"weights": Weights("colour")}):  # fmt: skip
        with pytest.raises(UsageError):
            Feed(opened, **options)
    with pytest.raises(UsageError, match="divide the work"):
        Loader(Feed(opened), workers=3)


def test_a_damaged_or_missing_file_is_named_where_it_is_read(blocks_release: Path, tmp_path: Path) -> None:
    copy = tmp_path / "r"
    shutil.copytree(blocks_release, copy)
    part = sorted((copy / "data").glob("*.parquet"))[0]
    content = bytearray(part.read_bytes())
    group = pq.ParquetFile(part).metadata.row_group(0)
    text = next(group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == "text")
    content[text.data_page_offset + text.total_compressed_size // 2] ^= 0x10
    part.write_bytes(content)
    with pytest.raises(FeedError, match=r"part-00000.*cannot be read.*provenance verify"):
        list(Feed(open_release(str(copy))))
    part.write_bytes(content[:-1])
    with pytest.raises(FeedError, match="the manifest says"):
        open_release(str(copy))


def _opens_its_own(opened: OpenRelease, answer: Any) -> None:
    inherited = list(opened._files.values())
    opened.read(0)
    answer.put(not any(file is other for file in opened._files.values() for other in inherited))


def test_a_forked_process_does_not_share_the_place_in_files_with_its_parent(opened: OpenRelease) -> None:
    opened.read(0)
    assert opened._files
    fork = multiprocessing.get_context("fork")
    answer = fork.SimpleQueue()
    child = fork.Process(target=_opens_its_own, args=(opened, answer))
    child.start()
    child.join()
    assert answer.get()


def test_a_release_in_a_store_is_fed_by_workers_too(
    blocks_release: Path, opened: OpenRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server() as server:
        use_s3(monkeypatch, server.endpoint)
        server.client.create_bucket(Bucket="releases")
        for path in [blocks_release / "manifest.json", *(blocks_release / "data").iterdir()]:
            server.client.upload_file(
                str(path), "releases", f"r/{path.relative_to(blocks_release).as_posix()}"
            )
        stored = open_release("s3://releases/r", ("doc_id",))
        assert stored.fingerprint == opened.fingerprint
        expected = _ids(list(Feed(opened)))
        assert _ids(list(Feed(stored))) == expected
        assert _ids(list(Loader(Feed(stored), workers=2))) == expected


def test_arrays_of_a_batch_may_be_written_to(opened: OpenRelease) -> None:
    batch = next(iter(Feed(opened)))
    assert all(values.flags.writeable for values in batch.values() if isinstance(values, np.ndarray))
    assert batch["capture_time"].dtype == np.int64


def test_pages_carry_the_sums_that_are_checked(blocks_release: Path) -> None:
    part = sorted((blocks_release / "data").glob("*.parquet"))[0]
    table = pq.ParquetFile(part, page_checksum_verification=True).read(["text"])
    assert isinstance(table, pa.Table)
