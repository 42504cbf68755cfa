"""Places that a user names: files, directories and addresses of storage, in one spelling."""

from __future__ import annotations

import argparse
import os
from urllib.parse import unquote, urlsplit

from provenance.errors import UsageError


def place(text: str) -> str:
    """A path or an address to read, without a slash at its end; a file:// address is the path that it names."""
    return _place(text, writing=False)


def source(text: str) -> str:
    """A place to read, a list of such places (`@PLACE`), or - for standard input."""
    if text == "-":
        return text
    return f"@{place(text[1:])}" if text.startswith("@") else place(text)


def destination(text: str) -> str:
    """A path or an address to write to, as `place`."""
    return _place(text, writing=True)


def destination_file(text: str) -> str:
    """A file to write to, as `destination`; refused before work where a directory stands there."""
    path = destination(text)
    if "://" not in path and os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{text}: is a directory; name a file")
    return path


def _place(text: str, writing: bool) -> str:
    from provenance.files.storage.addresses import check_address, spelt

    if text.lower().startswith("file://"):
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise argparse.ArgumentTypeError(f"{text}: names the host {parts.netloc!r}; write file:///path")
        text = unquote(parts.path)
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a file or a directory")
    try:
        check_address(text, writing)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return spelt(text).rstrip("/") or "/"


def default_workspace(release: str) -> str:
    """The working directory beside a release: its name + .workspace, also where it is written as . or .. ."""
    if "://" not in release and os.path.basename(release) in ("", ".", ".."):
        release = os.path.abspath(release)
    return f"{release}.workspace"


def check_apart(release: str, workspace: str, other: str | None = None) -> None:
    """Refuse directories of which one lies inside the other; `other` says what the second is, if no workspace.

    Raises:
        UsageError: names both.
    """
    a, b = (os.path.join(os.path.realpath(path), "") for path in (release, workspace))
    if a.startswith(b) or b.startswith(a):
        if other is not None:
            raise UsageError(f"{workspace}: is {other}, and {release} would be written over it or into it")
        raise UsageError(f"--output {release} and --workspace {workspace} must not lie inside each other")


def check_name(directory: str) -> None:
    """Refuse a directory whose name cannot be written into a file.

    Raises:
        UsageError: names it.
    """
    if directory.encode("utf-8", "replace").decode("utf-8") != directory:
        raise UsageError(f"{directory!r}: the name of a directory to write to must be UTF-8")
