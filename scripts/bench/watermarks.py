"""Cost of each watermark scheme per token and key, beside transformers' own detector, in one run.

    python scripts/bench watermarks [--tokens 4000000] [--reference-tokens 4000]

Tokens follow a Zipf law over a vocabulary of 50,257, in documents of 100 to 900, in batches of a million tokens
as a crawl brings them. Tokenising is apart. "first" is the first batch, when every cache is empty; "amortised" all.
"""

from __future__ import annotations

import argparse
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

from provenance.annotators.watermarks.dipmark import DipMark
from provenance.annotators.watermarks.gumbel import Gumbel, PermuteAndFlip
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.scheme import Scheme
from provenance.annotators.watermarks.synthid import SynthId
from provenance.annotators.watermarks.textseal import TextSeal, TextSealOneKey
from provenance.annotators.watermarks.unigram import Unigram

VOCABULARY = 50_257
BATCH_TOKENS = 1_000_000


def crawl(tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Zipf tokens (exponent 1.05) and document offsets."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, VOCABULARY + 1) ** 1.05
    ids = rng.permutation(VOCABULARY)[rng.choice(VOCABULARY, tokens, p=weights / weights.sum())]
    lengths = rng.integers(100, 900, tokens // 100)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    offsets = offsets[offsets <= tokens]
    return ids[: offsets[-1]], offsets


def ours(scheme: Scheme, ids: np.ndarray, offsets: np.ndarray) -> tuple[float, float]:
    """Microseconds a token in the first batch and over all batches; compilation is not counted."""
    scheme.model_copy().measure(ids[:200], [0, 200])
    fresh = type(scheme).model_validate(scheme.model_dump())
    fresh.measure(ids[:50], [0, 50])  # tables that are built once
    first = spent = 0.0
    start = 0
    while start < len(offsets) - 1:
        end = max(start + 1, int(np.searchsorted(offsets, offsets[start] + BATCH_TOKENS, "right")) - 1)
        batch = ids[offsets[start] : offsets[end]]
        began = time.process_time()
        fresh.measure(batch, offsets[start : end + 1] - offsets[start])
        took = time.process_time() - began
        first = first or took / len(batch)
        spent += took
        start = end
    return first * 1e6, spent / len(ids) * 1e6


def reference(scheme: Scheme, ids: np.ndarray) -> float | None:
    """Microseconds a token of transformers on the same ids, or None where it has no such scheme."""
    import torch
    import transformers
    from transformers.generation.logits_process import SynthIDTextWatermarkLogitsProcessor

    rows = torch.tensor(ids[: len(ids) // 400 * 400].reshape(-1, 400))
    call: Any
    if isinstance(scheme, Kgw) and scheme.seeding_scheme in ("lefthash", "selfhash"):
        model: Any = SimpleNamespace(bos_token_id=-1, is_encoder_decoder=False, vocab_size=VOCABULARY)
        config = transformers.WatermarkingConfig(
            seeding_scheme=scheme.seeding_scheme, context_width=scheme.context_width or 1
        )
        call = transformers.WatermarkDetector(model, "cpu", config)
    elif isinstance(scheme, SynthId):
        processor = SynthIDTextWatermarkLogitsProcessor(
            ngram_len=5, keys=list(scheme.keys), sampling_table_size=65536, sampling_table_seed=0,
            context_history_size=1024, device=torch.device("cpu"),
        )  # fmt: skip

        def call(batch: Any) -> None:
            processor.compute_g_values(batch)
            processor.compute_context_repetition_mask(batch)
    else:
        return None
    began = time.process_time()
    call(rows)
    return (time.process_time() - began) / rows.numel() * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=4_000_000)
    parser.add_argument("--reference-tokens", type=int, default=4000)
    args = parser.parse_args()
    schemes: list[tuple[str, Scheme]] = [
        ("unigram", Unigram(vocab_size=VOCABULARY)),
        ("synthid, 30 keys", SynthId()),
        ("synthid of 2025, 30 keys", SynthId(version="2025")),
        ("kgw lefthash", Kgw(vocab_size=VOCABULARY)),
        ("kgw lefthash, ratio 0.5", Kgw(vocab_size=VOCABULARY, greenlist_ratio=0.5)),
        ("kgw lefthash, 32 MiB of lists", Kgw(vocab_size=VOCABULARY, cache_bytes=32 << 20)),
        ("kgw minhash, width 4", Kgw(vocab_size=VOCABULARY, seeding_scheme="minhash")),
        ("kgw selfhash, width 1", Kgw(vocab_size=VOCABULARY, seeding_scheme="selfhash")),
        ("kgw selfhash, width 4", Kgw(vocab_size=VOCABULARY, seeding_scheme="selfhash", context_width=4)),
        ("gumbel, width 1", Gumbel(vocab_size=VOCABULARY, context_width=1)),
        ("gumbel, width 4", Gumbel(vocab_size=VOCABULARY)),
        ("dipmark", DipMark(vocab_size=VOCABULARY)),
        ("permute and flip", PermuteAndFlip(vocab_size=VOCABULARY)),
        ("textseal", TextSeal()),
        ("textseal, green list by one key", TextSealOneKey(watermark_type="greenlist")),
        ("textseal, synthid by one key", TextSealOneKey(watermark_type="synthid")),
    ]
    ids, offsets = crawl(args.tokens)
    print(f"{len(ids):,} tokens in {len(offsets) - 1:,} documents; microseconds a token")
    print(f"| {'scheme':30} | {'first':>7} | {'amortised':>9} | {'transformers':>12} |")
    print(f"| {'-' * 30} | {'-' * 6}: | {'-' * 8}: | {'-' * 11}: |")
    for name, scheme in schemes:
        first, amortised = ours(scheme, ids, offsets)
        theirs = reference(scheme, ids[: args.reference_tokens])
        shown = "-" if theirs is None else f"{theirs:,.1f}"
        print(f"| {name:30} | {first:7.3f} | {amortised:9.3f} | {shown:>12} |", flush=True)


if __name__ == "__main__":
    main()
