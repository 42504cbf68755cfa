"""The encoder in torch, for training: pretrained weights, dropout, a head on means and deviations over the tokens.

What `provenance.detectors.neural.transformer` computes from what is saved here, up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from provenance.detectors.neural.adapter import MATRICES, MOST_TOKENS, VECTORS
from provenance.detectors.neural.pretrained import HEADS, LAYERS, WIDTH, Pretrained, unpack

#: Ids of the tokens that fill a batch and that hide others.
PADDING, HIDDEN = 1, 3


@dataclass(frozen=True)
class Schedule:
    """How the encoder is trained; the defaults made the one that ships."""

    documents: int = 70_000  # drawn, with repetition
    rate: float = 1e-4
    head_rate: float = 1e-3
    decay: float = 0.01
    warm: float = 0.06  # of all steps
    tokens: int = 40_000  # in a batch, padding included
    drop: float = 0.1
    hidden: float = 0.08  # of the tokens
    smoothing: float = 0.02
    cut: float = 0.6  # of the texts of more than a hundred tokens: to a piece of 80 tokens and more


class Encoder(nn.Module):
    """Token ids (texts, tokens) and whether each is one → logits (texts,)."""

    def __init__(self, base: Pretrained, pieces: NDArray[np.int64]) -> None:
        super().__init__()
        words = unpack(base.packed_words(pieces)).reshape(len(pieces), WIDTH)
        self.words = nn.Parameter(torch.from_numpy(words), requires_grad=False)
        shapes = {**MATRICES, **{name: (size,) for name, size in VECTORS.items()}}
        self.parts = nn.ParameterDict(
            {
                name.replace(".", "-"): nn.Parameter(
                    torch.tensor(base.tensor(name)[: math.prod(shape)]).reshape(shape)
                )
                for name, shape in shapes.items()
            }
        )
        self.head = nn.Linear(2 * WIDTH, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, there: Tensor, drop: float = 0.0) -> Tensor:
        state = functional.embedding(ids, self.words) + self._part("emb.pos")[: ids.shape[1]]
        state = self._normal(state + self._part("emb.type"), "emb.ln")
        state = functional.dropout(state, drop, self.training)
        for layer in range(LAYERS):
            attended = functional.dropout(self._attend(state, there, layer), drop, self.training)
            state = self._normal(state + attended, f"l{layer}.aln")
            wide = self._linear(functional.gelu(self._linear(state, f"l{layer}.fi")), f"l{layer}.fo")
            state = self._normal(state + functional.dropout(wide, drop, self.training), f"l{layer}.oln")
        counted = there[:, :, None].to(state.dtype)
        mean = (state * counted).sum(1) / counted.sum(1)
        spread = ((state - mean[:, None]) ** 2 * counted).sum(1) / counted.sum(1)
        found: Tensor = self.head(torch.cat([mean, (spread + 1e-6).sqrt()], 1)).squeeze(1)
        return found

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Everything that training changes, by the names of the base; `head` with its bias last."""
        found = {
            name: self._part(name).detach().float().cpu().numpy().copy() for name in (*MATRICES, *VECTORS)
        }
        head = [self.head.weight.detach().float().cpu().reshape(-1), self.head.bias.detach().float().cpu()]
        found["head"] = torch.cat(head).numpy()
        return found

    def load(self, tensors: Mapping[str, NDArray[np.float32]]) -> None:
        """Take what `tensors` gave."""
        with torch.no_grad():
            for name in (*MATRICES, *VECTORS):
                self._part(name).copy_(torch.from_numpy(tensors[name].astype(np.float32)))
            head = torch.from_numpy(tensors["head"].astype(np.float32))
            self.head.weight.copy_(head[None, :-1])
            self.head.bias.copy_(head[-1:])

    def _part(self, name: str) -> Tensor:
        part: Tensor = self.parts[name.replace(".", "-")]
        return part

    def _linear(self, state: Tensor, name: str) -> Tensor:
        return functional.linear(state, self._part(f"{name}.w"), self._part(f"{name}.b"))

    def _normal(self, state: Tensor, name: str) -> Tensor:
        return functional.layer_norm(
            state, (WIDTH,), self._part(f"{name}.w"), self._part(f"{name}.b"), eps=1e-12
        )

    def _attend(self, state: Tensor, there: Tensor, layer: int) -> Tensor:
        texts, tokens, _ = state.shape

        def heads(part: str) -> Tensor:
            found = self._linear(state, f"l{layer}.{part}")
            return found.view(texts, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)

        mask = there[:, None, None, :]
        found = functional.scaled_dot_product_attention(heads("q"), heads("k"), heads("v"), attn_mask=mask)
        return self._linear(found.transpose(1, 2).reshape(texts, tokens, WIDTH), f"l{layer}.ao")


