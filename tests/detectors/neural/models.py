"""Tiny models made on the spot, and texts for them: what the tests of neural detectors share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from provenance import schema
from provenance.detectors.neural.config import NeuralConfig, ScoreCalibration

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

WORDS = "the a river stone bridge old walked slowly over under morning light delve tapestry vibrant moreover".split()
LINE = ScoreCalibration(intercept=0.0, slope=1.0, min_tokens=8)


def tokenizer() -> Any:
    vocabulary = {word: k for k, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    model = tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]")
    raw = tokenizers.Tokenizer(model)
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]")


def save_causal(folder: Path, seed: int, vocabulary: int = 32) -> str:
    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=vocabulary, n_positions=128, n_embd=16, n_layer=2, n_head=2, initializer_range=0.4
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


def bert(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=32,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        num_labels=2,
        id2label={0: "human", 1: "machine"},
        label2id={"human": 0, "machine": 1},
        pad_token_id=0,
    )
    return transformers.BertForSequenceClassification(config)


def toy(count: int, seed: int, words: int) -> tuple[list[str], list[int]]:
    random = np.random.default_rng(seed)
    labels = [k % 2 for k in range(count)]
    return [" ".join(random.choice(WORDS if label else WORDS[:-4], size=words)) for label in labels], labels


def texts(count: int = 9, seed: int = 3) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, size=size)) for size in random.integers(15, 90, size=count)]


def detector(kind: str, model: str, **options: Any) -> NeuralConfig:
    values = {
        "name": kind.replace("_", "-"),
        "kind": kind,
        "model": model,
        "max_tokens": 128,
        "device": "cpu",
    }
    if kind in ("classifier", "onnx"):
        values["synthetic_label"] = "machine"
    return NeuralConfig(**(values | options))


def logits_of(folder: str, text: str) -> tuple[Any, Any]:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor([tokenizer()(text)["input_ids"]])
    with torch.no_grad():
        return ids, model(ids).logits


def batch(sample: list[str | None], embedded: list[float | None]) -> pa.RecordBatch:
    evidence = [
        [] if ratio is None else [{"source": "detector:embedded", "llr": ratio, "because": "-"}]
        for ratio in embedded
    ]
    return pa.RecordBatch.from_arrays(
        [
            pa.array(sample, pa.large_string()),
            pa.array(["en"] * len(sample), pa.string()),
            pa.array(evidence, schema.EVIDENCE),
        ],
        names=["text", "language", "detector_evidence"],
    )


def save_classifier(folder: Path) -> str:
    """A tiny classifier trained here: texts with the last four words of WORDS are machine-written."""
    model = bert().train()
    rows, labels = toy(400, seed=5, words=40)
    ids = torch.tensor(tokenizer()(rows)["input_ids"])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(3):
        for start in range(0, 400, 40):
            part = slice(start, start + 40)
            model(input_ids=ids[part], labels=torch.tensor(labels[part])).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)
