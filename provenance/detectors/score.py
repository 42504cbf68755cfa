"""Score JSON lines or a text without a pipeline: what `provenance score` does.

Lines are parsed and answered in batches, so the command costs little more than the detector itself.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.columns import string_array
from provenance.annotators.tokens.tokenizer import load_tokenizer
from provenance.detectors.embedded.annotator import NAME, Scored, score_columns
from provenance.detectors.embedded.calibration import Calibration

#: A line (or a text) may have this many bytes; a longer one is an error and is passed over.
MOST_BYTES = 64 << 20
#: A batch ends at the first of these.
_BATCH_LINES, _BATCH_BYTES = 1024, 4 << 20
#: Bytes from the start of the input in which it is looked whether a line is a JSON object.
_LOOKED_AT = 1 << 16
_CODE = re.compile(r"[A-Za-z]{1,8}([-_][A-Za-z0-9]{1,8})*")
_LINE_OF_JSON = re.compile(rb"^[ \t]*\{|\A\s*\[\s*[{\[\"]", re.MULTILINE)

Form = Literal["auto", "lines", "text"]


@dataclass(frozen=True)
class ScoreOptions:
    """How to score: prior probability, false-positive rate of `flagged`, calibration and detector folder (null: shipped)."""

    prior: float = 0.5
    max_fpr: float = 0.01
    calibration: Calibration | None = None
    folder: str | None = None


class _Item(NamedTuple):
    """One line that can be scored; `id` is JSON already."""

    id: str
    text: str
    language: str | None


def score_stream(
    stream: BinaryIO, output: TextIO, options: ScoreOptions, form: Form = "auto", name: str | None = None
) -> int:
    """Score JSON lines {"id", "text"[, "language"]}, or a whole input as one text, whose id is `name`.

    `auto` takes an input for lines where one of those in its first 64 KiB begins with {, else for a text.
    One JSON line is written for each input line, in order; one that cannot be used gives `error` and its
    number in place of a score. Returns 1 if there was one, else 0.
    """
    head = stream.read(_LOOKED_AT).removeprefix(codecs.BOM_UTF8)
    if form == "lines" or (form == "auto" and (not head.strip() or _LINE_OF_JSON.search(head))):
        return _score_lines(_lines(stream, head), output, options)
    data = head + stream.read(MOST_BYTES + 1 - len(head))
    if len(data) > MOST_BYTES:
        print(f"error: the text is longer than {MOST_BYTES:,} bytes", file=sys.stderr)
        return 1
    text = data.decode("utf-8", "replace")
    output.writelines(_answer([_Item(_encode(name), text, None)], options))
    return 0


def _score_lines(lines: Iterator[bytes | None], output: TextIO, options: ScoreOptions) -> int:
    failed = False
    batch: list[_Item | str] = []  # a line that failed is its answer
    size = 0
    for number, line in enumerate(lines, start=1):
        parsed = _parse(line) if line is not None else f"is longer than {MOST_BYTES:,} bytes"
        if parsed is None:
            continue
        if isinstance(parsed, str):
            failed = True
            print(f"error: line {number}: {parsed}", file=sys.stderr)
            parsed = _encode({"id": None, "line": number, "error": parsed}) + "\n"
        batch.append(parsed)
        size += len(line or b"")
        if len(batch) >= _BATCH_LINES or size >= _BATCH_BYTES:
            _write(batch, output, options)
            batch, size = [], 0
    _write(batch, output, options)
    return int(failed)


def _write(batch: list[_Item | str], output: TextIO, options: ScoreOptions) -> None:
    answers = _answer([item for item in batch if isinstance(item, _Item)], options)
    output.writelines(item if isinstance(item, str) else next(answers) for item in batch)
    output.flush()


def _answer(items: list[_Item], options: ScoreOptions) -> Iterator[str]:
    """The lines of `score_texts`' dicts, written by hand: json.dumps of them costs as much as a score."""
    if not items:
        return
    texts, languages = string_array([item.text for item in items]), [item.language for item in items]
    found = score_columns(
        texts,
        languages,
        prior=options.prior,
        max_fpr=options.max_fpr,
        calibration=options.calibration,
        folder=options.folder,
    )
    yield from _written(items, found, load_tokenizer().count(texts))


def _written(items: list[_Item], found: Scored, tokens: NDArray[np.int64]) -> Iterator[str]:
    bools = ("false", "true")
    detector = f'[{{"name": "{NAME}", "version": {_encode(found.version)}, "score": '
    columns = (
        found.probability,
        found.ratio,
        found.abstained,
        found.flagged,
        tokens,
        found.words,
        found.score,
    )
    rows = zip(items, found.languages, *(column.tolist() for column in columns), strict=True)
    for row, (item, language, probability, ratio, abstained, flagged, count, words, score) in enumerate(rows):
        because = _encode(found.reason(row))
        if abstained:
            evidence = f'[], "abstained_because": {because}'
        else:
            piece = f'{{"source": "detector:{NAME}", "llr": {ratio!r}, "because": {because}}}'
            evidence = f'[{piece}], "abstained_because": null'
        yield (
            f'{{"id": {item.id}, "synthetic_probability": {probability!r}, "llr": {ratio!r}, '
            f'"abstained": {bools[abstained]}, "flagged": {bools[flagged]}, "language": {_encode(language)}, '
            f'"token_count": {count}, "word_count": {words}, "detectors": {detector}{score!r}, "llr": {ratio!r}}}], "evidence": {evidence}}}\n'
        )


def _parse(line: bytes) -> _Item | str | None:
    """What a line asks for, why it cannot be used, or None for an empty line."""
    try:
        text = line.decode().strip()
        if not text:
            return None
        value, end = _decode(text)
        if end != len(text):
            return f"is not JSON: more follows after character {end}"
    except RecursionError:
        return "is not JSON that can be read: it is nested too deeply"
    except ValueError as error:
        return f"is not JSON: {error}"
    if type(value) is not dict or type(value.get("text")) is not str:
        return 'needs an object with a string "text"'
    language = value.get("language")
    if language is not None and not (
        isinstance(language, str) and (not language or _CODE.fullmatch(language.strip()))
    ):
        return '"language" must be a code such as "en"'
    try:
        return _Item(_encode(value.get("id")), value["text"], language or None)
    except RecursionError:
        return '"id" is nested too deeply'


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")


_decode = json.JSONDecoder(parse_constant=_constant).raw_decode
_encode = json.JSONEncoder().encode


def _lines(stream: BinaryIO, head: bytes) -> Iterator[bytes | None]:
    """The lines of an input whose start has been read; None in place of one that is too long."""
    start = io.BytesIO(head + stream.readline(MOST_BYTES + 1))
    for source in (start, stream):
        while line := source.readline(MOST_BYTES + 1):
            if len(line) <= MOST_BYTES:
                yield line
                continue
            while line and not line.endswith(b"\n"):
                line = source.readline(_LOOKED_AT) or stream.readline(_LOOKED_AT)
            yield None
