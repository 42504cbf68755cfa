"""The share at every step is the certified one, inside an interval that the probabilities allow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.decisions.request import CapRequest
from provenance.files.storage import LocalStorage
from provenance.release.manifest import read_manifest
from provenance.release.report.shares import (
    add_both,
    list_steps,
    lower_probability,
    measure_both,
    share_of,
)
from provenance.release.report.statistics import gather_statistics
from tests.program import DEMO, run

REQUEST = CapRequest("0.1")
PROBABILITIES = st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32))


def documents(probability: list[float], upper: list[float], tokens: int = 100) -> pa.Table:
    return pa.table(
        {
            "token_count": pa.array([tokens] * len(probability), pa.int32()),
            "synthetic_probability": pa.array(probability, pa.float32()),
            "synthetic_probability_upper": pa.array(upper, pa.float32()),
        }
    )


def test_a_probability_is_at_least_as_far_below_as_it_is_at_most_above_in_log_odds() -> None:
    low = lower_probability(documents([0.5, 0.2, 0.9], [0.8, 0.2, 0.99]))
    odds = [p / (1 - p) for p in (0.2, 0.2, 0.9 / 0.1 * 0.9 / 0.1 / 99 / (1 + 81 / 99))]
    assert low == pytest.approx([o / (1 + o) for o in odds], rel=1e-5)


@given(st.lists(PROBABILITIES, min_size=1, max_size=20))
def test_it_lies_between_nothing_and_the_probability_itself(pairs: list[tuple[float, float]]) -> None:
    table = documents([min(pair) for pair in pairs], [max(pair) for pair in pairs])
    low = lower_probability(table)
    assert np.all(low >= 0)
    assert np.all(low <= np.asarray(table["synthetic_probability"]) * (1 + 1e-6) + 1e-30)


def test_the_interval_holds_the_share_and_narrows_with_the_number_of_documents() -> None:
    few = share_of(measure_both(documents([0.2] * 20, [0.3] * 20), REQUEST), "tokens")
    many = share_of(measure_both(documents([0.2] * 20_000, [0.3] * 20_000), REQUEST), "tokens")
    assert few is not None and many is not None
    assert few.low < many.low < many.expected == few.expected < many.high < few.high


def test_of_nothing_there_is_no_share() -> None:
    assert share_of(add_both([]), "tokens") is None


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Annotated once; each setting of the cap decides and publishes from it."""
    return tmp_path_factory.mktemp("shares") / "workspace"


@pytest.mark.parametrize("setting", [{"guarantee": "confident", "unit": "documents"}, {"policy": "weights"}])
def test_every_step_says_what_the_manifest_says(
    tmp_path: Path, workspace: Path, setting: dict[str, str]
) -> None:
    config = tmp_path / "cap.yaml"
    lines = [f"  {name}: {value}" for name, value in ({"max_synthetic": "0.05"} | setting).items()]
    kinds = "filters:\n  - {kind: languages, name: english, allow: [en]}\n  - {kind: gopher, name: gopher}"
    config.write_text("\n".join(["cap:", *lines, kinds, "personal_data: {email: drop}"]))
    release = str(tmp_path / "release")
    # A policy of weights drops nothing; whatever it comes to is what the page has to say.
    inputs = (DEMO / "demo-2019.jsonl", DEMO / "demo-2025.warc.gz")
    places = ("--output", release, "--workspace", workspace)
    assert run("curate", *inputs, *places, "--config", config, "--quiet").code in (0, 1)
    manifest = read_manifest(LocalStorage(), release)
    found = gather_statistics(LocalStorage(), release, manifest)
    synthetic, filters = manifest["synthetic"], [item["reason"] for item in manifest["filters"]]
    unit = synthetic["unit"]
    steps = list_steps(found.by_reason, filters, unit, found.published)
    shares = [step.share for step in steps if step.share is not None]
    assert len(shares) == len(steps) == 2 + len(filters) + 1
    stated = [manifest["filters"][0]["before"], *(item["after"] for item in manifest["filters"])]
    stated += [synthetic["before"]["fractions"], synthetic["fractions"]]
    units = [unit] * (len(stated) - 1) + ["sampled" if "sampled" in synthetic["sums"] else unit]
    assert [share.expected for share in shares] == [
        item["expected"][name] for item, name in zip(stated, units, strict=True)
    ]
    assert [share.high for share in shares] == [
        item["confident"][name] for item, name in zip(stated, units, strict=True)
    ]
    assert shares[-1].expected == synthetic["claimed"]
    assert all(share.low <= share.expected <= share.high for share in shares)
    assert sum(step.dropped for step in steps) + steps[-1].documents == steps[0].documents
