"""Any Parquet with a text column can be audited; what cannot is named."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.audit.inputs import AuditError
from provenance.audit.versions import audit
from provenance.files.storage import LocalStorage
from scripts.make.demo_articles import SUBJECTS

_PROSE = [" ".join([sentence for _, sentences in SUBJECTS.values() for sentence in sentences][:14])] * 80


def _write(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


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
    found = audit(LocalStorage(), [str(path)])["prevalence"]
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
    found = audit(LocalStorage(), [str(path)])
    assert found["prevalence"]["documents"]["proven_human"] == 0
    assert list(found["prevalence"]["by_year"]) == list(found["prevalence"]["by_source"]) == ["unknown"]
    assert not found["watermarks"]["read"]


@pytest.mark.parametrize("rows", [{"text": ["", None]}, {"other": ["x"]}, {"text": [1, 2]}])
def test_what_cannot_be_audited_is_named(tmp_path: Path, rows: dict[str, list[object]]) -> None:
    path = _write(tmp_path / "a.parquet", **rows)
    with pytest.raises(AuditError, match=r"a\.parquet|not a string"):
        audit(LocalStorage(), [str(path)])
