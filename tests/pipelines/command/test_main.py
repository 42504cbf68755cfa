"""The command line: what it refuses and how it says so, and what `score`, `explain` and the stages print."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.command.main import _fail
from provenance.files.ownership import INCOMPLETE
from tests.program import DEMO, ROOT, ledger, run

#: Arguments after `curate --output OUT`, and words of the message. {here} is an empty temporary directory.
REFUSED = [
    (["{demo}", "--max-sinthetic", "0.1"], ["--max-sinthetic"]),
    (["{demo}", "--max", "0.1"], ["--max"]),
    (["{demo}", "--", "--no_such_option=1"], ["Apache Beam", "--no_such_option=1"]),
    (["{demo}", "--workers", "2", "--", "--runner=PortableRunner"], ["--workers", "--runner"]),
    (["{demo}", "--workers", "0"], ["--workers", "at least 1"]),
    (["{demo}", "--workers", "two"], ["--workers", "two"]),
    (["{here}/nothing.warc.gz"], ["nothing.warc.gz", "no such file"]),
    (["{here}"], ["{here}", "empty"]),
    (["{here}/*.warc"], ["{here}/*.warc", "no file matches"]),
    (["{here}/notes"], ["notes", "named like a crawl file", ".warc"]),
    (["{demo}", "--max-synthetic", "1.5"], ["cap.max_synthetic", "less than or equal to 1"]),
    (["{demo}", "--max-synthetic", "-0.1"], ["max"]),
    (["{demo}", "--max-synthetic", "lots"], ["cap.max_synthetic"]),
    (["{demo}", "--max-synthetic", "nan"], ["cap.max_synthetic"]),
    (["{demo}", "--config", "{here}/none.yaml"], ["none.yaml", "cannot be read"]),
    (["{demo}", "--config", "{here}/typo.yaml"], ["typo.yaml", "cap.max_sinthetic"]),
    (["{demo}", "--config", "{here}/language.yaml"], ["allow", "'english'", "ISO 639"]),
    (["{demo}", "--config", "{here}/calibration.yaml"], ["detector.calibration", "did you mean shipped?"]),
    (["{demo}", "--config", "{here}/broken.yaml"], ["broken.yaml", "not valid YAML"]),
    (["{demo}", "--config", "{here}/list.yaml"], ["list.yaml", "mapping"]),
    (["{demo}", "--config", "{here}/annotator.yaml"], ["nobodys", "provenance.annotators"]),
    (["{demo}", "--workspace", "{here}/out"], ["--workspace", "inside"]),
    (["{demo}", "--workspace", "{here}/out/below"], ["--workspace", "inside"]),
    (["{demo}", "--workers", "many"], ["--workers", "'many'"]),
    (["{demo}", "--", "--runner=Nobodys"], ["Nobodys"]),
    ([], ["INPUT"]),
]
FILES = {
    "notes/readme.md": "no crawl file",
    "typo.yaml": "cap: {max_sinthetic: 0.1}",
    "language.yaml": "filters: [{kind: languages, allow: [english]}]",
    "calibration.yaml": "detector: {calibration: shiped}",
    "broken.yaml": "cap: {",
    "list.yaml": "- cap",
    "annotator.yaml": "annotators: [nobodys]",
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=lambda value: " ".join(value)[:50])
def test_bad_usage_ends_with_2_says_what_is_wrong_and_writes_nothing(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for name, text in FILES.items():
        if any(name.split("/")[0] in argument for argument in arguments):
            (here / name).parent.mkdir(exist_ok=True)
            (here / name).write_text(text)
    before = sorted(here.rglob("*"))
    filled = [argument.format(demo=DEMO, here=here) for argument in arguments]
    ended = run("curate", "--output", here / "out", *filled)
    assert ended.code == 2
    assert ended.out == ""
    for word in words:
        assert word.format(here=here) in ended.err
    assert sorted(here.rglob("*")) == before


def test_beam_options_are_refused_where_nothing_runs_on_beam(demo_release: Path) -> None:
    ended = run("verify", demo_release, "--", "--runner=FnApiRunner")
    assert ended.code == 2
    assert "takes no Beam options" in ended.err


def test_directory_that_is_no_release_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not lose me")
    ended = run("curate", DEMO, "--output", tmp_path / "mine")
    assert ended.code == 2
    assert "thesis.txt" in ended.err and "nothing was written" in ended.err
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_output_whose_name_is_not_utf8_is_bad_usage(tmp_path: Path) -> None:
    ended = run("curate", DEMO, "--output", tmp_path / os.fsdecode(b"\xff"))
    assert ended.code == 2 and "UTF-8" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_another_program_s_manifest_does_not_make_a_directory_ours(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "manifest.json").write_text('{"name": "an app"}')
    (tmp_path / "app" / "thesis.txt").write_text("do not lose me")
    ended = run("curate", DEMO, "--output", tmp_path / "app")
    assert ended.code == 2 and "nothing was written" in ended.err
    assert sorted(path.name for path in (tmp_path / "app").iterdir()) == ["manifest.json", "thesis.txt"]


def test_output_that_is_a_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    ended = run("curate", DEMO, "--output", tmp_path / "file")
    assert ended.code == 2 and "is a file" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_stage_without_the_one_before_says_what_to_run(tmp_path: Path) -> None:
    ended = run("select", "--workspace", tmp_path / "w")
    assert ended.code == 1
    assert "provenance annotate" in ended.err


def test_stages_one_by_one_make_the_release_of_curate(demo_release: Path, tmp_path: Path) -> None:
    workspace, release = tmp_path / "w", tmp_path / "release"
    assert run("annotate", DEMO, "--workspace", workspace, "--quiet").code == 0
    early = run("select", "--workspace", workspace, "--quiet")
    assert early.code == 1 and "provenance deduplicate" in early.err
    assert run("deduplicate", "--workspace", workspace, "--quiet").code == 0
    assert run("select", "--workspace", workspace, "--quiet").code == 0
    last = run("publish", "--workspace", workspace, "--output", release, "--quiet", "--json")
    assert last.code == 0
    assert json.loads(last.out) == {"stage": "publish", "ran": 2, "unchanged": 0}
    assert (release / "manifest.json").read_bytes() == (demo_release / "manifest.json").read_bytes()


def test_stage_refuses_a_workspace_of_another_configuration(demo_release: Path, tmp_path: Path) -> None:
    workspace = shutil.copytree(f"{demo_release}.workspace", tmp_path / "w")
    config = tmp_path / "other.yaml"
    config.write_text("text: {clean_invisible: false}\n")
    ended = run("deduplicate", "--workspace", workspace, "--config", config, "--quiet")
    assert ended.code == 1
    assert "text.clean_invisible: True then, False now" in ended.err
    config.write_text("duplicates: {threshold: 0.9}\n")
    ended = run("select", "--workspace", workspace, "--config", config, "--quiet")
    assert ended.code == 1
    assert "provenance deduplicate" in ended.err
    ended = run(
        "publish", "--workspace", workspace, "--output", tmp_path / "r", "--max-synthetic", "0.01", "--quiet"
    )
    assert ended.code == 1
    assert "provenance select" in ended.err
    assert "give what it was given (--config, --source, --max-synthetic)" in ended.err
    assert not (tmp_path / "r").exists()


def test_summary_table_shows_where_records_went_and_the_share_before_and_after(tmp_path: Path) -> None:
    ended = run("curate", DEMO, "--output", tmp_path / "r", "--max-synthetic", "0.02", "--quiet")
    assert ended.code == 0
    assert ended.err == ""
    rows = ledger(tmp_path / "r")
    for name, count in (
        ("records in", len(rows)),
        ("failed", (rows.decision == "failed").sum()),
        ("duplicates", (rows.reason == "duplicate").sum()),
        ("dropped by the cap", (rows.reason == "synthetic_cap").sum()),
        ("kept", (rows.decision == "kept").sum()),
    ):
        assert any(
            line.strip().startswith(name) and line.split()[-1] == f"{count:,}"
            for line in ended.out.splitlines()
        )
    assert (
        "asked    at most 0.02 of the tokens (expected share, with 0.8 of the way to its upper bound as a margin)"
        in ended.out
    )
    for name in (
        "claimed  0.",
        "found    0.",
        "certified: the expected synthetic share of the published tokens is 0.",
    ):
        assert name in ended.out
    assert "detector, by the shipped calibration: judged " in ended.out


def test_demo_shows_its_result_and_how_to_go_on(tmp_path: Path) -> None:
    release = tmp_path / "demo"
    ended = run("demo", "--output", release, "--quiet")
    assert ended.code == 0
    assert f"provenance explain {release}" in ended.out
    assert not (release / INCOMPLETE).exists()
    assert run("verify", release).code == 0


@pytest.mark.parametrize("reason", ["kept", "duplicate", "synthetic_cap", "truncated", "http_error"])
def test_explain_says_why(tmp_path_factory: pytest.TempPathFactory, reason: str) -> None:
    release = explained(tmp_path_factory)
    rows = ledger(release)
    row = rows[(rows.reason == reason) | (rows.decision == reason)].iloc[0]
    ended = run("explain", release, row.doc_id)
    assert ended.code == 0, ended.err
    assert f"{row.doc_id}: {row.decision}" in ended.out
    assert row.input_file in ended.out
    assert f"{row.record_offset:,}" in ended.out
    if reason in ("kept", "synthetic_cap"):
        assert "synthetic probability" in ended.out and "nats prior" in ended.out
    else:
        assert reason in ended.out and "because:" in ended.out
    if reason == "duplicate":
        assert f"kept in its place: {row.duplicate_of}" in ended.out
    found = json.loads(run("explain", release, row.doc_id, "--json").out)
    assert found["ledger"]["doc_id"] == row.doc_id
    assert found["ledger"]["decision"] == row.decision


def explained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of the demo in which the cap drops documents; made once."""
    release = tmp_path_factory.getbasetemp() / "capped" / "release"
    if not (release / "manifest.json").exists():
        assert run("curate", DEMO, "--output", release, "--max-synthetic", "0.02", "--quiet").code == 0
    return release


