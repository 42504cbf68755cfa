"""What counts as a duplicate, whose capture proves age, and what becomes of documents that earlier releases hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from provenance.files.section import Section


class Duplicates(Section):
    """What counts as a duplicate, and which document is kept."""

    threshold: float = Field(
        0.6, gt=0, le=1, description="least similarity to the document kept in its place"
    )
    ngram: int = Field(5, ge=1, le=32, description="words in a shingle")
    seed: int = Field(1, ge=0, le=2**32 - 1, description="seed of the MinHash permutations")
    keep: tuple[Literal["earliest", "human", "longest"], ...] = Field(
        ("earliest", "human", "longest"),
        description="order of preference for the document to keep; the lowest doc_id decides last",
    )


class Witness(Section):
    """Whose capture proves the age of a document (docs/witness.md)."""

    threshold: float = Field(
        0.9,
        gt=0,
        le=1,
        description="least similarity of a witness to the document whose age it proves; never less than duplicates.threshold",
    )


class Increments(Section):
    """What becomes of documents that earlier releases hold already (`curate --against`)."""

    prefer: Literal["earlier", "new"] = Field(
        "earlier",
        description="earlier: the document of the earlier release stays, the new one is dropped; new: the new one is "
        "kept and names those that give way to it (`replaces`)",
    )
