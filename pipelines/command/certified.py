"""What a command says and ends with where the cap of a release is not certified (promise 4), whichever command published it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provenance.decisions.tail import describe_tail

if TYPE_CHECKING:
    from provenance.configuration import Configuration


def status_of_cap(manifest: Mapping[str, Any], configuration: Configuration) -> int:
    """The exit status: 1 where the cap or the bound of rare words is not certified, unless only to warn of it."""
    held = manifest["synthetic"]["holds"] and manifest["tail"]["holds"]
    return int(not held and configuration.cap.on_failure == "fail")


def complain_of_cap(manifest: Mapping[str, Any]) -> None:
    """Say on standard error what cannot be certified."""
    synthetic, tail = manifest["synthetic"], manifest["tail"]
    if not synthetic["holds"]:
        print(f"NOT CERTIFIED: {synthetic['note'].removeprefix('not certified: ')}", file=sys.stderr)
    if not tail["holds"]:
        print(f"rare words: {describe_tail(tail)}", file=sys.stderr)