def train(
    model: Encoder,
    texts: Sequence[NDArray[np.int64]],
    synthetic: NDArray[np.bool_],
    schedule: Schedule,
    seed: int,
) -> None:
    """Train on texts of token ids, in batches of like lengths, one pass; the rate rises and falls in lines."""
    random = np.random.RandomState(seed)
    device = next(model.parameters()).device
    texts = [_cut(ids, random, schedule) for ids in texts]
    plan: list[NDArray[np.int64]] = []
    for at in range(0, len(texts), 4096):
        part = [rows + at for rows in batches([len(ids) for ids in texts[at : at + 4096]], schedule.tokens)]
        random.shuffle(part)  # type: ignore[arg-type]
        plan += part
    body = [
        value
        for name, value in model.named_parameters()
        if value.requires_grad and not name.startswith("head")
    ]
    optimizer = torch.optim.AdamW(
        [
            {"params": body, "lr": schedule.rate, "weight_decay": schedule.decay},
            {"params": list(model.head.parameters()), "lr": schedule.head_rate},
        ],
        fused=device.type == "cuda",
    )
    rates = [group["lr"] for group in optimizer.param_groups]
    model.train()
    for step, rows in enumerate(plan):
        share = min(1.0, (step + 1) / (schedule.warm * len(plan))) * max(0.02, 1 - step / len(plan))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share
        ids = padded([texts[row] for row in rows])
        there = ids != PADDING
        ids[(torch.rand(ids.shape) < schedule.hidden) & there] = HIDDEN
        wanted = torch.from_numpy(synthetic[rows].astype(np.float32)).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(ids.to(device), there.to(device), schedule.drop)
        smooth = wanted * (1 - 2 * schedule.smoothing) + schedule.smoothing
        loss = functional.binary_cross_entropy_with_logits(logits.float(), smooth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step} of {len(plan)}, loss {loss.item():.4f}", flush=True)
    model.eval()


def predict(model: Encoder, texts: Sequence[NDArray[np.int64]], tokens: int = 80_000) -> NDArray[np.float32]:
    """Logits of texts of token ids."""
    device = next(model.parameters()).device
    found = np.zeros(len(texts), np.float32)
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        for rows in batches([len(ids) for ids in texts], tokens):
            ids = padded([texts[row] for row in rows]).to(device)
            found[rows] = model(ids, ids != PADDING).float().cpu().numpy()
    return found


def batches(lengths: Sequence[int], tokens: int) -> Iterator[NDArray[np.int64]]:
    """Rows by rising length, as many at a time as keep to `tokens`."""
    order = np.argsort(lengths, kind="stable")
    at = 0
    while at < len(order):
        size = 1
        while at + size < len(order) and (size + 1) * lengths[order[at + size]] <= tokens:
            size += 1
        yield order[at : at + size]
        at += size


def padded(texts: Sequence[NDArray[np.int64]]) -> Tensor:
    """Ids (texts, tokens), filled at the end to a multiple of sixteen."""
    width = min(-(-max(map(len, texts)) // 16) * 16, MOST_TOKENS)
    ids = np.full((len(texts), width), PADDING, np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
    return torch.from_numpy(ids)


def _cut(ids: NDArray[np.int64], random: np.random.RandomState, schedule: Schedule) -> NDArray[np.int64]:
    """A piece of a long text, so that the encoder learns to judge short ones too."""
    if len(ids) <= 100 or random.rand() >= schedule.cut:
        return ids
    size = random.randint(80, min(len(ids), MOST_TOKENS - 1))
    start = random.randint(0, len(ids) - size + 1)
    return np.concatenate([ids[:1], ids[start + 1 : start + size - 1], ids[-1:]])
