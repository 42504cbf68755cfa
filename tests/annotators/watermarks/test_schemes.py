"""Schemes without a counterpart in transformers, against their published definitions written out in torch."""

from __future__ import annotations

import hashlib
import random
from itertools import combinations
from math import log
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from provenance.annotators.watermarks import detect, registered_schemes
from provenance.annotators.watermarks.dipmark import DipMark
from provenance.annotators.watermarks.greenlist import GreenLists
from provenance.annotators.watermarks.gumbel import Gumbel, PermuteAndFlip
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.ragged import ragged
from provenance.annotators.watermarks.random import randperm
from provenance.annotators.watermarks.seeding import (
    ORIGINAL_TABLE_SEED,
    TABLE_SIZE,
    hash_table,
    resolve,
    seeds,
)
from provenance.annotators.watermarks.synthid import SynthId
from provenance.annotators.watermarks.textseal import TextSeal
from provenance.annotators.watermarks.unigram import Unigram

torch = pytest.importorskip("torch")

VOCABULARY = 3000


@pytest.fixture(scope="module")
def table() -> Any:
    generator = torch.Generator().manual_seed(ORIGINAL_TABLE_SEED)
    return torch.randperm(TABLE_SIZE, generator=generator)


def published_seed(prf: str, ids: Any, key: int, table: Any) -> int:
    """The seeding functions of the original repository, as torch computes them."""

    def hashed(values: Any) -> Any:
        return table[values % TABLE_SIZE] + 1

    if prf == "noncomm_prf":
        state = torch.as_tensor(key, dtype=torch.long)
        for entry in ids:
            state = state * hashed(state * entry) % 2**32
        return int(state)
    pairs = list(combinations(hashed(key * ids), 2))
    found = {
        "multiplicative_prf": lambda: key * ids.prod().item(),
        "additive_prf": lambda: key * ids.sum().item(),
        "minfunc_prf": lambda: key * ids.min().item(),
        "simple_skip_prf": lambda: hashed(key * ids[::2]).prod().item(),
        "skipgram_prf": lambda: hashed(key * ids[0]).item(),
        "anchored_skipgram_prf": lambda: (hashed(key * ids[0]) * hashed(key * ids[-1])).item(),
        "minhash_prf": lambda: hashed(key * ids).min().item(),
        "anchored_minhash_prf": lambda: (key * hashed(ids) * hashed(ids[-1])).min().item(),
        "minskipgram_prf": lambda: torch.as_tensor(pairs).prod(dim=1).min().item(),
        "position_prf": lambda: (key * ids * torch.arange(1, len(ids) + 1)).sum().item(),
    }[prf]()
    return int(found)


@pytest.mark.parametrize("key", [15485863, 2**50 + 77, -3])
@pytest.mark.parametrize("width", [2, 5])
@pytest.mark.parametrize(
    "prf",
    "multiplicative_prf additive_prf minfunc_prf simple_skip_prf skipgram_prf anchored_skipgram_prf minhash_prf "
    "anchored_minhash_prf minskipgram_prf noncomm_prf position_prf".split(),
)
def test_seeds_are_those_of_the_original_repository(prf: str, width: int, key: int, table: Any) -> None:
    rng = np.random.default_rng(width)
    ids = rng.integers(0, 130_000, 40)
    for salted in (False, True):
        seeding = resolve(f"ff-{prf}-{width}-{salted}", None, key, VOCABULARY)
        ours = seeds(ids, np.array([0, 40]), seeding, hash_table(seeding))
        for i in range(width, 40):
            context = torch.as_tensor(ids[i - width + salted : i + salted])
            expected = published_seed(prf, context, key, table) % (2**64 - 1)
            assert int(ours[i]) == expected & 0xFFFFFFFF


def test_named_seedings_are_the_published_combinations() -> None:
    for name, same in {
        "simple_1": "ff-additive_prf-1-False",
        "minhash": "ff-minhash_prf-4-False",
        "skipgram": "ff-skipgram_prf-5-False",
        "algorithm-3": "ff-anchored_minhash_prf-4-True-15485863",
    }.items():
        assert resolve(name, None, 15485863, 100) == resolve(same, None, 15485863, 100)


