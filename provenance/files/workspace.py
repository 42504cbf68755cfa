"""The working directory of a job: which shard belongs to which input, and what each stage wrote.

Each stage leaves a state file, written last, whose fingerprint covers everything its output depends on;
a stage whose fingerprint is unchanged is not run again (promise 5: crash, resume and increment).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import xxhash

from provenance.errors import DataError
from provenance.files.inputs import InputFile
from provenance.files.spans import Span, input_of
from provenance.files.storage import FileInfo, Storage, join, read_bytes, write_bytes

FORMAT = 1


class WorkspaceError(DataError):
    """The workspace is not in the state that a stage needs; the message says what to run."""


@dataclass(frozen=True)
class Shard:
    """An annotated shard: the input or the span of one that it was made from, its path and what was counted in it."""

    index: int
    name: str
    path: str
    content: str
    rows: int
    documents: int
    text_bytes: int = 0  # of all its documents; older workspaces do not say
    carried: bool = False  # published before, and not read again

    @property
    def input(self) -> str:
        """The input that it was made from; several shards can be of one."""
        return input_of(self.name)


class Workspace:
    """Paths and state files below one directory."""

    def __init__(self, storage: Storage, directory: str) -> None:
        self.storage = storage
        self.directory = directory.rstrip("/")
        self._states: dict[str, tuple[FileInfo, dict[str, Any]]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Workers read for themselves: the states of 10,000 shards are megabytes."""
        return {**vars(self), "_states": {}}

    def path(self, *names: str) -> str:
        return join(self.directory, *names)

    def shard_path(self, name: str) -> str:
        """Path of the annotated shard of the input `name`; safe whatever the name holds."""
        return self.path("annotated", f"{shard_stem(name)}.parquet")

    def verdicts_path(self, shard: Shard) -> str:
        """What filters say of the rows of a shard."""
        return self.path("filters", f"{shard_stem(shard.name)}.parquet")

    def listing_path(self, number: int) -> str:
        """A list of hosts, addresses and documents, as filters look it up."""
        return self.path("filters", f"list-{number:03}.npz")

    def carried_path(self, shard: Shard) -> str:
        """What an earlier release decided of the rows of a shard of its documents."""
        return self.path("carried", f"{shard_stem(shard.name)}.parquet")

    def decisions_path(self, shard: Shard) -> str:
        return self.path("decisions", f"{shard_stem(shard.name)}.parquet")

    @property
    def clusters_path(self) -> str:
        """Which file has the clusters of which addresses."""
        return self.path("duplicates", "clusters.json")

    def clustered(self) -> int:
        """How many documents lie in clusters."""
        return sum(rows for *_, rows in json.loads(read_bytes(self.storage, self.clusters_path)))

    @property
    def verified_edges_path(self) -> str:
        """Where stage 2 names the files of its verified near-duplicates."""
        return self.path("edges", "verified.json")

    @property
    def sites_path(self) -> str:
        """What the files of hosts say of their pages."""
        return self.path("rights", "sites.parquet")

    @property
    def crawl_path(self) -> str:
        """What the select stage found out about its detectors."""
        return self.path("decisions", "crawl.json")

    @property
    def headway_directory(self) -> str | None:
        """Where workers say how far they are; None where that is no directory of this machine."""
        return None if "://" in self.directory else self.path("headway")

    def read_state(self, stage: str) -> dict[str, Any] | None:
        """What `stage` left when it last finished, or None."""
        path = self.path("state", f"{stage}.json")
        there = self.storage.info(path)
        if there is None:
            return None
        known = self._states.get(stage)
        if known is not None and known[0] == there:
            # Asked for some thirty times by a job; of 10,000 shards it takes 0.1 s each time.
            return dict(known[1])
        state: dict[str, Any] = json.loads(read_bytes(self.storage, path))
        if state.get("format") != FORMAT:
            raise WorkspaceError(
                f"{self.directory}: made by another version of the program (format {state.get('format')}, "
                f"this one writes {FORMAT}); name another --workspace or delete it"
            )
        self._states[stage] = there, state
        return dict(state)

    def write_state(self, stage: str, state: dict[str, Any]) -> None:
        self._states.pop(stage, None)
        # In one line: indented JSON is written by Python, at a tenth of the speed, and of 10,000 shards there are megabytes.
        data = json.dumps({"format": FORMAT, **state}, sort_keys=True, default=str)
        write_bytes(self.storage, self.path("state", f"{stage}.json"), data.encode())

    def clear_state(self, stage: str) -> None:
        """Forget that `stage` finished, before its output changes: a crash must not leave old words for new files."""
        self.storage.delete(self.path("state", f"{stage}.json"))

    def need_state(self, stage: str) -> dict[str, Any]:
        """State of a stage that must have finished.

        Raises:
            WorkspaceError: where it has not.
        """
        state = self.read_state(stage)
        if state is None:
            raise WorkspaceError(
                f"{self.directory}: stage {stage} has not finished here; run `provenance {stage}` first"
            )
        return state

    def shards(self) -> list[Shard]:
        """The annotated shards of the last finished annotate stage, in the order of their names."""
        # Paths are made anew, so that a workspace can be moved or copied.
        stated = self.need_state("annotate")["shards"]
        return [Shard(**{**item, "path": self.shard_path(item["name"])}) for item in stated]

    def identity(self) -> list[Any]:
        """What the shards hold: the annotators and the records, not the age or place of the input files."""
        state = self.need_state("annotate")
        return [state["fingerprint"], [[shard["name"], shard["content"]] for shard in state["shards"]]]

    def sweep(self) -> None:
        """Remove what killed processes left half written; nothing ever reads it, but it can be large."""
        for item in self.storage.list(self.directory):
            if item.path.endswith(".tmp"):
                self.storage.delete(item.path)


def shard_stem(name: str) -> str:
    """File name for an input's name: readable, at most 100 characters, distinct, without path tricks."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[-80:]
    return f"{readable}-{xxhash.xxh3_64_hexdigest(name.encode('utf-8', 'surrogateescape'))}"


def input_fingerprint(item: InputFile, configuration: str, span: Span | None = None) -> str:
    """What a shard depends on: the input's name, size and age, which of its bytes, and the annotating configuration."""
    parts = [item.name, str(item.size), item.modified, configuration]
    if span is not None and span.of > 1:
        parts += [str(span.start), str(span.end)]
    return xxhash.xxh3_128_hexdigest("\0".join(parts).encode("utf-8", "surrogateescape"))
