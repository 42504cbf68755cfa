"""Any slice of a release is like the whole: parts are even by tokens, none is empty, and the cap holds in each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from provenance.release import order as subject
from provenance.release.order import Cells, Order, PartsError, cell_codes, merge_cells, plan_order

#: A part's share of synthetic tokens may exceed that of all by its most synthetic document, and by this for chance.
CHANCE = 0.01


class Crawl:
    """Documents as the order sees them."""

    def __init__(self, documents: int, seed: int = 0, windows: int = 1) -> None:
        chance = np.random.default_rng(seed)
        self.hashes = chance.integers(0, 2**64, documents, dtype=np.uint64)
        synthetic = chance.random(documents) < 0.1
        self.probability = np.where(
            synthetic, chance.uniform(0.3, 1, documents), chance.uniform(0, 0.1, documents)
        ).astype(np.float32)
        self.tokens = chance.lognormal(6, 1, documents).astype(np.int64) + 1
        self.windows = windows
        self.lane = chance.integers(0, windows, documents)

    @property
    def code(self) -> NDArray[np.int64]:
        return cell_codes(self.lane, self.hashes, self.probability)

    @property
    def cells(self) -> Cells:
        ones = np.ones(len(self.tokens), np.int64)
        return Cells.count(self.code, self.tokens, ones, 4 * self.tokens)

    def plan(self, parts: int | None, shard_bytes: int = 1 << 30) -> Order:
        return plan_order(self.cells, self.windows, splits=1, shard_bytes=shard_bytes, parts=parts)

    def parts(self, order: Order) -> NDArray[np.int64]:
        return np.array([section.part for section in order.sections])[order.place(self.code)]


def test_parts_are_even_by_tokens_and_alike_by_probability() -> None:
    crawl = Crawl(4000)
    order = crawl.plan(16)
    part = crawl.parts(order)
    tokens = np.bincount(part, weights=crawl.tokens)
    shares = np.bincount(part, weights=crawl.tokens * crawl.probability) / tokens
    whole = (crawl.tokens * crawl.probability).sum() / crawl.tokens.sum()
    assert len(tokens) == 16
    assert np.ptp(tokens) <= 2 * crawl.tokens.max()
    assert shares.max() <= whole + (crawl.tokens * crawl.probability).max() / tokens.min() + CHANCE


def test_a_document_larger_than_a_part_leaves_no_part_empty() -> None:
    crawl = Crawl(1000)
    crawl.tokens[5] = 7 * crawl.tokens.sum()
    order = crawl.plan(16)
    assert np.bincount(crawl.parts(order), minlength=16).min() > 0


@given(
    documents=st.integers(0, 60),
    parts=st.integers(1, 80),
    windows=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_every_document_has_one_part_and_no_part_is_empty(
    documents: int, parts: int, windows: int, seed: int
) -> None:
    crawl = Crawl(documents, seed, windows)
    order = crawl.plan(parts)
    placed = crawl.parts(order)
    assert len(order.splits) <= max(1, min(parts, documents)) or windows > 1
    assert (placed >= 0).all() and (placed < len(order.splits)).all()
    assert set(placed.tolist()) == set(range(len(order.splits))) or documents == 0
    counted = np.bincount(order.place(crawl.code), minlength=len(order.sections))
    assert counted.tolist() == [section.documents for section in order.sections]


def test_counts_of_shards_add_up_in_any_order() -> None:
    crawl = Crawl(500)
    halves = []
    for rows in (slice(0, 200), slice(200, 500)):
        ones = np.ones(len(crawl.tokens[rows]), np.int64)
        halves.append(Cells.count(crawl.code[rows], crawl.tokens[rows], ones, 4 * crawl.tokens[rows]))
    for merged in (merge_cells(halves), merge_cells(halves[::-1])):
        for name in ("code", "tokens", "documents", "text_bytes"):
            assert (getattr(merged, name) == getattr(crawl.cells, name)).all()


def test_windows_that_little_is_kept_of_are_mixed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl(2000, windows=8)
    monkeypatch.setattr(subject, "WINDOW_BYTES", int(4 * crawl.tokens.sum()) // 3)
    order = crawl.plan(12)
    assert order.merged == 4
    tokens = np.bincount(crawl.parts(order), weights=crawl.tokens)
    assert len(tokens) == 12 and tokens.min() > 0


def test_a_part_larger_than_memory_is_mixed_in_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = Crawl(2000)
    monkeypatch.setattr(subject, "SECTION_BYTES", 200_000)
    order = crawl.plan(2)
    sizes = [section.text_bytes for section in order.sections]
    assert len(sizes) > 10 and max(sizes) <= 200_000 + 4 * crawl.tokens.max()
    assert [section.part for section in order.sections] == sorted(section.part for section in order.sections)


def test_files_that_nobody_could_read_are_refused_with_how_many_can_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crawl = Crawl(1000)
    monkeypatch.setattr(subject, "MOST_PART_BYTES", int(4 * crawl.tokens.sum()) // 3 + 1)
    with pytest.raises(PartsError, match="ask for 3 or more"):
        crawl.plan(2)
    assert len(crawl.plan(3).splits) == 3
