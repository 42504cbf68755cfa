"""The embedded detector as it ships: its columns, its file, and how well it separates."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from provenance.annotators.annotator import Annotator
from provenance.detectors.embedded import EmbeddedDetector, load_model, score_texts
from provenance.detectors.embedded.calibration import auroc
from provenance.detectors.embedded.model import read_model
from tests.detectors.embedded.reference import PROSE


def test_model_file_reads_back_and_damage_is_refused(tmp_path: Path) -> None:
    model, path = load_model(), tmp_path / "model.npz"
    model.save(path)
    again = read_model(path)
    texts = pa.array([PROSE], pa.large_string())
    assert again.version == model.version and again.languages == model.languages
    assert again.score(texts).score[0] == model.score(texts).score[0]
    dataclasses.replace(model, bias=model.bias[:1]).save(path)
    with pytest.raises(ValueError, match="do not fit"):
        read_model(path)


def test_annotator_gives_the_contract_columns() -> None:
    detector = EmbeddedDetector()
    assert isinstance(detector, Annotator)
    batch = pa.record_batch(
        {
            "text": pa.array([PROSE, "short", None, PROSE, PROSE], pa.large_string()),
            "language": ["en", "en", "en", "xx", None],
            "outcome": pa.array([None, None, None, None, "redirect"], pa.string()),
        }
    )
    detector.setup()
    columns = detector(batch)
    detectors, evidence, abstained, words, known = columns
    for column, field in zip(columns, detector.schema, strict=True):
        assert column.type == field.type
        assert len(column) == batch.num_rows
        column.validate(full=True)
    assert abstained.to_pylist() == [False, True, None, True, None]
    assert [len(row) for row in evidence.to_pylist()] == [1, 0, 0, 0, 0]
    assert [row is None for row in detectors.to_pylist()] == [False, False, True, False, True]
    assert evidence[0][0]["llr"].as_py() == detectors[0][0]["llr"].as_py()
    assert words.to_pylist() == [words[0].as_py(), 1, None, words[0].as_py(), None]
    assert known.is_valid().to_pylist() == [True, True, False, True, False]


def test_score_texts_abstains_without_flagging_and_keeps_the_prior() -> None:
    short, unknown, prose = score_texts(["Too short.", PROSE, PROSE], ["en", "xx", "en"], prior=0.1)
    for row in (short, unknown):
        assert row["abstained"] and not row["flagged"] and row["llr"] == 0
        assert row["synthetic_probability"] == pytest.approx(0.1)
    odds = prose["synthetic_probability"] / (1 - prose["synthetic_probability"])
    assert odds == pytest.approx(math.exp(prose["llr"]) / 9, rel=1e-5)
    with pytest.raises(ValueError, match="prior"):
        score_texts([PROSE], ["en"], prior=1.0)
    with pytest.raises(ValueError, match="languages"):
        score_texts([PROSE], [])


def test_flags_grow_with_the_rate_allowed() -> None:
    texts = [PROSE, PROSE.replace("river", "vibrant tapestry")]
    flags = [
        [row["flagged"] for row in score_texts(texts, ["en"] * 2, max_fpr=rate)]
        for rate in (0.001, 0.01, 0.1)
    ]
    assert (np.diff(np.array(flags, int), axis=0) >= 0).all()


@pytest.fixture(scope="module")
def held_out(shared: Path) -> pd.DataFrame:
    pool = pd.read_parquet(shared / "data" / "detector" / "pool_test.parquet")
    return pool[pool.language == "en"].reset_index(drop=True)


def test_it_separates_held_out_groups_and_keeps_its_rate(held_out: pd.DataFrame) -> None:
    rows = pd.DataFrame(score_texts(held_out.text.tolist(), ["en"] * len(held_out)))
    synthetic = (held_out.label == "synthetic").to_numpy()
    judged = ~rows.abstained.to_numpy()
    score = np.array([entry[0]["score"] for entry in rows.detectors])
    assert auroc(score[judged], synthetic[judged]) > 0.93
    assert rows.flagged[~synthetic].mean() <= 0.01
    assert rows.flagged[synthetic].mean() > 0.35


def test_stated_probabilities_hold_on_the_held_out_split(held_out: pd.DataFrame) -> None:
    rows = pd.DataFrame(score_texts(held_out.text.tolist(), ["en"] * len(held_out)))
    judged = ~rows.abstained.to_numpy()
    stated = rows.synthetic_probability.to_numpy()[judged]
    synthetic = (held_out.label == "synthetic").to_numpy()[judged]
    weight = np.where(synthetic, 0.5 / synthetic.sum(), 0.5 / (~synthetic).sum())
    tenth = np.minimum((stated * 10).astype(int), 9)
    gaps = [abs((weight * (stated - synthetic))[tenth == k].sum()) for k in range(10)]
    # All registers of the pool, while the calibration is of web prose on unseen domains (docs/detector.md).
    assert sum(gaps) <= 0.08
    sure = stated > 0.5
    assert (weight * synthetic)[sure].sum() / weight[sure].sum() >= stated[sure].mean() - 0.02


def test_human_reviews_and_stories_are_not_flagged_and_abstracts_seldom(shared: Path) -> None:
    truth = pd.read_parquet(shared / "data" / "web" / "crawl" / "truth.parquet")
    human = truth[(truth.kind == "text_page") & (truth.label == "human")]
    flagged = np.array([row["flagged"] for row in score_texts(human.text.tolist(), ["en"] * len(human))])
    abstract = (human.text_domain == "arxiv").to_numpy()
    assert flagged[~abstract].mean() <= 0.02
    assert flagged[abstract].mean() <= 0.05  # what resembles machine prose most (docs/detector.md)
