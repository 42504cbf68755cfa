"""The indexes that a job looks up, opened or made: a release that is named without an index gets one in the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from provenance.configuration import Configuration
from provenance.duplicates.clusters import EARLIER, REPLACED, WITNESS
from provenance.duplicates.index import Header, IndexFormatError, read_header
from provenance.duplicates.index.form import HEADER, check_design
from provenance.files.ownership import MANIFEST
from provenance.files.storage import Storage, join
from provenance.release.earlier.sources import build_index, design_of
from provenance.release.manifest import read_manifest

_ROLES = {EARLIER: "against", REPLACED: "against", WITNESS: "witness"}


@dataclass(frozen=True)
class Reference:
    """An index, what it says of itself, and what its entries are to the job (a standing of `duplicates.clusters`)."""

    directory: str
    header: Header
    standing: int

    def as_json(self) -> dict[str, Any]:
        """The index as a manifest names it."""
        header = self.header
        return {
            "role": _ROLES[self.standing],
            "sha256": header.sha256,
            "entries": header.entries,
            "origins": header.origins,
            "earliest": header.earliest,
            "latest": header.latest,
        }


def open_references(
    storage: Storage,
    configuration: Configuration,
    scratch: str,
    *,
    witnesses: Sequence[str] = (),
    against: Sequence[str] = (),
) -> tuple[Reference, ...]:
    """The indexes named, each once, in an order that is theirs alone; those of releases are made below `scratch`.

    Raises:
        IndexFormatError: for one that cannot be used; says what to do.
        ReleaseError: for a release that is not finished.
    """
    standing = EARLIER if configuration.increments.prefer == "earlier" else REPLACED
    found: dict[str, Reference] = {}
    for places, role in ((witnesses, WITNESS), (against, standing)):
        for place in places:
            directory = _index_of(storage, place, configuration, scratch)
            header = read_header(storage, directory)
            check_design(place, header, design_of(configuration))
            if role != WITNESS:
                _check_signatures(place, header)
            found[header.sha256] = Reference(directory, header, role)
    return tuple(reference for _, reference in sorted(found.items()))


def check_references(
    storage: Storage,
    configuration: Configuration,
    *,
    witnesses: Sequence[str] = (),
    against: Sequence[str] = (),
) -> None:
    """Refuse what `open_references` would refuse, before a record is read; nothing is made.

    Raises:
        IndexFormatError: for an index that cannot be used; says what to do.
        ReleaseError: for a release that is not finished.
    """
    for place in (*witnesses, *against):
        if _is_release(storage, place):
            read_manifest(storage, place)
            continue
        header = read_header(storage, place)
        check_design(place, header, design_of(configuration))
        for item in (*header.entry_files, *header.key_files):
            if storage.info(join(place, item["path"])) is None:
                raise IndexFormatError(f"{join(place, item['path'])}: is missing; build the index again")
        if place in against:
            _check_signatures(place, header)


def _check_signatures(place: str, header: Header) -> None:
    """Refuse an index with nothing to compare documents with."""
    if not header.signatures:
        raise IndexFormatError(
            f"{place}: only lists captures, without signatures; it can be a --witness, but documents cannot be "
            "compared with it"
        )


def _is_release(storage: Storage, place: str) -> bool:
    """Whether a place is a release, of which an index has yet to be made."""
    return storage.info(join(place, HEADER)) is None and storage.info(join(place, MANIFEST)) is not None


def _index_of(storage: Storage, place: str, configuration: Configuration, scratch: str) -> str:
    """The directory of the index that `place` is, or of the one made of the release that it is."""
    if not _is_release(storage, place):
        return place
    design = design_of(configuration)
    directory = join(scratch, read_manifest(storage, place)["sha256"][:32])
    if storage.info(join(directory, HEADER)) is not None:
        header = read_header(storage, directory)
        if header.design == design:
            return directory
    build_index(storage, [place], directory, configuration)
    return directory
