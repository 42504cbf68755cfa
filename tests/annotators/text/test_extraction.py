"""What is main text: whole threads and live blogs, text in odd places, and nothing of what a site puts around it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from provenance.annotators.columns import ByteRows, byte_rows
from provenance.annotators.text.blocks import read_blocks
from provenance.annotators.text.choice import load_trees, score
from provenance.annotators.text.extraction import Page, extract, extract_all, extract_blocks
from provenance.annotators.text.features import NAMES, describe
from provenance.annotators.text.furniture import drop_copies, drop_furniture
from provenance.annotators.text.together import count_openings

SENTENCES = (
    "The ferry to the island leaves twice a day, and the crossing takes about forty minutes in calm weather.",
    "Passengers who bring a bicycle should be at the pier early, because the deck has room for only twelve of them.",
    "In winter the boat sometimes stays in the harbour for days, and the shop on the island sells what is left.",
    "Old photographs show the first captain, a tall woman who had learned her trade on the lakes further north.",
    "Nobody remembers why the lighthouse was painted green, but the children on the island will not hear of another colour.",
    "The school has nineteen pupils this year; three of them cross the water every morning with the post.",
)
PARAGRAPHS = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
MENU = (
    "<ul>"
    + "".join(f"<li><a href='/{name}'>{name}</a></li>" for name in ("Home", "News", "Sports", "Contact us"))
    + "</ul>"
)
FOOT = "<div><p>Subscribe to our newsletter</p><p>© 2024 The Island Herald. All rights reserved.</p></div>"


def page(body: str) -> Page:
    return extract(
        f"<!doctype html><html lang=en><head><title>Ferry</title></head><body>{MENU}{body}{FOOT}</body></html>".encode()
    )


def share(text: str, sentences: tuple[str, ...] = SENTENCES) -> float:
    return sum(sentence in text for sentence in sentences) / len(sentences)


def test_every_post_of_a_thread_an_archive_and_a_live_blog_is_kept(shared: Path) -> None:
    with (shared / "data/cases/22-many-articles/pages.warc").open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            body = record.reader.read()
            visible = html.unescape(re.sub(r"<head.*?</head>|<[^>]+>", " ", body.decode(), flags=re.DOTALL))
            assert len(extract(body).text.split()) >= 0.95 * len(visible.split()), record.headers[
                "WARC-Target-URI"
            ]


@pytest.mark.parametrize("opening", ["<div class=paywall>", "<div class='content slider'>", "<form id=aspnetForm method=post>", "<div class=comments-live>", "<div class=ad-wrapper id=sidebar>", "<noscript>", "<div class=hidden style='display: none'>", "<footer>", "<table><tr><td>"])  # fmt: skip
def test_a_name_that_covers_the_whole_text_does_not_hide_it(opening: str) -> None:
    assert share(page(f"<div>{opening}<h1>Ferry</h1>{PARAGRAPHS}</div>").text) == 1


def test_a_small_article_beside_a_large_body_does_not_win() -> None:
    small = "<article><h2>Also new</h2><p>The bakery opens at six on market days, and the queue is long by seven.</p></article>"
    assert share(page(f"<div class=text><h1>Ferry</h1>{PARAGRAPHS * 3}</div>{small}").text) == 1


def test_several_parts_that_are_named_as_the_article_are_all_kept() -> None:
    parts = "".join(f"<div class=article-body><p>{sentence}</p></div>" for sentence in SENTENCES)
    assert share(page(f"<article>{parts}</article>").text) == 1


def test_the_ingredients_of_a_recipe_are_kept() -> None:
    ingredients = ("200 g flour", "3 eggs", "1 pinch of salt", "half a litre of milk")
    items = "".join(f"<li>{item}</li>" for item in ingredients)
    found = page(
        f"<article><h1>Pancakes</h1><p>{SENTENCES[0]}</p><h2>Ingredients</h2><ul>{items}</ul>{PARAGRAPHS}</article>"
    )
    assert share(found.text, ingredients) == 1


def test_readings_over_characters_stay_out_of_the_sentence() -> None:
    ruby = "<ruby>東京<rp>(</rp><rt>とうきょう</rt><rp>)</rp></ruby>"
    assert page(
        f"<article><p>{ruby}に行きました。天気がとても良かったので、友達と一緒に公園を散歩しました。</p>{PARAGRAPHS}</article>"
    ).text.startswith("東京に行きました。")


def test_what_a_site_puts_around_an_article_is_left_out() -> None:
    around = (
        "<div><a href=/1>Ten tips for a weekend by the sea</a></div><div><a href=/2>What the mayor said about the pier</a></div>"
        "<div><span>By <a href=/jo>Jo Miller</a></span> <time>3 May 2021</time></div>"
    )
    text = page(f"<div><h1>Ferry</h1>{PARAGRAPHS}</div><div>{around}</div>").text
    assert share(text) == 1
    assert not any(
        word in text for word in ("Ten tips", "What the mayor", "Sports", "newsletter", "All rights")
    )


@pytest.mark.parametrize(
    ("body", "source"),
    [
        (f"<article>{PARAGRAPHS}</article>", "article"),
        (f"<div itemprop=articleBody>{PARAGRAPHS}</div>", "article"),
        (f"<div>{PARAGRAPHS}</div>", "main"),
        ("<div><a href=/a>Pictures</a> <a href=/b>Maps</a></div>", "fallback"),
    ],
)
def test_a_page_says_where_its_text_was_found(body: str, source: str) -> None:
    assert page(body).source == source


def test_a_page_of_navigation_gives_all_of_it_and_says_so() -> None:
    found = extract(f"<html><body>{MENU}</body></html>".encode())
    assert (found.text.split("\n"), found.source) == (["Home", "News", "Sports", "Contact us"], "fallback")


@pytest.mark.parametrize(
    "lines",
    [
        ("Nora Plum, baker, died on Tuesday. She was 91.",),
        ("The oven is cold", "and the door is shut", "the cat on the sill", "has a loaf in its gut"),
    ],
)
def test_a_text_of_a_sentence_is_told_from_the_menu_above_it(lines: tuple[str, ...]) -> None:
    found = page(f"<article><h1>Plum</h1><p>{'<br>'.join(lines)}</p></article>")
    assert found.text.startswith("\n".join(lines)) and "Sports" not in found.text
    assert found.source != "fallback"


def test_scores_are_what_walking_each_tree_gives() -> None:
    trees = load_trees()
    table = np.random.default_rng(0).gamma(0.5, 2.0, (50, len(NAMES))).astype(np.float32)
    table[:, NAMES.index(".nav") :] = table[:, NAMES.index(".nav") :] > 1

    def walk(row: np.ndarray) -> float:
        total = trees.base
        for node in trees.roots:
            while trees.feature[node] >= 0:
                above = row[trees.feature[node]] > trees.threshold[node]  # what is no number exceeds nothing
                node = trees.right[node] if above else trees.left[node]
            total += float(trees.value[node])
        return total

    assert score(table).tolist() == [walk(row) for row in table]
    strange = np.random.default_rng(1).normal(0, 1, (150, len(NAMES))).astype(np.float32)
    for value, share in ((np.nan, 0.1), (np.inf, 0.1), (-np.inf, 0.05), (-0.0, 0.1), (0.0, 0.1)):
        strange[np.random.default_rng(2).random(strange.shape) < share] = value
    trees = trees._replace(threshold=np.where(trees.threshold > 0.5, -trees.threshold, trees.threshold))
    assert score(strange, trees).tolist() == [walk(row) for row in strange]


def test_cells_of_a_row_share_a_line_and_preformatted_lines_do_not() -> None:
    table = "<table><tr><td>Monday</td><td>8:15</td></tr><tr><td>Tuesday</td><td>9:30</td></tr></table>"
    text = page(
        f"<article>{PARAGRAPHS}<p>{SENTENCES[0]}</p>{table}<pre>a = 1\nb = 2</pre>{PARAGRAPHS}</article>"
    ).text
    assert "Monday 8:15\nTuesday 9:30\n" in text
    assert "\na = 1\nb = 2" in text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a<b>b</b>c", "abc"),
        ("a<br>b", "a\nb"),
        ("a &amp;&nbsp; b&#33; &lt;i&gt; &eacute;", "a & b! <i> é"),
        (
            "a<script>if (x < 1) '</p>'</script>b<style>p{}</style><!-- <p>no</p> --><template>no</template>",
            "ab",
        ),
        ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
        ("<p>a<p>b<li>c<li>d", "a\nb\nc\nd"),
        ("<p class='x>y' title=\"<p>\">a</p>", "a"),
        ("<b><p>a</b>b</p>c", "ab\nc"),
        ("<svg><title>no</title><text>no</text></svg>a", "a"),
        ("<textarea>no<p></textarea><iframe>no</iframe>a", "a"),
        (
            "<h2>a<span class=mw-editsection>[<a href=/e>edit</a>]</span></h2>b<h3>c<a class=headerlink href=#c>¶</a></h3>d",
            "a\nb\nc\nd",
        ),
        ("a\u200bb \u00a0 c\u0007", "a\u200bb c"),
    ],
)
def test_markup_becomes_the_lines_that_a_reader_sees(markup: str, text: str) -> None:
    assert extract(f"<html><body>{markup}</body></html>".encode()).text == text


def test_pages_read_together_are_as_read_alone() -> None:
    """Whatever is read with it: other pages, none with a tag, references, nothing, more tags than are read at once."""
    article = (
        b"<title>A &amp; b</title><html lang=de><article>"
        + b"<p>A sentence &quot;of&quot; some length, and more of it here.</p>" * 9
    )
    pages = [
        article,
        b"",
        b"no tag & none",
        b"<p>&nbsp;x</p>" * 3,
        b"<b>x</b>" * 9000,
        "<p>Grüße, 日本</p>".encode() * 5,
        article,
    ]
    rows = byte_rows(pa.array(pages, pa.large_binary()))
    for first in (0, 3):
        part = ByteRows(rows.data, rows.starts[first:], rows.stops[first:])
        assert list(extract_all(part, count_openings(part))) == [extract(page) for page in pages[first:]]
    assert extract(article).text == extract_blocks(read_blocks(article))[0]


def test_paragraphs_that_come_again_are_given_once_and_a_page_of_nothing_else_as_it_is() -> None:
    twice = "\n".join((*SENTENCES, "A refrain", *SENTENCES, "A refrain"))
    assert drop_copies(twice) == "\n".join((*SENTENCES, "A refrain", "A refrain"))
    again = "\n".join([SENTENCES[0]] * 9)
    assert drop_copies(again) == again


def test_a_line_that_holds_the_whole_article_once_more_is_left_out() -> None:
    text = "\n".join(SENTENCES * 2 + tuple(sentence.upper() for sentence in SENTENCES))
    whole = text.replace("\n", " ")
    assert drop_copies(f"{text}\n{whole}") == drop_copies(text)
    assert drop_copies(f"Ferry\n{whole}") == f"Ferry\n{whole}"


@pytest.mark.parametrize(
    "line",
    [
        "Read more: The pier is to be painted in another colour",
        "[Related: Ten islands that nobody has counted]",
        "Jo Miller contributed to this report.",
        "Follow Jo Miller on Twitter and Facebook.",
        "GET THE NEWS ON THE GO BY CLICKING HERE",
        "Email Jo Miller at jo@herald.example",
    ],
)
def test_lines_that_lead_elsewhere_are_left_out(line: str) -> None:
    assert drop_furniture("\n".join((*SENTENCES, line, SENTENCES[0]))) == "\n".join(
        (*SENTENCES, SENTENCES[0])
    )


@pytest.mark.parametrize(
    "line",
    [
        "Follow these steps, which were shared on Twitter, to cross safely.",
        "More: the captain wanted more of everything, and above all of the sea, which had always been too small for her and her boat.",
        "She had contributed a boat to the museum.",
    ],
)
def test_sentences_that_only_begin_like_such_lines_are_kept(line: str) -> None:
    assert line in drop_furniture("\n".join((*SENTENCES, line, SENTENCES[0])))


def test_words_of_a_block_are_counted_by_what_they_mean() -> None:
    def counts(text: str) -> dict[str, float]:
        blocks = read_blocks(f"<title>Ferry</title><p>{text}</p>".encode())
        return {
            name: float(value)
            for name, value in zip(NAMES, describe(blocks)[0], strict=True)
            if name[0] == '"'
        }

    credit = counts("Foto: Getty / Архивное ФОТО")
    assert credit['"photo"'] == 3
    assert (
        counts("Subscribe to our newsletter, subscribe, subscribe!")['"subscribe"'] == 3
    )  # more are not told apart
    assert sum(counts("Ferry").values()) == 0


def test_a_block_that_is_the_title_or_a_part_of_it_is_known() -> None:
    def titled(text: str, title: str = "The green lighthouse | Herald") -> float:
        table = describe(read_blocks(f"<title>{title}</title><p>{text}</p>".encode()))
        return float(table[0, NAMES.index("titled")])

    assert titled("The green lighthouse") == pytest.approx(20 / 29)
    assert titled("green lighthouse") > 0 and titled("reen lighthouse") == 0
    assert titled("The blue lighthouse") == 0 and titled("The") == 0
