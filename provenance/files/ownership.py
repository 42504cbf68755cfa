"""Whose a directory is: nothing is written over files that this program did not make.

A release says so itself: by its manifest, or by a mark that is there while it is being written.
"""

from __future__ import annotations

import os

from provenance.errors import DataError
from provenance.files.storage import Storage, join, read_bytes, write_bytes

MANIFEST = "manifest.json"
#: Present while a release is being written; its presence marks the directory as ours to replace.
INCOMPLETE = ".incomplete"
INCOMPLETE_TEXT = b"this release is being written\n"
#: What a manifest of ours holds and hardly another program's: the name among its versions.
_MANIFEST_SIGN = b'"provenance-pipelines"'


class OutputError(DataError):
    """A place that must not be written to; the message says what is there."""


def is_release(storage: Storage, directory: str) -> bool:
    """Whether this program wrote the directory, finished or not, so that it may replace what is there."""
    for name, sign in ((MANIFEST, _MANIFEST_SIGN), (INCOMPLETE, INCOMPLETE_TEXT)):
        path = join(directory, name)
        if storage.info(path) is not None and sign in read_bytes(storage, path):
            return True
    return False


def mark_incomplete(storage: Storage, directory: str) -> None:
    """Say that a release is being written there: `directory` stays ours whatever happens to the process."""
    write_bytes(storage, join(directory, INCOMPLETE), INCOMPLETE_TEXT)


def unmark_incomplete(storage: Storage, directory: str) -> None:
    """The release is whole: from here on its manifest says whose it is."""
    storage.delete(join(directory, INCOMPLETE))


def check_output(storage: Storage, release: str) -> None:
    """Refuse a directory that holds files which are not a release of ours.

    Raises:
        OutputError: names one of the files.
    """
    if "://" not in release and os.path.isfile(release):
        raise OutputError(f"{release}: is a file; name a new directory, nothing was written")
    files = storage.list(release)
    if files and not is_release(storage, release):
        raise OutputError(
            f"{release}: is not empty and not a release (it holds {files[0].path}); "
            "name a new directory, nothing was written"
        )
