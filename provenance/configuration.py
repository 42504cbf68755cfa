"""One configuration model for the command line, the YAML file, the JSON Schema and the fingerprints.

Every field has its default, its bounds and its help text here and nowhere else. Unknown keys
are errors that name the key and where it stands.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal

import xxhash
from pydantic import Field, field_validator

from provenance import __version__
from provenance.annotators.watermarks.config import WatermarkConfig, check_entries
from provenance.detectors.neural.config import Neural
from provenance.detectors.web_share import WEB_BY_MONTH, share_in_month
from provenance.duplicates.config import Duplicates, Increments, Witness
from provenance.errors import ConfigurationError, suggestion
from provenance.files.about import About
from provenance.files.section import FilePath, ProblemsError, Section, dotted_place, read_section
from provenance.files.settings import read_settings
from provenance.filters.config import (
    AnyFilter,
    Classifier,
    Decontamination,
    PersonalData,
    Removals,
    Rights,
    check_filters,
)
from provenance.records.reading import Reading

#: Of eight groups left out of training, crawls of each were within 1.05 times caps of .05 and .10 in 98% and more, but for one (89% at
#: .05); with three fifths 78% of another at .10 (docs/cap.md).
MARGIN = Decimal("0.8")


class Text(Section):
    """How the main text is taken from a page, and what a token of it is."""

    extractor: Literal["built-in", "trafilatura"] = Field(
        "built-in", description="who extracts the main text"
    )
    max_seconds: float = Field(
        5.0, gt=0, le=600, description="CPU seconds one page may cost an extractor that is not built in"
    )
    clean_invisible: bool = Field(
        True, description="remove invisible payload characters from the published text"
    )
    tokenizer: FilePath | None = Field(
        None,
        min_length=1,
        description="path of a `tokenizers` JSON in whose tokens `token_count` and the cap are counted; null: the one that ships",
    )


class Detector(Section):
    """How the embedded detector's scores are read (docs/calibration.md)."""

    model: FilePath | None = Field(
        None,
        min_length=1,
        description="folder of a detector that `python scripts/train detector` made; null: the one that ships",
    )
    calibration: FilePath = Field(
        "crawl",
        min_length=1,
        description="`crawl`: the detector's own calibration, limited by the crawl's own low-background documents "
        "where there are enough; `shipped`: that calibration alone; else the path of a calibration file in "
        "its place, limited by the crawl as well",
    )
    max_fpr: float = Field(
        0.01, gt=0, lt=1, description="most human documents that may be flagged (`detector_flagged`)"
    )


_Rate = Annotated[float, Field(gt=0, lt=1)]
_Share = Annotated[Decimal, Field(gt=0, lt=1)]


