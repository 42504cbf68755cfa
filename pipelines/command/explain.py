"""`provenance explain`: every piece of evidence behind one decision."""

from __future__ import annotations

import json

from pipelines.command.parser import Arguments, Commands
from pipelines.command.places import place
from pipelines.command.reading import storage_of
from provenance.errors import DataError


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "every piece of evidence behind one decision"
    parser = commands.add_parser("explain", help=text, description=text)
    parser.add_argument("release", type=place, metavar="RELEASE", help="directory of a release")
    parser.add_argument("doc_id", metavar="DOC_ID", help="a doc_id of its ledger")
    parser.add_argument("--json", action="store_true", help="print the explanation as JSON")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Print what the release says about one record."""
    from provenance.release.explain import describe, explain

    found = explain(storage_of(arguments.release), arguments.release, arguments.doc_id)
    if found is None:
        raise DataError(f"{arguments.release}: no record has the doc_id {arguments.doc_id!r}")
    print(json.dumps(found, indent=1, default=str, ensure_ascii=False) if arguments.json else describe(found))
    return 0
