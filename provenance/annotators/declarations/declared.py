"""What one document declares: signals of its making and of its use, and its licences.

The readers of headers, markup and text add to one `Declared`; each thing said is kept once.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Signal:
    """One thing a page declares: what it means, how it was written (at most 200 characters), and where."""

    signal: str
    value: str
    where: str

    def as_dict(self) -> dict[str, str]:
        """Return the row of `schema.SIGNALS`."""
        return {"signal": self.signal, "value": self.value[:200], "where": self.where}


@dataclass
class Declared:
    """What one document declares; `licenses` are SPDX identifiers or addresses, the first one found first.

    `terms` are addresses of RSL documents: they say how a machine may use the page, and are its licence where nothing else is.
    `cut`: part of the page was not read, so that nothing found is not nothing said.
    """

    making: list[Signal] = field(default_factory=list)
    use: list[Signal] = field(default_factory=list)
    licenses: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    cut: bool = False

    def add_making(self, signal: Signal | None) -> None:
        """Keep a disclosure once."""
        if signal and signal not in self.making:
            self.making.append(signal)

    def add_use(self, signal: Signal | None) -> None:
        """Keep a rights signal once."""
        if signal and signal not in self.use:
            self.use.append(signal)

    def add_license(self, value: str, name: str | None, where: str) -> None:
        """Keep a licence, written as `value`, if it has a `name`."""
        if name:
            self.licenses.append(name)
            self.add_use(Signal("license", value, where))

    def add_terms(self, value: str, address: str | None, where: str) -> None:
        """Keep where terms for machines lie, written as `value`."""
        if address:
            self.terms.append(address)
            self.add_use(Signal("license", value, where))

    @property
    def license(self) -> str | None:
        """The licence that counts: the first."""
        return next(iter([*self.licenses, *self.terms]), None)

    @property
    def train_opt_out(self) -> bool | None:
        """Whether any signal reserves the text against training; None where that is not known."""
        return any(signal.signal == "optout" for signal in self.use) or (None if self.cut else False)

    def rows(self, signals: list[Signal]) -> list[dict[str, str]] | None:
        """Rows of `schema.SIGNALS`; None where none was found and part of the page was not read."""
        return [signal.as_dict() for signal in signals] or (None if self.cut else [])
