"""Rare words are counted exactly as far as they are sampled, and what is lost of them can be chosen by and bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.decisions import cap
from provenance.decisions.documents import Documents
from provenance.decisions.request import CapRequest, Tail
from provenance.decisions.tail import (
    RareWords,
    Words,
    capped_words,
    count_words,
    merge_words,
    protect,
    protected_levels,
    rare_by_level,
    rare_words,
    report_tail,
)
from provenance.files.storage import LocalStorage
from provenance.release.manifest import read_manifest
from tests.program import run

#: Hashes of the words of each document, and whether it is counted.
TEXTS = st.lists(
    st.tuples(
        st.frozensets(st.integers(0, 2**32 - 1) | st.sampled_from(range(8)), max_size=12), st.booleans()
    ),
    max_size=12,
)


def column(texts: list[frozenset[int]]) -> pa.ListArray:
    return pa.array([sorted(text) for text in texts], pa.list_(pa.uint32()))


def counted(texts: list[tuple[frozenset[int], bool]], most: int) -> Words:
    return count_words(column([text for text, _ in texts]), np.array([own for _, own in texts], bool), most)


def made(seed: int, count: int = 3_000) -> Documents:
    """Documents of which those by machines hold fewer rare words, and some of these many."""
    random = np.random.default_rng(seed)
    machine = random.random(count) < 0.3
    probability = np.where(machine, random.beta(4, 1, count), random.beta(0.3, 4, count)).astype(np.float32)
    proven = ~machine & (random.random(count) < 0.05)
    probability[proven] = 0.001
    weight = random.integers(50, 2_000, count)
    rare = random.poisson(weight / 200 * np.where(machine, 0.5, 1.0) * random.exponential(1.0, count))
    return Documents(
        random.integers(0, 2**64, count, np.uint64), weight, probability,
        proven=proven, rare=rare.astype(np.int64),
    )  # fmt: skip


def in_shards(documents: Documents, request: CapRequest, shards: int = 1) -> np.ndarray:
    """The passes of the stage over some shards; what is kept of the documents in their order."""
    rows = [np.arange(start, len(documents), shards) for start in range(shards)]
    parts = [documents.take(own) for own in rows]
    if request.tail is not None:
        level = protected_levels(np.sum([rare_by_level(part, request) for part in parts], axis=0), request)
        parts = [protect(part, level, request) for part in parts]
    rule = cap.find_rule(parts, request)
    keep = np.zeros(len(documents), bool)
    for own, part in zip(rows, parts, strict=True):
        keep[own] = cap.apply(rule, part)
    return keep


def lost(documents: Documents, keep: np.ndarray) -> float:
    assert documents.rare is not None
    return float(documents.rare[~keep].sum() / documents.rare.sum())


@given(TEXTS, st.integers(1, 4), st.sampled_from([1, 4, 1 << 17]), st.randoms(use_true_random=False))
def test_counts_are_those_of_the_definition_however_documents_are_divided(
    texts: list[tuple[frozenset[int], bool]], shards: int, most: int, random
) -> None:
    whole = counted(texts, most)
    mixed = list(texts)
    random.shuffle(mixed)
    parts = merge_words([counted(mixed[start::shards], most) for start in range(shards)], most)
    assert parts.level == whole.level
    assert parts.keys.tolist() == whole.keys.tolist() and parts.several.tolist() == whole.several.tolist()
    count = Counter(word for text, own in texts if own for word in text)
    inside = {word: number for word, number in count.items() if word < 2 ** (32 - whole.level)}
    assert dict(zip(whole.keys.tolist(), (whole.several).tolist(), strict=True)) == {
        word: number > 1 for word, number in inside.items()
    }
    assert len(inside) <= most
    # The sampling rate is halved no more often than it has to be.
    assert not whole.level or sum(word < 2 ** (33 - whole.level) for word in count) > most
    rare = rare_words(whole)
    assert rare.count(column([text for text, _ in texts])).tolist() == [
        sum(inside.get(word) == 1 for word in text) for text, _ in texts
    ]


def test_an_empty_crawl_has_no_rare_words() -> None:
    assert rare_words(merge_words([])).count(column([frozenset({1})])).tolist() == [0]
    assert RareWords(2, np.array([5], np.uint32)).scale == 64


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["0.02", "0.05", "0.10"]),
    st.sampled_from(["expected", "hard"]),
    st.sampled_from(["tokens", "documents"]),
)
def test_tail_keeps_more_rare_words_than_any_other_policy_under_the_same_cap(
    seed: int, share: str, guarantee: str, unit: str
) -> None:
    documents = made(seed)
    if unit == "documents":
        documents = replace(documents, weight=np.ones_like(documents.weight))
    keeps = {
        policy: in_shards(documents, CapRequest(share, guarantee=guarantee, unit=unit, policy=policy))
        for policy in ("tail", "lowest", "sample")
    }
    assert lost(documents, keeps["tail"]) < lost(documents, keeps["sample"])
    # A level holds documents of a twelfth of a power of two in what they are worth.
    assert lost(documents, keeps["tail"]) <= lost(documents, keeps["lowest"]) + 0.002


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["0.02", "0.05", "0.10"]),
    st.floats(0, 0.5),
    st.sampled_from(["lowest", "sample", "tail"]),
    st.sampled_from(["expected", "confident"]),
)
def test_a_bound_holds_wherever_policy_tail_could_keep_it_and_the_cap_holds_always(
    seed: int, share: str, most: float, policy: str, guarantee: str
) -> None:
    documents = made(seed)
    request = CapRequest(share, guarantee=guarantee, policy=policy, tail=Tail(most))
    keep = in_shards(documents, request)
    assert keep[documents.proven].all()
    total = float((documents.weight * documents.probability)[keep].sum()) / documents.weight[keep].sum()
    assert total <= float(share)
    least = lost(documents, in_shards(documents, replace(request, policy="tail", tail=None)))
    # Within the documents of two levels.
    assert lost(documents, keep) <= max(most, least + 0.02)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 6), st.sampled_from(["lowest", "sample", "tail"]), st.booleans()
)
def test_division_into_shards_does_not_matter(seed: int, shards: int, policy: str, bounded: bool) -> None:
    request = CapRequest("0.05", policy=policy, tail=Tail("0.1") if bounded else None)
    documents = made(seed, 500)
    assert (in_shards(documents, request) == in_shards(documents, request, shards)).all()


def test_what_low_background_documents_lost_is_said_apart() -> None:
    documents = replace(made(0, 4), proven=np.array([True, False, False, True]), rare=np.array([1, 2, 3, 4]))
    sums = {"scale": 16, "rare": 10, "filtered": 3, "filtered_old": 1}
    sums |= capped_words(documents, np.array([True, False, True, True]))
    assert report_tail(sums, CapRequest("0.05", tail=Tail("0.2"))) == {
        "rare_words": 160, "sampled": 10, "scale": 16, "lost_by_cap": 0.2, "lost_by_filters": 0.3,
        "lost_low_background": 0.1, "most_lost": 0.2, "holds": True,
    }  # fmt: skip
    assert not report_tail(sums, CapRequest("0.05", tail=Tail("0.199")))["holds"]
    assert report_tail({}, CapRequest("0.05"))["holds"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("{tail: {most_lost: 1}}", "cap.tail.most_lost"),
        ("{tail: {most_lost: -0.1}}", "cap.tail.most_lost"),
        ("{tail: {most: 0.1}}", "cap.tail"),
        ("{policy: weights, tail: {most_lost: 0.1}}", "policy weights drops nothing"),
    ],
)
def test_bounds_that_make_no_sense_are_refused_before_any_work(
    tmp_path: Path, values: str, said: str
) -> None:
    (tmp_path / "c.yaml").write_text(f"cap: {values}\n")
    (tmp_path / "crawl.jsonl").write_text("{}\n")
    ended = run(
        "curate",
        tmp_path / "crawl.jsonl",
        "--output",
        tmp_path / "r",
        "--config",
        tmp_path / "c.yaml",
        "--quiet",
    )
    assert ended.code == 2 and said in ended.err


def test_a_release_says_what_its_own_workspace_has_lost(demo_release: Path) -> None:
    workspace = Path(f"{demo_release}.workspace")
    words: Counter[int] = Counter()
    rows: list[tuple[list[int], str]] = []
    for path in sorted((workspace / "annotated").glob("*.parquet")):
        table = pq.read_table(path, columns=["outcome", "word_sample"]).to_pylist()
        decided = pq.read_table(
            workspace / "decisions" / path.name, columns=["decision", "reason"]
        ).to_pylist()
        for row, decision in zip(table, decided, strict=True):
            if row["outcome"] is None and decision["reason"] != "duplicate":
                words.update(row["word_sample"])
                rows.append((row["word_sample"], decision["reason"]))
    alone = [(sum(words[word] == 1 for word in own), reason) for own, reason in rows]
    total = sum(count for count, _ in alone)
    found = read_manifest(LocalStorage(), str(demo_release))["tail"]
    assert found["sampled"] == total > 0 and found["rare_words"] == 16 * total
    capped = sum(count for count, reason in alone if reason == "synthetic_cap")
    assert found["lost_by_cap"] == pytest.approx(capped / total)
    assert found["most_lost"] is None and found["holds"]
    assert "Rare words: of" in (demo_release / "README.md").read_text()
    assert "words that one document alone holds" in (demo_release / "report.html").read_text()


def test_a_bound_that_does_not_hold_ends_with_a_status_and_is_said_by_verify(
    demo_release: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(f"{demo_release}.workspace", tmp_path / "workspace")
    (tmp_path / "c.yaml").write_text("cap: {max_synthetic: 0.01, tail: {most_lost: 0}}\n")
    arguments = ("--workspace", tmp_path / "workspace", "--config", tmp_path / "c.yaml", "--quiet")
    assert run("select", *arguments).code == 0
    ended = run("publish", "--output", tmp_path / "r", *arguments)
    found = read_manifest(LocalStorage(), str(tmp_path / "r"))
    assert found["configuration"]["cap"]["tail"] == {"most_lost": "0"} == found["synthetic"]["tail"]
    assert found["tail"]["holds"] == (found["tail"]["lost_by_cap"] == 0)
    assert Decimal(found["synthetic"]["max_synthetic"]) == Decimal("0.01") and ended.code == 1
    verified = run("verify", tmp_path / "r")
    assert verified.code == 1 and "DOES NOT HOLD" in verified.out + verified.err
