"""What all filters of a configuration have in common: a name, which is its reason in the ledger."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

#: Names of filters: they stand in the ledger as `filter:NAME`.
NAME = r"^[a-z0-9][a-z0-9_-]{0,47}$"


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes after it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, Field(pattern=NAME, description="name in the ledger: the reason is `filter:NAME`")]


class Filter(Section):
    """One entry of `filters`; each kind has its own default name."""

    name: Name
