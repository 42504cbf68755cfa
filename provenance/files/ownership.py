"""Whose a directory is: nothing is written over files of others, and two commands never write to one place at once.

A release says itself that it is ours: by its manifest, or by a mark that is there while it is being written; a workspace
by what its stages left. Who is at work in a directory holds a lock in it, which the system takes away when the process ends, however it ends.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from provenance.errors import UsageError
from provenance.files.storage import Storage, StoreError, is_address, join, read_bytes, write_bytes

MANIFEST = "manifest.json"
#: Present while a release is being written; its presence marks the directory as ours to replace.
INCOMPLETE = ".incomplete"
INCOMPLETE_TEXT = b"this release is being written\n"
#: Locked while a command works in the directory, and removed at its end; it says who that is.
LOCK = ".lock"
#: Names in a workspace; what is in most of them is replaced without a question.
_WORKSPACE_NAMES = frozenset(
    "annotated carried decisions duplicates edges filters headway indexes judged published rights scratch state "
    "lineage.jsonl".split()
)
#: One of them is there as soon as anything is written.
_WORKSPACE_BEGINS = frozenset(("annotated", "headway", "state", "lineage.jsonl"))
#: What a manifest of ours holds and hardly another program's: the name among its versions.
_MANIFEST_SIGN = b'"provenance-pipelines"'


class OutputError(UsageError):
    """A place that must not be written to; the message says what is there."""


class InUseError(UsageError):
    """A directory in which another command is at work; the message says which."""


@contextmanager
def hold(directory: str, command: str, together: bool = False) -> Iterator[None]:
    """Be the only command that works in a local directory; it is made, and removed again where it stays empty.

    `command` is how others are told who holds it. Those that work `together` hold it at once, and keep out all others.

    On an object store nothing can be held; there only the manifest of a release says whose it is.

    Raises:
        InUseError: where another process is at work there.
        UsageError: where the directory cannot be made or written to.
    """
    if is_address(directory):
        yield
        return
    made = _make(directory)
    path = join(directory, LOCK)
    try:
        lock = _lock(path, directory, command, fcntl.LOCK_SH if together else fcntl.LOCK_EX)
        try:
            yield
        finally:
            if _is_last(lock):
                with suppress(FileNotFoundError):
                    os.unlink(path)  # before the lock goes: nobody else can hold this file by then
            os.close(lock)
    finally:
        for folder in reversed(made):
            with suppress(OSError):  # it is not empty: something was written
                os.rmdir(folder)


def check_writable(storage: Storage, directory: str, command: str) -> None:
    """Refuse a directory of a store that cannot be written to: a small file is written there and removed again.

    Raises:
        UsageError: says why.
    """
    if not is_address(directory):
        return
    try:
        write_bytes(storage, join(directory, LOCK), _record(command))
        storage.delete(join(directory, LOCK))
    except StoreError as error:
        raise UsageError(f"{error}; nothing was written") from error


def check_file(path: str) -> None:
    """Refuse a file of this machine that cannot be written, before the work whose result it is to hold; a store is not asked.

    Raises:
        UsageError: says why.
    """
    if is_address(path):
        return
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise UsageError(f"{os.path.dirname(path)}: no such directory; nothing was written")
    if os.path.islink(path) and not os.path.exists(path):
        raise UsageError(f"{path}: is a link to nothing; nothing was written")
    there = os.path.exists(path)
    try:
        with open(path, "ab"):
            pass
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; nothing was written") from error
    if not there:
        os.unlink(path)


def _make(directory: str) -> list[str]:
    """Make a directory and those above it; the ones that were not there."""
    missing = []
    path = os.path.abspath(directory)
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    if os.path.islink(path) and not os.path.exists(path):
        raise UsageError(f"{directory}: cannot be made: {path} is a link to nothing; nothing was written")
    try:
        os.makedirs(directory, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{directory}: is a file; name a directory, nothing was written") from None
    except OSError as error:
        raise UsageError(f"{directory}: cannot be made: {error.strerror}; nothing was written") from error
    return missing[::-1]


def _lock(path: str, directory: str, command: str, kind: int) -> int:
    """An open, locked file at `path` that says who we are; `kind` is LOCK_EX or LOCK_SH."""
    while True:
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UsageError(
                f"{directory}: cannot be written to: {error.strerror}; nothing was written"
            ) from error
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise InUseError(
                f"{directory}: is in use by {_holder(path)}; wait until it has ended, or name another directory"
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
                os.close(lock)
                raise
            # A filesystem without locks: as on an object store, nothing can be held.
        with suppress(FileNotFoundError):
            if os.fstat(lock).st_ino == os.stat(path).st_ino:
                break
        os.close(lock)  # its last holder has just removed it: take a new one
    os.ftruncate(lock, 0)
    os.write(lock, _record(command))
    return lock


def _is_last(lock: int) -> bool:
    """Whether nobody else holds a lock that we hold; from now on nobody else can."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a filesystem without locks
    return True


def _record(command: str) -> bytes:
    """Who we are, for a person who finds the directory locked."""
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    record = {"process": os.getpid(), "host": socket.gethostname(), "since": since, "command": command}
    return json.dumps(record).encode() + b"\n"


def _holder(path: str) -> str:
    try:
        record = json.loads(Path(path).read_bytes())
        return "process {process} on {host} since {since} ({command})".format(**record)
    except (OSError, ValueError, LookupError, TypeError):
        return "another process"  # which has not yet said who it is


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
    files = [item for item in storage.list(release) if item.path != join(release, LOCK)]
    if files and not is_release(storage, release):
        raise OutputError(
            f"{release}: is not empty and not a release (it holds {files[0].path}); "
            "name a new directory, nothing was written"
        )


def check_workspace(storage: Storage, directory: str) -> None:
    """Refuse a directory that holds files and is no workspace, because stages delete and replace by name what they find.

    A workspace is told by the state that a stage left, or, of a job that was killed before, by holding nothing but names
    of ours.

    Raises:
        OutputError: names one of the files.
    """
    if not is_address(directory) and not os.path.isdir(directory):
        return  # whether it can be made is asked when it is
    if any(storage.info(join(directory, "state", f"{name}.json")) for name in ("annotate", "shards")):
        return
    names = _names(storage, directory) - {LOCK}
    strange = sorted(names - _WORKSPACE_NAMES)
    if names and (strange or not names & _WORKSPACE_BEGINS):
        raise OutputError(
            f"{directory}: is not empty and not a workspace (it holds {(strange or sorted(names))[0]}); "
            "name a new directory, nothing was written"
        )


def _names(storage: Storage, directory: str) -> set[str]:
    """Names right below a directory."""
    if not is_address(directory):
        return set(os.listdir(directory))
    start = len(join(directory, ""))
    return {item.path[start:].partition("/")[0] for item in storage.list(directory)}
