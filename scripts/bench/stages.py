"""The stages measured: Beam's share of a whole run, deduplication by size, and memory by size of the crawl.

    python scripts/bench stages [--only beam|deduplicate|memory] [--sizes 100000,1000000] [--repeats 3]

Memory is the peak of a fresh process beyond what it held after a small run of the same stage.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.components import choose_keepers
from pipelines.deduplicate import DeduplicationTasks, FindEdges
from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.publish import SurveyShards, WriteParts
from pipelines.runner import Runner
from pipelines.select import DecisionTask, JudgeShards, Select, SelectionTasks
from provenance.annotate import Annotation, annotate_records
from provenance.configuration import Configuration
from provenance.decisions import cap
from provenance.decisions.certificate import cap_request
from provenance.decisions.counts import merge_counts
from provenance.decisions.crawl import calibrate_crawl
from provenance.decisions.detectors import load_detectors
from provenance.decisions.rows import read_clusters, read_shard
from provenance.decisions.shard import decide, judge_shard
from provenance.duplicates import LocalScratch, deduplicate_local
from provenance.duplicates.documents import ShardDocuments
from provenance.duplicates.table import CLUSTERS, clusters_table, shard_facts
from provenance.files.inputs import find_inputs
from provenance.files.shards import write_shard
from provenance.files.storage import LocalStorage, write_bytes
from provenance.files.workspace import Shard
from provenance.release.blocks import release_schema
from provenance.release.publication import Publication
from provenance.release.splits import ShardPaths
from provenance.schema import EVIDENCE, TIME
from scripts.bench._release import write_release
from scripts.bench.duplicates import generated
from scripts.bench.measuring import in_fresh_process, need_crawl, peak, processor_with_children, resident

FILES = ("mini-crawl-a-00000.warc.gz", "mini-crawl-b-00001.warc.gz", "mini-crawl-text-00004.warc.gz")
STORAGE = LocalStorage()


def crawl_copies(folder: Path, times: int) -> Path:
    """A directory of links to the crawl files, each under several names."""
    crawl = need_crawl()
    folder.mkdir()
    for copy in range(times):
        for name in FILES:
            (folder / f"{copy:02}-{name}").symlink_to(crawl / name)
    return folder


def by_beam(inputs: Path, folder: Path, configuration: Configuration) -> None:
    """The four stages as `curate` runs them."""
    job = Job(STORAGE, str(folder / "workspace"), configuration, Runner(), Progress(quiet=True))
    job.annotate(find_inputs(STORAGE, [str(inputs)])[0])
    job.deduplicate()
    job.select()
    job.publish(str(folder / "release"))


def by_loop(inputs: Path, folder: Path, configuration: Configuration, annotation: Annotation) -> None:
    """The functions of the four stages, called one after the other."""
    shards = annotate_files(inputs, folder, annotation)
    clusters_path = str(folder / "clusters.json")
    find_duplicates(shards, folder, clusters_path, configuration)
    paths = decide_shards(shards, folder, clusters_path, configuration)
    write_release(shards, paths, folder / "release", configuration, release_schema(annotation.schema))


def annotate_files(inputs: Path, folder: Path, annotation: Annotation) -> list[Shard]:
    """Stage 1."""
    shards: list[Shard] = []
    for item in find_inputs(STORAGE, [str(inputs)])[0]:
        path = str(folder / "annotated" / f"{item.name}.parquet")
        with STORAGE.open(item.path) as stream, STORAGE.create(path) as file:
            batches = annotate_records(stream, item, annotation)
            counts = write_shard(batches, annotation.schema, file, item=item, fingerprint="bench")
        rows, documents = counts.rows, counts.documents
        shards.append(
            Shard(len(shards), item.name, path, content=counts.content, rows=rows, documents=documents)
        )
    return shards


def find_duplicates(
    shards: list[Shard], folder: Path, clusters_path: str, configuration: Configuration
) -> None:
    """Stage 2."""
    documents = ShardDocuments(STORAGE, tuple(shards), configuration.duplicates.keep)
    clusters = deduplicate_local(
        LocalScratch(folder / "scratch"),
        documents.blocks,
        documents.sketches,
        documents.keys,
        threshold=configuration.duplicates.threshold,
    )
    facts = partial(shard_facts, read_rows=documents.facts)
    write_clusters(clusters_path, clusters_table(clusters, facts, configuration.witness.threshold))


def write_clusters(path: str, table: pa.Table) -> None:
    """One file of clusters of all addresses, and the file that says so."""
    with STORAGE.create(path.replace(".json", ".parquet")) as file:
        pq.write_table(table, file, compression="zstd", row_group_size=1 << 16)
    write_bytes(STORAGE, path, json.dumps([[0, 1 << 63, Path(path).stem + ".parquet", len(table)]]).encode())


def decide_shards(
    shards: list[Shard], folder: Path, clusters_path: str, configuration: Configuration
) -> list[ShardPaths]:
    """Stage 3."""
    detectors = load_detectors(configuration)
    rows = [
        read_shard(STORAGE, shard.path, read_clusters(STORAGE, clusters_path, shard.index), detectors)
        for shard in shards
    ]
    scored = merge_counts(detectors.count(one.scored, one.proven, one.open) for one in rows)
    crawl = calibrate_crawl(detectors, scored, configuration.prior)
    found = [judge_shard(one, crawl, configuration.cap) for one in rows]
    request = cap_request(configuration.cap)
    parts = [one.documents(request) for one in found]
    rule = cap.find_rule(parts, request)
    paths = []
    for shard, one, part in zip(shards, found, parts, strict=True):
        paths.append(ShardPaths(shard.name, shard.path, str(folder / "decisions" / f"{shard.index}.parquet")))
        with STORAGE.create(paths[-1].decisions) as file:
            decisions = decide(one.decisions, one.open, cap.apply(rule, part), cap.weigh(rule, part))
            pq.write_table(decisions, file, compression="zstd")
    return paths


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor seconds of some work."""
    start, processor = time.perf_counter(), processor_with_children()
    work()
    return time.perf_counter() - start, processor_with_children() - processor


