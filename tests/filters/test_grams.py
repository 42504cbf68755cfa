"""Runs of words of evaluation sets are found in documents, with the bytes they stand at; templates and short texts are not."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.errors import ConfigurationError
from provenance.files.storage import LocalStorage
from provenance.filters.evaluation_sets import digest_sets, read_sets
from provenance.filters.grams import GramIndex, excerpt, load_index, make_index

CHANCE = np.random.default_rng(5)
VOCABULARY = ["".join(CHANCE.choice(list("abcdefghijklmnopqrstuvwxyzäöéж"), 6)) for _ in range(5000)]


def words(count: int) -> str:
    return " ".join(CHANCE.choice(VOCABULARY, count))


def index(*texts: str, **limits: int) -> GramIndex:
    names = [f"set.jsonl record {number}" for number in range(len(texts))]
    return make_index(texts, names, **{"words": 13, "least": 8, "common": 10, **limits})


def test_a_run_is_found_whatever_case_and_punctuation_and_its_bytes_are_those_of_the_text() -> None:
    question = words(40)
    planted = question.upper().replace(" ", ", ")
    before = "Überall « è » " + words(30) + ". "
    found = index(question).find(
        pa.array([words(200), before + planted + "! " + words(9), ""], pa.large_string())
    )
    assert list(found) == [1]
    overlap = found[1]
    text = before + planted + "! "
    assert overlap.words == 40 and overlap.share == 1
    assert text.encode()[overlap.start : overlap.end].decode().strip(" !") == planted
    assert excerpt(text, overlap) == planted[:100]


@pytest.mark.parametrize(("count", "found"), [(12, False), (13, True)])
def test_thirteen_words_in_common_are_a_run_and_twelve_are_none(count: int, found: bool) -> None:
    question = words(60)
    part = " ".join(question.split()[20 : 20 + count])
    document = pa.array([f"{words(50)} {part} {words(50)}"], pa.large_string())
    assert bool(index(question).find(document)) == found


def test_a_text_shorter_than_a_run_is_found_whole_and_one_of_few_words_never() -> None:
    short, few = words(9), words(7)
    for text, found in (
        (f"{words(20)} {short} {words(20)}", True),
        (f"{words(20)} {few} {words(20)}", False),
    ):
        assert bool(index(short, few).find(pa.array([text], pa.large_string()))) == found


def test_a_template_of_many_texts_is_passed_over_and_what_is_a_text_s_own_is_found() -> None:
    template = words(20)
    own = [words(20) for _ in range(30)]
    found = index(*(f"{template} {text}" for text in own))
    # Also where the words around it happen to be those that stand beside it in the set.
    after = " ".join(own[3].split()[:3])
    for text in (f"{words(40)} {template} {words(40)}", f"{words(40)} {template} {after} {words(40)}"):
        assert not found.find(pa.array([text], pa.large_string()))
    assert found.find(pa.array([f"{words(40)} {own[7]} {words(40)}"], pa.large_string()))[0].text == 7


def test_a_passage_under_many_questions_counts_once() -> None:
    passage = words(50)
    found = index(*[passage] * 40, common=3)
    assert found.find(pa.array([passage], pa.large_string()))[0].share == 1


def test_share_is_how_much_of_the_text_a_document_holds() -> None:
    question = words(113)  # 101 runs
    half = " ".join(question.split()[:63])  # 51 of them
    overlap = index(question).find(pa.array([half], pa.large_string()))[0]
    assert overlap.share == pytest.approx(51 / 101)


def test_what_is_found_is_what_a_search_for_every_run_of_words_finds() -> None:
    """Against the definition, on texts of few different words so that runs come together by chance."""
    chance = np.random.default_rng(3)
    few = [f"w{number}" for number in range(4)]
    texts = [" ".join(chance.choice(few, 30)) for _ in range(3)]
    documents = [" ".join(chance.choice(few, 200)) for _ in range(200)]
    runs = {tuple(text.split()[at : at + 6]) for text in texts for at in range(25)}
    wanted = {
        row
        for row, text in enumerate(documents)
        if any(tuple(text.split()[at : at + 6]) in runs for at in range(195))
    }
    found = index(*texts, words=6, least=6).find(pa.array(documents, pa.large_string()))
    assert set(found) == wanted and len(wanted) > 0


def test_an_index_is_the_same_after_it_was_kept() -> None:
    made = index(*(words(30) for _ in range(20)))
    file = io.BytesIO()
    made.save(file)
    loaded = load_index(file.getvalue())
    assert loaded is not None and loaded.names == made.names and loaded.lengths == made.lengths
    assert (loaded.keys == made.keys).all() and (loaded.texts == made.texts).all()


def test_every_kind_of_file_gives_the_same_runs(tmp_path: Path) -> None:
    texts = [words(20) for _ in range(5)]
    rows = [{"id": number, "chat": [{"role": "user", "content": text}]} for number, text in enumerate(texts)]
    lines = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "c.txt").write_text("\n\n".join(texts))
    (tmp_path / "d.json").write_text(json.dumps(rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "e.parquet")
    storage, limits = LocalStorage(), {"words": 13, "least": 8, "common": 10}
    keys = [read_sets(storage, [str(path)], **limits).keys for path in sorted(tmp_path.iterdir())]
    assert len(keys) == 5 and len(keys[0])
    assert all((other == keys[0]).all() for other in keys)
    together = read_sets(storage, [str(tmp_path)], **limits)
    assert (together.keys == keys[0]).all() and together.names[0] == "a.jsonl record 0"
    assert len(digest_sets(storage, [str(tmp_path)])) == 5


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("set.jsonl", "{not json", "cannot be read"),
        ("set.jsonl", '{"question": "too short"}', "none of 1 texts has 8 words"),
        ("set.parquet", "none", "cannot be read"),
    ],
)
def test_what_is_no_evaluation_set_is_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigurationError, match=said):
        read_sets(LocalStorage(), [str(tmp_path / name)], words=13, least=8, common=10)
    with pytest.raises(ConfigurationError, match="no such file"):
        read_sets(LocalStorage(), [str(tmp_path / "other")], words=13, least=8, common=10)