def test_explain_of_an_unknown_document_is_a_finding(demo_release: Path) -> None:
    for doc_id in ("0" * 32, "", "nonsense"):
        ended = run("explain", demo_release, doc_id)
        assert ended.code == 1
        assert "doc_id" in ended.err


def test_score_answers_each_line_in_order_and_goes_on_after_a_bad_one(tmp_path: Path) -> None:
    long = (
        "The delegates met again in the small hall behind the station, and nobody had read the minutes. " * 20
    )
    lines = [
        json.dumps({"id": "a", "text": long}),
        "{broken",
        json.dumps({"id": "b", "text": "too short"}),
        "",
        json.dumps({"id": "c"}),
        json.dumps({"id": 7, "text": "", "language": "en"}),
    ]
    path = tmp_path / "lines.jsonl"
    path.write_text("\n".join(lines))
    ended = run("score", path)
    assert ended.code == 1
    assert "line 2" in ended.err and "line 5" in ended.err
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [item["id"] for item in found] == ["a", None, "b", None, 7]
    assert [item.get("line") for item in found] == [None, 2, None, 5, None]
    scored = found[0]
    names = {
        "id",
        "synthetic_probability",
        "llr",
        "abstained",
        "flagged",
        "language",
        "token_count",
        "word_count",
        "detectors",
    }
    assert set(scored) >= names
    assert 0 < scored["synthetic_probability"] < 1
    assert found[2]["abstained"] and found[2]["llr"] == 0
    path.write_text(lines[0])
    assert run("score", path).code == 0


