"""What is known of the kept documents before any file of a release is written: their sites, and how many go where.

It is counted by shard and kept in the workspace, so a run that was cut short does not count again (promise 5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from provenance.configuration import Release
from provenance.duplicates.scratch import StorageScratch
from provenance.files.storage import Storage, join
from provenance.files.workspace import Workspace, WorkspaceError
from provenance.release.blocks import NO_DOCUMENTS, Dealing, Survey, read_survey, save_survey
from provenance.release.layout import splits_of
from provenance.release.manifest import ReleaseError
from provenance.release.order import Order, plan_order, windows_for
from provenance.release.split_choice import choose_splits
from provenance.release.splits import (
    GROUP_BINS,
    ShardPaths,
    SplitTable,
    link_groups,
    read_groups,
    read_pieces,
    save_groups,
)


@dataclass(frozen=True)
class Preparation:
    """The counts that the published order follows from.

    Attributes:
        storage: where the workspace is.
        workspace: of which the decisions are published.
        options: the form of the release.
        directory: where the counts are kept.
        fingerprint: of everything that they depend on.
    """

    storage: Storage
    workspace: Workspace
    options: Release
    directory: str
    fingerprint: str

    @property
    def shards(self) -> tuple[ShardPaths, ...]:
        """The annotated shards and their decisions, in the order of the inputs."""
        found = self.workspace.shards()
        return tuple(
            ShardPaths(shard.name, shard.path, self.workspace.decisions_path(shard)) for shard in found
        )

    @property
    def _survey_path(self) -> str:
        return join(self.directory, "survey.npz")

    @property
    def _groups_path(self) -> str:
        return join(self.directory, "groups.npz")

    def dealing(self) -> Dealing:
        """How documents are told apart when they are counted and dealt."""
        windows = windows_for(sum(shard.text_bytes for shard in self.workspace.shards()))
        return Dealing(self.options.seed, windows, self.splits())

    def splits(self) -> SplitTable:
        """Which split each document belongs to.

        Raises:
            ReleaseError: where groups were not counted yet.
            SplitsError: where the splits that are asked for cannot be made of them.
        """
        shares = self.options.splits
        if not shares:
            return SplitTable()
        found = self._groups()
        if found is None:
            raise ReleaseError(
                f"{self.directory}: the release's sites were not counted; run the same command again"
            )
        links, counts = found
        return replace(links, split=choose_splits(counts, shares))

    def groups_stand(self) -> bool:
        """Whether what splits are chosen from is counted, or there are none."""
        return not self.options.splits or self._groups() is not None

    def _groups(self) -> tuple[SplitTable, NDArray[np.float64]] | None:
        seed = self.options.seed
        return read_groups(self.storage, self._groups_path, seed, self.fingerprint)

    def link_groups(self) -> SplitTable:
        """The groups that verified near-duplicates tie together; all still of one split.

        Raises:
            WorkspaceError: where stage 2 left no verified near-duplicates.
        """
        path = self.workspace.verified_edges_path
        if self.storage.info(path) is None:
            raise WorkspaceError(
                f"{path}: is not there, so near-duplicates cannot be kept in one split; "
                "run `provenance deduplicate` first"
            )
        scratch = StorageScratch(self.storage, path.rpartition("/")[0])
        pieces = read_pieces(self.storage, path)
        return link_groups(self.storage, self.shards, scratch, pieces, self.options.seed)

    def write_groups(self, counts: NDArray[np.float64] | None, links: SplitTable) -> None:
        """Keep what splits are chosen from; `counts` (`count_groups`) None: of no documents."""
        found = np.zeros((2, GROUP_BINS)) if counts is None else counts
        save_groups(self.storage, self._groups_path, links, found, self.fingerprint)

    def survey_stands(self) -> bool:
        """Whether the documents of this very release have been counted already."""
        path = self._survey_path
        return (
            self.storage.info(path) is not None
            and read_survey(self.storage, path, self.fingerprint) is not None
        )

    def write_survey(self, survey: Survey | None) -> None:
        """Keep what was counted; None: of no documents at all."""
        save_survey(self.storage, self._survey_path, survey or NO_DOCUMENTS, self.fingerprint)

    def read_survey(self) -> Survey:
        """What was counted.

        Raises:
            ReleaseError: where it was not.
        """
        found = read_survey(self.storage, self._survey_path, self.fingerprint)
        if found is None:
            raise ReleaseError(
                f"{self.directory}: the release's documents were not counted; run the same command again"
            )
        return found

    def order(self, survey: Survey) -> Order:
        """Which documents go into which part.

        Raises:
            PartsError: where the configuration asks for parts that cannot be made.
        """
        return plan_order(
            survey.cells,
            survey.windows,
            splits=len(splits_of(self.options)),
            shard_bytes=self.options.shard_bytes,
            parts=self.options.parts,
        )
