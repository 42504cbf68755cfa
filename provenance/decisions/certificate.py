"""What is certified about the synthetic fraction of a release: asked, claimed and found, over what is really published.

Nothing here says that a cap holds without saying what holds (promise 4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from provenance.configuration import Cap
from provenance.decisions.measure import SAMPLED, UNITS, Measure, Sums, whole
from provenance.decisions.request import ASKED, MILLION, CapRequest, Mixture, StratumCap, Tail, exact
from provenance.errors import ConfigurationError

GUARANTEES = ("expected", "confident", "hard")
#: Parts that a certificate lists: those above their cap first, then the heaviest.
LISTED_PARTS = 1000
#: What `hard` is about, wherever it is printed.
FOUND_ONLY = "only what was found; how many others are synthetic is not covered"


def cap_request(cap: Cap) -> CapRequest:
    """The cap as configured, in the form that the selection takes.

    Raises:
        ConfigurationError: where it contradicts itself.
    """
    try:
        return read_request(cap.model_dump(mode="json"))
    except ValueError as error:
        raise ConfigurationError(f"cap: {error}") from error


def read_request(values: Mapping[str, Any]) -> CapRequest:
    """The request in a configuration or a certificate, given as JSON values."""
    asked: dict[str, Any] = {"tail": None} | {name: values[name] for name in ASKED if name in values}
    asked["strata"] = tuple(StratumCap(**{**item, "only": tuple(item["only"])}) for item in asked["strata"])
    asked["mixture"] = Mixture(**asked["mixture"]) if asked["mixture"] else None
    asked["tail"] = Tail(**asked["tail"]) if asked["tail"] else None  # releases before 0.2 do not have it
    return CapRequest(**asked)


def build_certificate(
    request: CapRequest, before: Sums, published: Sums, selection: dict[str, Any]
) -> dict[str, Any]:
    """The `synthetic` section of a manifest: what was asked, the fractions before and after, what holds.

    `selection` says how the documents were chosen (`cap.Rule.as_json`).
    """
    judged = Measure(**published[_judged(request)])
    parts = sorted(_parts(request, before, published), key=_worst_first)
    holds = judged.counted(request) <= request.share and not any(part["exceeded_by"] for part in parts)
    return {
        **_asked(request),
        "holds": holds,
        "note": _note(request, before, published, parts, selection.get("least_share")),
        "claimed": float(judged.share("expected")),
        "claimed_at_most": min(float(judged.share("confident")), 1.0),
        "found": float(judged.share("hard")),
        "published_fraction": min(float(judged.counted(request)), 1.0),
        "exceeded_by": max(float(judged.counted(request) - request.share), 0.0),
        "fractions": fractions(published),
        "sums": whole(published),
        "before": {"fractions": fractions(before), "sums": whole(before)},
        "parts": parts[:LISTED_PARTS],
        "parts_in_all": len(parts),
        "selection": selection,
    }


def asked_and_found(certificate: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, how much) of a certificate side by side: asked, claimed and found, in words that say what each is."""
    unit = certificate["unit"] if certificate["policy"] != "weights" else f"{certificate['unit']} as sampled"
    sense = {
        "expected": _with_margin(float(Fraction(certificate.get("margin", 0)))),
        "confident": "share, with 95% confidence",
        "hard": f"share found; it bounds {FOUND_ONLY}",
    }[certificate["guarantee"]]
    return [
        ("asked", f"at most {certificate['max_synthetic']} of the {unit} ({sense})"),
        (
            "claimed",
            f"{certificate['claimed']:.4f} expected, at most {certificate['claimed_at_most']:.4f} at 95%",
        ),
        ("found", f"{certificate['found']:.4f} with a probability of {certificate['threshold']:g} or more"),
    ]


def _with_margin(room: float) -> str:
    if not room:
        return "expected share"
    way = "the whole way" if room == 1 else f"{room:g} of the way"
    return f"expected share, with {way} to its upper bound as a margin"


def _judged(request: CapRequest) -> str:
    return SAMPLED if request.policy == "weights" else request.unit


def _asked(request: CapRequest) -> dict[str, Any]:
    """The request as JSON values, as they stand in a configuration."""
    asked = {name: getattr(request, name) for name in ASKED}
    asked["max_synthetic"], asked["margin"] = str(request.max_synthetic), str(request.margin)
    asked["strata"] = [
        {"by": item.by, "max_synthetic": str(item.max_synthetic), "only": list(item.only)}
        for item in request.strata
    ]
    if request.mixture is not None:
        shares = {name: str(share) for name, share in request.mixture.shares.items()}
        asked["mixture"] = {"by": request.mixture.by, "shares": shares, "most": request.mixture.most}
    if request.tail is not None:
        asked["tail"] = {"most_lost": str(request.tail.most_lost)}
    return asked


