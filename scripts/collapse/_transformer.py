"""A small transformer: trained on a fixed number of steps, written with top-p and a cache, on a processor or on CUDA.

Pieces of words are learned from the first texts and stay. Everything random is drawn from seeds: on one device and one
version of the software the same texts come out again, as far as torch promises that.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.collapse._models import NUCLEUS, Shape

Integers = NDArray[np.int64]

#: Between documents, before the first and after the last; no text contains it.
BOUNDARY = 0
#: What AdamW is given; usual for models of this size (Karpathy's nanoGPT on Shakespeare has the same).
DECAY, CLIP, WARM = 0.1, 1.0, 0.1
DROPOUT = 0.2


class Block(nn.Module):
    """Attention to what came before, then two layers of neurons; each adds to what it reads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before, self.between = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.attend = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.mix = nn.Linear(shape.width, shape.width, bias=False)
        self.widen = nn.Linear(shape.width, 4 * shape.width, bias=False)
        self.narrow = nn.Linear(4 * shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cache: Tensor | None = None, at: int = 0) -> Tensor:
        """`x` is (rows, pieces, width); a cache, (2, rows, heads, context, width of a head), gets the piece `at`."""
        rows, length, width = x.shape
        apart = self.attend(self.before(x)).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = apart.permute(2, 0, 3, 1, 4)
        if cache is not None:
            cache[0, :, :, at : at + 1], cache[1, :, :, at : at + 1] = key, value
            key, value = cache[0, :, :, : at + 1], cache[1, :, :, : at + 1]
        lost = DROPOUT if self.training else 0.0
        seen = F.scaled_dot_product_attention(query, key, value, dropout_p=lost, is_causal=cache is None)
        x = x + F.dropout(self.mix(seen.transpose(1, 2).reshape(rows, length, width)), lost)
        return x + F.dropout(self.narrow(F.gelu(self.widen(self.between(x)))), lost)


class Network(nn.Module):
    """Pieces and places to chances of the next piece; the table of pieces serves at both ends."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.pieces = nn.Embedding(shape.pieces, shape.width)
        self.places = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width)
        self.often = nn.Parameter(torch.zeros(shape.pieces))
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                # Layers that add to the stream start smaller, so that its variance does not grow with their number.
                deep = (2 * shape.layers) ** -0.5 if name.endswith(("mix.weight", "narrow.weight")) else 1.0
                nn.init.normal_(weight, std=0.02 * deep)

    def forward(self, numbers: Tensor, caches: Sequence[Tensor] = (), at: int = 0) -> Tensor:
        """Logits of shape (rows, pieces, vocabulary) for `numbers`, (rows, pieces), of which the first stands `at`."""
        places = torch.arange(at, at + numbers.shape[1], device=numbers.device)
        x = self.pieces(numbers) + self.places(places)
        for place, block in enumerate(self.blocks):
            x = block(x, caches[place] if caches else None, at)
        with torch.autocast(
            numbers.device.type, enabled=False
        ):  # half precision would round the chances of what is rare
            return F.linear(self.last(x).float(), self.pieces.weight, self.often)


def device() -> str:
    """Where models learn and write."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def leave(network: Network) -> None:
    """Take a network back from CUDA and give up its memory there, which other processes share."""
    network.cpu()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def half(where: str) -> torch.autocast:
    """Products of half precision on CUDA; a processor computes in full."""
    return torch.autocast(where, dtype=torch.bfloat16, enabled=where == "cuda")


