"""`provenance watermark detect | schemes`: look for watermarks in one text, or list what can be looked for.

Results on stdout; exit status 0 nothing found, 1 a watermark found or a failure, 2 bad usage.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
import yaml
from pydantic import ValidationError

from provenance.annotators.watermarks.annotator import REPORTED_BELOW
from provenance.annotators.watermarks.catalogue import LEFT_OUT
from provenance.annotators.watermarks.config import WatermarkConfig, published_defaults
from provenance.annotators.watermarks.detect import detect
from provenance.annotators.watermarks.null import sidak, watermark_llr
from provenance.annotators.watermarks.ragged import I64
from provenance.annotators.watermarks.scheme import Scheme, registered_schemes
from provenance.annotators.watermarks.shared import ENOUGH
from provenance.annotators.watermarks.tokenizers import Tokenizer, TokenizerError

#: Positions printed for a person; --json prints them all.
_SHOWN = 24


#: Documents of --among that are read.
_OTHERS = 5000


class _Read(NamedTuple):
    """What one tokenizer makes of the text and of the documents beside it."""

    ids: I64
    spans: list[tuple[int, int]]
    vocab_size: int | None
    others: list[I64]


class UsageError(ValueError):
    """The arguments do not fit together."""


def add_arguments(subparsers: Any) -> argparse.ArgumentParser:
    """Add the `watermark` command to the subparsers of the command line; `run` carries it out."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "watermark", help="look for statistical watermarks in a text", description=__doc__
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    find = actions.add_parser("detect", help="look for watermarks in one text", description=run.__doc__)
    find.add_argument("file", metavar="FILE", help="UTF-8 text, or - for stdin")
    find.add_argument("--config", type=Path, help="YAML configuration with a `watermarks` section")
    find.add_argument("--tokenizer", help="tokenizer.json or hub id; alone: try the published default keys")
    find.add_argument("--scheme", help="one scheme instead of the defaults (see `schemes`)")
    find.add_argument("--parameters", help="its parameters as a JSON object")
    find.add_argument(
        "--vocab-size", type=int, help="the model's vocabulary, where padded beyond the tokenizer's"
    )
    find.add_argument(
        "--among",
        type=Path,
        help="unmarked documents in the text's language, 100 or more: one a line, or JSON lines with `text`",
    )
    find.add_argument(
        "--token-ids", action="store_true", help="FILE holds token ids: whitespace, commas or JSON"
    )
    find.add_argument(
        "--level", type=float, default=REPORTED_BELOW, help="corrected p below which it counts as found"
    )
    find.add_argument("--json", action="store_true", help="print JSON with every position")
    listing = actions.add_parser("schemes", help="list the schemes and their parameters")
    listing.add_argument("--json", action="store_true", help="print JSON Schemas of the parameters")
    return parser


def run(args: argparse.Namespace) -> int:
    """Print for each watermark tried: z, p, p corrected for all tried, tokens, and where the evidence stands."""
    try:
        if args.action == "schemes":
            return list_schemes(sys.stdout, args.json)
        return detect_file(args, sys.stdout)
    except ValidationError as error:
        for problem in error.errors():
            where = ".".join(str(part) for part in problem["loc"])
            said = problem["msg"].removeprefix("Value error, ")
            print(f"error: {f'{where}: ' if where else ''}{said}", file=sys.stderr)
        return 2
    except (UsageError, TokenizerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}",
            file=sys.stderr,
        )
        return 1
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def list_schemes(out: TextIO, as_json: bool) -> int:
    """Print every registered scheme with its parameters and defaults, then what is left out and why."""
    schemes = registered_schemes()
    if as_json:
        listing = {
            "schemes": {
                name: {
                    "summary": s.summary,
                    "source": s.source,
                    "parameters": s.model_json_schema()["properties"],
                }
                for name, s in schemes.items()
            },
            "left_out": LEFT_OUT,
        }
        print(json.dumps(listing, indent=2), file=out)
        return 0
    for name, scheme in schemes.items():
        print(f"{name}: {scheme.summary}\n  {scheme.source}", file=out)
        for field, info in scheme.model_fields.items():
            default = "required" if info.is_required() else f"default {json.dumps(info.default)}"
            if field == "vocab_size":
                default = "default: the tokenizer's"
            print(f"  {field} ({default}){': ' + info.description if info.description else ''}", file=out)
        print(file=out)
    print("left out:", file=out)
    for name, reason in LEFT_OUT.items():
        print(f"  {name}: {reason}", file=out)
    return 0


def detect_file(args: argparse.Namespace, out: TextIO) -> int:
    """Look for the configured watermarks in one file; 1 if any corrected p is below the level, else 0."""
    if not 0.0 < args.level < 1.0:
        raise UsageError(f"--level must lie between 0 and 1, not {args.level}")
    configs = _configs(args)
    raw = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{args.file}: not UTF-8 text (byte {error.start})") from None
    if args.among is not None and args.token_ids:
        raise UsageError("--among holds text: give the text too, not --token-ids")
    among = [] if args.among is None else _documents(args.among)
    read: dict[str, _Read] = {}
    for name in sorted({config.tokenizer for config in configs}):
        if args.token_ids:
            read[name] = _Read(_token_ids(text, args.file), [], None, [])
        else:
            tokenizer = Tokenizer(name)
            tokens, offsets = tokenizer.encode(among)
            others = [tokens[a:b] for a, b in pairwise(offsets.tolist())]
            read[name] = _Read(*tokenizer.encode_with_spans(text), tokenizer.vocab_size, others)
    rows = [_row(config, read[config.tokenizer], len(configs)) for config in configs]
    found = [row for row in rows if row["p_corrected"] < args.level]
    best = min(row["p_corrected"] for row in rows)
    if args.json:
        print(json.dumps({"tried": len(rows), "llr": watermark_llr(best), "watermarks": rows}), file=out)
    else:
        for row in rows:
            _print(row, out, row in found)
    return 1 if found else 0


