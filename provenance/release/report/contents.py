"""What the page says of one release, as plain values: the manifest's numbers, and what the ledger and the data add.

Where the manifest has a number, that one is shown; nothing here is estimated anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from provenance import outcomes
from provenance.decisions.request import MILLION
from provenance.decisions.tail import describe_tail
from provenance.files.about import About
from provenance.files.storage import Storage, join, read_bytes
from provenance.release.report.cost import cost_of
from provenance.release.report.figures import draw_costs, draw_years, share_axis
from provenance.release.report.flow import Branch, Station, draw_flow
from provenance.release.report.published import CLUSTERS
from provenance.release.report.samples import SAMPLES
from provenance.release.report.shares import Step, add_both, list_steps, share_of
from provenance.release.report.statistics import BINS, Statistics, gather_statistics, reasons_by_decision
from provenance.release.standards.origin import who_answers

#: Rows of tables that a configuration or a crawl can make long.
_MOST = 15
#: Names of steps and branches for people; a filter of the configuration has its own.
_NAMES = {
    "read": "all text that was read",
    "removed": "removal requests",
    "opt_out": "opt-outs",
    "personal_data": "personal data",
    "earlier_release": "what earlier releases hold",
    "duplicate": "near-duplicates",
    "synthetic_cap": "the cap",
}


def read_contents(
    storage: Storage,
    release: str,
    manifest: Mapping[str, Any],
    samples: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Everything that the page of a release says, from the release alone; `samples` None: those that lie there."""
    if samples is None and any(item["path"] == SAMPLES for item in manifest["files"]):
        samples = json.loads(read_bytes(storage, join(release, SAMPLES)))
    return describe_release(manifest, gather_statistics(storage, release, manifest), samples or ())


