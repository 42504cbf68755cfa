"""How inputs are read: the size of batches, the limits on hostile input and the names of fields.

Every limit here bounds memory for a reader that is given a file it cannot trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from provenance.records.fields import DEFAULT_FIELDS, PRESETS


@dataclass(frozen=True)
class ReadOptions:
    """Options of `read_records`; sizes are in bytes of decoded data unless said otherwise.

    `fields` maps columns (`text`, `body`, `url`, `id`, `capture_time`, `published_time`, `source`) to a field name,
    a dotted path or several of them to try; what it leaves out keeps the names of `preset` (one of
    `fields.PRESETS`), else those of `DEFAULT_FIELDS`. Name `body` for Parquet or JSON lines that carry HTML
    instead of text. Raises ValueError on a limit below 1, an unknown column or preset.
    """

    batch_bytes: int = 4 << 20
    batch_rows: int = 2000
    max_payload_bytes: int = 16 << 20
    max_record_header_bytes: int = 4 << 20
    max_http_header_bytes: int = 1 << 20
    http_headers_kept: int = 16 << 10
    max_line_bytes: int = 64 << 20
    fields: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    preset: str | None = None

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
        if self.preset is not None and self.preset not in PRESETS:
            raise ValueError(f"preset: unknown {self.preset!r}; known are {', '.join(PRESETS)}")

    def names(self, column: str) -> tuple[str, ...]:
        """The names and dotted paths to try for a column, in order."""
        usual = DEFAULT_FIELDS if self.preset is None else PRESETS[self.preset].fields
        chosen = self.fields.get(column, usual[column])
        return (chosen,) if isinstance(chosen, str) else tuple(chosen)

    @cached_property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """The names of every column. What proves a time does not claim one too."""
        named = {column: self.names(column) for column in DEFAULT_FIELDS}
        proving = named["capture_time"]
        named["published_time"] = tuple(name for name in named["published_time"] if name not in proving)
        return named

    @property
    def claims_with(self) -> tuple[str, ...]:
        """Paths; a row that has one of them has only claims of time, unless the capture time is mapped."""
        if self.preset is None or "capture_time" in self.fields:
            return ()
        return PRESETS[self.preset].claims_with
