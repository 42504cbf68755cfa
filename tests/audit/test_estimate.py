"""What an audit promises: shares with honest bounds, and diversity that compares corpora of any size."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.command import main
from provenance.audit.estimate import AuditError, audit, diversity
from provenance.audit.report import describe
from provenance.files.storage import LocalStorage
from provenance.schema import TIME, WATERMARKS

_WORDS = [f"{a}{b}{c}" for a in "bcdfglmnprst" for b in "aeiou" for c in ("n", "rd", "st", "m", "lk")]

_PROSE = ["It was the first of the days on which we had seen them walk to the river and back. " * 9] * 80


def _documents(count: int, seed: int, vocabulary: int = 300, length: int = 160) -> list[str]:
    random = np.random.RandomState(seed)
    rank = np.minimum(random.zipf(1.3, (count, length)), vocabulary) - 1
    return [" ".join(_WORDS[i] for i in row) + "." for row in rank]


def _write(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_collapsed_corpus_differs_from_its_baseline_in_the_expected_directions(tmp_path: Path) -> None:
    varied = _write(tmp_path / "varied" / "a.parquet", text=_documents(600, 1))
    poor = _write(tmp_path / "poor" / "a.parquet", text=_documents(150, 2, vocabulary=40))
    result = audit(LocalStorage(), str(poor.parent), str(varied.parent))
    differences = result["diversity"]["baseline"]["differences"]
    for name in ("distinct_1", "distinct_2", "entropy_1", "entropy_2", "compression"):
        assert differences[name]["interval"][1] < 0, name
    assert "*" in describe(result)


def test_same_source_at_other_sizes_shows_no_difference() -> None:
    size = 5000
    large, small = (
        diversity.measure_blocks(
            diversity.read_blocks([text.encode() for text in _documents(count, seed)]), size
        )
        for count, seed in ((1500, 3), (400, 4))
    )
    for name, item in diversity.compare(small, large).items():
        low, high = item["interval"]
        # Intervals of 95%: allow a little beyond, the sizes must not show.
        margin = high - low
        assert low - margin <= 0 <= high + margin, name


def test_near_duplicates_are_counted_once_for_each_extra_copy() -> None:
    texts = [text.encode() for text in _documents(60, 5)]
    assert diversity.near_duplicates(texts) == 0
    assert diversity.near_duplicates(texts + texts[:20]) == 20


def test_sample_is_bounded_seeded_and_fair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diversity, "SAMPLE", 500)
    first, again = diversity.Sample(), diversity.Sample()
    texts = pa.array([str(i) for i in range(5000)])
    first.add(texts)
    again.add(texts.slice(0, 1234))
    again.add(texts.slice(1234))
    assert first.documents() == again.documents()
    assert len(first.documents()) == 500
    assert abs(np.mean([int(text) for text in first.documents()]) - 2500) < 250


def test_watermarks_are_counted_at_a_false_discovery_rate(tmp_path: Path) -> None:
    found = [{"scheme": "s", "key": "k", "z": 9.0, "p_value": 1e-9, "tokens": 300}]
    weak = [{"scheme": "s", "key": "k", "z": 2.5, "p_value": 0.008, "tokens": 300}]
    column = pa.array([found] * 3 + [weak] * 2 + [[]] * 195, WATERMARKS)
    path = _write(tmp_path / "a.parquet", text=_documents(200, 6), watermarks=column)
    marks = audit(LocalStorage(), str(path))["watermarks"]
    assert (marks["found"], marks["with_p_value"], marks["documents"]) == (3, 5, 200)


def test_documents_older_than_chat_models_count_as_human(tmp_path: Path) -> None:
    old = [datetime(2019, 5, 1, tzinfo=UTC)] * 80
    path = _write(tmp_path / "a.parquet", text=_PROSE, proven_by=pa.array(old, TIME), language=["en"] * 80)
    whole = audit(LocalStorage(), str(path))["prevalence"]["documents"]
    assert whole["proven_human"] == 80
    assert all(item["share"] == 0 for item in whole["estimates"])


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["2019-05-01T00:00:00Z"] * 80),
        pa.array([date(2019, 5, 1)] * 80),
        pa.array(["2019-05-01"] * 80).dictionary_encode(),
        pa.array([datetime(2019, 5, 1)] * 80, pa.timestamp("ns")),
    ],
    ids=lambda column: str(column.type),
)
def test_times_and_languages_are_read_in_any_spelling(tmp_path: Path, column: pa.Array) -> None:
    spelled = pa.array(["en-US", "EN"] * 40).dictionary_encode()
    path = _write(tmp_path / "a.parquet", text=_PROSE, capture_time=column, language=spelled)
    found = audit(LocalStorage(), str(path))["prevalence"]
    assert (found["documents"]["proven_human"], found["documents"]["judged"]) == (80, 80)
    assert list(found["by_year"]) == ["2019"]
    assert list(found["by_language"]) == ["en"]


@pytest.mark.parametrize(
    "columns",
    [
        {"watermarks": ["marked"] * 80},
        {"watermarks": [[1]] * 80},
        {"watermarks": pa.array([[{"p_value": "small"}]] * 80)},
        {"source": [["a"]] * 80, "language": [{"tag": "en"}] * 80},
        {"capture_time": pa.array([2**53] * 80, pa.timestamp("ms"))},
        {"proven_by": ["when it was young"] * 80},
        {"proven_by": [[1]] * 80},
    ],
    ids=["marks-words", "marks-numbers", "p-words", "lists", "far-future", "no-time", "times-lists"],
)
def test_columns_of_other_kinds_count_as_missing(tmp_path: Path, columns: dict[str, object]) -> None:
    path = _write(tmp_path / "a.parquet", text=_PROSE, **columns)
    found = audit(LocalStorage(), str(path))
    assert found["prevalence"]["documents"]["proven_human"] == 0
    assert list(found["prevalence"]["by_year"]) == list(found["prevalence"]["by_source"]) == ["unknown"]
    assert not found["watermarks"]["read"]


@pytest.mark.parametrize("rows", [{"text": ["", None]}, {"other": ["x"]}, {"text": [1, 2]}])
def test_what_cannot_be_audited_is_named(tmp_path: Path, rows: dict[str, list[object]]) -> None:
    path = _write(tmp_path / "a.parquet", **rows)
    with pytest.raises(AuditError, match=r"a\.parquet|not a string"):
        audit(LocalStorage(), str(path))


def test_damaged_and_missing_files_end_the_command_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really")
    assert main(["audit", str(tmp_path)]) == 1
    assert "bad.parquet: cannot be read as Parquet" in capsys.readouterr().err
    assert main(["audit", str(tmp_path / "none")]) == 1
    assert "no such file or directory" in capsys.readouterr().err
    (tmp_path / "lines.jsonl").write_text('{"text": "words"}')
    assert main(["audit", str(tmp_path / "lines.jsonl")]) == 1
    assert (
        "no Parquet file here; other formats become Parquet by `provenance curate`" in capsys.readouterr().err
    )


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
