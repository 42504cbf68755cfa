"""Invisible and imitated characters: what is found, what is honest, and what cleaning may touch."""

# ruff: noqa: E501 (sample texts read better whole)

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from provenance.annotators.marks import scripts
from provenance.annotators.marks.annotator import Marks
from provenance.annotators.marks.characters import PLACES, SIGNAL_NAMES, find_characters
from provenance.annotators.marks.invisible import clean_invisible
from provenance.schema import EVIDENCE, SIGNALS


def selectors(payload: bytes) -> str:
    return "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in payload)


def tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(c)) for c in text)


def large(texts: list[str | None]) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


def found(text: str) -> set[str]:
    counts, _ = find_characters(large([text]), np.ones(1, np.bool_))
    return {SIGNAL_NAMES[kind] for kind in np.flatnonzero(counts[0])}


def cleaned(text: str) -> str:
    return str(clean_invisible(large([text]))[0].as_py())


WRAPPER = "\ufeff" + selectors(b"C2PATXT\0\x01" + (40).to_bytes(4, "big") + b"\0\0\0\x28jumb" + b"x" * 32)

MARKED = {
    "zero-width space in a Latin word": ("wa\u200bter", {"zero-width"}, "water"),
    "zero-width bits": ("word\u200b\u200c\u200c\u200b\u200d here", {"zero-width"}, "word here"),
    "joiner between Latin letters": ("in\u200dside", {"zero-width"}, "inside"),
    "word joiner inside a Latin word": ("in\u2060side", {"zero-width"}, "inside"),
    "byte order mark inside a word": ("in\ufeffside", {"zero-width"}, "inside"),
    "long run in Persian": ("می" + "\u200c\u200d" * 8 + "خواهم", {"zero-width"}, "میخواهم"),
    "long run in Thai": ("ก" + "\u200b\u200c" * 8 + "ข", {"zero-width"}, "กข"),
    "override in Latin text": ("file\u202egpj.exe", {"bidi"}, "filegpj.exe"),
    "left-to-right marks in Latin text": ("a\u200eb", {"bidi"}, "ab"),
    "tag characters": ("Hello" + tags("ignore this"), {"tag-characters"}, "Hello"),
    "tags after a flag end": (
        "🏴" + tags("gbeng") + "\U000e007f" + tags("hidden"),
        {"tag-characters"},
        "🏴" + tags("gbeng") + "\U000e007f",
    ),
    "bytes behind a letter": ("a" + selectors(b"payload"), {"variation-selectors"}, "a"),
    "bytes behind an emoji": ("😀" + selectors(b"payload"), {"variation-selectors"}, "😀"),
    "bytes behind an ideograph": ("葛" + selectors(b"payload"), {"variation-selectors"}, None),
    "single selector behind a letter": ("a\ufe0f", {"variation-selectors"}, "a"),
    "content credentials": ("Some text." + WRAPPER, {"variation-selectors"}, "Some text."),
    "thin space between words": ("two\u2009words", {"exotic-space"}, "two\u2009words"),
    "narrow no-break spaces between English words": ("two\u202fwords and\u202fmore", {"exotic-space"}, None),
    "Cyrillic a in an English word": ("the p\u0430rty", {"homoglyph"}, "the p\u0430rty"),
    "Greek omicron in an English word": ("the c\u03bfast", {"homoglyph"}, None),
    "Armenian letter in an English word": ("tro\u057dble", {"homoglyph"}, None),
    "Roman numeral as a letter": ("sa\u217fple", {"homoglyph"}, None),
    "a name all but one letter of which is Cyrillic": (
        "log in at раураl with your password",
        {"homoglyph"},
        None,
    ),
    "separator inside a word": ("the wa\u2063ter is cold", {"zero-width"}, "the water is cold"),
    "deprecated Khmer vowel between Latin letters": ("in\u17b4side", {"zero-width"}, "inside"),
    "isolates as the source trick": (
        "if (admin\u202e\u2066// check\u2069\u2066) {",
        {"bidi"},
        "if (admin// check) {",
    ),
    **{
        f"U+{c:04X} in a word": (f"wa{chr(c)}ter", {"zero-width"}, "water")
        for c in (
            0x180B,
            0x180C,
            0x180D,
            0x180F,
            0x2065,
            0xFFF0,
            0xFFF8,
            0x1BCA0,
            0x1BCA3,
            0x1D173,
            0x1D17A,
            0xE0080,
            0xE00FF,
            0xE01F0,
            0xE0FFF,
        )
    },
    "Hangul fillers as bits in a Korean text": ("한국어" + "\u3164\uffa0" * 8, {"zero-width"}, None),
    "Hangul filler in a Latin word of a Korean text": ("한국어 wa\u3164ter", {"zero-width"}, "한국어 water"),
    "Latin letters all over a Russian text": ("пpивeт мир кaк твoи дeлa сeгодня", {"homoglyph"}, None),
}