@pytest.mark.parametrize("name", ["markllm_time", "markllm_additive", "markllm_skip", "markllm_min"])
def test_markllm_green_lists_are_read(name: str) -> None:
    ids, key, width = np.random.default_rng(0).integers(0, VOCABULARY, 30), 15485863, 3
    order = randperm(key, VOCABULARY)
    scheme = Kgw(vocab_size=VOCABULARY, seeding_scheme=name, context_width=width, greenlist_ratio=0.5)
    found = detect(ids, scheme)
    for i, value in zip(found.positions, found.values, strict=True):
        context = [int(token) for token in ids[i - width : i]]
        product = context[0] * context[1] * context[2]
        f = {
            "markllm_time": order[product % VOCABULARY],
            "markllm_additive": order[sum(context) % VOCABULARY],
            "markllm_skip": order[context[0]],
            "markllm_min": min(order[token] for token in context),
        }[name]
        generator = torch.Generator().manual_seed(key * int(f) % VOCABULARY)
        green = torch.randperm(VOCABULARY, generator=generator)[: VOCABULARY // 2]
        assert value == float(int(ids[i]) in green)


def test_the_legacy_green_list_is_the_end_of_the_permutation() -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 60)
    found = detect(ids, Kgw(vocab_size=VOCABULARY, seeding_scheme="simple_1", green_at="tail"))
    for i, value in zip(found.positions, found.values, strict=True):
        order = randperm(15485863 * int(ids[i - 1]), VOCABULARY)
        assert value == float(int(ids[i]) in order[VOCABULARY - VOCABULARY // 4 :])


def test_unigram_is_the_published_mask() -> None:
    for key, fraction in ((0, 0.5), (15485863, 0.25)):
        mask = np.array([True] * int(fraction * 1001) + [False] * (1001 - int(fraction * 1001)))
        digest = hashlib.sha256(np.int64(key)).digest()  # type: ignore[arg-type]
        np.random.default_rng(int.from_bytes(digest[:4], "little")).shuffle(mask)
        scheme = Unigram(vocab_size=1001, fraction=fraction, watermark_key=key)
        assert np.array_equal(scheme.green, mask)
        ids = np.random.default_rng(1).integers(0, 1001, 400)
        z = (mask[ids].sum() - fraction * 400) / np.sqrt(fraction * (1 - fraction) * 400)
        assert detect(ids, scheme).z == pytest.approx(z)


def test_gumbel_scores_are_those_of_markllm_exp() -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 80)
    scheme = Gumbel(vocab_size=VOCABULARY)
    total = 0.0
    for i in range(4, 80):
        product = 1
        for token in ids[i - 4 : i]:
            product *= int(token)
        generator = torch.Generator().manual_seed(scheme.hashing_key * (product % VOCABULARY))
        total += log(1 / (1 - torch.rand(VOCABULARY, generator=generator)[ids[i]].item()))
    found = detect(ids, scheme)
    assert found.score == pytest.approx(total, rel=1e-6)
    assert found.scored == 76


def test_a_text_sampled_with_gumbel_noise_is_found() -> None:
    rng = np.random.default_rng(0)
    ids = [int(token) for token in rng.integers(0, VOCABULARY, 4)]
    scheme = Gumbel(vocab_size=VOCABULARY, seeding_scheme="ff-minhash_prf-3-False")
    for _ in range(60):
        seeding = resolve(scheme.seeding_scheme, None, scheme.hashing_key, VOCABULARY)
        seed = seeds(np.array([*ids, 0]), np.array([0, len(ids) + 1]), seeding, hash_table(seeding))[-1]
        uniform = torch.rand(VOCABULARY, generator=torch.Generator().manual_seed(int(seed))).numpy()
        likely = rng.dirichlet(np.full(VOCABULARY, 0.05)) + 1e-12
        ids.append(int(np.argmax(np.log(uniform) / likely)))
    assert detect(ids, scheme).p_value < 1e-10
    assert detect(ids, Gumbel(vocab_size=VOCABULARY, seeding_scheme="skipgram")).p_value > 1e-4


def test_permute_and_flip_scores_are_those_of_markllm_pf() -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 60)
    total = 0.0
    for i in range(8, 60):
        seed = 0
        for token in ids[i - 8 : i]:
            seed = (seed * 35317 + int(token)) % (2**64 - 1)
        uniform = torch.rand(VOCABULARY, generator=torch.Generator().manual_seed(seed))
        total -= torch.log(uniform[ids[i]]).item()
    assert detect(ids, PermuteAndFlip(vocab_size=VOCABULARY)).score == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(("ngram", "alpha"), [(1, 0.5), (4, 0.7)])
