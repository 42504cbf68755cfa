"""A small model learns from a feed: the loss falls, and a run that is stopped in between ends in the same weights."""

from __future__ import annotations

import copy
from typing import Any

import torch

from provenance.feed import Feed, OpenRelease
from provenance.feed.loading import Loader

_WIDTH = 64


def _bytes(texts: list[str]) -> torch.Tensor:
    rows = [list(text.encode()[:_WIDTH].ljust(_WIDTH)) for text in texts]
    return torch.tensor(rows)


def _model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Embedding(256, 16), torch.nn.Linear(16, 256))


def _train(model: torch.nn.Module, optimizer: Any, loader: Loader, steps: int) -> list[float]:
    losses = []
    for batch in loader:
        tokens = _bytes(batch["text"])
        logits = model(tokens[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
        if len(losses) == steps:
            break
    return losses


def test_a_model_learns_and_a_resumed_run_ends_in_the_same_weights(opened: OpenRelease) -> None:
    model = _model()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    losses = _train(model, optimizer, Loader(Feed(opened, batch_size=8)), steps=30)
    assert losses[-1] < losses[0] - 1

    other = _model()
    again = torch.optim.Adam(other.parameters(), 0.02)
    loader = Loader(Feed(opened, batch_size=8))
    _train(other, again, loader, steps=12)
    saved = copy.deepcopy((other.state_dict(), again.state_dict(), loader.state_dict()))

    resumed = _model()
    resumed.load_state_dict(saved[0])
    rest = torch.optim.Adam(resumed.parameters(), 0.02)
    rest.load_state_dict(saved[1])
    loader = Loader(Feed(opened, batch_size=8), workers=2)
    loader.load_state_dict(saved[2])
    _train(resumed, rest, loader, steps=18)
    for one, two in zip(model.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, two)
