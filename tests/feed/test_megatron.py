"""Megatron Core itself reads an export of tokens: its index, and the samples that it packs for training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import tokenizers

from tests.program import run

pytest.importorskip("megatron.core", reason="megatron-core is not installed")

LENGTH = 128
#: Runs in a process of its own: Megatron wants a process group.
PROGRAM = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
import torch
from megatron.core import parallel_state
from megatron.core.datasets.blended_megatron_dataset_builder import BlendedMegatronDatasetBuilder
from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
from megatron.core.datasets.indexed_dataset import IndexedDataset

class End:
    def __init__(self, end):
        self.eod, self.pad, self.vocab_size, self.unique_identifiers = end, -1, end + 1, {"end": end}

here, length, end, *prefixes = sys.argv[1:]
torch.distributed.init_process_group("gloo", init_method=f"file://{here}/meeting", rank=0, world_size=1)
parallel_state.initialize_model_parallel()
documents = [dataset[i].tolist() for dataset in map(IndexedDataset, prefixes) for i in range(len(dataset))]
config = GPTDatasetConfig(
    random_seed=1, sequence_length=int(length), blend=(prefixes, None), split="1,0,0", path_to_cache=f"{here}/cache",
    tokenizer=End(int(end)), reset_position_ids=False, reset_attention_mask=False, eod_mask_loss=True,
)
samples = BlendedMegatronDatasetBuilder(GPTDataset, [40, 0, 0], lambda: True, config).build()[0]
rows = [[*samples[i]["tokens"].tolist(), samples[i]["labels"].tolist()[-1]] for i in range(40)]
json.dump({"documents": documents, "rows": rows}, open(f"{here}/read.json", "w"))
"""


def test_megatron_reads_all_documents_and_packs_samples_of_them(
    blocks_release: Path, tmp_path: Path, tokenizer_file: Path
) -> None:
    out = tmp_path / "out"
    ended = run("export", blocks_release, "--to", "tokens", "--output", out, "--shard-bytes", 200_000)
    assert ended.code == 0, ended.err
    end = json.loads((out / "export.json").read_text())["format"]["end_of_document"]
    prefixes = [str(path.with_suffix("")) for path in sorted((out / "data").glob("*.idx"))]
    assert len(prefixes) > 1
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(LENGTH), str(end), *prefixes]
    ended_reader = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended_reader.returncode == 0, ended_reader.stderr
    read = json.loads((tmp_path / "read.json").read_text())
    library = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    texts = library.decode_batch([document[:-1] for document in read["documents"]])
    assert texts == pq.read_table(blocks_release / "data", columns=["text"])["text"].to_pylist()
    whole = [f" {' '.join(map(str, document))} " for document in read["documents"]]
    for row in read["rows"]:
        assert len(row) == LENGTH + 1
        for piece in _pieces(row, end):
            wanted = f" {' '.join(map(str, piece))} "
            assert any(wanted in document for document in whole)


def _pieces(row: list[int], end: int) -> list[list[int]]:
    """A sample cut behind each end of a document."""
    pieces: list[list[int]] = [[]]
    for token in row:
        pieces[-1].append(token)
        if token == end:
            pieces.append([])
    return [piece for piece in pieces if piece]
