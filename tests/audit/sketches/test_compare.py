"""A comparison raises no alarm where nothing changed, and one for the tail before averages move."""

from __future__ import annotations

import pyarrow as pa
import pytest

from provenance.audit.sketches.compare import FAIL, STEADY, UNKNOWN, compare
from provenance.audit.sketches.sketch import STRATUM_CAPACITY, Sketch
from tests.audit.made import documents, forgetful

_ZIPF = {"vocabulary": 30_000, "exponent": 1.15}


def _sketch(texts: list[str]) -> Sketch:
    sketch = Sketch(STRATUM_CAPACITY)
    sketch.add(pa.array(texts, pa.large_string()))
    return sketch


@pytest.fixture(scope="module")
def baseline() -> Sketch:
    return _sketch(documents(1500, 1, **_ZIPF))


@pytest.mark.parametrize("seed", range(10, 20))
def test_another_sample_of_the_same_source_raises_no_alarm(baseline: Sketch, seed: int) -> None:
    found = compare(_sketch(documents(700 + 100 * (seed % 5), seed, **_ZIPF)), baseline, seed=seed)
    assert found["status"] == STEADY, [n for n, m in found["measures"].items() if m["status"] != STEADY]
    rare = found["measures"]["rare_coverage_words"]
    assert rare["interval"][0] - 0.05 < 0 < rare["interval"][1] + 0.05


@pytest.mark.parametrize("seed", [7, 8, 9, 10])
def test_a_much_smaller_sample_of_the_same_source_is_no_further_away(baseline: Sketch, seed: int) -> None:
    """What sampling adds to a divergence is taken off by parts of the baseline that are as small."""
    found = compare(_sketch(documents(160, seed, **_ZIPF)), baseline)["measures"]
    for name in ("divergence_words", "divergence_pairs"):
        assert abs(found[name]["change"]) < 3 * found[name]["null_band"][1]
        assert found[name]["status"] == STEADY


def test_lost_rare_words_are_an_alarm_while_averages_stand(baseline: Sketch) -> None:
    found = compare(_sketch(forgetful(documents(1500, 30, **_ZIPF), 31, 0.4)), baseline)
    assert found["status"] == FAIL
    measures = found["measures"]
    assert measures["rare_coverage_words"]["status"] == FAIL
    assert measures["rare_coverage_words"]["change"] < -0.1
    assert abs(measures["mattr"]["change"]) < 0.02
    kept = [item["coverage"] / item["baseline"] for item in found["coverage"]["words"]]
    assert kept[0] < kept[-1]


def test_what_both_hold_does_not_count_as_covered(baseline: Sketch) -> None:
    """Half of it is the baseline itself and half has lost its tail: the loss must show, and nothing more."""
    old, new = documents(1500, 1, **_ZIPF), forgetful(documents(1500, 40, **_ZIPF), 41, 0.9)
    change = compare(_sketch(old[:750] + new[:750]), baseline)["measures"]["rare_coverage_words"]["change"]
    assert -0.6 < change < -0.05


def test_a_looser_tolerance_lets_pass_what_failed(baseline: Sketch) -> None:
    poorer = _sketch(forgetful(documents(1500, 50, **_ZIPF), 51, 0.4))
    strict = compare(poorer, baseline)["measures"]["rare_coverage_words"]
    loose = compare(poorer, baseline, {"rare_coverage_words": 0.9})["measures"]["rare_coverage_words"]
    assert (strict["status"], loose["status"]) == (FAIL, "changed")
    assert strict["change"] == loose["change"]


def test_copies_are_an_alarm_of_their_own(baseline: Sketch) -> None:
    texts = documents(1000, 60, **_ZIPF)
    found = compare(_sketch(texts + texts[:300]), baseline)["measures"]["repeated_documents"]
    assert found["status"] == FAIL
    assert found["change"] > 0.05


def test_too_little_text_is_said_to_be_unknown(baseline: Sketch) -> None:
    found = compare(_sketch(documents(20, 70)), baseline)
    assert found["status"] == UNKNOWN
    assert "the dataset has fewer than" in found["note"]


def test_equal_inputs_give_equal_results(baseline: Sketch) -> None:
    other = _sketch(documents(500, 80, **_ZIPF))
    assert compare(other, baseline) == compare(other, baseline)
