"""Lists of inputs: Common Crawl's `warc.paths.gz` and files of one name a line (`@list`), as names that can be read.

A relative name of a list means what it says beside the list; Common Crawl's begin with `crawl-data/` and are to be
had at several addresses, so for them it has to be said which (`--input-prefix`).
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence

from provenance.errors import UsageError
from provenance.files.storage import Storage, is_address, join, read_bytes

#: Names that Common Crawl gives its lists.
_PATHS = re.compile(r"\.paths(\.gz)?$", re.IGNORECASE)
#: How its own names begin.
_ROOT = "crawl-data/"
_GZIP = b"\x1f\x8b"


def expand_lists(storage: Storage, patterns: Sequence[str], prefix: str | None = None) -> list[str]:
    """The places that patterns stand for: of a list all its names, of others themselves.

    `prefix` goes before relative names that begin with `crawl-data/`, and before all relative names of lists.

    Raises:
        UsageError: a list cannot be read, holds nothing, or names for which a prefix is needed.
    """
    found: list[str] = []
    for pattern in patterns:
        if pattern.startswith("@") or _PATHS.search(pattern):
            found += _names(storage, pattern.removeprefix("@"), prefix)
        elif prefix is not None and pattern.startswith(_ROOT):
            found.append(join(prefix, pattern))
        else:
            found.append(pattern)
    return found


def _names(storage: Storage, place: str, prefix: str | None) -> list[str]:
    try:
        data = read_bytes(storage, place)
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode("utf-8", "surrogateescape")
    except FileNotFoundError as error:
        raise UsageError(f"{place}: no such list of inputs") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{place}: cannot be read as a list of inputs: {error}") from error
    lines = [line.strip() for line in text.splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise UsageError(f"{place}: is a list of no inputs")
    return [whole_name(name, place, prefix) for name in names]


def whole_name(name: str, place: str, prefix: str | None) -> str:
    """The place that a name of the list at `place` stands for.

    Raises:
        UsageError: where a prefix is needed.
    """
    if is_address(name) or name.startswith("/"):
        return name
    if prefix is not None:
        return join(prefix, name)
    if name.startswith(_ROOT):
        before, found, _ = place.rpartition(_ROOT)
        if not found:
            raise UsageError(
                f"{place}: holds names such as {name}; say where they lie with --input-prefix, "
                "as s3://commoncrawl or https://data.commoncrawl.org"
            )
        return before + name
    return join(place.rpartition("/")[0] or ("/" if place.startswith("/") else "."), name)
