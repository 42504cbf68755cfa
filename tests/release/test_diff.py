"""Two releases compared: which documents changed their decision, counted and explained, whatever the size of a part."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.files.storage import LocalStorage
from provenance.release.diff import diff_releases
from provenance.release.manifest import read_manifest, write_json
from provenance.release.transitions import DUPLICATES, SETTINGS
from provenance.schema import LEDGER
from tests.program import DEMO, ledger, run

STORAGE = LocalStorage()


@pytest.fixture(scope="module")
def demo_release(demo_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo release under a cap that drops documents."""
    folder = tmp_path_factory.mktemp("capped")
    workspace = shutil.copytree(f"{demo_release}.workspace", folder / "w")
    more = ("--workspace", workspace, "--max-synthetic", "0.02", "--quiet")
    ended = run("curate", DEMO, "--output", folder / "release", *more)
    assert ended.code == 0, ended.err
    return folder / "release"


CAP = "dropped:synthetic_cap"


def altered(
    release: Path, copy: Path, change: Callable[[list[dict[str, object]]], list[dict[str, object]]]
) -> Path:
    """A copy of a release with another ledger: no run of the program can be told which document is to change how."""
    shutil.copytree(release, copy)
    path = next((copy / "_ledger").iterdir())
    rows = change(pq.read_table(path).to_pylist())
    pq.write_table(pa.Table.from_pylist(rows, schema=LEDGER), path)
    manifest = read_manifest(STORAGE, str(copy))
    manifest["counts"]["records"] = len(rows)
    (copy / "manifest.json").write_bytes(write_json(manifest))
    return copy


def test_a_release_does_not_differ_from_itself(demo_release: Path) -> None:
    found = diff_releases(STORAGE, str(demo_release), str(demo_release))
    assert found.changed == 0 and found.transitions == {}
    assert found.same == len(ledger(demo_release))
    ended = run("diff", demo_release, demo_release)
    assert ended.code == 0 and "changed:  0 documents" in ended.out


@pytest.fixture(scope="module")
def changed(demo_release: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """A release in which five documents changed and one is gone; and the rows of the first, by what was done to them."""
    rows = ledger(demo_release)
    kept = rows[rows.decision == "kept"].doc_id.tolist()[:5]
    dropped = rows[rows.reason == "synthetic_cap"].doc_id.tolist()[0]
    names = {
        "watermarked": kept[0],
        "squeezed": kept[1],
        "copied": kept[2],
        "gone": kept[3],
        "still": kept[4],
        "freed": dropped,
    }

    def change(table: list[dict[str, object]]) -> list[dict[str, object]]:
        for row in table:
            if row["doc_id"] == names["watermarked"]:
                more = {"source": "watermark:kgw", "llr": 7.5, "because": "z is 9"}
                row |= {"decision": "dropped", "reason": "synthetic_cap", "synthetic_probability": 0.9}
                row["evidence"] = [*(row["evidence"] or []), more]  # type: ignore[misc]
            elif row["doc_id"] == names["squeezed"]:
                row |= {"decision": "dropped", "reason": "synthetic_cap"}
            elif row["doc_id"] == names["copied"]:
                row |= {
                    "decision": "dropped",
                    "reason": "duplicate",
                    "duplicate_of": names["still"],
                    "similarity": 0.9,
                }
            elif row["doc_id"] == names["still"]:
                row |= {"synthetic_probability": 0.7, "prior_log_odds": 1.0}
            elif row["doc_id"] == names["freed"]:
                row |= {"decision": "kept", "reason": None}
                row["prior_log_odds"] -= 3.0  # type: ignore[operator]
        return [row for row in table if row["doc_id"] != names["gone"]]

    after = altered(demo_release, tmp_path_factory.mktemp("diff") / "after", change)
    return after, pd.Series(names)


@pytest.mark.parametrize("part_rows", [1_000_000, 7])
def test_each_transition_is_counted_and_its_mover_named(
    demo_release: Path, changed: tuple[Path, pd.Series], part_rows: int
) -> None:
    after, names = changed
    found = diff_releases(STORAGE, str(demo_release), str(after), part_rows)
    counted = {pair: item.documents for pair, item in found.transitions.items()}
    assert counted == {
        ("kept", CAP): 2,
        ("kept", "dropped:duplicate"): 1,
        (CAP, "kept"): 1,
        ("kept", "absent"): 1,
    }
    assert found.changed == 5 and found.moved == 1
    assert found.same == len(ledger(demo_release)) - 5
    moved = {pair: item.moved_by for pair, item in found.transitions.items()}
    assert moved["kept", CAP] == {"watermark:kgw": [1, 7_500_000], SETTINGS: [1, 0]}
    assert moved["kept", "dropped:duplicate"] == {DUPLICATES: [1, 0]}
    ((mover, (documents, nats)),) = moved[CAP, "kept"].items()
    assert (mover, documents, nats) == ("prior", 1, pytest.approx(-3_000_000, abs=2))
    example = found.transitions["kept", CAP].examples[0][2]
    assert example["doc_id"] == names["watermarked"]
    assert example["log_odds"]["watermark:kgw"] == [None, 7.5]
    assert example["probability"][1] == pytest.approx(0.9)


def test_the_order_of_parts_does_not_change_what_is_said(
    demo_release: Path, changed: tuple[Path, pd.Series]
) -> None:
    found = [
        diff_releases(STORAGE, str(demo_release), str(changed[0]), rows).as_json() for rows in (7, 100, 10**6)
    ]
    assert found[0] == found[1] == found[2]


def test_the_command_says_it_to_a_person_and_to_a_program(
    demo_release: Path, changed: tuple[Path, pd.Series]
) -> None:
    after, names = changed
    ended = run("diff", demo_release, after)
    assert ended.code == 1
    assert f"kept -> {CAP}" in ended.out and "1 by watermark:kgw, +7.50 nats on average" in ended.out
    assert "watermark:kgw +0.00 -> +7.50 nats" in ended.out
    assert names["watermarked"] in ended.out
    values = json.loads(run("diff", demo_release, after, "--json").out)
    assert values["changed"] == 5
    assert sum(item["documents"] for item in values["transitions"]) == 5
    assert run("diff", demo_release, demo_release.parent).code == 1
    assert run("diff", demo_release).code == 2


def test_other_settings_are_named(demo_release: Path, tmp_path: Path) -> None:
    after = tmp_path / "after"
    shutil.copytree(demo_release, after)
    manifest = read_manifest(STORAGE, str(after))
    manifest["configuration"]["cap"]["max_synthetic"] = "0.05"
    (after / "manifest.json").write_bytes(write_json(manifest))
    assert "cap.max_synthetic" in diff_releases(STORAGE, str(demo_release), str(after)).settings
