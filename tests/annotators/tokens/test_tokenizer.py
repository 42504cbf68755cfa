"""Tokens are counted exactly as the `tokenizers` library counts them, and a file that cannot be used is named."""

from __future__ import annotations

import gzip
import json
import os
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.annotator import Annotator
from provenance.annotators.columns import string_array
from provenance.annotators.tokens import Tokenizer, TokenizerError, Tokens, load_tokenizer
from provenance.annotators.tokens.counting import count
from provenance.annotators.tokens.encoding import encode
from provenance.annotators.tokens.merging import MOST_TOKENS, build_merges
from provenance.annotators.tokens.pieces import LONGEST_PIECE, character_classes, pattern, pieces
from tests.annotators.test_language import SENTENCES

SHIPPED = files("provenance.annotators.tokens") / "data" / "tokenizer.json.gz"
#: What decides where a piece ends: each class of characters, in one to four bytes, and English endings.
EDGES = "abst dmvelr  \n\r\t'’0١.,-—«\u200b\u200c\u200d\u3000\xa0\x85\x00\x1f漢字か한글кирéΩ\u0301🙂\U00020000\U000e0041\U0001ffff"
TEXTS = st.one_of(st.text(max_size=200), st.text(alphabet=EDGES, max_size=200))


@pytest.fixture(scope="module")
def shipped() -> Tokenizer:
    return load_tokenizer()


@cache
def read_library() -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_str(gzip.decompress(SHIPPED.read_bytes()).decode())


@pytest.fixture(scope="module")
def library() -> tokenizers.Tokenizer:
    return read_library()


def counted(tokenizer: Tokenizer, texts: list[str]) -> list[int]:
    return tokenizer.count(string_array(texts)).tolist()


def by_library(library: tokenizers.Tokenizer, texts: list[str]) -> list[int]:
    return [len(found.ids) for found in library.encode_batch(texts, add_special_tokens=False)]


@settings(deadline=None, max_examples=400)
@given(st.lists(TEXTS, max_size=8))
def test_counts_are_those_of_the_library_for_any_text(texts: list[str]) -> None:
    asked = [*texts, *texts[::-1], "." * 64]  # of pieces in the last bytes none is remembered
    assert counted(load_tokenizer(), asked) == by_library(read_library(), asked)


def test_pieces_that_begin_alike_or_end_in_zeros_are_not_taken_for_one_another(shipped: Tokenizer) -> None:
    marks = ["\0" * size for size in range(1, 17)]
    words = [
        "incomprehensibilities" * 2,
        "abcdefgh",
        "abcdefghi",
        "abcdefghabcdefgh",
        "abcdefghabcdefghabcdefghi",
    ]
    alone = [*marks, *(word[:size] for word in words for size in range(1, len(word) + 1))]
    texts = [f"{text} {'.' * 64}" for text in alone * 2]
    assert counted(shipped, texts) == by_library(read_library(), texts)


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXTS, max_size=8))
def test_the_tokens_themselves_are_those_of_the_library(texts: list[str]) -> None:
    repeated = texts + texts[::-1]  # pieces that are remembered
    ids, ends = load_tokenizer().encode(string_array(repeated))
    expected = read_library().encode_batch(repeated, add_special_tokens=False)
    assert ids.tolist() == [number for found in expected for number in found.ids]
    assert ends.tolist() == np.cumsum([len(found.ids) for found in expected]).tolist()


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_pieces_are_those_of_the_published_pattern_and_leave_nothing_out(text: str) -> None:
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern()), "isolated")
    found = pieces(text)
    assert found == [piece for piece, _ in split.pre_tokenize_str(text)]
    assert "".join(found) == text
    assert all(len(piece.encode()) <= LONGEST_PIECE for piece in found)


def test_every_character_is_of_the_class_that_the_pattern_gives_it(library: tokenizers.Tokenizer) -> None:
    points = [point for point in range(0x20000) if not 0xD800 <= point < 0xE000]
    # Between letters a letter joins, a digit and a mark stand apart, a space takes the letter after it or stands apart.
    texts = [f"a{chr(point)}b 0{chr(point)}0" for point in points]
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern()), "isolated")
    wrong = [
        hex(point)
        for point, text in zip(points, texts)
        if pieces(text) != [piece for piece, _ in split.pre_tokenize_str(text)]
    ]
    assert wrong == []
    assert len(np.unique(character_classes())) == 5