def beam_share(repeats: int) -> None:
    configuration = Configuration()
    annotation = Annotation(configuration)
    annotation.setup()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = crawl_copies(folder / "crawl", 3)
        small = folder / "small"
        small.mkdir()
        (small / FILES[0]).symlink_to(need_crawl() / FILES[0])
        by_beam(small, folder / "warm-beam", configuration)
        by_loop(small, folder / "warm-loop", configuration, annotation)
        whole, loop = [], []
        for _ in range(repeats):
            whole.append(timed(lambda: by_beam(inputs, folder / "beam", configuration)))
            loop.append(timed(lambda: by_loop(inputs, folder / "loop", configuration, annotation)))
            shutil.rmtree(folder / "beam")
            shutil.rmtree(folder / "loop")
    head = f"curate, {3 * len(FILES)} crawl files"
    print(f"{head:<34}{'wall s':>9}{'ratio':>7}{'CPU s':>9}{'ratio':>7}  target 1.15")
    base = [min(values) for values in zip(*loop, strict=True)]
    for name, runs in (("the same functions in a loop", loop), ("four stages on Beam", whole)):
        wall, processor = (min(values) for values in zip(*runs, strict=True))
        print(f"{name:<34}{wall:>9.2f}{wall / base[0]:>7.2f}{processor:>9.2f}{processor / base[1]:>7.2f}")