def describe_release(
    manifest: Mapping[str, Any], found: Statistics, samples: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The values of the page; `samples` are those of `samples.draw_samples`."""
    synthetic, counts = manifest["synthetic"], manifest["counts"]
    filters = [item["reason"] for item in manifest["filters"]]
    steps = list_steps(found.by_reason, filters, synthetic["unit"], found.published)
    return {
        "manifest": manifest,
        "title": _title(manifest),
        "who_answers": who_answers(dict(manifest)),
        "counts": counts,
        "synthetic": synthetic,
        "share": steps[-1].share,
        "steps": _steps(steps, synthetic),
        "axis": share_axis(max([step.share.high for step in steps if step.share], default=0.0)),
        "flow": draw_flow(_stations(manifest, found, filters)),
        "reasons": _reasons(manifest),
        "bins": _bins(found),
        "hosts": [_valued(row) for row in found.values["host"]],
        "hosts_complete": found.hosts_complete,
        "languages": [_valued(row) for row in found.values["language"]],
        "sources": [_valued(row) for row in found.values["source"]],
        "domains": found.values["domain"],
        "licenses": found.values["license"],
        "years": draw_years(found.data.years),
        "data": found.data,
        "signals": sorted(found.data.signals.items(), key=lambda row: (row[0][0], -row[1], row[0][1])),
        "clusters": list(zip(_ranges(CLUSTERS), found.data.clusters, strict=True)),
        "costs": _costs(steps),
        "detector": manifest["detector"],
        "priors": manifest["prior"]["strata"][:_MOST],
        "parts_listed": synthetic["parts"][:_MOST],
        "inputs": manifest["inputs"][:_MOST],
        "labels": manifest.get("labels"),
        "tail": describe_tail(manifest["tail"]) if "tail" in manifest else None,
        "samples": _grouped(samples),
        "samples_asked": manifest["configuration"]["release"].get("samples", True),
    }


def name_of(key: str) -> str:
    """A step's name for people."""
    return _NAMES.get(key, key.replace(outcomes.FILTER, "filter "))


def _title(manifest: Mapping[str, Any]) -> str:
    """The publisher's title; a question where there is none but the default."""
    title = str(manifest["configuration"]["about"]["title"])
    return "What is in this dataset" if title == About().title else title


def _steps(steps: Sequence[Step], synthetic: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps in words; the cap's own is the last."""
    said = []
    for step in steps:
        name = "all text that was read" if step.key == "read" else f"after {name_of(step.key)}"
        row = asdict(step) | {"name": name, "cost": None}
        if step.share is not None:
            row["cost"] = cost_of(step.share.expected)
        said.append(row)
    said[-1]["name"] = "published" + (
        ", as sampled" if "sampled" in synthetic["fractions"]["expected"] else ""
    )
    return said


def _stations(manifest: Mapping[str, Any], found: Statistics, filters: Sequence[str]) -> list[Station]:
    """The stations of the flow, in documents."""
    counts, dropped = manifest["counts"], reasons_by_decision(manifest)
    ways = {name: both["expected"]["documents"]["documents"] for name, both in found.by_reason.items()}
    text = sum(ways.values())
    empty = (
        Branch("failed", "could not be read", counts["failed"]),
        Branch("empty", "held no text", counts["records"] - counts["failed"] - text),
    )
    stations = [Station("records read", counts["records"], None, empty)]
    left, passed = sorted(ways), text
    groups = [("documents with text", filters)] * bool(filters)
    earlier = ["earlier_release"] * (dropped["dropped", "earlier_release"] > 0)
    groups.append(("passed the filters" if filters else "documents with text", [*earlier, "duplicate"]))
    groups.append(("unlike each other", ["synthetic_cap"]))
    for name, keys in groups:
        first, at_first, branches = passed, _share_by_document(found, left), []
        for key in keys:
            left = [other for other in left if other != key]
            passed -= dropped["dropped", key]
            kind = {"earlier_release": "duplicate", "duplicate": "duplicate", "synthetic_cap": "cap"}.get(
                key, "filter"
            )
            after = _share_by_document(found, left)
            branches.append(Branch(kind, name_of(key), dropped["dropped", key], after))
        stations.append(Station(name, first, at_first, tuple(branches)))
    return [*stations, Station("published", passed, _share_by_document(found, left))]


def _share_by_document(found: Statistics, reasons: Sequence[str]) -> float | None:
    share = share_of(add_both([found.by_reason[reason] for reason in reasons]), "documents")
    return share.expected if share else None


def _reasons(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = reasons_by_decision(manifest)
    return [
        {"decision": decision, "reason": reason, "records": number, "meaning": outcomes.meaning(reason)}
        for (decision, reason), number in sorted(found.items(), key=lambda row: (-row[1], row[0]))
    ]


def _bins(found: Statistics) -> list[dict[str, Any]]:
    """The classes of probability, with the share of the tokens read and published that each has."""
    totals = {name: max(sum(counts), 1) for name, counts in found.bins.items()}
    names = [f"{100 * low:g} to {100 * high:g}%" for low, high in zip(BINS, (*BINS[1:], 1.0), strict=True)]
    return [
        {
            "name": name,
            **{key: counts[at] for key, counts in found.bins.items()},
            **{f"{key}_share": counts[at] / totals[key] for key, counts in found.bins.items()},
        }
        for at, name in enumerate(names)
    ]


def _valued(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of sums with its synthetic shares, of what was read and of what was kept."""
    read, kept = row["tokens"], row["kept_tokens"]
    return dict(row) | {
        "share": row["expected"] / (read * MILLION) if read else None,
        "kept_share": row["kept_expected"] / (kept * MILLION) if kept else None,
        "synthetic_tokens": round(row["expected"] / MILLION),
        "kept_synthetic_tokens": round(row["kept_expected"] / MILLION),
    }


def _costs(steps: Sequence[Step]) -> dict[str, Any]:
    ends = [("as read", steps[0].share), ("published", steps[-1].share)]
    known = [(name, share.expected) for name, share in ends if share is not None]
    return {"curve": draw_costs(known), "known": [(name, share, cost_of(share)) for name, share in known]}


def _ranges(edges: Sequence[int]) -> list[str]:
    """Names of classes of whole numbers by their lower ends."""
    names = []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        names.append(
            f"{low:,} and more"
            if high is None
            else f"{low:,}"
            if high == low + 1
            else f"{low:,} to {high - 1:,}"
        )
    return names


def _grouped(samples: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Samples by decision: those kept first, then those dropped and failed, by reason."""
    groups: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for sample in samples:
        order = {"kept": 0, "dropped": 1}.get(sample["decision"], 2)
        groups.setdefault((order, sample["reason"] or sample["decision"]), []).append(sample)
    return [(name, groups[order, name]) for order, name in sorted(groups)]
