"""The footers of decisions add up to what the release says of the whole crawl."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from provenance.decisions.footers import Footer, read_footers
from provenance.files.storage import LocalStorage

ONE = Footer(
    {
        unit: {"documents": 2, "weight": 5, "synthetic_documents": 1, "synthetic_weight": 3, "expected": 7}
        for unit in ("tokens", "documents")
    },
    {"documents": 2, "judged": 1, "flagged": 0, "limited": 0},
    {"embedded": 2},
    {"gap": 0.25},
    {},
)
OTHER = Footer(
    before=ONE.before,
    judged={"documents": 1, "judged": 1, "flagged": 1, "limited": 0},
    asked={"embedded": 1, "mine": 1},
    selection=ONE.selection,
    filtered={"filter:short": ONE.before},
)


def test_footers_of_several_shards_add_up(tmp_path: Path) -> None:
    for name, footer in (("a", ONE), ("b", OTHER)):
        table = pa.table({"decision": ["kept"]}).replace_schema_metadata(footer.metadata())
        pq.write_table(table, tmp_path / name)
    found = read_footers(LocalStorage(), [str(tmp_path / "a"), str(tmp_path / "b")])
    assert found.before["tokens"]["weight"] == 10 and found.before["documents"]["expected"] == 14
    assert found.judged == {"documents": 3, "judged": 2, "flagged": 1, "limited": 0}
    assert found.filtered["filter:short"]["tokens"]["weight"] == 5
    assert found.asked == {"embedded": 3, "mine": 1}
    assert found.selection == {"gap": 0.25}


def test_a_release_says_what_the_footers_of_its_workspace_say(demo_release: Path) -> None:
    decisions = sorted(Path(f"{demo_release}.workspace").glob("decisions/*.parquet"))
    found = read_footers(LocalStorage(), [str(path) for path in decisions])
    manifest = json.loads((demo_release / "manifest.json").read_text())
    assert manifest["synthetic"]["before"]["sums"] == found.before
    assert manifest["detector"]["documents"] == found.judged
