"""One key and the texts of a language: coins that many documents share do not shift the p-values of all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from provenance.annotators.watermarks import detect
from provenance.annotators.watermarks.dipmark import DipMark
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.ragged import first_of_each, ragged, tie_breakers
from provenance.annotators.watermarks.scheme import Marks
from provenance.annotators.watermarks.shared import COMMON, ENOUGH, SUSPECT, among_others
from provenance.annotators.watermarks.unigram import Unigram

VOCABULARY = 20_000
BATCH = 500


def zipf(rng: np.random.Generator, count: int) -> np.ndarray:
    """Tokens as unevenly common as words are, the common ones scattered over the vocabulary."""
    weights = 1 / np.arange(1, VOCABULARY + 1) ** 1.05
    names = np.random.default_rng(9).permutation(VOCABULARY)
    return np.asarray(names[rng.choice(VOCABULARY, count, p=weights / weights.sum())])


def low_shares(scheme: Any, tokens: np.ndarray, length: int) -> tuple[int, int]:
    """Texts with p < 0.001 in batches of BATCH texts, and when each batch is split into texts judged alone."""
    together = alone = 0
    for batch in tokens.reshape(-1, BATCH, length):
        together += int((scheme.measure(*ragged(list(batch))).p_value < 1e-3).sum())
        for part in batch.reshape(-1, ENOUGH // 2, length):
            alone += int((scheme.measure(*ragged(list(part))).p_value < 1e-3).sum())
    return together, alone


def test_of_natural_texts_under_one_key_one_in_a_thousand_is_below_a_thousandth() -> None:
    """100,000 texts for each of four keys; judged without the others, some key is far off."""
    rng, length, texts = np.random.default_rng(2), 60, 100_000
    tokens = zipf(rng, texts * length)
    low, high = stats.binom.ppf([0.0005, 0.9995], texts, 1e-3)
    apart = []
    for key in (0, 97, 15485863, 4):
        together, alone = low_shares(Unigram(vocab_size=VOCABULARY, watermark_key=key), tokens, length)
        assert low <= together <= high, (key, together)
        apart.append(alone)
    assert max(apart) > 1.3 * high or min(apart) < low / 1.3, apart


@pytest.mark.parametrize(
    "scheme",
    [
        Kgw(vocab_size=VOCABULARY, hashing_key=97),
        Kgw(vocab_size=VOCABULARY, seeding_scheme="minhash"),
        DipMark(vocab_size=VOCABULARY),
    ],
    ids=lambda scheme: scheme.scheme + scheme.key,
)
def test_schemes_with_a_context_hold_too(scheme: Any) -> None:
    rng, length, texts = np.random.default_rng(3), 120, 20_000
    together, _ = low_shares(scheme, zipf(rng, texts * length), length)
    low, high = stats.binom.ppf([0.0005, 0.9995], texts, 1e-3)
    assert low <= together <= high


def test_each_stratum_is_drawn_without_replacement() -> None:
    """Against a slow reference: strata from sets, the null from exact convolutions of hypergeometric laws."""
    rng = np.random.default_rng(1)
    documents = [zipf(rng, 60) for _ in range(160)]
    tokens, offsets = ragged(documents)
    scheme = Unigram(vocab_size=VOCABULARY)
    keys, ties = tokens.astype(np.uint64), tie_breakers(tokens, offsets)
    counted = first_of_each(keys, np.ones(len(keys), np.bool_), offsets)
    exact = np.full(160, 0.5)
    exact[:30] = SUSPECT / 2  # suspects: judged, but no part of the comparison
    rate = float(scheme.green.mean())
    marks = Marks(counted, scheme.green[tokens].astype(np.float64), keys)
    kept, p = among_others(exact, marks, offsets, ties, least=1, rate=rate, population=VOCABULARY)
    sets = [set(document.tolist()) for document in documents]
    holders = {token: sum(token in other for other in sets[30:]) for token in set(tokens.tolist())}
    typical = np.median([holders[token] for own in sets for token in own])
    limit = max(COMMON * 130, 2 * typical)
    for d in (0, 29, 30, 101, 159):
        drawn: dict[int, list[int]] = {}
        for token in sets[d]:
            others = holders[token] - (d >= 30)
            if others < limit:
                drawn.setdefault(others.bit_length(), []).append(token)
        law = np.ones(1)
        for stratum, own in drawn.items():
            if stratum == 0:
                shared = [token for token, count in holders.items() if count > 1]
                whole = VOCABULARY - len(shared)
                marked = int(scheme.green.sum()) - int(scheme.green[shared].sum())
            else:
                peers = [t for t, count in holders.items() if count.bit_length() == stratum and count < limit]
                whole, marked = len(peers), int(scheme.green[peers].sum())
            n = min(len(own), whole)
            law = np.convolve(law, stats.hypergeom(whole, marked, n).pmf(np.arange(n + 1)))
        hits = sum(int(scheme.green[token]) for own in drawn.values() for token in own)
        expected = law[hits + 1 :].sum() + ties[d] * law[hits]
        assert kept[d] == sum(map(len, drawn.values()))
        assert p[d] == pytest.approx(expected, rel=0.03, abs=2e-4)


@pytest.mark.parametrize("marked", [1, 60, 300])
def test_marked_documents_are_found_among_unmarked_ones(marked: int) -> None:
    """A toy vocabulary, so that every token is in many documents: what is marked does not hide itself."""
    scheme = Unigram(vocab_size=1000, watermark_key=5)
    rng = np.random.default_rng(4)
    green = np.flatnonzero(scheme.green)
    some = [
        np.where(rng.random(150) < 0.6, rng.choice(green, 150), rng.integers(0, 1000, 150))
        for _ in range(marked)
    ]
    rest = [rng.integers(0, 1000, 150) for _ in range(400)]
    p = scheme.measure(*ragged(some + rest)).p_value
    assert (p[:marked] < 1e-4).mean() > 0.95
    assert (p[marked:] < 1e-2).mean() < 0.03


def test_a_batch_of_marked_documents_alone_is_judged_over_keys() -> None:
    scheme = Unigram(vocab_size=1000, watermark_key=5)
    rng = np.random.default_rng(4)
    batch = [rng.choice(np.flatnonzero(scheme.green), 150) for _ in range(300)]
    assert (scheme.measure(*ragged(batch)).p_value < 1e-20).all()


def test_one_text_can_be_judged_among_others_that_are_given() -> None:
    rng = np.random.default_rng(7)
    scheme = Unigram(vocab_size=VOCABULARY)
    text, others = zipf(rng, 300), [zipf(rng, 300) for _ in range(200)]
    found = detect(text, scheme, others)
    assert found.tokens < detect(text, scheme).tokens
    assert found.p_value != detect(text, scheme).p_value
    assert found.p_value == pytest.approx(scheme.measure(*ragged([text, *others])).p_value[0], rel=0.2)
    assert found.positions.max() < 300


def test_a_text_of_common_words_alone_is_not_judged() -> None:
    scheme, rng = Unigram(vocab_size=VOCABULARY), np.random.default_rng(5)
    common = np.arange(40)
    others = [np.concatenate([common, rng.integers(0, VOCABULARY, 100)]) for _ in range(150)]
    found = scheme.measure(*ragged([np.concatenate([common, np.arange(5000, 5010)]), *others]))
    assert found.tokens[0] == 10 and found.p_value[0] == 1.0
    assert (found.tokens[1:] >= 50).all() and (found.p_value[1:] < 1.0).all()
