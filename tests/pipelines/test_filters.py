"""Filters on the bundled crawl: everything accounted for, keepers chosen among what passes, nothing annotated again."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pytest
import yaml

from pipelines.filter import FilterTasks, VerdictTask, write_listings
from provenance.configuration import Configuration
from provenance.decisions.filters import plan_filters
from provenance.files.storage import LocalStorage
from provenance.files.workspace import Workspace
from provenance.schema import ANNOTATED
from tests.program import DEMO, Outcome, data, ledger, run


def curate(release: Path, workspace: Path, configuration: dict[str, Any]) -> Outcome:
    """Curate the bundled crawl again, from a copy of a workspace in which it was annotated."""
    path = release.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(configuration))
    if not Path(f"{release}.workspace").exists():
        shutil.copytree(workspace, f"{release}.workspace")
    ended = run("curate", DEMO, "--output", release, "--config", path)
    assert ended.code == 0, ended.err
    return ended


def ages(release: Path, stages: Sequence[str] = ("annotated", "edges/verified")) -> dict[str, int]:
    folder = Path(f"{release}.workspace")
    return {
        str(path): path.stat().st_mtime_ns for name in stages for path in sorted((folder / name).iterdir())
    }


@pytest.fixture(scope="module")
def plain(demo_release: Path) -> Path:
    return Path(f"{demo_release}.workspace")


def test_filters_are_accounted_for_and_the_release_verifies(plain: Path, tmp_path: Path) -> None:
    filters = [
        {"kind": "languages", "allow": ["en", "de"]},
        {"kind": "gopher", "min_words": 20, "min_letter_words": 0.5, "max_top_grams": [None, None, None]},
        {"kind": "expression", "name": "no-help", "keep": "url NOT LIKE '%help%' AND quality.words > 130"},
    ]
    release = tmp_path / "release"
    ended = curate(release, plain, {"filters": filters, "rights": {"policy": "exclude"}})
    assert run("verify", release).code == 0
    manifest = json.loads((release / "manifest.json").read_text())
    rows = ledger(release)
    reasons = ["opt_out", "filter:languages", "filter:gopher", "filter:no-help"]
    assert [item["reason"] for item in manifest["filters"]] == reasons
    for item in manifest["filters"]:
        dropped = rows[rows.reason == item["reason"]]
        assert item["dropped"]["documents"]["documents"] == len(dropped)
        assert item["dropped"]["tokens"]["weight"] == dropped.token_count.sum()
        assert dropped.detail.notna().all() and (dropped.decision == "dropped").all()
        assert item["reason"] in ended.out and item["reason"] in (release / "README.md").read_text()
    assert (rows.reason == "filter:no-help").any() and (rows.reason == "filter:languages").any()
    passed = rows[rows.reason.isna() | rows.reason.isin(["duplicate", "synthetic_cap"])]
    share = (passed.token_count * passed.synthetic_probability).sum() / passed.token_count.sum()
    assert manifest["filters"][-1]["after"]["expected"]["tokens"] == pytest.approx(share, abs=1e-5)
    assert set(data(release).language) <= {"en", "de"}


def test_another_threshold_annotates_nothing_and_finds_no_duplicates_again(
    plain: Path, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    curate(release, plain, {"filters": [{"kind": "gopher", "min_words": 20}]})
    kept, before = len(data(release)), ages(release)
    ended = curate(release, plain, {"filters": [{"kind": "gopher", "min_words": 150}]})
    assert ages(release) == before
    assert "annotate: unchanged" in ended.err
    assert len(data(release)) < kept


def test_a_keeper_that_is_dropped_does_not_take_its_duplicates_with_it(plain: Path, tmp_path: Path) -> None:
    before = ledger(Path(str(plain).removesuffix(".workspace")))
    copies = before[before.reason == "duplicate"]
    keeper = before[before.doc_id == copies.duplicate_of.iloc[0]].iloc[0]
    members = copies[copies.duplicate_of == keeper.doc_id]
    hosts = tmp_path / "urls.txt"
    hosts.write_text(f"{keeper.url}\n")
    members = members[members.url != keeper.url]
    assert len(members)
    release = tmp_path / "release"
    curate(release, plain, {"filters": [{"kind": "block_list", "urls": [str(hosts)]}]})
    after = ledger(release).set_index("doc_id")
    assert after.reason[keeper.doc_id] == "filter:block_list"
    assert pd.isna(after.duplicate_of[keeper.doc_id])
    # One of its duplicates stands in its place now; none of them is gone for its sake.
    standing = after.loc[members.doc_id]
    assert (~standing.reason.fillna("").str.startswith("filter")).all()
    assert (standing.reason.isna() | (standing.reason == "synthetic_cap")).any()
    assert keeper.doc_id not in set(after.duplicate_of.dropna())
    # The text is proven to be as old as before: a dropped document still is a witness.
    assert standing.proven_by.min() == members.proven_by.min() or standing.proven_by.min() <= keeper.proven_by


def test_a_removed_document_takes_its_near_duplicates_with_it(plain: Path, tmp_path: Path) -> None:
    before = ledger(Path(str(plain).removesuffix(".workspace")))
    copies = before[before.reason == "duplicate"]
    member = copies.iloc[0]
    requests = tmp_path / "removals.jsonl"
    requests.write_text(
        json.dumps({"doc_id": member.doc_id, "reason": "privacy", "date": "2025-02-03"}) + "\n"
    )
    release = tmp_path / "release"
    curate(release, plain, {"removals": {"lists": [str(requests)]}})
    after = ledger(release).set_index("doc_id")
    assert after.reason[member.doc_id] == "removed" and "privacy, 2025-02-03" in after.detail[member.doc_id]
    assert after.reason[member.duplicate_of] == "removed"
    assert after.duplicate_of[member.duplicate_of] == member.doc_id
    assert run("verify", release).code == 0
    assert run("verify", release, "--removals", requests).code == 0
    old = Path(str(plain).removesuffix(".workspace"))
    kept = data(old).iloc[0]
    requests.write_text(json.dumps({"url": kept.url, "reason": "privacy", "date": "2025-02-03"}) + "\n")
    ended = run("verify", old, "--removals", requests)
    assert ended.code == 1 and f"document {kept.doc_id} is to be removed by its url" in ended.out


def test_a_bad_expression_ends_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("filters: [{kind: expression, keep: tokens > 3}]\n")
    ended = run("curate", DEMO, "--output", tmp_path / "release", "--config", path)
    assert ended.code == 2
    assert "filters: expression: there is no column 'tokens'" in ended.err and "token_count" in ended.err
    assert not (tmp_path / "release.workspace").exists()


def test_personal_data_is_masked_in_what_is_published_and_counted(tmp_path: Path) -> None:
    told = "The harbour office answers letters in the order in which they come, and slowly in the summer. "
    texts = {
        "https://a.example/mail": told + "Write to office@harbour.example or to the keeper@pier.example.",
        "https://b.example/key": told + "Somebody pasted AKIAIOSFODNN7EXAMPLE here by mistake.",
        "https://c.example/card": told * 2 + "The test card is 4111 1111 1111 1111, as everybody knows.",
    }
    lines = [json.dumps({"url": url, "text": text}) for url, text in texts.items()]
    crawl, config = tmp_path / "crawl.jsonl", tmp_path / "c.yaml"
    crawl.write_text("\n".join(lines) + "\n")
    config.write_text("{personal_data: {email: mask, secret: drop, card: mark}, cap: {max_synthetic: 1}}\n")
    release = tmp_path / "release"
    ended = run("curate", crawl, "--output", release, "--config", config, "--quiet")
    assert ended.code == 0, ended.err
    found = data(release).set_index("url")
    assert found.text["https://a.example/mail"].endswith("Write to [EMAIL] or to the [EMAIL].")
    assert found.personal_data["https://a.example/mail"]["email"] == 2
    assert found.text["https://c.example/card"].endswith("4111 1111 1111 1111, as everybody knows.")
    assert found.personal_data["https://c.example/card"]["card"] == 1
    dropped = ledger(release).set_index("url").loc["https://b.example/key"]
    assert (dropped.reason, dropped.detail) == ("personal_data", "1 secret")
    assert run("verify", release).code == 0
    recounted = run("verify", release, "--recount")
    assert (
        recounted.code == 0
        and "1 texts in which personal data were masked were counted before" in recounted.out
    )
    listed = run("list", release, "--reason", "personal_data")
    assert listed.code == 0 and "https://b.example/key" in listed.out


def test_records_are_listed_by_the_name_of_a_filter(plain: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    curate(release, plain, {"filters": [{"kind": "languages", "name": "german", "allow": ["de"]}]})
    listed = run("list", release, "--reason", "filter:german", "--json")
    assert listed.code == 0, listed.err
    assert json.loads(listed.out)["decisions"] == {
        "dropped:filter:german": int((ledger(release).reason == "filter:german").sum())
    }


def test_a_worker_reads_each_list_of_a_job_once_whatever_the_number_of_lists_and_shards(
    plain: Path, tmp_path: Path
) -> None:
    (tmp_path / "hosts.txt").write_text("blocked.example\n")
    lists = [
        {"kind": "block_list", "name": f"list-{n}", "hosts": [str(tmp_path / "hosts.txt")]} for n in range(6)
    ]
    plan = plan_filters(Configuration.model_validate({"filters": lists}), ANNOTATED)
    opened: Counter[str] = Counter()

    class Counting(LocalStorage):
        def open(self, path: str, size: int | None = None) -> BinaryIO:
            opened[path] += 1
            return super().open(path, size)

    paths = write_listings(Workspace(LocalStorage(), str(tmp_path / "workspace")), plan)
    tasks = FilterTasks(Counting(), plan, paths, "of this test", str(plain / "rights" / "sites.parquet"))
    for shard in sorted((plain / "annotated").glob("*.parquet")):
        tasks.write_verdicts(VerdictTask(str(shard), str(tmp_path / shard.name)))
    assert len(paths) == 6 and {opened[path] for path in paths} == {1}
