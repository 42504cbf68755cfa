"""`provenance calibrate`: what a calibration file may say follows from the documents it was made from."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from provenance.calibrate.embedded import FEWEST_EACH, CalibrateError, Sample, calibrate, fit
from provenance.detectors.embedded import score_texts
from provenance.detectors.embedded.calibration import (
    BUCKETS,
    Calibration,
    limit_documents,
    load_calibration,
)
from provenance.detectors.embedded.model import load_model
from tests.program import run


@pytest.fixture(scope="module")
def pool(shared: Path) -> pd.DataFrame:
    """English passages that the detector was not trained on."""
    pool = pd.read_parquet(shared / "data" / "detector" / "pool_val.parquet")
    return pool[pool.language == "en"].reset_index(drop=True)


def sample(scores: Any, synthetic: Any, words: int = 300, language: str = "en") -> Sample:
    n = len(scores)
    return Sample(
        np.asarray(scores, float),
        np.full(n, words),
        np.ones(n),
        np.array([language] * n, dtype=object),
        np.asarray(synthetic, bool),
        np.zeros(n, np.uint64),
    )


def labelled(calibration: Calibration, language: str = "en") -> dict[int, dict[str, Any]]:
    return {row["words_from"]: row for row in calibration.provenance["strata"] if row["language"] == language}


def test_lines_of_labelled_documents_are_their_log_likelihood_ratio() -> None:
    random = np.random.RandomState(2)
    synthetic = np.arange(4000) % 5 == 0
    made = fit(sample(random.normal(np.where(synthetic, 1.0, -1.0), np.sqrt(2.0)), synthetic, language="xx"))
    ratios, abstained = made.ratios([-2.0, 0.0, 2.0], [300] * 3, ["xx"] * 3, [1.0] * 3)
    assert not abstained.any()
    np.testing.assert_allclose(ratios, [-2.0, 0.0, 2.0], atol=0.25)
    assert made.provenance["auroc"]["xx"] == pytest.approx(0.84, abs=0.03)
    assert made.lines["en"] == load_calibration().lines["en"]  # of which it was told nothing


def test_useless_scores_get_useless_ratios() -> None:
    random = np.random.RandomState(3)
    made = fit(sample(random.normal(0, 1, 2000), np.arange(2000) % 2 == 0))
    ratios, _ = made.ratios([-3.0, 0.0, 3.0], [300] * 3, ["en"] * 3, [1.0] * 3)
    assert np.abs(ratios).max() < 0.3


def test_human_documents_keep_the_shipped_lines_and_limit_them() -> None:
    shipped = load_calibration()
    made = fit(sample([3.0] * 30 + [-3.0] * 70, [False] * 100))
    assert made.lines == shipped.lines
    asked = ([3.0, 5.0, -3.0], [300] * 3, ["en"] * 3, [1.0] * 3)
    before, after = shipped.ratios(*asked)[0], made.ratios(*asked)[0]
    assert after[0] == pytest.approx(min(before[0], np.log(101 / 31)))
    assert after[1] == pytest.approx(before[1])
    assert after[2] == before[2]
    untouched = made.ratios([3.0], [120], ["en"], [1.0])[0]
    assert untouched == shipped.ratios([3.0], [120], ["en"], [1.0])[0]


@pytest.mark.parametrize("size", [99, 100, 480, 2000])
def test_thresholds_are_proven_by_the_documents_or_shipped(size: int) -> None:
    random = np.random.RandomState(size)
    humans = random.standard_t(3, size)
    made = fit(sample(humans, [False] * size))
    row = labelled(made)[250]
    assert row["human"] == size
    for level, bound in row["bounds"].items():
        cut = made.cutoffs([300], ["en"], float(level))[0]
        assert bound == pytest.approx((1 + (humans > cut).sum()) / (size + 1))
        assert bound <= float(level)
    assert ("0.01" in row["bounds"]) == (size >= 99)
    cuts = np.array(made.thresholds["en"])
    assert (np.diff(cuts, axis=1) <= 0).all()


def test_false_positive_rate_holds_on_new_documents() -> None:
    random = np.random.RandomState(9)
    rates = []
    for _ in range(60):
        made = fit(sample(random.standard_t(3, 200), [False] * 200))
        rates.append((random.standard_t(3, 2000) > made.cutoffs([300], ["en"], 0.05)[0]).mean())
    assert np.mean(rates) <= 0.05 + 3 * np.std(rates) / np.sqrt(len(rates))


def test_too_few_documents_are_refused_with_what_it_takes() -> None:
    with pytest.raises(CalibrateError, match=str(limit_documents(4.0))):
        fit(sample([0.0] * 53, [False] * 53))
    with pytest.raises(CalibrateError, match=f"{FEWEST_EACH} of each label"):
        fit(sample([0.0] * 500, [False] * 500, language="xx"))
    fit(sample([0.0] * 54, [False] * 54))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def test_file_form_order_and_repetition_do_not_matter(pool: pd.DataFrame, tmp_path: Path) -> None:
    rows = pool.head(1500)[["text", "label", "language", "group", "domain"]]
    rows.to_parquet(tmp_path / "rows.parquet")
    records = rows.to_dict("records")
    write(tmp_path / "a.jsonl", [*records[:600:-1], *records[700:]])
    write(
        tmp_path / "b.jsonl.gz", [{**row, "label": int(row["label"] == "synthetic")} for row in records[:601]]
    )
    one = calibrate([str(tmp_path / "rows.parquet")])
    two = calibrate([str(tmp_path / "b.jsonl.gz"), str(tmp_path / "a.jsonl")])
    assert one.version == two.version
    assert one.ratios([1.0], [200], ["en"], [1.0]) == two.ratios([1.0], [200], ["en"], [1.0])
    assert [item["documents"] for item in one.provenance["inputs"]] == [1500]
    assert {item["name"] for item in two.provenance["inputs"]} == {"a.jsonl", "b.jsonl.gz"}
    assert str(tmp_path) not in json.dumps(two.provenance)


def test_group_counts_once(pool: pd.DataFrame, tmp_path: Path) -> None:
    human = pool[pool.label == "human"].text.tolist()
    rows = [{"text": text, "group": f"g{i % 90}"} for i, text in enumerate(human)]
    with pytest.raises(CalibrateError, match="too few"):
        calibrate([str(write(tmp_path / "grouped.jsonl", rows))], human_only=True)
    made = calibrate(
        [str(write(tmp_path / "free.jsonl", [{"text": row["text"]} for row in rows]))], human_only=True
    )
    assert made.provenance["documents"]["human"] > 1000


def test_text_with_both_labels_counts_for_neither(pool: pd.DataFrame, tmp_path: Path) -> None:
    rows = pool[["text", "label", "language"]].to_dict("records")
    turned = [{**row, "label": "human"} for row in rows if row["label"] == "synthetic"][:50]
    made = calibrate([str(write(tmp_path / "a.jsonl", rows + turned))])
    plain = calibrate([str(write(tmp_path / "b.jsonl", rows))])
    assert made.provenance["documents"]["human"] == plain.provenance["documents"]["human"]
    assert made.provenance["documents"]["synthetic"] < plain.provenance["documents"]["synthetic"]


def test_made_of_labelled_passages_it_states_honest_probabilities_on_others(
    pool: pd.DataFrame, shared: Path, tmp_path: Path
) -> None:
    """Fitted on held-out groups of one split, tried on those of another: nearer to the truth than as shipped."""
    made = calibrate([str(shared / "data" / "detector" / "pool_val.parquet")])
    assert made.detector == load_model().version
    test = pd.read_parquet(shared / "data" / "detector" / "pool_test.parquet")
    test = test[test.language == "en"]
    truth = (test.label == "synthetic").to_numpy()

    def loss(calibration: Calibration | None) -> tuple[float, float]:
        rows = pd.DataFrame(score_texts(test.text.tolist(), ["en"] * len(test), calibration=calibration))
        judged = ~rows.abstained.to_numpy()
        p = np.where(truth, rows.synthetic_probability, 1 - rows.synthetic_probability)[judged]
        weight = np.where(truth, 1 / truth[judged].sum(), 1 / (~truth)[judged].sum())[judged]
        return float(np.average(-np.log(p), weights=weight)), float(rows.flagged[~truth].mean())

    ours, flagged = loss(made)
    shipped, _ = loss(None)
    assert ours < shipped
    assert flagged <= 0.02


def test_few_documents_are_a_finding_not_bad_usage(tmp_path: Path) -> None:
    path = write(tmp_path / "few.jsonl", [{"text": "word " * 200, "label": "human"}])
    ended = run("calibrate", path, "--output", tmp_path / "c.json")
    assert ended.code == 1
    assert "too few documents" in ended.err
    assert run("calibrate", path).code == 2
    assert len(BUCKETS) == 5


def test_documents_of_no_known_language_calibrate_nothing() -> None:
    with pytest.raises(CalibrateError, match="too few"):
        fit(sample(np.r_[np.zeros(200), np.ones(200)], np.arange(400) >= 200, language=""))
