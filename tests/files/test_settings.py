"""Settings are read whole: no part of a YAML file is dropped without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.errors import ConfigurationError
from provenance.files.settings import read_settings


def read(folder: Path, text: str) -> dict[str, object]:
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cap:\n  max_synthetic: 0.5\nsource: a\ncap:\n  unit: documents\n", ["'cap'", "line 4", "line 1"]),
        ("cap:\n  seed: 1\n  unit: tokens\n  seed: 1\n", ["'seed'", "line 4", "line 2"]),
        ("{source: a, source: b}\n", ["'source'", "line 1"]),
        ("neural:\n  detectors:\n  - name: x\n    kind: onnx\n    name: y\n", ["'name'", "line 5", "line 3"]),
    ],
)
def test_a_key_that_is_written_twice_is_an_error_with_both_lines(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    with pytest.raises(ConfigurationError, match="written twice") as caught:
        read(tmp_path, text)
    for word in ["c.yaml", *words]:
        assert word in str(caught.value)


def test_a_merged_mapping_may_be_overridden_and_used_again(tmp_path: Path) -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b\n  <<: *a\n  x: 3\nc:\n  <<: *b\n  y: 4\nd: *b\n"
    found = read(tmp_path, text)
    assert found == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
        "c": {"x": 3, "y": 4},
        "d": {"x": 3, "y": 2},
    }


@pytest.mark.parametrize("text", ["", "\ufeffsource: a\n", "source: a\r\ncap: {}\r\n", '{"source": "a"}'])
def test_what_editors_leave_behind_is_no_obstacle(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).get("source") in (None, "a")
