"""What a site says about its documents: more where sites differ, nothing where they do not, never from the document itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.decisions import site_files, sites
from provenance.decisions.crawl import SITE_DOUBT
from provenance.decisions.sites import SITE_SOURCE, Clustering, SiteCounts
from provenance.detectors.embedded.calibration import auroc
from provenance.duplicates.scratch import LocalScratch
from tests.program import ledger

PRIOR = float(np.log(0.25 / 0.75))


class Crawl:
    """New documents of many sites whose ratios separate machine from human text only partly."""

    def __init__(self, seed: int, concentration: float | None, unjudged: float = 0.3) -> None:
        random = np.random.default_rng(seed)
        sizes = np.clip(random.pareto(1.2, 400) * 3 + 1, 1, 60).astype(int)
        shares = np.full(400, 0.25)
        if concentration is not None:
            shares = random.beta(0.25 * concentration, 0.75 * concentration, 400)
        self.site = np.repeat(np.arange(400, dtype=np.uint64) * np.uint64(2**40 + 7), sizes)
        self.machine = random.random(len(self.site)) < np.repeat(shares, sizes)
        # Normal scores of unit variance, their means 2 apart: the log ratio is 2 (x - 1).
        x = random.normal(np.where(self.machine, 2.0, 0.0), 1.0)
        self.judged = random.random(len(x)) >= unjudged
        self.ratio = np.where(self.judged, 2 * (x - 1), 0.0)
        self.prior = np.full(len(x), PRIOR)
        self.old = np.zeros(len(x), bool)
        self.counts = sites.count_sites(self.site, self.prior, self.ratio, self.judged, self.old)
        self.clustering = sites.find_clustering([sites.site_statistics(self.counts)])

    def effects(self) -> np.ndarray:
        found = sites.site_effects(self.counts, self.clustering)
        kind = sites.kinds(self.prior, self.ratio, self.judged, self.old)
        return found.effect[sites.look_up(found, self.site, kind)]


def test_where_machine_text_comes_by_the_site_short_documents_are_told_apart() -> None:
    crawl = Crawl(1, 0.5)
    assert crawl.clustering.spread > 0
    effect = crawl.effects()
    assert auroc(effect[~crawl.judged], crawl.machine[~crawl.judged]) > 0.8
    plain = auroc(crawl.ratio[crawl.judged], crawl.machine[crawl.judged])
    assert auroc((crawl.ratio + effect)[crawl.judged], crawl.machine[crawl.judged]) > plain + 0.02


@pytest.mark.parametrize("seed", range(5))
def test_where_sites_do_not_differ_nothing_changes(seed: int) -> None:
    crawl = Crawl(seed, None)
    assert crawl.clustering.spread == 0
    assert not crawl.effects().any()


def test_the_mean_probability_stays() -> None:
    crawl = Crawl(3, 0.5)
    found = sites.site_effects(crawl.counts, crawl.clustering)
    shift = sites.mean_shift(sites.log_odds_counts(found))

    def mean(odds: np.ndarray) -> float:
        return float((1 / (1 + np.exp(-odds))).mean())

    plain = crawl.prior + crawl.ratio
    assert mean(plain + crawl.effects() + shift) == pytest.approx(mean(plain), abs=0.005)


def test_a_document_alone_on_its_site_learns_nothing_from_itself() -> None:
    ratio = np.array([3.0, 3.0, 3.0, -2.0])
    site = np.array([1, 2, 2, 3], np.uint64)
    judged, old = np.ones(4, bool), np.zeros(4, bool)
    prior = np.full(4, PRIOR)
    counts = sites.count_sites(site, prior, ratio, judged, old)
    found = sites.site_effects(counts, Clustering(spread=3.0))
    at = sites.look_up(found, site, sites.kinds(prior, ratio, judged, old))
    # Alone: the mean over sites is the prior, up to the width of a bin.
    assert np.abs(found.effect[at][[0, 3]]).max() < 0.02
    assert (found.effect[at][1:3] > 0.2).all()
    assert found.judged[at].tolist() == [0, 1, 1, 0]
    assert found.machine[at].tolist() == [0, 1, 1, 0]


def test_errors_that_old_documents_of_a_site_share_are_damped_and_taken_back() -> None:
    """A site of abstracts looks like a machine's, before 2022 too: its own old documents speak for it."""
    ratio = np.full(60, 1.5)
    site, prior = np.repeat(np.array([1, 2], np.uint64), 30), np.full(60, PRIOR)
    judged, old = np.ones(60, bool), np.zeros(60, bool)
    old[30:50] = True  # only the second site has old documents, and they score as its new ones do
    counts = sites.count_sites(site, prior, ratio, judged, old)
    found = sites.site_effects(counts, Clustering(spread=3.0, correlation=0.3, old_mean=-1.5))
    at = sites.look_up(found, site, sites.kinds(prior, ratio, judged, old))
    effect = found.effect[at]
    assert effect[0] > 1
    assert effect[55] < 0
    assert not effect[30:50].any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 5), st.integers(1, 7))
