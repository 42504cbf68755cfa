"""The main-text annotator on made pages, on the development pages and on hostile ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from provenance.annotators.annotator import Annotator
from provenance.annotators.text import MainText
from provenance.annotators.text.extraction import extract
from provenance.schema import RECORDS
from scripts.evaluate.text import load, score

SENTENCE = (
    "The ferry to the island leaves twice a day, and the crossing takes about forty minutes in calm weather."
)
ARTICLE = "<article><h1>Ferry</h1>" + f"<p>{SENTENCE}</p>" * 5 + "</article>"


@pytest.fixture(scope="module")
def annotator() -> Iterator[MainText]:
    main_text = MainText(max_seconds=2.0)
    main_text.setup()
    yield main_text
    main_text.close()


def batch(**columns: list[object]) -> pa.RecordBatch:
    rows = len(next(iter(columns.values())))
    return pa.RecordBatch.from_arrays(
        [pa.array(columns.get(field.name, [None] * rows), field.type) for field in RECORDS], schema=RECORDS
    )


def one(
    annotator: MainText, body: bytes, mime: str = "text/html", charset: str | None = None
) -> dict[str, object]:
    arrays = annotator(batch(body=[body], mime=[mime], charset=[charset]))
    return dict(zip(annotator.schema.names, (array[0].as_py() for array in arrays), strict=True))


def test_it_is_an_annotator_and_gives_its_schema(annotator: MainText) -> None:
    assert isinstance(annotator, Annotator)
    arrays = annotator(
        batch(
            body=[b"<p>x</p>", None, None],
            text=[None, "given\r\ntext\x00", None],
            outcome=[None, None, "redirect"],
        )
    )
    assert [array.type for array in arrays] == annotator.schema.types
    assert [array[2].as_py() for array in arrays] == [None] * 6
    assert arrays[0][1].as_py() == "given\ntext"


def test_furniture_is_left_out(annotator: MainText) -> None:
    page = (
        "<html lang=en-GB><head><title> Ferry\n times </title><script>var hidden</script></head><body><nav><a href=/>Home</a></nav>"
        + ARTICLE
        + "<div class=RelatedBox><h3>Related articles</h3><a href=/1>Ten tips</a></div><footer>All rights reserved</footer></body>"
    )
    row = one(annotator, page.encode())
    assert str(row["text"]).count(SENTENCE) == 5
    assert not any(word in str(row["text"]) for word in ("Home", "Ten tips", "Related", "rights", "hidden"))
    assert (row["title"], row["html_lang"], row["text_outcome"]) == ("Ferry times", "en-GB", None)


@pytest.mark.parametrize(
    ("body", "mime"),
    [
        ((SENTENCE + "\n\n").encode() * 3, "text/plain"),
        ((SENTENCE + "\n\n").encode() * 3, "text/html"),
        (f"<rss><channel><item><description><![CDATA[{SENTENCE}]]></description></item></channel></rss>".encode(), "application/rss+xml"),
        (b"\xff\xfe" + ARTICLE.encode("utf-16-le"), "text/html"),
        (b"<div>" * 50000 + ARTICLE.encode(), "text/html"),
        (b"<div " + b" ".join(b'a%d="1"' % i for i in range(100000)) + b">" + ARTICLE.encode(), "text/html"),
        (ARTICLE.encode() + b"<b id=1><i><p>" * 20000, "text/html"),
        (ARTICLE.encode() + b"<table><tr><td>" * 5000, "text/html"),
        (ARTICLE.encode() + b"<table><i>" * 5000, "text/html"),
        (ARTICLE.encode() + b"<!-- " + b"x" * 1000000, "text/html"),
        (ARTICLE.encode() + b"<script>" + b"x" * 1000000, "text/html"),
        (ARTICLE.encode() + b"<a href=x><p>" * 20000, "text/html"),
        (b"<img alt='" + b"x" * 6000000 + b"'>" + ARTICLE.encode(), "text/html"),
        (ARTICLE.encode() + b"<svg><math>" * 20000, "text/html"),
        (ARTICLE.encode() + b"<select><option>" * 20000, "text/html"),
        (ARTICLE.encode() + b"&" * 300000, "text/html"),
        (ARTICLE.encode() + b"</p></br>" * 40000, "text/html"),
        (ARTICLE.encode() + b"<ruby><rt>" * 20000, "text/html"),
        (ARTICLE.encode() + b"<p>x" * 90000, "text/html"),
        (ARTICLE.encode() + b"</nothing>" * 90000, "text/html"),
        (b"<i>" * 600 + ARTICLE.encode() + b"</b>" * 90000, "text/html"),
        (ARTICLE.encode() + b"<p class='" + b"nav " * 500000 + b"'>x", "text/html"),
        (ARTICLE.encode() + b"<p class='x", "text/html"),
    ],
)  # fmt: skip
def test_a_document_comes_out_of_odd_and_hostile_pages(annotator: MainText, body: bytes, mime: str) -> None:
    row = one(annotator, body, mime)
    assert SENTENCE in " ".join(str(row["text"]).split())
    assert row["text_outcome"] is None


@pytest.mark.parametrize("body", [b"", b" \n\t" * 9, b"<html></html>", b"<p>\x00\x01</p>"])
def test_a_page_without_text_is_empty(annotator: MainText, body: bytes) -> None:
    row = one(annotator, body)
    assert (row["text"], row["text_outcome"]) == (None, "empty")


def test_a_body_over_the_limit_is_too_large() -> None:
    row = one(MainText(max_bytes=100), ARTICLE.encode())
    assert (row["text"], row["text_outcome"]) == (None, "too_large")


def test_unknown_extractor_is_refused() -> None:
    with pytest.raises(ValueError, match="built-in"):
        MainText(extractor="nonsense")


def test_invisible_characters_survive_and_control_characters_do_not(annotator: MainText) -> None:
    row = one(annotator, ARTICLE.replace("ferry", "fe\u200brr\x07y\U000e0041").encode())
    assert "fe\u200brry\U000e0041" in str(row["text"])


def test_pages_of_the_development_set_give_their_text(shared: Path) -> None:
    pages = [page for page in load(shared) if page.judged]
    found = score(pages, [extract(page.text.encode("utf-8", "replace")).text for page in pages])
    assert found.f >= 0.94 and found.recall >= 0.95 and found.words >= 0.96


def test_another_extractor_works_in_a_process_of_its_own() -> None:
    other = MainText(extractor="tests.annotators.text.hostile_extractors:misbehave", max_seconds=0.5)
    assert one(other, b"<p>an innocent page")["text"] == "<p>an innocent page"
    assert one(other, b"<p>hang")["text_outcome"] == "extraction_timeout"
    other.close()


@pytest.mark.parametrize(
    "wrapper", ["article class=category-download", "main class=contact", "div class=footer-page", "form"]
)
def test_a_page_inside_what_looks_like_furniture_still_gives_its_text(
    annotator: MainText, wrapper: str
) -> None:
    page = f"<html><body><{wrapper}>" + f"<p>{SENTENCE}</p>" * 4 + f"</{wrapper.split()[0]}></body></html>"
    assert SENTENCE in str(one(annotator, page.encode())["text"])
