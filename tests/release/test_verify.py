"""`provenance verify` finds whatever is not as the manifest says, and names the file."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.files.storage import LocalStorage
from provenance.release.manifest import write_json
from provenance.release.verify import verify
from tests.program import run

FILES = ["README.md", "data/part-00000-of-00001.parquet", "_ledger/part-00000-of-00001.parquet"]


@pytest.fixture
def copy(demo_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(demo_release, tmp_path / "copy"))


def problems(release: Path) -> list[str]:
    return verify(LocalStorage(), str(release))


def edit(release: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = release / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_bytes(write_json(manifest))


def test_fresh_release_verifies(demo_release: Path) -> None:
    ended = run("verify", demo_release)
    assert ended.code == 0
    assert "verified" in ended.out
    assert json.loads(run("verify", demo_release, "--json").out)["problems"] == []


def test_every_file_but_the_manifest_is_in_it(demo_release: Path) -> None:
    manifest = json.loads((demo_release / "manifest.json").read_text(encoding="utf-8"))
    present = {
        path.relative_to(demo_release).as_posix() for path in demo_release.rglob("*") if path.is_file()
    }
    assert {item["path"] for item in manifest["files"]} | {"manifest.json"} == present
    assert set(FILES) < present


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_anywhere_in_a_file_is_found_and_named(copy: Path, name: str) -> None:
    path = copy / name
    whole = path.read_bytes()
    chance = random.Random(name)
    places = {0, 4, len(whole) // 2, len(whole) - 1} | {chance.randrange(len(whole)) for _ in range(12)}
    for place in sorted(places):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        ended = run("verify", copy)
        assert ended.code == 1 or f"remark: {name}: its header was rewritten" in ended.out
        assert name in ended.out
    path.write_bytes(whole)
    assert problems(copy) == []


def test_one_changed_byte_anywhere_in_the_manifest_is_found(copy: Path) -> None:
    path = copy / "manifest.json"
    whole = path.read_bytes()
    chance = random.Random(7)
    unnoticed = []
    for place in sorted({0, len(whole) - 1} | {chance.randrange(len(whole)) for _ in range(80)}):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(7)
        path.write_bytes(damaged)
        ended = run("verify", copy)
        if ended.code != 1 or "manifest.json" not in ended.out:
            unnoticed.append(f"byte {place}: {ended}")
    assert not unnoticed, "\n".join(unnoticed)


def test_file_that_is_missing_or_too_much_is_named(copy: Path) -> None:
    (copy / "data" / "part-00001-of-00001.parquet").write_bytes(b"stale")
    (copy / "README.md").unlink()
    found = "\n".join(problems(copy))
    assert "data/part-00001-of-00001.parquet: is not in the manifest" in found
    assert "README.md: is missing" in found


def test_directory_without_a_manifest_is_refused(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    ended = run("verify", copy)
    assert ended.code == 1
    assert "there is no manifest.json" in ended.out


def halve(manifest: dict[str, Any]) -> None:
    manifest["synthetic"]["max_synthetic"] = "0.01"


def forget_what_was_dropped(manifest: dict[str, Any]) -> None:
    manifest["synthetic"]["before"] = {
        **manifest["synthetic"]["before"],
        "sums": manifest["synthetic"]["sums"],
    }
    manifest["synthetic"]["before"]["sums"]["tokens"]["documents"] += 1


def embellish(manifest: dict[str, Any]) -> None:
    manifest["synthetic"]["fractions"]["expected"]["tokens"] = 0.0


def lower_the_sums(manifest: dict[str, Any]) -> None:
    manifest["synthetic"]["sums"]["tokens"]["synthetic_weight"] -= 1


def miscount(manifest: dict[str, Any]) -> None:
    manifest["counts"]["kept"] += 1


def hide_reasons(manifest: dict[str, Any]) -> None:
    manifest["counts"]["reasons"] = {}


def count_other_tokens(manifest: dict[str, Any]) -> None:
    manifest["counts"]["tokens"] -= 1


def claim_to_hold(manifest: dict[str, Any]) -> None:
    manifest["synthetic"]["holds"] = False


def claim_a_fraction(manifest: dict[str, Any]) -> None:
    manifest["synthetic"]["published_fraction"] = 0.0


def forget_a_section(manifest: dict[str, Any]) -> None:
    del manifest["synthetic"]["before"]


def mistype_a_section(manifest: dict[str, Any]) -> None:
    manifest["synthetic"] = []


def point_outside(manifest: dict[str, Any]) -> None:
    manifest["files"].append({"path": "../secret", "bytes": 0, "sha256": ""})


def forget(section: str, manifest: dict[str, Any]) -> None:
    del manifest[section]


def mistype(section: str, value: object, manifest: dict[str, Any]) -> None:
    manifest[section] = value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (halve, "cap: max_synthetic is 0.10"),
        (forget_what_was_dropped, "cap: before"),
        (embellish, "cap: fractions: expected: tokens"),
        (lower_the_sums, "cap: sums: tokens: synthetic_weight"),
        (claim_to_hold, "cap: holds"),
        (claim_a_fraction, "cap: published_fraction"),
        (miscount, "kept"),
        (hide_reasons, "reason"),
        (count_other_tokens, "tokens"),
        (forget_a_section, "cap: before"),
        (mistype_a_section, "manifest.json"),
        (point_outside, "../secret"),
        (partial(forget, "prior"), "manifest.json: has no `prior`"),
        (partial(forget, "inputs"), "manifest.json: has no `inputs`"),
        (partial(mistype, "detector", []), "manifest.json: `detector` is list, not object"),
        (partial(mistype, "runs", {}), "manifest.json: `runs` is dict, not array"),
        (partial(mistype, "fingerprint", 5), "manifest.json: `fingerprint` is int, not string"),
    ],
)
def test_manifest_rewritten_and_sealed_again_is_found_out(
    copy: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    edit(copy, change)
    found = "\n".join(problems(copy))
    assert said in found


def rewrite(release: Path, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the rows of a file, with its new digest in the manifest, as one who hides it would."""
    path = release / name
    pq.write_table(change(pq.read_table(path)), path)

    def own_up(manifest: dict[str, Any]) -> None:
        entry = next(item for item in manifest["files"] if item["path"] == name)
        entry.update(bytes=path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    edit(release, own_up)


def test_rows_moved_from_the_data_are_found_though_all_digests_fit(copy: Path) -> None:
    """A file rewritten with its new digest in the manifest still has to agree with the ledger."""
    table = pq.read_table(copy / FILES[1])
    rewrite(copy, FILES[1], lambda table: table.slice(1))
    found = "\n".join(problems(copy))
    assert f"{FILES[1]}: documents: is {len(table) - 1}" in found
    assert table["doc_id"][0].as_py() in found


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize(
    "column", ["url", "record_offset", "capture_time", "token_count", "language", "proven_by"]
)
def test_what_data_and_ledger_say_differently_of_a_document_is_found(
    copy: Path, name: str, column: str
) -> None:
    def exchange(table: pa.Table) -> pa.Table:
        """Two kept documents exchange their values: few sums of the file change, or none."""
        at, values = table.column_names.index(column), table[column].to_pylist()
        decided = table["decision"].to_pylist() if "decision" in table.column_names else ["kept"] * len(table)
        kept = [row for row, value in enumerate(values) if value is not None and decided[row] == "kept"]
        other = next(row for row in kept if values[row] != values[kept[0]])
        values[kept[0]], values[other] = values[other], values[kept[0]]
        field = table.schema.field(column)
        return table.set_column(at, field, pa.array(values, field.type))

    rewrite(copy, name, exchange)
    assert any("are not as the ledger has them" in problem for problem in problems(copy))


def test_decisions_swapped_between_two_records_are_found(copy: Path) -> None:
    def swap(table: pa.Table) -> pa.Table:
        ids = table["doc_id"].to_pylist()
        kept, dropped = (table["decision"].to_pylist().index(value) for value in ("kept", "dropped"))
        ids[kept], ids[dropped] = ids[dropped], ids[kept]
        return table.set_column(0, "doc_id", pa.array(ids))

    rewrite(copy, FILES[2], swap)
    assert any("not kept in the ledger" in problem for problem in problems(copy))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("duplicate_of", "f" * 32, "stand for duplicates"), ("similarity", 0.25, "only 0.250 similar")],
)
def test_duplicates_that_nothing_represents_are_found(
    copy: Path, column: str, value: object, said: str
) -> None:
    def misplace(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index(column)
        values = [None if old is None else value for old in table[column].to_pylist()]
        return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))

    rewrite(copy, FILES[2], misplace)
    assert any(said in problem for problem in problems(copy))


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize("column", ["prior_log_odds", "evidence"])
def test_probability_that_its_row_does_not_explain_is_found(copy: Path, name: str, column: str) -> None:
    def change(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        row = next(i for i, items in enumerate(table["evidence"].to_pylist()) if items)
        if column == "evidence":
            values[row][0]["llr"] += 0.5
        else:
            values[row] += 0.5
        at = table.schema.get_field_index(column)
        return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))

    rewrite(copy, name, change)
    assert problems(copy) == [f"{name}: 1 probabilities are not what prior and evidence add up to"]