def test_textseal_scores_are_those_of_markllm_textseal(ngram: int, alpha: float) -> None:
    ids = np.random.default_rng(0).integers(0, 130_000, 90)
    ids[50:60] = ids[10:20]  # repeated n-grams count once
    primes = [10000019, 10000247, 10000439, 10000643]
    keys, total, seen = (2**40 + 7, -12345), 0.0, set()
    for i in range(ngram + 1, 90):
        gram = tuple(int(token) for token in ids[i - ngram : i + 1])
        if gram in seen:
            continue
        seen.add(gram)
        for key, share in zip(keys, (alpha, 1 - alpha), strict=True):
            value = torch.tensor(sum(token * prime for token, prime in zip(gram[:-1], primes, strict=False)))
            value = (value + 100000007 * torch.tensor(gram[-1]) + 500001713 * torch.tensor(key)) * 15485863
            value = value * 40499
            uniform = ((value ^ (value >> 13)) % 8191).float() / 8191
            total -= share * float(torch.log1p(-uniform.double()))
    found = detect(ids, TextSeal(key_a=keys[0], key_b=keys[1], ngram=ngram, mixing_alpha=alpha))
    assert found.scored == len(seen) < 89 - ngram
    assert found.score == pytest.approx(total, rel=1e-6)


def test_a_text_sampled_with_two_keys_is_found() -> None:
    rng, scheme = np.random.default_rng(0), TextSeal(key_a=7, key_b=8, ngram=2)
    one, other = (
        TextSeal(key_a=7, key_b=9, ngram=2, mixing_alpha=0.999999),
        TextSeal(key_a=8, key_b=9, ngram=2, mixing_alpha=0.999999),
    )
    ids = [int(token) for token in rng.integers(0, VOCABULARY, 3)]
    for _ in range(100):
        some = rng.integers(0, VOCABULARY, 40)
        likely = rng.dirichlet(np.full(40, 0.5)) + 1e-12
        grams, offsets = ragged([[*ids[-3:], token] for token in some])
        worth = (one if rng.random() < 0.5 else other).marks(grams, offsets).value[3::4]
        ids.append(int(some[np.argmax(np.log(1 - np.exp(-worth) + 1e-9) / likely)]))
    assert detect(ids, scheme).p_value < 1e-8
    assert detect(ids, TextSeal(key_a=1, key_b=2, ngram=2)).p_value > 1e-4


@pytest.mark.parametrize(("gamma", "prefix"), [(0.5, 1), (0.3, 2)])
def test_dipmark_statistic_is_that_of_markllm_dip(gamma: float, prefix: int) -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 60)
    secret = random.Random(42).getrandbits(1024).to_bytes(128, "big")
    green = 0
    for i in range(59):
        context = torch.as_tensor(ids[: i + 1])[-prefix:].numpy().tobytes()
        seed = int.from_bytes(hashlib.sha256(context + secret).digest(), "big") % (2**32 - 1)
        order = torch.randperm(VOCABULARY, generator=torch.Generator().manual_seed(seed))
        quantile = (torch.where(order == int(ids[i + 1]))[0] + 1) / VOCABULARY
        green += int((quantile >= gamma).item())
    found = detect(ids, DipMark(vocab_size=VOCABULARY, gamma=gamma, prefix_length=prefix))
    assert found.score == green
    assert found.z == pytest.approx((green - (1 - gamma) * 60) / np.sqrt(60))


