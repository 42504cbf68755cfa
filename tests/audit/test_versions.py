"""Audits of versions: drift against a baseline, exit codes for machines, pages for people."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.command import main
from provenance.audit.inputs import find_files
from provenance.audit.versions import Baseline, Settings, sketch_dataset
from provenance.files.storage import LocalStorage
from tests.audit.made import documents, forgetful

_ZIPF = {"vocabulary": 20_000, "exponent": 1.2}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("versions")
    texts = documents(700, 2, **_ZIPF), documents(700, 3, **_ZIPF)
    made = {"v1": documents(700, 1, **_ZIPF), "v2": texts[0], "v3": forgetful(texts[1], 4, 0.9)}
    for name, column in made.items():
        (root / name).mkdir()
        pq.write_table(
            pa.table({"text": column, "language": ["en"] * len(column)}), root / name / "a.parquet"
        )
    return root


def test_drift_of_versions_ends_in_a_failure_and_a_page(
    versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(versions / name) for name in ("v1", "v2", "v3")]
    page = tmp_path / "audit.html"
    assert main(["audit", *names, "--json", "--html", str(page), "--by", "language"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [item["status"] for item in found["versions"]] == [None, "steady", "FAIL"]
    assert found["versions"][2]["diversity"]["baseline"]["strata"]["language=en"]["status"] == "FAIL"
    text = page.read_text()
    assert "default-src 'none'" in text
    assert "other sites where no `domain`, `host` or `url` says" in text
    assert text.count("<svg") >= 4
    assert main(["audit", *names[:2]]) == 0
    assert "versions against" in capsys.readouterr().out


def test_a_version_too_small_to_compare_is_no_reassurance(
    versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny, page = tmp_path / "tiny.jsonl", tmp_path / "audit.html"
    tiny.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents(30, 9, **_ZIPF)))
    names = [str(versions / "v1"), str(tiny), str(versions / "v2")]
    assert main(["audit", *names, "--html", str(page)]) == 0
    assert f"versions against {names[0]}: unknown" in capsys.readouterr().out
    text = page.read_text()
    assert 'Status: <strong class="unknown">unknown' in text
    assert "the dataset has fewer than 20,000 words" in text
    drift = text[text.index('id="drift"') :].split("</figure>")[0]
    assert drift.count("<circle") == 2  # the baseline and v2: no point says that the tiny one kept everything


def test_versions_without_failure_have_the_gravest_of_their_statuses(
    versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "audit.html"
    names = [str(versions / "v1"), str(versions / "v2")]
    assert main(["audit", *names, "--json", "--html", str(page)]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "steady"
    assert 'Status: <strong class="steady">steady' in page.read_text()


def test_watch_prints_a_line_for_each_version(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(versions), "--watch"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(Path(line["dataset"]).name, line["status"]) for line in lines] == [
        ("v2", "steady"),
        ("v3", "FAIL"),
    ]
    assert "rare_coverage_words" in lines[1]["failed"]


def test_watch_passes_over_what_is_no_version(
    versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("v1", "v2"):
        shutil.copytree(versions / name, tmp_path / name)
    (tmp_path / "README.md").write_text("what these are")
    assert main(["audit", str(tmp_path), "--watch"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_release_is_one_dataset_and_no_directory_of_versions(
    demo_release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(demo_release), "--watch"]) == 2
    assert "is a release itself" in capsys.readouterr().err


def test_ledgers_of_the_releases_in_a_directory_are_no_documents(tmp_path: Path, demo_release: Path) -> None:
    shutil.copytree(demo_release, tmp_path / "v1")
    found = find_files(LocalStorage(), str(tmp_path))
    assert found and {Path(path).parent.name for path in found} == {"data"}


def test_watch_says_why_a_version_cannot_be_told(
    versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "a.jsonl").write_text('{"text": "Three words only."}\n')
    shutil.copytree(versions / "v2", tmp_path / "v2")
    main(["audit", str(tmp_path), "--baseline", str(versions / "v1"), "--watch"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    notes = {Path(line["dataset"]).name: (line["status"], line.get("note")) for line in lines}
    assert notes["v2"] == ("steady", None)
    status, note = notes["small"]
    assert status == "unknown" and "fewer than" in str(note)


def test_sketches_of_shards_add_up_to_the_audit_of_the_whole(
    versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [str(versions / name) for name in ("v2", "v3")]
    for part in parts:
        assert main(["sketch", part, "--output", f"{tmp_path}/{Path(part).name}.sketch"]) == 0
    assert main(["sketch", *parts, "--output", f"{tmp_path}/whole.sketch"]) == 0
    merged = [f"{tmp_path}/{name}.sketch" for name in ("v3", "v2")]
    assert main(["sketch", *merged, "--output", f"{tmp_path}/merged.sketch"]) == 0
    assert (tmp_path / "whole.sketch").read_bytes() == (tmp_path / "merged.sketch").read_bytes()
    capsys.readouterr()
    baseline = str(versions / "v1")
    main(["audit", f"{tmp_path}/v3.sketch", "--baseline", baseline, "--json"])
    first = json.loads(capsys.readouterr().out)["diversity"]["baseline"]
    main(["audit", parts[1], "--baseline", baseline, "--json"])
    assert json.loads(capsys.readouterr().out)["diversity"]["baseline"] == first


def test_responses_that_a_prompt_already_had_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(name: str, texts: list[str]) -> str:
        path = tmp_path / name
        rows = ({"q": f"question {i // 4}", "a": text} for i, text in enumerate(texts))
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    varied = documents(400, 5, **_ZIPF)
    repeated = [text for text in documents(200, 6, **_ZIPF) for _ in range(2)]
    baseline, later = write("v1.jsonl", varied), write("v2.jsonl", repeated)
    arguments = ["--baseline", baseline, "--text-field", "a", "--prompt-field", "q", "--json"]
    assert main(["audit", later, *arguments]) == 1
    measures = json.loads(capsys.readouterr().out)["diversity"]["baseline"]["measures"]
    assert measures["repeated_responses"]["status"] == "FAIL"


def test_one_answer_to_every_fourth_prompt_fails_though_it_is_one_document(tmp_path: Path) -> None:
    varied, more = documents(400, 5, **_ZIPF), documents(300, 6, **_ZIPF)
    storage, settings = LocalStorage(), Settings()
    sketches = []
    for texts in (varied, [*more, *[varied[7]] * 100]):
        path = tmp_path / f"{len(sketches)}.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        sketches.append(sketch_dataset(storage, str(path), settings))
    found = Baseline("v1", sketches[0], settings).compare(sketches[1])["measures"]["repeated_documents"]
    assert found["status"] == "FAIL"
    assert found["interval"][0] > 0.2


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_names_of_datasets_and_parts_cannot_break_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    folder = tmp_path / "a&b'c"
    folder.mkdir()
    texts = documents(400, 8, **_ZIPF)
    pq.write_table(pa.table({"text": texts, "source": [hostile] * len(texts)}), folder / "x.parquet")
    page = tmp_path / "audit.html"
    names = [str(folder), "--baseline", str(folder), "--by", "source", "--html", str(page)]
    assert main(["audit", *names]) == 0
    tags = _Tags()
    tags.feed(page.read_text())
    assert not {"script", "img", "iframe", "link"} & set(tags.tags)
    assert "&lt;script&gt;" in page.read_text()
    headings = [int(tag[1]) for tag in tags.tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(headings))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tolerance", "rare=0.1"], "there is no such measure"),
        (["--tolerance", "mattr=much"], "write MEASURE=CHANGE"),
        (["--by", "colour"], "is none of language, source, year, band"),
        (["more", "--watch"], "--watch takes one DATASET"),
    ],
)
def test_bad_usage_is_refused_before_any_work(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_sketch_has_a_name_by_which_it_is_known(
    versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sketch", str(versions / "v1"), "--output", str(tmp_path / "x.npz")]) == 2
    assert "ends in .sketch" in capsys.readouterr().err
    (tmp_path / "x.sketch").write_bytes(b"nothing")
    assert main(["audit", str(tmp_path / "x.sketch")]) == 1
    assert "not a sketch" in capsys.readouterr().err
