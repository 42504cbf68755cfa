"""The open harness: one table for anybody's labelled texts, with thresholds that no text of it moved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from scripts.evaluate import _tables
from tests.program import ROOT


def _evaluate(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "evaluate"), "labelled", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_labelled_texts_give_one_table_by_model_language_maker_and_month(
    shared: Path, tmp_path: Path
) -> None:
    human = pd.read_parquet(shared / "data" / "detector" / "pool_human_web.parquet")
    makers = pd.read_parquet(shared / "data" / "detector" / "pool_makers.parquet")
    human = human[(human.split == "test") & (human.language == "en")].head(60)
    makers = makers[(makers.maker == "xAI") & (makers.language == "en")].head(60)
    texts = pd.concat([human, makers])[["text", "label", "maker", "released", "domain", "language"]]
    texts.to_parquet(tmp_path / "texts.parquet")
    ended = _evaluate(tmp_path)
    assert ended.returncode == 0, ended.stderr
    (row,) = [line for line in ended.stdout.splitlines() if line.startswith("| embedded")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == ["60", "60"] and float(cells[3]) > 0.95
    assert "| xAI | 60 |" in ended.stdout and "| en | 60 |" in ended.stdout
    assert "| released | synthetic |" in ended.stdout


def test_folder_without_labels_is_refused_by_name(tmp_path: Path) -> None:
    assert str(tmp_path) in _evaluate(tmp_path).stderr
    pd.DataFrame({"text": ["words"]}).to_parquet(tmp_path / "texts.parquet")
    ended = _evaluate(tmp_path)
    assert ended.returncode != 0 and "label" in ended.stderr


def test_calibration_error_is_nought_for_true_ratios_and_known_for_false_ones(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    synthetic = random.random(40_000) < 0.5
    ratio = 2 * random.normal(np.where(synthetic, 1.0, -1.0), 1.0)  # the true ratio of two normals
    weight = np.ones(len(ratio))
    for prior in (0.05, 0.2, 0.5):
        points, error = _tables.reliability(ratio, synthetic, weight, prior)
        assert error < 0.01
        assert sum(total for *_, total in points) == pytest.approx(1)
    points, error = _tables.reliability(np.zeros(len(ratio)), synthetic, weight, 0.2)
    assert error == pytest.approx(0)  # a ratio of 0 says the prior, which is true
    assert _tables.reliability(ratio + 2, synthetic, weight, 0.5)[1] > 0.05
    _tables.draw_reliability(tmp_path / "a.svg", "a title", points, error)
    assert "a title: error 0.000" in "".join(ElementTree.parse(tmp_path / "a.svg").getroot().itertext())
