"""What an audit promises of shares: honest bounds."""

from __future__ import annotations

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
from provenance.audit.report import describe
from provenance.audit.selection import Probabilities, selection_of
from provenance.audit.versions import audit
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


def _known(path: Path, frame: pd.DataFrame, **columns: object) -> dict[str, Any]:
    _write(path, text=frame.text.tolist(), language=frame.language.tolist(), **columns)
    found: dict[str, Any] = audit(LocalStorage(), [str(path)])["prevalence"]
    return found


@pytest.fixture(scope="module")
def passages(shared: Path) -> pd.DataFrame:
    """Passages that the detector was not trained on: of people, and of makers that it never saw."""
    corpus = shared / "data" / "detector"
    parts = [
        pd.read_parquet(corpus / f"pool_{name}.parquet") for name in ("val", "test", "human_web", "makers")
    ]
    people = pd.concat([part[(part.label == "human") & (part.split != "train")] for part in parts[:3]])
    machines = parts[3][parts[3].maker.isin(("xAI", "Moonshot", "Mistral"))]
    return pd.concat([people, machines]).drop_duplicates("text").reset_index(drop=True)


def _mixed(passages: pd.DataFrame, language: str, people: int, machines: int, seed: int = 0) -> pd.DataFrame:
    own = passages[passages.language == language]
    rows = [
        own[own.label == label].sample(count, random_state=seed)
        for label, count in (("human", people), ("synthetic", machines))
    ]
    return pd.concat(rows).sample(frac=1, random_state=seed)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5])
def test_makers_that_nobody_has_seen_are_found(passages: pd.DataFrame, tmp_path: Path, share: float) -> None:
    machines = round(600 * share)
    found = _known(tmp_path / "a.parquet", _mixed(passages, "en", 600 - machines, machines))
    (item,) = found["documents"]["estimates"]
    low, high = item["interval"]
    true = machines / 600
    assert low - 0.01 <= true <= high + 0.01
    assert abs(item["share"] - true) < 0.1
    assert high - low < 0.35


def test_each_language_is_read_with_its_own_reference_and_limits_add_up(
    passages: pd.DataFrame, tmp_path: Path
) -> None:
    frame = pd.concat(
        [_mixed(passages, "en", 150, 50), _mixed(passages, "ja", 100, 0), _mixed(passages, "fr", 30, 0)]
    )
    found = _known(tmp_path / "a.parquet", frame)
    by = {name: item for name, item in found["by_language"].items()}
    english, japanese = (by[name]["estimates"][0] for name in ("en", "ja"))
    assert english["interval"][0] <= 0.25 <= english["interval"][1]
    assert japanese["interval"][0] == 0
    assert by["fr"]["estimates"] == []  # fewer than 50
    whole = found["documents"]["estimates"][0]
    judged = english["documents"] + japanese["documents"]
    assert found["documents"]["judged"] == whole["documents"] == judged
    for limit in (0, 1):
        added = sum(item["interval"][limit] * item["documents"] for item in (english, japanese)) / judged
        assert whole["interval"][limit] == pytest.approx(added)


def test_languages_without_a_proven_reference_have_an_upper_limit_and_no_share(
    passages: pd.DataFrame, tmp_path: Path
) -> None:
    korean = passages[passages.language == "ko"].head(60)
    assert len(korean) == 60
    found = _known(tmp_path / "a.parquet", korean)
    assert found["documents"]["estimates"] == []
    assert found["documents"]["judged"] == 0
    assert (korean.label == "synthetic").mean() <= found["documents"]["at_most"]["ko"] <= 1
    said = describe(audit(LocalStorage(), [str(tmp_path / "a.parquet")]))
    assert "of those in ko, where people may score like machines" in said


def test_sites_are_the_unit_by_domain_host_or_address(passages: pd.DataFrame, tmp_path: Path) -> None:
    frame = _mixed(passages, "en", 200, 200).sort_values("label")
    mills = [f"https://site{place // 40}.example/{place}" for place in range(400)]
    apart = [f"https://site{place}.example/" for place in range(400)]
    effects = []
    for name, addresses in (("mills", mills), ("apart", apart)):
        found = _known(tmp_path / name / "a.parquet", frame, url=addresses)
        effects.append(found["documents"]["design_effects"]["en"])
    assert effects[0] > 2 * effects[1]


