"""Print measured tables, ours beside others in one run: `python scripts/bench [TABLE]...` (default: all).

Needs the extra test (`scripts/setup-env test`). Texts come from PROVENANCE_SHARED (default: ../shared).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Table → module of this folder and its options.
TABLES = {
    "ratios": ("ratios",),
    "signatures": ("duplicates", "--only", "signatures"),
    "annotate": ("annotate", "--only", "annotate"),
    "detector": ("annotate", "--only", "detector"),
    "score": ("annotate", "--only", "score"),
    "beam": ("stages", "--only", "beam"),
    "deduplicate": ("stages", "--only", "deduplicate"),
    "components": ("duplicates", "--only", "tasks"),
    "index": ("index",),
    "select": ("selecting",),
    "memory": ("stages", "--only", "memory"),
    "tokens": ("tokens",),
    "marks": ("marks",),
    "watermarks": ("watermarks",),
    "store": ("store",),
    "spans": ("spans",),
    "large": ("large",),
    "scale": ("scale",),
    "audit": ("audit",),
    "peers": ("deduplicators",),
    "feed": ("feed",),
}


def main(names: list[str]) -> int:
    """Run the tables in a process each, so that none inherits another's memory or warmth."""
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        print(f"error: no table {', '.join(unknown)}; there are {', '.join(TABLES)}", file=sys.stderr)
        return 2
    environment = {
        **os.environ,
        "PYTHONPATH": f"{HERE.parents[1]}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    for place, name in enumerate(names or TABLES):
        print(end="\n" if place else "", flush=True)
        module, *options = TABLES[name]
        command = [sys.executable, "-m", f"scripts.bench.{module}", *options]
        status = subprocess.run(command, env=environment, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
