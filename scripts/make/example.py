"""Write README's example anew: what the demo says, why one page is not there, and what became of each kind of page.

Usage: python scripts/make example [--check]. To be run when the detector, the cap or the demo crawl changed; with
`--check`, changes nothing and exits 1 where README says something else.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import tempfile
from pathlib import Path

import pandas as pd

from pipelines.command import main as run_command

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
RELEASE = "demo-release"
PAGE = "https://kitchen.example/2024/06/04/fixing-a-dripping-tap"
#: Beginnings of the lines that README shows, and what it leaves out.
_SHOWN = (
    RELEASE, "records in", "  failed", "  no document", "  duplicates", "  dropped by the cap", "  kept",
    "synthetic share of tokens", "  expected", "  at most", "  found", "asked", "claimed", "found",
)  # fmt: skip
_LEFT_OUT = re.compile(r"^  url: |^    [0-9a-f]{32} ")
_EXAMPLE = re.compile(r"\$ scripts/demo\n.*?\n```\n", re.DOTALL)
_STORY = re.compile(r"\$ \.venv/bin/provenance explain .*?\n```\n", re.DOTALL)
_COUNTS = re.compile(r"\d+ of the \d+ pages by the machine .*?people as well\.", re.DOTALL)


def said(*arguments: str) -> str:
    """What a command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        run_command(list(arguments))
    return out.getvalue()


def example(readme: str) -> str:
    """README with what the program says now."""
    with tempfile.TemporaryDirectory() as folder:
        release = f"{folder}/{RELEASE}"
        summary = said("demo", "--output", release, "--quiet").replace(release, RELEASE)
        story = said("explain", release, PAGE).replace(release, RELEASE)
        counts = outcome(pd.read_parquet(f"{release}/_ledger"))
    shown = [
        line for line in summary.split("\n\nThe first documents")[0].splitlines() if line.startswith(_SHOWN)
    ]
    told = [line for line in story.splitlines() if not _LEFT_OUT.match(line)]
    for pattern, block in (
        (_EXAMPLE, "$ scripts/demo\n" + spaced(shown) + "```\n"),
        (_STORY, f"$ .venv/bin/provenance explain {RELEASE} {PAGE}\n" + "\n".join(told).strip() + "\n```\n"),
        (_COUNTS, counts),
    ):
        readme, found = pattern.subn(block.replace("\\", r"\\"), readme)
        assert found == 1, f"README has {found} places for {block!r}"
    return readme


def spaced(lines: list[str]) -> str:
    """Lines with an empty one before each part."""
    return "".join("\n" * line.startswith(("records in", "synthetic share")) + line + "\n" for line in lines)


def outcome(ledger: pd.DataFrame) -> str:
    """How many pages of either kind were taken for machine-written, and dropped for it."""
    sources = pd.read_csv(ROOT / "provenance" / "demo" / "sources.tsv", sep="\t").drop_duplicates("url")
    rows = ledger.merge(sources[["url", "made_by"]], on="url")
    machine, people = rows[rows.made_by == "machine"], rows[rows.made_by == "people"]
    found, accused = ((part.synthetic_probability >= 0.5).sum() for part in (machine, people))
    dropped = (people.reason == "synthetic_cap").sum()
    return (
        f"{found} of the {len(machine)} pages by the machine came out at 0.5 or more,\n"
        f"and {accused} of {len(people)} records by people; to publish so little, the cap dropped {dropped} by people as well."
    )


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    now = example(text)
    if "--check" not in sys.argv:
        README.write_text(now, encoding="utf-8")
    elif now != text:
        sys.exit("README's example is not what the program says: python scripts/make example")
