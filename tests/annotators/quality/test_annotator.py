"""Measures of the published quality rules: exact on texts that can be counted by hand, bounded on hostile ones."""

from __future__ import annotations

import time
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.annotators.annotator import Annotator
from provenance.annotators.quality.annotator import READ_BYTES, Quality


def measure(*texts: str | None, language: str = "en") -> list[dict[str, float]]:
    batch = pa.record_batch(
        {"text": pa.array(texts, pa.large_string()), "language": pa.array([language] * len(texts))}
    )
    (found,) = Quality()(batch)
    return found.to_pylist()


def test_is_an_annotator() -> None:
    assert isinstance(Quality(), Annotator)


def test_no_text_has_no_measures() -> None:
    assert measure(None, "", "a")[:2] == [None, None]


def test_words_are_divided_as_spacy_divides_them() -> None:
    found = measure("Don't stop-it: the U.S. (e.g. 3.5%) has well-known ports...")[0]
    # Do n't stop - it : the U.S. ( e.g. 3.5 % ) has well - known ports ...
    words = "Do n't stop it the U.S. e.g. 3.5 has well known ports".split()
    assert found["words"] == len(words)
    assert found["word_length"] == pytest.approx(sum(map(len, words)) / len(words))
    assert found["letter_words"] == pytest.approx(11 / 19)
    assert found["stop_words"] == 1


@pytest.mark.parametrize(
    ("text", "language", "stop_words"),
    [
        ("l'eau et le vent d'avril", "fr", 4),
        ("Der Hafen und das Boot", "de", 2),
        ("в порту и на море", "ru", 3),
    ],
)
def test_stop_words_are_those_of_the_language(text: str, language: str, stop_words: int) -> None:
    assert measure(text, language=language)[0]["stop_words"] == stop_words


def test_lines_and_paragraphs_that_repeat_are_counted() -> None:
    found = measure("one line\nanother\none line\n\nlast\n\nlast")[0]
    assert found["duplicate_lines"] == pytest.approx(2 / 5)
    assert found["duplicate_line_characters"] == pytest.approx(12 / 37)
    assert found["duplicate_paragraphs"] == pytest.approx(1 / 3)
    assert found["short_lines"] == 1 and found["punctuated_lines"] == 0


words = st.lists(st.sampled_from("ab cde fg hijk".split()), min_size=1, max_size=60)


@given(words)
def test_runs_of_words_are_counted_as_a_dictionary_counts_them(tokens: list[str]) -> None:
    text = " ".join(tokens)
    found = measure(text)[0]
    for order in (2, 3, 4):
        grams = [" ".join(tokens[i : i + order]) for i in range(len(tokens) - order + 1)]
        top = max(Counter(grams).items(), key=lambda item: item[1], default=("", 0))
        assert found[f"top_{order}_gram"] == pytest.approx(len(top[0]) * top[1] / len(text), rel=1e-6)
    for order in range(5, 11):
        seen, repeated, at = set(), 0, 0
        while at < len(tokens) - order + 1:
            gram = "".join(tokens[at : at + order])
            at, repeated = (at + order, repeated + len(gram)) if gram in seen else (at + 1, repeated)
            seen.add(gram)
        assert found[f"repeated_{order}_grams"] == pytest.approx(repeated / len(text), rel=1e-6)


@given(st.text(max_size=300))
def test_no_text_makes_it_fail_and_every_share_is_one(text: str) -> None:
    encoded = text.encode("utf-8", "replace").decode()
    found = measure(encoded)[0]
    if encoded:
        shares = (
            "bullet_lines ellipsis_lines letter_words punctuated_lines short_lines duplicate_lines".split()
        )
        assert all(0 <= found[name] <= 1 for name in shares)


def test_the_same_text_has_the_same_measures_in_any_batch() -> None:
    texts = ["The harbour is full of boats. " * 20, "ein Wort", "港の船は青い。" * 30]
    assert [measure(text)[0] for text in texts] == measure(*texts)


@pytest.mark.parametrize(
    "piece", ["a", ". ", "a.", "[1]", "\n", "don't ", "-", "港", "lorem ipsum ", "(((", "w.w.w.", "😀"]
)
def test_a_huge_text_costs_what_is_read_of_it(piece: str) -> None:
    measure(piece)  # compiled
    started = time.process_time()
    measure(piece * (2 * READ_BYTES // len(piece)))
    assert time.process_time() - started < 5
