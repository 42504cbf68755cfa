"""The child process of `guard`: reads pages from standard input, writes their texts to standard output.

Sets its own limits, so they hold even when the parent is gone: address space by the kernel, CPU time of
each page by a timer whose signal nothing handles, which ends the process inside any C or Rust loop.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from provenance.annotators.text.extraction import Page, extract_with_trafilatura
from provenance.annotators.text.guard import OUTCOMES, REPLY, REQUEST

_WARM = (
    "<html><title>x</title><article><p>" + "A first page loads what is loaded late. " * 20 + "</p></article>"
)


def _extractor(name: str) -> Callable[[str], Page]:
    if name == "trafilatura":
        return extract_with_trafilatura
    module, _, function = name.partition(":")
    found: Callable[[str], Page] = getattr(importlib.import_module(module), function)
    return found


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _answer(work: Callable[[str], Page], page: bytes) -> tuple[int, list[bytes]]:
    try:
        found = work(page.decode("utf-8", "replace"))
        fields = (found.text, found.title, found.lang or "", "")
        return 0, [field.encode("utf-8", "replace") for field in fields]
    except MemoryError:
        return OUTCOMES.index("extraction_failed"), [
            b"",
            b"",
            b"",
            b"the extractor used more memory than allowed",
        ]
    except Exception as error:  # whatever a library raises on a page is that page's failure
        detail = f"{type(error).__name__}: {error}"[:300].encode("utf-8", "replace")
        return OUTCOMES.index("extraction_failed"), [b"", b"", b"", detail]


def serve(source: BinaryIO, answers: BinaryIO, limits: dict[str, Any]) -> None:
    """Answer pages until the source ends."""
    work = _extractor(str(limits["extractor"]))
    if limits["extractor"] == "trafilatura":
        work(_WARM)
    with_page = _address_space() + int(limits["max_memory"])
    resource.setrlimit(resource.RLIMIT_AS, (with_page, with_page))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = float(limits["max_seconds"])
    while len(head := source.read(REQUEST.size)) == REQUEST.size:
        (size,) = REQUEST.unpack(head)
        page = source.read(size)
        if len(page) != size:
            return
        signal.setitimer(signal.ITIMER_PROF, seconds)
        outcome, fields = _answer(work, page)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(REPLY.pack(outcome, *(len(field) for field in fields)) + b"".join(fields))
        answers.flush()


def main() -> None:
    """Serve on the standard streams; what a library prints goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the parent, whose end is our end
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers, json.loads(sys.argv[1]))


if __name__ == "__main__":
    main()