def test_division_into_shards_and_partitions_changes_nothing(seed: int, shards: int, partitions: int) -> None:
    random = np.random.default_rng(seed)
    n = 200
    site = random.integers(0, 40, n).astype(np.uint64)
    prior, ratio = random.normal(-2, 1, n), random.normal(0, 2, n)
    judged, old = random.random(n) < 0.8, random.random(n) < 0.2
    whole = sites.count_sites(site, prior, ratio, judged, old)
    pieces = [
        sites.count_sites(*(column[k::shards] for column in (site, prior, ratio, judged, old)))
        for k in range(shards)
    ]
    merged = sites.merge_sites(pieces[::-1])
    for one, other in zip(whole, merged, strict=True):
        np.testing.assert_array_equal(one, other)
    parts = [
        SiteCounts(*(column[whole.site % np.uint64(partitions) == k] for column in whole))
        for k in range(partitions)
    ]
    split = sites.find_clustering([sites.site_statistics(part) for part in parts])
    together = sites.find_clustering([sites.site_statistics(whole)])
    assert (split.spread, split.correlation) == (together.spread, together.correlation)


def test_counts_go_to_partitions_and_their_effects_come_back_to_the_shards(tmp_path: Path) -> None:
    crawl = Crawl(4, 0.5)
    scratch = LocalScratch(tmp_path)
    kind = sites.kinds(crawl.prior, crawl.ratio, crawl.judged, crawl.old)
    routed = []
    for shard in range(3):
        rows = np.arange(len(crawl.site)) % 3 == shard
        columns = (crawl.site, crawl.prior, crawl.ratio, crawl.judged, crawl.old)
        routed += site_files.send_counts(
            scratch, shard, sites.count_sites(*(part[rows] for part in columns)), 4
        )
    by_partition = {k: sorted(piece for part, piece in routed if part == k) for k in range(4)}
    statistics = [site_files.partition_statistics(scratch, pieces) for pieces in by_partition.values()]
    assert sites.find_clustering(statistics).spread == crawl.clustering.spread
    back = []
    for partition, pieces in by_partition.items():
        back += site_files.send_effects(scratch, partition, pieces, crawl.clustering)[0]
    wanted = crawl.effects()
    for shard in range(3):
        rows = np.arange(len(crawl.site)) % 3 == shard
        answers = site_files.gather_effects(scratch, sorted(piece for part, piece in back if part == shard))
        effects = site_files.effects_of(answers)
        at = sites.look_up(effects, crawl.site[rows], kind[rows])
        np.testing.assert_array_equal(effects.effect[at], wanted[rows])


def test_a_document_without_an_address_is_a_site_of_its_own() -> None:
    rows = pa.table(
        {
            "doc_id": ["a", "b", "c", "d"],
            "host": ["www.x.example", None, None, "10.0.0.1"],
            "domain": pa.array(["x.example", None, None, None], pa.string()),
        }
    )
    found = sites.site_hashes(rows)
    assert len(set(found.tolist())) == 4
    assert (sites.site_hashes(rows.slice(1)) == found[1:]).all()


def test_half_of_what_a_site_takes_does_not_count_for_the_upper_end(demo_release: Path) -> None:
    rows = ledger(demo_release)
    rows = rows[rows.synthetic_probability.notna() & ~rows.low_background.astype(bool)]
    sources = {"detector:embedded": [], "detector:kinds": [], SITE_SOURCE: []}
    for items in rows.evidence:
        said = {item["source"]: float(item["llr"]) for item in items}
        for source, nats in sources.items():
            nats.append(said.get(source, 0.0))
    rows = rows.assign(**sources)
    p, upper = (
        np.log(values / (1 - values))
        for values in (
            rows.synthetic_probability.astype(float),
            rows.synthetic_probability_upper.astype(float),
        )
    )
    rows = rows.assign(above=upper - p, taken=np.maximum(-rows[SITE_SOURCE], 0.0))
    # Documents of which all but the site says the same: the lowest ratio there is, and the prior of one stratum.
    low = rows[rows["detector:embedded"] == rows["detector:embedded"].min()]
    _, alike = max(low.groupby(["prior_log_odds", "detector:kinds"]), key=lambda item: len(item[1]))
    assert len(alike) > 20 and alike.taken.max() > 0.5 and alike.taken.min() == 0
    bare = alike.above - SITE_DOUBT * alike.taken
    assert np.ptp(bare) < 0.01 < 0.25 < np.ptp(alike.above)
