"""How inputs are read: the size of batches, the limits on hostile input and the names of fields.

Every limit here bounds memory for a reader that is given a file it cannot trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

#: Column of a row -> field names tried in this order, in JSON lines and in Parquet. The first present one is used.
DEFAULT_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "text": ("text", "content", "raw_content", "document", "body_text"),
        "body": (),
        "url": ("url", "uri", "warc_target_uri", "WARC-Target-URI", "target_uri", "source_url", "link"),
        "id": ("id", "record_id", "doc_id", "warc_record_id", "WARC-Record-ID", "uuid", "_id"),
        "capture_time": (
            "date",
            "capture_time",
            "timestamp",
            "warc_date",
            "WARC-Date",
            "crawl_date",
            "fetch_time",
        ),
        "source": ("source", "dataset", "dump", "isPartOf"),
    }
)


@dataclass(frozen=True)
class ReadOptions:
    """Options of `read_records`; sizes are in bytes of decoded data unless said otherwise.

    `fields` maps `text`, `body`, `url`, `id`, `capture_time` and `source` to a field name or to several
    names to try; what it leaves out keeps the names of `DEFAULT_FIELDS`. Name `body` for Parquet or JSON
    lines that carry HTML instead of text. Raises ValueError on a limit below 1 or an unknown column.
    """

    batch_bytes: int = 4 << 20
    batch_rows: int = 2000
    max_payload_bytes: int = 16 << 20
    max_record_header_bytes: int = 4 << 20
    max_http_header_bytes: int = 1 << 20
    http_headers_kept: int = 16 << 10
    max_line_bytes: int = 64 << 20
    fields: Mapping[str, str | tuple[str, ...]] = field(default_factory=lambda: DEFAULT_FIELDS)

    def __post_init__(self) -> None:
        for name in (
            "batch_bytes",
            "batch_rows",
            "max_payload_bytes",
            "max_record_header_bytes",
            "max_http_header_bytes",
            "http_headers_kept",
            "max_line_bytes",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        unknown = sorted(set(self.fields) - set(DEFAULT_FIELDS))
        if unknown:
            raise ValueError(f"fields: unknown column {unknown[0]!r}; known are {', '.join(DEFAULT_FIELDS)}")

    def names(self, column: str) -> tuple[str, ...]:
        """The field names to try for a column, in order."""
        chosen = self.fields.get(column, DEFAULT_FIELDS[column])
        return (chosen,) if isinstance(chosen, str) else tuple(chosen)
