"""The transformer of the collapse experiment is one: its cache changes nothing, it learns, and the same seed writes the same."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from scripts.collapse._models import NUCLEUS, Shape, make_kind
from scripts.make.demo_articles import SUBJECTS

torch = pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from scripts.collapse._transformer import (  # noqa: E402  (torch first)
    BOUNDARY,
    Transformer,
    Transformers,
    _write,
)

TEXTS = [" ".join(sentences) for _, sentences in SUBJECTS.values()]
SHAPE = Shape(pieces=400, layers=2, width=32, heads=2, context=64, batch=8, steps=40, rate=6e-3)


@pytest.fixture(scope="module")
def kind() -> Transformers:
    made = make_kind(TEXTS[1:], SHAPE, seed=1)
    assert isinstance(made, Transformers)
    return made


@pytest.fixture(scope="module")
def model(kind: Transformers) -> Transformer:
    return kind.train(TEXTS[1:])


def test_pieces_give_back_every_text(kind: Transformers) -> None:
    texts = ["Snow — 12 °C,\nand 雪.", "A second  text"]
    numbers = kind.encode(texts)
    ends = np.flatnonzero(numbers == BOUNDARY)
    rows = np.full((2, 64), BOUNDARY)
    for row, (start, end) in enumerate(pairwise(ends)):
        rows[row, : end - start - 1] = numbers[start + 1 : end]
    assert kind.decode(rows) == texts


def test_with_the_cache_chances_are_those_of_reading_all_at_once(model: Transformer) -> None:
    network = model.network.eval()
    numbers = torch.from_numpy(np.random.default_rng(1).integers(0, SHAPE.pieces, (3, 20)))
    caches = [torch.empty(2, 3, SHAPE.heads, SHAPE.context, 16) for _ in range(SHAPE.layers)]
    with torch.inference_mode():
        whole = network(numbers)
        one_by_one = torch.cat([network(numbers[:, [at]], caches, at) for at in range(20)], dim=1)
    assert torch.allclose(whole, one_by_one, atol=1e-4)


def test_it_learns_what_it_reads_and_unseen_text_of_the_same_kind_a_little(
    kind: Transformers, model: Transformer
) -> None:
    few = Transformers(replace(SHAPE, steps=4), kind.seed, kind.tokenizer).train(TEXTS[1:])
    for texts in (TEXTS[1:], TEXTS[:1]):
        assert model.perplexity(texts) < 0.8 * few.perplexity(texts) < SHAPE.pieces


def test_the_same_seed_learns_and_writes_the_same_also_from_a_file(
    kind: Transformers, model: Transformer
) -> None:
    written = model.write(6, np.random.default_rng(3))
    again = pickle.loads(pickle.dumps(kind.train(TEXTS[1:])))
    assert again.write(6, np.random.default_rng(3)) == written
    assert again.write(6, np.random.default_rng(4)) != written
    assert again.perplexity(TEXTS) == model.perplexity(TEXTS)


def test_no_page_ends_before_half_of_the_context_and_no_piece_is_of_the_tail(model: Transformer) -> None:
    network = model.network.eval()
    with torch.inference_mode():
        # The last chance of all takes the least likely piece that may be written.
        pages = _write(network, SHAPE, torch.full((SHAPE.context, 1), 1 - 1e-6))
        logits = network(torch.tensor([[BOUNDARY]]))[0, 0]
    assert int((pages[:, : SHAPE.context // 2] == BOUNDARY).sum()) == 0
    likely = logits.where(torch.arange(SHAPE.pieces) != BOUNDARY, -torch.inf).softmax(-1)
    chance = likely[pages[0, 0]]
    assert float(likely[likely > chance].sum()) < NUCLEUS
    assert float(likely[likely >= chance].sum()) == pytest.approx(NUCLEUS, abs=0.02)
