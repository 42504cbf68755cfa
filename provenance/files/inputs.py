"""Which files a command reads, and the stable name each of them has inside a workspace.

The name enters doc_id and `input_file`: it is the path below the directory that was given, so a crawl
can move to another disk and keep its identity, and no path of the user's machine is published.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from provenance.errors import UsageError
from provenance.files.ownership import MANIFEST, is_release
from provenance.files.spans import CHOSEN_RECORDS, Span, even_spans, plan_spans
from provenance.files.storage import FileInfo, Storage, StoreError, each, is_address, join, lists

#: Files of a directory that are taken for crawl files; a file or glob that is named is always read.
_CRAWL_FILE = re.compile(
    r"\.((warc|arc|wet|jsonl|ndjson|parquet)(\.(gz|zst|zstd|lz4))?|wacz)$", re.IGNORECASE
)
#: Names of corpora (C4, Dolma, RedPajama) and of settings alike: only their bytes tell.
_PERHAPS = re.compile(r"\.json(\.(gz|zst|zstd|lz4))?$", re.IGNORECASE)
_OTHER_CODEC = re.compile(r"\.(warc|arc|wet|json|jsonl|ndjson)\.(bz2|xz|7z|zip|br)$", re.IGNORECASE)
_UNFINISHED = re.compile(
    r"\.(warc|arc|wet|json|jsonl|ndjson|parquet)(\.\w+)?\.(open|part|tmp|partial|crdownload)$", re.I
)
OWN_RESULT = "a result of this program"
#: Common Crawl's descriptions of pages.
_WAT = re.compile(r"\.wat(\.gz)?$", re.IGNORECASE)
DESCRIPTION = "a WAT file, which describes pages without their text"
#: Names in one directory of a store from which on it is listed: a listing gives a thousand for the price of one.
_LISTED = 8
_WILDCARD = re.compile(r"[*?\[]")


class InputError(UsageError):
    """An INPUT that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Chosen:
    """That an input is a table of records, which lie in other files.

    Attributes:
        prefix: what goes before relative names of these.
        records: how many there are.
    """

    prefix: str | None
    records: int


