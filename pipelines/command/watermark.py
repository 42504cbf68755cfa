"""`provenance watermark detect | schemes`: look for watermarks in one text, or list what can be looked for.

Results on stdout; exit status 0 nothing found, 1 a watermark found or a failure, 2 bad usage.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pipelines.command.parser import Arguments, Commands, Parser, rate
from pipelines.command.reading import storage_of
from provenance.errors import DataError, UsageError

#: Positions printed for a person; --json prints them all.
_SHOWN = 24
_DETECT = (
    "print for each watermark tried: z, p, p corrected for all tried, tokens, and where the evidence stands"
)


def add_to(commands: Commands) -> None:
    """Add the command and its two actions to the parser."""
    parser = commands.add_parser(
        "watermark", help="look for statistical watermarks in a text", description=__doc__
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=Parser)
    find = actions.add_parser("detect", help="look for watermarks in one text", description=_DETECT)
    find.add_argument("file", metavar="FILE", help="UTF-8 text, or - for stdin")
    find.add_argument(
        "--config", type=Path, metavar="FILE", help="YAML configuration with a `watermarks` section"
    )
    find.add_argument(
        "--tokenizer", metavar="PLACE", help="tokenizer.json or hub id; alone: try the published default keys"
    )
    find.add_argument("--scheme", metavar="NAME", help="one scheme instead of the defaults (see `schemes`)")
    find.add_argument("--parameters", metavar="JSON", help="its parameters as a JSON object")
    find.add_argument(
        "--vocab-size",
        type=int,
        metavar="N",
        help="the model's vocabulary, where padded beyond the tokenizer's",
    )
    find.add_argument(
        "--among",
        type=Path,
        metavar="FILE",
        help="unmarked documents in the text's language, 100 or more: one a line, or JSON lines with `text`",
    )
    find.add_argument(
        "--token-ids", action="store_true", help="FILE holds token ids: whitespace, commas or JSON"
    )
    find.add_argument(
        "--level", type=rate, metavar="P", help="corrected p below which it counts as found (0.01)"
    )
    find.add_argument("--json", action="store_true", help="print JSON with every position")
    find.set_defaults(run=run_detect)
    listing = actions.add_parser("schemes", help="list the schemes and their parameters")
    listing.add_argument("--json", action="store_true", help="print JSON Schemas of the parameters")
    listing.set_defaults(run=run_schemes)


def run_detect(arguments: Arguments) -> int:
    """Look for watermarks in one file; 1 if any corrected p is below the level, else 0."""
    from pydantic import ValidationError

    try:
        rows = _search(arguments)
    except ValidationError as error:
        raise UsageError("\n".join(_problems(error))) from error
    except (UsageError, DataError):
        raise
    except ValueError as error:
        raise DataError(str(error)) from error
    from provenance.annotators.watermarks.annotator import REPORTED_BELOW
    from provenance.annotators.watermarks.null import watermark_llr

    level = REPORTED_BELOW if arguments.level is None else arguments.level
    found = [row for row in rows if row["p_corrected"] < level]
    if arguments.json:
        best = min(row["p_corrected"] for row in rows)
        print(json.dumps({"tried": len(rows), "llr": watermark_llr(best), "watermarks": rows}))
    else:
        for row in rows:
            _print(row, row in found)
    return 1 if found else 0


def run_schemes(arguments: Arguments) -> int:
    """Print every registered scheme with its parameters and defaults, then what is left out and why."""
    from provenance.annotators.watermarks.catalogue import LEFT_OUT, registered_schemes

    schemes = registered_schemes()
    if arguments.json:
        described = {
            name: {
                "summary": scheme.summary,
                "source": scheme.source,
                "parameters": scheme.model_json_schema()["properties"],
            }
            for name, scheme in schemes.items()
        }
        print(json.dumps({"schemes": described, "left_out": LEFT_OUT}, indent=2))
        return 0
    for name, scheme in schemes.items():
        print(f"{name}: {scheme.summary}\n  {scheme.source}")
        for field, info in scheme.model_fields.items():
            default = "required" if info.is_required() else f"default {json.dumps(info.default)}"
            if field == "vocab_size":
                default = "default: the tokenizer's"
            print(f"  {field} ({default}){': ' + info.description if info.description else ''}")
        print()
    print("left out:")
    for name, reason in LEFT_OUT.items():
        print(f"  {name}: {reason}")
    return 0


def _search(arguments: Arguments) -> list[dict[str, Any]]:
    from provenance.annotators.watermarks.search import MarkChoice, read_documents, read_marks, search_text

    marks = read_marks(
        MarkChoice(
            config=arguments.config,
            tokenizer=arguments.tokenizer,
            scheme=arguments.scheme,
            parameters=arguments.parameters,
            vocab_size=arguments.vocab_size,
            token_ids=arguments.token_ids,
        )
    )
    text = _read(arguments.file)
    if arguments.among is not None and arguments.token_ids:
        raise UsageError("--among holds text: give the text too, not --token-ids")
    among = [] if arguments.among is None else read_documents(arguments.among)
    return search_text(text, arguments.file, marks, arguments.token_ids, among)


def _read(file: str) -> str:
    from provenance.files.storage import read_bytes

    raw = sys.stdin.buffer.read() if file == "-" else read_bytes(storage_of(file), file)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 text (byte {error.start})") from None


def _problems(error: Any) -> list[str]:
    """One line for each thing that is wrong with parameters."""
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {said}" if where else said)
    return lines


def _print(row: dict[str, Any], found: bool) -> None:
    if not row["judged"]:
        print(f"{row['name']} ({row['scheme']}): too short to judge, {row['tokens']} distinct tokens")
        return
    verdict = "FOUND" if found else "not found"
    z = "-" if row["z"] is None else f"{row['z']:.2f}"
    print(f"{row['name']} ({row['scheme']} {row['key']}): {verdict}")
    print(f"  z {z}  p {row['p_value']:.3g}  corrected {row['p_corrected']:.3g}  tokens {row['tokens']}")
    if found:
        shown = " ".join(str(k) for k in row["positions"][:_SHOWN])
        more = len(row["positions"]) - _SHOWN
        print(f"  evidence at tokens {shown}{f' and {more} more' if more > 0 else ''}")