def hide(manifest: dict[str, Any], part: str, name: str) -> None:
    manifest["contents"][part][name] = []


@pytest.mark.parametrize(
    ("part", "name"), [("documents", "languages"), ("documents", "disclosures"), ("records", "sources")]
)
def test_contents_that_the_files_do_not_hold_are_found(copy: Path, part: str, name: str) -> None:
    edit(copy, lambda manifest: hide(manifest, part, name))
    assert f"contents: {part}: {name}: what the manifest says is not what the files hold" in problems(copy)


def test_a_licence_that_no_page_declares_is_found(copy: Path) -> None:
    edit(copy, lambda manifest: manifest["license"].update(expression="CC0-1.0"))
    assert any(problem.startswith("license: ") for problem in problems(copy))


def test_what_a_hub_adds_and_rewrites_is_a_remark(copy: Path) -> None:
    (copy / ".gitattributes").write_text("*.parquet filter=lfs", encoding="utf-8")
    (copy / ".cache" / "huggingface").mkdir(parents=True)
    (copy / ".cache" / "huggingface" / "x.metadata").write_text("1", encoding="utf-8")
    card = copy / "README.md"
    text = card.read_text(encoding="utf-8").replace("license: unknown", "license: cc0-1.0\nviewer: false")
    card.write_bytes(text.replace("\n", "\r\n").encode())
    ended = run("verify", copy)
    assert ended.code == 0
    assert "remark: README.md: its header was rewritten" in ended.out
    assert "remark: .cache/huggingface/x.metadata and 1 more: left by a hub" in ended.out
    assert len(json.loads(run("verify", copy, "--json").out)["remarks"]) == 2


