"""Stage 4: write the data and ledger files of a release, each a task of its own.

A task leaves its counts in the workspace after its file is complete, so they reach the driver on any runner.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa

from provenance.configuration import Configuration
from provenance.decisions.certificate import cap_request
from provenance.files.storage import Storage, join, read_bytes, write_bytes
from provenance.release.parts import Part, write_data, write_ledger


@dataclass
class WriteParts(beam.PTransform):
    """From planned files to one result for each: its counts, size and digest.

    Attributes:
        storage: where shards, decisions and the release are.
        release: directory of the release.
        schema: schema of the data files.
        configuration: form and order of the data files, and the cap's threshold for their counts.
        counts: directory of the workspace where each task leaves its counts.
        fingerprint: of everything that decides the files.
    """

    storage: Storage
    release: str
    schema: pa.Schema
    configuration: Configuration

    counts: str
    fingerprint: str

    def expand(self, parts: beam.PCollection[Part]) -> beam.PCollection[str]:
        return parts | "Spread" >> beam.Reshuffle() | "Write" >> beam.Map(self._write)

    def _write(self, part: Part) -> str:
        self.storage.delete(counts_path(self.counts, part))
        with self.storage.create(join(self.release, part.path)) as file:
            if part.path.startswith("ledger/"):
                counts = write_ledger(self.storage, part, file)
            else:
                options, request = self.configuration.release, cap_request(self.configuration.cap)
                counts = write_data(
                    self.storage, part, self.schema, file, options.row_group_bytes, options.seed, request
                )
        line = json.dumps({"fingerprint": self.fingerprint, **counts}).encode()
        write_bytes(self.storage, counts_path(self.counts, part), line)
        return part.path


def counts_path(directory: str, part: Part) -> str:
    """Where a task leaves the counts of its file."""
    return join(directory, part.path.replace("/", "-") + ".json")


def read_counts(
    storage: Storage, directory: str, part: Part, release: str, fingerprint: str
) -> dict[str, Any] | None:
    """What was counted of a finished file, or None where it has to be written (again)."""
    path = counts_path(directory, part)
    written = storage.info(join(release, part.path))
    if written is None or storage.info(path) is None:
        return None
    counts: dict[str, Any] = json.loads(read_bytes(storage, path))
    if counts.pop("fingerprint") != fingerprint or counts["bytes"] != written.size:
        return None
    return counts
