"""Labels of a drawn sample bound the synthetic share of a release, whatever the detector says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from provenance.audit.label_page import label_page
from provenance.audit.labels import certify_labels, describe_labels, labels_needed, read_labels, upper_bound
from provenance.audit.sample import EDGES, allocate, draw_sample
from provenance.errors import DataError, UsageError
from provenance.files.storage import LocalStorage
from tests.program import data, run

STRATA = len(EDGES) - 1


def test_of_one_stratum_the_bound_is_that_of_clopper_and_pearson() -> None:
    bound = upper_bound(np.ones(1), np.array([3]), np.array([100]), 0.95)
    assert stats.binom.cdf(3, 100, bound) == pytest.approx(0.05)
    assert upper_bound(np.ones(1), np.array([5]), np.array([5]), 0.95) == 1.0


def test_labels_that_are_missing_or_all_blank_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv: cannot be read: No such file"):
        read_labels(tmp_path / "none.csv")
    blank = tmp_path / "labels.csv"
    blank.write_text("doc_id,label,url\na,,https://a.example/\nb,,\n")
    with pytest.raises(DataError, match=r"of its 2 rows each is blank where `label` belongs; write one of"):
        read_labels(blank)


def test_the_bound_holds_as_often_as_it_says() -> None:
    """100 samples of each of four populations; each violates with at most 5 %, so 12 of 100 are past the 99.8 % quantile."""
    random = np.random.RandomState(5)
    weight = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    trials = np.array([40, 30, 40, 50, 40])
    for shares in ([0, 0.02, 0.1, 0.4, 0.9], [0.01] * 5, [0.001, 0.3, 0.05, 0.9, 0.2], [0.2] * 5):
        true = float((weight * shares).sum())
        hits = np.array([random.binomial(n, p, 100) for n, p in zip(trials, shares, strict=True)]).T
        violated = sum(upper_bound(weight, row, trials, 0.95) < true for row in hits)
        assert violated <= 12


def test_draws_go_where_labels_say_most() -> None:
    probability = np.concatenate([np.full(900, 0.001), np.full(100, 0.5)])
    tokens, stratum = np.full(1000, 100), np.repeat([0, 3], [900, 100])
    draws = allocate(probability, tokens, stratum, 200)
    assert draws.sum() == 200
    assert draws[[1, 2, 4]].sum() == 0
    # 900 · .1 against 100 · .5, and three of each beforehand.
    assert draws[0] == pytest.approx(3 + 194 * 90 / 140, abs=1)


def test_a_size_that_leaves_a_range_out_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 6 are needed"):
        allocate(np.array([0.0, 0.9]), np.array([5, 5]), np.array([0, 4]), 5)


def test_a_sample_is_drawn_by_tokens_within_ranges_and_the_same_each_time(demo_release: Path) -> None:
    first, again = (draw_sample(LocalStorage(), str(demo_release), 120, seed=3) for _ in range(2))
    assert first == again
    assert draw_sample(LocalStorage(), str(demo_release), 120, seed=4) != first
    published = data(demo_release).set_index("doc_id")
    assert sum(item["draws"] for item in first.documents) == 120
    assert sum(item["tokens"] for item in first.strata) == published.token_count.sum()
    for item in first.documents:
        stratum, row = first.strata[item["stratum"]], published.loc[item["doc_id"]]
        assert stratum["from"] <= row.synthetic_probability <= stratum["to"]
        assert row.text.startswith(item["text"])
        assert "synthetic_probability" not in item


def sample_of(*strata: tuple[int, int]) -> dict[str, object]:
    """A design of strata of (tokens, documents), each document drawn once."""
    documents = [
        {"doc_id": f"{k}-{i}", "stratum": k, "draws": 1}
        for k, (_, count) in enumerate(strata)
        for i in range(count)
    ]
    return {
        "strata": [{"tokens": tokens, "draws": count} for tokens, count in strata],
        "documents": documents,
    }


def test_unsure_and_missing_labels_never_lower_the_bound() -> None:
    sample = sample_of((900, 100), (100, 50))
    labels = {f"0-{i}": "human" for i in range(100)} | {f"1-{i}": "synthetic" for i in range(50)}
    sure = certify_labels(sample, labels, "0.15")
    assert sure["estimate"] == pytest.approx(0.1)
    assert sure["certified"] and sure["labels_needed"] is None
    hidden = {**labels, **{f"0-{i}": "unsure" for i in range(10)}}
    assert certify_labels(sample, hidden, "0.15")["upper_bound"] > sure["upper_bound"]
    fewer = {key: value for key, value in labels.items() if not key.startswith("0-1")}
    assert certify_labels(sample, fewer, "0.15")["upper_bound"] > sure["upper_bound"]
    with pytest.raises(DataError, match="none of the labels"):
        certify_labels(sample, {"x": "human"}, "0.15")


def test_what_it_would_take_is_said_where_labels_can_do_it_and_where_they_cannot() -> None:
    weight, hits, trials = np.ones(1), np.array([4]), np.array([50])
    needed = labels_needed(weight, hits, trials, 0.1, 0.95)
    assert needed is not None and 50 < needed < 2000
    assert upper_bound(weight, np.array([np.ceil(needed * 0.08)]), np.array([needed]), 0.95) <= 0.1
    assert labels_needed(weight, hits, trials, 0.05, 0.95) is None
    told = describe_labels(
        certify_labels(sample_of((100, 20)), {f"0-{i}": "synthetic" for i in range(20)}, "0.1")
    )
    assert "NOT certified" in told and "no number of labels would" in told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no labels"),
        ("doc_id,label,url\na,,https://a.example/\n", "no labels"),
        ("doc_id,label\na,maybe\n", "row 1"),
        ('{"doc_id": "a"}\n', "row 1"),
        ("{nonsense\n", "line 1"),
        ('{"doc_id": "a", "label": "human"}\n\n{nonsense\n', "line 3"),
    ],
)
def test_labels_that_cannot_be_used_are_named(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "labels"
    file.write_text(text)
    with pytest.raises(DataError, match=why):
        read_labels(file)


def test_labels_are_read_from_csv_and_json_lines_alike(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('\ufeffdoc_id,label,url\nx,Human,"https://a.example/,"\ny,synthetic,\n')
    (tmp_path / "b.jsonl").write_text(
        '{"doc_id": "x", "label": "human"}\n\n{"doc_id": "y", "label": "synthetic"}\n'
    )
    assert (
        read_labels(tmp_path / "a.csv")
        == read_labels(tmp_path / "b.jsonl")
        == {"x": "human", "y": "synthetic"}
    )


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_sheet_that_is_half_filled_in_gives_the_labels_it_has(tmp_path: Path, mark: str) -> None:
    rows = ["doc_id,label,url", 'x,human,"https://a.example/?a=1"', "y,,", "z, Synthetic ,", "v,unsure,"]
    (tmp_path / "a.csv").write_text("\r\n".join(row.replace(",", mark) for row in rows) + "\r\n")
    assert read_labels(tmp_path / "a.csv") == {"x": "human", "z": "synthetic", "v": "unsure"}


def test_no_text_of_a_page_can_leave_its_place_in_the_page() -> None:
    text = '</script><script>alert(1)</script><!-- @JAVASCRIPT@ \u2028 "'
    documents = [{"doc_id": "a", "url": "javascript:alert(1)", "language": None, "text": text}]
    page = label_page({"release_fingerprint": "f" * 32, "documents": documents})
    assert page.count("<script") == 2 and page.count("</script>") == 2
    block = page.split('id="documents">')[1].split("</script>")[0]
    assert json.loads(block)["rows"][0]["text"] == text
    assert "href" not in page.split("<body>")[1].split("<script")[0]
    assert "default-src 'none'" in page


def test_the_commands_draw_certify_and_write_the_result_into_the_release(
    demo_release: Path, tmp_path: Path
) -> None:
    import shutil

    release, folder = tmp_path / "release", tmp_path / "labels"
    shutil.copytree(demo_release, release)
    assert run("audit-sample", release, "--size", "60", "--output", folder).code == 0
    assert run("audit-sample", release, "--size", "60", "--output", folder).code == 2
    sample = json.loads((folder / "sample.json").read_text())
    rows = [{"doc_id": item["doc_id"], "label": "human"} for item in sample["documents"]]
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    arguments = ("certify", release, "--sample", folder / "sample.json", "--labels", folder / "labels.csv")
    ended = run(*arguments, "--json")
    found = json.loads(ended.out)
    assert found["estimate"] == 0 and 0 < found["upper_bound"] < 0.2
    assert ended.code == (0 if found["certified"] else 1)
    assert json.loads((release / "manifest.json").read_text())["labels"] == found
    assert run("verify", release).code == 0
    sample["release_fingerprint"] = "0" * 32
    (folder / "sample.json").write_text(json.dumps(sample))
    refused = run(*arguments)
    assert refused.code == 1 and "another release" in refused.err
    of_the_folder = run("certify", release, "--sample", folder, "--labels", folder / "labels.csv")
    assert of_the_folder.err == refused.err
