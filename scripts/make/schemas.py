#!/usr/bin/env python
"""Write schemas/*.json and the generated tables of docs/ from the code that they describe.

python scripts/make schemas [--check]: with --check, write nothing and fail where a file is out of date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from provenance import outcomes
from provenance.annotators.quality.annotator import MEASURES
from provenance.configuration import Configuration, json_schema
from provenance.filters.config import AnyFilter
from provenance.release.json_schema import MEANING, manifest_schema, table_schema
from provenance.schema import LEDGER, RELEASE

ROOT = Path(__file__).resolve().parents[2]


def schemas() -> dict[str, dict[str, Any]]:
    """Content of each file of schemas/."""
    return {
        "configuration.schema.json": json_schema(),
        "release.schema.json": table_schema("release", RELEASE),
        "ledger.schema.json": table_schema("ledger", LEDGER),
        "manifest.schema.json": manifest_schema(),
    }


def tables() -> dict[str, dict[str, list[str]]]:
    """Lines of each generated table, by file of docs/ and name of the table."""
    return {
        "configuration.md": {"configuration": _configuration(Configuration, "")},
        "columns.md": {"release": _columns(RELEASE), "ledger": _columns(LEDGER)},
        "filters.md": {"filters": _filters(), "measures": _measures()},
        "ledger.md": {"dropped": _reasons(outcomes.DROPPED), "failed": _reasons(outcomes.FAILED)},
    }


def _filters() -> list[str]:
    """Every kind of filter with its keys."""
    lines = ["| kind | key | default | meaning |", "|---|---|---|---|"]
    for model in get_args(get_args(AnyFilter)[0]):
        (kind,) = get_args(model.model_fields["kind"].annotation)
        for name, field in model.model_fields.items():
            if name in ("kind", "name"):
                continue
            default = field.get_default(call_default_factory=True)
            shown = "required" if default is PydanticUndefined else f"`{json.dumps(default)}`"
            lines.append(f"| `{kind}` | `{name}` | {shown} | {field.description} |")
    return lines


def _measures() -> list[str]:
    """The fields of the column `quality`."""
    return [
        "| measure | meaning |",
        "|---|---|",
        *(f"| `{name}` | {text} |" for name, text in MEASURES.items()),
    ]


def files() -> dict[Path, str]:
    """Every generated file with the text that it should hold."""
    found = {
        ROOT / "schemas" / name: json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        for name, content in schemas().items()
    }
    for name, parts in tables().items():
        path = ROOT / "docs" / name
        text = path.read_text(encoding="utf-8")
        for table, lines in parts.items():
            text = _replace(text, table, lines)
        found[path] = text
    return found


def _replace(text: str, table: str, lines: list[str]) -> str:
    begin, end = f"<!-- table {table}: python scripts/make schemas -->", "<!-- end of table -->"
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
    body = "\n".join([begin, "", *lines, "", end])
    changed, count = pattern.subn(lambda _: body, text)
    if count != 1:
        raise SystemExit(f"error: the table {table!r} has {count} places in docs/, not one")
    return changed


def _configuration(model: type[BaseModel], prefix: str) -> list[str]:
    lines = [] if prefix else ["| key | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        if isinstance(field.default, BaseModel):
            lines += _configuration(type(field.default), f"{key}.")
            continue
        default = field.get_default(call_default_factory=True)
        if default is PydanticUndefined:
            raise SystemExit(f"error: configuration key {key} has no default")
        shown = json.dumps(model.model_construct(**{name: default}).model_dump(mode="json")[name])
        lines.append(f"| `{key}` | `{shown}` | {field.description} |")
    return lines


def _columns(schema: Any) -> list[str]:
    rows = [f"| `{field.name}` | {_short(field.type)} | {MEANING[field.name]} |" for field in schema]
    return ["| column | type | meaning |", "|---|---|---|", *rows]


def _short(type_: Any) -> str:
    text = re.sub(r"<(item|element): ", "<", str(type_))
    return f"`{text}`"


def _reasons(reasons: dict[str, str]) -> list[str]:
    rows = [f"| `{code}` | {meaning} |" for code, meaning in reasons.items()]
    return ["| reason | meaning |", "|---|---|", *rows]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where a file is out of date"
    )
    check = parser.parse_args().check
    stale = [
        path
        for path, text in files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'is out of date' if check else 'written'}", file=sys.stderr)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(files()[path], encoding="utf-8")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
