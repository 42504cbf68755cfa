"""Score JSON lines in batches, without a pipeline: what `provenance score` does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import islice
from typing import Any, TextIO

from provenance.detector import score_texts

_BATCH = 256


def score_lines(lines: Iterable[bytes], output: TextIO, prior: float, max_fpr: float) -> int:
    """Read JSON lines {"id", "text"[, "language"]}, write one JSON line for each, in order.

    A line that cannot be read gives a line with `error` and its number in place of a score. Returns 1 if
    there was one, else 0.
    """
    failed = False
    numbered = enumerate(lines, start=1)
    while batch := list(islice(numbered, _BATCH)):
        parsed = [_parse(line) for _, line in batch]
        good = [item for item in parsed if isinstance(item, dict)]
        scores = iter(
            score_texts(
                [item["text"] for item in good], [item.get("language") for item in good], prior, max_fpr
            )
        )
        for (number, _), item in zip(batch, parsed, strict=True):
            if isinstance(item, dict):
                result = {"id": item.get("id"), **next(scores)}
            elif item is None:
                continue
            else:
                failed = True
                result = {"id": None, "line": number, "error": item}
                print(f"error: line {number}: {item}", file=sys.stderr)
            output.write(json.dumps(result, ensure_ascii=False) + "\n")
        output.flush()
    return int(failed)


def _parse(line: bytes) -> dict[str, Any] | str | None:
    """The line's object, why it cannot be used, or None for an empty line."""
    if not line.strip():
        return None
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"is not JSON: {error}"
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        return 'needs an object with a string "text"'
    if not isinstance(item.get("language"), str | None):
        return '"language" must be a string'
    item["text"] = item["text"].encode("utf-8", "replace").decode()  # lone surrogates of \\ud800 escapes
    return item
