"""One document's whole story as a page: what became of it, from where it is, every piece of evidence, its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provenance import outcomes
from provenance.release.explain import digest_of, witness_of
from provenance.release.report.page import render


def tell_stories(explanations: Sequence[Mapping[str, Any]]) -> bytes:
    """HTML for the results of `explain.explain`, one after the other."""
    stories = [
        {
            "document": None,
            "kept_in_its_place": None,
            "cap": None,
            **found,
            "meaning": outcomes.meaning(found["ledger"]["reason"] or ""),
            "pieces": _pieces(found),
            "witness": witness_of(found["ledger"]),
            "digest": digest_of(document)
            if (document := found.get("document")) and document["payload_digest"]
            else "",
        }
        for found in explanations
    ]
    return render("explain.html", {"stories": stories})


def _pieces(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Prior, evidence and their sum, each with the place of its bar: percent of a scale that the longest one fills."""
    if "prior_log_odds" not in found:
        return []
    evidence = found["ledger"]["evidence"] or []
    total = found["prior_log_odds"] + found["evidence_log_odds"]
    pieces = [{"source": "prior", "llr": found["prior_log_odds"], "because": found["prior_because"] or ""}]
    pieces += [{name: item[name] for name in ("source", "llr", "because")} for item in evidence]
    pieces.append({"source": "together", "llr": total, "because": "the log-odds of the probability"})
    longest = max(abs(item["llr"]) for item in pieces) or 1.0
    for item in pieces:
        item["width"] = 50 * abs(item["llr"]) / longest
        item["x"] = 50 - (item["width"] if item["llr"] < 0 else 0)
    return pieces
