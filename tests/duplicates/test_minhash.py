"""Tokens and MinHash signatures: any script, hostile bytes, and the same bits as datasketch."""

from __future__ import annotations

import json
from pathlib import Path
from unicodedata import category, normalize

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash as Reference
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.annotator import Annotator
from provenance.duplicates import minhash
from provenance.duplicates.minhash import MinHash, shingle_hashes, signature
from provenance.duplicates.sketches import addresses, similarity, sketches
from provenance.duplicates.words import character_table, squeeze, tokens

WORDS = st.lists(
    st.sampled_from(
        ["a", "Bb", "ccc", "Ñandú", "žluťoučký", "Привет", "ΣΟΦΙΑ", "我", "爱", "ไทย", "नमस्ते", "12", "x_y"]
    ),
    max_size=30,
)


def annotate(texts: list[str | None], **options: int) -> dict[str, list]:
    annotator = MinHash(**options)
    columns = annotator(pa.record_batch({"text": pa.array(texts, pa.large_string())}))
    batch = pa.record_batch(columns, schema=annotator.schema)
    batch.validate(full=True)
    return batch.to_pydict()


def datasketch_signature(hashes: np.ndarray, permutations: int = 128, seed: int = 1) -> list[int]:
    reference = Reference(num_perm=permutations, seed=seed, scheme="affine32", hashfunc=lambda value: value)
    if len(hashes):
        reference.update_batch(hashes)
    return reference.hashvalues.tolist()


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=80), WORDS.map(" ".join)), min_size=1, max_size=6), st.integers(1, 6)
)
def test_signatures_equal_datasketch_bit_for_bit(texts: list[str], ngram: int) -> None:
    found = annotate(texts, ngram=ngram)
    for i, text in enumerate(texts):
        hashes = shingle_hashes(text, ngram)
        assert found["word_count"][i] == sum(
            category(token[0]) != "Sm" and token[0] not in "^*#&%" for token in tokens(text)
        )
        assert len(hashes) == max(0, len(tokens(text)) - ngram + 1)
        assert found["minhash"][i] == (datasketch_signature(hashes) if len(hashes) else None)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), max_size=40), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_any_permutations_and_seed_equal_datasketch(values: list[int], count: int, seed: int) -> None:
    hashes = np.array(values, np.uint32)
    assert signature(hashes, count, seed).tolist() == datasketch_signature(hashes, count, seed)


def test_shingle_hashes_follow_their_published_definition() -> None:
    bits = 2**64

    def token_hash(token: str) -> int:
        value = 0xCBF29CE484222325
        for character in token:
            value = (value ^ ord(character)) * 0x100000001B3 % bits
        return value

    def finish(value: int) -> int:
        value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD % bits
        value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 % bits
        return value >> 32

    hashes = [token_hash(t) for t in ["the", "quick", "brown", "fu\u0308chse", "爱", "7"]]
    expected = [
        finish(sum(h * 0x9E3779B97F4A7C15 ** (4 - j) for j, h in enumerate(hashes[i : i + 5])) % bits)
        for i in (0, 1)
    ]
    assert shingle_hashes("The QUICK brown-Füchse爱7").tolist() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, WORLD!  don't", "hello world don t"),
        ("Ein Déjà-vu e\u0301te\u0301 ÉTÉ", normalize("NFD", "ein déjà vu été été")),
        ("ПРИВЕТ мир", "привет мир"),
        ("ΟΔΥΣΣΕΥΣ Ὀδυσσεύς", normalize("NFD", "οδυσσευσ ὀδυσσεύσ")),
        ("co\u00adoper\u200bate", "cooperate"),
        ("我爱 北京abc", "我 爱 北 京 abc"),
        ("カタカナ ﾊﾋ", "カ タ カ ナ ハ ヒ"),
        ("กินข้าว", "ก ิ น ข ้ า ว".replace(" ิ", "ิ").replace(" ้", "้")),
        ("ＡＢＣ１", "abc1"),
        ("हिन्दी भाषा", "हिन्दी भाषा"),
        ("한국어 문장", "한국어 문장"),
        ("\U00020000\U0001f600a", "\U00020000 a"),
        ("12 + 7<25", "12 + 7 < 25"),
        ("C++ C# a==b a≠b x^2", "c ++ c # a == b a =\u0338 b x ^ 2"),
        ("＋５", "+ 5"),
        ("ꆈꌠ ꦱꦧꦼ ᦱᦲ ᥐᥑ ᬅᬆ ᨠᨡ ㄅㄆ 𗀀𗀁", "ꆈ ꌠ ꦱ ꦧꦼ ᦱ ᦲ ᥐ ᥑ ᬅ ᬆ ᨠ ᨡ ㄅ ㄆ 𗀀 𗀁"),
        ("", ""),
        ("—…!?\t\n", ""),
    ],
)
def test_tokens_are_folded_words_or_single_characters(text: str, expected: str) -> None:
    assert tokens(text) == expected.split()


def test_folding_twice_changes_nothing() -> None:
    table = character_table()[0]
    word = np.flatnonzero((table >> 24 == 1) | (table >> 24 == 2))
    folded = table[word] & 0xFFFFFF
    assert (table[folded] & 0xFFFFFF == folded).all()


@given(st.text(max_size=200))
def test_tokens_survive_their_own_normalised_stream(text: str) -> None:
    once = tokens(text)
    assert tokens(" ".join(once)) == once


