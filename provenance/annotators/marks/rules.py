"""The rules of residue: `residue_rules.yaml`, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Rule:
    """One line of the rule file (fields are explained there)."""

    id: str
    kind: str
    vendor: str
    scope: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    weight: float
    why: str
    positive: str
    negative: str


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in file order."""
    text = Path(__file__).with_name("residue_rules.yaml").read_text("utf-8")
    # the loader in C, where PyYAML has it, is ten times as fast as the other
    loaded: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return tuple(
        Rule(
            **{
                **rule,
                "anchors": tuple(rule["anchors"]),
                "pattern": re.compile(rule["pattern"], re.MULTILINE),
            }
        )
        for rule in loaded["rules"]
    )


def version() -> str:
    """Version of the rule file."""
    for line in Path(__file__).with_name("residue_rules.yaml").read_text("utf-8").splitlines():
        if line.startswith("version:"):
            return line.split(":")[1].strip()
    raise ValueError("residue_rules.yaml: no version line")
