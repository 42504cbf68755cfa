"""`provenance list`: the records of a ledger by what became of them, with counts."""

from __future__ import annotations

import json

from pipelines.command.parser import Arguments, Commands, whole
from pipelines.command.places import place
from pipelines.command.reading import storage_of

_SHOWN = 20


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "records of the ledger by decision, reason, host or address, with counts"
    parser = commands.add_parser("list", help=text, description=text)
    parser.add_argument("release", type=place, metavar="RELEASE", help="directory of a release")
    parser.add_argument("--decision", choices=("kept", "dropped", "failed"), help="what became of them")
    parser.add_argument("--reason", metavar="REASON", help="a reason of docs/ledger.md, such as duplicate")
    parser.add_argument("--host", metavar="HOST", help="a host; those below it too")
    parser.add_argument("--url", metavar="PREFIX", help="how the address begins")
    parser.add_argument("--input", metavar="PREFIX", help="how the name of the input file begins")
    parser.add_argument(
        "--limit", type=whole, default=_SHOWN, metavar="N", help=f"records shown ({_SHOWN}; 0: all)"
    )
    parser.add_argument("--json", action="store_true", help="print counts and records as JSON")
    parser.set_defaults(run=run)


def run(arguments: Arguments) -> int:
    """Print the counts of what was asked for, then its first records."""
    from provenance.release.listing import Query, list_records

    query = Query(
        decision=arguments.decision,
        reason=arguments.reason,
        host=arguments.host,
        url=arguments.url,
        input=arguments.input,
    )
    release = arguments.release
    found = list_records(storage_of(release), release, query, arguments.limit or None)
    if arguments.json:
        print(json.dumps(found.as_json(), indent=1, default=str, ensure_ascii=False))
    else:
        print(found.describe())
    return 0