def test_any_division_into_files_gives_the_same_shares(passages: pd.DataFrame, tmp_path: Path) -> None:
    frame = pd.concat([_mixed(passages, "en", 150, 50), _mixed(passages, "ja", 60, 20)])
    divided = [frame, *(frame[place::3] for place in (2, 0, 1))]
    for place, part in enumerate(divided):
        folder = tmp_path / ("whole" if place == 0 else "parts")
        _write(folder / f"{place}.parquet", text=part.text.tolist(), language=part.language.tolist())
    found = [audit(LocalStorage(), [str(tmp_path / name)])["prevalence"] for name in ("whole", "parts")]
    assert found[0] == found[1]
    assert found[0]["documents"]["design_effects"]["en"] >= 1


def test_a_release_under_a_cap_is_called_selected_and_its_limits_are_wide(
    passages: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = _mixed(passages, "en", 300, 20)
    free = _known(tmp_path / "free" / "data" / "a.parquet", frame)
    _known(tmp_path / "capped" / "data" / "a.parquet", frame)
    manifest = {"counts": {"reasons": {"dropped:synthetic_cap": 12}}, "synthetic": {"max_synthetic": "0.05"}}
    (tmp_path / "capped" / "manifest.json").write_text(json.dumps(manifest))
    capped = audit(LocalStorage(), [str(tmp_path / "capped")])["prevalence"]
    assert free["selected"] is None
    assert capped["selected"].startswith("its manifest says that 12 documents were dropped")
    limits = [item["documents"]["estimates"][0]["interval"] for item in (free, capped)]
    assert limits[1][1] > limits[0][1]
    page = tmp_path / "audit.html"
    assert main(["audit", str(tmp_path / "capped"), "--html", str(page)]) == 0
    assert "SELECTED: its manifest says" in capsys.readouterr().out
    assert "its manifest says that 12 documents were dropped" in page.read_text()


def test_a_release_of_this_program_says_itself_what_its_cap_took(demo_release: Path) -> None:
    manifest = json.loads((demo_release / "manifest.json").read_text())
    capped = sum(count for key, count in manifest["counts"]["reasons"].items() if "synthetic_cap" in key)
    said = selection_of(LocalStorage(), str(demo_release), Probabilities())
    assert capped > 0
    assert said is not None
    assert said.startswith(f"its manifest says that {capped:,} documents were dropped")


def test_a_column_of_probabilities_that_ends_low_is_called_selected(tmp_path: Path) -> None:
    many, tops = ["Some words of a page."] * 1200, (0.4, 0.99)
    found = []
    for top in tops:
        probability = pa.array(np.linspace(0, top, 1200), pa.float32())
        path = _write(tmp_path / str(top) / "a.parquet", text=many, synthetic_probability=probability)
        found.append(audit(LocalStorage(), [str(path)])["prevalence"]["selected"])
    assert found[0] == "none of 1,200 documents has a `synthetic_probability` above 0.40"
    assert found[1] is None


def test_human_abstracts_are_the_worst_case(shared: Path, tmp_path: Path) -> None:
    """The worst kind of text known: its people score like machines, and half of them are taken for such (docs/audit.md)."""
    frame = pd.read_parquet(shared / "data" / "web" / "pages" / "texts.parquet")
    frame = frame[(frame.label == "human") & (frame.domain == "arxiv")].assign(language="en")
    (item,) = _known(tmp_path / "a.parquet", frame)["documents"]["estimates"]
    assert item["interval"][0] <= 0.35


def test_own_old_documents_count_among_what_stands_for_people(shared: Path, tmp_path: Path) -> None:
    frame = pd.read_parquet(shared / "data" / "web" / "pages" / "texts.parquet").assign(language="en")
    people = frame[frame.label == "human"].sample(frac=1, random_state=1)
    fresh = pd.concat([people[300:460], frame[frame.label == "synthetic"].sample(40, random_state=1)])
    shipped = _known(tmp_path / "a.parquet", fresh)["documents"]["estimates"][0]
    both = pd.concat([people[:300], fresh])
    proven = pa.array([datetime(2019, 5, 1, tzinfo=UTC)] * 300 + [None] * len(fresh), TIME)
    found = _known(tmp_path / "b.parquet", both, proven_by=proven)
    assert found["reference"]["own_human_documents"]["en"] >= 100
    own = found["documents"]["estimates"][0]
    scale = own["documents"] / shipped["documents"]
    assert abs(own["share"] * scale - 0.2) <= abs(shipped["share"] - 0.2) + 0.02
    assert own["interval"][0] * scale <= 0.2 <= own["interval"][1] * scale
