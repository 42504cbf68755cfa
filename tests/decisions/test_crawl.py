"""A crawl's own old documents limit its detectors, and its documents give its priors: seen in releases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

from provenance.configuration import Prior
from provenance.detectors.embedded.calibration import (
    bucket,
    limit_documents,
    load_calibration,
    read_calibration,
)
from provenance.detectors.embedded.conformal import CRAWL
from provenance.detectors.embedded.training import Settings
from tests.program import ROOT, Outcome, contents, data, ledger, run

#: Documents of the made crawl: old and human, new and human, new and synthetic.
OLD, NEW, SYNTHETIC = 420, 420, 180


@pytest.fixture(scope="module")
def passages(shared: Path) -> pd.DataFrame:
    """English passages that the detector was not trained on, in a fixed order that mixes their domains.

    Without base models, which it does not claim to find (docs/detector.md).
    """
    folder = shared / "data" / "detector"
    pool = pd.concat([pd.read_parquet(folder / f"pool_{name}.parquet") for name in ("val", "test")])
    pool = pool[(pool.language == "en") & ~pool.generator.isin(Settings().left_out)].drop_duplicates("text")
    return pool.sample(frac=1, random_state=5).reset_index(drop=True)


def write(path: Path, texts: list[str], date: str, kind: str, source: str | None = None) -> None:
    rows = [
        {"id": f"{kind}-{i}", "url": f"https://{kind}.example/{i}", "warc_date": date, "text": text}
        | ({"source": source} if source else {})
        for i, text in enumerate(texts)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def detected(texts: list[str], at_least: float) -> list[str]:
    """Texts of 150 to 249 words with at least this ratio by the shipped detector, the highest first."""
    from provenance.detectors.embedded import score_texts

    scored = score_texts(texts, ["en"] * len(texts))
    chosen = [
        (row["llr"], text)
        for row, text in zip(scored, texts, strict=True)
        if bucket(np.array([row["word_count"]]))[0] == 2 and row["llr"] >= at_least
    ]
    return [text for _, text in sorted(chosen, reverse=True)]


@pytest.fixture(scope="module")
def crawl(passages: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Old human pages, new human ones and new synthetic ones, a known mixture."""
    folder = tmp_path_factory.mktemp("made") / "crawl"
    human = passages[passages.label == "human"].text.tolist()
    synthetic = passages[passages.label == "synthetic"].text.tolist()
    write(folder / "old.jsonl", human[:OLD], "2019-04-01T00:00:00Z", "old")
    write(folder / "new.jsonl", human[OLD : OLD + NEW], "2025-04-01T00:00:00Z", "new", "first")
    write(folder / "machine.jsonl", synthetic[:SYNTHETIC], "2025-04-01T00:00:00Z", "machine", "second")
    return folder


