"""JSON Schema of the sections of a manifest on the cap: sums, what was certified, what filters did to it, rare words."""

from __future__ import annotations

from typing import Any

from provenance.release.json_values import COUNT, NAME, NUMBER, SHARE, described, object_


def sums_section() -> dict[str, Any]:
    """What the cap counts, by unit."""
    return object_(
        {unit: {"type": "object", "additionalProperties": COUNT} for unit in ("documents", "tokens")}
    )


def filter_section() -> dict[str, Any]:
    """What one filter dropped, and the synthetic shares before and after it."""
    by_unit = object_({unit: SHARE for unit in ("documents", "tokens")})
    fractions = object_({"hard": by_unit, "expected": by_unit})
    return object_(
        {
            "reason": NAME,
            "dropped": described(sums_section(), "documents that it drops, duplicates too"),
            "before": described(fractions, "of all documents, duplicates too, that reach it"),
            "after": fractions,
        }
    )


def certificate_section() -> dict[str, Any]:
    """The cap: what was asked, claimed and found (docs/cap.md)."""
    by_unit = object_({unit: SHARE for unit in ("documents", "tokens")})
    fractions = object_(dict.fromkeys(("expected", "confident", "hard"), by_unit))
    measured = {"fractions": fractions, "sums": sums_section()}
    return object_(
        {
            "max_synthetic": {"type": "string", "description": "the cap, a decimal number"},
            "guarantee": {"enum": ["expected", "confident", "hard"]},
            "margin": {
                "type": "string",
                "description": "part of the way to the upper bound that `expected` leaves as room, a decimal number",
            },
            "unit": {"enum": ["tokens", "documents"]},
            "threshold": SHARE,
            "policy": {"enum": ["lowest", "sample", "tail", "weights"]},
            "seed": COUNT,
            "exponent": {"type": ["number", "null"]},
            "strata": {"type": "array", "items": {"type": "object"}},
            "mixture": {"type": ["object", "null"]},
            "tail": {"type": ["object", "null"]},
            "holds": described(
                {"type": "boolean"}, "whether the cap is certified in the sense of its guarantee"
            ),
            "note": {"type": "string", "description": "what is certified, and what is not, in words"},
            "claimed": described(SHARE, "expected synthetic share of what is published"),
            "claimed_at_most": described(SHARE, "what it is at most, with 95% confidence"),
            "found": described(SHARE, "share of documents at or above the threshold"),
            "published_fraction": described(SHARE, "in the sense of the guarantee, with its margin"),
            "exceeded_by": NUMBER,
            **measured,
            "before": object_(measured),
            "parts": {"type": "array", "items": object_(_part())},
            "parts_in_all": COUNT,
            "selection": object_(_selection()),
        }
    )


def tail_section() -> dict[str, Any]:
    """Rare words, and what of them is lost (docs/cap.md)."""
    return object_(
        {
            "rare_words": described(
                COUNT, "words that one document of the crawl alone holds, from the sample"
            ),
            "sampled": described(COUNT, "those of them that were sampled"),
            "scale": described(COUNT, "how many words each of these stands for"),
            "lost_by_cap": described(SHARE, "share whose document the cap drops"),
            "lost_by_filters": described(SHARE, "share whose document a filter drops"),
            "lost_low_background": described(SHARE, "share whose document is dropped and low-background"),
            "most_lost": {
                "type": ["number", "null"],
                "description": "bound of `lost_by_cap` that was asked; null: none",
            },
            "holds": described({"type": "boolean"}, "whether `lost_by_cap` is within it"),
        }
    )


def _part() -> dict[str, Any]:
    """A part of the release with a cap of its own."""
    return {
        "by": {"type": "string", "description": "what divides the release, or `mixture`"},
        "value": {"type": "string"},
        "max_synthetic": SHARE,
        "weight": described(COUNT, "published, in the unit of the cap"),
        "weight_before": COUNT,
        "fraction": described(NUMBER, "published, in the sense of the guarantee, with its margin"),
        "fraction_before": NUMBER,
        "exceeded_by": NUMBER,
    }


def _selection() -> dict[str, Any]:
    """How documents were chosen."""
    gap = "share of the weight that the best selection could keep beyond this one; null: not known"
    over = "caps that documents which are never dropped exceed alone"
    least = "least synthetic share, as the cap counts it, of documents above a cap; null: none is above one"
    return {
        "gap": {"type": ["number", "null"], "description": gap},
        "exponent": {"type": ["number", "null"], "description": "of policy weights"},
        "factors": {"type": ["object", "null"], "description": "sampling weight by part of the mixture"},
        "exceeded_by_proven": {"type": "array", "items": {"type": "string"}, "description": over},
        "least_share": {"type": ["number", "null"], "description": least},
    }