def _parts(request: CapRequest, before: Sums, published: Sums) -> Iterator[dict[str, Any]]:
    """What is said of each part with a cap, whether anything of it is published or not."""
    for family in request.families:
        found = published.get("parts", {}).get(family.name, {})
        for part, sums in before.get("parts", {}).get(family.name, {}).items():
            left = Measure(**found.get(part, {}))
            share, cap = left.counted(request), family.cap(part)
            yield {
                "by": family.name,
                "value": part,
                "max_synthetic": cap / MILLION,
                "weight": left.weight,
                "weight_before": sums["weight"],
                "fraction": float(share),
                "fraction_before": float(Measure(**sums).counted(request)),
                "exceeded_by": max(float(share - family.exact(part)), 0.0),
            }


def _worst_first(part: Mapping[str, Any]) -> tuple[Any, ...]:
    return -part["exceeded_by"], -part["weight_before"], part["by"], part["value"]


def _note(
    request: CapRequest, before: Sums, published: Sums, parts: list[dict[str, Any]], least_share: float | None
) -> str:
    """What is certified, and what is not, by the integers alone."""
    judged = Measure(**published[_judged(request)])
    share, documents = float(judged.counted(request)), before[request.unit]["documents"]
    unit = f"{request.unit} as sampled" if request.policy == "weights" else request.unit
    if judged.counted(request) > request.share:
        least = "documents proven human, which are never dropped, have it alone"
        if request.policy == "weights":
            least = "no exponent up to the configured or largest one brings it lower"
        return (
            f"not certified: the {_NAME[request.guarantee]} share of the published {unit} is {share:.6f}, "
            f"{share - float(request.share):.6f} above the cap; {share:.6f} can be certified ({least})"
        )
    exceeded = [part for part in parts if part["exceeded_by"]]
    if exceeded:
        worst = exceeded[0]
        return (
            f"not certified: {len(exceeded):,} of {len(parts):,} parts are above their caps, such as {worst['by']} "
            f"{worst['value']} with {worst['fraction']:.6f}; documents proven human, which are never dropped, have it alone"
        )
    if documents and not judged.documents:
        return _nothing_left(request, documents, least_share)
    also = f", and each of {len(parts):,} parts is under its own cap" if parts else ""
    if request.guarantee == "hard":
        return (
            f"documents with a probability of {request.threshold} or more are {share:.6f} of the published {unit}{also}; "
            f"that bounds {FOUND_ONLY} (expected: {float(judged.share('expected')):.6f})"
        )
    if request.guarantee == "confident":
        return (
            f"with 95% confidence at most {share:.6f} of the published {unit} is synthetic{also}, as far as the upper "
            "probabilities cover what the detector may be wrong about"
        )
    expected = float(judged.share("expected"))
    room = f", {share:.6f} with its margin for kinds of text that nobody has seen" if request.margin else ""
    return (
        f"the expected synthetic share of the published {unit} is {expected:.6f}{room}{also}; this is as good as the "
        f"probabilities are (at most {min(float(judged.share('confident')), 1.0):.6f} at 95%)"
    )


def _nothing_left(request: CapRequest, documents: int, least_share: float | None) -> str:
    said = (
        f"nothing is published: any of the {documents:,} documents alone would be above the cap of "
        f"{request.max_synthetic}"
    )
    if least_share is None:  # releases before 0.2 do not have it
        return said
    margin = request.guarantee == "expected" and bool(exact(request.margin))
    counted = f"{least_share:.4f} with its margin" if margin else f"{least_share:.4f}"
    ways = "a higher cap, a smaller cap.margin" if margin else "a higher cap"
    return f"{said}: the least synthetic counts as {counted}; {ways} or documents proven old in the crawl may leave some"


_NAME = {"hard": "found", "expected": "expected", "confident": "95% upper"}


def fractions(sums: Sums) -> dict[str, dict[str, float]]:
    """Synthetic shares of sums, by guarantee and unit."""
    measures = {unit: Measure(**sums[unit]) for unit in (*UNITS, SAMPLED) if unit in sums}
    return {
        name: {unit: min(float(value.share(name)), 1.0) for unit, value in measures.items()}
        for name in GUARANTEES
    }