@pytest.mark.parametrize(
    "arguments",
    [["score", "nowhere.jsonl"], ["score", "--max-fpr", "2"], ["score", "--prior", "0"], ["nonsense"], []],
)
def test_other_bad_usage_ends_with_2(arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.err


@pytest.mark.parametrize(
    "command",
    [
        "",
        "curate",
        "annotate",
        "deduplicate",
        "select",
        "publish",
        "verify",
        "explain",
        "list",
        "score",
        "demo",
    ],
)
def test_every_command_has_help(command: str) -> None:
    ended = run(*command.split(), "--help")
    assert ended.code == 0
    assert "usage: provenance" in ended.out


def test_the_process_ends_with_its_status_and_is_not_taken_apart(tmp_path: Path) -> None:
    """A thread of Arrow's that lets go of a buffer while the interpreter is taken apart aborts the process."""
    code = (
        "import atexit, sys\n"
        "class Left:\n"
        "    def __del__(self): print('taken apart')\n"
        "left = Left()\n"
        "atexit.register(print, 'said at the end')\n"
        "from pipelines.command import program\n"
        "program()\n"
    )
    command = [sys.executable, "-c", code, "verify", str(tmp_path)]
    ended = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert ended.returncode == 1
    assert "no manifest.json" in ended.stdout + ended.stderr
    assert ended.stdout.endswith("said at the end\n") and "taken apart" not in ended.stdout


def test_an_error_that_ends_with_a_line_break_is_told_and_not_the_step_that_beam_adds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = RuntimeError("Traceback\nArrowInvalid: no such zone\n [while running 'WriteParts/WriteLedger']")
    assert _fail(error, False) == 1
    assert capsys.readouterr().err.startswith("error: ArrowInvalid: no such zone\n")


def test_a_full_disk_is_named_by_what_was_to_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert _fail(OSError(errno.ENOSPC, "No space left on device"), False, "export/") == 1
    assert capsys.readouterr().err.startswith("error: export/: No space left on device; make room")


def test_inputs_without_a_record_are_said_to_be_empty(tmp_path: Path) -> None:
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    for name in ("a.warc.gz", "b.jsonl"):
        (crawl / name).touch()
    ended = run("curate", crawl, "--output", tmp_path / "out", "--quiet")
    assert "warning: no input holds a record (2 read)" in ended.err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Arrow chooses")
@pytest.mark.parametrize(("named", "used"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_takes_memory_from_the_system_unless_the_environment_names_another(
    named: str | None, used: str
) -> None:
    code = (
        "from contextlib import suppress\nfrom pipelines.command.main import main\nwith suppress(SystemExit):\n    main(['list', '--help'])\n"
        "import pyarrow\nprint(pyarrow.default_memory_pool().backend_name)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    environment |= {"PYTHONPATH": str(ROOT)} | ({"ARROW_DEFAULT_MEMORY_POOL": named} if named else {})
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == used
