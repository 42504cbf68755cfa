"""Charset detection: what the bytes are wins over what a label says."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.columns import byte_rows
from provenance.annotators.text.charset import codec_of, decode, is_utf8, meta_charset, utf8_rows

SENTENCES = {
    "cp1251": "Совет района решил построить новую школу рядом с парком, и жители встретили это решение с радостью.",
    "koi8-r": "Совет района решил построить новую школу рядом с парком, и жители встретили это решение с радостью.",
    "cp932": "町の図書館は来月から夜遅くまで開くことになりました。学生たちはとても喜んでいます。",
    "euc_jp": "町の図書館は来月から夜遅くまで開くことになりました。学生たちはとても喜んでいます。",
    "gb18030": "镇上的图书馆从下个月起将开放到深夜，学生们非常高兴，老师也表示支持这个决定。",
    "big5": "鎮上的圖書館從下個月起將開放到深夜，學生們非常高興，老師也表示支持這個決定。",
    "euc-kr": "마을 도서관이 다음 달부터 밤늦게까지 문을 연다. 학생들은 매우 기뻐하고 있으며 교사들도 찬성한다.",
    "cp1252": "Über die Brücke führt künftig ein schöner Weg für Fußgänger; die Kosten trägt größtenteils das Land.",
    "iso8859-7": "Η βιβλιοθήκη της πόλης θα μένει ανοιχτή μέχρι αργά το βράδυ και οι φοιτητές χάρηκαν πολύ.",
    "cp1254": "Kasabanın kütüphanesi gelecek aydan itibaren geç saatlere kadar açık olacak; öğrenciler çok sevindi.",
    "cp1255": "הספרייה של העיירה תהיה פתוחה עד שעה מאוחרת החל מהחודש הבא, והתלמידים שמחו מאוד.",
    "cp1256": "ستبقى مكتبة البلدة مفتوحة حتى ساعة متأخرة ابتداء من الشهر المقبل وقد فرح الطلاب كثيرا.",
    "cp1250": "Městská knihovna bude od příštího měsíce otevřena až do noci a žáci mají velkou radost, učitelé též.",
    "iso8859-2": "Biblioteka w miasteczku będzie od przyszłego miesiąca otwarta do późna, uczniowie są bardzo zadowoleni.",
    "cp874": "ห้องสมุดของเมืองจะเปิดจนถึงดึกตั้งแต่เดือนหน้า นักเรียนต่างดีใจมาก และครูก็เห็นด้วย",
}
PAGE = (
    "<!DOCTYPE html><html><head>{meta}<title>{text}</title></head><body><p class=x>{text}</p></body></html>"
)


@pytest.mark.parametrize("codec", SENTENCES)
@pytest.mark.parametrize("label", [None, "true", "utf-8", "iso-8859-1", "x-nonsense"])
@pytest.mark.parametrize("meta", ["", "true", "utf-8", "iso-8859-1"])
def test_legacy_page_is_read_whatever_header_and_meta_say(codec: str, label: str | None, meta: str) -> None:
    head = f'<meta charset="{codec if meta == "true" else meta}">' if meta else ""
    page = PAGE.format(meta=head, text=SENTENCES[codec])
    assert decode(page.encode(codec), codec if label == "true" else label).text == page


@pytest.mark.parametrize("codec", SENTENCES)
def test_utf8_page_is_read_under_a_legacy_label(codec: str) -> None:
    page = PAGE.format(meta=f"<meta charset={codec}>", text=SENTENCES[codec])
    assert decode(page.encode(), codec).text == page


@pytest.mark.parametrize("codec", ["cp1251", "cp932", "gb18030", "euc-kr", "iso8859-7", "cp1252", "big5"])
def test_short_text_is_read_when_its_label_is_true(codec: str) -> None:
    text = SENTENCES[codec][:9]
    assert decode(text.encode(codec), codec).text == text


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_is_read_with_and_without_its_mark(codec: str) -> None:
    page = PAGE.format(meta="", text=SENTENCES["cp1251"])
    assert decode(page.encode(codec)).text == page
    assert decode("\ufeff".encode(codec) + page.encode(codec)).text == page


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300), st.sampled_from([None, "utf-8"])
)
def test_utf8_round_trip(text: str, label: str | None) -> None:
    body = ("é€" + text).encode()
    if b"\0" not in body and b"\x1b" not in body:
        assert decode(body, label).text == "é€" + text


@given(st.binary(max_size=400), st.text(max_size=20))
def test_no_bytes_and_no_label_raise(body: bytes, label: str) -> None:
    assert isinstance(decode(body, label).text, str)


def test_damaged_utf8_keeps_its_good_characters() -> None:
    body = "Fußgänger überqueren die Brücke, größere Wägen nicht".encode()
    assert decode(body[:20] + b"\xff" + body[20:]).codec == "utf-8"
    assert decode("東京都の図書館".encode()[:-1]).text.startswith("東京都の図書")


def test_labels_of_codecs_that_are_not_charsets_are_refused() -> None:
    for label in ("zip", "rot13", "punycode", "unicode_escape", "utf-7", "idna", "base64", "undefined"):
        assert codec_of(label) is None


def test_meta_label_is_found_in_each_of_its_spellings() -> None:
    assert meta_charset(b"<meta charset=koi8-r>") == "koi8-r"
    assert meta_charset(b'<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=Big5">') == "Big5"
    assert meta_charset(b'<?xml version="1.0" encoding="euc-jp"?><html>') == "euc-jp"


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.text(max_size=40).map(str.encode),
            st.sampled_from(
                [
                    None,
                    b"\xef\xbb\xbfx",
                    "<p>x</p>".encode("utf-16-le") * 9,
                    b"\x1b$B$3",
                    b"\x1b[0m",
                    b"\0" + b"x" * 40,
                    b"\xfe",
                ]
            ),
        )
    ),
    st.integers(0, 3),
)
def test_rows_together_are_told_to_be_utf8_as_each_alone(bodies: list[bytes | None], first: int) -> None:
    column = pa.array(bodies, pa.large_binary()).slice(first)
    assert utf8_rows(byte_rows(column)).tolist() == [is_utf8(body or b"") for body in bodies[first:]]
