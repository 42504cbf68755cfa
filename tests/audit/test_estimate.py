"""What an audit promises of shares: honest bounds."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.command import main
from provenance.audit import word_shares
from provenance.audit.estimate import Counts, Stratum, prevalence_report
from provenance.audit.versions import audit
from provenance.detectors.embedded.calibration import BUCKETS, load_calibration
from provenance.detectors.embedded.conformal import BINS
from provenance.detectors.embedded.model import Scores, load_model
from provenance.files.storage import LocalStorage
from provenance.schema import TIME, WATERMARKS

_WORDS = [f"{a}{b}{c}" for a in "bcdfglmnprst" for b in "aeiou" for c in ("n", "rd", "st", "m", "lk")]
_PROSE = ["It was the first of the days on which we had seen them walk to the river and back. " * 9] * 80
SHARES = (0.0, 0.01, 0.05, 0.2, 0.5)


def _documents(count: int, seed: int, vocabulary: int = 300, length: int = 160) -> list[str]:
    random = np.random.RandomState(seed)
    rank = np.minimum(random.zipf(1.3, (count, length)), vocabulary) - 1
    return [" ".join(_WORDS[i] for i in row) + "." for row in rank]


def _write(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_watermarks_are_counted_at_a_false_discovery_rate(tmp_path: Path) -> None:
    found = [{"scheme": "s", "key": "k", "z": 9.0, "p_value": 1e-9, "tokens": 300}]
    weak = [{"scheme": "s", "key": "k", "z": 2.5, "p_value": 0.008, "tokens": 300}]
    column = pa.array([found] * 3 + [weak] * 2 + [[]] * 195, WATERMARKS)
    path = _write(tmp_path / "a.parquet", text=_documents(200, 6), watermarks=column)
    marks = audit(LocalStorage(), [str(path)])["watermarks"]
    assert (marks["found"], marks["with_p_value"], marks["documents"]) == (3, 5, 200)


def test_documents_older_than_chat_models_count_as_human(tmp_path: Path) -> None:
    old = [datetime(2019, 5, 1, tzinfo=UTC)] * 80
    path = _write(tmp_path / "a.parquet", text=_PROSE, proven_by=pa.array(old, TIME), language=["en"] * 80)
    whole = audit(LocalStorage(), [str(path)])["prevalence"]["documents"]
    assert whole["proven_human"] == 80
    assert all(item["share"] == 0 for item in whole["estimates"])


def test_damaged_and_missing_files_end_the_command_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really")
    assert main(["audit", str(tmp_path)]) == 1
    assert "bad.parquet: cannot be read as Parquet" in capsys.readouterr().err
    assert main(["audit", str(tmp_path / "none")]) == 1
    assert "no such file or directory" in capsys.readouterr().err
    (tmp_path / "crawl.warc").write_text("WARC/1.0")
    assert main(["audit", str(tmp_path / "crawl.warc")]) == 1
    assert "crawls become Parquet by `provenance curate`" in capsys.readouterr().err


def test_command_prints_the_same_result_as_json_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _write(tmp_path / "a.parquet", text=_documents(70, 7))
    outputs = []
    for _ in range(2):
        assert main(["audit", str(path), "--json"]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[0])["documents"] == 70
    assert main(["audit", str(path)]) == 0
    assert "synthetic share" in capsys.readouterr().out


@pytest.fixture(scope="module")
def passages(shared: Path) -> dict[str, tuple[Scores, np.ndarray, np.ndarray]]:
    """(scores, human rows, synthetic rows) of judged English passages: held-out ones, and some of other kinds."""
    pool = pd.read_parquet(shared / "data" / "detector" / "pool_test.parquet")
    frames = {
        "pool": pool[pool.language == "en"],
        "others": pd.read_parquet(shared / "data" / "web" / "pages" / "texts.parquet"),
    }
    found = {}
    for name, frame in frames.items():
        scores = load_model().score(pa.array(frame.text, pa.large_string()))
        _, abstained = load_calibration().ratios(
            scores.score, scores.words, ["en"] * len(frame), scores.known
        )
        synthetic = (frame.label == "synthetic").to_numpy()
        found[name] = (
            scores,
            np.flatnonzero(~synthetic & ~abstained),
            np.flatnonzero(synthetic & ~abstained),
        )
    return found


def _histogram(scores: Scores, rows: np.ndarray) -> np.ndarray:
    use = np.zeros(len(scores.score), bool)
    use[rows] = True
    return word_shares.count_scores(scores, use, len(BUCKETS), BINS)


def _report(counts: np.ndarray, humans: np.ndarray | None = None) -> dict[str, Any]:
    """What the audit says of documents with these scores, and of old ones with those of `humans`."""
    found = Counts()
    none = np.zeros(int(counts.sum()), bool)
    found.whole.add(none, ~none, counts)
    if humans is not None:
        found.humans += humans
    return prevalence_report(found)["documents"]


@pytest.mark.parametrize("share", SHARES)
def test_known_mixtures_of_held_out_text_are_found_within_four_points(
    passages: dict[str, tuple[Scores, np.ndarray, np.ndarray]], share: float
) -> None:
    """On average: of 1,000 documents the luck of the draw alone moves a share of one half by 1.5 points."""
    scores, humans, machines = passages["pool"]
    found, machine, missed = [], round(1000 * share), 0
    for seed in range(12):
        random = np.random.RandomState(seed)
        rows = random.choice(humans, 1000 - machine, replace=False), random.choice(machines, machine, False)
        report = _report(_histogram(scores, np.concatenate(rows)))
        for item in report["estimates"]:
            low, high = item["interval"]
            missed += not low - 0.005 <= share <= high + 0.005
            assert low - 0.03 <= share <= high + 0.03
        assert report["at_least"] <= share
        found.append([item["share"] for item in report["estimates"]])
    assert missed <= 3  # of 24 intervals of 95%
    assert np.abs(np.mean(found, axis=0) - share).max() <= 0.04


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5])
def test_other_kinds_and_generators_are_within_the_interval_and_above_the_bound(
    passages: dict[str, tuple[Scores, np.ndarray, np.ndarray]], share: float
) -> None:
    pool, others = passages["pool"], passages["others"]
    for humans, seed in itertools.product((pool, others), range(3)):
        random = np.random.RandomState(seed)
        machine = round(400 * share)
        counts = _histogram(humans[0], random.choice(humans[1], 400 - machine, replace=False))
        report = _report(counts + _histogram(others[0], random.choice(others[2], machine, replace=False)))
        low, high = report["estimates"][0]["interval"]
        assert low - 0.005 <= share <= high
        assert report["at_least"] <= share + 0.005
    assert report["at_least"] >= share - 0.1


def test_human_abstracts_are_the_worst_case_and_bounded(shared: Path) -> None:
    """The worst kind of text known: its humans score like machines; even the cautious bound is wrong by a third (docs/audit.md)."""
    frame = pd.read_parquet(shared / "data" / "web" / "pages" / "texts.parquet")
    frame = frame[(frame.label == "human") & (frame.domain == "arxiv")]
    scores = load_model().score(pa.array(frame.text, pa.large_string()))
    report = _report(_histogram(scores, np.flatnonzero(scores.words >= 100)))
    assert report["at_least"] <= 0.35
    assert report["estimates"][0]["interval"][0] <= report["at_least"] + 1e-9


def test_own_old_documents_stand_for_human_text(
    passages: dict[str, tuple[Scores, np.ndarray, np.ndarray]],
) -> None:
    scores, humans, machines = passages["others"]
    order = np.random.RandomState(1).permutation(humans)
    counts = _histogram(scores, np.concatenate([order[330:490], machines[:40]]))
    own = _report(counts, _histogram(scores, order[:330]))
    shipped = _report(counts)
    assert abs(own["estimates"][0]["share"] - 0.2) <= 0.1
    assert abs(own["estimates"][1]["share"] - 0.2) < abs(shipped["estimates"][1]["share"] - 0.2)


def test_strata_start_empty_and_apart() -> None:
    first, second = Stratum(), Stratum()
    first.scores[0, 0] = 1
    assert second.scores.sum() == 0
