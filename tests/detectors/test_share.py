"""A share's interval holds the truth for people and generators that are in no reference, whatever sites and caps did before."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from provenance.detectors.embedded.calibration import load_calibration
from provenance.detectors.embedded.model import load_model
from provenance.detectors.embedded.training import Settings
from provenance.detectors.share import (
    BINS,
    GROUPS,
    LOWEST,
    WIDTH,
    design_effect,
    load_kinds,
    make_worlds,
    ratio_bins,
    read_kinds,
)
from scripts.evaluate.prevalence import SHARES, SIZES, Case, describe, make_cases, measure
from scripts.train.prevalence import read_corpus, settings_of


def _spread(counts: np.ndarray, groups: int = GROUPS) -> np.ndarray:
    """Counts by bin dealt evenly to groups of sites."""
    bins = np.repeat(np.arange(BINS), counts)
    table = np.zeros((GROUPS, BINS), np.int64)
    np.add.at(table, (np.random.RandomState(0).permutation(len(bins)) % groups, bins), 1)
    return table


def _cases(seed: int) -> Iterator[Case]:
    options = Namespace(languages=None, strata=None, shares=SHARES, sizes=SIZES, seed=seed)
    return make_cases(load_kinds(), options)


def test_the_shipped_kinds_belong_to_the_shipped_detector_and_calibration() -> None:
    kinds = load_kinds()
    assert (kinds.detector, kinds.calibration) == (load_model().version, load_calibration().version)
    assert set(kinds.languages) <= set(load_calibration().languages())


def test_intervals_hold_on_left_out_people_and_generators() -> None:
    """A part of `scripts/evaluate prevalence`; all of it held in 98% (docs/audit.md)."""
    cases = [case for place, case in enumerate(_cases(5)) if place % 4 == 1]
    rows, _, own = zip(*(islice(measure(case, SHARES), 3) for case in cases), strict=True)
    held = [item["low"] - 0.004 <= item["share"] <= item["high"] + 0.004 for item in rows]
    assert len(rows) >= 80
    assert np.mean(held) >= 0.93
    assert np.mean([item["high"] - item["low"] for item in rows]) < 0.35
    errors = [np.mean([abs(item["found"] - item["share"]) for item in part]) for part in (rows, own)]
    assert errors[0] < 0.07
    assert errors[1] < errors[0], "documents of its own people help"


def test_what_a_cap_took_is_allowed_for_where_it_is_known() -> None:
    cases = [case for case in _cases(6) if case.language == "en" and case.share > 0.3][:12]
    known, unknown = [], []
    for case in cases:
        machine = case.synthetic.sum(axis=0)
        left = case.human.sum(axis=0) + machine
        cut = int(np.searchsorted(np.cumsum(left), 0.8 * left.sum()))
        left, share = np.where(np.arange(BINS) < cut, left, 0), machine[:cut].sum() / left[:cut].sum()
        for found, selected in ((known, True), (unknown, False)):
            worlds = make_worlds(case.kinds, case.language, selected=selected)
            item = describe(case, "", _spread(left, 1), share=share, worlds=worlds, shares=SHARES)
            found.append(item["low"] - 0.005 <= share <= item["high"] + 0.005)
    assert sum(known) >= len(cases) - 1
    assert sum(known) > sum(unknown)


def test_documents_of_alike_sites_say_less() -> None:
    random = np.random.RandomState(1)
    even = random.multinomial(20, np.full(BINS, 1 / BINS), size=GROUPS)
    sites = np.zeros((GROUPS, BINS), np.int64)
    sites[np.arange(GROUPS), random.randint(0, BINS, GROUPS)] = 20
    assert design_effect(even) < 1.3
    assert design_effect(sites) > 10
    assert design_effect(sites[:1]) == 1.0
    worlds = make_worlds(load_kinds(), "en")
    high = np.minimum(sites.sum(axis=0), 40)
    clustered = worlds.estimate(sites, "")
    spread = worlds.estimate(_spread(sites.sum(axis=0)), "")
    assert high.sum() > 0
    assert clustered.high - clustered.low > spread.high - spread.low


def test_more_documents_never_make_it_certain() -> None:
    """Ten thousand documents of kinds that nobody has seen say as much as two hundred of known ones."""
    kinds = load_kinds()
    counts = kinds.human.counts[kinds.human.names.tolist().index("swcarpentry/website:edu")]
    worlds = make_worlds(kinds.without({"swcarpentry/website"}, set()), "en")
    some, many = (worlds.estimate(_spread(counts * times), "") for times in (1, 20))
    assert many.high == pytest.approx(some.high, abs=0.005)
    assert many.high > 0.002


def test_equal_arguments_give_equal_worlds() -> None:
    kinds = load_kinds()
    assert np.array_equal(make_worlds(kinds, "fr").logs, make_worlds(kinds, "fr").logs)


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs documents"):
        make_worlds(load_kinds(), "en").estimate(np.zeros((GROUPS, BINS), np.int64), "")


def test_bins_are_of_the_ratio_before_its_bounds() -> None:
    calibration = load_calibration()
    intercept, slope = calibration.lines["en"][0]
    scores = (np.array([-50.0, 0.25, 3.25, 50.0]) - intercept) / slope
    bins = ratio_bins(calibration, "en", scores, np.array([60] * 4))
    middle = [math.floor((value - LOWEST) / WIDTH) for value in (0.25, 3.25)]
    assert bins.tolist() == [0, *middle, BINS - 1]


def test_kinds_are_the_same_once_saved_and_read(tmp_path: Path) -> None:
    kinds = load_kinds()
    for name in ("a.npz", "b.npz"):
        kinds.save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = read_kinds(tmp_path / "a.npz")
    assert np.array_equal(again.human.counts, kinds.human.counts)
    assert replace(again, human=kinds.human, synthetic=kinds.synthetic) == kinds
    np.savez(tmp_path / "other.npz", format=np.array(99))
    with pytest.raises(ValueError, match="not a file of kinds"):
        read_kinds(tmp_path / "other.npz")


def test_kinds_are_made_with_the_settings_that_the_detectors_file_names() -> None:
    own = replace(load_model(), describe={"settings": {"recent": ["trigrams"], "epochs": 3}})
    assert settings_of(load_model()) == Settings()
    assert settings_of(own) == Settings(recent=("trigrams",), epochs=3)


def test_a_corpus_without_splits_is_learned_from_whole(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", "b"], "label": ["human", "synthetic"]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "none").mkdir()
    assert read_corpus(tmp_path, tmp_path / "none").split.tolist() == ["train", "train"]
