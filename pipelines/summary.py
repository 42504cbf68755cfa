"""The table that closes a job: what went in, what became of it, and how fast."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from provenance.decisions.certificate import asked_and_found
from provenance.decisions.tail import describe_tail
from provenance.errors import plain
from provenance.release.card import describe_cost
from provenance.release.proof import describe_proof
from provenance.release.times import describe_times

if TYPE_CHECKING:
    from pipelines.job import StageResult
    from provenance.files.failures import Failure


#: Reasons for failures that are shown: the rest is in the ledger.
_REASONS = 3


def print_summary(
    release: str,
    manifest: dict[str, Any],
    stages: Sequence[StageResult],
    failures: Sequence[Failure],
    as_json: bool,
) -> None:
    """Print counts, synthetic share and throughput of a finished release on standard output."""
    counts, synthetic = manifest["counts"], manifest["synthetic"]
    seconds = sum(stage.seconds for stage in stages)
    if as_json:
        timing = {stage.stage: round(stage.seconds, 3) for stage in stages}
        found = {
            "release": release,
            "counts": counts,
            "failures": [asdict(failure) for failure in failures[:_REASONS]],
            **{name: manifest[name] for name in ("filters", "earlier", "proof", "passed_over", "times")},
            "synthetic": synthetic,
            "tail": manifest["tail"],
            "seconds": timing,
        }
        print(json.dumps(found, indent=1))
        return
    reasons = counts["reasons"]
    size = sum(item["bytes"] for item in manifest["inputs"])
    rows = [
        ("records in", counts["records"]),
        ("  failed", counts["failed"]),
        *((f"    {failure.reason}", failure.records) for failure in failures[:_REASONS]),
        (
            "  no document",
            _sum(reasons, "redirect http_error not_text revisit segment bookkeeping site_file"),
        ),
        ("  empty", _sum(reasons, "empty")),
        *((f"  {name}", reasons.get(f"dropped:{name}", 0)) for name in _filters(manifest)),
        ("  duplicates", _sum(reasons, "duplicate")),
        *([("  in earlier releases", _sum(reasons, "earlier_release"))] if _against(manifest) else []),
        ("  dropped by the cap", _sum(reasons, "synthetic_cap")),
        ("  kept", counts["kept"]),
    ]
    meaning = {f"    {failure.reason}": f"  {failure.meaning}" for failure in failures}
    print(f"\n{release}: {counts['kept']:,} documents, {counts['tokens']:,} tokens\n")
    for name, value in rows:
        print(f"{name:<24}{value:>12,}{meaning.get(name, '')}")
    print(f"\n{describe_proof(manifest['proof'])}")
    print()
    for number, line in enumerate(describe_times(manifest["times"])):
        print(f"{'times' if number == 0 else '':<6} {plain(line)}")
    _print_filters(manifest)
    _print_shares(synthetic)
    print(f"rare words: {describe_tail(manifest['tail'])}")
    found, strata = manifest["detector"]["documents"], manifest["prior"]["strata"]
    print(
        f"detector, by {manifest['detector']['calibration']}: judged {found['judged']:,}, flagged {found['flagged']:,}, "
        f"limited {found['limited']:,} by old documents; {len(strata):,} {'prior' if len(strata) == 1 else 'priors'} estimated"
    )
    for item in manifest["detector"]["neural"]:
        print(f"neural detector {describe_cost(item)}")
    if seconds > 0:
        print(
            f"\n{seconds:.1f} s, {counts['records'] / seconds:,.0f} records/s, {size / 1e6 / seconds:,.1f} MB/s of input"
        )


def _against(manifest: dict[str, Any]) -> bool:
    """Whether documents were compared with those of an earlier release."""
    return any(item["role"] == "against" for item in manifest["earlier"])


def _filters(manifest: dict[str, Any]) -> list[str]:
    """Reasons of the filters, in their order."""
    return [item["reason"] for item in manifest["filters"]]


def _print_filters(manifest: dict[str, Any]) -> None:
    """What each filter did to the synthetic share."""
    unit = manifest["synthetic"]["unit"]
    if manifest["filters"]:
        print(f"\n{f'expected share of {unit}':<24}{'before':>12}{'after':>12}")
    for item in manifest["filters"]:
        before, after = (item[side]["expected"][unit] for side in ("before", "after"))
        print(f"  {item['reason']:<22}{before:>12.4f}{after:>12.4f}")


def _print_shares(synthetic: dict[str, Any]) -> None:
    """What was asked, claimed and found."""
    unit, before = synthetic["unit"], synthetic["before"]["fractions"]
    print(f"\nsynthetic share of {unit:<10}{'before the cap':>16}{'published':>12}")
    found_as = f"found (p >= {synthetic['threshold']:g})"
    for name, text in (("expected", "expected"), ("confident", "at most, at 95%"), ("hard", found_as)):
        print(f"  {text:<26}{before[name][unit]:>16.4f}{synthetic['fractions'][name][unit]:>12.4f}")
    for name, text in asked_and_found(synthetic):
        print(f"{name:<8} {text}")
    print(
        f"{'certified' if synthetic['holds'] else 'NOT CERTIFIED'}: {synthetic['note'].removeprefix('not certified: ')}"
    )


def _sum(reasons: dict[str, int], names: str) -> int:
    return sum(
        count for key, count in reasons.items() if key.startswith("dropped:") and key[8:] in names.split()
    )
