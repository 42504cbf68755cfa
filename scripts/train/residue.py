"""Measure what each residue rule says about human against synthetic text, and write it as the rule's
weight.

`python scripts/train residue [--write]` counts documents over the shared detector pools and web
texts. The weight is the
log ratio of the smoothed shares; where a rule was seen in too few documents it is the documented bound of
its kind.
"""

from __future__ import annotations

import argparse
import math
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from provenance.annotators.marks.residue import find_residue, may_have_residue
from provenance.annotators.marks.rules import rules

SHARED = Path(os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
RULE_FILE = Path(__file__).resolve().parents[2] / "provenance/annotators/marks/residue_rules.yaml"

#: Documents with the rule, human and synthetic together, from which the measured ratio is used.
ENOUGH = 8
#: The share of synthetic web pages that is assumed to show a rule of this kind when it cannot be measured
#: (the pools were
#: cleaned of chat). Against the 95% upper bound of the measured human share (3 / documents when none was
#: seen).
ASSUMED = {"token": 4e-3, "markup": 2e-3, "statement": 2e-3, "phrase": 3e-4, "template": 3e-4, "link": 1.5e-4}
#: No rule says more than this, in nats: whoever pastes residue may have pasted it into a text of their own.
LIMIT = {"token": 4.0, "markup": 3.5, "statement": 3.0, "phrase": 1.5, "template": 1.0, "link": 0.5}


def texts() -> dict[str, list[str]]:
    """All labelled texts there are, by label."""
    made: dict[str, list[str]] = {"human": [], "synthetic": []}
    for path in sorted((SHARED / "data/detector").glob("pool_*.parquet")):
        table = pq.read_table(path, columns=["text", "label"])
        for text, label in zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True):
            made["human" if label in ("human", 0, "0") else "synthetic"].append(text)
    for row in pq.read_table(SHARED / "data/web/pages/texts.parquet", columns=["text", "label"]).to_pylist():
        made[row["label"]].append(row["text"])
    for row in pq.read_table(SHARED / "data/web/pages/truth.parquet").to_pylist():
        body = row.get("article_body")
        if body:
            made["human"].append(body)
    return made


def upper(seen: int, total: int) -> float:
    """Upper 95% bound of a share (Wilson's interval; the rule of three where nothing was seen)."""
    if seen == 0:
        return 3 / total
    share, z = seen / total, 1.96
    middle = share + z * z / (2 * total)
    return (middle + z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))) / (
        1 + z * z / total
    )


def main() -> None:
    """Print one line for each rule; with --write, put the weights into the rule file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    seen: dict[str, Counter[str]] = {}
    totals: dict[str, int] = {}
    for label, documents in texts().items():
        array = pa.array(documents, pa.large_string())
        flags = may_have_residue(array, np.ones(len(array), np.bool_))
        seen[label], totals[label] = Counter(), len(documents)
        for row in np.flatnonzero(flags).tolist():
            # Weak rules are counted where they match, alone or not: their weight is that of the match
            # itself.
            seen[label].update({hit.rule.id for hit in find_residue(documents[row], alone=True)})
    print(f"{totals['human']} human and {totals['synthetic']} synthetic texts")
    print(f"{'rule':<28}{'kind':<11}{'human':>7}{'synthetic':>10}{'weight':>8}  from")
    source = RULE_FILE.read_text("utf-8")
    for rule in rules():
        human, synthetic = seen["human"][rule.id], seen["synthetic"][rule.id]
        if human + synthetic >= ENOUGH:
            ratio = (synthetic + 0.5) / (totals["synthetic"] + 1) / ((human + 0.5) / (totals["human"] + 1))
            origin = "measured"
        else:
            ratio, origin = ASSUMED[rule.kind] / upper(human, totals["human"]), "bound of its kind"
        weight = round(min(max(math.log(ratio), 0.0), LIMIT[rule.kind]), 2)
        print(f"{rule.id:<28}{rule.kind:<11}{human:>7}{synthetic:>10}{weight:>8.2f}  {origin}")
        pattern = re.compile(rf"(- id: {re.escape(rule.id)}\n(?:  .*\n)*?  weight: )[\d.]+")
        source, count = pattern.subn(rf"\g<1>{weight}", source)
        if count != 1:
            raise ValueError(f"{RULE_FILE.name}: rule {rule.id} has no weight line")
    if write:
        RULE_FILE.write_text(source, "utf-8")


if __name__ == "__main__":
    main()
