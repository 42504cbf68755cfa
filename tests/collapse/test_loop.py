"""One turn of the loop of the collapse experiment, with the program in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pandas as pd
import pytest

from scripts.collapse._arms import AS_IS, SLOWLY, TRUTH, Size, capped
from scripts.collapse._crawl import capture_again, mills, people, write_crawl
from scripts.collapse._generations import run
from scripts.collapse._tables import figure, table, warnings


@pytest.fixture(scope="module")
def passages() -> pd.DataFrame:
    """What Python's help says, in passages of 150 words."""
    rows = []
    for topic, text in sorted(topics.items()):
        words = text.split()
        rows += [
            (" ".join(words[i : i + 150]), f"help-{topic}")
            for i in range(0, min(len(words) - 150, 1500), 150)
        ]
    return pd.DataFrame(rows, columns=["text", "domain"])


@pytest.fixture(scope="module")
def rows(passages: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    half = capped("0.5", own=False)
    size = Size(150, 1, 1, 1, (AS_IS, SLOWLY, TRUTH, half, replace(half, name="whole", whole=True)))
    found, statuses = run(passages, size, tmp_path_factory.mktemp("loop"), own_detector=False)
    assert "FAIL" not in statuses
    return found.set_index("arm")


def test_an_oracle_trains_on_what_generation_0_read_and_a_crawl_as_it_is_mostly_on_machines(
    rows: pd.DataFrame,
) -> None:
    assert rows.true["oracle"] == 0
    assert rows.perplexity["oracle"] == pytest.approx(rows.perplexity["generation 0"])
    assert rows.true["as it is"] > 0.5
    assert rows.perplexity["as it is"] > rows.perplexity["oracle"]
    assert rows.coverage["as it is"] < rows.coverage["oracle"]


def test_a_curated_arm_trains_on_the_release_and_knows_what_it_claims(rows: pd.DataFrame) -> None:
    curated = rows.loc["cap 0.5, shipped detector"]
    assert 0 <= curated.claimed <= 0.5
    assert 0 < curated.words <= rows.words["generation 0"] * 1.01
    assert 0 < curated.human_kept <= 1


def test_table_and_picture_are_the_same_for_the_same_rows(rows: pd.DataFrame, tmp_path: Path) -> None:
    again = rows.reset_index()
    for name in ("a.svg", "b.svg"):
        figure(again, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert table(again).count("\n") == 8


def test_what_is_read_whole_has_all_words_of_the_release(rows: pd.DataFrame) -> None:
    assert rows.words["whole"] > rows.words["cap 0.5, shipped detector"]
    assert rows.human_kept["whole"] == rows.human_kept["cap 0.5, shipped detector"]


def test_warnings_name_the_generation_of_each_seed(rows: pd.DataFrame) -> None:
    lines = {line.split(" | ")[0][2:]: line for line in warnings(rows.reset_index()).split("\n")}
    assert lines["as it is"].startswith("| as it is | 1 |")
    assert lines["oracle"].startswith("| oracle | never |")
    assert rows.true["as it is, machines slowly more"] < 0.05


def test_a_crawl_has_the_same_bytes_each_time_and_only_old_pages_of_people(
    passages: pd.DataFrame, tmp_path: Path
) -> None:
    human = people(passages.head(60), 1)
    pages = [*human, *mills(["some words by a model"] * 60, human, 13, 1)]
    for name in ("a.warc", "b.warc"):
        write_crawl(tmp_path / name, pages if name == "a.warc" else pages[::-1])
    assert (tmp_path / "a.warc").read_bytes() == (tmp_path / "b.warc").read_bytes()
    old = np.array([page.captured < "2022-11-30" for page in pages])
    machine = np.array([page.machine for page in pages])
    assert old.any() and not (old & machine).any()
    assert pages[-1].captured == "2026-02-01T00:00:00Z"


def test_no_date_but_an_old_one_tells_people_from_machines(passages: pd.DataFrame) -> None:
    human = capture_again(people(passages.head(60), 1), 13)
    (machine,) = {page.captured for page in mills(["some words by a model"] * 60, human, 13, 1)}
    new = {page.captured for page in human if page.captured > "2022-11-30"}
    assert new == {machine}