@pytest.fixture(scope="module")
def release(crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    release = tmp_path_factory.mktemp("made-release") / "release"
    assert curate(crawl, release).code == 0
    return release


@pytest.fixture(scope="module")
def strange(passages: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crawl on whose old pages the detector fails: a third of them score as machine-written ones do."""
    folder = tmp_path_factory.mktemp("strange")
    machine = detected(passages[passages.label == "synthetic"].text.tolist(), 2.0)
    human = detected(passages[passages.label == "human"].text.tolist(), -99.0)[::-1]
    old, new = machine[0:60:2] + human[:60], machine[1:61:2]
    write(folder / "crawl" / "old.jsonl", old, "2019-04-01T00:00:00Z", "old")
    # A boilerplate page that scores high, a hundred times: it is one document.
    write(folder / "crawl" / "again.jsonl", [machine[80]] * 100, "2020-04-01T00:00:00Z", "again")
    write(folder / "crawl" / "new.jsonl", new, "2025-04-01T00:00:00Z", "new")
    assert curate(folder / "crawl", folder / "release").code == 0
    return folder


def curate(crawl: Path, release: Path, configuration: str = "", *arguments: str) -> Outcome:
    config = release.parent / f"{release.name}.yaml"
    config.write_text(configuration)
    return run("curate", crawl, "--output", release, "--config", config, "--quiet", *arguments)


def manifest(release: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return found


def pieces(rows: pd.DataFrame, source: str) -> pd.Series:
    """The one piece of evidence of a source in each row, or null."""
    return rows.evidence.map(
        lambda items: (
            next((item for item in items if item["source"] == source), None) if items is not None else None
        )
    )


def judged(release: Path) -> pd.DataFrame:
    rows = ledger(release)
    return rows[pieces(rows, "detector:embedded").notna()]


@pytest.mark.parametrize("made", ["release", "strange"])
def test_prior_and_evidence_add_up_to_the_probability(made: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(made)
    rows = ledger(path / "release" if made == "strange" else path)
    rows = rows[rows.synthetic_probability.notna()]
    assert len(rows) > 100
    total = rows.prior_log_odds.astype(float) + rows.evidence.map(
        lambda items: sum(float(item["llr"]) for item in items)
    )
    np.testing.assert_array_equal(
        (1 / (1 + np.exp(-total))).astype(np.float32), rows.synthetic_probability.to_numpy(np.float32)
    )
    assert rows.evidence.map(lambda items: all(item["because"] for item in items)).all()
    assert rows.prior_because.notna().all()


def test_no_ratio_exceeds_what_the_crawls_own_humans_allow(strange: Path) -> None:
    """By hand: the share of old documents, duplicates left out, that score as high in this length."""
    rows = judged(strange / "release")
    rows = rows[rows.reason != "duplicate"]
    words = pieces(rows, "detector:embedded").map(lambda item: int(item["because"].split()[3]))
    score = pieces(rows, "detector:embedded").map(lambda item: float(item["because"].split()[1]))
    level = pieces(rows, "detector:level").map(lambda item: item["llr"] if item else 0.0)
    ratio = pieces(rows, "detector:embedded").map(lambda item: item["llr"]) + level
    limit = pieces(rows, "detector:crawl")
    together = ratio + limit.map(lambda item: item["llr"] if item else 0.0)
    length = bucket(words.to_numpy())
    old = rows.low_background.to_numpy()
    assert limit.notna().sum() >= 20
    for index in np.unique(length[old]):
        humans = score[old & (length == index)].to_numpy()
        for row in np.flatnonzero((length == index) & ~old):
            reached = (humans >= score.iloc[row] - 1 / 16).sum()  # scores are ranked in bins of 1/32
            surely = (humans >= score.iloc[row] + 1 / 16).sum()
            if len(humans) < limit_documents(4.0):
                assert limit.iloc[row] is None
            else:
                assert (
                    together.iloc[row]
                    >= min(ratio.iloc[row], np.log((len(humans) + 1) / (reached + 1))) - 1e-5
                )
                assert together.iloc[row] <= np.log((len(humans) + 1) / (surely + 1)) + 1e-5


def test_a_limited_document_is_explained_by_the_documents_that_limit_it(strange: Path) -> None:
    rows = judged(strange / "release")
    rows = rows[rows.reason != "duplicate"]
    for old in (False, True):
        row = rows[pieces(rows, "detector:crawl").notna() & (rows.low_background == old)].iloc[0]
        said = run("explain", strange / "release", row.doc_id).out
        assert "nats detector:crawl, because " in said
        assert "documents of this crawl from before 2022-11-30" in said
        assert ("other documents" in said) == old  # it is not compared with itself
        assert "nats prior (" + ("low-background" if old else "table for 2025") in said
        assert "nats together" in said


def test_duplicates_are_counted_once(strange: Path) -> None:
    rows = ledger(strange / "release")
    assert (rows.reason == "duplicate").sum() >= 99
    strata = {row["words_from"]: row for row in manifest(strange / "release")["detector"]["strata"]}
    counted = judged(strange / "release")
    counted = counted[(counted.reason != "duplicate") & counted.low_background]
    assert sum(row["low_background"] for row in strata.values()) == len(counted) < 150


def test_shipped_calibration_alone_limits_nothing_and_costs_only_select_and_publish(strange: Path) -> None:
    release = strange / "alone"
    shutil.copytree(f"{strange / 'release'}.workspace", f"{release}.workspace")
    ended = curate(strange / "crawl", release, "detector: {calibration: shipped}", "--json")
    assert ended.code == 0
    shards = Path(f"{release}.workspace") / "annotated"
    assert contents(shards) == contents(Path(f"{strange / 'release'}.workspace") / "annotated")
    assert pieces(ledger(release), "detector:crawl").isna().all()
    found = manifest(release)["detector"]
    assert found["documents"]["limited"] == 0
    assert not any(row["limits_ratios"] for row in found["strata"])


def test_bounds_and_sample_sizes_are_reported_and_hold(release: Path) -> None:
    found = manifest(release)
    jsonschema.validate(found, json.loads((ROOT / "schemas" / "manifest.schema.json").read_text()))
    rows = data(release)
    old = rows[rows.low_background & ~rows.detector_abstained]
    strata = found["detector"]["strata"]
    assert sum(row["low_background"] for row in strata) == len(old)
    by_crawl = [row for row in strata if row["from"] == CRAWL]
    assert by_crawl and "en" in {row["language"] for row in strata}
    for row in strata:
        assert (row["from"] == CRAWL) == (row["low_background"] >= 99)
        assert row["bound"] <= 0.01
        assert row["proven_by_documents"] == (row["low_background"] if row["from"] == CRAWL else 0)
    assert old.detector_flagged.sum() <= 0.01 * (len(old) + len(strata))
    new = rows[~rows.low_background]
    machine = new.source == "second"
    assert new.detector_flagged[machine].mean() > 0.3
    assert new.detector_flagged[~machine].mean() <= 0.03
    card = (release / "README.md").read_text(encoding="utf-8")
    for row in strata:
        assert f"| {row['language']} | {row['words_from']}+ | {row['low_background']:,} |" in card


def test_prior_of_a_known_mixture_is_found(release: Path) -> None:
    found = [row for row in manifest(release)["prior"]["strata"] if row["language"] == "en"]
    strata = {(row["year"], row["source"]): row for row in found}
    whole, first = strata[("all", None)], strata[(2025, "first")]
    rows = ledger(release)
    new = judged(release)
    new = new[~new.low_background & (new.reason != "duplicate") & (new.language == "en")]
    truth = new.url.str.contains("machine").mean()
    assert whole["documents"] == len(new)
    assert whole["share"] == pytest.approx(truth, abs=0.05)
    assert first["share"] <= 0.05
    # Drawn to the table, the source to its year.
    table = Prior().in_month((2025 - 1970) * 12 + 3)
    assert min(whole["share"], table) <= whole["prior"] <= max(whole["share"], table)
    assert first["prior"] < whole["prior"]
    stated = rows[rows.url.str.contains("new.example")].iloc[0]
    assert stated.prior_because.endswith(
        f"estimated from {first['documents']:,} documents of this crawl in en proven in 2025 from source first"
    )
    assert stated.prior_log_odds == pytest.approx(np.log(first["prior"] / (1 - first["prior"])), rel=1e-5)
    assert set(rows.prior_because[rows.low_background == True]) == {"low-background"}  # noqa: E712


def test_listed_priors_are_taken_where_no_estimate_is_wanted(release: Path, crawl: Path) -> None:
    other = release.parent / "listed"
    shutil.copytree(f"{release}.workspace", f"{other}.workspace")
    assert curate(crawl, other, "prior: {estimate: none}").code == 0
    assert manifest(other)["prior"]["strata"] == []
    rows = ledger(other)
    assert set(rows.prior_because.dropna()) == {"low-background", "table for 2025-04"}
    assert "no stratum of this crawl has an estimate" in (other / "README.md").read_text()


def test_order_of_files_and_workers_and_their_division_do_not_matter(
    crawl: Path, release: Path, tmp_path: Path
) -> None:
    """The same documents under other file names, in another order: the same counts, thresholds and priors."""
    lines = [line for path in sorted(crawl.iterdir()) for line in path.read_text().splitlines()]
    chance = np.random.RandomState(0)
    order = chance.permutation(len(lines))
    (tmp_path / "crawl").mkdir()
    for part in range(5):
        text = "".join(lines[i] + "\n" for i in order[part::5])
        (tmp_path / "crawl" / f"{part}.jsonl").write_text(text)
    assert curate(tmp_path / "crawl", tmp_path / "release", "", "--workers", "2").code == 0
    ours, theirs = manifest(tmp_path / "release"), manifest(release)
    assert ours["prior"] == theirs["prior"]
    assert ours["detector"]["strata"] == theirs["detector"]["strata"]


def test_a_calibration_file_is_used_named_and_published_without_its_path(
    release: Path, crawl: Path, tmp_path: Path, toy_calibration: Callable[[Path, float], Path]
) -> None:
    file = toy_calibration(tmp_path / "mine.json", 0.5)
    other = tmp_path / "other"
    shutil.copytree(f"{release}.workspace", f"{other}.workspace")
    assert curate(crawl, other, f"detector: {{calibration: {file}}}").code == 0
    assert contents(Path(f"{other}.workspace") / "annotated") == contents(
        Path(f"{release}.workspace") / "annotated"
    )
    found = manifest(other)
    assert found["detector"]["calibration"] == "calibration mine.json"
    assert found["detector"]["calibration_sha256"] == read_calibration(file).digest()
    assert str(tmp_path) not in (other / "manifest.json").read_text()
    before, after = (judged(path).set_index("url").sort_index() for path in (release, other))
    assert (before.index == after.index).all()
    ratios = [pieces(rows, "detector:embedded").map(lambda item: item["llr"]) for rows in (before, after)]
    np.testing.assert_allclose(ratios[1], ratios[0] / 2, atol=2e-6)
    rows = data(other)
    entries = rows.detectors.map(lambda items: items[0])
    assert entries.map(lambda item: item["version"].endswith("+toy")).all()
    own = pieces(rows, "detector:embedded")
    assert (
        entries[own.notna()].map(lambda item: item["llr"]) == own.dropna().map(lambda item: item["llr"])
    ).all()
    # A changed file is another configuration, though its name is the same.
    toy_calibration(file, 0.25)
    refused = run(
        "publish", "--workspace", f"{other}.workspace", "--output", other, "--config", tmp_path / "other.yaml"
    )
    assert refused.code == 1 and "provenance select" in refused.err


def test_a_file_for_another_detector_is_refused_before_anything_runs(
    crawl: Path, tmp_path: Path, toy_calibration: Callable[[Path, float], Path]
) -> None:
    file = toy_calibration(tmp_path / "mine.json", 1.0)
    file.write_text(file.read_text().replace(load_calibration().detector, "0.old"))
    for text, words in (
        (f"detector: {{calibration: {file}}}", ["detector.calibration", "mine.json", "0.old"]),
        ("detector: {calibration: nowhere.json}", ["detector.calibration", "nowhere.json"]),
        ("detector: {max_fpr: 2}", ["detector.max_fpr"]),
        ("prior: {estimate: guess}", ["prior.estimate"]),
    ):
        ended = curate(crawl, tmp_path / "release", text)
        assert ended.code == 2
        assert all(word in ended.err for word in words), ended.err
        assert not Path(f"{tmp_path / 'release'}.workspace").exists()


@pytest.fixture
def toy_calibration() -> Callable[[Path, float], Path]:
    """Write a calibration whose ratios are those of the shipped one times a factor."""

    def make(path: Path, factor: float) -> Path:
        from dataclasses import replace

        shipped = load_calibration()
        lines = {
            language: [(a * factor, b * factor) for a, b in rows] for language, rows in shipped.lines.items()
        }
        low, high = shipped.bounds
        replace(shipped, version="toy", lines=lines, bounds=(low * factor, high * factor)).save(path)
        return path

    return make
