"""What detectors say of a shard: read by another calibration, and joined with neural ones, without the text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from provenance import schema
from provenance.configuration import Prior, load_configuration
from provenance.decisions.crawl import Posterior, calibrate_crawl
from provenance.decisions.detectors import EMBEDDED, NEURAL, CalibratedDetectors, Scored, load_detectors
from provenance.decisions.weighed import LIMIT_SOURCE
from provenance.detectors.embedded.calibration import BUCKETS, LEVELS, Calibration, load_calibration
from provenance.detectors.embedded.model import load_model
from provenance.detectors.neural.calibration import combine
from provenance.detectors.neural.config import Combination
from provenance.errors import ConfigurationError
from provenance.evidence import evidence_sum
from tests.program import ROOT

DISCLOSED = {"source": "disclosure", "llr": 2.5, "because": "says so"}


def detectors(**changed: Any) -> CalibratedDetectors:
    version = load_model().version
    return replace(
        CalibratedDetectors(
            load_calibration(),
            "the shipped calibration",
            version,
            0.01,
            True,
            read_by=load_calibration().version,
        ),
        **changed,
    )


def toy(**changed: Any) -> Calibration:
    """Ratio = score / 2 for English and French from 60 words."""
    line, cuts = [(0.0, 0.5)] * len(BUCKETS), [[9.0] * len(LEVELS)] * len(BUCKETS)
    made = Calibration(
        "toy",
        load_model().version,
        {"en": line, "fr": line},
        {"en": cuts, "fr": cuts},
        {"en": 0.2, "fr": 0.0},
    )
    return replace(made, **changed)


def row(
    score: float,
    llr: float | None,
    neural: float | None = None,
    language: str = "en",
    words: int = 200,
    extra: list[dict[str, Any]] = [],  # noqa: B006
) -> dict[str, Any]:
    """What the annotate stage keeps of a document; `neural` is the ratio of a neural detector called toy."""
    detectors = [{"name": "embedded", "version": "v", "score": score, "llr": llr or 0.0}]
    evidence = [*extra]
    if llr is not None:
        evidence.append({"source": EMBEDDED, "llr": llr, "because": "a reason"})
    if neural is not None:
        detectors.append({"name": "toy", "version": "v", "score": 0.1, "llr": neural})
        scored = {"toy": neural} | ({"embedded": llr} if llr is not None else {})
        evidence.append({"source": NEURAL, "llr": combine(None, scored) - (llr or 0.0), "because": "another"})
    return {
        "detectors": detectors,
        "detector_abstained": llr is None,
        "detector_words": words,
        "detector_known": 0.5,
        "evidence": evidence,
        "language": language,
        "source": None,
        "doc_id": None,
        "domain": "a.example",
        "host": None,
    }


NOTHING: dict[str, Any] = dict.fromkeys(row(0.0, 0.0))


def table(rows: list[dict[str, Any]]) -> pa.Table:
    types = {"detectors": schema.DETECTORS, "evidence": schema.EVIDENCE}
    types |= {name: schema.ANNOTATED.field(name).type for name in NOTHING if name not in types}
    return pa.table({name: pa.array([item[name] for item in rows], kind) for name, kind in types.items()})


def judge(rows: list[dict[str, Any]], old: int, tool: CalibratedDetectors) -> tuple[Scored, Posterior]:
    """Judge documents of one crawl, the first `old` of which are low-background."""
    years = ["2019"] * old + ["2025"] * (len(rows) - old)
    proven = np.array([np.datetime64(year, "us") for year in years])
    keepers = np.ones(len(rows), bool)
    scored = tool.read(table(rows))
    counts = tool.count(scored, proven, keepers)
    return scored, calibrate_crawl(tool, counts, Prior()).posterior(scored, proven, keepers)


def test_another_calibration_replaces_ratio_evidence_and_abstention() -> None:
    rows = [
        row(3.0, 2.0, extra=[DISCLOSED]),
        row(3.0, None, language="fr"),  # the shipped one did not know French
        row(3.0, 2.0, language="it"),  # the new one does not know Italian
        row(3.0, 2.0, words=59),
        NOTHING,
    ]
    found = detectors(calibration=toy(), name="calibration mine.json").read(table(rows))
    evidence = found.evidence.to_pylist()
    assert [[(item["source"], item["llr"]) for item in items] for items in evidence] == [
        [("disclosure", 2.5), (EMBEDDED, 1.5)],
        [(EMBEDDED, 1.5)],
        [],
        [],
        [],
    ]
    assert evidence[0][0] == DISCLOSED
    assert (
        evidence[0][1]["because"] == "score +3.00 on 200 words, as calibration mine.json says for this length"
    )
    assert found.abstained.to_pylist() == [False, False, True, True, None]
    assert found.judged.tolist() == [True, True, False, False, False]
    assert [item and item[0]["llr"] for item in found.detectors.to_pylist()] == [1.5, 1.5, 0.0, 0.0, None]
    assert found.detectors[0][0]["version"].as_py() == f"{load_model().version}+toy"


def test_shipped_calibration_leaves_everything_as_annotated() -> None:
    rows = table([row(3.0, 2.0, neural=1.0, extra=[DISCLOSED]), row(3.0, None), NOTHING])
    found = detectors().read(rows)
    assert found.evidence.equals(rows["evidence"].combine_chunks())
    assert found.detectors.equals(rows["detectors"].combine_chunks())
    assert found.ratio.tolist() == [1.5, 0.0, 0.0]


@pytest.mark.parametrize(
    "combination", [None, Combination(weights={"embedded": 0.5, "toy": 1.0}, bounds=(-4, 4))]
)
def test_neural_difference_is_made_anew_for_another_calibration(combination: Combination | None) -> None:
    """Embedded + difference = combined ratio of the ratios that there are now."""
    rows = [row(3.0, 2.0, neural=-1.0), row(3.0, None, neural=3.0), row(3.0, 2.0, neural=0.5, language="it")]
    found = detectors(calibration=toy(), name="mine", joint=True, combination=combination).read(table(rows))
    wanted = [{"embedded": 1.5, "toy": -1.0}, {"embedded": 1.5, "toy": 3.0}, {"toy": 0.5}]
    assert found.ratio.tolist() == pytest.approx([combine(combination, scored) for scored in wanted])
    assert found.score.tolist() == found.ratio.tolist()  # what is ranked
    for items in found.evidence.to_pylist():
        assert items[-1]["source"] == NEURAL
        assert "toy" in items[-1]["because"] and "together" in items[-1]["because"]


def test_joint_ratio_of_all_detectors_is_limited_by_the_crawls_humans() -> None:
    """A neural detector that errs on the crawl's humans is held back, though the embedded one was not wrong."""
    wrong = [row(-1.0, -1.0, neural=7.0)] * 40  # a joint ratio of 3
    right = [row(-1.0, -1.0, neural=-3.0)] * 59
    new = [row(-1.0, -1.0, neural=7.0), row(-1.0, -1.0, neural=-3.0), row(-1.0, -1.0, neural=11.0)]
    scored, found = judge([*wrong, *right, *new], 99, detectors(joint=True))
    total = evidence_sum(found.columns["evidence"])
    assert total[99:].tolist() == pytest.approx([np.log(100 / 41), -2.0, np.log(100)], abs=1e-6)
    assert total[0] == pytest.approx(np.log(99 / 40), abs=1e-6)  # 39 of the 98 others, and itself
    pieces = [items[-1] for items in found.columns["evidence"].to_pylist()]
    assert pieces[99]["source"] == LIMIT_SOURCE
    assert pieces[99]["because"].startswith("40 of 99 documents of this crawl")
    assert pieces[0]["because"].startswith("39 of 98 other documents of this crawl")
    assert found.limited.tolist() == [True] * 40 + [False] * 59 + [True, False, True]
    assert scored.judged.all()