def test_runs_as_long_as_a_piece_and_longer(shipped: Tokenizer, library: tokenizers.Tokenizer) -> None:
    texts = [
        run * length + after
        for run in ("a", " ", "\t", "-", "\n", "7", "漢", "é", "🙂", "'s", " a", ". ")
        for length in (*range(1, 70), 257)
        for after in ("", "a", " b", "\n", ".", "1")
    ]
    assert counted(shipped, texts) == by_library(library, texts)


def test_texts_of_real_languages(shipped: Tokenizer, library: tokenizers.Tokenizer) -> None:
    texts = [sentence * 20 for sentence in SENTENCES.values()]
    assert counted(shipped, texts) == by_library(library, texts)


def test_development_pools(shipped: Tokenizer, library: tokenizers.Tokenizer, shared: Path) -> None:
    texts = pd.read_parquet(shared / "data" / "detector" / "pool_test.parquet").text.tolist()
    assert counted(shipped, texts) == by_library(library, texts)


@pytest.mark.parametrize(
    "text", ["a" * 3_000_000, "漢字" * 500_000, " " * 3_000_000, "=-" * 1_500_000, "\u0301" * 900_000]
)
def test_megabytes_without_a_space_take_no_longer_for_it(shipped: Tokenizer, text: str) -> None:
    (once,), (twice,) = counted(shipped, [text]), counted(shipped, [text + text])
    assert abs(twice - 2 * once) <= 2


def test_a_count_does_not_depend_on_the_texts_before_it(shipped: Tokenizer) -> None:
    rng = np.random.default_rng(0)
    words = ["".join(chr(97 + c) for c in rng.integers(0, 26, rng.integers(1, 12))) for _ in range(60_000)]
    texts = [" ".join(words[i : i + 100]) for i in range(0, len(words), 100)]
    together = counted(shipped, texts)
    assert together == [counted(shipped, [text])[0] for text in texts]
    assert together[::-1] == counted(shipped, texts[::-1])


def test_no_character_of_a_living_script_costs_more_than_one_token(shipped: Tokenizer) -> None:
    letters = "ßœğžĐőαωйєїґאבجپہकखগঘਕકକகకಕകකกนລကაዐកảếあア、。“”—…€"
    assert counted(shipped, list(letters)) == [1] * len(letters)


def test_merges_follow_their_ranks_and_the_leftmost_comes_first() -> None:
    # b+c before a+b, so that "abc" is a, bc; and "bcbc" is merged again.
    pairs = np.array([[98, 99], [97, 98], [256, 256]])
    merges = build_merges(np.arange(256), pairs, np.array([256, 257, 258]))
    for text, wanted in ((b"abc", 2), (b"ab", 1), (b"bcbc", 1), (b"abcbcbc", 3), (b"aaa", 3), (b"", 0)):
        data = np.frombuffer(text, np.uint8)
        assert count(data, np.array([0, len(text)]), merges).tolist() == [wanted]


def test_of_a_pair_that_is_listed_twice_the_last_rank_counts() -> None:
    # a+b first and again last: b+c comes before it, so "abc" is a, bc.
    pairs = np.array([[97, 98], [98, 99], [97, 98]])
    merges = build_merges(np.arange(256), pairs, np.array([256, 257, 256]))
    data = np.frombuffer(b"abcab", np.uint8)
    ids, ends = encode(data, np.array([0, 3, 5]), merges)
    assert (ids.tolist(), ends.tolist()) == ([97, 257, 256], [2, 3])


def test_a_table_of_random_merges_has_room_for_each_of_them() -> None:
    rng = np.random.default_rng(1)
    pairs = np.unique(rng.integers(0, MOST_TOKENS, (5_000, 2)), axis=0)
    merges = build_merges(np.arange(256), pairs, np.zeros(len(pairs), np.int64))
    assert (merges.table != np.uint64(2**64 - 1)).sum() == len(pairs)


