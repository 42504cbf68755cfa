"""`provenance audit` and `sketch`: the synthetic share of datasets, and whether their diversity collapses."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import destination_file, place
from pipelines.command.reading import storage_of
from provenance.errors import UsageError

if TYPE_CHECKING:
    from provenance.audit.versions import Settings
    from provenance.files.storage import Storage

_DIMENSIONS = ("language", "source", "year", "band")
_INPUTS = "a release, a file or directory of Parquet, Arrow, JSON lines or plain text, or a file of sketches"


def add_to(commands: Commands) -> None:
    """Add both commands to the parser."""
    text = "estimate the synthetic share of datasets, and compare their diversity with a baseline's"
    parser = commands.add_parser("audit", help=text, description=text)
    parser.add_argument("datasets", type=place, nargs="+", metavar="DATASET", help=_INPUTS)
    parser.add_argument(
        "--baseline",
        type=place,
        metavar="DATASET",
        help="what to compare with (of several datasets: the first)",
    )
    _add_reading(parser)
    parser.add_argument(
        "--tolerance",
        type=_tolerance,
        action="append",
        default=[],
        metavar="MEASURE=CHANGE",
        help="largest change for the worse, such as rare_coverage_words=0.05",
    )
    parser.add_argument(
        "--embeddings",
        metavar="MODEL",
        help="Vendi score and MAUVE of sampled documents, as the transformers model in this folder embeds them (extra "
        "`neural`), or of their hashed words: tfidf",
    )
    parser.add_argument(
        "--html", type=destination_file, metavar="FILE", help="write the report as a page, too"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--watch",
        action="store_true",
        help="each entry of the directory DATASET is a version: one line of JSON for each, by name",
    )
    parser.set_defaults(run=run_audit)

    text = "write the mergeable statistics of datasets, from which audits are made without reading them again"
    parser = commands.add_parser("sketch", help=text, description=text)
    parser.add_argument("datasets", type=place, nargs="+", metavar="DATASET", help=f"{_INPUTS}; they add up")
    parser.add_argument(
        "--output", type=destination_file, required=True, metavar="FILE", help="a name that ends in .sketch"
    )
    _add_reading(parser)
    parser.add_argument(
        "--keep-texts",
        action="store_true",
        help="keep the beginnings of up to 2,048 sampled documents in it, which `audit --embeddings MODEL` needs",
    )
    parser.set_defaults(run=run_sketch)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text-field", default="text", metavar="NAME", help="the field that holds the text")
    parser.add_argument(
        "--prompt-field", metavar="NAME", help="of a model's outputs: what the text responds to"
    )
    parser.add_argument(
        "--by",
        type=_dimensions,
        default=(),
        metavar="LIST",
        help=f"compare parts as well, of {', '.join(_DIMENSIONS)} (a comma between)",
    )


def run_audit(arguments: Arguments) -> int:
    """Print the report; 1 where a measure fell by more than its tolerance."""
    from provenance.audit.page import write_page
    from provenance.audit.report import describe
    from provenance.audit.sketches.compare import FAIL
    from provenance.audit.versions import audit

    datasets, baseline = arguments.datasets, arguments.baseline
    storage = storage_of(*datasets, baseline or "")
    settings = _settings(arguments)
    if arguments.embeddings and not (arguments.watch or baseline or len(datasets) > 1):
        raise UsageError("--embeddings compares: name a --baseline, or more than one dataset")
    if arguments.watch:
        return _watch(storage, arguments, settings)
    found = audit(storage, datasets, baseline, settings)
    if arguments.html:
        with storage_of(arguments.html).create(arguments.html) as file:
            file.write(write_page(found).encode("utf-8"))
    print(json.dumps(found, indent=1, ensure_ascii=False) if arguments.json else describe(found))
    return int(found["status"] == FAIL)


def run_sketch(arguments: Arguments) -> int:
    """Write the sketch of all datasets together."""
    from provenance.audit.inputs import SKETCH
    from provenance.audit.versions import sketch_dataset

    output = arguments.output
    if not output.endswith(SKETCH):
        raise UsageError(f"--output {output}: name a file that ends in {SKETCH}, by which audits know it")
    storage = storage_of(*arguments.datasets)
    settings = _settings(arguments)
    sketches = sketch_dataset(storage, arguments.datasets[0], settings)
    for dataset in arguments.datasets[1:]:
        sketches.merge(sketch_dataset(storage, dataset, settings))
    with storage_of(output).create(output) as file:
        file.write(sketches.to_bytes())
    print(f"{output}: {sketches.whole.documents:,} documents, {sketches.whole.words:,} words")
    return 0


def _watch(storage: Storage, arguments: Arguments, settings: Settings) -> int:
    """One line of JSON for each version in a directory; 1 where one of them failed."""
    from provenance.audit.sketches.compare import FAIL, WARN
    from provenance.audit.versions import Baseline, Version, report, sketch_dataset
    from provenance.files.storage import join

    if len(arguments.datasets) != 1:
        raise UsageError("--watch takes one DATASET, the directory that holds the versions")
    if storage.info(join(arguments.datasets[0], "manifest.json")) is not None:
        raise UsageError(
            f"{arguments.datasets[0]}: is a release itself; --watch takes the directory that holds the versions"
        )
    versions = list(_versions(storage, arguments.datasets[0]))
    baseline = arguments.baseline or (versions[0] if versions else None)
    if baseline is None:
        raise UsageError(f"{arguments.datasets[0]}: holds no versions to watch")
    against = Baseline(baseline, sketch_dataset(storage, baseline, settings), settings)
    failed = False
    for version in versions:
        if version == baseline:
            continue
        found = report(Version(version, sketch_dataset(storage, version, settings)), against)
        compared = found["diversity"]["baseline"]
        measures = compared["measures"]
        line: dict[str, Any] = {
            "dataset": version,
            "baseline": baseline,
            "status": found["status"],
            "documents": found["documents"],
            "failed": [name for name, item in measures.items() if item["status"] == FAIL],
            "warned": [name for name, item in measures.items() if item["status"] == WARN],
            "changes": {
                name: round(item["change"], 6) for name, item in measures.items() if "change" in item
            },
        }
        if "note" in compared:  # why nothing could be told
            line["note"] = compared["note"]
        print(json.dumps(line, ensure_ascii=False), flush=True)
        failed = failed or found["status"] == FAIL
    return int(failed)


def _versions(storage: Storage, directory: str) -> Iterator[str]:
    """The entries of a directory that are datasets, by name: folders with files, and files that an audit reads."""
    from provenance.audit.inputs import ENDINGS, SKETCH

    prefix = directory.rstrip("/") + "/"
    entries = {item.path[len(prefix) :].partition("/")[:2] for item in storage.list(directory)}
    for name, folder in sorted(entries):
        if not name.startswith(".") and (folder or name.endswith((*ENDINGS, SKETCH))):
            yield prefix + name


def _settings(arguments: Arguments) -> Settings:
    from provenance.audit.embeddings import TFIDF, make_embedding
    from provenance.audit.sketches import compare, sampled
    from provenance.audit.versions import Settings

    tolerances = dict(getattr(arguments, "tolerance", []))
    names = (*compare.NAMES, *sampled.NAMES)
    for name in tolerances:
        if name not in names:
            raise UsageError(f"--tolerance {name}: there is no such measure; there are {', '.join(names)}")
    model = getattr(arguments, "embeddings", None)
    return Settings(
        text=arguments.text_field,
        prompt=arguments.prompt_field,
        dimensions=arguments.by,
        tolerances=tolerances,
        embedding=make_embedding(model) if model else None,
        keep_texts=getattr(arguments, "keep_texts", False) or model not in (None, TFIDF),
    )


def _dimensions(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in _DIMENSIONS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(_DIMENSIONS)}")
    return names


def _tolerance(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: write MEASURE=CHANGE, such as rare_coverage_words=0.05")
    return name, number
