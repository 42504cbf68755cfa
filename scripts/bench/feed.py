"""A release read by a training job, `Feed` beside HF datasets' streaming, each in a process of its own: `python scripts/bench feed`.

One column, `text`, shuffled, in batches of 64. The release is made of the demo's texts, words shuffled, until it holds `--megabytes`
of text in row groups of 16 MiB. MosaicML streaming needs an environment of its own: `--mds PYTHON` names its interpreter.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from provenance.release.manifest import write_json
from scripts.bench.measuring import in_fresh_process, peak

_GROUP = 16 << 20
_COLUMNS = ["doc_id", "text", "token_count", "url"]
#: What MosaicML streaming is asked, in its own interpreter; MB of processor time, seconds to the first batch, peak in MB.
_MDS = """
import json, pathlib, sys, time
from streaming import StreamingDataset
from torch.utils.data import DataLoader
wall, processor, size, first = time.time(), time.process_time(), 0, None
for batch in DataLoader(StreamingDataset(local=sys.argv[1], shuffle=True, batch_size=64), batch_size=64):
    first = first or time.time() - wall
    size += sum(map(len, batch["text"]))
high = int(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1e3
print(json.dumps({"speed": size / 1e6 / (time.process_time() - processor), "first": first, "peak": high}))
"""


def make_release(folder: Path, megabytes: int) -> Path:
    """A release of one file with so much text."""
    demo, release = folder / "demo", folder / "release"
    command = [sys.executable, "-m", "pipelines.command", "demo", "--output", str(demo), "--quiet"]
    subprocess.run(command, check=True, capture_output=True)
    table = ds.dataset(demo / "data").to_table(columns=_COLUMNS)
    words = [text.split(" ") for text in table["text"].to_pylist()]
    rng = np.random.default_rng(0)
    path = release / "data/part-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    written = 0
    with pq.ParquetWriter(path, table.schema, compression="zstd", write_page_checksum=True) as writer:
        while written < megabytes * 1_000_000:
            parts, size = [], 0
            while size < _GROUP:
                texts = [" ".join(item[at] for at in rng.permutation(len(item))) for item in words]
                size += sum(len(text.encode()) for text in texts)
                parts.append(table.set_column(1, "text", pa.array(texts, table.schema.field("text").type)))
            group = pa.concat_tables(parts).combine_chunks()
            writer.write_table(group, row_group_size=len(group))
            written += size
    manifest: dict[str, Any] = json.loads((demo / "manifest.json").read_text())
    name = str(path.relative_to(release))
    manifest["files"] = [{"path": name, "bytes": path.stat().st_size, "sha256": "0" * 64}]
    (release / "manifest.json").write_bytes(write_json(manifest))
    return release


def read(batches: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Speed, time to the first batch and memory of a reader, in this process."""
    wall, processor, size, first = time.perf_counter(), time.process_time(), 0, 0.0
    for batch in batches:
        first = first or time.perf_counter() - wall
        size += sum(map(len, batch["text"]))
    return {"speed": size / 1e6 / (time.process_time() - processor), "first": first, "peak": peak() / 1e6}


def read_feed(release: str) -> dict[str, float]:
    from provenance.feed import Feed, open_release

    return read(Feed(open_release(release, ["text"]), batch_size=64, seed=1))


def read_datasets(release: str) -> dict[str, float]:
    from datasets import load_dataset

    files = f"{release}/data/*.parquet"
    stream = load_dataset("parquet", data_files=files, split="train", streaming=True, columns=["text"])
    return read(stream.shuffle(seed=1, buffer_size=1000).batch(64))


READERS = {"Feed": read_feed, "HF datasets, streaming": read_datasets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=340)
    parser.add_argument(
        "--mds", metavar="PYTHON", help="interpreter with mosaicml-streaming and this package"
    )
    parser.add_argument("--reader", nargs=2, metavar=("NAME", "RELEASE"), help="one reader, in this process")
    options = parser.parse_args()
    if options.reader:
        print(json.dumps(READERS[options.reader[0]](options.reader[1])))
        return
    with tempfile.TemporaryDirectory() as name:
        release = make_release(Path(name), options.megabytes)
        print(f"{'reader':<26}{'MB/s of processor time':>24}{'first batch, s':>16}{'peak, MB':>10}")
        for reader in READERS:
            _tell(reader, in_fresh_process("scripts.bench.feed", "--reader", reader, str(release)))
        if options.mds:
            shards = f"{name}/mds"
            export = ["export", str(release), "--to", "mds", "--columns", "text", "--output", shards]
            subprocess.run([options.mds, "-m", "pipelines.command", *export], check=True, capture_output=True)
            done = subprocess.run(
                [options.mds, "-c", _MDS, f"{shards}/data"], check=True, capture_output=True
            )
            _tell("MosaicML streaming", json.loads(done.stdout.splitlines()[-1]))


def _tell(reader: str, found: dict[str, float]) -> None:
    print(f"{reader:<26}{found['speed']:>24.0f}{found['first']:>16.2f}{found['peak']:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
