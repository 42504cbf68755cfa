"""The result of `provenance audit` as text for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Strata shown of one dimension, the largest ones; --json has them all.
_SHOWN = 12


def describe(result: dict[str, Any]) -> str:
    """The report of `provenance.audit.estimate.audit` in lines of text."""
    return "\n".join(_lines(result))


def _lines(result: dict[str, Any]) -> Iterator[str]:
    shares = result["prevalence"]
    whole = shares["documents"]
    yield f"{_plain(result['dataset'])}: {result['documents']:,} documents"
    yield (
        f"  {whole['judged']:,} can be judged ({shares['reference']['language']}, long enough); "
        f"{whole['proven_human']:,} are proven older than 2022-11-30"
    )
    yield f"  human reference: {shares['reference']['human']} ({shares['reference']['human_documents']:,})"
    yield "synthetic share of the documents that can be judged, with 95% interval:"
    for item in whole["estimates"]:
        yield f"  {_share(item)}  {item['method']}"
    if whole["at_least"] is not None:
        yield f"  at least {whole['at_least']:.1%}, whichever generators wrote it (docs/audit.md)"
    if not whole["estimates"]:
        yield "  none: too few documents can be judged"
    if whole["further"]:
        yield "  of those not proven older, by other assumptions (docs/audit.md):"
    for item in whole["further"]:
        yield f"  {_share(item)}  {item['method']}"
    for dimension in ("language", "year", "source"):
        strata = shares[f"by_{dimension}"]
        largest = sorted(strata, key=lambda name: (-strata[name]["documents"], name))[:_SHOWN]
        yield f"by {dimension}:"
        for name in largest:
            item = strata[name]
            share = _share(item["estimates"][0]) if item["estimates"] else "not estimated".rjust(24)
            yield f"  {share}  {_plain(name)[:60]} ({item['documents']:,} documents, {item['judged']:,} judged)"
        if len(strata) > len(largest):
            yield f"  and {len(strata) - len(largest):,} more with --json"
    yield from _watermarks(result["watermarks"])
    yield from _diversity(result["diversity"])


def _watermarks(found: dict[str, Any]) -> Iterator[str]:
    if not found["read"]:
        yield "watermarks: the dataset has no column `watermarks` as releases have it"
        return
    yield (
        f"watermarks: {found['found']:,} of {found['documents']:,} documents at a false-discovery rate of "
        f"{found['false_discovery_rate']:.0%}"
    )


def _diversity(found: dict[str, Any]) -> Iterator[str]:
    baseline = found.get("baseline")
    against = f", against {_plain(baseline['dataset'])}" if baseline else ""
    yield f"diversity ({found['sampled_documents']:,} sampled documents{against}):"
    near = found["near_duplicates"]
    line = f"  {'near_duplicates':<16}{_value(near)}"
    yield line + (f"   baseline {_value(baseline['near_duplicates'])}" if baseline else "")
    if found.get("note"):
        yield f"  {found['note']}"
        return
    for name, item in found["measures"].items():
        line = f"  {name:<16}{_value(item)}"
        if baseline:
            difference = baseline["differences"][name]
            low, high = difference["interval"]
            sign = "" if low <= 0 <= high else "  *"
            line += f"   difference {difference['value']:+.4f} ({low:+.4f} to {high:+.4f}){sign}"
        yield line
    yield f"  in {found['blocks']} blocks of {found['block_tokens']:,} words each" + (
        "; * the interval excludes 0" if baseline else ""
    )


def _share(item: dict[str, Any]) -> str:
    low, high = item["interval"]
    return f"{item['share']:6.1%} ({low:6.1%} to {high:6.1%})"


def _value(item: dict[str, Any]) -> str:
    low, high = item["interval"]
    return f"{item['value']:8.4f} ({low:.4f} to {high:.4f})"


def _plain(value: str) -> str:
    """Names of the dataset without characters that would steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)