def test_a_combination_flags_by_the_joint_ratio_where_the_crawl_has_too_few_humans() -> None:
    """The embedded detector's own thresholds are of raw scores: by these both documents would be flagged."""
    cuts = (4.0, 4.0, 3.5, 2.5, 2.0, 1.0, 0.0)
    together = Combination(weights={"embedded": 0.5, "toy": 1.0}, thresholds={"en": cuts})
    rows = [row(9.0, 4.0, neural=-1.0), row(9.0, 4.0, neural=1.0)]
    for item, ratio in zip(rows, (1.0, 3.0), strict=True):
        item["evidence"][-1]["llr"] = ratio - 4.0
    _, found = judge(rows, 0, detectors(joint=True, combination=together))
    assert found.columns["detector_flagged"].to_pylist() == [False, True]
    _, found = judge(rows, 0, detectors(joint=True, combination=together, max_fpr=0.005))
    assert found.columns["detector_flagged"].to_pylist() == [False, False]
    _, found = judge(rows, 0, detectors(joint=True))
    assert found.columns["detector_flagged"].to_pylist() == [True, True]


def test_joint_ratios_find_the_crawls_level_where_their_mean_among_humans_is_known() -> None:
    known = Combination(
        weights={"embedded": 0.5, "toy": 0.5}, human_means={"en": 0.6}, human_spreads={"en": 2.0}
    )
    for combination, lowered in ((known, True), (None, False)):
        rows = [row(-1.0, 1.0, neural=1.0) for _ in range(41)]  # a mean ratio of e
        for number, item in enumerate(rows):
            item["host"] = item["domain"] = f"h{number}.example"
        _, found = judge(rows, 40, detectors(joint=True, combination=combination))
        last = found.columns["evidence"].to_pylist()[-1]
        assert any(item["source"] == "detector:level" for item in last) == lowered


