"""What all filters of a configuration have in common: a name, which is its reason in the ledger."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from provenance.files.section import Section

#: Names of filters: they stand in the ledger as `filter:NAME`.
NAME = r"^[a-z0-9][a-z0-9_-]{0,47}$"


Name = Annotated[str, Field(pattern=NAME, description="name in the ledger: the reason is `filter:NAME`")]


class Filter(Section):
    """One entry of `filters`; each kind has its own default name."""

    name: Name
