"""Whether a record speaks against its own capture: what says a year later that it was published was not fetched before.

Time is proven by captures only, and a capture that its own page refutes proves nothing: clocks were wrong, or a server's
clock was taken for the archive's. No clock of this machine is asked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence

from provenance.annotators.dates.address import days_in_address
from provenance.annotators.dates.claim import Claim, day_of_header
from provenance.annotators.dates.headline import find_headline
from provenance.annotators.dates.machine import (
    Stated,
    own_address,
    read_metas,
    read_microdata,
    read_scripts,
    read_times,
)
from provenance.annotators.dates.order import Order
from provenance.annotators.dates.readable import near_headline
from provenance.annotators.page.search import Page

#: Days between a capture and a claim that no time zone, embargo or slip of a month explains.
CLEARLY_LATER = dt.timedelta(days=365)
#: Later claims are nonsense themselves (records.dates.LAST_YEAR).
_LAST_DAY = dt.date(2037, 12, 31)
_CLOCKS = re.compile(r"^(date|last-modified):[ \t]*([^\r\n]{10,40})", re.IGNORECASE | re.MULTILINE)


class Machine:
    """What a page states for machines, each kind of place read once and only where it is asked for."""

    def __init__(self, page: Page, order: Order, url: str = "") -> None:
        self.page, self.order, self.url = page, order, url
        self._address: Sequence[Claim] | None = None
        self._metas: Stated | None = None
        self._scripts: Stated | None = None
        self._times: Stated | None = None
        self._microdata: list[Claim] | None = None
        self._headline: int | None = None
        self._near: list[Claim] | None = None

    # Without `functools.cached_property`, whose lock costs more than to read a page that states nothing.
    @property
    def metas(self) -> Stated:
        self._metas = self._metas or read_metas(self.page, self.order)
        return self._metas

    @property
    def address(self) -> Sequence[Claim]:
        """The day in the address that the page gives as its own, where it is another than that which it was fetched from."""
        if self._address is None:
            own = own_address(self.page)
            self._address = days_in_address(own, self.order) if own != self.url else ()
        return self._address

    @property
    def scripts(self) -> Stated:
        self._scripts = self._scripts or read_scripts(self.page, self.order)
        return self._scripts

    @property
    def microdata(self) -> list[Claim]:
        if self._microdata is None:
            self._microdata = list(read_microdata(self.page, self.order))
        return self._microdata

    @property
    def headline(self) -> int:
        """The first byte of the page's headline."""
        if self._headline is None:
            self._headline = find_headline(self.page)
        return self._headline

    @property
    def near(self) -> list[Claim]:
        """The days that people read about the headline."""
        if self._near is None:
            changed = {claim.day for claim in self.times.modified}
            self._near = list(near_headline(self.page, self.order, self.headline, changed))
        return self._near

    @property
    def times(self) -> Stated:
        if self._times is None:
            # a page without any need not say where its headline is
            there = bool(self.page.tags(b"time"))
            self._times = read_times(self.page, self.order, self.headline) if there else Stated([], [], [])
        return self._times


def contradiction(
    captured: dt.datetime,
    headers: str | None,
    stated: Claim | None,
    machine: Machine | None,
    address: Claim | None,
) -> Claim | None:
    """The claim that refutes a capture: one of publication, of a change or of the server's clock, or two weaker ones.

    Weak are days whose meaning is open: in an address (of a calendar), in `<meta name=date>` and in data of scripts.
    `stated` is the day that the input gives beside the text.
    """
    after = captured.date() + CLEARLY_LATER
    for claim in _strong(headers, stated, machine):
        if after < claim.day <= _LAST_DAY:
            return claim
    weak = {claim.evidence: claim for claim in _weak(machine, address) if after < claim.day <= _LAST_DAY}
    return next(iter(weak.values())) if len(weak) > 1 else None


def _strong(headers: str | None, stated: Claim | None, machine: Machine | None) -> Iterator[Claim]:
    if stated:
        yield stated
    for name, value in _CLOCKS.findall(headers or ""):
        day = day_of_header(value)
        if day:
            yield Claim(day, f"HTTP {name.title()}")
    if machine:
        yield from machine.metas.published
        yield from machine.metas.modified
        yield from machine.scripts.published
        yield from machine.scripts.modified
        yield from machine.microdata


def _weak(machine: Machine | None, address: Claim | None) -> Iterator[Claim]:
    if address:
        yield address
    if machine:
        yield from machine.metas.dated
        yield from machine.scripts.dated
        yield from machine.times.published
        yield from machine.times.modified
