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
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.columns import string_array
from provenance.annotators.tokens.tokenizer import load_tokenizer
from provenance.detectors.embedded.annotator import NAME, Scored, score_columns
from provenance.detectors.embedded.calibration import Calibration
from provenance.errors import UsageError
from provenance.records.mime import sniff

if TYPE_CHECKING:
    from provenance.detectors.neural.second import Joined, SecondStage

#: A line (or a text) may have this many bytes; a longer one is an error and is passed over.
MOST_BYTES = 64 << 20
#: A batch ends at the first of these.
_BATCH_LINES, _BATCH_BYTES = 1024, 4 << 20
#: Bytes from the start of the input in which it is looked whether a line is a JSON object.
_LOOKED_AT = 1 << 16
_CODE = re.compile(r"[A-Za-z]{1,8}([-_][A-Za-z0-9]{1,8})*")
_ARRAY_OF_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*[{\[\"]")
_OBJECT_OVER_LINES = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{[ \t\r]*\n")
_WIDE = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: Media types that are no text, as a message names them.
_COMPRESSED = {
    "application/gzip": "gzip",
    "application/zstd": "zstd",
    "application/x-bzip2": "bzip2",
    "application/x-xz": "xz",
    "application/zip": "a ZIP archive",
    "application/x-7z-compressed": "a 7z archive",
    "application/vnd.rar": "a RAR archive",
}
_READ_BY_CURATE = {"application/vnd.apache.parquet": "Parquet"}
_BINARY = {
    "application/pdf": "a PDF",
    "application/postscript": "PostScript",
    "application/rtf": "RTF",
    "application/octet-stream": "no text (binary data)",
    "application/x-ole-storage": "an Office document",
    "application/vnd.sqlite3": "a database",
    "application/x-executable": "a program",
    "application/x-msdownload": "a program",
    "application/java-vm": "a program",
    "application/ogg": "audio",
    "application/x-shockwave-flash": "Flash",
}
_LINE_OF_JSON = re.compile(rb"^[ \t]*\{|\A\s*\[\s*[{\[\"]", re.MULTILINE)

Form = Literal["auto", "lines", "text"]


@dataclass(frozen=True)
class ScoreOptions:
    """How to score: prior probability, false-positive rate of `flagged`, calibration and detector folder (null: shipped).

    `second` is the encoder, asked where the embedded detector is unsure.
    """

    prior: float = 0.5
    max_fpr: float = 0.01
    calibration: Calibration | None = None
    folder: str | None = None
    second: SecondStage | None = None


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

    Raises:
        UsageError: where the input is no text, or JSON that does not stand one object a line.
    """
    head = stream.read(_LOOKED_AT)
    encoding = _check_text(head, name or "standard input", form)
    head = head.removeprefix(codecs.BOM_UTF8)
    if form == "lines" or (form == "auto" and (not head.strip() or _LINE_OF_JSON.search(head))):
        return _score_lines(_lines(stream, head), output, options)
    data = head + stream.read(MOST_BYTES + 1 - len(head))
    if len(data) > MOST_BYTES:
        print(f"error: the text is longer than {MOST_BYTES:,} bytes", file=sys.stderr)
        return 1
    text = data.decode(encoding, "replace")
    output.writelines(_answer([_Item(_encode(name), text, None)], options))
    return 0


def _check_text(head: bytes, name: str, form: Form) -> str:
    """The encoding of an input that begins so, if it is text."""
    kind = sniff(head, None) if head else "text/plain"
    if kind in _COMPRESSED:
        raise UsageError(f"{name}: is {_COMPRESSED[kind]}: decompress it and score what is in it")
    if kind in _READ_BY_CURATE or head.startswith(b"WARC/"):
        what = _READ_BY_CURATE.get(kind, "a crawl archive (WARC)")
        raise UsageError(f"{name}: is {what}: `provenance curate` reads it")
    if kind in _BINARY or kind.split("/")[0] in ("image", "audio", "video", "font"):
        raise UsageError(f"{name}: is {_BINARY.get(kind, f'no text ({kind})')}: extract its text first")
    for mark, encoding in _WIDE:
        if head.startswith(mark):
            return encoding
    if form != "text" and _ARRAY_OF_JSON.match(head):
        raise UsageError(
            f"{name}: is a JSON array: write its objects one a line, for example with jq -c '.[]'"
        )
    if form != "text" and _OBJECT_OVER_LINES.match(head):
        raise UsageError(
            f"{name}: holds a JSON object that goes over several lines: write each on one line, "
            "for example with jq -c ."
        )
    return "utf-8"


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
    joined = options.second.join(texts, found, options.prior, options.max_fpr) if options.second else None
    yield from _written(items, found, joined, load_tokenizer().count(texts))


def _written(
    items: list[_Item], found: Scored, joined: Joined | None, tokens: NDArray[np.int64]
) -> Iterator[str]:
    alone = found.ratio
    found = joined.found if joined else found
    bools = ("false", "true")
    detector = f'[{{"name": "{NAME}", "version": {_encode(found.version)}, "score": '
    columns = (
        found.probability,
        found.ratio,
        alone,
        found.abstained,
        found.flagged,
        tokens,
        found.words,
        found.score,
    )
    rows = zip(items, found.languages, *(column.tolist() for column in columns), strict=True)
    for row, (item, language, probability, ratio, own, abstained, flagged, count, words, score) in enumerate(
        rows
    ):
        further, more = (_listed(part) for part in joined.at(row)) if joined else ("", "")
        because = _encode(found.reason(row))
        if abstained:
            evidence = f'[], "abstained_because": {because}'
        else:
            piece = f'{{"source": "detector:{NAME}", "llr": {own!r}, "because": {because}}}'
            evidence = f'[{piece}{more}], "abstained_because": null'
        yield (
            f'{{"id": {item.id}, "synthetic_probability": {probability!r}, "llr": {ratio!r}, '
            f'"abstained": {bools[abstained]}, "flagged": {bools[flagged]}, "language": {_encode(language)}, '
            f'"token_count": {count}, "word_count": {words}, "detectors": {detector}{score!r}, "llr": {own!r}}}{further}], "evidence": {evidence}}}\n'
        )


def _listed(items: list[dict[str, Any]]) -> str:
    return "".join(f", {_encode(item)}" for item in items)


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
