"""`provenance audit`: estimate the synthetic share of a dataset, and measure its diversity."""

from __future__ import annotations

import json

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "estimate the synthetic share of a dataset, and measure its diversity"
    parser = commands.add_parser("audit", help=text, description=text)
    parser.add_argument(
        "dataset",
        type=place,
        metavar="DATASET",
        help="a release, or a directory or file of Parquet with text",
    )
    parser.add_argument(
        "--baseline", type=place, metavar="DATASET", help="a dataset to compare the diversity with"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Print the report."""
    from provenance.audit.estimate import audit
    from provenance.audit.report import describe

    dataset, baseline = arguments.dataset, arguments.baseline
    found = audit(storage_of(dataset, baseline or ""), dataset, baseline)
    print(json.dumps(found, indent=1, ensure_ascii=False) if arguments.json else describe(found))
    return 0
