"""The select stage measured as a whole, first and again under another cap, on generated shards of real evidence.

    python scripts/bench select [--sizes 100000,1000000]

Rows are documents of the shared crawl drawn again and again under new ids, hosts and times of capture, those of one site
of similar scores, every tenth a near-duplicate; a fresh process runs the stage on Beam's in-process runner. Memory is its
peak beyond what it held after a small run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.runner import Runner
from pipelines.select import DecisionTask, JudgeShards, Select, SelectionTasks
from provenance.configuration import Configuration
from provenance.decisions.detectors import embedded_scores, load_detectors
from provenance.duplicates.sketches import ROW_BITS
from provenance.duplicates.table import CLUSTERS
from provenance.files.shards import ROW_GROUP_ROWS
from provenance.files.workspace import Shard
from provenance.schema import TIME
from scripts.bench.measuring import in_fresh_process, peak, resident
from scripts.bench.stages import STORAGE, crawl_copies, run_stage, write_clusters

#: Rows of a shard, as a WARC of Common Crawl holds them, and documents of a site.
SHARD_ROWS, SITE_DOCUMENTS = 25_000, 20
SMALL = 2_000
#: Every tenth row is a near-duplicate of the one before.
DUPLICATES = 10


def real_documents(folder: Path) -> pa.Table:
    """The documents of a few crawl files as annotate makes them, without their text."""
    run_stage("annotate", folder / "workspace", crawl_copies(folder / "crawl", 1))
    paths = sorted((folder / "workspace" / "annotated").glob("*.parquet"))
    names = [
        name for name in pq.read_schema(paths[0]).names if name not in ("text", "minhash", "text_digest")
    ]
    table = pa.concat_tables([pq.read_table(path, columns=names) for path in paths])
    table = table.filter(pc.is_null(table["outcome"])).combine_chunks()
    score, _ = embedded_scores(table["detectors"].combine_chunks())
    return table.take(pa.array(np.argsort(score, kind="stable")))


def write_rows(folder: Path, documents: int, real: pa.Table) -> None:
    """Shards of generated rows and the clusters of their near-duplicates; `real` stands by ascending score."""
    many = max(documents // SITE_DOCUMENTS, 1)
    typical = np.random.default_rng(5).random(many)
    (folder / "shards").mkdir(parents=True)
    clusters = []
    for index, start in enumerate(range(0, documents, SHARD_ROWS)):
        rows = min(SHARD_ROWS, documents - start)
        random = np.random.default_rng([4, index])
        of = random.integers(0, many, rows)
        place = np.abs(typical[of] + random.normal(0, 0.25, rows)) % 1
        drawn = real.take(pa.array((place * len(real)).astype(np.int64)))
        ids = random.bytes(16 * rows)
        sites = [f"{site}.example" for site in of]
        days = random.integers(17_000, 20_400, rows)  # 2016 to 2025
        columns = {
            "doc_id": pa.array([ids[16 * i : 16 * i + 16].hex() for i in range(rows)]),
            "host": pa.array(sites),
            "domain": pa.array(sites),
            "capture_time": pa.array(days * 86_400_000_000).cast(TIME),
            "word_sample": _words(random, rows),
        }
        for name, values in columns.items():
            drawn = drawn.set_column(drawn.schema.get_field_index(name), name, values)
        pq.write_table(
            drawn,
            folder / "shards" / f"{index:05}.parquet",
            row_group_size=ROW_GROUP_ROWS,
            compression="zstd",
        )
        clusters.append(_pairs(columns["doc_id"], columns["capture_time"], index))
    write_clusters(str(folder / "clusters.json"), pa.concat_tables(clusters))


def _words(random: np.random.Generator, rows: int) -> pa.ListArray:
    """Sixteen sampled words for each row, every fourth of them held by hardly any other row."""
    words = random.zipf(1.3, (rows, 16)).astype(np.uint64) * np.uint64(0x9E3779B1) & np.uint64(0xFFFFFFFF)
    words[:, ::4] = random.integers(0, 1 << 32, (rows, 4))
    words.sort(axis=1)
    ends = pa.array(np.arange(0, words.size + 1, 16, dtype=np.int32))
    return pa.ListArray.from_arrays(ends, pa.array(words.reshape(-1).astype(np.uint32)))


def _pairs(ids: pa.Array, times: pa.Array, shard: int) -> pa.Table:
    """Clusters of two rows beside each other."""
    keeper = np.arange(0, len(ids) - 1, DUPLICATES)
    address = np.stack([keeper, keeper + 1], axis=1).reshape(-1)
    of = np.repeat(keeper, 2)
    at = address == of
    base = np.uint64(shard << ROW_BITS)
    columns = {
        "address": address.astype(np.uint64) + base,
        "keeper": of.astype(np.uint64) + base,
        "keeper_doc_id": ids.take(pa.array(of)),
        "similarity": pa.array(np.full(len(of), 0.9, np.float32)),
        "removed": np.zeros(len(of), bool),
        "duplicate_count": pa.array(np.ones(len(of), np.int64), mask=~at),
        "earliest_capture": pc.if_else(pa.array(at), times.take(pa.array(of)), pa.scalar(None, TIME)),
        "proven_by": pc.if_else(pa.array(at), times.take(pa.array(of)), pa.scalar(None, TIME)),
        "witness": pc.if_else(pa.array(at), ids.take(pa.array(of)), pa.scalar(None, pa.string())),
    }
    nulls = {field.name: pa.nulls(len(of), field.type) for field in CLUSTERS if field.name not in columns}
    return pa.table({name: {**columns, **nulls}[name] for name in CLUSTERS.names}, schema=CLUSTERS)


def select(folder: Path, cap: float, judge: bool = True) -> None:
    """The stage over the shards of a folder, or a choice among what is judged."""
    configuration = Configuration.model_validate({"cap": {"max_synthetic": cap}})
    paths = sorted((folder / "shards").glob("*.parquet"))
    shards = []
    for index, path in enumerate(paths):
        rows = pq.read_metadata(path).num_rows
        shards.append(Shard(index, path.stem, str(path), content="", rows=rows, documents=rows))
    tasks = SelectionTasks(
        storage=STORAGE,
        clusters_path=str(folder / "clusters.json"),
        crawl_path=str(folder / "crawl.json"),
        cap=configuration.cap,
        prior=configuration.prior,
        detectors=load_detectors(configuration),
        scratch_directory=str(folder / "scratch"),
        judged_directory=str(folder / "judged"),
        documents=sum(shard.documents for shard in shards),
        sites_path=str(folder / "sites.parquet"),
    )
    work = [DecisionTask(shard, str(folder / "decisions" / f"{shard.index:05}.parquet")) for shard in shards]
    if judge:
        Runner().run(
            lambda pipeline: pipeline | "Shards" >> beam.Create(work) | "Judge" >> JudgeShards(tasks)
        )
    Runner().run(lambda pipeline: pipeline | "Shards" >> beam.Create(work) | "Select" >> Select(tasks))


def measure(folder: Path) -> dict[str, float]:
    """The stage in this process, after a small run of it, and again under another cap."""
    select(folder / "small", 0.05)
    base, start = resident(), time.process_time()
    select(folder / "large", 0.05)
    first = time.process_time()
    select(folder / "large", 0.02, judge=False)
    return {"first": first - start, "again": time.process_time() - first, "beyond": peak() - base}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="100000,1000000")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(Path(options.measure))))
        return
    head = f"{'select stage, generated, CPU s':<34}{'first':>9}{'us/doc':>8}{'again':>8}{'us/doc':>8}"
    print(f"{head}{'MB beyond':>11}  target 10 us again")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real = real_documents(folder)
        write_rows(folder / "small", SMALL, real)
        for size in (int(text) for text in options.sizes.split(",")):
            write_rows(folder / "large", size, real)
            found = in_fresh_process("scripts.bench.selecting", "--measure", str(folder))
            print(
                f"{size:<34,}{found['first']:>9.1f}{found['first'] / size * 1e6:>8.1f}{found['again']:>8.1f}"
                f"{found['again'] / size * 1e6:>8.1f}{found['beyond'] / 1e6:>11.1f}",
                flush=True,
            )
            shutil.rmtree(folder / "large")


if __name__ == "__main__":
    main()
