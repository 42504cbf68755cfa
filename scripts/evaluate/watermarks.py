"""Measure what docs/watermarks.md states: shares of low p-values on unmarked texts, and power by length and strength.

    python scripts/evaluate watermarks --shared ../shared [--texts 100000] [--marked 100] [--only TABLE]

Unmarked: uniform tokens, Zipf tokens, and the human passages of the development data under a BPE tokenizer trained
on a tenth of them. Marked: a sampler over 50 Zipf candidates a step, whose logits the scheme changes; its spread
stands for temperature. Unmarked texts are judged in batches of BATCH, as a crawl is, and each alone. Prints Markdown
tables.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy import stats

from provenance.annotators.watermarks.dipmark import DipMark
from provenance.annotators.watermarks.gumbel import Gumbel
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.ragged import ragged
from provenance.annotators.watermarks.scheme import Scheme
from provenance.annotators.watermarks.synthid import SynthId
from provenance.annotators.watermarks.textseal import TextSeal, TextSealOneKey
from provenance.annotators.watermarks.unigram import Unigram

VOCABULARY = 50_257
CANDIDATES = 50
LENGTHS = (25, 50, 100, 200, 400)
#: Documents judged together: what a batch of a crawl holds. Judged alone, a batch of fewer than shared.ENOUGH.
BATCH = 500
ALONE = 90


def keyed(vocabulary: int) -> list[tuple[str, Scheme]]:
    return [
        *(
            (f"unigram, key {key}", Unigram(vocab_size=vocabulary, watermark_key=key))
            for key in (0, 97, 15485863, 4)
        ),
        *(
            (f"kgw lefthash, key {key}", Kgw(vocab_size=vocabulary, hashing_key=key))
            for key in (15485863, 97, 3)
        ),
        ("kgw minhash", Kgw(vocab_size=vocabulary, seeding_scheme="minhash")),
        ("dipmark, key 42", DipMark(vocab_size=vocabulary)),
        ("synthid mean", SynthId(score="mean")),
        ("synthid weighted mean", SynthId()),
        ("synthid weighted mean, 9 keys", SynthId(keys=tuple(range(101, 110)))),
        ("synthid of 2025 mean", SynthId(version="2025", score="mean")),
        ("synthid of 2025 weighted mean", SynthId(version="2025")),
        ("textseal", TextSeal(key_a=3, key_b=4)),
        *(
            (f"textseal by one key, {name}", TextSealOneKey(watermark_type=name))
            for name in ("gumbelmax", "greenlist", "synthid", "synthid-weighted")
        ),
    ]


def share_table(title: str, tokens: np.ndarray, offsets: np.ndarray, vocabulary: int) -> None:
    texts = len(offsets) - 1
    low, high = stats.binom.ppf([0.005, 0.995], texts, 1e-3) / texts
    print(
        f"\n{title}: {texts:,} texts, {len(tokens) / texts:.0f} tokens each; 99% interval {low:.2e} to {high:.2e}\n"
    )
    print(
        "| scheme | p < 0.001 | p < 0.01 | alone: p < 0.001 | coins, alone |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for name, scheme in keyed(vocabulary):
        cells = []
        for size in (BATCH, ALONE):
            parts = []
            for start in range(0, texts, size):
                bounds = offsets[start : start + size + 1]
                parts.append(scheme.measure(tokens[bounds[0] : bounds[-1]], bounds - bounds[0]))
            coins = np.concatenate([part.tokens for part in parts])
            p = np.concatenate([part.p_value for part in parts])[coins >= scheme.min_tokens]
            cells.append(((p < 1e-3).mean(), (p < 1e-2).mean(), coins.mean()))
        (low, middle, coins), (alone, _, coins_alone) = cells
        print(
            f"| {name} | {low:.2e} | {middle:.2e} | {alone:.2e} | {coins:.0f}, {coins_alone:.0f} |",
            flush=True,
        )


def zipf(rng: np.random.Generator, count: int) -> np.ndarray:
    weights = 1 / np.arange(1, VOCABULARY + 1) ** 1.05
    return np.random.default_rng(9).permutation(VOCABULARY)[
        rng.choice(VOCABULARY, count, p=weights / weights.sum())
    ]


def passages(shared: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Human passages of the detector pool, tokenised; vocabulary of 16,000."""
    import tokenizers

    texts: list[str] = []
    for path in sorted(shared.glob("data/detector/**/pool_*.parquet")):
        table = pq.read_table(path, columns=["text", "label"])
        texts += [t for t, label in zip(*table.to_pydict().values()) if label in ("human", 0)]
    trained = tokenizers.Tokenizer(tokenizers.models.BPE())
    trained.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(
        texts[::10], tokenizers.trainers.BpeTrainer(vocab_size=16_000, show_progress=False)
    )
    texts = [texts[k] for k in np.random.default_rng(1).permutation(len(texts))]
    encoded = [
        e.ids
        for start in range(0, len(texts), 1000)
        for e in trained.encode_batch_fast(texts[start : start + 1000])
    ]
    return *ragged(encoded), trained.get_vocab_size()


