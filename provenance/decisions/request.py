"""What is asked of a release: how much synthetic text, counted how, over which parts of it, and what goes first.

A request is checked when it is made, so one that contradicts itself is refused before any work (promise 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args

MILLION = 1_000_000

Share = Decimal | Fraction | float | int | str
Guarantee = Literal["expected", "confident", "hard"]
Unit = Literal["tokens", "documents"]
Policy = Literal["lowest", "sample", "tail", "weights"]
Dimension = Literal["language", "source", "domain", "year"]

#: What a document without a value in a dimension is counted under.
UNKNOWN = "unknown"
#: All values of a dimension that a mixture does not name, together.
OTHERS = "*"


def exact(share: Share) -> Fraction:
    """A share as the decimal number it is written as: 0.1 is one tenth."""
    return Fraction(str(share)) if isinstance(share, float) else Fraction(share)


@dataclass(frozen=True)
class StratumCap:
    """A cap of its own for each value of `by`: for those in `only`, or, where it is empty, for all that no other names."""

    by: Dimension
    max_synthetic: Share
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.by not in get_args(Dimension):
            raise ValueError(f"strata: by must be one of {', '.join(get_args(Dimension))}, not {self.by!r}")
        if not 0 <= exact(self.max_synthetic) <= 1:
            raise ValueError(f"strata: max_synthetic must lie between 0 and 1, not {self.max_synthetic}")


@dataclass(frozen=True)
class Mixture:
    """Share of the published text that each value of `by` is to have, reached by sampling weights.

    `shares` are by value, `OTHERS` ("*") for all that are not named; together at most 1, and what is missing to 1 is
    that of the others. No document weighs more than `most`.
    """

    by: Literal["language", "source"]
    shares: Mapping[str, Share]
    most: float = 4.0

    def __post_init__(self) -> None:
        if self.by not in ("language", "source"):
            raise ValueError(f"mixture: by must be language or source, not {self.by!r}")
        total = sum(exact(share) for share in self.shares.values())
        if not self.shares or min(exact(share) for share in self.shares.values()) < 0 or total > 1:
            raise ValueError("mixture: shares must be named, not negative and together at most 1")
        if OTHERS in self.shares and total != 1:
            raise ValueError(f"mixture: shares with {OTHERS!r} must sum to 1, not {float(total):g}")
        if not self.most >= 1:
            raise ValueError(f"mixture: most must be at least 1, not {self.most}")

    def targets(self) -> dict[str, Fraction]:
        """The share of each group; that of the others is what the named ones leave."""
        named = {name: exact(share) for name, share in self.shares.items() if name != OTHERS}
        return {**named, OTHERS: 1 - sum(named.values(), Fraction(0))}


@dataclass(frozen=True)
class Tail:
    """The most rare words, of all that one document of a crawl alone holds, that may be lost with what the cap drops."""

    most_lost: Share

    def __post_init__(self) -> None:
        if not 0 <= exact(self.most_lost) < 1:
            raise ValueError(f"tail: most_lost must be at least 0 and below 1, not {self.most_lost}")


@dataclass(frozen=True)
class Family:
    """Parts of a corpus that do not overlap, each with a cap: values of one dimension."""

    name: str
    by: str
    named: Mapping[str, Fraction]
    rest: Fraction | None  # for each value that is not named; None: no cap
    together: bool = False  # the values that are not named are one part

    def part(self, value: str) -> str:
        """The part that a value belongs to; "" where it has no cap."""
        if value in self.named:
            return value
        return "" if self.rest is None else OTHERS if self.together else value

    def cap(self, part: str) -> int:
        """The cap of a part, in millionths, rounded down."""
        share = self.exact(part)
        return share.numerator * MILLION // share.denominator

    def exact(self, part: str) -> Fraction:
        """The cap of a part as it was asked for."""
        found = self.named.get(part, self.rest)
        return Fraction(1) if found is None else found


@dataclass(frozen=True)
class CapRequest:
    """How much synthetic text may be published, and in which sense.

    `max_synthetic` is read as the decimal number it is written as, and met to the millionth. With the guarantee
    `expected`, weight times probability is at most that share of the weight, each probability moved by `margin` (0 to 1) of
    the way to its upper one; with `confident`, weight times upper probability and the noise of 95% is; with `hard`, the
    weight of documents with probability of at least `threshold` is. `exponent` None: the least that meets the cap. Raises ValueError for what is out of range, unknown or contradictory.
    """

    max_synthetic: Share
    guarantee: Guarantee = "expected"
    unit: Unit = "tokens"
    threshold: float = 0.5
    policy: Policy = "lowest"
    seed: int = 0
    exponent: float | None = None
    strata: tuple[StratumCap, ...] = ()
    mixture: Mixture | None = None
    tail: Tail | None = None
    margin: Share = 0
    families: tuple[Family, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"max_synthetic must lie between 0 and 1, not {self.max_synthetic}")
        if not 0 <= exact(self.margin) <= 1:
            raise ValueError(f"margin must lie between 0 and 1, not {self.margin}")
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be above 0 and at most 1, not {self.threshold}")
        for name, kind in (("guarantee", Guarantee), ("unit", Unit), ("policy", Policy)):
            if getattr(self, name) not in get_args(kind):
                values = ", ".join(get_args(kind))
                raise ValueError(f"{name} must be one of {values}, not {getattr(self, name)!r}")
        if self.exponent is not None and not 0 <= self.exponent <= 64:
            raise ValueError(f"exponent must lie between 0 and 64, not {self.exponent}")
        if self.policy == "weights" and (self.strata or self.mixture):
            raise ValueError(
                "policy weights drops nothing, so it cannot keep caps by stratum or a mixture: use policy lowest, sample or tail"
            )
        if self.policy == "weights" and self.tail:
            raise ValueError(
                "policy weights drops nothing, so nothing is lost that a bound in tail could keep: leave tail out, "
                "or use policy lowest, sample or tail"
            )
        object.__setattr__(self, "families", tuple(_families(self)))

    @property
    def share(self) -> Fraction:
        """`max_synthetic` as an exact fraction."""
        return exact(self.max_synthetic)

    @property
    def millionths(self) -> int:
        """`max_synthetic` in millionths, rounded down."""
        return self.share.numerator * MILLION // self.share.denominator

    @property
    def by_words(self) -> bool:
        """Whether the rare words of a document decide whether it stays."""
        return self.policy == "tail" or self.tail is not None

    @property
    def sampled(self) -> bool:
        """Whether documents get sampling weights."""
        return self.policy == "weights" or self.mixture is not None


#: Names of what a request is made of, as they stand in a configuration and in a certificate.
ASKED = tuple(item.name for item in fields(CapRequest) if item.init)


def _families(request: CapRequest) -> list[Family]:
    """One family for each dimension with caps of its own, and one for the parts of a mixture."""
    found = []
    for by in dict.fromkeys(item.by for item in request.strata):
        named: dict[str, Fraction] = {}
        rest: Fraction | None = None
        for item in request.strata:
            if item.by != by:
                continue
            again = sorted(named.keys() & set(item.only)) or (
                [] if item.only or rest is None else ["all others"]
            )
            if again:
                raise ValueError(f"strata: {by} {again[0]} has two caps; name each value once")
            if item.only:
                named |= dict.fromkeys(item.only, exact(item.max_synthetic))
            else:
                rest = exact(item.max_synthetic)
        found.append(Family(by, by, named, rest))
    if request.mixture is not None:
        # Parts that each hold the cap hold it together, whatever their weights.
        named = dict.fromkeys((name for name in request.mixture.shares if name != OTHERS), request.share)
        found.append(Family("mixture", request.mixture.by, named, request.share, together=True))
    return found