@dataclass(frozen=True)
class Transformer:
    """What was learned. It rests on the processor, so that it can be kept in a file and used by any process."""

    network: Network
    kind: Transformers

    def perplexity(self, texts: Sequence[str]) -> float:
        """Of pieces, the ends of documents among them, in windows of the context, each read once."""
        where, context = device(), self.kind.shape.context
        numbers = self.kind.encode(texts)
        windows = np.lib.stride_tricks.sliding_window_view(numbers, context + 1)[::context]
        network, total = self.network.to(where).eval(), 0.0
        with torch.inference_mode(), half(where):
            for part in np.array_split(windows, -(-len(windows) // 32)):
                rows = torch.from_numpy(part.copy()).to(where)
                logits = network(rows[:, :-1]).float().flatten(0, 1)
                total += float(F.cross_entropy(logits, rows[:, 1:].flatten(), reduction="sum"))
        leave(network)
        return float(np.exp(total / (len(windows) * context)))

    def write(self, documents: int, random: np.random.Generator) -> list[str]:
        """Pages of at most the context, drawn with top-p; none ends before half of it."""
        where, shape = device(), self.kind.shape
        network = self.network.to(where).eval()
        drawn = []
        with torch.inference_mode(), half(where):
            for start in range(0, documents, shape.together):
                rows = min(shape.together, documents - start)
                chance = torch.from_numpy(random.random((shape.context, rows), np.float32)).to(where)
                drawn.append(_write(network, shape, chance).cpu().numpy())
        leave(network)
        return self.kind.decode(np.concatenate(drawn))


@dataclass(frozen=True)
class Transformers:
    """The models of one world: one table of pieces, one beginning, and what each learns."""

    shape: Shape
    seed: int
    tokenizer: Tokenizer = field(repr=False)
    name: str = "own"

    def train(self, texts: Sequence[str]) -> Transformer:
        """A model that begins as all of this world do and takes the same number of steps, whatever there is to read."""
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.manual_seed(self.seed)
        where, shape = device(), self.shape
        numbers = self.encode(texts)
        network = Network(shape).train()
        # How often each piece occurs need not be learned step by step.
        counts = np.bincount(numbers, minlength=shape.pieces) + 1
        network.often.data += torch.from_numpy(np.log(counts / counts.sum())).float()
        _learn(network.to(where), self._windows(numbers).to(where), shape.rate)
        leave(network)
        return Transformer(network, self)

    def _windows(self, numbers: Integers) -> Tensor:
        """(steps, batch, context + 1) pieces: places drawn evenly, read to the end before any is read again."""
        random, shape = np.random.default_rng([self.seed, 5]), self.shape
        every = shape.context // 2  # windows overlap by half, so that no piece always stands first
        numbers = np.concatenate([numbers, numbers[: shape.context + 1]])
        starts = np.arange(0, len(numbers) - shape.context, every)
        wanted = shape.steps * shape.batch
        times = -(-wanted // len(starts))
        order = np.concatenate([random.permutation(starts) for _ in range(times)])[:wanted]
        return torch.from_numpy(numbers[order[:, None] + np.arange(shape.context + 1)]).view(
            shape.steps, shape.batch, -1
        )

    def encode(self, texts: Sequence[str]) -> Integers:
        """All documents one after another, a boundary before each and after the last."""
        numbers = [BOUNDARY]
        for coded in self.tokenizer.encode_batch(list(texts)):
            numbers += [*coded.ids, BOUNDARY]
        return np.array(numbers, np.int64)

    def decode(self, rows: Integers) -> list[str]:
        """The texts of documents: their pieces up to the first boundary."""
        ended = np.where((rows == BOUNDARY).any(axis=1), (rows == BOUNDARY).argmax(axis=1), rows.shape[1])
        return [
            self.tokenizer.decode(row[:end].tolist()).strip() for row, end in zip(rows, ended, strict=True)
        ]


def make_transformers(texts: Sequence[str], shape: Shape, seed: int) -> Transformers:
    """The models of a world whose first texts these are: pieces are learned from them (byte pairs, BPE)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=shape.pieces,
        special_tokens=["<boundary>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return Transformers(shape, seed, tokenizer)


def _learn(network: Network, windows: Tensor, rate: float) -> None:
    """One step for each of `windows`, (steps, batch, context + 1), at a rate that rises to `rate` and then falls."""
    groups = [
        {"params": [w for w in network.parameters() if (w.ndim == 2) == many], "weight_decay": decay}
        for many, decay in ((True, DECAY), (False, 0.0))
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=windows.is_cuda)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, len(windows), pct_start=WARM, cycle_momentum=False, final_div_factor=10
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    for rows in windows:
        with half(windows.device.type):
            logits = network(rows[:, :-1])
            loss = F.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    torch.use_deterministic_algorithms(False)


def _write(network: Network, shape: Shape, chance: Tensor) -> Tensor:
    """Pieces of pages, (rows, context), by the chances drawn for them, (context, rows)."""
    rows, where = chance.shape[1], chance.device
    kind = torch.bfloat16 if where.type == "cuda" else torch.float32
    size = (2, rows, shape.heads, shape.context, shape.width // shape.heads)
    caches = [torch.empty(size, dtype=kind, device=where) for _ in range(shape.layers)]
    found = torch.full((rows, shape.context), BOUNDARY, device=where)
    now = torch.full((rows, 1), BOUNDARY, device=where)
    for at in range(shape.context):
        logits = network(now, caches, at)[:, -1].float()
        if at < shape.context // 2:
            logits[:, BOUNDARY] = -torch.inf
        likely, order = logits.softmax(-1).sort(dim=-1, descending=True)
        running = likely.cumsum(-1)
        inside = torch.where(running - likely < NUCLEUS, likely, 0.0).cumsum(-1)
        place = torch.searchsorted(inside, chance[at][:, None] * inside[:, -1:], right=True)
        now = order.gather(1, place.clamp(max=shape.pieces - 1))
        found[:, at] = now[:, 0]
    return found