def test_a_card_that_says_something_else_is_a_problem(copy: Path) -> None:
    card = copy / "README.md"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("These fractions are as good as", "These are better than"), encoding="utf-8")
    assert any(problem.startswith("README.md: has") for problem in problems(copy))


def test_a_stray_file_is_a_problem_though_hubs_leave_files(copy: Path) -> None:
    (copy / ".gitattributes.parquet").write_bytes(b"")
    (copy / "data" / ".cache").write_bytes(b"")
    found = problems(copy)
    assert "data/.cache: is not in the manifest" in found


def test_one_part_is_verified_alone(copy: Path) -> None:
    (copy / FILES[2]).write_bytes(b"damaged")
    assert run("verify", copy, "--part", FILES[1]).code == 0
    ended = run("verify", copy, "--part", FILES[2])
    assert ended.code == 1 and f"{FILES[2]}: has 7 bytes" in ended.out
    assert run("verify", copy, "--part", "prov.json").code == 0
    rewrite(copy, FILES[1], lambda table: table.slice(1))
    ended = run("verify", copy, "--part", FILES[1])
    assert ended.code == 1 and f"{FILES[1]}: documents: is" in ended.out


def test_a_part_that_is_none_or_several_is_named(copy: Path) -> None:
    ended = run("verify", copy, "--part", "prov.jsn")
    assert ended.code == 2 and "prov.json" in ended.err
    ended = run("verify", copy, "--part", "part-00000-of-00001.parquet")
    assert ended.code == 2 and "is the name of 2 files" in ended.err


def test_a_copy_elsewhere_is_held_against_the_release(copy: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(copy, tmp_path / "other"))
    assert run("verify", copy, "--remote", other).code == 0
    (other / FILES[1]).unlink()
    ended = run("verify", copy, "--remote", other)
    assert ended.code == 1 and f"{FILES[1]}: is missing" in ended.out
    edit(other, lambda manifest: manifest.update(fingerprint="0" * 32))
    ended = run("verify", copy, "--remote", other)
    assert ended.code == 1 and "is not that of" in ended.out
