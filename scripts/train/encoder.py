#!/usr/bin/env python
"""Train the encoder, pack what training changed, and calibrate it: the two files that ship beside the embedded detector's.

scripts/train encoder train CORPUS_DIR DIR      held-out logits of eight folds and the final weights (a GPU: five minutes; a CPU: days)
scripts/train encoder pack CORPUS_DIR DIR       encoder.npz from the weights in DIR (minutes)
scripts/train encoder calibrate CORPUS_DIR DIR  encoder.json from the held-out logits in DIR (ten minutes)
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from provenance.detectors.embedded import folds, training  # noqa: E402
from provenance.detectors.embedded.training import source_numbers  # noqa: E402
from provenance.detectors.neural.adapter import MOST_CHARACTERS  # noqa: E402
from provenance.detectors.neural.encoder import build_tokenizer, encode_texts  # noqa: E402
from provenance.detectors.neural.pretrained import Pretrained, read_pretrained  # noqa: E402
from scripts.train.detector import PASSAGES, read_files, say  # noqa: E402

SHIPPED = ROOT / "provenance" / "detectors" / "neural" / "data"
#: Pieces of the vocabulary that are kept: the commonest in the first tokens of the corpus' passages, languages balanced. It
#: gives the vocabulary that ships but for 25 of its 40,519 pieces, which are as rare as those that take their place.
_PIECES, _FIRST, _SPECIAL = 36_000, 398, 4
_AT_ONCE = 2048
#: Passages by which the adapter's factors are weighed, those by which its head is matched, and the bytes of the factors.
_WEIGHED, _MATCHED, _BUDGET = 40, 120, 2_000_000
_SEED = 99


def main(arguments: list[str] | None = None) -> int:
    """Do one step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=("train", "pack", "calibrate"))
    parser.add_argument("corpus", type=Path, help="directory of *.parquet, as for the detector")
    parser.add_argument("folder", type=Path, help="where logits and weights are kept")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="where the shipped files go")
    parser.add_argument("--budget", type=int, default=_BUDGET, help="pack: bytes of the factors")
    parser.add_argument("--documents", type=int, help="train: passages drawn (default: as shipped)")
    options = parser.parse_args(arguments)
    files = sorted(options.corpus.glob("*.parquet"))
    if not files:
        parser.error(f"{options.corpus}: no Parquet files there")
    table = training.prepare(read_files(files, sorted(PASSAGES.glob("*.jsonl")), "train"))
    if options.step == "calibrate":
        from scripts.train._encoder_calibration import calibrate

        calibrate(table, options.folder / "held-out.npz", options.out / "encoder.json")
    elif options.step == "pack":
        pack(table, options.folder / "weights.npz", options.out / "encoder.npz", options.budget)
    else:
        options.folder.mkdir(parents=True, exist_ok=True)
        train_all(table, options.folder, options.documents)
    return 0


def train_all(table: pd.DataFrame, folder: Path, documents: int | None) -> None:
    """Write held-out.npz (rows of the table and their logits, by models that saw neither their domain nor maker) and weights.npz."""
    import torch

    from scripts.train import _encoder_model as torch_model

    base = read_pretrained()
    pieces = choose_pieces(table, base)
    ids = tokens_of(table.text.tolist(), base, pieces)
    synthetic = table.synthetic.to_numpy(bool)
    schedule = torch_model.Schedule()
    if documents is not None:
        schedule = torch_model.Schedule(documents=documents)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def train(use: NDArray[np.bool_], seed: int) -> torch_model.Encoder:
        torch.manual_seed(seed)
        model = torch_model.Encoder(base, pieces).to(device)
        drawn = np.random.RandomState(seed).choice(len(ids), schedule.documents, p=draw_weights(table, use))
        torch_model.train(model, [ids[row] for row in drawn], synthetic[drawn], schedule, seed)
        return model

    rows, logits = [], []
    for fold, (held, judged) in enumerate(folds.folds(table)):
        chosen = np.flatnonzero(judged)
        if len(chosen):
            rows.append(chosen)
            logits.append(torch_model.predict(train(~held, fold), [ids[row] for row in chosen]))
            say(f"fold {fold}: {len(chosen):,} passages judged")
    np.savez_compressed(folder / "held-out.npz", rows=np.concatenate(rows), logits=np.concatenate(logits))
    final = train(np.ones(len(table), bool), _SEED)
    found: dict[str, Any] = {"pieces": pieces, **final.tensors()}
    np.savez_compressed(folder / "weights.npz", **found)


