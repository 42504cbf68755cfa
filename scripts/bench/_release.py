"""Stage 4 without Beam: its functions called one after the other, to measure what the runner adds."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from provenance.configuration import Configuration
from provenance.decisions.certificate import cap_request
from provenance.duplicates import LocalScratch
from provenance.files.storage import LocalStorage, join
from provenance.files.workspace import Shard
from provenance.release.blocks import (
    Dealing,
    Scatter,
    gather,
    merge_surveys,
    plan_chunks,
    survey_shard,
)
from provenance.release.ledger import plan_ledger, write_ledger
from provenance.release.order import plan_order, windows_for
from provenance.release.parts import DataFormat, plan_data, write_data
from provenance.release.splits import ShardPaths, SplitTable

STORAGE = LocalStorage()


def write_release(
    shards: list[Shard],
    paths: list[ShardPaths],
    release: Path,
    configuration: Configuration,
    schema: pa.Schema,
) -> None:
    """Stage 4, its data and ledger."""
    options = configuration.release
    form = DataFormat(schema, options.row_group_bytes, cap_request(configuration.cap))
    dealing = Dealing(options.seed, windows_for(sum(shard.text_bytes for shard in shards)), SplitTable())
    survey = merge_surveys([survey_shard(STORAGE, *item, dealing) for item in enumerate(paths)])
    order = plan_order(
        survey.cells, survey.windows, splits=1, shard_bytes=options.shard_bytes, parts=options.parts
    )
    parts = plan_data(order, (None,))
    scratch = LocalScratch(release / "scratch")
    scatter = Scatter(
        storage=STORAGE,
        scratch=scratch,
        shards=tuple(paths),
        schema=form.schema,
        dealing=dealing,
        order=order,
        parts=frozenset(range(len(parts))),
    )
    chunks = enumerate(plan_chunks(survey.blocks, order))
    dealt = [item for number, chunk in chunks for item in scatter.deal(number, chunk)]
    for part in parts:
        pieces = [piece for number, piece in dealt if number == part.number]
        with STORAGE.create(join(str(release), part.path)) as file:
            write_data(part, gather(scratch, pieces, form.schema, options.seed), file=file, form=form)
    for ledger in plan_ledger([(path, shard.rows) for path, shard in zip(paths, shards, strict=True)]):
        with STORAGE.create(join(str(release), ledger.path)) as file:
            write_ledger(STORAGE, ledger, file)
