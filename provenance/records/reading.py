"""Section `reading` of the configuration: how input files are read, and which field of theirs is what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from provenance.files.section import Section
from provenance.files.spans import SPAN_BYTES
from provenance.records.options import ReadOptions

Path = str | None


class Fields(Section):
    """Names or dotted paths of the fields of JSON lines and Parquet rows; null tries those of the preset or the usual ones."""

    text: Path = Field(None, min_length=1, description="field that holds the text")
    body: Path = Field(None, min_length=1, description="field that holds HTML, where there is no text")
    url: Path = Field(None, min_length=1, description="field that holds the address")
    id: Path = Field(None, min_length=1, description="field that holds the record's identifier")
    capture_time: Path = Field(
        None, min_length=1, description="field that holds the time a third party fetched the text: it proves"
    )
    published_time: Path = Field(
        None,
        min_length=1,
        description="field that holds the publisher's own date: it claims, and proves nothing",
    )
    source: Path = Field(None, min_length=1, description="field that names the source")


class Reading(Section):
    """How input files are read."""

    batch_bytes: int = Field(4 << 20, ge=1 << 16, le=1 << 28, description="bytes of payload in one batch")
    batch_rows: int = Field(2000, ge=1, le=100_000, description="records in one batch")
    max_payload_bytes: int = Field(
        16 << 20, ge=1 << 10, le=1 << 30, description="largest decoded payload of a record"
    )
    span_bytes: int = Field(
        SPAN_BYTES,
        ge=1 << 10,
        description="stored bytes of a span: files of more than five of them are cut into tasks and shards of their own",
    )
    preset: Literal["fineweb", "c4", "cc_news", "trafilatura", "oscar", "redpajama", "dolma"] | None = Field(
        None,
        description="layout of a known dataset: where JSON lines and Parquet hold what, and what their dates mean; null: usual names",
    )
    fields: Fields = Fields()

    def options(self) -> ReadOptions:
        """As readers take it."""
        return ReadOptions(
            batch_bytes=self.batch_bytes,
            batch_rows=self.batch_rows,
            max_payload_bytes=self.max_payload_bytes,
            fields={name: path for name, path in self.fields.model_dump().items() if path is not None},
            preset=self.preset,
        )
