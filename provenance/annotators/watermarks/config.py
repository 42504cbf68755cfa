"""The `watermarks` section of the configuration: which schemes, keys and tokenizers to try.

Each entry is validated in full when the configuration is read, its parameters by the scheme itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from provenance.annotators.watermarks.catalogue import registered_schemes
from provenance.annotators.watermarks.scheme import Scheme
from provenance.annotators.watermarks.synthid import DEFAULT_KEYS
from provenance.annotators.watermarks.tokenizers import TOKEN_IDS, Tokenizer, need_library
from provenance.errors import UsageError
from provenance.files.section import ProblemsError, Section, read_section


class WatermarkConfig(Section):
    """One watermark to look for: a scheme with its key, in the tokens of one tokenizer."""

    name: str = Field(min_length=1, max_length=100, description="what the findings are reported under")
    scheme: str = Field(description="a name that `provenance watermark schemes` lists")
    tokenizer: str = Field(min_length=1, description="path of a tokenizer.json, or the hub id of a model")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="the scheme's own; default: published keys"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.scheme not in registered_schemes():
            raise ValueError(
                f"scheme {self.scheme!r} is not one of {', '.join(sorted(registered_schemes()))}"
            )
        size = self.parameters.get("vocab_size")
        # vocab_size may be left to the tokenizer, so it is not asked for here
        self._build(self.parameters | ({} if size is not None else {"vocab_size": 50_000}))
        if self.tokenizer != TOKEN_IDS:
            need_library()
            if size is not None and Path(self.tokenizer).exists():
                self._need(Tokenizer(self.tokenizer).vocab_size)
        return self

    def build(self, vocab_size: int) -> Scheme:
        """The scheme with its parameters; `vocab_size` (the tokenizer's) where the user gave none.

        Models often pad their vocabulary beyond the tokenizer's: then the user must give the model's. One that is
        smaller than the tokenizer's is a mistake: raises UsageError.
        """
        self._need(vocab_size)
        return self._build({"vocab_size": vocab_size} | self.parameters)

    def _need(self, vocab_size: int) -> None:
        given = self.parameters.get("vocab_size")
        if isinstance(given, int) and given < vocab_size:
            raise UsageError(
                f"watermark {self.name!r}: vocab_size {given:,} is below the {vocab_size:,} tokens of its tokenizer: "
                "give that of the model, which is the tokenizer's or larger"
            )

    def _build(self, parameters: dict[str, Any]) -> Scheme:
        scheme = registered_schemes()[self.scheme]
        if "vocab_size" not in scheme.model_fields and "vocab_size" not in self.parameters:
            parameters = {name: value for name, value in parameters.items() if name != "vocab_size"}
        try:
            return read_section(scheme, parameters)
        except ProblemsError as error:
            raise ValueError(f"watermark {self.name!r}: {error}") from None


def check_entries(entries: tuple[WatermarkConfig, ...]) -> tuple[WatermarkConfig, ...]:
    """The entries as given, for a crawl.

    Raises:
        ValueError: where two have one name, under which findings are reported, or one has no tokenizer.
    """
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two watermarks are called {', '.join(map(repr, twice))}; name each once")
    for entry in entries:
        if entry.tokenizer == TOKEN_IDS:
            raise ValueError(
                f"watermark {entry.name!r}: a crawl holds texts; name the tokenizer of the model"
            )
    return entries


def published_defaults(tokenizer: str, vocab_size: int | None = None) -> list[WatermarkConfig]:
    """The watermarks that transformers and synthid-text leave with their published keys, for one tokenizer.

    `vocab_size` is the model's, where it is padded beyond the tokenizer's.
    """
    size = {} if vocab_size is None else {"vocab_size": vocab_size}
    entries: list[tuple[str, str, dict[str, Any]]] = [
        ("transformers-lefthash", "kgw", size),
        ("transformers-selfhash", "kgw", size | {"seeding_scheme": "selfhash"}),
        ("transformers-synthid-9", "synthid", {"keys": DEFAULT_KEYS[:9]}),
        ("deepmind-synthid-30", "synthid", {"keys": DEFAULT_KEYS}),
        ("deepmind-synthid-30-2025", "synthid", {"keys": DEFAULT_KEYS, "version": "2025"}),
    ]
    return [
        WatermarkConfig(name=name, scheme=scheme, tokenizer=tokenizer, parameters=parameters)
        for name, scheme, parameters in entries
    ]
