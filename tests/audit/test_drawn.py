"""What the detector reads of a large dataset: a sample of bounded size that no batch size changes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from provenance.audit.columns import texts_of
from provenance.audit.drawn import Drawn, ranks_of
from provenance.audit.estimate import Counts, Stratum, count_batch, prevalence_report
from provenance.detectors.share import BINS, GROUPS
from scripts.make.demo_articles import SUBJECTS

SENTENCES = [sentence for _, sentences in SUBJECTS.values() for sentence in sentences]


def _batch(first: int, count: int) -> pa.RecordBatch:
    """Documents of twelve sentences, of which every third is of 2024 and the others older than language models."""
    order = [
        np.random.default_rng([1, number]).permutation(len(SENTENCES))[:12]
        for number in range(first, first + count)
    ]
    texts = [" ".join(SENTENCES[place] for place in places) for places in order]
    years = ["2024-05-01" if number % 3 == 0 else "2015-05-01" for number in range(first, first + count)]
    sources = [f"source-{number % 2}" for number in range(first, first + count)]
    return pa.record_batch(
        {"text": texts, "language": ["en"] * count, "capture_time": years, "source": sources}
    )


def _count(capacity: int, sizes: list[int]) -> Counts:
    counts, first = Counts(Stratum(capacity)), 0
    for size in sizes:
        batch = _batch(first, size)
        count_batch(counts, batch, texts_of(batch))
        first += size
    return counts


def test_half_of_all_documents_have_each_next_rank() -> None:
    ranks = ranks_of(0, 100_000)
    for rank in range(6):
        assert (ranks >= rank).mean() == pytest.approx(2.0**-rank, abs=0.005)
    assert np.array_equal(ranks_of(40, 60), ranks_of(0, 100)[40:])


def test_what_is_kept_does_not_depend_on_batches_and_stands_for_all() -> None:
    random = np.random.default_rng(3)
    ranks, cells = ranks_of(0, 5_000), random.integers(0, GROUPS * BINS, 5_000)
    whole, parts = Drawn(capacity=500), Drawn(capacity=500)
    whole.add(ranks, cells)
    for start in range(0, 5_000, 170):
        parts.add(ranks[start : start + 170], cells[start : start + 170])
    assert whole.level == parts.level == 4
    assert np.array_equal(whole.table(), parts.table())
    assert 250 <= len(whole.cells) <= 500
    assert whole.documents == pytest.approx(5_000, rel=0.1)


def test_a_dataset_within_the_capacity_is_read_whole() -> None:
    found = prevalence_report(_count(16_384, [240]))["documents"]
    assert (found["documents"], found["judged"], found["proven_human"]) == (240, 240, 160)
    assert found["read_by_sample"] == {}


def test_of_a_larger_one_as_much_is_said_from_a_sample_whatever_the_batches() -> None:
    whole = prevalence_report(_count(16_384, [960]))
    sampled, again = (prevalence_report(_count(200, sizes)) for sizes in ([960], [400, 400, 160]))
    assert sampled == again
    found = sampled["documents"]
    assert (found["documents"], found["proven_human"]) == (960, 640)
    assert 200 < found["read_by_sample"]["en"] <= 400  # new and old documents, at most 200 of each
    assert found["judged"] == pytest.approx(960, rel=0.3)
    assert sampled["by_source"].keys() == whole["by_source"].keys()
    (low, high), (least, most) = (item["documents"]["estimates"][0]["interval"] for item in (whole, sampled))
    assert least <= high and low <= most


def test_a_document_that_no_part_keeps_is_not_read() -> None:
    counts = _count(20, [240])
    assert all(len(drawn.cells) <= 20 for drawn in counts.whole.judged.values())
    assert counts.whole.judged["en", False].level >= 2