@pytest.mark.parametrize(("size", "head"), [(2, 1), (7, 7), (100, 25), (5000, 4999), (40_000, 10_000)])
def test_answers_do_not_depend_on_what_is_cached(size: int, head: int) -> None:
    rng = np.random.default_rng(size)
    seed = rng.integers(0, 12, 400).astype(np.uint32)
    token = rng.integers(0, size + 3, 400)
    truth = {int(s): set(randperm(int(s), size)[:head].tolist()) for s in np.unique(seed)}
    expected = [int(t) in truth[int(s)] for s, t in zip(seed, token, strict=True)]
    for lists, memory in ((True, 1 << 28), (True, 1), (False, 1 << 16)):
        engine = GreenLists(size, head, lists, memory)
        for _ in range(2):
            assert engine.contains(seed, token).tolist() == expected
        for s, t, green in zip(seed[:40], token[:40], expected[:40], strict=True):
            assert engine.contains(np.array([s], np.uint32), np.array([t])).tolist() == [green]
        assert engine.cached_lists <= max(1, memory // ((size + 7) // 8))


def all_schemes() -> list[Any]:
    return [
        made
        for name, scheme in registered_schemes().items()
        if name in ("kgw", "unigram", "synthid", "gumbel", "dipmark", "permute_and_flip")
        for made in [scheme(**({"vocab_size": VOCABULARY} if "vocab_size" in scheme.model_fields else {}))]
    ] + [
        TextSeal(key_a=11, key_b=12),
        Kgw(vocab_size=VOCABULARY, seeding_scheme="selfhash", context_width=4),
        SynthId(score="mean", sampling_table_size=1000),
    ]


@pytest.mark.parametrize("scheme", all_schemes(), ids=lambda scheme: f"{scheme.scheme}-{scheme.key}")
def test_a_batch_judges_each_document_as_if_it_were_alone(scheme: Any) -> None:
    rng = np.random.default_rng(3)
    documents = [rng.integers(0, VOCABULARY + 5, n) for n in (0, 1, 3, 8, 40, 250, 0, 90)]
    together = scheme.measure(*ragged(documents))
    for d, document in enumerate(documents):
        alone = detect(document, scheme)
        assert alone.tokens == together.tokens[d] == len(alone.positions)
        assert alone.p_value == pytest.approx(together.p_value[d], rel=1e-9)
        assert alone.z == pytest.approx(together.z[d], nan_ok=True)
    assert (together.p_value[:4] == 1).all()  # too short to judge


@pytest.mark.parametrize("scheme", all_schemes(), ids=lambda scheme: f"{scheme.scheme}-{scheme.key}")
def test_repetition_adds_no_evidence(scheme: Any) -> None:
    ids = np.random.default_rng(4).integers(0, VOCABULARY, 120)
    once, often = detect(ids, scheme), detect(np.tile(ids, 20), scheme)
    # the seams between the copies make a few new n-grams, the copies none
    assert once.tokens <= often.tokens <= once.tokens + 10
    assert often.p_value > 1e-6


@pytest.mark.parametrize("ids", [[-1, 2, 3], [2**31, 0], [2**62]])
def test_impossible_token_ids_are_refused(ids: list[int]) -> None:
    with pytest.raises(ValueError, match="token ids must lie"):
        detect(ids, Unigram(vocab_size=10))


def test_parameters_out_of_bounds_are_refused() -> None:
    for settings in (
        {"vocab_size": 1}, {"vocab_size": 100, "greenlist_ratio": 0.001}, {"vocab_size": 2**40},
        {"vocab_size": 100, "seeding_scheme": "minhash", "context_width": 3},
        {"vocab_size": 100, "seeding_scheme": "ff-additive_prf-99-True"},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            Kgw.model_validate(settings)
    with pytest.raises(ValidationError, match="cannot be seeded by the token"):
        Gumbel(vocab_size=100, seeding_scheme="selfhash")
    with pytest.raises(ValidationError, match="bayesian needs"):
        SynthId(score="bayesian")
