"""The card says what the manifest says, and names from the crawl cannot break it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from provenance.release.card import build_card as build
from provenance.release.card import describe_cost
from provenance.schema import LEDGER, RELEASE
from tests.release.described import schemas_of, tables_of


def build_card(manifest: dict[str, Any]) -> str:
    return build(manifest, {"data": RELEASE, "ledger": LEDGER})


@pytest.fixture
def manifest(demo_release: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((demo_release / "manifest.json").read_text(encoding="utf-8"))
    return copy.deepcopy(found)


def test_a_release_has_the_card_of_its_manifest(demo_release: Path, manifest: dict[str, Any]) -> None:
    card = build(manifest, schemas_of(demo_release))
    assert (demo_release / "README.md").read_text(encoding="utf-8") == card
    assert build(tables_of(manifest), schemas_of(demo_release)) == card


def test_the_header_is_what_datasets_reads(manifest: dict[str, Any]) -> None:
    header = yaml.safe_load(build_card(manifest).split("---")[1])
    assert {item["config_name"]: item["data_files"] for item in header["configs"]} == {
        "default": "data/*.parquet",
        "ledger": "_ledger/*.parquet",
    }


def test_every_reason_stands_in_the_table_with_its_count_and_meaning(manifest: dict[str, Any]) -> None:
    card = build_card(manifest)
    for key, count in manifest["counts"]["reasons"].items():
        decision, reason = key.split(":")
        (line,) = [
            line for line in card.splitlines() if line.startswith(f"| {decision} | {reason} | {count:,} |")
        ]
        assert len(line.split("|")[4].strip()) > 5


def test_a_cap_that_does_not_hold_is_not_hidden(manifest: dict[str, Any]) -> None:
    manifest["synthetic"] |= {"holds": False, "note": "not certified: 0.031200 above the cap"}
    assert "\nNot certified: 0.031200 above the cap.\n" in build_card(manifest)


def test_asked_claimed_and_found_stand_side_by_side(manifest: dict[str, Any]) -> None:
    card = build_card(manifest)
    cap = manifest["synthetic"]["max_synthetic"]
    asked = card.index(
        f"| asked | at most {cap} of the tokens (expected share, with 0.8 of the way to its upper bound as a margin) |"
    )
    assert asked < card.index("\n| claimed | 0.") < card.index("\n| found | 0.")


def test_a_cap_on_what_was_found_says_so(manifest: dict[str, Any]) -> None:
    manifest["synthetic"]["guarantee"] = "hard"
    assert "it bounds only what was found" in build_card(manifest)


def test_many_inputs_are_counted_and_odd_names_stay_in_their_span(manifest: dict[str, Any]) -> None:
    odd = {"name": "a`b\n# heading\x1b[2J", "bytes": 1}
    manifest["inputs"] = [odd] + [{"name": f"{k}.warc", "bytes": 1000} for k in range(80)]
    card = build_card(manifest)
    assert "- and 31 more, listed in manifest.json" in card
    assert "\n# heading" not in card and "\x1b" not in card
    assert "- `a\N{REPLACEMENT CHARACTER}b" in card


def test_the_cost_of_a_neural_detector_is_told_with_its_band() -> None:
    item = {"name": "n", "asked": 25, "documents": 200, "band": [-2.0, 1.5]}
    assert describe_cost(item) == (
        "n: asked about 25 of 200 texts (12.5%), where the embedded ratio is in -2 to +1.5 nats"
    )
    assert describe_cost(item | {"band": None, "documents": 0, "asked": 0}).endswith("(0.0%), always")


def test_the_summary_of_training_content_has_the_synthetic_share_and_the_reservations(
    manifest: dict[str, Any],
) -> None:
    manifest["counts"]["reasons"]["dropped:opt_out"] = 7
    manifest["configuration"]["rights"]["policy"] = "exclude"
    manifest["contents"]["records"]["sources"][0]["value"] = "a|b`c\n"
    card = build_card(manifest)
    section = card[card.index("Article 53(1)(d)") :]
    share = manifest["synthetic"]["fractions"]["expected"]["tokens"]
    assert f"an expected {share:.2%} were written by machines" in section
    assert "are dropped: 7 dropped" in section
    assert "`a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}`" in section


def test_the_card_says_whose_it_is_and_whom_to_ask(manifest: dict[str, Any]) -> None:
    last = manifest["contents"]["records"]["captured"]["last"]
    assert (
        f"Version `1`, dated by its latest capture, {last}. It is not stated who publishes it"
        in build_card(manifest)
    )
    about = manifest["configuration"]["about"]
    about |= {"publisher": "Example `Ltd`", "contact": "rights@example.org", "date": "2026-11-26"}
    card = build_card(manifest)
    assert (
        "Version `1`, 2026-11-26, published by `Example \ufffdLtd\ufffd`. Questions and requests for removal: `rights@example.org`."
        in card
    )
