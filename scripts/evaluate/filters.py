"""Hold the presets c4, gopher and fineweb against datatrove's own filters on the same texts.

python scripts/evaluate filters --peer PYTHON [--texts FILE.parquet ...]: PYTHON is an interpreter that has datatrove
with spacy; the texts are a column `text` (default: the development texts). Prints agreement by preset and by rule.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from provenance.annotators.quality.annotator import Quality
from provenance.decisions.filters import judge_preset
from provenance.filters.presets import C4, FineWeb, Gopher

#: Runs under the other interpreter: texts as JSON lines in, verdicts as JSON lines out.
PEER = r"""
import json, sys
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
named = {
    "c4": [C4QualityFilter()],
    "c4 as in fineweb": [C4QualityFilter(filter_no_terminal_punct=False)],
    "gopher": [GopherQualityFilter(), GopherRepetitionFilter()],
    "fineweb": [FineWebQualityFilter()],
}
for line in sys.stdin:
    text = json.loads(line)
    found = {}
    for name, chain in named.items():
        found[name] = ""
        for step in chain:
            answer = step.filter(Document(text=text, id=""))
            if answer is not True:
                found[name] = answer[1]
                break
    print(json.dumps(found), flush=True)
"""
PRESETS = {
    "c4": C4(only=()),
    "c4 as in fineweb": C4(only=(), terminal_punctuation=False),
    "gopher": Gopher(only=()),
    "fineweb": FineWeb(only=()),
}


def peer_verdicts(python: str, texts: list[str]) -> list[dict[str, str]]:
    """For each text and preset the reason of datatrove's verdict; empty: it passes."""
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", PEER], input=lines, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise SystemExit(f"error: {python}: {done.stderr.strip().splitlines()[-1]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def own_verdicts(texts: list[str]) -> dict[str, list[str]]:
    """For each preset and text the reason of our verdict; empty: it passes."""
    batch = pa.record_batch(
        {"text": pa.array(texts, pa.large_string()), "language": pa.array(["en"] * len(texts))}
    )
    (quality,) = Quality()(batch)
    table = pa.table({"quality": quality, "language": batch["language"]})
    found = {}
    for name, preset in PRESETS.items():
        failed, why = judge_preset(table, preset)
        rest = iter(why)
        found[name] = [next(rest) if row else "" for row in failed.tolist()]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True, metavar="PYTHON", help="interpreter that has datatrove")
    parser.add_argument("--texts", nargs="+", type=Path, metavar="FILE", help="Parquet with a column `text`")
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="print so many disagreements of each preset"
    )
    options = parser.parse_args()
    shared = Path(os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    paths = options.texts or [shared / "data" / "web" / "pages" / "texts.parquet"]
    texts = [
        text
        for path in paths
        for text in pq.read_table(path, columns=["text"])["text"].to_pylist()
        if text and text.strip()
    ]
    peer, own = peer_verdicts(options.peer, texts), own_verdicts(texts)
    print(f"{len(texts):,} texts")
    print(
        f"{'preset':<18}{'both drop':>10}{'both keep':>10}{'only ours':>10}{'only theirs':>12}{'agreement':>10}"
    )
    for name in PRESETS:
        pairs = Counter(
            (bool(mine), bool(theirs[name])) for mine, theirs in zip(own[name], peer, strict=True)
        )
        agreement = (pairs[True, True] + pairs[False, False]) / len(texts)
        print(
            f"{name:<18}{pairs[True, True]:>10,}{pairs[False, False]:>10,}{pairs[True, False]:>10,}{pairs[False, True]:>12,}{agreement:>10.2%}"
        )
        apart = [
            (mine, theirs[name], text)
            for mine, theirs, text in zip(own[name], peer, texts, strict=True)
            if bool(mine) != bool(theirs[name])
        ]
        for mine, theirs, text in apart[: options.show]:
            print(f"    ours {mine!r}, theirs {theirs!r}: {text[:100]!r}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
