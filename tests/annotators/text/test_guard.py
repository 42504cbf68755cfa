"""The guard: a page costs bounded time and memory, and only itself."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading

import pytest

from provenance.annotators.text.guard import GuardedExtractor, Limits
from provenance.annotators.text.structure import measure, strip

LIMITS = Limits("tests.annotators.text.hostile_extractors:misbehave", max_seconds=0.2, max_memory=512 << 20)


@pytest.fixture(scope="module")
def guard():
    guarded = GuardedExtractor(LIMITS)
    yield guarded
    guarded.close()


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        (b"hang", "extraction_timeout"),
        (b"eat", "extraction_failed"),
        (b"die", "extraction_failed"),
        (b"raise", "extraction_failed"),
    ],
)
def test_a_bad_page_fails_alone_and_the_next_is_extracted(
    guard: GuardedExtractor, page: bytes, outcome: str
) -> None:
    found = guard(page)
    assert (found.text, found.outcome) == ("", outcome)
    assert found.detail
    after = guard("an innocent page ü".encode())
    assert (after.text, after.title, after.lang, after.outcome) == ("an innocent page ü", "title", "en", None)


def test_pages_larger_than_the_pipe_pass_both_ways(guard: GuardedExtractor) -> None:
    page = b"word " * 2_000_000
    assert guard(page).text == page.decode()


def test_threads_share_one_guard(guard: GuardedExtractor) -> None:
    results: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda n=n: results.__setitem__(n, guard(b"page %d" % n).text))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: f"page {n}" for n in range(8)}


def test_a_pickled_guard_starts_its_own_child(guard: GuardedExtractor) -> None:
    copy = pickle.loads(pickle.dumps(guard))
    assert copy(b"again").text == "again"
    copy.close()


def test_child_ends_with_its_parent() -> None:
    program = (
        "from provenance.annotators.text.guard import GuardedExtractor, Limits\nimport os\n"
        f"g = GuardedExtractor({LIMITS!r})\ng(b'x')\nprint(g._child.pid, flush=True)\nos._exit(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    pid = int(done.stdout)
    waiter = threading.Event()
    for _ in range(200):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return
        waiter.wait(0.05)
    raise AssertionError("the child outlived its parent")


def test_structure_bounds_what_a_parser_would_build() -> None:
    assert measure(b"<div>" * 900 + b"x").depth == 900
    assert measure(b"<p>a</p>" * 900).depth == 0
    assert measure(b"<i a=1 b='2 > 3' c=\"x\" d>t</i>").attributes == 4
    assert measure(b"<b id=1>" * 300).formatting == 300
    assert measure(b"<b>x</b>" * 300).formatting == 1
    assert measure(b"<script>" + b"<div>" * 99 + b"</script><p>").depth == 0
    assert measure(b"<!--" + b"<div>" * 99).depth == 0


@pytest.mark.parametrize(
    "page", [b"", b"<", b"</", b"<!", b"<!--", b"<a", b"<a b='", b"<script", b"<script>", b"a<"]
)
def test_cut_markup_is_measured_and_stripped(page: bytes) -> None:
    measure(page)
    assert strip(page) in ("", "<", "</", "a<")


def test_strip_gives_visible_text_with_lines_at_blocks() -> None:
    page = b"<p>One &amp; <b>two</b></p><style>p{}</style><div title='a>b'>three<br/>four</div><!-- no --><script>no</script>"
    assert strip(page).split() == ["One", "&", "two", "three", "four"]
    assert "three\nfour" in strip(page)