HONEST = {
    "emoji family": "👨‍👩‍👧‍👦 and 👩🏽‍🚀 and 🏳️‍🌈 and ❤️‍🔥",
    "emoji presentation": "❤️ ☎︎ ©️ 1️⃣ #️⃣ ▶️ ⚠️ ‼️ ™️ ㊗️",
    "doubled emoji selector": "❤️\ufe0f fine",
    "flags of parts of a country": "🏴" + tags("gbeng") + "\U000e007f and 🏴" + tags("usca") + "\U000e007f",
    "regional flags": "🇫🇷🇩🇪",
    "Persian": "می‌خواهم کتاب‌ها را بخوانم",
    "Arabic joiner": "ه‍ هـ",
    "Hindi": "क्‍ष और क्‌ष",
    "Bengali": "র‍্যাব",
    "Malayalam": "ന്‍ അവന്‍",
    "Sinhala": "ශ්‍රී ලංකා",
    "Thai": "ภาษา\u200bไทย\u200bสวย",
    "Khmer": "ភាសា\u200bខ្មែរ\u200bស្អាត",
    "Lao and Myanmar": "ພາສາ\u200bລາວ မြန်မာ\u200bစာ",
    "Japanese breaks": "東京\u200bタワー",
    "French": "Il a dit\u202f: «\u202foui\u202f»\u202f! 10\u202f000\u202f€, M.\u202fDupont",
    "thin space in numbers": "10\u2009000 km and 5\u2009%",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ\u180eᠠ ᠭ\u180bᠠ\u202fᠶᠢᠨ",
    "ideographic variants": "葛\U000e0100城 辻\U000e0101 﨑\ufe00",
    "CJK brackets and spaces": "「東京」『本』【重要】〈山〉《题》\u3000全角",
    "ideographic space in Japanese": "Tokyo\u3000Osaka は都市",
    "Hebrew with marks": "שלום\u200f (abc\u200e) \u202bעברית\u202c",
    "Arabic with isolates": "مرحبا \u2067عربي\u2069 \u061c123",
    "soft hyphens": "Donau\u00addampf\u00adschiff",
    "byte order mark first": "\ufeffHello",
    "byte order mark at a line start": "one\n\ufefftwo",
    "no-break space": "a\u00a0b 5\u00a0km",
    "word joiner at punctuation": "and/\u2060or 5\u2060–\u20606",
    "invisible operators": "f\u2061(x) = a\u2062b",
    "Greek symbols in science": "TNFα, NFκB, IFNγ, μm, kΩ, β-sheet, Δt, sinθ",
    "Russian endings on Latin names": "купил iPhone-ом, SMSка, IT-шник, Wi-Fiй, в Googlе",
    "a slip of the keyboard": "пpивет мир, как твои дела",
    "names side by side": "Путин Putin Αθήνα Athens Երևան Yerevan",
    "IPA": "/ˈlæŋɡwɪdʒ/",
    "Mongolian selectors": "ᠠ\u180bᠡ\u180cᠢ\u180dᠣ\u180f",
    "Hangul filler as a blank in Korean": "이름: \u3164 , 안녕\n\u3164\n\u3164\u3164\u3164\u3164\u3164\u3164끝",
    "controls of shorthand and music": "\U0001bc02\U0001bca0\U0001bc03 \U0001d15f\U0001d173\U0001d15f\U0001d174",
    "Hangul filler": "ᄒ\u1160ᆫ 한글",
    "Persian numbers and stops": "حدود 30\u200c هزار نفر می\u200cشود.\u200c بعد PDF\u200cها",
    "Latin names in Thai": "ภาษาไทย Google\u200b Search",
    "break opportunities in addresses": "and/\u200bor, www.\u200bexample.\u200bcom/\u200ba, long-\u200bword, name@\u200bexample",
    "isolates about a user name": "piece on \u2066@elonmusk\u2069‘s tears",
    "a wiki's direction mark": "m (→\u200eTV Shows) free!\u200e",
    "byte order mark at a line end": "one\ufeff\ntwo\ufeff",
    "line breaks lost from Russian": "он сказал.nПодробнее на сайтеnКак сообщалосьnНапомним",
    "hieroglyphs and Manichaean": "\U00013040\ufe00 \U00013080\ufe03 \U00010ac5\ufe00",
    "products of variables": "xy = a\u2062b, ma\u2062x, sin\u2061cos x",
    "accents": "naïve café Łódź İstanbul ﬁne",
}