def test_documents_without_a_detectors_opinion_are_left_alone() -> None:
    humans = [row(3.0, 3.0)] * 99
    disclosed = row(3.0, None, extra=[DISCLOSED])
    short = row(3.0, None, words=20)
    _, found = judge([*humans, disclosed, short, NOTHING, row(3.0, 3.0, language="ko")], 99, detectors())
    assert not found.limited[99:].any()
    assert evidence_sum(found.columns["evidence"])[99:].tolist() == [2.5, 0.0, 0.0, 3.0]
    assert found.columns["detector_flagged"].to_pylist()[99:102] == [False, False, None]
    assert found.limited[:99].all()


def test_crawl_that_is_not_asked_limits_nothing() -> None:
    rows = [row(3.0, 3.0)] * 200
    _, found = judge(rows, 150, detectors(by_crawl=False))
    assert not found.limited.any()
    assert evidence_sum(found.columns["evidence"]).tolist() == [3.0] * 200


def test_evidence_for_a_human_is_never_limited() -> None:
    _, found = judge([row(-3.0, -2.0)] * 120, 100, detectors())
    assert not found.limited.any()


def test_a_damaged_file_of_kinds_is_refused_by_name(tmp_path: Path) -> None:
    shipped = ROOT / "provenance" / "detectors" / "embedded" / "data"
    for name in ("embedded.npz", "calibration.json"):
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    configuration = load_configuration(None, {"detector.model": str(tmp_path)})
    assert load_detectors(configuration).kinds is None  # a detector trained elsewhere has none
    whole = (shipped / "kinds.npz").read_bytes()
    for damaged in (b"", b"no archive", whole[: len(whole) // 2]):
        (tmp_path / "kinds.npz").write_bytes(damaged)
        with pytest.raises(ConfigurationError, match=r"kinds\.npz"):
            load_detectors(configuration)
