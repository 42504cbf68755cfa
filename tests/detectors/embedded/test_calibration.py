"""What a calibration promises: bounded ratios, abstention, and a false-positive rate that holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.detectors.embedded import conformal
from provenance.detectors.embedded.calibration import (
    BUCKETS,
    LEVELS,
    Calibration,
    CalibrationError,
    bin_of,
    bucket,
    fit_line,
    limit_documents,
    load_calibration,
    parse_calibration,
    read_calibration,
)


def _toy() -> Calibration:
    lines = {"en": [(0.5, 1.0)] * len(BUCKETS)}
    thresholds = {"en": [[5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.5]] * len(BUCKETS)}
    return Calibration("1", "toy", lines, thresholds, {"en": 0.3}, provenance={"from": "a test"})


def test_ratio_is_the_line_clipped_to_its_bounds() -> None:
    ratios, abstained = _toy().ratios([0.0, 1.0, 90.0, -90.0], [200] * 4, ["en"] * 4, [1.0] * 4)
    assert ratios.tolist() == [0.5, 1.5, 4.0, -4.0]
    assert not abstained.any()


def test_short_unknown_and_strange_documents_are_abstained_on() -> None:
    ratios, abstained = _toy().ratios(
        [9.0] * 4, [59, 500, 500, 500], ["en", "xx", None, "en"], [1, 1, 1, 0.1]
    )
    assert abstained.all()
    assert not ratios.any()


def test_cutoff_is_that_of_the_next_stricter_level() -> None:
    toy = _toy()
    assert toy.cutoffs([200], ["en"], 0.01)[0] == 2.0
    assert toy.cutoffs([200], ["en"], 0.015)[0] == 2.0
    assert toy.cutoffs([200], ["en"], LEVELS[0] / 2)[0] == np.inf
    assert toy.cutoffs([50], ["en"], 0.01)[0] == np.inf
    with pytest.raises(ValueError, match="between 0 and 1"):
        toy.cutoffs([200], ["en"], 1.0)


def test_a_file_reads_back_as_written(tmp_path: Path) -> None:
    _toy().save(tmp_path / "c.json")
    again = read_calibration(tmp_path / "c.json")
    assert again.ratios([1.0], [300], ["en"], [1.0])[0][0] == 1.5
    assert again.provenance == {"from": "a test"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 1}', '{"format": 2, "bounds": [0, 1], "lines": {}}']
)
def test_what_is_not_a_calibration_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="mine"):
        parse_calibration(text, "mine.json")


def test_shipped_calibration_has_bounded_slopes_and_falling_thresholds() -> None:
    shipped = load_calibration()
    assert "en" in shipped.languages()
    assert shipped.provenance["files"]
    for language in shipped.languages():
        slopes = np.array(shipped.lines[language])[:, 1]
        assert (slopes >= 0).all() and (slopes <= 2).all()
        assert (np.diff(np.array(shipped.thresholds[language]), axis=1) <= 0).all()
    assert max(map(abs, shipped.bounds)) <= 5


def test_fitted_line_recovers_a_known_likelihood_ratio() -> None:
    random = np.random.RandomState(3)
    synthetic = np.arange(20000) % 4 == 0  # one in four: the line must not learn the share
    scores = random.normal(np.where(synthetic, 1.0, -1.0), np.sqrt(2.0))
    intercept, slope = fit_line(scores, synthetic, np.ones(len(scores)), max_slope=3.0)
    assert abs(slope - 1.0) < 0.05
    assert abs(intercept) < 0.05


def test_slope_stays_in_its_bounds_on_separable_and_on_reversed_scores() -> None:
    synthetic = np.array([False] * 50 + [True] * 50)
    scores = np.linspace(-5, 5, 100)
    assert fit_line(scores, synthetic, np.ones(100), max_slope=1.5)[1] == 1.5
    assert fit_line(-scores, synthetic, np.ones(100), max_slope=1.5)[1] == 0.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31 - 1), st.sampled_from([0.01, 0.02, 0.05, 0.1]), st.integers(120, 2000))
def test_conformal_bound_never_exceeds_the_level_and_flags_its_own_sample_less(
    seed: int, level: float, size: int
) -> None:
    random = np.random.RandomState(seed)
    scores = random.standard_t(3, size)
    histograms = conformal.count(scores, np.full(size, 300), ["en"] * size)
    table = conformal.thresholds(histograms, _toy(), level)
    row = next(row for row in table if row.bucket == bucket(np.array([300]))[0])
    assert row.bound <= level
    assert row.documents == size
    flagged = conformal.flag(scores, np.full(size, 300), ["en"] * size, table)
    assert (flagged.sum() + 1) / (size + 1) == pytest.approx(row.bound)


def test_conformal_false_positive_rate_holds_on_average_for_any_score() -> None:
    random = np.random.RandomState(7)
    rates = []
    for _ in range(200):
        human = random.lognormal(0.0, 1.5, 150)
        fresh = random.lognormal(0.0, 1.5, 2000)
        table = conformal.thresholds(conformal.count(human, np.full(150, 120), ["en"] * 150), _toy(), 0.05)
        rates.append(conformal.flag(fresh, np.full(2000, 120), ["en"] * 2000, table).mean())
    assert np.mean(rates) <= 0.05 + 3 * np.std(rates) / np.sqrt(len(rates))


def test_too_few_documents_fall_back_on_the_shipped_calibration_by_name() -> None:
    table = conformal.thresholds(conformal.count([9.0] * 98, [300] * 98, ["en"] * 98), _toy(), 0.01)
    assert {row.source for row in table} == {"shipped calibration 1"}
    assert all(row.score == 2.0 for row in table)
    assert conformal.flag([2.5, 1.5], [300, 300], ["en", "en"], table).tolist() == [True, False]


def test_histograms_add_up_over_shards_in_any_order() -> None:
    random = np.random.RandomState(1)
    scores, words = random.normal(0, 3, 500), random.randint(50, 900, 500)
    languages = [["en", "fr", None][i % 3] for i in range(500)]
    parts = [conformal.count(scores[i::4], words[i::4], languages[i::4]) for i in range(4)]
    whole = conformal.count(scores, words, languages)
    for order in (parts, parts[::-1]):
        merged = conformal.merge(order)
        assert merged.keys() == whole.keys()
        assert all((merged[key] == whole[key]).all() for key in whole)


def test_limits_are_what_the_crawls_humans_allow() -> None:
    histograms = conformal.count([3.0] * 50 + [-3.0] * 49, [300] * 99, ["en"] * 99)
    asked = ([3.0, -3.0, 8.0, 3.0], [300] * 4, ["en", "en-GB", "EN", "fr"])
    p = conformal.p_values(histograms, *asked)
    assert p.tolist() == pytest.approx([0.51, 1.0, 0.01, 1.0])
    limits = conformal.limits(*conformal.ranks(histograms, *asked), most=4.0)
    assert limits.tolist() == pytest.approx([-np.log(0.51), 0.0, np.log(100), np.inf])


def test_few_documents_limit_nothing_rather_than_everything() -> None:
    enough = limit_documents(4.0)
    assert enough == 54
    for humans, limit in ((enough - 1, np.inf), (enough, np.log(55))):
        histograms = conformal.count([0.0] * humans, [300] * humans, ["en"] * humans)
        found = conformal.limits(*conformal.ranks(histograms, [5.0], [300], ["en"]), most=4.0)
        assert found[0] == pytest.approx(limit)
        assert found[0] >= 4.0  # above all humans, the sample's size alone takes nothing away


def test_a_document_among_the_humans_is_not_compared_with_itself() -> None:
    """Leave-one-out: the p-values of n exchangeable documents are uniform on 1/n, 2/n, ... 1, as they should be."""
    scores = np.arange(60) / 4 - 7
    histograms = conformal.count(scores, [300] * 60, ["en"] * 60)
    p = conformal.p_values(histograms, scores, [300] * 60, ["en"] * 60, np.ones(60, bool))
    np.testing.assert_allclose(np.sort(p), np.arange(1, 61) / 60)
    fresh = conformal.p_values(histograms, scores, [300] * 60, ["en"] * 60)
    np.testing.assert_allclose(np.sort(fresh), np.arange(2, 62) / 61)


def test_scores_beyond_all_bins_are_never_flagged_by_too_high_humans() -> None:
    table = conformal.thresholds(conformal.count([40.0] * 200, [300] * 200, ["en"] * 200), _toy(), 0.01)
    assert not conformal.flag([40.0, 39.0], [300] * 2, ["en"] * 2, table).any()
    assert next(row for row in table if row.documents == 200).bound <= 0.01


def test_languages_of_any_spelling_are_read_as_their_base_language() -> None:
    spelled = ["en", "EN", "en-US", " en_gb ", "eng", "xx", "", None]
    _, abstained = _toy().ratios([1.0] * 8, [200] * 8, spelled, [1.0] * 8)
    assert abstained.tolist() == [False] * 4 + [True] * 4
    assert np.isfinite(_toy().cutoffs([200] * 8, spelled, 0.01)).tolist() == [True] * 4 + [False] * 4


def test_a_files_humans_limit_its_ratios(tmp_path: Path) -> None:
    humans = {"en": [[], [], [(bin_of([2.0])[0].item(), 60)], [(bin_of([2.0])[0].item(), 10)], []]}
    limited = replace(_toy(), humans=humans)
    limited.save(tmp_path / "c.json")
    again = read_calibration(tmp_path / "c.json", "toy")
    ratios, _ = again.ratios([2.0, 3.0, 2.0], [200, 200, 300], ["en"] * 3, [1.0] * 3)
    assert ratios.tolist() == pytest.approx([0.0, 3.5, 2.5])  # 61 of 61 reach 2; ten documents limit nothing


def test_a_file_for_another_detector_is_refused_by_name(tmp_path: Path) -> None:
    _toy().save(tmp_path / "mine.json")
    with pytest.raises(CalibrationError, match=r"mine\.json: was made for detector toy, this program has 2"):
        read_calibration(tmp_path / "mine.json", "2")
    with pytest.raises(CalibrationError, match="nowhere"):
        read_calibration(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("bounds", [-4.0, 1e9]),
        ("bounds", [1.0, 2.0]),
        ("lines", {"en": [[0.0, float("nan")]] * len(BUCKETS)}),
        ("lines", {"en": [[0.0, -1.0]] * len(BUCKETS)}),
        ("lines", {"fr": [[0.0, 1.0]] * len(BUCKETS)}),
        ("humans", {"en": [[[99999, 1]], [], [], []]}),
        ("humans", {"en": [[]]}),
        ("detector", 3),
        ("floors", {"en": "low"}),
    ],
)
def test_a_file_with_numbers_out_of_bounds_is_refused(tmp_path: Path, where: str, value: object) -> None:
    _toy().save(tmp_path / "c.json")
    stored = json.loads((tmp_path / "c.json").read_text())
    (tmp_path / "c.json").write_text(json.dumps({**stored, where: value}))
    with pytest.raises(CalibrationError, match=r"c\.json: not a calibration file"):
        read_calibration(tmp_path / "c.json")