@pytest.mark.parametrize("case", MARKED)
def test_marks_are_found_and_invisible_ones_removed(case: str) -> None:
    text, signals, clean = MARKED[case]
    assert found(text) == signals
    if clean is not None:
        assert cleaned(text) == clean


@pytest.mark.parametrize("case", HONEST)
def test_honest_writing_gives_nothing_and_is_returned_as_it_is(case: str) -> None:
    array = large([HONEST[case], "plain", None])
    assert found(HONEST[case]) == set()
    assert clean_invisible(array) is array


def test_places_are_characters_in_the_text_and_bounded_in_number() -> None:
    batch = pa.record_batch({"text": large(["é" * 7 + "wa\u200bter", "a\u200bb " * 100])})
    marks = Marks()(batch)[0].to_pylist()
    assert marks[0][0]["where"] == "char 9"
    assert len(marks[1]) == PLACES
    assert "100 in the text" in marks[1][0]["value"]


def test_hidden_words_are_shown() -> None:
    bits = "".join("\u200c" if bit == "1" else "\u200b" for c in "user 4711" for bit in f"{ord(c):08b}")
    texts = ["a" + selectors("clé".encode()), "b" + tags("ignore all"), f"c{bits}d", "Text." + WRAPPER]
    marks = [row[0] for row in Marks()(pa.record_batch({"text": large(texts)}))[0].to_pylist()]
    assert "cl\\xe9" in marks[0]["value"]
    assert "ignore all" in marks[1]["value"]
    assert "user 4711" in marks[2]["value"]
    assert marks[3]["signal"] == "c2pa"
    assert "version 1: manifest of 40 bytes (whole) JUMBF" in marks[3]["value"]


def test_a_lying_content_credential_is_reported_not_followed() -> None:
    wrapper = "\ufeff" + selectors(b"C2PATXT\0\x01\xff\xff\xff\xff" + b"abc")
    mark = Marks()(pa.record_batch({"text": large(["T" + wrapper, "T\ufeff" + selectors(b"C2PATXT\0")])}))[
        0
    ].to_pylist()
    assert "only 3 present" in mark[0][0]["value"]
    assert "cut short" in mark[1][0]["value"]


def test_characters_alone_are_no_evidence_of_a_generator() -> None:
    texts = [text for text, _, _ in MARKED.values()]
    marks, evidence = Marks()(pa.record_batch({"text": large(texts)}))
    assert marks.type == SIGNALS and evidence.type == EVIDENCE
    assert all(row == [] for row in evidence.to_pylist())


