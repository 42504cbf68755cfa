"""What may not be published whatever the cap says: the sections `filters`, `rights`, `removals`, `personal_data`, `classifiers`.

Filters run in their order, after removals, rights and personal data; the first that a document fails is its reason.
"""

from __future__ import annotations

import importlib.util
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from provenance.files.section import FilePath, Section
from provenance.filters.presets import C4, FineWeb, FineWeb2, Gopher
from provenance.filters.section import NAME, Filter, Name

#: Kinds of personal data and secrets, as fields of `schema.PERSONAL_DATA`.
PERSONAL_KINDS = ("email", "phone", "ip", "iban", "card", "secret")


class Languages(Filter):
    """Keep documents of some languages."""

    kind: Literal["languages"] = "languages"
    name: Name = "languages"
    allow: tuple[str, ...] = Field(min_length=1, description="ISO codes as in the column `language`")
    min_score: float = Field(0.0, ge=0, le=1, description="least `language_score`")


class Expression(Filter):
    """Keep documents for which a condition over the annotated columns holds (SQL as DuckDB reads it)."""

    kind: Literal["expression"] = "expression"
    name: Name = "expression"
    keep: str = Field(
        min_length=1, max_length=10_000, description="documents stay where this is true, not null"
    )

    @field_validator("keep")
    @classmethod
    def _engine(cls, value: str) -> str:
        if importlib.util.find_spec("duckdb") is None:
            raise ValueError(
                "expressions are read by DuckDB, which is not installed: pip install 'provenance-pipelines[filters]'"
            )
        return value


class BlockList(Filter):
    """Drop documents whose host or address a file lists; up to 10 million entries."""

    kind: Literal["block_list"] = "block_list"
    name: Name = "block_list"
    hosts: tuple[FilePath, ...] = Field(
        (), description="files of hosts, one a line; subdomains are meant too; .gz allowed"
    )
    urls: tuple[FilePath, ...] = Field(
        (), description="files of addresses, one a line; one that ends in * means all that begin so"
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.hosts and not self.urls:
            raise ValueError("name at least one file in `hosts` or `urls`")
        return self


class Classified(Filter):
    """Keep documents by the score that one of `classifiers` gave them."""

    kind: Literal["classifier"] = "classifier"
    name: Name = "classifier"
    classifier: str = Field(description="name of an entry of `classifiers`")
    min_score: float | None = Field(None, description="least score that stays")
    max_score: float | None = Field(None, description="largest score that stays")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.min_score is None and self.max_score is None:
            raise ValueError("give min_score, max_score or both")
        return self


AnyFilter = Annotated[
    Languages | Expression | BlockList | Classified | C4 | Gopher | FineWeb | FineWeb2,
    Field(discriminator="kind"),
]


class Classifier(Section):
    """A fastText classifier of yours, whose answer becomes the columns NAME_label and NAME_score."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,31}$", description="name of its columns: NAME_label, NAME_score"
    )
    model: FilePath = Field(min_length=1, description="path of a fastText model (.bin or .ftz)")
    label: str | None = Field(
        None, description="label whose probability is the score, without __label__; null: the likeliest one's"
    )


#: Families of reservations that `rights_signals` holds (`provenance.annotators.declarations`).
RightsSignal = Literal[
    "tdm-reservation", "robots", "content-usage", "content-signal", "rsl", "robots-txt", "tdmrep", "ai-txt"
]


class Rights(Section):
    """What becomes of documents that reserve their use for training."""

    policy: Literal["record", "exclude"] = Field(
        "record", description="record: they are published with their signals; exclude: they are dropped"
    )
    signals: tuple[RightsSignal, ...] = Field(
        (
            "tdm-reservation",
            "robots",
            "content-usage",
            "content-signal",
            "rsl",
            "robots-txt",
            "tdmrep",
            "ai-txt",
        ),
        description="families of reservations that exclude; the last three are files of the page's host",
    )


class Removals(Section):
    """Requests that a text be published no more."""

    lists: tuple[FilePath, ...] = Field(
        (),
        description="files (JSON lines, CSV or YAML) of url, url_prefix, host, doc_id or digest, reason and date",
    )
    near_duplicates: tuple[Literal["url", "url_prefix", "host", "doc_id", "digest"], ...] = Field(
        ("url", "doc_id", "digest"),
        description="kinds of requests that also remove verified near-duplicates of what they name",
    )


class Decontamination(Section):
    """Evaluation sets that must not be in what is published (docs/filters.md)."""

    datasets: tuple[FilePath, ...] = Field(
        (), description="files or directories of JSON lines, Parquet or plain text, on any file system"
    )
    policy: Literal["drop", "mark"] = Field(
        "drop",
        description="drop: the document goes; mark: it stays, and `detail` of its row in the ledger says what it holds",
    )
    words: int = Field(13, ge=5, le=64, description="words in a run that is looked for")
    min_words: int = Field(
        8,
        ge=5,
        le=64,
        description="texts of fewer words are passed over; of fewer than `words`, all of it is looked for",
    )
    min_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="least share of the runs of one text that a document must hold; 0: one run is enough",
    )
    common: int = Field(
        10,
        ge=1,
        description="runs that more than this many different texts have are templates and passed over",
    )


Personal = Literal["ignore", "mark", "mask", "drop"]


class PersonalData(Section):
    """What becomes of personal data and secrets in texts; anything but `ignore` counts them when annotating."""

    email: Personal = Field("ignore", description="addresses of mail: ignore, mark, mask or drop")
    phone: Personal = Field("ignore", description="telephone numbers: ignore, mark, mask or drop")
    ip: Personal = Field("ignore", description="public internet addresses: ignore, mark, mask or drop")
    iban: Personal = Field("ignore", description="bank accounts: ignore, mark, mask or drop")
    card: Personal = Field("ignore", description="numbers of payment cards: ignore, mark, mask or drop")
    secret: Personal = Field("ignore", description="keys and tokens: ignore, mark, mask or drop")

    @field_validator("phone")
    @classmethod
    def _library(cls, value: str) -> str:
        if value != "ignore" and importlib.util.find_spec("phonenumbers") is None:
            raise ValueError(
                "telephone numbers are recognised by the package phonenumbers, which is not installed: "
                "pip install 'provenance-pipelines[filters]'"
            )
        return value

    def kinds(self, *policies: str) -> tuple[str, ...]:
        """The kinds that one of the policies is meant for."""
        return tuple(kind for kind in PERSONAL_KINDS if getattr(self, kind) in policies)

    @property
    def counted(self) -> tuple[str, ...]:
        """The kinds that are looked for when annotating."""
        return self.kinds("mark", "mask", "drop")


def check_filters(filters: tuple[AnyFilter, ...], classifiers: tuple[Classifier, ...]) -> None:
    """Refuse names that stand twice and classifiers that are not there.

    Raises:
        ValueError: says which and what to do.
    """
    for what, names in (
        ("filters", [item.name for item in filters]),
        ("classifiers", [item.name for item in classifiers]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{what}: the name {twice[0]!r} stands twice; give each its own `name` ({NAME})")
    known = {item.name for item in classifiers}
    for item in filters:
        if isinstance(item, Classified) and item.classifier not in known:
            raise ValueError(
                f"filters: {item.name}: no entry of `classifiers` is called {item.classifier!r} "
                f"({', '.join(sorted(known)) or 'there is none'})"
            )
