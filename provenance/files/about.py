"""What a publisher says of a release beyond what can be counted: the section `about` of the configuration.

It goes into the dataset card and the standards' files; nothing of it decides which documents are published.
"""

from __future__ import annotations

from datetime import date as CalendarDate
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator


class About(BaseModel):
    """What a release says of itself beyond what can be counted (docs/standards.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field("A curated crawl", min_length=1, description="title of the release")
    version: str = Field(
        "1",
        pattern=r"^\d+$|^\d+\.\d+\.\d+$",
        description="version of the release: a whole number or MAJOR.MINOR.PATCH",
    )
    publisher: str | None = Field(None, min_length=1, description="legal name of who publishes it")
    contact: str | None = Field(None, min_length=1, description="where inquiries and removal requests go")
    url: str | None = Field(
        None, pattern=r"^https?://", description="address at which the release will be found"
    )
    date: CalendarDate | None = Field(
        None, description="day of publication; null: that of the latest capture, as no clock is read"
    )
    license: str | None = Field(
        None, min_length=1, description="SPDX expression of the licence of the compilation, not of its texts"
    )
    sources: dict[str, Annotated[str, Field(pattern=r"^https?://")]] = Field(
        default_factory=dict,
        description="address of the metadata of a source (such as a crawl's own Croissant), by its name",
    )

    @field_validator("license")
    @classmethod
    def _spdx(cls, value: str | None) -> str | None:
        from license_expression import get_spdx_licensing

        found = get_spdx_licensing().validate(value) if value is not None else None
        if found is not None and found.errors:
            raise ValueError(f"is no SPDX expression: {found.errors[0]} (https://spdx.org/licenses)")
        return value
