"""Deduplication by datatrove, in its own environment: `PYTHON _datatrove.py pages FOLDER NAMES OUTPUT` or `… texts OUTPUT BUCKETS HASHES`.

As in its example of MinHash deduplication: pages, Trafilatura, JSON lines; then signatures, buckets, clusters and what is kept, one task each.
With `texts` the JSON lines lie in OUTPUT/texts already. What is kept lies in OUTPUT/kept.
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


def read_pages(crawl: str, names: str, output: str) -> None:
    """Extract the main text of pages."""
    steps = [WarcReader(crawl, glob_pattern=names), Trafilatura(timeout=5), JsonlWriter(f"{output}/texts")]
    LocalPipelineExecutor(steps, logging_dir=f"{output}/logs/texts").run()


def deduplicate(output: str, config: MinhashConfig) -> None:
    """Run the four steps one after the other, in this process."""
    steps = (
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
        tasks = config.num_buckets if number == 1 else 1
        LocalPipelineExecutor(
            steps_of_task, tasks=tasks, workers=1, logging_dir=f"{output}/logs/{number}"
        ).run()


def main(what: str, *given: str) -> None:
    """From pages, or from texts."""
    if what == "pages":
        read_pages(*given)
        deduplicate(given[-1], MinhashConfig())
    else:
        output, buckets, hashes = given
        deduplicate(output, MinhashConfig(num_buckets=int(buckets), hashes_per_bucket=int(hashes)))


if __name__ == "__main__":
    main(*sys.argv[1:])