def _configs(args: argparse.Namespace) -> list[WatermarkConfig]:
    if args.config is not None:
        if args.scheme or args.tokenizer or args.parameters:
            raise UsageError("--config names schemes, tokenizers and parameters: give it alone")
        section = (yaml.safe_load(args.config.read_text(encoding="utf-8")) or {}).get("watermarks")
        if not isinstance(section, list) or not section:
            raise UsageError(f"{args.config}: no entries under `watermarks`")
        return [WatermarkConfig.model_validate(entry) for entry in section]
    if args.tokenizer is None and not args.token_ids:
        raise UsageError("say which tokenizer the marked model used: --tokenizer PATH or hub id, or --config")
    if args.token_ids and args.vocab_size is None and not args.scheme:
        raise UsageError("--token-ids needs --vocab-size, the vocabulary of the model")
    tokenizer = args.tokenizer or "token ids"
    if not args.scheme:
        if args.parameters:
            raise UsageError("--parameters are of one --scheme")
        return published_defaults(tokenizer, args.vocab_size)
    try:
        parameters = json.loads(args.parameters or "{}")
    except ValueError as error:
        raise UsageError(f"--parameters is not JSON: {error}") from None
    if not isinstance(parameters, dict):
        raise UsageError("--parameters must be a JSON object")
    scheme = registered_schemes().get(args.scheme)
    if args.vocab_size is not None and scheme is not None and "vocab_size" in scheme.model_fields:
        parameters.setdefault("vocab_size", args.vocab_size)
    return [WatermarkConfig(name=args.scheme, scheme=args.scheme, tokenizer=tokenizer, parameters=parameters)]


def _scheme(config: WatermarkConfig, vocab_size: int | None) -> Scheme:
    needs_size = "vocab_size" in registered_schemes()[config.scheme].model_fields
    if vocab_size is None and needs_size and "vocab_size" not in config.parameters:
        raise UsageError(f"watermark {config.name!r} needs vocab_size, as token ids do not tell it")
    return config.build(vocab_size or 2)


def _token_ids(text: str, name: str) -> I64:
    words = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
    try:
        return np.array([int(word) for word in words], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name}: not a list of token ids ({error})") from None


def _documents(path: Path) -> list[str]:
    """The documents of `path`, at most _OTHERS, one a line: plain text, or JSON objects with `text`."""
    documents: list[str] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if path.suffix == ".jsonl":
                try:
                    line = str(json.loads(line)["text"])
                except (ValueError, KeyError, TypeError):
                    raise ValueError(f"{path}: line {number} is not a JSON object with `text`") from None
            documents.append(line)
            if len(documents) == _OTHERS:
                break
    if len(documents) < ENOUGH:
        raise ValueError(
            f"{path}: {len(documents)} documents are too few to compare with; give {ENOUGH} or more"
        )
    return documents


def _row(config: WatermarkConfig, read: _Read, tried: int) -> dict[str, Any]:
    spans = read.spans
    scheme = _scheme(config, read.vocab_size)
    found = detect(read.ids, scheme, read.others)
    # evidence: the coins that fell on the watermark's side of what an unmarked text gives
    telling = found.positions[found.values > scheme.expected_value]
    return {
        "name": config.name,
        "scheme": config.scheme,
        "key": scheme.key,
        "z": found.z if math.isfinite(found.z) else None,
        "score": found.score if math.isfinite(found.score) else None,
        "p_value": found.p_value,
        "p_corrected": float(sidak(found.p_value, tried)),
        "scored": found.scored,
        "tokens": found.tokens,
        "judged": found.tokens >= scheme.min_tokens,
        "positions": telling.tolist(),
        "characters": [spans[k] for k in telling] if spans else [],
    }


def _print(row: dict[str, Any], out: TextIO, found: bool) -> None:
    if not row["judged"]:
        print(
            f"{row['name']} ({row['scheme']}): too short to judge, {row['tokens']} distinct tokens", file=out
        )
        return
    verdict = "FOUND" if found else "not found"
    z = "-" if row["z"] is None else f"{row['z']:.2f}"
    print(f"{row['name']} ({row['scheme']} {row['key']}): {verdict}", file=out)
    print(
        f"  z {z}  p {row['p_value']:.3g}  corrected {row['p_corrected']:.3g}  tokens {row['tokens']}",
        file=out,
    )
    if found:
        shown = " ".join(str(k) for k in row["positions"][:_SHOWN])
        more = len(row["positions"]) - _SHOWN
        print(f"  evidence at tokens {shown}{f' and {more} more' if more > 0 else ''}", file=out)
