"""What a publisher says of a release beyond what can be counted: the section `about` of the configuration.

It goes into the dataset card and the standards' files; nothing of it decides which documents are published.
"""

from __future__ import annotations

import re
from datetime import date as CalendarDate
from typing import Annotated

from pydantic import Field, field_validator

from provenance.files.section import Section

_OWN_LICENSE = re.compile(r"(?<![\w.-])(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+(?![\w.-])")


class About(Section):
    """What a release says of itself beyond what can be counted (docs/standards.md)."""

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
        if value is None:
            return None
        from license_expression import get_spdx_licensing

        try:
            # SPDX 2.3, annex D: what an issuer calls LicenseRef-… is a licence of its own and on no list.
            errors = get_spdx_licensing().validate(_OWN_LICENSE.sub("MIT", value)).errors
        except AttributeError:  # of the library itself, where an expression breaks off ("MIT AND")
            errors = [f"{value!r} is incomplete"]
        if errors:
            raise ValueError(f"is no SPDX expression: {errors[0]} (https://spdx.org/licenses)")
        return value