def test_the_annotator_gives_null_where_there_is_no_text() -> None:
    annotator = Tokens()
    assert isinstance(annotator, Annotator)
    annotator.setup()
    batch = pa.record_batch({"text": ["one two", None, "", "three"], "outcome": [None, None, None, "empty"]})
    (column,) = annotator(batch)
    assert column.type == pa.int32() == annotator.schema.field("token_count").type
    assert column.to_pylist() == [2, None, 0, None]
    assert annotator(batch.slice(1, 2))[0].to_pylist() == [None, 0]


def train(texts: list[str], path: Path, cutting: tokenizers.pre_tokenizers.PreTokenizer) -> Path:
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = cutting
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=alphabet, special_tokens=["<end>"]
    )
    made.train_from_iterator(texts, trainer)
    made.enable_truncation(5)
    made.enable_padding(length=9)
    made.save(str(path))
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    texts = list(SENTENCES.values())
    return train(texts, tmp_path / "own.json", tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False))


def test_a_tokenizer_of_ones_own_counts_whole_texts_without_padding(own: Path) -> None:
    tokenizer = load_tokenizer(str(own))
    assert not tokenizer.compiled
    plain = tokenizers.Tokenizer.from_file(str(own))
    plain.no_truncation()
    plain.no_padding()
    texts = [*SENTENCES.values(), "", "one<end>two", "word " * 2_000]
    assert counted(tokenizer, texts) == by_library(plain, texts)
    assert counted(tokenizer, texts)[-1] > 2_000
    assert tokenizer.count(pa.array(["a b", None, "c"]))[1] == 0
    assert tokenizer.describe()["name"] == "own.json"


def test_a_tokenizer_of_ones_own_is_known_by_its_content(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes(own.read_bytes())
    (tmp_path / "own.json.gz").write_bytes(gzip.compress(own.read_bytes()))
    versions = {Tokens(str(path)).version for path in (own, folder, tmp_path / "own.json.gz")}
    assert len(versions) == 1
    other = json.loads(own.read_bytes())
    other["model"]["merges"].pop()
    own.write_text(json.dumps(other))
    assert Tokens(str(own)).version not in {*versions, Tokens().version}


def test_another_vocabulary_for_the_same_pieces_is_counted_by_the_kernel(
    tmp_path: Path, library: tokenizers.Tokenizer
) -> None:
    document = json.loads(gzip.decompress(SHIPPED.read_bytes()))
    document["model"]["merges"] = document["model"]["merges"][:5_000]
    path = tmp_path / "smaller.json"
    path.write_text(json.dumps(document))
    tokenizer = load_tokenizer(str(path))
    assert tokenizer.compiled
    texts = [sentence * 3 for sentence in SENTENCES.values()]
    assert counted(tokenizer, texts) == by_library(tokenizers.Tokenizer.from_file(str(path)), texts)
    for change in ({"normalizer": {"type": "NFC"}}, {"model": document["model"] | {"ignore_merges": True}}):
        path.write_text(json.dumps(document | change))
        assert not load_tokenizer(str(path)).compiled


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is not a tokenizer"),
        (b"\x1f\x8bnot gzip", "cannot be read"),
        (b"[1, 2]", "is not a tokenizer"),
        (b"{" * 100_000, "is not a tokenizer"),
        (b'{"model": {"type": "BPE", "vocab": {}, "merges": []}}', "its vocabulary is empty"),
        (b'{"model": {"type": "Riddle", "vocab": {"a": 0}}}', "is not a tokenizer"),
        (b"\xff\xfe", "is not a tokenizer"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TokenizerError, match=r"text\.tokenizer: .*broken\.json") as raised:
        Tokens(str(path))
    assert said in str(raised.value)
    assert "leave text.tokenizer out for the one that ships" in str(raised.value)


def test_without_the_library_only_ones_own_is_refused(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    renamed = own.rename(own.with_name(f"unread-{os.getpid()}.json"))  # not remembered from another test
    with pytest.raises(TokenizerError, match=r"pip install 'provenance-pipelines\[tokenizer\]'"):
        load_tokenizer(str(renamed))
    assert counted(load_tokenizer(), ["one two"]) == [2]
