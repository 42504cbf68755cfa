#!/usr/bin/env python
"""Measure the cap on crawls of known composition: asked, claimed and true share, and what it costs in human text.

The corpus is scored once by the annotate stage; then each run draws a crawl anew, writes it as a shard, and counts, judges and
selects it with the functions of the select stage. Human texts are the splits `val` and `test` of the pools, machine texts those of
makers that are in `test` only: a detector that was trained on the corpus has seen neither. The harder half is kinds of text that nobody
has seen: `scripts/train detector CORPUS --leave-out FOLD --out DIR`, then `--texts DIR/unseen.parquet` and `detector.model: DIR`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.stats import beta

from provenance.annotate import Annotation, annotate_records
from provenance.configuration import Cap, Configuration, load_configuration
from provenance.decisions import cap
from provenance.decisions.certificate import cap_request
from provenance.decisions.counts import merge_counts
from provenance.decisions.crawl import calibrate_crawl
from provenance.decisions.detectors import CalibratedDetectors, load_detectors
from provenance.decisions.rows import read_shard
from provenance.decisions.shard import Candidates, judge_shard, shard_sites
from provenance.decisions.sites import (
    find_clustering,
    log_odds_counts,
    mean_shift,
    merge_sites,
    site_effects,
    site_statistics,
)
from provenance.detectors.share import Kinds, load_kinds
from provenance.duplicates.table import CLUSTERS
from provenance.files.inputs import find_inputs
from provenance.files.shards import write_shard
from provenance.files.storage import LocalStorage
from provenance.schema import TIME

STORAGE = LocalStorage()
UNSEEN_MAKERS = ("xAI", "Moonshot", "Mistral")
MIXTURES, CAPS = (0.0, 0.05, 0.20, 0.35, 0.60), ("0.02", "0.05", "0.10")
#: Documents of a host where sites are clustered, and share of its documents that are of the other kind.
HOST_DOCUMENTS, STRAY = 12, 0.1
#: Most of the human texts of a crawl that are old where old ones are there.
OLD_SHARE = 1 / 3
MOST_LANGUAGES = 12
LENGTHS = (0, 100, 200, 400, 1_000_000)
#: The true share may be this much above the cap: what is asked of `expected`, and what it must never pass.
NEAR, NEVER = 1.05, 1.25


@dataclass(frozen=True)
class Scenario:
    """How a crawl is made."""

    share: float  # machine texts among the new documents
    old: bool  # whether a third of the human texts is proven old
    clustered: bool  # whether machine text comes by the site


SCENARIOS = tuple(Scenario(s, o, c) for s in MIXTURES for o in (False, True) for c in (False, True))


@dataclass(frozen=True)
class Pool:
    """All texts as the annotate stage left them, and what is known of them."""

    table: pa.Table
    machine: np.ndarray
    kind: np.ndarray  # of which texts a site is made: the domain, or the generator

    def draw(self, scenario: Scenario, documents: int, seed: int) -> tuple[pa.Table, np.ndarray]:
        """(a crawl with its documents in random order, which of them are machine text)."""
        random = np.random.default_rng([seed, int(scenario.share * 100), scenario.old, scenario.clustered])
        people, machines = (
            random.permutation(np.flatnonzero(self.machine == kind)) for kind in (False, True)
        )
        count = round(documents * scenario.share)
        old = round(documents * OLD_SHARE) if scenario.old else 0
        if count > len(machines) or documents - count + old > len(people):
            raise SystemExit(f"error: the corpus has too few texts for {documents:,} documents: name fewer")
        rows = random.permutation(np.concatenate([people[: documents - count + old], machines[:count]]))
        # Which of the human texts are old is chance, so that old and new ones are of the same kinds.
        is_old = np.isin(rows, random.permutation(people[: documents - count + old])[:old])
        years = np.where(
            is_old, random.integers(2013, 2022, len(rows)), random.integers(2024, 2027, len(rows))
        )
        host = self._hosts(rows, scenario, random)
        columns = {
            "doc_id": pa.array([f"{value:032x}" for value in random.integers(0, 2**63, len(rows)).tolist()]),
            "host": host,
            "domain": host,
            "capture_time": pa.array([f"{year}-06-01T00:00:00Z" for year in years.tolist()]).cast(TIME),
        }
        table = self.table.take(pa.array(rows))
        for name, column in columns.items():
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
        return table, self.machine[rows]

    def _hosts(self, rows: np.ndarray, scenario: Scenario, random: np.random.Generator) -> pa.Array:
        sites = max(len(rows) // HOST_DOCUMENTS, 1)
        number = random.integers(0, sites, len(rows))
        if scenario.clustered:
            # Documents of a kind stand together; strays stay where chance put them.
            order = np.lexsort([random.random(len(rows)), self.kind[rows], self.machine[rows]])
            together = np.empty(len(rows), np.int64)
            together[order] = np.arange(len(rows)) // HOST_DOCUMENTS
            number = np.where(random.random(len(rows)) < STRAY, number, together)
        return pa.array([f"site{value}.example" for value in number.tolist()])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, help="directory of the pools (docs/data-licenses.md)")
    parser.add_argument("--runs", type=int, default=10, help="crawls of each kind (10: 200 in all)")
    parser.add_argument("--documents", type=int, default=1500, help="new documents of a crawl (1500)")
    parser.add_argument("--config", help="configuration in YAML: detector, prior and cap are read")
    parser.add_argument("--guarantees", nargs="+", default=["expected", "confident", "hard"])
    parser.add_argument("--policies", nargs="+", default=["lowest"])
    parser.add_argument(
        "--texts",
        type=Path,
        help="Parquet with text, label, domain and generator in place of the pools' unseen texts",
    )
    parser.add_argument(
        "--scores", type=Path, help="keep the scored corpus in this file, or read it from there"
    )
    parser.add_argument("--rows", type=Path, help="write one row for each run and cap as CSV")
    arguments = parser.parse_args()
    configuration = load_configuration(arguments.config)
    texts = None if arguments.texts is None else pd.read_parquet(arguments.texts)
    pool = read_pool(arguments.corpus, configuration, arguments.scores, texts)
    detectors = replace(load_detectors(configuration), kinds=kinds_without(texts))
    requests = [
        configuration.cap.model_copy(
            update={"guarantee": guarantee, "policy": policy, "max_synthetic": Decimal(cap)}
        )
        for guarantee in arguments.guarantees
        for policy in arguments.policies
        for cap in CAPS
    ]
    found: list[dict[str, object]] = []
    lost: list[pd.DataFrame] = []
    for scenario in SCENARIOS:
        for seed in range(arguments.runs):
            crawl = pool.draw(scenario, arguments.documents, seed)
            for row, losses in run(*crawl, configuration, detectors, requests):
                found.append({**scenario.__dict__, "seed": seed, **row})
                lost.append(losses)
    frame = pd.DataFrame(found)
    if arguments.rows:
        frame.to_csv(arguments.rows, index=False)
    print(
        f"{len(frame.drop_duplicates(['share', 'old', 'clustered', 'seed'])):,} crawls of {arguments.documents:,} new documents"
    )
    near = (frame.stated - frame.before).abs() <= np.maximum(0.15 * frame.before, 0.02)
    print(f"share stated before the cap within 15% or 2 points of the true one: {near.mean():.0%} of crawls")
    print_shares(frame)
    print_losses(pd.concat(lost))


def kinds_without(texts: pd.DataFrame | None) -> Kinds:
    """The kinds of text that ship, without the sources and makers of `texts`, by default without the makers that are in `test` only.

    They belong to the shipped detector; one that was trained without a group is read by them as it would be by its own.
    """
    if texts is None:
        return load_kinds().without(set(), set(UNSEEN_MAKERS))
    human = texts.label == "human"
    return load_kinds().without(
        set(texts.repository[human].astype(str)), set(texts.maker[~human].astype(str))
    )


def read_pool(
    corpus: Path, configuration: Configuration, kept: Path | None, texts: pd.DataFrame | None = None
) -> Pool:
    """The texts of the corpus that no detector trained on it has seen, or `texts`, annotated."""
    return make_pool(*annotated(read_unseen(corpus) if texts is None else texts, configuration, kept))


def annotated(
    frame: pd.DataFrame, configuration: Configuration, kept: Path | None = None
) -> tuple[pa.Table, pd.DataFrame]:
    """(what the annotate stage makes of the texts of `frame`, their rows): those that are documents, each once."""
    frame = frame.drop_duplicates("text").reset_index(drop=True)
    if kept is None or not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pool.jsonl"
            lines = [json.dumps({"id": str(row), "text": text}) for row, text in enumerate(frame.text)]
            path.write_text("\n".join(lines), encoding="utf-8")
            shard = kept or Path(folder) / "pool.parquet"
            _annotate(path, shard, configuration)
            table = pq.read_table(shard)
    else:
        table = pq.read_table(kept)
    table = table.filter(pc.is_null(table["outcome"]))
    at = np.asarray([int(value) for value in table["record_id"].to_pylist()])
    return table.combine_chunks(), frame.iloc[at]


def make_pool(table: pa.Table, frame: pd.DataFrame) -> Pool:
    """The pool of annotated texts whose label, domain and generator stand in `frame`."""
    kind = np.where(frame.label == "human", frame.domain, frame.generator).astype(str)
    return Pool(table, (frame.label == "synthetic").to_numpy(), kind)


def read_unseen(corpus: Path) -> pd.DataFrame:
    """Human texts of the splits `val` and `test`, and machine texts of makers that are in `test` only."""
    texts = [
        pd.read_parquet(corpus / f"pool_{name}.parquet") for name in ("val", "test", "human_web", "makers")
    ]
    texts[3] = texts[3][texts[3].maker.isin(UNSEEN_MAKERS)]
    frame = pd.concat([part[part.split != "train"] for part in texts], ignore_index=True)
    unseen = (frame.label == "human") | frame.get("maker", pd.Series(dtype=object)).isin(UNSEEN_MAKERS)
    return frame[unseen]


def _annotate(path: Path, shard: Path, configuration: Configuration) -> None:
    annotation, item = Annotation(configuration), find_inputs(STORAGE, [str(path)])[0][0]
    with STORAGE.open(item.path) as stream, STORAGE.create(str(shard)) as file:
        batches = annotate_records(stream, item, annotation)
        write_shard(batches, annotation.schema, file, item=item, fingerprint="evaluation")


def run(
    table: pa.Table,
    machine: np.ndarray,
    configuration: Configuration,
    detectors: CalibratedDetectors,
    requests: list[Cap],
) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """(shares, human tokens lost by language and length) of one crawl under each cap."""
    candidates = judge(table, configuration, detectors)
    tokens = np.asarray(table["token_count"], np.int64)
    judged = ~np.asarray(table["detector_abstained"].fill_null(True))
    length = [f"{LENGTHS[k]}+ tokens" for k in np.digitize(tokens, LENGTHS) - 1]
    about = {"language": table["language"].to_pylist(), "length": length, "judged": judged.astype(str)}
    before = tokens[machine].sum() / tokens.sum()
    stated = float((tokens * candidates.probability.astype(float)).sum() / tokens.sum())
    for chosen in requests:
        asked = str(chosen.max_synthetic)
        about_cap = {"guarantee": chosen.guarantee, "policy": chosen.policy}
        request = cap_request(chosen)
        offered = candidates.documents(request)
        rule = cap.find_rule([offered], request)
        keep = cap.apply(rule, offered)
        weight = tokens * (1.0 if (factor := cap.weigh(rule, offered)) is None else factor)
        total = max(weight[keep].sum(), 1e-9)
        human = ~machine
        yield (
            {
                **about_cap,
                "margin": float(chosen.margin),
                "asked": float(asked),
                "before": before,
                "stated": stated,
                "claimed": (weight * offered.probability)[keep].sum() / total,
                "true": weight[keep & machine].sum() / total,
                "found": weight[keep & (offered.probability >= request.threshold)].sum() / total,
                "lost": tokens[human & ~keep].sum() / max(tokens[human].sum(), 1),
                "lost_judged": tokens[human & judged & ~keep].sum() / max(tokens[human & judged].sum(), 1),
                "binds": bool((~keep).any()),
            },
            _losses(about, tokens, keep, human).assign(**about_cap, asked=asked),
        )


def _losses(
    about: dict[str, list[str]], tokens: np.ndarray, keep: np.ndarray, human: np.ndarray
) -> pd.DataFrame:
    """Human tokens and how many of them are gone, by (what, which)."""
    frame = pd.DataFrame({**about, "tokens": tokens, "gone": tokens * ~keep})[human]
    parts = [frame.groupby(name)[["tokens", "gone"]].sum().rename_axis("which") for name in about]
    return pd.concat(parts, keys=list(about), names=["what"]).reset_index()


def judge(table: pa.Table, configuration: Configuration, detectors: CalibratedDetectors) -> Candidates:
    """One crawl through the first passes of the select stage."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/crawl.parquet"
        pq.write_table(table.drop_columns(["text"]), path, compression="none")
        no_clusters = CLUSTERS.empty_table().append_column("row", pa.array([], pa.int64()))
        rows = read_shard(STORAGE, path, no_clusters, detectors)
    counts = merge_counts([detectors.count(rows.scored, rows.proven, rows.open)])
    crawl = calibrate_crawl(detectors, counts, configuration.prior)
    sites = merge_sites([shard_sites(rows.scored, rows.proven, rows.open, crawl)])
    clustering = find_clustering([site_statistics(sites)])
    effects = site_effects(sites, clustering)
    clustering = replace(clustering, shift=mean_shift(log_odds_counts(effects)))
    return judge_shard(rows, replace(crawl, clustering=clustering), configuration.cap, effects)


