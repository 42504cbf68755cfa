"""Priors estimated from a crawl: of known mixtures, by strata, drawn to the table, bounded and without order."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.configuration import Prior
from provenance.decisions.counts import COUNTS, UNPROVEN, count_scores, histograms, merge_counts
from provenance.decisions.level import Level
from provenance.decisions.prior import FEWEST, MOST_FACTOR, PSEUDO_COUNT, Priors, Stratum, estimate, logit
from provenance.detectors.embedded.annotator import Scored, score_columns
from provenance.detectors.embedded.calibration import load_calibration
from provenance.detectors.embedded.training import Settings

PRIOR = Prior()
LEVELS: dict[str, Level] = {}


def times(*years: str) -> np.ndarray:
    return np.array([np.datetime64(year, "us") for year in years])


def counts_of(found: Scored, rows: np.ndarray, year: int, human: bool, source: str = "s") -> pa.Table:
    n = len(rows)
    return count_scores(
        scores=found.score[rows],
        words=found.words[rows],
        languages=pa.array(["en"] * n, pa.string()),
        sources=pa.array([source] * n, pa.string()),
        sites=rows.astype(np.uint64),
        months=np.full(n, month(year), np.int16),
        human=np.full(n, human),
    )


def month(year: int) -> int:
    """June of a year."""
    return UNPROVEN if year == UNPROVEN else (year - 1970) * 12 + 5


@pytest.fixture(scope="module")
def held_out(shared: Path) -> tuple[Scored, np.ndarray, np.ndarray]:
    """(scores, human rows, synthetic rows) of English passages that the model was not trained on.

    Without base models, which it does not claim to find (docs/detector.md).
    """
    folder = shared / "data" / "detector"
    pool = pd.concat([pd.read_parquet(folder / f"pool_{name}.parquet") for name in ("val", "test")])
    pool = pool[(pool.language == "en") & ~pool.generator.isin(Settings().left_out)].sample(
        frac=1, random_state=1
    )
    found = score_columns(pool.text.tolist(), ["en"] * len(pool))
    synthetic = (pool.label == "synthetic").to_numpy()
    return found, np.flatnonzero(~found.abstained & ~synthetic), np.flatnonzero(~found.abstained & synthetic)


def nats() -> dict[str, np.ndarray]:
    return {"en": load_calibration().bin_ratios("en")}


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5])
def test_share_of_a_known_mixture_is_found(
    held_out: tuple[Scored, np.ndarray, np.ndarray], share: float
) -> None:
    found, human, synthetic = held_out
    machine = round(1500 * share)
    old = counts_of(found, human[:800], 2019, True)
    new = [
        counts_of(found, human[800 : 2300 - machine], 2025, False),
        counts_of(found, synthetic[:machine], 2025, False),
    ]
    (whole,) = estimate(merge_counts([old, *new]), nats(), LEVELS, PRIOR).strata
    assert whole.documents == 1500
    assert whole.share == pytest.approx(share, abs=max(0.06, share / 5))
    listed = PRIOR.in_month(month(2025))
    drawn = (1500 * whole.share + PSEUDO_COUNT * listed) / (1500 + PSEUDO_COUNT)
    bounds = [1 / (1 + np.exp(-logit(listed) - side * np.log(MOST_FACTOR))) for side in (-1, 1)]
    assert whole.prior == pytest.approx(np.clip(drawn, *bounds))
    assert whole.low < whole.prior < whole.high
    assert logit(whole.prior) == pytest.approx(logit(listed) + whole.shift)


@pytest.mark.parametrize(("share", "most"), [(0.02, 0.05), (0.1, 0.06), (0.3, 0.09), (0.5, 0.12)])
def test_posteriors_are_calibrated_at_every_share(
    held_out: tuple[Scored, np.ndarray, np.ndarray], share: float, most: float
) -> None:
    """Expected calibration error over tenths of the scale, with the prior as estimated from the mixture."""
    found, human, synthetic = held_out
    machine = round(1500 * share)
    rows = np.concatenate([human[800 : 2300 - machine], synthetic[:machine]])
    truth = np.arange(1500) >= 1500 - machine
    counts = merge_counts([counts_of(found, human[:800], 2019, True), counts_of(found, rows, 2025, False)])

    def error(priors: Priors) -> float:
        odds, *_ = priors.of(times(*["2025-06-01"] * 1500), pa.array(["en"] * 1500), pa.array(["s"] * 1500))
        stated = 1 / (1 + np.exp(-(odds + found.ratio[rows])))
        place = np.minimum((stated * 10).astype(int), 9)
        return float(
            sum(
                (place == k).mean() * abs(stated[place == k].mean() - truth[place == k].mean())
                for k in np.unique(place)
            )
        )

    estimated, listed = error(estimate(counts, nats(), LEVELS, PRIOR)), error(Priors(PRIOR))
    assert estimated <= most
    assert estimated <= listed + 0.03  # where the table happens to be right it cannot be beaten


def test_few_documents_leave_the_table_as_it_is(held_out: tuple[Scored, np.ndarray, np.ndarray]) -> None:
    found, human, _ = held_out
    few = counts_of(found, human[: FEWEST - 1], 2025, False)
    assert estimate(few, nats(), LEVELS, PRIOR).strata == ()
    enough = counts_of(found, human[:FEWEST], 2025, False)
    assert len(estimate(enough, nats(), LEVELS, PRIOR).strata) == 1
    assert estimate(enough, nats(), LEVELS, Prior(estimate="none")).strata == ()
    assert estimate(COUNTS.empty_table(), nats(), LEVELS, PRIOR).strata == ()


def test_strata_are_years_languages_and_sources(held_out: tuple[Scored, np.ndarray, np.ndarray]) -> None:
    found, human, synthetic = held_out
    counts = merge_counts(
        [
            counts_of(found, human[:300], 2025, False, "news"),
            counts_of(found, synthetic[:300], 2025, False, "farm"),
            counts_of(found, synthetic[300 : 300 + FEWEST - 1], 2025, False, "few"),
            counts_of(found, human[300:600], 2023, False, "news"),
            counts_of(found, human[600:900], UNPROVEN, False, "news"),
        ]
    )
    priors = estimate(counts, nats(), LEVELS, PRIOR)
    assert [(item.year, item.source) for item in priors.strata] == [
        (None, None),
        (0, None),
        (2023, None),
        (2025, None),
        (2025, "farm"),
        (2025, "news"),
    ]
    asked = [
        "2025-01-01",
        "2025-12-31",
        "2025-06-06",
        "2025-01-01",
        "2025-01-01",
        "2023-01-01",
        "NaT",
        "2019-01-01",
        "2024-06-01",
    ]
    sources = ["farm", "news", "few", None, "farm", "news", "else", "farm", "farm"]
    languages = pa.array(["en"] * 4 + ["xx"] + ["en"] * 4)
    odds, deviation, because = priors.of(times(*asked), languages, pa.array(sources))
    assert odds[0] > odds[2] > odds[1]
    reasons = because.to_pylist()
    ends = [
        "estimated from 300 documents of this crawl in en proven in 2025 from source farm",
        "estimated from 300 documents of this crawl in en proven in 2025 from source news",
        f"estimated from {600 + FEWEST - 1} documents of this crawl in en proven in 2025",
        f"estimated from {600 + FEWEST - 1} documents of this crawl in en proven in 2025",
        f"estimated from {1200 + FEWEST - 1:,} documents of this crawl in en",  # which nobody judged in xx
        "estimated from 300 documents of this crawl in en proven in 2023",
        "estimated from 300 documents of this crawl in en without a capture",
        "low-background",
        f"estimated from {1200 + FEWEST - 1:,} documents of this crawl in en",
    ]
    assert all(reason.endswith(end) for reason, end in zip(reasons, ends, strict=True))
    assert odds[4] - logit(PRIOR.in_month(month(2025) - 5)) == pytest.approx(priors.strata[0].shift, rel=1e-5)
    assert odds[7] == pytest.approx(np.log(0.001 / 0.999), rel=1e-5)
    assert deviation[7] == 0 and (deviation[:7] > 0).all()


def test_small_languages_and_those_that_nobody_judges_borrow_from_the_crawl() -> None:
    """At the table's share, far below this crawl's, they would be all that a cap keeps of it."""
    language = np.array(["en"] * 400 + ["fr"] * 4)
    counts = count_scores(
        scores=np.repeat([6.0, -6.0, -6.0], [300, 100, 4]),
        words=np.full(404, 300),
        languages=pa.array(language.tolist()),
        sources=pa.array(["s"] * 404),
        sites=np.arange(404, dtype=np.uint64),
        months=np.full(404, month(2025), np.int16),
        human=np.zeros(404, bool),
    )
    ratios = {name: load_calibration().bin_ratios(name) for name in ("en", "fr")}
    priors = estimate(counts, ratios, LEVELS, PRIOR)
    crawl, english, french = priors.strata
    assert (crawl.language, crawl.documents, crawl.as_json()["language"]) == (None, 404, "all")
    assert english.prior == pytest.approx(0.75, abs=0.06)
    drawn = PSEUDO_COUNT * crawl.prior / (4 + PSEUDO_COUNT)  # none of its own four is found
    assert french.prior == pytest.approx(drawn, abs=0.05) and french.prior > 2 * PRIOR.in_month(month(2025))
    asked = times(*["2025-06-01"] * 3)
    odds, deviation, because = priors.of(asked, pa.array(["en", "fr", "xx"]), pa.array(["s"] * 3))
    assert odds[2] == pytest.approx(logit(crawl.prior), rel=1e-5)
    assert deviation[2] > deviation[1] > deviation[0]
    assert because.to_pylist()[2].endswith("estimated from 404 documents of this crawl in all languages")


def test_table_is_read_by_month_of_proof_and_interpolated_in_log_odds() -> None:
    rates = listed(PRIOR, "2022-11-29", "2023-06-05", "2023-12-31", "2031-01-01", "NaT")
    np.testing.assert_allclose(rates, [0.001, 0.014, 0.041, 0.219, 0.219], rtol=1e-4)
    (between,) = listed(PRIOR, "2023-09-15")
    assert logit(between) == pytest.approx((logit(0.014) + logit(0.041)) / 2, abs=1e-4)


def test_a_table_by_year_stands_in_its_place() -> None:
    years = Prior(by_year={2026: 0.35, 2023: 0.06, 2022: 0.01})
    rates = listed(years, "2022-12-01", "2023-05-05", "2024-05-05", "2031-01-01", "NaT")
    np.testing.assert_allclose(rates, [0.01, 0.06, 0.06, 0.35, 0.35], rtol=1e-4)


def listed(prior: Prior, *asked: str) -> np.ndarray:
    """Priors of documents proven at these times where nothing is estimated."""
    nothing = pa.array([None] * len(asked), pa.string())
    odds, _, because = Priors(prior).of(times(*asked), nothing, nothing)
    if asked[-1] == "NaT":
        assert because.to_pylist()[-1] == "no capture, table for the last month"
    return np.asarray(1 / (1 + np.exp(-odds.astype(float))))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 7))
def test_counts_and_estimates_do_not_depend_on_order_or_division(seed: int, parts: int) -> None:
    random = np.random.RandomState(seed)
    n = 900
    columns = (
        random.normal(0, 2, n),
        random.randint(60, 900, n),
        pa.array(random.choice(["en", "fr", None], n).tolist(), pa.string()),
        pa.array(random.choice(["a", "b", None], n).tolist(), pa.string()),
        random.choice([month(2019), month(2024), month(2025)], n).astype(np.int16),
    )
    human = columns[4] == month(2019)

    def count(rows: np.ndarray) -> pa.Table:
        take = pa.array(rows)
        return count_scores(
            scores=columns[0][rows],
            words=columns[1][rows],
            languages=columns[2].take(take),
            sources=columns[3].take(take),
            sites=(rows % 40).astype(np.uint64),
            months=columns[4][rows],
            human=human[rows],
        )

    order = random.permutation(n)
    pieces = [count(order[i::parts]) for i in range(parts)]
    whole = count(np.arange(n))
    merged = merge_counts([merge_counts(pieces[:2]), *pieces[:1:-1]])
    assert merged.equals(whole)
    assert estimate(merged, nats(), LEVELS, PRIOR) == estimate(whole, nats(), LEVELS, PRIOR)
    total = sum(int(table.sum()) for table in histograms(whole, True).values())
    assert total == int((human & (columns[1] >= 60)).sum())


def test_estimates_stay_within_a_factor_of_the_table() -> None:
    n = 200_000  # so many that next to nothing of the table is left
    for score, bound in ((-15.0, 1 / MOST_FACTOR), (15.0, MOST_FACTOR)):
        counts = count_scores(
            scores=np.full(n, score),
            words=np.full(n, 300),
            languages=pa.array(["en"] * n),
            sources=pa.array(["s"] * n),
            sites=np.arange(n, dtype=np.uint64),
            months=np.full(n, month(2025), np.int16),
            human=np.zeros(n, bool),
        )
        (found,) = estimate(counts, nats(), LEVELS, PRIOR).strata
        assert isinstance(found, Stratum)
        assert found.shift == pytest.approx(np.log(bound))


def test_a_source_for_each_document_costs_no_more_than_sorting_them() -> None:
    n = 300_000
    counts = count_scores(
        scores=np.zeros(n),
        words=np.full(n, 300),
        languages=pa.array(["en"] * n),
        sources=pa.array([f"source {i}" for i in range(n)]),
        sites=np.arange(n, dtype=np.uint64),
        months=np.full(n, month(2025), np.int16),
        human=np.zeros(n, bool),
    )
    start = time.process_time()
    (found,) = estimate(counts, nats(), LEVELS, PRIOR).strata
    assert found.documents == n
    assert time.process_time() - start < 20
