"""Common lines and topics come from bounded samples that are the same however the data were divided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.audit.sketches.chosen import Chosen
from provenance.audit.sketches.compare import FAIL, compare
from provenance.audit.sketches.sketch import CAPACITY, STRATUM_CAPACITY, Sketch
from provenance.audit.sketches.stored import SketchError
from provenance.audit.sketches.strata import Sketches, read_sketches
from provenance.audit.sketches.templates import list_templates, template_shares
from tests.audit.made import documents, word

_NOTICE = "All rights reserved; nothing of this page may be copied without leave."


def _sketch(texts: list[str], capacity: int = STRATUM_CAPACITY) -> Sketch:
    sketch = Sketch(capacity)
    sketch.add(pa.array(texts, pa.large_string()))
    return sketch


def _about(topics: list[int], count: int, seed: int) -> list[str]:
    """Documents with words of their topic and words that all topics have."""
    random = np.random.RandomState(seed)
    texts = []
    for place in range(count):
        own = 1000 + 60 * topics[place % len(topics)] + random.randint(0, 60, 60)
        texts.append(" ".join(word(int(i)) for i in random.permutation([*own, *random.zipf(1.3, 60) % 900])))
    return texts


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 3)), max_size=60),
    st.integers(1, 4),
)
def test_a_sample_is_the_same_for_every_division(things: list[tuple[int, int]], parts: int) -> None:
    whole: Chosen[tuple[int, bytes]] = Chosen(8)
    for key, group in things:
        whole.add(key, (group, b"x"))
    several = [Chosen[tuple[int, bytes]](8) for _ in range(parts)]
    for place, (key, group) in enumerate(things[::-1]):
        several[place % parts].add(key, (group, b"x"))
    merged: Chosen[tuple[int, bytes]] = Chosen(8)
    for part in several[::-1]:
        merged.merge(part)
    assert (merged.level, merged.kept) == (whole.level, whole.kept)
    assert len(whole.kept) <= 8


def test_lines_of_many_documents_are_listed_with_their_share() -> None:
    plain = [f"{text}\n{text[:90]} again" for text in documents(3000, 1, vocabulary=5000)]
    texts = [
        f"{text}\n  {_NOTICE}\n{_NOTICE}" if place % 5 == 0 else text for place, text in enumerate(plain)
    ]
    sketch, before = _sketch(texts), _sketch(plain)
    assert sketch.templates.level > 0
    shares = template_shares(before.templates, before.documents)
    listed = list_templates(sketch.templates, sketch.documents, shares)
    assert listed[0]["text"] == _NOTICE
    assert listed[0]["share"] == pytest.approx(0.2, abs=0.06)
    assert listed[0]["baseline"] == 0.0
    assert list_templates(before.templates, before.documents) == []


def test_copies_of_a_document_count_for_its_lines() -> None:
    sketch = _sketch([f"{_NOTICE}\nand some words of its own"] * 7)
    (first, *_) = list_templates(sketch.templates, sketch.documents)
    assert (first["text"], first["documents"], first["share"]) == (_NOTICE, 7, 1.0)


def test_topics_that_are_gone_are_an_alarm_and_another_sample_is_none() -> None:
    all_topics = list(range(12))
    baseline, again, half = (
        _sketch(_about(topics, 1200, seed), CAPACITY)
        for seed, topics in enumerate((all_topics, all_topics, all_topics[:6]))
    )
    same, gone = (compare(sketch, baseline)["measures"]["topics"] for sketch in (again, half))
    assert same["status"] == "steady"
    assert gone["status"] == FAIL
    assert gone["change"] < -0.2


def test_samples_survive_a_file_and_damage_is_named(tmp_path: Path) -> None:
    sketches = Sketches()
    sketches.add(pa.record_batch({"text": [f"{text}\n{_NOTICE}" for text in documents(50, 2)]}))
    data = sketches.to_bytes()
    again = read_sketches(data, "a.sketch")
    assert again.to_bytes() == data
    assert again.whole.templates.kept == sketches.whole.templates.kept
    with np.load(_file(tmp_path, data)) as stored:
        arrays = dict(stored)
    for name, value in (
        ("topic_places", np.zeros((1, 3), np.uint8)),
        ("template_sizes", np.zeros(1, np.int64)),
    ):
        np.savez(tmp_path / "bad.npz", **{**arrays, name: value})
        with pytest.raises(SketchError, match=r"bad\.sketch"):
            read_sketches((tmp_path / "bad.npz").read_bytes(), "bad.sketch")


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "a.npz"
    path.write_bytes(data)
    return path