def write_generated(folder: Path, documents: int) -> tuple[Shard, ...]:
    """Ten shards with the columns that deduplication reads; signatures as in `scripts.bench.duplicates`."""
    shards = []
    for index in range(10):
        rows = documents // 10
        path = folder / f"{index}.parquet"
        writer = None
        for first in range(0, rows, 4096):
            count = min(4096, rows - first)
            start = index * rows + first
            signatures, digests = generated(start, start + count, documents)
            ids = np.random.default_rng([2, start]).bytes(16 * count)
            evidence = pa.ListArray.from_arrays(
                pa.array(np.zeros(count + 1, np.int32)), pa.array([], EVIDENCE.value_type), type=EVIDENCE
            )
            table = pa.table(
                {
                    "doc_id": [ids[16 * i : 16 * i + 16].hex() for i in range(count)],
                    "host": pa.array([f"{i % 1000}.example" for i in range(count)]),
                    "capture_time": pa.array(np.arange(start, start + count)).cast(TIME),
                    "evidence": evidence,
                    "token_count": pa.array(np.full(count, 500, np.int64)),
                    "word_count": pa.array(np.full(count, 400, np.int64)),
                    "minhash": _binary(signatures, 512),
                    "text_digest": _binary(digests, 16),
                }
            )
            writer = writer or pq.ParquetWriter(path, table.schema, compression="NONE", use_dictionary=False)
            writer.write_table(table)
        assert writer is not None
        writer.close()
        shards.append(_generated_shard(index, path, rows))
    return tuple(shards)


def _generated_shard(index: int, path: Path, rows: int) -> Shard:
    return Shard(index, f"{index}", str(path), content="", rows=rows, documents=rows)


def _binary(values: np.ndarray, width: int) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
    )


def run_deduplicate(folder: Path, shards: tuple[Shard, ...]) -> int:
    """The stage on Beam's in-process runner; returns how many documents lie in clusters."""
    contents = folder / "duplicates" / "clusters.json"
    configuration = Configuration()
    tasks = DeduplicationTasks(
        storage=STORAGE,
        shards=shards,
        options=configuration.duplicates,
        scratch_directory=str(folder / "scratch"),
        edges_path=str(folder / "scratch" / "verified.json"),
        clusters_path=str(contents),
        witness_threshold=configuration.witness.threshold,
    )
    Runner().run(
        lambda pipeline: (
            pipeline | "Blocks" >> beam.Create(range(len(tasks.blocks))) | "FindEdges" >> FindEdges(tasks)
        )
    )
    choose_keepers(Runner(), tasks, note=lambda _: None)
    files = [name for _, _, name, _ in json.loads(contents.read_text())]
    return sum(pq.read_metadata(contents.parent / name).num_rows for name in files)


