"""Sketches count exactly, in bounded memory, and add up however the data were divided."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.audit.sketches import stored
from provenance.audit.sketches.compare import summary
from provenance.audit.sketches.measures import MEASURES, measure_document, workspace
from provenance.audit.sketches.sketch import CAPACITY, STRATUM_CAPACITY, Sketch
from provenance.audit.sketches.stored import SketchError
from provenance.audit.sketches.strata import Sketches, read_sketches
from provenance.audit.sketches.types import DOCUMENTS, OCCURRENCES
from tests.audit.made import documents


def _sketch(texts: list[str], capacity: int = STRATUM_CAPACITY) -> Sketch:
    sketch = Sketch(capacity)
    sketch.add(pa.array(texts, pa.large_string()))
    return sketch


def _same(one: Sketch, other: Sketch) -> bool:
    a, b = one.arrays(""), other.arrays("")
    return all(np.array_equal(a[name], b[name]) for name in a)


def test_counts_are_exact_where_all_types_fit() -> None:
    texts = documents(40, 1, vocabulary=200)
    keys, tally = _sketch(texts).types["words"].rows()
    words = [text.rstrip(".").split(" ") for text in texts]
    occurrences = Counter(word for row in words for word in row)
    within = Counter(word for row in words for word in set(row))
    assert len(keys) == len(occurrences)
    assert sorted(tally[:, OCCURRENCES].sum(axis=1)) == sorted(occurrences.values())
    assert sorted(tally[:, DOCUMENTS].sum(axis=1)) == sorted(within.values())


def test_more_types_than_fit_are_sampled_alike_and_estimate_the_number_there_is() -> None:
    texts = documents(600, 2, vocabulary=60_000, exponent=1.05)
    found = _sketch(texts).types["words"]
    distinct = len({word for text in texts for word in text.rstrip(".").split(" ")})
    keys, _ = found.rows()
    assert found.level > 0
    assert len(keys) <= STRATUM_CAPACITY
    assert (len(keys) << found.level) == pytest.approx(distinct, rel=0.12)
    assert (keys >> np.uint64(64 - found.level) == 0).all()


@given(st.lists(st.integers(0, 5), min_size=120, max_size=120))
@settings(max_examples=12, deadline=None)
def test_any_division_adds_up_to_the_same_sketch(owners: list[int]) -> None:
    texts = documents(120, 3, vocabulary=20_000, exponent=1.05)
    whole = _sketch(texts)
    parts = [[text for text, owner in zip(texts, owners, strict=True) if owner == part] for part in range(6)]
    merged = Sketch(STRATUM_CAPACITY)
    for part in parts[::-1]:
        merged.merge(_sketch(part))
    assert _same(whole, merged)


def test_a_site_falls_into_one_group_whatever_its_documents_say() -> None:
    sketch = Sketch(STRATUM_CAPACITY)
    sketch.add(pa.array(documents(50, 4)), np.full(50, 77, np.uint64))
    assert (sketch.totals[0] > 0).sum() == 1


def test_measures_of_a_document_are_their_definitions() -> None:
    random = np.random.RandomState(5)
    words = random.zipf(1.4, 300) % 90
    found = np.zeros(len(MEASURES))
    hashes = (words.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    measure_document(hashes, len(words), workspace(), found)
    named = dict(zip(MEASURES, found, strict=True))
    windows = [len(set(words[i : i + 50])) / 50 for i in range(251)]
    assert named["mattr"] == pytest.approx(np.mean(windows))

    def absent(count: int) -> float:
        return float(np.prod([(300 - count - j) / (300 - j) for j in range(42)])) if count <= 258 else 0.0

    assert named["hdd"] == pytest.approx(sum(1 - absent(count) for count in Counter(words).values()) / 42)

    def factors(row: np.ndarray) -> float:
        total, seen, tokens = 0.0, set(), 0
        for item in row:
            tokens += 1
            seen.add(item)
            if len(seen) / tokens <= 0.72:
                total, seen, tokens = total + 1, set(), 0
        return total + ((1 - len(seen) / tokens) / 0.28 if tokens else 0)

    assert named["mtld"] == pytest.approx(300 / ((factors(words) + factors(words[::-1])) / 2))
    runs = [tuple(words[i : i + 4]) for i in range(297)]
    assert named["self_repetition"] == pytest.approx(1 - len(set(runs)) / 297)


def test_short_empty_and_missing_texts_are_counted_without_measures() -> None:
    sketch = Sketch(STRATUM_CAPACITY)
    sketch.add(pa.array(["one two three", "", None, "\u0000"], pa.large_string()))
    assert (sketch.documents, sketch.words) == (2, 3)
    assert sketch.sums[0, 1].sum() == 0


def test_sketches_survive_a_file_and_damage_is_named(tmp_path: Path) -> None:
    sketches = Sketches(("language",))
    sketches.add(pa.record_batch({"text": documents(30, 6), "language": ["en", "de"] * 15}))
    data = sketches.to_bytes()
    again = read_sketches(data, "a.sketch")
    assert again.to_bytes() == data
    assert sorted(again.strata) == [("language", "de"), ("language", "en")]
    for broken in (b"", b"PK\x03\x04 no", data[: len(data) // 2], data[:-40]):
        with pytest.raises(SketchError, match=r"a\.sketch: not a sketch"):
            read_sketches(broken, "a.sketch")


def test_no_array_of_another_type_shape_or_range_is_counted_with() -> None:
    arrays = _sketch(
        [f"{text}\nAll rights reserved by whoever wrote this." for text in documents(30, 6)]
    ).arrays("")
    for name, right in arrays.items():
        wrong = [right.astype(float), np.stack([right, right]), np.array("x"), right[..., None], None]
        if right.dtype == np.int64:
            wrong += [-1 - right, np.full_like(right, 2**63 - 1)]
        for value in wrong:
            damaged = {key: item for key, item in (arrays | {name: value}).items() if item is not None}
            with pytest.raises((SketchError, ValueError, KeyError), match=r"format|template|topic|`|'"):
                Sketch.from_arrays(damaged, "", "a.sketch")


def test_a_file_that_unpacks_to_more_than_any_sketch_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Sketches().to_bytes()
    monkeypatch.setattr(stored, "MOST_BYTES", 1_000_000)
    with pytest.raises(SketchError, match=r"a\.sketch: .* would take [0-9,]+ bytes"):
        read_sketches(data, "a.sketch")


def test_sketches_of_other_sizes_or_dimensions_do_not_add_up() -> None:
    with pytest.raises(SketchError, match="do not add up"):
        Sketch(CAPACITY).merge(Sketch(STRATUM_CAPACITY))
    with pytest.raises(SketchError, match="same --by"):
        Sketches(("language",)).merge(Sketches())


def test_summary_gives_quantiles_within_a_bin() -> None:
    found = summary(_sketch(documents(100, 7, length=100) + documents(100, 8, length=400)))
    assert found["documents"] == 200
    assert found["quantiles"]["words"]["p10"] == pytest.approx(100, rel=0.1)
    assert found["quantiles"]["words"]["p90"] == pytest.approx(400, rel=0.1)
