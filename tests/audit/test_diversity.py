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


def test_blocks_hold_the_folded_words_and_know_where_documents_end() -> None:
    blocks = diversity.read_blocks([b"The end. THE End", b"", b"one"])
    assert blocks.stream == b"the end the end one "
    assert blocks.document.tolist() == [0, 0, 0, 0, 2]
    assert blocks.ends.tolist() == [4, 8, 12, 16, 20]
    assert blocks.hashes[:2].tolist() == blocks.hashes[2:4].tolist()


def test_measures_of_a_block_are_their_definitions() -> None:
    blocks = diversity.read_blocks([b"a b a c " * 125, b"a b a c " * 125])
    found = {name: values.tolist() for name, values in diversity.measure_blocks(blocks, 1000).items()}
    assert found["distinct_1"] == [3 / 1000]
    # pairs and triples do not run over the end of a document: 998 pairs of ab, ba, ac, ca; 996 triples of four kinds
    assert found["distinct_2"] == [4 / 998]
    assert found["distinct_3"] == [4 / 996]
    assert found["entropy_1"] == [pytest.approx(1.5)]  # half a, a quarter each b and c
    assert found["tail_mass"] == [0]
    assert 0 < found["compression"][0] < 0.05


def test_blocks_of_the_largest_size_that_both_corpora_fill_are_compared() -> None:
    def corpus(tokens: int) -> diversity.Blocks:
        return diversity.read_blocks([b"word " * tokens])

    assert diversity.block_size(corpus(8_000)) == 1_000
    assert diversity.block_size(corpus(200_000), corpus(40_000)) == 5_000
    assert diversity.block_size(corpus(200_000), corpus(7_999)) is None


def test_growth_of_the_vocabulary_ends_at_the_types_of_a_block() -> None:
    blocks = diversity.read_blocks([text.encode() for text in _documents(60, 9)])
    growth = diversity.type_growth(blocks, 1000)
    assert [point["tokens"] for point in growth] == [62, 125, 250, 500, 1000]
    assert growth[-1]["types"] == pytest.approx(
        1000 * diversity.measure_blocks(blocks, 1000)["distinct_1"].mean()
    )
