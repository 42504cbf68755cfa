"""`provenance score`: the library's answers line by line, whatever the lines hold, at close to its speed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from provenance.detectors import score as score_module
from provenance.detectors.embedded import score_texts
from provenance.detectors.embedded.calibration import BINS, BUCKETS, load_calibration
from provenance.detectors.score import ScoreOptions, score_stream
from tests.program import ROOT, run

PROSE = (
    "The old mill stood by the river for two hundred years before anyone thought of measuring its wheel. "
    "My grandfather, who distrusted engineers, said it didn't need measuring; it needed grease. He was right, "
    "mostly. In 1974 they pulled it down anyway, and what's left is a row of stones and one bent axle. "
    "We found the axle under nettles, my sister and I, the summer the dog went missing. It took both of us and a "
    "borrowed rope to shift it, and then nobody wanted the thing. The council had no form for axles. So it lies by "
    "the gate, where the postman leans his bicycle and children who come for apples ask what it was ever for. "
)


def scored(data: bytes, form: Any = "auto", **options: Any) -> tuple[int, list[dict[str, Any]]]:
    output = io.StringIO()
    code = score_stream(io.BytesIO(data), output, ScoreOptions(**options), form, "name.txt")
    return code, [json.loads(line) for line in output.getvalue().splitlines()]


def line(**fields: Any) -> bytes:
    return json.dumps({"text": PROSE} | fields).encode() + b"\n"


def test_each_line_is_answered_as_the_library_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_module, "_BATCH_LINES", 3)
    texts = [PROSE, "too short", "", PROSE.replace("mill", "\U0001f9c0 château\n\"'\\\t\x00"), PROSE * 30]
    languages = ["en", None, None, "EN-us", "xx"]
    lines = [line(id=i, text=text, language=code) for i, (text, code) in enumerate(zip(texts, languages))]
    code, found = scored(b"".join(lines), prior=0.2, max_fpr=0.05)
    assert code == 0
    wanted = score_texts(texts, languages, 0.2, 0.05)
    assert found == [{"id": i, **answer} for i, answer in enumerate(wanted)]
    assert found[3]["language"] == "en"


def test_an_answer_says_why() -> None:
    _, (prose, short, strange) = scored(line(language="en") + line(text="Too short.") + line(language="xx"))
    (piece,) = prose["evidence"]
    assert piece["source"] == "detector:embedded"
    assert piece["llr"] == prose["llr"] == prose["detectors"][0]["llr"]
    assert f"on {prose['word_count']} words" in piece["because"]
    assert prose["abstained_because"] is None
    for answer, words in ((short, "2 words, fewer than 60"), (strange, "language xx, calibrated for")):
        assert answer["abstained"] and answer["evidence"] == []
        assert words in answer["abstained_because"]


HOSTILE: list[tuple[bytes, str | None]] = [
    (b'{"text": ' + b"[" * 200_000 + b"}", "nested too deeply"),
    (b'{"id": ' + b'{"a":' * 200_000, "nested too deeply"),
    (b'{"text": "\xff\xfe caf\xe9"}', "is not JSON"),
    (b"\x00\x00\x00{}", "is not JSON"),
    (b"[1, 2]", "needs an object"),
    (b'{"text": "a"} {"text": "b"}', "more follows"),
    (b'"text"', "needs an object"),
    (b"null", "needs an object"),
    (b'{"text": 5}', "needs an object"),
    (b'{"id": 1}', "needs an object"),
    (b'{"text": "a", "language": 3}', '"language" must be a code'),
    (b'{"text": "a", "language": "\\ud800"}', '"language" must be a code'),
    (b'{"text": "a", "language": "' + b"e" * 10_000 + b'"}', '"language" must be a code'),
    (b'{"id": NaN, "text": "a"}', "NaN is not a number"),
    (b'{"id": ' + b"9" * 10_000 + b', "text": "a"}', "is not JSON"),
    (b'{"text": "unclosed', "is not JSON"),
    (b'{"text": "\\ud800 lone \\udfff"}', None),
    (b'{"id": "\\ud800", "text": "a"}', None),
    (b'{"id": {"deep": [1, 1.5, null, true]}, "text": "a"}', None),
    (b'{"id": 12345678901234567890, "text": "a\\u0000b"}', None),
    (b'{"text": "first", "text": "last", "id": 1, "id": 2}', None),
    (b'{"text": "a", "language": ""}', None),
    (b'{"text": "a"}\r', None),
]


@pytest.mark.parametrize(("hostile", "said"), HOSTILE, ids=lambda value: repr(value)[:40])
def test_a_hostile_line_is_answered_or_named_and_the_others_go_on(
    hostile: bytes, said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = scored(line(id="a") + b"\n" + hostile + b"\n" + line(id="b"), "lines")
    first, middle, last = found
    assert (first["id"], last["id"]) == ("a", "b")
    assert first["llr"] == last["llr"] != 0
    if said is None:
        assert code == 0
        assert middle["abstained"]
    else:
        assert code == 1
        assert middle["id"] is None and middle["line"] == 3
        assert said in middle["error"]
        assert "error: line 3: " in capsys.readouterr().err


def test_byte_order_mark_before_the_first_line_is_passed_over() -> None:
    for more in (b"", line(id="b")):
        code, found = scored(b"\xef\xbb\xbf" + line(id="a") + more)
        assert (code, found[0]["id"], len(found)) == (0, "a", 1 + bool(more))


def test_last_of_two_equal_keys_counts() -> None:
    _, (found,) = scored(b'{"text": "one two three", "text": "one", "id": 1, "id": 2}\n')
    assert (found["id"], found["word_count"]) == (2, 1)


def test_line_that_is_too_long_is_named_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_module, "MOST_BYTES", 200_000)
    huge = b'{"id": "huge", "text": "' + b"word " * 100_000 + b'"}\n'
    for before in (b"", line(id="a"), line(id="a") * 40):
        for after in (b"", line(id="b")):
            code, found = scored(before + huge + after)
            assert code == 1
            assert [item["id"] for item in found if item["id"]] == ["a"] * before.count(b"\n") + [
                "b"
            ] * after.count(b"\n")
            (error,) = (item for item in found if "error" in item)
            assert error["line"] == before.count(b"\n") + 1
            assert "longer than 200,000 bytes" in error["error"]


def test_huge_line_costs_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.jsonl"
    with path.open("wb") as file:
        file.write(line(id="a") + b'{"text": "')
        for _ in range(100):
            file.write(b"word " * 200_000)
        file.write(b'"}\n' + line(id="b"))
    script = (
        "import sys; from pipelines.command import main; code = main(['score', sys.argv[1]]);"
        "peak = open('/proc/self/status').read().split('VmHWM:')[1].split()[0]; print(peak, file=sys.stderr); sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, cwd=ROOT
    )
    assert ended.returncode == 1
    assert [json.loads(item)["id"] for item in ended.stdout.splitlines()] == ["a", None, "b"]
    assert int(ended.stderr.split()[-1]) < 700_000  # kB


TEXTS = [
    PROSE.encode(),
    b"  \n\nA text that begins late.\n" + PROSE.encode(),
    b"[1] A footnote is no JSON.\n" + PROSE.encode(),
    "Ein Text in einer alten Schreibweise: caf\xe9.".encode("latin-1"),
    b"braces { inside } a line",
    b"\xef\xbb\xbfA byte order mark.",
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda value: repr(value)[:30])
def test_input_without_a_line_of_json_is_one_text(text: bytes) -> None:
    code, (found,) = scored(text)
    assert code == 0
    assert found == {"id": "name.txt", **score_texts([text.decode("utf-8-sig", "replace")])[0]}


def test_form_can_be_said(tmp_path: Path) -> None:
    code, (found,) = scored(line(id="a"), "text")
    assert (code, found["id"]) == (0, "name.txt")
    code, (found,) = scored(b"no JSON at all\n", "lines")
    assert (code, found["line"]) == (1, 1)
    code, found_both = scored(b"broken\n" + line(id="b"))
    assert code == 1 and [item["id"] for item in found_both] == [None, "b"]
    assert scored(b"") == (0, [])
    assert scored(b"\n \n") == (0, [])
    (tmp_path / "essay.txt").write_text(PROSE)
    ended = run("score", tmp_path / "essay.txt")
    assert ended.code == 0
    assert json.loads(ended.out)["id"] == "essay.txt"
    ended = run("score", tmp_path / "essay.txt", "--format", "lines")
    assert ended.code == 1


def test_calibration_file_is_used_or_refused(tmp_path: Path, calibration: Callable[..., Path]) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(line(language="en"))
    shipped = json.loads(run("score", path).out)
    assert shipped["llr"] != 0
    file = calibration(tmp_path / "mine.json", bounds=(0.0, 0.0))
    ended = run("score", path, "--calibration", file)
    assert ended.code == 0
    found = json.loads(ended.out)
    assert found["llr"] == 0 and not found["abstained"]
    assert found["detectors"][0]["version"].endswith("+mine")
    humans = {"en": [[(BINS - 1, 60)]] * len(BUCKETS)}  # sixty humans that score higher than anything
    file = calibration(tmp_path / "mine.json", humans=humans, lines={"en": [(3.0, 0.0)] * len(BUCKETS)})
    assert json.loads(run("score", path, "--calibration", file).out)["llr"] == 0
    for name, words in (
        ("old.json", "was made for detector"),
        ("none.json", "cannot be read"),
        ("lines.jsonl", "not a calibration"),
    ):
        calibration(tmp_path / "old.json", detector="0.old")
        ended = run("score", path, "--calibration", tmp_path / name)
        assert ended.code == 2
        assert name in ended.err and words in ended.err
        assert ended.out == ""


@pytest.fixture
def calibration() -> Callable[..., Path]:
    from dataclasses import replace

    def make(path: Path, **changed: Any) -> Path:
        replace(load_calibration(), **({"version": "mine"} | changed)).save(path)
        return path

    return make


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_rates_out_of_range_are_refused(rate: float) -> None:
    for name in ("prior", "max_fpr"):
        with pytest.raises(ValueError, match=name):
            score_texts([PROSE], ["en"], **{name: rate})
        assert run("score", "-", f"--{name.replace('_', '-')}", str(rate)).code == 2


def test_command_is_nearly_as_fast_as_the_library(shared: Path, tmp_path: Path) -> None:
    """Processor time for 20,000 passages on standard input, of a warm process, beside `score_texts`."""
    pool = pd.read_parquet(shared / "data" / "detector" / "pool_train.parquet", columns=["text", "language"])
    pool = pool.head(20_000)
    texts, languages = pool.text.tolist(), pool.language.tolist()
    path = tmp_path / "lines.jsonl"
    rows = zip(texts, languages, strict=True)
    path.write_text(
        "".join(
            json.dumps({"id": i, "text": text, "language": code}) + "\n"
            for i, (text, code) in enumerate(rows)
        )
    )

    def library() -> float:
        start = time.process_time()
        score_texts(texts, languages)
        return time.process_time() - start

    def command() -> float:
        start = time.process_time()
        with path.open("rb") as stream, open(os.devnull, "w") as output:
            score_stream(stream, output, ScoreOptions())
        return time.process_time() - start

    library(), command()
    ratios = [library() / command() for _ in range(3)]
    assert np.median(ratios) >= 0.7, ratios