def test_sliced_batches_nulls_and_failed_rows_are_respected() -> None:
    text = " ".join(f"w{i}" for i in range(20))
    batch = pa.record_batch(
        {
            "text": pa.array(
                ["x", None, text, text.upper(), "four words only here", "", text], pa.large_string()
            ),
            "outcome": pa.array([None, "empty", None, None, None, None, "bad_row"]),
        }
    )
    count, sketch, digest = (a.to_pylist() for a in MinHash()(batch.slice(1)))
    assert count == [None, 20, 20, 4, 0, None]
    assert sketch[0] is sketch[3] is sketch[4] is sketch[5] is None
    assert sketch[1] == sketch[2] == datasketch_signature(shingle_hashes(text))
    assert digest[0] is digest[4] is digest[5] is None
    assert len(set(digest[1:4])) == 3


def test_results_do_not_depend_on_how_texts_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [None, "", *(f"text {i} of several that are cut otherwise " * i for i in range(30)), None]
    whole = annotate(texts)
    monkeypatch.setattr(minhash, "_CHUNK_BYTES", 100)
    assert annotate(texts) == whole


def test_only_blanks_do_not_change_a_digest() -> None:
    digests = annotate(
        [
            "Hello,  world",
            " Hello,\nworld ",
            "hello world",
            "Hello world!",
            "El año",
            "El ano",
            "🎉",
            "🎉 ",
            "🎈",
            " ",
        ]
    )["text_digest"]
    assert digests[0] == digests[1]
    assert digests[6] == digests[7]
    assert len(set(digests[:-1])) == 7
    assert digests[-1] is None


def similarities(texts: list[str]) -> np.ndarray:
    columns = MinHash()(pa.record_batch({"text": pa.array(texts, pa.large_string())}))
    known = sketches(addresses(0, 0, len(texts)), columns[1], columns[2])
    rows = np.arange(len(texts))
    return similarity(known, np.repeat(rows, len(texts)), known, np.tile(rows, len(texts))).reshape(
        len(texts), -1
    )


@settings(deadline=None)
@given(st.text(" \t\nab\u00e9", max_size=30))
def test_runs_of_blanks_are_squeezed_to_one_and_dropped_at_the_ends(text: str) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    out = np.zeros(len(data) + 3, np.uint8)
    end = squeeze(data, 0, len(data), out, 2)
    assert out[2:end].tobytes().decode() == " ".join(text.split())


def test_texts_that_differ_in_operators_accents_or_tones_are_never_wholly_similar(shared: Path) -> None:
    lines = (shared / "data/cases/09-symbols-merge/in.jsonl").read_text().splitlines()
    found = similarities([json.loads(line)["text"] for line in lines])
    assert (np.diag(found) == 1).all()
    assert (found[~np.eye(len(found), dtype=bool)] < 1).all()
    operators = [(0, 1), (2, 3), (8, 9), (12, 13), (14, 15), (16, 17)]
    assert all(found[left, right] < 0.6 for left, right in operators)


def test_texts_without_spaces_count_signs_and_one_changed_sign_leaves_a_duplicate(shared: Path) -> None:
    lines = (shared / "data/cases/26-scripts-without-spaces/in.jsonl").read_text().splitlines()
    texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
    counts = annotate(list(texts.values()))["word_count"]
    for text, count in zip(texts.values(), counts, strict=True):
        assert count == sum(category(sign)[0] in "LN" for sign in text)
    found = similarities([texts["yi"], texts["yi-changed-one"], texts["jv"], texts["jv-changed-one"]])
    assert 0.6 < found[0, 1] < 1 and 0.6 < found[2, 3] < 1


def test_composed_and_decomposed_text_has_one_signature() -> None:
    text = (
        "Mười ba người dân tộc thiểu số đã đến chợ phiên ở vùng núi, và ngày mai họ sẽ về. ᾧ ὕδωρ ἐν τῷ ᾅδῃ"
    )
    found = annotate([normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")])["minhash"]
    assert found[0] == found[1] == found[2] == found[3]


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_bytes_that_are_not_utf8_separate_and_never_reach_into_the_next_text(values: list[bytes]) -> None:
    def run(parts: list[bytes]) -> list:
        text = pa.array(parts, pa.large_binary()).view(pa.large_string())
        return [a.to_pylist() for a in MinHash(ngram=1)(pa.record_batch({"text": text}))]

    together = run(values)
    alone = [run([value]) for value in values]
    for column in range(3):
        assert together[column] == [one[column][0] for one in alone]


def test_longest_words_and_runs_of_one_character_are_bounded() -> None:
    found = annotate(["a" * 1_000_000, "ȺȾ" * 200_000, "我" * 200_000, "\u0301" * 200_000])
    assert found["word_count"] == [1, 1, 200_000, 1]
    assert [s is None for s in found["minhash"]] == [True, True, False, True]


def test_an_empty_batch_and_plain_strings_are_fine() -> None:
    assert all(len(a) == 0 for a in MinHash()(pa.record_batch({"text": pa.array([], pa.large_string())})))
    assert MinHash()(pa.record_batch({"text": pa.array(["a b"], pa.string())}))[0].to_pylist() == [2]


def test_it_is_an_annotator_and_refuses_senseless_options() -> None:
    assert isinstance(MinHash(), Annotator)
    with pytest.raises(ValueError, match="ngram"):
        MinHash(ngram=0)
    with pytest.raises(ValueError, match="permutations"):
        MinHash(permutations=0)
