#!/usr/bin/env python
"""Compile the kernels that the commands use, for the package to carry: `python scripts/make kernels [--check]`.

Runs the demo, its scores and its audit as a person would, and keeps what they compile; about a minute of processor time for all kernels,
seconds where few have changed. With --check nothing is written, and it fails where a kernel is missing.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from provenance.files import ready_kernels

os.environ.update(NUMBA_CPU_NAME=ready_kernels.PROCESSOR, NUMBA_CPU_FEATURES="")


def main() -> int:
    """Run the commands and write the archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["NUMBA_CACHE_DIR"] = place  # nothing that was compiled for this machine alone
        compiled = _collect(Path(place))
    if options.check:
        for name in sorted(compiled):
            print(f"not in the archive: {name}", file=sys.stderr)
        return bool(compiled)
    kernels = {**ready_kernels.ARCHIVE.used, **compiled}
    path = ready_kernels.archive_path()
    ready_kernels.write_archive(path, kernels)
    kept = len(kernels) - len(compiled)
    print(f"{path.name}: {kept} kernels kept, {len(compiled)} compiled, {path.stat().st_size:,} bytes")
    return 0


def _collect(place: Path) -> dict[str, bytes]:
    """Kernels that the commands call and the archive does not hold, by their identities."""
    if not ready_kernels.archive_path().exists():
        ready_kernels.write_archive(ready_kernels.archive_path(), {})
    ready_kernels.use_ready_kernels()
    from numba.core import event

    found: list[tuple[Any, Any]] = []

    class Outermost(event.Listener):
        """Notes what is compiled because Python calls it; what a kernel calls becomes part of it."""

        depth = 0

        def on_start(self, event: Any) -> None:
            if not self.depth:
                found.append((event.data["dispatcher"], event.data["args"]))
            self.depth += 1

        def on_end(self, event: Any) -> None:
            self.depth -= 1

    event.register("numba:compile", Outermost())  # type: ignore[no-untyped-call]
    _run_commands(place)
    return {
        ready_kernels.identity(dispatcher, types): ready_kernels.packed(dispatcher.overloads[types])
        for dispatcher, types in found
        if isinstance(getattr(dispatcher, "_cache", None), ready_kernels.ReadyCache)
    }


def _run_commands(place: Path) -> None:
    """What people do first, in this process."""
    from pipelines.command.main import main as command

    release = str(place / "release")
    lines = '{"text": "A first text to be judged."}\n{"text": "Ein zweiter Text.", "language": "de"}\n'
    sys.stdin = io.TextIOWrapper(io.BytesIO(lines.encode()))
    with redirect_stdout(io.StringIO()):
        for arguments in (["score"], ["demo", "--output", release, "--quiet"], ["audit", release]):
            status = command(arguments)
            if status:
                raise SystemExit(f"provenance {' '.join(arguments)} ended with {status}")


if __name__ == "__main__":
    sys.exit(main())
