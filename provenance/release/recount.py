"""Count the tokens of every published text again: the weights under the cap are no more than their counts are true.

The text and the tokenizer that the manifest names are all that is read. Texts in which personal data were masked were
counted before that, so they cannot be counted again; how many they are is said.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.annotators.columns import read_column
from provenance.annotators.tokens import Tokenizer, TokenizerError, load_tokenizer
from provenance.errors import UsageError
from provenance.files.storage import Storage, join
from provenance.release.findings import Findings
from provenance.release.layout import data_files
from provenance.release.manifest import read_manifest

#: Rows read at a time; texts of a few kB make some megabytes.
_ROWS = 2048


def recount_tokens(storage: Storage, release: str, tokenizer: str | None, findings: Findings) -> None:
    """Add a problem for each published file with texts that have other counts than it says.

    `tokenizer` is the path of the tokenizer's file; None: the one that ships.

    Raises:
        UsageError: where it is no tokenizer, or not the one that the manifest names.
        ReleaseError: where there is no finished release.
    """
    manifest = read_manifest(storage, release)
    counter, named = _load(tokenizer), manifest["tokenizer"]
    if counter.sha256 != named["sha256"]:
        raise UsageError(
            f"--recount: {release} was counted by the tokenizer {named['name']!r} (SHA-256 {named['sha256']}), and this is "
            f"{counter.name!r} ({counter.sha256}); give the tokenizer's file: --recount FILE"
        )
    policies = manifest["configuration"]["personal_data"]
    kinds = sorted(kind for kind, policy in policies.items() if policy == "mask")
    masked = 0
    for item in data_files(manifest):
        try:
            with storage.open(join(release, item["path"])) as file:
                parquet = pq.ParquetFile(file, pre_buffer=False)
                masked += _recount(parquet, item["path"], counter, kinds, findings)
        except (
            OSError,
            pa.ArrowException,
            KeyError,
        ) as error:  # what is wrong with the file, `verify` says in full
            lines = str(error).splitlines() or [type(error).__name__]
            findings.problems.append(f"{item['path']}: its tokens cannot be counted again: {lines[0]}")
    if masked:
        findings.remarks.append(
            f"token_count: {masked:,} texts in which personal data were masked were counted before that, and not again"
        )


def _load(path: str | None) -> Tokenizer:
    try:
        return load_tokenizer(path)
    except TokenizerError as error:
        raise UsageError(f"--recount: {str(error).removeprefix('text.tokenizer: ')}") from error


def _recount(
    file: pq.ParquetFile, path: str, counter: Tokenizer, kinds: list[str], findings: Findings
) -> int:
    """Texts of a file that were left out as masked; adds one problem at most: how many counts differ, and the first."""
    columns = ["doc_id", "text", "token_count", *(["personal_data"] if kinds else [])]
    wrong, first, masked = 0, "", 0
    for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
        whole = np.ones(batch.num_rows, bool)
        for kind in kinds:
            counts = pc.struct_field(batch["personal_data"], kind).fill_null(0)
            whole &= np.asarray(counts) == 0
        tokens = counter.count(read_column(batch, "text", pa.large_string()))
        stated = np.asarray(batch["token_count"].fill_null(-1), np.int64)
        other = np.flatnonzero((tokens != stated) & whole)
        if len(other) and not wrong:
            row = int(other[0])
            first = f"document {batch['doc_id'][row]} has {tokens[row]:,}, not {stated[row]:,}"
        wrong, masked = wrong + len(other), masked + int((~whole).sum())
    if wrong:
        findings.problems.append(
            f"{path}: {wrong:,} texts have another number of tokens than token_count says; {first}"
        )
    return masked