def generate(scheme: Scheme, strength: float, spread: float, documents: int) -> np.ndarray:
    """Marked token ids; shape (documents, max(LENGTHS)). `spread` is the standard deviation of the logits."""
    rng = np.random.default_rng(3)
    width = scheme.ngram_len - 1 if isinstance(scheme, SynthId) else 4
    ids = zipf(rng, documents * width).reshape(documents, width)
    rows = np.arange(documents)
    for _ in range(max(LENGTHS)):
        choice = zipf(rng, documents * CANDIDATES).reshape(documents, CANDIDATES)
        logits = rng.normal(0, spread, choice.shape)
        context = np.repeat(ids[:, None, -width:], CANDIDATES, axis=1)
        grams = np.concatenate([context, choice[..., None]], axis=2).reshape(-1, width + 1)
        if isinstance(scheme, SynthId):
            g = scheme.g_values(grams.reshape(-1))[:: width + 1].reshape(documents, CANDIDATES, -1)
            p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            for layer in range(g.shape[2]):
                mass = (g[..., layer] * p).sum(axis=1, keepdims=True)
                p = p * (1 + g[..., layer] - mass)
            picked = np.argmax(np.log(np.maximum(p, 1e-300)) + rng.gumbel(size=p.shape), axis=1)
        else:
            offsets = np.arange(0, grams.size + 1, width + 1)
            value = scheme.marks(grams.reshape(-1), offsets).value[width :: width + 1].reshape(choice.shape)
            if isinstance(scheme, Gumbel):
                p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
                picked = np.argmax(np.log(-np.expm1(-value) + 1e-30) / p, axis=1)
            else:
                picked = np.argmax(logits + strength * value + rng.gumbel(size=logits.shape), axis=1)
        ids = np.concatenate([ids, choice[rows, picked][:, None]], axis=1)
    return ids[:, width:]


def power_table(documents: int) -> None:
    print(f"\nShare of {documents} marked texts with p < 1e-3 / p < 1e-6, by tokens\n")
    print(f"| scheme | strength | logit spread | {' | '.join(map(str, LENGTHS))} |")
    print(f"| --- | ---: | ---: |{' ---: |' * len(LENGTHS)}")
    rng = np.random.default_rng(8)
    others = [zipf(rng, max(LENGTHS)) for _ in range(BATCH)]
    cases: list[tuple[str, Scheme, float]] = [
        *(("kgw lefthash, ratio 0.25", Kgw(vocab_size=VOCABULARY), delta) for delta in (1.0, 2.0, 4.0)),
        *(("unigram, fraction 0.5", Unigram(vocab_size=VOCABULARY), delta) for delta in (1.0, 2.0)),
        ("synthid, 30 keys, weighted mean", SynthId(), 0.0),
        ("gumbel", Gumbel(vocab_size=VOCABULARY, context_width=1), 0.0),
    ]
    for name, scheme, strength in cases:
        for spread in (2.0, 4.0):
            ids = generate(scheme, strength, spread, documents)
            cells = []
            for length in LENGTHS:
                among = [*ids[:, :length], *(other[:length] for other in others)]
                p = scheme.measure(*ragged(among)).p_value[:documents]
                cells.append(f"{(p < 1e-3).mean():.2f} / {(p < 1e-6).mean():.2f}")
            shown = f"{strength:g}" if strength else "-"
            print(f"| {name} | {shown} | {spread:g} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--marked", type=int, default=100)
    parser.add_argument("--only", choices=("power", "zipf", "uniform", "human"))
    args = parser.parse_args()
    if args.only in (None, "power"):
        power_table(args.marked)
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(50, 150, args.texts))])
    if args.only in (None, "zipf"):
        share_table("Zipf tokens", zipf(rng, offsets[-1]), offsets, VOCABULARY)
    if args.only in (None, "uniform"):
        share_table("Uniform tokens", rng.integers(0, 2000, offsets[-1]), offsets, 2000)
    if args.only in (None, "human") and (args.shared / "data" / "detector").is_dir():
        tokens, bounds, vocabulary = passages(args.shared)
        share_table("Human passages", tokens, bounds, vocabulary)


if __name__ == "__main__":
    main()