def print_shares(frame: pd.DataFrame) -> None:
    """Shares by mixture, then what the targets are about: over all runs in which something was dropped."""
    print(
        "\n| guarantee | policy | asked | mixture | old | sites | before | claimed | found | true | human lost | of judged |"
    )
    print("|---|---|---:|---:|---|---|---:|---:|---:|---:|---:|---:|")
    keys = ["guarantee", "policy", "asked", "share", "old", "clustered"]
    for key, part in frame.groupby(keys, sort=False):
        mean = part[["before", "claimed", "found", "true", "lost", "lost_judged"]].mean()
        names = [str(v) for v in key[:3]] + [
            f"{key[3]:g}",
            "yes" if key[4] else "no",
            "clustered" if key[5] else "random",
        ]
        print("| " + " | ".join(names + [f"{value:.3f}" for value in mean]) + " |")
    print(
        "\n| guarantee | policy | asked | binds | median true/asked | 90% | most | within 1.05 | above 1.25 | above, at most (95%) | human lost to .35 |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for key, part in frame.groupby(keys[:3], sort=False):
        bound = part[part.binds]
        ratio = (bound.true / bound.asked).to_numpy()
        if not len(ratio):
            continue
        above = int((ratio > 1).sum())
        most = beta.ppf(0.95, above + 1, len(ratio) - above) if above < len(ratio) else 1.0
        values = [
            np.median(ratio),
            np.quantile(ratio, 0.9),
            ratio.max(),
            (ratio <= NEAR).mean(),
            (ratio > NEVER).mean(),
        ]
        values += [most, part[part.share <= 0.35].lost_judged.mean()]
        print(
            "| " + " | ".join([*map(str, key), f"{len(ratio)}", *(f"{value:.3f}" for value in values)]) + " |"
        )


def print_losses(lost: pd.DataFrame) -> None:
    """Share of the human tokens that are lost, by language, by length and by whether a detector judged them."""
    columns = ["guarantee", "policy", "asked"]
    sums = lost.groupby(["what", "which", *columns], sort=False)[["tokens", "gone"]].sum()
    shares = (sums.gone / sums.tokens.clip(lower=1)).unstack(columns)
    weight = sums.tokens.groupby(level=["what", "which"]).first()
    print(
        "\n| human tokens lost | tokens in all | "
        + " | ".join(" ".join(key) for key in shares.columns)
        + " |"
    )
    print("|---|---:|" + "---:|" * len(shares.columns))
    for what in ("judged", "length", "language"):
        for which in weight[what].sort_values(ascending=False).index[:MOST_LANGUAGES]:
            values = " | ".join(f"{value:.3f}" for value in shares.loc[(what, which)])
            print(f"| {what} {which} | {weight[what][which]:,} | {values} |")


if __name__ == "__main__":
    main()
