"""Does the program prevent collapse? `python scripts/collapse NAME [OPTIONS]`; docs/collapse.md has the tables."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)

if __name__ == "__main__":
    from scripts.group import run

    sys.exit(run(Path(__file__).resolve().parent, sys.argv[1:]))
