"""The entry points of this folder's groups: `python scripts/GROUP NAME [OPTIONS]` runs one module of a group."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def run(group: Path, arguments: list[str]) -> int:
    """Run the module of `group` that the first argument names, with the others as its own arguments.

    Without a name, or with one that is not there, lists what there is and returns 2.
    """
    names = sorted(
        path.stem for path in group.glob("*.py") if path.stem.isidentifier() and path.stem[0] != "_"
    )
    name, *options = arguments or [""]
    if name not in names:
        first = {item: _summary(group / f"{item}.py") for item in names}
        print(f"usage: python scripts/{group.name} NAME [OPTIONS]", file=sys.stderr)
        print("\n".join(f"  {item:<14}{text}" for item, text in first.items()), file=sys.stderr)
        return 2
    sys.argv = [f"scripts/{group.name} {name}", *options]
    runpy.run_module(f"scripts.{group.name}.{name}", run_name="__main__")
    return 0


def _summary(path: Path) -> str:
    """First sentence of a module's purpose."""
    opening = path.read_text(encoding="utf-8").split('"""', 2)[1]
    return " ".join(opening.split("\n\n")[0].split())
