"""Extraction and MinHash deduplication by datatrove, in its own environment: `PYTHON _datatrove.py FOLDER NAMES OUTPUT`.

As in its example of MinHash deduplication: pages, Trafilatura, JSON lines; then signatures, buckets, clusters and what is kept, one task each.
"""

import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter


def main(crawl: str, names: str, output: str) -> None:
    """Run the five steps one after the other, in this process."""
    config = MinhashConfig()
    steps = (
        [WarcReader(crawl, glob_pattern=names), Trafilatura(timeout=5), JsonlWriter(f"{output}/texts")],
        [
            JsonlReader(f"{output}/texts"),
            MinhashDedupSignature(f"{output}/signatures", config, language="en"),
        ],
        [MinhashDedupBuckets(f"{output}/signatures", f"{output}/buckets", config=config)],
        [MinhashDedupCluster(f"{output}/buckets", f"{output}/remove", config=config)],
        [
            JsonlReader(f"{output}/texts"),
            MinhashDedupFilter(f"{output}/remove"),
            JsonlWriter(f"{output}/kept"),
        ],
    )
    for number, steps_of_task in enumerate(steps):
        tasks = config.num_buckets if number == 2 else 1
        LocalPipelineExecutor(
            steps_of_task, tasks=tasks, workers=1, logging_dir=f"{output}/logs/{number}"
        ).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
