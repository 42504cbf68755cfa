"""The sample of a text's words is one and the same in every document that holds them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from provenance.duplicates.word_sample import SAMPLED_BITS, WordSample
from provenance.duplicates.words import tokens

SAMPLE = WordSample()


def sample(*texts: str | None) -> list[list[int] | None]:
    return SAMPLE(pa.record_batch({"text": pa.array(texts, pa.large_string())}))[0].to_pylist()


def made_words(count: int) -> list[str]:
    return ["".join(chr(97 + number // 26**place % 26) for place in range(4)) for number in range(count)]


def test_one_word_in_sixteen_is_sampled_whatever_is_around_it() -> None:
    words = made_words(20_000)
    alone = sample(*words)
    assert all(len(found) <= 1 for found in alone)
    share = sum(map(len, alone)) / len(words)
    assert abs(share - 2.0**-SAMPLED_BITS) < 0.006
    (together,) = sample(" ".join(words + words))
    assert together == sorted({key for found in alone for key in found})


def test_words_with_a_digit_are_left_out_and_case_does_not_matter() -> None:
    words = made_words(2_000)
    assert sample(" ".join(f"{word}7" for word in words)) == [[]]
    assert sample(" ".join(words)) == sample(", ".join(words).upper())


@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), min_size=1, max_size=6))
def test_a_batch_says_of_each_text_what_it_says_alone(texts: list[str | None]) -> None:
    texts = [None if text is None else text.encode("utf-8", "replace").decode() for text in texts]
    found = sample(*texts)
    assert found == [sample(text)[0] for text in texts]
    for text, own in zip(texts, found, strict=True):
        assert (own is None) == (text is None)
        if text is not None:
            assert len(own) <= len(
                {token for token in tokens(text) if not any(c in "0123456789" for c in token)}
            )


def test_each_byte_of_a_text_may_be_a_word_that_is_sampled() -> None:
    """Operators are words: three sampled ones of a byte each, one after the other."""
    (n, bar, x) = (sample(word)[0] for word in ("n", "|", "x"))
    assert n and bar and x
    assert sample("x|n|") == [sorted(n + bar + x)]
    plain = "a text after it keeps its own"
    assert sample("x|n|" * 10_000, plain) == [sorted(n + bar + x), *sample(plain)]


def test_a_record_that_is_no_document_has_none() -> None:
    batch = pa.record_batch(
        {"text": pa.array(["some words here", "and here"]), "outcome": pa.array([None, "empty"], pa.string())}
    )
    found = SAMPLE(batch)[0]
    assert np.asarray(found.is_null()).tolist() == [False, True]