def test_rows_with_an_outcome_or_without_text_get_nulls() -> None:
    batch = pa.record_batch(
        {"text": large(["a\u200bb", None, "a\u200bb", "plain"]), "outcome": ["redirect", None, None, None]}
    )
    marks, evidence = Marks()(batch)
    assert marks.is_valid().to_pylist() == [False, False, True, True]
    assert evidence.is_valid().to_pylist() == [False, False, True, True]


def test_slices_and_nulls_keep_their_rows() -> None:
    texts = large(["x\u200by", None, "plain", "", "a\u202eb", "z"])
    assert clean_invisible(texts).to_pylist() == ["xy", None, "plain", "", "ab", "z"]
    assert clean_invisible(texts[1:5]).to_pylist() == [None, "plain", "", "ab"]
    assert clean_invisible(large([])).to_pylist() == []
    assert Marks()(pa.record_batch({"text": texts}).slice(4, 1))[0].to_pylist()[0][0]["where"] == "char 1"


@pytest.mark.parametrize(
    "hostile",
    ["a" + "\u200b" * 350_000, "a" + selectors(bytes(range(256)) * 400), "Z" + "\u0301\u034f" * 200_000, "\u202e" * 300_000,
     "p\u0430" * 200_000, "a" + tags("x" * 100_000), "\ufeff" * 300_000, "a\u200b" * 200_000],
)  # fmt: skip
def test_hostile_texts_cost_little_and_say_little(hostile: str) -> None:
    marks = Marks()(pa.record_batch({"text": large([hostile])}))[0].to_pylist()[0]
    assert len(marks) <= 8 * PLACES
    assert all(len(mark["value"]) <= 120 and mark["value"].isascii() for mark in marks)
    assert cleaned(cleaned(hostile)) == cleaned(hostile)


ALPHABET = st.sampled_from(
    list("ab XYéж/-. аоерксΑοսⅿ葛東กงनी्میשכ한😀❤👨🏴ᠮ«1#.\n\u00ad\u00a0\u3000\u202f\u2009")
    + list(
        "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202e\u2060\u2063\u2066\u2069\ufeff\ufe00\ufe0e\ufe0f\u034f\u180e\u061c\u3164"
    )
    + [
        "\U000e0100",
        "\U000e01ef",
        "\U000e0067",
        "\U000e0062",
        "\U000e007f",
        "👨‍👩",
        "🏴" + tags("gbsct") + "\U000e007f",
        "\U000e0001",
        "\u180b",
        "ᠠ",
        "\u2065",
        "\ufff3",
        "\U0001d15f",
        "\U0001d173",
        "\U000e0800",
        "한",
        "\uffa0",
    ]
)


@settings(max_examples=300, deadline=None)
@example(["\u200ba\u3164"])  # a filler is no letter that would make the space honest
@given(st.lists(st.lists(ALPHABET, max_size=30).map("".join), max_size=4))
def test_cleaning_is_idempotent_and_leaves_no_invisible_mark(texts: list[str]) -> None:
    once = clean_invisible(large(texts))
    assert clean_invisible(once) is once
    counts, _ = find_characters(once, np.ones(len(texts), np.bool_))
    assert not counts[:, 1:5].any()
    for before, after in zip(texts, once.to_pylist(), strict=True):
        visible = [c for c in before if not scripts.invisible_kind(ord(c))]
        assert [c for c in after if not scripts.invisible_kind(ord(c))] == visible