@dataclass(frozen=True)
class InputFile:
    """A crawl file: where it is, its name in the workspace, its size and a token of its content's age.

    `chosen`: it is a table of records, and its size that of the records.
    """

    path: str
    name: str
    size: int
    modified: str
    chosen: Chosen | None = None

    def spans(self, span_bytes: int) -> list[Span]:
        """What is read of it as one: ranges of bytes, or of chosen records."""
        if self.chosen is None:
            return plan_spans(self.name, self.size, span_bytes)
        return even_spans(self.chosen.records, -(-self.chosen.records // CHOSEN_RECORDS))


@dataclass(frozen=True)
class PassedOver:
    """A file of a directory that is not read: where it is, its name as an input would have it, and why."""

    path: str
    name: str
    reason: str


#: Why a file whose name tells too little is passed over, from its bytes; None: it is read.
Sniffer = Callable[[BinaryIO, str], str | None]


def find_inputs(
    storage: Storage, patterns: Sequence[str], without: Sequence[str] = (), sniff: Sniffer | None = None
) -> tuple[list[InputFile], list[PassedOver]]:
    """Expand files, directories and globs into input files sorted by name, and what was passed over.

    A file that several patterns reach is read once. Nothing below the directories `without` (what the command
    itself writes) is read, nor a release or workspace that lies inside a directory that was given. `sniff` decides
    on files of directories that are called .json (`records.peek.sniff_json`); without it they are passed over.

    Raises:
        InputError: where a pattern matches nothing or a directory cannot be listed.
    """
    found: dict[str, InputFile] = {}
    ignored: dict[str, PassedOver] = {}
    own = [_canonical(path) + "/" for path in without]
    said = _ask(storage, patterns)
    for pattern in patterns:
        try:
            matches, passed_over = _expand(storage, pattern, said[pattern], sniff)
        except StoreError as error:
            raise InputError(str(error)) from error
        except OSError as error:
            raise InputError(f"{error.filename or pattern}: cannot be listed: {error.strerror}") from error
        if len(patterns) > 1:  # of a list of everything, descriptions are passed over as in a directory
            described = [item for item in matches if _WAT.search(item.path)]
            matches = [item for item in matches if item not in described]
            passed_over += [PassedOver(item.path, item.name, DESCRIPTION) for item in described]
            if described and not matches:
                ignored.update({item.path: item for item in passed_over})
                continue
        written = [item for item in matches if _canonical(item.path).startswith(tuple(own))]
        matches = [item for item in matches if item not in written]
        passed_over += [PassedOver(item.path, item.name, OWN_RESULT) for item in written]
        if written and not matches:
            raise InputError(
                f"{pattern}: lies where the command writes, among results of this program; name another --output or --workspace"
            )
        if not matches:
            raise InputError(_nothing_found(pattern, passed_over))
        ignored.update({item.path: item for item in passed_over})
        for item in matches:
            found.setdefault(_canonical(item.path), item)
    inputs = sorted(_named_apart(found), key=lambda item: item.name)
    read = {item.path for item in inputs}
    return inputs, [ignored[path] for path in sorted(ignored) if path not in read]


def _ask(storage: Storage, patterns: Sequence[str]) -> dict[str, FileInfo | None]:
    """What is known of each place itself: of many in one directory of a store by a listing, of others side by side.

    Raises:
        InputError: where a store does not answer, or not to us.
    """
    folders = Counter(pattern.rpartition("/")[0] for pattern in patterns)
    listed = sorted(folder for folder, count in folders.items() if count >= _LISTED and lists(folder))
    try:
        there = {item.path: item for found in each(storage.list, listed) for item in found}
        rest = [pattern for pattern in dict.fromkeys(patterns) if pattern not in there]
        return {pattern: there.get(pattern) for pattern in patterns} | dict(
            zip(rest, each(storage.info, rest), strict=True)
        )
    except StoreError as error:
        raise InputError(str(error)) from error
    except OSError as error:
        raise InputError(f"{error.filename or 'an input'}: cannot be looked at: {error.strerror}") from error


def _expand(
    storage: Storage, pattern: str, status: FileInfo | None, sniff: Sniffer | None
) -> tuple[list[InputFile], list[PassedOver]]:
    if status is not None and not _is_directory(pattern):
        return [_input(status, os.path.dirname(pattern))], []
    if status is not None or not _WILDCARD.search(pattern):
        files = storage.list(pattern, follow_links=True)
        made = tuple(_made_by_us(storage, files, pattern))
        chosen, passed_over = [], []
        judge = partial(_judge, storage, made, pattern, sniff)
        # What has to be looked into is looked into side by side.
        asking = sniff is not None and any(_PERHAPS.search(item.path) for item in files)
        reasons = each(judge, files) if asking else [judge(item) for item in files]
        for item, reason in zip(files, reasons, strict=True):
            candidate = _input(item, pattern)
            if reason is None:
                chosen.append(candidate)
            else:
                passed_over.append(PassedOver(item.path, candidate.name, reason))
        return chosen, passed_over
    base = _WILDCARD.split(pattern)[0].rpartition("/")[0]
    accept = re.compile(_glob_regex(pattern))
    files = storage.list(base or ("/" if pattern.startswith("/") else "."), follow_links=True)
    prefix = "" if base or pattern.startswith(("./", "/")) else "./"
    return [_input(item, base) for item in files if accept.fullmatch(item.path.removeprefix(prefix))], []


def _made_by_us(storage: Storage, files: Sequence[FileInfo], directory: str) -> Iterator[str]:
    """Releases and workspaces below a directory: their Parquet files are results, not a crawl."""
    for item in files:
        folder, _, name = item.path.rpartition("/")
        if name == "annotate.json" and folder.endswith("/state"):
            yield folder.removesuffix("state")
        elif name == MANIFEST and folder != directory.rstrip("/") and is_release(storage, folder):
            yield join(folder, "")


def _is_directory(path: str) -> bool:
    return "://" not in path and os.path.isdir(path)


def _judge(
    storage: Storage, made: tuple[str, ...], directory: str, sniff: Sniffer | None, item: FileInfo
) -> str | None:
    """Why a file of a directory is not read; None where it is."""
    if item.path.startswith(made):
        return OWN_RESULT
    return _reason_against(storage, item.path, directory, sniff)


def _reason_against(storage: Storage, path: str, directory: str, sniff: Sniffer | None) -> str | None:
    """Why a file of a directory is not taken for a crawl file; None where it is."""
    relative = path[len(directory) :].lstrip("/")
    if any(part.startswith((".", "_")) for part in relative.split("/")):
        return "hidden: its name or its directory's begins with . or _"
    if _CRAWL_FILE.search(path):
        return None
    if _WAT.search(path):
        return DESCRIPTION
    if _PERHAPS.search(path):
        return "JSON that was not looked into" if sniff is None else _sniffed(storage, path, sniff)
    if _OTHER_CODEC.search(path):
        return "compressed in a way that is not read: recompress it with gzip or zstd"
    if path.lower().endswith(".arrow"):
        return "an Arrow file, which is not read: write it as Parquet"
    if _UNFINISHED.search(path):
        return "named as a file that is still being written"
    return "not named like a crawl file"


def _sniffed(storage: Storage, path: str, sniff: Sniffer) -> str | None:
    try:
        with storage.open(path) as stream:
            return sniff(stream, path)
    except StoreError:
        raise
    except OSError as error:
        return f"cannot be opened ({error.strerror or error})"


def _input(item: FileInfo, base: str) -> InputFile:
    base = base.rstrip("/")
    name = item.path[len(base) :] if base and item.path.startswith(base + "/") else item.path
    return InputFile(item.path, _readable(name.lstrip("/").removeprefix("./")), item.size, item.modified)


def _readable(name: str) -> str:
    """A name as text: bytes of a file name that are not UTF-8 are written as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _canonical(path: str) -> str:
    """One spelling for each place: ./a, a and the absolute path are the same file."""
    return path.rstrip("/") if "://" in path else os.path.abspath(path)


def _named_apart(found: dict[str, InputFile]) -> list[InputFile]:
    """Inputs (by canonical path) with distinct names: where two have one name, both get as many
    of the directories above them as tell them apart.
    """
    inputs = dict(found)
    depth: dict[str, int] = defaultdict(int)
    while True:
        counts = Counter(item.name for item in inputs.values())
        alike = [path for path, item in inputs.items() if counts[item.name] > 1]
        if not alike:
            return list(inputs.values())
        for path in alike:
            parts = _readable(path).split("/")
            own = found[path].name.count("/") + 1
            if own + depth[path] >= len(parts):
                raise InputError(
                    f"{found[path].path}: cannot be told from another input by its name; rename it"
                )
            depth[path] += 1
            inputs[path] = replace(found[path], name="/".join(parts[-own - depth[path] :]).lstrip("/"))


def _glob_regex(pattern: str) -> str:
    """`*` and `?` stay inside one directory, `**` crosses directories."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\])", pattern)
    table = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(table.get(part) or _glob_class(part) for part in parts)


def _glob_class(part: str) -> str:
    if len(part) < 3 or not (part.startswith("[") and part.endswith("]")):
        return re.escape(part)
    negated, members = part[1] == "!", part[1:-1].removeprefix("!")
    escaped = re.sub(r"([\[\]^\\&|~])", r"\\\1", members)
    return f"[{'^' if negated else ''}{escaped}]"


def _nothing_found(pattern: str, passed_over: Sequence[PassedOver]) -> str:
    if passed_over:
        return (
            f"{pattern}: none of the {len(passed_over):,} files there is named like a crawl file "
            "(.warc, .arc, .wet, .wacz, .jsonl, .json, .parquet, also with .gz, .zst, .lz4) or they are results of this program; "
            f"{passed_over[0].name}: {passed_over[0].reason}; name the files themselves to read them"
        )
    if os.path.islink(pattern) and not os.path.exists(pattern):
        return f"{pattern}: is a link to nothing ({os.readlink(pattern)})"
    if _WILDCARD.search(pattern):
        return f"{pattern}: no file matches"
    if is_address(pattern):
        return f"{pattern}: no such object, and none below it"
    if os.path.isdir(pattern):
        return f"{pattern}: is an empty directory"
    return f"{pattern}: no such file or directory"
