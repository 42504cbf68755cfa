"""Diversity is measured on blocks of one size, so that corpora of any size compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.audit.estimate import audit, diversity
from provenance.audit.report import describe
from provenance.files.storage import LocalStorage

_WORDS = [f"{a}{b}{c}" for a in "bcdfglmnprst" for b in "aeiou" for c in ("n", "rd", "st", "m", "lk")]


def _documents(count: int, seed: int, vocabulary: int = 300, length: int = 160) -> list[str]:
    random = np.random.RandomState(seed)
    rank = np.minimum(random.zipf(1.3, (count, length)), vocabulary) - 1
    return [" ".join(_WORDS[i] for i in row) + "." for row in rank]


def _write(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_collapsed_corpus_differs_from_its_baseline_in_the_expected_directions(tmp_path: Path) -> None:
    varied = _write(tmp_path / "varied" / "a.parquet", text=_documents(600, 1))
    poor = _write(tmp_path / "poor" / "a.parquet", text=_documents(150, 2, vocabulary=40))
    result = audit(LocalStorage(), str(poor.parent), str(varied.parent))
    differences = result["diversity"]["baseline"]["differences"]
    for name in ("distinct_1", "distinct_2", "entropy_1", "entropy_2", "compression"):
        assert differences[name]["interval"][1] < 0, name
    assert "*" in describe(result)


def test_same_source_at_other_sizes_shows_no_difference() -> None:
    size = 5000
    large, small = (
        diversity.measure_blocks(
            diversity.read_blocks([text.encode() for text in _documents(count, seed)]), size
        )
        for count, seed in ((1500, 3), (400, 4))
    )
    for name, item in diversity.compare(small, large).items():
        low, high = item["interval"]
        # Intervals of 95%: allow a little beyond, the sizes must not show.
        margin = high - low
        assert low - margin <= 0 <= high + margin, name


def test_near_duplicates_are_counted_once_for_each_extra_copy() -> None:
    texts = [text.encode() for text in _documents(60, 5)]
    assert diversity.near_duplicates(texts) == 0
    assert diversity.near_duplicates(texts + texts[:20]) == 20


def test_sample_is_bounded_seeded_and_fair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diversity, "SAMPLE", 500)
    first, again = diversity.Sample(), diversity.Sample()
    texts = pa.array([str(i) for i in range(5000)])
    first.add(texts)
    again.add(texts.slice(0, 1234))
    again.add(texts.slice(1234))
    assert first.documents() == again.documents()
    assert len(first.documents()) == 500
    assert abs(np.mean([int(text) for text in first.documents()]) - 2500) < 250