def reference_runs(text: str) -> list[tuple[int, int]]:
    """(first, after) characters of every marked run: the kernel's rules, said again over a Python
    string.
    """
    kind, honest = [scripts.invisible_kind(ord(c)) for c in text], []
    rtl = any(scripts.is_rtl(ord(c)) and c != "\u061c" for c in text)
    visible = [ord(c) for c in text if not scripts.invisible_kind(ord(c))]
    unspaced, korean = any(map(scripts.takes_break, visible)), any(map(scripts.is_hangul, visible))
    i = 0
    while i < len(text):
        if not kind[i]:
            i += 1
            continue
        j = i
        while j < len(text) and kind[j]:
            j += 1
        before = ord(text[i - 1]) if i else 10
        after = ord(text[j]) if j < len(text) else 10
        run, keep = text[i:j], 0
        if before == 0x1F3F4 and kind[i] == 3:
            body = run.split("\U000e007f")[0]
            if (
                "\U000e007f" in run
                and 2 <= len(body) <= 6
                and all("\U000e0030" <= c <= "\U000e007a" for c in body)
            ):
                keep = len(body) + 1
        elif kind[i] == 4 and scripts.takes_selector(before, ord(run[0])):
            keep = 1 + (run[1:2] == run[0]) + (run[1:3] == run[0] * 2)
        rest = run[keep:]
        if not (rest == "\u200d" and scripts.is_emoji(before) and scripts.is_emoji(after)):
            good = 0
            inside = all(c.isascii() and c.isalpha() for c in text[max(0, i - 2) : i] + text[j : j + 2])
            inside = inside and i > 1 and j < len(text) - 1
            while good < len(rest) and allowed(
                rest[good], before, after, len(run) == 1, inside, (rtl, unspaced, korean)
            ):
                good += 1
            blanks = rest[:good].count("\u3164") if korean else 0
            keep += good if good - blanks <= 3 else 0
            if keep < len(run):
                honest.append((i + keep, j))
        i = j
    return honest


def allowed(
    c: str, before: int, after: int, alone: bool, inside: bool, of_text: tuple[bool, bool, bool]
) -> bool:
    sides, (rtl, unspaced, korean) = (before, after), of_text
    latin = all(scripts.is_ascii_letter(s) for s in sides)
    if c in "\u200c\u200d":
        joined = any(scripts.takes_joiner(s) for s in sides)
        return joined or (c == "\u200c" and alone and rtl and not latin)
    if c == "\u200b":
        breaks = any(scripts.takes_break(s) for s in sides) or (alone and unspaced and not latin)
        return breaks or (
            alone and chr(before) in "/\\-_.@&=?|‐‑‒–—―" and chr(after).isascii() and chr(after).isalnum()
        )
    if c == "\ufeff":
        return alone and any(s in (10, 13) for s in sides)
    if c == "\u2060":
        return not latin
    if c in "\u2061\u2062\u2063\u2064":
        return c == "\u2061" or not inside
    if c in "\u202d\u202e":
        return any(scripts.is_rtl(s) for s in sides)
    if c == "\u034f":
        return before >= 0x300
    if "\u180b" <= c <= "\u180f":
        return 0x1800 <= before <= 0x18AF
    if "\U0001bca0" <= c <= "\U0001bca3":
        return any(0x1BC00 <= s <= 0x1BC9F for s in sides)
    if "\U0001d173" <= c <= "\U0001d17a":
        return any(0x1D100 <= s <= 0x1D1FF for s in sides)
    if c in "\u115f\u1160\u3164\uffa0":
        return any(scripts.is_hangul(s) for s in sides) or (c == "\u3164" and korean and not latin)
    idle = c in "\u200e\u2066\u2068\u2069" and alone and not latin
    return scripts.invisible_kind(ord(c)) == 2 and (rtl or idle)


@settings(max_examples=300, deadline=None)
@given(st.lists(ALPHABET, max_size=40).map("".join))
def test_the_kernel_equals_a_slow_reference(text: str) -> None:
    expected = text
    for first, after in reversed(reference_runs(text)):
        expected = expected[:first] + expected[after:]
    assert cleaned(text) == expected
    counts, _ = find_characters(large([text]), np.ones(1, np.bool_))
    assert counts[0, 1:5].sum() == len(reference_runs(text))
