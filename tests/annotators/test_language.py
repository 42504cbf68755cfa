"""Language of a text."""

from __future__ import annotations

import json
import pickle
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.annotator import Annotator
from provenance.annotators.language import Language, load_model

SENTENCES = {
    "en": "The city council approved the new budget yesterday, and most of the money goes to schools.",
    "de": "Gestern hat der Stadtrat den neuen Haushalt für das nächste Jahr beschlossen.",
    "fr": "Le conseil municipal a adopté hier le nouveau budget de l'année prochaine.",
    "es": "El ayuntamiento aprobó ayer el nuevo presupuesto para el próximo año.",
    "ru": "Вчера городской совет утвердил новый бюджет на следующий год.",
    "ja": "昨日、市議会は来年度の予算案を可決しました。学校と病院に資金が充てられます。",
    "zh": "昨天，市议会通过了明年的预算案。学校和医院将获得最多的资金。",
    "ko": "어제 시의회는 내년도 예산안을 통과시켰다. 학교와 병원에 예산이 배정된다.",
    "el": "Χθες το δημοτικό συμβούλιο ενέκρινε τον νέο προϋπολογισμό για τα σχολεία.",
    "ar": "وافق مجلس المدينة أمس على الميزانية الجديدة للعام المقبل.",
    "th": "เมื่อวานนี้สภาเมืองได้อนุมัติงบประมาณใหม่สำหรับปีหน้า",
    "he": "מועצת העיר אישרה אתמול את התקציב החדש לשנה הבאה.",
}


@pytest.fixture(scope="module")
def annotator() -> Language:
    language = Language()
    language.setup()
    return language


def languages(annotator: Annotator, texts: list[str | None]) -> list[str | None]:
    batch = pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.large_string())})
    found, scores = annotator(batch)
    assert [found.type, scores.type] == annotator.schema.types
    assert [value is None for value in found.to_pylist()] == [value is None for value in scores.to_pylist()]
    return found.to_pylist()


@pytest.mark.parametrize("code", SENTENCES)
def test_one_sentence_is_enough(annotator: Language, code: str) -> None:
    assert languages(annotator, [SENTENCES[code]]) == [code]


@pytest.mark.parametrize("code", SENTENCES)
def test_a_foreign_menu_and_addresses_do_not_decide(annotator: Language, code: str) -> None:
    menu = "Home\nAbout us\nContact\nhttps://www.example.com/about/us/and/the/team\n"
    assert languages(annotator, [menu + (SENTENCES[code] + "\n") * 20]) == [code]


@pytest.mark.parametrize(
    "text", ["", " \n\t", "12345 67.8", "!!! --- ???", "https://example.com/about", "😀😀 🎉", None]
)
def test_text_without_letters_has_no_language(annotator: Language, text: str | None) -> None:
    assert languages(annotator, [text]) == [None]


def test_rows_with_an_outcome_get_nulls(annotator: Language) -> None:
    texts = pa.array([SENTENCES["en"], SENTENCES["de"]], pa.large_string())
    batch = pa.RecordBatch.from_pydict({"text": texts, "outcome": pa.array(["empty", None], pa.string())})
    found, scores = annotator(batch)
    assert found.to_pylist() == [None, "de"]
    assert scores[0].as_py() is None


def test_a_process_reads_the_model_once() -> None:
    assert load_model() is load_model()


def test_a_pickled_copy_works_without_the_model_inside(annotator: Language) -> None:
    copy = pickle.dumps(annotator)
    assert len(copy) < 1_000
    assert languages(pickle.loads(copy), [SENTENCES["fr"]]) == ["fr"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=200), max_size=5), st.integers(1, 50))
def test_any_text_is_answered_within_bounds(annotator: Language, texts: list[str], repeat: int) -> None:
    clean = [text.encode("utf-8", "ignore").decode() * repeat for text in texts]
    batch = pa.RecordBatch.from_pydict({"text": pa.array(clean, pa.large_string())})
    _, scores = annotator(batch)
    assert all(score is None or 0 <= score <= 1 for score in scores.to_pylist())


def test_passages_of_the_pool_are_told_apart(annotator: Language, shared: Path) -> None:
    table = pq.read_table(shared / "data/detector/pool_val.parquet", columns=["text", "language"])
    sample = table.take(list(range(0, table.num_rows, 7))).to_pydict()
    right = [a == b for a, b in zip(languages(annotator, sample["text"]), sample["language"], strict=True)]
    # The labels of the pool are the folder's language: about 2% of them are wrong (code, English in other folders).
    assert sum(right) / len(right) > 0.97


@pytest.mark.parametrize("code", [code for code in SENTENCES if SENTENCES[code].upper() != SENTENCES[code]])
def test_capitals_do_not_change_the_language(annotator: Language, code: str) -> None:
    assert languages(annotator, [SENTENCES[code].upper()]) == [code]


@pytest.mark.parametrize("form", ["NFD", "NFKD"])
@pytest.mark.parametrize("code", SENTENCES)
def test_unicode_forms_do_not_change_the_language(annotator: Language, code: str, form: str) -> None:
    assert languages(annotator, [unicodedata.normalize(form, SENTENCES[code])]) == [code]


def test_full_width_and_mathematical_letters_are_read(annotator: Language) -> None:
    wide = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    bold = {**{65 + i: 0x1D400 + i for i in range(26)}, **{97 + i: 0x1D41A + i for i in range(26)}}
    assert languages(annotator, [SENTENCES["en"].translate(wide), SENTENCES["en"].translate(bold)]) == [
        "en",
        "en",
    ]


def test_the_collected_forms_give_their_language(annotator: Language, shared: Path) -> None:
    folder = shared / "data/cases/07-language-form"
    rows = [json.loads(line) for line in (folder / "in.jsonl").read_text().splitlines()]
    assert languages(annotator, [row["text"] for row in rows]) == [row["id"].split()[-1] for row in rows]
    rows = [json.loads(line) for line in (folder / "caps.jsonl").read_text().splitlines()]
    assert set(languages(annotator, [row["text"] for row in rows])) == {"en"}