def measure_deduplicate(documents: int) -> dict[str, float]:
    """One size in this process; the shards are made in another one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, sub in ((2_000, "small"), (documents, "large")):
            (folder / sub).mkdir()
            in_fresh_process("scripts.bench.stages", "--make", str(size), "--folder", str(folder / sub))
        shards = {
            sub: tuple(_generated_shard(i, folder / sub / f"{i}.parquet", size // 10) for i in range(10))
            for size, sub in ((2_000, "small"), (documents, "large"))
        }
        run_deduplicate(folder / "small", shards["small"])
        base, start, processor = resident(), time.perf_counter(), time.process_time()
        clustered = run_deduplicate(folder / "large", shards["large"])
        return {
            "seconds": time.perf_counter() - start,
            "processor": time.process_time() - processor,
            "clustered": clustered,
            "beyond": peak() - base,
        }


def deduplicate(sizes: list[int]) -> None:
    print(
        f"{'deduplicate stage, generated':<34}{'wall s':>9}{'CPU s':>8}{'us/doc':>8}{'clustered':>11}"
        f"{'MB beyond':>11}{'bytes/doc':>11}  target 300"
    )
    for size in sizes:
        found = in_fresh_process("scripts.bench.stages", "--deduplicate", str(size))
        print(
            f"{size:<34,}{found['seconds']:>9.1f}{found['processor']:>8.1f}"
            f"{found['processor'] / size * 1e6:>8.1f}{found['clustered']:>11,}"
            f"{found['beyond'] / 1e6:>11.1f}{found['beyond'] / size:>11.0f}",
            flush=True,
        )


def run_stage(stage: str, workspace: Path, inputs: Path) -> None:
    """Annotate a directory into a workspace, or publish all of its documents (no duplicates, no cap)."""
    configuration = Configuration.model_validate({"cap": {"max_synthetic": 1}})
    job = Job(STORAGE, str(workspace), configuration, Runner(), Progress(quiet=True))
    if stage == "annotate":
        job.annotate(find_inputs(STORAGE, [str(inputs)])[0])
        return
    shards = [DecisionTask(shard, job.workspace.decisions_path(shard)) for shard in job.workspace.shards()]
    write_clusters(job.workspace.clusters_path, CLUSTERS.empty_table())
    job.workspace.write_state("deduplicate", {"fingerprint": "bench"})
    tasks = SelectionTasks(
        storage=STORAGE,
        clusters_path=job.workspace.clusters_path,
        crawl_path=job.workspace.crawl_path,
        cap=configuration.cap,
        prior=configuration.prior,
        detectors=job.detectors,
        scratch_directory=job.workspace.path("scratch"),
        judged_directory=job.workspace.path("judged"),
        documents=sum(shard.documents for shard in job.workspace.shards()),
        sites_path=job.workspace.sites_path,
    )
    Runner().run(lambda pipeline: pipeline | "Shards" >> beam.Create(shards) | "Judge" >> JudgeShards(tasks))
    Runner().run(lambda pipeline: pipeline | "Shards" >> beam.Create(shards) | "Select" >> Select(tasks))
    publication = Publication(
        storage=STORAGE,
        workspace=job.workspace,
        configuration=configuration,
        annotated=job.annotation.schema,
        release=str(workspace / "release"),
        fingerprint="bench",
    )
    Runner().run(lambda pipeline: pipeline | "Survey" >> SurveyShards(publication.preparation))
    plan = publication.plan()
    write = WriteParts(publication, plan, frozenset(part.path for part in plan.parts))
    Runner().run(lambda pipeline: pipeline | "WriteParts" >> write)


def memory() -> None:
    print(f"{'peak memory of a fresh process':<34}{'1x MB':>9}{'10x MB':>9}{'ratio':>7}  target: flat")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for times in (1, 10):
            crawl_copies(folder / f"crawl-{times}", times)
        for stage in ("annotate", "publish"):
            peaks = [
                in_fresh_process(
                    "scripts.bench.stages",
                    f"--stage={stage}",
                    f"--folder={folder / f'workspace-{times}'}",
                    f"--inputs={folder / f'crawl-{times}'}",
                )["peak"]
                for times in (1, 10)
            ]
            print(
                f"{stage:<34}{peaks[0] / 1e6:>9.0f}{peaks[1] / 1e6:>9.0f}{peaks[1] / peaks[0]:>7.2f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("beam", "deduplicate", "memory"))
    parser.add_argument("--sizes", default="100000,1000000")
    parser.add_argument("--repeats", type=int, default=3)
    for hidden in ("--deduplicate", "--make"):
        parser.add_argument(hidden, type=int, help=argparse.SUPPRESS)
    for hidden in ("--stage", "--folder", "--inputs"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        write_generated(Path(options.folder), options.make)
        print(json.dumps({"documents": options.make}))
    elif options.deduplicate:
        print(json.dumps(measure_deduplicate(options.deduplicate)))
    elif options.stage:
        run_stage(options.stage, Path(options.folder), Path(options.inputs))
        print(json.dumps({"peak": peak()}))
    else:
        if options.only in (None, "beam"):
            beam_share(options.repeats)
        if options.only in (None, "deduplicate"):
            deduplicate([int(size) for size in options.sizes.split(",")])
        if options.only in (None, "memory"):
            memory()


if __name__ == "__main__":
    main()