def pack(table: pd.DataFrame, weights: Path, out: Path, budget: int) -> None:
    """Write the adapter of `weights`, its factors of at most `budget` bytes; passages are a sample of the English ones."""
    from scripts.train._encoder_adapter import make_adapter, matched

    base = read_pretrained()
    with np.load(weights) as stored:
        trained = {name: stored[name] for name in stored.files}
    pieces = trained.pop("pieces")
    english = table.text[(table.language == "en") & (table.text.str.split().str.len() >= 60)]
    texts = tokens_of(english.sample(_WEIGHED + _MATCHED, random_state=_SEED).tolist(), base, pieces)
    adapter = make_adapter(base, pieces, trained, texts[:_WEIGHED], budget)
    matched(base, adapter, trained, texts[_WEIGHED:]).save(out)
    say(f"{out}: {out.stat().st_size:,} bytes")


def tokens_of(texts: list[str], base: Pretrained, pieces: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Token ids of each text as the encoder reads it."""
    tokenizer = build_tokenizer(base, pieces.tolist())
    return [np.array(row, np.int64) for row in encode_texts(tokenizer, texts)]


def choose_pieces(table: pd.DataFrame, base: Pretrained) -> NDArray[np.int64]:
    """Pieces worth keeping: common ones, found in three passages and more, and every single character that occurs."""
    whole = build_tokenizer(base, range(len(base.pieces)))
    size = table.language.map(table.language.value_counts()).to_numpy(float)
    weight, found = np.zeros(len(base.pieces)), np.zeros(len(base.pieces), np.int64)
    shares, texts = 1 / np.sqrt(size), table.text.tolist()
    for start in range(0, len(texts), _AT_ONCE):
        part = [text[:MOST_CHARACTERS] for text in texts[start : start + _AT_ONCE]]
        for item, share in zip(whole.encode_batch_fast(part), shares[start:], strict=False):
            own = np.unique(item.ids[:_FIRST])
            weight[own] += share
            found[own] += 1
    first = np.argsort(-weight, kind="stable")[:_PIECES]
    single = [at for at in np.flatnonzero(found) if len(base.pieces[at].decode()) == 1]
    return np.unique(np.concatenate([np.arange(_SPECIAL), first[found[first] >= 3], single]))


def draw_weights(table: pd.DataFrame, use: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Chances of being drawn: sources damped, labels alike in each language, languages by the root of their size."""
    left_out = table.generator.isin(training.Settings().left_out).to_numpy()
    source = source_numbers(table)
    rows = np.flatnonzero(use & ~left_out)
    size = np.bincount(source[rows], minlength=source.max() + 1)
    weight = np.zeros(len(table))
    weight[rows] = 1 / np.sqrt(np.maximum(size[source[rows]], 50))
    synthetic = table.synthetic.to_numpy(bool)
    for language in table.language.unique():
        here = (table.language == language).to_numpy() & (weight > 0)
        for label in (False, True):
            chosen = here & (synthetic == label)
            both = chosen.any() and (here & (synthetic != label)).any()
            weight[chosen] *= math.sqrt(here.sum()) / weight[chosen].sum() if both else 0.0
    return np.asarray(weight / weight.sum())


if __name__ == "__main__":
    sys.exit(main())