class Prior(Section):
    """Probability that a document is synthetic before its own evidence is read (docs/probability.md)."""

    low_background: float = Field(
        0.001, gt=0, lt=1, description="documents proven to exist before 2022-11-30"
    )
    by_month: dict[Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")], _Rate] = Field(
        default_factory=lambda: dict(WEB_BY_MONTH),
        min_length=1,
        description="by month of proof, by document; log-odds are interpolated between months, and the first and last hold beyond",
    )
    by_year: dict[int, _Rate] | None = Field(
        None,
        min_length=1,
        description="by year of proof in place of `by_month`; later years take the last one",
    )
    estimate: Literal["none", "crawl"] = Field(
        "crawl",
        description="crawl: estimated from this crawl where enough documents can be judged, else as listed; "
        "none: always as listed",
    )

    @field_validator("by_month", "by_year")
    @classmethod
    def _in_order(cls, value: dict[Any, float] | None) -> dict[Any, float] | None:
        return value if value is None else dict(sorted(value.items()))

    def in_month(self, month: int) -> float:
        """The listed prior for a month, January 1970 being 0; a negative number takes the last one listed."""
        if self.by_year is not None:
            years = list(self.by_year)
            if month < 0:
                return self.by_year[years[-1]]
            return self.by_year[max([item for item in years if item <= 1970 + month // 12], default=years[0])]
        return share_in_month(self.by_month, month)


class StratumCap(Section):
    """A cap of its own for parts of the release."""

    by: Literal["language", "source", "domain", "year"] = Field(
        description="what divides the release; the year is that of proof"
    )
    max_synthetic: Decimal = Field(ge=0, le=1, description="largest synthetic fraction of each part")
    only: tuple[str, ...] = Field(
        (), description="values that it is for; empty: each that no other cap of the same `by` names"
    )


class Mixture(Section):
    """Shares of the published text that values are to have, by sampling weights."""

    by: Literal["language", "source"] = Field(description="what is mixed")
    shares: dict[str, Annotated[Decimal, Field(ge=0, le=1)]] = Field(
        description='share by value, "*" for all others together; at most 1 in all'
    )
    most: float = Field(4.0, ge=1, le=100, description="largest weight of a document")


class Tail(Section):
    """Rare words, those that one document of the crawl alone holds, and what of them may be lost (docs/cap.md)."""

    most_lost: Decimal = Field(
        ge=0, lt=1, description="largest share of them that may be lost with what the cap drops"
    )


class Cap(Section):
    """How much synthetic text may be published, and what is promised about it (docs/cap.md)."""

    max_synthetic: Decimal = Field(
        Decimal("0.10"), ge=0, le=1, description="largest synthetic fraction published"
    )
    guarantee: Literal["expected", "confident", "hard"] = Field(
        "expected",
        description="expected: probability-weighted share; confident: its upper bound at 95%; hard: share of documents "
        "with p >= threshold, which bounds only what was found",
    )
    margin: Decimal = Field(
        MARGIN,
        ge=0,
        le=1,
        description="room that `expected` leaves for kinds of text that nobody has seen: part of the way from each probability to its upper one",
    )
    unit: Literal["tokens", "documents"] = Field("tokens", description="what the fraction is measured in")
    threshold: float = Field(
        0.5, gt=0, le=1, description="probability from which a document counts as found (hard)"
    )
    policy: Literal["lowest", "sample", "tail", "weights"] = Field(
        "lowest",
        description="which documents stay. lowest: those with the lowest probability, the least loss; sample: a seeded sample, "
        "several times the loss; tail: those with the most rare words for what they take of the cap; weights: all, with sampling_weight (1 - p)^exponent",
    )
    seed: int = Field(0, ge=0, le=2**63 - 1, description="seed of what is otherwise equal, and of the sample")
    exponent: float | None = Field(
        None, ge=0, le=64, description="exponent of policy weights; null: the least that meets the cap"
    )
    strata: tuple[StratumCap, ...] = Field(
        (), description="caps of languages, sources, domains or years besides"
    )
    mixture: Mixture | None = Field(
        None,
        description="shares of languages or sources by sampling_weight; each then holds the cap by itself",
    )
    tail: Tail | None = Field(
        None, description="bound of the rare words that are lost; documents that hold many are kept first"
    )
    on_failure: Literal["fail", "warn"] = Field(
        "fail",
        description="exit status where the cap or the bound of `tail` cannot be certified: fail: 1, warn: 0",
    )

    @field_validator("max_synthetic", mode="before")
    @classmethod
    def _as_a_share(cls, value: Any) -> Any:
        """Say how a percentage or a decimal comma is written; what else is wrong, the field itself says."""
        text = str(value).strip()
        found = re.fullmatch(
            r"(?P<percent>\d+(?:[.,]\d+)?)\s*%|(?P<comma>\d+,\d+)|(?P<whole>[2-9]|\d\d|100)", text
        )
        if found is None:
            if isinstance(value, str):
                try:
                    Decimal(text)
                except InvalidOperation:
                    raise ValueError(f"is a share between 0 and 1, not {text!r}: write 0.10") from None
            return value
        number = Decimal(text.rstrip(" %").replace(",", "."))
        share = number if found["comma"] else number / 100
        if share > 1:
            raise ValueError(f"should be less than or equal to 1, not {text!r}")
        written = f"{share:f}" if share != round(share, 2) else f"{share:.2f}"
        raise ValueError(f"is a share between 0 and 1, not {text!r}: write {written}")


class Release(Section):
    """The form of the published files."""

    shard_bytes: int = Field(256 << 20, ge=1 << 12, le=1 << 32, description="bytes of text in one data file")
    row_group_bytes: int = Field(
        16 << 20, ge=1 << 12, le=1 << 30, description="bytes of text in one row group"
    )
    parts: int | None = Field(
        None, ge=1, le=99_999, description="number of data files; null: as many as `shard_bytes` asks for"
    )
    seed: int = Field(0, ge=0, le=2**63 - 1, description="seed of the published order and of the splits")
    splits: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")], _Share] = Field(
        default_factory=dict,
        max_length=16,
        description="shares of the tokens by name of a split, 1 in all, such as {train: 0.98, validation: 0.01, test: 0.01}; "
        "no site and no near-duplicate is in two of them; empty: no splits",
    )
    samples: bool = Field(
        True, description="show a few examples of each decision, with short excerpts, in report.html"
    )

    @field_validator("splits")
    @classmethod
    def _whole(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        total = sum(value.values())
        if value and total != 1:
            raise ValueError(f"shares must sum to 1, not {total}")
        return value


class Configuration(Section):
    """Everything that decides what is published. Paths, runners and worker counts are not part of it."""

    source: str | None = Field(
        None,
        min_length=1,
        description="name of the source written to every document; null: as the archive says",
    )
    annotators: tuple[str, ...] = Field((), description="further annotators, by entry-point name")
    annotator_options: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="keyword options of further annotators, by name"
    )
    reading: Reading = Reading()
    text: Text = Text()
    duplicates: Duplicates = Duplicates()
    witness: Witness = Witness()
    increments: Increments = Increments()
    watermarks: tuple[WatermarkConfig, ...] = Field((), description="watermark schemes and keys to look for")
    neural: Neural = Neural()
    classifiers: tuple[Classifier, ...] = Field(
        (), description="fastText classifiers of yours (docs/filters.md)"
    )
    personal_data: PersonalData = PersonalData()
    rights: Rights = Rights()
    removals: Removals = Removals()
    decontaminate: Decontamination = Decontamination()
    filters: tuple[AnyFilter, ...] = Field(
        (), description="what is dropped before duplicates and the cap, in this order (docs/filters.md)"
    )
    detector: Detector = Detector()
    prior: Prior = Prior()
    cap: Cap = Cap()
    release: Release = Release()
    about: About = About()

    @field_validator("watermarks")
    @classmethod
    def _named_once(cls, value: tuple[WatermarkConfig, ...]) -> tuple[WatermarkConfig, ...]:
        return check_entries(value)

    @field_validator("decontaminate", mode="before")
    @classmethod
    def _only_datasets(cls, value: Any) -> Any:
        """A list is one of evaluation sets, with everything else as it is by default."""
        return {"datasets": value} if isinstance(value, list | tuple) else value

    def model_post_init(self, context: Any) -> None:
        check_filters(self.filters, self.classifiers)
        known = {point.name for point in entry_points(group="provenance.annotators")}
        for name in self.annotators:
            if name not in known:
                raise ValueError(
                    f"annotators: no installed package provides {name!r} in the entry-point group "
                    f"provenance.annotators{suggestion(name, known)} (installed: {', '.join(sorted(known)) or 'none'})"
                )
        for name in self.annotator_options:
            if name not in self.annotators:
                raise ValueError(f"annotator_options: {name!r} is not among annotators")


def load_configuration(path: str | Path | None, overrides: dict[str, Any] | None = None) -> Configuration:
    """Read a YAML file (or the defaults) and lay `overrides` over it, keys dotted (`cap.max_synthetic`).

    Raises:
        ConfigurationError: with one line for each thing that is wrong.
    """
    values: Any = {}
    where = "configuration"
    if path is not None:
        where = str(path)
        values = read_settings(path)
    for dotted, value in (overrides or {}).items():
        *sections, key = dotted.split(".")
        target = values
        for section in sections:
            target = target.setdefault(section, {})
            if not isinstance(target, dict):
                raise ConfigurationError(f"{where}: {section}: must be a mapping")
        target[key] = value
    try:
        return read_section(Configuration, values)
    except ProblemsError as error:
        lines = [f"{where}: {dotted_place(place)}: {text}" for place, text in error.problems]
        raise ConfigurationError("\n".join(lines)) from error
    except RecursionError:  # an anchor inside what it names
        raise ConfigurationError(f"{where}: holds something that holds itself") from None


def fingerprint(*parts: Any) -> str:
    """128-bit hash of JSON-like `parts` and of the package version, as 32 hexadecimal digits."""
    data = json.dumps([__version__, *parts], sort_keys=True, separators=(",", ":"), default=str)
    return xxhash.xxh3_128_hexdigest(data.encode())


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the YAML configuration."""
    schema = Configuration.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "provenance configuration",
        **schema,
    }
