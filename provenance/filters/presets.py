"""The published heuristic rule sets (C4, Gopher, FineWeb, FineWeb-2): their thresholds, sources and verdicts.

Each is a list of limits on the measures of `schema.QUALITY`; a document fails at the first that it breaks. None of
them changes a text: where C4 leaves lines out, only the verdict on the whole document is taken over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from provenance.filters.section import Filter, Name


@dataclass(frozen=True)
class Rule:
    """A limit on one measure: below `least` or above `most` a document fails."""

    name: str
    measure: str  # a field of schema.QUALITY
    least: float | None = None
    most: float | None = None


class Preset(Filter):
    """A rule set; `only` names the languages whose documents it judges, others pass; empty: all of them."""

    only: tuple[str, ...] = Field(("en",), description="languages that are judged, others pass; empty: all")

    def rules(self, language: str | None) -> list[Rule] | None:
        """What a document of a language must satisfy, in order; None where it is not judged."""
        return None if self.only and language not in self.only else self._rules()

    def _rules(self) -> list[Rule]:
        raise NotImplementedError


class C4(Preset):
    """Raffel et al. 2020 (JMLR 21:140), section 2.2, on whole documents; the list of bad words is not applied."""

    kind: Literal["c4"] = "c4"
    name: Name = "c4"
    terminal_punctuation: bool = Field(
        True, description="count only sentences of lines that end in a terminal punctuation mark"
    )
    min_sentences: int | None = Field(5, ge=0, description="sentences in the lines that C4 keeps")
    lorem_ipsum: bool = Field(True, description='drop pages with "lorem ipsum"')
    curly_bracket: bool = Field(True, description="drop pages with a curly bracket")

    def _rules(self) -> list[Rule]:
        # A measure is 1 where only a line without a terminal mark has it, 2 where another has it.
        most = 1 if self.terminal_punctuation else 0
        sentences = "terminal_sentences" if self.terminal_punctuation else "sentences"
        return [
            *([Rule("lorem_ipsum", "lorem_ipsum", most=most)] if self.lorem_ipsum else []),
            *([Rule("curly_bracket", "curly_brackets", most=most)] if self.curly_bracket else []),
            Rule("sentences", sentences, least=self.min_sentences),
        ]


def _limit(default: float | None, text: str) -> Any:
    return Field(default, ge=0, description=f"{text}; null: no limit")


class Gopher(Preset):
    """Rae et al. 2021 (arXiv 2112.11446), appendix A1.1: quality, then repetition (its table A1)."""

    kind: Literal["gopher"] = "gopher"
    name: Name = "gopher"
    min_words: float | None = _limit(50, "fewest words")
    max_words: float | None = _limit(100_000, "most words")
    min_word_length: float | None = _limit(3, "least mean length of a word in characters")
    max_word_length: float | None = _limit(10, "largest mean length of a word in characters")
    max_symbols: float | None = _limit(0.1, "most number signs, or ellipses, for a word")
    max_bullet_lines: float | None = _limit(0.9, "largest share of lines that begin with a bullet")
    max_ellipsis_lines: float | None = _limit(0.3, "largest share of lines that end in an ellipsis")
    min_letter_words: float | None = _limit(0.8, "least share of words with a letter")
    min_stop_words: float | None = _limit(2, "fewest different stop words")
    max_duplicate_lines: float | None = _limit(0.3, "largest share of repeated lines")
    max_duplicate_paragraphs: float | None = _limit(0.3, "largest share of repeated paragraphs")
    max_duplicate_line_characters: float | None = _limit(0.2, "largest share of characters in repeated lines")
    max_duplicate_paragraph_characters: float | None = _limit(
        0.2, "largest share of characters in repeated paragraphs"
    )
    max_top_grams: tuple[float | None, ...] = Field(
        (0.2, 0.18, 0.16),
        min_length=3,
        max_length=3,
        description="largest share of characters in the most frequent 2-, 3- and 4-gram",
    )
    max_repeated_grams: tuple[float | None, ...] = Field(
        (0.15, 0.14, 0.13, 0.12, 0.11, 0.10),
        min_length=6,
        max_length=6,
        description="largest share of characters in repeated 5- to 10-grams",
    )

    def _rules(self) -> list[Rule]:
        return [
            Rule("words", "words", self.min_words, self.max_words),
            Rule("word_length", "word_length", self.min_word_length, self.max_word_length),
            Rule("number_signs", "number_signs", most=self.max_symbols),
            Rule("ellipses", "ellipses", most=self.max_symbols),
            Rule("bullet_lines", "bullet_lines", most=self.max_bullet_lines),
            Rule("ellipsis_lines", "ellipsis_lines", most=self.max_ellipsis_lines),
            Rule("letter_words", "letter_words", least=self.min_letter_words),
            Rule("stop_words", "stop_words", least=self.min_stop_words),
            *_repetition(self.model_dump()),
        ]


class FineWeb(Preset):
    """Penedo et al. 2024 (arXiv 2406.17557), section 3.6: the filters that FineWeb adds to C4's and Gopher's.

    FineWeb's whole chain is `gopher`, `c4` with `terminal_punctuation: false`, then this.
    """

    kind: Literal["fineweb"] = "fineweb"
    name: Name = "fineweb"
    min_punctuated_lines: float | None = _limit(0.12, "least share of lines that end in a punctuation mark")
    max_short_lines: float | None = _limit(0.67, "largest share of lines of at most 30 characters")
    max_repeated_line_characters: float | None = _limit(0.01, "largest share of characters in repeated lines")
    max_newlines: float | None = _limit(0.3, "most line breaks for a word")

    def _rules(self) -> list[Rule]:
        return [
            Rule("punctuated_lines", "punctuated_lines", least=self.min_punctuated_lines),
            Rule("short_lines", "short_lines", most=self.max_short_lines),
            Rule(
                "repeated_line_characters", "repeated_line_characters", most=self.max_repeated_line_characters
            ),
            Rule("newlines", "newlines", most=self.max_newlines),
        ]


#: huggingface/fineweb-2, configs/*.yml as of 2025 (Penedo et al. 2025, arXiv 2506.20920): limits of the languages that
#: are written with spaces and that the detector claims, in the order of `_FINEWEB2_NAMES`.
_FINEWEB2_NAMES = "min_word_length max_word_length min_letter_words min_punctuated_lines max_newlines max_duplicate_lines".split()
_FINEWEB2: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
    "de": ((0, 15, 0.774, 0.0, 0.152, 0.263), (0.169, 0.153, 0.137), (0.141, 0.134, 0.126, 0.117, 0.108, 0.098)),
    "es": ((4, 14, 0.825, 0.3, 0.171, 0.265), (0.077, 0.097, 0.112), (0.152, 0.137, 0.123, 0.114, 0.107, 0.099)),
    "fr": ((2, 11, 0.812, 0.1, 0.185, 0.264), (0.161, 0.149, 0.134), (0.150, 0.141, 0.131, 0.121, 0.111, 0.100)),
    "it": ((3, 21, 0.807, 0.025, 0.2, 0.246), (0.198, 0.156, 0.133), (0.144, 0.136, 0.127, 0.118, 0.109, 0.100)),
    "nl": ((3, 16, 0.828, 0.238, 0.194, 0.333), (0.093, 0.117, 0.140), (0.177, 0.160, 0.145, 0.133, 0.123, 0.112)),
    "pl": ((3, 11, 0.726, 0.2, 0.209, 0.353), (0.096, 0.120, 0.144), (0.203, 0.182, 0.163, 0.150, 0.137, 0.126)),
    "pt": ((3, 13, 0.814, 0.154, 0.23, 0.325), (0.093, 0.117, 0.139), (0.190, 0.172, 0.154, 0.142, 0.131, 0.120)),
    "ru": ((3, 11, 0.713, 0.231, 0.139, 0.322), (0.184, 0.164, 0.146), (0.168, 0.156, 0.145, 0.133, 0.121, 0.109)),
}  # fmt: skip


class FineWeb2(Preset):
    """FineWeb-2: Gopher's repetition, FineWeb's lines and Gopher's quality with limits fitted for each language."""

    kind: Literal["fineweb2"] = "fineweb2"
    name: Name = "fineweb2"
    only: tuple[str, ...] = Field(
        tuple(_FINEWEB2), min_length=1, description="languages that are judged, others pass"
    )
    min_words: float | None = _limit(50, "fewest words")
    max_words: float | None = _limit(100_000, "most words")
    min_stop_words: float | None = _limit(2, "fewest different stop words")
    max_repeated_line_characters: float | None = _limit(0.1, "largest share of characters in repeated lines")
    by_language: dict[str, dict[str, float | tuple[float | None, ...] | None]] = Field(
        default_factory=dict,
        description="limits that replace a language's own: those of `gopher` and `fineweb` that the tables list",
    )

    def rules(self, language: str | None) -> list[Rule] | None:
        """The limits of the language: its own, or those that replace them."""
        if language not in self.only or language not in {*_FINEWEB2, *self.by_language}:
            return None
        limits = {**_published(language), **self.by_language.get(language, {})}
        gopher: dict[str, Any] = {
            "max_duplicate_paragraphs": None,
            "max_duplicate_line_characters": None,
            "max_duplicate_paragraph_characters": None,
            "min_words": self.min_words,
            "max_words": self.max_words,
            "min_stop_words": self.min_stop_words,
            **{name: value for name, value in limits.items() if name in Gopher.model_fields},
        }
        lines = {name: value for name, value in limits.items() if name in FineWeb.model_fields}
        fineweb = FineWeb(
            **{"max_short_lines": None, "max_repeated_line_characters": self.max_repeated_line_characters}
            | lines
        )
        return [*fineweb._rules(), *Gopher(**gopher)._rules()]


def _published(language: str) -> dict[str, Any]:
    if language not in _FINEWEB2:
        return {}
    plain, top, repeated = _FINEWEB2[language]
    return {
        **dict(zip(_FINEWEB2_NAMES, plain, strict=True)),
        "max_top_grams": top,
        "max_repeated_grams": repeated,
    }


def _repetition(limits: dict[str, Any]) -> list[Rule]:
    named = (
        "duplicate_paragraphs",
        "duplicate_paragraph_characters",
        "duplicate_lines",
        "duplicate_line_characters",
    )
    top = [f"top_{order}_gram" for order in (2, 3, 4)]
    repeated = [f"repeated_{order}_grams" for order in range(5, 11)]
    most = [limits[f"max_{name}"] for name in named] + [
        *limits["max_top_grams"],
        *limits["max_repeated_grams"],
    ]
    return [Rule(name, name, most=limit) for name, limit in zip((*named, *top, *repeated), most, strict=True)]
