"""What a page declares about its making and its use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.annotator import Annotator
from provenance.annotators.declarations.declared import Declared
from provenance.annotators.declarations.disclosures import Disclosures, find_declarations, weigh
from provenance.annotators.declarations.making import WEIGHTS
from provenance.annotators.page.search import search_page

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def json_ld(body: str) -> str:
    return f'<script type="application/ld+json">{{"@context":"https://schema.org",{body}}}</script>'


def wrapped(manifest: bytes) -> str:
    data = b"C2PATXT\0\x01" + len(manifest).to_bytes(4, "big") + manifest
    return "\ufeff" + "".join(chr(0xFE00 + byte) if byte < 16 else chr(0xE0100 + byte - 16) for byte in data)


def declared(html: str = "", *, headers: str = "", text: str = "") -> Declared:
    page = search_page(html.encode()) if html else None
    return find_declarations("https://a.example/x", headers=headers, page=page, text=text)


#: Where a tag is none.
CONTEXTS = (
    "<!-- {} --><p>x</p>",
    "<script>document.write('{}')</script>",
    "<style>/* {} */</style>",
    "<textarea>{}</textarea>",
    "<template>{}</template>",
    "<iframe srcdoc='{}'></iframe>",
    "<title>{}</title>",
)


def signals(html: str = "", headers: str = "", text: str = "") -> list[str]:
    found = declared(html, headers=headers, text=text)
    return sorted(signal.signal for signal in found.making + found.use)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<meta name="ai-generated" content="true">', "ai-generated"),
        ("<META CONTENT=yes NAME=AI_Generated>", "ai-generated"),
        ('<meta name="ai-disclosure" content="autonomous">', "ai-generated"),
        ('<meta name="ai-disclosure" content="mixed">', "ai-assisted"),
        ('<html ai-disclosure="ai-generated">', "ai-generated"),
        ("<main data-ai-disclosure='ai-assisted'>", "ai-assisted"),
        ('<aside ai-disclosure="ai-generated" ai-model="m">', "ai-assisted"),
        (json_ld(f'"@type":"Article","digitalSourceType":"{IPTC}trainedAlgorithmicMedia"'), "ai-generated"),
        (json_ld('"@graph":[{"@type":"BlogPosting","digitalSourceType":["digsrctype:compositeSynthetic"]}]'), "ai-assisted"),
        (json_ld('"@type":"WebPage","digitalSourceType":{"@id":"https://schema.org/TrainedAlgorithmicMediaDigitalSource"}'), "ai-generated"),
        (json_ld(f'"@type":"Article","image":{{"@type":"ImageObject","digitalSourceType":"{IPTC}trainedAlgorithmicMedia"}}'), "ai-media"),
        (f'<div itemscope itemtype="https://schema.org/Article"><link itemprop="digitalSourceType" href="{IPTC}trainedAlgorithmicMedia">', "ai-generated"),
        (f'<meta property="iptc:digitalSourceType" content="{IPTC}compositeWithTrainedAlgorithmicMedia">', "ai-assisted"),
        ("""<meta name='AIGC' content='{"Label":"1","ContentProducer":"x"}'>""", "ai-generated"),
        ('<meta name="AIGC" content="{&quot;ContentProducer&quot;:&quot;x&quot;,&quot;Label&quot;:&quot;3&quot;}">', "ai-suspected"),
        ('<body><pre>---\nAIGC:\n  ContentProducer: "x"\n  Label: "1"\n---</pre>', "ai-generated"),
        ('<link rel="c2pa-manifest" href="/m.c2pa">', "c2pa"),
        ('<script type="application/c2pa">AAAA</script>', "c2pa"),
        ("<!-- -----BEGIN C2PA MANIFEST----- https://a.example/m -----END C2PA MANIFEST----- -->", "c2pa"),
        ("<p>Text." + wrapped(b"jumb") + "</p>", "c2pa"),
        ('<meta name="tdm-reservation" content="1">', "optout"),
        ('<meta name="robots" content="index,NOAI">', "optout"),
        ('<meta name="robots" content="noml">', "optout"),
        ('<meta http-equiv="Content-Usage" content="train-ai=n">', "optout"),
        ('<script type="application/rsl+xml"><rsl><license><prohibits type="usage">ai-train</prohibits></license></rsl></script>', "optout"),
        ('<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">', "license"),
        (f'<script type="application/ld+json">{{"@type":"Article","digitalSourceType":"{IPTC}trainedAlgorithmicMedia",}}</script>', "ai-generated"),
        (f'<script type="application/ld+json">//<![CDATA[\n{{"digitalSourceType":"{IPTC}trainedAlgorithmicMedia"}}\n//]]></script>', "ai-generated"),
        (f'<script type="application/ld+json">{{"@type":"WebSite"}} {{"digitalSourceType":"{IPTC}trainedAlgorithmicMedia"}}</script>', "ai-generated"),
        ("<script type='application/rsl+xml'><rsl><prohibits  type = ' usage '\n>all</prohibits></rsl></script>", "optout"),
        ('<script type="application/rsl+xml"><r:rsl xmlns:r="https://rslstandard.org/rsl"><r:prohibits type="usage">ai-train</r:prohibits></r:rsl></script>', "optout"),
        (json_ld(f'/* seo */ "@type":"Article", // the page\n"digitalSourceType":"{IPTC}trainedAlgorithmicMedia"'), "ai-generated"),
        (f'<script type="application/ld+json">\ufeff{{"headline":"it\\\'s","url":"https://a.example/","digitalSourceType":"{IPTC}trainedAlgorithmicMedia"}}</script>', "ai-generated"),
        ('<meta name="ai&#45;generated" content="&#116;rue">', "ai-generated"),
        ('<noscript><meta name="ai-generated" content="true"></noscript>', "ai-generated"),
        ('<![if !IE]><meta name="ai-generated" content="true"><![endif]>', "ai-generated"),
        ('<!--><meta name="ai-generated" content="true">-->', "ai-generated"),
        (f'<div vocab="https://schema.org/" typeof=Article><link property=digitalSourceType href="{IPTC}trainedAlgorithmicMedia">', "ai-generated"),
        ("<style>" + "a{b:c}" * 100_000 + '</style><meta name="ai-generated" content="true">', "ai-generated"),
    ],
)  # fmt: skip
def test_each_convention_of_markup_is_read(html: str, expected: str) -> None:
    assert signals(html) == [expected]


@pytest.mark.parametrize(
    "html",
    [
        '<meta name="ai-generated" content="false">',
        '<meta name="ai-disclosure" content="none">',
        '<meta name="keywords" content="ai-generated, noai, tdm-reservation 1">',
        '<meta name="description" content="Content-Usage: train-ai=n">',
        '<meta name="robots" content="noarchive, noaindex">',
        '<meta name="AIGC" content="about">',
        json_ld(f'"@type":"Article","digitalSourceType":"{IPTC}digitalCapture"'),
        json_ld(f'"@type":"Article","digitalSourceType":"{IPTC}algorithmicMedia"'),
        json_ld(f'"@type":"Article","description":"{IPTC}trainedAlgorithmicMedia"'),
        *(json_ld(f'"@type":"Article","{key}":[{{"@type":"Article","digitalSourceType":"{IPTC}trainedAlgorithmicMedia"}}]') for key in ("comment", "mentions", "citation", "item")),
        '<!--[if IE]><meta name="ai-generated" content="true"><![endif]-->',
        '<x-a><template shadowrootmode=open><meta name="ai-generated" content="true"></template></x-a>',
        '<p title="><meta name=ai-generated content=true>">x</p>',
        '<script>document.write("<scr"+"ipt></scr"+"ipt><meta name=ai-generated content=true>")</script>',
        '<meta name="keywords" name="ai-generated" content="true">',
        '<meta name="ai-content-declaration" content="human-written">',
        "<p>Use &lt;meta name=\"ai-generated\" content=\"true\"&gt; to say so.</p>",
        "<p>Set ai-disclosure=\"ai-generated\" on the element.</p>",
        '<a href="/ai-generated">AI-generated</a>',
        "<body><p>An example:</p><code>AIGC: Label: 1</code>",
        "<p>❤\ufe0f \ufeff and 葛\U000e0100</p>",
        '<a href="https://creativecommons.org/licenses/by/4.0/">photo: CC BY</a>',
        '<a rel="nofollow" href="/license">terms</a>',
        *(context.replace("{}", '<meta name="ai-generated" content="true">') for context in CONTEXTS),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_declaration_gives_nothing(html: str) -> None:
    assert signals(html) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This article was written by ChatGPT.\n\nA story.", ["ai-generated"]),
        (
            "A story. " * 400 + "\nThis post was generated automatically using AI and reviewed.",
            ["ai-generated"],
        ),
        ("This article was written with the help of artificial intelligence.", ["ai-assisted"]),
        ("Dieser Text wurde von KI erstellt.", ["ai-generated"]),
        ("本文由AI生成。", ["ai-generated"]),
        ('---\nAIGC:\n  Label: "1"\n---\nText', ["ai-generated"]),
        ("Este artículo fue generado por IA.", ["ai-generated"]),
        ("Este artigo foi gerado por inteligência artificial.", ["ai-generated"]),
        ("Questo articolo è stato scritto dall'intelligenza artificiale.", ["ai-generated"]),
        ("Ten artykuł został wygenerowany przez sztuczną inteligencję.", ["ai-generated"]),
        ("Dit artikel is geschreven door AI.", ["ai-generated"]),
        ("Dit artikel werd door ChatGPT geschreven.", ["ai-generated"]),
        ("Эта статья была написана нейросетью.", ["ai-generated"]),
        ("She wrote that this article was generated by AI, a claim the paper denied.", []),
        ("This article was written by AI, critics claim.", []),
        ("Er sagte, dass dieser Artikel von KI erstellt wurde.", []),
        ("Dijo que este artículo fue escrito por IA.", []),
        ("This article was not written by ChatGPT.", []),
        ("This article was written by Alan Turing, who knew AI.", []),
        ("The bot claimed: “This article was written by ChatGPT.”", []),
        ("He asked ChatGPT whether AI wrote articles like these.", []),
        ("Most text on the web is AI-generated content by now.", []),
        ("A story. " * 400 + "This article was written by ChatGPT." + " A story." * 400, []),
    ],
)
def test_bylines_speak_of_this_text_at_its_edges(text: str, expected: list[str]) -> None:
    assert signals(text=text) == expected


@pytest.mark.parametrize(
    ("html", "name"),
    [
        (
            '<link rel=license href="http://creativecommons.org/licenses/by-nc-sa/3.0/de/">',
            "CC-BY-NC-SA-3.0-DE",
        ),
        ('<a rel="nofollow license" href="//creativecommons.org/publicdomain/zero/1.0/">', "CC0-1.0"),
        ('<footer><a href="https://creativecommons.org/licenses/by-sa/4.0/deed.en">', "CC-BY-SA-4.0"),
        ('<meta name="dcterms.license" content="https://opensource.org/licenses/MIT">', "MIT"),
        ('<link rel="license" href="https://opensource.org/license/mit/">', "MIT"),
        ('<link rel="license" href="https://opensource.org/license/apache-2-0">', "Apache-2.0"),
        ('<link rel="license" href="https://opensource.org/license/bsd-3-clause">', "BSD-3-Clause"),
        (json_ld('"@type":"Article","license":"https://spdx.org/licenses/Apache-2.0.html"'), "Apache-2.0"),
        ('<link rel="license" href="/terms">', "https://a.example/terms"),
        (json_ld('"@type":"ImageObject","license":"https://creativecommons.org/licenses/by/2.0/"'), None),
        ('<meta name="dc.rights" content="All rights reserved">', None),
    ],
)
def test_the_licence_is_named_as_spdx_does_where_it_can(html: str, name: str | None) -> None:
    assert declared(html).license == name


def test_a_wrapped_manifest_is_decoded() -> None:
    found = declared(text="Text." + wrapped(b"x" + IPTC.encode() + b"trainedAlgorithmicMedia"))
    assert [(signal.signal, signal.where) for signal in found.making] == [
        ("c2pa", "text wrapper"),
        ("ai-generated", "c2pa text wrapper"),
    ]
    assert found.making[0].value.startswith("version 1, ")


def test_marks_that_repeat_each_other_weigh_once_and_within_the_policy() -> None:
    html = '<meta name="ai-generated" content="true"><meta name="ai-disclosure" content="ai-assisted">'
    evidence = weigh(declared(html, headers="AI-Disclosure: mode=ai-originated").making)
    assert [entry["llr"] for entry in evidence] == [4.0]
    assert max(WEIGHTS.values()) == 4.0
    assert weigh(declared('<link rel="c2pa-manifest" href="/m">').making) == []


def test_the_annotator_fills_its_schema_and_leaves_closed_rows_null() -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "url": ["https://a.example/", None, "https://c.example/"],
            "http_headers": ["X-Robots-Tag: noai", None, "X-Robots-Tag: noai"],
            "body": pa.array([b'<meta name="ai-generated" content="1">', None, b"x"], pa.large_binary()),
            "text": pa.array(["A story.", "A story.", None], pa.large_string()),
            "outcome": pa.array([None, None, "empty"], pa.string()),
        }
    )
    annotator: Annotator = Disclosures()
    annotator.setup()
    columns = annotator(batch)
    table = pa.RecordBatch.from_arrays(list(columns), schema=annotator.schema).to_pylist()
    assert table[0]["train_opt_out"] is True and table[0]["disclosure_evidence"][0]["llr"] == 4.0
    assert table[1] == {
        "disclosures": [],
        "rights_signals": [],
        "license": None,
        "train_opt_out": False,
        "disclosure_evidence": [],
    }
    assert set(table[2].values()) == {None}


def test_of_a_page_that_was_not_read_whole_what_was_not_found_is_unknown() -> None:
    page = replace(search_page(b"<p>x</p>"), cut=True)
    unknown = find_declarations("", headers="", page=page, text="")
    assert (unknown.train_opt_out, unknown.rows(unknown.making), unknown.license) == (None, None, None)
    said = find_declarations("", headers="X-Robots-Tag: noai", page=page, text="")
    assert (said.train_opt_out, len(said.rows(said.use) or [])) == (True, 1)


PIECES = ["<meta ", 'name="ai-generated" ', 'content="', "true", '">', "<script type=application/ld+json>", "{", "[", '"digitalSourceType"', ":", "AIGC", "Label: 1", "---\n", "<a rel=license href=", "\ufeff", "\U000e0133", "</script", "ai-disclosure=", "<footer", "creativecommons.org/"]  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_page_is_answered(parts: list[str]) -> None:
    page = "".join(parts)
    for entry in weigh(declared(page, headers=page, text=page).making):
        assert 0 < entry["llr"] <= 4.0


@pytest.mark.parametrize(
    "piece", [*PIECES, "x" * 100, " ", "<", '<link rel="license"', "[" * 50_000, "This article was "]
)
def test_a_page_of_one_piece_is_done_in_bounded_time(piece: str) -> None:
    page = '<script type="application/ld+json">"digitalSourceType"' + piece * (1_000_000 // len(piece))
    declared(page, headers="Link: " + piece * 1_000, text=page)


def test_the_made_crawl_is_read_without_an_error(shared: Path) -> None:
    archive = pytest.importorskip("fastwarc.warc")
    columns = ["record_id", "file", "url", "signals", "kind"]
    truth = {
        row["record_id"]: row
        for row in pq.read_table(shared / "data/web/crawl/truth.parquet", columns=columns).to_pylist()
    }
    wrong = []
    read = 0
    for name in sorted({row["file"] for row in truth.values() if row["kind"] == "disclosure"}):
        with open(shared / "data/web/crawl" / name, "rb") as stream:
            for record in archive.ArchiveIterator(stream, parse_http=False):
                row = truth.get(record.headers.get("WARC-Record-ID"))
                if row is None or record.headers.get("WARC-Type") != "response":
                    continue
                head, _, body = record.reader.read().partition(b"\r\n\r\n")
                found = find_declarations(
                    row["url"], headers=head.decode("latin-1"), page=search_page(body), text=""
                )
                read += 1
                if {s.signal for s in found.making + found.use} - {"license"} != set(row["signals"]) - {
                    "residue"
                }:
                    wrong.append(row["url"])
    assert read > 100 and wrong == []
