"""How the embedded detector reads: what it ignores, and that it equals a plain reference."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.detectors.embedded import load_model
from provenance.detectors.embedded.features import (
    MAX_GRAMS,
    PASSAGE,
    grams,
    index_vocabulary,
    mask,
)
from provenance.detectors.embedded.style import STYLE, style
from provenance.detectors.embedded.tokens import MAX_TOKENS, character_tables, empty_tokens, tokenise
from tests.detectors.embedded.reference import PROSE, hash_word, mix, reference_keys


def _tokens(text: str) -> list[tuple[int, int]]:
    data = np.frombuffer(text.encode() + b" ", np.uint8)
    arrays = empty_tokens(MAX_TOKENS)
    count = tokenise(data, 0, len(data), character_tables(), arrays)
    return list(zip(arrays[0][:count].tolist(), arrays[1][:count].tolist(), strict=True))


def _score(text: str) -> float:
    return float(load_model().score(pa.array([text])).score[0])


@pytest.mark.parametrize(
    "same",
    [
        "It's a “quiet” cafe — really...",
        'It’s  a\u00a0"quiet"\n\ncafe\u0301 – really…',
        '# It\'s a **"quiet"** cafe --  really....',
        "* It's a 'quiet' ca\u00adfe — really ... https://example.org/a?b=c",
        '1. It\'s a "quiet" café[12] — really... someone@example.org',
        'IT\'S A "QUIET" CAFÉ — REALLY...',
    ],
)
def test_tokens_ignore_markup_white_space_accents_and_addresses(same: str) -> None:
    assert _tokens(same) == _tokens('it\'s a "quiet" cafe — really...')


def test_word_hash_is_that_of_the_plain_function() -> None:
    assert _tokens("Zürich")[0][0] == hash_word("zurich")


def test_score_ignores_how_lines_are_wrapped() -> None:
    words = PROSE.split()
    wrapped = "\n".join(" ".join(words[i : i + 9]) for i in range(0, len(words), 9))
    assert _score(wrapped) == _score(PROSE) == _score("<p>".replace("<p>", "") + PROSE.replace(" ", "  "))


def test_kernel_equals_a_slow_reference() -> None:
    model = load_model()
    text = PROSE + "It was (he said) over; was it? It was! It was over, it was over."
    data = np.frombuffer(text.encode(), np.uint8)
    tokens = empty_tokens(MAX_TOKENS)
    count = tokenise(data, 0, len(data), character_tables(), tokens)
    assert count <= PASSAGE
    masked = np.zeros(MAX_TOKENS, np.uint32)
    mask(count, tokens, index_vocabulary(model.vocabulary), masked)
    word, shape = [int(h) for h in tokens.hashes[:count]], [int(m) for m in masked[:count]]
    expected = {max(1, mix(key) >> 32) for key in reference_keys(word, shape, tokens.types[:count].tolist())}
    out = np.zeros(MAX_GRAMS, np.uint32)
    found = grams(0, count, tokens, masked, out)
    assert set(out[:found].tolist()) == expected

    vector = np.zeros(len(STYLE), np.float32)
    style(0, count, tokens, recent=np.zeros(65536, np.int64), base=4096, out=vector)
    place = {int(key): row for row, key in enumerate(model.keys)}
    rows = [place[key] for key in expected if key in place]
    assert len(rows) > 100
    total = model.weights[rows].astype(int).sum(0) * model.scale / math.sqrt(len(rows))
    for row, language in enumerate(model.languages):
        measures = np.clip((vector - model.style_mean[row]) / model.style_scale[row], -3, 3)
        linear = total + model.bias + model.style_weights @ measures
        units = np.maximum(model.hidden @ np.append(measures, 1), 0)
        experts = np.append(linear, (model.out * units).sum(axis=1) + model.out_bias)
        answers = model.expert_scores(pa.array([text]), np.array([row]))[0][0]
        np.testing.assert_allclose(answers, experts, atol=1e-4)
        *lines, (formal, cost) = model.mixture[row].tolist()
        odds = sum(math.exp(a + b * x) for (a, b), x in zip(lines, experts[:-1], strict=True))
        lost = min(max(cost * (experts[-1] - formal), 0), 2.5)
        score = model.score(pa.array([text, text]), [language, None]).score
        assert score[0] == pytest.approx(math.log(odds) - lost, abs=1e-4)
        assert score[1] == model.score(pa.array([text])).score[0]


def test_style_says_how_sentences_vary_and_words_return() -> None:
    """Worked by hand: sentences of 3, 6 and 2 words; one comma series; two openers alike; "so" and "it" return."""
    text = "So it goes. So, one, two, three, and out! It ends."
    data = np.frombuffer(text.encode(), np.uint8)
    tokens = empty_tokens(MAX_TOKENS)
    count = tokenise(data, 0, len(data), character_tables(), tokens)
    vector = np.zeros(len(STYLE), np.float32)
    style(0, count, tokens, recent=np.zeros(65536, np.int64), base=4096, out=vector)
    found = dict(zip(STYLE, vector.tolist(), strict=True))
    assert found["comma"] == pytest.approx(math.sqrt(4 / 11))
    assert found["exclamation"] == pytest.approx(math.sqrt(1 / 11))
    assert found["sentence_mean"] == pytest.approx(math.log(11 / 3))
    assert found["sentence_step"] == pytest.approx((math.log(6 / 3) + math.log(6 / 2)) / 2)
    assert found["sentence_short"] == 1 and found["sentence_long"] == 0
    assert found["sentence_plain"] == pytest.approx(2 / 3) and found["sentence_commas"] == pytest.approx(
        1 / 3
    )
    assert found["comma_series"] == pytest.approx(3 / 4)  # each after the first stands a word behind another
    assert found["comma_after_first"] == found["same_start"] == pytest.approx(1 / 3)
    assert found["type_ratio"] == pytest.approx(9 / 11) and found["pair_repeat"] == 0
    assert found["capital_inside"] == 0


def test_korean_words_leave_their_particle_when_masked() -> None:
    masks = []
    for word in ("도서관에서", "운동장에서", "운동장까지", "학교는", "나무는", "나무를"):
        data = np.frombuffer(word.encode(), np.uint8)
        tokens = empty_tokens(MAX_TOKENS)
        count = tokenise(data, 0, len(data), character_tables(), tokens)
        masked = np.zeros(MAX_TOKENS, np.uint32)
        mask(count, tokens, index_vocabulary(np.zeros(0, np.uint32)), masked)
        masks.append(int(masked[0]))
    library, playground, until, school, tree, object_ = masks
    assert library == playground != until
    assert school == tree != object_


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_any_text_scores_finitely_and_alone_as_in_a_batch(text: str) -> None:
    alone = load_model().score(pa.array([text], pa.large_string()))
    batch = load_model().score(pa.array(["", PROSE, text, None], pa.string()))
    assert np.isfinite(alone.score).all()
    assert alone.score[0] == batch.score[2]
    assert batch.words[0] == batch.words[3] == 0


def test_slices_of_an_array_read_their_own_text() -> None:
    texts = pa.array(["x", PROSE, "the end"], pa.large_string())
    assert load_model().score(texts.slice(1, 1)).score[0] == load_model().score(texts).score[1]


@pytest.mark.parametrize(
    "text",
    ["a" * 3_000_000, "- " * 1_000_000, "@" * 500_000, "1. " * 500_000, "word@" * 300_000, "\n" * 10**6],
)
def test_hostile_documents_are_read_in_linear_time(text: str) -> None:
    assert np.isfinite(load_model().score(pa.array([text])).score).all()
