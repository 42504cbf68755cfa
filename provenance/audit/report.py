"""The result of `provenance audit` as text for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provenance.errors import plain

#: What else than a loss makes rare types fail.
LOOKS_THE_SAME = (
    "a narrower subject looks like a lost tail, and so do other sites where no `domain`, `host` or `url` says which documents "
    "belong together: look at what changed before you blame a model"
)
#: Strata shown of one dimension, the largest ones; --json has them all.
_SHOWN = 12
#: Lines shown, the commonest ones.
_SHOWN_LINES = 5


def describe(result: dict[str, Any]) -> str:
    """The report of `provenance.audit.versions.audit` in lines of text."""
    if "versions" not in result:
        return "\n".join(_lines(result))
    parts = ["\n".join(_lines(version)) for version in result["versions"]]
    return "\n\n".join([*parts, "\n".join(_drift(result))])


def _lines(result: dict[str, Any]) -> Iterator[str]:
    yield f"{plain(result['dataset'])}: {result['documents']:,} documents"
    if result["unreadable"]:
        yield f"  {result['unreadable']:,} lines without text that could be read were passed over"
    if "prevalence" in result:
        yield from _prevalence(result["prevalence"])
        yield from _watermarks(result["watermarks"])
    yield from _diversity(result["diversity"])


def _prevalence(shares: dict[str, Any]) -> Iterator[str]:
    whole, reference = shares["documents"], shares["reference"]
    yield (
        f"  {whole['judged']:,} can be judged ({', '.join(reference['languages'])}; long enough); "
        f"{whole['proven_human']:,} are proven older than 2022-11-30"
    )
    if shares["selected"] is not None:
        yield f"  SELECTED: {plain(shares['selected'])}; what is left looks cleaner than it is, so limits are wide"
    yield "synthetic share of the documents that can be judged, with 95% interval:"
    for item in whole["estimates"]:
        yield f"  {_share(item)}  {item['method']}"
    if not whole["estimates"]:
        yield "  none: too few documents can be judged"
    for name, most in whole["at_most"].items():
        yield f"  at most {most:.1%} of those in {name}, where people may score like machines: nothing more can be said"
    if whole["read_by_sample"]:
        read = ", ".join(f"{documents:,} in {name}" for name, documents in whole["read_by_sample"].items())
        yield f"  from a sample that the detector read: {read}"
    for item in whole["further"]:
        yield f"  {item['share']:6.1%}  of those not proven older: {item['method']}, as `curate` reads them"
    for dimension in ("language", "year", "source"):
        strata = shares[f"by_{dimension}"]
        largest = sorted(strata, key=lambda name: (-strata[name]["documents"], name))[:_SHOWN]
        yield f"by {dimension}:"
        for name in largest:
            item = strata[name]
            share = _share(item["estimates"][0]) if item["estimates"] else _limit(item).rjust(24)
            yield f"  {share}  {plain(name)[:60]} ({item['documents']:,} documents, {item['judged']:,} judged)"
        if len(strata) > len(largest):
            yield f"  and {len(strata) - len(largest):,} more with --json"


def _limit(item: dict[str, Any]) -> str:
    """What is said of a part of which no share is estimated."""
    limits = item["at_most"].values()
    return f"at most {max(limits):.1%}" if limits else "not estimated"


def _watermarks(found: dict[str, Any]) -> Iterator[str]:
    if not found["read"]:
        yield "watermarks: the dataset has no column `watermarks` as releases have it"
        return
    yield (
        f"watermarks: {found['found']:,} of {found['documents']:,} documents at a false-discovery rate of "
        f"{found['false_discovery_rate']:.0%}"
    )


def _diversity(found: dict[str, Any]) -> Iterator[str]:
    distinct = ", ".join(f"about {found['distinct'][kind]:,} distinct {kind}" for kind in ("words", "pairs"))
    yield f"diversity ({found['words']:,} words, {distinct}):"
    if "near_duplicates" in found:
        near = found["near_duplicates"]
        yield f"  near-duplicates among {near['documents']:,} sampled documents {_value(near)}"
    yield from _templates(found["templates"])
    baseline = found.get("baseline")
    if baseline is None:
        for name, item in found["quantiles"].items():
            yield f"  {name:<26}{item['p10']:>10.3f}{item['p50']:>10.3f}{item['p90']:>10.3f}"
        yield "  10th, 50th and 90th percentile of documents; with --baseline all measures are compared"
        return
    yield f"  against {plain(baseline['dataset'])} ({baseline['words']:,} words), at equal numbers of words: {baseline['status']}"
    if "note" in baseline:
        yield f"  {baseline['note']}"
    yield from _measures(baseline["measures"])
    if samples := baseline.get("samples"):
        yield f"  {_samples(samples)}"
    if any(
        item["status"] == "FAIL" for name, item in baseline["measures"].items() if name.startswith("rare")
    ):
        yield f"  FAIL: {LOOKS_THE_SAME}"
    if warning := warn(baseline["measures"]):
        yield f"  WARN: {warning}"
    for name, stratum in baseline["strata"].items():
        yield f"  {plain(name)[:60]}: {stratum['status']}"
        if stratum["status"] == "FAIL":
            failed = {key: item for key, item in stratum["measures"].items() if item["status"] == "FAIL"}
            yield from _measures(failed)


def _templates(found: list[dict[str, Any]]) -> Iterator[str]:
    if found:
        yield "  lines that stand in most documents:"
    for item in found[:_SHOWN_LINES]:
        before = f"  (baseline {item['baseline']:.1%})" if "baseline" in item else ""
        yield f"    {item['share']:6.1%}  {plain(item['text'])[:80]}{before}"


def _measures(measures: dict[str, Any]) -> Iterator[str]:
    if measures:
        yield f"    {'measure':<24}{'here':>11}{'baseline':>11}  change (95% interval)"
    for name, item in measures.items():
        if item["status"] == "unknown":
            continue
        low, high = item["interval"]
        form = "+.1%" if item["relative"] else "+.4f"
        change = f"{item['change']:{form}} ({low:{form}} to {high:{form}})"
        status = "" if item["status"] == "steady" else f"  {item['status']}"
        yield f"    {name:<24}{item['value']:>11.4f}{item['baseline']:>11.4f}  {change:<30}{status}"


def _samples(found: dict[str, Any]) -> str:
    if "note" in found:
        return f"Vendi score and MAUVE: {found['note']}"
    return (
        f"Vendi score of {found['documents']:,} documents {found['vendi']:.1f}, of as many of the baseline "
        f"{found['vendi_baseline']:.1f}; MAUVE {found['mauve']:.3f}"
    )


def warn(measures: dict[str, Any]) -> str:
    """What is said of measures that warn; nothing where none does."""
    said = []
    for name, item in measures.items():
        if item["status"] == "WARN":
            kind = name.removeprefix("novelty_")
            said.append(f"{item['value']:.0%} of the new {kind}")
    if not said:
        return ""
    share = next(item["share"] for item in measures.values() if item["status"] == "WARN")
    return f"{share:.1%} of the words stand in documents that the baseline lacks; those bring {', '.join(said)} that as many of the baseline's would"


def _drift(result: dict[str, Any]) -> Iterator[str]:
    yield f"versions against {plain(result['baseline'])}: {result['status']}"
    names = (
        "rare_coverage_words",
        "rare_coverage_pairs",
        "rare_coverage_triples",
        "types_words",
        "unseen_mass_words",
        "novelty_words",
    )
    yield "  " + "".join(f"{name:>23}" for name in names) + "  status"
    for version in result["versions"]:
        found = version["diversity"].get("baseline", {}).get("measures", {})
        cells = [
            f"{found[name]['change']:+.1%}" if found.get(name, {}).get("change") is not None else "-"
            for name in names
        ]
        status = version["status"] or "baseline"
        yield "  " + "".join(f"{cell:>23}" for cell in cells) + f"  {status}  {plain(version['dataset'])}"


def _share(item: dict[str, Any]) -> str:
    low, high = item["interval"]
    return f"{item['share']:6.1%} ({low:6.1%} to {high:6.1%})"


def _value(item: dict[str, Any]) -> str:
    low, high = item["interval"]
    return f"{item['value']:8.4f} ({low:.4f} to {high:.4f})"
