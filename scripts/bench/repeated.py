"""The development crawl at another size: its files again and again, on other hosts, with the words of their texts in another order.

A page keeps its markup, its words and its number of bytes; in each turn but the first a third of the words of its text change places with
their neighbours, so that no turn is a copy of another. Digests are those of the changed pages. The same for the same arguments.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import random
import re
from collections.abc import Sequence
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

#: What of a page is not text.
_MARKUP = re.compile(rb"(?is)(?:<(script|style|title)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>)+")
_BLANK = b"\r\n\r\n"
_CODED = re.compile(rb"(?i)\r\n(?:content|transfer)-encoding:")
_SWAPPED = 0.35


def repeat_crawl(files: Sequence[Path], place: Path, documents: int) -> None:
    """Write `documents` responses in all, with what lies between them: the files one after the other, in turns."""
    place.mkdir(parents=True)
    left, turn = documents, 0
    while left > 0:
        for file in files:
            if left > 0:
                left -= _repeat_file(file, place / f"turn-{turn:03}-{file.name}", turn, left)
        turn += 1


def _repeat_file(source: Path, target: Path, turn: int, most: int) -> int:
    """Write up to `most` responses of one file; how many they are."""
    chance, responses = random.Random(f"{source.name} {turn}"), 0
    with source.open("rb") as stream, target.open("wb") as out:
        for record in ArchiveIterator(stream, parse_http=False, strict_mode=False):
            block = record.reader.read()
            if record.record_type == WarcRecordType.response:
                if responses == most:
                    break
                responses += 1
                if turn:
                    block = _other(block, chance)
            out.write(_written(record, block, turn))
    return responses


def _written(record: WarcRecord, block: bytes, turn: int) -> bytes:
    """A record as a gzip member of its own."""
    headers = record.headers
    if turn and "WARC-Target-URI" in headers:
        headers["WARC-Target-URI"] = headers["WARC-Target-URI"].replace("://", f"://t{turn}.", 1)
        headers["WARC-Record-ID"] = f"{headers['WARC-Record-ID'][:-1]}-{turn}>"
    if "WARC-Payload-Digest" in headers:
        headers["WARC-Payload-Digest"] = _digest(block.partition(_BLANK)[2])
    if "WARC-Block-Digest" in headers:
        headers["WARC-Block-Digest"] = _digest(block)
    record.set_bytes_content(block)
    member = io.BytesIO()
    record.write(member)
    return gzip.compress(member.getvalue(), 6, mtime=0)


def _digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def _other(block: bytes, chance: random.Random) -> bytes:
    """A response of as many bytes, of whose text some words changed places; one that is compressed or in chunks as it is."""
    head, blank, body = block.partition(_BLANK)
    if _CODED.search(head):
        return block
    parts, at = [head, blank], 0
    for markup in _MARKUP.finditer(body):
        parts += [_shuffled(body[at : markup.start()], chance), markup[0]]
        at = markup.end()
    return b"".join([*parts, _shuffled(body[at:], chance)])


def _shuffled(text: bytes, chance: random.Random) -> bytes:
    words = text.split(b" ")
    at = 0
    while at < len(words) - 1:
        if chance.random() < _SWAPPED:
            words[at], words[at + 1] = words[at + 1], words[at]
            at += 1
        at += 1
    return b" ".join(words)
