"""The annotator `neural`: who is asked, what is added, and what the cascade costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from provenance.detectors.neural.annotator import NeuralDetectors
from provenance.detectors.neural.config import Combination, ScoreCalibration
from tests.detectors.neural.models import LINE, batch, detector, save_causal, texts, toy


def test_cascade_asks_only_inside_the_band_and_counts_its_cost(classifier: str) -> None:
    config = detector("classifier", classifier, calibration=LINE, band=(-1.0, 2.0))
    annotator = NeuralDetectors([config])
    sample = [*texts(5), None]
    found, evidence = annotator(batch(sample, [-3.0, -1.0, None, 2.5, 2.0, None]))
    assert [item is not None for item in found.to_pylist()] == [False, True, True, False, True, False]
    assert [len(item) if item is not None else None for item in evidence.to_pylist()] == [0, 1, 1, 0, 1, None]
    (report,) = annotator.report()
    assert (report["rows"], report["asked"], report["band"]) == (5, 3, (-1.0, 2.0))


def test_evidence_replaces_the_embedded_ratio_by_the_combined_one(classifier: str) -> None:
    config = detector("classifier", classifier, calibration=LINE, band=None)
    rows = batch(texts(3), [1.5, -2.0, None])
    found, evidence = NeuralDetectors([config])(rows)
    own = [item[0]["llr"] for item in found.to_pylist()]
    added = [item[0]["llr"] for item in evidence.to_pylist()]
    assert [1.5 + added[0], -2.0 + added[1], added[2]] == pytest.approx(
        [(1.5 + own[0]) / 2, (own[1] - 2.0) / 2, own[2]], abs=1e-5
    )
    fitted = Combination(intercept=0.5, weights={"embedded": 0.25, "classifier": 1.0}, bounds=(-1.0, 1.0))
    _, evidence = NeuralDetectors([config], fitted)(rows)
    combined = [1.5, -2.0, 0.0] + np.array([item[0]["llr"] for item in evidence.to_pylist()])
    expected = np.clip(0.5 + 0.25 * np.array([1.5, -2.0, 0.0]) + np.array(own), -1.0, 1.0)
    np.testing.assert_allclose(combined, expected, atol=1e-5)


def test_detector_without_calibration_or_outside_it_reports_but_adds_nothing(classifier: str) -> None:
    french = ScoreCalibration(intercept=0, slope=1, min_tokens=8, languages=("fr",))
    for calibration in (None, french, LINE.model_copy(update={"min_tokens": 5000})):
        config = detector("classifier", classifier, calibration=calibration, band=None)
        found, evidence = NeuralDetectors([config])(batch(texts(2), [1.0, 1.0]))
        assert [item[0]["llr"] for item in found.to_pylist()] == [None, None]
        assert evidence.to_pylist() == [[], []]


def test_ratios_are_bounded(classifier: str) -> None:
    steep = ScoreCalibration(intercept=0, slope=100, bounds=(-2.0, 3.0), min_tokens=8)
    found, _ = NeuralDetectors([detector("classifier", classifier, calibration=steep, band=None)])(
        batch(toy(20, 9, 60)[0], [0.0] * 20)
    )
    assert {item[0]["llr"] for item in found.to_pylist()} <= {-2.0, 3.0}


def test_version_follows_weights_and_numbers_but_not_the_place(tmp_path: Path) -> None:
    def version(folder: Path, **options: Any) -> str:
        return NeuralDetectors([detector("surprisal", str(folder), **options)]).version

    first, same, other = (tmp_path / name for name in ("first", "same", "other"))
    save_causal(first, 1)
    save_causal(same, 1)
    save_causal(other, 2)
    assert version(first) == version(same) != version(other)
    assert version(first) != version(first, calibration=LINE)


def test_toy_task_is_separated_through_the_whole_pipeline(classifier: str, tmp_path: Path) -> None:
    from pipelines.command import main

    rows, labels = toy(40, seed=77, words=110)
    crawl = tmp_path / "crawl.jsonl"
    crawl.write_text(
        "".join(
            json.dumps({"text": text, "id": str(k), "url": f"https://example.org/{k}"}) + "\n"
            for k, text in enumerate(rows)
        )
    )
    steep = {"intercept": 0, "slope": 2, "min_tokens": 32, "bounds": [-6, 6]}
    entry = {"name": "toy", "kind": "classifier", "model": classifier, "synthetic_label": "machine"}
    entry |= {"max_tokens": 128, "device": "cpu", "calibration": steep, "band": None}
    combination = {"weights": {"toy": 1.0}, "bounds": [-6, 6]}
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        json.dumps(
            {
                "neural": {"detectors": [entry], "combination": combination},
                "cap": {"max_synthetic": 1},
                "duplicates": {"threshold": 1.0},
            }
        )
    )
    output = tmp_path / "release"
    assert main(["curate", str(crawl), "--output", str(output), "--config", str(settings), "--quiet"]) == 0
    released = pq.read_table(output / "data").to_pylist()
    assert len(released) == 40
    probability = {row["record_id"]: row["synthetic_probability"] for row in released}
    assert all((probability[str(k)] > 0.5) == bool(label) for k, label in enumerate(labels))
    assert {"embedded", "toy"} == {item["name"] for item in released[0]["detectors"]}
    assert any(item["source"] == "detector:neural" for item in released[0]["evidence"])
    assert "neural_detectors" not in released[0]
    manifest = json.loads((output / "manifest.json").read_text())
    cost = {"name": "toy", "band": None, "documents": 40, "asked": 40}
    assert manifest["detector"]["neural"] == [cost]


def test_summary_manifest_and_card_say_what_the_band_cost(
    classifier: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Texts too short for the embedded detector are at 0 nats: one band holds them, the other does not."""
    from pipelines.command import main

    crawl = tmp_path / "crawl.jsonl"
    crawl.write_text("".join(json.dumps({"text": text}) + "\n" for text in toy(30, seed=5, words=40)[0]))
    entry = {"kind": "classifier", "model": classifier, "synthetic_label": "machine", "max_tokens": 128}
    entry |= {"device": "cpu"}
    bands = [{"name": "near", "band": [-1, 1]}, {"name": "far", "band": [2, 3]}]
    settings = tmp_path / "settings.yaml"
    settings.write_text(json.dumps({"neural": {"detectors": [entry | band for band in bands]}}))
    output = tmp_path / "release"
    assert main(["curate", str(crawl), "--output", str(output), "--config", str(settings), "--quiet"]) == 0
    near, far = (
        f"{name}: asked about {asked} of 30 texts ({share}%), where the embedded ratio is in {band} nats"
        for name, asked, share, band in (("near", 30, "100.0", "-1 to +1"), ("far", 0, "0.0", "2 to +3"))
    )
    printed, card = capsys.readouterr().out, (output / "README.md").read_text()
    assert f"neural detector {near}\nneural detector {far}\n" in printed
    assert f"Neural detector {near}.\n\nNeural detector {far}.\n" in card
    found = json.loads((output / "manifest.json").read_text())["detector"]["neural"]
    assert [(item["name"], item["asked"], item["documents"]) for item in found] == [
        ("near", 30, 30),
        ("far", 0, 30),
    ]
